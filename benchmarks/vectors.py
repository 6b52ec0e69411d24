"""Vectors in the local Chroma store: cold query by bindings and by the public client, adding, health, memory, disk.

    python benchmarks/vectors.py [COUNT ...]        (1000 10000 26000)

Random vectors of 384 dimensions are the worst case for the graph. Ratios travel between machines, seconds do not. Times are
medians of 5 after one warm-up, each query in a process of its own, Python's start included.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from contextgraph.index.embedding_cache import EmbeddingCache
from contextgraph.index.vectors import Vectors

WIDTH = 384
# One cold question, and the most memory that its child process had (KiB on Linux, bytes on macOS).
COLD = """
import resource, sys
from pathlib import Path
import numpy as np
from contextgraph.index.vectors import Vectors
store = Vectors(Path(sys.argv[1]), "model", 384, bindings=sys.argv[2] == "bindings")
hits = store.query(np.load(sys.argv[3])[7], 100)
assert len(hits) == 100 and store.path_used == sys.argv[2]
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
# What somebody would write who only knows chromadb.
PLAIN = """
import sys
import numpy as np
import chromadb
client = chromadb.PersistentClient(sys.argv[1], settings=chromadb.Settings(anonymized_telemetry=False))
found = client.get_collection(client.list_collections()[0].name, embedding_function=None)
hits = found.query(query_embeddings=[np.load(sys.argv[3])[7]], n_results=100, include=["distances"])
import resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
NUMPY = "import numpy; print(0)"


def some(count: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, WIDTH)).astype("f4")
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def megabytes(maxrss: int) -> float:
    return maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def cold(source: str, *arguments: str) -> tuple[float, float]:
    """Median seconds of a fresh process that runs `source`, and the megabytes that it printed."""
    times, memory = [], 0
    for _ in range(6):
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", source, *arguments], check=True, capture_output=True, text=True)
        times.append(time.perf_counter() - started)
        memory = max(memory, int(done.stdout))
    return statistics.median(times[1:]), megabytes(memory)


def timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def measure(count: int, directory: Path) -> None:
    """Prints the figures of one store of `count` vectors."""
    store = Vectors(directory / "chroma", "model", WIDTH)
    ids, rows = [f"{n:040x}/s" for n in range(count)], some(count)
    add = timed(lambda: store.add(ids, rows, "repo"))
    again = timed(lambda: store.add(ids, rows, "repo"))
    few = min(500, count)
    changed = timed(lambda: store.add(ids[:few], some(few, seed=1), "repo"))
    one = timed(lambda: store.add(["one"], some(1, seed=2), "repo"))
    health = timed(lambda: store.healthy(count + 1))
    np.save(directory / "rows.npy", rows[:8])
    arguments = (str(directory / "chroma"), "bindings", str(directory / "rows.npy"))
    base, _ = cold(NUMPY)
    fast, fast_memory = cold(COLD, *arguments)
    slow, slow_memory = cold(COLD, arguments[0], "client", arguments[2])
    plain, plain_memory = cold(PLAIN, *arguments)
    disk = sum(path.stat().st_size for path in (directory / "chroma").rglob("*") if path.is_file()) / 2**20
    print(f"{count} vectors: {disk:.0f} MB on disk ({disk / count * 1000:.1f} per 1,000)")
    print(f"  add {add:.2f} s ({count / add:.0f}/s); the same again {again / add:.2f} of that")
    print(f"  one more {one:.2f} s; health check {health:.2f} s")
    print(f"  a changed vector costs {changed / few / (add / count):.1f} times a new one")
    print(f"  cold query: bindings {fast:.2f} s, client {slow:.2f} s, plain chromadb {plain:.2f} s")
    print(f"  of which python and numpy alone {base:.2f} s")
    print(f"  ratio bindings/plain {fast / plain:.2f}; memory {fast_memory:.0f}, {slow_memory:.0f}, {plain_memory:.0f} MB")


def rebuild(count: int, directory: Path) -> None:
    """Prints what a rebuild from a warm embedding cache costs: reading the cache, then adding."""
    cache = EmbeddingCache(directory / "embeddings.db", "model", WIDTH)
    texts, rows = [f"text {n}" for n in range(count)], some(count)
    put = timed(lambda: cache.put_many(texts, rows))
    store = Vectors(directory / "chroma", "model", WIDTH)
    started = time.perf_counter()
    found = np.array([row for row in cache.get_many(texts) if row is not None])
    read = time.perf_counter() - started
    store.add([f"{n:040x}/s" for n in range(count)], found, "repo")
    whole = time.perf_counter() - started
    disk = cache.path.stat().st_size / 2**20
    print(f"rebuild of {count}: {whole:.2f} s, {read:.2f} s of it reading the cache (filled in {put:.2f} s, {disk:.0f} MB)")


def main() -> None:
    for count in [int(word) for word in sys.argv[1:]] or [1000, 10_000, 26_000]:
        with tempfile.TemporaryDirectory() as directory:
            measure(count, Path(directory))
    with tempfile.TemporaryDirectory() as directory:
        rebuild(20_000, Path(directory))
    children = megabytes(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    print(f"most memory of a writing child process {children:.0f} MB")


if __name__ == "__main__":
    main()
