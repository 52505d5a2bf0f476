"""What `dafan verify` asks of refunds: sale, lines and money agree, and nothing goes back twice."""

from collections.abc import Iterator

from sqlalchemy import and_, case, func, literal, or_, select
from sqlalchemy.orm import Session

from dafan.journal import Fault
from server.books.accounts import WALLETS, Account, AccountKind
from server.books.proving import dashed, rows
from server.books.refunds import STANDING, Kind, Refund, RefundLine, State
from server.books.sales import Sale, SaleLine
from server.books.transfers import Posting, Transfer


def faults(session: Session) -> Iterator[Fault]:
    """Refunds that do not agree with their sale, their lines or their money."""
    yield from _sales(session)
    yield from _lines(session)
    yield from _money(session)
    yield from _names(session)


def _sales(session: Session) -> Iterator[Fault]:
    """No sale gives back more than it took, and its row says what went back."""
    approved = case((Refund.state == State.APPROVED.value, Refund.total), else_=0)
    voids = case((Refund.kind == Kind.VOID.value, 1), else_=0)
    sums = (
        select(
            Refund.site_id, Refund.sale_date, Refund.sale_id,
            func.sum(approved).label("back"), func.sum(Refund.total).label("standing"),
            func.sum(voids).label("voids"),
        )
        .where(Refund.state.in_(STANDING))
        .group_by(Refund.site_id, Refund.sale_date, Refund.sale_id)
        .subquery()
    )  # fmt: skip
    back = func.coalesce(sums.c.back, 0)
    whole = case(((sums.c.voids > 0) | ((back == Sale.total) & (back > 0)), True), else_=False)
    query = (
        select(Sale.id, Sale.total, Sale.refunded, back, sums.c.standing, sums.c.voids)
        .outerjoin(
            sums,
            (sums.c.site_id == Sale.site_id)
            & (sums.c.sale_date == Sale.business_date)
            & (sums.c.sale_id == Sale.id),
        )
        .where(
            or_(
                Sale.refunded != back, Sale.cancelled != whole, sums.c.standing > Sale.total,
                sums.c.voids > 1,
            )
        )
    )  # fmt: skip
    for sale_id, total, refunded, given, stands, voids_of in rows(session, query):
        yield Fault(
            f"sale {sale_id}",
            f"of its {total} fen it says that {refunded} went back; its refunds give back {given},"
            f" {stands or 0} with those that wait, in {voids_of or 0} voids and the rest refunds",
        )
    orphans = (
        select(Refund.id, Refund.sale_id)
        .outerjoin(
            Sale,
            (Sale.site_id == Refund.site_id)
            & (Sale.business_date == Refund.sale_date)
            & (Sale.id == Refund.sale_id),
        )
        .where(Sale.id.is_(None))
    )
    for refund_id, sale_id in rows(session, orphans):
        yield Fault(f"refund {refund_id}", f"belongs to sale {sale_id}, which is not in the books")


def _lines(session: Session) -> Iterator[Fault]:
    """The lines of a refund add up to it, and no line of a sale gives back more than it sold."""
    summed = func.coalesce(func.sum(RefundLine.amount), 0)
    query = (
        select(Refund.id, Refund.total, summed)
        .outerjoin(RefundLine, RefundLine.refund_id == Refund.id)
        .group_by(
            Refund.id, Refund.total, Refund.subsidy_back, Refund.cash_back, Refund.drawer_back
        )
        .having(
            or_(
                summed != Refund.total,
                Refund.total != Refund.subsidy_back + Refund.cash_back + Refund.drawer_back,
            )
        )
    )
    for refund_id, total, lines in rows(session, query):
        yield Fault(
            f"refund {refund_id}", f"its lines or its sources sum to {lines} fen, it says {total}"
        )
    pieces, amount = func.sum(RefundLine.quantity), func.sum(RefundLine.amount)
    over = (
        select(Refund.sale_id, RefundLine.no, pieces, amount, SaleLine.quantity, SaleLine.amount)
        .join(RefundLine, RefundLine.refund_id == Refund.id)
        .outerjoin(
            SaleLine,
            (SaleLine.site_id == Refund.site_id)
            & (SaleLine.business_date == Refund.sale_date)
            & (SaleLine.sale_id == Refund.sale_id)
            & (SaleLine.no == RefundLine.no),
        )
        .where(Refund.state.in_(STANDING))
        .group_by(Refund.sale_id, RefundLine.no, SaleLine.quantity, SaleLine.amount)
        .having(
            or_(SaleLine.quantity.is_(None), pieces > SaleLine.quantity, amount > SaleLine.amount)
        )
    )
    for sale_id, no, took, fen, quantity, sold in rows(session, over):
        yield Fault(
            f"line {no} of sale {sale_id}",
            f"its refunds take {took} pieces for {fen} fen, sold were {quantity or 0} for {sold}",
        )


def _money(session: Session) -> Iterator[Fault]:
    """Every approved refund moved exactly its money, to the diner who paid."""
    kinds = (
        AccountKind.SUBSIDY, AccountKind.CASH, AccountKind.DRAWER, AccountKind.CASH_DESK,
        AccountKind.REVENUE,
    )  # fmt: skip
    wallets = [kind.value for kind in WALLETS.values()]
    his = or_(Account.kind.not_in(wallets), Account.owner_id == Refund.diner_id)
    subsidy, cash, drawer, desk, revenue = (
        func.coalesce(func.sum(Posting.amount).filter(and_(Account.kind == kind.value, his)), 0)
        for kind in kinds
    )
    query = (
        select(Refund.id, Refund.total, Refund.state, revenue)
        .outerjoin(Posting, Posting.transfer_id == Refund.transfer_id)
        .outerjoin(Account, Account.id == Posting.account_id)
        .group_by(
            Refund.id, Refund.total, Refund.state, Refund.subsidy_back, Refund.cash_back,
            Refund.drawer_back, Refund.diner_id,
        )
        .having(
            case(
                (
                    Refund.state == State.APPROVED.value,
                    or_(
                        revenue != -Refund.total, subsidy != Refund.subsidy_back,
                        cash != Refund.cash_back, drawer + desk != Refund.drawer_back,
                    ),
                ),
                else_=func.count(Posting.account_id) > 0,
            )
        )
    )  # fmt: skip
    for refund_id, total, state, posted in rows(session, query):
        yield Fault(
            f"refund {refund_id}",
            f"it is {state} with {total} fen, {-posted} were taken from revenue: see its legs",
        )


def _names(session: Session) -> Iterator[Fault]:
    """Whatever moved as a void or refund did so for the one that its key names."""
    name = case(
        (
            Refund.kind == Kind.VOID.value,
            literal("void:").concat(dashed(session, Refund.sale_id)),
        ),
        else_=literal("refund:").concat(dashed(session, Refund.id)),
    )
    strange = (
        select(Transfer.id, Transfer.key)
        .outerjoin(Refund, Refund.transfer_id == Transfer.id)
        .where(
            Transfer.kind.in_([kind.value for kind in Kind]),
            or_(Refund.id.is_(None), Transfer.kind != Refund.kind, Transfer.key != name),
        )
        .order_by(Transfer.id)
    )
    for transfer_id, key in rows(session, strange):
        yield Fault(
            f"transfer {transfer_id} ({key})",
            "gave money back for a refund that is missing, or for another one",
        )
