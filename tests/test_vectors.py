"""The vector store for real: the store of Chroma, other processes, kill -9, damaged files, a hostile environment."""

import fcntl
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from contextgraph.errors import Error, LockError, VectorError
from contextgraph.index import chroma_store
from contextgraph.index.vectors import Vectors, collection_name

WIDTH = 32
DOORS = pytest.mark.parametrize("bindings", [True, False], ids=["bindings", "client"])
KILLS = int(os.environ.get("CG_TEST_KILLS", "5"))

# What the other processes of these tests run; the arguments are the directory and then numbers.
PRELUDE = """
import sys
from pathlib import Path
import numpy as np
from contextgraph.index.vectors import Vectors
sys.path.insert(0, sys.argv[1])
def some(count, seed):
    rows = np.random.default_rng(seed).standard_normal((count, 32)).astype("f4")
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
directory = Path(sys.argv[2])
store = Vectors(directory, "model", 32)
"""


def some(count: int, seed: int = 0, width: int = WIDTH) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, width)).astype("f4")
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def names(count: int, prefix: str = "") -> list[str]:
    return [f"{prefix}{n:040x}/s" for n in range(count)]


def exact(ids: list[str], rows: np.ndarray, vector: np.ndarray, limit: int) -> list[str]:
    return [ids[n] for n in np.argsort(-(rows @ vector))[:limit]]


def found(store: Vectors, vector: np.ndarray, limit: int = 5) -> list[str]:
    return [one for one, _ in store.query(vector, limit)]


def program(source: str, directory: Path, **options: Any) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", PRELUDE + source, str(directory.parent), str(directory)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def output(process: "subprocess.Popen[bytes]") -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "git" / "contextgraph" / "chroma"


@pytest.fixture
def filled(directory: Path) -> Vectors:
    store = Vectors(directory, "model", WIDTH)
    store.add(names(450), some(450), "repo")
    return store


@DOORS
def test_answers_are_the_exact_ones(directory: Path, bindings: bool) -> None:
    store = Vectors(directory, "model", WIDTH, bindings=bindings)
    ids, rows = names(450), some(450)
    store.add(ids, rows, "repo")
    assert store.path_used == ("bindings" if bindings else "client")
    assert store.count() == 450
    assert store.healthy(450) and not store.healthy(449)
    question = some(1, seed=9)[0]
    hits = store.query(question, 5)
    assert [one for one, _ in hits] == exact(ids, rows, question, 5)
    assert [score for _, score in hits] == pytest.approx(sorted(rows @ question)[::-1][:5], abs=1e-5)


def test_each_door_reads_and_continues_what_the_other_wrote(directory: Path) -> None:
    one = Vectors(directory, "model", WIDTH)
    other = Vectors(directory, "model", WIDTH, bindings=False)
    ids, rows = names(300), some(300)
    one.add(ids[:250], rows[:250], "repo")
    other.add(ids[240:], rows[240:], "repo")
    one.add(ids[230:260], rows[230:260], "repo")
    one.delete(ids[:10])
    assert one.count() == other.count() == 290
    for question in some(3, seed=9):
        hits = one.query(question, 20)
        assert hits == other.query(question, 20)
        assert [name for name, _ in hits] == exact(ids[10:], rows[10:], question, 20)
    assert {one.path_used, other.path_used} == {"bindings", "client"}


def test_a_wheel_of_another_version_or_shape_is_asked_through_the_client(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import chromadb_rust_bindings as real

    shape = SimpleNamespace(__file__=real.__file__, SqliteDBConfig=real.SqliteDBConfig, Bindings=real.Bindings)
    chroma_store.check_shape(shape)
    chroma_store.check_version(shape)
    lacking = SimpleNamespace(count=real.Bindings.count, __text_signature__=real.Bindings.__text_signature__)
    with pytest.raises(chroma_store.Mismatch):
        chroma_store.check_shape(SimpleNamespace(SqliteDBConfig=real.SqliteDBConfig, Bindings=lacking))
    # The same bindings where no installer says which version they are.
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "chromadb_rust_bindings").symlink_to(Path(str(real.__file__)).parent)
    monkeypatch.syspath_prepend(str(tmp_path / "odd"))
    store = Vectors(directory, "model", WIDTH)
    store.add(names(20), some(20), "repo")
    assert found(store, some(20)[3], 1) == names(20)[3:4]
    assert store.path_used == "client"


