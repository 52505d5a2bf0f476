"""Every way a payment can go wrong, and the ways it goes right."""

from uuid import uuid4

import pytest
from conftest_pos import NOON, Canteen, Hand, make_policy

from dafan.money import Fen
from dafan.records import DinerStatus, Source, Tender
from pos import events as ev
from pos.state import Committing, Confirm, Idle, Open, Paid
from pos.view import AskWhat, Device, NoticeCode, Screen


def test_a_tray_a_face_paid(hand):
    diner = hand.person()
    assert hand.view.screen is Screen.PLACE
    hand.place(412)
    assert hand.view.screen is Screen.LOOK
    assert hand.view.total == 1154
    hand.face(diner)
    seen = hand.view
    assert (seen.screen, seen.who.name, seen.total) == (Screen.CONFIRM, "甲*", 1039)
    assert not hand.sales
    hand.wait(2.1, 412)
    assert hand.view.screen is Screen.PAID
    (sale,) = hand.sales
    assert (sale.total, sale.discount, sale.tender) == (1039, 115, Tender.FACE)
    assert sum(p.amount for p in sale.payments) == 1039
    assert hand.view.balance.subsidy == 0
    assert hand.view.today.meal_number == 1


def test_the_id_is_minted_when_the_basket_opens(hand):
    diner = hand.person()
    hand.place(412)
    opened = hand.basket.id
    hand.face(diner).wait(2.1, 412)
    assert hand.sales[0].id == opened


def test_nobody_is_looked_for_while_there_is_nothing_to_pay(hand):
    diner = hand.person()
    hand.weigh(0)
    assert not hand.looking
    hand.face(diner)
    assert isinstance(hand.state.phase, Idle)
    hand.weigh(10)
    assert not hand.looking
    hand.weigh(412)
    assert hand.looking
    hand.weigh(0)
    assert not hand.looking


def test_a_decision_older_than_the_basket_is_ignored(hand):
    diner = hand.person()
    hand.wait(1)
    before = hand.clock.monotonic() - 0.5
    hand.place(412).face(diner, since=before)
    assert isinstance(hand.state.phase, Open)


def test_the_same_tray_is_never_charged_twice(hand):
    first, second = hand.person(), hand.person(name="乙丑", staff_no="1002")
    hand.place(412).face(first).wait(2.1, 412)
    hand.pass_over(30).weigh(412).face(second).wait(5, 412)
    assert len(hand.sales) == 1
    assert hand.notice is NoticeCode.CLEAR_SCALE
    hand.place(300).face(second).wait(2.1, 300)
    assert len(hand.sales) == 2


def test_a_till_that_starts_with_a_tray_on_its_scale_charges_nobody(hand):
    diner = hand.person()
    hand.wait(3, 412).face(diner).wait(5, 412)
    assert not hand.sales
    assert hand.notice is NoticeCode.CLEAR_SCALE


def test_a_tray_lifted_during_the_countdown_cancels_without_a_charge(hand):
    diner = hand.person()
    hand.place(412).face(diner).wait(1, 412).weigh(0)
    assert hand.notice is NoticeCode.TRAY_LIFTED
    hand.wait(5, 0)
    assert not hand.sales
    assert isinstance(hand.state.phase, Idle)


def test_a_tray_lifted_off_a_tared_scale_reads_negative_and_cancels_too(hand):
    diner = hand.person()
    hand.place(412).face(diner).weigh(-300, negative=True).wait(5, -300, negative=True)
    assert not hand.sales


def test_a_weight_changed_during_the_countdown_is_priced_again_and_counts_anew(hand):
    diner = hand.person()
    hand.place(412).face(diner).wait(1.5, 412).wait(0.2, 600)
    assert hand.view.total == 1512
    assert hand.notice is NoticeCode.WEIGHT_CHANGED
    hand.wait(1.5, 600)
    assert not hand.sales
    hand.wait(0.6, 600)
    assert hand.sales[0].lines[0].grams == 600


