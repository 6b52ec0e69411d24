"""Two strict families of sentences, verbatim; everything else in a message is left alone."""

import pytest

from contextgraph.capture import mined
from contextgraph.commits import Commit


def commit(message: str, author: str = "Ann <ann@example.com>") -> Commit:
    return Commit(sha="1" * 40, parents=(), author=author, committer=author, author_time=1, commit_time=1, message=message)


def quotes(body: str, subject: str = "Subject", author: str = "Ann <ann@example.com>") -> list[str | None]:
    return [each.quote for each in mined.decisions(commit(f"{subject}\n\n{body}", author))]


RIGHT = [
    "We went with a bloom filter rather than a sorted list.",
    "I decided to keep the old format instead of a new one, for now.",
    "After some talk we have finally settled on sqlite over a flat file.",
    "Use a pipe instead of a temporary file because the disk may be full.",
    "Take the lock per batch instead of per row to avoid starving readers.",
]
WRONG = [
    "This returns a list because callers want to sort it themselves.",
    "Don't call it twice; we tried and it failed on the build machine.",
    "The test now gives an error instead of a warning in this one case.",
    "Users decided to leave; iterate over the rest of them afterwards.",
    "I tried to use a pipe instead of a file because of the full disk.",
    "Use a pipe instead of a file (which was slow) because of the disk.",
    "> We went with a bloom filter rather than a sorted list, they said.",
    "    We went with a bloom filter rather than a sorted list of keys.",
]


@pytest.mark.parametrize("sentence", RIGHT)
def test_a_sentence_of_a_family_is_kept_verbatim(sentence: str) -> None:
    assert quotes(f"Some words before it stand here. {sentence} And some after it.") == [sentence]


@pytest.mark.parametrize("sentence", WRONG)
def test_other_sentences_are_left_alone(sentence: str) -> None:
    assert quotes(sentence) == []


def test_lists_code_and_what_machines_write_are_left_alone() -> None:
    said = RIGHT[0]
    assert quotes(f"* {said}", subject="Add things (#12)") == []
    assert quotes(f"* {said}", subject="Add things") == [f"* {said}"]
    assert quotes(f"```\n{said}\n```") == []
    assert quotes(f"Squashed commit of the following:\n\n{said}") == []
    assert quotes(said, author="dependabot[bot] <support@example.com>") == []


def test_what_was_declared_stands_before_what_is_mined() -> None:
    declared = mined.own_words(commit(f"Subject\n\n{RIGHT[0]}\n\nDecision: bloom filter"))
    assert [each.source for each in declared] == ["trailer"]
    assert [each.source for each in mined.own_words(commit(f"Subject\n\n{RIGHT[0]}"))] == ["mined"]


def test_an_essay_gives_few_and_each_once() -> None:
    many = " ".join(f"We went with option {number} rather than the other one." for number in (1, 1, 2, 3, 4, 5))
    found = quotes(many)
    assert len(found) == len(set(found)) == mined.MOST


def test_ids_follow_author_and_sentence() -> None:
    one, other = mined.decisions(commit(f"A\n\n{RIGHT[0]}")), mined.decisions(commit(f"B\n\nMore words stand here. {RIGHT[0]}"))
    assert one[0].id == other[0].id
    assert mined.decisions(commit(f"A\n\n{RIGHT[0]}", "Bob <bob@example.com>"))[0].id != one[0].id
