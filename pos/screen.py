"""What the diner sees of a state. Pure."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from dafan.money import Fen
from dafan.records import Dish, Payment, Sale, SaleLine, Source, TerminalInfo
from pos import meal, weighing
from pos.basket import Basket, is_empty, net_grams
from pos.deskscreen import desk
from pos.pricing import Priced
from pos.snapshot import Account, mask, period_of
from pos.state import Committing, Confirm, DeskPhase, Open, Paid, State, payable
from pos.view import (
    Balance,
    Device,
    Devices,
    Level,
    Line,
    MenuItem,
    Notice,
    NoticeCode,
    Place,
    Screen,
    Today,
    View,
    Who,
)

HINT_AFTER_S = 1.5
"""So long a face may take without advice."""
OFFER_AFTER_S = 8.0
"""After so long the other ways to pay fill the screen; the camera goes on looking."""
SCALE_AFTER_S = 1.5
"""So long a scale may be restless, or a paid tray stay, before the till says so."""


def view(state: State) -> View:  # noqa: PLR0911 - one line for each phase
    """The screen of a state."""
    shown = _common(state)
    if not state.catalogue.ready:
        return replace(shown, screen=Screen.SETUP, notice=Notice(NoticeCode.NOT_READY))
    phase = state.phase
    if isinstance(phase, Open):
        return _open(state, phase, shown)
    if isinstance(phase, Confirm):
        return _confirm(state, phase, shown)
    if isinstance(phase, Committing):
        return _committing(phase, shown)
    if isinstance(phase, Paid):
        return _paid(state, phase, shown)
    if isinstance(phase, DeskPhase):
        return desk(state, phase, replace(shown, notice=shown.notice or _barred_notice(state)))
    return _idle(state, shown)


def _common(state: State) -> View:
    terminal, policy, health = state.catalogue.terminal, state.catalogue.policy, state.health
    period, clock = "", ""
    if policy is not None:
        code = period_of(policy, state.at.now)
        period = next((p.name for p in policy.periods if p.code == code), "")
        clock = state.at.now.astimezone(ZoneInfo(policy.time_zone)).strftime("%H:%M")
    return View(
        screen=Screen.PLACE,
        clock=clock,
        period=period,
        place=_place(terminal),
        grams=state.pan.grams if state.scale_counts and state.pan.fault is None else None,
        stable=state.steady,
        notice=state.notice,
        offline=health.offline,
        waiting_entries=health.waiting,
        devices=Devices(_scale_light(state), health.camera, health.printer, health.reader),
        face=state.faces,
        cash=state.cash_allowed,
        reprint=state.last_sale is not None and health.printer is not Device.OFF,
        orders=state.catalogue.orders and health.camera is Device.OK,
        menu=_menu(state),
    )


def _scale_light(state: State) -> Device:
    """A scale that may not bill asks nobody for a tray."""
    return Device.OFF if state.barred is not None else state.health.scale


def _place(terminal: TerminalInfo | None) -> Place:
    if terminal is None:
        return Place()
    return Place(terminal.site_name, terminal.venue_name, terminal.name)


def _menu(state: State) -> tuple[MenuItem, ...]:
    dishes = sorted(state.catalogue.dishes.values(), key=lambda d: (d.sort, d.name))
    return tuple(_menu_item(dish) for dish in dishes if dish.active)


def _menu_item(dish: Dish) -> MenuItem:
    return MenuItem(
        str(dish.id), dish.name, dish.unit.value, dish.price, dish.half_price,
        dish.small_price, dish.category,
    )  # fmt: skip


# --- the phases ---------------------------------------------------------------------------------


def _idle(state: State, shown: View) -> View:
    if state.health.revoked:
        return replace(shown, screen=Screen.SETUP, notice=Notice(NoticeCode.REVOKED, Level.STOP))
    notice = shown.notice or _scale_notice(state)
    return replace(shown, notice=notice, staffed=state.catalogue.staffed)


def _open(state: State, phase: Open, shown: View) -> View:
    shown = _priced(phase.priced, shown)
    claim_notice = Notice(phase.claim.doubt) if phase.claim and phase.claim.doubt else None
    if phase.ask is not None:
        notice = shown.notice or claim_notice
        return replace(shown, screen=Screen.ASK, ask=phase.ask, notice=notice)
    if phase.picking:
        return replace(shown, screen=Screen.PICK)
    if phase.problem is not None:
        return replace(shown, screen=Screen.PROBLEM, notice=phase.problem)
    shown = replace(shown, screen=Screen.LOOK, progress=phase.progress)
    if phase.priced.unpriced:
        missing = Notice(NoticeCode.PRICE_MISSING, Level.STOP)
        return replace(shown, screen=Screen.PROBLEM, notice=missing)
    if not payable(state, phase):
        return replace(shown, notice=shown.notice or _scale_notice(state))
    looking = _looking(state, phase, shown)
    notice = looking.notice or _barred_notice(state) or _small_notice(state, phase.basket)
    return replace(looking, notice=notice)


def _looking(state: State, phase: Open, shown: View) -> View:
    if not shown.face:
        return _camera_lost(shown) if _misses_camera(state) else shown
    looked = state.elapsed - (state.looking_since or state.elapsed)
    if phase.hint is None or looked < HINT_AFTER_S:
        return shown
    offers = looked >= OFFER_AFTER_S
    notice = shown.notice or Notice(phase.hint)
    return replace(shown, screen=Screen.PROBLEM if offers else Screen.LOOK, notice=notice)


def _misses_camera(state: State) -> bool:
    """Faces would be taken here if the camera had not gone; elsewhere cards are the usual way."""
    policy, health = state.catalogue.policy, state.health
    return health.camera_lost and health.models and policy is not None and policy.face_enabled


def _camera_lost(shown: View) -> View:
    notice = shown.notice or Notice(NoticeCode.CAMERA_OFF)
    return replace(shown, screen=Screen.PROBLEM, notice=notice)


def _confirm(state: State, phase: Confirm, shown: View) -> View:
    quote = phase.quote
    left = max(0, round((phase.deadline - state.elapsed) * 1000))
    notice = shown.notice or (None if state.steady else _scale_notice(state))
    if notice is None and phase.warned:
        found = ",".join(f"allergen_{allergen}" for allergen in phase.warned)
        notice = Notice(NoticeCode.ALLERGENS, Level.STOP, {"found_labels": found})
    if notice is None and quote.full_price:
        notice = Notice(NoticeCode.FULL_PRICE, Level.WARN, {"total_fen": quote.total})
    notice = notice or _small_notice(state, phase.basket)
    return replace(
        _priced(phase.priced, shown),
        screen=Screen.CONFIRM,
        discount=quote.discount,
        total=quote.total,
        subsidy_paid=_subsidy(quote.payments),
        countdown_ms=left,
        countdown_of_ms=phase.wait_ms,
        notice=notice,
        **_person(phase.account),
    )


def _committing(phase: Committing, shown: View) -> View:
    shown = _sold(phase.sale, phase.account, shown)
    if phase.failed:
        failed = Notice(NoticeCode.WRITE_FAILED, Level.STOP)
        return replace(shown, screen=Screen.PROBLEM, notice=failed)
    return replace(shown, screen=Screen.CONFIRM, countdown_ms=0)


def _paid(state: State, phase: Paid, shown: View) -> View:
    return replace(
        _sold(phase.sale, phase.account, shown),
        screen=Screen.PAID,
        notice=shown.notice or _printer_notice(state),
        energy=meal.energy(phase.sale.lines, state.catalogue.foods, phase.account),
    )


def _priced(priced: Priced, shown: View) -> View:
    lines = tuple(_line(line) for line in priced.lines)
    lines += tuple(Line(name, None) for name in priced.unpriced)
    total = priced.list_total if priced.lines and not priced.unpriced else None
    return replace(shown, lines=lines, list_total=total, total=total)


def _sold(sale: Sale, account: Account | None, shown: View) -> View:
    return replace(
        shown,
        lines=tuple(_line(line) for line in sale.lines),
        list_total=sale.list_total,
        discount=sale.discount,
        total=sale.total,
        subsidy_paid=_subsidy(sale.payments),
        **_person(account),
    )


def _person(account: Account | None) -> dict[str, Any]:
    if account is None:
        return {}
    diner = account.diner
    return {
        "who": Who(mask(diner.name), diner.department),
        "balance": Balance(account.subsidy, account.cash),
        "points": diner.points or None,
        "today": Today(
            sum(account.meals.values()), account.spent, account.month_meals, account.month_spent
        ),
    }


def _line(line: SaleLine) -> Line:
    key = "" if line.grams is not None else f"{line.dish_id}-{line.portion}"
    return Line(
        line.name, line.amount, line.unit_price, line.grams, line.quantity, line.portion.value, key
    )


def _subsidy(payments: tuple[Payment, ...]) -> Fen | None:
    return next((p.amount for p in payments if p.source is Source.SUBSIDY), None)


# --- notices that follow from how things are ----------------------------------------------------


def _scale_notice(state: State) -> Notice | None:
    """What the scale wants; ``None`` while it has not wanted it for long."""
    if not state.catalogue.weighs:
        return None
    if state.barred is not None:
        return _barred_notice(state)
    if not state.scale_counts or state.elapsed - state.pan.heard > SCALE_AFTER_S:
        return Notice(NoticeCode.SCALE_OFF)
    code = _scale_wants(state)
    if code and state.elapsed - state.pan.since >= SCALE_AFTER_S:
        return Notice(code)
    return _small_notice(state, None)


def _barred_notice(state: State) -> Notice | None:
    """That the scale may not bill, and why."""
    return None if state.barred is None else Notice(weighing.WORDS[state.barred])


def _small_notice(state: State, basket: Basket | None) -> Notice | None:
    """That the scale is not made for so little food, and what that means for its price."""
    policy, scale = state.catalogue.policy, state.catalogue.scale
    if policy is None or scale is None or not state.steady or state.pan.grams is None:
        return None
    net = net_grams(state.pan.grams, policy)
    if not state.scale_counts or not weighing.is_small(state.catalogue, net):
        return None
    if state.catalogue.scale_rules.small_free:
        return Notice(NoticeCode.SMALL_FREE, params={"minimum": scale.minimum})
    charged = basket is not None and basket.grams is not None
    return Notice(NoticeCode.BELOW_MINIMUM, params={"minimum": scale.minimum}) if charged else None


def _scale_wants(state: State) -> NoticeCode | None:
    pan, policy = state.pan, state.catalogue.policy
    if pan.fault is not None or not pan.stable:
        return pan.fault or NoticeCode.UNSTABLE
    if state.armed or policy is None or pan.grams is None or is_empty(pan.grams, policy):
        return None
    return NoticeCode.CLEAR_SCALE


def _printer_notice(state: State) -> Notice | None:
    if state.health.printer is Device.OK:
        return None
    if state.health.paper_out:
        return Notice(NoticeCode.NO_PAPER)
    return Notice(NoticeCode.PRINTER_OFF) if state.health.printer is Device.WARN else None