def test_a_restless_scale_holds_the_countdown(hand):
    diner = hand.person()
    hand.place(412).face(diner).wait(4, 412, stable=False)
    assert not hand.sales
    hand.wait(0.2, 412)
    assert len(hand.sales) == 1


def test_a_scale_that_never_comes_to_rest_is_never_paid(hand):
    diner = hand.person()
    hand.place(412).face(diner).wait(15, 412, stable=False)
    assert not hand.sales
    assert hand.notice in {NoticeCode.TIMED_OUT, NoticeCode.UNSTABLE}
    assert isinstance(hand.state.phase, Open)


@pytest.mark.parametrize(
    ("grams", "flags", "notice"),
    [
        (None, {"over": True}, NoticeCode.OVERLOAD),
        (9000, {}, NoticeCode.OVERLOAD),
        (-50, {"negative": True}, NoticeCode.NEGATIVE),
        (-50, {}, NoticeCode.NEGATIVE),
        (None, {"garbled": True}, NoticeCode.SCALE_ERROR),
        (None, {}, NoticeCode.SCALE_ERROR),
        (412, {"garbled": True}, NoticeCode.SCALE_ERROR),
        (412, {"stable": False}, NoticeCode.UNSTABLE),
    ],
)
def test_such_a_reading_is_never_money_and_says_what_to_do(hand, grams, flags, notice):
    diner = hand.person()
    hand.weigh(0).wait(3, grams, **flags)
    assert hand.notice is notice
    hand.face(diner).wait(5, grams, **flags)
    assert not hand.sales


@pytest.mark.parametrize("flags", [{"over": True}, {"garbled": True}])
def test_a_fault_during_the_countdown_holds_it(hand, flags):
    diner = hand.person()
    hand.place(412).face(diner).wait(3, None, **flags)
    assert not hand.sales


def test_an_old_reading_says_nothing(hand):
    diner = hand.person()
    hand.weigh(0).weigh(412, age=5)
    assert isinstance(hand.state.phase, Idle)
    hand.weigh(412).face(diner)
    assert isinstance(hand.state.phase, Confirm)
    hand.wait(4)
    assert not hand.sales
    hand.wait(0.2, 412)
    assert len(hand.sales) == 1


def test_a_scale_pulled_out_during_the_countdown_stops_it(hand):
    diner = hand.person()
    hand.place(412).face(diner).health(scale=Device.OFF).wait(5)
    assert not hand.sales


def test_dishes_can_be_sold_without_a_scale(hand, canteen):
    diner = hand.person()
    hand.health(scale=Device.OFF)
    assert hand.notice is NoticeCode.SCALE_OFF
    hand.press("add", dish=str(canteen.rice.id), portion="half").press("picked")
    hand.face(diner).wait(2.2)
    assert [line.amount for line in hand.sales[0].lines] == [50]


def test_dishes_can_be_added_to_a_weighed_tray(hand, canteen):
    diner = hand.person()
    hand.place(412).press("pick").press("add", dish=str(canteen.rice.id), portion="full")
    assert not hand.looking
    hand.press("picked").face(diner).wait(2.2, 412)
    assert [line.amount for line in hand.sales[0].lines] == [1154, 100]


def test_a_dish_without_a_price_is_not_sold(hand, canteen):
    hand.person()
    hand.place(412).press("pick").press("add", dish=str(canteen.unpriced.id), portion="full")
    assert hand.notice is NoticeCode.PRICE_MISSING
    assert hand.basket.items == ()


def test_a_tray_whose_price_is_missing_is_not_sold(hand, canteen):
    canteen.weighed = canteen.weighed.model_copy(update={"price": None})
    diner = hand.person()
    hand.publish().place(412)
    assert (hand.view.screen, hand.notice) == (Screen.PROBLEM, NoticeCode.PRICE_MISSING)
    hand.face(diner).card(diner).wait(5, 412)
    assert not hand.sales


