"""Top-ups on the phone (扫码充值): an order is made here first, paid at the gateway, booked once.

The order's id is minted before anything is sent, and is the order's number at the gateway. That it
is paid is believed only from the gateway itself: from its signed notification, or from its answer
when an order has waited too long (:func:`reconcile`). Both end in :func:`book`, which locks the
order: however often and from wherever the news comes, the wallet is credited once.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Engine, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import db
from dafan.db import Base
from dafan.errors import BadInputError
from dafan.money import Fen
from dafan.records import DinerStatus
from server import cashdesk, exceptions, people
from server.actor import Actor
from server.books import wallets
from server.books.accounts import AccountKind
from server.gateway import Gateway, GatewayError, Order, Paid, Refund, Standing, UnreachableError

log = logging.getLogger(__name__)

LASTS = timedelta(minutes=15)
"""How long a QR code can be paid."""
SILENCE = timedelta(minutes=2)
"""After this long without news the gateway is asked."""
_GATEWAY = "gateway"
"""Who books in the name of the gateway."""


class OrderState(StrEnum):
    """How far an order has come."""

    CREATED = "created"
    PAID = "paid"
    CLOSED = "closed"
    REFUNDING = "refunding"
    """Out of the wallet; the gateway has not said yet that the money is back."""
    REFUNDED = "refunded"


class UnknownOrderError(BadInputError):
    """There is no such order here."""

    code = "unknown_order"


class OnlineOrder(Base):
    """A top-up that somebody wants to pay on the phone."""

    __tablename__ = "online_order"
    __table_args__ = (
        Index("ix_online_order_site_id_id", "site_id", "id"),
        Index("ix_online_order_state_created_at", "state", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), index=True)
    amount: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default=OrderState.CREATED.value)
    gateway: Mapped[str] = mapped_column(String(16))
    gateway_id: Mapped[str | None] = mapped_column(String(64), unique=True)
    """The gateway's name of the payment."""
    code_url: Mapped[str] = mapped_column(String(512), default="")
    """What the QR code says; empty until the gateway has answered."""
    problem: Mapped[str] = mapped_column(String(40), default="")
    """Code of what is on the list of exceptions because of it."""
    asked_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    """When it was booked."""
    closed_at: Mapped[datetime | None]
    refund_asked_by: Mapped[str | None] = mapped_column(String(80))
    refunded_at: Mapped[datetime | None]
    transfer_id: Mapped[UUID | None]


# --- making an order ----------------------------------------------------------------------------


def make(
    session: Session, actor: Actor, gateway: Gateway, order_id: UUID, diner_id: UUID, amount: Fen
) -> OnlineOrder:
    """Write an order down, once for each id; nothing is sent yet.

    Raises:
        UnknownDinerError: not a diner of this site.
        BadInputError: he has left, the amount is no payment, or the id is another order's.
    """
    wallets.check_amount(amount)
    cashdesk.require_here(people.get_diner(session, actor.site_id, diner_id))
    known = session.get(OnlineOrder, order_id)
    if known is not None:
        if (known.site_id, known.diner_id, known.amount) != (actor.site_id, diner_id, amount):
            raise BadInputError("this form was used before: reload the page", code="key_used")
        return known
    order = OnlineOrder(
        id=order_id, site_id=actor.site_id, diner_id=diner_id, amount=amount,
        state=OrderState.CREATED.value, gateway=gateway.name, code_url="", problem="",
        asked_by=actor.name, created_at=actor.at, expires_at=actor.at + LASTS,
    )  # fmt: skip
    session.add(order)
    actor.record(session, "online.create", str(order_id), None, {"fen": amount})
    session.flush()
    return order


def send(engine: Engine, gateway: Gateway, order: OnlineOrder, title: str) -> OnlineOrder:
    """Ask the gateway for the QR code of an order; no transaction is open meanwhile.

    Raises:
        GatewayError: refused, or no answer; the order stays, and can be sent again.
    """
    if order.code_url or order.state != OrderState.CREATED.value:
        return order
    code_url = gateway.create_order(Order(order.id, Fen(order.amount), title, order.expires_at))
    with db.writing(engine) as session:
        found = get(session, order.site_id, order.id, lock=True)
        found.code_url = code_url[:512]
        return found


