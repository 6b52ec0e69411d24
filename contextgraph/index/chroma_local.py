"""The child process that touches the local Chroma store: one request on stdin, one JSON answer on stdout, then it is gone.

A process of its own, because
- Chroma's native calls hold the interpreter's lock from start to end (one tick of another thread in 1.8 s of adding), so a
  thread cannot put a time limit on a call that hangs; a process can be killed;
- what crashes in native code over damaged files takes nothing of ours along;
- the working directory and the environment that chromadb reads at import are its own, not the user's;
- the file lock belongs to the process that writes, so it ends exactly when the writing ends, even if `cg` was killed before.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable
from operator import mul
from typing import Any

from contextgraph.index.chroma_child import serve
from contextgraph.index.chroma_lock import Busy
from contextgraph.index.chroma_request import Absent, Request
from contextgraph.index.chroma_store import Store

# Vectors a batch: each takes the lock and a fresh client (a client kept open under the lock still corrupts the graph). Chroma
# refuses more than 5,461; 2,000 keep a reader that waits for the lock below half a second.
BATCH = 2000
# Between two batches the lock is free for this long (seconds), and those who wait for it look more often than that.
_GAP = 0.02
# A stored vector is the given one up to Chroma's own normalisation in float32 (about 1e-7 a component).
_SAME = 1e-6
# A sample is four neighbours at each of so many places.
_SAMPLE = 16


def add(request: Request) -> dict[str, Any]:
    """Writes what is new or changed, batch by batch."""
    written = 0

    def write(store: Store, start: int, end: int) -> None:
        nonlocal written
        ids, rows = request.ids[start:end], request.rows(start, end)
        there = store.get(ids)
        # Chroma rewrites a vector that is there in 2 ms, eight times what a new one costs: leave alone what is the same.
        changed = [n for n, one in enumerate(ids) if one not in there or sum(map(mul, there[one], rows[n])) < 1 - _SAME]
        if changed:
            store.upsert([ids[n] for n in changed], [rows[n] for n in changed], request.repo)
        written += len(changed)

    path = _in_batches(request, write, create=True)
    return {"path": path, "written": written}


def delete(request: Request) -> dict[str, Any]:
    """Deletes the ids that are there."""

    def remove(store: Store, start: int, end: int) -> None:
        there = list(store.get(request.ids[start:end]))
        if there:
            store.delete(there)

    return {"path": _in_batches(request, remove, create=False)}


def _in_batches(request: Request, change: Callable[[Store, int, int], None], create: bool) -> str:
    parent, stopped = os.getppid(), []
    # Asked to stop (Ctrl-C in cg), or alone (cg was killed): finish the batch, so that the graph stays whole, and no more.
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    path = ""
    for start in range(0, len(request.ids), BATCH):
        if stopped or os.getppid() != parent:
            break
        if start:
            time.sleep(_GAP)
        with request.writing(create) as store:
            change(store, start, start + BATCH)
            path = store.path
    return path


def count(request: Request) -> dict[str, Any]:
    """How many vectors there are."""
    with request.reading() as store:
        return {"path": store.path, "count": store.count()}


def query(request: Request) -> dict[str, Any]:
    """The nearest ids of each given vector, with their distances."""
    with request.reading() as store:
        total = store.count()
        ids, distances = store.query(request.rows(0, len(request.payload)), min(request.limit, total)) if total else ([[]], [[]])
        return {"path": store.path, "count": total, "ids": ids, "distances": distances}


def probe(request: Request) -> dict[str, Any]:
    """Whether the graph holds what the table says; damage by two writers at once never shows in the count.

    A question for everything walks the whole graph in 3 ms per 1,000 vectors: it reached all of 20,000, 95 % among thousands
    of equal ones, and 72 % of a store that was damaged. Then a sample of vectors is read, and each must find itself.
    """
    with request.reading() as store:
        total = store.count()
        reply = {"path": store.path, "count": total}
        pages = range(0, total, max(1, total // _SAMPLE))
        sample = [list(row) for start in pages for row in store.get(None, limit=4, offset=start).values()]
        if not sample:
            return {**reply, "sound": total == 0}
        reached = len(store.query(sample[:1], total)[0][0])
        _, distances = store.query(sample, 1)
        itself = sum(bool(row) and row[0] < 1e-3 for row in distances)
        return {**reply, "sound": reached >= 0.9 * total and itself >= 0.75 * len(sample)}


def reset(request: Request) -> dict[str, Any]:
    """Moves the store aside in one step, then deletes it and whatever an earlier reset that was killed left behind."""
    with request.locked(exclusive=True):
        if os.path.lexists(request.directory):
            request.directory.rename(f"{request.directory}.old-{os.getpid()}")
        for old in request.directory.parent.glob(f"{request.directory.name}.old-*"):
            if old.is_dir() and not old.is_symlink():
                shutil.rmtree(old)
            else:
                old.unlink()
    return {"path": ""}


def answer(operation: str, request: Request) -> dict[str, Any]:
    """The answer, or `error` (busy, absent, broken) and `message`; every failure of Chroma, panics included, becomes one."""
    try:
        return {"add": add, "delete": delete, "count": count, "query": query, "probe": probe, "reset": reset}[operation](request)
    except Busy as error:
        return {"error": "busy", "message": str(error)}
    except Absent:
        return {"error": "absent", "message": ""}
    except BaseException as error:  # a Rust panic is no Exception
        return {"error": "broken", "message": f"{type(error).__name__}: {error}"}


def main() -> None:
    """What `chroma_process` starts."""
    serve(lambda header, payload: answer(header["operation"], Request(header, payload)))
