"""What came back after it was reverted, other than by undoing its reverter whole; and what only looks like it."""

import pytest

from contextgraph.status import inverses
from tests.conftest import Repo
from tests.histories import graph, lines, status, trace


def reverted(
    repo: Repo, title: str = "fix(net): add limits (#7)", message: str = 'Revert "fix(net): add limits (#7)" (#8)'
) -> tuple[str, str]:
    """A change of 20 lines, and what takes it back."""
    sha = repo.commit(title, {"limits": lines("limits", 20)})
    repo.git("rm", "-q", "limits")
    return sha, repo.commit(message, {"elsewhere": "so\n"})


@pytest.mark.parametrize(
    "title",
    [
        'Reland "fix(net): add limits" (#9)',
        "Re-land fix(net): add limits (#7) (#9)",
        "reland(net): add limits (#9)",
        "fix(net): Add limits, take 2 (#9)",
        'Reapply "Revert "fix(net): add limits (#7)" (#8)" (#9)',
        "fix(net): add limits (reland) (#9)",
        "fix(net): add limits (again, after a bugfix) (#9)",
        "[Take 2][Rollforward] fix(net): add `limits`",
        "Rolling forward with fixes: fix(net): add limits",
    ],
)
def test_a_title_says_that_it_is_done_once_more(repo: Repo, title: str) -> None:
    sha, _ = reverted(repo)
    again = repo.commit(title, {"limits": lines("limits", 12) + lines("other", 8), "more": lines("more", 20)})
    found = trace(repo, sha)
    assert (found.status, found.relanded_by) == ("landed", again)


@pytest.mark.parametrize(
    "title", ["Restore #7", "Re-introduce the limits from #7", "reland #7 with fixes (#9)", "net: resubmit the limits of #7 (#9)"]
)
def test_the_number_of_the_pull_request_says_what_is_done_once_more(repo: Repo, title: str) -> None:
    sha, _ = reverted(repo)
    again = repo.commit(title, {"limits": lines("limits", 12) + lines("other", 8)})
    found = trace(repo, sha)
    assert (found.status, found.relanded_by) == ("landed", again)


