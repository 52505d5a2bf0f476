"""The scoop station: exactly one tray pays, for exactly what the pan lost."""

from dataclasses import replace
from datetime import timedelta

import pytest
from conftest_scoop import HEALTHY, STAFF, A, B, Stand, open_tray
from hypothesis import given, settings
from hypothesis import strategies as st

from dafan.line import PanChange, ScoopTaken, SmallScoop, TrayState, tab_of
from dafan.money import Fen, price_of_weight
from dafan.records import Unit
from pos import events as ev
from pos.scoop_state import LineChanged, TagsSeen
from pos.view import Device

SHIRT = "0477AA12"


@pytest.fixture
def stand():
    made = Stand()
    assert made.new == [("placed", (), -8000)]
    assert made.view.screen == "ready"
    return made


def test_a_tray_pays_what_the_pan_lost_while_it_stood_there(stand):
    shown = stand.come(A).spoon(150).view
    assert (shown.screen, shown.grams, shown.fen, shown.name) == ("tray", 150, 720, "*三")
    assert (shown.price, shown.per, shown.unbound) == (480, 100, False)
    assert stand.new == []
    shown = stand.go(A).view
    assert stand.new == [("scoop", A, 150, 720)]
    assert (shown.screen, shown.grams, shown.fen) == ("told", 150, 720)
    entry = stand.entries[-1]
    assert entry.session_id == stand.line.trays[A].session_id
    assert (entry.before, entry.after, entry.steady, entry.station) == (8000, 7850, True, 3)
    # it comes again: another scoop, and the next diner begins where it ended
    stand.come(A).spoon(100).go(A).come(B).spoon(51).go(B)
    assert stand.new == [("scoop", A, 100, 480), ("scoop", B, 51, 245)]
    assert stand.come(B).view.tray_grams == 51


def test_a_tray_that_stays_is_charged_at_rest_and_never_twice(stand):
    stand.come(A).spoon(150).wait(3.2)
    assert stand.new == [("scoop", A, 150, 720)]
    assert stand.view.tray_fen == 720
    assert stand.wait(8).spoon(30).go(A).wait(2).new == [("scoop", A, 30, 144)]


def test_a_tray_that_stays_is_not_taken_for_one_that_slid_by_however_soon_a_site_charges():
    stand = Stand(quiet_ms=500, settle_ms=300)
    assert stand.new == [("placed", (), -8000)]
    stand.come(A, seconds=0)
    stand.pan -= 150  # in one go, as soon as the tray stands
    assert stand.wait(2).new == [("scoop", A, 150, 720)]


def test_what_is_put_back_comes_off_the_same_tray_and_no_other(stand):
    stand.come(A).spoon(150).go(A).come(A).spoon(-60).go(A)
    assert stand.new == [("scoop", A, 150, 720), ("scoop", A, -60, -288)]
    stand.come(B).spoon(-60).go(B)
    assert stand.wait(10).new == [("brought", (B,), -60)]
    # more than it took, by a division: that is the scale; by a spoon: that is somebody's
    stand.come(A).spoon(-92).go(A)
    assert stand.new == [("scoop", A, -90, -432)]
    stand.come(A).spoon(50).go(A).come(A).spoon(-80).go(A).wait(10)
    assert stand.new[-1] == ("brought", (A,), -80)


def test_without_a_tray_or_with_two_nobody_pays_and_it_is_told(stand):
    stand.spoon(120)
    assert stand.new == [("unpaid", (), 120)]
    assert (stand.view.screen, stand.view.code) == ("alarm", "unpaid")
    stand.come(A).spoon(100).come(B)
    assert stand.new == [("scoop", A, 100, 480)]  # what it took alone
    assert stand.view.screen == "crowd"
    stand.spoon(70).go(B).spoon(30).go(A)
    assert stand.new == [("two_trays", (A, B), 70), ("scoop", A, 30, 144)]
    assert stand.spoon(-40).wait(10).new == [("brought", (A,), -40)]


