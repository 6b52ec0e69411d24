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
        f"Undo it\n\nReverts https://host.example/org/repo/commit/{SHA}.",
        f"Undo it\n\nPartial revert of commit #{SHA[:13]} on the way",
        f"Revert '{SHA[:7]}'",
        f"Revert: {SHA[:16]} partially",
        f"Undo it\n\nThis effectively reverts changes to checkout.c by {SHA[:7]} (checkout: more).",
        f"Undo it\n\nReverted the changes made to the CI workflow in\nhttps://host.example/org/repo/commit/{SHA}",
        f"Reverted code change introduced in {SHA}",
        f"Revert 30816237 and {SHA[:7]}",
        f"Undo it\n\nReverts #12, {SHA}.",
        f'Revert "Add limits"\n\nThis reverts commit {SHA}.\n\nAs of {SHA[::-1]} it is not needed.',
        f"Undo it\n\nThis reverts commit {SHA} which {SHA[::-1]} made obsolete.",
        f"Rollback of: {SHA} by Ann <ann@example.com>",
    ],
)
def test_a_revert_names_its_commit(message: str) -> None:
    found = [claim for claim in read(message) if claim.kind == "reverts"]
    assert [SHA.startswith(claim.target) for claim in found] == [True]


def test_several_shas_in_one_sentence_and_in_a_list() -> None:
    first, second = SHA, SHA[::-1]
    assert {claim.target for claim in read(f"Undo\n\nThis reverts commits {first} and {second}.")} == {first, second}
    assert {claim.target for claim in read(f"Undo\n\nThis reverts the following commits:\n- {first}\n- {second}\n")} == {first, second}
    for told in (
        f"Effectively reverts {first} (area: do this\nfor that (and more), 2021-03-30) and {second} (area: x, 2021-03-30).",
        f'This reverts commit {first} "area.c:\nfix it" and\n\ncommit {second} "area.c: do it".',
        f"Reverted changes:\n  {first} Fix it, again.\n  {second} Improve\n\nThat is all.",
        f"This reverts the following commits of the\nrevamp (CL 12 and fixes):\n- {first[:9]} (area: so)\n- {second[:9]} (area: more)",
        f"Reverting 2 commits:\n\n{first[:9]}... do it\n{second[:9]}... do more",
        f"Undo the changes done in {first}, {second}. The links are broken.",
        f"Revert workaround {first} and {second}",
        f"This reverts parts of commit {first} and part of commit {second}",
        f"Reverts parts of {first} and\nessentially all of {second}.",
    ):
        found = sorted(claim.target for claim in read(f"Undo\n\n{told}") if claim.kind == "reverts")
        assert [first.startswith(found[0]), second.startswith(found[1]), len(found)] == [True, True, 2], told


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
        ('Revert "Add limits" because it is slow', "reverts-subject", "Add limits"),
        ('Reapply "Add limits" - Now with tests (#13)', "reverts-subject", 'Revert "Add limits"'),
        ('Partially revert "Add limits"', "reverts-subject", "Add limits"),
        ('net: revert "Add limits"', "reverts-subject", "net: Add limits"),
        (f"Do it again\n\nReapplies: {SHA}", "mentions", SHA),
        (f"Do it again\n\nThe first try was reverted in {SHA}.", "reverts", SHA),
        ("Undo\n\nReverts #12", "reverts-pull", "12"),
        ("Undo\n\nReverts #11, #12", "reverts-pull", "12"),
        ("Revert workaround from #12 and update", "reverts-pull", "12"),
        ("Revert fix #12 just leaving the rest", "reverts-pull", "12"),
        ("Undo\n\nReverts org/repo#12", "reverts-pull", "12"),
        ("Undo\n\nReverts https://host.example/org/repo/pull/12", "reverts-pull", "12"),
        ("Merge pull request #12 from ann/limits\n\nNET: add limits\n\nThey are there.", "titled", "NET: add limits"),
        ("Merge branch 'limits' into 'main'\n\nNET: add limits\n\nSee merge request a/b!12", "titled", "NET: add limits"),
        ("Unskip\n\nrevert the rest of https://host.example/org/repo/pull/12", "reverts-pull", "12"),
        ("MAINT: revert gh-11 and gh-12", "reverts-pull", "12"),
        ("Revert: https://host.example/org/repo/pull/12 (again)", "reverts-pull", "12"),
        ("Temporary rollback of #12 as it is slow", "reverts-pull", "12"),
        ("Revert PR 12, except in old browsers", "reverts-pull", "12"),
        ("Revert the commits from pull request #12 for causing issues", "reverts-pull", "12"),
        ("Partially reverts PRs #11, #12", "reverts-pull", "12"),
        ("Backout of #12 (except formatting)", "reverts-pull", "12"),
        ("Undo\n\nReverts #11 #12", "reverts-pull", "12"),
        ("Undo\n\nReverts the name normalization part of #12 now that", "reverts-pull", "12"),
        ("Go on\n\nIt also reverts much of the\nerror plumbing in X that was added in #12.", "reverts-pull", "12"),
        ("Undo\n\nThis reverts #11 and its follow-up changes in #10,\nand #12.", "reverts-pull", "12"),
        ("Undo\n\nReverts [org/repo#12](https://host.example/org/repo/pull/12).", "reverts-pull", "12"),
        ("Revert accidental change (#13)\n\nThis was an accidental change for testing in\norg/repo#12.", "reverts-pull", "12"),
        ("fix: revert the order\n\nThe change from a to b in #12 made it slow.", "reverts-pull", "12"),
        (f"Undo\n\nThis reverts a Towncrier part of the commit\n{SHA}", "reverts", SHA),
        ("Undo\n\nThis reverts CL 1234, rolling forward CL 1230.", "reverts-change", "1234"),
        ("Undo\n\nRevert https://golang.org/cl/1234, which was not needed", "reverts-change", "1234"),
        ("Undo\n\nReverts https://x-review.host.example/c/tools/+/1234.", "reverts-change", "1234"),
        ("Do it\n\nChange-Id: I1a2b\nReviewed-on: https://x-review.host.example/c/tools/+/1234\n", "reviewed", "1234"),
        ("Roll-back https://host.example/org/repo/pull/12 for now", "reverts-pull", "12"),
        ("[net] Revert '[net] Add limits (#12)' (#13)", "reverts-subject", "[net] Add limits (#12)"),
        ('Rollback of "Add limits"', "reverts-subject", "Add limits"),
        ("[Rollback] Add limits to it", "reverts-subject", "Add limits to it"),
        ("revert: net: add limits", "reverts-subject", "net: add limits"),
        (f"Pick\n\n(cherry picked from commit {SHA})", "picked", SHA),
        (f"Squashed commit of the following:\n\ncommit {SHA}\nAuthor: A\n\n    x", "squashed", SHA),
    ],
)
def test_other_claims(message: str, kind: str, target: str) -> None:
    assert (kind, target) in [(claim.kind, claim.target) for claim in read(message)]


