"""The bytes of version 1 are for ever: what is in golden/ must be written, and read, the same by every later release."""

import json
from pathlib import Path
from typing import Any

import pytest

from contextgraph.capture import record
from contextgraph.commits import Commit
from contextgraph.event import Event, Foreign, decode, encode
from contextgraph.fold import fold, given_trace
from contextgraph.trace import Decision, Option, Rejection, Trace

GOLDEN = Path(__file__).with_name("golden")
KEY = "1" * 40
CASES = json.loads((GOLDEN / "events.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_event_has_these_bytes(case: dict[str, Any]) -> None:
    line = case["line"].encode()
    assert encode(case["kind"], case["at"], case["by"], case["commit"], case["fields"]) == line
    read = decode(line, KEY)
    assert isinstance(read, Event) and read.kind == case["kind"] and read.id == case["id"]


def test_the_lines_of_other_programs_are_read_the_same() -> None:
    """golden/strangers: one line each of what a note may hold that is not ours; its first word says what it must count as."""
    for row in (GOLDEN / "strangers").read_bytes().rstrip(b"\n").split(b"\n"):
        word, _, line = row.partition(b" ")
        read = decode(line, KEY)
        found = ("newer" if read.newer else "foreign") if isinstance(read, Foreign) else "event"
        assert found == word.decode(), row


def test_a_recorded_trace_has_these_bytes() -> None:
    decision = Decision(
        context="Where do sessions live?", options=[Option(description="Redis", pros=["fast"]), Option(description="SQLite")], selected=0,
        reasoning="Ops already runs it — naïve but fine", confidence=0.9, reversible=True, risk="low",
        rejected=[Rejection(option="SQLite", reason="one writer")], constraints=["no PII in keys"], guard=["*.py: pickle"],
    )  # fmt: skip
    lines = record.recorded(KEY, "2026-11-20T13:00:00.000Z", "Ann <ann@example.com>", Trace(summary="Sessions", decisions=[decision]))
    assert b"".join(line + b"\n" for line in lines) == (GOLDEN / "recorded").read_bytes()
    read = decode(lines[0], KEY)
    assert isinstance(read, Event)
    assert given_trace(fold([read]), KEY).decisions[0].confidence == 0.9


def test_an_automatic_trace_and_its_trailer_decision_have_these_bytes() -> None:
    message = "Use Redis\n\nbody\n\nDecision: Redis\nRejected: SQLite | one writer\nBecause: ops runs it\nConfidence: high\n"
    commit = Commit(KEY, ("2" * 40,), "Ann <ann@example.com>", "Bob <bob@example.com>", 1_767_225_600, 1_767_225_660, message)
    lines = [*record.automatic(commit, "main", []), record.carried(commit, "3" * 40, "amend")]
    assert b"".join(line + b"\n" for line in lines) == (GOLDEN / "automatic").read_bytes()
