"""The git door: every kind of repository, nothing of another one, and no word of a half answer."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from contextgraph import environment
from contextgraph.errors import Error, GitError, NotFoundError
from contextgraph.git import Git
from tests.conftest import Repo


def created(path: Path, *arguments: str) -> Repo:
    subprocess.run(["git", "init", "-q", *arguments, str(path)], check=True)
    return Repo(path)


def test_a_subdirectory_and_the_top_are_the_same_repository(repo: Repo) -> None:
    deep = repo.path / "a" / "b"
    deep.mkdir(parents=True)
    for where in (repo.path, deep):
        git = Git.discover(where)
        assert (git.top, git.git_dir, git.common_dir) == (repo.path, repo.path / ".git", repo.path / ".git")
        assert git.text("rev-parse", "HEAD") == repo.sha() and git.worktree == "main"
    inside = Git.discover(repo.path / ".git")
    assert inside.top is None and inside.text("rev-parse", "HEAD") == repo.sha()


def test_linked_worktrees_share_a_home_and_have_a_name_each(repo: Repo) -> None:
    repo.git("worktree", "add", "-q", "../linked", "-b", "side")
    linked = Git.discover(repo.path.parent / "linked")
    assert linked.top == repo.path.parent / "linked" and linked.home == repo.home
    assert linked.worktree == "worktree-linked"
    assert linked.text("symbolic-ref", "HEAD") == "refs/heads/side"


def test_a_submodule_is_a_repository_of_its_own(repo: Repo, tmp_path: Path) -> None:
    repo.git("clone", "-q", str(repo.path), str(tmp_path / "other"))
    repo.git("submodule", "--quiet", "add", str(tmp_path / "other"), "sub")
    git = Git.discover(repo.path / "sub")
    assert git.top == repo.path / "sub" and git.home == repo.path / ".git" / "modules" / "sub" / "contextgraph"
    assert git.worktree == "main" and git.text("rev-parse", "--show-toplevel") == str(repo.path / "sub")


def test_a_separate_git_directory_a_bare_one_and_sha256(tmp_path: Path) -> None:
    apart = created(tmp_path / "apart", "--separate-git-dir", str(tmp_path / "elsewhere.git"))
    git = Git.discover(apart.path)
    assert (git.top, git.git_dir) == (apart.path, tmp_path / "elsewhere.git")
    bare = Git.discover(created(tmp_path / "bare.git", "--bare").path)
    assert bare.top is None and bare.home == tmp_path / "bare.git" / "contextgraph" and len(bare.null) == 40
    wide = created(tmp_path / "wide", "--object-format=sha256")
    assert Git.discover(wide.path).null == "0" * 64


@pytest.mark.parametrize("name", ["line\nfeed", "next\u2028line", "tab\t\"quoted'", "emoji 😀", "-x", " "])
def test_a_work_tree_under_any_name_is_found(tmp_path: Path, name: str) -> None:
    repo = created(tmp_path / name)
    git = Git.discover(repo.path)
    assert (git.top, git.git_dir) == (repo.path, repo.path / ".git")
    bare = Git.discover(created(tmp_path / name / "bare", "--bare").path)
    assert bare.top is None and bare.git_dir == tmp_path / name / "bare"


def test_a_work_tree_under_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9")
    git = Git.discover(created(path).path)
    assert git.top == path and git.text("rev-parse", "--show-toplevel") == str(path)


def test_where_there_is_no_repository_one_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "plain").mkdir()
    with pytest.raises(NotFoundError, match="is not in a git repository"):
        Git.discover(tmp_path / "plain")
    with pytest.raises(NotFoundError, match="there is no directory"):
        Git.discover(tmp_path / "absent")
    (tmp_path / "broken" / ".git").mkdir(parents=True)
    (tmp_path / "gitfile").mkdir()
    (tmp_path / "gitfile" / ".git").write_text("gitdir: /nowhere\n")
    with pytest.raises(NotFoundError):
        Git.discover(tmp_path / "broken")
    with pytest.raises(Error):
        Git.discover(tmp_path / "gitfile")
    with pytest.raises(Error, match="git is not installed"):
        Git.discover(tmp_path / "plain", {"PATH": str(tmp_path)})


def test_nothing_of_a_hook_in_another_repository_leaks(repo: Repo, tmp_path: Path) -> None:
    other = created(tmp_path / "other")
    theirs = other.commit("theirs")
    hook = {
        **os.environ,
        "GIT_DIR": str(repo.path / ".git"), "GIT_INDEX_FILE": str(repo.path / ".git" / "index.lock"), "GIT_WORK_TREE": str(repo.path),
        "GIT_PREFIX": "sub/", "GIT_AUTHOR_NAME": "Mallory", "GIT_AUTHOR_EMAIL": "m@example.com", "GIT_AUTHOR_DATE": "1 +0000",
        "GIT_OBJECT_DIRECTORY": str(repo.path / ".git" / "objects"), "GIT_QUARANTINE_PATH": "/nowhere", "GIT_PAGER_IN_USE": "1",
        "GIT_LITERAL_PATHSPECS": "1", "GIT_NOTES_REF": "refs/notes/x", "GIT_EXTERNAL_DIFF": "false",
    }  # fmt: skip
    git = Git.discover(other.path, environment.without_repository(hook))
    assert git.text("rev-parse", "HEAD") == theirs
    assert git.top == other.path
    # The hook's own repository is found through its variables; after that they are gone.
    own = Git.discover(repo.path, {name: value for name, value in hook.items() if name != "GIT_OBJECT_DIRECTORY"})
    assert own.git_dir == repo.path / ".git" and own.text("ls-files") == ""
    said = own.text("-c", "alias.env=!env", "env")
    assert "Mallory" not in said and "index.lock" not in said and "GIT_QUARANTINE_PATH" not in said and "GIT_PAGER_IN_USE" not in said
    # In git's own list and kept on purpose: the user's `git -c …`, which git hands down so; and the two that we set ourselves.
    local = set(subprocess.run(["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True, check=True).stdout.split())
    kept = {"GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"}
    assert set(environment.without_repository(dict.fromkeys(local, "x"))) == kept & local


def test_a_work_tree_that_only_the_environment_names(tmp_path: Path) -> None:
    """The bare repository over a home directory, as people keep their settings in."""
    created(tmp_path / "dots.git", "--bare")
    (tmp_path / "house").mkdir()
    (tmp_path / "house" / "rc").write_text("x")
    git = Git.discover(tmp_path / "house", {**os.environ, "GIT_DIR": str(tmp_path / "dots.git"), "GIT_WORK_TREE": str(tmp_path / "house")})
    assert git.top == tmp_path / "house" and git.git_dir == tmp_path / "dots.git"
    assert git.text("status", "--porcelain") == "?? rc"


def test_failures_carry_the_command_and_gits_own_words(repo: Repo) -> None:
    git = Git.discover(repo.path)
    with pytest.raises(GitError, match=r"`git cat-file blob` failed: Not a valid object name nonsense"):
        git.run("cat-file", "blob", "nonsense")
    with pytest.raises(GitError, match="`git log -z` failed: bad revision 'nonsense'"):
        list(git.stream("log", "-z", "nonsense", "--"))
    assert git.maybe("rev-parse", "--verify", "--quiet", "nonsense") is None
    assert git.run("config", "--get", "no.such", accept=(0, 1)) == b""
    with pytest.raises(GitError, match="failed"):
        git.maybe("update-ref", "--no-such-option")  # 129: a mistake of ours, and no answer


def broken(repo: Repo, script: str) -> Git:
    """The door of a repository whose git does what `script` says."""
    fake = repo.path.parent / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    found = Git.discover(repo.path)
    return Git(found.git_dir, found.common_dir, found.top, "sha1", {**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"})


def test_a_git_that_is_killed_is_no_answer(repo: Repo) -> None:
    git = broken(repo, "kill -9 $$")
    with pytest.raises(GitError, match="exit code -9"):
        git.maybe("rev-parse", "HEAD")
    with pytest.raises(GitError, match="exit code -9"):
        git.run("rev-parse", "HEAD")
    with pytest.raises(GitError, match="exit code -9"):
        list(git.stream("log"))


@pytest.mark.parametrize("answer", ["", "name blob 100\\nshort", "name blob", "name blob 3\\nabc"])
def test_half_an_object_is_never_handed_on(repo: Repo, answer: str) -> None:
    git = broken(repo, f"printf '{answer}'; echo 'fatal: it broke' >&2; exit 128")
    with pytest.raises(GitError, match="`git cat-file --batch` failed: it broke"):
        list(git.objects([repo.sha()]))


def test_objects_come_in_the_order_asked_and_none_where_one_is_missing(repo: Repo) -> None:
    blobs = [repo.git("hash-object", "-w", "--stdin", stdin=content) for content in (b"", b"\n\n", b"\0" * 200_000, b"x missing\n")]
    git = Git.discover(repo.path)
    before = git.calls
    assert list(git.objects([blobs[2], "1" * 40, blobs[0], blobs[3], blobs[1]])) == [b"\0" * 200_000, None, b"", b"x missing\n", b"\n\n"]
    assert list(git.objects([])) == []
    assert git.calls == before + 2
    many = list(git.objects(blobs * 500))
    assert len(many) == 2000 and many[1002] == b"\0" * 200_000


def test_a_long_answer_may_be_left_in_the_middle(repo: Repo) -> None:
    git = Git.discover(repo.path)
    blob = repo.git("hash-object", "-w", "--stdin", stdin=b"line\0" * 1_000_000)
    stream = git.stream("cat-file", "blob", blob)
    assert next(stream) == b"line"
    del stream  # the process behind it is ended
    assert sum(1 for _ in git.stream("cat-file", "blob", blob)) == 1_000_000
