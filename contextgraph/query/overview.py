"""Counts over the whole index, for `cg status`."""

from contextgraph.fold import SPEAKS_FOR_ITSELF
from contextgraph.index.database import Database

_ONWARD = ", ".join(f"'{how}'" for how in sorted(SPEAKS_FOR_ITSELF))


def counts(database: Database) -> dict[str, int]:
    """Commits, recorded traces by status (those carried onward are counted where they went), decisions, foreign lines."""
    connection = database.connection

    def one(query: str) -> int:
        return int(connection.execute(query).fetchone()[0] or 0)

    recorded = (
        "SELECT DISTINCT key FROM (SELECT key FROM events WHERE kind = 'recorded' UNION SELECT new FROM links) "
        f"WHERE key NOT IN (SELECT old FROM links WHERE how IN ({_ONWARD}))"
    )
    total = one(f"SELECT count(*) FROM ({recorded})")
    landed = one(f"SELECT count(*) FROM commits WHERE landing IS NOT NULL AND sha IN ({recorded})")
    return {
        "commits": one("SELECT count(*) FROM commits WHERE gone = 0"),
        "recorded": total,
        "landed": landed,
        "pending": total - landed,
        "reverted": 0,
        "decisions": one("SELECT count(DISTINCT id) FROM decisions"),
        "foreign_lines": one("SELECT count(*) FROM foreign_lines"),
        "newer_lines": one("SELECT count(*) FROM foreign_lines WHERE newer"),
    }
