"""The seal holds: nothing of the machine's user is seen, and nothing outside can be reached."""

import os
import socket
from pathlib import Path

import pytest

from tests.conftest import KEPT, Repo


def test_only_the_sealed_environment_is_there() -> None:
    ours = {name for name in os.environ if name.startswith(("CG_", "GIT_", "XDG_"))}
    assert not {name for name in ours if name.startswith("CG_")} - set(KEPT)
    assert "CI" not in os.environ
    assert Path(os.environ["HOME"]).parts[:2] == Path(os.environ["GIT_CONFIG_GLOBAL"]).parts[:2]


def test_git_reads_only_our_configuration(repo: Repo) -> None:
    origins = {line.split("\t")[0] for line in repo.git("config", "--list", "--show-origin").splitlines()}
    assert origins == {f"file:{os.environ['GIT_CONFIG_GLOBAL']}", "file:.git/config"}


def test_commits_have_the_dates_of_the_test(repo: Repo) -> None:
    before = repo.clock
    repo.commit("one")
    assert before < int(repo.git("log", "-1", "--format=%ct")) <= repo.clock
    assert repo.git("log", "-1", "--format=%cn <%ce>") == "Ann <ann@example.com>"


def test_the_way_out_is_closed() -> None:
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", 9), timeout=1):
        pass
    assert os.environ["https_proxy"] == "http://127.0.0.1:9"
