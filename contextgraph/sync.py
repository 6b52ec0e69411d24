"""Rules of sharing: what came in is merged, what is ours goes out, nothing is forced and nothing is lost."""

import random
import time
from collections.abc import Mapping

import msgspec

from contextgraph import lag, merge, tombstones, transfer
from contextgraph.errors import Error, UsageError
from contextgraph.git import Git
from contextgraph.lock import replace
from contextgraph.notes import Store
from contextgraph.refs import TRACKING
from contextgraph.transfer import RejectedError, tracking

TRIES = 12
"""Rounds of fetch, merge and push before a remote that moves all the time is left for later."""


class Synced(msgspec.Struct):
    """What one sync did. `received` and `sent` count events; `warnings` are sentences for people."""

    remote: str
    received: int = 0
    sent: int = 0
    tip: str | None = None
    warnings: list[str] = []


def choose(settings: Mapping[str, list[str]], asked: str) -> str:
    """The remote to sync with: the one asked for, else origin, else the only one. Raises UsageError, Error."""
    known = lag.remotes(settings)
    if asked:
        if asked not in known:
            raise UsageError(f"there is no remote `{asked}` here", f"known: {', '.join(known)}" if known else "`git remote add` makes one")
        return asked
    if not known:
        raise Error("this repository has no remote to share notes with", "`git remote add origin URL` names one")
    if "origin" in known:
        return "origin"
    if len(known) > 1:
        raise UsageError(f"there are several remotes and none is `origin`: {', '.join(known)}", f"name one: cg sync {known[0]}")
    return known[0]


def partial(settings: Mapping[str, list[str]]) -> bool:
    """Whether this is a partial clone: then blobs come only when they are asked for."""
    return any(name.startswith("remote.") and name.endswith((".promisor", ".partialclonefilter")) for name in settings)


def run(
    store: Store,
    settings: Mapping[str, list[str]],
    remote: str,
    progress: transfer.Progress,
    fetch: bool = True,
    push: bool = True,
) -> Synced:
    """Fetch, merge, push, again while the remote moves in between. Raises Error: one sentence, and nothing is lost then."""
    done = Synced(remote)
    for attempt in range(TRIES):
        if attempt:  # full jitter: clones that collided once must not do so again
            time.sleep(random.uniform(0.02, min(2.0, 0.1 * 2**attempt)))
        if fetch:
            transfer.fetch(store.git, remote, partial(settings), progress)
            lag.asked(store.git, remote)
            _take(store, done, joined=push)
        store.flush()
        done.tip = store.tip()
        if not push or done.tip is None:
            _remember(store, remote)
            return done
        try:
            _give(store, done, progress)
        except RejectedError:
            if fetch:
                continue
            raise
        _remember(store, remote)
        drop_journal(store, seen(store.git, remote))
        return done
    raise RejectedError(f"`{remote}` moves faster than we can follow", "repeat the command; nothing is lost")


def _take(store: Store, done: Synced, joined: bool) -> None:
    """Merge what the tracking ref holds into ours."""
    theirs = seen(store.git, done.remote)
    if theirs is None:
        return
    before = store.tip()
    after = merge.advance(store, lambda tip: _union(store, tip, theirs, joined))
    if before != after:
        done.received += merge.lost(store, after, before) if before else sum(len(lines) for _, lines in store.lines(after))
    purged = tombstones.load(store.git.home)
    if purged and joined and not merge.cleansed(store.git, theirs) >= purged and _holds(store, theirs, purged):
        done.warnings.append(
            f"the history of the notes on `{done.remote}` still holds what was purged; `cg purge ID --push` takes it out there"
        )


class Clean(msgspec.Struct, frozen=True):
    """A notes commit in whose history none of these purged ids was found."""

    tip: str = ""
    ids: frozenset[str] = frozenset()


