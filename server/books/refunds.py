"""Refunds (退款) and voids (撤销): how much goes back, for which line, into which wallet.

A void takes a whole sale back on its own business date; a refund gives back a sale, or a part of
it, on any later day, and a second person approves it. Both never touch the sale's own postings:
they are movements of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Source
from server.many import PORTION, portions

# --- rules --------------------------------------------------------------------------------------


class Kind(StrEnum):
    """How money goes back."""

    VOID = "void"
    REFUND = "refund"


class State(StrEnum):
    """Where a refund stands; a void is approved from the beginning."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"


STANDING = (State.ASKED.value, State.APPROVED.value)
"""What counts against the sale: money that is back, and money that may go back any moment."""


class RefundError(BadInputError):
    """This much cannot go back, or not in this way."""

    code = "bad_refund"


def shares(amounts: Sequence[int], total: int) -> list[Fen]:
    """What each line really cost, after the discount of its sale.

    The total is shared out in proportion to the lines by largest remainder (最大余额法): every
    line gets its whole fen, and those that lost the most by rounding down get one more, the
    earlier line first. The shares add up to the total, and none is above its line.

    Args:
        amounts: Fen of each line before discount.
        total: Fen paid for all of them together, at most their sum.

    Raises:
        ValueError: an amount is below zero, or the total is not between zero and the sum.
    """
    whole = sum(amounts)
    if any(amount < 0 for amount in amounts) or not 0 <= total <= whole:
        raise ValueError("the total lies between zero and the sum of the lines")
    if whole == 0:
        return [Fen(0)] * len(amounts)
    found = [amount * total // whole for amount in amounts]
    lost = sorted(range(len(amounts)), key=lambda place: (-(amounts[place] * total % whole), place))
    for place in lost[: total - sum(found)]:
        found[place] += 1
    return [Fen(share) for share in found]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a sale as far as money can still go back for it.

    Attributes:
        no: Its place on the receipt.
        quantity: Pieces sold; a weighed line is one piece.
        share: Fen that all of them cost after the discount.
        taken: Pieces whose money is back already, or asked for.
        taken_fen: Fen of these.
    """

    no: int
    quantity: int
    share: Fen
    taken: int = 0
    taken_fen: Fen = Fen(0)  # noqa: RUF009 - a number

    @property
    def left(self) -> int:
        """Pieces whose money can still go back."""
        return self.quantity - self.taken

    @property
    def left_fen(self) -> Fen:
        """Fen of these."""
        return Fen(self.share - self.taken_fen)

    def of(self, pieces: int) -> Fen:
        """Fen that go back for so many more pieces; for the last ones, all that is left.

        Raises:
            RefundError: so many are not left.
        """
        if not 1 <= pieces <= self.left:
            raise RefundError(
                f"of line {self.no} at most {self.left} can still be refunded: choose fewer",
                code="over_line",
            )
        due = self.share * (self.taken + pieces) // self.quantity
        return Fen(max(due - self.taken_fen, 0))


def lines_left(
    sold: Sequence[tuple[int, int, int]], total: int, taken: Mapping[int, tuple[int, int]]
) -> list[Line]:
    """The lines of a sale with what can still go back for each.

    Args:
        sold: Number, quantity and fen before discount of each line.
        total: Fen paid for the sale.
        taken: Number → pieces and fen of standing refunds.
    """
    costs = shares([amount for *_, amount in sold], total)
    return [
        Line(no, quantity, share, taken.get(no, (0, 0))[0], Fen(taken.get(no, (0, 0))[1]))
        for (no, quantity, _), share in zip(sold, costs, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Pieces of a line whose money goes back, and how much it is."""

    no: int
    quantity: int
    amount: Fen


def choose(lines: Sequence[Line], wanted: Mapping[int, int] | None) -> list[Chosen]:
    """What goes back.

    Args:
        lines: As :func:`lines_left` gives them.
        wanted: Number of a line → pieces; ``None``: all that is left of the sale.

    Raises:
        RefundError: nothing is left or chosen, or more than is left.
    """
    if wanted is None:
        chosen = [Chosen(each.no, each.left, each.left_fen) for each in lines if each.left]
    else:
        known = {each.no: each for each in lines}
        if not wanted.keys() <= known.keys():
            raise RefundError("the sale has no such line: reload the page", code="over_line")
        chosen = [Chosen(no, pieces, known[no].of(pieces)) for no, pieces in wanted.items()]
    if not any(each.amount for each in chosen):
        raise RefundError(
            "nothing of this is left to refund: look at the sale's refunds", code="nothing_left"
        )
    return chosen


def split(amount: int, left: Mapping[Source, int]) -> dict[Source, Fen]:
    """Share out what goes back over where it came from, in reverse order of spending.

    What was spent last comes back first: coins, then the diner's own money, then subsidy.

    Args:
        amount: Fen that go back.
        left: Fen that each source paid and has not got back.

    Raises:
        ValueError: more than the sources paid.
    """
    found = {}
    rest = amount
    for source in reversed(Source):
        part = min(rest, left.get(source, 0))
        found[source] = Fen(part)
        rest -= part
    if rest:
        raise ValueError("more goes back than was paid")
    return found


# --- tables -------------------------------------------------------------------------------------


class Refund(Base):
    """Money that goes back for a sale. Site and date stand in the key, as the sale's do."""

    __tablename__ = "refund"
    __table_args__ = (
        UniqueConstraint("id"),
        UniqueConstraint("terminal_id", "seq"),
        Index("ix_refund_sale_id", "sale_id"),
        Index("ix_refund_site_id_state_id", "site_id", "state", "id"),
        Index("ix_refund_diner_id_terminal_id_seq", "diner_id", "terminal_id", "seq"),
    )

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    """The day on which it was asked for; of a void, the sale's."""
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    """Made when the form was opened, or by the till: pressing twice refunds once."""
    sale_id: Mapped[UUID]
    sale_date: Mapped[date]
    """The sale's business date, which finds it in its partition."""
    diner_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(8))
    total: Mapped[int]
    subsidy_back: Mapped[int]
    cash_back: Mapped[int]
    drawer_back: Mapped[int]
    """Coins: out of the till's drawer for a void, at the cash desk for a refund."""
    reason: Mapped[str] = mapped_column(String(200))
    asked_by: Mapped[str] = mapped_column(String(80))
    asked_at: Mapped[datetime]
    judged_by: Mapped[str | None] = mapped_column(String(80))
    judged_at: Mapped[datetime | None]
    judgement: Mapped[str] = mapped_column(String(200), default="")
    """Why it was refused."""
    terminal_id: Mapped[UUID | None]
    seq: Mapped[int | None]
    """The journal entry of a void that a till reported."""
    transfer_id: Mapped[UUID | None]
    """Nothing moves before approval, nor for a basket that cost nothing."""


