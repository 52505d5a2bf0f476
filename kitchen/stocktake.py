"""Stocktake (盘点): lots are counted while the kitchen goes on issuing.

Every line keeps what the book said at the moment of counting. What is issued before or after
falsifies nothing: only the difference of that moment is booked, after a second person's yes.
"""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import divide_half_up
from dafan.quantity import LARGEST
from kitchen import lots, rows, stock_book
from kitchen.lots import Lot
from kitchen.picking import share
from kitchen.rows import KeyedRow, SamePersonError
from kitchen.stock_book import (
    MAIN,
    SOMETHING_LEFT,
    Act,
    Kind,
    Move,
    NotEnoughStockError,
    StockEntry,
    StockLevel,
    levels_of,
)
from kitchen.stock_requests import Asked, Judged

OPEN = "open"


class StocktakeError(BadInputError):
    """The stocktake is not open any more, or is none of this site."""

    code = "stocktake"


class Stocktake(Judged, KeyedRow):
    """One counting of a place."""

    __tablename__ = "stocktake"
    __table_args__ = (UniqueConstraint("site_id", "key"),)

    business_date: Mapped[date]
    place: Mapped[str] = mapped_column(String(40))
    opened_by: Mapped[str] = mapped_column(String(80))
    opened_at: Mapped[datetime]


class StocktakeLine(Base):
    """What was counted of a lot, and what the book said at that moment."""

    __tablename__ = "stocktake_line"
    __table_args__ = (Index("ix_stocktake_line_lot", "site_id", "lot_id"),)

    stocktake_id: Mapped[UUID] = mapped_column(ForeignKey("stocktake.id"), primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lot.id"), primary_key=True)
    site_id: Mapped[UUID]
    counted: Mapped[int]
    level: Mapped[int]
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]

    @property
    def difference(self) -> int:
        """More than zero: there was more than the book says."""
        return self.counted - self.level


def begin(session: Session, actor: Acting, *, key: str, day: date, place: str = MAIN) -> Stocktake:
    """Open a stocktake of a place; nothing is frozen. The same key again gives the same one.

    Raises:
        KeyReusedError: the key opened one of another place or day.
        BadInputError: no key.
    """
    made = Stocktake(
        id=new_id(), site_id=actor.site_id, business_date=day, place=place, state=OPEN, key=key,
        opened_by=actor.name[:80], opened_at=actor.at,
    )  # fmt: skip
    stocktake, new = rows.insert_once(session, made, ("place", "business_date"))
    if new:
        actor.record(session, "stocktake.begin", str(stocktake.id), None, {"place": place})
    return stocktake


def count(
    session: Session,
    actor: Acting,
    stocktake_id: UUID,
    lot_id: UUID,
    counted: int,
    *,
    seen: str | None = None,
) -> StocktakeLine:
    """Write down what lies there of a lot; counted again, the newer figure holds.

    Args:
        session: Writing.
        actor: Who counts.
        stocktake_id: An open one of the site.
        lot_id: Of the site.
        counted: In the ingredient's measure.
        seen: The moment of the count (ISO) that the page showed, empty where it showed none; by it
            a form that is sent twice is told from a second count. Left out: count anew.

    Raises:
        StocktakeError: the stocktake is not open.
        UnknownLotError: not a lot of this site.
        BadInputError: no quantity.
    """
    if not 0 <= counted <= LARGEST:
        raise BadInputError(f"{counted} cannot be counted: between 0 and {LARGEST}")
    stocktake = get(session, actor.site_id, stocktake_id, lock=True)
    if stocktake.state != OPEN:
        raise StocktakeError("this stocktake is not open any more: begin another one")
    lot = lots.get(session, actor.site_id, lot_id, lock=True)
    level = levels_of(session, actor.site_id, [lot.id]).get((lot.id, stocktake.place))
    line = session.get(StocktakeLine, (stocktake.id, lot.id))
    if line is not None and seen is not None and line.at.isoformat() != seen:
        if (line.counted, line.by) == (counted, actor.name[:80]):
            return line
        raise StocktakeError("somebody has counted this lot meanwhile: look at it again")
    before = None if line is None else {"counted": line.counted, "level": line.level}
    if line is None:
        line = StocktakeLine(stocktake_id=stocktake.id, lot_id=lot.id, site_id=actor.site_id)
        session.add(line)
    line.counted, line.level = counted, level.quantity if level else 0
    line.by, line.at = actor.name[:80], actor.at
    session.flush()
    actor.record(
        session, "stocktake.count", str(stocktake.id), before,
        {"lot": lot.number, "counted": counted, "level": line.level},
    )  # fmt: skip
    return line


