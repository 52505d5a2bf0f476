"""自选称重线: what stands on each station now, alarms, and what a site sets up."""

from collections.abc import Mapping
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from dafan.line import MAX_STATIONS, SmallScoop, TrayState
from dafan.workbooks import opened
from server import line_judge, line_setup, line_view, terminals
from server.access import needs
from server.line_setup import LineError
from server.pages.formats import plain_yuan
from server.pages.forms import read_amount
from server.pages.manage.blueprint import manage
from server.pages.scale_words import STANDINGS
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.services import services

PAGE = 100
ALARM_WORDS: Mapping[str, LazyString] = {
    "lifted": _l("菜盆被提起、更换或碰到"),
    "unpaid": _l("没有托盘却少了"),
    "two_trays": _l("两个托盘同时在，少了"),
    "brought": _l("多了，不是取走的放回"),
    "outage": _l("断电或秤没有声音时变了"),
}
_FEN = ("cap", "least_balance")
_COUNTS = ("least_grams", "step_grams", "quiet_ms", "refill_s", "open_minutes", "price_unit")


@manage.get("/line")
@needs("see_kitchen")
def line_page() -> str:
    """Stations now, and the latest alarms."""
    now = services().clock.now()
    with reading() as session:
        found = line_view.stations_now(session, site_id(), now)
        return render_template(
            "manage/line.html",
            stations=found,
            labels={(one.row.terminal_id, one.row.station): one.row.label for one in found},
            boxes=terminals.active(session, site_id()),
            dishes=line_setup.may_stand(session, site_id()),
            in_use=line_setup.in_use(session, site_id(), now),
            open_scoops=len(line_judge.open_scoops(session, site_id())),
            alarms=line_view.alarms(session, site_id()),
            most=MAX_STATIONS,
            now=now,
            WORDS=ALARM_WORDS,
            standings=STANDINGS,
        )  # fmt: skip


@manage.post("/line/station")
@needs("do_kitchen")
def line_station() -> AnyResponse:
    """Put a dish on a station, or close it."""
    form = request.form
    terminal_id, number = as_uuid(form.get("terminal")), _count(form.get("station", ""))

    def work(session: Session) -> None:
        if terminal_id is None:
            raise BadInputError(_("请选择控制盒"))
        line_setup.set_station(
            session, actor(), terminal_id, number, label=form.get("label", ""),
            dish_id=as_uuid(form.get("dish")), other_pan="other_pan" in form,
        )  # fmt: skip

    change(work, _("已保存，取餐位随即更新"))
    return redirect(url_for("manage.line_page"))


@manage.post("/line/station/<uuid:terminal_id>/<int:station>/remove")
@needs("run_kitchen")
def line_station_remove(terminal_id: UUID, station: int) -> AnyResponse:
    """Take a station out of the list."""
    change(lambda s: line_setup.remove_station(s, actor(), terminal_id, station), _("取餐位已移除"))
    return redirect(url_for("manage.line_page"))


# --- set-up -------------------------------------------------------------------------------------


@manage.get("/line/set-up")
@needs("run_kitchen")
def line_set_up() -> str:
    """Trays, staff cards, rules."""
    after = request.args.get("after", "")[:32]
    with reading() as session:
        trays = line_setup.trays(session, site_id(), after=after, limit=PAGE)
        return render_template(
            "manage/line_set_up.html",
            trays=trays,
            cards=line_setup.cards(session, site_id()),
            rules=line_setup.rules(session, site_id()),
            most=line_setup.MAX_IMPORT,
            plain_yuan=plain_yuan,
            following=next_page(len(trays), PAGE, after=trays[-1].tag if trays else ""),
        )


@manage.post("/line/trays")
@needs("run_kitchen")
def line_trays() -> AnyResponse:
    """Add trays, typed one a line or from a file."""
    file = request.files.get("file")

    def work(session: Session) -> None:
        wanted = _typed(request.form.get("tags", ""))
        if file is not None and file.filename:
            wanted += _in_file(file.read())
        line_setup.add_trays(session, actor(), wanted)

    change(work, _("托盘已保存"))
    return redirect(url_for("manage.line_set_up"))


@manage.post("/line/trays/<tag>")
@needs("run_kitchen")
def line_tray(tag: str) -> AnyResponse:
    """A tray is lost, retired, or good again."""
    states = {state.value: state for state in TrayState}
    state = states.get(request.form.get("state", ""), TrayState.ACTIVE)
    change(lambda s: line_setup.mark_tray(s, actor(), tag, state), _("已保存"))
    return redirect(url_for("manage.line_set_up"))


@manage.post("/line/cards")
@needs("run_kitchen")
def line_card() -> AnyResponse:
    """A card opens pans, or does so no more."""
    form = request.form

    def work(session: Session) -> None:
        if "remove" in form:
            line_setup.remove_card(session, actor(), form["remove"])
        else:
            line_setup.add_card(session, actor(), form.get("tag", ""), form.get("name", ""))

    change(work, _("已保存"))
    return redirect(url_for("manage.line_set_up"))


@manage.post("/line/rules")
@needs("run_kitchen")
def line_rules() -> AnyResponse:
    """Decide the rules of the line."""

    def work(session: Session) -> None:
        form = request.form
        decided: dict[str, object] = {name: _count(form.get(name, "")) for name in _COUNTS}
        decided |= {name: read_amount(form.get(name, "")) for name in _FEN}
        decided["small"] = SmallScoop.FREE if "free" in form else SmallScoop.CHARGE
        line_setup.set_rules(session, actor(), decided)

    change(work, _("已保存"))
    return redirect(url_for("manage.line_set_up"))


def _count(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 7):
        raise BadInputError(_("每一格都要填整数"))
    return int(text)


def _typed(text: str) -> list[tuple[str, str]]:
    """Tag and, behind a comma, a blank or a tab, the printed number; one a line."""
    rows = [row.replace("，", ",").replace(",", " ").split() for row in text.splitlines()]
    return [(row[0], row[1] if len(row) > 1 else "") for row in rows if row]


def _in_file(data: bytes) -> list[tuple[str, str]]:
    """The first two columns of a spreadsheet, or of a CSV file."""
    if not data.startswith(b"PK"):
        return _typed(data.decode("utf-8-sig", errors="replace"))
    with opened(data, LineError, values=True) as book:
        sheet = book.worksheets[0].iter_rows(values_only=True, max_row=line_setup.MAX_IMPORT + 1)
        rows = [["" if cell is None else str(cell) for cell in row[:2]] for row in sheet]
    return [(row[0], row[1] if len(row) > 1 else "") for row in rows if row and row[0]]
