"""The payment station: ``step(state, event) -> (state, effects)``. Pure.

Place the tray, look, confirm, written, paid. A basket opens when food stands on a scale that has
been empty before, or when a dish is chosen; it takes its id then, and keeps it through every
retry. Time, disk, camera, scale and network are outside: they come in as events and are asked
for by effects (see ``pos.events``); ``pos.paying`` is what happens between a claim and the sale,
``pos.screen`` what the diner sees.
"""

from dataclasses import replace

from dafan.records import Policy, Portion
from dafan.units import Grams
from pos import ordered, paying, staffdesk, weighing
from pos.basket import Basket, is_empty
from pos.events import (
    AccountRead,
    CardSeen,
    DeskEvent,
    Event,
    FaceChanged,
    FaceHint,
    FaceKnown,
    HealthChanged,
    PickUpSeen,
    PinChecked,
    Pressed,
    QrSeen,
    ReadAccount,
    Reprint,
    SaleWritten,
    SnapshotChanged,
    StaffFound,
    StartLooking,
    StopLooking,
    Tick,
    Weighed,
    WriteFailed,
)
from pos.pricing import dish_id_of, portion_price
from pos.state import (
    Committing,
    Confirm,
    DeskPhase,
    Idle,
    Open,
    Paid,
    Pan,
    State,
    Step,
    refuse,
    reopen,
    tell,
    to,
    wants_face,
)
from pos.view import Ask, AskWhat, Device, NoticeCode


def step(state: State, event: Event) -> Step:
    """What an event makes of the till, and what is to be done about it."""
    state, effects = _take_in(replace(state, at=event.at), event)
    state, effects = paying.guard_place(state, effects)
    looks, wants = state.looking_since is not None, wants_face(state)
    if wants and not looks:
        return replace(state, looking_since=state.elapsed), (*effects, StartLooking())
    if looks and not wants:
        return replace(state, looking_since=None), (*effects, StopLooking())
    return state, effects


def _take_in(state: State, event: Event) -> Step:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of event
    at_desk = isinstance(state.phase, DeskPhase)
    match event:
        case Weighed():
            return _weighed(state, event)
        case SnapshotChanged():
            return _news(replace(state, catalogue=event.catalogue))
        case HealthChanged():
            return _health(state, event)
        case _ if at_desk or isinstance(event, DeskEvent):
            return staffdesk.step(state, event)
        case Tick():
            return _time_passed(state)
        case FaceHint():
            return _hinted(state, event)
        case FaceKnown():
            return paying.face_known(state, event)
        case FaceChanged():
            return paying.face_changed(state, event)
        case CardSeen():
            return paying.card_seen(state, event)
        case QrSeen():
            return paying.qr_seen(state, event)
        case PickUpSeen():
            return ordered.put_in_basket(state, event.order)
        case StaffFound():
            return paying.staff_found(state, event)
        case PinChecked():
            return paying.pin_checked(state, event)
        case AccountRead():
            return paying.account_read(state, event)
        case Pressed():
            return _pressed(state, event)
        case SaleWritten():
            return paying.sale_written(state, event)
        case WriteFailed():
            return paying.write_failed(state, event)
    return state, ()


# --- the scale ----------------------------------------------------------------------------------


def _weighed(state: State, event: Weighed) -> Step:
    if state.elapsed - event.arrived > state.timing.stale:
        return state, ()
    policy = state.catalogue.policy
    pan = Pan(event.grams, event.stable, _fault(state, event), event.arrived, state.pan.since)
    if pan.condition != state.pan.condition:
        pan = replace(pan, since=state.elapsed)
    state = replace(state, pan=pan)
    if policy is None or not state.catalogue.weighs:
        return state, ()
    if state.barred is not None:
        return _lifted(replace(state, armed=False), weighing.WORDS[state.barred])
    return _read(state, pan, policy)


def _read(state: State, pan: Pan, policy: Policy) -> Step:
    """What a scale that may bill says."""
    if pan.fault is NoticeCode.NEGATIVE:
        return _lifted(replace(state, armed=True))
    if pan.fault is not None or not pan.stable or pan.grams is None:
        return state, ()
    if is_empty(pan.grams, policy):
        return _lifted(replace(state, armed=True))
    net = weighing.food(state.catalogue, pan.grams)
    return _loaded(state, net) if state.armed else (state, ())


def _fault(state: State, event: Weighed) -> NoticeCode | None:
    policy = state.catalogue.policy
    if event.over:
        return NoticeCode.OVERLOAD
    if event.negative:
        return NoticeCode.NEGATIVE
    if event.garbled or event.grams is None:
        return NoticeCode.SCALE_ERROR
    if event.grams < 0:
        return NoticeCode.NEGATIVE
    if policy is not None and event.grams - policy.tray_grams > policy.max_grams:
        return NoticeCode.OVERLOAD
    return None


