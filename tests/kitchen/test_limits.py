"""A site's own limits: what it decided, and the usual ones for all the rest."""

import pytest
from sqlalchemy import Engine

from dafan import db
from dafan.errors import BadInputError
from kitchen import limits
from kitchen.cabinet import ChilledRules
from kitchen.production import ProductionRules
from kitchen.receiving_rules import Rules
from kitchen.sample_rules import SampleRules
from kitchen.staff import StaffRules
from tests.kitchen.conftest import Worker


def test_a_site_that_decided_nothing_has_the_usual_limits(engine: Engine, actor: Worker) -> None:
    with db.reading(engine) as session:
        assert limits.of(session, actor.site_id, SampleRules) == SampleRules()


def test_what_a_site_decides_holds_for_it_alone_and_is_written_down(
    engine: Engine, actor: Worker
) -> None:
    with db.writing(engine) as session:
        limits.decide(session, actor, StaffRules, {"warn_days": 60})
        limits.decide(session, actor, StaffRules, {"warn_days": 60})
    with db.reading(engine) as session:
        assert limits.of(session, actor.site_id, StaffRules) == StaffRules(warn_days=60)
        assert limits.of(session, actor.site_id, SampleRules) == SampleRules()
    assert [one.action for one in actor.recorded] == ["kitchen_limits.decide"]


@pytest.mark.parametrize("wrong", [{"warn_days": "soon"}, {"warn": 3}])
def test_a_limit_that_does_not_fit_changes_nothing(
    engine: Engine, actor: Worker, wrong: dict[str, object]
) -> None:
    with pytest.raises(BadInputError), db.writing(engine) as session:
        limits.decide(session, actor, StaffRules, wrong)
    with db.reading(engine) as session:
        assert limits.of(session, actor.site_id, StaffRules) == StaffRules()


@pytest.mark.parametrize(
    ("kind", "lax", "strict"),
    [
        (SampleRules, {"grams": 124}, {"grams": 200}),
        (SampleRules, {"hours": 47}, {"hours": 72}),
        (Rules, {"chilled_most": 81}, {"chilled_most": 40}),
        (ProductionRules, {"core_tenths": 699}, {"core_tenths": 750}),
        (ProductionRules, {"warm_minutes": 121}, {"warm_minutes": 90}),
        (ChilledRules, {"highest": 81}, {"highest": 50}),
        (ChilledRules, {"lowest": -1}, {"lowest": 10}),
    ],
)
def test_a_site_may_be_stricter_than_the_law_and_never_laxer(
    engine: Engine,
    actor: Worker,
    kind: type[object],
    lax: dict[str, object],
    strict: dict[str, object],
) -> None:
    with pytest.raises(BadInputError), db.writing(engine) as session:
        limits.decide(session, actor, kind, lax)
    with db.writing(engine) as session:
        limits.decide(session, actor, kind, strict)
    with db.reading(engine) as session:
        assert limits.decided_of(session, actor.site_id, kind) == strict