# --- paid ---------------------------------------------------------------------------------------


def book(session: Session, paid: Paid, gateway_name: str, now: datetime) -> OnlineOrder:
    """Credit the wallet of a paid order, once, however often this is told.

    Money that reached the gateway is the diner's even where the order was closed here, or he has
    left; what does not fit goes to the list of exceptions and moves nothing.

    Args:
        session: Writes.
        paid: What the gateway itself said.
        gateway_name: Which gateway.
        now: Aware UTC.

    Raises:
        UnknownOrderError: not an order of ours.
    """
    query = select(OnlineOrder).where(
        OnlineOrder.id == paid.order_id, OnlineOrder.gateway == gateway_name
    )
    order = session.scalar(query.with_for_update())
    if order is None:
        raise UnknownOrderError("the gateway tells of an order that was never made here")
    if order.amount != paid.amount:
        _except(session, order, "gateway_amount", f"{order.amount} → {paid.amount}", now)
        return order
    if order.gateway_id is not None:
        if order.gateway_id != paid.gateway_id:
            _except(session, order, "gateway_twice", paid.gateway_id, now)
        return order
    actor = Actor(order.site_id, _GATEWAY, now)
    before = order.state
    transfer = wallets.top_up(
        session, order.site_id, order.diner_id, Fen(order.amount), key=str(order.id),
        by=_GATEWAY, at=now, memo=paid.gateway_id, way=wallets.ONLINE,
    )  # fmt: skip
    order.state, order.paid_at = OrderState.PAID.value, now
    order.gateway_id, order.transfer_id = paid.gateway_id, transfer.id
    told = {"fen": order.amount, "order": str(order.id), "gateway_id": paid.gateway_id}
    actor.record(session, "wallet.online", str(order.diner_id), before, told)
    if _has_left(session, order):
        _except(session, order, "paid_after_leaving", str(order.id), now)
    people.publish_diner(session, order.diner_id)
    return order


def _has_left(session: Session, order: OnlineOrder) -> bool:
    diner = people.get_diner(session, order.site_id, order.diner_id)
    return diner.status == DinerStatus.LEFT.value


def _except(session: Session, order: OnlineOrder, code: str, detail: str, now: datetime) -> None:
    """Put it on the list of exceptions, once for each kind of problem in a row."""
    if order.problem == code:
        return
    order.problem = code
    exceptions.add(
        session, order.site_id, code, now, detail=f"{order.id}: {detail}", diner_id=order.diner_id
    )
    log.error("online order %s: %s", order.id, code)


# --- refund -------------------------------------------------------------------------------------


def ask_refund(session: Session, actor: Actor, order_id: UUID) -> OnlineOrder:
    """Take the whole payment out of the wallet, to be sent back by :func:`send_refund`.

    Raises:
        UnknownOrderError: not an order of this site.
        NotEnoughError: the wallet does not hold it any more.
        BadInputError: it is not paid, or on its way back already.
    """
    order = get(session, actor.site_id, order_id, lock=True)
    if order.state != OrderState.PAID.value:
        raise BadInputError("only a paid order can be sent back: reload", code="not_paid")
    wallets.take_out(
        session, order.site_id, order.diner_id, Fen(order.amount), to=AccountKind.GATEWAY,
        kind="gateway_refund", key=f"gateway_refund:{order.id}", by=actor.name, at=actor.at,
        memo=order.gateway_id or "",
    )  # fmt: skip
    order.state, order.refund_asked_by = OrderState.REFUNDING.value, actor.name
    told = {"fen": order.amount, "order": str(order.id)}
    actor.record(session, "wallet.online_refund", str(order.diner_id), told, None)
    people.publish_diner(session, order.diner_id)
    return order


