"""status: one screen, true and calm."""

import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from contextgraph import refill
from contextgraph.embed.small import store_small
from contextgraph.event import moment
from contextgraph.graph import Graph
from contextgraph.lock import locked
from tests.conftest import Repo
from tests.test_cli_common import on_a_terminal


def test_notes_of_commits_that_are_not_here_are_told(graphed: Repo, tmp_path: Path) -> None:
    graphed.git("switch", "-qc", "topic")
    graphed.commit("Try it\n\nDecision: x")
    graphed.cg("record", stdin='{"summary": "theirs"}')
    clone = Repo(tmp_path / "clone")
    subprocess.run(["git", "clone", "-q", "--single-branch", "-b", "main", f"file://{graphed.path}", str(clone.path)], check=True)
    clone.cg("sync", "--fetch-only")
    words = "1 recorded trace is on a commit that is not in this clone (`git fetch` may bring it)"
    assert words in clone.cg("log", "--decisions", code=1).stdout
    assert words in clone.cg("status").stdout
    assert words not in clone.cg("log").stdout
    clone.git("fetch", "-q", "origin", "topic:topic")
    assert words not in clone.cg("status").stdout


def test_old_errors_are_not_told(graphed: Repo) -> None:
    (graphed.home / "log").write_text("2020-01-01T00:00:00.000Z worker: long ago\n2999-01-01T00:00:00.000Z worker: just\x1b[1m now\n")
    text = graphed.cg("status").stdout
    assert "long ago" not in text
    assert "just\\x1b[1m now" in text


def test_errors_before_a_refresh_that_worked_are_not_told(graphed: Repo) -> None:
    with (graphed.home / "log").open("a") as log:
        log.write(f"{moment(time.time())} worker: it failed\n")
    assert "it failed" in graphed.cg("status").stdout
    graphed.cg("refresh")
    assert "last error" not in graphed.cg("status").stdout
    with (graphed.home / "log").open("a") as log:
        log.write(f"{moment(time.time())} worker: it failed again\n")
    assert "it failed again" in graphed.cg("status").stdout


def test_vectors_that_wait_are_told_with_their_cure(graphed: Repo) -> None:
    store_small()
    assert "vectors        0 of 1 document (`cg refresh` makes the rest)" in graphed.cg("status").stdout
    with locked(graphed.home / "embed.lock"):
        assert "and more are being made" in graphed.cg("status").stdout
    graphed.cg("refresh")
    assert "vectors        1 of 1 document\n" in graphed.cg("status").stdout


def test_refresh_waits_for_the_process_that_makes_the_vectors(graphed: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says so when nothing comes of it: a list of vectors that is not whole was passed over in silence."""
    store_small()
    graphed.commit("one")
    heard: list[tuple[str, int, int | None]] = []
    graph = Graph.open(graphed.path)
    graph.catch_up()
    monkeypatch.setattr(refill, "STALLED", 0.3)
    with locked(graphed.home / "embed.lock"):
        graph.embed(lambda *each: heard.append(each))
    assert ("embedding", 0, 2) in heard
    assert graph.reasons == ["another process makes the vectors, and is at it still; `cg status` tells how far"]
    with ThreadPoolExecutor() as pool:
        with locked(graphed.home / "embed.lock"):
            waiting = pool.submit(graphed.cg, "refresh")
            time.sleep(3)  # longer than it takes by itself
            assert not waiting.done()
        waiting.result()
    assert "vectors        2 of 2" in graphed.cg("status").stdout


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_status_fits_its_screen(graphed: Repo, columns: int) -> None:
    text = on_a_terminal(graphed, "status", columns=columns, NO_COLOR="1").replace("\r", "")
    assert max(len(re.sub(r"\x1b\[\d*m", "", line)) for line in text.split("\n")) <= columns
    assert "\x1b[3" not in text


def test_an_empty_repository(repo: Repo, tmp_path: Path) -> None:
    empty = Repo(tmp_path / "empty")
    subprocess.run(["git", "init", "-q", str(empty.path)], check=True)
    empty.cg("init", "--no-model")
    text = empty.cg("status").stdout
    assert "0 commits indexed" in text
    assert "problem" not in text and "incomplete" not in text
    assert empty.cg("why", "HEAD", code=2).stderr.startswith("error: ")


def test_a_clone_that_was_just_set_up_has_no_fault(graphed: Repo, tmp_path: Path) -> None:
    clone = Repo(tmp_path / "clone")
    subprocess.run(["git", "clone", "-q", str(graphed.path), str(clone.path)], check=True)
    clone.cg("init", "--no-model")
    assert "fault" not in clone.cg("doctor").stdout