def lines(session: Session, site_id: UUID, stocktake_id: UUID) -> Sequence[StocktakeLine]:
    """What has been counted, by lot."""
    query = select(StocktakeLine).where(
        StocktakeLine.site_id == site_id, StocktakeLine.stocktake_id == stocktake_id
    )
    return session.scalars(query.order_by(StocktakeLine.lot_id)).all()


def uncounted(session: Session, site_id: UUID, stocktake_id: UUID) -> Sequence[Lot]:
    """Lots that the book has at the place and nobody has counted yet; they stay as they are."""
    stocktake = get(session, site_id, stocktake_id)
    done = select(StocktakeLine.lot_id).where(StocktakeLine.stocktake_id == stocktake_id)
    query = (
        select(Lot)
        .join(StockLevel, (StockLevel.lot_id == Lot.id) & (StockLevel.site_id == Lot.site_id))
        .where(
            Lot.site_id == site_id,
            StockLevel.place == stocktake.place,
            SOMETHING_LEFT,
            Lot.id.not_in(done),
        )
    )
    return session.scalars(query.order_by(Lot.zone, Lot.number)).all()


def ask(session: Session, actor: Acting, stocktake_id: UUID) -> Stocktake:
    """End the counting and ask for a second person's yes.

    Raises:
        StocktakeError: it is not open, or nothing was counted.
    """
    stocktake = get(session, actor.site_id, stocktake_id, lock=True)
    if (stocktake.state, stocktake.asked_by) == (Asked.ASKED.value, actor.name[:80]):
        return stocktake
    if stocktake.state != OPEN or not lines(session, actor.site_id, stocktake_id):
        raise StocktakeError("this stocktake is not open any more, or nothing was counted")
    stocktake.state = Asked.ASKED.value
    stocktake.asked_by, stocktake.asked_at = actor.name[:80], actor.at
    actor.record(
        session, "stocktake.ask", str(stocktake.id), {"state": OPEN}, {"state": stocktake.state}
    )  # fmt: skip
    return stocktake


def approve(
    session: Session, actor: Acting, stocktake_id: UUID, *, day: date
) -> Sequence[StockEntry]:
    """Say yes, and book the differences, all of them or none.

    Raises:
        StocktakeError: not one of this site.
        DecidedError: it is judged, or not asked for yet.
        SamePersonError: the actor asked for it, or counted a line of it.
        NotEnoughStockError: so much was issued since that a loss cannot have been: count again.
    """
    stocktake = get(session, actor.site_id, stocktake_id, lock=True)
    if stocktake.said(actor, Asked.APPROVED):
        return stock_book.moved(session, actor.site_id, f"stocktake:{stocktake.id}")
    counted = lines(session, actor.site_id, stocktake_id)
    if any(line.by == actor.name for line in counted):
        raise SamePersonError("who counted cannot approve the differences")
    act = Act(
        f"stocktake:{stocktake.id}", day, Kind.COUNT, ("stocktake", stocktake.id),
        asked_by=stocktake.asked_by,
    )  # fmt: skip
    with session.begin_nested():  # the yes and what it books, or neither
        stocktake.judge(actor, Asked.APPROVED)
        moves = [_move(session, stocktake, line) for line in counted if line.difference]
        entries = stock_book.write(session, actor, act, moves, {}) if moves else []
    actor.record(
        session, "stocktake.approve", str(stocktake.id), {"state": Asked.ASKED.value},
        {"state": stocktake.state, "fen": sum(move.cost for move in moves)},
    )  # fmt: skip
    return entries


