"""Decoding on tensors made by hand, and on the real weights."""

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from vision.boxes import Box, inside
from vision.detector import (
    OnnxDetector,
    decode,
    feed_picture,
    load_detector,
    ssd_anchors,
    suppress,
    without_dust,
)
from vision.errors import ImageError, ModelError
from vision.images import read_image
from vision.manifest import DetectorFeed, load_manifest, with_site_detectors
from vision.session import open_session


def feed(**changes):
    plain = {
        "decoding": "yolov8", "size": (64, 64), "rgb": False, "class_count": 2,
        "classes": {"hat": 0, "no_hat": 1}, "threshold": 0.5, "overlap": 0.5,
    }  # fmt: skip
    return DetectorFeed.model_validate(plain | changes)


def constant_model(answer, size=64):
    """A model that answers the same to every picture."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["answer", "nothing"], ["y"]),
    ]
    values = {"zero": np.float32(0), "answer": np.asarray(answer, np.float32)}
    weights = [numpy_helper.from_array(np.asarray(v), k) for k, v in values.items()]
    picture = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, size, size])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, list(np.shape(answer)))
    graph = helper.make_graph(nodes, "constant", [picture], [out], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def yolov8_answer(*rows, count=8):
    answer = np.zeros((1, 6, count), np.float32)
    for number, row in enumerate(rows):
        answer[0, :, number] = row
    return answer


def test_yolox_offsets_become_corners_at_each_stride():
    how = feed(decoding="yolox", classes={"person": 0, "phone": 1}, strides=(32, 64))
    rows = np.full((1, 5, 7), -9.0, np.float32)
    rows[..., 4:] = 0
    rows[0, 3] = [0.5, 0.5, np.log(0.5), np.log(0.25), 0.9, 0.0, 0.8]  # cell row 1, column 1
    rows[0, 4] = [0.5, 0.5, 0.0, 0.0, 0.9, 0.9, 0.1]  # stride 64
    boxes, scores = decode([rows], how, np.array([0, 1]), "made up")
    assert boxes.tolist() == [[40, 44, 56, 52], [0, 0, 64, 64]]
    assert scores == pytest.approx(np.array([[0, 0.72], [0.81, 0.09]]))


def test_yolov8_rows_become_corners():
    answer = yolov8_answer([32, 16, 20, 10, 0.2, 0.9], [1, 1, 1, 1, 0.1, 0.2])
    boxes, scores = decode([answer], feed(), np.array([0, 1]), "made up")
    assert boxes.tolist() == [[22, 11, 42, 21]]
    assert scores == pytest.approx(np.array([[0.2, 0.9]]))


def test_ssd_anchors_stand_as_published_and_move_by_their_variances():
    how = feed(
        decoding="ssd-anchors", maps=(2, 1), anchor_sizes=((0.2, 0.3), (0.6, 0.7)),
        anchor_ratios=(1, 0.62, 0.42), across_classes=True, best_class_only=True,
    )  # fmt: skip
    anchors = ssd_anchors(how)
    assert anchors.shape == (20, 4)
    assert anchors[4].tolist() == pytest.approx([0.75, 0.25, 0.2, 0.2])
    assert anchors[2, 2:].tolist() == pytest.approx([0.2 * 0.62**0.5, 0.2 / 0.62**0.5])
    moves, scores = np.zeros((1, 20, 4), np.float32), np.zeros((1, 20, 2), np.float32)
    moves[0, 16] = [1, 0, 5 * np.log(0.5), 0]
    scores[0, 16] = [0.2, 0.8]
    boxes, said = decode([scores, moves], how, np.array([0, 1]), "made up")
    # anchor 0.5, 0.5, 0.6 x 0.6: moved right by 0.1 of its width, half as wide
    assert boxes[0] / 64 == pytest.approx([0.41, 0.2, 0.71, 0.8], abs=1e-5)
    assert said == pytest.approx(np.array([[0.2, 0.8]]))


def test_the_real_anchors_are_as_many_as_the_model_answers():
    files = load_manifest().files
    assert ssd_anchors(files["facemask_260"].detector).shape == (5972, 4)
    assert ssd_anchors(files["facemask_360"].detector).shape == (11000, 4)


def test_overlapping_boxes_are_one_thing_and_the_surest_stays():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], np.float32)
    assert suppress(boxes, np.array([0.6, 0.9, 0.7], np.float32), 0.5) == [1, 2]
    assert suppress(boxes[:0], np.zeros(0, np.float32), 0.5) == []


@pytest.mark.parametrize("letterbox", ["none", "corner", "centre"])
@pytest.mark.parametrize("shape", [(100, 200), (200, 100), (64, 64)])
def test_a_box_comes_back_to_the_pixels_of_the_picture(letterbox, shape):
    how = feed(letterbox=letterbox)
    _, scale, shift = feed_picture(np.zeros((*shape, 3), np.uint8), how)
    true = np.array([0.25 * shape[1], 0.25 * shape[0], 0.75 * shape[1], 0.75 * shape[0]])
    fed = true * np.tile(scale, 2) + np.tile(shift, 2)
    centre, size = (fed[:2] + fed[2:]) / 2, fed[2:] - fed[:2]
    model = constant_model(yolov8_answer([*centre, *size, 0.9, 0.1]))
    (found,) = OnnxDetector(model, "made up", how).detect(np.zeros((*shape, 3), np.uint8))
    box = found.box
    assert found.name == "hat"
    assert [box.x, box.y, box.right, box.bottom] == pytest.approx(true, abs=0.01)


def test_classes_suppress_each_other_only_where_the_manifest_says_so():
    answer = yolov8_answer([32, 32, 20, 20, 0.9, 0], [32, 32, 20, 20, 0, 0.8])
    image = np.zeros((64, 64, 3), np.uint8)
    apart = OnnxDetector(constant_model(answer), "m", feed()).detect(image)
    assert [(t.name, round(t.score, 2)) for t in apart] == [("hat", 0.9), ("no_hat", 0.8)]
    one = OnnxDetector(constant_model(answer), "m", feed(across_classes=True)).detect(image)
    assert [t.name for t in one] == ["hat"]


def test_numbers_that_are_none_are_left_out():
    answer = yolov8_answer([np.nan, 1, 1, 1, 0.9, 0], [32, 32, 20, 20, np.inf, 0])
    assert OnnxDetector(constant_model(answer), "m", feed()).detect(
        np.zeros((64, 64, 3), np.uint8)
    ) == []  # fmt: skip


def test_a_model_of_another_shape_is_named_with_both_shapes():
    model = constant_model(np.zeros((1, 9, 4)))
    with pytest.raises(ModelError, match=r"1 × 9 × 4, not 1 × 6 × n"):
        OnnxDetector(model, "bins.onnx", feed()).detect(np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(ModelError, match="pictures of 64 pixels, not of 96"):
        OnnxDetector(model, "bins.onnx", feed(size=(96, 96)))
    with pytest.raises(ModelError, match=r"bins\.onnx cannot be run"):
        OnnxDetector(b"no model", "bins.onnx", feed())


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((64, 64), np.uint8),
        np.zeros((64, 64, 3), np.float32),
        np.zeros((3, 64, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused_before_the_model_sees_it(image):
    detector = OnnxDetector(constant_model(yolov8_answer()), "m", feed())
    with pytest.raises(ImageError, match="picture"):
        detector.detect(image)


def test_a_site_brings_its_own_detector_with_a_description(tmp_path):
    model = constant_model(yolov8_answer([32, 32, 20, 20, 0, 0.8]))
    (tmp_path / "hats.onnx").write_bytes(model)
    import hashlib

    sha = hashlib.sha256(model).hexdigest()
    text = f"""
