"""预订: what is offered for a pick-up, who ordered it, and who has taken it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from dafan.pick_up import MAX_DISHES
from dafan.records import Unit
from kitchen import menus
from kitchen.dishes import Dish
from kitchen.meals import Meal
from kitchen.menus import Menu
from server import people, preorder_rounds, preorders, sites
from server.access import needs
from server.pages import site_view
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.preorder_rounds import RoundValues
from server.services import services
from server.values import read_values

PAGE = 50
BLANK = 6
_MENU_DAYS = 8
_TIMES = ("closes_at", "pick_from", "pick_until")


@dataclass(frozen=True, slots=True)
class Line:
    """A dish of the form, as it was typed."""

    dish_id: str = ""
    portions: str = ""
    most_each: str = "2"


@manage.get("/preorders")
@needs("plan_meals")
def preorders_list() -> str:
    """All rounds, the latest first."""
    with reading() as session:
        rows = preorder_rounds.page_rounds(
            session, site_id(), after=as_uuid(request.args.get("after")), limit=PAGE
        )
        ids = [row.id for row in rows]
        return render_template(
            "manage/preorders.html",
            active="manage.bookings_list",
            rows=rows,
            items=preorder_rounds.items_of(session, ids),
            waiting=preorders.waiting(session, ids),
            now=services().clock.now(),
            following=next_page(len(rows), PAGE, after=str(rows[-1].id) if rows else ""),
        )


@manage.get("/preorders/new")
@needs("plan_meals")
def preorder_new() -> str:
    """The form; a menu fills in its dishes."""
    with reading() as session:
        chosen = _chosen_menu(session)
        lines = [] if chosen is None else _of_menu(session, chosen)
        return _form(session, lines)


@manage.post("/preorders/new")
@needs("plan_meals")
def preorder_offer() -> AnyResponse | str:
    """Offer it; what does not fit comes back as it was typed."""
    key = as_uuid(request.form.get("key"))

    def work(session: Session) -> None:
        if key is None:
            raise BadInputError(_("请刷新页面再填一次"))
        preorder_rounds.offer(session, actor(), key, _values())

    if change(work, _("已开放预订，就餐人在手机上可以看到")):
        return redirect(url_for("manage.preorders_list"))
    with reading() as session:
        return _form(session, _typed())


@manage.get("/preorders/<uuid:round_id>")
@needs("plan_meals")
def preorder_page(round_id: UUID) -> str:
    """How many of each dish, and the orders."""
    with reading() as session:
        row = preorder_rounds.get_round(session, site_id(), round_id)
        items = preorder_rounds.items_of(session, [row.id])[row.id]
        orders = preorders.of_round(
            session, site_id(), row.id, after=as_uuid(request.args.get("after")), limit=PAGE
        )
        return render_template(
            "manage/preorder.html",
            active="manage.bookings_list",
            row=row,
            items=items,
            dishes=preorders.dishes(session, [one.dish_id for one in items]),
            orders=orders,
            waiting=preorders.waiting(session, [row.id]).get(row.id, 0),
            diners=people.get_diners(session, site_id(), {one.row.diner_id for one in orders}),
            now=services().clock.now(),
            following=next_page(len(orders), PAGE, after=str(orders[-1].row.id) if orders else ""),
        )


@manage.post("/preorders/<uuid:round_id>/withdraw")
@needs("plan_meals")
def preorder_withdraw(round_id: UUID) -> AnyResponse:
    """Let nothing more be ordered."""
    change(
        lambda session: preorder_rounds.withdraw(session, actor(), round_id),
        _("已停止预订，已经订的照常取餐"),
    )
    return redirect(url_for("manage.preorder_page", round_id=round_id))


def _form(session: Session, lines: Sequence[Line]) -> str:
    query = select(Dish).where(
        Dish.site_id == site_id(), Dish.active.is_(True), Dish.unit == Unit.PIECE.value,
        Dish.price.is_not(None),
    )  # fmt: skip
    return render_template(
        "manage/preorder_new.html",
        active="manage.bookings_list",
        dishes=session.scalars(query.order_by(Dish.sort, Dish.name)).all(),
        lines=[*lines, *(Line() for _ in range(BLANK))],
        venues=sites.venues(session, site_id()),
        menus=_menus(session),
        given=request.form,
    )


def _values() -> RoundValues:
    given = request.form
    items = [
        {"dish_id": one.dish_id, "portions": one.portions, "most_each": one.most_each}
        for one in _typed()
    ]
    if not items:
        raise BadInputError(_("请至少选一道菜"))
    told: dict[str, Any] = {name: given.get(name, "") for name in ("venue_id", "kind", "place")}
    times = {name: _moment(given.get(name, "")) for name in _TIMES}
    return read_values(
        RoundValues, {**told, **times, "title": given.get("title", ""), "items": items}
    )


def _typed() -> list[Line]:
    columns = (request.form.getlist(name) for name in ("dish_id", "portions", "most_each"))
    found = [Line(*cells) for cells in zip(*columns, strict=False)]
    return [one for one in found if one.dish_id][: MAX_DISHES + 1]


def _moment(text: str) -> datetime:
    """A time as the form has it, of the site's zone."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(_("请填写截止和取餐的时间")) from error
    return local.replace(tzinfo=site_view.current().zone).astimezone(UTC)


def _menus(session: Session) -> list[Menu]:
    """The published menus of the next days."""
    today = site_view.current().today(services().clock.now())
    days = [today + timedelta(days=step) for step in range(_MENU_DAYS)]
    return [menu for day in days for menu in menus.published(session, site_id(), day)]


def _chosen_menu(session: Session) -> Menu | None:
    day, _bar, rest = request.args.get("menu", "").partition("|")
    period, _bar, venue = rest.partition("|")
    where = as_uuid(venue)
    try:
        on = date.fromisoformat(day)
    except ValueError:
        return None
    return None if where is None else menus.find(session, site_id(), Meal(on, period, where))


def _of_menu(session: Session, menu: Menu) -> list[Line]:
    """Its dishes that are sold by the piece."""
    known = preorders.dishes(session, [one.dish_id for one in menu.items])
    return [
        Line(str(one.dish_id), str(one.portions or ""))
        for one in menu.items
        if (dish := known.get(one.dish_id)) and dish.unit == Unit.PIECE.value and dish.price
    ]
