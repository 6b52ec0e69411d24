"""Embeddings of an OpenAI-compatible server (`/v1/embeddings`): only where the user's own settings name one.

Texts of commits and decisions are sent there; nothing in a repository can switch this on (config: `embed.*` is no policy).
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from contextgraph.errors import EmbeddingError

if TYPE_CHECKING:
    import numpy as np

BATCH = 64
"""Texts in one request."""
SECONDS = 30.0
"""How long the server may keep silent."""
LARGEST = 64 * 1024 * 1024
"""Bytes of an answer that are read: 64 vectors of 4,096 numbers are 6 MB as JSON."""
CURE = "search goes by words until it does"


class _Staying(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: the key and the texts are for the server that was named, and for no other."""

    def redirect_request(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> None:
        return None


class RemoteEmbedder:
    """One model of one server. `url` is the address before `/embeddings`, such as http://localhost:8080/v1.

    `seconds` bounds the wait for each answer. Raises EmbeddingError when `url` is no address of a server.
    """

    def __init__(self, url: str, model: str, key: str, seconds: float = SECONDS) -> None:
        parts = urlsplit(url)
        self._shown = re.sub(r"//[^/@]*@", "//", url.rstrip("/")) + "/embeddings"
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise EmbeddingError(f"embed.url is no address of a server: {self._shown}", "such as http://localhost:8080/v1")
        self._url = url.rstrip("/") + "/embeddings"
        self._model = model
        self._key = key
        self._seconds = seconds
        self._dimensions = 0

    @property
    def model_id(self) -> str:
        """With a digest of the address: what two servers call by one name need not be one model."""
        return f"remote-{self._model}-{hashlib.sha256(self._shown.encode()).hexdigest()[:8]}"

    @property
    def dimensions(self) -> int:
        """As the server's answers have it; one short text is asked about when none was yet. Raises EmbeddingError."""
        if not self._dimensions:
            self.embed(["dimensions"])
        return self._dimensions

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """One row for each text, in order: float32, Euclidean length 1. Raises EmbeddingError."""
        import numpy as np

        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        parts = [self._rows(list(texts[start : start + BATCH])) for start in range(0, len(texts), BATCH)]
        if len({part.shape[1] for part in parts} | ({self._dimensions} if self._dimensions else set())) > 1:
            raise EmbeddingError(f"the embedding server {self._shown} answers with vectors of different lengths")
        found = np.concatenate(parts)
        self._dimensions = int(found.shape[1])
        unit: np.ndarray[Any, np.dtype[np.float32]] = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit

    def _rows(self, texts: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The vectors of one request, as they come. Raises EmbeddingError for an answer of any other shape."""
        import numpy as np

        data = self._request(texts)
        try:
            rows = [each["embedding"] for each in sorted(data["data"], key=lambda each: int(each["index"]))]
            found = np.asarray(rows, dtype=np.float32)
            sound = found.ndim == 2 and found.shape[0] == len(texts) and found.shape[1] > 0
            sound = sound and bool(np.isfinite(found).all() and found.any(axis=1).all())
        except (KeyError, TypeError, ValueError, OverflowError):
            sound = False
        if not sound:
            raise EmbeddingError(f"the embedding server {self._shown} answered with something else than {len(texts)} vectors", CURE)
        return found

    def _request(self, texts: list[str]) -> Any:
        # An empty text is refused by some servers; a commit may have an empty subject.
        clean = [text.encode("utf-8", "replace").decode() or " " for text in texts]
        body = json.dumps({"model": self._model, "input": clean, "encoding_format": "float"}).encode("utf-8")
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {self._key}"} if self._key else {})}
        try:
            request = urllib.request.Request(self._url, data=body, headers=headers)
            with urllib.request.build_opener(_Staying).open(request, timeout=self._seconds) as answer:
                return json.loads(answer.read(LARGEST))
        except urllib.error.HTTPError as error:
            words = http.client.responses.get(error.code, "")
            raise EmbeddingError(f"the embedding server {self._shown} refuses: {error.code} {words}".rstrip(), _cure(error.code)) from None
        except (ValueError, RecursionError):
            raise EmbeddingError(f"the embedding server {self._shown} answered with something that is no JSON", CURE) from None
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or str(error) or type(error).__name__
            raise EmbeddingError(f"the embedding server {self._shown} does not answer: {reason}", CURE) from None


def _cure(code: int) -> str:
    return "set CG_EMBED_KEY" if code in (401, 403) else "see `embed.url` and `embed.model` in `cg config list`"
