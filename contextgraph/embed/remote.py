"""Embeddings of an OpenAI-compatible server (`/v1/embeddings`): only where the user's own settings name one.

Texts of commits and decisions are sent there; nothing in a repository can switch this on (config: `embed.*` is no policy).
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from contextgraph.errors import EmbeddingError

if TYPE_CHECKING:
    import numpy as np

BATCH = 64
"""Texts in one request."""
SECONDS = 30
"""How long one request may take."""


class RemoteEmbedder:
    """One model of one server. `url` is the address before `/embeddings`, such as http://localhost:8080/v1."""

    def __init__(self, url: str, model: str, key: str) -> None:
        self._url = url.rstrip("/") + "/embeddings"
        self._model = model
        self._key = key
        self._dimensions = 0

    @property
    def model_id(self) -> str:
        return f"remote-{self._model}"

    @property
    def dimensions(self) -> int:
        """As the server's answers have it; one short text is asked about when none was yet. Raises EmbeddingError."""
        if not self._dimensions:
            self.embed(["dimensions"])
        return self._dimensions

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """One row for each text, in order: float32, Euclidean length 1. Raises EmbeddingError."""
        import numpy as np

        rows: list[list[float]] = []
        for start in range(0, len(texts), BATCH):
            rows += self._request(list(texts[start : start + BATCH]))
        found = np.asarray(rows, dtype=np.float32).reshape(len(rows), -1)
        if not np.isfinite(found).all() or (len(rows) and not found.shape[1]):
            raise EmbeddingError(f"{self._url} answered with something that is no vector")
        self._dimensions = found.shape[1] if len(rows) else self._dimensions
        unit: np.ndarray[Any, np.dtype[np.float32]] = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        return unit

    def _request(self, texts: list[str]) -> list[list[float]]:
        body = json.dumps({"model": self._model, "input": texts}).encode("utf-8")
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self._key}"} if self._key else {})}
        request = urllib.request.Request(self._url, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                data = json.load(answer)["data"]
            rows = [each["embedding"] for each in sorted(data, key=lambda each: each["index"])]
        except urllib.error.HTTPError as error:
            raise EmbeddingError(f"the embedding server {self._url} refuses: {error.code} {error.reason}", _cure(error.code)) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise EmbeddingError(
                f"the embedding server {self._url} does not answer: {error}", "search goes by words until it does"
            ) from None
        if len(rows) != len(texts) or len({len(row) for row in rows}) > 1:
            raise EmbeddingError(f"the embedding server {self._url} answered with {len(rows)} vectors for {len(texts)} texts")
        return rows


def _cure(code: int) -> str:
    return "set CG_EMBED_KEY" if code in (401, 403) else "see `embed.url` and `embed.model` in `cg config list`"