def _holds(store: Store, theirs: str, purged: frozenset[str]) -> bool:
    """Whether any note in the history of `theirs` still has something that is purged. What was looked through is remembered."""
    path = store.git.home / "clean"
    try:
        known = msgspec.json.decode(path.read_bytes(), type=Clean)
    except (OSError, ValueError, msgspec.DecodeError):
        known = Clean()
    before = known.tip if known.tip and known.ids == purged and merge.descends(store.git, theirs, known.tip) else None
    if before == theirs:
        return False
    if merge.holds(store.git, theirs, before, purged):
        return True
    replace(path, msgspec.json.encode(Clean(theirs, purged)))
    return False


def _union(store: Store, tip: str | None, theirs: str, joined: bool) -> str:
    return merge.merge(store, tip, theirs, joined) if tip else theirs


def _give(store: Store, done: Synced, progress: transfer.Progress) -> None:
    """Push our notes commit as it is now, unless the remote has it. Raises Error when it would take events away there."""
    git = store.git
    theirs = seen(git, done.remote)
    done.tip = store.tip()
    if done.tip is None or theirs == done.tip:
        return
    if theirs is not None and (missing := merge.lost(store, theirs, done.tip)):
        raise Error(
            f"the notes here have lost {missing} events that `{done.remote}` has, without a tombstone: they are not pushed",
            f"`cg sync {done.remote}` brings them back",
        )
    transfer.push(git, done.remote, done.tip, progress)
    done.sent += merge.lost(store, done.tip, theirs) if theirs else sum(len(lines) for _, lines in store.lines(done.tip))
    git.run("update-ref", "-m", "contextgraph: pushed", tracking(done.remote), done.tip)


def seen(git: Git, remote: str) -> str | None:
    """The notes commit of a remote at the last look."""
    return git.maybe("rev-parse", "--verify", "--quiet", tracking(remote))


class Merged(msgspec.Struct, frozen=True):
    """What catch-up merged last: our notes commit after it, and the remotes' tips that it holds."""

    tip: str = ""
    remotes: dict[str, str] = {}


def arrived(store: Store, tips: Mapping[str, str], ours: str | None, partial_clone: bool) -> str | None:
    """Merge what a plain fetch or pull brought in; returns our notes commit after it. No process when nothing is new.

    Raises Error in a partial clone, where a fetch brings notes without their text.
    """
    theirs = {name: tip for name, tip in tips.items() if name.startswith(TRACKING) and name.endswith("/contextgraph")}
    known = _merged(store)
    if not theirs or known == Merged(ours or "", theirs):
        return ours
    for tip in sorted(set(theirs.values())):
        if ours is None or tip not in known.remotes.values() or not merge.descends(store.git, ours, tip):
            if partial_clone and tip not in known.remotes.values():
                raise Error("notes arrived without their text, as in any partial clone", "`cg sync` brings it")
            ours = merge.advance(store, lambda now, tip=tip: _union(store, now, tip, joined=False))  # type: ignore[misc]
    replace(store.git.home / "merged", msgspec.json.encode(Merged(ours or "", theirs)))
    return ours


def _merged(store: Store) -> Merged:
    try:
        return msgspec.json.decode((store.git.home / "merged").read_bytes(), type=Merged)
    except (OSError, ValueError, msgspec.DecodeError):
        return Merged()


def _remember(store: Store, remote: str) -> None:
    """What a sync has merged needs no second look by the next catch-up."""
    theirs = seen(store.git, remote)
    if theirs is not None:
        known = Merged(store.tip() or "", {**_merged(store).remotes, tracking(remote): theirs})
        replace(store.git.home / "merged", msgspec.json.encode(known))


def drop_journal(store: Store, theirs: str | None) -> int:
    """Delete the journal segments whose every event a remote holds; returns how many. The last one is being written: it stays."""
    dropped = 0
    for segment in store.journal.segments()[:-1] if theirs else ():
        wanted: dict[str, set[bytes]] = {}
        for key, line in store.journal.read(segment):
            wanted.setdefault(key, set()).add(line)
        there = {key: set(lines) for key, lines in store.lines(theirs or "", wanted)} if wanted else {}
        purged = tombstones.load(store.git.home)
        if all(tombstones.alive(lines, key, purged) <= there.get(key, set()) for key, lines in wanted.items()):
            store.journal.drop(segment)
            dropped += 1
    return dropped
