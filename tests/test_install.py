"""Hooks and git config in and out, to the byte; twice, at once, and in the way of others."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from contextgraph import install
from contextgraph.git import Git
from tests.conftest import CG, Repo

HOOKS = install.HOOKS


def fingerprint(repo: Repo) -> dict[str, tuple[str, int]]:
    """The digest and the mode of every hook and of the config file."""
    files = [repo.path / ".git" / "config", *sorted((repo.path / ".git" / "hooks").iterdir())]
    return {
        path.name: (str(path.readlink()) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest(), path.lstat().st_mode)
        for path in files
    }


@pytest.mark.parametrize("config", ["as git writes it", "without a last line feed", "with a comment at the end"])
def test_uninstall_leaves_every_byte_as_it_was(repo: Repo, config: str) -> None:
    path = repo.path / ".git" / "config"
    tail = {"as git writes it": b"", "without a last line feed": b"[user]\n\tname = Ann", "with a comment at the end": b"# last words\n"}
    path.write_bytes(path.read_bytes() + tail[config])
    path.chmod(0o600)
    hooks = repo.path / ".git" / "hooks"
    (hooks / "post-commit").write_bytes(b"#!/bin/sh\necho hello\xff\r\n")
    (hooks / "post-commit").chmod(0o751)
    (hooks / "post-merge").write_bytes(b"not executable")
    (hooks / "post-rewrite").symlink_to("../somewhere/else")
    before = fingerprint(repo)
    repo.cg("init", "--no-model", "--branch", "main")
    assert fingerprint(repo) != before
    repo.commit("x", CG_WORKER="off")
    repo.cg("uninstall")
    assert fingerprint(repo) == before
    assert "nothing to take back" in repo.cg("uninstall").stderr


def test_settings_made_since_are_kept(repo: Repo) -> None:
    path = repo.path / ".git" / "config"
    path.write_bytes(path.read_bytes() + b"[a]\n\tb = c")
    repo.cg("init", "--no-model")
    repo.git("config", "later.key", "yes")
    repo.cg("config", "set", "search.limit", "5")
    said = repo.cg("uninstall").stderr
    assert "kept, as `cg init` did not set them: contextgraph.search.limit" in said
    assert repo.git("config", "later.key") == "yes"
    assert repo.git("config", "a.b") == "c"
    assert repo.git("config", "--get-regexp", "contextgraph", check=False) == "contextgraph.search.limit 5"
    repo.cg("uninstall", "--purge-local")
    assert repo.git("config", "--get-regexp", "contextgraph", check=False) == ""


def test_a_target_branch_goes_back_to_what_it_was(repo: Repo) -> None:
    for name in ("dev", "next"):
        repo.git("branch", name)
    repo.git("config", "contextgraph.track.branch", "main")
    before = fingerprint(repo)
    repo.cg("init", "--no-model", "--branch", "dev")
    repo.cg("init", "--no-model", "--branch", "next")
    repo.cg("uninstall")
    assert fingerprint(repo) == before
    repo.cg("init", "--no-model", "--branch", "dev")
    repo.cg("config", "set", "track.branch", "next")
    repo.cg("uninstall")
    assert repo.git("config", "contextgraph.track.branch") == "next"


def test_init_twice_changes_nothing(repo: Repo) -> None:
    first = repo.cg("init", "--no-model").stderr
    assert "post-commit" in first
    assert "contextgraph.installed" in first
    before = fingerprint(repo)
    seen = (repo.home / "seen").read_bytes()
    assert "nothing to change" in repo.cg("init", "--no-model").stderr
    assert fingerprint(repo) == before
    assert (repo.home / "seen").read_bytes() == seen


def test_two_at_once(repo: Repo) -> None:
    hook = repo.path / ".git" / "hooks" / "post-commit"
    hook.write_text("#!/bin/sh\necho mine >&2\n")
    hook.chmod(0o755)
    before = fingerprint(repo)
    running = [subprocess.Popen([CG, "init", "--no-model", "--branch", "main"], cwd=repo.path, stderr=subprocess.PIPE) for _ in range(4)]
    for each in running:
        _, words = each.communicate()
        assert each.returncode == 0, words
    assert "mine" in repo.run("git", "commit", "--allow-empty", "-qm", "x", CG_WORKER="off").stderr
    repo.cg("uninstall")
    assert fingerprint(repo) == before


def test_nothing_is_lost_when_another_tool_replaced_ours(repo: Repo) -> None:
    hook = repo.path / ".git" / "hooks" / "post-commit"
    hook.write_text("#!/bin/sh\n# first\n")
    hook.chmod(0o755)
    repo.cg("init", "--no-model")
    hook.write_text("#!/bin/sh\n# second\n")
    assert "left there" in repo.cg("uninstall").stderr
    repo.cg("init", "--no-model")
    assert (hook.parent / "post-commit.before-contextgraph").read_text() == "#!/bin/sh\n# second\n"
    assert (hook.parent / "post-commit.before-contextgraph.1").read_text() == "#!/bin/sh\n# first\n"
    repo.cg("uninstall")
    assert hook.read_text() == "#!/bin/sh\n# second\n"


def test_a_crash_between_two_renames(repo: Repo) -> None:
    """The other hook is aside and ours is not there yet: uninstall puts it back, init goes on."""
    hooks = repo.path / ".git" / "hooks"
    (hooks / "post-commit.before-contextgraph").write_text("#!/bin/sh\n# mine\n")
    repo.cg("uninstall")
    assert (hooks / "post-commit").read_text() == "#!/bin/sh\n# mine\n"
    repo.cg("init", "--no-model")
    (hooks / "post-commit").unlink()
    repo.cg("init", "--no-model")
    repo.cg("uninstall")
    assert (hooks / "post-commit").read_text() == "#!/bin/sh\n# mine\n"


@pytest.mark.parametrize("place", ["inside the work tree", "elsewhere"])
def test_a_hooks_path_of_others_is_not_written(repo: Repo, tmp_path: Path, place: str) -> None:
    directory = repo.path / ".husky" if place == "inside the work tree" else tmp_path / "shared"
    directory.mkdir()
    (directory / "post-commit").write_text("#!/bin/sh\n")
    repo.git("config", "core.hooksPath", str(directory))
    words = repo.cg("init", "--no-model").stderr
    assert str(directory) in words
    assert [each.name for each in directory.iterdir()] == ["post-commit"]
    assert (directory / "post-commit").read_text() == "#!/bin/sh\n"
    status = json.loads(repo.cg("status", "--json").stdout)
    assert status["hooks"]["alive"] is False
    assert any(str(directory) in problem for problem in status["problems"])
    repo.commit("caught up all the same", CG_WORKER="off")
    assert json.loads(repo.cg("why", "HEAD", "--json", code=1).stdout)["trace"]["recorded"]
    assert repo.git("status", "--porcelain") == ""


def test_uninstall_leaves_what_was_recorded_and_says_where(repo: Repo) -> None:
    repo.cg("init", "--no-model")
    repo.cg("refresh")
    assert "stays" not in repo.cg("uninstall").stderr and not repo.home.exists()
    repo.cg("init", "--no-model")
    repo.cg("decide", "kept", "--commit", "HEAD", CG_WORKER="off")
    repo.cg("refresh")
    said = repo.cg("uninstall").stderr
    assert f"what was recorded stays, in refs/notes/contextgraph and {repo.home}/journal; --purge-local deletes it" in said
    assert [path.name for path in repo.home.iterdir()] == ["journal"]


def test_uninstall_finds_its_hooks_behind_a_later_hooks_path(repo: Repo) -> None:
    before = fingerprint(repo)
    repo.cg("init", "--no-model")
    repo.git("config", "core.hooksPath", ".husky")
    repo.cg("uninstall")
    repo.git("config", "--unset", "core.hooksPath")
    assert {name: each for name, each in fingerprint(repo).items() if name != "config"} == {
        name: each for name, each in before.items() if name != "config"
    }


def test_purge_and_what_stays(repo: Repo) -> None:
    repo.cg("init", "--no-model")
    repo.cg("decide", "x", "--commit", "HEAD")
    repo.cg("uninstall")
    assert repo.note()
    assert (repo.home / "journal").is_dir()
    assert not (repo.home / "index.db").exists()
    repo.cg("init", "--no-model")
    assert "x" in repo.cg("why", "HEAD").stdout
    repo.cg("uninstall", "--purge-local")
    assert not repo.note()
    assert not repo.home.exists()


def test_the_branch_must_be_there(repo: Repo) -> None:
    before = fingerprint(repo)
    assert "no branch `nope`" in repo.cg("init", "--no-model", "--branch", "nope", code=2).stderr
    assert fingerprint(repo) == before
    repo.git("update-ref", "refs/heads/-x", "HEAD")
    repo.cg("init", "--no-model", "--branch=-x")
    assert json.loads(repo.cg("status", "--json").stdout)["branch"] == "-x"


def test_alive_means_all_in_place_and_runnable(repo: Repo) -> None:
    git = Git.discover(repo.path)
    assert not install.look(git).alive
    install.install(git)
    assert install.look(git).alive
    hook = repo.path / ".git" / "hooks" / "post-merge"
    hook.chmod(0o644)
    assert not install.look(git).alive
    hook.unlink()
    assert not install.look(git).alive
    install.install(git)
    assert install.look(git).alive


def test_a_home_with_a_quote_in_its_path(repo: Repo, tmp_path: Path) -> None:
    """The interpreter's path is quoted for sh, and the repository's may hold anything but a NUL."""
    odd = tmp_path / 'it\'s "a" $place\n'
    repo.path.rename(odd)
    moved = Repo(odd)
    moved.cg("init", "--no-model")
    moved.commit("x", CG_WORKER="off")
    assert json.loads(moved.cg("why", "HEAD", "--json", code=1).stdout)["trace"]["recorded"]
