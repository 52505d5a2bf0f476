"""Whether a scoop station may sell, and what: the feed, the law, the reader. Pure."""

from dafan.metrology import Barred, barred
from dafan.money import MAX_FEN
from dafan.records import Dish, Unit
from pos.scoop_state import Offer, Shut, State
from pos.view import Device

_DEAREST = MAX_FEN // 100
"""Fen per kilogram; the fullest pan at this price is still an amount."""


def shut_of(state: State) -> Shut:
    """Why the station is closed; empty where it sells."""
    line = state.line
    if state.health.revoked:
        return "revoked"
    if line.station is None:
        return "setup"
    if line.dish is None or line.pan_id is None:
        return "no_dish"
    if offer_of(line.dish) is None:
        return "no_price"
    if state.bar:
        return state.bar
    return "reader" if state.health.reader is Device.OFF else ""


def bar_of(state: State) -> Shut:
    """Why its scale may not bill; empty where it may."""
    scale, now = state.line.scale, state.at.now
    if scale is None:
        return Barred.UNVERIFIED.value
    why = barred(scale, now.astimezone(state.line.zone).date(), now)
    return why.value if why is not None else ""


def offer_of(dish: Dish | None) -> Offer | None:
    """What the display offers, where the dish is sold by weight at a price."""
    if dish is None or dish.unit is not Unit.KG or not dish.active:
        return None
    if not dish.price or dish.price > _DEAREST:
        return None
    return Offer(dish.id, dish.name, dish.price)