def _loaded(state: State, net: Grams | None) -> Step:
    """A tray stands still on the scale; ``net`` is the food on it."""
    phase = state.phase
    match phase:
        case Idle() | Paid() if net is not None and state.may_open:
            basket = Basket(state.at.new_id, state.at.now, net)
            return to(replace(state, notice=None), reopen(state, basket))
        case Open() if not _same(state, phase.basket.grams, net):
            return _reweighed(state, phase, net)
        case Confirm() if not _same(state, phase.basket.grams, net):
            state = tell(state, NoticeCode.WEIGHT_CHANGED)
            basket = phase.basket.weigh(net)
            if net is None:
                return _cancelled(state, NoticeCode.TRAY_LIFTED)
            opened = reopen(state, basket, claim=phase.claim)
            return to(state, opened, ReadAccount(phase.claim.diner_id))
    return state, ()


def _reweighed(state: State, phase: Open, net: Grams | None) -> Step:
    basket = phase.basket.weigh(net)
    if basket.empty and not phase.picking:
        return to(state, Idle())
    fresh = reopen(state, basket)
    return to(state, replace(phase, basket=basket, priced=fresh.priced, touched=state.elapsed))


def _same(state: State, before: Grams | None, now: Grams | None) -> bool:
    if before is None or now is None:
        return before is now
    return abs(before - now) <= state.timing.jitter_grams


def _lifted(state: State, why: NoticeCode = NoticeCode.TRAY_LIFTED) -> Step:
    """Nothing stands on the scale any more, or nothing that counts."""
    phase = state.phase
    match phase:
        case Open() if phase.basket.grams is not None:
            basket = phase.basket.weigh(None)
            return to(state, Idle() if basket.empty else reopen(state, basket))
        case Confirm() if phase.basket.grams is not None:
            return _cancelled(state, why)
        case Committing(failed=True) if phase.basket.grams is not None:
            return _cancelled(state, why)
    return state, ()


def _cancelled(state: State, code: NoticeCode) -> Step:
    return to(tell(state, code), Idle())


# --- the camera, the feed, the devices ----------------------------------------------------------


def _hinted(state: State, event: FaceHint) -> Step:
    if not isinstance(state.phase, Open) or state.looking_since is None:
        return state, ()
    return to(state, replace(state.phase, hint=event.code, progress=event.progress))


def _news(state: State) -> Step:
    """Prices or people changed: price again, and judge a running confirmation again."""
    phase = state.phase
    match phase:
        case Open():
            fresh = reopen(state, phase.basket)
            return to(state, replace(phase, priced=fresh.priced))
        case Confirm():
            fresh = reopen(state, phase.basket, claim=phase.claim)
            if fresh.priced != phase.priced:
                return to(state, fresh, ReadAccount(phase.claim.diner_id))
            return state, (ReadAccount(phase.claim.diner_id),)
    return state, ()


def _health(state: State, event: HealthChanged) -> Step:
    """Take over the devices' word. A scale that comes back has to be empty first."""
    came = state.health.scale is Device.OFF and event.health.scale is not Device.OFF
    if came and not isinstance(state.phase, Open | Confirm | Committing):
        state = replace(state, armed=False)
    return replace(state, health=event.health), ()


# --- time ---------------------------------------------------------------------------------------


def _time_passed(state: State) -> Step:
    if state.notice is not None and state.elapsed >= state.notice_until:
        state = replace(state, notice=None)
    phase = state.phase
    match phase:
        case Open():
            return _open_waits(state, phase)
        case Confirm() if state.elapsed >= phase.deadline:
            return paying.confirm_over(state, phase)
        case Paid():
            shown = state.elapsed - phase.since
            free = state.armed or not state.scale_counts
            if shown >= (state.timing.paid if free else state.timing.paid_longest):
                return to(state, Idle())
    return state, ()


def _open_waits(state: State, phase: Open) -> Step:
    waited = state.elapsed - phase.touched
    if phase.problem is not None and state.elapsed >= phase.problem_until:
        return to(state, replace(phase, problem=None, touched=state.elapsed))
    if phase.ask is not None and waited >= state.timing.ask:
        return to(tell(state, NoticeCode.TIMED_OUT), reopen(state, phase.basket))
    if phase.claim is not None and phase.ask is None and waited >= state.timing.held:
        return refuse(state, phase, NoticeCode.TIMED_OUT)
    weightless = phase.basket.grams is None or not state.scale_counts
    if weightless and waited >= state.timing.idle:
        return _cancelled(state, NoticeCode.TIMED_OUT)
    return state, ()


