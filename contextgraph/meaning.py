"""Search by meaning: the nearest documents to a question, and vectors for what has none, in a process of its own.

Nothing here is ever in the way: without a model, with a damaged store, search has words, and says so.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from contextgraph.errors import EmbeddingError, LockError, VectorError
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.lock import locked

NEAREST = 1_000
"""Documents asked of the vector store for a question; each commit has two or more."""
Report = Callable[[str], None]


def quiet(phase: str, done: int, total: int | None) -> None:
    """The progress of whoever does not watch."""


class Near(msgspec.Struct, frozen=True):
    """The cosine of each near document (`<sha>/s`, `<sha>/f`, a decision id), and what keeps that from being all."""

    cosines: dict[str, float] = {}
    reason: str | None = None
    failure: str | None = None


def near(git: Git, database: Database, question: str) -> Near:
    from contextgraph import embed
    from contextgraph.index import filling

    try:
        embedder = embed.open_embedder()
        if embedder is None:
            return Near(reason="no embedding model: found by words alone (`cg model install` adds meaning)")
        lag = filling.state(database)
        behind = f"vectors are at {lag.done} of {lag.total}: the rest is found by words alone" if lag.done < lag.total else None
        return Near(filling.nearest(git.home, embedder, question, NEAREST) if lag.done else {}, behind)
    except (EmbeddingError, VectorError) as error:
        return Near(reason=f"found by words alone: {error.message}", failure=error.message)


def fill(git: Git, database: Database, repo: str, progress: Callable[[str, int, int | None], None], tell: Report) -> str | None:
    """Give a vector to everything that has none; `tell` hears what was mended. Returns what went wrong, if anything did."""
    from contextgraph import embed
    from contextgraph.index.filling import Filling

    try:
        embedder = embed.open_embedder()
        if embedder is None:
            return None
        with locked(git.home / "embed.lock", wait=0.0 if progress is quiet else 60.0):
            filling = Filling(database, git, embedder, repo)
            if healed := filling.prepare():
                tell(healed)
            filling.fill(progress)
    except LockError:
        return None  # another process is at it already
    except (EmbeddingError, VectorError) as error:
        return f"vectors are behind: {error.message}"
    return None


def waiting(database: Database) -> bool:
    """Whether a model is installed and something has no vector yet."""
    from contextgraph import embed
    from contextgraph.index import filling

    lag = filling.state(database)
    return lag.done < lag.total and embed.open_embedder() is not None


def start(git: Git, environment: Mapping[str, str]) -> None:
    """Start a detached process that does what takes long: comparing commits, embedding."""
    command = [sys.executable, "-I", "-m", "contextgraph.worker", "--embed", str(git.top or git.git_dir)]
    null = subprocess.DEVNULL
    here = {**environment, "GIT_DIR": str(git.git_dir)}
    subprocess.Popen(command, start_new_session=True, cwd=git.home, env=here, stdin=null, stdout=null, stderr=null)


def healthy(git: Git, database: Database) -> bool:
    """Whether the vector store answers and holds what was put into it. True without a model. Raises VectorError."""
    from contextgraph import embed
    from contextgraph.index.filling import Filling

    embedder = embed.open_embedder()
    return embedder is None or Filling(database, git, embedder, "").sound()


def model_state() -> dict[str, Any]:
    from contextgraph.embed import model

    info = model.info()
    return {"installed": info is not None, "id": info.model_id if info else None, "problem": info.problem if info else None}


def index_state(git: Git, database: Database) -> dict[str, Any]:
    """Where the index is, how far the vectors are, and the last lines of the log."""
    from contextgraph.index import filling

    lag = filling.state(database)
    path = git.home / "log"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-3:] if path.is_file() else []
    return {"path": str(database.path), "vectors_done": lag.done, "vectors_total": lag.total, "errors": lines}
