from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import collectors, waste
from kitchen.collectors import (
    Balance,
    CollectorExpiredError,
    CollectorValues,
    Destination,
    HandoverValues,
)
from kitchen.dishes import UnknownDishError
from kitchen.rows import KeyReusedError, UnknownRowError
from kitchen.waste import BENCHMARKS, Category, PerCover, Stream, WasteValues

DAY = date(2026, 3, 2)
VENUE = new_id()
PLATES = WasteValues(venue_id=VENUE, category=Category.PLATE, grams=12_400, period="lunch")
GREEN = CollectorValues(
    name="绿源", licence="CY-1", licence_until=date(2026, 12, 31), contract_until=date(2026, 6, 30)
)


def weigh(engine, actor, values=PLATES, key=None, day=DAY):
    with writing(engine) as session:
        return waste.record(session, actor, values, day=day, key=key or str(new_id()))


def test_a_weighing_is_kept_once_however_often_it_is_sent(engine, actor):
    first = weigh(engine, actor, key="k")
    assert weigh(engine, actor, key="k").id == first.id
    with pytest.raises(KeyReusedError):
        weigh(engine, actor, PLATES.model_copy(update={"grams": 1}), key="k")
    assert [line.action for line in actor.recorded] == ["waste.record"]


def test_a_wrong_weighing_is_taken_off_by_a_second_row_once(engine, actor):
    wrong = weigh(engine, actor)
    for key in ("v", "v"):
        with writing(engine) as session:
            off = waste.void(session, actor, wrong.id, reason="wrong bin", key=key)
    with reading(engine) as session:
        assert waste.totals(session, actor.site_id, DAY, DAY) == {Category.PLATE: 0}
        assert [row.grams for row in waste.page(session, actor.site_id, DAY)] == [12_400, -12_400]
    with pytest.raises(BadInputError, match="already"), writing(engine) as session:
        waste.void(session, actor, wrong.id, reason="again", key="w")
    with pytest.raises(BadInputError, match="takes another one off"), writing(engine) as session:
        waste.void(session, actor, off.id, reason="back", key="x")
    with pytest.raises(BadInputError, match="say"), writing(engine) as session:
        waste.void(session, actor, weigh(engine, actor).id, reason=" ", key="y")
    with pytest.raises(UnknownRowError), writing(engine) as session:
        waste.void(session, type(actor)(new_id(), "x", actor.at), wrong.id, reason="x", key="z")


@pytest.mark.parametrize("grams", [0, -3, 500_001])
def test_no_weight_and_an_absurd_one_are_refused(grams):
    with pytest.raises(ValidationError):
        WasteValues(venue_id=VENUE, category=Category.TRIM, grams=grams)


def test_spoiled_food_says_why_and_a_strange_dish_is_refused(engine, actor):
    with pytest.raises(ValidationError, match="reason"):
        WasteValues(venue_id=VENUE, category=Category.SPOILAGE, grams=5)
    strange = WasteValues(venue_id=VENUE, category=Category.PLATE, grams=5, dish_id=new_id())
    with pytest.raises(UnknownDishError):
        weigh(engine, actor, strange)


def test_totals_ask_for_days_venue_and_meal_and_stay_within_the_site(engine, actor):
    weigh(engine, actor)
    weigh(engine, actor, PLATES.model_copy(update={"period": "dinner", "grams": 600}))
    weigh(engine, actor, PLATES.model_copy(update={"venue_id": new_id(), "grams": 50}))
    weigh(engine, actor, day=DAY + timedelta(days=1))
    with reading(engine) as session:
        ask = waste.totals
        assert ask(session, actor.site_id, DAY, DAY)[Category.PLATE] == 13_050
        assert ask(session, actor.site_id, DAY, DAY, venue_id=VENUE)[Category.PLATE] == 13_000
        only = ask(session, actor.site_id, DAY, DAY, venue_id=VENUE, period="dinner")
        assert only == {Category.PLATE: 600}
        assert not ask(session, new_id(), DAY, DAY)
        first, second, third = waste.page(session, actor.site_id, DAY)
        rest = waste.page(session, actor.site_id, DAY, after=first.id, limit=1)
        assert [row.id for row in rest] == [second.id] != [third.id]


