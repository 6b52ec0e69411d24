"""Vectors on a Chroma server or cluster: for teams that outgrow one machine. The same shape as `vectors.Vectors`."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from contextgraph.errors import VectorError
from contextgraph.index.chroma_process import ask
from contextgraph.index.vectors import collection_name

if TYPE_CHECKING:
    import numpy as np


class Address(msgspec.Struct, frozen=True):
    """Where the server is, and as whom we speak to it. The token comes from the environment or the user's own settings."""

    url: str
    tenant: str = "default_tenant"
    database: str = "default_database"
    token: str = ""


class ServerVectors:
    """The vectors of one model and one repository on a server. Vectors are float32, shape (n, dimensions), rows of length 1.

    The server orders its writers itself, so there is no lock of ours. `read_seconds` bounds a question, `write_seconds` a batch.
    """

    path_used = "server"

    def __init__(
        self, address: Address, model_id: str, dimensions: int, repo: str, *, read_seconds: float = 10.0, write_seconds: float = 120.0
    ) -> None:
        self.address = address
        self.repo = repo
        self.dimensions = dimensions
        self.name = collection_name(model_id, dimensions)
        self._seconds = {"query": read_seconds, "count": 4 * read_seconds}
        self._write_seconds = write_seconds

    def add(self, ids: Sequence[str], vectors: "np.ndarray", repo: str) -> None:
        """Adds or replaces. Raises VectorError when the server is away or refuses; batches before the failure stay written."""
        import numpy as np

        rows = np.ascontiguousarray(vectors, dtype="<f4")
        if rows.shape != (len(ids), self.dimensions):
            raise VectorError(f"{len(ids)} ids need vectors of shape ({len(ids)}, {self.dimensions}), not {rows.shape}")
        if len(ids):
            self._ask("add", rows.tobytes(), ids=list(ids))

    def delete(self, ids: Sequence[str]) -> None:
        if ids:
            self._ask("delete", b"", ids=list(ids))

    def query(self, vector: "np.ndarray", limit: int) -> list[tuple[str, float]]:
        """The nearest `limit` ids of this repository with their cosine similarity, best first. Raises VectorError."""
        import numpy as np

        row = np.ascontiguousarray(vector, dtype="<f4").reshape(-1)
        found = self._ask("query", row.tobytes(), limit=limit)
        hits = zip(found["ids"], found["distances"], strict=True)
        return sorted(((one, 1.0 - distance) for one, distance in hits), key=lambda hit: (-hit[1], hit[0]))

    def count(self) -> int:
        """How many vectors of this repository there are. Raises VectorError."""
        return int(self._ask("count", b"")["count"])

    def healthy(self, expected: int) -> bool:
        """Whether the server holds `expected` vectors of this repository. Raises VectorError when it is away: no fault of the data."""
        return self.count() == expected

    def reset(self) -> None:
        """Throws away what this repository has there, and nothing else."""
        self._ask("reset", b"")

    def _ask(self, operation: str, payload: bytes, **fields: Any) -> dict[str, Any]:
        prefix = hashlib.sha256(self.repo.encode()).hexdigest()[:12] + ":"
        place = {"url": self.address.url, "tenant": self.address.tenant, "database": self.address.database, "token": self.address.token}
        header = {**place, "operation": operation, "name": self.name, "dimensions": self.dimensions, "repo": self.repo, "prefix": prefix}
        seconds = self._seconds.get(operation, self._write_seconds)
        reply = ask({**header, **fields}, payload, seconds, "chroma_remote")
        if "error" in reply:
            raise VectorError(
                f"the Chroma server at {self.address.url} does not answer: {reply['error']}", "search goes by words until it does"
            )
        return reply
