"""What the child process is asked, and the store as one request sees it: under the lock, by one of the two doors."""

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

from contextgraph.index.chroma_lock import locked
from contextgraph.index.chroma_store import Rows, Store, open_store


class Absent(Exception):
    """There is no store, or no collection of this model in it."""


class Request:
    """What the parent asked: the fields of the header line, and the float32 vectors that follow it."""

    def __init__(self, header: dict[str, Any], payload: bytes) -> None:
        self.directory = Path(header["directory"])
        self.name: str = header["name"]
        self.bindings: bool = header["bindings"]
        self.wait: float = header["wait"]
        self.who: str = header["who"]
        self.dimensions: int = header["dimensions"]
        self.ids: list[str] = header.get("ids", [])
        self.repo: str = header.get("repo", "")
        self.limit: int = header.get("limit", 0)
        self.payload = payload

    def rows(self, start: int, end: int) -> Rows:
        """Vectors `start` to `end` as lists; no numpy here, whose import would cost a query more than its vector does."""
        width = self.dimensions * 4
        view = memoryview(self.payload)[start * width : end * width]
        if not len(view):
            return []
        rows: Any = view.cast("f", (len(view) // width, self.dimensions)).tolist()
        return list(rows)

    def locked(self, exclusive: bool) -> AbstractContextManager[None]:
        """The lock beside the directory; it outlives the directory, which a reset moves away."""
        return locked(Path(f"{self.directory}.lock"), exclusive, self.wait, self.who)

    @contextmanager
    def writing(self, create: bool) -> Iterator[Store]:
        """The collection for one batch, under the lock. Raises Absent when there is none and `create` is false."""
        with self.locked(exclusive=True), closing(self._open(self.directory, create)) as store:
            yield store

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """The collection, beside other readers. Raises Absent when there is none.

        Chroma opens for writing whatever it reads, so what we may not write (read-only media, another user's clone) is
        copied for the time of the question.
        """
        with self.locked(exclusive=False), self._writable() as directory, closing(self._open(directory, create=False)) as store:
            yield store

    @contextmanager
    def _writable(self) -> Iterator[Path]:
        if not self.directory.is_dir() or os.access(self.directory, os.W_OK):
            yield self.directory
            return
        import tempfile  # rarely needed, and a cold question pays for every import

        with tempfile.TemporaryDirectory(prefix="contextgraph-", ignore_cleanup_errors=True) as place:
            copy = Path(place) / "copy"
            shutil.copytree(self.directory, copy, copy_function=shutil.copyfile)
            copy.chmod(0o700)
            yield copy

    def _open(self, directory: Path, create: bool) -> Store:
        found = open_store(directory, self.name, self.bindings, create)
        if found is None:
            raise Absent
        return found
