"""What undoes what: declared, silent, in part; and what looks like it and undoes nothing."""

import sys
from pathlib import Path

import pytest

from contextgraph.lock import locked
from contextgraph.status import inverses
from tests.conftest import Repo
from tests.histories import graph, lines, rules, status, trace


def test_a_revert_of_a_revert_to_any_depth(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": lines("limits")})
    odd: list[str] = []
    for depth in range(1, 6):
        repo.git("revert", "--no-edit", "HEAD")
        odd += [repo.sha()] * (depth % 2)
        assert status(repo, sha) == ("reverted" if depth % 2 else "landed"), depth
    assert trace(repo, sha).reverted_by in odd


def test_reland_says_by_whom(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": lines("limits")})
    repo.git("revert", "--no-edit", "HEAD")
    repo.git("revert", "--no-edit", "HEAD")
    found = trace(repo, sha)
    assert (found.status, found.relanded_by, found.extent) == ("landed", repo.sha(), 0.0)


def test_a_quoted_title_means_the_one_that_is_undone(repo: Repo) -> None:
    first = repo.commit("Tidy", {"one": lines("one")})
    second = repo.commit("Tidy", {"two": lines("two")})
    repo.git("rm", "-q", "one")
    repo.git("commit", "-q", "-m", 'Revert "Tidy"')
    assert (status(repo, first), status(repo, second)) == ("reverted", "landed")


def test_the_quoted_title_of_a_pull_request_is_that_of_its_merge(repo: Repo) -> None:
    repo.commit("Base")
    repo.git("checkout", "-q", "-b", "topic")
    sha = repo.commit("Limits, first try", {"limits": lines("limits")})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge pull request #7 from a/topic", "-m", "NET: add limits", "topic")
    merge = repo.sha()
    repo.git("rm", "-q", "limits")
    repo.git("commit", "-q", "-m", 'Revert "NET: add limits"')
    assert (status(repo, sha), status(repo, merge)) == ("reverted", "reverted")


def test_a_title_without_quotes_is_believed_of_the_commit_that_has_it(repo: Repo) -> None:
    shas = [repo.commit(title, {title: lines(title)}) for title in ("net: Add limits to it", "net: Add limits")]
    repo.git("rm", "-q", "net: Add limits", "net: Add limits to it")
    repo.commit("Revert net: add limits", {"more": "so\n"})
    assert [status(repo, sha) for sha in shas] == ["landed", "reverted"]


def test_a_pull_request_number_is_enough(repo: Repo) -> None:
    sha = repo.commit("Add limits (#12)", {"limits": lines("limits"), "more": lines("more", 2)})
    repo.git("rm", "-q", "limits", "more")
    repo.git("commit", "-q", "-m", "Go back for good", "-m", "Reverts org/repo#12")
    assert status(repo, sha) == "reverted"


def test_what_followed_a_pull_request_is_undone_with_it(repo: Repo) -> None:
    first = repo.commit("Add limits (#12)", {"limits": lines("limits")})
    second = repo.commit("Limit more (#13)", {"limits": lines("limits") + lines("more")})
    part = repo.commit("Two (#14)", {"a": lines("a", 1), "b": lines("b", 3)})
    repo.git("rm", "-q", "limits", "a")
    repo.git("commit", "-q", "-m", "Back", "-m", "This reverts #12 and its follow-up changes in\n#13. It undoes the easy part of #14.")
    assert ([status(repo, sha) for sha in (first, second)], trace(repo, part).extent) == (["reverted", "reverted"], 0.25)


@pytest.mark.parametrize(("more", "told"), [("", "reverted"), (lines("feature", 20), "landed")])
def test_a_revert_takes_what_followed_along_without_a_word(repo: Repo, more: str, told: str) -> None:
    """Not a larger change that quotes a revert: that has reasons of its own."""
    repo.commit("Base", {"site": lines("site")})
    sha = repo.commit("Unbreak the site", {"build": lines("build")})
    followed = repo.commit("Really unbreak it", {"site": "site says line 0\n"})
    repo.commit("Elsewhere", {"other": lines("other")})
    repo.git("rm", "-q", "build")
    repo.commit("Back", {"site": lines("site"), "feature": more})
    repo.git("commit", "-q", "--amend", "-m", 'Revert "Unbreak the site"', "-m", f"This reverts commit {sha}.")
    assert [status(repo, each) for each in (sha, followed)] == ["reverted", told]


def test_part_is_told_with_its_share(repo: Repo) -> None:
    sha = repo.commit("Four", {f"part{each}": lines(f"part{each}") for each in range(4)})
    repo.git("rm", "-q", "part0")
    repo.git("commit", "-q", "-m", "Less", "-m", f"This partially reverts commit {sha}.")
    found = trace(repo, sha)
    assert (found.status, found.extent) == ("landed", 0.25)
    assert "25% undone" in [each.detail for each in found.evidence]


def test_two_parts_undone_within_one_second_add_up(repo: Repo) -> None:
    """A script makes several commits in a second: same author, same time, and still two reverts."""
    same = {"GIT_AUTHOR_DATE": "1767230000 +0000", "GIT_COMMITTER_DATE": "1767230000 +0000"}
    four = repo.commit("four", {f"g{number}": lines(f"g{number}", 2) for number in range(4)})
    repo.git("rm", "-q", "g0", "g1")
    repo.git("commit", "-qm", f"Half of it\n\nThis partially reverts commit {four}.", stdin=None, check=True, **same)
    repo.git("rm", "-q", "g2", "g3")
    repo.git("commit", "-qm", f"The rest of it\n\nThis reverts commit {four}.", stdin=None, check=True, **same)
    assert status(repo, four) == "reverted"


def test_a_mention_counts_for_nothing_and_stays_visible(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": lines("limits", 40)})
    repo.commit("Elsewhere", {"other": "x\n"})
    repo.git("commit", "-q", "--allow-empty", "-m", "Note", "-m", f"This reverts commit {sha}.")
    repo.commit("Other", {"other": "y\n"})
    found = trace(repo, sha)
    assert (found.status, found.extent) == ("landed", None)


def test_a_file_that_moved_before_it_was_reverted(repo: Repo) -> None:
    repo.commit("Base", {"old": lines("base", 6)})
    sha = repo.commit("Add lines", {"old": lines("base", 6) + lines("new")})
    repo.git("mv", "old", "renamed")
    repo.git("commit", "-q", "-m", "Move")
    repo.commit("Shorter", {"renamed": lines("base", 6)})
    repo.git("commit", "-q", "--amend", "-m", "Shorter", "-m", f"This reverts commit {sha}.")
    assert status(repo, sha) == "reverted"


def test_the_revert_of_a_merge_reverts_what_it_brought(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "topic")
    one, two = repo.commit("One", {"one": lines("one")}), repo.commit("Two", {"two": lines("two")})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge pull request #7 from a/topic", "topic")
    repo.git("revert", "--no-edit", "-m", "1", "HEAD")
    assert {status(repo, one), status(repo, two)} == {"reverted"}
    repo.git("revert", "--no-edit", "HEAD")
    assert {status(repo, one), status(repo, two)} == {"landed"}


def nested(repo: Repo) -> tuple[str, str, str]:
    """A merged topic that holds a merge: a commit of the inner branch, one of the topic, and the inner merge."""
    repo.git("checkout", "-q", "-b", "inner")
    one = repo.commit("One", {"one": lines("one")})
    repo.git("checkout", "-q", "-b", "topic", "main")
    two = repo.commit("Two", {"two": lines("two")})
    repo.git("merge", "-q", "--no-ff", "--no-edit", "inner")
    merge = repo.sha()
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    return one, two, merge


def test_the_revert_of_a_merge_within_a_merge(repo: Repo) -> None:
    one, two, merge = nested(repo)
    repo.git("revert", "--no-edit", "-m", "1", merge)
    assert (status(repo, one), status(repo, two), status(repo, merge)) == ("reverted", "landed", "reverted")
    repo.git("revert", "--no-edit", "HEAD")
    assert (status(repo, one), status(repo, two), status(repo, merge)) == ("landed", "landed", "landed")
    repo.git("revert", "--no-edit", "HEAD~2", "-m", "1")
    assert (status(repo, one), status(repo, two), status(repo, merge)) == ("reverted", "reverted", "reverted")


def test_what_others_changed_within_a_merge_within_a_merge_goes_with_it_whole(repo: Repo) -> None:
    repo.commit("Begin", {"file": "head\n"})
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("Topic", {"topic": lines("topic")})
    repo.git("checkout", "-q", "-b", "inner")
    first = repo.commit("First", {"file": "head\n" + lines("first", 10)})
    second = repo.commit("Second", {"file": "head\n" + lines("first", 2) + lines("second", 8)})
    nothing = repo.commit("Try", {"file": "head\n" + lines("first", 2) + lines("second", 8) + lines("try", 6) + "end\n"})
    repo.git("revert", "--no-edit", "HEAD")
    inside = repo.sha()
    repo.commit("End", {"file": "head\n" + lines("first", 2) + lines("second", 8) + "end\n"})
    repo.git("checkout", "-q", "topic")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "inner")
    merge = repo.sha()
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    repo.git("revert", "--no-edit", "-m", "1", merge)
    assert [(trace(repo, sha).status, trace(repo, sha).extent) for sha in (first, second, merge)] == [("reverted", 1.0)] * 3
    assert trace(repo, nothing).reverted_by == inside


def test_the_revert_of_a_merge_of_which_a_part_was_reverted_before(repo: Repo) -> None:
    one, two, _ = nested(repo)
    top = repo.sha()
    repo.git("revert", "--no-edit", one)
    assert (status(repo, one), status(repo, two)) == ("reverted", "landed")
    repo.git("revert", "--no-edit", "-m", "1", top)
    assert (status(repo, one), status(repo, two)) == ("reverted", "reverted")
    repo.git("revert", "--no-edit", "HEAD")
    assert (status(repo, one), status(repo, two)) == ("reverted", "landed")


def test_a_merge_that_is_reverted_in_pieces(repo: Repo) -> None:
    one, two, inner = nested(repo)
    top = repo.sha()
    repo.git("revert", "--no-edit", "-m", "1", inner)
    assert (status(repo, one), status(repo, two), status(repo, top)) == ("reverted", "landed", "landed")
    repo.git("revert", "--no-edit", "-m", "1", top)
    assert (status(repo, one), status(repo, two), status(repo, top)) == ("reverted", "reverted", "reverted")
    assert rules(repo, top) == ["reachable", "part", "declared"]
    repo.git("revert", "--no-edit", "HEAD")
    assert (status(repo, one), status(repo, two), trace(repo, top).extent) == ("reverted", "landed", 0.5)
    repo.git("revert", "--no-edit", "HEAD~2")
    assert (status(repo, one), status(repo, two), trace(repo, top).extent) == ("landed", "landed", 0.0)


def test_a_part_is_no_share_of_the_other_parts(repo: Repo) -> None:
    """Nearly all of the merge went before the rest did: that rest is brought back by its own."""
    repo.git("checkout", "-q", "-b", "topic")
    big, small = repo.commit("Big", {"big": lines("big", 60)}), repo.commit("Small", {"small": lines("small")})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    top = repo.sha()
    repo.git("revert", "--no-edit", big)
    repo.git("revert", "--no-edit", "-m", "1", top)
    assert (status(repo, big), status(repo, small), status(repo, top)) == ("reverted", "reverted", "reverted")
    repo.git("revert", "--no-edit", "HEAD")
    assert (status(repo, big), status(repo, small)) == ("reverted", "landed")


def test_bringing_back_one_revert_overrules_another_of_the_same_change(repo: Repo) -> None:
    """The change came in with a merge, was picked again after the revert of that, and the pick was reverted by itself."""
    one, two, _ = nested(repo)
    repo.git("revert", "--no-edit", "-m", "1", "HEAD")
    whole = repo.sha()
    repo.git("cherry-pick", one)
    pick = repo.sha()
    repo.git("revert", "--no-edit", pick)
    single = repo.sha()
    assert [status(repo, sha) for sha in (one, two, pick, single)] == ["reverted", "reverted", "reverted", "landed"]
    repo.git("revert", "--no-edit", whole)
    assert [status(repo, sha) for sha in (one, two, pick, single, whole)] == ["landed", "landed", "landed", "reverted", "reverted"]
    assert trace(repo, one).relanded_by == repo.sha()


def test_the_revert_of_a_change_takes_back_what_had_brought_it_back(repo: Repo) -> None:
    one, _, _ = nested(repo)
    top = repo.sha()
    repo.git("revert", "--no-edit", one)
    repo.git("revert", "--no-edit", "HEAD")
    assert [status(repo, sha) for sha in (one, repo.sha("HEAD~1"), repo.sha())] == ["landed", "reverted", "landed"]
    repo.git("revert", "--no-edit", "-m", "1", top)
    assert [status(repo, sha) for sha in (one, repo.sha("HEAD~2"), repo.sha("HEAD~1"))] == ["reverted", "landed", "reverted"]


@pytest.mark.parametrize("said", [["-x"], []])
@pytest.mark.parametrize("merged", [False, True])
def test_a_pick_undoes_the_reverts_of_what_it_picks(repo: Repo, said: list[str], merged: bool) -> None:
    """Of two lines: its diff alone would say nothing."""
    if merged:
        repo.git("checkout", "-q", "-b", "first")
    sha = repo.commit("One", {"one": lines("one", 2)})
    if merged:
        repo.git("checkout", "-q", "main")
        repo.git("merge", "-q", "--no-ff", "--no-edit", "first")
    repo.git("checkout", "-q", "-b", "topic")
    repo.git("revert", "--no-edit", *(["-m", "1"] if merged else []), "HEAD")
    reverter = repo.sha()
    repo.commit("Two", {"two": lines("two", 2)})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    merge = repo.sha()
    repo.git("cherry-pick", *said, sha)
    again = repo.sha()
    repo.git("revert", "-m", "1", "--no-edit", merge)
    assert [status(repo, each) for each in (sha, reverter, again, merge)] == ["landed", "reverted", "landed", "reverted"]
    assert trace(repo, reverter).reverted_by == again


def test_the_revert_of_a_change_takes_back_the_revert_of_the_merge_that_had_undone_it(repo: Repo) -> None:
    """Of two lines: its diff alone would say nothing."""
    sha = repo.commit("One", {"one": lines("one", 2)})
    repo.git("checkout", "-q", "-b", "undo")
    repo.git("revert", "--no-edit", sha)
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "undo")
    repo.git("revert", "-m", "1", "--no-edit", "HEAD")
    back = repo.sha()
    assert (status(repo, sha), status(repo, back)) == ("landed", "landed")
    repo.git("revert", "--no-edit", sha)
    assert (status(repo, sha), status(repo, back), trace(repo, back).reverted_by) == ("reverted", "reverted", repo.sha())


def test_a_revert_of_a_merge_is_undone_pick_by_pick(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "topic")
    picks = [repo.commit(f"Add {name}", {name: lines(name, 2)}) for name in ("one", "two")]
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    repo.git("revert", "-m", "1", "--no-edit", "HEAD")
    reverter = repo.sha()
    found = []
    for sha in picks:
        repo.git("cherry-pick", sha)
        found.append((trace(repo, reverter).status, trace(repo, reverter).extent, [status(repo, each) for each in picks]))
    assert found == [("landed", 0.5, ["landed", "reverted"]), ("reverted", 1.0, ["landed", "landed"])]


def test_a_revert_on_another_branch_is_not_overruled(repo: Repo) -> None:
    one = repo.commit("One", {"one": lines("one", 60)})
    repo.git("checkout", "-q", "-b", "stable")
    repo.git("rm", "-q", "one")
    repo.commit("One goes", {"why": "it broke\n"})
    repo.git("commit", "-q", "--amend", "-m", "One goes", "-m", f"This reverts commit {one}.")
    stable = repo.sha()
    repo.git("checkout", "-q", "main")
    repo.git("revert", "--no-edit", one)
    repo.git("revert", "--no-edit", "HEAD")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "stable")
    assert not (repo.path / "one").exists()
    assert (status(repo, one), status(repo, stable)) == ("reverted", "landed")


