"""Where the lines of a change stand, which the lines alone do not tell: the files before it are compared with those after its reverter.

A diff may show a line that was moved by those around it, and then what takes the move back has other lines. And equal lines stand in
several places of a list: to add them in one and to remove them from another is no inverse.
"""

from collections import Counter
from collections.abc import Iterator

from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status import undoing
from contextgraph.status.diffs import first_parent
from contextgraph.status.undoing import Change

Pair = tuple[str, str]
"""(commit, older commit)."""

AT_ONCE = 10
"""Pairs whose files are compared at a time: git looks for each path in every tree."""


def staying(database: Database, git: Git, pairs: list[Pair], lines: dict[str, Counter[Change]]) -> Iterator[tuple[Pair, float]]:
    """The share of each target that is done in its files as they are after another commit; `lines` has what each target changes."""
    known = [(after, target, before) for after, target in pairs if target in lines and (before := first_parent(database, target))]
    for begin in range(0, len(known), AT_ONCE):
        batch = known[begin : begin + AT_ONCE]
        paths = {path for _, target, _ in batch for path, _, _ in lines[target]}
        if len(paths) > undoing.MOST_PATHS:
            continue
        found = _differences(git, {(after, before) for after, _, before in batch}, sorted(paths))
        for after, target, before in batch:
            change = undoing.written(lines[target])
            yield (after, target), (change & found.get((after, before), Counter[Change]())).total() / change.total()


def _differences(git: Git, pairs: set[Pair], paths: list[str]) -> dict[Pair, Counter[Change]]:
    """For each (new, old) in which lines of these files they differ; one of each new commit at a time, for a diff is told by that alone."""
    found: dict[Pair, Counter[Change]] = {}
    waiting = sorted(pair for pair in pairs if pair[0] != pair[1])
    while waiting:
        each = dict(waiting)
        found |= {(new, each[new]): change for new, change in undoing.readable(git, list(each.items()), only=paths)}
        waiting = [(new, old) for new, old in waiting if each[new] != old]
    return found
