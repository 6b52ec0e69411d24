"""Where reasons come from: a source is a module here. Each gives decisions or events; none prints.

`made_here` is the whole of automatic capture: what the hooks spooled and what the reflogs show, as event lines.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec

from contextgraph import commits
from contextgraph.capture import record, reflog, rewrites, spool, staged
from contextgraph.errors import GitError
from contextgraph.event import Event
from contextgraph.git import Git
from contextgraph.lock import locked, replace
from contextgraph.notes import Store
from contextgraph.trace import Trace


class Seen(msgspec.Struct, frozen=True):
    """How far capture has looked: a mark in each worktree's HEAD reflog, and how many commits asked to be skipped.

    `skips` names the latest of those: a reflog in the midst of a rebase, or a decision still staged, meets them again later.
    """

    reflogs: dict[str, reflog.Mark] = {}
    skipped: int = 0
    skips: list[str] = []


SKIPS = 200
"""Skipped commits that are remembered by name."""


class Made(msgspec.Struct):
    """What was found to be made here: commit -> branch, those left by a rebase, rewrites (how, old, new), and what to leave out."""

    commits: dict[str, str] = {}
    picks: dict[str, str] = {}
    pairs: list[tuple[str, str, str]] = []
    skipped: set[str] = set()


def seen(home: Path) -> Seen | None:
    """The state of capture; None before its beginning. A damaged file counts as none: capture begins anew."""
    try:
        return msgspec.json.decode((home / "seen").read_bytes(), type=Seen)
    except (FileNotFoundError, ValueError, msgspec.DecodeError):  # ValueError: no UTF-8
        return None


def begin(git: Git) -> None:
    """Take everything that is here now as seen: what was made before contextgraph came is history, not ours."""
    if seen(git.home) is None:
        marks = {name: reflog.mark(log) for name, log in reflog.files(git).items()}
        replace(git.home / "seen", msgspec.json.encode(Seen(marks)))


def due(git: Git) -> bool:
    """Whether `made_here` has anything to look at; a few stats, no process."""
    known = seen(git.home)
    marks = known.reflogs if known else {}
    return spool.waiting(git.home) or any(reflog.behind(log, marks.get(name)) for name, log in reflog.files(git).items())


def made_here(git: Git, store: Store, when: str, masked: Callable[[Trace], Trace] = lambda given: given) -> int:
    """Record what was made in this clone since the last look; returns how many events were written.

    `when`: `always`, or `decisions` for commits that have some; `masked` takes secrets out of what is recorded.
    Events are in the journal before the spool is emptied and the marks move, so a crash at any point only repeats work that
    gives the same bytes.
    """
    with locked(git.home / "capture.lock"):
        known = seen(git.home)
        if known is None:
            begin(git)
            known = seen(git.home) or Seen()
        drained = spool.drain(git.home)
        asked = set(drained.skipped) - set(known.skips)
        made = Made(dict(drained.commits), {}, list(drained.pairs), asked | set(known.skips))
        marks = _from_reflogs(git, known, made)
        staged.bind(git, made.skipped)
        bound = staged.shas(git.home) - made.skipped
        for sha in bound - made.commits.keys():
            made.commits[sha] = ""
        lines = _lines(git, store, made, when, masked)
        if lines:
            store.journal.append(lines)
        # What is bound to a commit that is not here (pruned, or in a repository being repaired) stays where it is.
        staged.forget(git.home, _existing(git, sorted(bound)))
        # A fast-forward with CG_SKIP=1 makes no commit, so there is none that was skipped.
        skips = [sha for sha in sorted(asked) if drained.skipped[sha] == "commit" or sha in made.commits]
        after = Seen(marks, known.skipped + len(skips), [*known.skips, *skips][-SKIPS:])
        if after != known:
            replace(git.home / "seen", msgspec.json.encode(after))
        spool.finish(git.home, drained)
    return len(lines)


def _from_reflogs(git: Git, known: Seen, made: Made) -> dict[str, reflog.Mark]:
    """Add what the reflogs show to `made`; returns the new marks."""
    marks = dict(known.reflogs)
    for name, log in reflog.files(git).items():
        entries, mark = reflog.since(log, marks.get(name, reflog.Mark()))
        marks[name] = mark
        made.pairs = rewrites.pairs(git, entries, made.pairs)
        fresh = [entry for entry in entries if entry.candidate and not _worktree_birth(name, entry)]
        foreign = reflog.strangers(git, fresh)
        picked = _reachable(git, {entry.new for entry in fresh if entry.rebase})
        for entry in fresh:
            if entry.rebase and entry.new in picked:
                made.picks[entry.new] = entry.branch
            elif not entry.rebase and entry.new not in foreign:
                made.commits.setdefault(entry.new, entry.branch)
    return marks


def _worktree_birth(name: str, entry: reflog.Entry) -> bool:
    """`git worktree add` begins a reflog with an entry that has no action, at a commit that somebody made before."""
    return name != "main" and not entry.action and not entry.old.strip("0")


def _reachable(git: Git, picks: set[str]) -> set[str]:
    """Of the commits a rebase made, those that are left at the end; the intermediate ones are nobody's work."""
    if not picks:
        return set()
    asked = "".join(f"{sha}\n" for sha in picks)
    try:
        gone = git.run("rev-list", "--no-walk", "--ignore-missing", "--stdin", stdin=asked.encode())
        unreached = git.run("rev-list", "--ignore-missing", "--stdin", "--not", "--branches", "HEAD", stdin=asked.encode())
    except GitError:
        return set()
    return set(gone.decode().split()) - set(unreached.decode().split())


