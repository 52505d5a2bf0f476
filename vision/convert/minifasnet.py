"""MiniFASNetV2 and V1SE of minivision-ai/Silent-Face-Anti-Spoofing: state dict → ONNX.

Both are MobileFaceNet-shaped (Chen et al. 2018, arXiv:1804.07573) with pruned widths; the widths,
the depths and the squeeze-and-excitation modules follow from the tensors themselves.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from vision.convert.graph import Array, GraphBuilder
from vision.errors import ModelError

EPSILON = 1e-5
"""PyTorch's default of batch normalisation."""
SIZE = 80


def convert_minifasnet(tensors: Mapping[str, npt.NDArray[np.float32]]) -> bytes:
    """Build the ONNX model, batch normalisation folded into the convolutions.

    Args:
        tensors: The state dict; a ``module.`` prefix of data-parallel training is dropped.

    Returns:
        ``input`` (batch, 3, 80, 80) BGR 0..255 → ``logits`` (batch, 3).

    Raises:
        ModelError: the tensors are not those of a MiniFASNet.
    """
    try:
        return _Converter({n.removeprefix("module."): t for n, t in tensors.items()}).build()
    except KeyError as error:
        raise ModelError(f"these are no MiniFASNet weights: {error.args[0]} is missing") from error


class _Converter:
    def __init__(self, tensors: dict[str, npt.NDArray[np.float32]]) -> None:
        self._tensors = tensors
        self._graph = GraphBuilder("minifasnet")

    def build(self) -> bytes:
        flow = self._conv_block("input", "conv1", stride=2, pad=1)
        flow = self._conv_block(flow, "conv2_dw", stride=1, pad=1)
        for down, stage in (("conv_23", "conv_3"), ("conv_34", "conv_4"), ("conv_45", "conv_5")):
            flow = self._depth_wise(flow, down, stride=2)
            for prefix in self._members(stage):
                flow = self._graph.add("Add", flow, self._depth_wise(flow, prefix, stride=1))
        flow = self._conv_block(flow, "conv_6_sep", stride=1, pad=0)
        flow = self._linear_block(flow, "conv_6_dw", stride=1, pad=0)
        flow = self._graph.add("Flatten", flow, axis=1)
        flow = self._graph.add("MatMul", flow, self._graph.weight(self._head()))
        flow = self._graph.add("Add", flow, self._graph.weight(self._head_bias()))
        return self._graph.finish(
            flow, ("input", ["batch", 3, SIZE, SIZE]), ("logits", ["batch", 3])
        )

    def _members(self, stage: str) -> list[str]:
        """Prefixes of a stage's residual units, in order."""
        numbers = {n.split(".")[2] for n in self._tensors if n.startswith(f"{stage}.model.")}
        return [f"{stage}.model.{number}" for number in sorted(numbers, key=int)]

    def _depth_wise(self, flow: str, prefix: str, stride: int) -> str:
        flow = self._conv_block(flow, f"{prefix}.conv", stride=1, pad=0)
        flow = self._conv_block(flow, f"{prefix}.conv_dw", stride=stride, pad=1)
        flow = self._linear_block(flow, f"{prefix}.project", stride=1, pad=0)
        return self._squeeze_excite(flow, f"{prefix}.se_module")

    def _conv_block(self, flow: str, prefix: str, *, stride: int, pad: int) -> str:
        flow = self._linear_block(flow, prefix, stride=stride, pad=pad)
        slope = self._tensors[f"{prefix}.prelu.weight"].reshape(-1, 1, 1)
        return self._graph.add("PRelu", flow, self._graph.weight(slope))

    def _linear_block(self, flow: str, prefix: str, *, stride: int, pad: int) -> str:
        weight, bias = self._folded(f"{prefix}.conv", f"{prefix}.bn")
        groups = len(weight) if weight.shape[1] == 1 and len(weight) > 1 else 1
        return self._graph.conv(flow, weight, bias, stride=stride, pad=pad, groups=groups)

    def _squeeze_excite(self, flow: str, prefix: str) -> str:
        if f"{prefix}.fc1.weight" not in self._tensors:
            return flow
        gate = self._graph.add("GlobalAveragePool", flow)
        gate = self._graph.conv(
            gate, *self._folded(f"{prefix}.fc1", f"{prefix}.bn1"), stride=1, pad=0
        )
        gate = self._graph.add("Relu", gate)
        gate = self._graph.conv(
            gate, *self._folded(f"{prefix}.fc2", f"{prefix}.bn2"), stride=1, pad=0
        )
        return self._graph.add("Mul", flow, self._graph.add("Sigmoid", gate))

    def _folded(self, conv: str, norm: str) -> tuple[Array, Array]:
        factor, shift = self._normalisation(norm)
        weight = self._tensors[f"{conv}.weight"].astype(np.float64)
        return (weight * factor[:, None, None, None]).astype(np.float32), shift.astype(np.float32)

    def _normalisation(self, norm: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        gamma, beta, mean, variance = (
            self._tensors[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = gamma / np.sqrt(variance + EPSILON)
        return factor, beta - mean * factor

    def _head(self) -> Array:
        """Linear, normalisation and the last linear layer are one matrix; dropout only trains."""
        factor, _ = self._normalisation("bn")
        linear = self._tensors["linear.weight"].astype(np.float64).T * factor
        return (linear @ self._tensors["prob.weight"].astype(np.float64).T).astype(np.float32)

    def _head_bias(self) -> Array:
        _, shift = self._normalisation("bn")
        return (shift @ self._tensors["prob.weight"].astype(np.float64).T).astype(np.float32)
