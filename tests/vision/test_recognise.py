"""Real weights on real faces: the demo's people, labelled photographs, attacks."""

import cv2
import numpy as np
import pytest

from vision.decide import Decider, Hint
from vision.errors import ImageError
from vision.evaluate import photo_face
from vision.gallery import Gallery
from vision.images import read_image
from vision.quality import Verdict, assess
from vision.recognise import Recogniser, find_in_photo, reference_vector
from vision.samples import (
    ENROLMENT,
    PORTRAIT,
    Variation,
    empty_frame,
    jitter,
    random_variation,
    sample_faces,
    vary,
)

pytestmark = [pytest.mark.models]


@pytest.fixture(scope="module")
def canteen(pack):
    """Two of the demo's people are enrolled; the others are strangers."""
    rng, gallery, people = np.random.default_rng(1), Gallery(pack.embedding_size), sample_faces()
    for number in (0, 3):
        photo = vary(people[number], rng, ENROLMENT)
        gallery.add(f"t{number}", str(number), reference_vector(pack, photo))
    return Recogniser(pack, gallery), people


def look(recogniser, sample, rng, frames=6, size=(640, 480)):
    """What the till decides while a person stands there."""
    base, decider = random_variation(rng), Decider(recogniser.rules())
    for n in range(frames):
        decision = decider.add(
            recogniser.observe(vary(sample, rng, jitter(base, rng), size), n * 0.1)
        )
        if decision.kind == "person":
            break
    return decision


def test_enrolled_people_are_recognised_and_never_mistaken(canteen, rng):
    recogniser, people = canteen
    decisions = [
        (number, look(recogniser, people[number], rng, size=size))
        for number in (0, 3)
        for size in ((640, 480), PORTRAIT, (640, 480))
    ]
    assert all(d.person_id in {None, str(n)} for n, d in decisions)
    assert sum(d.kind == "person" for _, d in decisions) >= 5


def test_strangers_are_refused(canteen, rng):
    recogniser, people = canteen
    for number in (1, 2, 5):
        for _ in range(2):
            assert look(recogniser, people[number], rng).hint in {Hint.UNKNOWN, Hint.COVERED}


def test_whoever_looks_aside_is_not_enrolled_and_does_not_pay(canteen, rng):
    recogniser, people = canteen
    assert not people[4].frontal
    with pytest.raises(ImageError, match="straight"):
        reference_vector(recogniser.pack, vary(people[4], rng, ENROLMENT))
    assert look(recogniser, people[4], rng).hint in {Hint.TURNED, Hint.UNKNOWN}


def test_people_not_on_the_roster_are_strangers(canteen, rng):
    recogniser, people = canteen
    frame = vary(people[0], rng, ENROLMENT)
    assert recogniser.observe(frame, 0.0).match.person_id == "0"
    assert (
        recogniser.observe(frame, 0.0, frozenset({"3"})).match.similarity
        < recogniser.pack.threshold
    )


@pytest.mark.parametrize(
    ("variation", "verdict"),
    [
        (Variation(), Verdict.OK),
        (Variation(face_width=50), Verdict.TOO_SMALL),
        (Variation(gain=0.2), Verdict.DARK),
        (Variation(gain=1.8), Verdict.BRIGHT),
        (Variation(blur=7), Verdict.BLURRED),
        (Variation(centre=(0.03, 0.5), face_width=120), Verdict.OUTSIDE),
        (Variation(angle=-38), Verdict.TILTED),
    ],
)
def test_the_gate_names_what_is_wrong(canteen, rng, variation, verdict):
    recogniser, people = canteen
    seen = recogniser.observe(vary(people[3], rng, variation), 0.0)
    assert seen.verdict is verdict
    assert (seen.match is not None) == (verdict is Verdict.OK)


def test_an_empty_frame_shows_nobody(canteen):
    seen = canteen[0].observe(empty_frame(), 0.0)
    assert (seen.verdict, seen.box, seen.match) == (Verdict.NO_FACE, None, None)


def test_two_people_in_the_zone_stop_the_payment(canteen, rng):
    recogniser, people = canteen
    left = vary(people[0], rng, Variation(centre=(0.5, 0.46), face_width=110))[:, 160:480]
    right = vary(people[3], rng, Variation(centre=(0.5, 0.46), face_width=110))[:, 160:480]
    seen = recogniser.observe(np.ascontiguousarray(np.hstack([left, right])), 0.0)
    assert seen.faces == 2
    assert seen.verdict is Verdict.TWO_FACES
    assert seen.match is None


