"""Reasons follow a branch that was pushed, when that was switched on, and only a push that really happened."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import Repo

REF = "refs/notes/contextgraph"


@pytest.fixture
def shared(graphed: Repo) -> Repo:
    """A repository with a bare remote, and one decision that is in this clone alone."""
    bare = graphed.path.parent / "hub"
    subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
    graphed.git("remote", "add", "origin", str(bare))
    graphed.cg("init", "--no-model")
    graphed.commit("one\n\nbody\n\nDecision: a")
    graphed.cg("refresh")
    os.environ["CG_WORKER"] = ""
    return graphed


def there(repo: Repo) -> bool:
    return bool(repo.run("git", "ls-remote", "origin", REF).stdout)


def arrives(repo: Repo, seconds: float = 20.0) -> bool:
    """Whether the notes reach the remote before long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not there(repo):
        time.sleep(0.1)
    return there(repo)


def test_nothing_follows_by_default(shared: Repo) -> None:
    shared.git("push", "--quiet", "-u", "origin", "main")
    done = shared.cg("log")
    assert "pushed" not in done.stderr
    assert not arrives(shared, 1.5)


def test_the_worker_shares_after_a_push_when_told_to(shared: Repo) -> None:
    shared.cg("config", "set", "sync.push", "auto")
    shared.git("push", "--quiet", "-u", "origin", "main")
    shared.cg("log")
    assert arrives(shared)
    assert not (Path(shared.path) / ".git/logs/refs/remotes/origin/contextgraph").exists()


def test_a_dry_run_is_no_push(shared: Repo) -> None:
    shared.cg("config", "set", "sync.push", "auto")
    shared.git("push", "--quiet", "--dry-run", "origin", "main")
    shared.cg("log")
    assert not arrives(shared, 1.5)


def test_people_are_asked_once_a_push(shared: Repo) -> None:
    shared.cg("config", "set", "sync.push", "ask")
    shared.git("push", "--quiet", "-u", "origin", "main")
    assert "`cg sync origin` shares its reasons" in shared.cg("log").stderr
    assert "shares its reasons" not in shared.cg("log").stderr
    assert not there(shared)


def test_a_repository_cannot_switch_it_on(shared: Repo) -> None:
    (shared.path / ".contextgraph.toml").write_text('[sync]\npush = "auto"\n')
    assert "sync.push" in shared.cg("log", code=2).stderr
