"""Search by meaning: the embedder and the vector store that the settings choose, and the nearest documents to a question.

Nothing here is ever in the way: without a model, with a damaged store, with a server away, search has words, and says so.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from contextgraph.config import Config
from contextgraph.errors import EmbeddingError, VectorError
from contextgraph.git import Git
from contextgraph.index.database import Database

if TYPE_CHECKING:
    import numpy as np

    from contextgraph.embed import Embedder
    from contextgraph.index.filling import VectorStore
    from contextgraph.index.server import Address, Elsewhere

NEAREST = 1_000
"""Documents asked of the vector store for a question; each commit has two or more."""


class Near(msgspec.Struct, frozen=True):
    """The cosine of each near document (`<sha>/s`, `<sha>/f`, a decision id), and what keeps that from being all.

    `unfinished`: there are vectors to make or to mend, which `refill` does.
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

    def forget(self) -> None:
        """Take what a server holds of this repository away; a store here goes with the index. Raises VectorError."""
        address = self.address()
        if address and (repo := self.repo()):
            from contextgraph.index.server import ServerVectors

            ServerVectors(address, "", 0, repo).reset()

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