def test_what_landed_before_is_no_silent_inverse(repo: Repo) -> None:
    """A branch takes the change back as well; its merge comes after main had brought it back, and takes it away for good."""
    one = repo.commit("One", {"one": lines("one")})
    repo.git("checkout", "-q", "-b", "stable")
    repo.git("revert", "--no-edit", one)
    stable = repo.sha()
    repo.git("checkout", "-q", "main")
    repo.git("revert", "--no-edit", one)
    repo.git("revert", "--no-edit", "HEAD")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "stable")
    assert not (repo.path / "one").exists()
    assert (status(repo, one), status(repo, stable)) == ("reverted", "landed")


def test_a_reverter_is_told_once_though_its_merge_repeats_it(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": lines("limits")})
    repo.git("checkout", "-q", "-b", "undo")
    repo.git("revert", "--no-edit", "HEAD")
    inner = repo.sha()
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Undo the limits", "-m", f"This reverts commit {sha}.", "undo")
    found = trace(repo, sha)
    assert (found.status, found.reverted_by) == ("reverted", inner)
    assert rules(repo, sha).count("declared") == 1


def test_of_two_twins_the_reverter_that_undoes_more_counts(repo: Repo) -> None:
    """A revert was picked twice, the first time nothing was left of it but a note."""
    sha = repo.commit("Add limits", {"limits": lines("limits", 20)})
    message, when = f"Undo it\n\nThis reverts commit {sha}.", {"GIT_AUTHOR_DATE": "1700000000 +0000"}
    repo.commit(message, {"limits": lines("limits", 19)}, **when)
    repo.git("rm", "-q", "limits")
    last = repo.commit(message, {"notes": "gone\n"}, **when)
    assert (trace(repo, sha).reverted_by, rules(repo, sha)[1:]) == (last, ["declared"])


def test_a_silent_inverse_of_whole_files(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": lines("limits")})
    repo.git("rm", "-q", "limits")
    repo.git("commit", "-q", "-m", "Tidy up")
    assert (status(repo, sha), rules(repo, sha)) == ("reverted", ["reachable", "inverse"])


def test_a_silent_inverse_in_a_file_that_changed_in_between(repo: Repo) -> None:
    repo.commit("Base", {"file": lines("base", 20)})
    sha = repo.commit("Add three", {"file": lines("base", 20) + lines("three", 3)})
    repo.commit("Begin otherwise", {"file": "begin\n" + lines("base", 20) + lines("three", 3)})
    repo.commit("Tidy up", {"file": "begin\n" + lines("base", 20)})
    assert (status(repo, sha), rules(repo, sha)) == ("reverted", ["reachable", "inverse"])


def test_too_little_or_too_late_is_chance(repo: Repo) -> None:
    repo.commit("Base", {"file": lines("base", 20)})
    small = repo.commit("Two lines", {"file": lines("base", 20) + lines("two", 2)})
    repo.commit("Away", {"file": lines("base", 20)})
    old = repo.commit("Three lines", {"file": lines("base", 20) + lines("three", 3)})
    repo.clock += 181 * 86_400
    repo.commit("Away", {"file": lines("base", 20)})
    assert (status(repo, small), status(repo, old)) == ("landed", "landed")


def test_decoys_change_nothing(repo: Repo) -> None:
    tail = lines("tail", 9)
    repo.commit("Base", {"file": lines("head", 4) + tail, "code": "if a:\n    b(c)\n    d(e)\n    f(g)\n", "version": 'version = "1"\n'})
    moved = repo.commit("Move", {"file": tail + lines("head", 4)})
    repo.commit("Move back", {"file": lines("head", 4) + tail})
    formatted = repo.commit("Format", {"code": "if a:\n\tb(\n\t\tc\n\t)\n\td( e )\n\tf( g )\n"})
    repo.commit("Format again", {"code": "if a:\n    b(c)\n    d(e)\n    f(g)\n"})
    versions = [f'{part} = "2.{each}.0"\n' for each in range(2) for part in ("a", "b", "c")]
    repo.commit("Start", {"v": "".join(versions[:3])})
    bumped = repo.commit("Bump", {"v": "".join(versions[3:])})
    repo.commit("Back to development", {"v": "".join(versions[:3])})
    windows = [f"FILEVERSION 2,{each},0,20210{each}\nPRODUCTVERSION 2,{each},0\n" for each in range(2)]
    repo.commit("Nightly", {"app.rc": windows[0]})
    nightly = repo.commit("Next nightly", {"app.rc": windows[1]})
    repo.commit("Back to the nightly", {"app.rc": windows[0]})
    repo.commit("Plans", {"docs/TODO.md": "Plans\n"})
    planned = repo.commit("Plan more", {"docs/TODO.md": "Plans\n" + lines("plan")})
    repo.commit("Done", {"docs/TODO.md": "Plans\n"})
    prefix = repo.commit("revert: add option", {"option": lines("option")})
    repo.commit("Bugs", {"docs/KNOWN_BUGS": "Bugs\n"})
    known = repo.commit("A bug", {"docs/KNOWN_BUGS": "Bugs\n" + lines("bug")})
    repo.commit("Mended", {"docs/KNOWN_BUGS": "Bugs\n"})
    release = {"CHANGES.md": "## 1.8.0 (Unreleased)\n", "VERSION": "1.8.0-dev\n"}
    repo.commit("Start of 1.8", release)
    ready = repo.commit("Prepare 1.8.0-alpha1", {"CHANGES.md": "## 1.8.0-alpha1 (August 13, 2025)\n", "VERSION": "1.8.0-alpha1\n"})
    repo.commit("Clean up after 1.8.0-alpha1", release)
    for sha in (moved, formatted, bumped, nightly, planned, known, prefix, ready):
        assert (status(repo, sha), trace(repo, sha).extent) == ("landed", None)


def test_a_squash_body_that_quotes_its_own_revert_changes_nothing(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "topic")
    wrong = repo.commit("Wrong way", {"wrong": lines("wrong")})
    repo.git("revert", "--no-edit", "HEAD")
    inside = repo.sha()
    repo.commit("Right way", {"right": lines("right")})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--squash", "topic")
    repo.git(
        "commit", "-q", "-m", "Right way (#3)", "-m", f'* Wrong way\n\n* Revert "Wrong way"\n\nThis reverts commit {wrong}.\n\n* Right way'
    )
    squash = repo.sha()
    repo.git("branch", "-q", "-D", "topic")
    found = trace(repo, squash)
    assert (found.status, found.extent, trace(repo, inside).status) == ("landed", None, "pending")


def test_a_background_that_was_interrupted_goes_on(repo: Repo) -> None:
    for number in range(inverses.AT_ONCE + 20):
        repo.git("commit", "-q", "--allow-empty", "-m", f"nothing {number}") if number % 40 == 0 else None
        repo.commit(f"Step {number}", {"file": lines(f"step {number}", 3)})
    base = lines("base", 20)
    repo.commit("Base", {"file": base})
    sha = repo.commit("Three", {"file": base + lines("three", 3)})
    repo.commit("Begin", {"file": "begin\n" + base + lines("three", 3)})
    repo.commit("Tidy", {"file": "begin\n" + base})
    opened = graph(repo)
    waiting = inverses.waiting(opened.database)
    assert waiting > inverses.AT_ONCE
    opened.why(sha)
    assert any(str(waiting) in reason for reason in opened.reasons)
    assert opened.view.traces([sha])[0].status == "landed"
    with locked(opened.git.home / "compare.lock"):
        busy = graph(repo)
        busy.compare(lambda phase, done, total: None)
        assert busy.reasons == [f"another process compares the last {waiting} commits; silent reverts among them are not known yet"]
    opened.compare(lambda phase, done, total: None)
    assert inverses.waiting(opened.database) == 0
    again = graph(repo)
    again.why(sha)
    assert (again.view.traces([sha])[0].status, again.reasons) == ("reverted", [])


def test_a_lock_file_is_not_the_change(repo: Repo) -> None:
    sha = repo.commit("Add a library", {"code": lines("code", 10), "yarn.lock": lines("lock", 300)})
    repo.git("rm", "-q", "yarn.lock")
    repo.git("commit", "-q", "-m", "Go back", "-m", f"This reverts the lock file of {sha}")
    assert status(repo, sha) == "landed"


def test_a_sha_near_the_word_needs_lines_to_agree_with(repo: Repo) -> None:
    repo.commit("Base", {"flags": "flags = plain\n"})
    sha = repo.commit("More", {"flags": "flags = plain and more\n"})
    repo.commit("Guard it", {"flags": "flags = plain\nif new:\n    flags = more\n"})
    repo.git("commit", "-q", "--amend", "-m", "Guard it", "-m", f"Reverts what was done from {sha[:9]} where it is old.")
    assert status(repo, sha) == "landed"


def test_a_lost_object_hides_its_own_commits_and_no_other(repo: Repo) -> None:
    base = repo.commit("Base", {"file": lines("base", 20)})
    lost = repo.commit("Add what is lost", {"file": lines("base", 20) + lines("lost", 3)})
    sha = repo.commit("Add limits", {"limits": lines("limits")})
    repo.git("rm", "-q", "limits")
    repo.git("commit", "-q", "-m", "Go back", "-m", f"This reverts commit {sha[:12]}.")
    repo.commit("Away", {"file": "begin\n" + lines("base", 20)})
    repo.git("commit", "-q", "--amend", "-m", "Away", "-m", f"This reverts commit {lost}.")
    blob = repo.git("rev-parse", f"{lost}:file").strip()
    (repo.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    opened = graph(repo)
    assert [opened.view.ledger().outcome(each).status for each in (base, lost, sha)] == ["landed", "landed", "reverted"]
    assert inverses.waiting(opened.database) == 0


def test_what_was_picked_again_an_hour_after_its_revert_stands(repo: Repo) -> None:
    """It is the twin of what the revert names: same author, author time and title."""
    sha = repo.commit("Add limits", {"limits": lines("limits")})
    repo.git("revert", "--no-edit", "HEAD")
    repo.commit("Elsewhere", {"other": "x\n"})
    repo.git("cherry-pick", sha)
    assert (status(repo, sha), trace(repo, sha).relanded_by, status(repo, repo.sha())) == ("landed", repo.sha(), "landed")


def test_what_was_picked_again_within_the_second_of_its_revert_stands(repo: Repo) -> None:
    same = {"GIT_AUTHOR_DATE": "1767230000 +0000", "GIT_COMMITTER_DATE": "1767230000 +0000"}
    sha = repo.commit("Add limits", {"limits": lines("limits")}, **same)
    repo.git("revert", "--no-edit", sha, stdin=None, check=True, **same)
    repo.git("cherry-pick", sha, stdin=None, check=True, **same)
    assert (status(repo, sha), trace(repo, sha).relanded_by, status(repo, repo.sha())) == ("landed", repo.sha(), "landed")


def test_the_title_tells_which_commit_is_meant_when_the_sha_is_of_another_branch(repo: Repo) -> None:
    repo.commit("Base", {"limits": lines("base", 6)})
    repo.git("checkout", "-q", "-b", "stable")
    stable = repo.commit("Add limits", {"limits": lines("base", 6) + lines("limits")})
    repo.git("checkout", "-q", "main")
    sha = repo.commit("Add limits", {"limits": lines("base", 6) + lines("limits")})
    repo.commit("Away", {"limits": lines("base", 6)})
    repo.git("commit", "-q", "--amend", "-m", 'Revert "Add limits"', "-m", f"This reverts commit {stable}.")
    assert (status(repo, sha), rules(repo, sha), status(repo, stable)) == ("reverted", ["reachable", "declared"], "pending")


def test_what_a_revert_names_may_be_fetched_after_it(repo: Repo, tmp_path: Path) -> None:
    repo.commit("Base", {"limits": lines("base", 6)})
    repo.git("checkout", "-q", "-b", "stable")
    stable = repo.commit("Add limits", {"limits": lines("base", 6) + lines("limits")})
    repo.git("checkout", "-q", "main")
    repo.commit("Before", {"other": "other"})
    repo.git("cherry-pick", stable)
    sha = repo.sha()
    repo.commit("Away", {"limits": lines("base", 6) + lines("limits", 1)})
    repo.git("commit", "-q", "--amend", "-m", "Take the limits out", "-m", f"This reverts commit {stable}.")
    clone = Repo(tmp_path / "clone")
    repo.git("clone", "--quiet", "--single-branch", str(repo.path), str(clone.path))
    assert rules(clone, sha) == ["reachable"]
    clone.git("fetch", "--quiet", "origin", "refs/heads/*:refs/remotes/origin/*")
    assert rules(clone, sha) == ["reachable", "declared"]


def test_the_background_fetches_nothing_into_a_partial_clone(repo: Repo) -> None:
    for number in range(inverses.AT_ONCE + 20):
        repo.commit(f"Step {number}", {"file": lines(f"step {number}", 3)})
    repo.git("config", "uploadpack.allowFilter", "true")
    partial = Repo(repo.path.parent / "partial")
    repo.git("clone", "--quiet", "--filter=blob:none", "--no-checkout", f"file://{repo.path}", str(partial.path))
    partial.cg("log", "-n", "1", CG_WORKER="off")
    packs = set(partial.path.glob(".git/objects/pack/*.pack"))
    worker = [sys.executable, "-m", "contextgraph.worker", "--embed", str(partial.path)]
    partial.run(*worker)
    assert (inverses.waiting(graph(partial).database) > inverses.AT_ONCE, set(partial.path.glob(".git/objects/pack/*.pack"))) == (
        True,
        packs,
    )
    partial.cg("refresh", CG_WORKER="off")
    assert inverses.waiting(graph(partial).database) == 0


def test_a_partial_clone_asks_for_what_the_diffs_need_at_once(repo: Repo, tmp_path: Path) -> None:
    shas = [repo.commit(f"Step {number}", {f"file{number}": lines(f"step {number}", 3)}) for number in range(6)]
    for sha in shas:
        repo.git("revert", "--no-edit", sha)
    repo.git("config", "uploadpack.allowFilter", "true")
    partial = Repo(tmp_path / "partial")
    repo.git("clone", "--quiet", "--filter=blob:none", "--no-checkout", f"file://{repo.path}", str(partial.path))
    away = repo.path.rename(tmp_path / "away")
    partial.cg("log", "-n", "1", CG_WORKER="off")  # nobody answers: said elsewhere, and asked again at the next look
    away.rename(repo.path)
    trace = tmp_path / "trace"
    partial.cg("log", "-n", "1", CG_WORKER="off", GIT_TRACE=str(trace))
    assert trace.read_text().count("built-in: git fetch ") == 1
    assert {status(partial, sha) for sha in shas} == {"reverted"}


def test_the_one_that_did_it_is_told_and_not_who_names_it_later(repo: Repo) -> None:
    """A squash body quotes the revert again, and its diff takes a last line that looks alike."""
    sha = repo.commit("Four", {f"part{each}": lines(f"part{each}") for each in range(4)})
    repo.git("revert", "--no-edit", "HEAD")
    reverter = repo.sha()
    repo.commit("Base", {"part0": lines("part0", 2)})
    repo.git("rm", "-q", "part0")
    repo.git("commit", "-qm", "A feature", "-m", f'* Revert "Four"\n\nThis reverts commit {sha}.\n\n* new approach')
    assert trace(repo, sha).reverted_by == reverter


def test_lines_that_stand_here_and_there_are_no_moved_file(repo: Repo) -> None:
    body = "{\nreturn\n}\n" + lines("body", 17)
    sha = repo.commit("Add a test", {"test": body})
    repo.commit("Elsewhere", {"code": "{\nreturn\n}\n" + lines("code", 20)})
    repo.commit("Shorter", {"code": lines("code", 20)})
    repo.git("commit", "-q", "--amend", "-m", "Shorter", "-m", f"This reverts commit {sha}.")
    assert (trace(repo, sha).extent, rules(repo, sha)) == (None, ["reachable", "named"])


def test_a_name_that_many_files_have_and_a_brace_are_no_moved_file(repo: Repo) -> None:
    """The revert of a squash lists commits of which it has nothing, and `index.js` and `package.json` are in every package."""
    body, end = lines("body", 6), "throw new Error(\n);\n}\n"
    sha = repo.commit("Check", {"one/index.js": body + end, "one/package.json": "says dependencies\nand more of them\n}\n"})
    repo.commit("Elsewhere", {"two/index.js": lines("else") + end, "two/package.json": "says devDependencies\n}\n"})
    repo.commit("Shorter", {"two/index.js": lines("else"), "two/package.json": "says devDependencies\n"})
    repo.git("commit", "-q", "--amend", "-m", "Shorter", "-m", f"This reverts commit {sha}.")
    assert (trace(repo, sha).extent, rules(repo, sha)) == (None, ["reachable", "named"])


def test_a_moved_file_of_the_same_name_needs_few_lines(repo: Repo) -> None:
    body, three = lines("body", 12), lines("three", 3)
    sha = repo.commit("Check", {"old/mod.rs": body + three})
    repo.git("mv", "old", "new")
    repo.git("commit", "-q", "-m", "Move")
    repo.commit("Shorter", {"new/mod.rs": body})
    repo.git("commit", "-q", "--amend", "-m", "Shorter", "-m", f"This reverts a part of commit {sha}.")
    assert trace(repo, sha).extent == 0.2


def test_what_several_commits_did_to_the_same_lines_is_reverted_together(repo: Repo) -> None:
    repo.commit("Base", {"file": lines("base")})
    first = repo.commit("Add an option", {"file": lines("base") + lines("option")})
    second = repo.commit("Rename it", {"file": lines("base") + lines("switch")})
    repo.commit("Back", {"file": lines("base")})
    repo.git("commit", "-q", "--amend", "-m", "Back", "-m", f"This reverts commits {first} and {second}.")
    assert (trace(repo, first).extent, trace(repo, second).extent) == (1.0, 1.0)


def test_a_quoted_revert_and_its_revert_are_not_undone_together(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": lines("limits", 40)})
    repo.git("revert", "--no-edit", "HEAD")
    revert = repo.sha()
    repo.git("revert", "--no-edit", "HEAD")
    repo.commit("A feature", {"feature": lines("feature")})
    repo.git("commit", "-q", "--amend", "-m", "A feature", "-m", f"* This reverts commit {sha}.\n\n* This reverts commit {revert}.")
    assert status(repo, sha) == "landed"


def test_a_revert_that_its_merge_did_not_take_over_is_none(repo: Repo) -> None:
    """A release goes without a change that the main branch keeps, and is merged again; git does so by itself only when told."""
    sha = repo.commit("Add limits", {"limits": lines("limits")})
    repo.git("checkout", "-q", "-b", "release")
    repo.git("revert", "--no-edit", "HEAD")
    reverter = repo.sha()
    repo.commit("Release", {"news": "1.0\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("Go on", {"other": lines("other")})
    repo.git("merge", "-q", "--no-ff", "--no-commit", "release")
    repo.git("checkout", "-q", "main", "--", "limits")
    repo.git("commit", "-qm", "Merge the release")
    merge = repo.sha()
    found = trace(repo, sha)
    assert (found.status, found.reverted_by, found.extent) == ("landed", None, None)
    assert [(each.rule, each.commit) for each in found.evidence[1:]] == [("declared", reverter), ("kept", merge)]
    repo.git("revert", "--no-edit", sha)
    assert trace(repo, sha).reverted_by == repo.sha()


def test_a_revert_in_part_that_its_merge_did_not_take_over_though_it_touched_the_file(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": "".join(lines(name) for name in ("one", "two", "three"))})
    repo.git("checkout", "-q", "-b", "release")
    repo.commit(f"Release\n\nReverts a part of {sha}.", {"limits": lines("one") + lines("three")})
    repo.git("checkout", "-q", "main")
    repo.commit("Go on", {"other": lines("other")})
    repo.git("merge", "-q", "--no-ff", "--no-commit", "release")
    repo.commit("Merge the release", {"limits": "".join(lines(name) for name in ("one", "two", "three", "more"))})
    assert (status(repo, sha), trace(repo, sha).extent) == ("landed", None)


def test_a_revert_whose_branch_took_away_more_of_the_file_counts(repo: Repo) -> None:
    repo.commit("Base", {"limits": lines("limits", 9)})
    sha = repo.commit("Fewer limits", {"limits": lines("limits", 3) + lines("new", 2)})
    repo.git("checkout", "-q", "-b", "topic")
    repo.git("revert", "--no-edit", "HEAD")
    repo.git("rm", "-q", "limits")
    repo.git("commit", "-qm", "No limits")
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    assert status(repo, sha) == "reverted"


def test_a_merge_that_keeps_nothing_but_blank_lines_of_a_change(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": lines("limits"), "blank": "\n\n\n"})
    repo.git("checkout", "-q", "-b", "release")
    repo.git("revert", "--no-edit", "HEAD")
    repo.git("checkout", "-q", "main")
    repo.git("rm", "-q", "limits")
    repo.git("commit", "-qm", "Away")
    repo.git("merge", "-q", "--no-ff", "--no-commit", "release")
    repo.git("checkout", "-q", "main", "--", "blank")
    repo.git("commit", "-qm", "Merge the release")
    assert status(repo, sha) == "reverted"


def test_a_revert_that_came_with_a_merge_among_other_work(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": lines("limits"), "other": lines("other")})
    repo.git("checkout", "-q", "-b", "topic")
    repo.git("revert", "--no-edit", "HEAD")
    repo.commit("Another way", {"limits": lines("another")})
    repo.git("checkout", "-q", "main")
    repo.commit("Go on", {"more": lines("more")})
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    assert status(repo, sha) == "reverted"


def test_the_title_of_a_pull_request_names_its_merge(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "topic")
    one, two = repo.commit("one", {"one": lines("one")}), repo.commit("two", {"two": lines("two")})
    repo.git("checkout", "-q", "main")
    repo.commit("Go on", {"more": lines("more")})
    repo.git("merge", "-q", "--no-ff", "-m", "Merge pull request #7 from a/topic", "-m", "Count in parallel", "topic")
    merge = repo.sha()
    repo.git("revert", "--no-edit", "-m", "1", "HEAD")
    repo.git("commit", "-q", "--amend", "-m", 'Revert "Count in parallel"')
    assert {status(repo, each) for each in (one, two, merge)} == {"reverted"}


def test_a_host_writes_titles_with_a_capital(repo: Repo) -> None:
    sha = repo.commit("allow more", {"one": "1\n"})
    repo.git("rm", "-q", "one")
    repo.git("commit", "-q", "-m", 'Revert "Allow more"')
    assert status(repo, sha) == "reverted"


def test_what_only_brought_the_branch_up_to_date_is_not_reverted_with_a_merge(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "topic")
    one = repo.commit("One", {"one": lines("one")})
    repo.git("checkout", "-q", "main")
    on_main = repo.commit("Go on", {"more": lines("more")})
    repo.git("checkout", "-q", "topic")
    repo.git("merge", "-q", "--no-edit", "main")
    update = repo.sha()
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    repo.git("revert", "--no-edit", "-m", "1", "HEAD")
    assert [status(repo, each) for each in (one, on_main, update)] == ["reverted", "landed", "landed"]


def test_a_merge_that_comes_back_with_another_pull_request_of_its_title(repo: Repo) -> None:
    def request(number: int, branch: str) -> str:
        repo.git("checkout", "-q", "main")
        repo.commit(f"Go on {number}", {"more": lines(f"more{number}")})
        repo.git("merge", "-q", "--no-ff", "-m", f"Merge pull request #{number} from a/{branch}", "-m", "Count in parallel", branch)
        return repo.sha()

    repo.git("checkout", "-q", "-b", "topic")
    repo.commit("one", {"one": lines("one")})
    repo.commit("two", {"two": lines("two")})
    merge = request(7, "topic")
    repo.git("revert", "--no-edit", "-m", "1", "HEAD")
    assert status(repo, merge) == "reverted"
    repo.git("checkout", "-q", "-b", "again")
    repo.commit("All in one", {"one": lines("one"), "two": lines("two") + "and more\n"})
    again = request(8, "again")
    assert (trace(repo, merge).status, trace(repo, merge).relanded_by) == ("landed", again)


def test_the_revert_of_a_merge_leaves_alone_what_cancelled_out_in_it(repo: Repo) -> None:
    one = repo.commit("One", {"one": lines("one")})
    repo.git("checkout", "-q", "-b", "topic")
    repo.git("revert", "--no-edit", one)
    gone = repo.sha()
    repo.git("revert", "--no-edit", gone)
    back = repo.sha()
    kept = repo.commit("Two", {"two": lines("two")})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    repo.git("revert", "--no-edit", "-m", "1", "HEAD")
    assert [status(repo, sha) for sha in (one, gone, back, kept)] == ["landed", "reverted", "landed", "reverted"]


def test_a_merge_within_a_merge_that_repeats_the_words_of_its_revert_is_not_a_second_one(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": lines("limits", 20)})
    repo.git("checkout", "-q", "-b", "next")
    repo.git("checkout", "-q", "-b", "topic")
    repo.commit(f"Partially revert {sha[:10]}", {"limits": lines("limits", 12)})
    repo.git("checkout", "-q", "next")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge pull request #8 from a/topic", "-m", f"Partially revert {sha[:10]}", "topic")
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge next", "next")
    assert (status(repo, sha), trace(repo, sha).extent) == ("landed", 0.4)


def test_the_number_of_a_change_in_gerrit_is_enough(repo: Repo) -> None:
    sha = repo.commit("Add limits\n\nReviewed-on: https://review.host.example/c/net/+/1234", {"limits": lines("limits")})
    repo.git("rm", "-q", "limits")
    repo.commit("Go back\n\nThis reverts CL 1234.\n\nReviewed-on: https://review.host.example/c/net/+/1240", {"more": "so\n"})
    assert (status(repo, sha), trace(repo, sha).reverted_by) == ("reverted", repo.sha())


def test_the_revert_of_a_merge_leaves_alone_what_it_had_not_brought(repo: Repo) -> None:
    """What a commit of the branch undid in part is the base again, and no line of it comes with the merge."""
    repo.commit("Base", {"limits": lines("limits", 6), "more": lines("more", 6)})
    repo.git("checkout", "-q", "-b", "topic")
    one = repo.commit("One", {"limits": lines("other", 6), "more": lines("less", 6)})
    two = repo.commit("Not the limits", {"limits": lines("limits", 6)})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    repo.git("revert", "--no-edit", "-m", "1", "HEAD")
    assert [status(repo, each) for each in (one, two)] == ["reverted", "landed"]


def test_a_merge_goes_back_with_all_that_it_brought(repo: Repo) -> None:
    repo.commit("Base")
    repo.git("checkout", "-q", "-b", "topic")
    one, two = (repo.commit(each, {each: lines(each)}) for each in ("one", "two"))
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    merge = repo.sha()
    repo.git("revert", "--no-edit", one)
    assert [status(repo, each) for each in (one, two, merge)] == ["reverted", "landed", "landed"]
    repo.git("reset", "-q", "--hard", merge)
    repo.git("rm", "-q", "one", "two")
    repo.git("commit", "-q", "-m", f"Go back for good\n\nReverts {one} and {two}.")
    assert [status(repo, each) for each in (one, two, merge)] == ["reverted", "reverted", "reverted"]
    repo.git("revert", "--no-edit", "HEAD")
    assert [status(repo, each) for each in (one, two, merge)] == ["landed", "landed", "landed"]


@pytest.mark.parametrize("words", ["", "\n\nThis reverts commit {}."])
def test_the_revert_on_the_branch_itself_is_named_and_not_its_backport(repo: Repo, words: str) -> None:
    repo.commit("Begin", {"limits": "head\n"})
    sha = repo.commit("Add limits", {"limits": "head\n" + lines("limits")})
    repo.git("branch", "release")
    here = repo.commit(f"Do without\n\nThis reverts commit {sha}.", {"limits": "head\n"})
    repo.git("checkout", "-q", "release")
    repo.commit("[release] No limits" + words.format(sha), {"limits": "head\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "release")
    found = trace(repo, sha)
    assert (found.status, found.reverted_by) == ("reverted", here)


def test_what_brings_back_one_of_several_that_went_together_leaves_the_others(repo: Repo) -> None:
    repo.commit("Begin", {"small": "head\n"})
    large = repo.commit("Upgrade the library", {"library": lines("library", 60)})
    small = repo.commit("Include its header", {"small": "head\ninclude one\ninclude two\ninclude three\n"})
    repo.git("rm", "-q", "library")
    (repo.path / "small").write_text("head\n")
    repo.git("commit", "-q", "-a", "-m", f"Go back\n\nThis reverts commits {large} and {small}.")
    back = repo.sha()
    again = repo.commit(
        f"Upgrade the library once more\n\nThis reverts commit {back} as to the library.", {"library": lines("library", 60)}
    )
    assert [trace(repo, sha).relanded_by for sha in (large, small)] == [again, None]
    assert (status(repo, large), status(repo, small), trace(repo, small).reverted_by) == ("landed", "reverted", back)
    repo.git("revert", "--no-edit", back)
    assert [status(repo, sha) for sha in (large, small)] == ["landed", "landed"]


def test_a_line_that_was_moved_and_is_moved_back(repo: Repo) -> None:
    def stop(order: str) -> dict[str, str]:
        words = {"a": "stream.flags = reading\n", "b": "stop_polling(stream)\n", "c": "stop(handle)\n", "d": "if not writing:\n"}
        return {"stream": lines("before", 8) + "".join(words[each] for each in order) + lines("after", 8)}

    repo.commit("Begin", stop("abdc"))
    first = repo.commit("Stop the handle in any case", stop("bca"))
    back = repo.commit(f"Stop it where nothing is written\n\nThis reverts commit {first}.", stop("abdc") | {"notes": lines("notes", 3)})
    found = trace(repo, first)
    assert (found.status, found.reverted_by, found.extent) == ("reverted", back, 1.0)


@pytest.mark.parametrize("second", ["one", "two"])
def test_equal_lines_of_another_section_are_no_inverse(repo: Repo, second: str) -> None:
    entry = "| a person |\n| of this name |\n| and address |\n"

    def team(**sections: str) -> dict[str, str]:
        return {
            "README": "".join(f"# {name}\n{lines(name, 6)}{sections.get(name, '')}{lines(name + ' end', 6)}" for name in ("one", "two"))
        }

    repo.commit("Begin", team(one=entry))
    sha = repo.commit("Update the team", team(one=entry, two=entry))
    other = repo.commit("Say more", team(one=entry, two=entry) | {"elsewhere": "so\n"})
    repo.commit("Update the team again", team(two=entry) if second == "one" else team(one=entry))
    assert other and status(repo, sha) == ("landed" if second == "one" else "reverted")


def test_a_duplicate_that_is_removed_undoes_nothing(repo: Repo) -> None:
    entry = "database:\n  image: postgres\n  ports: 5432\n"
    repo.commit("Begin", {"compose": "one: 1\n" + lines("end", 4)})
    sha = repo.commit("Add a database", {"compose": "one: 1\n" + entry + lines("end", 4)})
    twice = repo.commit("Add services", {"compose": "one: 1\n" + entry + lines("end", 4) + entry + lines("more", 3)})
    repo.commit("Remove the duplicate", {"compose": "one: 1\n" + lines("end", 4) + entry + lines("more", 3)})
    assert (status(repo, sha), status(repo, twice)) == ("landed", "landed")
