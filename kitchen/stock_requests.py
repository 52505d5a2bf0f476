"""What one person asks of the stock and another one says yes to (闭环审批): nothing moves before.

Waste always needs it; an issue does above the site's limit (:func:`kitchen.stock.set_limit`).
"""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import ingredients, lots, rows, stock, stock_book, stock_issues
from kitchen.pictures import Picture
from kitchen.rows import KeyedRow, SamePersonError
from kitchen.stock import MAIN, Ref, StockEntry, WasteReason
from kitchen.stock_book import amount
from kitchen.stock_issues import Wish

MAX_PAGE = 500


class DecidedError(BadInputError):
    """Somebody has judged this already, or there is no such request."""

    code = "decided"


class Asked(StrEnum):
    """How far a request has come."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"


class Judged:
    """The columns of a request; a table mixes them in."""

    state: Mapped[str] = mapped_column(String(8), default=Asked.ASKED.value)
    asked_by: Mapped[str | None] = mapped_column(String(80))
    asked_at: Mapped[datetime | None]
    judged_by: Mapped[str | None] = mapped_column(String(80))
    judged_at: Mapped[datetime | None]
    judgement: Mapped[str] = mapped_column(String(200), default="")

    def said(self, actor: Acting, state: Asked) -> bool:
        """Whether this person has said just this already: told again, nothing changes."""
        return self.state == state.value and self.judged_by == actor.name[:80]

    def judge(self, actor: Acting, state: Asked, why: str = "") -> None:
        """Write down what the second person says.

        Raises:
            DecidedError: it is judged, or nobody has asked yet.
            SamePersonError: he asked for it himself.
            BadInputError: he refuses without a reason.
        """
        if self.state != Asked.ASKED.value:
            raise DecidedError("this is not open any more, or not yet: reload the page")
        if self.asked_by == actor.name:
            raise SamePersonError("another person has to judge what you asked for")
        if state is Asked.REFUSED and not why.strip():
            raise BadInputError("write down why you refuse", code="no_reason")
        self.state, self.judgement = state.value, why.strip()[:200]
        self.judged_by, self.judged_at = actor.name[:80], actor.at


class StockRequest(Judged, KeyedRow):
    """An issue or a waste that waits for a second person, or what became of it."""

    __tablename__ = "stock_request"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_stock_request_state", "site_id", "state", "id"),
    )

    business_date: Mapped[date]
    kind: Mapped[str] = mapped_column(String(8))
    ingredient_id: Mapped[UUID]
    lot_id: Mapped[UUID | None]
    """Of a waste; an issue takes what expires first at the moment of the yes."""
    quantity: Mapped[int]
    place: Mapped[str] = mapped_column(String(40))
    ref_kind: Mapped[str | None] = mapped_column(String(20))
    ref_id: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(String(12), default="")
    note: Mapped[str] = mapped_column(String(200), default="")

    @property
    def ref(self) -> Ref | None:
        """What it is for."""
        return (
            None if self.ref_kind is None or self.ref_id is None else (self.ref_kind, self.ref_id)
        )


_CONTENT = (
    "kind", "ingredient_id", "lot_id", "quantity", "place", "ref_kind", "ref_id", "reason",
    "business_date",
)  # fmt: skip


def ask_issue(
    session: Session,
    actor: Acting,
    ingredient_id: UUID,
    quantity: int,
    *,
    ref: Ref,
    key: str,
    day: date,
    place: str = MAIN,
    note: str = "",
) -> StockRequest:
    """Ask for an issue above the limit; the same key again gives the same request.

    Raises:
        UnknownIngredientError: not one of this site.
        KeyReusedError: the key asked for something else.
        BadInputError: no quantity.
    """
    ingredients.get(session, actor.site_id, ingredient_id)
    return _ask(
        session, actor,
        StockRequest(
            kind=stock.Kind.OUT.value, ingredient_id=ingredient_id, quantity=quantity, place=place,
            ref_kind=ref[0], ref_id=ref[1], reason="", note=note[:200], key=key,
            business_date=day,
        ),
    )  # fmt: skip


def ask_waste(
    session: Session,
    actor: Acting,
    lot_id: UUID,
    quantity: int,
    *,
    reason: WasteReason,
    key: str,
    day: date,
    note: str = "",
    place: str = MAIN,
    ref: Ref | None = None,
    photo: bytes | None = None,
) -> StockRequest:
    """Ask to throw a part of a lot away; the same key again gives the same request.

    The photograph, a JPEG, is kept under the id of the request.

    Raises:
        UnknownLotError: not one of this site.
        KeyReusedError: the key asked for something else.
        BadInputError: no quantity.
    """
    lot = lots.get(session, actor.site_id, lot_id)
    ref_kind, ref_id = ref or (None, None)
    request = _ask(
        session, actor,
        StockRequest(
            kind=stock.Kind.WASTE.value, ingredient_id=lot.ingredient_id, lot_id=lot_id,
            quantity=quantity, place=place, ref_kind=ref_kind, ref_id=ref_id, reason=reason.value,
            note=note[:200], key=key, business_date=day,
        ),
    )  # fmt: skip
    if photo is not None and session.get(Picture, request.id) is None:
        session.add(
            Picture(
                id=request.id,
                site_id=actor.site_id,
                taken_at=actor.at,
                taken_by=actor.name[:80],
                jpeg=photo,
            )
        )
    return request


def issue_or_ask(
    session: Session, actor: Acting, wish: Wish
) -> Sequence[StockEntry] | StockRequest:
    """Take what a person may take alone; ask for what he may not.

    The same key gives the same answer, also where the site's limit changed in between.

    Raises:
        What :func:`kitchen.stock_issues.take` raises, but for the second person.
    """
    asked = session.scalar(
        select(StockRequest.id).where(
            StockRequest.site_id == actor.site_id, StockRequest.key == wish.key
        )
    )
    if asked is None:
        try:
            return stock_issues.take(session, actor, wish)
        except SamePersonError:  # nothing has moved: the limit is looked at before the first entry
            pass
    return ask_issue(
        session, actor, wish.ingredient_id, wish.quantity, ref=wish.ref, key=wish.key,
        day=wish.day, place=wish.place, note=wish.note,
    )  # fmt: skip


def approve(
    session: Session, actor: Acting, request_id: UUID, *, day: date
) -> Sequence[StockEntry]:
    """Say yes, and move what was asked for.

    Raises:
        DecidedError: it is judged already.
        SamePersonError: the actor asked for it himself.
        NotEnoughStockError: less is left by now; the request stays open.
    """
    request = _get(session, actor.site_id, request_id)
    asked_by = str(request.asked_by)
    if request.said(actor, Asked.APPROVED):
        return stock_book.moved(session, actor.site_id, f"request:{request.id}")
    with session.begin_nested():  # the yes and what it moves, or neither
        request.judge(actor, Asked.APPROVED)
        moved = _move(session, actor, request, day)
    actor.record(
        session, "stock_request.approve", str(request.id),
        {"state": Asked.ASKED.value, "by": asked_by}, {"state": request.state},
    )  # fmt: skip
    return moved


def refuse(session: Session, actor: Acting, request_id: UUID, why: str) -> StockRequest:
    """Say no; nothing moves.

    Raises:
        DecidedError: it is judged already.
        SamePersonError: the actor asked for it himself.
        BadInputError: no reason is given.
    """
    request = _get(session, actor.site_id, request_id)
    if request.said(actor, Asked.REFUSED):
        return request
    request.judge(actor, Asked.REFUSED, why)
    actor.record(
        session, "stock_request.refuse", str(request.id),
        {"state": Asked.ASKED.value, "by": request.asked_by},
        {"state": request.state, "why": request.judgement},
    )  # fmt: skip
    return request


def waiting(
    session: Session, site_id: UUID, *, after: UUID | None = None, limit: int = 100
) -> Sequence[StockRequest]:
    """What waits for a second person, the oldest first, from behind the request ``after``."""
    query = select(StockRequest).where(
        StockRequest.site_id == site_id, StockRequest.state == Asked.ASKED.value
    )
    if after is not None:
        query = query.where(StockRequest.id > after)
    query = query.order_by(StockRequest.id).limit(max(1, min(limit, MAX_PAGE)))
    return session.scalars(query).all()


def count_waiting(session: Session, site_id: UUID) -> int:
    """How many wait."""
    query = select(func.count()).where(
        StockRequest.site_id == site_id, StockRequest.state == Asked.ASKED.value
    )
    return int(session.scalar(query) or 0)


def _move(
    session: Session, actor: Acting, request: StockRequest, day: date
) -> Sequence[StockEntry]:
    asked_by, key = str(request.asked_by), f"request:{request.id}"
    if request.kind == stock.Kind.WASTE.value and request.lot_id is not None:
        return stock.waste(
            session, actor, request.lot_id, request.quantity, reason=WasteReason(request.reason),
            asked_by=asked_by, key=key, day=day, note=request.note, place=request.place,
            ref=request.ref,
        )  # fmt: skip
    wish = Wish(
        request.ingredient_id, request.quantity, request.ref or ("request", request.id), key, day,
        request.place, request.note,
    )  # fmt: skip
    return stock_issues.take(session, actor, wish, asked_by=asked_by)


def _ask(session: Session, actor: Acting, wanted: StockRequest) -> StockRequest:
    amount(wanted.quantity)
    wanted.id, wanted.site_id, wanted.state = new_id(), actor.site_id, Asked.ASKED.value
    wanted.asked_by, wanted.asked_at = actor.name[:80], actor.at
    request, new = rows.insert_once(session, wanted, _CONTENT)
    if new:
        actor.record(
            session, "stock_request.ask", str(request.id), None,
            {name: str(getattr(request, name)) for name in _CONTENT},
        )  # fmt: skip
    return request


def _get(session: Session, site_id: UUID, request_id: UUID) -> StockRequest:
    query = (
        select(StockRequest)
        .where(StockRequest.site_id == site_id, StockRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    request = session.scalar(query)
    if request is None:
        raise DecidedError("there is no such request here: reload the page")
    return request
