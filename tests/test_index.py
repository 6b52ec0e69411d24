"""The projection: what it holds is what git and the notes say, however it came to that."""

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contextgraph.graph import Graph
from contextgraph.index.history import History
from tests.conftest import CG, Repo

TABLES = {
    "commits": "SELECT sha, parents, author, author_time, commit_time, subject, landing, gone FROM commits",
    "touched": "SELECT c.sha, p.path FROM touched JOIN commits c ON c.id = commit_id JOIN paths p ON p.id = path_id",
    "events": "SELECT key, id, kind, at, target, line FROM events",
    "links": "SELECT old, new, how FROM links",
    "decisions": "SELECT d.id, home, origin, at, supersedes, title, text FROM decisions d JOIN decision_words w ON w.rowid = d.row",
    "foreign": "SELECT key, why, newer FROM foreign_lines",
    "claims": "SELECT sha, kind, target FROM claims",
    "reverts": "SELECT reverter, target, rule, extent FROM reverts",
}
WORDS = ("limit", "retry", "cache", "parser")


def content(repo: Repo) -> dict[str, list[object]]:
    """Everything that the index says, less the numbers of its own that depend on the way it was made."""
    connection = sqlite3.connect(repo.home / "index.db")
    try:
        found: dict[str, list[object]] = {name: sorted(connection.execute(query), key=repr) for name, query in TABLES.items()}
        query = "SELECT c.sha FROM words JOIN commits c ON c.id = words.rowid WHERE words MATCH ?"
        found |= {f"words {word}": sorted(connection.execute(query, (word,))) for word in WORDS}
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return found
    finally:
        connection.close()


def rebuilt(repo: Repo) -> dict[str, list[object]]:
    repo.cg("refresh", "--rebuild", "-q")
    return content(repo)


def gone(repo: Repo) -> set[str]:
    connection = sqlite3.connect(repo.home / "index.db")
    try:
        return {sha for (sha,) in connection.execute("SELECT sha FROM commits WHERE gone = 1")}
    finally:
        connection.close()


@pytest.fixture
def long(repo: Repo) -> Iterator[Repo]:
    """12,000 commits, enough for several batches, without contextgraph."""
    tip = repo.sha()
    stream: list[str] = []
    for number in range(12_000):
        message = f"Change {WORDS[number % 4]} {number}\n\nDecision: keep step {number}\n" if number % 100 == 0 else f"Step {number}"
        who = f"Ann <ann@example.com> {1_767_225_700 + number} +0000"
        parent = f"from {tip}\n" if number == 0 else ""
        stream.append(
            f"commit refs/heads/main\nauthor {who}\ncommitter {who}\ndata {len(message)}\n{message}\n{parent}"
            f"M 100644 inline src/{number % 50}.py\ndata {len(str(number))}\n{number}\n"
        )
    repo.run("git", "fast-import", "--quiet", "--done", stdin="".join([*stream, "done\n"]))
    repo.run("git", "reset", "--quiet", "--hard", "main")
    yield repo


def test_step_by_step_gives_what_a_rebuild_gives(graphed: Repo) -> None:
    first = graphed.commit("Add the limit\n\nDecision: a token bucket\nRejected: a counter | resets at midnight", {"a.py": "1\n2\n3\n"})
    graphed.cg("refresh", "-q")
    graphed.git("checkout", "-q", "-b", "side")
    graphed.cg("decide", "retry twice", "--because", "the third never helped")
    graphed.commit("Add retry", {"b.py": "x\n"})
    graphed.cg("refresh", "-q")
    graphed.git("commit", "-q", "--amend", "-m", "Add retry, with a cache\n\nDecision: cache it")
    graphed.cg("refresh", "-q")
    graphed.git("checkout", "-q", "main")
    graphed.git("merge", "-q", "--no-ff", "-m", "Merge side", "side")
    graphed.git("revert", "--no-edit", first)
    graphed.run("git", "notes", "--ref", "contextgraph", "append", "-m", "not ours", "HEAD")
    graphed.cg("refresh", "-q")
    found = content(graphed)
    assert [len(found[name]) > 0 for name in ("events", "links", "decisions", "foreign", "reverts")] == [True] * 5
    assert found == rebuilt(graphed)


def test_a_clone_that_is_deepened_knows_what_is_older(repo: Repo, tmp_path: Path) -> None:
    old = repo.commit("Add the old", {"old": "1\n2\n3\n4\n"})
    repo.commit("between")
    repo.git("revert", "--no-edit", old)
    shallow = Repo(tmp_path / "shallow")
    repo.git("clone", "--quiet", "--depth=1", f"file://{repo.path}", str(shallow.path))
    shallow.cg("log", CG_WORKER="off")
    shallow.git("fetch", "--quiet", "--unshallow")
    assert f"{old[:10]} " in shallow.cg("log", "--status", "reverted", CG_WORKER="off").stdout
    stepwise = content(shallow)
    shallow.cg("refresh", "--rebuild")
    assert stepwise == content(shallow)


