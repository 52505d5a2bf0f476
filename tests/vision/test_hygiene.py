"""Who is there and what is wrong: on frames made of boxes, and on the photographs."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from click.testing import CliRunner

from vision.boxes import Box
from vision.cli import vision
from vision.debounce import Debounce
from vision.detector import Detection
from vision.errors import ImageError, ModelError
from vision.hygiene import Hygiene, Limits, load_hygiene, square
from vision.hygiene_figures import (
    in_a_frame,
    look_json,
    main_verdict,
    measure,
    score,
    time_frames,
)
from vision.images import read_image
from vision.looks import Zone, sights

FRAME = np.full((400, 600, 3), 114, np.uint8)
COOK = Detection("person", 0.9, Box(100, 50, 150, 340))
HEAD = Box(145, 60, 60, 90)


@dataclass
class Told:
    """A detector that is told what to find in the whole frame, and in a cut-out."""

    names: frozenset[str]
    things: list[Detection]
    closely: list[Detection] = field(default_factory=list)
    runs: int = 0

    def detect(self, image):
        self.runs += 1
        return self.things if image.shape == FRAME.shape else self.closely


def persons(*things):
    return Told(frozenset({"person", "phone"}), list(things))


def masks(*things, closely=()):
    return Told(frozenset({"mask", "no_mask"}), list(things), list(closely))


def face(name="no_mask", sure=0.95, box=HEAD):
    return Detection(name, sure, box)


def in_the_cut_out(box, name, sure=0.95):
    """Where a face lies in the square that is cut out about it."""
    _, left, top = square(FRAME, box.grown(3.5))
    return Detection(name, sure, box.moved(-left, -top))


def test_a_masked_cook_breaks_no_rule():
    look = Hygiene([persons(COOK), masks(face("mask"))]).look(FRAME)
    assert look.persons[0].mask.state == "right"
    assert look.violations == ()


def test_a_bare_face_counts_only_if_the_close_look_says_the_same():
    small = [persons(COOK), masks(face(), closely=[in_the_cut_out(HEAD, "mask")])]
    assert Hygiene(small).look(FRAME).persons[0].mask.state == "right"
    small = [persons(COOK), masks(face(), closely=[in_the_cut_out(HEAD, "no_mask")])]
    look = Hygiene(small).look(FRAME)
    assert [(v.rule, v.person) for v in look.violations] == [("no_mask", 0)]
    nothing = Hygiene([persons(COOK), masks(face())]).look(FRAME)
    assert nothing.persons[0].mask.state == "unknown"
    assert nothing.violations == ()


def test_a_large_face_needs_no_second_look():
    near = Box(100, 60, 200, 240)
    bare = masks(face(box=near))
    look = Hygiene([persons(Detection("person", 0.9, Box(50, 10, 400, 390))), bare]).look(FRAME)
    assert look.persons[0].mask.state == "wrong"
    assert bare.runs == 1


def test_small_unsure_and_cut_faces_are_unknown_and_never_a_violation():
    limits = Limits(closer=3)
    for box, sure in ((Box(150, 60, 20, 26), 0.95), (HEAD, 0.6), (Box(0, 60, 60, 90), 0.95)):
        cook = Detection("person", 0.9, Box(box.x, 50, 150, 340))
        look = Hygiene(
            [
                persons(cook),
                masks(face(sure=sure, box=box), closely=[in_the_cut_out(box, "no_mask", sure)]),
            ],
            limits=limits,
        ).look(FRAME)
        assert look.persons[0].mask.state == "unknown", box
        assert look.persons[0].mask.why
        assert look.violations == ()


def test_the_close_looks_of_a_frame_are_bounded():
    cooks = [Detection("person", 0.9, Box(x, 50, 100, 300)) for x in range(0, 500, 100)]
    mask = masks(*(face(box=Box(c.box.x + 20, 60, 60, 80)) for c in cooks))
    look = Hygiene([persons(*cooks), mask], limits=Limits(closer=2)).look(FRAME)
    assert mask.runs == 3
    assert [p.mask.state for p in look.persons] == ["unknown"] * 5


def test_a_person_without_a_face_is_looked_at_closely():
    about = Box(100 + 30, 50, 90, 90).grown(2.0)
    _, left, top = square(FRAME, about)
    closely = [Detection("mask", 0.9, HEAD.moved(-left, -top))]
    look = Hygiene([persons(COOK), masks(closely=closely)]).look(FRAME)
    assert look.persons[0].mask.state == "right"
    assert look.persons[0].face == HEAD


def test_a_face_without_a_body_is_a_person():
    look = Hygiene([persons(), masks(face(box=Box(100, 60, 200, 240)))]).look(FRAME)
    assert len(look.persons) == 1
    assert look.violations[0].rule == "no_mask"


def test_each_face_goes_to_its_own_body():
    other = Detection("person", 0.8, Box(230, 60, 150, 330))
    faces = masks(face("mask"), face("mask", box=Box(275, 70, 60, 90)))
    look = Hygiene([persons(COOK, other), faces]).look(FRAME)
    assert [p.face.x for p in look.persons if p.face] == [145, 275]
    assert len(look.persons) == 2


def test_what_no_model_knows_is_unknown():
    hygiene = Hygiene([persons(COOK), masks(face("mask"))])
    assert hygiene.unknown == ("no_hat", "no_clothes", "smoking", "bin_open")
    look = hygiene.look(FRAME)
    assert look.unknown == hygiene.unknown
    assert "no_hat" not in look.persons[0].verdicts


def test_a_phone_belongs_to_who_holds_it():
    other = Detection("person", 0.8, Box(400, 60, 150, 330))
    phone = Detection("phone", 0.6, Box(430, 200, 30, 40))
    look = Hygiene([persons(COOK, other, phone)]).look(FRAME)
    assert [p.phone.state for p in look.persons] == ["right", "wrong"]
    assert [(v.rule, v.person, v.box) for v in look.violations] == [("phone", 1, phone.box)]
    away = Detection("phone", 0.6, Box(300, 10, 20, 20))
    assert Hygiene([persons(COOK, other, away)]).look(FRAME).violations == ()


def test_a_detector_of_hats_alone_blames_only_a_visible_head():
    hats = Told(frozenset({"hat"}), [])
    seen = [persons(COOK), masks(face("mask")), hats]
    assert [v.rule for v in Hygiene(seen).look(FRAME).violations] == ["no_hat"]
    unseen = [persons(COOK), masks(), hats]
    assert Hygiene(unseen).look(FRAME).violations == ()
    worn = Told(frozenset({"hat"}), [Detection("hat", 0.8, Box(140, 40, 70, 40))])
    assert Hygiene([persons(COOK), masks(face("mask")), worn]).look(FRAME).violations == ()


def test_a_detector_that_knows_both_must_see_one_of_them():
    both = Told(frozenset({"hat", "no_hat"}), [])
    look = Hygiene([persons(COOK), masks(face("mask")), both]).look(FRAME)
    assert look.persons[0].verdicts["no_hat"].state == "unknown"
    both.things = [Detection("no_hat", 0.8, Box(150, 60, 50, 50))]
    assert [v.rule for v in Hygiene([persons(COOK), both]).look(FRAME).violations] == ["no_hat"]


def test_a_rule_counts_only_in_its_zone():
    phone = Detection("phone", 0.6, Box(150, 200, 30, 40))
    hygiene = Hygiene([persons(COOK, phone)])
    left = Zone(((0, 0), (0.5, 0), (0.5, 1), (0, 1)), frozenset({"phone"}))
    right = Zone(((0.5, 0), (1, 0), (1, 1), (0.5, 1)), frozenset({"phone"}))
    hats = Zone(right.polygon, frozenset({"no_hat"}))
    assert len(hygiene.look(FRAME, [left]).violations) == 1
    assert len(hygiene.look(FRAME, [right, left]).violations) == 1
    assert len(hygiene.look(FRAME, [hats]).violations) == 1
    outside = hygiene.look(FRAME, [right])
    assert outside.violations == ()
    assert outside.persons[0].phone.state == "wrong"


def test_looks_become_an_incident_only_inside_the_zone():
    phone = Detection("phone", 0.6, Box(150, 200, 30, 40))
    hygiene = Hygiene([persons(COOK, phone)])
    start = datetime(2026, 3, 2, 10, tzinfo=UTC)
    for edge, wanted in ((0.0, 1), (0.6, 0)):
        zone = Zone(((edge, 0), (1, 0), (1, 1), (edge, 1)), frozenset({"phone"}))
        debounce, told = Debounce("stove"), []
        for number in range(20):
            seen = sights(hygiene.look(FRAME, [zone]))
            told += debounce.step(start + timedelta(seconds=number / 5), seen)
        assert [t.rule for t in told] == ["phone"] * wanted


@dataclass
class Judge:
    rule: str
    region: Box | None
    state: str

    def judge(self, crop):
        self.shape = crop.shape
        return self.state, 0.9


def test_a_taught_bin_is_looked_at_where_it_stands():
    lid = Judge("bin_open", Box(0.5, 0.5, 0.25, 0.5), "wrong")
    hygiene = Hygiene([persons()], [lid])
    look = hygiene.look(FRAME)
    assert lid.shape == (200, 150, 3)
    assert [(v.rule, v.box, v.person) for v in look.violations] == [
        ("bin_open", Box(300, 200, 150, 200), None)
    ]
    assert "bin_open" not in hygiene.unknown


def test_a_taught_hat_is_asked_for_every_head_that_is_large_enough():
    hat = Judge("no_hat", None, "wrong")
    far = Detection("person", 0.9, Box(400, 50, 40, 100))
    look = Hygiene([persons(COOK, far)], [hat]).look(FRAME)
    assert [p.verdicts["no_hat"].state for p in look.persons] == ["wrong", "unknown"]


def test_a_frame_that_is_none_is_refused():
    with pytest.raises(ImageError):
        Hygiene([persons()]).look(np.zeros((4, 4, 3), np.uint8))


def test_precision_and_recall_count_unknown_as_missed_never_as_alarm():
    pairs = [("wrong", "wrong"), ("wrong", "unknown"), ("right", "wrong"), ("right", "right")]
    said = score(pairs).as_json()
    assert (said["precision"], said["recall"], said["unknown"]) == (0.5, 0.5, 1)
    assert score([]).as_json()["precision"] is None


def test_without_weights_the_text_says_what_to_do(tmp_path):
    with pytest.raises(ModelError, match="DAFAN_MODELS"):
        load_hygiene([tmp_path])


@pytest.mark.models
def test_without_the_mask_detector_masks_are_unknown(tmp_path, models_dir, kitchen_dir):
    name = "object_detection_yolox_nano_coco_416x416.onnx"
    (tmp_path / name).symlink_to(models_dir / name)
    hygiene, notes = load_hygiene([tmp_path])
    assert "facemask_ssd_aizoo_360x360.onnx is missing" in notes[0]
    look = hygiene.look(read_image(kitchen_dir / "nomask_408.jpg"))
    assert look.persons
    assert look.violations == ()
    assert "no_mask" in look.unknown


@pytest.mark.models
def test_the_photographs_get_the_right_mask_verdicts(models_dir, kitchen_dir):
    hygiene, notes = load_hygiene([models_dir])
    assert notes == ()
    said = measure(hygiene, kitchen_dir)
    print(json.dumps(said, indent=1))
    assert said["photographs"] == {
        "precision": 1.0, "recall": 1.0, "right_alarms": 4, "false_alarms": 0,
        "missed": 0, "unknown": 0, "quiet": 5,
    }  # fmt: skip
    assert all(row["false_alarms"] == 0 for row in said["at_distance"])
    assert all(row["recall"] == 1 for row in said["at_distance"] if row["face_px"] >= 48)
    assert said["agreement"]["other"] == 0


@pytest.mark.models
def test_the_smaller_mask_detector_raises_no_false_alarm_either(models_dir, kitchen_dir):
    hygiene, _ = load_hygiene([models_dir], keys=["yolox_nano", "facemask_260"])
    said = measure(hygiene, kitchen_dir)
    assert said["photographs"]["precision"] == said["photographs"]["recall"] == 1
    assert all(row["false_alarms"] == 0 for row in said["at_distance"])
    with pytest.raises(ModelError, match="no detector 'yunet'"):
        load_hygiene([models_dir], keys=["yolox_nano", "yunet"])
    with pytest.raises(ModelError, match="no detector 'nothing'"):
        load_hygiene([models_dir], keys=["yolox_nano", "nothing"])


@pytest.mark.models
def test_the_phone_is_found_and_an_empty_kitchen_is_empty(models_dir, kitchen_dir):
    hygiene, _ = load_hygiene([models_dir])
    look = hygiene.look(read_image(kitchen_dir / "coco_1296_person_phone.jpg"))
    (phone,) = [v for v in look.violations if v.rule == "phone"]
    assert phone.box.overlap(Box(296, 143, 76, 128)) > 0.8
    assert look.persons[phone.person].box.w > 300
    empty = hygiene.look(read_image(kitchen_dir / "coco_7574_kitchen.jpg"))
    assert look_json(empty) == {
        "persons": [], "places": [], "violations": [],
        "unknown": ["no_hat", "no_clothes", "smoking", "bin_open"],
    }  # fmt: skip


@pytest.mark.models
def test_the_command_prints_persons_and_violations_with_boxes(
    models_dir, kitchen_dir, tmp_path, monkeypatch
):
    monkeypatch.setenv("DAFAN_MODELS", str(models_dir))
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 no picture")
    files = [str(kitchen_dir / "nomask_307.jpg"), str(broken)]
    done = CliRunner().invoke(vision, ["hygiene", *files, "--json"])
    assert done.exit_code == 1
    good, bad = json.loads(done.stdout)
    assert good["file"] == "nomask_307.jpg"
    assert good["persons"][0]["mask"]["state"] == "no_mask"
    assert len(good["violations"][0]["box"]) == 4
    assert good["violations"][0]["score"] > 0.9
    assert bad == {"file": "broken.jpg", "error": bad["error"], "code": "bad_image"}
    plain = CliRunner().invoke(vision, ["hygiene", files[0]])
    assert plain.exit_code == 0
    assert "no_mask" in plain.output


@pytest.mark.models
def test_the_figures_need_their_labels(models_dir, tmp_path, kitchen_dir):
    hygiene, _ = load_hygiene([models_dir])
    with pytest.raises(ImageError, match=r"no readable expected\.json"):
        measure(hygiene, tmp_path)
    image = read_image(kitchen_dir / "nomask_408.jpg")
    frame = in_a_frame(image, main_verdict(hygiene.look(image)).box, 96)
    assert frame.shape == (720, 1280, 3)
    assert time_frames(hygiene, [frame], rounds=1)["cpu_ms_per_frame"] > 0
