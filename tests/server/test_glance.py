"""The lights of the one screen, and that its figures are those of the records."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from dafan import db
from kitchen import rectification
from kitchen.rectification import FindingValues
from server import glance, glance_words, scales, sites
from server.glance_rules import (
    Acts,
    Complaints,
    Gauge,
    Glance,
    GlanceRules,
    Incidents,
    Light,
    MealNow,
    Paying,
    Queue,
    Samples,
    Stock,
    Tills,
    Waste,
    Why,
    judge,
)

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
CALM = Glance(NOON, date(2026, 3, 2))
RULES = GlanceRules()
MOST_QUERIES = 50
"""Of one look at a canteen with one venue."""
LUNCH = MealNow("lunch", NOON - timedelta(hours=1), NOON + timedelta(hours=1), 100, 100)
OVER = replace(LUNCH, ends=NOON)


@pytest.mark.parametrize(
    ("changed", "gauge", "light", "why"),
    [
        ({"meal": LUNCH}, Gauge.COVERS, Light.OK, None),
        ({"meal": replace(LUNCH, covers=120)}, Gauge.COVERS, Light.WARN, Why.MORE_CAME),
        ({"meal": replace(LUNCH, covers=140)}, Gauge.COVERS, Light.STOP, Why.MORE_CAME),
        ({"meal": replace(LUNCH, covers=10)}, Gauge.COVERS, Light.OK, None),
        ({"meal": replace(OVER, covers=75)}, Gauge.COVERS, Light.WARN, Why.FEWER_CAME),
        ({"meal": replace(LUNCH, expected=None)}, Gauge.COVERS, Light.NONE, None),
        ({"paying": Paying(9, 5.0, 19.9)}, Gauge.PAYING, Light.OK, None),
        ({"paying": Paying(9, 5.0, 20.0)}, Gauge.PAYING, Light.WARN, Why.SLOW),
        ({"paying": Paying(9, 5.0, 40.0)}, Gauge.PAYING, Light.STOP, Why.SLOW),
        ({"queue": Queue(11, 1, 7, 10)}, Gauge.QUEUE, Light.WARN, Why.QUEUED),
        ({"queue": Queue(11, 1, 6, 10)}, Gauge.QUEUE, Light.OK, None),
        ({"tills": Tills(2, 2)}, Gauge.TILLS, Light.OK, None),
        ({"tills": Tills(1, 2)}, Gauge.TILLS, Light.WARN, Why.OFFLINE),
        ({"tills": Tills(2, 2, behind=200)}, Gauge.TILLS, Light.WARN, Why.BEHIND),
        ({"tills": Tills(1, 2, forked=1)}, Gauge.TILLS, Light.STOP, Why.FORKED),
        ({"waste": Waste(5000, 599)}, Gauge.WASTE, Light.OK, None),
        ({"waste": Waste(5000, 600)}, Gauge.WASTE, Light.WARN, Why.WASTED),
        ({"waste": Waste(5000, 900)}, Gauge.WASTE, Light.STOP, Why.WASTED),
        ({"waste": Waste(0, 0)}, Gauge.WASTE, Light.NONE, None),
        ({"samples": Samples(1, 3)}, Gauge.SAMPLES, Light.OK, None),
        ({"samples": Samples(1, 3, missing=2)}, Gauge.SAMPLES, Light.STOP, Why.MISSING),
        ({"samples": Samples(uncollected=1)}, Gauge.SAMPLES, Light.WARN, Why.UNCOLLECTED),
        ({"acts": Acts(1, 3)}, Gauge.SUPERVISION, Light.OK, None),
        ({"acts": Acts(1, 3, late=1)}, Gauge.SUPERVISION, Light.STOP, Why.LATE),
        ({"acts": Acts(3, 3, done_late=1)}, Gauge.SUPERVISION, Light.WARN, Why.DONE_LATE),
        ({"incidents": Incidents(1, 1, NOON)}, Gauge.INCIDENTS, Light.OK, None),
        ({"incidents": Incidents(1, 1, NOON - timedelta(minutes=30))}, Gauge.INCIDENTS,
         Light.WARN, Why.TO_JUDGE),
        ({"incidents": Incidents(overdue=1)}, Gauge.INCIDENTS, Light.STOP, Why.NOT_PUT_RIGHT),
        ({"stock": Stock(expired=1, ending=4)}, Gauge.STOCK, Light.STOP, Why.EXPIRED),
        ({"stock": Stock(below=1)}, Gauge.STOCK, Light.WARN, Why.BELOW),
        ({"complaints": Complaints(1, 0, NOON + timedelta(hours=25))}, Gauge.COMPLAINTS,
         Light.OK, None),
        ({"complaints": Complaints(1, 0, NOON + timedelta(hours=5))}, Gauge.COMPLAINTS,
         Light.WARN, Why.DUE_SOON),
        ({"complaints": Complaints(2, 1)}, Gauge.COMPLAINTS, Light.STOP, Why.UNANSWERED),
        ({"exceptions": 1}, Gauge.EXCEPTIONS, Light.WARN, Why.TO_SETTLE),
    ],
)  # fmt: skip
def test_a_light_changes_at_its_limit_and_says_why(changed, gauge, light, why):
    found = judge(replace(CALM, **changed), RULES)[gauge]
    assert (found.light, found.why) == (light, why)
    words = glance_words.say(replace(CALM, **changed), gauge, found, ZoneInfo("Asia/Shanghai"))
    assert bool(words.why) == (why is not None)


def test_every_gauge_is_judged_and_has_words():
    lights = judge(CALM, RULES)
    assert list(lights) == list(Gauge)
    for gauge, verdict in lights.items():
        words = glance_words.say(CALM, gauge, verdict, ZoneInfo("Asia/Shanghai"))
        assert words.title
        assert words.value
        assert words.foot


def test_the_screen_tells_what_tills_and_kitchen_wrote(
    engine, site, actor, terminal, make_diner, make_sale, clock
):
    diner = make_diner()
    for seconds in (0, 12):
        at = clock.now() + timedelta(seconds=seconds)
        terminal.sell(make_sale(diner, total=900, opened_at=at - timedelta(seconds=4), paid_at=at))
    terminal.push()
    day = clock.now().date()
    late = FindingValues(what="地面有水", due=day - timedelta(days=1))
    with db.writing(engine) as session:
        rectification.find(session, actor, "f", day - timedelta(days=2), late)
    asked = []
    with db.reading(engine) as session:
        policy = sites.policy(session, site.id)
        event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
        at = clock.now() + timedelta(minutes=1)
        weighing = scales.watch(session, site.id, policy, at)
        seen = glance.look_at(session, site.id, policy, day, at, weighing)
    assert len(asked) <= MOST_QUERIES
    now = seen.glance
    assert (now.covers, now.money.net, now.meal.covers) == (1, 1800, 1)
    assert (now.paying.sales, round(now.paying.median)) == (2, 4)
    assert (now.queue.sales, now.queue.close, now.queue.pairs) == (2, 1, 1)
    assert (now.tills.online, now.tills.all) == (1, 1)
    assert now.incidents.overdue == 1
    assert seen.lights[Gauge.INCIDENTS].why is Why.NOT_PUT_RIGHT
