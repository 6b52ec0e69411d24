"""How much of a question each text explains: absolute, by rarity, whatever the order of BM25 is."""

import os

import pytest

from contextgraph.graph import Graph
from contextgraph.index import text
from contextgraph.query import lexical, question
from contextgraph.query.filters import Filters
from tests.conftest import Repo


def words(repo: Repo, asked: str, **filters: object) -> lexical.Words:
    os.environ["CG_WORKER"] = "off"
    graph = Graph.open(repo.path)
    graph.catch_up()
    condition, values = Filters(**filters).sql(graph.view.ledger())  # type: ignore[arg-type]
    return lexical.find(graph.database.connection, question.read(asked), condition, values)


def test_coverage_is_the_share_of_the_question_by_rarity(repo: Repo) -> None:
    whole = repo.commit("Close idle sockets", {"a": "1"})
    rare = repo.commit("Idle hands", {"b": "1"})
    common = repo.commit("Close the door", {"c": "1"})
    repo.commit("Close the window", {"d": "1"})
    found = words(repo, "close idle sockets").commits
    assert found[whole].coverage == pytest.approx(1.0)
    assert found[rare].coverage > found[common].coverage > 0
    assert found[whole].order == 1.0


def test_a_weak_first_hit_explains_little(repo: Repo) -> None:
    commit = repo.commit("Close the door", {"a": "1"})
    found = words(repo, "gravitational lensing close neutron stars")
    assert found.commits[commit].order == 1.0
    assert found.commits[commit].coverage < 0.35
    assert found.best == pytest.approx(found.commits[commit].coverage)


def test_word_forms_and_parts_of_identifiers_count(repo: Repo) -> None:
    commit = repo.commit("Leaking descriptors in readToEnd and spawn_blocking", {"a": "1"})
    for asked in ("leaked descriptor", "read end", "blocking spawns", "readToEnd", "spawn_blocking"):
        assert words(repo, asked).commits[commit].coverage == pytest.approx(1.0), asked


def test_a_lone_digit_is_a_word_and_what_no_text_has_is_told(repo: Repo) -> None:
    two = repo.commit("Drop Python 2 support", {"a": "1"})
    three = repo.commit("Drop Python 3 support", {"b": "1"})
    found = words(repo, "drop Python 2")
    assert found.commits[two].coverage > found.commits[three].coverage
    assert found.absent == ()
    assert words(repo, "drop PhantomJS").absent == ("phantomjs", "phantom", "js")


def test_nothing_but_signs_finds_nothing(repo: Repo) -> None:
    assert words(repo, "?!") == lexical.Words({}, {}, 0.0)


def test_a_condition_restricts_commits(repo: Repo) -> None:
    repo.commit("Close idle sockets", {"a": "1"})
    assert words(repo, "idle sockets", author="Nobody").commits == {}


def test_paragraphs_are_the_thoughts_of_a_message() -> None:
    long = ["One thought that is told at length. " * 6, "Another thought that is told at length. " * 6]
    assert text.paragraphs("\n\n".join(long)) == [each.strip() for each in long]
    assert text.paragraphs(long[0]) == [], "one thought is what the full text says"
    assert text.paragraphs("Short.\n\n" + long[0] + "\n\nSigned-off-by: Ann <ann@example.com>") == []
    assert len(text.paragraphs("\n\n".join(long * 20))) == text.PIECES
