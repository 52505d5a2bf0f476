"""The converters against files written here by hand: no torch, no dlib needed."""

import collections
import io
import os
import pickle
import struct
import zipfile

import numpy as np
import onnxruntime as ort
import pytest

from vision.convert.dlib_resnet import _Reader, convert_dlib_resnet
from vision.convert.minifasnet import convert_minifasnet
from vision.convert.pth import read_pth
from vision.errors import ModelError


class _Words(pickle.Pickler):
    """Writes tensors as torch does: storages by persistent id, the rest by name."""

    def __init__(self, file, storages, view):
        super().__init__(file, protocol=2)
        self.storages, self.view = storages, view

    def persistent_id(self, value):
        if isinstance(value, _StorageOf):
            key = str(len(self.storages))
            self.storages[key] = value.array
            reference = ("storage", _global("torch", "FloatStorage"), key, "cpu", value.array.size)
            return (*reference, None) if self.view else reference
        return None


class _StorageOf:
    def __init__(self, array):
        self.array = array


class _TensorOf:
    def __init__(self, array):
        self.array = array

    def __reduce__(self):
        shape = self.array.shape
        strides = tuple(s // self.array.itemsize for s in self.array.strides)
        rebuild = _global("torch._utils", "_rebuild_tensor_v2")
        return rebuild, (
            _StorageOf(self.array),
            0,
            shape,
            strides,
            False,
            collections.OrderedDict(),
        )


_GLOBALS = {}


def _global(module, name):
    """A function that pickles as ``module.name`` without that module being there."""
    if (module, name) not in _GLOBALS:

        def stand_in():
            raise AssertionError("nothing may be called")

        stand_in.__module__, stand_in.__qualname__, stand_in.__name__ = module, name, name
        _GLOBALS[module, name] = stand_in
    return _GLOBALS[module, name]


@pytest.fixture(autouse=True)
def _torch_stand_in(monkeypatch):
    """pickle checks while writing that a global can be imported; reading needs nothing of it."""
    import sys
    import types

    for module, name in (("torch._utils", "_rebuild_tensor_v2"), ("torch", "FloatStorage")):
        made = types.ModuleType(module)
        setattr(made, name, _global(module, name))
        monkeypatch.setitem(sys.modules, module, made)


def state_dict_bytes(tensors, *, view):
    storages, file = {}, io.BytesIO()
    tree = collections.OrderedDict(
        (n, _TensorOf(np.ascontiguousarray(t))) for n, t in tensors.items()
    )
    _Words(file, storages, view).dump(tree)
    return file.getvalue(), storages


def write_zip(path, tensors):
    data, storages = state_dict_bytes(tensors, view=False)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        for key, array in storages.items():
            archive.writestr(f"archive/data/{key}", array.tobytes())


def write_legacy(path, tensors):
    data, storages = state_dict_bytes(tensors, view=True)
    head = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}]
    parts = [pickle.dumps(value, protocol=2) for value in head]
    parts += [data, pickle.dumps(list(storages), protocol=2)]
    parts += [struct.pack("<q", a.size) + a.tobytes() for a in storages.values()]
    path.write_bytes(b"".join(parts))


@pytest.mark.parametrize("write", [write_zip, write_legacy])
def test_both_formats_of_pytorch_give_back_the_exact_tensors(tmp_path, rng, write):
    tensors = {
        "module.a.weight": rng.standard_normal((3, 2, 5, 5)).astype(np.float32),
        "module.b": rng.standard_normal(7).astype(np.float32),
    }
    write(tmp_path / "m.pth", tensors)
    found = read_pth(tmp_path / "m.pth")
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(found[name], tensor)


class _Evil:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 4, 5])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_something_is_refused_and_runs_nothing(tmp_path, protocol, zipped):
    touched = tmp_path / "touched"
    payload = {"state_dict": _Evil(os.system, f"touch {touched}")}
    data = pickle.dumps(payload, protocol=protocol)
    path = tmp_path / "evil.pth"
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", data)
    else:
        path.write_bytes(data)
    with pytest.raises(ModelError, match="refused"):
        read_pth(path)
    assert not touched.exists()


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04 no zip", b"\x80\x02.", b"hello", b"\x80\x02K\x01."]
)
def test_what_is_no_pytorch_file_is_refused_with_its_name(tmp_path, data):
    path = tmp_path / "odd.pth"
    path.write_bytes(data)
    with pytest.raises(ModelError):
        read_pth(path)


def test_every_truncation_of_a_pytorch_file_is_refused(tmp_path, rng):
    write_legacy(tmp_path / "m.pth", {"a": rng.standard_normal(6).astype(np.float32)})
    whole = (tmp_path / "m.pth").read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "cut.pth").write_bytes(whole[:length])
        with pytest.raises(ModelError):
            read_pth(tmp_path / "cut.pth")


