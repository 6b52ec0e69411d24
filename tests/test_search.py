"""What is found, in which order, and why: one test a rule. Cosines are given where a rule is about them; a real model runs at the end."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from contextgraph.graph import Graph
from contextgraph.query import candidates, question, scale, search
from contextgraph.query.filters import Filters
from contextgraph.query.search import Answer, Result
from contextgraph.trace import Decision, Option, Trace
from tests.conftest import Repo

Near = Callable[[str], dict[str, float]]


@pytest.fixture(autouse=True)
def still() -> None:
    os.environ["CG_WORKER"] = "off"


def asked(repo: Repo, words: str, cosines: dict[str, float] | None = None, limit: int = 20, **filters: object) -> Answer:
    """The answer of the program, with these cosines in place of a model's."""
    graph = Graph.open(repo.path)
    graph.catch_up()
    return search.search(graph.view, words, Filters(**filters), limit, 0.0, lambda _: cosines or {}, details=False)  # type: ignore[arg-type]


def shas(answer: Answer) -> list[str | None]:
    return [each.trace.sha for each in answer.results]


def decide(repo: Repo, commit: str, choice: str, **fields: object) -> str:
    """Record a decision; returns its id."""
    graph = Graph.open(repo.path)
    graph.catch_up()
    decision = Decision(options=[Option(description=choice)], selected=0, **fields)  # type: ignore[arg-type]
    graph.record(commit, Trace(decisions=[decision]))
    graph.catch_up()
    noted = [each for each in graph.view.traces([commit])[0].decisions if each.choice == choice]
    return noted[0].id or ""


# Words and vectors.


def test_the_text_that_explains_more_of_the_question_is_first(repo: Repo) -> None:
    near = repo.commit("socket", {"a": "1"})
    body = "Give clients back\n\nWhen a peer vanished, its socket stayed in the pool, so descriptors leaked until restart. " + "More. " * 40
    right = repo.commit(body, {"b": "1"})
    cosines = {f"{near}/s": 0.4, f"{right}/s": 0.4, f"{right}/f": 0.4}
    assert shas(asked(repo, "descriptors leaked after a peer of the socket vanished", cosines))[0] == right


def test_a_text_that_holds_some_of_everything_counts_for_less(repo: Repo) -> None:
    everything = " ".join(f"word{number}" for number in range(3000))
    mass = repo.commit(f"Import\n\nretry timeout proxy {everything}", {f"retry/timeout/proxy{n}.py": "1" for n in range(50)})
    small = repo.commit("Give up after the second timeout\n\nThe proxy took every retry for a new request.", {"b": "1"})
    repo.commit("Something else", {"c": "1"})
    answer = asked(repo, "proxy retry timeout")
    assert shas(answer) == [small, mass]
    assert answer.results[0].explain["words"] > 2 * answer.results[1].explain["words"]


def test_a_near_paragraph_lifts_its_commit(repo: Repo) -> None:
    one, other = repo.commit("Alpha", {"a": "1"}), repo.commit("Beta", {"b": "1"})
    cosines = {f"{one}/s": 0.40, f"{one}/f": 0.40, f"{one}/p1": 0.80, f"{other}/s": 0.50}
    assert shas(asked(repo, "unrelated question", cosines)) == [one, other]
    del cosines[f"{one}/p1"]
    assert shas(asked(repo, "unrelated question", cosines)) == [other, one]


def test_what_is_not_among_the_nearest_is_as_near_as_the_last_of_them(repo: Repo) -> None:
    by_words = repo.commit("Keep descriptors of the socket pool open", {"a": "1"})
    by_vector = repo.commit("Beta", {"b": "1"})
    far = repo.commit("Gamma", {"c": "1"})
    cosines = {f"{by_vector}/s": 0.60, f"{far}/s": 0.50}
    answer = asked(repo, "which descriptors were lost yesterday", cosines)
    assert answer.results[0].trace.sha == by_words
    assert answer.results[0].explain["vectors"] == pytest.approx(0.50)


