"""A small encoder with random weights and a real WordPiece vocabulary: real parts for tests and trials, made in a second.

Its vectors know nothing of meaning, but texts that share words are closer than texts that do not. Words are cut into
pairs of letters, of which the vocabulary holds all.
"""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Mapping
from itertools import product

from contextgraph.embed.graph import GraphConfig, build_graph
from contextgraph.embed.model import ModelInfo, store_built
from contextgraph.embed.source import Original

MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
NAME = "small-random"


def store_small() -> ModelInfo:
    """Puts the small model into the user's store (point XDG_DATA_HOME at a directory of the test's first)."""
    from safetensors.numpy import load

    files = small_files()
    config = GraphConfig.from_json(json.loads(files["config.json"]))
    graph = build_graph(load(files["model.safetensors"]), config).SerializeToString(deterministic=True)
    return store_built(graph, files["tokenizer.json"], NAME)


def small_files(layers: int = 2, hidden: int = 32, heads: int = 4, seed: int = 7) -> dict[str, bytes]:
    """The files of a published model, by name, as `install` reads them."""
    vocabulary = _vocabulary()
    config = {
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "vocab_size": len(vocabulary),
        "layer_norm_eps": 1e-12,
    }
    return {
        "model.safetensors": _weights(layers, hidden, len(vocabulary), seed),
        "tokenizer.json": _tokenizer(vocabulary),
        "config.json": json.dumps(config).encode(),
        "vocab.txt": "\n".join(vocabulary).encode(),
    }


def small_original(files: Mapping[str, bytes]) -> Original:
    """The digests of `files`, as those of a published model called `tiny-encoder` 0.1.0."""
    return Original(
        name="tiny-encoder",
        package="tiny-encoder==0.1.0",
        package_bytes=sum(len(content) for content in files.values()),
        hub_folder="models--tiny--encoder",
        hub_revision="0" * 40,
        files={name: (hashlib.sha256(content).hexdigest(), len(content)) for name, content in files.items()},
    )


def _vocabulary() -> list[str]:
    singles = sorted(set(string.printable) - set(string.whitespace) - set(string.ascii_uppercase))
    pairs = ["".join(pair) for pair in product(string.ascii_lowercase, repeat=2)]
    pieces = [*singles, *pairs]
    return [*MARKS, *pieces, *(f"##{piece}" for piece in pieces)]


def _tokenizer(vocabulary: list[str]) -> bytes:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    ids = {piece: number for number, piece in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    text: str = tokenizer.to_str()
    return text.encode()


def _weights(layers: int, hidden: int, vocabulary: int, seed: int) -> bytes:
    import numpy as np
    from safetensors.numpy import save

    random = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (vocabulary, hidden),
        "embeddings.position_embeddings.weight": (512, hidden),
        "embeddings.token_type_embeddings.weight": (2, hidden),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in (f"encoder.layer.{number}" for number in range(layers)):
        linear = {f"attention.self.{part}": (hidden, hidden) for part in ("query", "key", "value")}
        linear |= {"attention.output.dense": (hidden, hidden)}
        linear |= {"intermediate.dense": (4 * hidden, hidden), "output.dense": (hidden, 4 * hidden)}
        for name, shape in linear.items():
            shapes |= {f"{layer}.{name}.weight": shape, f"{layer}.{name}.bias": shape[:1]}
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    # Words count ten times as much as places: else every vector says little but "I start at the beginning".
    weights = {name: random.normal(0, 0.2 if "word" in name else 0.02, shape).astype(np.float32) for name, shape in shapes.items()}
    for name in norms:
        weights |= {f"{name}.weight": np.ones(hidden, dtype=np.float32), f"{name}.bias": np.zeros(hidden, dtype=np.float32)}
    saved: bytes = save(weights)
    return saved
