"""Which commit follows which, as far as the index knows their parents."""

from contextgraph.index.database import Database


def follows(database: Database, later: str, earlier: str) -> bool:
    """Whether `earlier` is among the ancestors of `later`; those committed before it are not looked through."""
    query = "SELECT parents, commit_time FROM commits WHERE sha = ?"
    begin = database.connection.execute(query, (earlier,)).fetchone()
    seen: set[str] = set()
    waiting = [later]
    while begin and waiting and len(seen) < 1_000:
        sha = waiting.pop()
        row = database.connection.execute(query, (sha,)).fetchone()
        if row is None or row[1] < begin[1] or sha in seen:
            continue
        if sha == earlier:
            return True
        seen.add(sha)
        waiting += row[0].split()
    return False
