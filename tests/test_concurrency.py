"""Many writers, foreign writers, many clones, and death at any moment: no acknowledged event is lost.

CG_TEST_KILLS sets how many processes are killed. With 200, the long run, 8 writers write 100 events each; else 25.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from contextgraph import event
from contextgraph.git import NOTES_REF, Git
from contextgraph.journal import Journal
from contextgraph.notes import Store
from tests.conftest import CG, Repo
from tests.test_sync import KEYS, Hub, hub, line

__all__ = ["hub"]
KILLS = int(os.environ.get("CG_TEST_KILLS", "24"))
WRITERS, EVENTS = 8, 100 if KILLS >= 200 else 25

WRITER = """
import sys
from pathlib import Path
from contextgraph import event
from contextgraph.git import Git
from contextgraph.notes import Store
git = Git.discover(Path(sys.argv[1]))
store = Store(git)
for number in range(int(sys.argv[3])):
    key = sys.argv[4 + number % (len(sys.argv) - 4)]
    word = f"{sys.argv[2]}-{number}"
    fields = {"trace": {"summary": word}}
    store.append([(key, event.encode("recorded", "2026-01-01T00:00:00.000Z", "W <w@example.com>", key, fields))])
    print(word, flush=True)
"""


def writer(repo: Repo, name: str, count: int, keys: list[str]) -> "subprocess.Popen[str]":
    """A process that appends events and prints each one's word once it is acknowledged."""
    command = [sys.executable, "-c", WRITER, str(repo.path), name, str(count), *keys]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def summaries(repo: Repo) -> set[str]:
    """The words of every event in the notes ref, as plain reading of it finds them."""
    store = Store(Git.discover(repo.path))
    store.flush()
    tip = store.tip()
    found = (json.loads(raw) for _, lines in store.lines(tip or "") for raw in lines if raw.startswith(b"{")) if tip else ()
    return {str(each["trace"].get("summary")) for each in found if each["kind"] == "recorded"}


def test_eight_writers_beside_a_foreign_loop_lose_nothing(graphed: Repo) -> None:
    head = graphed.sha()
    keys = [head, *KEYS]
    stop = threading.Event()
    foreign = 0

    def annoy() -> None:
        nonlocal foreign
        while not stop.is_set():
            graphed.run("git", "notes", "--ref", "contextgraph", "append", "-m", f"foreign {foreign}", check=False)
            foreign += 1
            time.sleep(0.1)

    noise = threading.Thread(target=annoy)
    noise.start()
    writers = [writer(graphed, f"w{number}", EVENTS, keys) for number in range(WRITERS)]
    acknowledged: set[str] = set()
    try:
        for each in writers:
            out, err = each.communicate(timeout=600)
            assert each.returncode == 0, err
            acknowledged |= set(out.split())
    finally:
        stop.set()
        noise.join()
    assert len(acknowledged) == WRITERS * EVENTS and foreign > 3
    assert acknowledged - summaries(graphed) == set()
    assert graphed.git("fsck", "--no-dangling", "--connectivity-only") == ""