def test_a_new_price_during_the_countdown_is_shown_before_it_is_paid(hand, canteen):
    diner = hand.person()
    hand.place(412).face(diner).wait(1.5, 412)
    canteen.weighed = canteen.weighed.model_copy(update={"price": Fen(3000)})
    hand.publish()
    assert hand.view.list_total == 1236
    hand.wait(1, 412)
    assert not hand.sales
    hand.wait(1.2, 412)
    assert hand.sales[0].list_total == 1236


def test_a_frozen_diner_cannot_pay_and_is_told_so(hand):
    diner = hand.person(status=DinerStatus.FROZEN)
    hand.place(412).face(diner)
    assert (hand.view.screen, hand.notice) == (Screen.PROBLEM, NoticeCode.FROZEN)
    hand.wait(5, 412)
    assert not hand.sales


def test_a_diner_frozen_during_the_countdown_cannot_pay(hand):
    diner = hand.person()
    hand.place(412).face(diner).wait(1, 412)
    hand.diners[diner.id] = diner.model_copy(update={"status": DinerStatus.FROZEN})
    hand.wait(3, 412)
    assert not hand.sales
    assert hand.notice is NoticeCode.FROZEN


def test_consent_withdrawn_a_second_ago_stops_the_payment_at_once(hand):
    diner = hand.person()
    hand.place(412).face(diner).wait(1, 412)
    hand.faces.discard(diner.id)
    hand.publish()
    assert hand.notice is NoticeCode.WITHDRAWN
    hand.wait(5, 412)
    assert not hand.sales


def test_too_little_money_names_what_is_missing(hand):
    diner = hand.person(subsidy=Fen(0), cash=Fen(719))
    hand.place(412).face(diner)
    assert hand.notice is NoticeCode.INSUFFICIENT
    assert hand.view.notice.params == {"short_fen": 320}


def test_advice_comes_after_a_while_and_then_other_ways_to_pay(hand):
    hand.place(412).send(lambda at: ev.FaceHint(at, NoticeCode.UNKNOWN_FACE, 300))
    assert (hand.view.screen, hand.notice) == (Screen.LOOK, None)
    hand.wait(2, 412)
    assert (hand.view.screen, hand.notice) == (Screen.LOOK, NoticeCode.UNKNOWN_FACE)
    hand.wait(7, 412)
    assert (hand.view.screen, hand.notice) == (Screen.PROBLEM, NoticeCode.UNKNOWN_FACE)
    assert hand.looking


@pytest.mark.parametrize(
    "code", [NoticeCode.TWO_FACES, NoticeCode.NOT_LIVE, NoticeCode.NO_FACE, NoticeCode.TOO_FAR]
)
def test_a_face_that_does_not_do_leaves_the_card(hand, code):
    diner = hand.person()
    hand.place(412).send(lambda at: ev.FaceHint(at, code, 0)).wait(10, 412)
    assert hand.notice is code
    hand.card(diner).wait(2.2, 412)
    assert hand.sales[0].tender is Tender.CARD


def test_an_unsure_face_pays_only_with_the_pin(hand):
    diner = hand.person(pin_hash="x")
    hand.place(412).face(diner, doubt=NoticeCode.SECOND_FACTOR)
    assert hand.view.ask.what is AskWhat.PIN
    hand.wait(5, 412)
    assert not hand.sales
    hand.press("digits", digits="246810").wait(2.2, 412)
    assert (hand.sales[0].tender, hand.sales[0].second_factor) == (Tender.FACE, "pin")


def test_an_unsure_face_pays_with_the_diners_own_card_and_no_other(hand):
    diner = hand.person(pin_hash="x")
    other = hand.person(name="乙丑", staff_no="1002")
    hand.place(412).face(diner, doubt=NoticeCode.SECOND_FACTOR).card(diner).wait(2.2, 412)
    assert hand.sales[0].second_factor == "card"
    hand.place(300).pass_over(100).weigh(300).face(diner, doubt=NoticeCode.SECOND_FACTOR).card(
        other
    )
    hand.wait(2.2, 300)
    assert (hand.sales[1].tender, hand.sales[1].diner_id) == (Tender.CARD, other.id)


