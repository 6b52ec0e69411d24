"""Traces newest first, and the decisions in force on a path."""

import itertools
import json
import sqlite3
import time
from collections.abc import Sequence

import msgspec

from contextgraph.query.filters import Filters
from contextgraph.query.view import View, binding
from contextgraph.trace import LEFT, Trace

CHUNK = 20
"""Traces put together first, or as many as are wanted; then twice as many each time."""


class Listing(msgspec.Struct, frozen=True):
    traces: list[Trace]
    total: int


def log(view: View, filters: Filters, limit: int, within: list[str] | None, in_force: bool, details: bool) -> Listing:
    """The newest `limit` traces that pass. `within` restricts to these commits; `in_force` to decisions that bind.

    `total` counts all that pass; once the newest are found, older ones that only their whole trace could tell count as passing.
    """
    condition, values = filters.sql(view.ledger(filters.as_of))
    if within is not None:
        condition += " AND c.sha IN (SELECT value FROM json_each(?))"
        values = [*values, json.dumps(within)]
    source = f"FROM commits c WHERE {condition}"
    query = f"SELECT c.sha, c.commit_time {source} ORDER BY c.commit_time DESC, c.id"
    connection = view.database.connection
    if not (filters.of_records or in_force):
        total = connection.execute(f"SELECT count(*) {source}", values).fetchone()[0]
        newest = connection.execute(f"{query} LIMIT ?", [*values, limit]).fetchall()
        if len(newest) == limit:  # of the last second all, so that the right ones of it are shown
            last = connection.execute(f"SELECT c.sha, c.commit_time {source} AND c.commit_time = ? ORDER BY c.id", [*values, newest[-1][1]])
            newest = [row for row in newest if row[1] > newest[-1][1]] + last.fetchall()
        return Listing(view.traces(_children_first(connection, newest)[:limit], filters.as_of, details), total)
    rows = connection.execute(query, values).fetchall()
    today = filters.as_of.at if filters.as_of else time.strftime("%Y-%m-%d", time.gmtime())
    passed: list[Trace] = []
    seen = 0
    while seen < len(rows) and len(passed) < limit:
        end = min(len(rows), 2 * seen + max(CHUNK, limit))
        while end < len(rows) and rows[end][1] == rows[end - 1][1]:
            end += 1
        chunk = rows[seen:end]
        seen = end
        for trace in view.traces(_children_first(connection, chunk), filters.as_of, details=False):
            kept = trace
            if in_force and LEFT in trace.evidence and not filters.everything:
                continue
            if in_force:
                kept = msgspec.structs.replace(trace, decisions=[each for each in trace.decisions if binding(trace, each, today)])
            if filters.passes(kept) and (kept.decisions or not in_force):
                passed.append(kept)
    shown = passed[:limit]
    return Listing(view.with_files(shown) if details else shown, len(passed) + len(rows) - seen)


def _children_first(connection: sqlite3.Connection, rows: Sequence[tuple[str, int]]) -> list[str]:
    """The shas of (sha, time) rows, newest first; of those in one second (a rebase, a script) children before their parents."""
    tied = {time for (_, time), (_, after) in itertools.pairwise(rows) if time == after}
    if not tied:
        return [sha for sha, _ in rows]
    # All commits of such a second: what links two of them may have been filtered out.
    query = "SELECT sha, parents FROM commits WHERE commit_time IN (SELECT value FROM json_each(?)) ORDER BY id"
    parents = {sha: words.split() for sha, words in connection.execute(query, (json.dumps(sorted(tied)),))}
    order: dict[str, int] = {}
    waiting = list(parents)
    while waiting:
        sha = waiting[-1]
        first = [each for each in parents[sha] if each in parents and each not in order]
        if first and sha not in order:
            waiting += first
        else:
            order.setdefault(waiting.pop(), len(order))
    return [sha for sha, _ in sorted(rows, key=lambda row: (-row[1], -order.get(row[0], 0)))]
