"""Rules of the supervision list: in which state an act is, and what the day scores."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class State(StrEnum):
    """How an act of the day stands."""

    OPEN = "open"
    DONE = "done"
    LATE = "late"
    DONE_LATE = "done_late"
    ESCALATED = "escalated"
    """Late, and somebody else was told."""
    WAIVED = "waived"
    """Another person agreed that it is not needed today."""
    WITHDRAWN = "withdrawn"
    """The template changed while it was open; it counts no more."""


class Facts(Protocol):
    """What is known of an act of the day."""

    title: str
    post: str
    weight: int
    due_at: datetime
    done_at: datetime | None
    outside: bool
    """Its number was outside of the limits."""
    escalated_at: datetime | None
    waived_at: datetime | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Lost:
    """An act that cost the day a part of its score."""

    title: str
    post: str
    state: State
    outside: bool
    halves: int
    """Half points lost."""


@dataclass(frozen=True, slots=True)
class DayScore:
    """The score of a day and what is behind it."""

    percent: int | None
    """0 to 100, rounded down; none while nothing counts yet."""
    counted: int
    """Half points that could be had so far."""
    states: Mapping[State, int]
    lost: tuple[Lost, ...]
    """The dearest first."""


def state_of(facts: Facts, now: datetime) -> State:
    """The one state of an act at a moment."""
    if facts.done_at is not None:
        return State.DONE if facts.done_at <= facts.due_at else State.DONE_LATE
    if facts.waived_at is not None:
        return State.WAIVED
    if facts.withdrawn_at is not None:
        return State.WITHDRAWN
    if facts.escalated_at is not None:
        return State.ESCALATED
    return State.OPEN if now <= facts.due_at else State.LATE


def score(items: Sequence[Facts], now: datetime) -> DayScore:
    """The score of a day.

    An act in time counts whole; late, or with a number outside of its limits, half; late and not
    done, nothing. What is open, waived or withdrawn does not count.
    """
    counted = lost_halves = 0
    lost: list[Lost] = []
    states = Counter(dict.fromkeys(State, 0))
    for item in items:
        state = state_of(item, now)
        states[state] += 1
        if state in _UNCOUNTED:
            continue
        counted += 2 * item.weight
        halves = _LOST[state] or int(item.outside)
        if halves:
            lost_halves += halves * item.weight
            lost.append(Lost(item.title, item.post, state, item.outside, halves * item.weight))
    percent = 100 * (counted - lost_halves) // counted if counted else None
    lost.sort(key=lambda one: (-one.halves, one.title))
    return DayScore(percent, counted, dict(states), tuple(lost))


_UNCOUNTED = {State.OPEN, State.WAIVED, State.WITHDRAWN}
_LOST = {State.DONE: 0, State.DONE_LATE: 1, State.LATE: 2, State.ESCALATED: 2}
"""Half points that a state costs, of two."""
