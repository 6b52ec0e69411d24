"""Two sets of notes into one: set union by key, the same commit whoever merges and in whatever order.

Nothing here moves a ref but `advance`, which does it by compare-and-swap.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping

from contextgraph import notetree, tombstones
from contextgraph.errors import Error, GitError
from contextgraph.git import NOTES_REF, Git
from contextgraph.lock import locked
from contextgraph.notes import TRIES, Store

CLEANSED = "contextgraph: the history before a purge was dropped"
"""First line of the message of the root commit that a purge makes; the purged ids follow, one a line."""

Notes = dict[str, set[bytes]]


def merge(store: Store, ours: str, theirs: str, joined: bool = False) -> str:
    """The notes commit that holds what both hold, less what is purged. Learns tombstones that came with either.

    The answer does not depend on the order of the two. A side that holds everything already is the answer, unchanged.
    With `joined` the answer is a descendant of `theirs`, so that it can be pushed there without force.
    """
    if ours == theirs:
        return ours
    differing = store.since(ours, theirs)
    a, b = _read(store, ours, differing), _read(store, theirs, differing)
    purged = _learn(store, a, b)
    union = {key: tombstones.alive(a.get(key, set()) | b.get(key, set()), key, purged) for key in {*a, *b}}
    for side in (ours, theirs) if purged - tombstones.load(store.git.home) else ():
        union |= _elsewhere(store, side, purged, union)
    tombstones.add(store.git.home, purged)
    whole = [side for side, has in ((ours, a), (theirs, b)) if all(has.get(key, set()) == lines for key, lines in union.items())]
    if joined:
        return _joined(store, ours, theirs, whole, union)
    if whole:
        return _one(store.git, whole)
    return compose(store, union, _parents(store.git, ours, theirs))


def _joined(store: Store, ours: str, theirs: str, whole: list[str], union: Notes) -> str:
    if theirs in whole:
        return theirs
    if ours in whole and descends(store.git, ours, theirs):
        return ours
    parents = _parents(store.git, ours, theirs)
    return compose(store, union, parents if theirs in parents else sorted((ours, theirs)))


def _read(store: Store, tip: str, keys: set[str] | None) -> Notes:
    return {key: set(lines) for key, lines in store.lines(tip, keys)} if keys is None or keys else {}


def _learn(store: Store, *sides: Notes) -> frozenset[str]:
    found = {target for side in sides for key, lines in side.items() for target in tombstones.targets(lines, key)}
    return tombstones.load(store.git.home) | found


def _elsewhere(store: Store, tip: str, purged: frozenset[str], done: Notes) -> Notes:
    """Notes of `tip` outside `done` that a tombstone just learned of changes."""
    found: Notes = {}
    for key, lines in store.lines(tip):
        if key not in done and (left := tombstones.alive(lines, key, purged)) != set(lines):
            found[key] = left
    return found


def _one(git: Git, whole: list[str]) -> str:
    """Of the sides that hold everything: the one whose history was cleansed of more, the descendant, the later."""
    if len(whole) == 1:
        return whole[0]
    first, second = whole
    kept = _parents(git, first, second)
    if len(kept) == 1:
        return kept[0]
    if descends(git, first, second):
        return first
    if descends(git, second, first):
        return second
    return max(whole, key=lambda side: (_date(git, side), side))


def _parents(git: Git, ours: str, theirs: str) -> list[str]:
    """Both, sorted; or the one alone whose history a purge has rewritten: the old history must not come back as a parent."""
    if git.maybe("merge-base", ours, theirs) is not None:
        return sorted((ours, theirs))
    first, second = sorted((ours, theirs))
    a, b = cleansed(git, first), cleansed(git, second)
    if a == b:
        return [first, second]
    return [first] if a > b else [second] if b > a else [max(first, second)]


def cleansed(git: Git, tip: str) -> frozenset[str]:
    """The ids that were purged out of the history of `tip`, as its root commits say."""
    roots = git.text("rev-list", "--max-parents=0", "--format=%B%x00", "--no-commit-header", tip).split("\0")[:-1]
    named = [frozenset(root.split()) if CLEANSED in root else frozenset() for root in roots]
    return frozenset.intersection(*named) - frozenset(CLEANSED.split())


def holds(git: Git, tip: str, before: str | None, purged: Iterable[str]) -> bool:
    """Whether a note somewhere in the history of `tip`, less that of `before`, has one of these ids as its own, not as a target."""
    own = re.compile(rb'"id":"(' + b"|".join(re.escape(each.encode()) for each in purged) + rb')"')
    rows = git.run("rev-list", "--objects", "--no-object-names", tip, *([f"^{before}"] if before else []))
    contents = git.bounded(rows.decode().split(), notetree.LARGEST)
    return any(isinstance(each, bytes) and own.search(each) for each in contents)


def descends(git: Git, new: str, old: str) -> bool:
    """Whether `old` is `new` or one of its ancestors."""
    return new == old or git.maybe("merge-base", "--is-ancestor", old, new) is not None


def _date(git: Git, commit: str) -> int:
    return int(git.text("show", "--no-patch", "--format=%ct", commit))


def compose(store: Store, contents: Mapping[str, set[bytes]], parents: list[str], message: str = "", base: str | None = None) -> str:
    """A notes commit with the tree of `base` (the first parent by default) and, for each key given, exactly these lines.

    The date is the latest of the parents', the identity fixed: the same in every clone. Objects only: no ref moves.
    """
    git = store.git
    base = base or (parents[0] if parents else None)
    tree = store.replace(base, contents)
    date = max([_date(git, each) for each in parents], default=int(time.time()))
    lines = [f"tree {tree}", *(f"parent {each}" for each in parents)]
    lines += [f"{who} contextgraph <contextgraph> {date} +0000" for who in ("author", "committer")]
    return git.text("hash-object", "-t", "commit", "-w", "--stdin", stdin=("\n".join(lines) + f"\n\n{message}").encode())


def advance(store: Store, make: Callable[[str | None], str], wait: float = 10.0) -> str:
    """Move the notes ref to what `make` answers for where it is now, as often as others move it in between.

    Raises LockError, Error when a foreign writer never lets us in (nothing is lost: what was made is in the notes that
    it was made of).
    """
    git = store.git
    with locked(git.home / "lock", wait):
        for attempt in range(4 * TRIES):
            if attempt:
                time.sleep(min(0.002 * 2**attempt, 0.25))
            tip = store.tip()
            new = make(tip)
            if new == tip:
                return new
            try:
                git.run("update-ref", "-m", "contextgraph", NOTES_REF, new, tip or git.null)
            except GitError:
                if store.tip() == tip:
                    raise
                continue
            return new
    raise Error("the notes ref is busy: another program keeps on writing it", "repeat the command; nothing is lost")


def lost(store: Store, old: str, new: str, keys: Iterable[str] | None = None) -> int:
    """How many lines of the notes commit `old` are not in `new` and were not purged either."""
    differing = store.since(old, new) if keys is None else set(keys)
    before, after = _read(store, old, differing), _read(store, new, differing)
    purged = _learn(store, before, after)
    return sum(len(tombstones.alive(lines, key, purged) - after.get(key, set())) for key, lines in before.items())
