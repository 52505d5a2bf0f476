"""A small builder of ONNX graphs in which every node has one input that flows."""

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[np.float32]

OPSET = 17
IR_VERSION = 8


class GraphBuilder:
    """Collects nodes and weights; names follow from the order, so equal input gives equal bytes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def weight(self, values: npt.NDArray[Any]) -> str:
        """Store a constant tensor."""
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; returns the name of its output."""
        name = f"{op.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def conv(
        self, flow: str, weight: Array, bias: Array, *, stride: int, pad: int, groups: int = 1
    ) -> str:
        """A square convolution."""
        return self.add(
            "Conv", flow, self.weight(weight), self.weight(bias),
            kernel_shape=list(weight.shape[2:]), strides=[stride] * 2, pads=[pad] * 4, group=groups,
        )  # fmt: skip

    def finish(
        self, flow: str, source: tuple[str, list[Any]], output: tuple[str, list[Any]]
    ) -> bytes:
        """Name the end of the flow and write the checked model."""
        self._nodes.append(helper.make_node("Identity", [flow], [output[0]]))
        graph = helper.make_graph(
            self._nodes,
            self._name,
            [helper.make_tensor_value_info(source[0], TensorProto.FLOAT, source[1])],
            [helper.make_tensor_value_info(output[0], TensorProto.FLOAT, output[1])],
            self._weights,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
            producer_name="dafan",
        )  # fmt: skip
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))
