"""Temperatures that a program tells, with the token of an account."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from kitchen import cabinet
from kitchen.cabinet import CabinetReading, CabinetValues
from server import api_tokens, kitchen_day
from server.actor import Actor
from server.auth import User
from tests.server.conftest import TestSite

PATH = "/api/v1/kitchen/temperatures"


@pytest.fixture
def fridge(engine: Engine, actor: Actor, site: TestSite) -> UUID:
    with db.writing(engine) as session:
        values = CabinetValues(venue_id=site.venue_id, name="冷藏柜", probe="T1", slots=4)
        return cabinet.create(session, actor, values).id


@pytest.fixture
def tell(
    engine: Engine, actor: Actor, client: FlaskClient, make_user: Callable[..., User]
) -> Callable[..., Any]:
    """Send readings as the bridge of the probes does."""
    user = make_user("bridge", "cook")
    with db.writing(engine) as session:
        token = api_tokens.make(session, actor, user, "bridge", 30)

    def send(*readings: dict[str, Any]) -> Any:
        return client.post(PATH, json={"readings": list(readings)}, auth=("bridge", token))

    return send


def kept(engine: Engine) -> Sequence[int]:
    with db.reading(engine) as session:
        query = select(CabinetReading.tenths).order_by(CabinetReading.at)
        return session.scalars(query).all()


def test_good_readings_are_kept_and_each_bad_one_says_why(
    engine: Engine, tell: Any, clock: ManualClock, fridge: UUID
) -> None:
    assert fridge
    now = clock.now()
    times = [now - timedelta(minutes=10), now + timedelta(hours=1), now - timedelta(days=30)]
    told = [{"probe": "T1", "celsius": 4.25, "at": at.isoformat()} for at in times]
    answer = tell(*told, {"probe": "T9", "celsius": "3"}, {"probe": "T1", "celsius": "-0.5"})
    assert answer.status_code == 200, answer.text
    assert answer.json["kept"] == 2
    assert [one["number"] for one in answer.json["refused"]] == [1, 2, 3]
    assert [one["code"] for one in answer.json["refused"]][1:] == ["old_reading", "unknown_probe"]
    assert kept(engine) == [43, -5]
    assert tell(told[0]).json == {"kept": 1, "refused": []}  # sent again
    assert len(kept(engine)) == 2


def test_garbage_and_strangers_change_nothing(
    engine: Engine, tell: Any, client: FlaskClient, fridge: UUID
) -> None:
    assert fridge
    for wrong in ({"probe": "T1", "celsius": "warm"}, {"probe": "T1", "celsius": 400}, {}):
        assert tell(wrong).status_code == 400, wrong
    assert tell().status_code == 400
    assert client.post(PATH, json={"readings": []}).status_code == 401
    assert kept(engine) == []


def test_a_cabinet_that_a_probe_calls_too_warm_is_an_alarm_of_its_samples_place(
    engine: Engine, tell: Any, clock: ManualClock, fridge: UUID, site: TestSite
) -> None:
    for minutes in (50, 40, 30, 20, 10, 0):
        at = (clock.now() - timedelta(minutes=minutes)).isoformat()
        tell({"probe": "T1", "celsius": 4 if minutes > 30 else 9.5, "at": at})
    with db.reading(engine) as session:
        day = clock.now().date()
        ((row, alarms),) = kitchen_day.troubles(session, site.id, day, clock.now())
    assert row.id == fridge
    assert [(one.trouble.value, one.worst) for one in alarms] == [("warm", 95)]