[files.hats]
what = "hats of this site"
licence = "own"
names = ["hats.onnx"]
sha256 = ["{sha}"]
[files.hats.detector]
decoding = "yolov8"
size = [64, 64]
rgb = true
class_count = 2
classes = {{ hat = 0, no_hat = 1 }}
threshold = 0.5
overlap = 0.5
"""
    (tmp_path / "detectors.toml").write_text(text, encoding="utf-8")
    manifest = with_site_detectors([tmp_path])
    assert manifest.hygiene == ("yolox_nano", "facemask_360", "hats")
    detector = load_detector("hats", [tmp_path], manifest)
    (found,) = detector.detect(np.zeros((64, 64, 3), np.uint8))
    assert found.name == "no_hat"
    (tmp_path / "hats.onnx").write_bytes(model + b"x")
    with pytest.raises(ModelError, match="expected SHA-256"):
        load_detector("hats", [tmp_path], manifest)
    (tmp_path / "detectors.toml").write_text(text.replace("yolov8", "yolov99"), encoding="utf-8")
    with pytest.raises(ModelError, match=r"detectors\.toml is no list of detectors"):
        with_site_detectors([tmp_path])
    (tmp_path / "detectors.toml").write_text(text.replace("files.hats", "files.yunet"))
    with pytest.raises(ModelError, match="yunet needs a name"):
        with_site_detectors([tmp_path])


def test_a_missing_or_unknown_detector_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="put it into models/weights"):
        load_detector("facemask_360", [tmp_path])
    with pytest.raises(ModelError, match="use one of yolox_nano"):
        load_detector("yunet", [tmp_path])


def test_a_description_that_contradicts_itself_is_refused():
    for changes in ({"classes": {"hat": 2}}, {"classes": {}}, {"maps": (3,)}, {"size": (8, 8)},
                    {"decoding": "ssd-anchors"}, {"std": (0, 1, 1)}):  # fmt: skip
        with pytest.raises(ValueError, match=r"classes|anchor|size"):
            feed(**changes)


def test_boxes_and_polygons():
    a, b = Box(0, 0, 10, 10), Box(5, 0, 10, 10)
    assert a.overlap(b) == pytest.approx(1 / 3)
    assert a.overlap(Box(20, 20, 5, 5)) == 0
    assert Box(-5, -5, 10, 10).clipped(3, 100) == Box(0, 0, 3, 5)
    assert a.grown(2) == Box(-5, -5, 20, 20)
    triangle = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
    assert inside(triangle, (0.2, 0.2))
    assert not inside(triangle, (0.8, 0.8))


@pytest.mark.models
@pytest.mark.parametrize("key", ["yolox_nano", "facemask_360", "facemask_260"])
def test_real_weights_answer_as_their_reference(key, models_dir: Path, kitchen_dir: Path):
    """Every sure box of the reference is found again, of the same class, at the same place."""
    column = {"yolox_nano": "yolox_nano_0.30"}.get(key, key)
    words = {"person": "person", "cell phone": "phone", "Mask": "mask", "NoMask": "no_mask"}
    detector = load_detector(key, [models_dir])
    expected = json.loads((kitchen_dir / "expected.json").read_text(encoding="utf-8"))
    checked = 0
    for name, row in expected.items():
        image = read_image(kitchen_dir / name)
        found = detector.detect(image)
        for label, score, (x, y, third, fourth) in row[column]:
            if label not in words or score < 0.6:
                continue
            box = Box(x, y, third, fourth)
            if key != "yolox_nano":
                box = Box(x, y, third - x, fourth - y)
            box = box.clipped(image.shape[1], image.shape[0])
            same = [t for t in found if t.name == words[label] and t.box.overlap(box) > 0.85]
            assert same, (name, label, score, found)
            assert max(t.score for t in same) == pytest.approx(score, abs=0.08)
            checked += 1
    assert checked >= 15


@pytest.mark.models
def test_weights_swept_of_subnormal_numbers_answer_the_same(models_dir, kitchen_dir):
    model = (models_dir / "facemask_ssd_aizoo_260x260.onnx").read_bytes()
    swept = without_dust(model)
    assert swept is not None
    assert without_dust(swept) is None
    how = load_manifest().files["facemask_260"].detector
    blob, _, _ = feed_picture(read_image(kitchen_dir / "coco_6771_people_phone.jpg"), how)
    before, after = (open_session(m, "mask").run(None, {"input": blob}) for m in (model, swept))
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.models
def test_real_weights_find_nobody_in_noise_or_grey(models_dir):
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)
    for key in ("yolox_nano", "facemask_360"):
        detector = load_detector(key, [models_dir])
        assert detector.detect(noise) == []
        assert detector.detect(np.full((240, 320, 3), 114, np.uint8)) == []
        assert isinstance(detector.detect(cv2.resize(noise, (1920, 20))), list)


def test_the_made_up_model_is_a_model():
    onnx.checker.check_model(onnx.load_from_string(constant_model(yolov8_answer())))
