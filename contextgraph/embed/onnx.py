"""Vectors from an ONNX graph on this machine: no network, no telemetry, the same bytes every time."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contextgraph.errors import EmbeddingError

if TYPE_CHECKING:
    import numpy as np

    Vectors = np.ndarray[Any, np.dtype[np.float32]]

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
MAX_TOKENS = 256  # what all-MiniLM-L6-v2 was trained for; the start and end marks are among them
MAX_CHARACTERS = 32_768  # 256 tokens are about 1,000 characters: a commit that quotes a log must not cost its whole length
THREADS = 2  # over one session of one thread each: 361 messages/s against 53 for padded batches, on 2 cores
REINSTALL = "run `cg model install` again; search works on words alone until then"


class OnnxEmbedder:
    """An encoder and its tokenizer in one directory, loaded on first use. Safe to share between threads."""

    def __init__(self, directory: Path, model_id: str, dimensions: int) -> None:
        self.model_id = model_id
        self.dimensions = dimensions
        self._directory = directory
        self._loading = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row for each text, in order: float32, shape (len(texts), dimensions), Euclidean length 1.

        Text after 256 tokens does not count. Raises EmbeddingError when the model cannot be loaded or run.
        """
        import numpy as np

        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        session, tokenizer = self._load()
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)

        def fill(place: int) -> None:
            vectors[place] = _vector(session, tokenizer, texts[place])

        try:
            if len(texts) == 1:
                fill(0)
            else:
                _in_threads(fill, len(texts))
        except Exception as error:  # onnxruntime raises a class of its own for each status; the shape may be foreign too
            raise EmbeddingError(f"the embedding model in {self._directory} cannot be run: {_one_line(error)}", REINSTALL) from error
        return vectors

    def _load(self) -> tuple[Any, Any]:
        with self._loading:
            if self._loaded is None:
                self._loaded = (_session(self._directory / MODEL_FILE), _tokenizer(self._directory / TOKENIZER_FILE))
            return self._loaded


def _in_threads(fill: Any, count: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(THREADS, thread_name_prefix="embed") as pool:
        try:
            for _ in pool.map(fill, range(count)):
                pass
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C must not wait for ten thousand texts
            raise


def _vector(session: Any, tokenizer: Any, text: str) -> Any:
    """One text a call: an int8 vector depends on its batch mates, through the scale of the activations."""
    import numpy as np

    # Messages in an unknown encoding arrive with lone surrogates, which the tokenizer refuses.
    clean = text[:MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8")
    ids = np.array([tokenizer.encode(clean).ids], dtype=np.int64)
    return session.run(["embedding"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0]


def _session(path: Path) -> Any:
    # onnxruntime >= 1.29 calls its vendor and writes device files at the first session. Only this variable, set before
    # the import, stops it: `disable_telemetry_events()` does not.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors only: its warnings about missing graphics cards are not ours to show
        return onnxruntime.InferenceSession(os.fspath(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as above: a damaged file shows as any of a dozen classes
        raise EmbeddingError(f"the embedding model {path} cannot be loaded: {_one_line(error)}", REINSTALL) from error


def _tokenizer(path: Path) -> Any:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # a thread pool of its own would fight ours, and warns after a fork
    try:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(os.fspath(path))
    except Exception as error:  # the package raises bare Exception
        raise EmbeddingError(f"the tokenizer {path} cannot be loaded: {_one_line(error)}", REINSTALL) from error
    tokenizer.no_padding()  # the file asks for 128 tokens, padded
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