def test_what_comes_back_in_the_merge_that_brought_its_revert(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": lines("limits", 20)})
    repo.git("checkout", "-q", "-b", "topic")
    repo.git("revert", "--no-edit", sha)
    again = repo.commit("Add limits", {"limits": lines("limits", 15)})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    found = trace(repo, sha)
    assert (found.status, found.relanded_by) == ("landed", again)


def test_what_comes_back_under_its_own_title(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": lines("limits", 20)})
    repo.git("revert", "--no-edit", "HEAD")
    again = repo.commit("Add limits (#9)", {"limits": lines("limits", 20) + "one more\n"})
    found = trace(repo, sha)
    assert (found.status, found.relanded_by) == ("landed", again)


def test_what_comes_back_reworked_under_its_own_title(repo: Repo) -> None:
    sha, _ = reverted(repo)
    again = repo.commit("fix(net): add limits (#9)", {"limits": lines("limits", 6) + lines("other", 20)})
    found = trace(repo, sha)
    assert (found.status, found.relanded_by) == ("landed", again)


def test_a_title_alone_brings_nothing_back(repo: Repo) -> None:
    sha, _ = reverted(repo)
    repo.commit('Reland "fix(net): add limits" (#9)', {"limits": lines("limits", 6) + lines("other", 14)})
    assert status(repo, sha) == "reverted"


def test_a_title_that_a_robot_gives_brings_nothing_back(repo: Repo) -> None:
    for number in range(5):
        repo.commit(f"chore: Update the data (#{number})", {"other": lines(f"other{number}")})
    repo.commit("Begin", {"data": lines("old", 20)})
    sha = repo.commit("chore: Update the data (#7)", {"data": lines("data", 20)})
    repo.git("revert", "--no-edit", "HEAD")
    repo.commit("chore: Update the data (#9)", {"data": lines("data", 2) + lines("new", 18)})
    assert status(repo, sha) == "reverted"
    repo.git("reset", "-q", "--hard", "HEAD~1")
    again = repo.commit("chore: Update the data (#10)", {"data": lines("data", 16) + lines("new", 4)})
    assert trace(repo, sha).relanded_by == again


def test_a_quoted_title_is_found_without_the_number_in_it(repo: Repo) -> None:
    sha, reverter = reverted(repo)
    again = repo.commit('Reland "fix(net): add limits" (#9)', {"limits": lines("limits", 20), "more": lines("more")})
    assert (status(repo, reverter), trace(repo, sha).relanded_by) == ("reverted", again)


def test_against_its_reverter_with_other_lines(repo: Repo) -> None:
    sha, reverter = reverted(repo)
    again = repo.commit(f"Reverts {reverter}", {"limits": lines("limits", 14) + lines("other", 6)})
    found = trace(repo, sha)
    assert (found.status, found.relanded_by, trace(repo, reverter).extent) == ("landed", again, 0.6667)


def test_what_a_reverted_merge_had_brought_comes_back_without_a_word(repo: Repo) -> None:
    repo.commit("Base")
    sha, merge = merged(repo, 1, lines("limits", 20))
    repo.git("revert", "-m", "1", "--no-edit", merge)
    again = repo.commit("Bound what may come", {"limits": lines("limits", 20) + "other\n"})
    assert [trace(repo, each).relanded_by for each in (sha, merge)] == [again, again]


def merged(repo: Repo, number: int, text: str) -> tuple[str, str]:
    """A branch of one commit and its merge, as a host names it."""
    repo.git("checkout", "-q", "-b", f"topic{number}")
    sha = repo.commit(f"Add limits of {number}", {"limits": text})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", f"Merge pull request #{number} from ann/limits", f"topic{number}")
    return sha, repo.sha()


def test_a_merge_comes_back_with_the_next_merge_of_its_branch(repo: Repo) -> None:
    repo.commit("Base")
    sha, merge = merged(repo, 1, lines("limits", 20))
    repo.git("revert", "-m", "1", "--no-edit", merge)
    repo.commit("Meanwhile", {"meanwhile": "so\n"})
    _, again = merged(repo, 2, lines("limits", 15) + lines("other", 5))
    assert [(each.status, each.relanded_by) for each in (trace(repo, sha), trace(repo, merge))] == [("landed", again)] * 2


def test_a_merge_comes_back_with_the_merge_of_the_same_commit(repo: Repo) -> None:
    repo.commit("Base")
    sha, merge = merged(repo, 1, lines("limits", 20))
    repo.git("revert", "-m", "1", "--no-edit", merge)
    repo.git("checkout", "-q", "-b", "elsewhere")
    again = repo.commit("Add limits of 1", {"limits": lines("limits", 15) + lines("other", 5)})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge pull request #2 from ann/else", "elsewhere")
    assert (trace(repo, merge).relanded_by, trace(repo, sha).relanded_by) in ((repo.sha(), again), (repo.sha(), repo.sha()))


def test_a_merge_comes_back_with_a_commit_that_is_reworked(repo: Repo) -> None:
    """Of the commit less than half is there again, of the merge most: it brought another one too."""
    repo.commit("Base")
    repo.git("checkout", "-q", "-b", "topic1")
    repo.commit("More limits", {"more": lines("more", 20)})
    sha = repo.commit("Add limits", {"limits": lines("limits", 8)})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge pull request #1 from ann/limits", "topic1")
    merge = repo.sha()
    repo.git("revert", "-m", "1", "--no-edit", merge)
    repo.git("checkout", "-q", "-b", "topic2")
    repo.commit("Add limits", {"limits": lines("other", 8)})
    repo.commit("Once more", {"more": lines("more", 20), "beside": lines("beside", 300)})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge pull request #2 from ann/else", "topic2")
    assert (trace(repo, merge).relanded_by, status(repo, sha)) == (repo.sha(), "reverted")


def test_a_merge_within_a_merge_comes_back_with_its_commit(repo: Repo) -> None:
    """Of two lines, so that the pick says which commit it is and nothing says so of the merge."""
    repo.git("checkout", "-q", "-b", "inner")
    sha = repo.commit("Add limits", {"limits": lines("limits", 2)})
    repo.git("checkout", "-q", "-b", "outer", "main")
    repo.commit("Meanwhile")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "inner")
    merge = repo.sha()
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "outer")
    repo.git("revert", "-m", "1", "--no-edit", merge)
    assert status(repo, merge) == "reverted"
    repo.git("cherry-pick", sha)
    assert (trace(repo, merge).relanded_by, trace(repo, sha).relanded_by) == (repo.sha(), repo.sha())


def test_a_silent_revert_that_the_background_finds_is_followed_on(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverses, "AT_ONCE", 0)
    repo.commit("Base", {"limits": "head\n"})
    sha = repo.commit("Add limits", {"limits": "head\n" + lines("limits", 20)})
    repo.commit("Meanwhile", {"limits": "other\n" + lines("limits", 20)})
    repo.commit("Do without", {"limits": "other\n"})
    again = repo.commit("Add limits", {"limits": "other\n" + lines("limits", 15)})
    opened = graph(repo)
    assert inverses.waiting(opened.database)
    opened.compare(lambda phase, done, total: None)
    found = graph(repo).view.traces([sha])[0]
    assert (found.status, found.relanded_by) == ("landed", again)


