"""What was purged stays gone: ids that every reader and every merge drops from then on.

`purged` in our directory has one id a line. It is durable: a clone that learned of a purge goes on dropping, whatever
comes in from elsewhere.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from contextgraph import event, trace
from contextgraph.errors import Error
from contextgraph.event import Event, decode
from contextgraph.fold import recorded_trace

MARK = b'"kind":"purged"'
"""The bytes that every tombstone of a purge has; a line without them needs no look."""


def load(home: Path) -> frozenset[str]:
    """The ids that are known to be purged. A line that a crash cut short is passed over: the tombstone in the notes says it again."""
    try:
        text = (home / "purged").read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return frozenset()
    return frozenset(line for line in text.split("\n")[:-1] if line)


def add(home: Path, ids: Iterable[str]) -> None:
    """Remember these ids, on disk when this returns. Raises Error when the disk refuses."""
    fresh = sorted(set(ids) - load(home))
    if not fresh:
        return
    try:
        home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(home / "purged", os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, (b"\n" if torn else b"") + "".join(f"{one}\n" for one in fresh).encode("ascii", "replace"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Error(f"{home / 'purged'} cannot be written: {error.strerror}") from None


def targets(lines: Iterable[bytes], key: str) -> set[str]:
    """The ids that these lines of the note on `key` say are purged."""
    found = (decode(line, key) for line in lines if MARK in line)
    return {str(each.body["target"]) for each in found if isinstance(each, Event) and each.kind == "purged" and "target" in each.body}


def alive(lines: Iterable[bytes], key: str, purged: frozenset[str] | set[str]) -> set[bytes]:
    """What is left of these lines of the note on `key`: the same bytes in every clone."""
    if not purged:
        return set(lines)
    return {left for line in lines for left in _left(line, key, purged)}


def _left(line: bytes, key: str, purged: frozenset[str] | set[str]) -> list[bytes]:
    """The line; nothing, when its event is purged; or the same event less the decisions that are.

    Tombstones themselves stay: a purge of a purge would bring back what it took.
    """
    if b'"decisions"' not in line and not any(one.encode() in line for one in purged):
        return [line]
    found = decode(line, key)
    if not isinstance(found, Event) or found.kind == "purged":
        return [line]
    if found.id in purged:
        return []
    if found.kind != "recorded" or not isinstance(found.body.get("trace"), dict):
        return [line]
    decisions = recorded_trace(found).decisions
    kept = [each for each in decisions if each.id not in purged]
    if len(kept) == len(decisions):
        return [line]
    return _less(found, [_stored(each, found) for each in kept])


def _less(found: Event, kept: list[dict[str, Any]]) -> list[bytes]:
    """The event with these decisions alone: `at` and `by` stay, so its new id is the same wherever it is made."""
    rest = {name: value for name, value in found.body["trace"].items() if name != "decisions"}
    if kept:
        rest["decisions"] = kept
    if not rest:
        return []
    fields = {name: value for name, value in found.body.items() if name not in ("at", "by", "commit", "id", "kind", "v", "trace")}
    return [event.encode("recorded", found.at, found.by, found.body.get("commit"), {**fields, "trace": rest})]


def _stored(decision: trace.Decision, found: Event) -> dict[str, Any]:
    """A decision as a note holds it; its id becomes explicit, because position and event id, which gave it, change."""
    timestamp = None if decision.timestamp == found.at else decision.timestamp
    plain: dict[str, Any] = trace.plain(msgspec.structs.replace(decision, trace_id=None, superseded_by=None, timestamp=timestamp))
    return plain