def test_somebody_in_the_queue_behind_does_not_disturb(canteen, rng):
    recogniser, people = canteen
    front = vary(people[3], rng, Variation(centre=(0.6, 0.46), face_width=190))
    behind = vary(people[0], rng, Variation(centre=(0.5, 0.46), face_width=75))
    front[80:300, 80:220] = behind[80:300, 240:380]
    seen = recogniser.observe(front, 0.0)
    assert seen.verdict is Verdict.OK
    assert seen.match.person_id == "3"


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 700, 3), (700, 2, 3), (33, 47, 3)])
def test_frames_of_odd_sizes_are_looked_at_without_a_crash(canteen, shape):
    assert canteen[0].observe(np.zeros(shape, np.uint8), 0.0).verdict is Verdict.NO_FACE


def test_the_same_seed_gives_the_same_frame_and_enrolment_differs_from_it(samples):
    frames = [vary(samples[0], np.random.default_rng(9)) for _ in range(2)]
    np.testing.assert_array_equal(*frames)
    assert not np.array_equal(frames[0], vary(samples[0], np.random.default_rng(9), ENROLMENT))


def test_an_enrolment_photo_without_a_good_face_says_what_to_do(pack, samples, rng):
    with pytest.raises(ImageError, match="look at the camera") as none:
        reference_vector(pack, empty_frame())
    assert none.value.code == "no_face"
    with pytest.raises(ImageError, match="light") as dark:
        reference_vector(pack, vary(samples[0], rng, Variation(gain=0.15)))
    assert dark.value.code == "dark"
    from insightface.data import get_image

    with pytest.raises(ImageError, match="one person"):
        reference_vector(pack, get_image("t1"))


@pytest.mark.faces
def test_a_live_face_passes_and_its_picture_on_paper_or_screen_does_not(pack, faces_dir):
    for name, live in (("image_T1", True), ("image_F1", False), ("image_F2", False)):
        image = read_image(faces_dir / "liveness" / f"{name}.jpg")
        face = find_in_photo(pack, image)[0]
        score = pack.liveness.score(image, face.box)
        assert (score >= 0.8) is live
        assert (score < 0.3) is not live


@pytest.mark.faces
def test_a_printed_photo_of_an_enrolled_person_is_refused_as_not_live(pack, faces_dir):
    image = read_image(faces_dir / "liveness" / "image_F2.jpg")
    found = photo_face(pack, image)
    gallery = Gallery(pack.embedding_size)
    recogniser = Recogniser(pack, gallery)
    from vision.recognise import embed_face

    gallery.add("t", "victim", embed_face(pack, *found)[0])
    decider = Decider(recogniser.rules())
    for n in range(5):
        decision = decider.add(recogniser.observe(image, n * 0.1))
    assert assess(image, found[1]) is Verdict.OK
    assert decision.hint is Hint.NOT_LIVE


def test_dlibs_detector_leads_to_the_same_vector_as_dlibs_own_chip(models_dir, samples, rng):
    dlib = pytest.importorskip("dlib")
    from vision.detect import DlibHog
    from vision.manifest import find_file, load_manifest
    from vision.manifest import model_folders as folders
    from vision.packs import load_pack

    predictor = find_file("dlib_points", folders(), load_manifest())
    if predictor is None:
        pytest.skip("no five-point predictor: run `dafan models pull --pack pypi` without YuNet")
    pypi = load_pack("pypi", [models_dir])
    detector = DlibHog(str(predictor[0]), pypi.embedder.template)
    frame = vary(samples[3], rng, ENROLMENT)
    from vision.align import align

    face = detector.detect(frame)[0]
    ours = align(frame, face.points, pypi.embedder.template)
    rgb = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
    shape = dlib.shape_predictor(str(predictor[0]))(
        rgb, dlib.get_frontal_face_detector()(rgb, 0)[0]
    )
    theirs = np.ascontiguousarray(dlib.get_face_chip(rgb, shape, size=150)[..., ::-1])
    a, b = pypi.embedder.embed([ours, theirs])
    assert a @ b > 0.995