def test_each_cover_has_its_share_and_others_are_the_measure():
    grams = {Category.PLATE: 9300, Category.TRIM: 25}
    assert waste.per_cover(grams, 100) == (
        PerCover(Category.TRIM, 25, 3),
        PerCover(Category.PLATE, 9300, 930),
    )
    assert waste.against(9300, 100) == 100
    assert waste.against(4450, 100, BENCHMARKS[1]) == 50
    for ask in (waste.per_cover, waste.against):
        with pytest.raises(BadInputError, match="nobody ate"):
            ask(grams if ask is waste.per_cover else 1, 0)


@given(st.integers(0, 10**9), st.integers(1, 10**5))
def test_the_shares_of_all_covers_are_the_whole_within_their_rounding(grams, covers):
    for share in waste.per_cover({Category.PLATE: grams}, covers):
        assert abs(share.tenths * covers - 10 * grams) * 2 <= covers


def keep(engine, actor, values=GREEN):
    with writing(engine) as session:
        return collectors.create(session, actor, values).id


def give(engine, actor, values, key=None, day=DAY):
    with writing(engine) as session:
        return collectors.hand_over(session, actor, values, day=day, key=key or str(new_id()))


def load(collector, stream=Stream.FOOD, grams=9000, signature="sig/1"):
    return HandoverValues(
        venue_id=VENUE, stream=stream, grams=grams, collector_id=collector, receiver="driver",
        signature=signature,
    )  # fmt: skip


def test_a_collector_whose_papers_are_over_takes_nothing(engine, actor):
    green = keep(engine, actor)
    give(engine, actor, load(green), day=date(2026, 6, 30))
    with pytest.raises(CollectorExpiredError, match="contract ended on 2026-06-30"):
        give(engine, actor, load(green), day=date(2026, 7, 1))
    renewed = GREEN.model_copy(update={"contract_until": date(2027, 6, 30)})
    with writing(engine) as session:
        collectors.update(session, actor, green, renewed)
    give(engine, actor, load(green), day=date(2026, 7, 1))
    assert actor.recorded[-2].action == "collector.update"


def test_papers_are_told_a_month_before_they_end():
    assert not collectors.papers(GREEN, date(2026, 5, 31))
    (soon,) = collectors.papers(GREEN, date(2026, 6, 1))
    assert (soon.paper, soon.over) == ("contract", False)
    assert all(found.over for found in collectors.papers(GREEN, date(2027, 1, 1)))


def test_nobody_takes_what_he_may_not_nor_without_a_signature(engine, actor):
    green = keep(engine, actor)
    with pytest.raises(BadInputError, match="does not take this"):
        give(engine, actor, load(green, Stream.OIL))
    with pytest.raises(BadInputError, match="signature"):
        give(engine, actor, load(green, signature=""))
    with pytest.raises(BadInputError, match="never composted"):
        give(engine, actor, load(None, Stream.OIL))
    with pytest.raises(BadInputError, match="this name"):
        keep(engine, actor)
    with pytest.raises(UnknownRowError):
        give(engine, type(actor)(new_id(), "stranger", actor.at), load(green))


def test_what_was_weighed_and_what_went_are_compared_by_stream(engine, actor):
    green = keep(engine, actor)
    weigh(engine, actor)
    weigh(engine, actor, WasteValues(venue_id=VENUE, category=Category.OIL, grams=700))
    wrong = give(engine, actor, load(green, grams=90_000))
    for _ in range(2):
        give(engine, actor, load(green), key="once")
    give(engine, actor, load(None, grams=3000))
    for _ in range(2):
        with writing(engine) as session:
            collectors.void(session, actor, wrong.id, reason="a nought too many", key="v")
    with pytest.raises(BadInputError, match="already"), writing(engine) as session:
        collectors.void(session, actor, wrong.id, reason="again", key="w")
    with reading(engine) as session:
        recorded = waste.totals(session, actor.site_id, DAY, DAY)
        gone = collectors.handed_over(session, actor.site_id, DAY, DAY)
        assert len(collectors.page(session, actor.site_id, DAY)) == 4
    assert gone[Stream.FOOD, Destination.COMPOST] == 3000
    food, oil = collectors.balance(recorded, gone)
    assert (food, food.difference) == (Balance(Stream.FOOD, 12_400, 9000, 3000), 400)
    assert oil.difference == 700
