"""外包考核: a contractor's month by indicators of the books, with the rows behind each."""

from dataclasses import asdict, dataclass, replace
from datetime import date

from flask import Response, abort, redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from server import scorecard_rows, scorecards, sites
from server.access import may, needs
from server.pages import site_view
from server.pages.kitchen.incidents import KINDS
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, reading, site_id
from server.reports import export, sheets
from server.reports.frame import PERCENT, Cell, Column, Part, Report, Table, Unit, per
from server.scorecards import SITE_WIDE, Card, Indicator, Line, Row, Scorecard, ScoreRules
from server.services import services
from server.sites import Body

SHOWN = 200
"""Rows behind one indicator that the page shows; the workbook has all."""
POINTS = Unit(_l("分"), 10, 1)
"""Of thousandths."""

NAMES: dict[Indicator, LazyString] = {
    Indicator.SUPERVISION: _l("监管清单按时完成"),
    Indicator.FINDINGS: _l("整改按期完成"),
    Indicator.INCIDENTS: _l("违规"),
    Indicator.SATISFACTION: _l("菜品评价"),
    Indicator.COMPLAINTS: _l("投诉按期答复"),
    Indicator.WASTE: _l("盘中剩余"),
    Indicator.INSPECTION: _l("巡查得分"),
}
_PLACES: dict[Indicator, tuple[str, str, str]] = {
    Indicator.SUPERVISION: ("kitchen.act", "item_id", "see_kitchen"),
    Indicator.FINDINGS: ("kitchen.finding", "finding_id", "see_kitchen"),
    Indicator.INCIDENTS: ("kitchen.incident", "incident_id", "see_kitchen"),
    Indicator.INSPECTION: ("manage.inspection", "inspection_id", "see_incidents"),
}
"""Where a row leads: endpoint, the name of its id, and the right that it needs."""


@dataclass(frozen=True, slots=True)
class Month:
    """What a page is about."""

    body: Body
    first: date
    last: date
    card: Card
    kept: Scorecard | None
    behind: scorecard_rows.Rows


@manage.get("/scorecards", endpoint="scorecards")
@needs("see_incidents")
def scorecards_page() -> str:
    """A contractor's month; without one, last month of the first contractor."""
    with reading() as session:
        month = _month(session)
        bodies = sites.bodies(session, site_id())
        venues = scorecards.venues_of(bodies, sites.venues(session, site_id()), month.body.id)
        rules = scorecards.rules_of(session, site_id())
    today = _today()
    return render_template(
        "manage/scorecards.html",
        active="manage.inspections_list",
        month=month,
        bodies=bodies,
        venues=venues,
        lines=[_shown(line) for line in month.card.lines],
        behind={one: _told(one, rows) for one, rows in month.behind.items()},
        names=NAMES,
        rules=rules,
        over=today > month.last,
        POINTS=POINTS,
        indicators=list(Indicator),
        site_wide=SITE_WIDE,
        most=SHOWN,
        tab="manage.scorecards",
    )


@manage.get("/scorecards.xlsx")
@needs("see_incidents")
def scorecards_sheet() -> Response:
    """The same as an Excel file, with every row."""
    with reading() as session:
        month = _month(session)
    heading = f"{site_view.current().name} · {month.body.name} · {month.first:%Y-%m}"
    body = sheets.write(export.sheets(_report(month), heading))
    answer = Response(body, mimetype=sheets.MIME)
    name = f"scorecard-{month.first:%Y-%m}.xlsx"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@manage.post("/scorecards/sign")
@needs("see_settings")
def scorecard_sign() -> AnyResponse:
    """Sign a month: it stands as it is now."""
    note = request.form.get("note", "")

    def work(session: Session) -> None:
        month = _month(session)
        scorecards.sign(
            session, actor(), month.body.id, month.first, month.card, _today(), note
        )  # fmt: skip

    change(work, _("已签署，这个月的考核不再变"))
    return _back()


@manage.post("/scorecards/rules")
@needs("see_settings")
def scorecard_rules() -> AnyResponse:
    """Weigh otherwise."""

    def work(session: Session) -> None:
        told = {}
        for name in asdict(ScoreRules()):
            text = request.form.get(name, "").strip()
            if not (text.isascii() and text.isdecimal() and len(text) < 5):
                raise BadInputError(_("权重要填整数"))
            told[name] = int(text)
        scorecards.decide(session, actor(), replace(ScoreRules(), **told))

    change(work, _("已保存；签过的月份不变"))
    return _back()


def _back() -> AnyResponse:
    told = {name: request.args.get(name, "") for name in ("body", "month")}
    return redirect(url_for("manage.scorecards", **told))  # type: ignore[arg-type]


def _today() -> date:
    return site_view.current().today(services().clock.now())


