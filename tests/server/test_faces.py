import io
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import cv2
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from dafan import crypto, records
from dafan.db import reading, writing
from dafan.desk import ErasureReceipt
from dafan.errors import BadInputError
from dafan.ids import new_id
from server import (
    audit,
    consent_texts,
    consents,
    faces,
    feed,
    leaving,
    people,
    reindexing,
    sites,
    terminals,
)
from server.actor import Actor
from server.face_engine import FaceEngine, PhotoError, Reference
from server.keys import Key, KeyRing
from vision.errors import ImageError, ModelError
from vision.images import MAX_BYTES
from vision.quality import Verdict

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
KEY = bytes(range(32))


class OneKey(KeyRing):
    """A ring that never leaves the memory."""

    def key(self, epoch):
        return Key(epoch, KEY)


RING = OneKey(Path())
NEAR = 0.45


@pytest.fixture
def actor(site):
    return Actor(site.id, "甲子", NOW, "10.0.0.7")


@pytest.fixture
def make_diner(engine, actor, site):
    def make(staff_no):
        given = {"staff_no": staff_no, "name": f"乙{staff_no}", "group_id": site.group_id}
        with writing(engine) as session:
            return people.create_diner(session, actor, people.DinerValues(**given)).id

    return make


@pytest.fixture
def diner_id(make_diner):
    return make_diner("1001")


@pytest.fixture
def tills(engine, actor):
    """Two terminals of the site, one of them revoked."""
    made = []
    with writing(engine) as session:
        venue = sites.ensure_venue(session, actor.site_id, "第一食堂")
        for name, revoked in (("一号台", None), ("旧台", NOW)):
            terminal = terminals.Terminal(
                id=new_id(), site_id=actor.site_id, venue_id=venue.id, name=name,
                signing_key=bytes(32), box_key=bytes(32), enrolled_at=NOW, revoked_at=revoked,
            )  # fmt: skip
            session.add(terminal)
            made.append(terminal.id)
    return made


def face(seed, near_to=None, similarity=0.0, pack="made-up"):
    """A reference whose vector has a chosen cosine to another one."""
    rng = np.random.default_rng(seed)
    vector = rng.normal(size=128)
    if near_to is not None:
        other = near_to.vector.astype(float)
        vector -= vector @ other * other
        vector = similarity * other + np.sqrt(1 - similarity**2) * vector / np.linalg.norm(vector)
    vector = (vector / np.linalg.norm(vector)).astype(np.float32)
    return Reference(b"\xff\xd8 jpeg " + bytes([seed]), vector, pack)


def agree(engine, actor, diner_id, **values):
    with writing(engine) as session:
        return consents.give(session, actor, diner_id, consents.ConsentValues(**values))


def enrol(engine, actor, diner_id, reference, *, confirm=False, consent=True):
    if consent:
        agree(engine, actor, diner_id)
    with writing(engine) as session:
        return faces.enrol(
            session, actor, RING, diner_id, reference, lookalike_similarity=NEAR, confirm=confirm
        )


def on_tills(engine, kind="template"):
    with reading(engine) as session:
        rows = session.scalars(select(feed.FeedRow).where(feed.FeedRow.kind == kind))
        return {
            UUID(row.key): row.body and records.FEED_BODIES[kind].model_validate(row.body)
            for row in rows
        }


# --- consent ------------------------------------------------------------------------------------


def test_nobody_is_enrolled_without_a_consent_that_holds(engine, actor, diner_id):
    with pytest.raises(faces.NoConsentError):
        enrol(engine, actor, diner_id, face(1), consent=False)
    agree(engine, actor, diner_id)
    with writing(engine) as session:
        faces.withdraw(session, actor, diner_id)
    with pytest.raises(faces.NoConsentError):
        enrol(engine, actor, diner_id, face(1), consent=False)
    assert on_tills(engine) == {}


def test_a_consent_keeps_version_time_channel_and_who_took_it(engine, actor, diner_id):
    agree(engine, actor, diner_id, channel="paper")
    with reading(engine) as session:
        (row,) = consents.history(session, diner_id)
        assert (row.version, row.channel) == (consent_texts.CURRENT, "paper")
        assert (row.given_at, row.given_by) == (NOW, "甲子")


def test_a_child_needs_the_name_of_a_guardian(engine, actor, diner_id):
    with pytest.raises(ValueError, match="guardian"):
        consents.ConsentValues(under_14=True)
    agree(engine, actor, diner_id, under_14=True, guardian="丙寅")
    with reading(engine) as session:
        assert consents.standing(session, diner_id).guardian == "丙寅"