def test_ids_that_are_there_are_replaced_and_the_last_of_two_counts(filled: Vectors) -> None:
    fresh = some(3, seed=5)
    ids = [names(450)[0], "cg-0123456789ab", "cg-0123456789ab"]
    filled.add(ids, fresh, "repo")
    assert filled.count() == 451
    assert found(filled, fresh[0], 1) == [ids[0]]
    assert found(filled, fresh[2], 1) == ["cg-0123456789ab"]
    assert filled.query(fresh[1], 1)[0][1] < 0.99


def test_adding_the_same_again_writes_no_vector(filled: Vectors) -> None:
    graphs = sorted(filled.directory.glob("*/*"))
    before = [path.read_bytes() for path in graphs]
    started = time.monotonic()
    for _ in range(3):
        filled.add(names(450), some(450), "repo")
    assert graphs and [path.read_bytes() for path in graphs] == before
    assert filled.count() == 450 and time.monotonic() - started < 10


def test_reading_leaves_the_graph_alone(filled: Vectors) -> None:
    graphs = sorted(filled.directory.glob("*/*"))
    before = [path.read_bytes() for path in graphs]
    found(filled, some(1)[0])
    assert filled.healthy(450)
    assert [path.read_bytes() for path in sorted(filled.directory.glob("*/*"))] == before


def test_limits_and_shapes(filled: Vectors) -> None:
    assert len(filled.query(some(1)[0], 10_000)) == 450
    assert filled.query(some(1)[0], 0) == []
    filled.add([], np.zeros((0, WIDTH), "f4"), "repo")
    filled.delete(["nobody", "nobody"])
    assert filled.count() == 450
    for wrong in (some(2), some(1, width=WIDTH + 1), np.full((1, WIDTH), np.nan, "f4")):
        with pytest.raises(VectorError):
            filled.add(["one"], wrong, "repo")
    with pytest.raises(VectorError):
        filled.query(np.ones(3, "f4"), 1)


@DOORS
def test_nothing_there_is_nothing_made(directory: Path, bindings: bool) -> None:
    store = Vectors(directory, "model", WIDTH, bindings=bindings)
    assert store.count() == 0
    assert store.healthy(0) and not store.healthy(1)
    with pytest.raises(VectorError, match="no vectors of this model"):
        store.query(some(1)[0], 1)
    store.delete(["nobody"])
    assert not directory.exists()
    other = Vectors(directory, "another model", WIDTH)
    other.add(names(3), some(3), "repo")
    assert store.count() == 0, "a model that is not in a store that is"
    store.delete(["nobody"])
    with pytest.raises(VectorError, match="no vectors of this model"):
        store.query(some(1)[0], 1)
    other.delete(names(3))
    assert other.count() == 0 and other.healthy(0) and other.query(some(1)[0], 1) == []


def test_models_do_not_mix(directory: Path) -> None:
    one, other = Vectors(directory, "org/model", WIDTH), Vectors(directory, "org-model", 8)
    one.add(["a"], some(1), "repo")
    other.add(["b"], some(1, width=8), "repo")
    assert (one.count(), other.count()) == (1, 1)
    assert found(one, some(1)[0]) == ["a"] and found(other, some(1, width=8)[0]) == ["b"]
    called = {collection_name(model, 8) for model in ("", "x", "X", "x y", "x/y", "é", "a/b:c", "a" * 99, "a" * 98)}
    assert len(called) == 9 and all(re.fullmatch(r"[a-z][a-zA-Z0-9._-]{1,80}[a-z0-9]", name) for name in called)


