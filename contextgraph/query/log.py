"""Traces newest first, and the decisions in force on a path."""

import json
import time

import msgspec

from contextgraph.query.filters import Filters
from contextgraph.query.view import View, binding
from contextgraph.trace import Trace

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
    query = f"SELECT c.sha {source} ORDER BY c.commit_time DESC, c.id"
    connection = view.database.connection
    if not (filters.of_records or in_force or filters.as_of):
        total = connection.execute(f"SELECT count(*) {source}", values).fetchone()[0]
        shas = [sha for (sha,) in connection.execute(f"{query} LIMIT ?", [*values, limit])]
        return Listing(view.traces(shas, filters.as_of, details), total)
    shas = [sha for (sha,) in connection.execute(query, values)]
    today = filters.as_of.at if filters.as_of else time.strftime("%Y-%m-%d", time.gmtime())
    passed: list[Trace] = []
    seen = 0
    while seen < len(shas) and len(passed) < limit:
        chunk = shas[seen : 2 * seen + max(CHUNK, limit)]
        seen += len(chunk)
        for trace in view.traces(chunk, filters.as_of, details=False):
            kept = trace
            if in_force:
                kept = msgspec.structs.replace(trace, decisions=[each for each in trace.decisions if binding(trace, each, today)])
            if filters.passes(kept) and (kept.decisions or not in_force):
                passed.append(kept)
    shown = passed[:limit]
    return Listing(view.with_files(shown) if details else shown, len(passed) + len(shas) - seen)
