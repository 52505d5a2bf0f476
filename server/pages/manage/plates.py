"""光盘: how many plates come back clean, at which meal, which trays, and corrections of points."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import limits
from kitchen.clean_plate import PlateRules, PointRules
from server import people, plate_points, plates, sites, terminals
from server.access import needs
from server.pages import site_view
from server.pages.formats import plain_yuan
from server.pages.forms import read_amount
from server.pages.manage.blueprint import manage
from server.pages.me.plates import VERDICTS
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.people import UnknownDinerError
from server.reports.measures import Values, ask
from server.reports.scope import Dimension, Scope
from server.services import services

PAGE = 50
DAYS = 14
_COUNTS = ("lot_points", "credit_weeks", "keep_days", "history_days")
_FIGURES = ("plates_returned", "plates_clean", "clean_permille", "plates_left", "covers")


@dataclass(frozen=True, slots=True)
class MealLine:
    """What came back of one meal."""

    day: date
    meal: str
    values: Values


@manage.get("/plates")
@needs("see_sales")
def plates_list() -> str:
    """The last two weeks by meal, and every tray, the latest first."""
    today = site_view.current().today(services().clock.now())
    scope = Scope(today - timedelta(days=DAYS - 1), today)
    before = as_uuid(request.args.get("before"))
    with reading() as session:
        rows = plates.page(session, site_id(), before=before, limit=PAGE)
        rules = limits.of(session, site_id(), PlateRules)
        return render_template(
            "manage/plates.html",
            whole=ask(session, site_id(), _FIGURES, scope)[()],
            meals=_meals(session, scope) if before is None else (),
            days=DAYS,
            tray=rules.tray_grams or sites.policy(session, site_id()).tray_grams,
            rows=rows,
            diners=people.get_diners(session, site_id(), {r.diner_id for r in rows if r.diner_id}),
            stations={one.id: one.name for one in terminals.of_site(session, site_id())},
            key=new_id(),
            worth=limits.of(session, site_id(), PointRules),
            plain_yuan=plain_yuan,
            VERDICTS=VERDICTS,
            following=next_page(len(rows), PAGE, before=str(rows[-1].id) if rows else ""),
        )


@manage.post("/plates/correct")
@needs("edit_people")
def plates_correct() -> AnyResponse:
    """Give or take points, with a reason."""
    form = request.form
    text = form.get("points", "").strip().replace("−", "-")
    number = text.removeprefix("-").removeprefix("+")
    points = int(text) if number.isascii() and number.isdecimal() and len(number) < 7 else 0

    def work(session: Session) -> None:
        found = people.find_diner(session, site_id(), form.get("staff_no", ""))
        if found is None:
            raise UnknownDinerError("there is no such diner here: look for the number")
        plate_points.correct(
            session, actor(), found.id, points, form.get("reason", ""), key=form.get("key", "")
        )

    change(work, _("积分已更正，审计里有记录"))
    return redirect(url_for("manage.plates_list"))


@manage.post("/plates/worth")
@needs("run_subsidies")
def plates_worth() -> AnyResponse:
    """What points buy: it is paid from the subsidy fund."""

    def work(session: Session) -> None:
        typed = request.form.get("lot_fen", "").strip()
        decided = {name: _count(name) for name in _COUNTS}
        decided["lot_fen"] = read_amount(typed) if typed else 0
        limits.decide(session, actor(), PointRules, decided)

    change(work, _("已保存"))
    return redirect(url_for("manage.plates_list"))


def _count(name: str) -> int:
    text = request.form.get(name, "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise BadInputError(_("每一格都要填整数"))
    return int(text)


def _meals(session: Session, scope: Scope) -> Sequence[MealLine]:
    cut = (Dimension.DAY, Dimension.MEAL)
    order = {one.code: place for place, one in enumerate(site_view.current().policy.periods)}
    found = ask(session, site_id(), _FIGURES, scope, cut)
    lines = [
        ((-day.toordinal(), order.get(meal, len(order))), MealLine(day, meal, values))
        for (day, meal), values in found.items()
        if values["plates_returned"]
    ]
    return [line for _place, line in sorted(lines, key=lambda one: one[0])]
