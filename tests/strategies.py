"""Hypothesis strategies that several test files draw from."""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from contextgraph.activity import ErrorRecord, ToolCall
from contextgraph.trace import Decision, Option, Rejection, Trace

CALM = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=int(os.environ.get("CG_TEST_EXAMPLES", "40")))
"""Two busy cores are no defect of the code under test."""

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
MAYBE = st.none() | WORDS
WHOLE = st.integers(0, 2**63 - 1)
FREE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
OPTIONS = st.builds(Option, description=WORDS, pros=st.lists(WORDS, max_size=2), cons=st.lists(WORDS, max_size=2))


@st.composite
def decisions(draw: st.DrawFn) -> Decision:
    options = draw(st.lists(OPTIONS, max_size=3))
    return Decision(
        id=draw(st.none() | st.just("cg-0123456789ab")),
        context=draw(WORDS.filter(bool)),
        options=options,
        selected=draw(st.none() | st.integers(0, len(options) - 1)) if options else None,
        reasoning=draw(WORDS),
        category=draw(st.sampled_from([None, "tooling", "architecture"])),
        risk=draw(st.sampled_from([None, "low", "high"])),
        reversible=draw(st.none() | st.booleans()),
        confidence=draw(st.none() | st.floats(0, 1)),
        area=draw(MAYBE.filter(lambda word: word != "")),
        source=draw(st.sampled_from([None, "authored", "trailer", "agent"])),
        rejected=draw(st.lists(st.builds(Rejection, option=WORDS, reason=st.none() | WORDS.filter(bool)), max_size=2)),
        constraints=draw(st.lists(WORDS, max_size=2)),
    )


TRACES = st.builds(
    Trace,
    summary=MAYBE.filter(lambda word: word != ""),
    iterations=st.none() | WHOLE,
    duration=st.none() | WHOLE,
    decisions=st.lists(decisions(), max_size=2),
    tool_calls=st.lists(st.builds(ToolCall, tool=WORDS, args=FREE, result=FREE, success=st.none() | st.booleans()), max_size=2),
    errors=st.lists(st.builds(ErrorRecord, message=WORDS), max_size=2),
)
