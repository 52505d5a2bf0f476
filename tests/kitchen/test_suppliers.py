from datetime import date, timedelta

import pytest

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import suppliers
from kitchen.rows import UnknownRowError
from kitchen.supplier_rules import (
    Delivery,
    Fault,
    LicenceKind,
    LicenceValues,
    Standing,
    appraise,
    may_supply,
    needs_of,
)
from kitchen.suppliers import SupplierBlockedError, SupplierValues

DAY = date(2026, 3, 2)
GREENGROCER = SupplierValues(name="绿源蔬菜", categories=("蔬菜",), contact="李", phone="0571-1")
BUSINESS = LicenceValues(kind=LicenceKind.BUSINESS, number="91330100", valid_from=date(2020, 1, 1))


def until(last, kind=LicenceKind.BUSINESS, begins=date(2025, 1, 1)):
    return LicenceValues(kind=kind, number="1", valid_from=begins, valid_to=last)


def judged(*licences, needs=None, standing=Standing.ACTIVE):
    found = may_supply(standing, "为什么", licences, DAY, needs or needs_of(["蔬菜"]))
    return [(one.fault, one.blocks) for one in found]


def test_a_licence_without_end_is_good_for_ever():
    assert judged(BUSINESS) == []


@pytest.mark.parametrize(
    ("licences", "found"),
    [
        ((), [(Fault.LICENCE_MISSING, True)]),
        ((until(DAY - timedelta(days=1)),), [(Fault.LICENCE_EXPIRED, True)]),
        ((until(DAY),), [(Fault.LICENCE_ENDS_SOON, False)]),
        ((until(DAY + timedelta(days=30)),), [(Fault.LICENCE_ENDS_SOON, False)]),
        ((until(DAY + timedelta(days=31)),), []),
        ((until(DAY), until(DAY + timedelta(days=400))), []),
        ((until(None, begins=DAY + timedelta(days=1)),), [(Fault.LICENCE_MISSING, True)]),
        ((until(DAY), until(None, begins=DAY + timedelta(days=1))), []),
    ],
)
def test_a_licence_blocks_from_the_day_after_its_last_and_warns_thirty_days_before(licences, found):
    assert judged(*licences) == found


def test_flour_needs_a_food_licence_of_either_kind_and_vegetables_need_none():
    flour = needs_of(["粮食", "蔬菜"])
    assert judged(BUSINESS, needs=flour) == [(Fault.LICENCE_MISSING, True)]
    for kind in (LicenceKind.FOOD_TRADE, LicenceKind.FOOD_PRODUCTION):
        assert judged(BUSINESS, until(None, kind), needs=flour) == []
    assert judged(BUSINESS, needs=needs_of(["畜肉"])) == [(Fault.LICENCE_MISSING, True)]


def test_good_papers_do_not_help_one_on_the_black_list():
    assert judged(BUSINESS, standing=Standing.BLACKLISTED) == [(Fault.BLACKLISTED, True)]
    assert judged(BUSINESS, standing=Standing.PAUSED) == [(Fault.PAUSED, True)]


def test_a_licence_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="before it begins"):
        until(date(2024, 1, 1))


def test_an_appraisal_scores_punctual_good_deliveries_high_and_says_nothing_of_none():
    good = Delivery(DAY, DAY, 1000, 0)
    late = Delivery(DAY, DAY + timedelta(days=1), 1000, 100)
    assert appraise([good, good]).score == 100
    mixed = appraise([good, late])
    assert (mixed.on_time_permille, mixed.rejected_permille, mixed.score) == (500, 50, 30)
    assert appraise([late]).score == 0
    assert appraise([]).score is None


@pytest.fixture
def grocer(engine, actor):
    with writing(engine) as session:
        return suppliers.create(session, actor, GREENGROCER).id


def test_without_papers_nothing_is_bought_and_with_them_it_is(engine, actor, grocer):
    with (
        reading(engine) as session,
        pytest.raises(SupplierBlockedError, match="no business licence"),
    ):
        suppliers.require_may_supply(session, actor.site_id, grocer, DAY)
    with writing(engine) as session:
        first = suppliers.add_licence(session, actor, grocer, BUSINESS)
        again = suppliers.add_licence(session, actor, grocer, BUSINESS)
        assert first.id == again.id
    with reading(engine) as session:
        suppliers.require_may_supply(session, actor.site_id, grocer, DAY)
    actions = [line.action for line in actor.recorded]
    assert actions == ["supplier.create", "supplier.licence"]


def test_a_withdrawn_licence_counts_no_more_and_the_journal_says_why(engine, actor, grocer):
    with writing(engine) as session:
        licence = suppliers.add_licence(session, actor, grocer, BUSINESS).id
        for _ in range(2):
            suppliers.withdraw_licence(session, actor, licence, "被吊销")
    with reading(engine) as session:
        (found,) = suppliers.findings(session, actor.site_id, grocer, DAY)
    assert found.fault is Fault.LICENCE_MISSING
    assert [line.after for line in actor.recorded[2:]] == [{"reason": "被吊销"}]


def test_a_supplier_is_black_listed_with_a_reason_and_can_come_back(engine, actor, grocer):
    with writing(engine) as session, pytest.raises(BadInputError, match="why"):
        suppliers.set_standing(session, actor, grocer, Standing.BLACKLISTED, " ")
    with writing(engine) as session:
        suppliers.add_licence(session, actor, grocer, BUSINESS)
        suppliers.set_standing(session, actor, grocer, Standing.BLACKLISTED, "以次充好")
    with reading(engine) as session, pytest.raises(SupplierBlockedError, match="以次充好"):
        suppliers.require_may_supply(session, actor.site_id, grocer, DAY)
    with writing(engine) as session:
        suppliers.set_standing(session, actor, grocer, Standing.ACTIVE, "整改通过")
        suppliers.require_may_supply(session, actor.site_id, grocer, DAY)
    standing = actor.recorded[-1]
    assert (standing.before["standing"], standing.after["standing"]) == ("blacklisted", "active")


def test_a_change_is_recorded_once_and_a_taken_name_is_refused(engine, actor, grocer):
    moved = GREENGROCER.model_copy(update={"address": "农都 3 号"})
    for _ in range(2):
        with writing(engine) as session:
            suppliers.update(session, actor, grocer, moved)
    assert [line.action for line in actor.recorded] == ["supplier.create", "supplier.update"]
    with pytest.raises(BadInputError, match="绿源蔬菜"), writing(engine) as session:
        suppliers.create(session, actor, GREENGROCER)


def test_pages_follow_each_other_and_other_sites_see_nothing(engine, actor, grocer):
    with writing(engine) as session:
        for name in ("乙", "甲", "丙"):
            suppliers.create(session, actor, SupplierValues(name=name))
    with reading(engine) as session:
        whole = suppliers.page(session, actor.site_id)
        first = suppliers.page(session, actor.site_id, limit=3)
        rest = suppliers.page(session, actor.site_id, after=first[-1].id)
        assert [row.id for row in (*first, *rest)] == [row.id for row in whole]
        assert suppliers.page(session, new_id()) == []
        with pytest.raises(UnknownRowError):
            suppliers.get(session, new_id(), grocer)
