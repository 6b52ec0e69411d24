"""What looks like a reverted change that was done once more is told beside the status, and leaves it."""

from contextgraph.trace import Evidence
from tests.conftest import Repo
from tests.histories import lines, trace


def reverted(repo: Repo, title: str, after: str, path: str = "limits", before: str = "head\n") -> str:
    """A change of one file that is taken back."""
    repo.commit("Begin", {path: before})
    sha = repo.commit(title, {path: after})
    repo.git("revert", "--no-edit", sha)
    return sha


def reworked(repo: Repo, sha: str) -> list[Evidence]:
    found = trace(repo, sha)
    assert found.status == "reverted"
    return [each for each in found.evidence if each.rule == "reworked"]


def told(by: str, how: str) -> list[Evidence]:
    return [Evidence(rule="reworked", commit=by, detail=how)]


def test_a_part_of_its_lines_is_told(repo: Repo) -> None:
    sha = reverted(repo, "Add limits", "head\n" + lines("limits", 20))
    again = repo.commit("Something else", {"limits": lines("limits", 8) + lines("other", 9)})
    assert reworked(repo, sha) == told(again, "8 of 20 lines")
    assert f"perhaps reworked in {again[:10]} (8 of 20 lines)" in repo.cg("why", sha, code=1).stdout
    repo.git("revert", "--no-edit", again)
    assert reworked(repo, sha) == []


def test_a_single_line_is_told_though_it_may_be_chance(repo: Repo) -> None:
    sha = reverted(repo, "Add Igor", "head\nIgor Zinkovsky\n")
    assert reworked(repo, sha) == []
    again = repo.commit("Welcome back", {"limits": "head\nIgor Zinkovsky\n"})
    assert reworked(repo, sha) == told(again, "1 of 1 line")


def test_less_than_a_fifth_is_chance(repo: Repo) -> None:
    sha = reverted(repo, "Add limits", "head\n" + lines("limits", 20))
    repo.commit("Something else", {"limits": lines("limits", 3) + lines("other", 9)})
    assert reworked(repo, sha) == []


def test_a_like_title_on_a_path_of_it_is_told(repo: Repo) -> None:
    sha = reverted(repo, "Load the index block lazily in the iterator", "head\n" + lines("limits", 20))
    repo.commit("Load the footer block", {"limits": lines("footer", 20)})
    repo.commit("Load the index block lazily in both iterators", {"elsewhere": lines("elsewhere", 20)})
    assert reworked(repo, sha) == []
    again = repo.commit("Load the index block lazily in both iterators", {"limits": lines("other", 20)})
    assert reworked(repo, sha) == told(again, "a like title")
    repo.commit("Load the index block lazily in the iterator", {"limits": lines("more", 20)})
    assert reworked(repo, sha) == told(again, "a like title"), "the first is told"


def test_a_later_revert_of_the_same_title_is_not_it(repo: Repo) -> None:
    sha = reverted(repo, "Load the index block lazily", "head\n" + lines("limits", 20))
    repo.commit('Revert "Load the index block lazily"', {"limits": "head\n" + lines("quite other", 3)})
    assert reworked(repo, sha) == []


def test_the_lines_are_found_in_a_file_that_moved_twice(repo: Repo) -> None:
    stable = lines("stable", 40)
    sha = reverted(repo, "Add limits", stable + lines("limits", 20), before=stable)
    for old, new in (("limits", "src/limits"), ("src/limits", "src/core/limits")):
        repo.path.joinpath(new).parent.mkdir(parents=True, exist_ok=True)
        repo.git("mv", old, new)
        repo.git("commit", "-qm", f"Move {old}")
        assert reworked(repo, sha) == []
    again = repo.commit("Bound it", {"src/core/limits": stable + lines("limits", 14)})
    found = trace(repo, sha)
    assert (found.status, found.relanded_by) == ("landed", again)


def test_the_very_commit_that_moves_the_file_brings_it_back(repo: Repo) -> None:
    stable = lines("stable", 40)
    sha = reverted(repo, "Add limits", stable + lines("limits", 20), before=stable)
    repo.git("mv", "limits", "bounds")
    again = repo.commit("Rename", {"bounds": stable + lines("limits", 20)})
    repo.git("mv", "bounds", "edges")
    repo.git("commit", "-qm", "Rename once more")
    found = trace(repo, sha)
    assert (found.status, found.relanded_by) == ("landed", again)


