"""dlib's face recognition ResNet v1: its ``.dat`` serialisation → ONNX.

dlib writes a network from the input outward, each layer as a name and its parameters. The layers
that hold numbers are the input (means), ``con_4`` (convolution), ``affine_`` (a frozen batch
normalisation) and ``fc_2``; pooling and additions follow from the architecture (dlib,
``dnn_face_recognition_ex.cpp``): after the stem, pairs of 3 x 3 convolutions with a shortcut, where
a pair that begins with stride 2 has an average-pooled shortcut, and what differs in size or
channels is filled up with zeros.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vision.convert.graph import Array, GraphBuilder
from vision.errors import ModelError

SIZE = 150
_NAMES = (b"input_rgb_image_sized", b"con_4", b"affine_", b"fc_2")


class _Reader:
    """dlib's serialisation: integers with a length byte, floats as mantissa and exponent."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self.at = at

    def _take(self, count: int) -> bytes:
        part = self._data[self.at : self.at + count]
        if len(part) != count:
            raise ModelError("the dlib file is cut off: fetch it again")
        self.at += count
        return part

    def integer(self) -> int:
        """A length byte (highest bit: negative), then that many bytes, little end first."""
        (head,) = self._take(1)
        value = int.from_bytes(self._take(head & 0x0F), "little")
        return -value if head & 0x80 else value

    def real(self) -> float:
        """Mantissa and binary exponent."""
        mantissa = self.integer()
        return float(mantissa * 2.0 ** self.integer())

    def tensor(self) -> Array:
        """Version 2: four sizes, then raw little-endian floats."""
        if self.integer() != 2:
            raise ModelError("the dlib file has tensors of an unknown version")
        sizes = [self.integer() for _ in range(4)]
        count = int(np.prod(sizes, dtype=np.int64))
        if not 0 <= count <= len(self._data) // 4:
            raise ModelError("the dlib file is damaged: a tensor is larger than the file")
        return np.frombuffer(self._take(4 * count), "<f4").copy()


@dataclass(frozen=True, eq=False)
class _Conv:
    weight: Array
    bias: Array
    stride: int
    pad: int


@dataclass(frozen=True, eq=False)
class _Network:
    mean: Array
    convs: list[_Conv]
    head: Array


def convert_dlib_resnet(data: bytes) -> bytes:
    """Build the ONNX model.

    Args:
        data: The ``.dat`` file.

    Returns:
        ``input`` (batch, 3, 150, 150) RGB 0..255 → ``embedding`` (batch, 128), not normalised.

    Raises:
        ModelError: not this network.
    """
    try:
        network = _read(data)
        return _build(network)
    except (ValueError, IndexError, struct.error, OverflowError) as error:
        raise ModelError(f"this is not dlib's face recognition network: {error}") from error


def _read(data: bytes) -> _Network:
    mean, head = np.zeros(0, np.float32), np.zeros(0, np.float32)
    convs: list[_Conv] = []
    channels = 3
    for name, reader in _layers(data):
        if name == b"input_rgb_image_sized":
            mean = np.array([reader.real() for _ in range(3)], np.float32)
        elif name == b"con_4":
            convs.append(_read_conv(reader, channels))
            channels = len(convs[-1].weight)
        elif name == b"affine_":
            convs[-1] = _scaled(convs[-1], reader.tensor())
        else:
            reader.integer(), reader.integer()  # outputs and inputs; the tensor repeats them
            head = reader.tensor()
    if len(mean) != 3 or len(convs) < 3 or len(convs) % 2 == 0 or len(head) != channels * 128:
        raise ModelError("this is not dlib's face recognition network")
    return _Network(mean, convs, head.reshape(channels, 128))


def _layers(data: bytes) -> Iterator[tuple[bytes, _Reader]]:
    """Layers that hold numbers, in order; what a layer read is never searched for names."""
    pattern = re.compile(b"|".join(re.escape(bytes([1, len(n)]) + n) for n in _NAMES))
    at = 0
    while (found := pattern.search(data, at)) is not None:
        reader = _Reader(data, found.end())
        yield found.group()[2:], reader
        at = reader.at


def _read_conv(reader: _Reader, channels: int) -> _Conv:
    values = reader.tensor()
    filters, rows, columns, stride, _, pad, _ = (reader.integer() for _ in range(7))
    count = filters * channels * rows * columns
    if count + filters != len(values):
        raise ModelError("a convolution has another number of weights than its shape asks for")
    weight = values[:count].reshape(filters, channels, rows, columns)
    return _Conv(weight, values[count:], stride, pad)


def _scaled(conv: _Conv, values: Array) -> _Conv:
    """The frozen normalisation after a convolution: first all factors, then all shifts."""
    factor, shift = values.reshape(2, -1).astype(np.float64)
    weight = (conv.weight.astype(np.float64) * factor[:, None, None, None]).astype(np.float32)
    return _Conv(weight, (conv.bias * factor + shift).astype(np.float32), conv.stride, conv.pad)


def _build(network: _Network) -> bytes:
    graph = GraphBuilder("dlib_resnet")
    flow = graph.add("Sub", "input", graph.weight(network.mean.reshape(1, 3, 1, 1)))
    flow = graph.add("Mul", flow, graph.weight(np.array(1 / 256, np.float32)))
    stem, *pairs = network.convs
    flow = graph.add(
        "Relu", graph.conv(flow, stem.weight, stem.bias, stride=stem.stride, pad=stem.pad)
    )
    flow = graph.add("MaxPool", flow, kernel_shape=[3, 3], strides=[2, 2])
    side, channels = (_after(SIZE, stem) - 3) // 2 + 1, len(stem.weight)
    for first, second in zip(pairs[::2], pairs[1::2], strict=True):
        flow, side, channels = _pair(graph, flow, side, channels, first, second)
    flow = graph.add("Flatten", graph.add("GlobalAveragePool", flow), axis=1)
    flow = graph.add("MatMul", flow, graph.weight(network.head))
    return graph.finish(flow, ("input", ["batch", 3, SIZE, SIZE]), ("embedding", ["batch", 128]))


def _pair(
    graph: GraphBuilder, flow: str, side: int, channels: int, first: _Conv, second: _Conv
) -> tuple[str, int, int]:
    """Two convolutions and their shortcut; returns the flow with its new side and channels."""
    inner = graph.conv(flow, first.weight, first.bias, stride=first.stride, pad=first.pad)
    inner = graph.add("Relu", inner)
    inner = graph.conv(inner, second.weight, second.bias, stride=second.stride, pad=second.pad)
    inner_side, inner_channels = _after(_after(side, first), second), len(second.weight)
    if first.stride == 2:
        flow = graph.add("AveragePool", flow, kernel_shape=[2, 2], strides=[2, 2])
        side = (side - 2) // 2 + 1
    both_side, both = max(side, inner_side), max(channels, inner_channels)
    inner = _fill(graph, inner, both - inner_channels, both_side - inner_side)
    flow = _fill(graph, flow, both - channels, both_side - side)
    return graph.add("Relu", graph.add("Add", inner, flow)), both_side, both


def _fill(graph: GraphBuilder, flow: str, channels: int, side: int) -> str:
    if not channels and not side:
        return flow
    pads: npt.NDArray[np.int64] = np.array([0, 0, 0, 0, 0, channels, side, side], np.int64)
    return graph.add("Pad", flow, graph.weight(pads))


def _after(side: int, conv: _Conv) -> int:
    kernel = int(conv.weight.shape[2])
    return (side + 2 * conv.pad - kernel) // conv.stride + 1
