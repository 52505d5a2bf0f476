"""What a camera found comes by the API, is looked at, judged, given to somebody, or dismissed."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select
from werkzeug.test import TestResponse

from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from kitchen import cameras, staff, teaching
from kitchen.cameras import CameraValues
from kitchen.incidents import Incident
from kitchen.rectification import Finding
from kitchen.staff import WorkerValues
from kitchen.teaching import TeachingExample
from server.actor import Actor
from server.audit import Audit
from tests.server.conftest import PASSWORD, TestSite
from tests.server.pages.conftest import Browser

FORM = "/kitchen/findings"
"""A page that always has a form, for its token."""
NOISE = np.random.default_rng(3).integers(0, 255, (360, 640, 3), np.uint8)
JPEG = cv2.imencode(".jpg", NOISE)[1].tobytes()


def told(clock: ManualClock, **more: Any) -> dict[str, Any]:
    at = clock.now()
    values = {
        "kind": "no_hat", "camera": "热厨", "at": at.isoformat(),
        "since": (at - timedelta(seconds=2)).isoformat(), "size": [640, 360], "persons": 2,
        "box": [100, 50, 80, 250], "part": [110, 50, 60, 60], "score": 0.91, "wrong": 5,
        "judged": 6, "track": 1, "detail": "", "picture": base64.b64encode(JPEG).decode(),
    }  # fmt: skip
    return {**values, **more}


@pytest.fixture
def camera(engine: Engine, actor: Actor) -> UUID:
    with db.writing(engine) as session:
        values = CameraValues(name="热厨", rules=list(cameras.RULES), on_board=True)
        return cameras.save(session, actor, values).id


@pytest.fixture
def box(app: APIFlask, make_user: Callable[..., Any], camera: UUID) -> Callable[..., TestResponse]:
    """A watching box with an account of the kitchen."""
    assert camera
    make_user("box", "cook")
    client = app.test_client()

    def ask(method: str, path: str, **more: Any) -> TestResponse:
        return client.open(f"/api/v1{path}", method=method, auth=("box", PASSWORD), **more)

    return ask


@pytest.fixture
def boss(browser: Callable[[str], Browser], site: TestSite) -> Browser:
    assert site
    return browser("kitchen_manager")


def test_a_box_reports_and_the_same_report_again_is_the_same(
    box: Callable[..., TestResponse], clock: ManualClock, engine: Engine,
    stored: Callable[[], bytes],
) -> None:  # fmt: skip
    name = new_id()
    for _ in range(2):
        answer = box("PUT", f"/incidents/{name}", json=told(clock))
        assert (answer.status_code, answer.json) == (200, {"id": str(name), "state": "found"})
    with db.reading(engine) as session:
        rows = session.scalars(select(Incident)).all()
        found = session.scalars(select(Audit).where(Audit.action == "incident.found")).all()
    assert [row.id for row in rows] == [name]
    assert [one.who for one in found] == ["box"]
    assert JPEG[100:400] not in stored()


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"kind": "dancing"}, 400), ({"camera": "nowhere"}, 404), ({"at": "yesterday"}, 400),
     ({"picture": base64.b64encode(b"<svg/>").decode()}, 400), ({"picture": "***"}, 400),
     ({"score": 7}, 400), ({"more": 1}, 400)],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_and_nothing_is_kept(
    box: Callable[..., TestResponse], clock: ManualClock, engine: Engine,
    wrong: dict[str, Any], status: int,
) -> None:  # fmt: skip
    answer = box("PUT", f"/incidents/{new_id()}", json=told(clock, **wrong))
    assert answer.status_code == status, answer.text
    with db.reading(engine) as session:
        assert session.scalars(select(Incident)).all() == []


def test_a_still_is_drawn_anew_and_what_is_none_is_refused(
    box: Callable[..., TestResponse], camera: UUID, engine: Engine
) -> None:
    assert box("PUT", "/camera-stills?camera=热厨", data=JPEG).status_code == 204
    assert box("PUT", "/camera-stills?camera=热厨", data=b"GIF89a").status_code == 400
    assert box("PUT", "/camera-stills?camera=nowhere", data=JPEG).status_code == 404
    with db.reading(engine) as session:
        assert session.get_one(cameras.Camera, camera).still is not None


def test_the_box_is_told_what_was_taught_and_drawn(
    box: Callable[..., TestResponse], camera: UUID, engine: Engine, actor: Actor
) -> None:
    with db.writing(engine) as session:
        zone = cameras.ZoneValues(polygon=[(0, 0), (1, 0), (1, 1)], rules=["phone"])
        cameras.draw(session, actor, camera, [zone])
        teaching.mark(session, actor, camera, "no_hat", None)
        teaching.keep(session, actor, camera, "no_hat", "{}", {"low": 0.97}, live=True)
    said = box("GET", "/cameras").json
    assert said is not None
    (one,) = said["cameras"]
    assert (one["name"], one["taught"]) == ("热厨", {"no_hat": "{}"})
    assert one["zone"] == [{"polygon": [[0, 0], [1, 0], [1, 1]], "rules": ["phone"]}]


def test_it_is_looked_at_judged_and_given_to_somebody(
    boss: Browser, box: Callable[..., TestResponse], clock: ManualClock, engine: Engine,
    actor: Actor, camera: UUID,
) -> None:  # fmt: skip
    name = new_id()
    box("PUT", f"/incidents/{name}", json=told(clock))
    with db.writing(engine) as session:
        worker = staff.create(session, actor, WorkerValues(name="李师傅", post="厨师")).id
        chief = WorkerValues(name="主管", post="主管", login="kitchen_manager")
        staff.create(session, actor, chief)
    page = f"/kitchen/incidents/{name}"
    assert "没戴帽子" in boss.see("/kitchen/incidents")
    assert "/picture" not in boss.see(page)
    assert f"{page}/picture" in boss.see(f"{page}?look=1")
    shown = boss.get(f"{page}/picture")
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    with db.reading(engine) as session:
        looks = session.scalars(select(Audit).where(Audit.action == "incident.look")).all()
    assert [(one.who, one.subject) for one in looks] == [("kitchen_manager", str(name))]
    for _ in range(2):
        answer = boss.send(f"{page}/confirm", FORM, worker_id=str(worker), due="2026-03-05")
        assert "整改" in answer.text
    with db.reading(engine) as session:
        (finding,) = session.scalars(select(Finding)).all()
        (example,) = session.scalars(select(TeachingExample)).all()
    assert (finding.state, finding.source, finding.worker_id) == ("assigned", "camera", worker)
    assert (example.camera_id, example.rule, example.wrong) == (camera, "no_hat", True)
    assert f"/kitchen/findings/{finding.id}" in boss.see(page)
    assert "没戴帽子" in boss.see(f"/kitchen/findings/{finding.id}")


def test_a_false_alarm_loses_its_picture_and_teaches_the_camera(
    boss: Browser, box: Callable[..., TestResponse], clock: ManualClock, engine: Engine,
) -> None:  # fmt: skip
    name = new_id()
    box("PUT", f"/incidents/{name}", json=told(clock))
    page = f"/kitchen/incidents/{name}"
    boss.send(f"{page}/dismiss", FORM, reason="")
    boss.send(f"{page}/dismiss", FORM, reason="其实是对的")
    assert "误报" in boss.see("/kitchen/incidents?closed=1")
    assert boss.get(f"{page}/picture").status_code == 404
    with db.reading(engine) as session:
        row = session.get_one(Incident, name)
        (example,) = session.scalars(select(TeachingExample)).all()
    assert (row.state, row.sealed, row.reason) == ("false_alarm", None, "其实是对的")
    assert (example.wrong, example.source) == (False, str(name))
    assert "误报" in boss.send(f"{page}/confirm", FORM, due="2026-03-05").text


def test_who_may_not_judge_or_look_finds_no_button(
    browser: Callable[[str], Browser], box: Callable[..., TestResponse], clock: ManualClock
) -> None:
    name = new_id()
    box("PUT", f"/incidents/{name}", json=told(clock))
    cook = browser("auditor")
    page = cook.see(f"/kitchen/incidents/{name}")
    assert "/confirm" not in page
    assert cook.get(f"/kitchen/incidents/{new_id()}").status_code == 404
