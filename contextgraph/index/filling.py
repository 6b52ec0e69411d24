"""Vectors for what has none yet: of a commit its subject, its full text and, where there are several, its paragraphs; one a
decision; newest first, resumable.

The embedder and the repository are passed in. What is filled is marked in SQLite after Chroma has it, so a crash at any
point only repeats work, most of which the embedding cache has.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Protocol

import msgspec

from contextgraph import commits
from contextgraph.embed import Embedder
from contextgraph.git import Git
from contextgraph.index.database import Database
from contextgraph.index.embedding_cache import EmbeddingCache, as_kept
from contextgraph.index.text import paragraphs

if TYPE_CHECKING:
    import numpy as np

BATCH = 1_000
"""Commits a round: each ends in one write to Chroma, which costs a process and a client of its own."""
SLICE = 128
BUILDER = "2"
"""The version of the rule that makes documents of a commit; another one means that the vectors are made again."""
TITLE = 300
"""Characters of a title that is kept beside a vector on a server."""
LONGEST = 2_000
"""Characters of a full text that are embedded: the model reads 256 word pieces, about 1,000 characters."""


class Lag(msgspec.Struct, frozen=True):
    """How many documents have a vector, out of how many."""

    done: int
    total: int


class VectorStore(Protocol):
    """What every place for vectors offers: `vectors.Vectors` on this machine, `server.ServerVectors` on another.

    `place` tells one from another; `shared`: other clones fill it too. `counted` is what the last answer says there is, if it does.
    """

    place: str
    shared: bool
    counted: int | None

    def add(self, ids: Sequence[str], vectors: "np.ndarray", repo: str, titles: Sequence[str] = ()) -> None: ...
    def delete(self, ids: Sequence[str]) -> None: ...
    def query(self, vector: "np.ndarray", limit: int) -> list[tuple[str, float]]: ...
    def count(self) -> int: ...
    def healthy(self, expected: int) -> bool: ...
    def reset(self) -> None: ...


class Filling:
    def __init__(self, database: Database, git: Git, embedder: Embedder, repo: str, vectors: VectorStore) -> None:
        self.database = database
        self.git = git
        self.embedder = embedder
        self.repo = repo
        self.vectors = vectors
        self.cache = EmbeddingCache(git.home / "embeddings.db", embedder.model_id, embedder.dimensions)

    def prepare(self) -> str | None:
        """See that the store is the one that was filled; empty it for a new start when not. Returns what was wrong, if anything."""
        if self.sound():
            return None
        known = self.database.get("vectors_model")
        expected = int(self.database.get("vectors_count") or 0)
        if self.vectors.shared:
            self.vectors.count()  # a server that is away changes nothing here
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM filled")
            self.database.put("vectors_model", self._mark)
            self.database.put("vectors_count", "0")
        if not self.vectors.shared:
            self.vectors.reset()
        if known is None or (known == self._mark and not expected):
            return None
        why = "were damaged or incomplete" if known == self._mark else "were made by another model or are in another place"
        return f"the vectors ({expected}) {why}: they are made again"

    def sound(self) -> bool:
        """Whether the store is the one that was filled, by this model from texts built this way, and holds what was put into it."""
        known = self.database.get("vectors_model") == self._mark
        return known and self.vectors.healthy(int(self.database.get("vectors_count") or 0))

    @property
    def _mark(self) -> str:
        return mark(self.embedder, self.vectors)

    def fill(self, progress: Callable[[str, int, int | None], None]) -> int:
        """Give a vector to everything that has none; returns how many were added. Raises VectorError, EmbeddingError."""
        added = 0
        while batch := self._waiting():
            documents = self._documents(batch)
            lag = state(self.database)
            tick = partial(_tick, progress, lag)
            rows = self._embed([text for _, text in documents], tick)
            self.vectors.add([key for key, _ in documents], rows, self.repo, _titles(documents))
            with self.database.transaction() as connection:
                connection.executemany("INSERT OR IGNORE INTO filled VALUES (?)", [(key,) for key in batch])
                count = int(self.database.get("vectors_count") or 0) + len(documents)
                self.database.put("vectors_count", str(count))
            added += len(documents)
        return added

    def _waiting(self) -> list[str]:
        """Decisions first, then commits, newest first, without a vector."""
        connection = self.database.connection
        decisions = connection.execute(
            "SELECT DISTINCT id FROM decisions WHERE id NOT IN (SELECT key FROM filled) LIMIT ?", (BATCH,)
        ).fetchall()
        rows = (
            decisions
            or connection.execute(
                "SELECT sha FROM commits WHERE gone = 0 AND sha NOT IN (SELECT key FROM filled) ORDER BY commit_time DESC LIMIT ?", (BATCH,)
            ).fetchall()
        )
        return [key for (key,) in rows]

    def _documents(self, keys: list[str]) -> list[tuple[str, str]]:
        """(vector id, text) of everything to embed for these decisions or commits."""
        if keys[0].startswith("cg-"):
            rows = self.database.connection.execute(
                "SELECT d.id, w.title, w.text FROM decisions d JOIN decision_words w ON w.rowid = d.row"
                " WHERE d.id IN (SELECT value FROM json_each(?)) GROUP BY d.id",
                (json.dumps(keys),),
            )
            return [(key, f"{title}\n{text}"[:LONGEST]) for key, title, text in rows]
        documents: list[tuple[str, str]] = []
        for commit in commits.read(self.git, keys, details=False):
            documents.append((f"{commit.sha}/s", commit.subject))
            if commit.body.strip():
                documents.append((f"{commit.sha}/f", f"{commit.subject}\n{commit.body}"[:LONGEST]))
                documents += [(f"{commit.sha}/p{number}", piece) for number, piece in enumerate(paragraphs(commit.body))]
        return documents

    def _embed(self, texts: list[str], done: Callable[[int], None]) -> "np.ndarray":
        """Vectors of shape (len(texts), dimensions), from the cache or the model, a slice at a time."""
        import numpy as np

        found: list[np.ndarray] = []
        stream = iter(texts)
        while part := list(islice(stream, SLICE)):
            cached = self.cache.get_many(part)
            missing = list(dict.fromkeys(text for text, vector in zip(part, cached, strict=True) if vector is None))
            fresh: dict[str, np.ndarray] = {}
            if missing:
                computed = self.embedder.embed(missing)
                self.cache.put_many(missing, computed)
                fresh = dict(zip(missing, as_kept(computed), strict=True))
            found += [fresh[text] if vector is None else vector for text, vector in zip(part, cached, strict=True)]
            done(len(found))
        return np.stack(found)


def _titles(documents: list[tuple[str, str]]) -> list[str]:
    """The line that each document is shown by where its commit is not known: the subject, the title of a decision."""
    subjects = {key.partition("/")[0]: text for key, text in documents if key.endswith("/s") or "/" not in key}
    return [subjects[key.partition("/")[0]].partition("\n")[0][:TITLE] for key, _ in documents]


def _tick(progress: Callable[[str, int, int | None], None], lag: Lag, embedded: int) -> None:
    """A commit has about two documents; the bar counts commits and decisions."""
    progress("embedding", min(lag.total, lag.done + embedded // 2), lag.total)


def mark(embedder: Embedder, vectors: VectorStore) -> str:
    """By which model, from which documents and into which place vectors are filled: `vectors_model` in the index."""
    return f"{embedder.model_id} {BUILDER} {vectors.place}".rstrip()


def state(database: Database) -> Lag:
    """How far the vectors are, in commits and decisions."""
    connection = database.connection
    total = connection.execute(
        "SELECT (SELECT count(*) FROM commits WHERE gone = 0) + (SELECT count(DISTINCT id) FROM decisions)"
    ).fetchone()[0]
    done = connection.execute("SELECT count(*) FROM filled").fetchone()[0]
    return Lag(min(done, total), total)
