"""Pay-outs (离开结清): the accounts of one who has left go to zero, his own money back to him."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Source
from server.books.accounts import AccountKind
from server.books.approvals import Request, State

ALONE = Fen(50_000)
"""Up to 500 yuan one person pays out alone; above it, a second one approves."""

WAYS = {"cash": AccountKind.CASH_DESK, "bank": AccountKind.BANK}
"""How his own money comes back to him → the site's account that pays."""


class UnknownPayOutError(BadInputError):
    """The site has no such pay-out."""

    code = "unknown_pay_out"


class PayOut(Request, Base):
    """The accounts of a diner are brought to zero."""

    __tablename__ = "pay_out"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_pay_out_site_id_id", "site_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    key: Mapped[str] = mapped_column(String(120))
    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), index=True)
    cash: Mapped[int]
    """Fen in his own wallet when it was asked for; in debt below zero."""
    subsidy: Mapped[int]
    """Fen in his subsidy wallet when it was asked for."""
    way: Mapped[str] = mapped_column(String(8))
    """A key of :data:`WAYS`."""
    transfer_id: Mapped[UUID | None]
    """Set when the money has moved."""


@dataclass(frozen=True, slots=True)
class Settled:
    """How two balances come to zero.

    Attributes:
        paid: Fen that he gets; below zero: what he has to pay.
        returned: Fen of unspent subsidy that go back to the fund.
    """

    paid: Fen
    returned: Fen


def settle(balances: Mapping[Source, Fen]) -> Settled:
    """His own money is his; unspent subsidy is the site's; a subsidy in debt he pays himself."""
    cash, subsidy = balances[Source.CASH], balances[Source.SUBSIDY]
    return Settled(Fen(cash + min(subsidy, 0)), Fen(max(subsidy, 0)))


def needs_second(settled: Settled) -> bool:
    """Whether a second person has to approve."""
    return settled.paid > ALONE


def get(session: Session, site_id: UUID, pay_out_id: UUID, *, lock: bool = False) -> PayOut:
    """A pay-out of the site.

    Raises:
        UnknownPayOutError: not one of this site.
    """
    query = select(PayOut).where(PayOut.site_id == site_id, PayOut.id == pay_out_id)
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise UnknownPayOutError("there is no such pay-out here: look at the list")
    return found


def by_key(session: Session, site_id: UUID, key: str) -> PayOut | None:
    """The pay-out that this form asked for before."""
    return session.scalar(select(PayOut).where(PayOut.site_id == site_id, PayOut.key == key))


def waiting_of(session: Session, diner_id: UUID) -> PayOut | None:
    """The pay-out of this diner that waits for a second person."""
    query = select(PayOut).where(PayOut.diner_id == diner_id, PayOut.state == State.ASKED.value)
    return session.scalar(query.order_by(PayOut.id.desc()).limit(1))


def page(
    session: Session, site_id: UUID, *, before: UUID | None = None, limit: int = 50
) -> Sequence[PayOut]:
    """The site's pay-outs, the latest first, from before one on."""
    query = select(PayOut).where(PayOut.site_id == site_id)
    if before is not None:
        query = query.where(PayOut.id < before)
    return session.scalars(query.order_by(PayOut.id.desc()).limit(limit)).all()
