"""Names of branches and worktrees are bytes to git: what is not UTF-8 is read as Latin-1, and nothing breaks on it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import HOOKS_OFF, Repo

LATIN = b"caf\xe9"
SHOWN = "café"
ARGUMENT = os.fsdecode(LATIN)
READING = (
    ["status"], ["log"], ["why", "HEAD"], ["why", "f:1"], ["search", "word"],
    ["track"], ["check"], ["doctor"], ["decide"], ["config", "list"],
)  # fmt: skip


def git(repo: Repo, *arguments: bytes) -> None:
    subprocess.run([b"git", *arguments], cwd=repo.path, check=True, capture_output=True)


@pytest.fixture(params=["hooks", "no hooks"])
def here(graphed: Repo, request: pytest.FixtureRequest) -> Repo:
    if request.param == "no hooks":
        graphed.unhook()
    git(graphed, b"checkout", b"-q", b"-b", LATIN)
    graphed.cg("decide", "on it")
    graphed.commit("a word", {"f": "1\n"})
    return graphed


def answered(repo: Repo) -> None:
    """Every question, as people and as programs read it; `Repo.cg` fails on a traceback."""
    for arguments in READING:
        for more in ([], ["--json"]):
            done = repo.cg(*arguments, *more, code=None)
            assert done.returncode < 2, (arguments, done.stderr)


def test_a_branch(here: Repo) -> None:
    answered(here)
    trace = json.loads(here.cg("why", "HEAD", "--json").stdout)["trace"]
    assert (trace["branch"], trace["decisions"][0]["options"][0]["description"]) == (SHOWN, "on it")
    for name in (ARGUMENT, SHOWN):
        assert "a word" in here.cg("log", "--branch", name).stdout
        assert f"1 landed, 0 pending, 0 reverted in {SHOWN}" in here.cg("track", "--branch", name).stdout
    assert "a word" in here.cg("why", ARGUMENT).stdout
    for words in (["log", ARGUMENT], ["log", f"main..{ARGUMENT}"], ["log", "--as-of", ARGUMENT]):
        assert "a word" in here.cg(*words).stdout
    for name in (ARGUMENT, f"main..{ARGUMENT}"):
        assert json.loads(here.cg("check", name, "--json", code=None).stdout)["range"] == name.replace(ARGUMENT, SHOWN)
    here.cg("decide", "by its branch", "--commit", ARGUMENT)
    here.cg("record", ARGUMENT, "-F", "-", stdin='{"summary": "so"}')
    assert "by its branch" in here.cg("why", "HEAD").stdout
    assert "is not a commit here" in here.cg("decide", "x", "--commit", ARGUMENT + "e", code=2).stderr


def test_as_the_target_and_as_a_release_branch(here: Repo) -> None:
    git(here, b"config", b"contextgraph.track.branch", LATIN)
    git(here, b"branch", b"release-\xe9")
    here.git("config", "contextgraph.track.branches", "release-*")
    answered(here)
    trace = json.loads(here.cg("why", "HEAD", "--json").stdout)["trace"]
    assert (trace["status"], trace["by_branch"][0]["branch"]) == ("landed", "release-é")
    assert json.loads(here.cg("status", "--json", CG_TRACK_BRANCH=ARGUMENT).stdout)["branch"] == SHOWN
    assert json.loads(here.cg("config", "list", "--json").stdout)["settings"]["track.branch"] == SHOWN


def test_a_worktree(here: Repo, tmp_path: Path) -> None:
    git(here, b"worktree", b"add", b"-q", os.fsencode(tmp_path) + b"/w\xe9", b"-b", b"linked")
    linked = Repo(tmp_path / os.fsdecode(b"w\xe9"))
    linked.cg("decide", "in there")
    linked.git(*HOOKS_OFF, "commit", "-q", "--allow-empty", "-m", "first")
    linked.commit("second")
    answered(linked)
    answered(here)
    assert "in there" in here.cg("why", "linked~1").stdout
    assert "in there" not in here.cg("why", "linked", code=1).stdout


def test_what_python_takes_for_the_end_of_a_line(here: Repo) -> None:
    git(here, b"branch", "one\u2028two\u0085three".encode())
    git(here, b"checkout", b"-q", b"-b", "wide\u3000blank".encode())
    here.commit("wide")
    here.git("checkout", "-q", "-")
    answered(here)
    assert json.loads(here.cg("why", "wide\u3000blank", "--json", code=1).stdout)["trace"]["branch"] == "wide\u3000blank"
