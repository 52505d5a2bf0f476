"""What a canteen's moment is, and which light each figure of it gets (亮灯). Pure.

A light says why it is not green by a :class:`Why` with a number; pages put it into words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum


class Light(StrEnum):
    """How a figure stands; the values name shapes and colours of the pages."""

    OK = "ok"
    WARN = "warn"
    STOP = "stop"
    NONE = ""
    """Nothing is there to judge."""


class Gauge(StrEnum):
    """What is looked at, in the order in which it is shown."""

    COVERS = "covers"
    TAKINGS = "takings"
    PAYING = "paying"
    QUEUE = "queue"
    TILLS = "tills"
    WASTE = "waste"
    SAMPLES = "samples"
    SUPERVISION = "supervision"
    INCIDENTS = "incidents"
    STOCK = "stock"
    COMPLAINTS = "complaints"
    EXCEPTIONS = "exceptions"


class Why(StrEnum):
    """Why a light is not green."""

    MORE_CAME = "more_came"
    FEWER_CAME = "fewer_came"
    SLOW = "slow"
    QUEUED = "queued"
    OFFLINE = "offline"
    BEHIND = "behind"
    FORKED = "forked"
    SCALE_BARRED = "scale_barred"
    SCALE_SOON = "scale_soon"
    SCALE_LOOSE = "scale_loose"
    WASTED = "wasted"
    MISSING = "missing"
    UNCOLLECTED = "uncollected"
    LATE = "late"
    DONE_LATE = "done_late"
    TO_JUDGE = "to_judge"
    NOT_PUT_RIGHT = "not_put_right"
    EXPIRED = "expired"
    HELD = "held"
    ENDING = "ending"
    BELOW = "below"
    UNANSWERED = "unanswered"
    DUE_SOON = "due_soon"
    TO_SETTLE = "to_settle"


@dataclass(frozen=True, slots=True)
class GlanceRules:
    """From where on a light is amber or red; what the records themselves know is not here."""

    covers_permille: int = 200
    """So far off its forecast a meal is amber; twice as far, red."""
    slow_seconds: int = 20
    """Amber where one of twenty diners paid slower; twice as slow, red."""
    queue_permille: int = 700
    """Amber where so many followed right behind another."""
    behind: int = 200
    """Amber where a till that is online has so many changes to fetch."""
    waste_grams: int = 60
    """Amber from so much of a cover on; red from half as much again."""
    judge_minutes: int = 30
    """Amber where an incident waits so long for somebody to look."""
    complaint_hours: int = 24
    """Amber so long before an answer is due."""


@dataclass(frozen=True, slots=True)
class MealNow:
    """The meal that is served, else the last one of the day, else the first.

    Attributes:
        period: Its code.
        starts: Aware UTC.
        ends: Aware UTC.
        covers: Who ate at it so far.
        expected: By the forecast, or as a person told; ``None``: nothing is known.
    """

    period: str
    starts: datetime
    ends: datetime
    covers: int
    expected: int | None


@dataclass(frozen=True, slots=True)
class Paying:
    """Seconds from the first dish to paid; ``None`` where nobody paid."""

    sales: int = 0
    median: float | None = None
    p95: float | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """The last minutes at the tills.

    Attributes:
        sales: Baskets paid.
        tills: Tills that sold.
        close: Of them began right after the one before at the same till was paid.
        pairs: Of them had one before.
    """

    sales: int = 0
    tills: int = 0
    close: int = 0
    pairs: int = 0

    @property
    def permille(self) -> int | None:
        """Share that followed right behind another."""
        return None if not self.pairs else (2000 * self.close + self.pairs) // (2 * self.pairs)


@dataclass(frozen=True, slots=True)
class Tills:
    """Tills now; ``behind``: changes that the last of those online has to fetch."""

    online: int = 0
    all: int = 0
    behind: int = 0
    forked: int = 0
    scales_barred: int = 0
    """They may not bill."""
    scales_soon: int = 0
    """Their certificate ends soon."""
    scales_loose: int = 0
    """They bill without ever having been verified."""


@dataclass(frozen=True, slots=True)
class Money:
    """Of a day, in fen."""

    net: int = 0
    income: int = 0
    subsidy: int = 0


@dataclass(frozen=True, slots=True)
class Waste:
    """Weighed on a day; tenths of a gram for each cover, and a week before."""

    grams: int = 0
    tenths: int | None = None
    tenths_then: int | None = None


@dataclass(frozen=True, slots=True)
class Samples:
    """Retained samples: of the meal now; missing of the whole day; too long in the cabinet."""

    taken: int = 0
    of: int = 0
    missing: int = 0
    uncollected: int = 0


@dataclass(frozen=True, slots=True)
class Acts:
    """The supervision list of a day."""

    done: int = 0
    of: int = 0
    late: int = 0
    done_late: int = 0
    next_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Incidents:
    """Open incidents of the cameras, and findings of whatever source past their day."""

    open: int = 0
    to_judge: int = 0
    oldest: datetime | None = None
    """Of those that nobody has looked at."""
    overdue: int = 0
    """Findings not put right by their day."""


@dataclass(frozen=True, slots=True)
class Stock:
    """Lots and ingredients that somebody should see to."""

    expired: int = 0
    held: int = 0
    ending: int = 0
    below: int = 0

    @property
    def all(self) -> int:
        """Of them together."""
        return self.expired + self.held + self.ending + self.below


@dataclass(frozen=True, slots=True)
class Complaints:
    """What diners said and nobody answered yet; ``first_due``: when the next answer is due."""

    open: int = 0
    late: int = 0
    first_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Glance:
    """A canteen at a moment: everything that the one screen shows."""

    at: datetime
    day: date
    covers: int = 0
    meal: MealNow | None = None
    paying: Paying = Paying()
    queue: Queue = Queue()
    tills: Tills = Tills()
    money: Money = Money()
    waste: Waste = Waste()
    samples: Samples = Samples()
    acts: Acts = Acts()
    incidents: Incidents = Incidents()
    stock: Stock = Stock()
    complaints: Complaints = Complaints()
    exceptions: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """A light, and why it is not green; ``number`` belongs to the reason."""

    light: Light
    why: Why | None = None
    number: int = 0


_OK, _NONE = Verdict(Light.OK), Verdict(Light.NONE)


def judge(now: Glance, rules: GlanceRules) -> Mapping[Gauge, Verdict]:
    """The light of every gauge."""
    return {
        Gauge.COVERS: _covers(now.meal, now.at, rules),
        Gauge.TAKINGS: _NONE,
        Gauge.PAYING: _paying(now.paying, rules),
        Gauge.QUEUE: _queue(now.queue, rules),
        Gauge.TILLS: _tills(now.tills, rules),
        Gauge.WASTE: _waste(now.waste, rules),
        Gauge.SAMPLES: _samples(now.samples),
        Gauge.SUPERVISION: _acts(now.acts),
        Gauge.INCIDENTS: _incidents(now.incidents, now.at, rules),
        Gauge.STOCK: _stock(now.stock),
        Gauge.COMPLAINTS: _complaints(now.complaints, now.at, rules),
        Gauge.EXCEPTIONS: Verdict(Light.WARN, Why.TO_SETTLE, now.exceptions)
        if now.exceptions
        else _OK,
    }


def _covers(meal: MealNow | None, at: datetime, rules: GlanceRules) -> Verdict:
    """More may come at any time; fewer is known only once the meal is over."""
    if meal is None or not meal.expected or at < meal.starts:
        return _NONE
    off = 1000 * (meal.covers - meal.expected) // meal.expected
    if abs(off) < rules.covers_permille or (off < 0 and at < meal.ends):
        return _OK
    light = Light.STOP if abs(off) >= 2 * rules.covers_permille else Light.WARN
    why = Why.MORE_CAME if off > 0 else Why.FEWER_CAME
    return Verdict(light, why, abs(meal.covers - meal.expected))


def _paying(paying: Paying, rules: GlanceRules) -> Verdict:
    if paying.p95 is None:
        return _NONE
    if paying.p95 < rules.slow_seconds:
        return _OK
    light = Light.STOP if paying.p95 >= 2 * rules.slow_seconds else Light.WARN
    return Verdict(light, Why.SLOW, rules.slow_seconds)


def _queue(queue: Queue, rules: GlanceRules) -> Verdict:
    share = queue.permille
    if share is None:
        return _NONE
    if share < rules.queue_permille:
        return _OK
    return Verdict(Light.WARN, Why.QUEUED, queue.tills)


def _tills(tills: Tills, rules: GlanceRules) -> Verdict:
    if not tills.all:
        return _NONE
    behind = tills.behind if tills.behind >= rules.behind else 0
    return _worst(
        (Light.STOP, Why.FORKED, tills.forked),
        (Light.STOP, Why.SCALE_BARRED, tills.scales_barred),
        (Light.WARN, Why.OFFLINE, tills.all - tills.online),
        (Light.WARN, Why.BEHIND, behind),
        (Light.WARN, Why.SCALE_SOON, tills.scales_soon),
        (Light.WARN, Why.SCALE_LOOSE, tills.scales_loose),
    )


def _worst(*found: tuple[Light, Why, int]) -> Verdict:
    """The first of them that counts anything."""
    return next((Verdict(*one) for one in found if one[2]), _OK)


def _waste(waste: Waste, rules: GlanceRules) -> Verdict:
    if waste.tenths is None or not waste.grams:
        return _NONE
    limit = 10 * rules.waste_grams
    if waste.tenths < limit:
        return _OK
    light = Light.STOP if 2 * waste.tenths >= 3 * limit else Light.WARN
    return Verdict(light, Why.WASTED, rules.waste_grams)


def _samples(samples: Samples) -> Verdict:
    if samples.missing:
        return Verdict(Light.STOP, Why.MISSING, samples.missing)
    if samples.uncollected:
        return Verdict(Light.WARN, Why.UNCOLLECTED, samples.uncollected)
    return _OK if samples.of else _NONE


def _acts(acts: Acts) -> Verdict:
    if acts.late:
        return Verdict(Light.STOP, Why.LATE, acts.late)
    if acts.done_late:
        return Verdict(Light.WARN, Why.DONE_LATE, acts.done_late)
    return _OK if acts.of else _NONE


def _incidents(found: Incidents, at: datetime, rules: GlanceRules) -> Verdict:
    if found.overdue:
        return Verdict(Light.STOP, Why.NOT_PUT_RIGHT, found.overdue)
    patience = timedelta(minutes=rules.judge_minutes)
    if found.oldest is not None and at - found.oldest >= patience:
        return Verdict(Light.WARN, Why.TO_JUDGE, found.to_judge)
    return _OK


def _stock(stock: Stock) -> Verdict:
    return _worst(
        (Light.STOP, Why.EXPIRED, stock.expired),
        (Light.WARN, Why.HELD, stock.held),
        (Light.WARN, Why.ENDING, stock.ending),
        (Light.WARN, Why.BELOW, stock.below),
    )


def _complaints(said: Complaints, at: datetime, rules: GlanceRules) -> Verdict:
    if said.late:
        return Verdict(Light.STOP, Why.UNANSWERED, said.late)
    if said.first_due is not None and said.first_due - at <= timedelta(hours=rules.complaint_hours):
        hours = int((said.first_due - at).total_seconds() // 3600)
        return Verdict(Light.WARN, Why.DUE_SOON, hours)
    return _OK
