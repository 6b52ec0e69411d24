"""The nodes of an ONNX graph, in float32 or in int8: products, table look-ups, norms.

The int8 form is written directly rather than by a quantiser run over the float graph. On the message bodies of a real
repository it is as near to the float model (cosine .993) and a third faster, it needs no scratch files, and its bytes
do not depend on the version of a quantiser.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

FLOAT = 1  # TensorProto.FLOAT


class Writer:
    """Nodes and constants in the order in which they are asked for; every value is known by its name."""

    def __init__(self, int8: bool) -> None:
        self.int8 = int8
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._quantised: dict[str, tuple[str, str, str]] = {}

    def constant(self, name: str, value: Array) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def node(self, operator: str, inputs: Sequence[str], name: str, outputs: Sequence[str] = (), **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, list(inputs), list(outputs) or [name], name=name, **attributes))
        return name

    def linear(self, x: str, weight: Array, bias: Array, name: str) -> str:
        """x @ weight + bias; weight is inputs x outputs."""
        if self.int8:
            product = self._int8_product(x, weight, name)
        else:
            product = self.node("MatMul", [x, self.constant(f"{name}.weight", weight)], f"{name}.product")
        return self.node("Add", [product, self.constant(f"{name}.bias", bias)], name)

    def _int8_product(self, x: str, weight: Array, name: str) -> str:
        """The product in integers: uint8 activations by int8 weights, one weight scale for each output channel.

        One scale for the whole matrix costs accuracy (cosine .945 against .992 to the float model). The order of the nodes is
        the one that onnxruntime fuses into one kernel.
        """
        import numpy as np

        if x not in self._quantised:
            parts = (f"{x}.uint8", f"{x}.scale", f"{x}.zero")
            self.node("DynamicQuantizeLinear", [x], f"{x}.quantise", outputs=parts)
            self._quantised[x] = parts
        x_int, x_scale, x_zero = self._quantised[x]
        levels, scales = quantise(weight, axis=0)
        weight_name = self.constant(f"{name}.weight", levels)
        scale_name = self.constant(f"{name}.weight.scale", scales.reshape(-1))
        zero_name = self.constant(f"{name}.weight.zero", np.zeros(scales.size, dtype=np.int8))
        whole = self.node("MatMulInteger", [x_int, weight_name, x_zero, zero_name], f"{name}.integers")
        real = self.node("Cast", [whole], f"{name}.cast", to=FLOAT)
        scale = self.node("Mul", [x_scale, scale_name], f"{name}.scale")
        return self.node("Mul", [real, scale], f"{name}.product")

    def rows(self, table: Array, ids: str, name: str) -> str:
        """The rows of a table: int8 with one scale for each row, since the word table is half of the model's bytes."""
        if not self.int8:
            return self.node("Gather", [self.constant(f"{name}.table", table), ids], name, axis=0)
        levels, scales = quantise(table, axis=1)
        level = self.node("Gather", [self.constant(f"{name}.table", levels), ids], f"{name}.level", axis=0)
        real = self.node("Cast", [level], f"{name}.cast", to=FLOAT)
        scale = self.node("Gather", [self.constant(f"{name}.scale", scales), ids], f"{name}.row_scale", axis=0)
        return self.node("Mul", [real, scale], name)

    def norm(self, x: str, weights: Mapping[str, Array], prefix: str, epsilon: float) -> str:
        scale = self.constant(f"{prefix}.weight", weights[f"{prefix}.weight"])
        bias = self.constant(f"{prefix}.bias", weights[f"{prefix}.bias"])
        return self.node("LayerNormalization", [x, scale, bias], prefix, axis=-1, epsilon=epsilon)


def quantise(matrix: Array, axis: int) -> tuple[Array, Array]:
    """Symmetric int8 levels and the float32 scales that undo them, one scale for each slice across `axis`."""
    import numpy as np

    scales = np.maximum(np.abs(matrix).max(axis=axis, keepdims=True), np.float32(1e-12)) / np.float32(127)
    return np.rint(matrix / scales).astype(np.int8), scales.astype(np.float32)
