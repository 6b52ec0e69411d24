"""Sentence embeddings: texts in, unit vectors out. Importing this room loads nothing heavy; opening a model does.

The parts: `graph` writes the encoder as ONNX, `source` obtains the original files, `model` is the per-user store,
`onnx` computes vectors, `small` makes a tiny model with random weights for tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np


class Embedder(Protocol):
    """What every embedder offers. Vectors with different `model_id` must never be compared or stored together."""

    @property
    def model_id(self) -> str:
        """Name and digest of everything that shapes a vector: a cache key beside the hash of the text."""

    @property
    def dimensions(self) -> int:
        """The length of a vector."""

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """One row for each text, in order: float32, shape (len(texts), dimensions), Euclidean length 1.

        A text has the same vector, bit for bit, alone and in company. Raises EmbeddingError.
        """


def open_embedder() -> Embedder | None:
    """The installed model, or None when there is none. Cheap: the model itself is loaded by the first `embed`.

    Raises EmbeddingError when what is installed is damaged.
    """
    from contextgraph.embed import model

    found = model.installed()
    if found is None:
        return None
    from contextgraph.embed.onnx import OnnxEmbedder

    return OnnxEmbedder(found.path, found.model_id, found.dimensions)
