"""Which commit became which, with hooks and without: every way has its words, and nothing is attached anywhere else."""

from pathlib import Path

import pytest

from contextgraph.index.noted import Noted
from contextgraph.status import linking
from tests.conftest import HOOKS_OFF, Repo
from tests.histories import attach, graph, lines, status, trace, words


@pytest.fixture(params=["hooks", "no hooks"])
def here(graphed: Repo, request: pytest.FixtureRequest) -> Repo:
    """A repository after `cg init`, once with hooks and once as if they never ran."""
    if request.param == "no hooks":
        graphed.unhook()
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


def test_a_commit_that_is_split(here: Repo) -> None:
    here.commit("two\n\nDecision: flat", {"a": lines("a"), "b": lines("b")})
    old = here.sha()
    attach(here, old, "both")
    here.git("reset", "-q", "HEAD~1")
    parts = []
    for name in ("a", "b"):
        here.git("add", name)
        here.git("commit", "-q", "-m", f"only {name}")
        parts.append(here.sha())
    after = decided(here, "after")
    assert [(words(here, part), how(here, part)) for part in parts] == [({"both"}, {old: "reset"})] * 2
    assert (words(here, after), how(here, after)) == ({"after"}, {})


def test_a_reset_and_other_work(here: Repo) -> None:
    old = decided(here, "dropped")
    here.git("reset", "-q", "--hard", "HEAD~1")
    new = [here.commit(each, {each: lines(each)}) for each in ("one", "two")]
    assert [how(here, sha) for sha in new] == [{}, {}] and words(here, old) == {"dropped"}


