"""What came back though no later commit says so, or is it alone: the files themselves are asked what stands in them."""

import pytest

from contextgraph.status import inverses, standing
from tests.conftest import Repo
from tests.histories import attach, graph, lines, rules, status, trace

DAY = 86_400


def reverted(repo: Repo, path: str = "limits") -> tuple[str, str]:
    """A change of 20 lines in a file that was there, and what takes it back."""
    repo.commit("Begin", {path: "head\n"})
    sha = repo.commit("Add limits", {path: "head\n" + lines("limits", 20)})
    return sha, repo.commit(f"Do without\n\nThis reverts commit {sha}.", {path: "head\n"})


def test_what_comes_back_in_several_commits(repo: Repo) -> None:
    sha, _ = reverted(repo)
    most = repo.commit("Bound what may come", {"limits": "head\n" + lines("limits", 9)})
    assert status(repo, sha) == "reverted"
    repo.commit("Go on", {"limits": "head\nbetween\n" + lines("limits", 13)})
    found = trace(repo, sha)
    assert (found.status, found.relanded_by, found.extent) == ("landed", most, 0.0)


def test_what_a_squash_took_away_comes_back(graphed: Repo) -> None:
    """The revert itself is not on the branch: what it landed as took the change away."""
    graphed.commit("Begin", {"limits": "head\n"})
    sha = graphed.commit("Add limits", {"limits": "head\n" + lines("limits", 20)})
    graphed.git("checkout", "-q", "-b", "topic")
    graphed.git("revert", "--no-edit", sha)
    attach(graphed, graphed.sha(), "undo")
    graphed.commit("More", {"more": lines("more")})
    graphed.git("checkout", "-q", "main")
    graphed.git("merge", "-q", "--squash", "topic")
    graphed.git("commit", "-q", "-m", "All (#8)")
    graph(graphed)
    graphed.commit("Next")
    assert status(graphed, sha) == "reverted"
    again = graphed.commit("Bound what may come", {"limits": "head\n" + lines("limits", 15) + lines("other", 30)})
    assert trace(graphed, sha).relanded_by == again


def test_what_comes_back_in_a_much_larger_change(repo: Repo) -> None:
    sha, _ = reverted(repo)
    again = repo.commit("Bound it", {"limits": lines("before", 300) + lines("limits", 14), "beside": lines("beside", 300)})
    assert trace(repo, sha).relanded_by == again


def test_the_copy_of_a_partial_clone_has_its_files(repo: Repo) -> None:
    """A local clone takes the packs over as they are, and no remote that would promise anything."""
    sha, _ = reverted(repo)
    again = repo.commit("Bound what may come", {"limits": "head\n" + lines("limits", 18)})
    repo.git("repack", "-q", "-a", "-d")
    for pack in (repo.path / ".git/objects/pack").glob("*.pack"):
        pack.with_suffix(".promisor").touch()
    assert trace(repo, sha).relanded_by == again


def test_a_few_of_its_lines_are_not_it(repo: Repo) -> None:
    sha, _ = reverted(repo)
    repo.commit("Something else", {"limits": lines("limits", 9) + lines("other", 9)})
    assert status(repo, sha) == "reverted"


def test_lines_that_say_nothing_are_not_it(repo: Repo) -> None:
    braces = "".join(f"}} {number}\n" for number in range(8))
    repo.commit("Begin", {"limits": "head\n"})
    sha = repo.commit("Add limits", {"limits": "head\n" + lines("limits", 3) + braces})
    repo.git("revert", "--no-edit", sha)
    repo.commit("Something else", {"limits": "head\n" + lines("other", 3) + braces})
    assert status(repo, sha) == "reverted"


def test_what_it_removed_may_be_gone_for_another_reason(repo: Repo) -> None:
    repo.commit("Begin", {"limits": lines("old", 20)})
    sha = repo.commit("Add limits", {"limits": lines("limits", 4) + lines("old", 2)})
    repo.git("revert", "--no-edit", sha)
    repo.commit("Rewrite", {"limits": lines("quite other", 20)})
    assert status(repo, sha) == "reverted"


