"""Catching up: what was made here, what arrived, what moved. Every reading command does this first, so the answer is right
even when no hook ever ran; with nothing new it costs no process beyond the reading of the refs."""

from collections.abc import Callable

from contextgraph import capture, sync
from contextgraph.capture import mined, spool, staged
from contextgraph.errors import GitError
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.index.history import History, Progress
from contextgraph.index.noted import Noted
from contextgraph.notes import Store
from contextgraph.refs import Refs
from contextgraph.status import chains, inverses, kept, landing, linking, returns, reverts, standing
from contextgraph.status.landing import Target
from contextgraph.trace import Trace


def record(git: Git, store: Store, when: str, installed: bool, masked: Callable[[Trace], Trace]) -> None:
    """Record what was made here, where `cg init` was run, or where something is staged; `masked` takes secrets out of it.

    Raises Error when nothing can be written.
    """
    spool.unstick(git.home)
    pending = staged.path(git).exists() or bool(staged.shas(git.home))
    if (installed or pending) and capture.due(git):
        capture.made_here(git, store, when, masked)


def publish(store: Store, refs: Refs, partial_clone: bool) -> tuple[str | None, bool]:
    """Bring the journal, and what a fetch brought from remotes, into the notes ref; returns its commit, and whether that
    holds everything of ours. Raises Error in a partial clone, where a fetch brings notes without their text."""
    tip, done = refs.notes, True
    if not store.settled(tip):
        done = store.flush(tip)
        tip = store.tip()
    return sync.arrived(store, refs.tracking, tip, partial_clone), done


def index(database: Database, git: Git, store: Store, refs: Refs, notes: str | None, target: Target | None, progress: Progress) -> set[str]:
    """Bring the projection in step with heads and notes, and with the target branch; returns the keys whose notes changed."""
    history = History(database, git, mined.own_words)
    history.sync(refs.tips, progress)
    noted = Noted(database, store)
    changed = noted.sync(notes, progress)
    if changed:
        history.add(sorted(changed))
    noted.straighten(changed)
    landing.sync(database, git, target)
    try:
        reverts.sync(database, git)
        chains.sync(database, git)
        inverses.sync(database, git)
        returns.sync(database, git)
        kept.sync(database, git)
        if not inverses.waiting(database):
            standing.sync(database, git, standing.AT_ONCE)
    except GitError as error:
        if "promisor" not in error.message:
            raise
        # A partial clone whose remote cannot be reached: what is not read now is read at a later look; `cg check` says it.
    return changed


def follow(database: Database, git: Git, store: Store, refs: Refs, changed: set[str], installed: bool) -> None:
    """Follow commits that were rewritten without a hook. The links are the same bytes in every clone; where nothing may
    be recorded (no `cg init` here) the index alone has them."""
    told: set[tuple[str, bytes]] = set()
    # A line that is found twice was not taken in, for a reason that is not seen here; to ask again would never end.
    while lines := [line for line in linking.find(database, git, changed, refs.heads.values()) if line not in told]:
        told.update(lines)
        Noted(database, store).add(lines)
        if installed:
            store.append(lines)
        changed = {key for key, _ in lines}  # what they were carried into may have been carried on
