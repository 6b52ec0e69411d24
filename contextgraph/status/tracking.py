"""What changed since the last look: which traces landed, were reverted, came back or were carried onward."""

import msgspec

from contextgraph.fold import SPEAKS_FOR_ITSELF
from contextgraph.index.database import Database
from contextgraph.status.ledger import Ledger, left, onward
from contextgraph.trace import Evidence


class Change(msgspec.Struct, frozen=True, rename={"before": "from", "after": "to"}):
    """One trace whose status moved; `before` is None for one that was not there at the last look."""

    sha: str
    before: str | None
    after: str
    evidence: list[Evidence]


class Track(msgspec.Struct, frozen=True):
    changes: list[Change]
    counts: dict[str, int]
    first: bool


def look(database: Database, ledger: Ledger, writable: bool, branch: str = "") -> Track:
    """Compare every recorded trace with the last look at this branch (empty: the target, whatever its name), and remember this one.
    The first look only remembers; where no branch was found nothing is known, and nothing has changed."""
    keys = {sha for (sha,) in database.connection.execute("SELECT key FROM events WHERE kind = 'recorded' UNION SELECT new FROM links")}
    before = dict(database.connection.execute("SELECT sha, status FROM tracked WHERE branch = ?", (branch,)))
    after = {sha: "carried" if onward(database, sha) else ledger.outcome(sha).status for sha in keys}
    moved = [sha for sha in sorted(keys) if before.get(sha) != after[sha] and (sha in before or after[sha] != "pending")]
    changes = [Change(sha, before.get(sha), after[sha], _evidence(database, ledger, sha, after[sha])) for sha in moved]
    mark = f"tracked {branch}".strip()
    known = ledger.branch is not None
    first = known and database.get(mark) is None
    if writable and known and (first or before != after):
        with database.transaction() as connection:
            connection.execute("DELETE FROM tracked WHERE branch = ?", (branch,))
            connection.executemany("INSERT INTO tracked VALUES (?, ?, ?)", ((branch, *each) for each in after.items()))
            database.put(mark, "yes")
    counts = {name: sum(status == name for status in after.values()) for name in ("pending", "landed", "reverted")}
    counts["no_branch"] = len(left(database, [sha for sha, status in after.items() if status == "pending"]))
    counts["pending"] -= counts["no_branch"]
    return Track(changes if known and not first else [], counts, first)


def _evidence(database: Database, ledger: Ledger, sha: str, status: str) -> list[Evidence]:
    if status != "carried":
        return list(ledger.outcome(sha).evidence)
    links = database.connection.execute("SELECT new, how FROM links WHERE old = ? ORDER BY new", (sha,))
    return [Evidence(rule=how, commit=new) for new, how in links if how in SPEAKS_FOR_ITSELF]
