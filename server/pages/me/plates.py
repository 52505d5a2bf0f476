"""光盘: a diner's points, how he came to them, what they buy, and the month's ranking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask import redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from dafan.ids import new_id
from kitchen import limits
from kitchen.clean_plate import PlateRules, PointRules, Verdict
from server import plate_book, plate_points, plates
from server.access import diner
from server.pages import formats, site_view
from server.pages.me.blueprint import actor, me, who
from server.pages.shared import change, reading
from server.plate_book import PlatePoint, PlateReturnRow, PointKind
from server.plate_points import Rank
from server.services import services

RANKED = 10
HISTORY = 30
MOST_LOTS = 20
"""So many can be chosen at once; more than anybody has eaten for."""

VERDICTS: Mapping[str, LazyString] = {
    Verdict.CLEAN.value: _l("光盘"),
    Verdict.LEFT_OVER.value: _l("有剩余"),
    Verdict.TOO_LIGHT.value: _l("餐盘不全"),
    Verdict.NO_MEAL.value: _l("没有查到这一餐"),
    Verdict.TOO_SOON.value: _l("还没到时间"),
    Verdict.TOO_LATE.value: _l("超过时间"),
    Verdict.AGAIN.value: _l("这一餐已记过"),
    Verdict.NO_TRAY.value: _l("没有设空盘重量"),
}
_KINDS: Mapping[str, LazyString] = {
    PointKind.EARNED.value: _l("光盘"),
    PointKind.SPENT.value: _l("换成补贴"),
    PointKind.EXPIRED.value: _l("过期"),
    PointKind.CORRECTED.value: _l("人工更正"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the ranking as everybody may read it."""

    place: int
    name: str
    plates: int
    mine: bool


@me.get("/plates")
@diner
def plates_page() -> str:
    """Points, history, ranking, and how it is done."""
    own, now = who(), services().clock.now()
    today = site_view.current().today(now)
    with reading() as session:
        rules = limits.of(session, own.site_id, PlateRules)
        worth = limits.of(session, own.site_id, PointRules)
        points = plate_book.balance(session, own.diner_id)
        ranks = plate_points.ranking(session, own.site_id, today.replace(day=1), today)
        return render_template(
            "me/plates.html",
            tab="mine",
            points=points,
            rules=rules,
            worth=worth,
            lots=min(points // worth.lot_points, MOST_LOTS) if worth.lot_fen else 0,
            had=plate_points.spent_this_week(session, own.site_id, own.diner_id, now),
            key=new_id(),
            rows=_history(session),
            ranking=_shown(ranks),
            mine_rank=next((one for one in ranks if one.diner_id == own.diner_id), None),
            shown=plate_points.is_shown(session, own.diner_id),
        )


@me.post("/plates/spend")
@diner
def plates_spend() -> Response:
    """Turn points into subsidy."""
    text, key = request.form.get("lots", ""), request.form.get("key", "")[:80]
    lots = int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else 0
    change(
        lambda s: plate_points.spend(s, actor(), who().diner_id, lots, key=key),
        _("已换成补贴，各结算台都可以用"),
    )
    return redirect(url_for("me.plates_page"))


@me.post("/plates/shown")
@diner
def plates_shown() -> Response:
    """Be named in the ranking, or not."""
    shown = "shown" in request.form
    change(lambda s: plate_points.show(s, actor(), who().diner_id, shown=shown), _("已保存"))
    return redirect(url_for("me.plates_page"))


def _shown(ranks: Sequence[Rank]) -> list[Place]:
    own = who().diner_id
    return [
        Place(one.place, formats.masked(one.name) if one.name else "", one.plates,
              one.diner_id == own)
        for one in ranks[:RANKED]
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A tray that came back, or points that came or went otherwise."""

    day: date
    what: LazyString
    note: str
    points: int


def _history(session: Session) -> list[Line]:
    """The latest of both, in one list."""
    own, view = who(), site_view.current()
    trays = plates.of_diner(session, own.diner_id, HISTORY)
    entries = plate_points.entries_of(session, own.diner_id, HISTORY)
    others = [row for row in entries if row.kind != PointKind.EARNED.value]
    timed = [(row.at, _tray(row)) for row in trays]
    timed += [(row.at, _entry(row, view.today(row.at))) for row in others]
    timed.sort(key=lambda one: one[0], reverse=True)
    return [line for _at, line in timed[:HISTORY]]


def _tray(row: PlateReturnRow) -> Line:
    meal = site_view.current().period_name(row.period) if row.period else ""
    left = _("剩 %(n)s 克", n=row.left_grams) if row.left_grams else ""
    note = " · ".join(part for part in (meal, left) if part)
    return Line(row.business_date, VERDICTS[row.verdict], note, row.points)


def _entry(row: PlatePoint, day: date) -> Line:
    note = row.reason if row.kind == PointKind.CORRECTED.value else ""
    return Line(day, _KINDS[row.kind], note, row.points)
