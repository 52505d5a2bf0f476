"""Proof of the cash desk: receipts without a gap, reversals and pay-outs done once, openings."""

from collections.abc import Iterator

from sqlalchemy import and_, case, func, literal, or_, select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from server.books.accounts import Account, AccountKind
from server.books.approvals import State
from server.books.pay_outs import WAYS, PayOut
from server.books.proving import dashed, no_row, pairs, rows
from server.books.receipts import Reversal, TopUpReceipt
from server.books.transfers import Posting, Transfer


def receipts(session: Session) -> Iterator[Fault]:
    """Numbers follow each other within each day, and each receipt is of one top-up."""
    receipt = TopUpReceipt
    last = func.lag(receipt.no).over(
        partition_by=(receipt.site_id, receipt.business_date), order_by=receipt.no
    )
    before = func.coalesce(last, 0)
    numbered = select(
        receipt.site_id, receipt.business_date, receipt.no, before.label("before")
    ).subquery()
    query = (
        select(numbered)
        .where(numbered.c.no != numbered.c.before + 1)
        .order_by(numbered.c.site_id, numbered.c.business_date, numbered.c.no)
    )
    for site_id, on, no, known in rows(session, query):
        where = f"receipt {on:%Y%m%d}-{no:04d} of site {site_id}"
        yield Fault(where, f"follows number {known}: receipts between are missing", "receipt_gap")
    paid = pairs("top_up")
    wrong = (
        select(receipt.site_id, receipt.business_date, receipt.no, receipt.amount, paid.c.amount)
        .outerjoin(paid, paid.c.id == receipt.transfer_id)
        .where(
            or_(
                paid.c.id.is_(None), paid.c.site_id != receipt.site_id,
                paid.c.business_date != receipt.business_date, paid.c.amount != receipt.amount,
                paid.c.giver != AccountKind.CASH_DESK.value, paid.c.taker_id != receipt.diner_id,
            )
        )
        .order_by(receipt.site_id, receipt.business_date, receipt.no)
    )  # fmt: skip
    for site_id, on, no, fen, moved in rows(session, wrong):
        where = f"receipt {on:%Y%m%d}-{no:04d} of site {site_id}"
        what = f"says {fen} fen, its top-up moved {moved or 0}, or on another day or for another"
        yield Fault(where, what, "receipt")
    yield from _without_receipt(session)


def _without_receipt(session: Session) -> Iterator[Fault]:
    """Top-ups of the cash desk since a site writes receipts; opening balances need none."""
    since = (
        select(TopUpReceipt.site_id, func.min(TopUpReceipt.at).label("at"))
        .group_by(TopUpReceipt.site_id)
        .subquery()
    )
    paid = pairs("top_up")
    query = (
        select(paid.c.id, paid.c.key)
        .join(Transfer, Transfer.id == paid.c.id)
        .join(since, since.c.site_id == paid.c.site_id)
        .outerjoin(TopUpReceipt, TopUpReceipt.transfer_id == paid.c.id)
        .where(
            TopUpReceipt.transfer_id.is_(None), paid.c.giver == AccountKind.CASH_DESK.value,
            Transfer.at >= since.c.at, paid.c.key.not_like("top\\_up:opening:%", escape="\\"),
        )
        .order_by(paid.c.id)
    )  # fmt: skip
    for transfer_id, key in rows(session, query):
        yield Fault(f"transfer {transfer_id} ({key})", "has no receipt", "receipt")


def reversals(session: Session) -> Iterator[Fault]:
    """A reversal that is done took the receipt's money back once; no other one took any."""
    taken = pairs("top_up_reversal")
    done = Reversal.state == State.DONE.value
    key = literal("top_up_reversal:").concat(dashed(session, Reversal.receipt_id))
    query = (
        select(Reversal.id, Reversal.state, taken.c.amount)
        .join(TopUpReceipt, TopUpReceipt.transfer_id == Reversal.receipt_id)
        .outerjoin(taken, taken.c.id == Reversal.transfer_id)
        .where(
            case(
                (
                    done,
                    or_(
                        taken.c.id.is_(None), taken.c.amount != TopUpReceipt.amount,
                        taken.c.giver_id != TopUpReceipt.diner_id, taken.c.key != key,
                        taken.c.site_id != Reversal.site_id,
                    ),
                ),
                else_=Reversal.transfer_id.is_not(None),
            )
        )
        .order_by(Reversal.id)
    )  # fmt: skip
    for reversal_id, state, fen in rows(session, query):
        what = f"is {state}, its transfer took {fen or 0} fen: not what its receipt says"
        yield Fault(f"reversal {reversal_id}", what, "reversal")
    for transfer_id, moved in no_row(session, "top_up_reversal", Reversal.transfer_id):
        what = "took a top-up back that nobody has reversed"
        yield Fault(f"transfer {transfer_id} ({moved})", what, "reversal")


def pay_outs(session: Session) -> Iterator[Fault]:
    """A pay-out that is done brought his two wallets to zero, as it says; no other moved any."""
    row, owner = PayOut, Account.owner_id
    own = (AccountKind.CASH, row.diner_id), (AccountKind.SUBSIDY, row.diner_id)
    sites = (
        (AccountKind(each), row.site_id) for each in (AccountKind.SUBSIDY_FUND, *WAYS.values())
    )
    cash, subsidy, fund, desk, bank = (
        func.coalesce(
            func.sum(Posting.amount).filter(and_(Account.kind == kind.value, owner == whose)), 0
        )
        for kind, whose in (*own, *sites)
    )
    debt = case((row.subsidy < 0, row.subsidy), else_=0)
    paid = row.cash + debt
    in_cash = row.way == "cash"
    key = literal("pay_out:").concat(dashed(session, row.id))
    query = (
        select(row.id, row.state, row.cash, row.subsidy, desk + bank)
        .outerjoin(Transfer, Transfer.id == row.transfer_id)
        .outerjoin(Posting, Posting.transfer_id == Transfer.id)
        .outerjoin(Account, Account.id == Posting.account_id)
        .group_by(
            row.id, row.state, row.cash, row.subsidy, row.way, row.transfer_id, row.diner_id,
            row.site_id, Transfer.key,
        )
        .having(
            case(
                (
                    row.state == State.DONE.value,
                    or_(
                        Transfer.key.is_distinct_from(key), cash != -row.cash,
                        subsidy != -row.subsidy, fund != row.subsidy - debt,
                        desk != case((in_cash, paid), else_=0),
                        bank != case((in_cash, 0), else_=paid),
                    ),
                ),
                else_=row.transfer_id.is_not(None),
            )
        )
        .order_by(row.id)
    )  # fmt: skip
    for pay_out_id, state, held, granted, out in rows(session, query):
        what = f"is {state} for {held} fen and {granted} of subsidy; its transfer paid out {out}"
        yield Fault(f"pay-out {pay_out_id}", what, "pay_out")
    for transfer_id, moved in no_row(session, "pay_out", row.transfer_id):
        what = "settled accounts for a pay-out that is missing"
        yield Fault(f"transfer {transfer_id} ({moved})", what, "pay_out")
