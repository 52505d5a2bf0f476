"""The rules of retained samples (食品留样): what is due, what may go, what is alarming; no tables.

Sources: 学校食品安全与营养健康管理规定 art 40 and 餐饮服务食品安全操作规范 (2018): every finished
food of every meal, at least 125 g, refrigerated for at least 48 hours, recorded with name, weight,
time and person. Some sites ask for more, so every figure can be set.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from dafan.errors import BadInputError
from kitchen.cabinet import CabinetAlarm, Trouble
from kitchen.labels import Label

QR_PREFIX = "DAFAN:SAMPLE:"
LEAST_HOURS = 48
"""The law's: a site may keep samples longer, never shorter."""


class SampleTooSmallError(BadInputError):
    """The scale shows less than the site's minimum."""

    code = "sample_too_small"


class SampleTooEarlyError(BadInputError):
    """The sample must be kept longer."""

    code = "sample_too_early"


class SampleHeldError(BadInputError):
    """The samples of the meal are frozen on suspicion."""

    code = "sample_held"


@dataclass(frozen=True, slots=True)
class SampleRules:
    """What a site asks for; grams, hours, minutes.

    Raises:
        BadInputError: it would keep samples for less than 48 hours.
    """

    grams: int = 125
    most_grams: int = 5000
    """More is no sample: a slip of the finger, or the wrong thing on the scale."""
    hours: int = LEAST_HOURS
    red_minutes: int = 30
    """A sample that is missing so long before the meal ends is a red light."""
    overdue_hours: int = 24
    """A sample that should be gone for so long is an amber one."""
    cooked_hours: int = 12
    """A sample is of food that was cooked so long ago at most."""

    def __post_init__(self) -> None:
        if self.hours < LEAST_HOURS:
            raise BadInputError(f"samples are kept for at least {LEAST_HOURS} hours")


class DueState(StrEnum):
    """Where the sample of a dish stands."""

    TAKEN = "taken"
    WAITING = "waiting"
    MISSING = "missing"
    """Red: the meal ends soon, or has ended."""


@dataclass(frozen=True, slots=True)
class Due:
    """A dish of the meal, and its sample."""

    dish_id: UUID
    state: DueState


def due(
    dishes: Sequence[UUID],
    taken: Collection[UUID],
    now: datetime,
    ends: datetime,
    rules: SampleRules,
) -> tuple[Due, ...]:
    """Which samples a meal needs, in the order of its menu.

    Args:
        dishes: The menu of the meal; a dish that stands there twice is due once.
        taken: Dishes of which there is a sample.
        now: The moment of asking.
        ends: When the meal ends.
        rules: Of the site.
    """
    missing = now >= red_from(ends, rules)
    open_state = DueState.MISSING if missing else DueState.WAITING
    return tuple(
        Due(dish, DueState.TAKEN if dish in taken else open_state) for dish in dict.fromkeys(dishes)
    )


def red_from(ends: datetime, rules: SampleRules) -> datetime:
    """From when on a missing sample is a red light."""
    return ends - timedelta(minutes=rules.red_minutes)


class KeptState(StrEnum):
    """Where a sample that was taken stands."""

    KEPT = "kept"
    READY = "ready"
    """It may be thrown away."""
    OVERDUE = "overdue"
    """Amber: it should have been."""
    HELD = "held"
    GONE = "gone"


def kept_state(
    due_at: datetime, disposed_at: datetime | None, held: bool, now: datetime, rules: SampleRules
) -> KeptState:
    """Where a sample stands now."""
    if disposed_at is not None:
        return KeptState.GONE
    if held:
        return KeptState.HELD
    if now < due_at:
        return KeptState.KEPT
    late = now >= due_at + timedelta(hours=rules.overdue_hours)
    return KeptState.OVERDUE if late else KeptState.READY


def check_disposal(
    sampled_at: datetime, due_at: datetime, disposed_at: datetime | None, held: bool, now: datetime
) -> None:
    """Refuse that a sample goes before its time. The law's 48 hours hold whatever the row says.

    Raises:
        SampleTooEarlyError: naming the moment from which on it may go.
        SampleHeldError: the meal's samples are frozen.
        BadInputError: it is gone already.
    """
    if disposed_at is not None:
        raise BadInputError("this sample is gone already: look at the record")
    if held:
        raise SampleHeldError("the samples of this meal are frozen: another person lifts the hold")
    free = max(due_at, sampled_at + timedelta(hours=LEAST_HOURS))
    if now < free:
        raise SampleTooEarlyError(f"this sample must be kept until {free:%Y-%m-%d %H:%M} UTC")


def check_grams(grams: int, rules: SampleRules) -> None:
    """Refuse what is too little for a laboratory, or no sample at all.

    Raises:
        SampleTooSmallError: put more into the container.
        BadInputError: far too much.
    """
    if grams < rules.grams:
        raise SampleTooSmallError(f"{grams} g are too little: a sample has {rules.grams} g or more")
    if grams > rules.most_grams:
        raise BadInputError(f"{grams} g are no sample: weigh the container again")


def touching(
    alarms: Sequence[CabinetAlarm], placed_at: datetime, disposed_at: datetime | None
) -> list[CabinetAlarm]:
    """The times of a wrong temperature through which a sample lay in the cabinet."""
    return [
        alarm
        for alarm in alarms
        if alarm.trouble is not Trouble.SILENT
        and (alarm.until is None or alarm.until > placed_at)
        and (disposed_at is None or alarm.since < disposed_at)
    ]


def label(
    sample_id: UUID,
    dish: str,
    meal: str,
    grams: int,
    sampler: str,
    place: str,
    times: tuple[datetime, datetime],
    zone: ZoneInfo,
) -> Label:
    """The label of a sample: name, weight, time (月日时) and person, as the rules ask.

    Args:
        sample_id: For the QR code.
        dish: Its name.
        meal: Name of the meal period.
        grams: What was weighed.
        sampler: Who took it.
        place: Cabinet and slot.
        times: Sampled at, and free from.
        zone: Of the site.
    """
    sampled, free = (moment.astimezone(zone).strftime("%m月%d日 %H:%M") for moment in times)
    return Label(
        title=dish,
        lines=(
            ("餐次", meal),
            ("留样量", f"{grams} g"),
            ("留样时间", sampled),
            ("留样人", sampler),
            ("位置", place),
            ("保存至", free),
        ),
        qr=f"{QR_PREFIX}{sample_id}",
    )


def read_label(text: str) -> UUID:
    """The sample of a scanned QR code.

    Raises:
        BadInputError: it is the code of something else.
    """
    if text.startswith(QR_PREFIX):
        try:
            return UUID(text.removeprefix(QR_PREFIX).strip())
        except ValueError:
            pass
    raise BadInputError("this is no label of a sample: scan the code on the container")