def test_what_no_head_reaches_is_gone_and_comes_back(graphed: Repo) -> None:
    graphed.git("checkout", "-q", "-b", "side")
    commits = {graphed.commit("Try a parser"), graphed.commit("Try a cache")}
    graphed.git("checkout", "-q", "main")
    graphed.cg("refresh", "-q")
    assert gone(graphed) == set()
    graphed.git("branch", "-q", "-m", "side", "kept")
    graphed.cg("refresh", "-q")
    assert gone(graphed) == set()
    tip = graphed.sha("kept")
    graphed.git("branch", "-q", "-D", "kept")
    graphed.cg("refresh", "-q")
    assert gone(graphed) == commits
    graphed.git("branch", "again", tip)
    graphed.cg("refresh", "-q")
    assert gone(graphed) == set()
    assert content(graphed) == rebuilt(graphed)


def test_a_moved_head_leaves_only_what_nobody_else_has(graphed: Repo) -> None:
    kept = graphed.commit("Add a limit")
    graphed.git("branch", "other")
    lost = graphed.commit("Add a cache")
    graphed.cg("refresh", "-q")
    graphed.git("reset", "-q", "--hard", "HEAD~2")
    graphed.cg("refresh", "-q")
    assert gone(graphed) == {lost}
    assert kept not in gone(graphed)


def test_notes_rolled_back_and_gone_are_followed(graphed: Repo) -> None:
    graphed.commit("Add a limit\n\nDecision: a bucket")
    graphed.cg("refresh", "-q")
    before = graphed.sha("refs/notes/contextgraph")
    shutil.rmtree(graphed.home / "journal")
    graphed.cg("record", "-F", "-", stdin='{"summary": "a cache", "decisions": [{"context": "where does the cache live"}]}')
    assert len(content(graphed)["events"]) == 1
    graphed.cg("refresh", "-q")
    assert len(content(graphed)["events"]) == 2
    shutil.rmtree(graphed.home / "journal")
    graphed.git("update-ref", "refs/notes/contextgraph", before)
    graphed.cg("refresh", "-q")
    assert len(content(graphed)["events"]) == 1
    graphed.git("update-ref", "-d", "refs/notes/contextgraph")
    graphed.cg("refresh", "-q")
    assert content(graphed)["events"] == []
    assert content(graphed) == rebuilt(graphed)


def test_a_run_that_was_killed_is_taken_up(long: Repo) -> None:
    """kill -9 after the first batch is in: the next run keeps that and ends where a run of one go does."""
    long.cg("init", "--no-model", "--no-history", "-q")
    process = subprocess.Popen([str(CG), "refresh", "-q"], cwd=long.path)
    path = long.home / "index.db"
    held = 0
    while process.poll() is None:
        if path.exists():
            connection = sqlite3.connect(path, timeout=5)
            try:
                held = connection.execute("SELECT count(*) FROM commits").fetchone()[0]
            except sqlite3.OperationalError:
                held = 0  # the tables are being made
            finally:
                connection.close()
        if held:
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.002)
    assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
    connection = sqlite3.connect(path)
    assert 0 < connection.execute("SELECT count(*) FROM commits").fetchone()[0] <= 12_001
    assert connection.execute("SELECT value FROM meta WHERE name = 'tips'").fetchone() is None
    connection.close()
    long.cg("refresh", "-q")
    found = content(long)
    assert len(found["commits"]) == 12_001
    assert len(found["decisions"]) == 120
    assert found == rebuilt(long)


def test_two_at_once_index_everything_once(long: Repo) -> None:
    long.cg("init", "--no-model", "--no-history", "-q")
    processes = [
        subprocess.Popen([str(CG), *words], cwd=long.path) for words in (["refresh", "-q"], ["refresh", "-q"], ["search", "limit"])
    ]
    assert [process.wait() for process in processes] == [0, 0, 0]
    found = content(long)
    assert len(found["commits"]) == 12_001
    assert len(found["words limit"]) == 120  # every 100th commit has the first word, for 100 is a multiple of four
    assert found == rebuilt(long)