def test_the_order_of_bm25_counts_when_the_question_speaks_the_commits_language(repo: Repo) -> None:
    first = repo.commit("Close idle sockets", {"a": "1"})
    second = repo.commit("Tidy\n\nClose idle sockets, among other things that are told here at length.", {"b": "1"})
    foreign, fluent = ({f"{first}/s": cosine, f"{second}/s": cosine} for cosine in (0.5, 0.8))
    assert asked(repo, "close idle sockets", foreign).results[0].explain["order"] == 0
    answer = asked(repo, "close idle sockets", fluent)
    assert shas(answer) == [first, second]
    assert answer.results[0].explain["order"] == pytest.approx(scale.ORDER)


def test_a_subject_that_is_all_asked_for_goes_before_a_long_one_that_shares_its_words(repo: Repo) -> None:
    short = repo.commit("Close idle sockets", {"a": "1"})
    long = repo.commit("Close idle sockets and rename every module of the router while at it", {"b": "1"})
    fluent = {f"{short}/s": 0.8, f"{long}/s": 0.8}
    answer = asked(repo, "closed idle socket of the pool", fluent)
    assert shas(answer) == [short, long]
    parts = [result.explain["subject"] for result in answer.results]
    assert parts[0] == pytest.approx(scale.SUBJECT), "word forms count"
    assert 0 < parts[1] < scale.SUBJECT / 2
    foreign = asked(repo, "closed idle socket of the pool", dict.fromkeys(fluent, 0.5))
    assert {result.explain["subject"] for result in foreign.results} == {0.0}, "who asks in other words shares none by right"


def test_what_a_commit_touches_counts_for_a_question_in_the_commits_language(repo: Repo) -> None:
    tested = repo.commit("Close idle sockets", {"src/pool.py": "1", "tests/test_pool.py": "1"})
    code = repo.commit("Close idle sockets too", {"src/pool.py": "2"})
    prose = repo.commit("Close idle sockets also", {"docs/pool.md": "1", "CHANGELOG": "1", "uv.lock": "1"})
    fluent = {f"{sha}/s": 0.8 for sha in (tested, code, prose)}
    found = {result.trace.sha: result.explain.get("touched", 0.0) for result in asked(repo, "close idle sockets", fluent).results}
    assert found[tested] > found[code] == 0.0 > found[prose]
    assert all("touched" not in result.explain for result in asked(repo, "close idle sockets").results)


def test_without_vectors_words_answer_alone_on_a_scale_of_one(repo: Repo) -> None:
    found = repo.commit("Close idle sockets", {"a": "1"})
    repo.commit("Unrelated", {"b": "1"})
    answer = asked(repo, "close idle sockets")
    assert shas(answer) == [found]
    assert 0.9 < answer.results[0].score <= 1


def test_faint_likeness_is_no_answer(repo: Repo) -> None:
    commit = repo.commit("Close idle sockets", {"a": "1"})
    assert asked(repo, "gravitational lensing", {f"{commit}/s": 0.2}).results == []
    assert shas(asked(repo, "gravitational lensing", {f"{commit}/s": 0.4})) == [commit]


def test_a_merge_stands_behind_what_it_brings_in(repo: Repo) -> None:
    repo.git("switch", "-q", "-c", "topic")
    inner = repo.commit("Close idle sockets", {"a": "1"})
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Close idle sockets again", "topic")
    answer = asked(repo, "close idle sockets")
    assert shas(answer) == [inner, repo.sha()]
    assert answer.results[1].explain["merge"] < 0


# Status before relevance.


def test_what_took_a_change_back_answers_a_question_about_what_was_taken_back(repo: Repo) -> None:
    change = repo.commit("Cache rendered templates in memory", {"a": "one\ntwo\nthree\nfour\n"})
    repo.git("revert", "--no-edit", change)
    undo = repo.sha()
    repo.git("commit", "-q", "--amend", "-m", f"Go without\n\nThis reverts commit {change}.")
    undo = repo.sha()
    cosines = {f"{change}/s": 0.6, f"{undo}/s": 0.36}
    plain, taken = asked(repo, "cache rendered templates", cosines), asked(repo, "was the cache of rendered templates rolled back", cosines)
    assert shas(plain)[0] == change
    assert shas(taken)[0] == undo
    assert {"inherited", "undoing"} <= taken.results[0].explain.keys()
    assert plain.results[0].trace.status == "reverted"