def send_refund(engine: Engine, gateway: Gateway, order: OnlineOrder, now: datetime) -> OnlineOrder:
    """Tell the gateway to send the money back; asked again, how that stands.

    Where the gateway refuses, the refund stays open and stands on the list of exceptions: the
    money is out of the wallet, and a person decides.

    Raises:
        UnreachableError: no answer; :func:`reconcile` asks again.
    """
    paid = Paid(order.id, order.gateway_id or "", Fen(order.amount))
    try:
        stands = gateway.refund(paid, order.id, "")
    except UnreachableError:
        raise
    except GatewayError as error:
        log.warning("refund of online order %s: %s", order.id, error)
        stands = Refund.FAILED
    with db.writing(engine) as session:
        found = get(session, order.site_id, order.id, lock=True)
        if stands is Refund.DONE and found.state == OrderState.REFUNDING.value:
            found.state, found.refunded_at = OrderState.REFUNDED.value, now
        elif stands is Refund.FAILED:
            _except(session, found, "gateway_refund", str(found.id), now)
        return found


# --- orders of which nothing is heard -----------------------------------------------------------


def reconcile(engine: Engine, gateway: Gateway, now: datetime) -> dict[str, int]:
    """Ask the gateway about orders that wait too long; book, close or refund them.

    Any number of servers may do so at the same time.

    Returns:
        How many were ``booked``, ``closed``, ``refunded``, are still ``open``, or ``failed``.
    """
    done = dict.fromkeys(("booked", "closed", "refunded", "open", "failed"), 0)
    waiting = (OrderState.CREATED.value, OrderState.REFUNDING.value)
    with db.reading(engine) as session:
        query = select(OnlineOrder).where(
            OnlineOrder.state.in_(waiting), OnlineOrder.gateway == gateway.name,
            OnlineOrder.created_at <= now - SILENCE,
        )  # fmt: skip
        orders = session.scalars(query.order_by(OnlineOrder.created_at)).all()
    for order in orders:
        try:
            done[look(engine, gateway, order, now)] += 1
        except (GatewayError, BadInputError) as error:
            log.warning("online order %s: %s", order.id, error)
            done["failed"] += 1
    return done


def look(engine: Engine, gateway: Gateway, order: OnlineOrder, now: datetime) -> str:
    """Ask about one order and do what follows from the answer.

    Raises:
        GatewayError: refused, or no answer; nothing has changed.
    """
    if order.state == OrderState.REFUNDING.value:
        sent = send_refund(engine, gateway, order, now)
        return "refunded" if sent.state == OrderState.REFUNDED.value else "open"
    if order.state != OrderState.CREATED.value:
        return "booked" if order.gateway_id else "closed"
    stands = gateway.query(order.id)
    if isinstance(stands, Paid):
        with db.writing(engine) as session:
            return "booked" if book(session, stands, gateway.name, now).gateway_id else "open"
    if now < order.expires_at:
        return "open"
    if stands is Standing.OPEN:
        gateway.close(order.id)  # refused where it was paid in this moment: the next look books it
    with db.writing(engine) as session:
        found = get(session, order.site_id, order.id, lock=True)
        if found.state == OrderState.CREATED.value:
            found.state, found.closed_at = OrderState.CLOSED.value, now
    return "closed"


# --- reading ------------------------------------------------------------------------------------


def get(session: Session, site_id: UUID, order_id: UUID, *, lock: bool = False) -> OnlineOrder:
    """An order of the site.

    Raises:
        UnknownOrderError: not one of this site.
    """
    query = select(OnlineOrder).where(OnlineOrder.site_id == site_id, OnlineOrder.id == order_id)
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise UnknownOrderError("there is no such order here: look at the list")
    return found


def page(
    session: Session, site_id: UUID, *, before: UUID | None = None, limit: int = 50
) -> Sequence[OnlineOrder]:
    """The site's orders, the latest first, from before one on."""
    query = select(OnlineOrder).where(OnlineOrder.site_id == site_id)
    if before is not None:
        query = query.where(OnlineOrder.id < before)
    return session.scalars(query.order_by(OnlineOrder.id.desc()).limit(limit)).all()
