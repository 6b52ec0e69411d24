"""Changes that went and come back without a word: the same patch landed, its exact inverse landed, and here it is again.

What `status` counts as reverted (declared, or silent with its gates) is found without a limit. This room looks for the
rest by the index's exact object swaps, and by patch-id among the nearest changes of the very same files.
"""

import json
from collections.abc import Iterator

from contextgraph.check.bound import Undone
from contextgraph.check.case import Case
from contextgraph.index.history import swap
from contextgraph.status import undoing
from contextgraph.status.patches import of_pairs
from contextgraph.status.reverts import FEWEST_LINES, WINDOW

MOST = 400
"""Changes of the same files whose patch-ids are computed, the nearest in time first (half a millisecond each)."""


def find(case: Case) -> Iterator[tuple[str, Undone, bool]]:
    """(commit of the range, what comes back, whether it is worth an error: gates as for a silent revert)."""
    known = {each.sha for each in case.precedents.undone} | {each.by for each in case.precedents.undone}
    near = _candidates(case)
    if not near:
        return
    new = [(each.sha, each.parents[0] if each.parents else None) for each in case.change.single if each.sha in near]
    own, ids = of_pairs(case.git, new), of_pairs(case.git, _pairs(case, near))
    again = {sha: made for sha, shas in near.items() if sha in own and (made := [each for each in shas if ids.get(each) == own[sha]])}
    if not again:  # the rule: half of the time is saved
        return
    back = of_pairs(case.git, new, reverse=True)
    inverses = of_pairs(case.git, _pairs(case, {sha: near[sha] for sha in again}), reverse=True)
    for sha, made in again.items():
        if back.get(sha) == own[sha]:
            continue  # a pure move, which is its own inverse
        undid = [each for each in near[sha] if inverses.get(each) == own[sha]]
        if undid and not known & {*made, *undid}:
            first, last = max(made, key=case.precedents.when), max(undid, key=case.precedents.when)
            if case.precedents.when(first) <= case.precedents.when(last):
                yield sha, Undone(first, last), _gated(case, first, last)


def _pairs(case: Case, near: dict[str, set[str]]) -> list[tuple[str, str | None]]:
    return [(sha, case.precedents.parent(sha)) for sha in sorted(set().union(*near.values()))]


def _gated(case: Case, made: str, undid: str) -> bool:
    """Whether this would count as a silent revert: near in time, and more lines than chance has."""
    lines = dict(undoing.changes(case.git, [(made, case.precedents.parent(made))])).get(made)
    return (
        lines is not None
        and sum(lines.values()) >= FEWEST_LINES
        and case.precedents.when(undid)[0] - case.precedents.when(made)[0] <= WINDOW
    )


def _candidates(case: Case) -> dict[str, set[str]]:
    """For each commit of the range, landed commits that may be the same change or its inverse."""
    found: dict[str, set[str]] = {}
    connection = case.database.connection
    for each in case.change.single:
        change, inverse = swap(each)
        rows = connection.execute("SELECT sha FROM commits WHERE change IN (?, ?)", (change, inverse)).fetchall() if change else []
        if alike := {sha for (sha,) in rows if case.precedents.landed(sha)}:
            found[each.sha] = alike
    same = _same_files(case)
    for each in case.change.single:
        names = frozenset(path for _, path, _ in each.changes)
        if names and (shas := same.get(names)):
            found.setdefault(each.sha, set()).update(shas)
    return found


def _same_files(case: Case) -> dict[frozenset[str], list[str]]:
    """For each set of files that a commit of the range changes, the nearest landed commits that change exactly it."""
    wanted = {frozenset(path for _, path, _ in each.changes) for each in case.change.single if 0 < len(each.changes) <= MOST}
    if not wanted:
        return {}
    connection = case.database.connection
    query = "SELECT id FROM paths WHERE path = ?"
    numbers = {path: row[0] for names in wanted for path in names if (row := connection.execute(query, (path,)).fetchone())}
    sharing: dict[frozenset[str], set[int]] = {}
    for names in wanted:
        if all(path in numbers for path in names):
            shared: set[int] | None = None
            for path in names:
                commits = {number for (number,) in connection.execute("SELECT commit_id FROM touched WHERE path_id = ?", (numbers[path],))}
                shared = commits if shared is None else shared & commits
            sharing[names] = shared or set()
    asked = json.dumps(sorted({number for commits in sharing.values() for number in commits}))
    sizes = "SELECT commit_id, count(*) FROM touched WHERE commit_id IN (SELECT value FROM json_each(?)) GROUP BY commit_id"
    size = dict(connection.execute(sizes, (asked,)))
    exactly = [(names, number) for names, commits in sharing.items() for number in commits if size.get(number) == len(names)]
    ids = json.dumps(sorted({number for _, number in exactly}))
    rows = connection.execute("SELECT id, sha, commit_time FROM commits WHERE id IN (SELECT value FROM json_each(?))", (ids,))
    there = {number: (when, sha) for number, sha, when in rows}
    found: dict[frozenset[str], list[str]] = {}
    latest = sorted(((*there[number], names) for names, number in exactly if number in there), key=lambda each: -each[0])
    for _, sha, names in latest:
        if sum(map(len, found.values())) < MOST and case.precedents.landed(sha):
            found.setdefault(names, []).append(sha)
    return found
