"""Vectors for what has none, made by one process at a time; how far they are, and whether it is worth while to go on."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from contextgraph.errors import EmbeddingError, Error, LockError, VectorError
from contextgraph.git import Git
from contextgraph.lock import locked
from contextgraph.meaning import Meaning

if TYPE_CHECKING:
    from contextgraph.embed import Embedder

PATIENCE = 600
"""Seconds after a failure to fill during which only `cg refresh` tries again."""
STALLED = 60.0
"""Seconds without a new vector after which whoever waits for another process that makes them waits no longer."""
Progress = Callable[[str, int, int | None], None]


def quiet(phase: str, done: int, total: int | None) -> None:
    """The progress of whoever does not watch."""


class Refill:
    """The vectors of one repository, as `meaning` has them made and kept."""

    def __init__(self, git: Git, meaning: Meaning) -> None:
        self.git = git
        self.meaning = meaning
        self.database = meaning.database

    def fill(self, progress: Progress, tell: Callable[[str], None]) -> str | None:
        """Give a vector to everything that has none; `tell` hears what was mended. Returns what went wrong, if anything did.

        Another process that is at it already is waited for by who watches. Raises LockError when nothing comes of it for long.
        """
        try:
            embedder = self.meaning.embedder()
            if embedder is None:
                return None
            with self._turn(progress):
                filling = self._filling(embedder)
                if healed := filling.prepare():
                    tell(healed)
                filling.fill(progress)
        except LockError:
            if progress is quiet:
                return None  # another process is at it already
            raise
        except (EmbeddingError, VectorError) as error:
            self._failed(time.time())
            return f"vectors are behind: {error.message}"
        self._failed(None)
        return None

    @contextmanager
    def _turn(self, progress: Progress) -> Iterator[None]:
        """The lock of who makes vectors. While another process has it, `progress` hears how far that one is."""
        from contextgraph.index import filling

        lag, since = filling.state(self.database), time.monotonic()
        while progress is not quiet and self.busy():
            seen = filling.state(self.database)
            lag, since = (lag, since) if seen == lag else (seen, time.monotonic())
            progress("embedding", lag.done, lag.total)
            if time.monotonic() - since >= STALLED:
                break
            time.sleep(0.1)
        with locked(self.git.home / "embed.lock", wait=0.0 if progress is quiet else 1.0):
            yield

    def busy(self) -> bool:
        """Whether a process makes vectors now."""
        try:
            with locked(self.git.home / "embed.lock", wait=0.0):
                return False
        except LockError:
            return True
        except Error:
            return False  # nothing can be written here, so nobody is at it

    def _failed(self, when: float | None) -> None:
        if self.database.writable and (when or self.database.get("vectors_failed")):
            with self.database.transaction():
                self.database.put("vectors_failed", str(int(when)) if when else "")

    def may_start(self) -> bool:
        """Whether a process of its own may be started to fill. Not again for a while where that has just failed: with a server
        away, or a full disk, every question and every commit would start one."""
        last = self.database.get("vectors_failed")
        return not last or not 0 <= time.time() - int(last) < PATIENCE

    def waiting(self) -> bool:
        """Whether there is an embedder and something has no vector yet."""
        from contextgraph.index import filling

        lag = filling.state(self.database)
        try:
            return lag.done < lag.total and self.meaning.embedder() is not None
        except EmbeddingError:
            return False  # what is damaged is told by the question that needs it

    def healthy(self) -> bool:
        """Whether the vector store answers and holds what was put into it. True without a model. Raises VectorError."""
        embedder = self.meaning.embedder()
        return embedder is None or bool(self._filling(embedder).sound())

    def index_state(self) -> dict[str, Any]:
        """Where the index is, how far the vectors are and where they stand, and the last lines of the log since all went well."""
        from contextgraph.index import filling

        lag = filling.state(self.database)
        path = self.git.home / "log"
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
        worked = self.database.get("worked") or ""
        lines = [line for line in lines[-3:] if line[: len(worked)] >= worked]
        address = self.meaning.address()
        place = address.shown if address else str(self.git.home / "chroma")
        counts = {"vectors_done": lag.done, "vectors_total": lag.total, "vectors_in": place}
        return {"path": str(self.database.path), **counts, "errors": lines}

    def _filling(self, embedder: "Embedder") -> Any:
        from contextgraph.index.filling import Filling

        return Filling(self.database, self.git, embedder, self.meaning.repo(), self.meaning.store(embedder))


def start(git: Git, environment: Mapping[str, str], what: str = "--embed") -> None:
    """Start a detached process that does what takes long: comparing commits and embedding, or (`--push`) sharing notes."""
    command = [sys.executable, "-I", "-m", "contextgraph.worker", what, str(git.top or git.git_dir)]
    null = subprocess.DEVNULL
    here = {**environment, "GIT_DIR": str(git.git_dir)}
    subprocess.Popen(command, start_new_session=True, cwd=git.home, env=here, stdin=null, stdout=null, stderr=null)
