"""Search by meaning: the nearest documents to a question, and vectors for what has none, in a process of its own.

Nothing here is ever in the way: without a model, with a damaged store, with a server away, search has words, and says so.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from contextgraph.config import Config
from contextgraph.errors import EmbeddingError, Error, LockError, VectorError
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.lock import locked

if TYPE_CHECKING:
    import numpy as np

    from contextgraph.embed import Embedder
    from contextgraph.index.filling import VectorStore
    from contextgraph.index.server import Address, Elsewhere

NEAREST = 1_000
"""Documents asked of the vector store for a question; each commit has two or more."""
PATIENCE = 600
"""Seconds after a failure to fill during which only `cg refresh` tries again."""
STALLED = 60.0
"""Seconds without a new vector after which whoever waits for another process that makes them waits no longer."""
Progress = Callable[[str, int, int | None], None]


def quiet(phase: str, done: int, total: int | None) -> None:
    """The progress of whoever does not watch."""


class Near(msgspec.Struct, frozen=True):
    """The cosine of each near document (`<sha>/s`, `<sha>/f`, a decision id), and what keeps that from being all.

    `unfinished`: there are vectors to make or to mend, which `fill` does.
    """

    cosines: dict[str, float] = {}
    reason: str | None = None
    failure: str | None = None
    unfinished: bool = False


class Meaning:
    """The embedder and the vector store that the settings choose: local ones unless the user's own settings name a server."""

    def __init__(self, git: Git, database: Database, settings: Config, repo: Callable[[], str]) -> None:
        self.git = git
        self.database = database
        self.settings = settings
        self.repo = repo

    def embedder(self) -> "Embedder | None":
        """None when no model is installed. Raises EmbeddingError when it is damaged."""
        from contextgraph import embed

        if self.settings.text("embed.kind") == "remote":
            from contextgraph.embed.remote import RemoteEmbedder

            url, model = self.settings.text("embed.url"), self.settings.text("embed.model")
            if not (url and model):
                raise EmbeddingError("embed.kind is remote, and embed.url or embed.model is not set", "cg config set --user embed.url URL")
            return RemoteEmbedder(url, model, self.settings.text("embed.key"))
        return embed.open_embedder()

    def address(self) -> "Address | None":
        """The Chroma server that the user's settings name; None for the store in the repository."""
        if not (url := self.settings.text("index.chroma_url")):
            return None
        from contextgraph.index.server import Address

        named = (self.settings.text(f"index.chroma_{part}") for part in ("tenant", "database", "token"))
        return Address(url, *named)

    def store(self, embedder: "Embedder") -> "VectorStore":
        """Where the vectors of this repository are. Nothing is opened yet."""
        if address := self.address():
            from contextgraph.index.server import ServerVectors

            return ServerVectors(address, embedder.model_id, embedder.dimensions, self.repo())
        from contextgraph.index.vectors import Vectors

        return Vectors(self.git.home / "chroma", embedder.model_id, embedder.dimensions)

    def near(self, question: str) -> Near:
        """What is near the question. Lost or broken vectors are noticed here, by count and by error: nobody else looks each time."""
        from contextgraph.index import filling

        try:
            embedder = self.embedder()
            if embedder is None:
                return Near(reason="no embedding model: found by words alone (`cg model install` adds meaning)")
            lag = filling.state(self.database)
            behind = f"vectors are at {lag.done} of {lag.total}: the rest is found by words alone" if lag.done < lag.total else None
            if not lag.done:
                return Near(reason=behind, unfinished=behind is not None)
            vector = embedder.embed([question])[0]
            store = self.store(embedder)
            if self.database.get("vectors_model") != filling.mark(embedder, store):
                return Near(reason="vectors of this model are not made here yet: found by words alone", unfinished=True)
        except (EmbeddingError, VectorError) as error:
            return Near(reason=f"found by words alone: {error.message}", failure=error.message)
        return self._asked(store, vector, behind)

    def elsewhere(self, question: str, limit: int, known: list[str]) -> "list[Elsewhere]":
        """The nearest documents on the server of repositories that are not among `known`. Raises EmbeddingError, VectorError."""
        address, embedder = self.address(), self.embedder()
        if address is None or embedder is None:
            return []
        from contextgraph.index.server import ServerVectors

        vector = embedder.embed([question])[0]
        return ServerVectors(address, embedder.model_id, embedder.dimensions, self.repo()).elsewhere(vector, limit, known)

    def _asked(self, store: "VectorStore", vector: "np.ndarray", behind: str | None) -> Near:
        before = self._filled()
        try:
            hits = dict(store.query(vector, NEAREST))
        except VectorError as error:
            # A server that is away comes back with what it has; a store here that does not answer has to be looked at.
            reason = f"found by words alone: {error.message}"
            return Near(reason=reason, failure=error.message, unfinished=not store.shared)
        expected = min(before, self._filled())  # fewer when somebody has begun to make them again in between
        there = expected if store.counted is None else store.counted
        if there < expected or len(hits) < min(NEAREST, expected) // 2:
            lost = f"{there if there < expected else len(hits)} of {expected} vectors are left"
            return Near(hits, f"{lost}: the rest is found by words alone until they are made again", lost, unfinished=True)
        return Near(hits, behind, unfinished=behind is not None)

    def _filled(self) -> int:
        return int(self.database.get("vectors_count") or 0)

    def fill(self, progress: Progress, tell: Callable[[str], None]) -> str | None:
        """Give a vector to everything that has none; `tell` hears what was mended. Returns what went wrong, if anything did.

        Another process that is at it already is waited for by who watches. Raises LockError when nothing comes of it for long.
        """
        try:
            embedder = self.embedder()
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

    def forget(self) -> None:
        """Take what a server holds of this repository away; a store here goes with the index. Raises VectorError."""
        address = self.address()
        if address and (repo := self.repo()):
            from contextgraph.index.server import ServerVectors

            ServerVectors(address, "", 0, repo).reset()

    def _filling(self, embedder: "Embedder") -> Any:
        from contextgraph.index.filling import Filling

        return Filling(self.database, self.git, embedder, self.repo(), self.store(embedder))

    def waiting(self) -> bool:
        """Whether there is an embedder and something has no vector yet."""
        from contextgraph.index import filling

        lag = filling.state(self.database)
        try:
            return lag.done < lag.total and self.embedder() is not None
        except EmbeddingError:
            return False  # what is damaged is told by the question that needs it

    def healthy(self) -> bool:
        """Whether the vector store answers and holds what was put into it. True without a model. Raises VectorError."""
        embedder = self.embedder()
        return embedder is None or bool(self._filling(embedder).sound())

    def model_state(self) -> dict[str, Any]:
        if self.settings.text("embed.kind") == "remote":
            try:
                embedder = self.embedder()
            except EmbeddingError as error:
                return {"installed": True, "id": None, "problem": error.message}
            return {"installed": True, "id": embedder.model_id if embedder else None, "problem": None}
        from contextgraph.embed import model

        info = model.info()
        return {"installed": info is not None, "id": info.model_id if info else None, "problem": info.problem if info else None}

    def index_state(self) -> dict[str, Any]:
        """Where the index is, how far the vectors are and where they stand, and the last lines of the log since all went well."""
        from contextgraph.index import filling

        lag = filling.state(self.database)
        path = self.git.home / "log"
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
        worked = self.database.get("worked") or ""
        lines = [line for line in lines[-3:] if line[: len(worked)] >= worked]
        address = self.address()
        place = address.shown if address else str(self.git.home / "chroma")
        counts = {"vectors_done": lag.done, "vectors_total": lag.total, "vectors_in": place}
        return {"path": str(self.database.path), **counts, "errors": lines}


def start(git: Git, environment: Mapping[str, str], what: str = "--embed") -> None:
    """Start a detached process that does what takes long: comparing commits and embedding, or (`--push`) sharing notes."""
    command = [sys.executable, "-I", "-m", "contextgraph.worker", what, str(git.top or git.git_dir)]
    null = subprocess.DEVNULL
    here = {**environment, "GIT_DIR": str(git.git_dir)}
    subprocess.Popen(command, start_new_session=True, cwd=git.home, env=here, stdin=null, stdout=null, stderr=null)