def test_leaning_on_a_pan_charges_nobody_when_it_ends(stand):
    stand.spoon(-600).come(A)
    assert stand.view.screen == "lifted"
    assert stand.spoon(600).new == []
    stand.spoon(90).spoon(-500).spoon(500).go(A)
    assert stand.new == [("scoop", A, 90, 432)]
    stand.come(B).spoon(-500).spoon(560).go(B)  # and took meanwhile: told, not charged
    assert stand.new == [("lifted", (B,), 60)]
    # and took exactly that: the pan is where it was, and yet somebody is told
    stand.come(A).spoon(-500).go(A).come(B).spoon(500).go(B)
    assert stand.new == [("brought", (A, B), 0)]


def test_a_lifted_pan_is_never_a_charge(stand):
    stand.come(A).spoon(150)
    full = stand.pan
    stand.pan = 0
    stand.wait(2)
    assert stand.view.screen == "lifted"
    assert stand.new == [("scoop", A, 150, 720)]
    stand.pan = full - 1
    assert stand.wait(2).new == []  # set back: nothing happened
    stand.spoon(50).go(A)
    assert stand.new == [("scoop", A, 51, 245)]
    # below zero while it is off, and a different pan comes back
    for _ in range(8):
        stand.t += 0.1
        stand.frame(None, stable=False, negative=True)
    stand.pan -= 300
    assert stand.come(B).go(B).new == [("lifted", (B,), 300)]
    stand.pan += 4000
    assert stand.wait(11).new[-1] == ("lifted", (B,), -4000)
    stand.pan = 20
    assert stand.wait(12).new[-1][0] == "lifted"


def test_a_staff_card_opens_the_pan_for_filling(stand):
    stand.come(A).spoon(150)
    stand.come(STAFF, seconds=0.5).go(STAFF, A)
    assert stand.view.screen == "refill"
    stand.pan += 3000
    stand.wait(5)
    assert stand.new == [("scoop", A, 150, 720), ("filled", (), -3000)]
    assert stand.entries[-1].staff == STAFF
    assert stand.view.screen == "ready"
    # taken out for another one, closed by the card; unused, it closes in time
    stand.come(STAFF).go(STAFF)
    stand.pan = 0
    stand.wait(6)
    stand.pan = 9000
    stand.wait(1).come(STAFF).go(STAFF)
    assert [kind for kind, *_rest in stand.new] == ["filled"]
    stand.come(STAFF).go(STAFF)
    stand.pan += 6  # a hand at the pan has not filled it
    assert stand.wait(5).view.screen == "refill"
    stand.wait(56)
    assert (stand.view.screen, stand.new) == ("ready", [("filled", (), -6)])


def test_evaporation_is_nobodys_and_no_gram_of_it_is_lost(stand):
    for _ in range(12):
        stand.pan -= 1
        stand.wait(1)
    assert stand.new == [("drifted", (), 6), ("drifted", (), 6)]
    stand.pan -= 3
    stand.wait(1).come(A).spoon(100).go(A)
    assert stand.new == [("drifted", (), 3), ("scoop", A, 100, 480)]


def test_after_a_power_cut_and_after_silence_nobody_pays_for_what_nobody_saw(stand):
    stand.come(A).spoon(150).go(A)
    stand.new  # noqa: B018 - read up to here
    stand.pan -= 80
    stand.restart(60).wait(1.5)
    assert stand.new == [("outage", (), 80)]
    assert stand.restart(60).wait(1.5).new == []
    # the tab is in the journal: it may still put back
    assert stand.come(A).spoon(-150).go(A).new == [("scoop", A, -150, -720)]
    # a silent scale: the tray that stood there all the time took it, else nobody did
    stand.come(A).wait(3, frames=False)
    assert (stand.view.screen, stand.view.code) == ("shut", "scale")
    stand.pan -= 90
    assert stand.wait(1).go(A).new == [("scoop", A, 90, 432)]
    stand.wait(3, frames=False)
    stand.pan -= 70
    assert stand.come(B).go(B).new == [("outage", (B,), 70)]


