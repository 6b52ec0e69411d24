"""Decisions staged for the next commit: which commit takes them, and which never does."""

import json
import os
import threading
from pathlib import Path

import pytest

from tests.conftest import HOOKS_OFF, Repo


def staged(repo: Repo) -> list[str]:
    answer = json.loads(repo.cg("decide", "--json").stdout)
    return [each["options"][0]["description"] for each in answer["staged"]]


def decided(repo: Repo, revision: str = "HEAD") -> list[str]:
    answer = json.loads(repo.cg("why", repo.sha(revision), "--json", code=None).stdout)
    return [each["options"][0]["description"] for each in answer["trace"]["decisions"]]


@pytest.fixture(params=["hooks", "no hooks"])
def either(repo: Repo, request: pytest.FixtureRequest) -> Repo:
    """Everything here is true with the hooks and without them."""
    if request.param == "no hooks":
        repo.unhook()
    repo.cg("init", "--no-model")
    os.environ["CG_WORKER"] = "off"
    return repo


def test_the_next_commit_takes_all_of_them(either: Repo) -> None:
    either.cg("decide", "one")
    either.cg("decide", "two")
    assert staged(either) == ["one", "two"]
    sha = either.commit("x")
    either.commit("y")
    assert decided(either, sha) == ["one", "two"]
    assert decided(either) == []
    assert staged(either) == []


def test_an_amend_takes_them(either: Repo) -> None:
    either.commit("x")
    either.cg("decide", "afterthought")
    either.git("commit", "--amend", "-qm", "x, again")
    assert decided(either) == ["afterthought"]


def test_an_aborted_commit_keeps_them(either: Repo) -> None:
    either.cg("decide", "kept")
    either.git("commit", "--allow-empty", "-m", "", check=False)
    assert staged(either) == ["kept"]
    hook = either.path / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    either.git("-c", f"core.hooksPath={hook.parent}", "commit", "--allow-empty", "-m", "refused", check=False)
    assert staged(either) == ["kept"]


def test_rebase_picks_stash_reset_and_checkout_never_take_them(either: Repo) -> None:
    either.git("checkout", "-qb", "topic")
    either.commit("t1", {"f": "1\n"})
    either.commit("t2", {"f": "2\n"})
    either.git("checkout", "-q", "main")
    either.commit("upstream")
    either.git("checkout", "-q", "topic")
    either.cg("decide", "waits")
    either.git("rebase", "-q", "main")
    either.cg("status")
    (either.path / "f").write_text("3\n")
    either.git("stash", "-q")
    either.git("stash", "drop", "-q")
    either.git("reset", "-q", "--hard", "HEAD~1")
    either.git("checkout", "-q", "main")
    either.git("merge", "-q", "--ff-only", "topic")
    assert staged(either) == ["waits"]
    sha = either.commit("taker")
    assert decided(either, sha) == ["waits"]


def test_two_worktrees_do_not_mix(either: Repo, tmp_path: Path) -> None:
    # A name of 31 characters: with what is put before it, as long as a sha.
    either.git("worktree", "add", "-q", str(tmp_path / ("w" * 31)), "-b", "linked")
    linked = Repo(tmp_path / ("w" * 31))
    either.cg("decide", "for main")
    linked.cg("decide", "for linked")
    assert (staged(either), staged(linked)) == (["for main"], ["for linked"])
    there = linked.commit("there")
    assert (staged(either), staged(linked)) == (["for main"], [])
    here = either.commit("here")
    assert decided(either, here) == ["for main"]
    assert decided(either, there) == ["for linked"]


# A commit without hooks, and one with them before anybody looked: the hook finds the file still there.


def without_hooks(repo: Repo, message: str) -> str:
    """A commit that no hook sees."""
    (repo.path / message).write_text(message)
    repo.git("add", message)
    repo.git(*HOOKS_OFF, "commit", "-qm", message)
    return repo.sha()


def test_the_first_commit_takes_them_though_only_the_second_has_hooks(graphed: Repo) -> None:
    graphed.cg("decide", "for the first")
    first = without_hooks(graphed, "first")
    second = graphed.commit("second")
    assert (graphed.home / "staged" / second).exists(), "the hook has bound it already"
    assert (decided(graphed, first), decided(graphed, second), staged(graphed)) == (["for the first"], [], [])


def test_what_is_amended_after_a_commit_without_hooks_has_it_from_there(graphed: Repo) -> None:
    graphed.cg("decide", "for the first")
    first = without_hooks(graphed, "first")
    graphed.git("commit", "-q", "--amend", "-m", "said better")
    assert (decided(graphed, first), decided(graphed)) == (["for the first"], ["for the first"])
    assert f'"from":"{first}"' in "".join(graphed.note())


def test_a_skipped_commit_and_picks_in_between_take_nothing_back(graphed: Repo) -> None:
    graphed.git("checkout", "-qb", "topic")
    picked = graphed.commit("on topic")
    graphed.git("checkout", "-q", "main")
    graphed.commit("upstream")
    graphed.git("checkout", "-q", "topic")
    graphed.cg("decide", "waits")
    skipped = graphed.commit("secret", CG_SKIP="1")
    graphed.git(*HOOKS_OFF, "rebase", "-q", "main")
    taker = without_hooks(graphed, "taker")
    later = graphed.commit("later")
    assert [decided(graphed, sha) for sha in (picked, skipped, taker, later)] == [[], [], ["waits"], []]