def test_what_was_reverted_is_shown_with_its_mark_behind_what_stands(repo: Repo) -> None:
    change = repo.commit("Cache rendered templates for guests", {"a": "one\ntwo\nthree\nfour\n"})
    repo.git("revert", "--no-edit", change)
    repo.git("commit", "-q", "--amend", "-m", f"Go without\n\nThis reverts commit {change}.")
    stands = repo.commit("Cache rendered templates for members", {"b": "1"})
    answer = asked(repo, "cache rendered templates")
    assert shas(answer)[:2] == [stands, change]
    assert answer.results[1].explain["status"] == 0.9


def test_superseded_and_expired_decisions_are_hidden_unless_all_is_asked_for(repo: Repo) -> None:
    first, second, third = (repo.commit(f"Step {name}", {name: "1"}) for name in ("one", "two", "three"))
    old = decide(repo, first, "keep sessions in redis")
    new = decide(repo, second, "keep sessions in postgres", supersedes=old)
    decide(repo, third, "keep sessions in files", expires="2020-01-01")
    assert shas(asked(repo, "where do we keep sessions")) == [second]
    whole = asked(repo, "where do we keep sessions in redis", everything=True)
    assert set(shas(whole)) == {first, second, third}
    assert whole.results[0].matched_decisions[0].decision.id == new, "a superseded decision stood above its successor"


def test_a_commit_whose_decision_is_superseded_may_answer_with_its_own_text(repo: Repo) -> None:
    first = repo.commit("Keep sessions in redis", {"a": "1"})
    second = repo.commit("Move sessions", {"b": "1"})
    old = decide(repo, first, "sessions live in redis")
    decide(repo, second, "sessions live in postgres, not in redis", supersedes=old)
    answer = asked(repo, "keep sessions in redis")
    assert shas(answer) == [second, first]
    assert answer.results[1].matched_decisions == []
    assert answer.results[1].trace.decisions == []


def test_a_redacted_decision_is_not_found_even_by_all(repo: Repo) -> None:
    commit = repo.commit("Step", {"a": "1"})
    identity = decide(repo, commit, "the password is hunter")
    repo.cg("redact", identity)
    assert asked(repo, "password hunter").results == []
    assert asked(repo, "password hunter", everything=True).results == []


# People before agents before what was mined; one commit does not fill the screen.


def test_people_come_before_agents_before_what_was_mined(repo: Repo) -> None:
    mined, agent, person = (repo.commit(f"Step {name}", {name: "1"}) for name in ("one", "two", "three"))
    for commit, source in ((mined, "mined"), (agent, "agent"), (person, "authored")):
        decide(repo, commit, "queue uploads before they are hashed", source=source)
    answer = asked(repo, "queue uploads before hashed")
    assert shas(answer) == [person, agent, mined]


def test_a_commit_with_many_decisions_shows_few_of_them(repo: Repo) -> None:
    commit = repo.commit("Step", {"a": "1"})
    decisions = [Decision(options=[Option(description=f"queue uploads of kind {number}")], selected=0) for number in range(30)]
    graph = Graph.open(repo.path)
    graph.record(commit, Trace(decisions=decisions))
    answer = asked(repo, "queue uploads")
    assert len(answer.results) == answer.total == 1
    assert len(answer.results[0].matched_decisions) == search.MATCHED
    assert len(answer.results[0].trace.decisions) == 30


def test_a_picked_commit_and_its_original_are_one_result_the_landed_one(repo: Repo) -> None:
    repo.git("switch", "-q", "-c", "topic")
    original = repo.commit("Close idle sockets\n\nThey leaked.", {"a": "1"})
    repo.git("switch", "-q", "main")
    repo.commit("Unrelated", {"z": "1"})
    repo.git("cherry-pick", "-x", original)
    picked = repo.sha()
    answer = asked(repo, "close idle sockets", {f"{original}/s": 0.9})
    assert shas(answer) == [picked]
    assert answer.results[0].explain["folded"] == 1
    assert answer.total == 1


def test_the_same_text_again_and_again_is_one_result(repo: Repo) -> None:
    for number in range(4):
        repo.commit("Update the changelog", {"a": str(number)})
    other = repo.commit("Update the changelog\n\nAnd say what changelog entries look like.", {"a": "x"})
    answer = asked(repo, "update changelog")
    assert len(answer.results) == answer.total == 2
    assert other in shas(answer)


