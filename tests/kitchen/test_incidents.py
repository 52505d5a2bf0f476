"""Incidents go from a camera to a person and on to another one; pictures go when they are done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from dafan import db
from dafan.crypto import SealError, new_key
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import boards, cameras, incidents, rectification, staff, teaching
from kitchen.boards import BoardKind, BoardValues
from kitchen.cameras import Camera, CameraValues, UnknownCameraError, ZoneValues
from kitchen.incidents import Incident, IncidentValues, JudgedError, Stage
from kitchen.rows import KeyReusedError, SamePersonError, UnknownRowError
from kitchen.staff import WorkerValues
from kitchen.teaching import TeachingExample

JPEG = b"\xff\xd8\xff a picture"
DAY = date(2026, 3, 2)


@dataclass(frozen=True)
class Key:
    epoch: int = 1
    secret: bytes = new_key()


KEY = Key()


def key_of(epoch: int) -> Key:
    if epoch != KEY.epoch:
        raise SealError("another key")
    return KEY


def told(at: datetime, **more: Any) -> IncidentValues:
    values = {
        "kind": "no_mask", "camera": "热厨", "at": at, "since": at - timedelta(seconds=2),
        "size": (200, 100), "persons": 2, "box": (20, 10, 40, 200), "part": (20, 10, 20, 20),
        "score": 0.93, "wrong": 5, "judged": 5,
    }  # fmt: skip
    return IncidentValues.model_validate({**values, **more})


@pytest.fixture
def camera(engine: Engine, actor: Any) -> UUID:
    with db.writing(engine) as session:
        values = CameraValues(name="热厨", place="灶台", rules=list(cameras.RULES), on_board=True)
        return cameras.save(session, actor, values).id


@pytest.fixture
def report(engine: Engine, actor: Any, camera: UUID) -> Callable[..., UUID]:
    assert camera

    def do(name: UUID | None = None, **more: Any) -> UUID:
        with db.writing(engine) as session:
            values = told(**{"at": actor.at, **more})
            return incidents.report(
                session, actor, name or new_id(), values, JPEG, KEY, digest="d"
            ).id

    return do


def test_told_twice_it_is_one_and_its_picture_is_sealed(
    engine: Engine, actor: Any, report: Callable[..., UUID]
) -> None:
    name = report()
    assert report(name) == name
    with db.reading(engine) as session:
        row = session.scalars(select(Incident)).one()
        assert (row.box, row.part) == ([0.1, 0.1, 0.2, 0.9], [0.1, 0.1, 0.1, 0.2])
        assert row.score == 930
        assert JPEG not in (row.sealed or b"")
    found = [one for one in actor.recorded if one.action == "incident.found"]
    assert len(found) == 1
    with db.writing(engine) as session:
        assert incidents.look(session, actor, name, key_of) == JPEG
    assert [one.action for one in actor.recorded][-1] == "incident.look"


def test_what_cannot_be_is_refused_and_nothing_of_it_is_kept(
    engine: Engine, actor: Any, report: Callable[..., UUID]
) -> None:
    with pytest.raises(UnknownCameraError):
        report(camera="nowhere")
    with pytest.raises(BadInputError, match="clock"):
        report(at=actor.at + timedelta(hours=1))
    with pytest.raises(BadInputError, match="clock"):
        report(since=actor.at + timedelta(minutes=1))
    with pytest.raises(ValueError, match="kind"):
        told(actor.at, kind="dancing")
    with db.reading(engine) as session:
        assert session.scalars(select(Incident)).all() == []


def test_the_way_from_found_to_verified_needs_two_persons(
    engine: Engine, actor: Any, report: Callable[..., UUID]
) -> None:
    name = report()
    boss, cook = actor.named("boss"), actor.named("li")

    def stage() -> Stage:
        with db.reading(engine) as session:
            return incidents.line(session, actor.site_id, name).stage

    with db.writing(engine) as session:
        worker = staff.create(
            session, boss, WorkerValues(name="李师傅", post="厨师", login="li")
        ).id
        row = incidents.confirm(session, boss, name, DAY, "热厨 没戴口罩", DAY + timedelta(days=3))
        finding = row.finding_id
    assert finding is not None
    assert stage() is Stage.CONFIRMED
    with db.writing(engine) as session:
        incidents.confirm(session, boss, name, DAY, "again", DAY)
        rectification.assign(session, boss, finding, worker)
    assert stage() is Stage.ASSIGNED
    with db.writing(engine) as session:
        rectification.put_right(session, cook, finding, "photo")
    assert stage() is Stage.PUT_RIGHT
    with pytest.raises(SamePersonError), db.writing(engine) as session:
        rectification.verify(session, cook, finding)
    with db.writing(engine) as session:
        rectification.verify(session, boss, finding)
    assert stage() is Stage.VERIFIED
    with db.reading(engine) as session:
        assert incidents.page(session, actor.site_id) == []
        over = incidents.page(session, actor.site_id, opened=False)
        assert [one.stage for one in over] == [Stage.VERIFIED]
        made = session.scalars(select(rectification.Finding)).all()
        assert [(one.source, one.source_ref) for one in made] == [("camera", str(name))]
    with pytest.raises(JudgedError), db.writing(engine) as session:
        incidents.dismiss(session, boss, name, "a cat")


def test_a_false_alarm_loses_its_picture_at_once_and_says_why(
    engine: Engine, actor: Any, report: Callable[..., UUID]
) -> None:
    name = report()
    with pytest.raises(BadInputError), db.writing(engine) as session:
        incidents.dismiss(session, actor, name, "  ")
    with db.writing(engine) as session:
        incidents.dismiss(session, actor, name, "口罩是透明的")
        incidents.dismiss(session, actor, name, "again")
    with db.writing(engine) as session:
        row = incidents.get(session, actor.site_id, name)
        assert (row.sealed, row.epoch, row.reason) == (None, None, "口罩是透明的")
        assert row.erased_at == actor.at
        assert incidents.look(session, actor, name, key_of) is None
    with pytest.raises(JudgedError), db.writing(engine) as session:
        incidents.confirm(session, actor, name, DAY, "x", DAY)


def test_pictures_go_when_they_are_old_and_the_incident_stays(
    engine: Engine, actor: Any, report: Callable[..., UUID]
) -> None:
    report()
    day = timedelta(days=1)
    with db.writing(engine) as session:
        assert incidents.erase_old(session, actor, actor.at - day) == 0
        assert incidents.erase_old(session, actor, actor.at + day) == 1
        assert incidents.erase_old(session, actor, actor.at + day) == 0
    with db.reading(engine) as session:
        row = session.scalars(select(Incident)).one()
        assert (row.sealed, row.sha256) == (None, "d")


def test_another_site_sees_and_judges_nothing_of_it(
    engine: Engine, actor: Any, report: Callable[..., UUID]
) -> None:
    name = report()
    stranger = type(actor)(new_id(), "stranger", actor.at)
    with db.writing(engine) as session:
        for act in (
            lambda: incidents.look(session, stranger, name, key_of),
            lambda: incidents.dismiss(session, stranger, name, "x"),
            lambda: incidents.confirm(session, stranger, name, DAY, "x", DAY),
            lambda: incidents.line(session, stranger.site_id, name),
        ):
            with pytest.raises(UnknownRowError):
                act()
        assert incidents.page(session, stranger.site_id) == []
        assert cameras.of_site(session, stranger.site_id) == []


def test_a_list_goes_on_where_it_ended(
    engine: Engine, actor: Any, report: Callable[..., UUID]
) -> None:
    names = [report(at=actor.at - timedelta(minutes=n)) if n else report() for n in (0, 0, 1, 2)]
    with db.reading(engine) as session:
        first = incidents.page(session, actor.site_id, limit=2)
        last = first[-1].row
        rest = incidents.page(session, actor.site_id, limit=9, before=(last.at, last.id))
    assert [one.row.id for one in rest] == names[2:]
    assert {one.row.id for one in first} == set(names[:2])


def test_a_camera_keeps_its_zones_and_one_name_is_one_camera(
    engine: Engine, actor: Any, camera: UUID
) -> None:
    zone = ZoneValues(polygon=[(0, 0), (1, 0), (1, 1)], rules=["phone"])
    with db.writing(engine) as session:
        cameras.draw(session, actor, camera, [zone])
        cameras.draw(session, actor, camera, [zone])
        other = cameras.save(session, actor, CameraValues(name="凉菜间", rules=["phone"])).id
    assert [one.action for one in actor.recorded].count("camera.zones") == 1
    with pytest.raises(BadInputError), db.writing(engine) as session:
        cameras.save(session, actor, CameraValues(name="热厨", rules=["phone"]), other)
    for wrong in ({"polygon": [(0, 0), (1, 1)], "rules": ["phone"]},
                  {"polygon": [(0, 0), (2, 0), (1, 1)], "rules": ["phone"]},
                  {"polygon": [(0, 0), (1, 0), (1, 1)], "rules": ["dancing"]}):  # fmt: skip
        with pytest.raises(ValueError, match=r"polygon|zone"):
            ZoneValues.model_validate(wrong)
    with db.writing(engine) as session:
        assert cameras.is_away(cameras.show(session, actor, "热厨", JPEG), actor.at) is False
        out = CameraValues(name="热厨", rules=["phone"], active=False)
        assert cameras.save(session, actor, out, camera).still is None
        assert [one.name for one in cameras.of_site(session, actor.site_id)] == ["凉菜间"]


def test_examples_are_sealed_counted_once_and_go_when_the_place_changes(
    engine: Engine, actor: Any, camera: UUID
) -> None:
    def add(key: str, *, wrong: bool) -> None:
        with db.writing(engine) as session:
            row = session.get_one(Camera, camera)
            teaching.add(
                session, actor, row, "bin_open", wrong=wrong, crop=JPEG, at=actor.at, key=key,
                seal=KEY,
            )  # fmt: skip

    with db.writing(engine) as session:
        teaching.mark(session, actor, camera, "bin_open", [0.1, 0.1, 0.2, 0.2])
    add("a", wrong=True)
    add("a", wrong=True)
    with pytest.raises(KeyReusedError):
        add("a", wrong=False)
    with db.writing(engine) as session:
        row = session.scalars(select(TeachingExample)).one()
        assert JPEG not in (row.sealed or b"")
        teaching.keep(session, actor, camera, "bin_open", "{}", {"low": 0.96}, live=True)
        assert teaching.live_rules(session, actor.site_id) == {camera: {"bin_open": "{}"}}
        teaching.switch_off(session, actor, camera, "bin_open")
        assert teaching.live_rules(session, actor.site_id) == {}
        teaching.mark(session, actor, camera, "bin_open", [0.3, 0.1, 0.2, 0.2])
        assert teaching.examples(session, actor.site_id, camera, "bin_open") == []
    with pytest.raises(BadInputError), db.writing(engine) as session:
        teaching.mark(session, actor, camera, "bin_open", [0.9, 0.1, 0.2, 0.2])


def test_a_boards_address_opens_until_it_is_revoked_and_is_kept_nowhere(
    engine: Engine, actor: Any
) -> None:
    with db.writing(engine) as session:
        values = BoardValues(kind=BoardKind.KITCHEN, name="大厅", venue_id=new_id())
        row, token = boards.make(session, actor, values)
        name = row.id
    with db.writing(engine) as session:
        found = boards.find(session, token)
        assert found is not None
        assert token not in str(vars(found))
        assert boards.find(session, token[:-1] + "!") is None
        assert boards.find(session, "") is None
        boards.say(session, actor, name, "今天有面点")
        boards.revoke(session, actor, name)
        assert boards.find(session, token) is None
        assert boards.of_site(session, actor.site_id) == []
    assert not any(token in str(one) for one in actor.recorded)