def test_what_was_only_removed_must_be_gone_by_one_commit_of_its_size(repo: Repo) -> None:
    repo.commit("Begin", {"limits": "head\n" + lines("limits", 5), "more": lines("more", 300)})
    sha = repo.commit("Do without", {"limits": "head\n"})
    repo.git("revert", "--no-edit", sha)
    repo.commit("Rewrite", {"limits": lines("quite other", 60)})
    assert status(repo, sha) == "reverted"
    repo.commit("As before", {"limits": "head\n" + lines("limits", 5)})
    again = repo.commit("Not needed", {"limits": "head\n"})
    assert trace(repo, sha).relanded_by == again


def test_what_moves_is_not_gone_again(repo: Repo) -> None:
    repo.commit("Begin", {"limits": lines("limits", 5)})
    repo.git("rm", "-q", "limits")
    repo.git("commit", "-q", "-m", "Do without")
    sha = repo.sha()
    repo.git("revert", "--no-edit", sha)
    (repo.path / "src").mkdir()
    repo.git("mv", "limits", "src")
    repo.git("commit", "-q", "-m", "Order")
    assert status(repo, sha) == "reverted"


def test_what_came_back_counts_though_it_changed_since(repo: Repo) -> None:
    sha, _ = reverted(repo)
    again = repo.commit("Bound it", {"limits": lines("limits", 14)})
    repo.clock += 40 * DAY
    repo.commit("Meanwhile", {"meanwhile": "so\n"})
    repo.clock += 400 * DAY
    repo.commit("Rewrite", {"limits": lines("quite other", 20)})
    assert trace(repo, sha).relanded_by == again


def test_what_came_back_and_was_reverted_again_is_reverted(repo: Repo) -> None:
    sha, _ = reverted(repo)
    again = repo.commit("Bound it", {"limits": "head\n" + lines("limits", 14)})
    assert trace(repo, sha).relanded_by == again
    repo.git("revert", "--no-edit", again)
    assert (status(repo, sha), status(repo, again)) == ("reverted", "reverted")


def test_the_part_that_was_undone_comes_back(repo: Repo) -> None:
    sha = repo.commit("Add limits", {"limits": lines("limits", 20)})
    repo.commit(f"Partially revert {sha}", {"limits": lines("limits", 10)})
    assert trace(repo, sha).extent == 0.5
    again = repo.commit(
        "Bound it", {"limits": lines("limits", 10) + lines("other", 9) + "".join(lines("limits", 18).splitlines(True)[10:])}
    )
    found = trace(repo, sha)
    assert (found.relanded_by, found.extent) == (again, 0.0)


def test_a_merge_that_brings_it_in_several_commits_is_told(repo: Repo) -> None:
    sha, _ = reverted(repo)
    repo.git("checkout", "-q", "-b", "topic")
    for count in (6, 12, 18):
        repo.commit(f"Up to {count}", {"limits": "head\n" + lines("limits", count)})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "Merge pull request #2 from ann/topic", "topic")
    assert trace(repo, sha).relanded_by == repo.sha()


def test_a_merge_that_keeps_the_change_loses_the_revert(repo: Repo) -> None:
    """The release goes without it; the branch, which went on with the same files, is merged with it all the same."""
    repo.commit("Begin", {"limits": "head\n"})
    sha = repo.commit("Add limits", {"limits": "head\n" + lines("limits", 20)})
    repo.git("checkout", "-q", "-b", "release")
    repo.git("revert", "--no-edit", sha)
    reverter = repo.sha()
    repo.git("checkout", "-q", "main")
    repo.commit("Go on", {"limits": "head\n" + lines("limits", 20) + "more\n"})
    repo.git("merge", "-q", "--no-ff", "--no-commit", "release", check=False)
    (repo.path / "limits").write_text("head of both\n" + lines("limits", 20) + "more\n")
    repo.git("commit", "-q", "-a", "-m", "Merge branch 'release'")
    assert (status(repo, sha), "kept" in rules(repo, sha), status(repo, reverter)) == ("landed", True, "landed")


def test_a_revert_that_was_lost_is_lost_for_what_was_picked(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "topic")
    sha = repo.commit("Add limits", {"limits": lines("limits", 20)})
    repo.git("checkout", "-q", "main")
    repo.commit("Meanwhile", {"meanwhile": "so\n"})
    repo.git("cherry-pick", "-x", sha)
    picked = repo.sha()
    repo.git("checkout", "-q", "-b", "release")
    repo.git("revert", "--no-edit", picked)
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-edit", "-s", "ours", "release")
    assert (status(repo, picked), "kept" in rules(repo, picked)) == ("landed", True)


