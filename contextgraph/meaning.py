"""Search by meaning: the nearest documents to a question, and vectors for what has none, in a process of its own.

Nothing here is ever in the way: without a model, with a damaged store, with a server away, search has words, and says so.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from contextgraph.config import Config
from contextgraph.errors import EmbeddingError, LockError, VectorError
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.lock import locked

if TYPE_CHECKING:
    from contextgraph.embed import Embedder
    from contextgraph.index.filling import VectorStore

NEAREST = 1_000
"""Documents asked of the vector store for a question; each commit has two or more."""
Progress = Callable[[str, int, int | None], None]


def quiet(phase: str, done: int, total: int | None) -> None:
    """The progress of whoever does not watch."""


class Near(msgspec.Struct, frozen=True):
    """The cosine of each near document (`<sha>/s`, `<sha>/f`, a decision id), and what keeps that from being all."""

    cosines: dict[str, float] = {}
    reason: str | None = None
    failure: str | None = None


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

    def store(self, embedder: "Embedder") -> "VectorStore":
        """Where the vectors of this repository are. Nothing is opened yet."""
        if url := self.settings.text("index.chroma_url"):
            from contextgraph.index.server import Address, ServerVectors

            tenant, database = self.settings.text("index.chroma_tenant"), self.settings.text("index.chroma_database")
            address = Address(url, tenant, database, self.settings.text("index.chroma_token"))
            return ServerVectors(address, embedder.model_id, embedder.dimensions, self.repo())
        from contextgraph.index.vectors import Vectors

        return Vectors(self.git.home / "chroma", embedder.model_id, embedder.dimensions)

    def near(self, question: str) -> Near:
        from contextgraph.index import filling

        try:
            embedder = self.embedder()
            if embedder is None:
                return Near(reason="no embedding model: found by words alone (`cg model install` adds meaning)")
            lag = filling.state(self.database)
            behind = f"vectors are at {lag.done} of {lag.total}: the rest is found by words alone" if lag.done < lag.total else None
            if not lag.done:
                return Near(reason=behind)
            vector = embedder.embed([question])[0]
            return Near(dict(self.store(embedder).query(vector, NEAREST)), behind)
        except (EmbeddingError, VectorError) as error:
            return Near(reason=f"found by words alone: {error.message}", failure=error.message)

    def fill(self, progress: Progress, tell: Callable[[str], None]) -> str | None:
        """Give a vector to everything that has none; `tell` hears what was mended. Returns what went wrong, if anything did."""
        try:
            embedder = self.embedder()
            if embedder is None:
                return None
            with locked(self.git.home / "embed.lock", wait=0.0 if progress is quiet else 60.0):
                filling = self._filling(embedder)
                if healed := filling.prepare():
                    tell(healed)
                filling.fill(progress)
        except LockError:
            return None  # another process is at it already
        except (EmbeddingError, VectorError) as error:
            return f"vectors are behind: {error.message}"
        return None

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
            return {"installed": True, "id": f"remote-{self.settings.text('embed.model')}", "problem": None}
        from contextgraph.embed import model

        info = model.info()
        return {"installed": info is not None, "id": info.model_id if info else None, "problem": info.problem if info else None}

    def index_state(self) -> dict[str, Any]:
        """Where the index is, how far the vectors are and where they stand, and the last lines of the log."""
        from contextgraph.index import filling

        lag = filling.state(self.database)
        path = self.git.home / "log"
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-3:] if path.is_file() else []
        place = self.settings.text("index.chroma_url") or str(self.git.home / "chroma")
        counts = {"vectors_done": lag.done, "vectors_total": lag.total, "vectors_in": place}
        return {"path": str(self.database.path), **counts, "errors": lines}


def start(git: Git, environment: Mapping[str, str]) -> None:
    """Start a detached process that does what takes long: comparing commits, embedding."""
    command = [sys.executable, "-I", "-m", "contextgraph.worker", "--embed", str(git.top or git.git_dir)]
    null = subprocess.DEVNULL
    here = {**environment, "GIT_DIR": str(git.git_dir)}
    subprocess.Popen(command, start_new_session=True, cwd=git.home, env=here, stdin=null, stdout=null, stderr=null)