def test_look_alikes_always_need_a_second_factor(hand):
    diner = hand.person(pin_hash="x", lookalikes=(uuid4(),))
    hand.place(412).face(diner)
    assert hand.notice is NoticeCode.LOOKALIKE
    hand.press("digits", digits="246810").wait(2.2, 412)
    assert hand.sales[0].second_factor == "pin"


def test_a_diner_without_pin_is_sent_to_his_card(hand):
    diner = hand.person()
    hand.place(412).face(diner, doubt=NoticeCode.SECOND_FACTOR)
    assert hand.notice is NoticeCode.PIN_NONE


def test_five_wrong_pins_lock_the_pin_for_a_while(hand):
    diner = hand.person(pin_hash="x")
    hand.place(412).press("way", way="staff_no").press("digits", digits="1001")
    for left in (4, 3, 2, 1):
        hand.press("digits", digits="000000")
        assert hand.view.notice.params == {"tries": left}
    hand.press("digits", digits="000000")
    assert hand.notice is NoticeCode.PIN_LOCKED
    hand.press("way", way="staff_no").press("digits", digits="1001")
    hand.press("digits", digits="246810").wait(3, 412)
    assert not hand.sales
    hand.pass_over(900).weigh(412).press("way", way="staff_no").press("digits", digits="1001")
    hand.press("digits", digits="246810").wait(2.2, 412)
    assert (hand.sales[0].tender, hand.sales[0].diner_id) == (Tender.PIN, diner.id)


def test_a_qr_code_can_be_photographed_so_it_needs_the_pin(hand):
    diner = hand.person(pin_hash="x")
    hand.place(412).press("way", way="qr").send(lambda at: ev.QrSeen(at, diner.id)).wait(3, 412)
    assert not hand.sales
    hand.press("digits", digits="246810").wait(2.2, 412)
    assert (hand.sales[0].tender, hand.sales[0].second_factor) == (Tender.QR, "pin")


def test_a_code_of_another_site_is_refused(hand):
    hand.place(412).press("way", way="qr").send(lambda at: ev.QrSeen(at, None))
    assert hand.notice is NoticeCode.QR_UNKNOWN


def test_a_lost_or_unknown_card_pays_nothing(hand):
    diner = hand.person()
    hand.place(412).card(diner, lost=True)
    assert hand.notice is NoticeCode.CARD_LOST
    hand.card(None)
    assert hand.notice is NoticeCode.CARD_UNKNOWN
    hand.wait(5, 412)
    assert not hand.sales


def test_the_cashier_takes_cash_without_a_diner(hand):
    hand.place(412).press("way", way="cash").wait(1, 412)
    assert hand.view.ask.what is AskWhat.CASH
    hand.press("yes")
    (sale,) = hand.sales
    assert (sale.diner_id, sale.total) == (None, 1154)
    assert sale.payments[0].source is Source.DRAWER


def test_a_till_without_a_cashier_takes_no_cash(canteen):
    hand = Hand(canteen)
    hand.state = hand.state.__class__(
        hand.state.at, hand.state.catalogue, hand.state.health, cash_allowed=False
    )
    hand.place(412).press("way", way="cash").press("yes")
    assert not hand.sales
    assert not hand.view.cash


def test_cancel_stops_the_countdown_and_the_same_face_is_not_charged_again(hand):
    diner = hand.person()
    hand.place(412).face(diner).press("cancel")
    assert hand.notice is NoticeCode.CANCELLED
    hand.wait(20, 412).face(diner).wait(5, 412)
    assert not hand.sales
    hand.press("way", way="face").wait(0.1, 412).face(diner).wait(2.2, 412)
    assert len(hand.sales) == 1


def test_another_card_during_the_countdown_takes_over(hand):
    wrong, right = hand.person(), hand.person(name="乙丑", staff_no="1002")
    hand.place(412).face(wrong).wait(1, 412).card(right).wait(1.5, 412)
    assert not hand.sales
    hand.wait(1, 412)
    assert hand.sales[0].diner_id == right.id


