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


def look(database: Database, ledger: Ledger, writable: bool) -> Track:
    """Compare every recorded trace with the last look, and remember this one. The first look only remembers."""
    keys = {sha for (sha,) in database.connection.execute("SELECT key FROM events WHERE kind = 'recorded' UNION SELECT new FROM links")}
    before = dict(database.connection.execute("SELECT sha, status FROM tracked"))
    after = {sha: "carried" if onward(database, sha) else ledger.outcome(sha).status for sha in keys}
    moved = [sha for sha in sorted(keys) if before.get(sha) != after[sha] and (sha in before or after[sha] != "pending")]
    changes = [Change(sha, before.get(sha), after[sha], _evidence(database, ledger, sha, after[sha])) for sha in moved]
    first = database.get("tracked") is None
    if writable and (first or before != after):
        with database.transaction() as connection:
            connection.execute("DELETE FROM tracked")
            connection.executemany("INSERT INTO tracked VALUES (?, ?)", after.items())
            database.put("tracked", "yes")
    counts = {name: sum(status == name for status in after.values()) for name in ("pending", "landed", "reverted")}
    counts["no_branch"] = len(left(database, [sha for sha, status in after.items() if status == "pending"]))
    counts["pending"] -= counts["no_branch"]
    return Track([] if first else changes, counts, first)


def _evidence(database: Database, ledger: Ledger, sha: str, status: str) -> list[Evidence]:
    if status != "carried":
        return list(ledger.outcome(sha).evidence)
    links = database.connection.execute("SELECT new, how FROM links WHERE old = ? ORDER BY new", (sha,))
    return [Evidence(rule=how, commit=new) for new, how in links if how in SPEAKS_FOR_ITSELF]
