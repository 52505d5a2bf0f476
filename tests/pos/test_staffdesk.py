"""The staff's desk by hand: who gets in, what may be taken back, what a shift says."""

from uuid import uuid4

import pytest
from conftest_desk import CLERK, DeskHand
from conftest_pos import Canteen

from dafan.money import Fen
from dafan.records import Source
from pos import events as ev
from pos.staffdesk import REASONS
from pos.state import Aiming, Desk, Idle, SignIn, State, Voiding
from pos.view import AskWhat, Device, NoticeCode, Screen


@pytest.fixture
def hand():
    return DeskHand(Canteen())


@pytest.fixture
def sale(hand):
    return hand.sell(hand.person())


def test_nobody_gets_in_where_no_staff_is_published_or_the_till_is_revoked(hand):
    assert not DeskHand(Canteen(), staffed=False).press("staff").view.staffed
    assert isinstance(DeskHand(Canteen(), staffed=False).press("staff").state.phase, Idle)
    hand.health(revoked=True).press("staff")
    assert isinstance(hand.state.phase, Idle)


def test_the_desk_opens_only_while_there_is_nothing_to_pay(hand):
    hand.place(412).press("staff")
    assert hand.view.screen is Screen.LOOK
    hand.weigh(0).press("staff")
    assert (hand.view.screen, hand.view.ask.what) == (Screen.ASK, AskWhat.DESK_NO)


def test_a_wrong_pin_begins_again_and_too_many_lead_out(hand):
    hand.press("staff")
    for _ in range(4):
        hand.press("digits", digits="301").press("digits", digits="000000")
        assert hand.notice is NoticeCode.CLERK_WRONG
        assert hand.view.ask.what is AskWhat.DESK_NO
    hand.press("digits", digits="301").press("digits", digits="000000")
    assert isinstance(hand.state.phase, Idle)
    assert hand.notice is NoticeCode.CLERK_LOCKED


def test_nothing_is_sold_while_the_desk_is_open(hand):
    diner = hand.person()
    hand.sign_in().place(412).card(diner).face(diner).wait(3, 412)
    assert hand.view.screen is Screen.DESK
    assert (hand.sales, hand.looking) == ([], False)
    hand.press("cancel").weigh(412)
    assert hand.view.screen is Screen.LOOK


def test_a_sale_is_taken_back_with_a_reason_and_only_then(hand, sale):
    hand.sign_in()
    (row,) = hand.view.desk.rows
    assert (row.who, row.amount, row.voided) == ("甲*", sale.total, False)
    hand.press("void", sale=row.id).press("yes")
    assert hand.voids == []
    hand.press("reason", reason="nonsense").press("yes")
    assert hand.voids == []
    hand.press("reason", reason="twice").press("yes")
    (void,) = hand.voids
    assert (void.sale_id, void.total, void.business_date) == (
        sale.id, sale.total, sale.business_date,
    )  # fmt: skip
    assert (void.reason, void.staff_id) == (REASONS["twice"], CLERK.id)
    assert (hand.view.desk.done, hand.view.desk.row.amount) == (True, sale.total)


def test_a_sale_is_taken_back_once(hand, sale):
    hand.sign_in().press("void", sale=str(sale.id)).press("reason", reason="other").press("yes")
    hand.press("yes").press("yes").wait(6)
    assert [row.voided for row in hand.view.desk.rows] == [True]
    hand.press("void", sale=str(sale.id))
    assert hand.notice is NoticeCode.VOID_BEFORE
    hand.press("reason", reason="other").press("yes")
    assert len(hand.voids) == 1


def test_a_sale_of_another_business_date_stays(hand, sale):
    hand.sign_in().press("void", sale=str(sale.id)).press("reason", reason="dish")
    hand.clock.jump(86_400)
    hand.press("yes")
    assert (hand.voids, hand.notice) == ([], NoticeCode.VOID_LATE)
    hand.press("void", sale=str(sale.id))
    assert isinstance(hand.state.phase, Desk)
    assert hand.notice is NoticeCode.VOID_LATE


def test_a_sale_that_is_not_on_the_list_cannot_be_named(hand, sale):
    hand.sign_in().press("void", sale=str(uuid4()))
    assert isinstance(hand.state.phase, Desk)
    assert sale.id


def test_a_void_that_is_not_written_changes_nothing_and_says_so(hand, sale):
    hand.fail = NoticeCode.DESK_FAILED
    hand.sign_in().press("void", sale=str(sale.id)).press("reason", reason="dish").press("yes")
    assert hand.notice is NoticeCode.DESK_FAILED
    assert [row.voided for row in hand.view.desk.rows] == [False]
    hand.fail = None
    hand.press("void", sale=str(sale.id)).press("reason", reason="dish").press("yes")
    assert len(hand.voids) == 1


def test_a_diner_whose_sale_was_taken_back_may_pay_again_at_once(hand):
    diner = hand.person()
    sale = hand.sell(diner)
    hand.sign_in().press("void", sale=str(sale.id)).press("reason", reason="amount").press("yes")
    hand.press("yes").press("cancel").place(300).card(diner)
    assert hand.view.screen is Screen.CONFIRM


def test_a_desk_that_nobody_touches_goes_back_to_the_diners(hand, sale):
    hand.sign_in().wait(59)
    assert hand.view.screen is Screen.DESK
    hand.press("void", sale=str(sale.id)).wait(59)
    assert isinstance(hand.state.phase, Voiding)
    hand.wait(2)
    assert isinstance(hand.state.phase, Idle)
    hand.press("staff").wait(61)
    assert isinstance(hand.state.phase, Idle)