def test_an_old_text_cannot_be_agreed_to(engine, actor, diner_id, monkeypatch):
    with pytest.raises(BadInputError, match="reload"):
        agree(engine, actor, diner_id, version="1999-01")
    monkeypatch.setattr(consents, "CURRENT", "2099-01")
    with pytest.raises(BadInputError, match="changed"):
        agree(engine, actor, diner_id, version=consent_texts.CURRENT)


def test_agreeing_again_closes_the_earlier_consent_but_keeps_it(engine, actor, diner_id):
    agree(engine, actor, diner_id)
    agree(engine, actor, diner_id)
    with reading(engine) as session:
        newest, earlier = consents.history(session, diner_id)
        assert newest.closed_at is None
        assert earlier.closed_because == "renewed"


def test_the_text_says_what_the_law_asks_for():
    text = consent_texts.text_of()
    whole = "".join(part for pair in text.paragraphs for part in pair)
    for word in (
        "照片",
        "服务器",
        "结算台",
        "加密",
        "撤回",
        "刷卡",
        "扫码",
        "密码",
        "监护人",
        "敏感",
    ):
        assert word in whole


# --- enrolment ----------------------------------------------------------------------------------


def test_an_enrolled_template_opens_on_a_till_with_the_site_key_only(engine, actor, diner_id):
    reference = face(1)
    template, near = enrol(engine, actor, diner_id, reference)
    assert near == []
    record = on_tills(engine)[template.id]
    assert (record.diner_id, record.pack) == (diner_id, "made-up")
    assert record.consent_version == consent_texts.CURRENT
    plain = crypto.open_sealed(KEY, record.sealed, f"template:{template.id}")
    assert np.array_equal(np.frombuffer(plain, "<f4"), reference.vector)
    with pytest.raises(crypto.SealError):
        crypto.open_sealed(crypto.new_key(), record.sealed, f"template:{template.id}")


def test_neither_photo_nor_vector_stands_in_the_database_in_clear(engine, actor, diner_id, stored):
    reference = face(1)
    enrol(engine, actor, diner_id, reference)
    everything = stored()
    assert str(diner_id).encode() in everything
    assert reference.jpeg not in everything
    assert reference.vector.tobytes()[:16] not in everything


def test_the_photo_comes_back_and_that_somebody_looked_is_written_down(engine, actor, diner_id):
    enrol(engine, actor, diner_id, face(1))
    with writing(engine) as session:
        assert faces.show_photo(session, actor, RING, diner_id) == face(1).jpeg
    with reading(engine) as session:
        assert "face.look" in [row.action for row in session.scalars(select(audit.Audit))]


def test_a_second_enrolment_replaces_the_first_everywhere(engine, actor, diner_id, tills):
    first, _ = enrol(engine, actor, diner_id, face(1))
    second, _ = enrol(engine, actor, diner_id, face(2))
    there = on_tills(engine)
    assert there[first.id] is None
    assert there[second.id] is not None
    with reading(engine) as session:
        assert [row.terminal_id for row in faces.erasures(session, diner_id)] == tills[:1]


def test_a_face_near_to_another_diner_needs_a_confirmation_and_marks_both(
    engine, actor, make_diner
):
    one, two = make_diner("1001"), make_diner("1002")
    first = face(1)
    enrol(engine, actor, one, first)
    twin = face(2, near_to=first, similarity=0.6)
    with pytest.raises(faces.DuplicateFaceError, match="1001") as caught:
        enrol(engine, actor, two, twin)
    assert [near.diner_id for near in caught.value.near] == [one]
    assert caught.value.near[0].similarity == pytest.approx(0.6, abs=1e-5)
    assert len(on_tills(engine)) == 1
    _, near = enrol(engine, actor, two, twin, confirm=True)
    assert [other.diner_id for other in near] == [one]
    diners = on_tills(engine, "diner")
    assert diners[one].lookalikes == (two,)
    assert diners[two].lookalikes == (one,)


def test_faces_of_other_packs_and_of_other_sites_are_never_compared(engine, actor, make_diner):
    one, two = make_diner("1001"), make_diner("1002")
    first = face(1)
    enrol(engine, actor, one, first)
    _, near = enrol(engine, actor, two, Reference(first.jpeg, first.vector, "another"))
    assert near == []
    with writing(engine) as session:
        other = sites.ensure_site(session, "另一单位")
        assert faces.find_near(session, other.id, RING, new_id(), first, NEAR) == []


