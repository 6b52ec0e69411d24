"""What its author did once more soon after it was reverted, in files of whatever name."""

from collections import Counter
from collections.abc import Iterator

from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status import undoing
from contextgraph.status.diffs import changes
from contextgraph.status.returns import AGAIN
from contextgraph.status.taken import Taken

SOON = 30 * 86400
"""Seconds after the revert in which what the author did is looked at."""
NEXT = 10
"""Commits of the author that are looked at."""
LEAST = 10
"""Lines that it must have added: of fewer a part is chance in another file."""


def sequels(database: Database, git: Git, taken: list[Taken]) -> Iterator[tuple[str, str]]:
    """(target, the commit that does the most of it again, and half of it at least)."""
    query = (
        "SELECT c.sha FROM commits t JOIN commits c ON c.commit_time > ? AND c.commit_time <= ? AND c.author = t.author"
        " WHERE t.sha = ? AND c.landing IS NOT NULL AND instr(c.parents, ' ') = 0 AND c.sha <> ? ORDER BY c.commit_time LIMIT ?"
    )
    later: dict[str, list[str]] = {}
    for each in taken:
        if len(each.added) >= LEAST:
            row = (each.when, each.when + SOON, each.target, each.reverter, NEXT)
            later[each.target] = [sha for (sha,) in database.connection.execute(query, row)]
    lines = dict(changes(database, git, {sha for target, others in later.items() if others for sha in (target, *others)}))
    for target, others in later.items():
        shares = {sha: _share(lines[target], lines[sha]) for sha in others if target in lines and sha in lines}
        best = max(shares, key=shares.__getitem__, default=None)
        if best and shares[best] >= AGAIN:
            yield target, best


def _share(target: Counter[undoing.Change], later: Counter[undoing.Change]) -> float:
    """How much of a change is done again, of all its lines and of what it had added: what it had removed goes for other reasons too."""
    added = Counter({line: count for line, count in target.items() if line[1] == "+"})
    return min(undoing.repeated(target, later), undoing.repeated(added, later))
