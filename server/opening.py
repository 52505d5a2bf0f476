"""Opening balances: what a diner brings from the system before this one; booked once a wallet."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.money import Fen
from dafan.records import Source
from server.actor import Actor
from server.books import wallets


class OpeningBalance(Base):
    """A wallet was opened with an amount."""

    __tablename__ = "opening_balance"

    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), primary_key=True)
    source: Mapped[str] = mapped_column(String(8), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    amount: Mapped[int]
    booked_by: Mapped[str] = mapped_column(String(80))
    booked_at: Mapped[datetime]


def booked(session: Session, site_id: UUID) -> frozenset[tuple[UUID, Source]]:
    """The wallets of the site that were opened with an amount."""
    query = select(OpeningBalance.diner_id, OpeningBalance.source)
    rows = session.execute(query.where(OpeningBalance.site_id == site_id))
    return frozenset((diner_id, Source(source)) for diner_id, source in rows)


def book(session: Session, actor: Actor, amounts: Sequence[tuple[UUID, Source, Fen]]) -> None:
    """Book what wallets hold at the beginning; a second time changes nothing.

    Publish the diners afterwards.
    """
    done = booked(session, actor.site_id)
    new = [each for each in amounts if each[:2] not in done]
    for diner_id, source, amount in new:
        session.add(
            OpeningBalance(
                diner_id=diner_id,
                source=source.value,
                site_id=actor.site_id,
                amount=amount,
                booked_by=actor.name,
                booked_at=actor.at,
            )
        )
        actor.record(session, "wallet.open", str(diner_id), None, {source.value: amount})
    wallets.top_up_all(
        session, actor.site_id,
        [wallets.TopUp(diner, amount, f"opening:{source}:{diner}", source)
         for diner, source, amount in new],
        by=actor.name, at=actor.at, memo="期初余额",
    )  # fmt: skip