# --- withdrawal ---------------------------------------------------------------------------------


def test_withdrawal_erases_photo_and_template_and_waits_for_the_tills(
    engine, actor, diner_id, tills
):
    template, _ = enrol(engine, actor, diner_id, face(1))
    with writing(engine) as session:
        assert faces.withdraw(session, actor, diner_id)
    assert on_tills(engine)[template.id] is None
    with reading(engine) as session:
        assert session.scalars(select(faces.Photo)).all() == []
        assert session.scalars(select(faces.Template)).all() == []
        assert consents.standing(session, diner_id) is None
        (waiting,) = faces.waiting_erasures(session, actor.site_id)
        assert (waiting.terminal_id, waiting.template_id) == (tills[0], template.id)


def test_the_receipt_of_a_till_ends_the_waiting_once(engine, actor, diner_id, tills):
    template, _ = enrol(engine, actor, diner_id, face(1))
    with writing(engine) as session:
        faces.withdraw(session, actor, diner_id)
    receipt = ErasureReceipt(template_id=template.id, diner_id=diner_id, erased_at=NOW)
    with writing(engine) as session:
        assert faces.note_erasure(session, tills[0], receipt)
        assert faces.note_erasure(session, tills[0], receipt), "a retry is harmless"
        assert not faces.note_erasure(session, new_id(), receipt), "a till that was not asked"
    with reading(engine) as session:
        assert faces.waiting_erasures(session, actor.site_id) == []
        assert faces.erasures(session, diner_id)[0].erased_at == NOW


def test_withdrawing_twice_or_without_a_face_does_nothing(engine, actor, diner_id):
    with writing(engine) as session:
        assert not faces.withdraw(session, actor, diner_id)
    enrol(engine, actor, diner_id, face(1))
    with writing(engine) as session:
        assert faces.withdraw(session, actor, diner_id)
        assert not faces.withdraw(session, actor, diner_id)


def test_withdrawal_frees_the_lookalike_of_his_second_factor(engine, actor, make_diner):
    one, two = make_diner("1001"), make_diner("1002")
    enrol(engine, actor, one, face(1))
    enrol(engine, actor, two, face(2, near_to=face(1), similarity=0.6), confirm=True)
    with writing(engine) as session:
        faces.withdraw(session, actor, two)
    assert on_tills(engine, "diner")[one].lookalikes == ()


def test_who_leaves_takes_his_face_along(engine, actor, diner_id):
    template, _ = enrol(engine, actor, diner_id, face(1))
    with writing(engine) as session:
        leaving.leave(session, actor, diner_id)
    assert on_tills(engine)[template.id] is None
    with reading(engine) as session:
        assert consents.history(session, diner_id)[0].closed_because == "left"


def test_a_site_cannot_touch_the_faces_of_another(engine, actor, diner_id):
    enrol(engine, actor, diner_id, face(1))
    stranger = Actor(UUID(int=99), "丁卯", NOW)
    with writing(engine) as session:
        for act in (
            lambda: faces.withdraw(session, stranger, diner_id),
            lambda: faces.show_photo(session, stranger, RING, diner_id),
            lambda: consents.give(session, stranger, diner_id, consents.ConsentValues()),
            lambda: faces.enrol(
                session, stranger, RING, diner_id, face(2), lookalike_similarity=NEAR
            ),
        ):
            with pytest.raises(people.UnknownDinerError):
                act()


# --- photographs, with real models --------------------------------------------------------------


def jpeg(image):
    return cv2.imencode(".jpg", image)[1].tobytes()


def png_header(width, height):
    """A PNG that announces a size and holds next to nothing."""

    def chunk(kind, body):
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (bytes(40 * 2**20), "40 MB"),
        (b"", "not a picture"),
        (b"<svg onload=alert(1)>", "not a picture"),
        (png_header(60_000, 60_000), "pixels"),
        (b"\xff\xd8\xff\xe0" + bytes(500), "picture"),
    ],
    ids=["40 MB", "nothing", "no picture", "a bomb", "half a JPEG"],
)
def test_an_upload_that_is_no_usable_picture_is_refused_before_any_model_is_loaded(data, advice):
    engine = FaceEngine("no such pack")
    with pytest.raises(ImageError, match=advice):
        engine.read(data)
    assert len(data) <= MAX_BYTES or "40 MB" in advice


