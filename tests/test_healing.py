"""A store that heals, through the real program: whatever happens to it, the answers become those of a fresh rebuild."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from contextgraph.embed.small import store_small
from tests.conftest import CG, Repo

WORDS = ("limit", "retry", "cache", "parser", "token", "queue", "colour", "index")
COMMITS = 400
KILLS = int(os.environ.get("CG_TEST_KILLS", "8"))
QUESTIONS = ("why is the parser so slow with a full queue", "token 17")


@pytest.fixture
def told(graphed: Repo) -> Repo:
    """A repository with a model, 400 commits of two vectors each, and everything filled."""
    store_small()
    tip = graphed.sha()
    stream: list[str] = []
    for number in range(COMMITS):
        word, other = WORDS[number % 8], WORDS[number // 8 % 8]
        message = f"Change the {word} {number}\n\nThe {other} was slow with step {number} of the {word}.\n"
        message += f"\nDecision: keep {word} {number}\n" if number % 40 == 0 else ""
        who = f"Ann <ann@example.com> {1_767_225_700 + number * 60} +0000"
        parent = f"from {tip}\n" if number == 0 else ""
        stream.append(f"commit refs/heads/main\nauthor {who}\ncommitter {who}\ndata {len(message)}\n{message}\n{parent}")
        stream.append(f"M 100644 inline src/{word}.py\ndata {len(str(number))}\n{number}\n")
    graphed.run("git", "fast-import", "--quiet", "--done", stdin="".join([*stream, "done\n"]))
    graphed.git("reset", "--quiet", "--hard", "main")
    graphed.cg("refresh", "-q", "--rebuild")
    return graphed


def answers(repo: Repo) -> list[list[tuple[str, float]]]:
    """What the questions are answered with, by words and by vectors, with nothing missing."""
    found = []
    for question in QUESTIONS:
        answer = json.loads(repo.cg("search", question, "-n", "20", "--json").stdout)
        assert answer["reasons"] == [], answer["reasons"]
        assert len(answer["results"]) == 20 and all("vectors" in each["explain"] for each in answer["results"][:5])
        found.append([(each["trace"]["sha"], round(each["score"], 3)) for each in answer["results"]])
    return found


def log(repo: Repo) -> str:
    path = repo.home / "log"
    return path.read_text() if path.exists() else ""


def wait_for_vectors(repo: Repo) -> None:
    """Until the background process is done."""
    deadline = time.monotonic() + 120
    while not json.loads(repo.cg("search", "token", "--json").stdout)["complete"]:
        assert time.monotonic() < deadline, log(repo)
        time.sleep(0.5)


def truncate(pattern: str, keep: float) -> Callable[[Path], None]:
    def damage(home: Path) -> None:
        found = list(home.glob(pattern))
        assert found, pattern
        for path in found:
            os.truncate(path, int(path.stat().st_size * keep))

    return damage


def no_journal_of_the_index(home: Path) -> None:
    for name in ("index.db-wal", "index.db-shm"):
        (home / name).unlink(missing_ok=True)
    truncate("index.db", 0.4)(home)


DAMAGES = [
    pytest.param(truncate("chroma/*/index_metadata.pickle", 0.5), id="half a pickle"),
    pytest.param(truncate("chroma/chroma.sqlite3", 0.5), id="half a vector database"),
    pytest.param(lambda home: shutil.rmtree(home / "chroma"), id="no vector directory"),
    pytest.param(no_journal_of_the_index, id="half an index"),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_question_notices_the_damage_and_has_it_mended(told: Repo, damage: Callable[[Path], None]) -> None:
    whole = answers(told)
    (told.home / "log").unlink(missing_ok=True)
    damage(told.home)
    done = told.cg("search", QUESTIONS[0], CG_WORKER="")
    told_so = [line for line in done.stdout.splitlines() if line.startswith("incomplete:") and "by words alone" in line]
    assert len(told_so) == 1, done.stdout
    assert "Change the parser" in done.stdout, "words still answer"
    wait_for_vectors(told)
    assert answers(told) == whole
    lines = [line for line in log(told).splitlines() if "made again" in line or "damaged" in line]
    assert lines, log(told)
    assert set(json.loads(told.cg("status", "--json").stdout)["index"]["errors"]) & set(lines)
    told.cg("refresh", "-q", "--rebuild")
    assert answers(told) == whole


def test_refresh_mends_while_one_waits_and_doctor_is_content(told: Repo) -> None:
    whole = answers(told)
    truncate("chroma/*/data_level0.bin", 0.3)(told.home)
    told.cg("refresh", "-q")
    assert answers(told) == whole
    assert "made again" in log(told)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the children to kill in /proc")
def test_kill_at_random_moments_of_a_refresh(told: Repo) -> None:
    """CG_TEST_KILLS sets how many (8); what is killed is the program, or all that it has started too."""
    whole = answers(told)
    chance = random.Random(int(os.environ.get("CG_TEST_SEED", "3")))
    started = time.monotonic()
    told.cg("refresh", "-q", "--rebuild")
    lasts = time.monotonic() - started
    cut = 0
    for turn in range(KILLS):
        process = subprocess.Popen([str(CG), "refresh", "-q", "--rebuild"], cwd=told.path, stderr=subprocess.DEVNULL)
        time.sleep(chance.random() * lasts)
        doomed = [process.pid, *(children(process.pid) if turn % 2 else [])]
        for number in doomed:
            with_nobody_there(number)
        cut += process.wait() == -signal.SIGKILL
        told.cg("refresh", "-q")
        assert answers(told) == whole, f"after kill {turn}: {log(told)[-600:]}"
    assert cut > KILLS // 3, "the kills came too late: the test proves little"


def children(process: int) -> list[int]:
    found: list[int] = []
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        for number in map(int, listed.read_text().split()):
            found += [number, *children(number)]
    return found


def with_nobody_there(process: int) -> None:
    with suppress(ProcessLookupError):  # it may have ended by itself in the meantime
        os.kill(process, signal.SIGKILL)


def test_three_processes_refresh_and_search_at_once(told: Repo) -> None:
    whole = answers(told)
    shutil.rmtree(told.home / "chroma")
    script = 'set -e; for turn in 1 2; do "$0" refresh -q; "$0" search "$1" --json > /dev/null; done'
    crowd = [
        subprocess.Popen(["sh", "-c", script, str(CG), QUESTIONS[0]], cwd=told.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(3)
    ]
    for each in crowd:
        said = each.communicate(timeout=300)[0].decode()
        assert each.returncode == 0 and "Traceback" not in said, said
    told.cg("refresh", "-q")
    assert answers(told) == whole


def test_a_foreign_env_file_and_hostile_variables(told: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = answers(told)
    (told.path / ".env").write_bytes("NAME=Jos\xe9\nMIGRATIONS=none\nCHROMA_API_IMPL=nothing\n".encode("latin-1"))
    hostile = {
        "MIGRATIONS": "yes",
        "CHROMA_API_IMPL": "no.such.module",
        "CHROMA_SERVER_HOST": "nowhere.invalid",
        "PERSIST_DIRECTORY": "/nowhere",
        "IS_PERSISTENT": "perhaps",
        "ANONYMIZED_TELEMETRY": "perhaps",
        "PYTHONPATH": str(told.path),
        "OMP_NUM_THREADS": "many",
        "TOKENIZERS_PARALLELISM": "true",
    }
    for name, value in hostile.items():
        monkeypatch.setenv(name, value)
    assert answers(told) == whole
    told.cg("refresh", "-q", "--rebuild")
    assert answers(told) == whole


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB, where one may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_full_disk(told: Repo, small_disk: Path) -> None:
    whole = answers(told)
    there = Repo(small_disk / "repo")
    shutil.copytree(told.path, there.path, symlinks=True)
    for name in ("index.db", "index.db-wal", "index.db-shm", "embeddings.db"):  # nothing is left but git and the notes
        (there.home / name).unlink(missing_ok=True)
    shutil.rmtree(there.home / "chroma")
    free = shutil.disk_usage(small_disk).free
    for left in (50_000, 400_000, 1_500_000):
        (small_disk / "filler").write_bytes(bytes(max(0, free - left)))
        done = there.cg("refresh", code=None)
        assert done.returncode in (0, 2), done.stderr
        assert "[Errno" not in done.stderr.replace("[Errno 28]", "", 1), f"said once: {done.stderr}"
        there.cg("search", "parser", code=None)
        (small_disk / "filler").unlink()
    there.cg("refresh", "-q")
    assert answers(there) == whole


def test_files_that_may_not_grow(told: Repo) -> None:
    """The same where nothing can be mounted: no file may become larger than 64 KB."""
    whole = answers(told)
    (told.home / "index.db").unlink()
    done: Any = told.run("sh", "-c", 'ulimit -f 128; exec "$0" refresh', str(CG), check=False)
    assert done.returncode in (0, 2) and "Traceback" not in done.stderr, done.stderr
    told.cg("refresh", "-q")
    assert answers(told) == whole