def test_a_merge_of_the_branch_itself_goes_back_with_nothing(repo: Repo) -> None:
    repo.commit("Base")
    repo.git("checkout", "-q", "-b", "topic")
    sha = repo.commit("Add limits", {"limits": lines("limits")})
    repo.git("checkout", "-q", "main")
    repo.commit("Meanwhile", {"meanwhile": lines("meanwhile", 9)})
    repo.git("checkout", "-q", "topic")
    repo.git("merge", "-q", "-m", "Merge branch 'main' into topic", "main")
    inner = repo.sha()
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge pull request #1 from ann/topic", "topic")
    repo.git("revert", "-m", "1", "--no-edit", "HEAD")
    assert (status(repo, sha), status(repo, inner)) == ("reverted", "landed")


def test_what_came_back_and_went_once_more_was_reverted_by_the_last(repo: Repo) -> None:
    sha, first = reverted(repo)
    again = repo.commit("fix(net): add limits (#9)", {"limits": lines("limits", 12) + lines("other", 8)})
    repo.git("revert", "--no-edit", "HEAD")
    found = trace(repo, sha)
    assert (found.status, found.reverted_by) == ("reverted", repo.sha())
    assert {fact.commit for fact in found.evidence} >= {first, again, repo.sha()}
    repo.git("revert", "--no-edit", "HEAD")
    assert status(repo, sha) == "landed"


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_made_once_more_on_a_branch_whose_merge_has_nothing_of_it(repo: Repo, kept: bool) -> None:
    repo.commit("Begin", {"README": "Read me\n"})
    repo.git("branch", "release")
    sha, back = reverted(repo)
    repo.git("checkout", "-q", "release")
    again = repo.commit("fix(net): add limits (#9)", {"limits": lines("limits", 20)})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", *([] if kept else ["-s", "ours"]), "release")
    found = trace(repo, sha)
    assert (found.status, found.reverted_by, found.relanded_by) == (("landed", None, again) if kept else ("reverted", back, None))


@pytest.mark.parametrize("before", [True, False])
def test_a_revert_of_a_revert_that_has_little_left_to_restore(repo: Repo, before: bool) -> None:
    repo.commit("Begin", {"keys": lines("old keys", 8), "operations": lines("old operation", 3)})
    sha = repo.commit("Look for keys", {"keys": lines("keys", 8), "operations": lines("operation", 3)})
    repo.git("revert", "--no-edit", "HEAD")
    back = repo.sha()
    repo.commit("Tidy", {"keys": lines("keys", 8)} if before else {"elsewhere": "so\n"})
    again = repo.commit(f"Restore the operations\n\nThis reverts commit {back}.", {"operations": lines("operation", 3)})
    assert trace(repo, sha).relanded_by == (again if before else None)


def test_who_restores_less_than_what_stands_already_is_not_who_brought_it_again(repo: Repo) -> None:
    begin = {"keys": lines("old keys", 8), "operations": lines("old operation", 3), "notes": lines("old notes", 30)}
    repo.commit("Begin", begin)
    sha = repo.commit("Look for keys", {"keys": lines("keys", 8), "operations": lines("operation", 3)})
    repo.commit("Take notes", {"notes": lines("notes", 30)})
    back = repo.commit(f"Back\n\nThis reverts commit {sha}.", begin)
    again = repo.commit("Look for keys", {"keys": lines("keys", 8), "operations": lines("operation", 3)})
    repo.commit(f"Notes\n\nThis reverts a part of {back}.", {"notes": lines("notes", 10) + lines("old notes", 20)})
    assert trace(repo, sha).relanded_by == again
    claims = graph(repo).database.connection.execute("SELECT sha FROM claims WHERE kind = 'again' AND target = ?", (sha,))
    assert claims.fetchall() == [(again,)]


def test_what_goes_back_to_before_a_change_does_not_bring_it_again(repo: Repo) -> None:
    repo.commit("Begin", {"jar": lines("jar", 6) + "return the nested jar\n"})
    closing = lines("jar", 6) + lines("closing early", 9)
    older = repo.commit("Close early", {"jar": closing + "return it later\n", "test": lines("test", 20)})
    sha = repo.commit("Do not close nested ones", {"jar": lines("jar", 6) + "return the nested jar\nreturn it later\n"})
    repo.git("revert", "--no-edit", sha)
    back = repo.sha()
    repo.git("revert", "--no-edit", older)
    found = trace(repo, sha)
    assert (found.status, found.reverted_by) == ("reverted", back)
