"""各食堂对比: the sites of one person beside each other; of no other site anything is read.

What somebody sees of a site follows from his roles there: a figure for which he has no right at
that site is left empty, as one of which nothing is known.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kitchen import cameras
from kitchen.incidents import Incident
from kitchen.incidents import State as Found
from kitchen.production import Batch, BatchState
from kitchen.samples import Sample
from kitchen.supervision import SupervisionItem
from kitchen.supervision_score import Facts, score
from kitchen.waste import BENCHMARKS
from server import sites
from server.feedback import Feedback, Kind
from server.reports import clearing, kept
from server.reports.basis import steps_of
from server.reports.filters import Asked
from server.reports.frame import (
    COVERS,
    GRAMS_A_COVER,
    PERCENT,
    TIMES,
    YUAN,
    Cell,
    Column,
    Part,
    Report,
    Table,
    Unit,
    permille,
)
from server.reports.measures import Values, ask
from server.reports.scope import Dimension, Scope

BARS = 14
"""A small chart has at most so many."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """A figure by which sites are compared.

    Attributes:
        right: Who sees it, at each site.
        better: 1: more is better, -1: less is, 0: neither; only those with a side are ranked.
        warn: From here on it is yellow; ``None``: it has no light.
        stop: From here on it is red.
        page: The site's own page of it.
    """

    code: str
    label: LazyString
    unit: Unit
    right: str
    page: str
    better: int = 0
    warn: int | None = None
    stop: int | None = None

    def light(self, value: int | None) -> str:
        """``ok``, ``warn`` or ``stop``; empty where nothing is known, or nothing is judged."""
        if value is None or self.warn is None or self.stop is None:
            return ""
        for bound, name in ((self.stop, "stop"), (self.warn, "warn")):
            if (value - bound) * self.better < 0:
                return name
        return "ok"


_NORM = BENCHMARKS[0].grams * 10
INDICATORS = (
    Indicator("covers", _l("就餐人次"), COVERS, "see_overview", "manage.report_sales"),
    Indicator("net", _l("净销售额"), YUAN, "see_sales", "manage.report_sales"),
    Indicator("actual_per_cover", _l("人均实际成本"), YUAN, "see_sales", "manage.report_cost", -1),
    Indicator(
        "waste_per_cover", _l("人均浪费"), GRAMS_A_COVER, "see_kitchen", "manage.report_waste",
        -1, _NORM, 2 * _NORM,
    ),
    Indicator(
        "complaints", _l("每万人次投诉"), TIMES, "see_overview", "manage.report_satisfaction",
        -1, 10, 30,
    ),
    Indicator(
        "supervision", _l("日管控完成"), PERCENT, "see_kitchen", "manage.overview", 1, 950, 800
    ),
    Indicator("incidents", _l("违规"), TIMES, "see_incidents", "manage.incidents_list", -1, 0, 5),
    Indicator("samples", _l("留样"), PERCENT, "see_kitchen", "manage.overview", 1, 1000, 950),
)  # fmt: skip
"""In the order of the table's columns."""
RANKED = tuple(one.code for one in INDICATORS if one.better)
_BY_CODE = {one.code: one for one in INDICATORS}
_LIGHTS = ("stop", "warn", "ok")
_MEASURED = ("covers", "net", "actual_per_cover", "waste_per_cover")


@dataclass(frozen=True, slots=True)
class Line:
    """A site beside the others.

    Attributes:
        now: Code of an indicator → its value; ``None``: nothing is known, or no right to see it.
        then: The same of the earlier days.
        bars: Label, and waste of each who ate, in tenths of a gram, step by step.
        may: The rights of the person at the site.
    """

    id: UUID
    name: str
    now: Mapping[str, int | None]
    then: Mapping[str, int | None]
    bars: Sequence[tuple[str, int | None]]
    may: Collection[str] = field(default_factory=frozenset)

    @property
    def light(self) -> str:
        """The worst of its lights; empty where it has none."""
        lights = {_BY_CODE[code].light(value) for code, value in self.now.items()}
        return next((one for one in _LIGHTS if one in lights), "")

    @property
    def why(self) -> list[str]:
        """What is not green, in words."""
        return [
            f"{one.label} {one.unit.told(self.now[one.code])}"
            for one in INDICATORS
            if one.light(self.now.get(one.code)) in {"warn", "stop"}
        ]


