"""Counts over the whole index, for `cg status`."""

from contextgraph.fold import SPEAKS_FOR_ITSELF
from contextgraph.index.database import Database
from contextgraph.status.ledger import Ledger, left

_ONWARD = ", ".join(f"'{how}'" for how in sorted(SPEAKS_FOR_ITSELF))


def counts(database: Database, ledger: Ledger) -> dict[str, int]:
    """Commits, recorded traces by status (those carried onward are counted where they went; `no_branch` are those that nobody has on
    a branch any more), decisions, foreign lines."""
    connection = database.connection

    def one(query: str) -> int:
        return int(connection.execute(query).fetchone()[0] or 0)

    recorded = (
        "SELECT DISTINCT key FROM (SELECT key FROM events WHERE kind = 'recorded' UNION SELECT new FROM links) "
        f"WHERE key NOT IN (SELECT old FROM links WHERE how IN ({_ONWARD}))"
    )
    keys = {key for (key,) in connection.execute(recorded)}
    reached = {sha for (sha,) in connection.execute(f"SELECT sha FROM commits WHERE landing IS NOT NULL AND sha IN ({recorded})")}
    reverted = keys & ledger.reverted()
    landed = keys & (reached | ledger.landed_by_link()) - reverted
    pending = keys - landed - reverted
    thrown = left(database, pending)
    return {
        "commits": one("SELECT count(*) FROM commits WHERE gone = 0"),
        "recorded": len(keys),
        "landed": len(landed),
        "pending": len(pending - thrown),
        "no_branch": len(thrown),
        "reverted": len(reverted),
        "decisions": one("SELECT count(DISTINCT id) FROM decisions"),
        "events": one("SELECT count(*) FROM events"),
        "foreign_lines": one("SELECT count(*) FROM foreign_lines"),
        "newer_lines": one("SELECT count(*) FROM foreign_lines WHERE newer"),
    }


def absent(database: Database) -> int:
    """How many recorded traces are on commits that this clone has never had, those whose records were carried onward apart."""
    query = (
        "SELECT count(DISTINCT key) FROM events WHERE kind = 'recorded'"
        " AND key NOT IN (SELECT sha FROM commits) AND key NOT IN (SELECT old FROM links)"
    )
    return int(database.connection.execute(query).fetchone()[0])
