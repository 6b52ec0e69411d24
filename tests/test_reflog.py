"""Ours, by CONTRACT's definition: told from the HEAD reflog alone, as real git writes it."""

import json
from pathlib import Path

import pytest

from contextgraph.capture import reflog
from contextgraph.git import Git
from tests.conftest import Repo


@pytest.fixture(params=["files", "reftable"])
def repo(request: pytest.FixtureRequest, repo: Repo) -> Repo:
    """The reflog as files, and in the tables of git 2.45 and later, where only git can read it."""
    kind = "reftable" if (repo.path / ".git" / "reftable").is_dir() else "files"
    if request.param != kind and repo.run("git", "refs", "migrate", f"--ref-format={request.param}", check=False).returncode:
        pytest.skip(f"this git cannot turn a store of {kind} into {request.param}")
    return repo


def hookless(repo: Repo) -> Repo:
    """Set up, but with hooks that never run."""
    repo.unhook()
    repo.cg("init", "--no-model")
    return repo


def ours(repo: Repo) -> set[str]:
    """The commits with a record here: their own, or carried in."""
    repo.cg("status")
    listed = repo.run("git", "notes", "--ref=contextgraph", "list", check=False).stdout.split("\n")
    shas = [line.split()[1] for line in listed if line]
    return {sha for sha in shas if any('"kind":"recorded"' in line or '"kind":"carried"' in line for line in repo.note(sha))}


@pytest.mark.parametrize(
    "action",
    [
        "commit: x", "commit (amend): x", "commit (initial): x", "commit (merge): x", "cherry-pick: x", "revert: x", "am: x",
        "merge topic: Merge made by the 'ort' strategy.", "rebase (pick): x", "rebase (continue): x", "rebase -i (fixup): x",
        "commit: net: Fast-forward", "commit: fetch: retry (start)", "rebase (pick): say (finish) at the end", "commit: pull less",
        "filter-branch: rewrite", "",
    ],
)  # fmt: skip
def test_actions_that_make_a_commit(action: str) -> None:
    assert reflog.Entry("a" * 40, "b" * 40, 1, action, "main").candidate


@pytest.mark.parametrize(
    "action",
    [
        "clone: from /x", "pull: Fast-forward", "pull origin main: Merge made by the 'ort' strategy.", "pull --rebase (pick): x",
        "fetch: fast-forward", "reset: moving to HEAD~1", "checkout: moving from a to b", "merge topic: Fast-forward",
        "rebase (start): checkout main", "rebase (finish): returning to refs/heads/x", "rebase -i (finish): returning to x",
        "rebase (abort): returning to refs/heads/x", "rebase (reset): 'onto'", "cherry-pick: fast-forward", "initial pull",
        "Branch: renamed refs/heads/a to refs/heads/b", "rebase finished: returning to refs/heads/x", "rebase: checkout main",
    ],
)  # fmt: skip
def test_actions_that_make_none(action: str) -> None:
    assert not reflog.Entry("a" * 40, "b" * 40, 1, action, "main").candidate


def test_a_life_without_hooks(repo: Repo, tmp_path: Path) -> None:
    """Commit, amend, merge, rebase, pick, revert and am count; fetch, pull, reset, checkout and fast-forwards never."""
    repo.run("git", "clone", "-q", str(repo.path), str(tmp_path / "peer"))
    peer = Repo(tmp_path / "peer")
    hookless(repo)
    repo.git("remote", "add", "peer", str(peer.path))
    mine = {repo.commit("one"), repo.commit("net: Fast-forward")}
    peer.clock += 7
    theirs = {peer.commit("theirs"), peer.commit("theirs too")}
    repo.git("fetch", "-q", "peer")
    repo.git("checkout", "-q", "peer/main")
    repo.git("reset", "-q", "--hard", "HEAD~1")
    repo.git("checkout", "-q", "-b", "copy", "peer/main")
    repo.git("checkout", "-q", "-b", "behind", "peer/main~2")
    repo.git("pull", "-q", "--ff-only", "peer", "main")
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-edit", "copy")
    mine.add(repo.sha())
    repo.git("cherry-pick", "--allow-empty", "-x", sorted(theirs)[0], check=False)
    repo.git("cherry-pick", "--abort", check=False)
    repo.git("revert", "--no-edit", "HEAD~1")
    mine.add(repo.sha())
    repo.git("checkout", "-q", "behind")
    repo.git("merge", "-q", "--ff-only", "main")
    found = ours(repo)
    assert found & theirs == set()
    assert mine <= found
    assert repo.sha("main~3") not in theirs


def test_a_pick_that_a_person_concluded(repo: Repo) -> None:
    hookless(repo)
    repo.commit("base", {"f": "base\n"})
    repo.git("checkout", "-qb", "topic")
    repo.commit("topic", {"f": "topic\n"})
    repo.git("checkout", "-q", "main")
    repo.commit("main", {"f": "main\n"})
    repo.git("checkout", "-q", "topic")
    repo.git("rebase", "main", check=False)
    repo.cg("status")  # in the midst of it
    (repo.path / "f").write_text("both\n")
    repo.git("add", "f")
    repo.git("rebase", "--continue")
    assert repo.sha() in ours(repo)