def test_four_clones_that_sync_all_the_time_end_the_same(hub: Hub) -> None:
    clones = [hub.clone(f"c{number}") for number in range(4)]
    failures: list[str] = []

    def work(repo: Repo, name: str) -> None:
        for number in range(3):
            repo.cg("record", stdin=json.dumps({"summary": f"{name}-{number}"}), code=None)
            done = repo.run(str(CG), "sync", check=False)
            if done.returncode not in (0, 2) or "Traceback" in done.stderr:
                failures.append(done.stderr)

    threads = [threading.Thread(target=work, args=(clone, clone.path.name)) for clone in clones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for clone in (*clones, *clones):
        clone.cg("sync")
    expected = {f"c{clone}-{number}" for clone in range(4) for number in range(3)}
    assert [expected - summaries(clone) for clone in clones] == [set()] * 4
    assert {clone.sha(NOTES_REF) for clone in clones} == {hub.git("rev-parse", NOTES_REF)}


def kill_at_random(process: "subprocess.Popen[str]", chance: random.Random, longest: float) -> None:
    """End the process and all that it started (it leads a group of its own), wherever it is."""
    time.sleep(chance.random() * longest)
    with suppress(ProcessLookupError):  # it was done already
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def start(repo: Repo, *command: str, stdin: str = "") -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        command,
        cwd=repo.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin
    process.stdin.write(stdin)
    process.stdin.close()
    process.stdin = None
    return process


def test_kill_at_any_moment_loses_no_acknowledged_event(hub: Hub) -> None:
    a, b = hub.clone("a"), hub.clone("b")
    chance = random.Random(os.environ.get("CG_TEST_SEED", "5"))
    acknowledged: set[str] = set()
    worker = (sys.executable, "-I", "-m", "contextgraph.worker", str(a.path))
    commits: list[str] = []
    for number in range(KILLS):
        kind = ("record", "worker", "refresh", "sync")[number % 4]
        if kind == "record":
            kill_at_random(start(a, str(CG), "record", stdin=json.dumps({"summary": f"lost-or-not-{number}"})), chance, 0.5)
            a.cg("record", stdin=json.dumps({"summary": f"kept-{number}"}))
            acknowledged.add(f"kept-{number}")
        elif kind == "worker":
            commits.append(a.commit(f"subject {number}\n\nDecision: choice {number}"))
            kill_at_random(start(a, "env", "CG_WORKER_DELAY=0", *worker), chance, 0.4)
        elif kind == "refresh":
            kill_at_random(start(a, str(CG), "refresh"), chance, 0.6)
        else:
            b.cg("record", stdin=json.dumps({"summary": f"of-b-{number}"}))
            acknowledged.add(f"of-b-{number}")
            kill_at_random(start(chance.choice((a, b)), str(CG), "sync"), chance, 0.8)
    for clone in (a, b, a):
        remove_stale_locks(clone.path / ".git")
        remove_stale_locks(hub.path)
        clone.cg("refresh")
        clone.cg("sync")
    assert acknowledged - summaries(a) == set()
    assert acknowledged - summaries(b) == set()
    assert [sha for sha in commits if not any('"decisions"' in text for text in a.note(sha))] == []
    for place in (a, b, Repo(hub.path)):
        assert place.git("fsck", "--no-dangling", "--connectivity-only") == ""


def remove_stale_locks(git_dir: Path) -> None:
    """What git itself leaves behind when it is killed, and what its own messages tell people to delete."""
    for lock in git_dir.rglob("*.lock"):
        if "contextgraph" not in lock.parts or "refs" in lock.parts:
            lock.unlink(missing_ok=True)


def test_a_torn_journal_line_costs_that_line_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.append([(KEYS[0], line("first"))])
    whole = line("torn")
    data = KEYS[0].encode() + b" " + whole + b"\n"
    (segment,) = journal.segments()
    clean = segment.read_bytes()
    for cut in range(1, len(data) - 1, 7):
        segment.write_bytes(clean + data[:cut])
        journal.append([(KEYS[0], line("after"))])
        found = [raw for _, raw in journal.entries()]
        assert line("first") in found and line("after") in found
        assert whole not in found


def test_a_torn_line_does_not_keep_the_rest_from_the_ref(graphed: Repo) -> None:
    store = Store(Git.discover(graphed.path))
    head = graphed.sha()
    store.journal.append([(head, line("before", head))])
    with store.journal.segments()[-1].open("ab") as file:
        file.write(f"{head} ".encode() + line("torn", head)[:90])
    graphed.cg("record", stdin=json.dumps({"summary": "after"}))
    assert {"before", "after"} <= summaries(graphed)


def test_a_worker_that_died_leaves_its_work_to_the_next_command(graphed: Repo) -> None:
    sha = graphed.commit("subject\n\nDecision: keep it")
    worker = start(graphed, sys.executable, "-I", "-m", "contextgraph.worker", str(graphed.path))
    os.killpg(worker.pid, signal.SIGKILL)
    worker.communicate()
    assert "keep it" in graphed.cg("why", sha).stdout
    assert any("keep it" in text for text in graphed.note(sha))


def test_events_of_the_journal_survive_the_loss_of_the_ref(graphed: Repo) -> None:
    graphed.cg("record", stdin=json.dumps({"summary": "kept"}))
    graphed.git("update-ref", "-d", NOTES_REF)
    graphed.cg("refresh")
    assert summaries(graphed) == {"kept"}


@pytest.mark.parametrize("moment", ["before the ref", "before the mark"])
def test_the_same_event_twice_is_once(graphed: Repo, moment: str) -> None:
    store = Store(Git.discover(graphed.path))
    head = graphed.sha()
    raw = line("one", head)
    store.journal.append([(head, raw)])
    if moment == "before the mark":
        store.flush()
        (graphed.home / "published").unlink()
    store.append([(head, raw)])
    tip = store.tip()
    assert tip is not None
    assert [found for _, lines in store.lines(tip, [head]) for found in lines] == [raw]
    assert isinstance(event.decode(raw, head), event.Event)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Repo]:
    """A repository on a file system of 3 MB; only root can make one."""
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system is not permitted here")
    try:
        repo = Repo(place)
        repo.git("init", "--quiet")
        repo.git("commit", "--quiet", "--allow-empty", "-m", "base")
        repo.cg("init", "--no-model")
        yield repo
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_disk_that_takes_nothing_loses_nothing_that_was_acknowledged(small_disk: Repo, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CG_WORKER", "off")
    repo = small_disk
    repo.cg("record", stdin=json.dumps({"summary": "before"}))
    if how == "full":
        filler = (repo.path / "filler").open("wb", buffering=0)
        with filler, suppress(OSError):
            while filler.write(b"x" * 512):
                pass
    else:
        subprocess.run(["mount", "-o", "remount,ro", str(repo.path)], check=True)
    acknowledged = {"before"}
    for number in range(4):
        done = repo.cg("record", stdin=json.dumps({"summary": f"during {number} {'x' * 3_000}"}), code=None)
        assert done.returncode in (0, 2), done.stderr
        if done.returncode == 0:
            acknowledged.add(f"during {number} {'x' * 3_000}")
        else:
            assert "cannot be written" in done.stderr
    for command in ("why", "log", "status", "sync"):
        assert repo.cg(command, *(["HEAD"] if command == "why" else []), code=None).returncode in (0, 1, 2), command
    if how == "full":
        (repo.path / "filler").unlink()
    else:
        assert acknowledged == {"before"}
        subprocess.run(["mount", "-o", "remount,rw", str(repo.path)], check=True)
    repo.cg("record", stdin=json.dumps({"summary": "after"}))
    assert {*acknowledged, "after"} <= summaries(repo)
