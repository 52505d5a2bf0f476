"""The command line on labelled photographs, and on what people send by mistake."""

import io
import json
import zipfile

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from dafan.errors import DafanError
from vision.cli import models, vision
from vision.errors import ImageError
from vision.evaluate import evaluate_pairs, identify, liveness_of, read_pairs
from vision.images import decode_image, read_image
from vision.metrics import figures


def run(command, *arguments):
    result = CliRunner().invoke(command, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def orl_people(faces_dir, to, people, photos):
    with zipfile.ZipFile(faces_dir / "orl_faces.zip") as archive:
        for name in archive.namelist():
            *_, person, file = name.split("/")
            if person in people and file in {f"{n}.pgm" for n in photos}:
                (to / person).mkdir(parents=True, exist_ok=True)
                (to / person / file).write_bytes(archive.read(name))


@pytest.mark.models
@pytest.mark.faces
def test_labelled_pairs_are_told_apart_without_a_mistake(models_dir, faces_dir, monkeypatch):
    monkeypatch.setenv("DAFAN_MODELS", str(models_dir))
    folder = faces_dir / "deepface"
    options = ("evaluate", "--pairs", folder / "master.csv", "--images", folder)
    result = json.loads(run(vision, *options, "--pack", "mobilefacenet", "--json").stdout)
    assert (result["pairs"], result["pairs_used"], result["faces_not_found"]) == (300, 300, 0)
    assert result["best_accuracy"] == 1.0
    assert result["tar_at_far_1e-3"] == 1.0
    assert result["eer"] == 0.0
    assert result["far_at_threshold"] == 0.0
    assert result["tar_at_threshold"] >= 0.97
    assert result["ms_per_face"] > 0


@pytest.mark.models
@pytest.mark.faces
def test_strangers_among_the_probes_are_refused_and_members_found(pack, faces_dir, tmp_path):
    orl_people(faces_dir, tmp_path / "gallery", {"s1", "s2", "s3", "s5", "s8"}, (1, 5))
    orl_people(faces_dir, tmp_path / "probes", {"s1", "s2", "s3", "s5", "s8"}, (3, 7))
    orl_people(faces_dir, tmp_path / "probes", {"s20", "s21", "s22", "s30"}, (1, 2))
    result = identify(pack, tmp_path / "gallery", tmp_path / "probes")
    assert (result["probes_known"], result["probes_strangers"]) == (10, 8)
    assert result["rank1_rate"] == 1.0
    assert result["false_accepts"] == 0
    assert result["false_rejects"] <= 1


@pytest.mark.models
def test_what_cannot_be_used_is_counted_and_the_rest_is_measured(pack, samples, tmp_path, rng):
    from vision.samples import vary

    for name, number in (("a1", 0), ("a2", 0), ("b1", 3)):
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), vary(samples[number], rng))
    (tmp_path / "text.jpg").write_text("no picture")
    cv2.imwrite(str(tmp_path / "wall.jpg"), np.full((200, 200, 3), 128, np.uint8))
    rows = ["a1.jpg,a2.jpg,Yes", "a1.jpg,b1.jpg,no", "a1.jpg,text.jpg,No", "a1.jpg,wall.jpg,No"]
    rows += ["a1.jpg,absent.jpg,No"]
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("\n".join(["file_x,file_y,Decision", *rows]), encoding="utf-8")
    result = evaluate_pairs(pack, pairs, tmp_path)
    assert (result["pairs"], result["pairs_used"]) == (5, 2)
    assert result["without_face"] == ["wall.jpg"]
    assert set(result["unreadable"]) == {"text.jpg", "absent.jpg"}
    assert "is not a picture" in result["unreadable"]["text.jpg"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "file_x,file_y,Decision\n",
        "x,y\n1,2\n",
        "file_x,file_y,Decision\na.jpg,b.jpg,Maybe\n",
        "file_x,file_y,Decision\na.jpg,,Yes\n",
        "file_x,file_y,Decision\na.jpg\n",
        "\x00\x01\x02",
    ],
)
def test_a_table_that_is_no_table_of_pairs_is_refused_with_a_reason(tmp_path, text):
    path = tmp_path / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DafanError, match=r"pairs\.csv"):
        read_pairs(path)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300))