# --- the screen's buttons -----------------------------------------------------------------------


def _pressed(state: State, event: Pressed) -> Step:
    phase, action = state.phase, event.action
    match phase:
        case Open() if action in {"pick", "picked", "add", "remove"}:
            return _pick(state, replace(phase, touched=state.elapsed), event)
        case Open():
            return _pay(state, replace(phase, touched=state.elapsed), event)
        case Idle() | Paid() if action in {"pick", "add", "staff"}:
            return staffdesk.enter(state) if action == "staff" else _begin_picking(state, event)
        case Confirm() | Committing(failed=True) if action == "cancel":
            return refuse(state, phase, NoticeCode.CANCELLED)
        case Committing() if action == "retry":
            return paying.retry(state, phase)
    return _pressed_idle(state, action)


def _pressed_idle(state: State, action: str) -> Step:
    if action == "reprint" and state.last_sale is not None:
        return state, (Reprint(state.last_sale),)
    return (tell(state, NoticeCode.EMPTY_BASKET) if action == "way" else state), ()


def _begin_picking(state: State, event: Pressed) -> Step:
    if not state.catalogue.ready or state.health.revoked:
        return state, ()
    if not state.may_open:
        return tell(state, NoticeCode.CLEAR_SCALE), ()
    opened = reopen(state, Basket(state.at.new_id, state.at.now), picking=True)
    state = replace(state, notice=None)
    return _add(state, opened, event) if event.action == "add" else to(state, opened)


def _pick(state: State, phase: Open, event: Pressed) -> Step:
    match event.action:
        case "pick":
            return to(state, reopen(state, phase.basket, picking=True))
        case "add":
            return _add(state, phase, event)
        case "remove":
            basket = _renamed(state, phase.basket.remove(event.params.get("line", "")))
            phase = reopen(state, basket, picking=phase.picking)
        case "picked":
            phase = replace(phase, picking=False)
    return to(state, Idle() if phase.basket.empty and not phase.picking else phase)


def _pay(state: State, phase: Open, event: Pressed) -> Step:
    match event.action:
        case "cancel":
            return _cancel_open(state, phase)
        case "way":
            return _other_way(state, phase, event.params.get("way", ""))
        case "digits":
            return paying.digits(state, phase, event.params.get("digits", ""))
        case "yes":
            return _yes(state, phase)
    return _pressed_idle(state, event.action)


def _cancel_open(state: State, phase: Open) -> Step:
    """Leave a question; without one, start again with what stands on the scale."""
    if phase.ask is not None:
        return to(state, reopen(state, phase.basket, picking=phase.picking))
    if phase.basket.grams is None:
        return to(state, Idle())
    return to(state, reopen(state, _renamed(state, replace(phase.basket, items=()))))


def _renamed(state: State, basket: Basket) -> Basket:
    """A basket that has lost its dishes is no order any more, and has an id of its own."""
    return basket if basket.items else replace(basket, id=state.at.new_id)


def _add(state: State, phase: Open, event: Pressed) -> Step:
    dish_id = dish_id_of(event.params.get("dish", ""))
    dish = state.catalogue.dishes.get(dish_id) if dish_id else None
    try:
        portion = Portion(event.params.get("portion", "full"))
    except ValueError:
        dish = None
        portion = Portion.FULL
    if dish is None or portion_price(dish, portion) is None:
        missing = dish is not None and dish.active and dish.price is None
        return tell(state, NoticeCode.PRICE_MISSING if missing else NoticeCode.DISH_GONE), ()
    basket = phase.basket.add(dish.id, portion)
    if basket is None:
        return tell(state, NoticeCode.BASKET_FULL), ()
    return to(state, reopen(state, basket, picking=phase.picking))


def _other_way(state: State, phase: Open, way: str) -> Step:
    asks = {
        "card": Ask(AskWhat.CARD),
        "qr": Ask(AskWhat.QR),
        "staff_no": Ask(AskWhat.STAFF_NO),
    }
    if state.cash_allowed:
        asks["cash"] = Ask(AskWhat.CASH)
    if way == "help":
        return tell(state, NoticeCode.HELP), ()
    if way == "face":
        return to(state, reopen(state, phase.basket))
    if way not in asks or phase.basket.empty:
        return state, ()
    return to(state, reopen(state, phase.basket, ask=asks[way]))


def _yes(state: State, phase: Open) -> Step:
    """Yes to: is this a second meal; does the cashier have the money."""
    if phase.ask is None:
        return state, ()
    if phase.ask.what is AskWhat.CASH:
        return paying.pay_cash(state, phase)
    if phase.ask.what is AskWhat.AGAIN and phase.claim is not None:
        return paying.claimed(state, phase, replace(phase.claim, again=True))
    return state, ()