def test_no_frame_but_a_weight_at_rest_makes_an_entry(stand):
    stand.come(A)
    bad = (
        {"grams": None, "garbled": True}, {"grams": 7000, "garbled": True},
        {"grams": 7000, "stable": False}, {"grams": None, "over": True},
        {"grams": 200_000}, {"grams": -40}, {"grams": 7000, "stable": False, "negative": True},
    )  # fmt: skip
    for flags in bad:
        for _ in range(20):
            stand.t += 0.1
            stand.frame(**flags)
            stand.do(ev.Tick(stand.moment()))
    for turn in range(30):  # it swings
        stand.t += 0.1
        stand.frame(7000 + 40 * (turn % 2))
    for _ in range(20):  # frames of long ago
        stand.t += 0.1
        stand.do(ev.Weighed(stand.moment(), stand.t - 60, 7000, stable=True))
    assert stand.new == []
    assert stand.wait(2).go(A).new == []


def test_what_never_rests_is_charged_by_the_last_rest_and_says_so(stand):
    stand.come(A).spoon(150)
    stand.pan -= 20
    stand.wait(0.2, (30, -30))
    stand.trays.clear()
    stand.wait(6.5, (30, -30))
    assert stand.new == [("scoop", A, 150, 720)]
    assert not stand.entries[-1].steady
    assert stand.wait(1).new == [("unpaid", (A,), 20)]


def test_whoever_comes_while_the_scoop_of_one_who_left_still_swings_does_not_pay_it(stand):
    stand.come(A)
    stand.pan -= 250
    stand.wait(0.2, (90, -60, 40))
    stand.trays.clear()
    stand.wait(7, (90, -60, 40))
    stand.trays = {B}
    stand.wait(1, (90, -60, 40))
    stand.pan -= 60
    stand.wait(1.5).go(B)
    assert stand.new == [("two_trays", (A, B), 310)]


def test_a_full_disk_stops_the_station_and_loses_nothing(stand):
    stand.come(A).spoon(150)
    stand.full = True
    stand.go(A).spoon(60)
    assert (stand.view.screen, stand.view.code, stand.new) == ("shut", "disk", [])
    stand.full = False
    stand.wait(4)
    assert stand.new == [("scoop", A, 150, 720), ("outage", (A,), 60)]
    assert stand.view.screen == "ready"


@pytest.mark.parametrize(
    ("code", "line", "health"),
    [
        ("setup", {"station": None}, {}),
        ("no_dish", {"dish": None}, {}),
        ("no_price", {"dish": {"price": None}}, {}),
        ("no_price", {"dish": {"unit": Unit.PIECE}}, {}),
        ("unverified", {"scale": None}, {}),
        ("expired", {"scale": {"verified_until": "2026-03-01"}}, {}),
        ("failed", {"scale": {"failed": True}}, {}),
        ("reader", {}, {"reader": Device.OFF}),
        ("revoked", {}, {"revoked": True}),
    ],
)
def test_a_station_that_may_not_bill_is_closed_and_says_why(stand, code, line, health):
    stand.come(A).spoon(150)
    was, made = stand.line, {}
    for name, change in line.items():
        old = getattr(was, name)
        merged = {**old.model_dump(), **change} if change else None
        made[name] = type(old).model_validate(merged) if merged else None
    stand.tell(**made)
    stand.do(ev.HealthChanged(stand.moment(), replace(HEALTHY, **health)))
    assert (stand.view.screen, stand.view.code) == ("shut", code)
    assert stand.new[0] == ("scoop", A, 150, 720)  # taken while it was open
    stand.spoon(100).go(A)
    assert stand.new == []
    stand.tell(station=was.station, dish=was.dish, scale=was.scale)
    stand.do(ev.HealthChanged(stand.moment(), HEALTHY)).wait(1)
    assert sum(one.grams for one in stand.entries) == -stand.pan
    assert stand.entries[-1].kind in {PanChange.OUTAGE, PanChange.PLACED}


def test_the_price_of_the_display_is_the_price_until_the_tray_has_gone(stand):
    stand.come(A).spoon(100)
    dearer = stand.line.dish.model_copy(update={"price": Fen(9600)})
    stand.tell(dish=dearer).spoon(100).go(A)
    assert stand.new == [("scoop", A, 200, 960)]
    assert stand.come(A).spoon(-150).spoon(250).go(A).new == [("scoop", A, 100, 960)]
    pan = stand.line.station.model_copy(update={"pan_id": stand.line.dish.id})
    stand.come(A).spoon(50).tell(station=pan).go(A)
    assert [kind for kind, *_rest in stand.new] == ["scoop", "cleared", "placed"]


