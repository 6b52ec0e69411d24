"""A sentence encoder of the BERT family as an ONNX graph: from plain weights, with no training framework.

The graph takes `input_ids` and `attention_mask` (both int64, batch x sequence) and gives `embedding` (float32, batch x hidden):
token states, averaged under the mask, divided by their Euclidean length.

The same weights give the same bytes under every version of the tools, so the model id, and with it every cached vector,
means the same on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contextgraph.embed.nodes import FLOAT, Writer

if TYPE_CHECKING:
    import onnx

    from contextgraph.embed.nodes import Array

OPSET = 17  # the first with LayerNormalization; known to every onnxruntime that we allow
IR_VERSION = 8  # the one of opset 17: a newer default of the `onnx` package must not change the bytes
MASKED = -1e9  # added to the score of a masked token; exp of it is exactly 0 in float32


@dataclass(frozen=True)
class GraphConfig:
    """The shape of an encoder; the names are those of a BERT `config.json`."""

    num_hidden_layers: int
    hidden_size: int
    num_attention_heads: int
    vocab_size: int
    layer_norm_eps: float = 1e-12

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> GraphConfig:
        """The fields out of a parsed `config.json`. Raises KeyError for one that is not there."""
        return cls(
            num_hidden_layers=values["num_hidden_layers"],
            hidden_size=values["hidden_size"],
            num_attention_heads=values["num_attention_heads"],
            vocab_size=values["vocab_size"],
            layer_norm_eps=values["layer_norm_eps"],
        )


def build_graph(weights: Mapping[str, Array], config: GraphConfig, int8: bool = True) -> onnx.ModelProto:
    """The encoder as an ONNX model.

    `weights` are float32 arrays under the names of a BERT checkpoint (`embeddings.word_embeddings.weight`,
    `encoder.layer.0.attention.self.query.weight` and so on, linear weights as outputs x inputs). A name that is
    missing raises KeyError.
    """
    import onnx
    from onnx import TensorProto, helper

    writer = Writer(int8)
    _constants(writer, config)
    state = _embeddings(writer, weights, config)
    for number in range(config.num_hidden_layers):
        state = _layer(writer, weights, config, f"encoder.layer.{number}", state)
    _pooling(writer, state)
    graph = helper.make_graph(
        writer.nodes,
        "sentence-encoder",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"]) for name in ("input_ids", "attention_mask")],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", config.hidden_size])],
        writer.constants,
    )
    model = helper.make_model(graph, producer_name="contextgraph", opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def _constants(writer: Writer, config: GraphConfig) -> None:
    import numpy as np

    for name, whole in (("zero", [0]), ("one", [1]), ("last", [-1]), ("mask_axes", [1, 2])):
        writer.constant(name, np.array(whole, dtype=np.int64))
    heads, width = config.num_attention_heads, config.hidden_size // config.num_attention_heads
    writer.constant("split_heads", np.array([0, 0, heads, width], dtype=np.int64))
    writer.constant("join_heads", np.array([0, 0, config.hidden_size], dtype=np.int64))
    for name, real in (("half", 0.5), ("unit", 1.0), ("root_two", 2**0.5), ("masked", MASKED), ("tiny", 1e-12)):
        writer.constant(name, np.array(real, dtype=np.float32))


def _embeddings(writer: Writer, weights: Mapping[str, Array], config: GraphConfig) -> str:
    """Words plus positions. There is one segment only: its embedding is added to the positions once, here."""
    words = writer.rows(weights["embeddings.word_embeddings.weight"], "input_ids", "words")
    positions = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    shape = writer.node("Shape", ["input_ids"], "shape")
    length = writer.node("Slice", [shape, "one", writer.constant("two", _two())], "length")
    places = writer.node("Slice", [writer.constant("positions", positions), "zero", length, "zero"], "places")
    summed = writer.node("Add", [words, places], "embeddings.sum")
    real = writer.node("Cast", ["attention_mask"], "mask", to=FLOAT)
    inverse = writer.node("Sub", ["unit", real], "mask.inverse")
    writer.node("Unsqueeze", [writer.node("Mul", [inverse, "masked"], "mask.flat"), "mask_axes"], "mask.scores")
    return writer.norm(summed, weights, "embeddings.LayerNorm", config.layer_norm_eps)


def _two() -> Array:
    import numpy as np

    return np.array([2], dtype=np.int64)


def _layer(writer: Writer, weights: Mapping[str, Array], config: GraphConfig, prefix: str, state: str) -> str:
    attended = _attention(writer, weights, config, prefix, state)
    summed = writer.node("Add", [attended, state], f"{prefix}.attention.sum")
    middle = writer.norm(summed, weights, f"{prefix}.attention.output.LayerNorm", config.layer_norm_eps)
    wide = _dense(writer, weights, f"{prefix}.intermediate.dense", middle)
    narrow = _dense(writer, weights, f"{prefix}.output.dense", _gelu(writer, wide))
    final = writer.node("Add", [narrow, middle], f"{prefix}.output.sum")
    return writer.norm(final, weights, f"{prefix}.output.LayerNorm", config.layer_norm_eps)


def _dense(writer: Writer, weights: Mapping[str, Array], prefix: str, x: str) -> str:
    return writer.linear(x, weights[f"{prefix}.weight"].T.copy(), weights[f"{prefix}.bias"], prefix)


def _attention(writer: Writer, weights: Mapping[str, Array], config: GraphConfig, prefix: str, state: str) -> str:
    """Query, key and value are one wide product (a third of the calls); 1/sqrt(width) is folded into the query."""
    import numpy as np

    name = f"{prefix}.attention"
    factors = {"query": np.float32((config.hidden_size // config.num_attention_heads) ** -0.5), "key": 1, "value": 1}
    weight = np.concatenate([weights[f"{name}.self.{part}.weight"] * factor for part, factor in factors.items()])
    bias = np.concatenate([weights[f"{name}.self.{part}.bias"] * factor for part, factor in factors.items()])
    wide = writer.linear(state, weight.T.astype(np.float32), bias.astype(np.float32), f"{name}.self")
    parts = [f"{name}.{part}" for part in factors]
    writer.node("Split", [wide], f"{name}.split", outputs=parts, axis=-1)
    query, key, value = (
        writer.node("Transpose", [writer.node("Reshape", [part, "split_heads"], f"{part}.heads")], f"{part}.turned", perm=order)
        for part, order in zip(parts, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]), strict=True)
    )
    scores = writer.node("Add", [writer.node("MatMul", [query, key], f"{name}.scores"), "mask.scores"], f"{name}.masked")
    shares = writer.node("Softmax", [scores], f"{name}.shares", axis=-1)
    mixed = writer.node("MatMul", [shares, value], f"{name}.mixed")
    joined = writer.node("Transpose", [mixed], f"{name}.turned", perm=[0, 2, 1, 3])
    return _dense(writer, weights, f"{name}.output.dense", writer.node("Reshape", [joined, "join_heads"], f"{name}.joined"))


def _gelu(writer: Writer, x: str) -> str:
    """x * 0.5 * (1 + erf(x / sqrt 2)), spelled so that onnxruntime fuses it."""
    error = writer.node("Erf", [writer.node("Div", [x, "root_two"], f"{x}.div")], f"{x}.erf")
    product = writer.node("Mul", [x, writer.node("Add", [error, "unit"], f"{x}.plus")], f"{x}.mul")
    return writer.node("Mul", [product, "half"], f"{x}.gelu")


def _pooling(writer: Writer, state: str) -> None:
    column = writer.node("Unsqueeze", ["mask", "last"], "mask.column")
    total = writer.node("ReduceSum", [writer.node("Mul", [state, column], "masked_state"), "one"], "total", keepdims=0)
    count = writer.node("ReduceSum", [column, "one"], "count", keepdims=0)
    mean = writer.node("Div", [total, writer.node("Max", [count, "unit"], "count.least")], "mean")
    length = writer.node("ReduceL2", [mean], "length.raw", axes=[1], keepdims=1)
    writer.node("Div", [mean, writer.node("Max", [length, "tiny"], "length.least")], "embedding")
