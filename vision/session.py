"""One way to run a model: onnxruntime on one core, so that stages of several tills do not fight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx
from onnx import helper, numpy_helper

from vision.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime as ort


def open_session(model: bytes, name: str) -> ort.InferenceSession:
    """Load a checked model.

    One intra-op thread without spinning: the frames of one camera are small, and a spinning pool
    would take the second core from the scale, the journal and the page.

    Raises:
        ModelError: the bytes are no model that this onnxruntime can run.
    """
    import onnxruntime as ort  # noqa: PLC0415 - starts a thread, which no fork of a server takes along

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # onnxruntime raises classes of its own that share no base but Exception.
        raise ModelError(
            f"{name} cannot be run by onnxruntime {ort.__version__}: {error}"
        ) from error


def without_prelu(model: bytes) -> bytes:
    """The same graph with each ``PRelu`` written as ``Max(x, slope * x)``.

    Where no slope exceeds 1 the two are the same number to the bit, and onnxruntime 1.31 takes half
    of a MiniFASNet's time for its PRelu kernel. Other nodes are left alone.
    """
    whole = onnx.load_from_string(model)
    graph = whole.graph
    slopes = {w.name: numpy_helper.to_array(w) for w in graph.initializer}
    nodes = []
    for node in graph.node:
        if (
            node.op_type != "PRelu"
            or node.input[1] not in slopes
            or slopes[node.input[1]].max() > 1
        ):
            nodes.append(node)
            continue
        scaled = node.output[0] + "_scaled"
        nodes.append(helper.make_node("Mul", list(node.input), [scaled]))
        nodes.append(helper.make_node("Max", [node.input[0], scaled], list(node.output)))
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(whole.SerializeToString())
