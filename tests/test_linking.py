"""Which commit became which, with hooks and without: every way has its words, and nothing is attached anywhere else."""

import pytest

from tests.conftest import Repo
from tests.histories import attach, graph, lines, status, trace, words

OFF = ("-c", "core.hooksPath=/dev/null")


@pytest.fixture(params=["hooks", "no hooks"])
def here(graphed: Repo, request: pytest.FixtureRequest) -> Repo:
    """A repository after `cg init`, once with hooks and once as if they never ran."""
    if request.param == "no hooks":
        graphed.run("git", "config", "core.hooksPath", "/dev/null")
    return graphed


def decided(repo: Repo, word: str) -> str:
    sha = repo.commit(word, {word: lines(word)})
    attach(repo, sha, word)
    return sha


def how(repo: Repo, sha: str) -> dict[str, str]:
    return {each.commit: each.how for each in trace(repo, sha).carried_from}


def test_amend(here: Repo) -> None:
    old = decided(here, "one")
    here.git("commit", "-q", "--amend", "-m", "said better")
    assert (words(here, here.sha()), how(here, here.sha())) == ({"one"}, {old: "amend"})
    assert words(here, old) == {"one"}


def test_rebase_with_a_fixup_and_another_order(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one, two = decided(here, "one"), decided(here, "two")
    (here.path / "fix").write_text(lines("fix"))
    here.git("add", "fix")
    here.git("commit", "-q", f"--fixup={one}")
    fix = here.sha()
    attach(here, fix, "fix")
    here.git("rebase", "-q", "-i", "--autosquash", "main")
    assert (words(here, here.sha("HEAD~1")), words(here, here.sha())) == ({"one", "fix"}, {"two"})
    assert how(here, here.sha()) == {} or how(here, here.sha()) == {two: "rebase"}
    here.git("rebase", "-q", "-i", "main", GIT_SEQUENCE_EDITOR="sed -i '1{h;d};2{G}'")
    assert (words(here, here.sha("HEAD~1")), words(here, here.sha())) == ({"two"}, {"one", "fix"})


def test_reset_and_recommit(here: Repo) -> None:
    one, two = decided(here, "one"), decided(here, "two")
    here.git("reset", "-q", "--soft", "HEAD~2")
    here.git("commit", "-q", "-m", "both")
    assert (words(here, here.sha()), how(here, here.sha())) == ({"one", "two"}, {one: "reset", two: "reset"})


def test_a_clean_pick_and_one_that_says_so(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one, two = decided(here, "one"), decided(here, "two")
    here.git("checkout", "-q", "main")
    here.git("cherry-pick", one)
    assert (words(here, here.sha()), how(here, here.sha())) == ({"one"}, {one: "cherry-pick"})
    here.git("cherry-pick", "-x", two)
    assert (words(here, here.sha()), how(here, here.sha())) == ({"two"}, {two: "cherry-pick"})


@pytest.mark.parametrize("message", [["--no-edit"], ["-m", "all of it"]])
def test_a_local_squash(here: Repo, message: list[str]) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one, two = decided(here, "one"), decided(here, "two")
    here.git("checkout", "-q", "main")
    decided(here, "elsewhere")
    here.git("merge", "-q", "--squash", "topic")
    here.git("commit", "-q", *message)
    assert words(here, here.sha()) == {"one", "two"}
    assert {status(here, one), status(here, two)} == {"landed"}
    assert trace(here, one).merged_via == here.sha()


def hosted(repo: Repo, *commands: list[str]) -> None:
    """What a host does to main, in a worktree without hooks."""
    repo.git(*OFF, "worktree", "add", "-q", "--detach", str(repo.path.parent / "host"), "main")
    host = Repo(repo.path.parent / "host")
    host.clock = repo.clock + 600
    for command in commands:
        host.git(*OFF, *command, GIT_COMMITTER_NAME="Host")
    repo.git("update-ref", "refs/remotes/origin/main", host.sha())
    repo.git(*OFF, "worktree", "remove", "--force", str(host.path))


def test_the_host_squashes(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "other")
    other = decided(here, "other")
    here.git("checkout", "-q", "-b", "topic", "main")
    one, two = decided(here, "one"), decided(here, "two")
    here.git("checkout", "-q", "main")
    decided(here, "meanwhile")
    hosted(here, ["merge", "-q", "--squash", "topic"], ["commit", "-q", "-m", "Topic (#5)"])
    squash = here.sha("origin/main")
    assert words(here, squash) == {"one", "two"}
    found = trace(here, one)
    assert (found.status, found.merged_via, found.evidence[0].detail) == ("landed", squash, "in main #5")
    assert (status(here, two), status(here, other), words(here, other)) == ("landed", "pending", {"other"})


def test_the_host_rebases(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one, two = decided(here, "one"), decided(here, "two")
    here.git("checkout", "-q", "main")
    decided(here, "meanwhile")
    hosted(here, ["cherry-pick", one, two])
    assert words(here, here.sha("origin/main")) == {"two"}
    assert words(here, here.sha("origin/main~1")) == {"one"}
    assert (status(here, one), trace(here, one).merged_via) == ("landed", here.sha("origin/main~1"))


def test_a_part_of_a_squash_that_is_reverted(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one, two = decided(here, "one"), decided(here, "two")
    here.git("checkout", "-q", "main")
    here.git("merge", "-q", "--squash", "topic")
    here.git("commit", "-q", "-m", "All (#8)")
    squash = here.sha()
    here.git("revert", "--no-edit", one)
    assert (status(here, one), status(here, two), status(here, squash)) == ("reverted", "landed", "landed")
    assert trace(here, squash).extent in (None, 0.5)


def test_a_revert_of_what_it_was_carried_into(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one = decided(here, "one")
    here.git("checkout", "-q", "main")
    here.git("merge", "-q", "--squash", "topic")
    here.git("commit", "-q", "-m", "All (#8)")
    here.git("revert", "--no-edit", "HEAD")
    assert status(here, one) == "reverted"


def test_a_pick_made_before_its_source_was_rebased(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one = decided(here, "one")
    here.git("checkout", "-q", "main")
    decided(here, "meanwhile")
    here.git("cherry-pick", one)
    pick = here.sha()
    here.git("checkout", "-q", "topic")
    here.git("commit", "-q", "--amend", "-m", "said better")
    assert (words(here, pick), words(here, here.sha())) == ({"one"}, {"one"})


def test_same_title_and_time_but_another_change(here: Repo) -> None:
    old = decided(here, "one")
    stamp = here.run("git", "log", "-1", "--format=%ad", "--date=raw").stdout.strip()
    (here.path / "stranger").write_text("nothing of it\n")
    here.git("add", "stranger")
    here.git("commit", "-q", "-m", "one", GIT_AUTHOR_DATE=stamp)
    assert (words(here, here.sha()), words(here, old)) == (set(), {"one"})


def test_remap_is_safe_to_repeat(here: Repo) -> None:
    one, two = decided(here, "one"), decided(here, "two")
    new = here.run("git", "commit-tree", "-m", "new", "HEAD^{tree}").stdout.strip()
    (here.path / "map").write_text(f"old new\n{one} {new}\n{two} {'0' * 40}\n")
    assert "1 of dropped commits" in here.cg("remap", "map").stderr
    once = here.note(new)
    here.cg("remap", "map")
    assert here.note(new) == once
    assert (words(here, new), words(here, two)) == ({"one"}, {"two"})
    assert "line 1" in here.cg("remap", "one", code=2).stderr


def test_a_clone_without_init_links_in_its_index_alone(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one = decided(here, "one")
    here.git("checkout", "-q", "main")
    here.git("merge", "-q", "--squash", "topic")
    here.git("commit", "-q", "-m", "All (#8)")
    graph(here)
    clone = Repo(here.path.parent / "clone")
    here.run("git", "clone", "-q", str(here.path), str(clone.path))
    clone.run("git", "fetch", "-q", "origin", "refs/notes/contextgraph:refs/notes/contextgraph")
    before = clone.run("git", "rev-parse", "refs/notes/contextgraph").stdout
    assert status(clone, one) == "landed"
    assert clone.run("git", "rev-parse", "refs/notes/contextgraph").stdout == before


def test_a_squash_and_not_its_reland(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one, two = decided(here, "one"), decided(here, "two")
    here.git("checkout", "-q", "main")
    here.git("merge", "-q", "--squash", "topic")
    here.git("commit", "-q", "-m", "All (#8)")
    squash = here.sha()
    here.git("revert", "--no-edit", "HEAD")
    here.git("revert", "--no-edit", "HEAD")
    assert (words(here, squash), words(here, here.sha())) == ({"one", "two"}, set())
    assert {status(here, one), status(here, two)} == {"landed"}
