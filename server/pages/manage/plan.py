"""采购计划: what to buy for some days, where each figure comes from, and the orders made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from kitchen import ingredients, inquiries, limits, week_plan
from kitchen.dishes import Dish
from kitchen.ingredients import Ingredient
from kitchen.inquiries import Offer
from kitchen.plan import Line, Rules
from kitchen.purchase_rules import MAX_LINES
from kitchen.recipes import whole
from kitchen.stock_view import StockRules
from kitchen.suppliers import Supplier
from kitchen.week_plan import DaysPlan, Use
from server import buying as service
from server import sites
from server.access import needs
from server.pages import buying, site_view
from server.pages.forms import read_amount
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, reading, site_id

DAYS = 7
LONGEST = 31
Choices = Sequence[tuple[Supplier, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the plan with what the buyer needs to decide."""

    line: Line
    food: Ingredient
    behind: Sequence[Use]
    last: Offer | None
    supplier: UUID | None
    """Who is proposed: the last one, else the first who sells the category."""

    @property
    def price(self) -> Fen | None:
        """The last price paid, else the standard price."""
        if self.last is not None:
            return self.last.price
        return None if self.food.price is None else Fen(self.food.price)


@manage.get("/plan", endpoint="buying_plan")
@needs("see_buying")
def page() -> str:
    """The plan of the days asked for; seven from today where none are."""
    today = buying.today()
    first, last = _days(request.args, today)
    with reading() as session:
        venues = [one.id for one in sites.venues(session, site_id())]
        planned = week_plan.menus_of(session, site_id(), venues, first, last)
        found = week_plan.plan_days(
            session, site_id(), venues, first, last, limits.of(session, site_id(), Rules),
            service.proposed_portions(session, site_id(), planned, today),
            limits.of(session, site_id(), StockRules),
        )  # fmt: skip
        choices = buying.supplier_choices(session, today)
        rows = _rows(session, found, choices)
        return render_template(
            "manage/plan.html",
            rows=[row for row in rows if row.line.buy],
            covered=[row for row in rows if not row.line.buy],
            names=_dish_names(session, found),
            found=found,
            choices=choices,
            first=first,
            last=last,
            today=today,
            key=str(new_id()),
            part=lambda use, line: whole(use.parts)[line.ingredient],
            period_name=site_view.current().period_name,
            words=buying,
        )


@manage.post("/plan/orders")
@needs("buy")
def plan_orders() -> AnyResponse:
    """Write an order for each supplier and day of delivery; pressed twice, once."""
    key = str(as_uuid(request.form.get("key")) or new_id())

    def work(session: Session) -> None:
        picks = _picks(session, request.form)
        service.draft_orders(session, actor(), picks, buying.today(), key=key)

    if change(work, _("已生成采购单草稿，请检查后提交审批")):
        return redirect(url_for("manage.orders_list"))
    shown: dict[str, Any] = {name: request.form.get(name, "") for name in ("from", "until")}
    return redirect(url_for("manage.buying_plan", **shown))


def _picks(session: Session, given: Mapping[str, str]) -> list[service.Pick]:
    """The ticked lines of the form.

    Raises:
        BadInputError: a line is written wrongly; the text is for the person.
    """
    places = [name.removeprefix("pick_") for name in given if name.startswith("pick_")]
    ids = [as_uuid(given.get(f"ingredient_{place}")) for place in places[:MAX_LINES]]
    food = ingredients.by_ids(session, site_id(), [one for one in ids if one is not None])
    picks = []
    for place, ingredient_id in zip(places, ids, strict=False):
        one = food.get(ingredient_id) if ingredient_id is not None else None
        if one is None:
            raise BadInputError(_("没有这种食材，请从列表中选择"))
        supplier = as_uuid(given.get(f"supplier_{place}"))
        if supplier is None:
            raise BadInputError(_("请为 %(name)s 选择供应商", name=one.name))
        price = read_amount(given.get(f"price_{place}", ""))
        if price < 0:
            raise BadInputError(_("%(name)s 的单价不能小于零", name=one.name))
        picks.append(
            service.Pick(
                supplier, _day(given.get(f"deliver_{place}", "")), one.id,
                buying.read(given.get(f"quantity_{place}", ""), one), price,
            )
        )  # fmt: skip
    return picks


def _rows(session: Session, found: DaysPlan, choices: Choices) -> list[Row]:
    wanted = [line.ingredient for line in found.lines]
    food = ingredients.by_ids(session, site_id(), wanted)
    last = inquiries.last_offers(session, site_id(), wanted)
    good = [row for row, blocked in choices if not blocked]
    return [
        Row(
            line, food[line.ingredient], found.behind(line), last.get(line.ingredient),
            _proposed(good, food[line.ingredient], last.get(line.ingredient)),
        )
        for line in found.lines
    ]  # fmt: skip


def _proposed(good: Sequence[Supplier], one: Ingredient, last: Offer | None) -> UUID | None:
    """Who sold it last, where he still may; else the first whose papers cover its category."""
    if last is not None and any(row.id == last.supplier_id for row in good):
        return last.supplier_id
    return next((row.id for row in good if one.category in row.categories), None)


def _dish_names(session: Session, found: DaysPlan) -> Mapping[UUID, str]:
    wanted = {use.dish_id for use in found.uses} | {*found.without_recipe, *found.without_portions}
    query = select(Dish.id, Dish.name).where(Dish.site_id == site_id(), Dish.id.in_(wanted))
    return {row.id: row.name for row in session.execute(query)}


def _days(asked: Mapping[str, str], today: date) -> tuple[date, date]:
    """From when to when: never before today, never absurdly long."""
    first = max(_read(asked.get("from", "")) or today, today)
    first = min(first, today + timedelta(days=LONGEST))
    last = _read(asked.get("until", "")) or first + timedelta(days=DAYS - 1)
    return first, min(max(last, first), first + timedelta(days=LONGEST))


def _read(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _day(text: str) -> date:
    found = _read(text)
    if found is None:
        raise BadInputError(_("请选择到货日期"))
    return found
