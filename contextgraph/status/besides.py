"""What a revert takes back without a word besides what it names: what had followed that, in the same files.

A silent inverse is looked for among whole commits (`inverses`); a revert that takes back the follow-up as well is the inverse of neither.
"""

import json
from collections import Counter
from collections.abc import Iterable

from contextgraph.git import Git
from contextgraph.index.ancestry import ancestors
from contextgraph.index.database import Database
from contextgraph.status import undoing
from contextgraph.status.diffs import changes
from contextgraph.status.reverts import FEWEST_LINES, MENTIONED, REVERTED, WINDOW

MOSTLY = 0.5
"""Share of a reverter's lines that take back what it names and what followed: of a larger change that mentions a revert nothing is told."""
MOST = 100
"""Commits that are compared with one reverter, the latest first."""


def found(database: Database, git: Git, known: int) -> list[tuple[str, str, float]]:
    """(reverter, commit, share) for what the reverters with an id over `known` undo whole besides, between their first target and
    themselves."""
    query = (
        "SELECT r.reverter, r.target FROM reverts r JOIN commits c ON c.sha = r.reverter"
        " WHERE c.id > ? AND r.rule IN ('declared', 'mentioned') AND r.extent >= ? ORDER BY c.id, r.target"
    )
    named: dict[str, list[str]] = {}
    for reverter, target in database.connection.execute(query, (known, MENTIONED)):
        named.setdefault(reverter, []).append(target)
    lines = dict(changes(database, git, {sha for reverter, targets in named.items() for sha in (reverter, *targets)}))
    rest = {reverter: _rest(lines, reverter, targets) for reverter, targets in named.items() if reverter in lines}
    rest = {reverter: left for reverter, left in rest.items() if sum(map(undoing.says, _words(left))) >= FEWEST_LINES}
    asked = {reverter: _between(database, reverter, named[reverter], left) for reverter, left in rest.items()}
    followed = dict(changes(database, git, {sha for shas in asked.values() for sha in shas}))
    answer: list[tuple[str, str, float]] = []
    for reverter, shas in asked.items():
        whole, taken = undoing.written(lines[reverter]).total(), lines[reverter].total() - rest[reverter].total()
        shares = {sha: undoing.extent(followed[sha], rest[reverter]) for sha in shas if sha in followed}
        undone = [sha for sha, share in shares.items() if share >= REVERTED and undoing.weight(followed[sha]) >= FEWEST_LINES]
        if taken + sum(followed[sha].total() for sha in undone) >= MOSTLY * whole:
            answer += [(reverter, sha, shares[sha]) for sha in ancestors(database, reverter, undone)]
    return answer


def _words(change: Counter[undoing.Change]) -> Iterable[str]:
    return (words for _, _, words in change)


def _rest(lines: dict[str, Counter[undoing.Change]], reverter: str, targets: list[str]) -> Counter[undoing.Change]:
    """What of a reverter's change takes back none of what it names."""
    together = undoing.composed(lines[each] for each in targets if each in lines)
    return undoing.left(lines[reverter], together)


def _between(database: Database, reverter: str, targets: list[str], rest: Counter[undoing.Change]) -> list[str]:
    """The commits since the first of the targets that changed no file but those of the rest, and that nothing else has undone. Not of
    a merge, which has much besides."""
    query = (
        "WITH here AS (SELECT id FROM paths WHERE path IN (SELECT value FROM json_each(:paths))), named AS (SELECT value AS sha FROM"
        " json_each(:targets)) SELECT c.sha FROM commits r JOIN commits c ON c.commit_time <= r.commit_time AND c.commit_time >="
        " max(r.commit_time - :window, (SELECT min(t.commit_time) FROM commits t JOIN named ON named.sha = t.sha))"
        " WHERE r.sha = :reverter AND instr(r.parents || c.parents, ' ') = 0 AND c.sha <> r.sha AND c.sha NOT IN (SELECT sha FROM named)"
        " AND c.id IN (SELECT commit_id FROM touched WHERE path_id IN here)"
        " AND NOT EXISTS (SELECT 1 FROM touched WHERE commit_id = c.id AND path_id NOT IN here)"
        " AND NOT EXISTS (SELECT 1 FROM reverts WHERE target = c.sha AND extent >= :least)"
        " ORDER BY c.commit_time DESC, c.sha LIMIT :most"
    )
    asked = {"paths": json.dumps(sorted({path for path, _, _ in rest})), "targets": json.dumps(targets), "reverter": reverter}
    found = database.connection.execute(query, {**asked, "window": WINDOW, "least": REVERTED, "most": MOST})
    return [sha for (sha,) in found]