def lines(
    session: Session, rights: Mapping[UUID, Collection[str]], asked: Asked, now: datetime
) -> list[Line]:
    """The sites of a person, each with what he may see there.

    Args:
        session: Reads.
        rights: Site → rights of the person at it; no other site is read.
        asked: Which days, and the earlier ones.
        now: Aware UTC.
    """
    kept.keep(session)
    found = []
    for site in sites.all_sites(session):
        may = rights.get(site.id)
        if may is None or "see_overview" not in may:
            continue
        values = _figures(session, site.id, may, (asked.since, asked.until), now)
        before = _figures(session, site.id, may, (asked.then_since, asked.then_until), now)
        bars = _bars(session, site.id, asked) if "see_kitchen" in may else []
        found.append(Line(site.id, site.name, values, before, bars, may))
    return found


def ranked(told: Sequence[Line], code: str) -> list[Line]:
    """The best first by one indicator; those of which nothing is known last."""
    better = _BY_CODE[code].better

    def place(line: Line) -> tuple[bool, int, str]:
        value = line.now.get(code)
        return value is None, 0 if value is None else -better * value, line.name

    return sorted(told, key=place)


def _figures(
    session: Session, site_id: UUID, may: Collection[str], days: tuple[date, date], now: datetime
) -> dict[str, int | None]:
    wanted = {one.code for one in INDICATORS if one.right in may}
    measured = [code for code in _MEASURED if code in wanted]
    whole: Values = ask(session, site_id, ["waste_grams", *measured], Scope(*days))[()]
    found: dict[str, int | None] = {code: whole[code] for code in measured}
    if not whole["waste_grams"] and "waste_per_cover" in found:
        found["waste_per_cover"] = None  # nobody weighed: that is no good figure
    if "actual_per_cover" in found and not found["actual_per_cover"]:
        found["actual_per_cover"] = None
    counted: dict[str, Callable[[], int | None]] = {
        "complaints": lambda: _complaints(session, site_id, days, whole["covers"] or 0),
        "supervision": lambda: _supervision(session, site_id, days, now),
        "incidents": lambda: _incidents(session, site_id, days),
        "samples": lambda: _samples(session, site_id, days),
    }
    return found | {code: count() for code, count in counted.items() if code in wanted}


def _moments(session: Session, site_id: UUID, days: tuple[date, date]) -> tuple[datetime, datetime]:
    policy = sites.policy(session, site_id)
    zone, starts = ZoneInfo(policy.time_zone), time(policy.day_starts_hour)
    return (
        datetime.combine(days[0], starts, zone),
        datetime.combine(days[1] + timedelta(days=1), starts, zone),
    )


def _complaints(
    session: Session, site_id: UUID, days: tuple[date, date], covers: int
) -> int | None:
    """For ten thousand who ate."""
    begin, end = _moments(session, site_id, days)
    query = select(func.count()).where(
        Feedback.site_id == site_id, Feedback.kind == Kind.COMPLAINT.value,
        Feedback.said_at >= begin, Feedback.said_at < end,
    )  # fmt: skip
    return permille(10 * (session.scalar(query) or 0), covers)


def _supervision(
    session: Session, site_id: UUID, days: tuple[date, date], now: datetime
) -> int | None:
    """The score of all acts of the days together, in thousandths."""
    one = SupervisionItem
    columns: list[Any] = [
        one.title, one.post, one.weight, one.due_at, one.done_at, one.outside, one.escalated_at,
        one.waived_at, one.withdrawn_at,
    ]  # fmt: skip
    query = select(*columns).where(one.site_id == site_id, one.business_date.between(*days))
    percent = score(cast("Sequence[Facts]", session.execute(query).all()), now).percent
    return None if percent is None else 10 * percent


def _incidents(session: Session, site_id: UUID, days: tuple[date, date]) -> int | None:
    """Breaches that a person confirmed; where no camera looks, nothing is known."""
    if not cameras.of_site(session, site_id):
        return None
    begin, end = _moments(session, site_id, days)
    query = select(func.count()).where(
        Incident.site_id == site_id, Incident.kind.in_(cameras.RULES), Incident.at >= begin,
        Incident.at < end, Incident.state == Found.CONFIRMED.value,
    )  # fmt: skip
    return int(session.scalar(query) or 0)


def _samples(session: Session, site_id: UUID, days: tuple[date, date]) -> int | None:
    """Of how many dishes that were cooked a sample was kept, meal by meal."""
    at = (Batch.business_date, Batch.period, Batch.venue_id, Batch.dish_id)
    cooked = (
        select(*at)
        .where(
            Batch.site_id == site_id, Batch.business_date.between(*days),
            Batch.state.in_([BatchState.SERVED.value, BatchState.CLOSED.value]),
        )
        .distinct()
        .subquery()
    )  # fmt: skip
    kept = (Sample.business_date, Sample.period, Sample.venue_id, Sample.dish_id)
    taken = (
        select(*kept)
        .where(Sample.site_id == site_id, Sample.business_date.between(*days))
        .distinct()
        .subquery()
    )
    both = [cooked.c[one.key] == taken.c[one.key] for one in at]
    query = select(func.count(), func.count(taken.c.dish_id)).select_from(
        cooked.outerjoin(taken, both[0] & both[1] & both[2] & both[3])
    )
    whole, sampled = session.execute(query).one()
    return permille(int(sampled), int(whole))


