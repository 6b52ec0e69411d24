"""Nouns: values that cannot hold nonsense, and that come back from a note as they went in."""

import math

import msgspec
import pytest
from hypothesis import given as example
from hypothesis import strategies as st

from contextgraph import event, given, strictjson
from contextgraph.activity import Happening, is_time
from contextgraph.errors import BadInputError
from contextgraph.trace import Decision, Option, Rejection, Trace, decimal, plain
from tests.strategies import CALM, TRACES


@CALM
@example(TRACES)
def test_a_trace_comes_back_from_a_note_as_it_went_in(trace: Trace) -> None:
    fields = {name: value for name, value in plain(trace).items() if name != "recorded"}
    line = event.encode("recorded", "2026-11-20T13:00:00.000Z", "Ann <a@b>", "a" * 40, {"trace": fields})
    read = event.decode(line, "a" * 40)
    assert isinstance(read, event.Event)
    assert given.convert(read.body["trace"]) == trace


def test_a_required_field_is_kept_though_it_is_empty() -> None:
    decision = Decision(context="c", options=[Option(description="")], rejected=[Rejection(option="")])
    assert plain(decision) == {"context": "c", "options": [{"description": ""}], "rejected": [{"option": ""}]}


@CALM
@example(st.floats(0, 1) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_decimal_string_reads_back_the_same_without_an_exponent(number: float) -> None:
    text = decimal(number)
    assert float(text) == number and "e" not in text and not text.startswith("-0.0" if number == 0 else "?")


def test_a_decimal_of_nothing_and_of_next_to_nothing() -> None:
    assert [decimal(number) for number in (-0.0, 1e-7, 1.0)] == ["0.0", "0.0000001", "1.0"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"selected": 1, "options": [Option(description="a")]}, "there are 1 options"),
        ({"context": "c", "selected": -1}, "there are 0 options"),
        ({"context": "c", "confidence": 1.01}, "between 0 and 1"),
        ({"context": "c", "confidence": math.nan}, "between 0 and 1"),
        ({}, "an empty decision"),
    ],
)
def test_a_decision_cannot_hold_nonsense(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Decision(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("2026-11-20T13:00:00Z", True),
        ("2026-11-20T13:00:00.123456789Z", True),
        ("2024-02-29T23:59:59.000Z", True),
        ("2026-02-29T00:00:00Z", False),
        ("2026-13-01T00:00:00Z", False),
        ("2026-11-20T24:00:01Z", False),
        ("0000-01-01T00:00:00Z", False),
        ("2026-11-20T13:00:00+02:00", False),
        ("2026-11-20T13:00:00", False),
        ("٢٠٢٦-11-20T13:00:00Z", False),
        ("2026-11-20T13:00:00Z\n", False),
        ("yesterday", False),
    ],
)
def test_a_time_is_a_moment_of_the_calendar_in_utc(text: str, good: bool) -> None:
    assert is_time(text) is good
    if not good:
        with pytest.raises(ValueError, match="timestamp"):
            Happening(timestamp=text)


def test_values_are_frozen_and_compare_by_content() -> None:
    decision = Decision(context="c")
    assert decision == Decision(context="c") and decision.title == "c"
    with pytest.raises(AttributeError):
        decision.context = "d"  # type: ignore[misc]
    assert Decision(context="a").options is not Decision(context="b").options


def test_every_public_field_is_there_when_a_trace_is_shown() -> None:
    shown = msgspec.to_builtins(Trace())
    assert shown["decisions"] == [] and shown["status"] is None and shown["evidence"] == [] and shown["recorded"] is False
    with pytest.raises(BadInputError):
        strictjson.dumps({"summary": "\udce9"})
