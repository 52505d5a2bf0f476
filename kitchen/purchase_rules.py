"""What may follow what in a purchase order: rules that know no database."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from dafan.errors import BadInputError
from dafan.money import MAX_FEN, Fen, divide_half_up
from dafan.quantity import LARGEST, Measure
from kitchen.approvals import Duty
from kitchen.rows import Values

MAX_LINES = 300


class WrongStepError(BadInputError):
    """An order is not where this step begins."""

    code = "wrong_step"


class State(StrEnum):
    """Where an order is."""

    DRAFT = "draft"
    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    SENT = "sent"
    PARTLY = "partly"
    RECEIVED = "received"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Act(StrEnum):
    """What is done to an order."""

    DRAFT = "draft"
    REVISE = "revise"
    """Back to a draft: before approval, or after a refusal."""
    ASK = "ask"
    APPROVE = "approve"
    REFUSE = "refuse"
    SEND = "send"
    RECEIVE_PART = "receive_part"
    RECEIVE_ALL = "receive_all"
    CLOSE = "close"
    """Settled with the supplier; what did not come is not waited for any more."""
    CANCEL = "cancel"


STEPS: Mapping[State, Mapping[Act, State]] = {
    State.DRAFT: {Act.REVISE: State.DRAFT, Act.ASK: State.ASKED, Act.CANCEL: State.CANCELLED},
    State.ASKED: {
        Act.APPROVE: State.APPROVED, Act.REFUSE: State.REFUSED,
        Act.REVISE: State.DRAFT, Act.CANCEL: State.CANCELLED,
    },
    State.REFUSED: {Act.REVISE: State.DRAFT, Act.CANCEL: State.CANCELLED},
    State.APPROVED: {Act.SEND: State.SENT, Act.CANCEL: State.CANCELLED},
    State.SENT: {
        Act.RECEIVE_PART: State.PARTLY, Act.RECEIVE_ALL: State.RECEIVED,
        Act.CANCEL: State.CANCELLED,
    },
    State.PARTLY: {
        Act.RECEIVE_PART: State.PARTLY, Act.RECEIVE_ALL: State.RECEIVED, Act.CLOSE: State.CLOSED,
    },
    State.RECEIVED: {Act.CLOSE: State.CLOSED},
    State.CLOSED: {},
    State.CANCELLED: {},
}  # fmt: skip
COMING = (State.APPROVED, State.SENT, State.PARTLY)
"""What is still to arrive of these is on order."""
DUTIES: Mapping[Act, Duty] = {
    Act.ASK: Duty.ASK, Act.APPROVE: Duty.APPROVE, Act.REFUSE: Duty.APPROVE, Act.SEND: Duty.BUY,
    Act.RECEIVE_PART: Duty.RECEIVE, Act.RECEIVE_ALL: Duty.RECEIVE, Act.CLOSE: Duty.PAY,
}  # fmt: skip


def step(state: State, act: Act) -> State:
    """Where an act leads.

    Raises:
        WrongStepError: it is not possible there; the text names what is.
    """
    after = STEPS[state].get(act)
    if after is None:
        possible = ", ".join(STEPS[state]) or "nothing more"
        raise WrongStepError(
            f"an order that is {state.value} cannot take '{act.value}': possible is {possible}"
        )
    return after


class LineValues(Values):
    """What is ordered of one ingredient."""

    ingredient_id: UUID
    quantity: Annotated[int, Field(gt=0, le=LARGEST)]
    """In its measure."""
    price: Annotated[Fen, Field(ge=0, le=MAX_FEN)]
    """Fen per kilogram, litre or piece."""


class OrderValues(Values):
    """What is ordered of one supplier."""

    supplier_id: UUID
    deliver_on: date
    note: Annotated[str, Field(max_length=200)] = ""
    lines: Annotated[tuple[LineValues, ...], Field(min_length=1, max_length=MAX_LINES)]


def amount_of(quantity: int, price: int, measure: Measure) -> Fen:
    """Fen of a line, half up, rounded once."""
    return Fen(divide_half_up(quantity * price, measure.priced_by))


def fingerprint(told: object) -> str:
    """Of what a sender says, to know it again: 64 characters."""
    text = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
