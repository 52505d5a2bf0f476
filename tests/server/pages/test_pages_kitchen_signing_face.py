"""Signing by face: real weights, real pictures, a real browser's camera; never a guess."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
from sqlalchemy import Engine, select

from dafan import db
from kitchen import staff
from kitchen.pictures import Picture
from kitchen.staff import Worker, WorkerValues
from server import consents, faces, people
from server.actor import Actor
from server.consent_texts import CURRENT, KITCHEN
from server.face_engine import shared_engine
from tests.server.conftest import parts_of
from tests.server.pages.conftest import Browser
from vision import samples

pytestmark = [
    pytest.mark.browser,
    pytest.mark.process,
    pytest.mark.models,
    pytest.mark.usefixtures("models_dir"),
]
PIN = "305172"
UNKNOWN = "没认出您，请靠近一点，或用工号"


@pytest.fixture(scope="module")
def crowd() -> list[samples.Sample]:
    return samples.sample_faces()


def frames(person: samples.Sample, count: int = 4, seed: int = 5) -> list[bytes]:
    """What a camera sees of somebody who stands before it."""
    rng = np.random.default_rng(seed)
    base = samples.Variation(face_width=150)
    seen = [samples.vary(person, rng, samples.jitter(base, rng)) for _ in range(count)]
    return [cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes() for one in seen]


@pytest.fixture
def enrol(
    app: Any, engine: Engine, actor: Actor, make_diner: Callable[..., UUID],
    crowd: list[samples.Sample],
) -> Callable[..., Worker]:  # fmt: skip
    """A worker whose face is stored, with a consent to the text of this version."""

    def add(name: str, number: int, version: str = KITCHEN) -> Worker:
        diner, parts = make_diner(cash=0), parts_of(app)
        vision = shared_engine(parts.settings.vision.pack)
        photo = samples.vary(crowd[number], np.random.default_rng(0), samples.ENROLMENT)
        reference = vision.read(cv2.imencode(".jpg", photo)[1].tobytes())
        with db.writing(engine) as session:
            people.set_pin(session, actor, diner, PIN)
            consents.give(session, actor, diner, consents.ConsentValues(version=version))
            faces.enrol(session, actor, parts.ring, diner, reference, lookalike_similarity=1)
            return staff.create(
                session, actor, WorkerValues(name=name, post="厨师", diner_id=diner)
            )

    return add


@pytest.fixture
def tablet(browser: Callable[[str], Browser]) -> Browser:
    return browser("kitchen_manager")


def look(tablet: Browser, pictures: list[bytes], **fields: Any) -> dict[str, Any]:
    shown = [(io.BytesIO(one), f"{at}.jpg") for at, one in enumerate(pictures)]
    answer = tablet.client.post(
        "/kitchen/who",
        data={"photo": shown, **fields} if shown else fields,
        headers={"X-CSRFToken": tablet.token()},
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def test_a_face_signs_for_its_person_and_a_stranger_for_nobody(
    tablet: Browser, engine: Engine, enrol: Callable[..., Worker], crowd: list[samples.Sample]
) -> None:
    wang = enrol("王一", 0)
    enrol("李二", 1)
    answer = look(tablet, frames(crowd[0]))
    assert (answer["ok"], answer["name"], answer["worker"]) == (True, "王一", str(wang.id))
    assert look(tablet, frames(crowd[2])) == {"ok": False, "text": UNKNOWN}
    with db.reading(engine) as session:
        assert session.scalars(select(Picture)).all() == []


def test_two_people_before_the_camera_in_one_look_are_neither(
    tablet: Browser, enrol: Callable[..., Worker], crowd: list[samples.Sample]
) -> None:
    enrol("王一", 0)
    enrol("李二", 1)
    mixed = frames(crowd[0], 2) + frames(crowd[1], 2)
    assert not look(tablet, mixed)["ok"]


def test_one_picture_shown_four_times_is_no_look_at_a_camera(
    tablet: Browser, enrol: Callable[..., Worker], crowd: list[samples.Sample]
) -> None:
    enrol("王一", 0)
    assert not look(tablet, frames(crowd[0], 1) * 4)["ok"]


def test_only_who_agreed_to_the_kitchens_own_text_is_compared(
    tablet: Browser, engine: Engine, actor: Actor, enrol: Callable[..., Worker],
    crowd: list[samples.Sample],
) -> None:  # fmt: skip
    enrol("王一", 0, version=CURRENT)
    assert "还没有人同意" in look(tablet, frames(crowd[0]))["text"]
    second = enrol("李二", 1)
    assert look(tablet, frames(crowd[0]))["text"] == UNKNOWN
    assert look(tablet, frames(crowd[1]))["ok"]
    assert second.diner_id is not None
    with db.writing(engine) as session:
        faces.withdraw(session, actor, second.diner_id)
    assert "还没有人同意" in look(tablet, frames(crowd[1]))["text"]


def test_look_alikes_show_the_face_and_type_the_pin(
    tablet: Browser, engine: Engine, actor: Actor, enrol: Callable[..., Worker],
    crowd: list[samples.Sample],
) -> None:  # fmt: skip
    first, second = enrol("王一", 0), enrol("李二", 1)
    assert first.diner_id is not None
    assert second.diner_id is not None
    with db.writing(engine) as session:
        people.mark_lookalikes(session, actor, first.diner_id, second.diner_id)
    seen = look(tablet, frames(crowd[0]))
    assert (seen["ok"], "请再输入密码" in seen["text"]) == (False, True)
    assert not look(tablet, [], face=seen["face"], pin="111222")["ok"]
    assert look(tablet, [], face=seen["face"], pin=PIN)["worker"] == str(first.id)
    forged = look(tablet, [], face=look(tablet, [], face=seen["face"], pin=PIN)["token"], pin=PIN)
    assert not forged["ok"]


def test_what_is_no_picture_is_told_calmly(tablet: Browser, enrol: Callable[..., Worker]) -> None:
    enrol("王一", 0)
    for rubbish in (b"", b"GIF89a", b"\xff\xd8\xff" + b"x" * 100):
        assert not look(tablet, [rubbish] * 4)["ok"]


@pytest.fixture
def camera(chromium: Any, crowd: list[samples.Sample], tmp_path: Path) -> Iterator[Any]:
    """A page of a Chromium whose camera sees a person of the sample picture."""
    film = tmp_path / "camera.mjpeg"
    film.write_bytes(b"".join(frames(crowd[0], 24)))
    with chromium.another(
        "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ) as browser:  # fmt: skip
        yield browser.new_context(viewport={"width": 1280, "height": 800}).new_page()


def test_a_cook_signs_by_looking_at_the_tablet(
    address: str, camera: Any, sign_in: Callable[[Any, str], None],
    make_user: Callable[..., Any], enrol: Callable[..., Worker],
) -> None:  # fmt: skip
    enrol("王一", 0)
    enrol("李二", 1)
    make_user("km", "kitchen_manager")
    faults: list[str] = []
    camera.on("pageerror", lambda error: faults.append(str(error)))
    sign_in(camera, "km")
    camera.goto(f"{address}/kitchen/")
    camera.click(".ways a:has-text('记录') >> nth=0")
    camera.click(".sign button")
    camera.click("dialog.who >> text=刷脸")
    camera.wait_for_selector(".sign.signed:has-text('王一')")
    assert camera.locator("dialog.who").count() == 0
    assert faults == []
