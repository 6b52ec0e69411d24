"""What came back after its revert in whatever way: the files are asked, not the commits.

A change may come back with other words and other lines beside it, in several commits, or in one much larger. So what its reverters took
away is looked for in the same files as they were some time after, and as they are today. Where half of it stands again it came back, and
the commits in between say with which. Where it stands in the very merge that brought the reverter in, that one was lost on its way.
"""

import json
from collections import Counter
from collections.abc import Iterator

from contextgraph import promised
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status import reworked, undoing
from contextgraph.status.diffs import changes
from contextgraph.status.files import Line, states
from contextgraph.status.ledger import Ledger
from contextgraph.status.reverts import FEWEST_LINES, MENTIONED, REVERTED
from contextgraph.status.sequels import SOON, sequels
from contextgraph.status.taken import Taken, brought
from contextgraph.status.undoers import Undoer

AT_ONCE = 20
"""Reverted commits that a command looks at itself; more are left to the background."""
DAYS = (1, 7, 30, 90, 180, 365, 730, 1095, 1825)
"""When after the revert the files are asked, besides today: what came back may have changed since. In rails, jax and electron these find
130 changes, and (30, 180, 730) 119."""
FARTHEST = 5_000
"""Commits of the line of the target branch that are followed back to where it stood; from there on all is looked at anew."""
HOT = 500
"""Commits from which on a path is not asked what it has to do with a revert."""


def behind(database: Database) -> bool:
    """Whether the target branch has moved since the last look."""
    return (database.get("target") or "") != (database.get("standing") or "")


def sync(database: Database, git: Git, at_once: int | None = None) -> None:
    """Look at what was reverted by what landed since the last time, and at the files of older reverts that it changed; at no more than so
    many commits `at_once`, or else at none. In a partial clone nothing is looked at: each file would be fetched."""
    if not behind(database):
        return
    target = database.get("target") or ""
    landed = _landed(database, target.split(), (database.get("standing") or "").split())
    near = [] if promised.promisor(git) else _near(database, landed)
    if at_once is not None and len(near) > at_once:
        return
    ledger = Ledger(database, "")
    told = {sha: ledger.standing(sha) for sha in near}
    taken = list(_taken(database, git, {sha: undoers for sha, undoers in told.items() if undoers}))
    seen = _returned(database, git, taken, target.split())
    found = list(brought(database, git, seen))
    returned = {each.target: by for each, by, back in found if back}
    returned |= dict(sequels(database, git, [each for each in taken if each.target not in returned]))
    alike = reworked.alike(database, landed)
    lost = [each for each in seen if each.target not in returned and each.place == each.landing and each.back and not each.whole]
    with database.transaction() as connection:
        connection.executemany("INSERT OR IGNORE INTO claims VALUES (?, 'again', ?)", [(by, target) for target, by in returned.items()])
        reworked.keep(connection, "lines", told, [(each.target, by, each.share()) for each, by, back in found if not back])
        reworked.keep(connection, "title", (), alike)
        watched = ((path, each.target) for each in taken for path in each.went)
        connection.executemany("INSERT OR IGNORE INTO watched VALUES (?, ?)", watched)
        kept = [(each.landing, each.reverter, each.target) for each in lost]
        connection.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, 1)", kept)
        database.put("standing", target)


def _landed(database: Database, tips: list[str], old: list[str]) -> set[int] | None:
    """The ids of what came in since the target branch stood at `old`; None for all there is."""
    fetch = database.connection.execute
    seen = set(old)
    for tip in tips if old else ():
        sha = tip
        while sha not in seen and len(seen) < FARTHEST:
            seen.add(sha)
            row = fetch("SELECT parents FROM commits WHERE sha = ?", (sha,)).fetchone()
            sha = row[0].split()[0] if row and row[0] else ""
        if sha not in seen or not sha:
            return None
    asked = {"line": json.dumps(sorted(seen.difference(old)))}
    there = "IN (SELECT value FROM json_each(:line))"
    query = f"SELECT id FROM commits WHERE sha {there} UNION SELECT id FROM commits WHERE landing {there} AND landing <> sha"
    return {number for (number,) in fetch(query, asked)} if old else None