def test_its_title_is_named_where_its_lines_came_later(repo: Repo) -> None:
    sha = reverted(repo, "Add limits", "head\n" + lines("limits", 20))
    titled = repo.commit("add limits!", {"limits": "head\n" + lines("bounds", 9)})
    assert reworked(repo, sha) == told(titled, "the same title")
    repo.commit("Bound it", {"limits": lines("limits", 14)})
    found = trace(repo, sha)
    assert (found.status, found.relanded_by) == ("landed", titled)


def test_the_author_does_it_again_in_other_files(repo: Repo) -> None:
    """In the history of rocksdb `util/env_mem.cc` came back two days later as `util/mock_env.cc`."""
    sha = reverted(repo, "tmp", "head\n" + lines("limits", 20), path="src/env_mem")
    repo.clock += 2 * 86_400
    again = repo.commit("Add a mock", {"util/mock_env": lines("limits", 17) + lines("more", 20)})
    found = trace(repo, sha)
    assert (found.status, found.relanded_by) == ("landed", again)


def test_somebody_else_or_much_later_tells_nothing(repo: Repo) -> None:
    sha = reverted(repo, "tmp", "head\n" + lines("limits", 20), path="src/env_mem")
    repo.commit("Add a mock", {"util/mock_env": lines("limits", 17)}, GIT_AUTHOR_NAME="Zoe")
    repo.clock += 40 * 86_400
    repo.commit("Add another", {"util/other_env": lines("limits", 17)})
    assert reworked(repo, sha) == []


def test_where_it_came_back_its_revert_done_once_more_is_told(repo: Repo) -> None:
    sha = reverted(repo, "Add limits to what each client may send at once", "head\n" + lines("limits", 20))
    repo.git("revert", "--no-edit", "HEAD")
    assert trace(repo, sha).status == "landed"
    undone = repo.commit("Again revert add limits to what each client may send", {"limits": "head\n" + lines("limits", 19)})
    found = trace(repo, sha)
    assert found.status == "landed"
    assert [(each.commit, each.detail) for each in found.evidence if each.rule == "reworked"] == [(undone, "its revert, a like title")]


def test_of_several_commits_that_come_back_together_its_own_is_named(repo: Repo) -> None:
    """meson's 2a3015b5dd came back with a pull request of two commits; the other one was named."""
    repo.commit("Begin", {"limits": "head\n", "expected": "head\n"})
    repo.git("checkout", "-q", "-b", "topic")
    first = repo.commit("Add limits", {"limits": "head\n" + lines("limits", 200)})
    second = repo.commit("Add what is expected", {"expected": "head\n" + lines("expected", 6)})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "topic")
    repo.git("revert", "--no-edit", "-m", "1", "HEAD")
    repo.git("checkout", "-q", "-b", "once-more")
    repo.git("cherry-pick", first, second)
    again, twin = repo.sha("HEAD~1"), repo.sha()
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "once-more")
    assert (trace(repo, first).relanded_by, trace(repo, second).relanded_by) == (again, twin)


def test_a_title_that_a_robot_gives_is_not_told(repo: Repo) -> None:
    for number in range(6):
        repo.commit("Update the data files", {"limits": lines(f"number {number}", 20)})
    sha = reverted(repo, "Update the data files", "head\n" + lines("limits", 20))
    repo.commit("Update the data files", {"limits": lines("other", 20)})
    assert reworked(repo, sha) == []


def test_a_merge_is_not_known_by_the_words_that_a_host_gives_to_each(repo: Repo) -> None:
    def merged(number: int, word: str) -> str:
        repo.git("checkout", "-q", "-b", f"patch-{number}")
        repo.commit(word, {"limits": "head\n" + lines(word, 20)})
        repo.git("checkout", "-q", "main")
        repo.git("merge", "-q", "--no-ff", "-m", f"Merge pull request #{number} from Homebrew/patch-{number}", f"patch-{number}")
        return repo.sha()

    repo.commit("Begin", {"limits": "head\n"})
    sha = merged(1, "Bound")
    repo.git("revert", "--no-edit", "-m", "1", "HEAD")
    merged(2, "Paint")
    assert reworked(repo, sha) == []


def test_what_a_commit_only_moves_it_does_not_bring_back(repo: Repo) -> None:
    repo.commit("Begin", {"limits": "head\n", "store": lines("limits", 20)})
    sha = repo.commit("Add limits", {"limits": "head\n" + lines("limits", 20)})
    repo.git("revert", "--no-edit", sha)
    moved = repo.commit("Tidy up", {"limits": "head\n" + lines("limits", 20), "store": "empty\n"}, GIT_AUTHOR_NAME="Zoe")
    assert reworked(repo, sha) == told(moved, "20 of 20 lines")
