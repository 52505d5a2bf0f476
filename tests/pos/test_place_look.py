"""Whoever sets the payment zone sees what the till sees: the command, its pictures, its advice."""

import json
import sys

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from conftest_place import abreast, far, frame, queue

from dafan.cli import main
from dafan.config_place import PlaceSettings
from dafan.errors import BadInputError, ConfigError, DeviceError
from devices import camera as cameras
from devices.camera import Frame
from pos.cli import till
from pos.place_look import look_of, suggested_px
from pos.place_picture import draw, zone_corners
from pos.place_view import WORDS, FaceLook, PlaceLook
from pos.recognising import looking
from vision.errors import ModelError
from vision.gallery import Gallery
from vision.packs import load_pack
from vision.quality import Verdict
from vision.recognise import Recogniser

needs_models = pytest.mark.models
WHOLE = (0.0, 0.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def pack(models_dir):
    return load_pack("mobilefacenet", [models_dir])


@pytest.fixture
def here(tmp_path, monkeypatch, request):
    """A folder with pictures, and the weights for whoever asks for them."""
    if request.node.get_closest_marker("models"):
        monkeypatch.setenv("DAFAN_MODELS", str(request.getfixturevalue("models_dir")))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def keep(folder, **pictures):
    for name, picture in pictures.items():
        cv2.imwrite(str(folder / f"{name}.png"), picture)


def run(*words):
    """The output of the command; its errors are raised, as the command line's main prints them."""
    result = CliRunner().invoke(till, ["camera", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def told(*words):
    return json.loads(run(*words, "--json"))


def verdicts(picture):
    return [(face["verdict"], face["width"] // 10) for face in picture["faces"]]


# --- one rule -------------------------------------------------------------------------------------


@needs_models
@pytest.mark.parametrize("people", [queue, abreast, far, frame])
@pytest.mark.parametrize(
    "place",
    [{}, {"zone": WHOLE}, {"face_px": 200}, {"zone": (0.75, 0.0, 1.0, 1.0), "face_px": 48}],
    ids=str,
)
def test_what_the_installer_reads_is_what_the_till_decides(pack, people, place):
    picture, settings = people(), looking(PlaceSettings(**place))
    recogniser = Recogniser(pack, Gallery(pack.embedding_size), settings)
    decided = recogniser.observe(picture, 0.0)
    look = look_of(recogniser.survey(picture), picture)
    assert look.verdict == decided.verdict
    assert (look.zone, look.face_px) == (settings.gate.zone, settings.gate.min_width)
    said = [face.verdict for face in look.faces]
    assert said.count("ok") == (decided.verdict is Verdict.OK)
    assert ("two_faces" in said) == (decided.verdict is Verdict.TWO_FACES)
    if decided.verdict is Verdict.TWO_FACES:
        assert said.count("two_faces") == decided.faces
    paying = [face for face in look.faces if face.verdict == "ok"]
    assert all(abs(face.box[0] - decided.box[0]) < 0.2 * face.width for face in paying)


def test_every_verdict_has_a_word():
    assert set(WORDS) == {*Verdict, "behind"}


# --- the command ----------------------------------------------------------------------------------


@needs_models
def test_each_face_is_told_with_its_width_and_why_it_may_not_pay(here):
    keep(here, queue=queue(), abreast=abreast(), far=far(), empty=frame())
    seen = {one["picture"]: one for one in told("--image", ".")["pictures"]}
    assert verdicts(seen["queue.png"]) == [("ok", 16), ("outside", 6), ("behind", 6)]
    assert verdicts(seen["abreast.png"]) == [("two_faces", 14), ("two_faces", 11)]
    assert verdicts(seen["far.png"]) == [("too_small", 6)]
    assert (seen["empty.png"]["faces"], seen["empty.png"]["verdict"]) == ([], "no_face")


@needs_models
def test_the_settings_say_where_the_payer_stands_and_how_near(here):
    keep(here, queue=queue())
    (here / "dafan.toml").write_text(
        '[till]\ncamera = "queue.png"\n[till.place]\nzone = [0.0, 0.0, 0.4, 1.0]\nface_px = 70\n'
    )
    seen = told()
    assert (seen["zone"], seen["face_px"]) == ([0.0, 0.0, 0.4, 1.0], 70)
    (picture,) = seen["pictures"]
    assert (picture["picture"], picture["verdict"]) == ("camera queue.png", "too_small")
    assert [face for face, _ in verdicts(picture)] == ["outside", "outside", "too_small"]


@needs_models
def test_the_table_says_it_in_words_and_the_picture_shows_zone_and_faces(here):
    keep(here, queue=queue())
    before = (here / "queue.png").read_bytes()
    said = run("--image", "queue.png", "--shot", "seen.png")
    for word in ("may pay", "behind", "outside the zone", "face_px = 64", "Suggestion"):
        assert word in said
    shown, plain = cv2.imread(str(here / "seen.png")), cv2.imread(str(here / "queue.png"))
    assert shown.shape == plain.shape
    assert (here / "queue.png").read_bytes() == before
    assert np.array_equal(shown[420:440, 300:400], plain[420:440, 300:400])
    assert np.all(shown[420:440, 600:630] <= plain[420:440, 600:630] // 2 + 1)


@needs_models
def test_a_folder_is_looked_through_and_what_is_no_picture_is_named(here):
    (here / "people").mkdir()
    keep(here / "people", queue=queue())
    (here / "people" / "notes.jpg").write_text("no picture")
    (here / "people" / "list.txt").write_text("none either")
    broken, seen = told("--image", "people", "--shot", "seen")["pictures"]
    assert (broken["picture"], seen["picture"]) == ("notes.jpg", "queue.png")
    assert "JPEG or PNG" in broken["error"]
    assert [one.name for one in (here / "seen").iterdir()] == ["queue.png"]
    assert "JPEG or PNG" in run("--image", "people").replace("\n", " ")


class Waking:
    """A lens that is dark until it has found its light."""

    live = True

    def __init__(self, picture):
        self.picture, self.seq, self.closed = picture, 0, False

    def read(self):
        self.seq += 1
        dark = self.seq < 10
        return Frame(self.picture // 20 if dark else self.picture, float(self.seq), self.seq)

    def close(self):
        self.closed = True


@needs_models
@pytest.mark.usefixtures("here")
def test_a_lens_is_given_time_to_find_its_light_and_let_go(monkeypatch):
    lens = Waking(queue())
    monkeypatch.setenv("DAFAN_TILL__CAMERA", "0")
    monkeypatch.setattr(cameras, "open_source", lambda _source: lens)
    assert told()["pictures"][0]["verdict"] == "ok"
    assert lens.closed


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["--image", "away.png"], "away.png"),
        (["--image", "text.jpg"], "JPEG or PNG"),
        (["--image", "/dev/zero"], "no file"),
        (["--image", "nothing"], "holds no pictures"),
        (["--image", "x" * 400], "too long"),
        (["--image", "grey.png", "--shot", "grey.png"], "another name"),
    ],
)
def test_what_cannot_be_looked_at_is_one_line_of_advice(here, words, advice):
    keep(here, grey=np.full((48, 64, 3), 90, np.uint8))
    (here / "text.jpg").write_text("no picture")
    (here / "nothing").mkdir()
    with pytest.raises(BadInputError, match=advice) as caught:
        run(*words)
    assert "\n" not in str(caught.value)


def test_without_a_camera_or_models_it_says_what_to_do(here, monkeypatch):
    with pytest.raises(ConfigError, match="--image FILE"):
        run()
    monkeypatch.setenv("DAFAN_TILL__CAMERA", "97")
    with pytest.raises(DeviceError, match="stop it first"):
        run()
    keep(here, grey=np.full((48, 64, 3), 90, np.uint8))
    monkeypatch.setenv("DAFAN_VISION__PACK", "none-such")
    with pytest.raises(ModelError, match="none-such"):
        run("--image", "grey.png")


@needs_models
@pytest.mark.parametrize("shot", ["full.jpg", "no/folder.jpg", "seen.xyz", "folder"])
def test_a_shot_that_cannot_be_written_ends_with_2_and_no_traceback(
    here, monkeypatch, capsys, shot
):
    keep(here, empty=frame())
    (here / "full.jpg").symlink_to("/dev/full")
    (here / "folder").mkdir()
    monkeypatch.setattr(
        sys, "argv", ["dafan", "till", "camera", "--image", "empty.png", "--shot", shot]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"dafan: cannot write {shot}")
    assert said.err.count("\n") == 1
    assert said.out == ""


# --- advice ---------------------------------------------------------------------------------------


def seen(*faces, verdict="ok"):
    """A picture with faces, each a width and a verdict."""
    made = tuple(FaceLook((0, 0, width, width), width, said) for width, said in faces)
    return PlaceLook(640, 480, WHOLE, 64, verdict, made)


def test_what_is_suggested_lets_the_farthest_payer_pay_and_nobody_behind_him():
    near, farther = seen((170, "ok"), (66, "behind"), (300, "outside")), seen((120, "ok"))
    assert suggested_px([near]) == 136
    assert suggested_px([near, farther]) == 96
    assert suggested_px([seen((60, "too_small"))]) == 48
    assert suggested_px([near, farther, seen((400, "ok"), (96, "behind"))]) is None


@pytest.mark.parametrize(
    "look",
    [
        seen(verdict="no_face"),
        seen((200, "outside"), verdict="outside"),
        seen((140, "two_faces"), (120, "two_faces"), verdict="two_faces"),
        seen((150, "cut_off"), verdict="cut_off"),
        seen((50, "too_small"), verdict="too_small"),
        seen((900, "ok")),
    ],
)
def test_where_nothing_follows_plainly_nothing_is_suggested(look):
    assert suggested_px([look]) is None


def test_faces_beyond_every_edge_are_drawn_without_a_crash():
    boxes = [(-50, -50, 80, 80), (620, 460, 90, 90), (0, 0, 640, 480), (300, -200, 20, 20)]
    faces = tuple(
        FaceLook(box, box[2], word) for box, word in zip(boxes, list(WORDS)[-4:], strict=True)
    )
    for size in ((640, 480), (3840, 2160), (40, 30), (1, 1)):
        look = PlaceLook(*size, (0.3, 0.1, 0.7, 0.9), 64, "ok", faces)
        picture = np.full((size[1], size[0], 3), 200, np.uint8)
        assert draw(picture, look).shape == picture.shape
    look = PlaceLook(640, 480, (0.3, 0.1, 0.7, 0.9), 64, "ok")
    assert zone_corners(look) == ((192, 48), (448, 432))
