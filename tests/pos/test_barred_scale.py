"""A scale that may not bill weighs nothing for money; counted dishes still sell."""

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from conftest_pos import NOON, Canteen, item

import pos
from dafan.clock import ManualClock
from dafan.metrology import ScaleRecord, ScaleRules
from devices.scales.protocols import PROTOCOLS
from pos.state import Confirm, Idle
from pos.store import TillStore
from pos.view import Device, NoticeCode, Screen

TODAY = date(2026, 3, 2)
HOUR = timedelta(hours=1)


def record(canteen, **changes):
    plate = {"model": "ACS-15", "max_grams": 15_000, "e_grams": 5, "verified_until": TODAY}
    return ScaleRecord(terminal_id=canteen.terminal_id, station=0, **(plate | changes))


def publish(hand, scale, **asked):
    """The server tells the till about its scale, and what the site asks of scales."""
    known = replace(Canteen.catalogue(hand.canteen), scale=scale, scale_rules=ScaleRules(**asked))
    hand.canteen.catalogue = lambda: known
    return hand.publish()


@pytest.mark.parametrize(
    ("changes", "asked", "told"),
    [
        ({}, {"required": True}, None),
        ({"check_due": NOON + HOUR}, {}, None),
        ({"verified_until": None}, {}, None),
        ({"verified_until": None}, {"required": True}, NoticeCode.SCALE_UNVERIFIED),
        (None, {}, None),
        (None, {"required": True}, NoticeCode.SCALE_UNVERIFIED),
        ({"verified_until": TODAY - timedelta(days=1)}, {}, NoticeCode.SCALE_EXPIRED),
        ({"failed": True}, {}, NoticeCode.SCALE_FAILED),
        ({"verified_until": None, "failed": True}, {}, NoticeCode.SCALE_FAILED),
        ({"check_due": NOON}, {}, NoticeCode.SCALE_CHECK_DUE),
        ({"verified_until": None, "check_due": NOON}, {}, NoticeCode.SCALE_CHECK_DUE),
    ],
)
def test_only_a_scale_in_order_bills_and_another_one_says_why_not(hand, changes, asked, told):
    publish(hand, None if changes is None else record(hand.canteen, **changes), **asked)
    hand.place(412)
    assert (hand.view.screen is Screen.LOOK) == (told is None)
    if told is None:
        assert hand.view.total == 1154
        return
    assert hand.notice is told
    assert (hand.view.grams, hand.view.devices.scale) == (None, Device.OFF)
    hand.press("staff").wait(1, 412)
    assert hand.notice is told, "and so the staff reads it at the desk"


def test_counted_dishes_still_sell_and_the_food_beside_them_is_not_weighed(hand):
    diner = hand.person()
    publish(hand, record(hand.canteen, failed=True))
    hand.place(412).press("add", dish=str(hand.canteen.rice.id)).press("picked").wait(1, 412)
    assert (hand.view.total, hand.notice) == (100, NoticeCode.SCALE_FAILED)
    hand.face(diner).wait(2.1, 412)
    (sale,) = hand.sales
    assert [(line.grams, line.amount) for line in sale.lines] == [(None, 100)]


def test_a_scale_that_is_barred_while_somebody_pays_charges_nobody(hand):
    diner = hand.person()
    publish(hand, record(hand.canteen))
    hand.place(412).face(diner)
    assert isinstance(hand.state.phase, Confirm)
    publish(hand, record(hand.canteen, failed=True))
    hand.wait(3, 412)
    assert isinstance(hand.state.phase, Idle)
    assert not hand.sales
    publish(hand, record(hand.canteen)).wait(3, 412)
    assert isinstance(hand.state.phase, Idle), "what stood there before is not charged later"
    hand.place(412)
    assert hand.view.screen is Screen.LOOK


def test_the_certificate_ends_with_its_last_day_and_the_check_with_its_time(hand):
    publish(hand, record(hand.canteen, check_due=NOON + HOUR))
    hand.place(412)
    assert hand.view.screen is Screen.LOOK
    hand.weigh(0).pass_over(3600)
    hand.place(412)
    assert hand.notice is NoticeCode.SCALE_CHECK_DUE
    publish(hand, record(hand.canteen)).pass_over(11 * 3600)
    hand.place(412)
    assert hand.notice is NoticeCode.SCALE_EXPIRED, "it is midnight at the site"


def test_what_is_below_the_scales_minimum_is_told_and_charged_as_the_site_decides(hand):
    diner = hand.person()
    publish(hand, record(hand.canteen))
    hand.place(99)
    assert (hand.view.total, hand.notice) == (277, NoticeCode.BELOW_MINIMUM)
    assert hand.view.notice.params == {"minimum": 100}
    hand.face(diner).wait(2.1, 99)
    assert hand.sales[0].list_total == 277
    publish(hand, record(hand.canteen), small_free=True)
    hand.wait(3, 0).place(99)
    assert (hand.view.screen, hand.notice) == (Screen.PLACE, NoticeCode.SMALL_FREE)
    hand.place(100)
    assert (hand.view.total, hand.notice) == (280, None)


def test_a_till_keeps_what_it_was_told_of_its_own_scale_only(canteen, tmp_path):
    other = record(canteen).model_copy(update={"station": 1})
    page = canteen.page(
        ("scale", f"{canteen.terminal_id}:0", record(canteen, failed=True)),
        ("scale", f"{canteen.terminal_id}:1", other),
        ("scale_rules", "scale_rules", ScaleRules(required=True)),
    )
    path = tmp_path / "till.db"
    store = TillStore(path, canteen.terminal_id, bytes(32), ManualClock(NOON))
    assert (store.catalogue.scale, store.catalogue.scale_rules.required) == (None, False)
    store.apply_feed_page(page)
    store.close()
    store = TillStore(path, canteen.terminal_id, bytes(32), ManualClock(NOON))
    assert store.catalogue.scale == record(canteen, failed=True)
    assert store.catalogue.scale_rules == ScaleRules(required=True)
    gone = item("scale", f"{canteen.terminal_id}:0", None, version=2)
    news = {"since": 1, "version": 2, "items": (gone,)}
    store.apply_feed_page(page.model_copy(update=news))
    assert store.catalogue.scale is None
    store.close()


def test_nothing_that_sells_ever_zeroes_or_tares_a_scale():
    """A pan stands on it: who zeroes it gives food away or charges it twice."""
    for path in Path(pos.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\.(zero|tare)\(", text), path.name
    for driver in PROTOCOLS.values():
        if driver.poll is not None:
            said = {driver.poll.request, driver.poll.then, driver.poll.why}
            assert not said & {driver.zero, driver.tare}, driver.name