def _lines(git: Git, store: Store, made: Made, when: str, masked: Callable[[Trace], Trace]) -> list[tuple[str, bytes]]:
    """The event lines for `made`, less those that the notes hold in substance already."""
    branches = made.picks | made.commits
    targets = list(dict.fromkeys([*branches, *(new for _, _, new in made.pairs)]))
    there = _existing(git, targets)
    noted, automatic = _recorded(store, {*there, *(old for _, old, _ in made.pairs)}) if targets else (set(), set())
    found = {commit.sha: commit for commit in commits.read(git, there, details=False)}
    lines: list[tuple[str, bytes]] = []
    holders = noted | branches.keys()
    for how, old, new in _in_order(made.pairs):
        if new in found and old != new and old in holders:
            holders.add(new)
            lines.append((new, record.carried(found[new], old, how)))
    carried = {key for key, _ in lines}
    for sha in set(targets) & found.keys() - made.skipped:
        decisions = staged.bound(git.home, sha)
        events = record.automatic(found[sha], branches.get(sha, ""), decisions, masked)
        bare = not any(b'"decisions":' in line for line in events)
        # A pick of a rebase has its reasons carried; only a message that speaks for itself makes it a record of its own.
        needless = bare and (when == "decisions" or (sha in carried and sha not in made.commits))
        if not needless and (decisions or sha not in automatic):
            lines += [(sha, line) for line in events]
    return lines


def _in_order(pairs: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Rewrites of rewrites come after what they were made from, wherever the hooks and the reflogs told of them."""
    ordered: list[tuple[str, str, str]] = []
    waiting = list(dict.fromkeys(pairs))
    while waiting:
        pending = {new for _, _, new in waiting}
        ready = [pair for pair in waiting if pair[1] not in pending] or waiting
        ordered += ready
        waiting = [pair for pair in waiting if pair not in ready]
    return ordered


def _existing(git: Git, shas: list[str]) -> list[str]:
    """Those that are commits here: a spool or a reflog may name what was pruned since."""
    if not shas:
        return []
    answer = git.run("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin="".join(f"{sha}\n" for sha in shas).encode())
    return [line.split()[0] for line in answer.decode().splitlines() if line.endswith(" commit")]


def _recorded(store: Store, shas: set[str]) -> tuple[set[str], set[str]]:
    """Those that have a record of their own or carried in, and those that have the automatic one (it has the branch)."""
    tip = store.tip()
    noted: set[str] = set()
    automatic: set[str] = set()
    for key, events in store.events(tip, shas) if tip else ():
        for each in events:
            if isinstance(each, Event) and each.kind in ("recorded", "carried"):
                noted.add(key)
                if each.kind == "recorded" and "branch" in each.body.get("trace", {}):
                    automatic.add(key)
    return noted, automatic
