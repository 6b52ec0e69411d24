"""What messages claim, in the words that people and git use; and what claims nothing."""

import pytest

from contextgraph.claims import Claim, read

SHA = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"


@pytest.mark.parametrize(
    "message",
    [
        f'Revert "Add limits"\n\nThis reverts commit {SHA}.',
        f"Undo it\n\nThis effectively reverts commit {SHA[:9]} and more.",
        f"Undo it\n\nThis partially reverts {SHA[:12]}.",
        f"Undo it\n\nThis reverts parts of commit {SHA}, reversing\nchanges made to {SHA[::-1]}.",
        f"Undo it\n\nThis is a partial revert of #12\n({SHA})",
        f"Undo it\n\nThis reverts most of {SHA}, in order to win.",
        f"Undo it\n\nIt reverts a change from {SHA[:11]}.",
        f"Backed out changeset {SHA[:12]} for failures",
        f"revert {SHA[:8]} changes",
    ],
)
def test_a_revert_names_its_commit(message: str) -> None:
    found = [claim for claim in read(message) if claim.kind == "reverts"]
    assert [SHA.startswith(claim.target) for claim in found] == [True]


def test_several_shas_in_one_sentence_and_in_a_list() -> None:
    first, second = SHA, SHA[::-1]
    assert {claim.target for claim in read(f"Undo\n\nThis reverts commits {first} and {second}.")} == {first, second}
    assert {claim.target for claim in read(f"Undo\n\nThis reverts the following commits:\n- {first}\n- {second}\n")} == {first, second}


def test_a_merge_is_named_without_where_it_started() -> None:
    message = f"Revert \"Merge branch 'x'\"\n\nThis reverts commit {SHA}, reversing\nchanges made to {SHA[::-1]}."
    assert {claim.target for claim in read(message) if claim.kind == "reverts"} == {SHA}


@pytest.mark.parametrize(
    ("message", "kind", "target"),
    [
        ('Revert "Add limits"', "reverts-subject", "Add limits"),
        ('Revert "Add limits" (#12)', "reverts-subject", "Add limits"),
        ('Reapply "Add limits"', "reverts-subject", 'Revert "Add limits"'),
        ('Revert "Revert "Add limits""', "reverts-subject", 'Revert "Add limits"'),
        ("Undo\n\nReverts #12", "reverts-pull", "12"),
        ("Undo\n\nReverts org/repo#12", "reverts-pull", "12"),
        ("Undo\n\nReverts https://host.example/org/repo/pull/12", "reverts-pull", "12"),
        (f"Pick\n\n(cherry picked from commit {SHA})", "picked", SHA),
        (f"Squashed commit of the following:\n\ncommit {SHA}\nAuthor: A\n\n    x", "squashed", SHA),
    ],
)
def test_other_claims(message: str, kind: str, target: str) -> None:
    assert (kind, target) in [(claim.kind, claim.target) for claim in read(message)]


@pytest.mark.parametrize(
    "message",
    ["revert: add option", "Add a revert button", f"See {SHA}", "Do not revert the order of 1234567 rows", "undo: subsystem prefix", ""],
)
def test_what_claims_nothing(message: str) -> None:
    assert read(message) == []


def test_a_sha_near_the_word_is_only_mentioned() -> None:
    assert Claim("mentions", SHA) in read(f"Fix\n\nAn unwanted revert happened in {SHA}.")


def test_hostile_length_takes_no_time() -> None:
    read("Revert\n\n" + "reverts commit " * 20_000)
    read("Revert\n\nThis reverts " + f"{SHA} " * 2_000)
    read('revert "' + "“" * 60_000)
