"""Proof of money that comes from outside: bank payments, online orders, opening balances."""

from collections.abc import Iterator

from sqlalchemy import and_, case, literal, or_, select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from server.bank_files import BankPayment
from server.books.proving import dashed, no_row, pairs, rows
from server.online_orders import OnlineOrder, OrderState
from server.opening import OpeningBalance

_BACK = (OrderState.REFUNDING.value, OrderState.REFUNDED.value)
_OPENING = "top_up:opening:"


def bank_payments(session: Session) -> Iterator[Fault]:
    """Each payment of the bank is in its diner's wallet once, and no other one is."""
    row, moved = BankPayment, pairs("bank").c
    query = (
        select(row.site_id, row.reference, row.amount, moved.amount)
        .outerjoin(moved.id.table, moved.id == row.transfer_id)
        .where(
            or_(
                moved.id.is_(None), moved.amount != row.amount, moved.taker_id != row.diner_id,
                moved.site_id != row.site_id, moved.key != literal("bank:").concat(row.reference),
            )
        )
        .order_by(row.site_id, row.reference)
    )  # fmt: skip
    for site_id, reference, told, fen in rows(session, query):
        what = f"is of {told} fen, {fen or 0} were moved, or for another: not as it was imported"
        yield Fault(f"bank payment {reference} of site {site_id}", what, "bank_payment")
    for transfer_id, key in no_row(session, "bank", row.transfer_id):
        what = "brought money for a bank payment that is missing"
        yield Fault(f"transfer {transfer_id} ({key})", what, "bank_payment")


def online_orders(session: Session) -> Iterator[Fault]:
    """A paid order is in the wallet once; one that goes back has left it once."""
    row, paid, back = OnlineOrder, pairs("gateway").c, pairs("gateway_refund").c
    number = dashed(session, row.id)
    paid_wrong = or_(
        paid.id.is_(None), paid.amount != row.amount, paid.taker_id != row.diner_id,
        paid.site_id != row.site_id, paid.key != literal("gateway:").concat(number),
    )  # fmt: skip
    not_paid_wrong = or_(
        row.transfer_id.is_not(None), row.state.in_((OrderState.PAID.value, *_BACK))
    )
    returned = literal("gateway_refund:").concat(number)
    back_wrong = or_(back.id.is_(None), back.amount != row.amount, back.giver_id != row.diner_id)
    query = (
        select(row.id, row.state, row.amount, paid.amount, back.amount)
        .outerjoin(paid.id.table, paid.id == row.transfer_id)
        .outerjoin(back.id.table, and_(back.site_id == row.site_id, back.key == returned))
        .where(
            or_(
                case((row.gateway_id.is_not(None), paid_wrong), else_=not_paid_wrong),
                case((row.state.in_(_BACK), back_wrong), else_=back.id.is_not(None)),
            )
        )
        .order_by(row.id)
    )
    for order_id, state, told, fen, given in rows(session, query):
        what = (
            f"is {state} with {told} fen; {fen or 0} came into the wallet for it, {given or 0} "
            "went back"
        )
        yield Fault(f"online order {order_id}", what, "online_order")
    for transfer_id, key in no_row(session, "gateway", row.transfer_id):
        what = "brought money for an online order that is missing"
        yield Fault(f"transfer {transfer_id} ({key})", what, "online_order")
    orphans = (
        select(back.id, back.key)
        .outerjoin(row, and_(row.site_id == back.site_id, returned == back.key))
        .where(row.id.is_(None))
        .order_by(back.id)
    )
    for transfer_id, key in rows(session, orphans):
        what = "sent money back for an online order that is missing"
        yield Fault(f"transfer {transfer_id} ({key})", what, "online_order")


def openings(session: Session) -> Iterator[Fault]:
    """Each wallet that was opened with an amount got it once, by a transfer of its name."""
    row, moved = OpeningBalance, pairs("top_up").c
    number = dashed(session, row.diner_id)
    key = literal(_OPENING).concat(row.source).concat(":").concat(number)
    here = and_(moved.site_id == row.site_id, moved.key == key)
    query = (
        select(row.diner_id, row.source, row.amount, moved.amount)
        .outerjoin(moved.id.table, here)
        .where(
            or_(
                moved.id.is_(None), moved.amount != row.amount, moved.taker_id != row.diner_id,
                moved.taker != row.source,
            )
        )
        .order_by(row.diner_id, row.source)
    )  # fmt: skip
    for diner_id, source, told, fen in rows(session, query):
        what = f"is of {told} fen, {fen or 0} were moved"
        yield Fault(f"opening {source} balance of diner {diner_id}", what, "opening")
    orphans = (
        select(moved.id, moved.key)
        .outerjoin(row, here)
        .where(moved.key.startswith(_OPENING, autoescape=True), row.diner_id.is_(None))
        .order_by(moved.id)
    )
    for transfer_id, name in rows(session, orphans):
        what = "opened a wallet of which no opening balance is known"
        yield Fault(f"transfer {transfer_id} ({name})", what, "opening")