def test_two_worktrees_get_back_their_own(graphed: Repo, tmp_path: Path) -> None:
    graphed.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    linked = Repo(tmp_path / "linked")
    found = {}
    for repo, choice in ((graphed, "for main"), (linked, "for linked")):
        repo.cg("decide", choice)
    for repo, choice in ((linked, "linked"), (graphed, "main")):
        found[without_hooks(repo, f"first in {choice}")] = [f"for {choice}"]
        found[repo.commit(f"second in {choice}")] = []
    assert {sha: decided(graphed, sha) for sha in found} == found


def test_one_that_an_older_version_staged_stays_where_the_hook_bound_it(graphed: Repo) -> None:
    graphed.cg("decide", "old")
    file = graphed.home / "staged" / "main"
    file.write_text(file.read_text().replace(',"worktree":"main"', ""))
    assert "worktree" not in file.read_text()
    without_hooks(graphed, "first")
    assert decided(graphed, graphed.commit("second")) == ["old"]


def test_without_a_reflog_the_hook_has_the_word(graphed: Repo) -> None:
    graphed.cg("decide", "said")
    without_hooks(graphed, "first")
    second = graphed.commit("second")
    graphed.git("reflog", "expire", "--expire=all", "--all")
    assert decided(graphed, second) == ["said"]


def test_two_that_come_to_the_same_commit_are_both_kept(graphed: Repo) -> None:
    graphed.cg("decide", "one")
    first = graphed.commit("first")
    bound = (graphed.home / "staged" / first).read_text().replace(',"worktree":"main"', "")  # it stays where it is put
    graphed.cg("status")
    graphed.cg("decide", "two")
    taker = without_hooks(graphed, "taker")
    (graphed.home / "staged" / taker).write_text(bound)
    graphed.commit("later")
    assert sorted(decided(graphed, taker)) == ["one", "two"]


def test_listed_edited_and_dropped(graphed: Repo, tmp_path: Path) -> None:
    graphed.cg("decide", "one", "--because", "a\nb", "--over", "other | too slow", "--risk", "low")
    graphed.cg("decide", "two")
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/one/uno/' \"$1\"\n")
    editor.chmod(0o755)
    graphed.cg("decide", "--edit", "--drop", "1", GIT_EDITOR=str(editor))
    assert staged(graphed) == ["two", "uno"]
    assert "too slow" in graphed.cg("decide").stdout
    graphed.cg("decide", "--drop", "1")
    assert staged(graphed) == ["uno"]
    decision = json.loads(graphed.cg("decide", "--json").stdout)["staged"][0]
    assert (decision["reasoning"], decision["risk"]) == ("a\nb", "low")
    for number in ("0", "2", "-1"):
        assert "no staged decision" in graphed.cg("decide", f"--drop={number}", code=2).stderr
    graphed.cg("decide", "--edit", "--drop", "1", GIT_EDITOR="echo >")  # an emptied form
    assert staged(graphed) == []


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ("no words of ours", "does not begin"),
        ("Decision: a\nDecision: b", "more than one"),
        ("Decision: a\nRisk: huge", "risk"),
        ("Decision: a\nGuard: nonsense", "--guard"),
        ("Decision: a\nExpires: soon", "soon"),
        ("Decision: a\nSupersedes: cg-000000000000", "cg-0"),
    ],
)
def test_a_form_that_cannot_be_taken_is_kept(graphed: Repo, tmp_path: Path, form: str, word: str) -> None:
    (tmp_path / "form").write_text(form + "\n")
    done = graphed.cg("decide", "--edit", code=2, GIT_EDITOR=f"cp {tmp_path / 'form'}", TMPDIR=str(tmp_path))
    assert word in done.stderr
    kept = next(tmp_path.glob("*.cg-decision"))
    assert kept.read_text() == form + "\n"
    assert str(kept) in done.stderr
    assert staged(graphed) == []


def test_many_at_once_lose_none(graphed: Repo) -> None:
    """Both of a decision and of a record, from several processes."""
    graphed.cg("status")
    threads = [threading.Thread(target=graphed.cg, args=("decide", f"choice {number}")) for number in range(6)]
    threads += [threading.Thread(target=graphed.cg, args=("record",), kwargs={"stdin": f'{{"summary":"s{n}"}}'}) for n in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(staged(graphed)) == [f"choice {number}" for number in range(6)]
    assert sum('"summary":"s' in line for line in graphed.note()) == 6


def test_bound_to_a_commit_that_is_not_here_stays(graphed: Repo) -> None:
    graphed.cg("decide", "held")
    bound = graphed.home / "staged" / ("a" * 40)
    (graphed.home / "staged" / "main").rename(bound)
    graphed.commit("x")
    graphed.cg("status")
    assert bound.exists()


def test_what_cannot_be_read_is_put_aside(graphed: Repo) -> None:
    graphed.cg("decide", "x")
    file = graphed.home / "staged" / "main"
    file.write_bytes(file.read_bytes()[:-5])
    broken = file.read_bytes()
    done = graphed.cg("decide", code=2)
    assert "unreadable.main" in done.stderr
    assert (graphed.home / "staged" / "unreadable.main").read_bytes() == broken
    graphed.cg("decide", "y")
    assert staged(graphed) == ["y"]


def test_without_init_a_staged_decision_finds_its_commit(repo: Repo) -> None:
    repo.cg("decide", "no set-up")
    sha = repo.commit("x")
    repo.commit("y")
    assert decided(repo, sha) == ["no set-up"]


def test_a_bare_repository_stages_nothing(repo: Repo, tmp_path: Path) -> None:
    repo.run("git", "clone", "-q", "--bare", str(repo.path), str(tmp_path / "bare.git"))
    bare = Repo(tmp_path / "bare.git")
    assert "bare repository makes no commits" in bare.cg("decide", "x", code=2).stderr
    bare.cg("decide", "x", "--commit", "HEAD")
    assert decided(bare) == ["x"]