def test_the_same_diner_again_within_moments_is_asked(hand):
    diner = hand.person()
    hand.place(412).face(diner).wait(2.2, 412)
    hand.place(300).face(diner).wait(5, 300)
    assert hand.view.ask.what is AskWhat.AGAIN
    assert len(hand.sales) == 1
    hand.press("yes").wait(2.2, 300)
    assert len(hand.sales) == 2


def test_the_second_lunch_is_announced_at_full_price(hand):
    diner = hand.person()
    hand.place(412).face(diner).wait(2.2, 412).wait(1, 0).pass_over(100)
    hand.place(412).face(diner)
    assert hand.notice is NoticeCode.FULL_PRICE
    assert hand.view.notice.params == {"total_fen": 1154}


def test_a_full_disk_is_not_paid_and_the_retry_is_the_same_sale(hand):
    diner = hand.person()
    hand.disk_full = True
    hand.place(412).face(diner).wait(2.2, 412)
    assert (hand.view.screen, hand.notice) == (Screen.PROBLEM, NoticeCode.WRITE_FAILED)
    assert not hand.sales
    hand.press("retry")
    hand.disk_full = False
    hand.press("retry")
    assert len({sale.id for sale in hand.attempts}) == 1
    assert len(hand.attempts) == 3
    assert len(hand.sales) == 1
    assert isinstance(hand.state.phase, Paid)


def test_walking_away_from_a_full_disk_costs_nothing(hand):
    diner = hand.person()
    hand.disk_full = True
    hand.place(412).face(diner).wait(2.2, 412)
    hand.disk_full = False
    hand.wait(5, 0)
    assert not hand.sales
    assert isinstance(hand.state.phase, Idle)


def test_a_clock_that_jumps_neither_pays_early_nor_late(hand):
    diner = hand.person()
    hand.place(412).face(diner)
    hand.clock.jump(3600)
    hand.wait(1, 412)
    assert not hand.sales
    hand.clock.jump(-7200)
    hand.wait(1.2, 412)
    (sale,) = hand.sales
    assert sale.opened_at <= sale.paid_at


def test_the_meal_that_ends_during_the_countdown_is_shown_again(hand):
    diner = hand.person()
    hand.clock.jump(90 * 60 - 1)
    hand.place(412).face(diner)
    assert hand.view.total == 1039
    hand.wait(2.2, 412)
    assert not hand.sales
    assert hand.view.total == 1154
    hand.wait(2.2, 412)
    assert hand.sales[0].total == 1154


def test_without_time_to_cancel_the_sale_is_written_at_once():
    hand = Hand(Canteen(policy=make_policy(confirm_ms=0)))
    diner = hand.person()
    hand.place(412).face(diner)
    assert len(hand.sales) == 1


def test_a_till_without_a_snapshot_sells_nothing(hand):
    diner = hand.person()
    hand.send(lambda at: ev.SnapshotChanged(at, type(hand.state.catalogue)()))
    hand.place(412).face(diner).card(diner).press("add", dish=str(uuid4())).wait(3, 412)
    assert not hand.sales
    assert hand.view.screen is Screen.SETUP


def test_a_camera_that_is_gone_leaves_the_other_ways(hand):
    diner = hand.person()
    hand.health(camera=Device.OFF, camera_lost=True).place(412)
    assert (hand.view.screen, hand.notice) == (Screen.PROBLEM, NoticeCode.CAMERA_OFF)
    hand.card(diner).wait(2.2, 412)
    assert len(hand.sales) == 1


@pytest.mark.parametrize("without", ["camera", "models", "leave"])
def test_a_till_without_faces_calmly_asks_for_another_way(hand, canteen, without):
    diner = hand.person()
    if without == "leave":
        canteen.policy = make_policy(face_enabled=False)
        hand.publish()
    else:
        hand.health(**({"camera": Device.OFF} if without == "camera" else {"models": False}))
    hand.place(412).wait(10, 412)
    assert (hand.view.screen, hand.view.face, hand.notice) == (Screen.LOOK, False, None)
    assert not hand.looking
    hand.card(diner).wait(2.2, 412)
    assert len(hand.sales) == 1