# What a question names.


def test_a_commit_a_number_and_a_decision_that_are_named_come_first(repo: Repo) -> None:
    first = repo.commit("Alpha (#123)", {"a": "1"})
    second = repo.commit("Close idle sockets in 123 places", {"b": "1"})
    identity = decide(repo, first, "nothing in common")
    for words in (f"idle sockets {first[:9]}", "idle sockets #123", f"idle sockets {identity}"):
        answer = asked(repo, words)
        assert shas(answer)[0] == first, words
        assert answer.results[0].explain["exact"] == 2.0
    assert shas(asked(repo, "idle sockets"))[0] == second


def test_a_path_and_an_identifier_are_known_as_such(repo: Repo) -> None:
    inside = repo.commit("Tidy", {"src/net/pool.py": "1"})
    repo.commit("Tidy more", {"src/net/other.py": "1"})
    assert shas(asked(repo, "src/net/pool.py"))[0] == inside
    assert asked(repo, "src/net/pool.py").results[0].explain["exact"] == candidates.PATH
    together = repo.commit("Call spawn_blocking twice", {"c": "1"})
    apart = repo.commit("Spawn a task; blocking calls come twice", {"d": "1"})
    answer = asked(repo, "spawn_blocking")
    assert shas(answer)[0] == together
    assert answer.results[0].score > asked(repo, "spawn_blocking").results[1].score
    assert apart in shas(answer)


@pytest.mark.parametrize(
    ("text", "field", "found"),
    [
        ("why deadbeef1 broke", "shas", ("deadbeef1",)),
        ("a decade of defaced pages", "shas", ()),
        ("see #12 and GH-13, or pull request 14", "numbers", ("12", "13", "14")),
        ("look into src/net/pool.py and docs/", "paths", ("src/net/pool.py", "docs")),
        ("and/or", "paths", ("and/or",)),
        ("call read_to_end via Foo::bar with --no-verify", "phrases", ("read to end", "foo bar", "no verify")),
        ("cg-0123456789ab", "decisions", ("cg-0123456789ab",)),
    ],
)
def test_exact_names_in_a_question(text: str, field: str, found: tuple[str, ...]) -> None:
    assert getattr(question.read(text), field) == found


@pytest.mark.parametrize("text", ["was it reverted", "we backed it out", "why was X taken out", "rolled back", "they gave up", "undone"])
def test_a_question_about_what_was_taken_back_is_known(text: str) -> None:
    assert question.read(text).undone


@pytest.mark.parametrize("text", ["background of the roll", "give me a backup", "take care", "an abundant undocumented change"])
def test_other_questions_are_not_about_what_was_taken_back(text: str) -> None:
    assert not question.read(text).undone


# Filters, moments, limits, explanations.


def test_filters_restrict_what_words_and_vectors_find(repo: Repo) -> None:
    ann = repo.commit("Close idle sockets", {"src/a.py": "1"})
    bob = repo.commit("Close idle sockets for good", {"src/b.py": "1"}, GIT_AUTHOR_NAME="Bob", GIT_AUTHOR_EMAIL="bob@example.com")
    near = {f"{ann}/s": 0.9, f"{bob}/s": 0.9}
    assert shas(asked(repo, "idle sockets", near, author="Bob")) == [bob]
    assert shas(asked(repo, "idle sockets", near, paths=("src/a*",))) == [ann]
    assert shas(asked(repo, "idle sockets", near, paths=("src",), author="Ann")) == [ann]
    assert shas(asked(repo, "idle sockets", near, until=repo.clock - 90)) == [ann]
    assert shas(asked(repo, "idle sockets", near, statuses=("reverted",))) == []
    assert shas(asked(repo, "idle sockets", near, decisions=True)) == []
    decide(repo, bob, "close them after a minute", category="implementation", area="net")
    for filters in ({"decisions": True}, {"category": "implementation"}, {"areas": ("net",)}):
        assert shas(asked(repo, "idle sockets", near, **filters)) == [bob], filters


