"""The blueprint of the diner's phone, and who asks: one diner, of one site, about himself."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import abort, request
from sqlalchemy.orm import Session

from server import phone_sessions
from server.actor import Actor
from server.books import sales
from server.books.sales import Sale
from server.pages import site_view
from server.phone_sessions import SignedIn
from server.services import services

me = APIBlueprint("me", __name__, url_prefix="/me", enable_openapi=False)
LARGE_COOKIE = "dafan_large"


def who() -> SignedIn:
    """The diner of this request; the gate let him in."""
    found = phone_sessions.signed_in()
    if found is None:
        abort(404)
    return found


def actor() -> Actor:
    """The diner, for the audit log."""
    mine = who()
    return Actor(mine.site_id, mine.login, services().clock.now(), request.remote_addr or "")


def own_sale(session: Session, sale_id: UUID) -> Sale:
    """A sale that this diner paid; for anybody else's there is no page."""
    sale = sales.find(session, who().site_id, [sale_id]).get(sale_id)
    if sale is None or sale.diner_id != who().diner_id:
        abort(404)
    return sale


@me.before_request
def _at_his_site() -> None:
    found = phone_sessions.signed_in()
    if found is not None:
        site_view.show(found.site_id)


@me.context_processor
def _frame() -> dict[str, Any]:
    found = phone_sessions.signed_in()
    return {
        "mine": found,
        "site": site_view.current() if found else None,
        "large": LARGE_COOKIE in request.cookies,
    }
