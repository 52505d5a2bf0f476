"""What the staff sees at the till's desk. Pure."""

import math
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from dafan.desk import Shift
from dafan.money import Fen
from dafan.records import Policy, Sale, Source
from pos.receipt import short_id
from pos.shifts import Figures, paid_from
from pos.snapshot import Sold, mask
from pos.staffdesk import PIN_LENGTH, REASONS
from pos.state import Aiming, Closing, Desk, DeskPhase, Done, SignIn, State, Voiding
from pos.view import Ask, AskWhat, DeskView, Screen, ShiftRow, SoldRow, View


def desk(state: State, phase: DeskPhase, shown: View) -> View:
    """The screen of the desk; nothing of it says what a diner has left.

    Args:
        state: The till.
        phase: Its phase.
        shown: What every screen shows.
    """
    policy = state.catalogue.policy
    if isinstance(phase, SignIn):
        ask = Ask(AskWhat.DESK_PIN, PIN_LENGTH, phase.number) if phase.number else None
        return replace(shown, screen=Screen.ASK, ask=ask or Ask(AskWhat.DESK_NO))
    if policy is None:
        return shown
    if isinstance(phase, Closing) and state.cash_allowed and phase.counted is None:
        return replace(shown, screen=Screen.ASK, ask=Ask(AskWhat.COUNTED))
    return replace(shown, screen=Screen.DESK, desk=_desk(state, phase, policy))


def _desk(
    state: State, phase: Desk | Voiding | Closing | Done | Aiming, policy: Policy
) -> DeskView:
    view = DeskView(phase.clerk.name)
    match phase:
        case Desk():
            rows = tuple(_row(sold, policy) for sold in phase.sold)
            return replace(view, rows=rows, camera=state.health.has_camera)
        case Aiming():
            left = phase.touched + state.timing.aim - state.elapsed
            return replace(view, aim_s=max(0, math.ceil(left)))
        case Voiding():
            row, reasons = _row(phase.sold, policy), tuple(REASONS)
            return replace(view, row=row, reasons=reasons, reason=phase.reason)
        case Closing():
            return replace(view, shift=_figures(phase, policy))
        case Done():
            shift = _shift(phase.entry, policy) if isinstance(phase.entry, Shift) else None
            taken = _row(phase.sold, policy) if phase.sold else None
            return replace(view, done=True, row=taken, shift=shift)


def _row(sold: Sold, policy: Policy) -> SoldRow:
    sale = sold.sale
    return SoldRow(
        str(sale.id),
        _clock(sale.paid_at, policy),
        mask(sold.name) if sold.name else "",
        sale.tender.value,
        sale.total,
        _subsidy(sale),
        short_id(sale),
        sold.voided,
    )


def _figures(phase: Closing, policy: Policy) -> ShiftRow:
    figures: Figures = phase.figures
    since = _clock(figures.opened_at, policy) if figures.opened_at else ""
    return ShiftRow(
        since, figures.sales, figures.voids, figures.subsidy, figures.cash, figures.drawer,
        phase.counted,
    )  # fmt: skip


def _shift(shift: Shift, policy: Policy) -> ShiftRow:
    return ShiftRow(
        _clock(shift.opened_at, policy), shift.sales, shift.voids, shift.subsidy, shift.cash,
        shift.drawer, shift.counted,
    )  # fmt: skip


def _subsidy(sale: Sale) -> Fen:
    return Fen(paid_from([sale], Source.SUBSIDY))


def _clock(moment: datetime, policy: Policy) -> str:
    return moment.astimezone(ZoneInfo(policy.time_zone)).strftime("%H:%M")