def test_no_bytes_make_the_reader_of_pairs_crash(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("csv") / "pairs.csv"
    path.write_bytes(data)
    with pytest.raises(DafanError):
        read_pairs(path)


@pytest.mark.models
def test_a_pair_cannot_name_a_file_outside_the_folder(pack, tmp_path):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("file_x,file_y,Decision\n../../etc/passwd,a.jpg,Yes\n", encoding="utf-8")
    with pytest.raises(DafanError, match="outside"):
        evaluate_pairs(pack, pairs, tmp_path)


@settings(max_examples=60, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=200), st.binary(max_size=60).map(lambda b: b"\xff\xd8\xff\xe0" + b)
    )
)
def test_no_bytes_make_the_decoder_crash(data):
    with pytest.raises(ImageError):
        decode_image(data)


def test_a_photo_of_forty_megabytes_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.write(b"\xff\xd8\xff")
        file.truncate(40 * 2**20)
    with pytest.raises(ImageError, match="40 MB"):
        read_image(path)


def test_a_small_file_that_unfolds_to_a_huge_picture_is_refused():
    from PIL import Image

    data = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(data, "PNG")
    with pytest.raises(ImageError, match="megapixels"):
        decode_image(data.getvalue())


def test_a_large_photo_is_shrunk_and_a_cut_one_is_still_no_crash():
    image = np.random.default_rng(0).integers(0, 255, (3000, 2000, 3), np.uint8)
    data = cv2.imencode(".jpg", image)[1].tobytes()
    assert decode_image(data).shape == (2048, 1365, 3)
    png = cv2.imencode(".png", image[:200])[1].tobytes()
    with pytest.raises(ImageError):
        decode_image(png[: len(png) // 2])


@pytest.mark.models
@pytest.mark.faces
def test_liveness_lists_every_file_with_its_score(models_dir, faces_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("DAFAN_MODELS", str(models_dir))
    (tmp_path / "x.jpg").write_text("no picture")
    files = [faces_dir / "liveness" / f"image_{n}.jpg" for n in ("T1", "F1", "F2")]
    files += [tmp_path / "x.jpg", tmp_path / "absent.jpg"]
    rows = json.loads(run(vision, "liveness", *files, "--json").stdout)
    assert [row["live"] for row in rows] == [True, False, False, False, False]
    assert [row["file"] for row in rows] == [str(f) for f in files]
    assert all(row["error"] for row in rows[3:])


def test_a_pack_without_liveness_cannot_judge_and_says_so(tmp_path):
    from types import SimpleNamespace

    with pytest.raises(DafanError, match="models pull"):
        liveness_of(SimpleNamespace(liveness=None, name="pypi"), tmp_path / "x.jpg", 0.8)


def test_figures_of_a_perfect_and_of_a_blind_verifier():
    perfect = figures(np.array([0.8, 0.9]), np.array([0.1, 0.2, 0.3]))
    assert (perfect.best_accuracy, perfect.eer, perfect.tar[1e-3]) == (1.0, 0.0, 1.0)
    blind = figures(np.linspace(0, 1, 1001), np.linspace(0, 1, 1001))
    assert blind.eer == pytest.approx(0.5, abs=0.01)
    assert blind.tar[1e-2] == pytest.approx(0.01, abs=0.002)


@pytest.mark.models
def test_calibration_counts_every_pair_of_a_folder(pack, faces_dir, tmp_path):
    from vision.calibrate import calibrate

    orl_people(faces_dir, tmp_path, {"s1", "s2", "s3", "s5"}, (1, 3, 5))
    result = calibrate(pack, tmp_path)
    assert (result["genuine_pairs"], result["impostor_pairs"]) == (12, 54)
    assert all(row["accepted"] == 0 for row in result["open_set"])


def test_models_list_and_check_tell_what_is_here(monkeypatch, tmp_path):
    monkeypatch.setenv("DAFAN_MODELS", str(tmp_path))
    rows = json.loads(run(models, "list", "--json").stdout)
    assert {row["pack"] for row in rows} == {"mobilefacenet", "sface", "insightface", "pypi"}
    (tmp_path / "face_detection_yunet_2023mar.onnx").write_bytes(b"wrong")
    checked = run(models, "check", "--json")
    assert checked.exit_code == 1
    states = {row["file"]: row["state"] for row in json.loads(checked.stdout)}
    assert states["face_detection_yunet_2023mar.onnx"] == "wrong"