def test_a_tray_is_named_only_where_the_station_can_be_sure(stand):
    stand.tell(trays={})
    assert stand.come(A).view.unbound
    stand.spoon(40).go(A)
    assert (stand.entries[-1].session_id, stand.entries[-1].amount) == (None, 192)
    stand.tell(trays={A: open_tray()})
    # the line is back, and what came meanwhile is still to be heard
    stand.do(ev.HealthChanged(stand.moment(), replace(HEALTHY, stale=True)))
    assert not stand.come(A).view.unbound
    stand.spoon(-40).go(A)  # bound in between, as the feed tells later: it is its own food
    assert (stand.entries[-1].session_id, stand.entries[-1].amount) == (None, -192)
    over = open_tray().model_copy(update={"until": ev.Moment(0, stand.moment().now, A).now})
    stand.do(ev.HealthChanged(stand.moment(), HEALTHY)).tell(trays={A: over})
    stand.come(A).spoon(40).go(A)
    assert stand.entries[-1].session_id is None


def test_the_chip_of_a_shirt_beside_a_tray_is_no_second_tray_and_a_lost_tray_still_pays(stand):
    stand.tell(trays_of_site={A: TrayState.ACTIVE, B: TrayState.LOST})
    assert stand.come(SHIRT).come(A).view.screen == "tray"
    assert stand.spoon(150).go(A).new == [("scoop", A, 150, 720)]
    assert stand.spoon(50).new == [("unpaid", (A,), 50)]
    stand.come(STAFF).go(STAFF)
    assert stand.view.screen == "refill"
    stand.come(STAFF).go(STAFF, SHIRT)
    shown = stand.come(B).spoon(60).view
    assert (shown.screen, shown.gone) == ("tray", "lost")
    assert stand.go(B).new == [("scoop", B, 60, 288)]


def test_a_box_that_is_cut_off_takes_a_tag_that_lies_alone_for_a_tray_of_yesterday(stand):
    stand.tell(trays_of_site={A: TrayState.ACTIVE})
    stand.do(ev.HealthChanged(stand.moment(), replace(HEALTHY, offline=True)))
    assert stand.come(B).spoon(40).go(B).new == [("scoop", B, 40, 192)]
    stand.come(SHIRT).come(A)
    stand.do(TagsSeen(stand.moment(), frozenset({SHIRT})))  # one round has missed the tray
    assert stand.spoon(150).go(A, SHIRT).new == [("scoop", A, 150, 720)]


def test_less_than_the_scale_may_weigh_follows_the_rule_of_the_site():
    free = Stand(small=SmallScoop.FREE, cap=Fen(500))
    free.come(A).spoon(39).go(A).come(A).spoon(100)
    assert free.view.spent == 480
    assert not free.view.over_cap
    assert free.spoon(30).view.over_cap
    free.go(A).come(A).spoon(-150).go(A)
    assert free.new[1:] == [("scoop", A, 39, 0), ("scoop", A, 130, 624), ("scoop", A, -150, -624)]
    paid = Stand().come(A).spoon(39).go(A).come(A).spoon(4).go(A)
    assert paid.new[1:] == [("scoop", A, 39, 187), ("drifted", (), 4)]


def test_what_was_too_little_for_a_scoop_is_not_paid_by_whoever_comes_next(stand):
    stand.come(A).spoon(5)
    assert stand.come(B).go(A).spoon(4).go(B).new == [("drifted", (), 5), ("drifted", (), 4)]


def test_a_tray_that_slides_by_does_not_pay_for_one_that_the_reader_has_not_seen(stand):
    stand.spoon(150, seconds=0)
    assert stand.come(B, seconds=0.5).go(B).new == [("unpaid", (B,), 150)]
    stand.come(A).spoon(100).go(A)
    stand.spoon(-100, seconds=0).come(A, seconds=0.5).go(A)
    assert stand.new == [("scoop", A, 100, 480), ("brought", (A,), -100)]


def test_who_came_and_left_while_everything_shook_does_not_pay_for_what_is_taken_later(stand):
    shaken = (90, -60, 30, -120)
    stand.wait(1, shaken).come(A, seconds=0)
    stand.wait(1, shaken).pan -= 180
    stand.wait(1, shaken).go(A, seconds=0)
    stand.wait(8, shaken).pan -= 80
    assert stand.wait(2).new == [("unpaid", (A,), 260)]


