"""Verbs: one immutable JSON line each, the state that a set of them folds to, and how old versions are read.

The bytes are for ever (CONTRACT, "The note format"): compact, UTF-8, `at` first and then the keys sorted, at every depth
below sorted, no floats, and an `id` over the line's own bytes.
"""

import hashlib
import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from contextgraph import strictjson
from contextgraph.activity import is_time
from contextgraph.errors import BadInputError

VERSION = 1
HARD_LIMIT = 64 * 1024
"""Bytes of the longest line that is read or written; a longer one is kept as a foreign line."""
TARGET = 4 * 1024
"""Bytes that a line should stay under; many decisions become several events (CONTRACT)."""

TOO_LONG = "keep the reasons, and point to transcripts"

UPCASTS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Old version -> the function that makes the next version's body of it. Empty as long as there is only version 1."""

_ID_MEMBER = re.compile(rb',"id":"([0-9a-f]{16})"')
_AT = re.compile(r".{19}\.[0-9]{3}Z\Z")
"""Of one width, so that the order of the bytes is the order of time."""


class Event(msgspec.Struct, frozen=True):
    """One line of a note, decoded. `key` is the commit it belongs to: its own `commit`, else the note's."""

    key: str
    id: str
    kind: str
    at: str
    by: str
    body: dict[str, Any]
    line: bytes


class Foreign(msgspec.Struct, frozen=True):
    """A line that is not ours to read: kept byte for byte, and counted. `newer`: from a later version of the format."""

    line: bytes
    why: str
    newer: bool = False


def encode(kind: str, at: str, by: str, commit: str | None, fields: dict[str, Any]) -> bytes:
    """The bytes of one event, without the line feed.

    Raises BadInputError when the line would be over HARD_LIMIT, or could not be read again (a float, a NUL, half a surrogate
    pair, a number beyond 64 bits, a time that is none): what is written is for ever.
    """
    body = {"by": by, "kind": kind, "v": VERSION, **fields}
    if commit is not None:
        body["commit"] = commit
    anonymous = strictjson.dumps({"at": at, **strictjson.sort_keys(body)})
    body["id"] = digest(anonymous)
    line = strictjson.dumps({"at": at, **strictjson.sort_keys(body)})
    if len(line) > HARD_LIMIT:
        raise BadInputError(f"the event has {len(line):,} bytes; the limit is {HARD_LIMIT:,}", TOO_LONG)
    read = decode(line, "")
    if isinstance(read, Foreign):
        raise BadInputError(f"this cannot be kept in a note: {read.why}")
    return line


def digest(anonymous: bytes) -> str:
    """The id of a line: the first 16 hex digits of SHA-256 over its bytes without the `id` member."""
    return hashlib.sha256(anonymous).hexdigest()[:16]


def decision_id(*parts: str) -> str:
    """`cg-` and 12 hex digits of SHA-256 over the parts, joined by NUL."""
    return "cg-" + hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()[:12]


def decode(line: bytes, key: str) -> Event | Foreign:
    """Read one line of the note on `key`. Never raises: what cannot be read is Foreign, with the reason."""
    if line.startswith(b"\n"):
        return Foreign(line, f"a note of {line.rpartition(b' ')[2][:20].decode('ascii', 'replace')} bytes is kept, and not read")
    if not line.startswith(b"{"):
        return Foreign(line, "not an event")  # before any parser: a note may hold a million lines of this
    if len(line) > HARD_LIMIT:
        return Foreign(line, f"longer than {HARD_LIMIT:,} bytes", newer=_looks_newer(line))
    try:
        body = strictjson.loads(line, floats=False)
    except BadInputError as error:
        return Foreign(line, error.message, newer=_looks_newer(line))
    if not isinstance(body, dict) or type(body.get("v")) is not int:  # `true` is an int to isinstance
        return Foreign(line, "not an event")
    if body["v"] > VERSION:
        return Foreign(line, f"version {body['v']}", newer=True)
    if not _verified(line, body):
        return Foreign(line, "its id does not verify")
    try:
        body = upcast(body)
        return Event(body.get("commit", key), body["id"], body["kind"], body["at"], body["by"], _checked(body), line)
    except (BadInputError, KeyError) as error:
        return Foreign(line, f"not an event: {error}")


def upcast(body: dict[str, Any]) -> dict[str, Any]:
    """The body in the newest version's shape. Raises BadInputError for a version that nobody wrote."""
    while body["v"] < VERSION:
        step = UPCASTS.get(body["v"])
        if step is None:
            raise BadInputError(f"version {body['v']} is unknown")
        body = step(body)
    return body


def _verified(line: bytes, body: dict[str, Any]) -> bool:
    """The id must be that of the line's own bytes less one `,"id":"…"` member; the hash itself tells which one."""
    claimed = body.get("id")
    members = (match for match in _ID_MEMBER.finditer(line) if match[1].decode() == claimed)
    return any(digest(line[: match.start()] + line[match.end() :]) == claimed for match in members)


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    for name in ("kind", "at", "by"):
        if not isinstance(body[name], str):
            raise BadInputError(f"`{name}` is not a string")
    if not _AT.match(body["at"]) or not is_time(body["at"]):
        raise BadInputError("`at` is not a time")
    if not isinstance(body.get("commit", ""), str):
        raise BadInputError("`commit` is not a string")
    return body


def _looks_newer(line: bytes) -> bool:
    """A later version may use JSON that we refuse (floats, say); it is still theirs and not rubbish."""
    found = re.search(rb'"v":(\d{1,9})[,}]', line)
    return found is not None and int(found[1]) > VERSION


def moment(seconds: float) -> str:
    """A Unix time as RFC 3339 UTC with milliseconds, as `at` has it: 0 -> 1970-01-01T00:00:00.000Z.

    A time outside the years 1 to 9999 (a forged commit) becomes the nearest that can be said.
    """
    bounded = min(max(seconds, -62135596800), 253402300799)
    whole, milliseconds = divmod(math.floor(bounded * 1000), 1000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z".rjust(24, "0")


def lines_of(blob: bytes) -> Iterable[bytes]:
    """The lines of a note: split at LF alone, blank ones dropped."""
    return [line for line in blob.split(b"\n") if line.strip()]
