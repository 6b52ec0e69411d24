"""Decisions in commit messages: read as git reads trailers, whatever stands there."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contextgraph.capture import trailers
from contextgraph.commits import Commit
from contextgraph.trace import Decision


def commit(message: str, author_time: int = 1) -> Commit:
    return Commit("a" * 40, (), "Ann <a@e>", "Bob <b@e>", author_time, 2, message)


def decisions(message: str) -> list[Decision]:
    return trailers.decisions(commit(message))


def one(block: str) -> Decision:
    (found,) = decisions(f"subject\n\nbody\n\n{block}\n")
    return found


def test_every_key() -> None:
    found = one(
        "Decision: token bucket\nContext: how to limit\nRejected: fixed window | bursts\nRejected: nothing\n"
        "Because: smooth\nBecause: small\n"
        "Constraint: keep it pure\nSupersedes: cg-123456789abc\nExpires: 2027-01-31\nGuard: *.py: sleep\nRisk: low\nReversible: no\n"
        "Confidence: 0.8\nCategory: tooling\nArea: net"
    )
    assert (found.choice, found.context, found.reasoning) == ("token bucket", "how to limit", "smooth\nsmall")
    assert [(each.option, each.reason) for each in found.rejected] == [("fixed window", "bursts"), ("nothing", None)]
    assert (found.constraints, found.guard, found.supersedes, found.expires) == (
        ["keep it pure"],
        ["*.py: sleep"],
        "cg-123456789abc",
        "2027-01-31",
    )
    assert (found.risk, found.reversible, found.confidence, found.category, found.area) == ("low", False, 0.8, "tooling", "net")
    assert found.source == "trailer"


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("Limit: x", "constraints", ["x"]),
        ("Directive: x", "constraints", ["x"]),
        ("Warn: x", "constraints", ["x"]),
        ("Certainty: firm", "confidence", 0.9),
        ("Certainty: tentative", "confidence", 0.6),
        ("certainty: Guess, really", "confidence", 0.3),
        ("Confidence: high", "confidence", 0.9),
        ("Confidence: medium", "confidence", 0.6),
        ("CONFIDENCE: low.", "confidence", 0.3),
        ("Undo: easy", "reversible", True),
        ("Reversibility: migration-needed", "reversible", False),
        ("Reversible: yes, by hand", "reversible", True),
        ("Blast: high", "risk", "high"),
        ("Scope-risk: low (one file)", "risk", "low"),
        ("Follows: #12", "related", ["#12"]),
        ("Related: adr-3", "related", ["adr-3"]),
    ],
)
def test_aliases(line: str, field: str, value: object) -> None:
    assert getattr(one(f"Decision: d\n{line}"), field) == value


def test_ruled_out_is_rejected() -> None:
    assert one("Ruled-out: b | slow").rejected[0].option == "b"


def test_what_a_field_does_not_allow_is_kept_in_words() -> None:
    found = one("Decision: d\nRisk: enormous\nConfidence: 140 %\nReversible: perhaps")
    assert found.constraints == ["Risk: enormous", "Confidence: 140 %", "Reversible: perhaps"]


def test_several_decisions_and_what_stands_before_the_first() -> None:
    first, second = decisions("s\n\nBecause: early\nDecision: a\nRisk: low\nDecision: b\nRisk: high\n")
    assert (first.choice, first.reasoning, first.risk) == ("a", "early", "low")
    assert (second.choice, second.risk) == ("b", "high")


def test_without_a_decision_they_make_one_that_selects_nothing() -> None:
    found = one("Rejected: b | slow\nBecause: tried it")
    assert (found.selected, found.options) == (None, [])


def test_acks_stand_alone() -> None:
    message = "s\n\nAck: cg-f-12 | known, see #4\nAck: bare\n"
    assert decisions(message) == []
    assert [(each.finding, each.because) for each in trailers.acks(message)] == [("cg-f-12", "known, see #4"), ("bare", "")]


def test_folded_lines_and_crlf() -> None:
    assert one("Decision: a long\n  choice\n\tof words\nBecause: x").choice == "a long choice of words"
    (found,) = decisions("s\r\n\r\nbody\r\n\r\nDecision: a\r\nBecause: b\r\n")
    assert (found.choice, found.reasoning) == ("a", "b")


@pytest.mark.parametrize(
    "message",
    [
        "s\n\nDecision: a\nBecause: b\n\nCo-authored-by: X <x@e>\nSigned-off-by: Y <y@e>\n",
        "s (#12)\n\n* first\n\ntext\n\nDecision: a\nBecause: b\n\n* second\n\nmore text\n",
        "s\n\n\n\nDecision: a\nBecause: b\n\n\n",
        "s\n\nDecision: a\nBecause: b\nSigned-off-by: X <x@e>\nsome words\n",
        "s\n\ntext\n---\nmore\n\nDecision: a\nBecause: b\n",
        "s\n\n# a heading\n\nDecision: a\n# said git\nBecause: b\n",
        "s\n\nDecision: a\nBecause: b\nReviewed-by: Z <z@e>\n(cherry picked from commit 1234)\n",
    ],
)
def test_where_they_may_stand(message: str) -> None:
    (found,) = decisions(message)
    assert (found.choice, found.reasoning) == ("a", "b")


@pytest.mark.parametrize(
    "message",
    [
        "Decision: the subject is none",
        "s\n\nDecision: a\nprose in the same block\n",
        "s\n\n    Decision: indented by a squash\n",
        "",
        "\n\n\n",
        "s\n\nDecision: only in a paragraph\nReviewed-by: with others\n\nlast words\n",
        "s\n\nDecision:\n",
        "s\n\nThe Decision: of a sentence\n",
    ],
)
def test_where_they_do_not_count(message: str) -> None:
    assert decisions(message) == []


def test_ids_survive_what_does_not_concern_them() -> None:
    block = "Decision: a\nBecause: b"
    (before,) = decisions(f"s\n\n{block}\n")
    (after,) = decisions("another subject\n\nlong text\n\nDecision:  a\nBECAUSE: b\n\nCo-authored-by: X <x@e>\n")
    assert before.id == after.id
    assert before.id is not None
    assert len(before.id) == 15
    (other,) = decisions("s\n\nDecision: a\nBecause: c\n")
    (later,) = trailers.decisions(commit(f"s\n\n{block}\n", author_time=2))
    assert len({before.id, other.id, later.id}) == 3


LINES = st.sampled_from(
    "Decision: a|Rejected: b, c|Because: d|Signed-off-by: X <x@y>|Co-authored-by: Z <z@y>|(cherry picked from commit abc)|plain text|"
    "more: or less|  folded|\tfolded: x|# comment|---|Ruled-out: e|* bullet|-x: y|Because : spaced|Guard:x".split("|")
)


@settings(max_examples=60, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=9))
def test_the_last_block_is_what_git_says(lines: list[str]) -> None:
    message = "subject\n\n" + "\n".join(lines) + "\n"
    command = ["git", "-c", "core.commentChar=#", "interpret-trailers", "--parse", "--no-divider"]
    answer = subprocess.run(command, input=message, capture_output=True, text=True, check=True).stdout
    wanted = [(trailers.canonical(line.partition(":")[0].strip()), line.partition(":")[2].split()) for line in answer.splitlines()]
    assert [(key, value.split()) for key, value in trailers.read(message)] == [pair for pair in wanted if pair[0] in trailers.OURS]


def test_what_only_qualifies_is_no_decision() -> None:
    for line in (
        "Area: docs",
        "Context: https://example.com/7",
        "Risk: low",
        "Confidence: high",
        "Expires: 2027-01-31",
        "Category: tooling\nArea: x",
        "Undo: easy",
    ):
        assert decisions(f"subject\n\n{line}") == []
    alone = decisions("subject\n\nSupersedes: cg-0123456789ab")
    assert [(each.supersedes, each.context) for each in alone] == [("cg-0123456789ab", "subject")]


@settings(max_examples=1000, deadline=None)
@given(
    st.lists(
        st.one_of(st.text(max_size=40), st.builds("{}: {}".format, st.sampled_from(sorted(trailers.OURS)), st.text(max_size=30)), LINES),
        max_size=12,
    )
)
def test_no_message_makes_it_raise(lines: list[str]) -> None:
    message = "\n".join(lines).replace("\0", "")
    for each in decisions(message):
        assert each.id
    trailers.acks(message)


def test_a_huge_message_takes_a_moment() -> None:
    """Quadratic reading would take hours here."""
    assert len(decisions("s\n\nDecision: x\n" + " folded\n" * 300_000)) == 1
    assert len(decisions("s\n\n" + "Constraint: abc\n" * 20_000)[0].constraints) == 20_000
    assert decisions("s\n" + "\n " * 500_000 + "x") == []
