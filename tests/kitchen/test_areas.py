from datetime import date, timedelta

import pytest

from dafan.db import reading, writing
from dafan.errors import BadInputError
from kitchen import areas, rectification, staff
from kitchen.areas import AreaCheckValues, AreaValues
from kitchen.rectification import Step
from kitchen.rows import SamePersonError
from kitchen.staff import WorkerValues

DAY = date(2026, 3, 2)


@pytest.fixture
def area(engine, actor):
    with writing(engine) as session:
        worker = staff.create(session, actor, WorkerValues(name="周", post="切配", login="zhou"))
        values = AreaValues(name="切配间", worker_id=worker.id, every_days=2, since=DAY)
        return areas.create(session, actor, values).id


def check(engine, who, area, *, clean=True, note="", day=DAY, key="k"):
    with writing(engine) as session:
        values = AreaCheckValues(area_id=area, clean=clean, note=note)
        return areas.check(session, who, key, day, values)


def overdue(engine, actor, day):
    with reading(engine) as session:
        return [(one.keeper, one.overdue_days) for one in areas.due(session, actor.site_id, day)]


def test_a_place_is_due_by_its_rhythm_and_shows_its_keeper(engine, actor, area):
    assert overdue(engine, actor, DAY - timedelta(days=1)) == []
    assert overdue(engine, actor, DAY + timedelta(days=1)) == [("周", 1)]
    check(engine, actor, area)
    assert overdue(engine, actor, DAY + timedelta(days=1)) == [("周", -1)]
    assert overdue(engine, actor, DAY + timedelta(days=3)) == [("周", 1)]


def test_a_dirty_place_becomes_a_finding_of_its_keeper_once(engine, actor, area):
    for _ in range(2):
        check(engine, actor, area, clean=False, note="刀架有污渍")
    with reading(engine) as session:
        (found,) = rectification.waiting(session, actor.site_id)
    assert (found.state, found.what) == (Step.ASSIGNED, "切配间: 刀架有污渍")


def test_nobody_judges_his_own_place_and_dirt_has_a_name(engine, actor, area):
    with pytest.raises(SamePersonError):
        check(engine, actor.named("zhou"), area)
    with pytest.raises(BadInputError, match="not clean"):
        check(engine, actor, area, clean=False)


def test_a_place_is_given_to_somebody_else_and_its_name_is_its_own(engine, actor, area):
    with writing(engine) as session:
        other = staff.create(session, actor, WorkerValues(name="吴", post="切配")).id
        values = AreaValues(name="切配间", worker_id=other, since=DAY)
        areas.update(session, actor, area, values)
    assert overdue(engine, actor, DAY) == [("吴", 0)]
    with pytest.raises(BadInputError, match="already"), writing(engine) as session:
        areas.create(session, actor, values)
