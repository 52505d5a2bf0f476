from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from kitchen.supervision import SupervisionItem
from server import kitchen_day, sites
from server.actor import Actor
from tests.server.conftest import TestSite


def items(engine: Engine) -> list[Any]:
    with db.reading(engine) as session:
        return list(session.scalars(select(SupervisionItem)))


def test_the_days_list_comes_and_what_is_late_is_told_on_once(
    engine: Engine, site: TestSite, clock: ManualClock
) -> None:
    assert kitchen_day.drive(engine, clock.now()) == "0 late acts told on"
    assert items(engine) == []  # this kitchen has never looked at a list
    with db.writing(engine) as session:
        actor = Actor(site.id, "chef", clock.now())
        kitchen_day.make_list(session, actor, sites.policy(session, site.id))
    first = len(items(engine))
    assert not kitchen_day.drive(engine, clock.now()).startswith("0 ")
    assert kitchen_day.drive(engine, clock.now()).startswith("0 ")
    tomorrow = clock.now() + timedelta(days=1)
    kitchen_day.drive(engine, tomorrow)
    days = {row.business_date for row in items(engine)}
    assert len(days) == 2
    assert len(items(engine)) > first


def test_of_another_site_nothing_is_made(engine: Engine, site: TestSite, clock: Any) -> None:
    with db.writing(engine) as session:
        other = sites.ensure_site(session, "另一单位").id
        kitchen_day.make_list(
            session, Actor(other, "chef", clock.now()), sites.policy(session, other)
        )
    kitchen_day.drive(engine, clock.now())
    assert {row.site_id for row in items(engine)} == {other}
    assert site.id != other
