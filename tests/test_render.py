"""What people read: the words of a status, and answers on narrow and wide screens."""

import re
from collections.abc import Callable

import pytest
from rich.console import Console, RenderableType

from contextgraph import evidence, render
from contextgraph.query.why import Why
from contextgraph.trace import BranchStatus, DiffStats, Evidence, Trace
from tests.conftest import Repo

A, B, C = "a" * 40, "b" * 40, "c" * 40
MERGED = Evidence(rule="merged", commit=A, detail="in main #12")
REVERTED = Evidence(rule="declared", commit=B, detail="100% undone")
AGAIN = Evidence(rule="relanded", commit=C, detail=f"{B[:12]} was itself undone")


def shown(answer: RenderableType, width: int = 80) -> str:
    console = Console(width=width, color_system=None, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(answer)
    return captured.get()


def became(status: str, *facts: Evidence, **fields: object) -> str:
    return " · ".join(evidence.outcome(Trace(status=status, landed_at="2025-12-01T10:00:00Z", evidence=list(facts), **fields)))  # type: ignore[arg-type]


OUTCOMES: list[tuple[str, Callable[[], str]]] = [
    ("pending", lambda: became("pending")),
    ("landed 2025-12-01", lambda: became("landed", Evidence(rule="reachable", commit=A, detail="in main"))),
    ("landed 2025-12-01 (#7)", lambda: became("landed", Evidence(rule="reachable", commit=A, detail="in main #7"))),
    ("landed 2025-12-01 via merge aaaaaaaaaa (#12)", lambda: became("landed", MERGED)),
    (
        "landed 2025-12-01 via rebase bbbbbbbbbb and merge aaaaaaaaaa (#12)",
        lambda: became("landed", Evidence(rule="host-rebase", commit=B, detail="in main"), MERGED),
    ),
    ("landed 2025-12-01 as its host says (#9)", lambda: became("landed", Evidence(rule="merged-event", commit=A, detail="in main #9"))),
    (
        "reverted by bbbbbbbbbb (declared, 100 % undone), landed 2025-12-01 via merge aaaaaaaaaa (#12)",
        lambda: became("reverted", MERGED, REVERTED, reverted_by=B),
    ),
    (
        "landed 2025-12-01 via merge aaaaaaaaaa (#12) · reverted by bbbbbbbbbb (declared, 100 % undone) · landed again by cccccccccc",
        lambda: became("landed", MERGED, REVERTED, AGAIN),
    ),
    (
        "reverted by dddddddddd (exact inverse without a word, 100 % undone), landed 2025-12-01"
        " · before that reverted by bbbbbbbbbb (declared, 100 % undone) · landed again by cccccccccc",
        lambda: became("reverted", REVERTED, Evidence(rule="inverse", commit="d" * 40, detail="100% undone"), AGAIN, reverted_by="d" * 40),
    ),
    (
        "landed 2025-12-01 · undone in part by bbbbbbbbbb (declared, 40 % undone)",
        lambda: became("landed", Evidence(rule="declared", commit=B, detail="40% undone")),
    ),
    ("landed 2025-12-01 · landed in v1", lambda: became("landed", by_branch=[BranchStatus(branch="v1", status="landed")])),
]


@pytest.mark.parametrize(("words", "made"), OUTCOMES, ids=[words for words, _ in OUTCOMES])
def test_what_became_of_it_in_words(words: str, made: Callable[[], str]) -> None:
    assert made() == words


@pytest.mark.parametrize("width", [40, 80, 200])
def test_facts_break_between_each_other(width: int) -> None:
    given = Trace(
        sha=C,
        author="Ann <ann@example.com>",
        timestamp="2025-11-30T00:00:00Z",
        branch="topic/limits",
        summary="Limit requests",
        status="reverted",
        landed_at="2025-12-01T10:00:00Z",
        reverted_by=B,
        evidence=[MERGED, REVERTED],
        stats=DiffStats(files=1, insertions=2, deletions=3),
    )
    lines = shown(render.trace(given, None), width).splitlines()
    assert max(map(len, lines)) <= width
    assert not any(line.strip().startswith("·") or line.endswith("·") for line in lines)
    text = " ".join(" ".join(lines).split())
    assert "landed 2025-12-01 via merge aaaaaaaaaa (#12)" in text
    assert "1 file +2 -3" in text
    if width == 80:
        assert lines[1] == "Ann <ann@example.com> · 2025-11-30 · on topic/limits"


def test_the_words_of_a_landed_and_a_reverted_commit(graphed: Repo) -> None:
    first = graphed.commit("Add the limiter", {"limit.py": "a\nb\nc\nd\n"})
    graphed.git("revert", "--no-edit", first)
    undone = graphed.sha()
    text = graphed.cg("why", first, code=1).stdout
    assert f"2026-01-01 · on main · reverted by {undone[:10]} (declared, 100 % undone), landed 2026-01-01 · 1 file" in text
    graphed.git("revert", "--no-edit", undone)
    text = graphed.cg("why", first, code=1).stdout
    assert f"reverted by {undone[:10]} (declared, 100 % undone) · landed again by {graphed.sha()[:10]}" in text


def test_a_path_shows_its_decisions_first_and_the_rest_in_lines(graphed: Repo) -> None:
    for number in range(4):
        decided = "\n\nbody\n\nDecision: keep it" if number == 1 else ""
        graphed.commit(f"change {number}{decided}", {"limit.py": f"{number}\n"})
    lines = graphed.cg("why", "limit.py").stdout.splitlines()
    assert lines[0].endswith("change 1")
    assert any("● keep it" in line for line in lines)
    assert [line.split()[-1] for line in lines[-3:]] == ["3", "2", "0"]
    assert lines[-4] == "without a decision:"
    assert all("Ann" not in line for line in lines[3:])


def test_a_path_without_decisions_takes_a_line_each(graphed: Repo) -> None:
    for number in range(25):
        graphed.commit(f"change {number}", {"limit.py": f"{number}\n"})
    lines = graphed.cg("why", "limit.py", code=1).stdout.splitlines()
    assert len(lines) == 23
    assert lines[20].startswith("the newest 20 commits")
    assert lines[-1] == "No decision is recorded here."


def test_decision_lines_are_not_said_twice(graphed: Repo) -> None:
    trailers = "Decision: token bucket\nBecause: smooth\n  under load\nAck: f-1 | fine\nSigned-off-by: A <a@b>"
    message = f"Add it\n\nThe body says more.\n\n\n  indented\n\n{trailers}\n"
    graphed.git("commit", "--allow-empty", "--cleanup=verbatim", "-qm", message)
    text = graphed.cg("why", "HEAD").stdout
    assert len(re.findall("token bucket", text)) == 1
    assert text.count("under load") == 1
    assert "The body says more.\n\n\n      indented\n\n    Ack: f-1 | fine\n    Signed-off-by: A <a@b>\n" in text
    graphed.commit("Only trailers\n\nDecision: alone")
    assert graphed.cg("why", "HEAD").stdout.count("alone") == 1


def test_the_message_of_the_answer_in_json_is_whole(graphed: Repo) -> None:
    graphed.commit("Add it\n\nDecision: token bucket")
    assert '"message":"Add it\\n\\nDecision: token bucket' in graphed.cg("why", "HEAD", "--json").stdout


def test_line_ends_of_windows_are_not_shown(graphed: Repo) -> None:
    raw = "Subject\r\n\r\nbody one\r\nbody two \r here\r\n"
    tree = graphed.git("rev-parse", "HEAD^{tree}")
    sha = graphed.git("commit-tree", tree, "-p", "HEAD", stdin=raw)
    graphed.git("update-ref", "HEAD", sha)
    text = graphed.cg("why", "HEAD", code=1).stdout
    assert "body one\n" in text
    assert "body two \\r here\n" in text
    assert "\\r" not in graphed.cg("log").stdout


def test_a_message_in_latin_1(graphed: Repo) -> None:
    graphed.git(
        "-c",
        "i18n.commitEncoding=ISO-8859-1",
        "commit",
        "--allow-empty",
        "-qF",
        "-",
        stdin="Gr\xfc\xdfe\n\nDecision: \xfc".encode("latin-1"),
    )
    assert "Grüße" in graphed.cg("log").stdout
    assert "● ü" in graphed.cg("why", "HEAD").stdout


def test_an_answer_of_several_says_how_many() -> None:
    assert "No decision is recorded here." in shown(render.why(Why("x", traces=[Trace(sha=A), Trace(sha=B)]), None, []))


def test_a_score_is_shown_as_the_sum_that_it_is() -> None:
    from contextgraph.query.search import Answer, Result

    trace = Trace(sha=A, summary="Close idle sockets")
    plain = Result(trace, 0.75, [], {"words": 0.5, "order": 0.25, "both": 0.0, "status": 1.0})
    undone = Result(trace, 0.675, [], {"words": 0.5, "order": 0.25, "status": 0.9, "folded": 2})
    lines = shown(render.search(Answer([plain, undone], 2, 1, ("phantomjs",)), True, [])).splitlines()
    assert "  score 0.75 = words 0.5 + order 0.25" in lines
    assert "  score 0.675 = (words 0.5 + order 0.25) × status 0.9; 2 more like it" in lines
    assert lines[-1] == "no text here has “phantomjs”"