def tiny_minifasnet(rng):
    """A state dict shaped as MiniFASNet, with narrow widths and one squeeze-and-excitation."""
    tensors = {}

    def norm(name, size):
        tensors[f"{name}.weight"] = rng.uniform(0.5, 1.5, size)
        tensors[f"{name}.bias"] = rng.normal(size=size)
        tensors[f"{name}.running_mean"] = rng.normal(size=size)
        tensors[f"{name}.running_var"] = rng.uniform(0.5, 1.5, size)

    def block(name, out, into, kernel, prelu=True):
        tensors[f"{name}.conv.weight"] = rng.normal(size=(out, into, kernel, kernel)) * 0.3
        norm(f"{name}.bn", out)
        if prelu:
            tensors[f"{name}.prelu.weight"] = rng.uniform(0, 0.5, out)

    def depth_wise(name, into, groups, out):
        block(f"{name}.conv", groups, into, 1)
        block(f"{name}.conv_dw", groups, 1, 3)
        block(f"{name}.project", out, groups, 1, prelu=False)

    block("conv1", 4, 3, 3)
    block("conv2_dw", 4, 1, 3)
    for down, stage, into in (
        ("conv_23", "conv_3", 4),
        ("conv_34", "conv_4", 6),
        ("conv_45", "conv_5", 6),
    ):
        depth_wise(down, into, 5, 6)
        for n in range(2):
            depth_wise(f"{stage}.model.{n}", 6, 5, 6)
    se = "conv_3.model.1.se_module"
    tensors[f"{se}.fc1.weight"] = rng.normal(size=(2, 6, 1, 1))
    tensors[f"{se}.fc2.weight"] = rng.normal(size=(6, 2, 1, 1))
    norm(f"{se}.bn1", 2)
    norm(f"{se}.bn2", 6)
    block("conv_6_sep", 8, 6, 1)
    block("conv_6_dw", 8, 1, 5, prelu=False)
    tensors["linear.weight"] = rng.normal(size=(4, 8))
    norm("bn", 4)
    tensors["prob.weight"] = rng.normal(size=(3, 4))
    return {f"module.{name}": t.astype(np.float32) for name, t in tensors.items()}


def reference_minifasnet(tensors, image):
    """The network computed plainly, normalisation unfolded, in double precision."""
    t = {n.removeprefix("module."): v.astype(np.float64) for n, v in tensors.items()}

    def norm(x, name):
        scale = t[f"{name}.weight"] / np.sqrt(t[f"{name}.running_var"] + 1e-5)
        shift = t[f"{name}.bias"] - t[f"{name}.running_mean"] * scale
        return x * scale[:, None, None] + shift[:, None, None] if x.ndim == 3 else x * scale + shift

    def conv(x, weight, stride, pad):
        x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
        windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(1, 2))
        windows = windows[:, ::stride, ::stride]
        if weight.shape[1] == 1 and len(weight) > 1:
            return np.einsum("chwij,cij->chw", windows, weight[:, 0])
        return np.einsum("chwij,ocij->ohw", windows, weight)

    def block(x, name, stride=1, pad=0, prelu=True):
        x = norm(conv(x, t[f"{name}.conv.weight"], stride, pad), f"{name}.bn")
        return np.where(x > 0, x, x * t[f"{name}.prelu.weight"][:, None, None]) if prelu else x

    def depth_wise(x, name, stride):
        x = block(block(x, f"{name}.conv"), f"{name}.conv_dw", stride, 1)
        x = block(x, f"{name}.project", prelu=False)
        if f"{name}.se_module.fc1.weight" in t:
            se = f"{name}.se_module"
            gate = conv(x.mean(axis=(1, 2), keepdims=True), t[f"{se}.fc1.weight"], 1, 0)
            gate = np.maximum(norm(gate, f"{se}.bn1"), 0)
            gate = norm(conv(gate, t[f"{se}.fc2.weight"], 1, 0), f"{se}.bn2")
            x = x / (1 + np.exp(-gate))
        return x

    x = block(block(image.astype(np.float64), "conv1", 2, 1), "conv2_dw", 1, 1)
    for down, stage in (("conv_23", "conv_3"), ("conv_34", "conv_4"), ("conv_45", "conv_5")):
        x = depth_wise(x, down, 2)
        for n in range(2):
            x = x + depth_wise(x, f"{stage}.model.{n}", 1)
    x = block(block(x, "conv_6_sep"), "conv_6_dw", prelu=False).reshape(-1)
    return norm(t["linear.weight"] @ x, "bn") @ t["prob.weight"].T


def test_the_converted_liveness_network_computes_what_the_published_one_does(rng, tmp_path):
    tensors = tiny_minifasnet(rng)
    write_legacy(tmp_path / "m.pth", tensors)
    session = ort.InferenceSession(convert_minifasnet(read_pth(tmp_path / "m.pth")))
    image = rng.uniform(0, 1, (3, 80, 80)).astype(np.float32)
    (found,) = session.run(None, {"input": image[None]})[0]
    expected = reference_minifasnet(tensors, image)
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4 * np.abs(expected).max())


def test_weights_of_another_network_are_refused(rng):
    with pytest.raises(ModelError, match="MiniFASNet"):
        convert_minifasnet({"conv.weight": rng.normal(size=(3, 3))})


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\x01\x05", 5),
        (b"\x81\x1c", -28),
        (b"\x02\x80\x12", 0x1280),
        (b"\x03\x0a\xd7\xa3", 0xA3D70A),
    ],
)
def test_dlib_integers_carry_their_length_and_sign(data, value):
    assert _Reader(data).integer() == value


def test_dlib_reals_are_mantissa_and_exponent():
    assert _Reader(b"\x03\x0a\xd7\xa3\x81\x1c").real() == pytest.approx(0.04)


@pytest.mark.parametrize(
    "data", [b"", b"\x01\x05con_4", b"\x01\x05con_4\x01\x02\x08" + b"\xff" * 40]
)
def test_what_is_no_dlib_network_is_refused(data):
    with pytest.raises(ModelError):
        convert_dlib_resnet(data)
