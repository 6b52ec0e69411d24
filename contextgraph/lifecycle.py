"""Rules of retirement: nothing is edited, a new event says what became of an old decision, event or finding."""

import re
from datetime import date

from contextgraph import event
from contextgraph.errors import NotFoundError, UsageError
from contextgraph.index.database import Database
from contextgraph.query.view import View

_EVENT = re.compile(r"[0-9a-f]{16}\Z")
_FINDING = re.compile(r"[!-~]{1,200}\Z")
Entry = tuple[str, bytes]
"""(key, line): an event and the commit whose note it goes to."""


def identified(database: Database, words: str) -> str:
    """The whole id of the decision (`cg-` and its first digits will do) or event that is meant. Raises NotFoundError, UsageError."""
    connection = database.connection
    if _EVENT.match(words):
        if connection.execute("SELECT 1 FROM events WHERE id = ?", (words,)).fetchone():
            return words
    elif words.startswith("cg-"):
        plain = re.sub(r"[^cg0-9a-f-]", "", words)
        found = [one for (one,) in connection.execute("SELECT DISTINCT id FROM decisions WHERE id GLOB ? LIMIT 3", (f"{plain}*",))]
        if words in found or (len(found) == 1 and plain == words):
            return words if words in found else str(found[0])
        if found:
            raise UsageError(f"`{words}` begins the ids of several decisions", "give more of its digits")
    raise NotFoundError(f"no decision or event `{words}` is known here", "`cg log --decisions` lists decisions, `cg export` every event")


def homes(database: Database, identity: str) -> list[str]:
    """The commits whose notes or messages hold the decision or event, sorted."""
    query = "SELECT home FROM decisions WHERE id = ? UNION SELECT key FROM events WHERE id = ? ORDER BY 1"
    return [key for (key,) in database.connection.execute(query, (identity, identity))]


def in_message(database: Database, identity: str) -> bool:
    """Whether the decision stands in a commit message, which no note can change."""
    query = "SELECT 1 FROM decisions WHERE id = ? AND origin = 'message'"
    return database.connection.execute(query, (identity,)).fetchone() is not None


def superseded(view: View, old: str, new: str, because: str, at: str, by: str) -> Entry:
    """The event that decision `new` replaces `old`. Raises UsageError for a circle, NotFoundError for an id that is not known."""
    target, replacement = identified(view.database, old), identified(view.database, new)
    for one in (target, replacement):
        if not one.startswith("cg-"):
            raise UsageError(f"`{one}` is an event; decisions supersede each other", "`cg redact` hides an event")
    if target == replacement:
        raise UsageError(f"{target} cannot supersede itself")
    chain = view.state([]).superseded
    step, seen = replacement, {replacement}
    while step in chain and chain[step].by_id not in seen:
        step = chain[step].by_id
        seen.add(step)
        if step == target:
            raise UsageError(f"{target} has superseded {replacement} already: the circle would leave neither in force")
    key = homes(view.database, target)[0]
    fields = {"target": target, "with": replacement, **({"because": because} if because else {})}
    return key, event.encode("superseded", at, by, key, fields)


def tombstone(kind: str, database: Database, identity: str, at: str, by: str) -> Entry:
    """The event (`redacted` or `purged`) that retires a decision or event for good, in its target's note."""
    key = homes(database, identity)[0]
    return key, event.encode(kind, at, by, key, {"target": identity})


def acked(finding: str, because: str, until: str, commit: str, at: str, by: str) -> Entry:
    """The event that a finding of `cg check` is accepted, because, until a day. Raises UsageError."""
    if not _FINDING.match(finding):
        raise UsageError(f"`{finding}` is no id of a finding", "`cg check` prints them")
    if not because.strip():
        raise UsageError("an acknowledgement needs its reason", "--because 'why this is fine'")
    if until:
        try:
            date.fromisoformat(until)
        except ValueError:
            raise UsageError(f"--until: `{until}` is not a day", "such as 2027-01-31") from None
    fields = {"finding": finding, "because": because.strip(), **({"until": until} if until else {})}
    return commit, event.encode("acked", at, by, commit, fields)
