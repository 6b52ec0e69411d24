"""What only the host knows: `merged` events, by CI or a webhook, say through which pull request a commit landed, and when."""

import re
from functools import cached_property

import msgspec

from contextgraph.event import Event, decode
from contextgraph.index.database import Database


class Told(msgspec.Struct, frozen=True):
    """`via` is the pull request (`#12`); `landed_at` RFC 3339 UTC."""

    via: str | None
    landed_at: str


class Merged:
    """The `merged` events of one branch up to the moment `as_of` (as `at` has it); an event without a branch counts for any."""

    def __init__(self, database: Database, branch: str | None, as_of: str | None = None) -> None:
        self._connection = database.connection
        self._branch = branch
        self._as_of = as_of

    def of(self, sha: str) -> Told | None:
        return self._told.get(sha)

    def number(self, sha: str) -> str | None:
        """The pull request of a commit."""
        told = self._told.get(sha)
        return told.via if told else None

    def keys(self) -> set[str]:
        return set(self._told)

    @cached_property
    def _told(self) -> dict[str, Told]:
        # The second condition says nothing new, but lets SQLite use the index `events_by_kind`, which leaves out most events.
        indexed = "kind = 'merged' AND kind NOT IN ('recorded', 'carried')"
        rows = self._connection.execute(f"SELECT key, line FROM events WHERE {indexed} ORDER BY at, id")
        events = [each for key, line in rows if isinstance(each := decode(line, key), Event)]
        return {each.key: told for each in events if self._branch and (told := self._read(each))}

    def _read(self, each: Event) -> Told | None:
        """What a (perhaps foreign) event says; None when it is of another branch, or of a later moment."""
        branch, via, at = (each.body.get(name) for name in ("branch", "via", "landed_at"))
        landed_at = at if isinstance(at, str) and re.match(r"\d{4}-\d\d-\d\dT", at) else each.at
        later = self._as_of is not None and max(each.at, landed_at) > self._as_of
        if later or (isinstance(branch, str) and branch not in (self._branch, f"refs/heads/{self._branch}")):
            return None
        return Told(via if isinstance(via, str) else None, landed_at)
