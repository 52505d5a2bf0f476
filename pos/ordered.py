"""What was ordered ahead becomes a basket that is paid as any other one. Pure."""

from dataclasses import replace

from dafan.records import Portion
from pos.basket import Basket, Item
from pos.snapshot import Ordered
from pos.state import Idle, Open, Paid, State, Step, reopen, tell, to
from pos.view import NoticeCode


def put_in_basket(state: State, order: Ordered | None) -> Step:
    """Open a basket with what was ordered; it takes the order's id, which becomes the sale's.

    A basket that somebody is about to pay is never mixed with an order: it has an id already.
    """
    refused = _refused(state, order)
    if refused is not None or order is None:
        return tell(state, refused or NoticeCode.PICK_UP_UNKNOWN), ()
    items = tuple(Item(dish_id, Portion.FULL, quantity) for dish_id, quantity in order.dishes)
    opened = reopen(state, Basket(order.id, state.at.now, items=items))
    if opened.priced.unpriced:
        return tell(state, NoticeCode.DISH_GONE), ()
    return to(replace(state, notice=None), opened)


def _refused(state: State, order: Ordered | None) -> NoticeCode | None:
    phase, terminal = state.phase, state.catalogue.terminal
    if order is None or terminal is None or order.venue_id != terminal.venue_id:
        return NoticeCode.PICK_UP_UNKNOWN
    if order.sold:
        return NoticeCode.PICK_UP_SOLD
    free = isinstance(phase, Idle | Paid) or (isinstance(phase, Open) and phase.basket.empty)
    if not free:
        return NoticeCode.PICK_UP_ALONE
    if not state.catalogue.ready or state.health.revoked:
        return NoticeCode.NOT_READY
    return None if state.may_open else NoticeCode.CLEAR_SCALE