def test_three_processes_add_and_query_at_once(directory: Path) -> None:
    source = """
me = int(sys.argv[3])
for start in range(0, 1500, 250):
    rows = some(1500, me)[start:start + 250]
    store.add([f"{me}-{n}" for n in range(start, start + 250)], rows, "repo")
    hits = store.query(rows[7], 1)
    assert hits[0][0] == f"{me}-{start + 7}", hits
print(store.count())
"""
    command = [sys.executable, "-c", PRELUDE + source, ".", str(directory)]
    crowd = [subprocess.Popen([*command, str(me)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for me in (1, 2, 3)]
    counts = [int(output(process)) for process in crowd]
    assert max(counts) == 4500
    store = Vectors(directory, "model", WIDTH)
    assert store.healthy(4500)
    ids = [f"{me}-{n}" for me in (1, 2, 3) for n in range(1500)]
    rows = np.concatenate([some(1500, me) for me in (1, 2, 3)])
    assert all(found(store, rows[n], 1) == [ids[n]] for n in range(0, 4500, 300))


def test_a_reader_gets_in_between_the_batches_of_a_writer(directory: Path) -> None:
    store = Vectors(directory, "model", WIDTH)
    store.add(["first"], some(1, seed=7), "repo")
    writer = program("store.add([str(n) for n in range(14000)], some(14000, 1), 'repo')", directory)
    seen = []
    while writer.poll() is None:
        assert found(store, some(1, seed=7)[0], 1) == ["first"]
        seen.append(store.counted)
    output(writer)
    assert len({count for count in seen if count not in (1, 14001)}) >= 2, seen
    assert store.healthy(14001)


def _children(process: "subprocess.Popen[bytes]") -> list[int]:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(one) for one in listed.read_text().split()] if listed.exists() else []


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the process to kill in /proc")
def test_kill_at_random_moments_then_detect_and_rebuild(directory: Path) -> None:
    ids, rows = names(5000), some(5000)
    fresh = Vectors(directory.with_name("fresh"), "model", WIDTH)
    fresh.add(ids, rows, "repo")
    questions = some(4, seed=9)
    wanted = [exact(ids, rows, question, 5) for question in questions]
    assert [found(fresh, question) for question in questions] == wanted
    source = "store.add([f'{n:040x}/s' for n in range(5000)], some(5000, 0), 'repo')"
    chance = random.Random(int(os.environ.get("CG_TEST_SEED", "1")))
    store, cut = Vectors(directory, "model", WIDTH), 0
    for turn in range(KILLS):
        store.reset()
        process = program(source, directory, start_new_session=True)
        while not _children(process) and process.poll() is None:
            time.sleep(0.005)
        time.sleep(chance.random() * 1.1)
        # Every third time only the process that asked dies: its child must stop by itself, with the graph whole.
        doomed = ([] if turn % 3 == 2 else _children(process)) + [process.pid]
        for number in doomed:
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.communicate()
        if not store.healthy(len(ids)):
            cut += 1
            store.reset()
            assert store.count() == 0
            store.add(ids, rows, "repo")
        assert store.healthy(len(ids))
        assert [found(store, question) for question in questions] == wanted
    assert cut, "no kill came in time: the test proves nothing"


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGHUP])
def test_an_interrupted_add_leaves_whole_batches(directory: Path, end: signal.Signals) -> None:
    store = Vectors(directory, "model", WIDTH)
    count = size = 7000
    while count == size:  # the first look may come when all is written already: then there must be more to write
        store.reset()
        size *= 2
        process = program(f"store.add([str(n) for n in range({size})], some({size}, 1), 'repo')", directory, start_new_session=True)
        while store.count() == 0:
            time.sleep(0.01)
        os.killpg(process.pid, end)
        process.communicate(timeout=20)
        count = store.count()
    assert Path(f"{directory}.lock").read_bytes() == b"", "the last batch came to its end"
    assert 0 < count < size and count % 2000 == 0
    assert store.healthy(count)


def _truncate(pattern: str, keep: float) -> Callable[[Path], None]:
    def damage(directory: Path) -> None:
        for path in directory.glob(pattern):
            os.truncate(path, int(path.stat().st_size * keep))

    return damage


def _into_file(directory: Path) -> None:
    shutil.rmtree(directory)
    directory.write_text("not a store")


def _no_graph(directory: Path) -> None:
    for path in directory.glob("*/*"):
        path.unlink()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(_truncate("*/index_metadata.pickle", 0.5), id="half a pickle"),
        pytest.param(_truncate("*/index_metadata.pickle", 0), id="an empty pickle"),
        pytest.param(_truncate("*/data_level0.bin", 0.5), id="half a graph"),
        pytest.param(_truncate("chroma.sqlite3", 0.5), id="half a database"),
        pytest.param(_truncate("chroma.sqlite3", 0), id="an empty database"),
        pytest.param(_no_graph, id="no graph"),
        pytest.param(shutil.rmtree, id="no directory"),
        pytest.param(_into_file, id="a file for a directory"),
    ],
)
def test_damage_is_seen_and_rebuilt(filled: Vectors, damage: Callable[[Path], None]) -> None:
    damage(filled.directory)
    assert not filled.healthy(450)
    try:
        filled.query(some(1)[0], 5)
    except Error as error:
        assert "\n" not in error.message, "one clear sentence"
    filled.reset()
    assert sorted(path.name for path in filled.directory.parent.iterdir()) == ["chroma.lock"]
    ids, rows = names(450), some(450)
    filled.add(ids, rows, "repo")
    assert filled.healthy(450)
    assert found(filled, some(1, seed=9)[0]) == exact(ids, rows, some(1, seed=9)[0], 5)


