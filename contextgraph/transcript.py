"""All events as JSON lines, out and in: `{"key":"<commit>","event":<the line as it is>}`, in the order of key and bytes."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

from contextgraph import strictjson, tombstones
from contextgraph.errors import BadInputError
from contextgraph.event import Event, decode
from contextgraph.notes import Store
from contextgraph.notetree import UNREAD

_EVENT = re.compile(rb'\{"key":"([0-9a-f]{40}|[0-9a-f]{64})","event":(\{.*\})\}\Z')
LONGEST = 1 << 20
"""Bytes of the longest line that is read."""


def write(store: Store, tip: str | None) -> Iterator[bytes]:
    """Each line of every note, those that are not ours to read as base64 (`foreign`): nothing is left out."""
    purged = tombstones.load(store.git.home)
    notes = {key: tombstones.alive(lines, key, purged) for key, lines in store.lines(tip)} if tip else {}
    for key in sorted(notes):
        for line in sorted(notes[key]):
            if line.startswith(UNREAD):
                continue  # a note too large to be read: it travels by fetch and push alone
            if isinstance(decode(line, key), Event):
                yield b'{"key":"%s","event":%s}' % (key.encode(), line)
            else:
                yield b'{"key":"%s","foreign":"%s"}' % (key.encode(), base64.b64encode(line))


def read(lines: Iterable[bytes]) -> Iterator[tuple[str, bytes, bool]]:
    """(key, line, whether it is an event of ours) of every line. Raises BadInputError with the line's number.

    An event counts only when its id verifies over its own bytes.
    """
    for number, raw in enumerate(lines, 1):
        text = raw.strip()
        if not text:
            continue
        if match := _EVENT.match(text):
            key, line = match[1].decode(), match[2]
            found = decode(line, key)
            if not isinstance(found, Event):
                raise BadInputError(f"line {number}: {found.why}", "nothing was imported")
            yield key, line, True
        else:
            yield (*_foreign(text, number), False)


def _foreign(text: bytes, number: int) -> tuple[str, bytes]:
    try:
        fields = strictjson.loads(text, floats=True)
        key, line = fields["key"], base64.b64decode(fields["foreign"], validate=True)
    except (BadInputError, KeyError, TypeError, ValueError, binascii.Error):
        raise BadInputError(f"line {number} is not one of `cg export`", "nothing was imported") from None
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", str(key)) or b"\n" in line or not line.strip():
        raise BadInputError(f"line {number} is not one of `cg export`", "nothing was imported")
    return str(key), line


def take(store: Store, entries: Iterable[tuple[str, bytes, bool]]) -> tuple[int, int, dict[str, set[bytes]]]:
    """What of these is new here, by key: (how many were there already, how many are purged, the new lines)."""
    wanted: dict[str, set[bytes]] = {}
    for key, line, _ in entries:
        wanted.setdefault(key, set()).add(line)
    tip = store.tip()
    purged = tombstones.load(store.git.home)
    there = {key: set(lines) for key, lines in store.lines(tip, wanted)} if tip and wanted else {}
    total = sum(map(len, wanted.values()))
    left = {key: tombstones.alive(lines, key, purged) for key, lines in wanted.items()}
    dropped = total - sum(map(len, left.values()))
    new = {key: fresh for key, lines in left.items() if (fresh := lines - there.get(key, set()))}
    return total - dropped - sum(map(len, new.values())), dropped, new
