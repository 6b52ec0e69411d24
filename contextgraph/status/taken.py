"""What reverters took away of a change, whether it stands in its files again, and what brought it in then."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import groupby

import msgspec

from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status import undoing
from contextgraph.status.diffs import first_parent
from contextgraph.status.files import Line, State
from contextgraph.status.returns import AGAIN
from contextgraph.status.reverts import FEWEST_LINES, WINDOW

WHOLE = 0.9
"""Share of all its lines that must be as it had made them where what was added does not tell, and then by one commit, within the time and
size of a silent inverse."""
SOME = 0.2
"""Share of what was added that must stand again for that to be told, though the change has not come back with it."""
LARGER = 10
"""How many times as many lines of the same files that one commit may change: in a larger change a few lines are chance."""
MANY = 200
"""Commits in between of which what brought a part is not looked for."""
MOST_PATHS = 50
"""Paths of a change whose later commits are read: those with most of its lines."""
Row = tuple[str, str]
"""(commit, what brought it into the target branch)."""


class Taken(msgspec.Struct):
    """What the reverters of `target` took away, the last of them `reverter`, which landed with `landing` at `when` (Unix seconds): lines
    that were `added`, of which its files had none without them, and lines that were `removed`, which are there without it."""

    target: str
    reverter: str
    landing: str
    when: int
    added: frozenset[Line]
    removed: frozenset[Line]
    went: set[str] = set()
    """Where its files have moved."""
    few: bool = False
    """Whether it is too little to tell by itself that the change came back."""
    again: frozenset[Line] = frozenset()
    until: int = 0
    place: str = ""
    moved: dict[str, str] = {}
    whole: bool = False
    back: bool = False
    """The lines that were first seen to be as the target had made them, when, with which commit of the target branch, and in which files
    that have moved (new path: old path); whether it is nearly all of them, though too little of what was added to tell anything by itself;
    and whether that is the change come back, or the most that was ever seen of it."""

    def see(self, state: State, when: int, place: str) -> None:
        """Look at a state of the files: it came back where half of what was added stands, and half of all with what could be removed from
        these files again. What was removed may be gone for another reason, and tells nothing but together with all the rest."""
        self.went |= state.moved.keys()
        again = {line for line, stands in state.stands.items() if stands == (line in self.added)}
        added, removable = len(again & self.added), sum(line in self.removed for line in state.stands)
        half = added >= max(FEWEST_LINES, AGAIN * len(self.added)) and len(again) >= AGAIN * (len(self.added) + removable)
        gone = again | {line for line in self.removed if line not in state.stands}
        least = WHOLE * (len(self.added) + len(self.removed))
        whole = len(gone) >= least and when <= self.when + WINDOW
        back = (half or whole) and not self.few
        seen = again if half or not whole else gone
        some = len(seen) >= least or added >= max(min(2, AGAIN * len(self.added)), SOME * len(self.added), 1)
        if not self.back and (back or (some and len(seen) > len(self.again))):
            most = {path for path, _ in Counter(path for path, _ in seen).most_common(MOST_PATHS)}
            self.again = frozenset(line for line in seen if line[0] in most)
            self.moved = {new: old for new, old in state.moved.items() if old in most}
            self.until, self.place, self.whole, self.back = when, place, whole and not half, back

    def share(self) -> str:
        """How much of what was taken away was seen again."""
        total = len(self.added | self.removed)
        return f"{len(self.again)} of {total} line{'s' if total > 1 else ''}"

    def paths(self) -> set[str]:
        """Where it was seen, and where that had been before."""
        return {path for path, _ in self.again} | self.moved.keys()

    def repeated(self, change: dict[Line, int]) -> set[Line]:
        """The lines that a change adds or removes as the target had; `change` is how many more of each it leaves."""
        net = change
        if self.moved:
            net = Counter[Line]()
            for (path, words), count in change.items():
                net[(self.moved.get(path, path), words)] += count
        return {line for line, count in net.items() if line in self.again and (count > 0) == (line in self.added)}


def brought(database: Database, git: Git, taken: list[Taken]) -> Iterator[tuple[Taken, str, bool]]:
    """(what was taken, what brought most of it in again, whether the change came back with that)."""
    between = {each.target: list(_between(database, each)) for each in taken}
    taken = [each for each in taken if each.back or len(between[each.target]) <= MANY]
    wanted = {line for each in taken for line in each.again}
    wanted |= {(new, words) for each in taken for new, old in each.moved.items() for path, words in each.again if path == old}
    shas = {sha for each in taken for row in between[each.target] for sha in row}
    asked = [(sha, first_parent(database, sha)) for sha in sorted(shas)]
    net: dict[str, dict[Line, int]] = {}
    size: dict[str, int] = {}
    for sha, change in undoing.readable(git, asked, only=sorted({path for path, _ in wanted})):
        both = undoing.composed([Counter({line: count for line, count in change.items() if (line[0], line[2]) in wanted})])
        net[sha] = {(path, words): count if sign == "+" else -count for (path, sign, words), count in both.items()}
        size[sha] = change.total()
    found = [(each, by) for each in taken if (by := _most(each, between[each.target], net))]
    asked = sorted({(by, first_parent(database, by)) for _, by in found})
    full = {sha: {(sign, words) for _, sign, words in change} for sha, change in undoing.readable(git, asked)}
    for each, by in found:
        # What a commit does the other way in another file it only moved.
        lines = each.repeated(net[by])
        made = {(path, words) for path, words in lines if ("-" if (path, words) in each.added else "+", words) not in full.get(by, ())}
        alone = len(made) >= WHOLE * len(each.again) and size[by] <= LARGER * len(each.again)
        yield each, by, each.back and (alone if each.whole else len(made) >= AGAIN * len(lines))


def _between(database: Database, each: Taken) -> Iterator[Row]:
    """What touched the files between the revert and when it was seen to stand again, in the order of the target branch. Of the merge that
    brought the reverter only what was made after that, one by one."""
    query = (
        "SELECT DISTINCT c.sha, c.landing, c.commit_time >= v.commit_time FROM touched x JOIN commits c ON c.id = x.commit_id"
        " JOIN commits l ON l.sha = c.landing JOIN commits v ON v.sha = :reverter"
        " WHERE x.path_id IN (SELECT id FROM paths WHERE path IN (SELECT value FROM json_each(:paths)))"
        " AND l.commit_time BETWEEN :since AND :until AND c.sha NOT IN (:reverter, :target)"
        " ORDER BY l.commit_time, c.landing, c.commit_time"
    )
    names = {"reverter": each.reverter, "target": each.target, "since": each.when, "until": each.until}
    asked = names | {"paths": json.dumps(sorted(each.paths()))}
    for sha, landing, after in database.connection.execute(query, asked):
        if landing != each.landing:
            yield sha, landing
        elif after:
            yield sha, sha


def _most(each: Taken, rows: list[Row], net: dict[str, dict[Line, int]]) -> str | None:
    """What had brought the most of it when half was back: a landing, or a commit of it that did enough alone."""
    place: dict[Line, str] = {}
    members: dict[str, list[str]] = {}
    for landing, group in groupby(rows, key=lambda row: row[1]):
        members[landing] = [sha for sha, _ in group]
        change = net.get(landing, {})
        for line in each.repeated({line: -count for line, count in change.items()}):
            place.pop(line, None)
        place |= dict.fromkeys(each.repeated(change), landing)
        if len(place) >= AGAIN * len(each.again):
            by = Counter(place.values()).most_common(1)[0][0]
            shares = {sha: len(each.repeated(net.get(sha, {}))) for sha in members[by]}
            alone = max(shares, key=shares.__getitem__)
            return alone if shares[alone] >= AGAIN * len(each.again) else by
    return None
