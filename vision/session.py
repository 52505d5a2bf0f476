"""One way to run a model: onnxruntime on one core, so that stages of several tills do not fight."""

import onnxruntime as ort

from vision.errors import ModelError


def open_session(model: bytes, name: str) -> ort.InferenceSession:
    """Load a checked model.

    One intra-op thread without spinning: the frames of one camera are small, and a spinning pool
    would take the second core from the scale, the journal and the page.

    Raises:
        ModelError: the bytes are no model that this onnxruntime can run.
    """
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