class RefundLine(Base):
    """Pieces of one line of the sale."""

    __tablename__ = "refund_line"
    __table_args__ = (Index("ix_refund_line_refund_id", "refund_id"),)

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    """The refund's."""
    refund_id: Mapped[UUID] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    """The sale's line."""
    quantity: Mapped[int]
    amount: Mapped[int]


# --- what stands ---------------------------------------------------------------------------------


def of_sale(session: Session, site_id: UUID, sale_id: UUID) -> Sequence[Refund]:
    """Everything that was ever asked for a sale, the oldest first."""
    query = select(Refund).where(Refund.site_id == site_id, Refund.sale_id == sale_id)
    return session.scalars(query.order_by(Refund.id)).all()


def taken(session: Session, refunds: Sequence[Refund]) -> dict[int, tuple[int, int]]:
    """Number of a line → pieces and fen that standing refunds of one sale take of it."""
    query = (
        select(RefundLine.no, func.sum(RefundLine.quantity), func.sum(RefundLine.amount))
        .where(RefundLine.refund_id.in_([each.id for each in refunds if each.state in STANDING]))
        .group_by(RefundLine.no)
    )
    return {no: (int(pieces), int(fen)) for no, pieces, fen in session.execute(query)}


def standing(session: Session, site_id: UUID, sale_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the sales for which money is back or asked for."""
    found: set[UUID] = set()
    for ids in portions(sale_ids):
        query = select(Refund.sale_id).where(
            Refund.site_id == site_id, Refund.sale_id.in_(ids), Refund.state.in_(STANDING)
        )
        found |= set(session.scalars(query))
    return found


def known(session: Session, refund_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the ids that a refund has already, on whatever site."""
    found: set[UUID] = set()
    for ids in portions(refund_ids):
        found |= set(session.scalars(select(Refund.id).where(Refund.id.in_(ids))))
    return found


def lines_of(session: Session, refund_ids: Sequence[UUID]) -> dict[UUID, list[RefundLine]]:
    """Refund → its lines, for at most :data:`server.many.PORTION` refunds."""
    if len(refund_ids) > PORTION:
        raise ValueError("too many refunds at once")
    found: dict[UUID, list[RefundLine]] = {refund_id: [] for refund_id in refund_ids}
    query = select(RefundLine).where(RefundLine.refund_id.in_(refund_ids))
    for line in session.scalars(query.order_by(RefundLine.no)):
        found[line.refund_id].append(line)
    return found


def page(
    session: Session, site_id: UUID, *, opened: bool, before: UUID | None = None, limit: int = 50
) -> Sequence[Refund]:
    """The site's refunds and voids, the latest first, from before one on.

    Args:
        session: Reads.
        site_id: Whose.
        opened: Those that wait for a judgement; else those that have one.
        before: The last one of the page before.
        limit: At most so many.
    """
    waits = Refund.state == State.ASKED.value
    query = select(Refund).where(Refund.site_id == site_id, waits if opened else ~waits)
    if before is not None:
        query = query.where(Refund.id < before)
    return session.scalars(query.order_by(Refund.id.desc()).limit(min(limit, 200))).all()


def count_open(session: Session, site_id: UUID) -> int:
    """How many wait for a judgement."""
    query = select(func.count()).where(Refund.site_id == site_id, Refund.state == State.ASKED.value)
    return session.scalar(query) or 0
