"""Which commit follows which, as far as the index knows their parents."""

import json
from collections.abc import Collection
from heapq import heappop, heappush

from contextgraph.index.database import Database

DAY = 86400
"""Seconds by which the clock of a committer may be behind that of an earlier one."""


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


def ancestors(database: Database, later: str, among: Collection[str]) -> list[str]:
    """Those of `among` that are ancestors of `later`, the newest first; nothing is looked through that is a day older than all of them."""
    query = "SELECT parents, commit_time FROM commits WHERE sha = ?"
    oldest = "SELECT min(commit_time) FROM commits WHERE sha IN (SELECT value FROM json_each(?))"
    begin = database.connection.execute(oldest, (json.dumps(list(among)),)).fetchone()[0]
    found: list[str] = []
    seen: set[str] = set()
    waiting = [(0, later)]
    while begin and waiting and len(found) < len(among):
        sha = heappop(waiting)[1]
        if sha in among and sha != later:
            found.append(sha)
        row = database.connection.execute(query, (sha,)).fetchone()
        for parent in row[0].split() if row and row[1] >= begin - DAY else ():
            if parent not in seen:
                seen.add(parent)
                time = database.connection.execute(query, (parent,)).fetchone()
                heappush(waiting, (-time[1] if time else 0, parent))
    return found