def _near(database: Database, landed: set[int] | None) -> list[str]:
    """The commits that something undoes, where that is among those that landed, or a commit on one of their paths, or soon after by their
    author. A path that nearly everything changes tells nothing."""
    fetch = database.connection.execute
    often = "SELECT count(*) FROM (SELECT 1 FROM touched WHERE path_id = ? LIMIT ?)"
    touched = "SELECT path_id FROM touched WHERE commit_id = ?"
    paths = {path for number in landed or () for (path,) in fetch(touched, (number,))}
    made = "SELECT author, commit_time FROM commits WHERE id = ?"
    authors = dict(row for number in sorted(landed or ()) for row in fetch(made, (number,)))
    undone = (
        "SELECT t.id, t.sha, v.id, t.author, v.commit_time FROM reverts r JOIN commits v ON v.sha = r.reverter"
        " AND (v.landing IS NOT NULL OR EXISTS (SELECT 1 FROM links WHERE old = v.sha))"
        " JOIN commits t ON {} WHERE r.extent >= ? AND t.landing IS NOT NULL"
    )
    found: set[str] = set()
    waiting: dict[int, str] = {}
    for condition, least in (("t.sha = r.target", MENTIONED), ("t.landing = r.target AND t.landing <> t.sha", REVERTED)):
        for number, sha, reverter, author, when in fetch(undone.format(condition), (least,)):
            soon = author in authors and when < authors[author] <= when + SOON
            found |= {sha} if landed is None or reverter in landed or number in landed or soon else set()
            waiting[number] = sha
    for path in paths:
        if fetch(often, (path, HOT)).fetchone()[0] < HOT:
            for (number,) in fetch("SELECT commit_id FROM touched WHERE path_id = ?", (path,)):
                if number in waiting:
                    found |= {waiting[number], *_merge_of(database, number, waiting)}
            query = "SELECT w.target FROM watched w JOIN paths p ON p.path = w.path WHERE p.id = ?"
            found |= {target for (target,) in fetch(query, (path,))}
    return sorted(found)


def _merge_of(database: Database, number: int, waiting: dict[int, str]) -> Iterator[str]:
    """The merge that brought a commit in, where that was undone as well: it touches no path itself."""
    query = "SELECT m.id FROM commits c JOIN commits m ON m.sha = c.landing WHERE c.id = ?"
    yield from (waiting[merge] for (merge,) in database.connection.execute(query, (number,)) if merge in waiting)


def _taken(database: Database, git: Git, told: dict[str, list[Undoer]]) -> Iterator[Taken]:
    """What was taken away of each commit by its reverters, oldest first, as far as it says something. A reverter that was squashed, or
    rewritten, took it away with what it landed as."""
    lines = dict(changes(database, git, {*told, *(undoer.reverter for undoers in told.values() for undoer in undoers)}))
    found: list[Taken] = []
    for target, undoers in told.items():
        whole, undone = undoing.written(lines.get(target, Counter())), Counter[undoing.Change]()
        for undoer in undoers:
            undone |= whole - undoing.left(whole, lines.get(undoer.reverter, Counter()))
        sides: dict[str, set[Line]] = {"+": set(), "-": set()}
        for path, sign, words in undoing.composed([undone]):
            if undoing.says(words):
                sides[sign].add((path, words))
        if sides["+"] or sides["-"]:
            last = undoers[-1]
            itself = database.connection.execute("SELECT landing FROM commits WHERE sha = ?", (last.reverter,)).fetchone()[0]
            reverter = last.reverter if itself else last.place
            found.append(Taken(target, reverter, last.place, last.when, frozenset(sides["+"]), frozenset(sides["-"])))
    for each, state in zip(found, states(database, git, [(each.reverter, each.added | each.removed) for each in found]), strict=True):
        there = {line for line, stands in state.stands.items() if stands}
        each.added, each.removed = each.added - there, each.removed & there
        each.few = min(len(each.added | each.removed), undoing.weight(lines[each.target])) < FEWEST_LINES
        if each.added or each.removed:
            yield each


def _returned(database: Database, git: Git, taken: list[Taken], tips: list[str]) -> list[Taken]:
    """Those that stand again at one of the moments, with the earliest of them."""
    asked = [(each, when, sha) for each in taken for when, sha in _moments(database, each, tips)]
    for (each, when, sha), state in zip(
        asked, states(database, git, [(sha, each.added | each.removed) for each, _, sha in asked]), strict=True
    ):
        each.see(state, when, sha)
    return [each for each in taken if each.place]


def _moments(database: Database, each: Taken, tips: list[str]) -> list[tuple[int, str]]:
    """(time, commit): the merge that brought the reverter, with what was made on its branch so many days after (one branch may be a whole
    history); then the target branch so many days after, and today."""
    before = "SELECT commit_time, sha FROM commits WHERE {} AND commit_time <= ? ORDER BY commit_time DESC LIMIT 1"
    landed, member = before.format("landing = sha"), before.format("landing = ? AND landing <> sha")
    ask = database.connection.execute
    found = [ask(landed, (each.when + days * 86400,)).fetchone() for days in DAYS]
    found += [ask("SELECT commit_time, sha FROM commits WHERE sha = ?", (tip,)).fetchone() for tip in tips]
    later = {(when, sha) for when, sha in filter(None, found) if when > each.when or (sha in tips and when == each.when)}
    if each.landing == each.reverter:
        return sorted(later)
    made = ask("SELECT commit_time FROM commits WHERE sha = ?", (each.reverter,)).fetchone()[0]
    inside = {ask(member, (each.landing, made + days * 86400)).fetchone()[1] for days in DAYS} - {each.reverter}
    return [(each.when, sha) for sha in (each.landing, *sorted(inside))] + sorted(later - {(each.when, each.landing)})