def _month(session: Session) -> Month:
    """Of the address; the card as it was signed, else as the records tell it now."""
    site, now = site_view.current(), services().clock.now()
    bodies = sites.bodies(session, site.id)
    wanted = request.args.get("body", "")
    body = next((one for one in bodies if str(one.id) == wanted), bodies[0] if bodies else None)
    if body is None:
        abort(404)
    try:
        asked = date.fromisoformat(f"{request.args.get('month', '')[:7]}-01")
    except ValueError:
        asked = date.min
    if asked < _FIRST:
        asked = (site.today(now).replace(day=1) - date.resolution).replace(day=1)
    first, last = scorecards.months(min(asked, site.today(now)))
    venues = scorecards.venues_of(bodies, sites.venues(session, site.id), body.id)
    behind = scorecard_rows.read(
        session, site.id, site.policy, [venue.id for venue in venues], first, last, now
    )
    kept = scorecards.signed(session, site.id, body.id, first)
    rules = scorecards.rules_of(session, site.id)
    card = scorecards.make(behind, rules) if kept is None else kept.card
    return Month(body, first, last, card, kept, behind)


_FIRST = date(2000, 1, 1)
"""No canteen was appraised before."""


def _shown(line: Line) -> tuple[Line, str]:
    return line, _value(line)


def _value(line: Line) -> str:
    """The figure of an indicator in words."""
    if line.of <= 0:
        return str(_("没有数据"))
    if line.indicator is Indicator.INCIDENTS:
        return str(_("%(n)s 起，%(cameras)s 个摄像头", n=line.value, cameras=line.of))
    if line.indicator is Indicator.SATISFACTION:
        tenths = per(10 * line.value, line.of) or 0
        stars = f"{tenths // 10}.{tenths % 10}"
        return str(_("%(stars)s 星，%(n)s 条评价", stars=stars, n=line.of))
    if line.indicator is Indicator.WASTE:
        tenths = per(10 * line.value, line.of) or 0
        return str(_("每人次 %(grams)s 克", grams=f"{tenths // 10}.{tenths % 10}"))
    if line.indicator is Indicator.INSPECTION:
        return str(_("%(n)s 次，平均 %(points)s 分", n=line.of,
                     points=POINTS.text(per(line.value, line.of))))  # fmt: skip
    return f"{line.value} / {line.of}"


def _told(indicator: Indicator, rows: list[Row]) -> list[tuple[Row, str, str]]:
    """Rows with their text and where they lead; what went wrong first."""
    order = sorted(rows, key=lambda row: (row.value == row.of, row.day))
    if indicator not in {Indicator.SUPERVISION, Indicator.FINDINGS, Indicator.COMPLAINTS}:
        order = rows
    return [(row, _text(indicator, row), _address(indicator, row)) for row in order[:SHOWN]]


def _text(indicator: Indicator, row: Row) -> str:
    if indicator is Indicator.INCIDENTS:
        return str(KINDS.get(row.what, row.what)) if row.what else _("摄像头")
    return row.what


def _address(indicator: Indicator, row: Row) -> str:
    place = _PLACES.get(indicator)
    if place is None or row.ref is None or not may(place[2]):
        return ""
    return url_for(place[0], **{place[1]: row.ref})  # type: ignore[arg-type]


def _report(month: Month) -> Report:
    """As a workbook: the card, and a sheet for the rows of each indicator."""
    columns = [
        Column(_("指标")), Column(_("数值")), Column(_("得分"), POINTS),
        Column(_("权重"), PERCENT),
    ]  # fmt: skip
    rows = [
        [Cell(str(NAMES[line.indicator])), Cell(_value(line)), Cell(line.points),
         Cell(10 * line.weight)]
        for line in month.card.lines
    ]  # fmt: skip
    parts = [Part("card", _("考核"), Table(columns, rows))]
    behind = [
        Column(_("日期")),
        Column(_("内容")),
        Column(_("计入"), Unit("")),
        Column(_("共"), Unit("")),
    ]
    for one, found in month.behind.items():
        table = Table(behind, [
            [Cell(row.day), Cell(_text(one, row)), Cell(row.value), Cell(row.of)] for row in found
        ])  # fmt: skip
        parts.append(Part(one.value, str(NAMES[one]), table))
    answer = _("总分 %(n)s", n=POINTS.told(month.card.score))
    return Report(_("外包考核"), answer, parts=parts, notes=_notes(month))


def _notes(month: Month) -> list[str]:
    notes = [_("没有数据的指标不计分，权重分给其余的。")]
    if month.kept is not None:
        notes.append(
            _("%(by)s 于 %(day)s 签署。", by=month.kept.signed_by,
              day=month.kept.signed_at.astimezone(site_view.current().zone).date())
        )  # fmt: skip
    return notes