def test_a_revert_that_was_rewritten_is_lost_with_what_it_became(graphed: Repo) -> None:
    sha = graphed.commit("Add limits", {"limits": lines("limits", 2)})
    graphed.git("checkout", "-q", "-b", "release")
    graphed.git("revert", "--no-edit", sha)
    graphed.git("commit", "-q", "--amend", "-m", "Do without")
    graphed.git("checkout", "-q", "main")
    graph(graphed)
    graphed.git("reflog", "expire", "--expire=now", "--all")
    graphed.git("gc", "-q", "--prune=now")
    graphed.git("merge", "-q", "--no-ff", "--no-edit", "-s", "ours", "release")
    assert (status(graphed, sha), "kept" in rules(graphed, sha)) == ("landed", True)


def test_a_revert_that_was_lost_is_lost_for_what_was_rewritten(graphed: Repo) -> None:
    old = graphed.commit("Limits", {"limits": lines("limits")})
    graphed.git("commit", "-q", "--amend", "-m", "Add limits")
    sha = graphed.sha()
    graphed.git("checkout", "-q", "-b", "release")
    graphed.git("revert", "--no-edit", sha)
    graphed.git("checkout", "-q", "main")
    graphed.git("merge", "-q", "--no-ff", "--no-edit", "-s", "ours", "release")
    assert (status(graphed, sha), status(graphed, old)) == ("landed", "landed")


def test_only_what_shares_a_path_is_looked_at_again(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    sha, _ = reverted(repo)
    assert status(repo, sha) == "reverted"
    repo.commit("Elsewhere", {"elsewhere": lines("elsewhere", 3)}, GIT_AUTHOR_NAME="Zoe")
    with monkeypatch.context() as patched:
        patched.setattr(standing, "states", lambda _, git, asked: iter(()) if not asked else pytest.fail("nothing of it has changed"))
        assert status(repo, sha) == "reverted"
    repo.commit("Bound it", {"limits": "head\n" + lines("limits", 14)})
    assert status(repo, sha) == "landed"


def test_what_was_here_on_a_topic_counts_when_it_lands(repo: Repo) -> None:
    sha, _ = reverted(repo)
    repo.git("checkout", "-q", "-b", "topic")
    again = repo.commit("Bound it", {"limits": "head\n" + lines("limits", 14)})
    assert status(repo, sha) == "reverted"
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--ff-only", "topic")
    assert trace(repo, sha).relanded_by == again


def test_the_background_looks_where_much_is_new(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverses, "AT_ONCE", 0)
    sha, _ = reverted(repo)
    again = repo.commit("Bound it", {"limits": "head\n" + lines("limits", 14)})
    opened = graph(repo)
    assert (bool(inverses.waiting(opened.database)), opened.view.traces([sha])[0].status) == (True, "reverted")
    opened.compare(lambda phase, done, total: None)
    assert graph(repo).view.traces([sha])[0].relanded_by == again


def test_a_damaged_file_is_passed_over(repo: Repo) -> None:
    """git reads the size of such a file, and stops in the middle of it."""
    sha, _ = reverted(repo)
    repo.commit("Later", {"limits": "".join(f"{number * 7919 % 10007}\n" for number in range(9000))})
    name = repo.sha("HEAD:limits")
    loose = repo.path / ".git" / "objects" / name[:2] / name[2:]
    loose.chmod(0o644)
    half = loose.stat().st_size // 2
    loose.write_bytes(loose.read_bytes()[:half] + b"\xff" * half)
    assert status(repo, sha) == "reverted"


def test_what_a_merge_kept_for_the_most_part(repo: Repo) -> None:
    """It took some of the lines back itself, so the merge and the reverter do not tell it: the file does."""
    repo.commit("Begin", {"limits": "head\n"})
    sha = repo.commit("Add limits", {"limits": "head\n" + lines("limits", 10)})
    repo.git("checkout", "-q", "-b", "topic")
    repo.git("revert", "--no-edit", sha)
    repo.git("checkout", "-q", "main")
    repo.commit("Go on", {"other": lines("other")})
    repo.git("merge", "-q", "--no-ff", "--no-commit", "topic")
    repo.commit("Merge topic", {"limits": "head\n" + lines("limits", 7)})
    assert (status(repo, sha), "kept" in rules(repo, sha)) == ("landed", True)