def test_silent_moves_count_unless_they_came_from_elsewhere(repo: Repo, tmp_path: Path) -> None:
    repo.run("git", "clone", "-q", str(repo.path), str(tmp_path / "peer"))
    peer = Repo(tmp_path / "peer")
    peer.clock += 11
    theirs = [peer.commit("theirs"), peer.commit("more")]
    hookless(repo)
    base = repo.sha()
    tree = repo.git("rev-parse", "HEAD^{tree}")
    made = [repo.git("commit-tree", tree, "-p", base, "-m", "by a library")]
    made.append(repo.git("commit-tree", tree, "-p", made[0], "-m", "by a library, again"))
    for sha in made:
        repo.git("update-ref", "HEAD", sha)
    assert set(made) <= ours(repo), "two in a row, both of them"
    repo.git("fetch", "-q", str(peer.path), "main")
    repo.git("update-ref", "HEAD", theirs[1])
    assert ours(repo) & set(theirs) == set(), "FETCH_HEAD reaches them"
    repo.git("remote", "add", "peer", str(peer.path))
    third = peer.commit("third")
    repo.git("fetch", "-q", "peer")
    (repo.path / ".git" / "FETCH_HEAD").unlink()
    repo.git("update-ref", "HEAD", third)
    assert third not in ours(repo), "a remote-tracking ref reaches it"
    repo.git("update-ref", "HEAD", base)
    assert base not in ours(repo), "moving back makes nothing"


def test_a_linked_worktree(repo: Repo, tmp_path: Path) -> None:
    hookless(repo)
    repo.git("worktree", "add", "-q", str(tmp_path / "linked"), "-b", "linked")
    birth = repo.sha()
    linked = Repo(tmp_path / "linked")
    linked.clock += 13
    made = linked.commit("there")
    assert made in ours(repo)
    assert birth not in ours(repo)
    trace = json.loads(repo.cg("why", made, "--json", code=1).stdout)["trace"]
    assert trace["branch"] == "linked"


def test_a_detached_head(repo: Repo) -> None:
    """No ref reaches the commit: HEAD itself is asked, also where it is no file."""
    hookless(repo)
    repo.git("checkout", "-q", "--detach")
    made = repo.commit("detached")
    assert made in ours(repo)
    assert made[:10] in repo.cg("log").stdout
    assert json.loads(repo.cg("why", made, "--json", code=1).stdout)["trace"]["branch"] is None


def test_bytes_of_any_encoding(repo: Repo) -> None:
    """A committer and a subject in Latin-1 stand in the reflog as they are; capture goes on, now and later."""
    hookless(repo)
    name = "Andr\udce9"  # one byte, as Python passes it on
    repo.run(
        "git",
        "-c",
        "i18n.commitEncoding=ISO-8859-1",
        "commit",
        "-q",
        "--allow-empty",
        "-F",
        "-",
        stdin=b"caf\xe9\n",
        GIT_COMMITTER_NAME=name,
    )
    made = {repo.sha()}
    assert made <= ours(repo)
    made.add(repo.commit("after"))
    assert made <= ours(repo)
    assert "café" in repo.cg("log", "-n", "2").stdout


def test_an_expired_reflog_is_found_again(repo: Repo) -> None:
    hookless(repo)
    repo.commit("one")
    repo.commit("two")
    repo.cg("status")
    repo.git("reflog", "expire", "--expire=now", "--all")
    made = repo.commit("three")
    assert made in ours(repo)
    log = repo.path / ".git" / "logs" / "HEAD"
    log.unlink(missing_ok=True)
    again = repo.commit("four")
    repo.cg("status")
    assert again in ours(repo) or not (log.exists() or (repo.path / ".git" / "reftable").exists())


def test_a_clock_that_jumps_back(repo: Repo) -> None:
    hookless(repo)
    first = repo.commit("now")
    repo.cg("status")
    repo.clock -= 86_400 * 400
    second = repo.commit("a year ago")
    assert {first, second} <= ours(repo)
    assert repo.cg("log", "-n", "5").stdout.count("\n") == 3


def test_marks(repo: Repo) -> None:
    git = Git.discover(repo.path)
    log = reflog.files(git)["main"]
    mark = reflog.mark(log)
    assert not reflog.behind(log, mark)
    sha = repo.commit("x")
    assert reflog.behind(log, mark)
    entries, after = reflog.since(log, mark)
    assert [(entry.new, entry.branch) for entry in entries] == [(sha, "main")]
    assert reflog.since(log, after)[0] == []
    if log.file.is_file():
        with log.file.open("ab") as file:
            file.write(b"half a line that git is writing")
        assert reflog.since(log, after) == ([], after)