def test_the_camera_is_shown_to_who_has_signed_in_and_nobody_else(hand):
    hand.health(camera=Device.OK).press("camera")
    assert isinstance(hand.state.phase, Idle)
    hand.press("staff").press("camera").press("digits", digits="301").press("camera")
    assert isinstance(hand.state.phase, SignIn)
    hand.press("digits", digits="135790")
    assert hand.view.desk.camera
    hand.press("camera")
    assert isinstance(hand.state.phase, Aiming)
    assert (hand.view.screen, hand.view.desk.aim_s) == (Screen.DESK, 120)
    hand.press("cancel")
    assert isinstance(hand.state.phase, Desk)


def test_a_till_without_a_camera_offers_none_and_a_lost_one_is_offered_to_be_mended(hand):
    hand.health(camera=Device.OFF).sign_in().press("camera")
    assert (isinstance(hand.state.phase, Desk), hand.view.desk.camera) == (True, False)
    hand.health(camera=Device.OFF, camera_lost=True).press("camera")
    assert isinstance(hand.state.phase, Aiming)


def test_the_camera_is_not_shown_while_a_sale_is_under_way_nor_sells_anything(hand):
    diner = hand.person()
    hand.health(camera=Device.OK).place(412).press("staff").press("camera")
    assert hand.view.screen is Screen.LOOK
    hand.weigh(0).sign_in().press("camera").place(412).card(diner).face(diner).wait(3, 412)
    assert isinstance(hand.state.phase, Aiming)
    assert (hand.sales, hand.looking) == ([], False)


def test_the_camera_that_is_left_on_the_screen_closes_by_itself(hand):
    hand.health(camera=Device.OK).sign_in().press("camera").wait(119)
    assert isinstance(hand.state.phase, Aiming)
    assert hand.view.desk.aim_s in {1, 2}
    hand.wait(2)
    assert isinstance(hand.state.phase, Idle)
    hand.sign_in().press("camera").health(camera=Device.OK, revoked=True).send(ev.Tick)
    assert isinstance(hand.state.phase, Idle)


def test_a_till_that_is_revoked_closes_its_desk(hand):
    hand.sign_in().health(revoked=True).send(ev.Tick)
    assert hand.view.notice.code is NoticeCode.REVOKED


def test_a_shift_counts_the_drawer_and_takes_voids_off(hand):
    taken, kept = hand.sell(hand.person()), hand.sell(hand.person())
    hand.place(500).press("way", way="cash").press("yes").weigh(0).pass_over(5)
    hand.sign_in().press("void", sale=str(taken.id)).press("reason", reason="twice").press("yes")
    hand.press("yes").press("shift")
    assert hand.view.ask.what is AskWhat.COUNTED
    hand.press("yes")
    assert hand.shifts == []
    hand.press("digits", digits="99999999999").press("digits", digits="1390")
    assert hand.view.desk.shift.counted == 1390
    hand.press("cancel")
    assert hand.view.ask.what is AskWhat.COUNTED
    hand.press("digits", digits="1400").press("yes")
    (shift,) = hand.shifts
    by_source = {
        source: sum(p.amount for p in kept.payments if p.source is source) for source in Source
    }
    assert (shift.sales, shift.voids, shift.drawer, shift.counted) == (3, 1, 1400, 1400)
    assert (shift.subsidy, shift.cash) == (by_source["subsidy"], by_source["cash"])
    assert shift.staff_id == CLERK.id
    assert hand.view.desk.done
    hand.wait(5)
    assert isinstance(hand.state.phase, Idle)


def test_a_till_without_a_drawer_counts_nothing(hand):
    hand = DeskHand(Canteen(), cash=False)
    hand.sign_in().press("shift")
    hand.press("digits", digits="1400").press("yes")
    (shift,) = hand.shifts
    assert (shift.counted, shift.sales, shift.subsidy) == (None, 0, Fen(0))


def test_a_shift_that_is_not_written_leads_back_to_the_list(hand):
    hand.fail = NoticeCode.SOLD_MEANWHILE
    hand.sign_in().press("shift").press("digits", digits="0").press("yes")
    assert (hand.view.screen, hand.notice) == (Screen.DESK, NoticeCode.SOLD_MEANWHILE)
    assert hand.view.desk.shift is None


def test_answers_that_come_late_do_nothing(hand):
    idle = hand.state
    for event in (
        ev.ClerkChecked(idle.at, CLERK),
        ev.SoldRead(idle.at, ()),
        ev.DeskWritten(idle.at, uuid4()),
        ev.DeskFailed(idle.at, uuid4()),
    ):
        hand.send(lambda _at, event=event: event)
        assert isinstance(hand.state.phase, Idle)
    hand.press("staff").send(lambda at: ev.DeskWritten(at, uuid4()))
    assert isinstance(hand.state.phase, SignIn)


def test_a_pin_is_in_no_text_of_the_state(hand):
    hand.press("staff").press("digits", digits="301").press("digits", digits="864209")
    check = next(e for e in hand.effects if isinstance(e, ev.CheckClerk))
    assert "864209" not in repr(check)
    assert "864209" not in repr(State(hand.state.at, phase=hand.state.phase))
