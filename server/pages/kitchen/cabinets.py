"""留样柜、冷藏柜、冷冻柜: their temperatures by hand and by probe, and what is wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import cabinet, rows, sample_places
from kitchen.cabinet import (
    Cabinet,
    CabinetAlarm,
    CabinetKind,
    CabinetRules,
    CabinetValues,
    Measured,
)
from server import kitchen_day, sites
from server.access import needs
from server.pages import site_view
from server.pages.kitchen import signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.entry import celsius, one_of, read, whole
from server.pages.kitchen.fields import day
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import change, reading, site_id
from server.services import services

DAYS = 2
"""So many days back a cabinet's line is drawn."""
SAME = timedelta(minutes=10)
"""The same temperature of the same cabinet within this time is one reading."""
WIDTH, HEIGHT = 720, 220
_MARGIN = 20
"""Tenths of a degree above and below what is drawn."""
TILES.append(Tile("kitchen.cabinets", _l("冷藏柜和冷冻柜"), _l("记温度，看报警和曲线")))


@dataclass(frozen=True, slots=True)
class Line:
    """A drawn series of temperatures; figures in the units of the drawing."""

    points: str
    band: tuple[float, float]
    """Upper edge and height of what is allowed."""
    marks: Sequence[tuple[float, str]]
    """Heights and their degrees."""
    hours: Sequence[tuple[float, datetime]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A cabinet with its last temperature and its state."""

    row: Cabinet
    rules: CabinetRules
    last: Measured | None
    now: CabinetAlarm | None
    past: Sequence[CabinetAlarm]
    samples: int
    line: Line | None

    @property
    def light(self) -> str:
        """The class of its edge."""
        if self.now is not None:
            return "late"
        return "over" if self.last is not None else "soon"

    @property
    def outside(self) -> bool:
        """Whether the last temperature is not as it should be."""
        if self.last is None:
            return False
        low = self.rules.lowest
        return self.last.tenths > self.rules.highest or (low is not None and self.last.tenths < low)


@kitchen.get("/cabinets")
@needs("see_kitchen")
def cabinets() -> str:
    """Every cabinet in use, the worst first."""
    with reading() as session:
        counted = sample_places.counted(session, site_id())
        found = [_shown(session, row, counted) for row in cabinet.in_use(session, site_id())]
    found.sort(key=lambda one: (one.now is None, one.row.name))
    return render_template("kitchen/cabinets.html", found=found)


@kitchen.get("/cabinets/<uuid:cabinet_id>")
@needs("see_kitchen")
def cabinet_page(cabinet_id: UUID) -> str:
    """One cabinet: its line, its alarms, the pad for a reading."""
    with reading() as session:
        row = rows.get(session, Cabinet, site_id(), cabinet_id, "cabinet")
        shown = _shown(session, row, sample_places.counted(session, site_id()))
        venues = sites.venues(session, site_id())
    size = (WIDTH, HEIGHT)
    return render_template("kitchen/cabinets_one.html", one=shown, venues=venues, size=size)


@kitchen.post("/cabinets/<uuid:cabinet_id>/reading")
@needs("do_kitchen")
def cabinet_read(cabinet_id: UUID) -> AnyResponse:
    """Somebody has read the thermometer."""

    def work(session: Session) -> None:
        tenths = celsius("celsius")
        if tenths is None:
            raise BadInputError(_("请输入温度"))
        person = signing.acting()
        if not _known(session, cabinet_id, tenths, person.at):
            cabinet.take_reading(session, person, cabinet_id, tenths, day=day())
            kitchen_day.readings_done(session, person, day())

    if change(work, _("已记录")):
        return redirect(url_for("kitchen.cabinets"))
    return redirect(url_for("kitchen.cabinet_page", cabinet_id=cabinet_id))


@kitchen.get("/cabinets/new")
@needs("run_kitchen")
def cabinet_form() -> str:
    """Where a cabinet is added."""
    with reading() as session:
        venues = sites.venues(session, site_id())
    return render_template("kitchen/cabinets_new.html", venues=venues)


@kitchen.post("/cabinets/new")
@needs("run_kitchen")
def cabinet_added() -> AnyResponse:
    """A cabinet more."""
    if change(
        lambda session: cabinet.create(session, signing.acting(), _values(session)), _("已登记")
    ):
        return redirect(url_for("kitchen.cabinets"))
    return redirect(url_for("kitchen.cabinet_form"))


@kitchen.post("/cabinets/<uuid:cabinet_id>/edit")
@needs("run_kitchen")
def cabinet_changed(cabinet_id: UUID) -> AnyResponse:
    """Another name, place, probe or number of places; or it goes out of use."""
    values_told: list[CabinetValues] = []

    def work(session: Session) -> None:
        values_told.append(_values(session))
        sample_places.update(session, signing.acting(), cabinet_id, values_told[0])

    done = change(work, _("已保存"))
    if done and not values_told[0].active:
        return redirect(url_for("kitchen.cabinets"))
    return redirect(url_for("kitchen.cabinet_page", cabinet_id=cabinet_id))


def _values(session: Session) -> CabinetValues:
    venue = sites.get_venue(session, site_id(), one_of("venue_id"))
    return read(
        CabinetValues,
        "cabinet",
        venue_id=venue.id,
        name=request.form.get("name", ""),
        kind=request.form.get("kind", CabinetKind.CHILLED.value),
        probe=request.form.get("probe", ""),
        slots=whole("slots"),
        active="active" in request.form,
    )


def _known(session: Session, cabinet_id: UUID, tenths: int, now: datetime) -> bool:
    """Whether this temperature was written just now: a tablet has sent its form again."""
    found = cabinet.series(session, site_id(), cabinet_id, day(), day())
    return bool(found) and found[-1].tenths == tenths and now - found[-1].at < SAME


def _shown(session: Session, row: Cabinet, counted: dict[UUID, int]) -> Shown:
    now = services().clock.now()
    today = site_view.current().today(now)
    series = cabinet.series(session, site_id(), row.id, today - timedelta(days=DAYS - 1), today)
    rules = cabinet.rules_of(session, row)
    alarms = cabinet.judge(series, rules, now)
    return Shown(
        row, rules, series[-1] if series else None,
        next((one for one in alarms if one.until is None), None),
        [one for one in alarms if one.until is not None], counted.get(row.id, 0),
        draw(series, rules),
    )  # fmt: skip


def draw(series: Sequence[Measured], rules: CabinetRules) -> Line | None:
    """The line of a cabinet against what is allowed; ``None`` of fewer than two readings."""
    if len(series) < 2:
        return None
    numbers = [one.tenths for one in series]
    lowest = rules.lowest if rules.lowest is not None else rules.highest - 120
    high = max(*numbers, rules.highest) + _MARGIN
    low = min(*numbers, lowest) - _MARGIN
    begins, lasts = series[0].at, (series[-1].at - series[0].at) or timedelta(seconds=1)

    def height(tenths: int) -> float:
        return round((high - tenths) / (high - low) * HEIGHT, 1)

    points = " ".join(
        f"{(one.at - begins) / lasts * WIDTH:.1f},{height(one.tenths)}" for one in series
    )
    top, bottom = height(rules.highest), height(lowest if rules.lowest is not None else low)
    marks = [(height(edge), f"{edge / 10:.0f} °C") for edge in (rules.highest, lowest)]
    hours = [(share * WIDTH, begins + lasts * share) for share in (0, 0.5, 1)]
    return Line(points, (top, round(bottom - top, 1)), marks, hours)
