"""Vectors in a local Chroma store: a projection that can be thrown away and made again at any time.

Every call is one short child process (`chroma_local` says why); it costs 15 ms over the same call in this one.
"""

import hashlib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contextgraph.errors import LockError, VectorError
from contextgraph.index.chroma_process import CURE, ask

if TYPE_CHECKING:
    import numpy as np


class Vectors:
    """The vectors of one model in the Chroma store at `directory`, one collection a model: they never mix.

    Vectors are float32 arrays of shape (n, dimensions), rows of length 1. Nothing is opened or created until something is
    added. `read_seconds` bounds a read, its wait for a writer's batch included; `lock_seconds` a writer's wait for its turn.
    `bindings=False` keeps to chromadb's public client.
    """

    place = ""
    shared = False
    """The store belongs to this clone alone: it may be emptied to be mended."""

    def __init__(
        self,
        directory: Path,
        model_id: str,
        dimensions: int,
        *,
        read_seconds: float = 10.0,
        lock_seconds: float = 30.0,
        bindings: bool = True,
    ) -> None:
        self.directory = directory.absolute()
        self.name = collection_name(model_id, dimensions)
        self.dimensions = dimensions
        self.path_used: str | None = None
        """Which door answered last: "bindings" or "client"."""
        self.counted: int | None = None
        """How many vectors there were at the last count, query or health check."""
        self._bindings = bindings
        self._read_seconds = read_seconds
        self._lock_seconds = lock_seconds

    def add(self, ids: Sequence[str], vectors: "np.ndarray", repo: str, titles: Sequence[str] = ()) -> None:
        """Adds or replaces; of an id given twice the last vector counts. `repo` is kept beside each vector as metadata.

        `titles` are for servers: here everything has its title in the index.

        Readers get in between batches of 2,000. A new vector costs about 0.3 ms, one that is there unchanged 0.1 ms, one that
        changed 2 ms: reset and add again when most have changed. Raises LockError when another writer goes on holding the
        lock, VectorError when the vectors have the wrong shape or cannot be written; batches before the failure stay written.
        """
        import numpy as np

        rows = np.ascontiguousarray(vectors, dtype="<f4")
        if rows.shape != (len(ids), self.dimensions) or not np.isfinite(rows).all():
            raise VectorError(f"{len(ids)} ids need finite vectors of shape ({len(ids)}, {self.dimensions}), not {rows.shape}")
        last = {one: n for n, one in enumerate(ids)}
        if len(last) != len(ids):
            rows = rows[list(last.values())]
        if last:
            self._write("add", len(last), rows.tobytes(), ids=list(last), repo=repo)

    def delete(self, ids: Sequence[str]) -> None:
        """Deletes; ids that are not there are no error. Raises LockError, VectorError."""
        wanted = list(dict.fromkeys(ids))
        if wanted:
            self._write("delete", len(wanted), b"", ids=wanted)

    def query(self, vector: "np.ndarray", limit: int) -> list[tuple[str, float]]:
        """The nearest `limit` ids with their cosine similarity (-1 to 1), best first; equal ones by id.

        Waits for a writer's batch, never for a whole rebuild. Raises VectorError when the store is absent, broken, busy or hangs.
        """
        import numpy as np

        row = np.ascontiguousarray(vector, dtype="<f4").reshape(-1)
        if row.shape != (self.dimensions,) or not np.isfinite(row).all():
            raise VectorError(f"a question needs a finite vector of {self.dimensions} numbers, not of shape {np.shape(vector)}")
        if limit < 1:
            return []
        reply = self._read("query", row.tobytes(), limit=limit)
        if reply is None:
            raise VectorError("there are no vectors of this model yet", CURE)
        found = zip(reply["ids"][0], reply["distances"][0], strict=True)
        return sorted(((one, 1.0 - distance) for one, distance in found), key=lambda hit: (-hit[1], hit[0]))

    def count(self) -> int:
        """How many vectors there are; 0 when there is no store. Raises VectorError when it is broken, busy or hangs."""
        return 0 if self._read("count") is None else int(self.counted or 0)

    def healthy(self, expected: int) -> bool:
        """Whether the store answers, holds `expected` vectors, reaches them in its graph and finds a sample of them again.

        About 5 ms per 1,000 vectors over `count`. Raises LockError when a writer goes on holding the lock: that is no fault.
        """
        try:
            reply = self._read("probe", wait=self._lock_seconds)
        except VectorError:
            return False
        return expected == 0 if reply is None else reply["count"] == expected and bool(reply["sound"])

    def reset(self) -> None:
        """Throws the store away, those of other models with it, ready for a rebuild. Raises LockError, VectorError."""
        self._write("reset", 0, b"")

    def _write(self, operation: str, amount: int, payload: bytes, **fields: Any) -> None:
        # Fifty times what an add takes here (0.3 ms a vector, 2 ms a replaced one); only a hang gets there.
        seconds = 60 + amount * 0.015 + self._lock_seconds
        if operation == "add":
            _make(self.directory.parent)
        elif not self.directory.parent.is_dir():
            return  # nothing to delete from
        reply = self._ask(operation, payload, self._lock_seconds, seconds, fields)
        if reply.get("error") not in (None, "absent"):
            raise _failure(reply)

    def _read(self, operation: str, payload: bytes = b"", wait: float | None = None, **fields: Any) -> dict[str, Any] | None:
        """The child's answer, None when there is nothing to read. A busy store is a LockError only if `wait` was given."""
        patience = self._read_seconds / 2 if wait is None else wait
        reply = self._ask(operation, payload, patience, patience + self._read_seconds / 2, fields)
        if reply.get("error") == "absent":
            self.counted = 0
            return None
        if "error" in reply:
            error = _failure(reply)
            raise VectorError(error.message, error.hint) if wait is None else error
        self.counted = reply["count"]
        return reply

    def _ask(self, operation: str, payload: bytes, wait: float, seconds: float, fields: dict[str, Any]) -> dict[str, Any]:
        """One child process: the request in, the answer out, killed after `seconds`."""
        asked = {"directory": str(self.directory), "name": self.name, "dimensions": self.dimensions, "bindings": self._bindings}
        program = f"process {os.getpid()} ({Path(sys.argv[0]).name or 'python'})"
        header = {**asked, "operation": operation, "wait": wait, "who": program, "bytes": len(payload), **fields}
        reply = ask(header, payload, seconds)
        self.path_used = reply.get("path") or self.path_used
        return reply


def collection_name(model_id: str, dimensions: int) -> str:
    """A name that Chroma accepts (3 to 512 of [a-zA-Z0-9._-]) and that no two models share."""
    readable = re.sub(r"[^a-zA-Z0-9]+", "-", model_id).strip("-")[:40].strip("-")
    return f"cg-{readable}-{dimensions}-{hashlib.sha256(model_id.encode()).hexdigest()[:12]}"


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VectorError(f"the vector store cannot be made: {error}") from None


def _failure(reply: dict[str, Any]) -> VectorError | LockError:
    if reply["error"] == "busy":
        holder = reply["message"] or "another process"
        return LockError(f"{holder} is using the vector store", "wait for it to finish, then try again")
    return VectorError(f"the vector store is damaged or cannot be written: {reply['message']}", CURE)