def test_a_pick_under_other_words(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    old = here.commit("numbers\n\nDecision: so", {"file": "1\n2\n3\n"})
    attach(here, old, "numbers")
    here.git("checkout", "-q", "main")
    here.commit("other", {"file": "other\n"})
    here.git("cherry-pick", old, check=False)
    picked = here.commit("Numbers, by hand", {"file": "other\n1\n2\n3\n"}, GIT_AUTHOR_DATE="", GIT_AUTHOR_NAME="", GIT_AUTHOR_EMAIL="")
    assert (words(here, picked), how(here, picked)) == ({"numbers", ""}, {old: "cherry-pick"})


def test_a_clean_pick_and_one_that_says_so(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one, two = decided(here, "one"), decided(here, "two")
    here.git("checkout", "-q", "main")
    here.git("cherry-pick", one)
    assert (words(here, here.sha()), how(here, here.sha())) == ({"one"}, {one: "cherry-pick"})
    here.git("cherry-pick", "-x", two)
    assert (words(here, here.sha()), how(here, here.sha())) == ({"two"}, {two: "cherry-pick"})


def test_the_pick_of_one_of_two_that_were_made_in_one_second(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one = decided(here, "one")
    stamp = here.run("git", "log", "-1", "--format=%ad", "--date=raw").stdout.strip()
    here.git("checkout", "-q", "main")
    other = here.commit("other", GIT_AUTHOR_DATE=stamp)
    here.git("cherry-pick", one)
    graph(here)
    attach(here, other, "late")
    assert (words(here, here.sha()), how(here, here.sha())) == ({"one"}, {one: "cherry-pick"})


def test_a_revert_that_is_rewritten_under_other_words_is_told_once(here: Repo) -> None:
    one = decided(here, "one")
    here.git("checkout", "-q", "-b", "undo")
    here.git("revert", "--no-edit", one)
    said = here.sha()
    attach(here, said, "undo")
    here.git("reset", "-q", "--soft", "HEAD~1")
    here.git("commit", "-q", "-m", "without one")
    attach(here, here.sha(), "undo")
    here.git("checkout", "-q", "main")
    here.git("merge", "-q", "--squash", "undo")
    here.git("commit", "-q", "--no-edit")
    found = trace(here, one)
    assert (found.status, found.reverted_by) == ("reverted", said)
    assert [(each.rule, each.commit) for each in found.evidence if each.commit != one] == [("declared", said)]


def test_a_revert_that_undoes_nothing_in_the_form_in_which_it_lands(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one = decided(here, "one")
    here.git("revert", "--no-edit", one)
    (here.path / "more").write_text(lines("more"))
    here.git("add", "more")
    here.git("commit", "-q", "--amend", "--no-edit")
    assert status(here, one) == "pending"
    here.git("rebase", "-q", "-i", "main", GIT_SEQUENCE_EDITOR="sed -i '1{h;d};2{G}'")  # there is nothing to take back before it came
    here.git("checkout", "-q", "main")
    here.git("merge", "-q", "--ff-only", "topic")
    assert (here.path / "one").exists()
    assert status(here, one) == "landed"


def test_a_squash_of_a_branch_that_was_never_seen_whole(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    here.commit("one", {"one": lines("one")}, CG_SKIP="1")
    two = here.commit("two", {"two": lines("two")})
    here.git("checkout", "-q", "main")
    here.git("merge", "-q", "--squash", "topic")
    here.git("commit", "-q", "-m", "all of it")
    here.git("branch", "-q", "-D", "topic")
    attach(here, two, "two")
    assert (words(here, here.sha()), status(here, two)) == ({"two"}, "landed")


def test_the_pick_of_a_host_s_squash_before_anyone_looks(here: Repo, tmp_path: Path) -> None:
    here.git("checkout", "-q", "-b", "topic")
    decided(here, "one")
    here.git("checkout", "-q", "main")
    host = Repo(tmp_path / "host")
    here.git("clone", "-q", str(here.path), str(host.path))
    host.clock = here.clock
    host.git("merge", "-q", "--squash", "origin/topic")
    host.git("commit", "-q", "-m", "all of it (#1)")
    here.git("pull", "-q", str(host.path), "main")
    squash = here.sha()
    here.git("revert", "--no-edit", squash)
    here.git("cherry-pick", "-x", squash)
    assert words(here, here.sha()) == {"one"}


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
    repo.git(*HOOKS_OFF, "worktree", "add", "-q", "--detach", str(repo.path.parent / "host"), "main")
    host = Repo(repo.path.parent / "host")
    host.clock = repo.clock + 600
    for command in commands:
        host.git(*HOOKS_OFF, *command, GIT_COMMITTER_NAME="Host")
    repo.git("update-ref", "refs/remotes/origin/main", host.sha())
    repo.git(*HOOKS_OFF, "worktree", "remove", "--force", str(host.path))


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


def test_a_squash_that_is_reverted_after_a_part_of_it(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one, two = decided(here, "one"), decided(here, "two")
    here.git("checkout", "-q", "main")
    here.git("merge", "-q", "--squash", "topic")
    here.git("commit", "-q", "-m", "both (#3)")
    squash = here.sha()
    graph(here)
    here.git("rm", "-q", "one")
    here.git("commit", "-q", "-m", f"Drop one\n\nThis reverts commit {one}.")
    part = here.sha()
    assert (status(here, squash), status(here, one), status(here, two)) == ("landed", "reverted", "landed")
    here.git("rm", "-q", "two")
    here.git("commit", "-q", "-m", f'Revert "both (#3)"\n\nThis reverts commit {squash}.')
    rest = here.sha()
    found = trace(here, squash)
    assert (found.status, found.reverted_by, found.extent) == ("reverted", rest, 1.0)
    assert [(each.rule, each.commit) for each in found.evidence[1:]] == [("declared", rest), ("part", part)]
    assert status(here, one) == status(here, two) == "reverted"
    here.git("revert", "--no-edit", rest)
    assert status(here, squash) == "landed"


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


# Stops of a rebase: what a person does there, and git's own account of it (post-rewrite) would tell wrongly.


def stopped(repo: Repo, onto: str = "main") -> tuple[str, str]:
    """Two decided commits on a topic, in a rebase onto something else that stopped at the first."""
    repo.git("checkout", "-q", "-b", "topic")
    one, two = decided(repo, "one"), decided(repo, "two")
    repo.git("checkout", "-q", "main")
    decided(repo, "upstream")
    repo.git("checkout", "-q", "topic")
    repo.git("rebase", "-q", "-i", "--onto", onto, "HEAD~2", GIT_SEQUENCE_EDITOR="sed -i 1s/pick/edit/")
    return one, two


def test_a_commit_on_top_of_where_a_rebase_stopped(here: Repo) -> None:
    one, two = stopped(here)
    top = here.commit("on top", {"top": lines("top")})
    here.git("rebase", "--continue")
    assert how(here, here.sha("HEAD~2")) == {one: "rebase"}
    assert (words(here, top), how(here, top)) == (set(), {})
    assert how(here, here.sha()) == {two: "rebase"}


def test_a_commit_on_top_at_a_stop_and_another_rebase_before_anyone_looks(here: Repo) -> None:
    one = decided(here, "one")
    here.git("rebase", "-q", "-i", "HEAD~1", GIT_SEQUENCE_EDITOR="sed -i 1s/pick/edit/")
    here.commit("top", {"top": lines("top")})
    here.git("rebase", "--continue")
    here.git("rebase", "-q", "-i", "HEAD~2", GIT_SEQUENCE_EDITOR="sed -i '1{h;d};2{G}'")
    moved = here.sha()
    here.git("reset", "-q", "--soft", "HEAD~1")
    here.git("commit", "-q", "-m", "one again")
    assert (words(here, here.sha()), how(here, here.sha())) == ({"one"}, {one: "rebase", moved: "reset"})
    assert words(here, here.sha("HEAD~1")) == set()


def test_a_commit_on_top_at_a_stop_and_a_look_in_the_midst_of_the_next_rebase(here: Repo) -> None:
    one, _ = stopped(here)
    top = here.commit("on top", {"top": lines("top")})
    here.git("rebase", "--continue")
    here.git("rebase", "-q", "-i", "HEAD~1", GIT_SEQUENCE_EDITOR="sed -i 1s/pick/edit/")
    assert (words(here, top), how(here, top)) == (set(), {})
    assert how(here, here.sha("HEAD~2")) == {one: "rebase"}
    here.git("rebase", "--continue")
    assert (words(here, top), how(here, top)) == (set(), {})


def test_a_commit_left_out_at_a_stop(here: Repo) -> None:
    _, two = stopped(here)
    here.git("reset", "-q", "--hard", "HEAD~1")
    here.git("rebase", "--continue")
    assert (words(here, here.sha()), how(here, here.sha())) == ({"two"}, {two: "rebase"})
    assert (words(here, here.sha("main")), how(here, here.sha("main"))) == ({"upstream"}, {})


def test_a_commit_split_at_a_stop(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    big = here.commit("big", {"a": lines("a"), "b": lines("b")})
    attach(here, big, "big")
    here.git("rebase", "-q", "-i", "HEAD~1", GIT_SEQUENCE_EDITOR="sed -i 1s/pick/edit/")
    here.git("reset", "-q", "HEAD~1")
    pieces = []
    for name in ("a", "b"):
        here.git("add", name)
        here.git("commit", "-q", "-m", f"piece {name}")
        pieces.append(here.sha())
    top = here.commit("no piece", {"top": lines("top")})
    here.git("rebase", "--continue")
    assert [words(here, sha) for sha in (*pieces, top, here.sha("HEAD~3"))] == [{"big"}, {"big"}, set(), set()]


def test_a_commit_made_again_at_a_stop_before_the_revert_of_it(here: Repo) -> None:
    """The reset comes back to a commit of the rebase, and takes away on its way what the revert takes away."""
    here.git("checkout", "-q", "-b", "topic")
    one, two = decided(here, "one"), decided(here, "two")
    here.git("revert", "--no-edit", two)
    revert = here.sha()
    attach(here, revert, "revert")
    here.git("checkout", "-q", "main")
    decided(here, "upstream")
    here.git("checkout", "-q", "topic")
    here.git("rebase", "-q", "-i", "--onto", "main", "HEAD~3", GIT_SEQUENCE_EDITOR="sed -i 2s/pick/edit/")
    here.git("reset", "-q", "--soft", "HEAD~1")
    here.git("commit", "-q", "-m", "two again")
    here.git("rebase", "--continue")
    assert [how(here, here.sha(f"HEAD~{back}")) for back in (2, 0)] == [{one: "rebase"}, {revert: "rebase"}]
    assert [words(here, here.sha(f"HEAD~{back}")) for back in (2, 1, 0)] == [{"one"}, {"two"}, {"revert"}]


def test_what_is_decided_at_a_stop_goes_with_its_commit(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one = decided(here, "one")
    two = decided(here, "two")
    here.git("rebase", "-q", "-i", "HEAD~2", GIT_SEQUENCE_EDITOR="sed -i '1s/pick/edit/;2s/pick/fixup/'")
    here.cg("decide", "at the stop", "--context", "stop")
    here.git("commit", "-q", "--amend", "-m", "one, better")
    here.git("rebase", "--continue")
    assert words(here, here.sha()) == {"one", "two", "stop"}
    assert {one, two} <= how(here, here.sha()).keys()


def test_a_conflict_concluded_by_hand_in_other_words(graphed: Repo) -> None:
    """Only git knows: nothing of the old commit is in the new one."""
    here = graphed
    here.commit("base", {"f": "base\n"})
    here.git("checkout", "-q", "-b", "topic")
    old = here.commit("mine", {"f": "mine\n"})
    attach(here, old, "mine")
    here.git("checkout", "-q", "main")
    here.commit("theirs", {"f": "theirs\n"})
    here.git("checkout", "-q", "topic")
    here.git("rebase", "-q", "main", check=False)
    (here.path / "f").write_text("both\n")
    here.git("commit", "-q", "--all", "-m", "said otherwise")
    here.git("rebase", "--continue")
    assert (words(here, here.sha()), how(here, here.sha())) == ({"mine"}, {old: "rebase"})


def test_a_rebase_that_keeps_its_merges(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    decided(here, "one")
    here.git("checkout", "-q", "-b", "inner")
    decided(here, "inner")
    here.git("checkout", "-q", "topic")
    decided(here, "two")
    here.git("merge", "-q", "--no-ff", "--no-edit", "inner")
    attach(here, here.sha(), "merge")
    here.git("checkout", "-q", "main")
    decided(here, "upstream")
    here.git("checkout", "-q", "topic")
    here.git("rebase", "-q", "--rebase-merges", "main")
    found = {name: words(here, here.sha(name)) for name in ("HEAD", "HEAD^2", "HEAD^1", "HEAD~2", "main")}
    assert found == {"HEAD": {"merge"}, "HEAD^2": {"inner"}, "HEAD^1": {"two"}, "HEAD~2": {"one"}, "main": {"upstream"}}


def test_a_pull_that_rebases(here: Repo) -> None:
    host = Repo(here.path.parent / "host")
    here.run("git", "clone", "-q", str(here.path), str(host.path))
    here.run("git", "remote", "add", "origin", str(host.path))
    host.clock = here.clock
    host.commit("theirs")
    mine = decided(here, "mine")
    here.git("pull", "-q", "--rebase", "origin", "main")
    assert here.sha() != mine
    assert (words(here, here.sha()), how(here, here.sha())) == ({"mine"}, {mine: "rebase"})


def test_a_patch_applied_before_its_source_was_rewritten(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one = decided(here, "one")
    patch = here.run("git", "format-patch", "-1", "--stdout").stdout
    here.git("checkout", "-q", "main")
    decided(here, "meanwhile")
    here.cg("decide", "of the patch", "--context", "patch")
    here.git("am", "-q", stdin=patch)
    applied = here.sha()
    here.git("checkout", "-q", "topic")
    here.git("rebase", "-q", "--force-rebase", "HEAD~1")
    assert (words(here, applied), how(here, applied)) == ({"one", "patch"}, {one: "cherry-pick"})
    assert words(here, here.sha()) == {"one"}


def test_one_commit_applied_is_no_squash_of_its_branch(here: Repo) -> None:
    """The rest of the branch takes back what it brought, so that merging it again gives the same tree."""
    here.git("checkout", "-q", "-b", "topic")
    one = decided(here, "one")
    here.git("revert", "--no-edit", one)
    two = decided(here, "two")
    patch = here.run("git", "format-patch", "-1", "--stdout", two).stdout
    here.git("checkout", "-q", "main")
    decided(here, "meanwhile")
    here.git("am", "-q", stdin=patch)
    assert (words(here, here.sha()), how(here, here.sha())) == ({"two"}, {two: "cherry-pick"})
    assert (status(here, one), status(here, two)) == ("pending", "landed")


def test_a_squash_holds_nothing_that_was_made_after_it(here: Repo) -> None:
    one = decided(here, "one")
    here.git("revert", "--no-edit", one)
    taken = here.sha()
    here.git("checkout", "-q", "-b", "topic", "HEAD~1")
    here.git("rm", "-q", "one")
    here.git("commit", "-q", "-m", "the same by somebody else")
    attach(here, here.sha(), "later")
    assert (words(here, taken), how(here, taken)) == (set(), {})
    assert status(here, here.sha()) == "pending"


def test_what_a_branch_took_back_before_it_was_squashed(here: Repo) -> None:
    here.git("checkout", "-q", "-b", "topic")
    one, two = decided(here, "one"), decided(here, "two")
    here.git("revert", "--no-edit", one)
    here.git("checkout", "-q", "main")
    here.git("merge", "-q", "--squash", "topic")
    here.git("commit", "-q", "-m", "All (#8)")
    assert (status(here, one), status(here, two), status(here, here.sha())) == ("reverted", "landed", "landed")


@pytest.mark.parametrize("way", ["--squash", "--no-ff"])
def test_a_revert_that_names_what_was_rewritten_twice_since(here: Repo, way: str) -> None:
    """Of two lines: its diff alone would say nothing. The revert itself is rewritten in words that name nothing."""
    here.git("checkout", "-q", "-b", "topic")
    one = here.commit("one", {"one": lines("one", 2)})
    decided(here, "two")
    here.git("revert", "--no-edit", one)
    here.git("commit", "-q", "--amend", "-m", "Without one")
    for number in range(2):
        here.git("checkout", "-q", "main")
        here.commit(f"meanwhile {number}")
        here.git("checkout", "-q", "topic")
        here.git("rebase", "-q", "main")
        graph(here)
    rebased = here.sha("topic~2")
    here.git("checkout", "-q", "main")
    here.git("merge", "-q", way, "topic")
    here.git("commit", "-q", *(["--amend"] if way == "--no-ff" else []), "-m", "All (#8)")
    assert status(here, rebased) == "reverted"
    assert {one, rebased} <= graph(here).view.ledger().reverted()


def test_a_pick_undoes_a_revert_that_was_rewritten_in_other_words(here: Repo) -> None:
    one = here.commit("one", {"one": lines("one", 2)})
    here.git("checkout", "-q", "-b", "topic")
    here.git("revert", "--no-edit", one)
    attach(here, here.sha(), "undo")
    here.git("commit", "-q", "--amend", "-m", "Without one")
    reverter = here.sha()
    here.git("checkout", "-q", "main")
    here.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    assert (status(here, one), status(here, reverter)) == ("reverted", "landed")
    here.git("cherry-pick", one)
    assert (status(here, one), status(here, reverter)) == ("landed", "reverted")


def test_what_was_taken_back_out_of_a_fixed_up_commit(here: Repo) -> None:
    """The old commit is undone though what it became is not: that holds the fixup as well."""
    here.git("checkout", "-q", "-b", "topic")
    one = decided(here, "one")
    here.commit("fixup! one", {"more": lines("more")})
    here.git("rebase", "-q", "-i", "--autosquash", "main")
    here.git("revert", "--no-edit", one)
    here.git("checkout", "-q", "main")
    here.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    assert (status(here, one), status(here, here.sha("topic~1"))) == ("reverted", "landed")


def test_what_a_host_rebases_within_a_second_undoes_nothing_that_follows_it(here: Repo) -> None:
    """One and its revert become new commits of one second: the new one is the inverse of the old revert, which is older than it."""
    here.git("checkout", "-q", "-b", "topic")
    one = decided(here, "one")
    here.git("revert", "--no-edit", one)
    revert = here.sha()
    here.git("checkout", "-q", "main")
    decided(here, "meanwhile")
    hosted(here, ["cherry-pick", one, revert])
    assert [status(here, sha) for sha in (one, revert)] == ["reverted", "landed"]
    here.git("merge", "-q", "--ff-only", "origin/main")
    here.clock += 1200  # the host's is ahead
    here.git("cherry-pick", "HEAD~1")
    rebased = [here.sha("HEAD~2"), here.sha("HEAD~1")]
    assert [status(here, sha) for sha in (*rebased, one, revert)] == ["landed", "reverted"] * 2


def test_a_revert_rebased_is_older_than_what_took_it_back(here: Repo) -> None:
    """By its time it is newer than the old form of the commit after it, whose inverse it is."""
    one = decided(here, "one")
    here.git("checkout", "-q", "-b", "topic")
    here.git("revert", "--no-edit", one)
    here.git("revert", "--no-edit", "HEAD")
    here.git("commit", "-q", "--amend", "-m", "after all")
    back = here.sha()
    here.commit("fixup! after all", {"more": lines("more")})
    here.git("rebase", "-q", "-i", "--autosquash", "main")
    here.git("checkout", "-q", "main")
    decided(here, "upstream")
    here.git("checkout", "-q", "topic")
    here.git("rebase", "-q", "main")
    here.git("checkout", "-q", "main")
    here.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    assert [status(here, sha) for sha in (one, here.sha("topic~1"), back)] == ["landed", "reverted", "landed"]


def test_no_squash_is_followed_by_what_it_squashed(here: Repo) -> None:
    """Content that comes again on a branch gives the tree of the commit that brought it first."""
    one = decided(here, "one")
    soon = f"{here.clock + 9} +0000"
    here.git("revert", "--no-edit", one, GIT_COMMITTER_DATE=soon)
    here.git("checkout", "-q", "-b", "back")
    again = here.commit("again", {"one": lines("one")}, GIT_COMMITTER_DATE=soon)
    attach(here, again, "again")
    assert (words(here, one), how(here, one)) == ({"one"}, {})
    assert (status(here, again), trace(here, again).evidence) == ("pending", [])


def test_a_published_squash_that_its_branch_follows_counts_for_nothing(here: Repo) -> None:
    """Older versions wrote such events."""
    one = decided(here, "one")
    soon = f"{here.clock + 9} +0000"
    here.git("revert", "--no-edit", one, GIT_COMMITTER_DATE=soon)
    here.git("checkout", "-q", "-b", "back")
    again = here.commit("again", {"one": lines("one")}, GIT_COMMITTER_DATE=soon)
    attach(here, again, "again")
    opened = graph(here)
    opened.store.append(linking.lines_of(opened.git, [(again, one, "host-squash")]))
    assert (words(here, one), how(here, one), status(here, again)) == ({"one"}, {}, "pending")


def test_a_link_that_is_not_taken_in_is_not_looked_for_for_ever(graphed: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    graphed.git("checkout", "-q", "-b", "topic")
    old = decided(graphed, "one")
    graph(graphed)
    graphed.git("checkout", "-q", "main")
    graphed.git("cherry-pick", "-x", old)
    monkeypatch.setattr(Noted, "add", lambda *_: None)
    graph(graphed)
    monkeypatch.undo()
    assert set(how(graphed, graphed.sha())) == {old}
