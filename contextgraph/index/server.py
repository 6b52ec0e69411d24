"""Vectors on a Chroma server or cluster: for teams that outgrow one machine. The same shape as `vectors.Vectors`."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from contextgraph.errors import VectorError
from contextgraph.index.chroma_process import ask
from contextgraph.index.vectors import collection_name

if TYPE_CHECKING:
    import numpy as np

CURE = "search goes by words until it does"


class Address(msgspec.Struct, frozen=True):
    """Where the server is, and as whom we speak to it. The token comes from the environment or the user's own settings."""

    url: str
    tenant: str = "default_tenant"
    database: str = "default_database"
    token: str = ""

    @property
    def shown(self) -> str:
        """The address as it may be printed: without what stands before an @."""
        head, _, tail = self.url.rpartition("@")
        return f"{urlsplit(head).scheme}://{tail}" if head else self.url


class Elsewhere(msgspec.Struct, frozen=True):
    """A document of another repository, as the server has it: a commit (`<sha>/s`…) or a decision, its title, its cosine."""

    repo: str
    document: str
    title: str
    cosine: float


class ServerVectors:
    """The vectors of one model and one repository on a server. Vectors are float32, shape (n, dimensions), rows of length 1.

    The server orders its writers itself, so there is no lock of ours. `read_seconds` bounds a question, `write_seconds` a batch.
    """

    shared = True
    """Other clones of the repository fill the same place: what is there is added to, never emptied, to mend it."""

    def __init__(
        self, address: Address, model_id: str, dimensions: int, repo: str, *, read_seconds: float = 10.0, write_seconds: float = 120.0
    ) -> None:
        self.address = address
        self.repo = repo
        self.dimensions = dimensions
        self.name = collection_name(model_id, dimensions)
        self.place = f"{address.shown} {address.tenant} {address.database}"
        self.counted: int | None = None
        self._seconds = {"query": read_seconds, "elsewhere": read_seconds, "count": 4 * read_seconds}
        self._write_seconds = write_seconds

    def add(self, ids: Sequence[str], vectors: "np.ndarray", repo: str, titles: Sequence[str] = ()) -> None:
        """Adds or replaces. `titles` are what others see of what is not on their machine, one for each id.

        Raises VectorError when the server is away or refuses; batches before the failure stay written.
        """
        import numpy as np

        rows = np.ascontiguousarray(vectors, dtype="<f4")
        if rows.shape != (len(ids), self.dimensions) or not np.isfinite(rows).all():
            raise VectorError(f"{len(ids)} ids need finite vectors of shape ({len(ids)}, {self.dimensions}), not {rows.shape}")
        last = {one: n for n, one in enumerate(ids)}
        if last:
            places = list(last.values())
            named = [titles[n] for n in places] if titles else []
            self._ask("add", rows[places].tobytes(), ids=list(last), titles=named)

    def delete(self, ids: Sequence[str]) -> None:
        if ids:
            self._ask("delete", b"", ids=list(ids))

    def query(self, vector: "np.ndarray", limit: int) -> list[tuple[str, float]]:
        """The nearest `limit` ids of this repository with their cosine similarity, best first. Raises VectorError."""
        found = self._ask("query", self._row(vector), limit=limit)
        hits = zip(found["ids"], found["distances"], strict=True)
        return sorted(((one, 1.0 - distance) for one, distance in hits), key=lambda hit: (-hit[1], hit[0]))

    def elsewhere(self, vector: "np.ndarray", limit: int, known: Sequence[str]) -> list[Elsewhere]:
        """The nearest documents of repositories that are not among `known`, best first. Raises VectorError."""
        found = self._ask("elsewhere", self._row(vector), limit=limit, known=list(known))
        hits = [Elsewhere(repo, document, title, 1.0 - distance) for repo, document, title, distance in found["hits"]]
        return sorted(hits, key=lambda hit: (-hit.cosine, hit.repo, hit.document))

    def count(self) -> int:
        """How many vectors of this repository there are. Raises VectorError."""
        return int(self._ask("count", b"")["count"])

    def healthy(self, expected: int) -> bool:
        """Whether the server holds `expected` vectors of this repository or more (other clones add theirs).

        Raises VectorError when it is away: no fault of the data.
        """
        return self.count() >= expected

    def reset(self) -> None:
        """Throws away what this repository has there, of whatever model, and nothing of another. Raises VectorError."""
        self._ask("reset", b"")

    def _row(self, vector: "np.ndarray") -> bytes:
        import numpy as np

        row = np.ascontiguousarray(vector, dtype="<f4").reshape(-1)
        if row.shape != (self.dimensions,) or not np.isfinite(row).all():
            raise VectorError(f"a question needs a finite vector of {self.dimensions} numbers, not of shape {np.shape(vector)}")
        return row.tobytes()

    def _ask(self, operation: str, payload: bytes, **fields: Any) -> dict[str, Any]:
        prefix = hashlib.sha256(self.repo.encode("utf-8", "surrogateescape")).hexdigest()[:12] + ":"
        place = {"url": self.address.url, "tenant": self.address.tenant, "database": self.address.database, "token": self.address.token}
        header = {**place, "operation": operation, "name": self.name, "dimensions": self.dimensions, "repo": self.repo, "prefix": prefix}
        try:
            reply = ask({**header, **fields}, payload, self._seconds.get(operation, self._write_seconds), "chroma_remote")
        except VectorError as error:
            raise VectorError(f"the Chroma server at {self.address.shown} does not answer: {error.message}", CURE) from None
        if "error" in reply:
            said = reply["error"].replace(self.address.token, "…") if self.address.token else reply["error"]
            raise VectorError(f"the Chroma server at {self.address.shown} does not answer: {said}", CURE)
        return reply
