"""Proof of the money: transfers balance, accounts are their postings, sales are posted once."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from dafan.journal import Fault
from server.books.accounts import Account, AccountKind
from server.books.proving import dashed, pairs, rows
from server.books.sales import Sale, SaleLine
from server.books.transfers import Posting, Transfer

_FUND, _DESK, _BANK, _GATEWAY = (
    kind.value
    for kind in (
        AccountKind.SUBSIDY_FUND, AccountKind.CASH_DESK, AccountKind.BANK, AccountKind.GATEWAY,
    )
)  # fmt: skip
_CASH, _SUBSIDY = AccountKind.CASH.value, AccountKind.SUBSIDY.value
_DRAWER, _DIFFERENCE = AccountKind.DRAWER.value, AccountKind.DIFFERENCE.value
_CLEARING = AccountKind.CLEARING.value
_SITES_OWN = (_FUND, _DESK, _BANK, _GATEWAY)

TWO_LEGGED = {
    "top_up": ((_DESK, _CASH), (_FUND, _SUBSIDY)),
    "bank": ((_BANK, _CASH),),
    "gateway": ((_GATEWAY, _CASH),),
    "gateway_refund": ((_CASH, _GATEWAY),),
    "top_up_reversal": ((_CASH, _DESK),),
    "subsidy": ((_FUND, _SUBSIDY),),
    "expiry": ((_SUBSIDY, _FUND),),
    "wallet_move": ((_CASH, _CASH),),
    "cash_diff": ((_DRAWER, _DIFFERENCE), (_DIFFERENCE, _DRAWER)),
    "settlement": ((_CLEARING, _CLEARING),),
}
"""Kind of transfer → kinds of the accounts that give and take."""
MANY_LEGGED = ("sale", "void", "refund", "pay_out")


def transfers(session: Session) -> Iterator[Fault]:
    """The postings of each transfer sum to zero, are as many as its kind has, and belong to one."""
    summed = func.coalesce(func.sum(Posting.amount), 0)
    legs = func.count(Posting.account_id)
    query = (
        select(Transfer.id, Transfer.key, summed, legs)
        .outerjoin(Posting, Posting.transfer_id == Transfer.id)
        .group_by(Transfer.id, Transfer.key, Transfer.kind)
        .having(or_(summed != 0, legs < 2, and_(legs != 2, Transfer.kind.in_(list(TWO_LEGGED)))))
    )
    for transfer_id, key, total, count in rows(session, query):
        what = f"its {count} postings sum to {total} fen: a posting was altered, added or deleted"
        yield Fault(f"transfer {transfer_id} ({key})", what, "transfer")
    orphans = (
        select(Posting.transfer_id)
        .outerjoin(Transfer, Transfer.id == Posting.transfer_id)
        .where(Transfer.id.is_(None))
    )
    for (transfer_id,) in rows(session, orphans):
        yield Fault(f"transfer {transfer_id}", "has postings, but was deleted itself", "transfer")


def accounts(session: Session) -> Iterator[Fault]:
    """Each balance is the sum of its postings; all together hold nothing."""
    posted = (
        select(Posting.account_id.label("id"), func.sum(Posting.amount).label("fen"))
        .group_by(Posting.account_id)
        .subquery()
    )
    fen = func.coalesce(posted.c.fen, 0)
    query = (
        select(Account.id, Account.kind, Account.owner_id, Account.balance, fen)
        .outerjoin(posted, posted.c.id == Account.id)
        .where(Account.balance != fen)
        .order_by(Account.id)
    )
    for account_id, kind, owner, balance, total in rows(session, query):
        what = f"its balance says {balance} fen, its postings sum to {total}"
        yield Fault(f"account {account_id} ({kind} of {owner})", what, "balance")
    totals = (
        select(Account.site_id, func.sum(Account.balance))
        .group_by(Account.site_id)
        .having(func.sum(Account.balance) != 0)
    )
    for site_id, total in rows(session, totals):
        what = f"all accounts together hold {total} fen instead of 0"
        yield Fault(f"site {site_id}", what, "balance")


def kinds(session: Session) -> Iterator[Fault]:
    """Every transfer is of a known kind, and moves between accounts of the kinds that it may."""
    unknown = (
        select(Transfer.id, Transfer.key, Transfer.kind)
        .where(Transfer.kind.not_in([*TWO_LEGGED, *MANY_LEGGED]))
        .order_by(Transfer.id)
    )
    for transfer_id, key, kind in rows(session, unknown):
        what = f"is of kind '{kind}', which nothing in this program moves money by"
        yield Fault(f"transfer {transfer_id} ({key})", what, "kind")
    moved = pairs(*TWO_LEGGED).c
    may = or_(
        *(
            and_(moved.kind == kind, moved.giver == giver, moved.taker == taker)
            for kind, allowed in TWO_LEGGED.items()
            for giver, taker in allowed
        )
    )
    strange = or_(
        *(
            and_(account.in_(_SITES_OWN), owner != moved.site_id)
            for account, owner in ((moved.giver, moved.giver_id), (moved.taker, moved.taker_id))
        )
    )
    query = select(moved.id, moved.key, moved.giver, moved.taker).where(or_(~may, strange))
    for transfer_id, key, giver, taker in rows(session, query.order_by(moved.id)):
        what = f"moved money from a {giver} to a {taker} account: not what its kind does"
        yield Fault(f"transfer {transfer_id} ({key})", what, "kind")


def sale_money(session: Session) -> Iterator[Fault]:
    """Each sale has a transfer of its own, whose postings are what the sale says, leg by leg."""
    sale, by = Sale, dashed(session, Sale.terminal_id)
    revenue = _posted(AccountKind.REVENUE, sale.venue_id)
    query = (
        select(sale.id, sale.total, revenue)
        .outerjoin(Transfer, Transfer.id == sale.transfer_id)
        .outerjoin(Posting, Posting.transfer_id == Transfer.id)
        .outerjoin(Account, Account.id == Posting.account_id)
        .group_by(
            sale.id, sale.terminal_id, sale.total, sale.subsidy_paid, sale.cash_paid,
            sale.drawer_paid, sale.transfer_id, Transfer.kind, Transfer.key, Transfer.by,
        )
        .having(
            or_(
                revenue != sale.total,
                _posted(AccountKind.SUBSIDY, sale.diner_id) != -sale.subsidy_paid,
                _posted(AccountKind.CASH, sale.diner_id) != -sale.cash_paid,
                _posted(AccountKind.DRAWER, sale.terminal_id) != -sale.drawer_paid,
                and_(
                    sale.transfer_id.is_not(None),
                    or_(
                        Transfer.kind.is_distinct_from("sale"), Transfer.by != by,
                        Transfer.key != literal("sale:").concat(dashed(session, sale.id)),
                    ),
                ),
            )
        )
    )  # fmt: skip
    for sale_id, total, posted in rows(session, query):
        what = f"it says {total} fen, {posted} are posted as revenue: see its transfer and legs"
        yield Fault(f"sale {sale_id}", what, "sale_money")
    moved = select(func.count()).where(Transfer.kind == "sale")
    if session.scalar(moved) != session.scalar(select(func.count(sale.transfer_id))):
        orphans = (
            select(Transfer.id, Transfer.key)
            .outerjoin(sale, sale.transfer_id == Transfer.id)
            .where(Transfer.kind == "sale", sale.id.is_(None))
        )
        for transfer_id, key in rows(session, orphans):
            what = "moved money for a sale that is missing"
            yield Fault(f"transfer {transfer_id} ({key})", what, "sale_money")


def _posted(
    kind: AccountKind, owner: InstrumentedAttribute[Any] | ColumnElement[Any]
) -> ColumnElement[int]:
    mine = and_(Account.kind == kind.value, Account.owner_id == owner)
    return func.coalesce(func.sum(Posting.amount).filter(mine), 0)


def sale_lines(session: Session) -> Iterator[Fault]:
    """The lines of a sale sum to its price before discount: by them it is refunded."""
    summed = func.coalesce(func.sum(SaleLine.amount), 0)
    query = (
        select(Sale.id, Sale.list_total, Sale.discount, Sale.total, summed)
        .outerjoin(
            SaleLine,
            and_(
                SaleLine.site_id == Sale.site_id,
                SaleLine.business_date == Sale.business_date,
                SaleLine.sale_id == Sale.id,
            ),
        )
        .group_by(
            Sale.site_id, Sale.business_date, Sale.id, Sale.list_total, Sale.discount, Sale.total
        )
        .having(or_(summed != Sale.list_total, Sale.list_total - Sale.discount != Sale.total))
    )
    for sale_id, listed, discount, total, lines in rows(session, query):
        what = f"its lines sum to {lines} fen; it says {listed} less {discount}: {total}"
        yield Fault(f"sale {sale_id}", what, "sale_lines")


def booked_fen(session: Session) -> dict[str, int]:
    """Terminal → the sum of what was posted for its sales, in fen."""
    posted = (
        select(Transfer.by.label("by"), func.sum(Posting.amount).label("total"))
        .join(Posting, Posting.transfer_id == Transfer.id)
        .join(Account, Account.id == Posting.account_id)
        .where(Transfer.kind == "sale", Account.kind == AccountKind.REVENUE.value)
        .group_by(Transfer.by)
    )
    return {by: int(total) for by, total in session.execute(posted)}
