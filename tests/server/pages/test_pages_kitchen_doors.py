"""What closes by itself says where its record is made: one touch from the list of the day."""

import re
from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from kitchen import supervision, supervision_templates
from kitchen.supervision import SupervisionItem
from kitchen.supervision_templates import Act, Moment
from server import kitchen_day, scales, sites
from server.actor import Actor
from server.pages.kitchen.doors import DOORS
from server.scale_book import ScaleValues, VerificationValues
from server.scale_rules import ScaleLimits
from tests.server.conftest import Till
from tests.server.pages.conftest import Browser
from tests.server.pages.hands import hire

TODAY = "/kitchen/"
PROVED = {act.fulfilled_by for act in supervision_templates.shipped() if act.fulfilled_by}
CARD = re.compile(r"<article.*?</article>", re.DOTALL)
SIZES = [{"width": 1280, "height": 800}, {"width": 800, "height": 1280}]


@pytest.fixture
def whole_day(engine: Engine, actor: Actor, terminal: Till, clock: ManualClock) -> None:
    """A noon at which every act that a record proves waits, the check of a scale too."""
    paper = VerificationValues(
        certificate="J1", verified_on=actor.at.date(),
        verified_until=actor.at.date() + timedelta(days=365),
    )  # fmt: skip
    with db.writing(engine) as session:
        plate = ScaleValues(model="ACS-15", max_grams=15_000, e_grams=5)
        scale = scales.create(session, actor, terminal.id, 0, plate).id
        scales.verify(session, actor, new_id().hex, scale, paper)
        scales.decide(session, actor, ScaleLimits(check_daily=True))
        acts = [open_now(act) for act in supervision_templates.shipped() if act.fulfilled_by]
        supervision_templates.save(session, actor, acts, 0)
    clock.advance(24 * 3600)
    with db.writing(engine) as session:
        there = Actor(actor.site_id, "test", clock.now())
        kitchen_day.make_list(session, there, sites.policy(session, actor.site_id))


def open_now(act: Act) -> Act:
    window: dict[str, Any] = {"weekday": None, "monthday": None, "meals": (), "first_meal": False}
    if act.fulfilled_by != "samples.meal":
        window |= {"opens": Moment(at=time(5)), "due": Moment(at=time(22))}
    return act.model_copy(update=window)


def cards(page: str, row: SupervisionItem) -> list[str]:
    return [card for card in CARD.findall(page) if f"<h2>{row.title}</h2>" in card]


@pytest.mark.usefixtures("whole_day")
def test_every_record_that_closes_an_act_is_one_touch_from_its_card(
    app: APIFlask, engine: Engine, actor: Actor, make_user: Callable[..., Any], clock: ManualClock
) -> None:
    cook = hire(app, engine, actor, make_user, "cook", "cook")
    page = cook.see(TODAY)
    with db.reading(engine) as session:
        rows = session.scalars(select(SupervisionItem)).all()
    begun = [row for row in rows if row.opens_at <= clock.now()]
    assert {row.fulfilled_by for row in begun} == PROVED
    for row in begun:
        door = DOORS[row.fulfilled_by or ""]
        button = re.compile(rf'<a class="btn[^"]*" href="([^"]+)">{door.words}</a>')
        (leads,) = button.findall(cook.see(f"/kitchen/acts/{row.id}"))
        cook.see(leads.replace("&amp;", "&"))
        found = [link for card in cards(page, row) for link in button.findall(card)]
        assert leads in found, row.title


@pytest.mark.usefixtures("whole_day")
def test_samples_are_taken_at_the_meal_whose_act_was_touched(
    browser: Callable[[str], Browser], engine: Engine
) -> None:
    with db.reading(engine) as session:
        rows = session.scalars(
            select(SupervisionItem).where(SupervisionItem.fulfilled_by == "samples.meal")
        ).all()
    page = browser("kitchen_manager").see(TODAY)
    begun = [one for one in rows if f"period={one.meal}" in page]
    assert "breakfast" in {one.meal for one in begun}, "long over at noon, and not the usual one"


@pytest.mark.usefixtures("whole_day")
def test_what_can_be_ticked_too_keeps_its_tick_beside_the_way(
    browser: Callable[[str], Browser], engine: Engine
) -> None:
    page = browser("kitchen_manager").see(TODAY)
    with db.reading(engine) as session:
        row = session.scalars(
            select(SupervisionItem).where(SupervisionItem.code == "additives")
        ).one()
    (card,) = cards(page, row)
    assert (">去登记</a>" in card, ">完成</button>" in card) == (True, True)


@pytest.mark.usefixtures("whole_day")
def test_who_only_looks_is_led_nowhere_and_reads_that_it_closes_by_itself(
    browser: Callable[[str], Browser],
) -> None:
    page = browser("auditor").see(TODAY)
    assert "相关记录做完后自动完成" in page
    assert not re.findall(r'<a class="btn', page.partition("<main")[2])


def test_an_act_whose_window_has_not_begun_says_when_instead_of_a_way(
    browser: Callable[[str], Browser], engine: Engine
) -> None:
    page = browser("kitchen_manager").see(TODAY)
    with db.reading(engine) as session:
        row = session.scalars(select(SupervisionItem).where(SupervisionItem.code == "waste")).one()
    (card,) = cards(page, row)
    assert "18:00 开始" in card
    assert "btn" not in card


@pytest.mark.usefixtures("whole_day")
def test_what_the_job_closed_is_not_signed_by_an_english_word(
    browser: Callable[[str], Browser], engine: Engine, actor: Actor, clock: ManualClock
) -> None:
    job, day = Actor(actor.site_id, kitchen_day.PROGRAM, clock.now()), clock.now().date()
    with db.writing(engine) as session:
        (row,) = supervision.fulfil(session, job, "meters.day", "x", day=day)
    cook = browser("kitchen_manager")
    for path in (TODAY, f"/kitchen/acts/{row.id}"):
        page = cook.see(path)
        assert "系统自动" in page
        assert f">{kitchen_day.PROGRAM}<" not in page
        assert f"· {kitchen_day.PROGRAM}" not in page


@pytest.mark.browser
@pytest.mark.process
@pytest.mark.usefixtures("whole_day")
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_way_is_as_high_as_a_finger_and_no_card_is_wider_than_the_tablet(
    address: str, page: Any, sign_in: Callable[[Any, str], None],
    make_user: Callable[..., Any], language: str,
) -> None:  # fmt: skip
    make_user("cook", "kitchen_manager")
    sign_in(page, "cook")
    page.context.add_cookies([{"name": "dafan_language", "value": language, "url": address}])
    for size in SIZES:
        page.set_viewport_size(size)
        page.goto(f"{address}{TODAY}")
        boxes = page.eval_on_selector_all(
            ".act-card .btn",
            "all => all.map((one) => { const box = one.getBoundingClientRect();"
            " const text = one.scrollWidth - one.clientWidth;"
            " return [box.height, box.right, text]; })",
        )
        assert len(boxes) >= len(PROVED)
        assert min(height for height, _right, _text in boxes) >= 64
        assert max(right for _height, right, _text in boxes) <= size["width"]
        assert max(text for _height, _right, text in boxes) <= 0