def test_an_hour_of_barred_scales_is_noticed_by_the_clock(stand):
    due = stand.line.scale.model_copy(
        update={"check_due": stand.moment().now + timedelta(seconds=45)}
    )
    assert stand.tell(scale=due).wait(30).view.screen == "ready"
    assert stand.wait(40).view.code == "check_due"


# --- any history ---------------------------------------------------------------------------------

ACTS = st.one_of(
    st.tuples(st.just("come"), st.sampled_from([A, B])),
    st.tuples(st.just("go"), st.sampled_from([A, B])),
    st.tuples(st.just("spoon"), st.integers(-120, 400)),
    st.tuples(st.just("rush"), st.integers(10, 300)),
    st.tuples(st.just("staff"), st.integers(-500, 3000)),
    st.tuples(st.just("lift"), st.integers(-300, 300)),
    st.tuples(st.just("dark"), st.integers(0, 200)),
    st.tuples(st.just("full"), st.integers(0, 200)),
    st.tuples(st.just("quiet"), st.integers(1, 40)),
)


def act(stand, what, how):
    if what == "come":
        stand.come(how)
    elif what == "go":
        stand.go(how, seconds=0.9)
    elif what == "spoon":
        stand.spoon(how, seconds=0.7)
    elif what == "rush":  # it does not rest before the next thing happens
        stand.pan -= how
        stand.wait(0.3, (90, -60, 10))
    elif what == "staff":
        stand.come(STAFF).go(STAFF)
        stand.pan += how
        stand.wait(1).come(STAFF).go(STAFF)
    elif what == "lift":
        pan, stand.pan = stand.pan, 0
        stand.wait(1.2)
        stand.pan = pan + how
        stand.wait(0.9)
    elif what == "dark":
        stand.pan -= how
        stand.restart(20)
    elif what == "full":
        stand.full = True
        stand.spoon(how)
        stand.full = False
    else:
        stand.wait(how / 10, (1, 0, -1, 0))


@settings(max_examples=25, deadline=None)
@given(acts=st.lists(ACTS, min_size=4, max_size=14))
def test_every_gram_stands_in_one_entry_and_every_fen_on_one_tray(acts):
    stand, took = Stand(pan=9000), {A: 0, B: 0}
    for what, how in acts:
        alone = len(stand.trays) == 1 and what in {"spoon", "full", "dark"}
        hasty = what == "rush"  # whoever comes before it rests has taken it
        for tag in (A, B) if hasty else stand.trays if alone else ():
            took[tag] += max(0, how)
        act(stand, what, how)
    stand.go(A, B).wait(12 if stand.state.refill is None else 61)
    last = 0
    for one in stand.entries:
        assert one.before == last
        last = one.after
    assert abs(last - stand.pan) <= stand.state.least
    for tag in (A, B):
        scoops = [one for one in stand.entries if isinstance(one, ScoopTaken) and one.tray == tag]
        tab, noise = tab_of(scoops), 4 * len(scoops)
        assert sum(one.amount for one in scoops) == tab.amount
        assert 0 <= tab.grams <= took[tag] + noise
        assert abs(tab.amount - price_of_weight(tab.grams, Fen(4800))) <= len(scoops)


def test_news_of_the_feed_alone_writes_nothing(stand):
    stand.do(LineChanged(stand.moment(), stand.line)).wait(1)
    assert stand.new == []


def test_a_pan_that_is_swapped_in_the_order_of_the_kitchens_tablet_is_no_alarm(stand):
    stand.come(STAFF).go(STAFF)
    stand.pan = 0
    stand.wait(3)
    greens = stand.line.dish.model_copy(update={"name": "青菜", "price": Fen(2000)})
    pan = stand.line.station.model_copy(update={"pan_id": greens.id})
    stand.tell(dish=greens, station=pan).wait(5)
    assert stand.view.dish == "青菜"
    stand.pan = 6000
    stand.wait(3).come(STAFF).go(STAFF).wait(12)
    assert [kind for kind, *_rest in stand.new] == ["filled", "cleared", "placed"]
    assert stand.come(A).spoon(200).go(A).new == [("scoop", A, 200, 400)]
