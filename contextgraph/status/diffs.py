"""What commits of the index change, against their first parents."""

import json
from collections import Counter
from collections.abc import Iterator

from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.status import undoing


def changes(database: Database, git: Git, shas: set[str]) -> Iterator[tuple[str, Counter[undoing.Change]]]:
    """What each of these commits changes, against its first parent; those that cannot be read are left out.

    In the order of their times, in which git reads them a quarter faster than at random (3,968 of rails): its cache of deltas fits.
    """
    query = "SELECT sha, parents FROM commits WHERE sha IN (SELECT value FROM json_each(?)) ORDER BY commit_time, sha"
    rows = database.connection.execute(query, (json.dumps(list(shas)),)).fetchall() if shas else []
    return undoing.readable(git, [(sha, parents.split()[0] if parents else None) for sha, parents in rows])


def first_parent(database: Database, sha: str) -> str | None:
    row = database.connection.execute("SELECT parents FROM commits WHERE sha = ?", (sha,)).fetchone()
    return row[0].split()[0] if row and row[0] else None