@pytest.mark.parametrize("name", ["header.bin", "length.bin", "link_lists.bin", "data_level0.bin"])
def test_noise_in_the_graph_is_seen_or_does_no_harm(filled: Vectors, name: str) -> None:
    path = next(filled.directory.glob(f"*/{name}"))
    ids, rows, chance = names(450), some(450), random.Random(name)
    whole = path.read_bytes()
    for cut in (True, False):
        noise = bytearray(whole[: len(whole) // 2] if cut else whole)
        for _ in range(len(noise) // 50 if not cut else 0):
            noise[chance.randrange(len(noise))] = chance.randrange(256)
        path.write_bytes(noise)
        store = Vectors(filled.directory, "model", WIDTH, read_seconds=6.0, lock_seconds=1.0)
        if store.healthy(450):
            for question in some(3, seed=9):
                assert len(set(found(store, question)) & set(exact(ids, rows, question, 5))) >= 4


def test_a_store_that_lost_vectors_out_of_its_graph_is_unhealthy_though_the_count_is_right(directory: Path) -> None:
    # What two writers without our lock do: the table has all, the graph has those of one of them.
    import sqlite3

    store = Vectors(directory, "model", WIDTH)
    store.add(names(800), some(800), "repo")
    graph = next(directory.glob("*/index_metadata.pickle")).parent
    saved = {path.name: path.read_bytes() for path in graph.iterdir()}
    store.add(names(400, "b"), some(400, seed=2), "repo")
    for name, content in saved.items():
        (graph / name).write_bytes(content)
    with sqlite3.connect(directory / "chroma.sqlite3") as database:
        database.execute("DELETE FROM embeddings_queue")
    assert store.count() == 1200
    assert not store.healthy(1200)


def test_a_graph_without_its_links_is_unhealthy_though_every_vector_is_there(filled: Vectors) -> None:
    graph = next(filled.directory.glob("*/data_level0.bin"))
    content = bytearray(graph.read_bytes())
    # An element of the lowest level: the number of its links, room for 32 of them, the vector, its label.
    size = 4 + 32 * 4 + WIDTH * 4 + 8
    assert len(content) % size == 0
    for start in range(0, len(content), size):
        content[start : start + 4] = bytes(4)
    graph.write_bytes(content)
    assert filled.count() == 450
    assert not filled.healthy(450)


@DOORS
def test_a_foreign_env_file_and_hostile_variables_change_nothing(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bindings: bool
) -> None:
    hostile = tmp_path / "checkout"
    hostile.mkdir()
    (hostile / ".env").write_bytes("NAME=Jos\xe9\nMIGRATIONS=none\nIS_PERSISTENT=no\nCHROMA_API_IMPL=nothing\n".encode("latin-1"))
    (hostile / "json.py").write_text("raise SystemExit('the working directory was imported')")
    monkeypatch.chdir(hostile)
    for name, value in {
        "MIGRATIONS": "yes",
        "CHROMA_API_IMPL": "no.such.module",
        "CHROMA_SERVER_NOFILE": "many",
        "PERSIST_DIRECTORY": str(hostile),
        "ANONYMIZED_TELEMETRY": "perhaps",
        "PYTHONPATH": str(hostile),
        "PYTHONSTARTUP": str(hostile / "json.py"),
        "RUST_LOG": "trace",
        "CHROMA_OTEL_COLLECTION_ENDPOINT": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    environment = dict(os.environ)
    store = Vectors(directory, "model", WIDTH, bindings=bindings)
    store.add(names(20), some(20), "repo")
    assert found(store, some(20)[3], 1) == names(20)[3:4]
    (next(directory.glob("chroma.sqlite3"))).write_bytes(b"broken")
    with pytest.raises(VectorError):  # the bindings import chromadb to raise an error
        store.query(some(1)[0], 1)
    assert Path.cwd() == hostile and dict(os.environ) == environment
    assert sorted(path.name for path in hostile.iterdir()) == [".env", "json.py"]


def test_a_read_only_store_answers_and_refuses_to_be_written(filled: Vectors) -> None:
    top = filled.directory.parent
    paths = [top, *top.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    source = """
import os
assert not os.access(directory, os.W_OK)
print(store.query(some(450, 0)[7], 1)[0][0], store.count(), store.healthy(450))
for write in (lambda: store.add(["x"], some(1, 1), "r"), lambda: store.delete(["x"]), store.reset):
    try:
        write()
    except Exception as error:
        print(type(error).__name__)
"""
    command = [sys.executable, "-c", PRELUDE + source, ".", str(filled.directory)]
    if os.geteuid() == 0:  # root writes everywhere, unless it gives that up
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv to be a root that minds permissions")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    said = output(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    for path in paths:
        path.chmod(0o755)
    assert said.split() == [names(450)[7], "450", "True", "VectorError", "VectorError", "VectorError"]
    assert filled.healthy(450)


def test_a_full_disk_is_an_error_and_heals(directory: Path) -> None:
    source = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store.add(["first"], some(1, 1), "repo")
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    store.add([f"{n:040x}/s" for n in range(3000)], some(3000, 0), "repo")
except Exception as error:
    print(type(error).__name__)
"""
    assert output(program(source, directory)).strip() == "VectorError"
    store = Vectors(directory, "model", WIDTH)
    assert not store.healthy(3001)
    store.reset()
    store.add(names(3000), some(3000), "repo")
    assert store.healthy(3000)


def test_a_read_that_hangs_ends_in_time(filled: Vectors) -> None:
    header = next(filled.directory.glob("*/header.bin"))
    header.unlink()
    os.mkfifo(header)  # the native call waits in open() for ever, and holds the interpreter's lock while it does
    store = Vectors(filled.directory, "model", WIDTH, read_seconds=2.0)
    started = time.monotonic()
    with pytest.raises(VectorError, match="did not answer"):
        store.query(some(1)[0], 1)
    assert time.monotonic() - started < 5
    assert not Vectors(filled.directory, "model", WIDTH, read_seconds=1.0, lock_seconds=0.5).healthy(450)


def test_a_lock_that_is_held_names_its_holder_and_a_dead_one_holds_nothing(filled: Vectors) -> None:
    store = Vectors(filled.directory, "model", WIDTH, read_seconds=0.6, lock_seconds=0.3)
    lock = Path(f"{filled.directory}.lock")
    with lock.open("r+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stream.write(b"process 4711 (cg refresh)")
        stream.flush()
        writes: list[Callable[[], None]] = [lambda: store.add(["x"], some(1), "repo"), lambda: store.delete(["x"]), store.reset]
        for write in writes:
            with pytest.raises(LockError, match=r"process 4711 \(cg refresh\)"):
                write()
        with pytest.raises(VectorError, match="4711"):
            store.query(some(1)[0], 1)
        with pytest.raises(LockError):
            store.healthy(450)
    assert store.healthy(450), "the name of a dead writer is no lock"
    with lock.open("rb") as stream:  # another reader
        fcntl.flock(stream, fcntl.LOCK_SH)
        with pytest.raises(VectorError):
            store.query(some(1)[0], 1)  # after a writer died the next reader must be alone
    store.add(["x"], some(1), "repo")
    assert lock.read_bytes() == b""
    with lock.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_SH)
        assert store.query(some(1)[0], 1)


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
@DOORS
def test_no_network_call_and_no_file_outside(directory: Path, tmp_path: Path, bindings: bool) -> None:
    source = f"""
store = Vectors(directory, "model", 32, bindings={bindings})
store.add([str(n) for n in range(300)], some(300, 0), "repo")
assert store.query(some(300, 0)[7], 1)[0][0] == "7" and store.path_used == "{"bindings" if bindings else "client"}"
store.reset()
"""
    trace, scratch = tmp_path / "trace", tmp_path / "scratch"
    scratch.mkdir()
    command = ["strace", "-f", "-qq", "-o", str(trace), "-e", "trace=network,%file", sys.executable, "-B", "-c", PRELUDE + source]
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [*command, ".", str(directory)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    output(process)
    lines = trace.read_text(errors="replace").splitlines()
    assert any("chroma.sqlite3" in line for line in lines)
    assert [line for line in lines if re.search(r"\b(connect|sendto|sendmsg|bind)\(", line) or "AF_INET" in line] == []
    written = [line for line in lines if re.search(r"O_WRONLY|O_RDWR|O_CREAT|\b(mkdir|rename|unlink)(at)?2?\(", line)]
    ours = re.compile(re.escape(str(tmp_path)) + '|/dev/|"/proc/|__pycache__')
    relative = re.compile(r"AT_FDCWD, \"/|\(\"/|, \"/")
    assert [line for line in written if relative.search(line) and not ours.search(line) and "ENOENT" not in line] == []
    assert list(scratch.iterdir()) == []