def test_a_filter_that_leaves_few_still_finds_them_among_many(repo: Repo) -> None:
    lines = []
    for number in range(3000):
        who = "Rare <rare@example.com>" if number == 7 else "Ann <ann@example.com>"
        head = f"commit refs/heads/main\nauthor {who} {1767300000 + number} +0000\ncommitter {who} {1767300000 + number} +0000\n"
        message = f"Close idle sockets number{number}"
        start = "from refs/heads/main^0\n" if number == 0 else ""
        lines.append(f"{head}data {len(message)}\n{message}\n{start}\n")
    repo.run("git", "fast-import", "--quiet", stdin="".join(lines))
    answer = asked(repo, "close idle sockets", author="Rare")
    assert [each.trace.summary for each in answer.results] == ["Close idle sockets number7"]


def test_a_moment_shows_what_was_known_then(repo: Repo) -> None:
    first = repo.commit("Close idle sockets", {"a": "1"})
    moment = repo.clock
    repo.commit("Close idle sockets at once", {"b": "1"})
    from contextgraph.query.view import Moment

    assert shas(asked(repo, "close idle sockets", as_of=Moment("2026-01-01T00:59:59.999Z", moment))) == [first]


def test_the_parts_of_a_score_add_up_to_it_and_the_total_is_what_would_be_shown(repo: Repo) -> None:
    for number in range(12):
        repo.commit(f"Close idle sockets of kind {number} {'in vain' * (number % 3)}", {f"f{number}": "1"})
    cosines = {f"{sha}/s": 0.3 + place / 30 for place, sha in enumerate(repo.git("log", "--format=%H", "-12").split())}
    whole, some = asked(repo, "close idle sockets in vain", cosines, limit=100), asked(repo, "close idle sockets in vain", cosines, limit=3)
    assert some.total == whole.total == len(whole.results) == 12
    assert shas(some) == shas(whole)[:3]
    assert [each.score for each in whole.results] == sorted((each.score for each in whole.results), reverse=True)
    assert all(added_up(each) == pytest.approx(each.score, abs=1e-3) for each in whole.results)


def added_up(result: Result) -> float:
    parts = {name: value for name, value in result.explain.items() if name not in ("status", "folded")}
    return float(sum(parts.values()) * result.explain["status"])


def test_a_least_score_leaves_out_what_is_below_it(repo: Repo) -> None:
    repo.commit("Close idle sockets", {"a": "1"})
    repo.commit("Close sockets", {"b": "1"})
    scores = [each["score"] for each in found(repo, "close idle sockets")]
    assert len(scores) == 2
    assert [each["score"] for each in found(repo, "close idle sockets", "--min-score", str(scores[1] + 0.01))] == scores[:1]


def found(repo: Repo, words: str, *options: str) -> list[dict[str, Any]]:
    answer = json.loads(repo.cg("search", "--json", *options, "--", words, code=None).stdout)
    return list(answer["results"])


def test_what_a_message_says_in_prose_is_found_as_mined(repo: Repo) -> None:
    sentence = "We went with a bloom filter rather than a sorted list, since misses are what we mostly see."
    commit = repo.commit(f"Speed up look-ups\n\n{sentence}", {"a": "1"})
    result = found(repo, "bloom filter or sorted list")[0]
    assert result["trace"]["sha"] == commit
    matched = result["matched_decisions"]
    assert [(each["decision"]["source"], each["decision"]["quote"]) for each in matched] == [("mined", sentence)]
    assert repo.note(commit) == [], "a mined decision was written to a note"


def test_a_real_model_finds_what_shares_no_word(repo: Repo) -> None:
    from contextgraph.embed.small import store_small

    store_small()
    first, second = "First a thing that is told here. " * 5, "Then another one, which is told here too. " * 5
    commit = repo.commit(f"Sockets\n\n{first}\n\n{second}", {"a": "1"})
    repo.cg("refresh", "-q")
    graph = Graph.open(repo.path)
    graph.catch_up()
    assert {key.partition("/")[2] for key in graph.near("socket") if key.startswith(commit)} == {"s", "f", "p0", "p1"}
    answer = graph.search("socketry", Filters(), 5)
    assert answer.results
    assert "vectors" in answer.results[0].explain
    assert answer.results[0].trace.sha == found(repo, "socketry")[0]["trace"]["sha"]