def test_a_revoked_till_finishes_what_is_open_and_begins_nothing_new(hand, canteen):
    diner = hand.person()
    hand.place(412).health(revoked=True).face(diner).wait(2.2, 412)
    assert (hand.view.screen, len(hand.sales)) == (Screen.PAID, 1)
    hand.weigh(0).wait(3, 0)
    assert (hand.view.screen, hand.notice) == (Screen.SETUP, NoticeCode.REVOKED)
    hand.place(300).face(diner).card(diner).press("pick")
    hand.press("add", dish=str(canteen.rice.id)).wait(3, 300)
    assert (hand.view.screen, len(hand.sales)) == (Screen.SETUP, 1)
    hand.health(revoked=False).place(300).card(diner).press("yes").wait(2.2, 300)
    assert len(hand.sales) == 2


@pytest.mark.parametrize(
    ("press", "notice"),
    [({"dish": "rice"}, NoticeCode.BASKET_FULL), ({"dish": "gone"}, NoticeCode.DISH_GONE)],
)
def test_what_cannot_be_chosen_is_said_on_the_list_itself(hand, canteen, press, notice):
    hand.weigh(0).press("pick")
    for _ in range(99):
        hand.press("add", dish=str(canteen.rice.id))
    dish = str(canteen.rice.id) if press["dish"] == "rice" else str(uuid4())
    hand.press("add", dish=dish)
    assert (hand.view.screen, hand.notice) == (Screen.PICK, notice)
    hand.wait(5, 0)
    assert (hand.view.screen, hand.notice) == (Screen.PICK, None)


def test_a_question_that_nobody_answers_goes_away(hand):
    hand.place(412).press("way", way="staff_no").pass_over(50).weigh(412)
    assert hand.view.screen is not Screen.ASK
    assert hand.looking


def test_a_list_that_nobody_completes_goes_away(hand, canteen):
    hand.weigh(0).press("pick").press("add", dish=str(canteen.rice.id)).pass_over(70).weigh(0)
    assert isinstance(hand.state.phase, Idle)


def test_an_answer_for_another_sale_changes_nothing(hand):
    hand.person()
    hand.place(412).send(lambda at: ev.SaleWritten(at, uuid4()))
    hand.send(lambda at: ev.WriteFailed(at, uuid4()))
    assert isinstance(hand.state.phase, Open)
    assert not isinstance(hand.state.phase, Committing)


def test_no_paper_is_told_but_the_sale_stands(hand):
    diner = hand.person()
    hand.health(printer=Device.WARN, paper_out=True).place(412).face(diner).wait(2.2, 412)
    assert len(hand.sales) == 1
    assert hand.notice is NoticeCode.NO_PAPER


def test_the_tray_is_taken_off_the_weight(canteen):
    canteen.policy = make_policy(tray_grams=300)
    hand = Hand(canteen)
    diner = hand.person()
    hand.weigh(0).weigh(300)
    assert isinstance(hand.state.phase, Idle)
    hand.weigh(712).face(diner).wait(2.2, 712)
    assert hand.sales[0].lines[0].grams == 412
    assert hand.sales[0].paid_at > NOON


def test_a_claim_whose_answer_never_comes_is_dropped(hand):
    diner = hand.person()
    hand.place(412)
    hand.answer = lambda _effect: None
    hand.face(diner).wait(11, 412)
    assert hand.notice is NoticeCode.TIMED_OUT
    assert not hand.sales


def test_a_price_beyond_all_reason_is_not_charged(hand, canteen):
    canteen.weighed = canteen.weighed.model_copy(update={"price": Fen(10**9)})
    hand.publish().place(4000)
    assert hand.notice is NoticeCode.PRICE_MISSING