@pytest.mark.parametrize(
    "message",
    [
        "Enable it in stress tests\n\nThis is the second attempt after the revert of https://github.com/a/b/pull/4020",
        "Try again after the revert of #12",
        "revert: add option",
        "Add a revert button",
        f"See {SHA}",
        "Do not revert the order of 1234567 rows",
        "undo: subsystem prefix",
        "This un-reverts #12",
        "Try the rolled-back #12 again",
        "Undo the wrong order\n\nIt is slow. That was made in #12.",
        "",
    ],
)
def test_what_claims_nothing(message: str) -> None:
    assert read(message) == []


@pytest.mark.parametrize("message", ['Revert "Add limits"\n\n', f"Revert limits\n\nThis reverts commit {SHA}.\n\n", "Limits\n\n"])
def test_where_something_came_from_is_asked_only_of_a_revert_that_names_nothing(message: str) -> None:
    assert "12" not in {claim.target for claim in read(f"{message}It was a race introduced by #12.")}


def test_a_sha_near_the_word_is_only_mentioned() -> None:
    assert Claim("mentions", SHA) in read(f"Fix\n\nAn unwanted revert happened in {SHA}.")


def test_hostile_length_takes_no_time() -> None:
    read("Revert\n\n" + "reverts commit " * 20_000)
    read("Revert\n\nThis reverts " + f"{SHA} " * 2_000)
    read("Revert\n\n" + "reverts the " * 20_000)
    read("Revert\n\nreverts #12" + " and some of it" * 5_000)
    read('revert "' + "“" * 60_000)