@pytest.mark.parametrize("damage", ["rubbish", "short", "empty", "middle", "schema", "deleted"])
def test_a_damaged_index_is_made_again_with_the_same_answers(graphed: Repo, damage: str) -> None:
    for number in range(30):
        graphed.commit(f"Add {WORDS[number % 4]} {number}\n\nDecision: keep {WORDS[number % 4]} {number}")
    answers = [graphed.cg("search", "limit", "--json").stdout, graphed.cg("why", "HEAD").stdout, graphed.cg("log", "--decisions").stdout]
    path = graphed.home / "index.db"
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    data = path.read_bytes()
    if damage == "schema":
        connection = sqlite3.connect(path)
        connection.executescript("DROP TABLE decisions")
        connection.close()
    elif damage == "deleted":
        path.unlink()
    else:
        middle = data[:4096] + os.urandom(len(data) - 8192) + data[-4096:]
        path.write_bytes({"rubbish": b"not a database " * 999, "short": data[: len(data) // 2], "empty": b"", "middle": middle}[damage])

    def timeless(answer: str) -> str:
        return answer.partition('"query_time_ms"')[0]

    again = [graphed.cg("search", "limit", "--json").stdout, graphed.cg("why", "HEAD").stdout, graphed.cg("log", "--decisions").stdout]
    assert list(map(timeless, again)) == list(map(timeless, answers))
    assert content(graphed) == rebuilt(graphed)


def test_a_directory_that_cannot_be_written_still_answers(graphed: Repo) -> None:
    """With the index of then, with none at all, and told in the answer."""
    drop = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if drop and not shutil.which("setpriv"):
        pytest.skip("root may write everywhere, and there is no setpriv to give that up")
    sha = graphed.commit("Add a limit\n\nDecision: a token bucket")
    graphed.cg("refresh", "-q")
    later = graphed.commit("Add a cache\n\nDecision: least recently used")
    directories = [graphed.path / ".git", *(path for path in (graphed.path / ".git").rglob("*") if path.is_dir())]
    files = [path for path in (graphed.path / ".git").rglob("*") if path.is_file()]

    def reading(mode: int) -> None:
        for path in (*files, *directories):
            if path.exists():
                path.chmod(mode if path in directories else mode & 0o666)

    def answers() -> None:
        for each, words in ((sha, "a token bucket"), (later, "least recently used")):
            done = graphed.run(*drop, str(CG), "why", each, "--json")
            assert words in done.stdout
            assert '"complete":false' in done.stdout
        assert "Traceback" not in graphed.run(*drop, str(CG), "search", "limit", check=False).stderr

    try:
        reading(0o555)
        answers()
        reading(0o755)
        for path in graphed.home.glob("index.db*"):
            path.unlink()
        reading(0o555)
        answers()
    finally:
        reading(0o755)


def test_progress_counts_and_a_second_run_reads_nothing(graphed: Repo) -> None:
    for number in range(3):
        graphed.commit(f"Step {number}")
    graph = Graph.open(graphed.path)
    ticks: list[tuple[str, int]] = []
    graph.catch_up(lambda phase, done: ticks.append((phase, done)))
    assert ("indexing commits", 3) in ticks
    before = graph.git.calls
    graph.catch_up()
    assert graph.git.calls - before <= 3
    history = History(graph.database, graph.git, lambda commit: [])
    assert history.sync(graph.refs.tips, lambda phase, done: pytest.fail("nothing is new")) == 0


def test_single_commits_beside_what_git_cannot_show(repo: Repo) -> None:
    """A batch holds every note of a look: one bad key must not cost the others their index."""
    lost, orphan, kept = repo.commit("lost"), repo.commit("orphan"), repo.commit("kept")
    blob = repo.run("git", "hash-object", "-w", "--stdin", stdin="no commit").stdout.strip()
    repo.git("reset", "-q", "--hard", "HEAD~3")
    graph = Graph.open(repo.path)
    graph.catch_up()
    (repo.path / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    damaged = repo.path / ".git" / "objects" / "bb" / ("b" * 38)
    damaged.parent.mkdir(exist_ok=True)
    damaged.write_text("junk")
    history = History(graph.database, graph.git, lambda commit: [])
    history.add([kept, "a" * 40, blob])
    assert gone(repo) == {kept}, "absent, and no commit at all"
    other = repo.run("git", "commit-tree", "-m", "other", "HEAD^{tree}").stdout.strip()
    history.add([lost, orphan, "b" * 40, other, "a" * 40])
    assert gone(repo) == {kept, other}


def test_paths_words_and_dates_as_git_has_them(graphed: Repo, tmp_path: Path) -> None:
    name = 'tab\there "quoted" ünï 🎉.py'
    sha = graphed.commit("Straße: fix httpServer\n\n" + "x" * 20_000, {name: "1"}, GIT_COMMITTER_DATE="1700000000 +0530")
    graphed.cg("refresh", "-q")
    connection = sqlite3.connect(graphed.home / "index.db")
    row = connection.execute("SELECT subject, commit_time FROM commits WHERE sha = ?", (sha,)).fetchone()
    assert row == ("Straße: fix httpServer", 1_700_000_000)
    assert (name,) in connection.execute("SELECT path FROM paths").fetchall()
    query = "SELECT count(*) FROM words WHERE words MATCH ?"
    assert [connection.execute(query, (word,)).fetchone()[0] for word in ("server", "httpserver", "straße")] == [1, 1, 1]
    connection.close()