def refuse(session: Session, actor: Acting, stocktake_id: UUID, why: str) -> Stocktake:
    """Say no; nothing is booked, and it is counted again in another stocktake.

    Raises:
        StocktakeError: not one of this site.
        DecidedError: it is judged, or not asked for yet.
        SamePersonError: the actor asked for it himself.
        BadInputError: no reason is given.
    """
    stocktake = get(session, actor.site_id, stocktake_id, lock=True)
    if stocktake.said(actor, Asked.REFUSED):
        return stocktake
    stocktake.judge(actor, Asked.REFUSED, why)
    actor.record(
        session, "stocktake.refuse", str(stocktake.id), {"state": Asked.ASKED.value},
        {"state": stocktake.state, "why": stocktake.judgement},
    )  # fmt: skip
    return stocktake


def get(session: Session, site_id: UUID, stocktake_id: UUID, *, lock: bool = False) -> Stocktake:
    """A stocktake of the site.

    Raises:
        StocktakeError: not one of this site.
    """
    query = select(Stocktake).where(Stocktake.site_id == site_id, Stocktake.id == stocktake_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    stocktake = session.scalar(query)
    if stocktake is None:
        raise StocktakeError("there is no such stocktake here")
    return stocktake


def latest(
    session: Session, site_id: UUID, *, before: UUID | None = None, limit: int = 30
) -> Sequence[Stocktake]:
    """Stocktakes, the newest first, from behind the one ``before``."""
    query = select(Stocktake).where(Stocktake.site_id == site_id)
    if before is not None:
        query = query.where(Stocktake.id < before)
    return session.scalars(query.order_by(Stocktake.id.desc()).limit(max(1, min(limit, 500)))).all()


def waiting(session: Session, site_id: UUID) -> Sequence[Stocktake]:
    """Whose differences wait for a second person, the oldest first."""
    query = select(Stocktake).where(
        Stocktake.site_id == site_id, Stocktake.state == Asked.ASKED.value
    )
    return session.scalars(query.order_by(Stocktake.id)).all()


def line(session: Session, site_id: UUID, stocktake_id: UUID, lot_id: UUID) -> StocktakeLine | None:
    """What was counted of a lot; none where nobody has counted it."""
    found = session.get(StocktakeLine, (stocktake_id, lot_id))
    return found if found is not None and found.site_id == site_id else None


def worth(session: Session, stocktake: Stocktake) -> int:
    """Fen of all differences by the cost at which each lot came in: what a judge looks at."""
    query = (
        select(StocktakeLine, Lot)
        .join(Lot, (Lot.id == StocktakeLine.lot_id) & (Lot.site_id == StocktakeLine.site_id))
        .where(
            StocktakeLine.site_id == stocktake.site_id, StocktakeLine.stocktake_id == stocktake.id
        )
    )
    return sum(
        divide_half_up(lot.cost * found.difference, lot.quantity)
        for found, lot in session.execute(query)
    )


def _move(session: Session, stocktake: Stocktake, line: StocktakeLine) -> Move:
    """A loss takes its share of what is there; a find costs as much a gram as the rest."""
    lot = lots.get(session, stocktake.site_id, line.lot_id, lock=True)
    level = levels_of(session, lot.site_id, [lot.id]).get((lot.id, stocktake.place))
    quantity, cost = (level.quantity, level.cost) if level else (0, 0)
    change = line.difference
    if quantity + change < 0:
        raise NotEnoughStockError(
            f"lot {lot.number} has only {quantity} left, {-change} were missing: count it again"
        )
    if change < 0:
        return Move(lot, stocktake.place, change, -share(cost, quantity, -change))
    whole = (cost, quantity) if quantity else (lot.cost, lot.quantity)
    fen = divide_half_up(whole[0] * change, whole[1])
    return Move(lot, stocktake.place, change, fen)
