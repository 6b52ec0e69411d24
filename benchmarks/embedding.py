"""Messages embedded a second by the installed model, beside a naive baseline in the same run.

    python benchmarks/embedding.py REPOSITORY [--messages 2000] [--baseline 400]

The baseline is what one writes first: one thread, batches of 32 in the order of history, padded to the longest.
Each figure is the best of three rounds, on full messages and on subjects of the newest commits.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

BATCH = 32
ROUNDS = 3


def messages(repository: Path, count: int) -> list[str]:
    """The bodies of the newest commits of every ref, newest first."""
    command = ["git", "-C", os.fspath(repository), "log", "--all", "-z", "--format=%B", f"-n{count}"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return [text for text in raw.decode("utf-8", "replace").split("\0") if text.strip()]


def naive(directory: Path) -> Callable[[Sequence[str]], Any]:
    """Padded, unsorted batches on one thread, over the same files."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(os.fspath(directory / "model.onnx"), options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(os.fspath(directory / "tokenizer.json"))
    tokenizer.enable_truncation(256)
    tokenizer.enable_padding()

    def embed(texts: Sequence[str]) -> Any:
        rows = []
        for start in range(0, len(texts), BATCH):
            encoded = tokenizer.encode_batch(list(texts[start : start + BATCH]))
            ids = np.array([one.ids for one in encoded], dtype=np.int64)
            mask = np.array([one.attention_mask for one in encoded], dtype=np.int64)
            rows.append(session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0])
        return np.concatenate(rows)

    return embed


def rate(embed: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> float:
    """Texts a second, best of the rounds, after one text to load the model."""
    embed(texts[:1])
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        embed(texts)
        best = min(best, time.perf_counter() - start)
    return len(texts) / best


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("repository", type=Path)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--baseline", type=int, default=400, help="messages for the slow baseline")
    options = parser.parse_args()

    from contextgraph.embed import model, open_embedder

    found, embedder = model.info(), open_embedder()
    if found is None or embedder is None:
        print("no model is installed: run `cg model install`", file=sys.stderr)
        return 2
    bodies = messages(options.repository, options.messages)
    baseline = naive(found.path)
    print(f"{found.model_id}, {len(bodies)} messages of {options.repository}, {os.cpu_count()} processors")
    print(f"{'':14}{'ours/s':>10}{'naive/s':>10}{'ratio':>8}")
    for label, texts in (("full messages", bodies), ("subjects", [body.lstrip().splitlines()[0] for body in bodies])):
        ours, other = rate(embedder.embed, texts), rate(baseline, texts[: options.baseline])
        print(f"{label:14}{ours:>10.0f}{other:>10.0f}{ours / other:>8.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