def _bars(session: Session, site_id: UUID, asked: Asked) -> list[tuple[str, int | None]]:
    """Waste of each who ate: days, weeks or months, whichever are few enough."""
    for dimension in (Dimension.DAY, Dimension.WEEK, Dimension.MONTH):
        steps = steps_of(dimension, asked.since, asked.until)
        if len(steps) <= BARS:
            break
    scope = Scope(asked.since, asked.until)
    found = ask(session, site_id, ["waste_grams", "waste_per_cover"], scope, [dimension])
    told = []
    for step in steps:
        values = found.get((step.key,))
        known = values is not None and values["waste_grams"]
        told.append((step.label, values["waste_per_cover"] if values and known else None))
    return told


# --- settlement ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cleared:
    """What the bodies of a site owe each other for the months asked for, in fen."""

    id: UUID
    name: str
    gross: int
    open: int
    closed: bool


def cleared(session: Session, told: Sequence[Line], asked: Asked) -> list[Cleared]:
    """Of the sites whose settlement the person may see, and that have several bodies."""
    found = []
    for line in told:
        if "see_settlement" not in line.may:
            continue
        statements = clearing.statements(session, line.id, asked.since, asked.until)
        if any(len(one.bodies) > 1 for one in statements):
            found.append(
                Cleared(
                    line.id, line.name, clearing.gross(statements), clearing.still_open(statements),
                    all(one.closed for one in statements),
                )
            )  # fmt: skip
    return found


# --- as a report, for Excel ----------------------------------------------------------------------


def report(told: Sequence[Line], settled: Sequence[Cleared]) -> Report:
    """What the page shows, as a workbook takes it."""
    columns = [Column(_("食堂")), *(Column(str(one.label), one.unit) for one in INDICATORS)]
    rows = [
        [Cell(line.name), *(Cell(line.now.get(one.code)) for one in INDICATORS)] for line in told
    ]
    sums = [Cell(_("合计")), *(Cell(_sum(told, one)) for one in INDICATORS)]
    parts = [Part("sites", _("各食堂"), Table(columns, rows, sums))]
    if settled:
        owed = [Column(_("食堂")), Column(_("跨主体消费"), YUAN), Column(_("未清算净额"), YUAN)]
        parts.append(
            Part("settlement", _("清算"), Table(owed, [
                [Cell(one.name), Cell(one.gross), Cell(one.open)] for one in settled
            ]))
        )  # fmt: skip
    return Report(str(_("各食堂比得怎么样？")), answer(told), (), parts, notes())


def _sum(told: Sequence[Line], one: Indicator) -> int | None:
    """Only what can be added up."""
    if one.code not in {"covers", "net", "incidents"}:
        return None
    known = [value for line in told if (value := line.now.get(one.code)) is not None]
    return sum(known) if known else None


def totals(told: Sequence[Line]) -> dict[str, int | None]:
    """Of all sites together, what can be added up."""
    return {one.code: _sum(told, one) for one in INDICATORS}


def answer(told: Sequence[Line]) -> str:
    """One sentence."""
    whole = totals(told)
    said = [_("%(n)s 个食堂，%(covers)s 人次", n=len(told), covers=COVERS.text(whole["covers"]))]
    wasted = [line for line in ranked(told, "waste_per_cover") if line.now.get("waste_per_cover")]
    if len(wasted) > 1:
        best, worst = wasted[0], wasted[-1]
        said.append(
            _("浪费最少的是%(best)s（%(little)s），最多的是%(worst)s（%(much)s）",
              best=best.name, little=GRAMS_A_COVER.told(best.now["waste_per_cover"]),
              worst=worst.name, much=GRAMS_A_COVER.told(worst.now["waste_per_cover"]))
        )  # fmt: skip
    bad = [line.name for line in told if line.light == "stop"]
    if bad:
        said.append(_("要先看：%(names)s", names=_("、").join(bad)))
    return str(_("；").join(said) + _("。"))


def notes() -> list[str]:
    """What the figures mean."""
    return [
        str(_("只列出您有角色的食堂；在那里没有权限看的数字是空的。")),
        str(_("留样：做过的菜里，留了样的占比。日管控：到期的事项按权重计分。违规：人确认过的。")),
        str(_("灯：人均浪费以城市餐饮业平均 %(n)s 克为界。", n=BENCHMARKS[0].grams)),
    ]
