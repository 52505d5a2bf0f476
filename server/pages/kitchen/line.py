"""自选称重线: what stands on each station, changed by whoever swaps the pan.

A change is never kept for later: until the box hears of it, it charges the price of the dish that
stood there before, and a change that came an hour late would undo what somebody set meanwhile. So
its form has no key and is refused in words while there is no network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.money import Fen, price_of_weight
from dafan.units import Grams
from kitchen import menus
from kitchen.dishes import Dish
from server import line_setup, line_view
from server.access import needs
from server.line_setup import UnknownStationError
from server.line_view import StationNow
from server.pages.formats import yuan
from server.pages.kitchen import fields, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.more import TILES, Tile
from server.pages.scale_words import STANDINGS
from server.pages.shared import as_uuid, change, reading, site_id
from server.services import services

SHOWN = 48
"""Dishes beside those of the day; the others are found by name."""
TILES.append(Tile("kitchen.line", _l("自选称重线"), _l("换菜、换盆、停用取餐位")))


@dataclass(frozen=True, slots=True)
class Choice:
    """What can be put on a station.

    Attributes:
        today: On the menus of the day, in their order.
        others: The first of all others, in the order of the catalogue.
        hidden: How many more there are.
    """

    today: list[Dish]
    others: list[Dish]
    hidden: int


@kitchen.get("/line", endpoint="line")
@needs("see_kitchen")
def line_page() -> str:
    """Every station with what stands there now."""
    with reading() as session:
        found = line_view.stations_now(session, site_id(), services().clock.now())
        return render_template(
            "kitchen/line.html", stations=found, price=_price(session), standings=STANDINGS
        )


@kitchen.get("/line/<uuid:terminal_id>/<int:station>")
@needs("do_kitchen")
def line_choose(terminal_id: UUID, station: int) -> str:
    """The dishes of the day, then all others that are sold by weight."""
    search = request.args.get("search", "").strip()[:40]
    with reading() as session:
        one = _station(session, terminal_id, station)
        return render_template(
            "kitchen/line_choose.html",
            one=one,
            search=search,
            choice=_choice(session, one, search, fields.day()),
            price=_price(session),
        )


@kitchen.get("/line/<uuid:terminal_id>/<int:station>/dish")
@needs("do_kitchen")
def line_confirm(terminal_id: UUID, station: int) -> str:
    """What will happen, before it does."""
    with reading() as session:
        one = _station(session, terminal_id, station)
        return render_template(
            "kitchen/line_confirm.html",
            one=one,
            dish=_wanted(session, one),
            other_pan="other_pan" in request.args,
            price=_price(session),
            standings=STANDINGS,
        )


@kitchen.post("/line/<uuid:terminal_id>/<int:station>/dish")
@needs("do_kitchen")
def line_change(terminal_id: UUID, station: int) -> AnyResponse:
    """It is done, signed by whoever did it."""
    form = request.form

    def work(session: Session) -> None:
        line_setup.swap(
            session, signing.acting(), terminal_id, station, dish_id=as_uuid(form.get("dish")),
            seen=as_uuid(form.get("seen")), other_pan="other_pan" in form,
        )  # fmt: skip

    if change(work, _done(form)):
        return redirect(url_for("kitchen.line"))
    return redirect(url_for("kitchen.line_choose", terminal_id=terminal_id, station=station))


def _done(form: Mapping[str, str]) -> str:
    """What to do next, for whoever stands there with the pan."""
    if not form.get("dish"):
        return str(_("取餐位已停用"))
    if "other_pan" in form:
        return str(_("已换一盆，可以放上去了"))
    return str(_("已换：小屏显示新菜以后再放盆"))


def _station(session: Session, terminal_id: UUID, station: int) -> StationNow:
    for one in line_view.stations_now(session, site_id(), services().clock.now()):
        if (one.row.terminal_id, one.row.station) == (terminal_id, station):
            return one
    raise UnknownStationError("the line has no such station: look at the list")


def _wanted(session: Session, one: StationNow) -> Dish | None:
    """The dish that the address names; none closes the station."""
    if "other_pan" in request.args:
        return one.dish
    if not request.args.get("dish"):
        return None
    dish_id = as_uuid(request.args["dish"]) or UUID(int=0)
    return line_setup.weighed_dish(session, site_id(), dish_id)


def _choice(session: Session, one: StationNow, search: str, day: date) -> Choice:
    """All dishes but the one that stands there."""
    found = {
        dish.id: dish
        for dish in line_setup.may_stand(session, site_id(), search)
        if dish.id != one.row.dish_id
    }
    planned = [
        item.dish_id
        for menu in menus.published(session, site_id(), day)
        if menu.meal.venue_id == one.box.venue_id
        for item in menu.items
    ]
    today = [found.pop(dish_id) for dish_id in dict.fromkeys(planned) if dish_id in found]
    others = list(found.values())
    return Choice(today, others[:SHOWN], max(0, len(others) - SHOWN))


def _price(session: Session) -> Callable[[Dish], str]:
    """Writes prices as the displays of the line do."""
    per = Grams(line_setup.rules(session, site_id()).price_unit)

    def write(dish: Dish) -> str:
        fen = price_of_weight(per, Fen(dish.price or 0))
        return str(_("%(fen)s / %(n)s 克", fen=yuan(fen), n=per))

    return write