@pytest.fixture(scope="module")
def real():
    engine = FaceEngine()
    try:
        assert engine.pack
    except ModelError as error:
        pytest.skip(f"needs model files: {error}")
    return engine


@pytest.fixture(scope="module")
def portraits():
    """Two enrolment photographs of each of three people, taken differently."""
    from vision import samples

    rng = np.random.default_rng(7)
    return [
        (samples.vary(who, rng, samples.ENROLMENT), samples.vary(who, rng, samples.ENROLMENT))
        for who in samples.sample_faces()[:3]
    ]


@pytest.mark.models
def test_two_photos_of_one_person_are_near_and_of_two_people_are_not(real, portraits):
    vectors = [[real.read(jpeg(photo)).vector for photo in pair] for pair in portraits]
    assert min(float(a @ b) for a, b in vectors) > real.lookalike_similarity
    strangers = [float(vectors[i][0] @ vectors[j][0]) for i in range(3) for j in range(i)]
    assert max(strangers) < real.lookalike_similarity


@pytest.mark.models
def test_a_kept_photo_is_the_face_without_the_cameras_notes_and_gives_the_same_vector(
    real, portraits
):
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "GPS of the diner's home"
    Image.fromarray(portraits[0][0][..., ::-1]).save(buffer, "JPEG", exif=exif, quality=95)
    reference = real.read(buffer.getvalue())
    assert b"GPS of the diner" not in reference.jpeg
    with Image.open(io.BytesIO(reference.jpeg)) as kept:
        assert max(kept.size) <= 800
    again = real.read_again(reference.jpeg)
    assert float(again.vector @ reference.vector) > 0.95
    assert again.pack == reference.pack


@pytest.mark.models
def test_poor_photos_are_refused_with_the_reason(real, portraits):
    good = portraits[0][0]
    blank = np.full((480, 640, 3), 180, np.uint8)
    for photo, verdict in (
        (blank, Verdict.NO_FACE),
        (np.hstack([good, portraits[1][0]]), Verdict.TWO_FACES),
        ((good * 0.12).astype(np.uint8), Verdict.DARK),
        (cv2.GaussianBlur(good, (0, 0), 6), Verdict.BLURRED),
        (cv2.resize(good, None, fx=0.3, fy=0.3), Verdict.TOO_SMALL),
    ):
        with pytest.raises(PhotoError) as caught:
            real.read(jpeg(photo))
        assert caught.value.verdict is verdict
        assert caught.value.code == f"photo_{verdict.value}"


# --- another pack -------------------------------------------------------------------------------


class OtherPack:
    """Stands in for an engine of another pack: vectors from the photograph's bytes."""

    lookalike_similarity = NEAR

    def __init__(self, near=()):
        self.pack = SimpleNamespace(name="another", embedding_size=128)
        self.near = near

    def read_again(self, jpeg):
        if jpeg.endswith(b"\x03"):
            raise PhotoError(Verdict.NO_FACE)
        seed = 50 if jpeg[-1] in self.near else jpeg[-1]
        return Reference(jpeg, face(seed).vector, "another")


def test_reindexing_replaces_vectors_and_lookalikes_and_names_who_could_not_be_read(
    engine, actor, make_diner
):
    ids = [make_diner(str(number)) for number in (1001, 1002, 1003, 1004)]
    one, two, broken, four = ids
    for seed, diner_id in ((1, one), (2, two), (3, broken), (4, four)):
        enrol(engine, actor, diner_id, face(seed))
    with writing(engine) as session:
        people.mark_lookalikes(session, actor, one, four)
    done = list(reindexing.reindex(engine, actor, RING, OtherPack(near=(1, 2))))
    assert [step.diner_id for step in done if step.problem] == [broken]
    packs = {record.diner_id: record.pack for record in on_tills(engine).values()}
    assert packs == {one: "another", two: "another", broken: "made-up", four: "another"}
    diners = on_tills(engine, "diner")
    assert [diners[diner_id].lookalikes for diner_id in ids] == [(two,), (one,), (), ()]
    with reading(engine) as session:
        template = faces.template_of(session, four)
        vector = faces.open_vector(KEY, template.id, template.sealed)
        assert np.array_equal(vector, face(4).vector)
        assert reindexing.count_stale(session, actor.site_id, "another") == 1
