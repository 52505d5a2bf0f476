"""食谱: the week at a glance, one meal in the making, and the week on paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError, DafanError
from dafan.money import Fen
from kitchen import expected, menus
from kitchen.meals import Meal
from kitchen.menu_checks import Fault, PlannedMeal
from kitchen.menus import ItemValues, Menu, State
from kitchen.nutrition import Nutrient, Range
from server import planning, sites
from server.access import needs
from server.pages import food_words, messages, site_view
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, reading, site_id
from server.planning import Planning
from server.services import services
from server.sites import Venue

SHOWN = (Nutrient.ENERGY, Nutrient.PROTEIN, Nutrient.FAT, Nutrient.SODIUM, Nutrient.SUGAR)
_STOPS = {Fault.FORBIDDEN, Fault.TOO_DEAR, Fault.NUTRIENT_HIGH}
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Said:
    """A finding in words."""

    light: str
    text: str


@dataclass(frozen=True, slots=True)
class Given:
    """A nutrient of a meal, per cover."""

    name: str
    value: float | None
    unit: str
    norm: str
    light: str
    complete: bool


@dataclass(frozen=True)
class Look:
    """A meal as it is judged: cost, nutrition and what to look at."""

    meal: PlannedMeal
    a_cover: Fen | None
    given: Sequence[Given]
    said: Sequence[Said]
    allergens: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Cell:
    """A meal of the grid."""

    meal: Meal
    menu: Menu | None
    look: Look | None


@dataclass(frozen=True, slots=True)
class TypedItem:
    """A line of the form."""

    dish: str = ""
    portions: str = ""
    cook: str = ""


@manage.get("/menus", endpoint="menus")
@needs("see_dishes")
def week() -> str:
    """Days by meal periods."""
    day, venue, venues = _asked()
    first = menus.monday(day)
    days = [first + timedelta(days=step) for step in range(7)]
    plan = _plan(venue, first) if venue else None
    known = {} if plan is None else {menu.meal: menu for menu in plan.menus}
    rows = [
        (code, [_cell(plan, Meal(on, code, venue.id), known) for on in days])
        for code in _periods()
        if plan is not None and venue is not None
    ]
    return render_template(
        "manage/menus.html", days=days, rows=rows, venue=venue, venues=venues, first=first,
        today=_today(), before=first - _WEEK, after=first + _WEEK, plan=plan,
        period_name=site_view.current().period_name,
        drafts=sum(menu.state is State.DRAFT and bool(menu.items) for menu in known.values()),
    )  # fmt: skip


@manage.get("/menus/print")
@needs("see_dishes")
def menus_print() -> str:
    """The published week on one sheet of A4."""
    day, venue, _venues = _asked()
    first = menus.monday(day)
    plan = _plan(venue, first) if venue else None
    found = [] if plan is None else [one for one in plan.menus if one.state is State.PUBLISHED]
    return render_template(
        "manage/menus_print.html", plan=plan, venue=venue, first=first,
        days=[first + timedelta(days=step) for step in range(7)], active="manage.menus",
        periods=_periods(), known={(one.meal.day, one.meal.period): one for one in found},
        period_name=site_view.current().period_name, words=food_words,
    )  # fmt: skip


@manage.post("/menus/copy")
@needs("plan_meals")
def menus_copy() -> AnyResponse:
    """Plan the week as the one before was; meals that are planned stay as they are."""
    day, venue, _venues = _asked()
    done: list[menus.Copied] = []

    def work(session: Session) -> None:
        if venue is None:
            raise BadInputError(_("没有场所：请先在设置里添加"))
        done.append(menus.copy_week(session, actor(), venue.id, day - _WEEK, day))
        if not done[0].copied:
            raise BadInputError(_("没有可复制的：上周没有食谱，或这周都已编制"))

    change(work, _("已从上周复制为草稿，请核对后发布"))
    return redirect(url_for("manage.menus", **_same(day, venue)))


@manage.post("/menus/publish")
@needs("plan_meals")
def menus_publish() -> AnyResponse:
    """Show every draft of the week that has a dish."""
    day, venue, _venues = _asked()

    def work(session: Session) -> None:
        for menu in menus.week(session, site_id(), venue.id, day) if venue else ():
            if menu.state is State.DRAFT and menu.items:
                menus.publish(session, actor(), menu.meal)

    change(work, _("已发布：后厨、留样和就餐人随即看到"))
    return redirect(url_for("manage.menus", **_same(day, venue)))


@manage.get("/menus/<uuid:venue_id>/<day>/<period>")
@needs("see_dishes")
def menu(venue_id: UUID, day: str, period: str) -> str:
    """One meal, and what is to be said about it."""
    meal = _meal(venue_id, day, period)
    plan = _plan_of(meal)
    known = next((one for one in plan.menus if one.meal == meal), None)
    items = () if known is None else known.items
    lines = [TypedItem(plan.names[one.dish_id], str(one.portions or ""), one.cook) for one in items]
    return _menu_page(meal, plan, known, lines, _look(plan, plan.planned(meal, items)))


@manage.post("/menus/<uuid:venue_id>/<day>/<period>")
@needs("plan_meals")
def menu_save(venue_id: UUID, day: str, period: str) -> str | AnyResponse:
    """Keep the plan of a meal; publish it, or take it back, where that was asked for."""
    meal = _meal(venue_id, day, period)
    plan = _plan_of(meal)
    wish = request.form.get("wish", "")

    def work(session: Session) -> None:
        covers = _covers()
        menus.save(session, actor(), meal, _items(plan))
        if covers != plan.covers.get(meal, 0) and meal.day >= _today():
            reason = _("编制食谱时填写")
            expected.tell(session, actor(), meal, covers, reason, _today())
        if wish == "publish":
            menus.publish(session, actor(), meal)
        elif wish == "withdraw":
            menus.withdraw(session, actor(), meal)

    if change(work, _("已发布") if wish == "publish" else _("已保存")):
        return redirect(url_for("manage.menu", venue_id=venue_id, day=day, period=period))
    known = next((one for one in plan.menus if one.meal == meal), None)
    return _menu_page(meal, plan, known, _typed(), None, request.form.get("covers", ""))


@manage.post("/menus/<uuid:venue_id>/<day>/<period>/look")
@needs("plan_meals")
def menu_look(venue_id: UUID, day: str, period: str) -> str:
    """Cost, nutrition and checks of what is typed, as a part of the page; writes nothing."""
    meal = _meal(venue_id, day, period)
    plan = _plan_of(meal)
    look, refused = None, ""
    try:
        look = _look(plan, plan.planned(meal, _items(plan), _covers()))
    except DafanError as error:
        refused = messages.say(error)
    return render_template("manage/_menu_look.html", look=look, refused=refused)


# --- What was asked for ---------------------------------------------------------------------------


def _today() -> date:
    return site_view.current().today(services().clock.now())


def _periods() -> list[str]:
    return [one.code for one in site_view.current().policy.periods]


def _asked() -> tuple[date, Venue | None, Sequence[Venue]]:
    """The day, the venue, and every venue; the first one where none is named."""
    with reading() as session:
        venues = sites.venues(session, site_id())
    wanted = as_uuid(request.values.get("venue"))
    venue = next((one for one in venues if one.id == wanted), venues[0] if venues else None)
    return _read_day(request.values.get("day", "")) or _today(), venue, venues


def _read_day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year < 2200 else None


def _same(day: date, venue: Venue | None) -> dict[str, Any]:
    return {"day": day.isoformat(), "venue": venue.id if venue else None}


def _meal(venue_id: UUID, day: str, period: str) -> Meal:
    found = _read_day(day)
    with reading() as session:
        known = {one.id for one in sites.venues(session, site_id())}
    if found is None or venue_id not in known or period not in _periods():
        abort(404)
    return Meal(found, period, venue_id)


def _plan(venue: Venue, day: date) -> Planning:
    with reading() as session:
        return planning.load(session, site_id(), venue.id, day, _periods(), _today())


def _plan_of(meal: Meal) -> Planning:
    with reading() as session:
        return planning.load(session, site_id(), meal.venue_id, meal.day, _periods(), _today())


# --- The form -------------------------------------------------------------------------------------


def _typed() -> list[TypedItem]:
    columns = (request.form.getlist(name) for name in ("dish", "portions", "cook"))
    lines = [TypedItem(*(cell.strip() for cell in cells)) for cells in zip(*columns, strict=False)]
    return [line for line in lines if line.dish]


def _covers() -> int:
    text = request.form.get("covers", "").strip() or "0"
    if not (text.isascii() and text.isdecimal()) or len(text) > 6:
        raise BadInputError(_("人次请写整数，例如 480"))
    return int(text)


def _items(plan: Planning) -> list[ItemValues]:
    """The lines of the form.

    Raises:
        BadInputError: something in it does not fit; told in the person's language.
    """
    own = {name: key for key, name in plan.names.items()}
    found = []
    for line in _typed():
        key = plan.served.get(line.dish) or own.get(line.dish)
        if key is None:
            raise BadInputError(_("没有叫“%(name)s”的菜：请从列表中选择", name=line.dish))
        text = line.portions or "0"
        if not (text.isascii() and text.isdecimal()) or len(text) > 6:
            raise BadInputError(_("%(name)s的份数要填整数", name=line.dish))
        found.append(ItemValues(dish_id=key, portions=int(text), cook=line.cook[:80]))
    if len({one.dish_id for one in found}) < len(found):
        raise BadInputError(_("同一道菜写了两行：请把份数加在一行里"))
    return found


def _menu_page(
    meal: Meal, plan: Planning, known: Menu | None, lines: Sequence[TypedItem],
    look: Look | None, covers: str | None = None,
) -> str:  # fmt: skip
    cooks = {one.cook for menu in (*plan.before, *plan.menus) for one in menu.items if one.cook}
    return render_template(
        "manage/menu.html", active="manage.menus", meal=meal, known=known, lines=lines,
        look=look, refused="", dishes=list(plan.served), cooks=sorted(cooks),
        covers=plan.covers.get(meal, 0) if covers is None else covers,
        period=site_view.current().period_name(meal.period),
    )  # fmt: skip


# --- What is to be said ---------------------------------------------------------------------------


def _cell(plan: Planning | None, meal: Meal, known: dict[Meal, Menu]) -> Cell:
    found = known.get(meal)
    if plan is None or found is None:
        return Cell(meal, found, None)
    return Cell(meal, found, _look(plan, plan.planned(meal, found.items)))


def _look(plan: Planning, meal: PlannedMeal) -> Look:
    allergens = [
        (dish.name, food_words.allergens(dish.allergens))
        for dish, _portions in meal.dishes
        if dish.allergens
    ]
    found = [one for one in plan.findings(meal) if not one.mark]
    return Look(
        meal,
        Fen(-(-meal.cost // meal.covers)) if meal.covers > 0 else None,
        [_given(meal, one) for one in SHOWN],
        [Said("stop" if one.fault in _STOPS else "warn", food_words.finding(one)) for one in found],
        allergens,
    )


def _given(meal: PlannedMeal, nutrient: Nutrient) -> Given:
    value, norm = meal.a_cover(nutrient), meal.norm.get(nutrient)
    silent = bool(meal.silent(nutrient))
    judged = norm.judge(value) if norm is not None and value is not None and meal.dishes else 0
    light = "stop" if judged > 0 else "warn" if judged < 0 or silent else "ok"
    return Given(
        str(food_words.NUTRIENTS[nutrient]), None if value is None else float(value),
        nutrient.unit, _range_text(norm), light if norm is not None else "", not silent,
    )  # fmt: skip


def _range_text(norm: Range | None) -> str:
    if norm is None:
        return ""
    if norm.low is None:
        return f"≤ {norm.high}"
    return f"≥ {norm.low}" if norm.high is None else f"{norm.low}–{norm.high}"
