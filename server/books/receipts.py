"""Receipts of top-ups (充值收据): numbered a day, printed and printed again, reversed once."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from server.books.approvals import Request, State
from server.books.transfers import Transfer


class UnknownReceiptError(BadInputError):
    """The site has no such receipt, or no such reversal of one."""

    code = "unknown_receipt"


class TopUpReceipt(Base):
    """What the diner gets for the money that he paid at the cash desk."""

    __tablename__ = "top_up_receipt"
    __table_args__ = (
        UniqueConstraint("site_id", "business_date", "no"),
        Index("ix_top_up_receipt_site_id_transfer_id", "site_id", "transfer_id"),
    )

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    business_date: Mapped[date]
    no: Mapped[int]
    """Its place among the day's receipts."""
    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), index=True)
    amount: Mapped[int]
    balance: Mapped[int]
    """Fen in the wallet right after the top-up."""
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
    memo: Mapped[str] = mapped_column(String(200), default="")
    prints: Mapped[int] = mapped_column(default=0)

    @property
    def number(self) -> str:
        """As printed: ``20260302-0007``."""
        return f"{self.business_date:%Y%m%d}-{self.no:04d}"


class Reversal(Request, Base):
    """Somebody says that a top-up was a mistake."""

    __tablename__ = "top_up_reversal"
    __table_args__ = (Index("ix_top_up_reversal_site_id_id", "site_id", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("top_up_receipt.transfer_id"), index=True)
    transfer_id: Mapped[UUID | None]
    """Set when the money has gone back."""


def write(session: Session, transfer: Transfer, diner_id: UUID, amount: Fen, balance: Fen) -> None:
    """Write the receipt of a top-up, once.

    The account of the cash desk is locked by the transfer, so that numbers follow each other
    without a gap.

    Args:
        session: The transaction of the top-up.
        transfer: The top-up.
        diner_id: Who paid.
        amount: What he paid.
        balance: What his wallet holds now.
    """
    if session.get(TopUpReceipt, transfer.id) is not None:
        return
    site_id, day = transfer.site_id, transfer.business_date
    last = session.scalar(
        select(func.max(TopUpReceipt.no)).where(
            TopUpReceipt.site_id == site_id, TopUpReceipt.business_date == day
        )
    )
    receipt = TopUpReceipt(
        transfer_id=transfer.id, site_id=site_id, business_date=day, no=(last or 0) + 1,
        diner_id=diner_id, amount=amount, balance=balance, at=transfer.at, by=transfer.by,
        memo=transfer.memo, prints=0,
    )  # fmt: skip
    session.add(receipt)
    session.flush()


def get(session: Session, site_id: UUID, receipt_id: UUID, *, lock: bool = False) -> TopUpReceipt:
    """A receipt of the site.

    Raises:
        UnknownReceiptError: not one of this site.
    """
    query = select(TopUpReceipt).where(
        TopUpReceipt.site_id == site_id, TopUpReceipt.transfer_id == receipt_id
    )
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise UnknownReceiptError("there is no such receipt here: look at the list of top-ups")
    return found


def page(
    session: Session, site_id: UUID, *, before: UUID | None = None, limit: int = 50
) -> Sequence[TopUpReceipt]:
    """The site's receipts, the latest first, from before one on."""
    query = select(TopUpReceipt).where(TopUpReceipt.site_id == site_id)
    if before is not None:
        query = query.where(TopUpReceipt.transfer_id < before)
    return session.scalars(query.order_by(TopUpReceipt.transfer_id.desc()).limit(limit)).all()


def reversals(session: Session, receipt_ids: Sequence[UUID]) -> dict[UUID, Reversal]:
    """Receipt → its latest reversal, asked for, done or refused."""
    query = select(Reversal).where(Reversal.receipt_id.in_(receipt_ids)).order_by(Reversal.id)
    return {row.receipt_id: row for row in session.scalars(query)}


def waiting(session: Session, site_id: UUID, limit: int = 50) -> Sequence[Reversal]:
    """Reversals that wait for a second person, the oldest first."""
    query = select(Reversal).where(Reversal.site_id == site_id, Reversal.state == State.ASKED.value)
    return session.scalars(query.order_by(Reversal.id).limit(limit)).all()


def get_reversal(session: Session, site_id: UUID, reversal_id: UUID) -> Reversal:
    """A reversal of the site, locked until the transaction ends.

    Raises:
        UnknownReceiptError: not one of this site.
    """
    query = select(Reversal).where(Reversal.site_id == site_id, Reversal.id == reversal_id)
    found = session.scalar(query.with_for_update())
    if found is None:
        raise UnknownReceiptError("there is no such reversal here: look at the list of top-ups")
    return found
