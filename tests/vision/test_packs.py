import shutil
import tomllib

import cv2
import numpy as np
import pytest

from vision.align import similarity_transform
from vision.errors import ModelError
from vision.manifest import MANIFEST, load_manifest, model_folders, note_conversion
from vision.packs import load_pack, missing_files

YUNET = "face_detection_yunet_2023mar.onnx"
EMBEDDER = "face_recognition_mobilefacenet_foamliu_112x112.onnx"


def test_every_file_of_the_manifest_has_a_licence_a_checksum_and_a_source():
    manifest = load_manifest()
    for entry in manifest.files.values():
        assert entry.licence
        assert entry.names
        assert all(len(sha) == 64 for sha in entry.sha256)
        assert entry.url.startswith("https://") or (entry.source and entry.source.sdist)
    for pack in manifest.packs.values():
        assert {*pack.detectors, *pack.liveness} <= manifest.files.keys()
        assert 0 < pack.threshold < 1
        assert pack.margin > 0
        assert pack.calibrated_on
    assert tomllib.loads(MANIFEST.read_text(encoding="utf-8"))


def test_an_unknown_pack_names_those_that_exist():
    with pytest.raises(ModelError, match="mobilefacenet"):
        load_pack("buffalo")


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="dafan models pull"):
        load_pack("mobilefacenet", [tmp_path])


def test_a_file_with_the_wrong_checksum_is_never_loaded(tmp_path):
    (tmp_path / YUNET).write_bytes(b"something else")
    with pytest.raises(ModelError) as refused:
        load_pack("mobilefacenet", [tmp_path])
    text = str(refused.value)
    assert YUNET in text
    assert "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4" in text
    assert "found" in text
    assert "Delete it" in text


@pytest.mark.models
def test_one_flipped_bit_is_noticed(tmp_path, models_dir):
    data = bytearray((models_dir / YUNET).read_bytes())
    data[1000] ^= 1
    (tmp_path / YUNET).write_bytes(data)
    with pytest.raises(ModelError, match="expected SHA-256"):
        missing_files("mobilefacenet", [tmp_path, models_dir])


def test_a_conversion_counts_only_if_its_pinned_source_was_converted(tmp_path):
    entry = load_manifest().files["minifasnet_v2"]
    path = tmp_path / entry.names[0]
    path.write_bytes(b"converted")
    note_conversion(path, entry)
    assert missing_files("pypi", [tmp_path])  # looks, without complaint
    load = load_manifest()
    from vision.manifest import find_file

    assert find_file("minifasnet_v2", [tmp_path], load)
    note = (tmp_path / "converted.json").read_text(encoding="utf-8")
    (tmp_path / "converted.json").write_text(note.replace("a5eb02e1", "00000000"), encoding="utf-8")
    with pytest.raises(ModelError):
        find_file("minifasnet_v2", [tmp_path], load)


def test_dafan_models_names_further_folders(monkeypatch, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    monkeypatch.setenv("DAFAN_MODELS", f"{a}:{b}")
    assert model_folders()[1:] == [a, b]
    monkeypatch.setenv("DAFAN_MODELS", "")
    assert len(model_folders()) == 1


@pytest.mark.models
def test_without_liveness_files_the_pack_loads_and_says_so(tmp_path, models_dir):
    for name in (YUNET, EMBEDDER):
        shutil.copy(models_dir / name, tmp_path)
    pack = load_pack("mobilefacenet", [tmp_path])
    assert pack.liveness is None
    assert "PIN" in pack.notes[0]


@pytest.mark.models
def test_without_a_name_the_fallback_is_taken_where_the_default_is_missing(tmp_path, models_dir):
    for name in (YUNET, "face_recognition_dlib_resnet_v1_150x150.onnx"):
        shutil.copy(models_dir / name, tmp_path)
    assert load_pack(None, [models_dir]).name == "mobilefacenet"
    assert load_pack(None, [tmp_path]).name == "pypi"


@pytest.mark.models
def test_freeing_yunets_input_size_changes_no_number(pack, models_dir):
    from insightface.data import get_image

    image = np.ascontiguousarray(get_image("t1")[:640, :640])
    reference = cv2.FaceDetectorYN.create(str(models_dir / YUNET), "", (640, 640), 0.6, 0.3, 5000)
    rows = reference.detect(image)[1]
    rows = rows[np.argsort(-rows[:, 2] * rows[:, 3])]
    faces = pack.detector.detect(image, 640)
    assert len(faces) == len(rows) >= 3
    for face, row in zip(faces, rows, strict=True):
        np.testing.assert_allclose(face.box, row[:4], atol=1e-3)
        np.testing.assert_allclose(face.points.reshape(-1), row[4:14], atol=1e-3)


def test_the_alignment_is_insightfaces(rng):
    import warnings

    from insightface.utils.face_align import arcface_dst, estimate_norm

    for _ in range(20):
        points = (arcface_dst * rng.uniform(0.5, 4) + rng.normal(0, 8, (5, 2))).astype(np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-image renames the estimate
            expected = estimate_norm(points)
        np.testing.assert_allclose(similarity_transform(points, arcface_dst), expected, atol=1e-3)


@pytest.mark.models
@pytest.mark.parametrize("key", ["minifasnet_v2", "minifasnet_v1se"])
def test_writing_prelu_otherwise_changes_no_bit(models_dir, rng, key):
    import onnx
    import onnxruntime as ort

    from vision.manifest import find_file
    from vision.session import without_prelu

    _, model = find_file(key, [models_dir], load_manifest())
    image = rng.uniform(0, 255, (2, 3, 80, 80)).astype(np.float32)
    found = [
        ort.InferenceSession(m).run(None, {"input": image})[0]
        for m in (model, without_prelu(model))
    ]
    np.testing.assert_array_equal(*found)
    nodes = onnx.load_from_string(without_prelu(model)).graph.node
    assert "PRelu" not in {node.op_type for node in nodes}
