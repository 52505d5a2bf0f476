"""Price inquiries (询价): several suppliers are asked, their prices stand side by side."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, func, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import MAX_FEN, Fen
from dafan.quantity import LARGEST
from kitchen import ingredients, rows, suppliers
from kitchen.purchase_book import PurchaseLine, PurchaseOrder
from kitchen.purchase_rules import State, fingerprint
from kitchen.rows import KeyedRow, SiteRow, Values

MAX_PAGE = 200
LEAST_OFFERS = 3
"""货比三家: fewer are pointed out."""
FAR_PERMILLE = 100
"""A price so far above the last one, or above the middle of the offers, is pointed out."""


class Inquiry(KeyedRow):
    """What suppliers are asked the price of."""

    __tablename__ = "purchase_inquiry"
    __table_args__ = (UniqueConstraint("site_id", "key"),)

    business_date: Mapped[date]
    deliver_on: Mapped[date]
    wanted: Mapped[dict[str, int]] = mapped_column(JSON)
    note: Mapped[str] = mapped_column(String(200), default="")
    told: Mapped[str] = mapped_column(String(64))
    closed_at: Mapped[datetime | None]


class Quote(SiteRow):
    """The newest price that a supplier named for an ingredient."""

    __tablename__ = "purchase_quote"
    __table_args__ = (
        UniqueConstraint("inquiry_id", "supplier_id", "ingredient_id"),
        Index("ix_purchase_quote_supplier", "site_id", "supplier_id"),
    )

    inquiry_id: Mapped[UUID] = mapped_column(ForeignKey("purchase_inquiry.id"))
    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("supplier.id"))
    ingredient_id: Mapped[UUID] = mapped_column(ForeignKey("ingredient.id"))
    price: Mapped[int]
    quoted_by: Mapped[str] = mapped_column(String(80))
    quoted_at: Mapped[datetime]


class InquiryValues(Values):
    """What is asked for."""

    deliver_on: date
    wanted: Annotated[
        dict[UUID, Annotated[int, Field(gt=0, le=LARGEST)]], Field(min_length=1, max_length=300)
    ]
    """Ingredient → quantity in its measure."""
    note: Annotated[str, Field(max_length=200)] = ""


Price = Annotated[Fen, Field(gt=0, le=MAX_FEN)]


class QuoteValues(Values):
    """What a supplier names: fen per kilogram, litre or piece."""

    supplier_id: UUID
    prices: Annotated[dict[UUID, Price], Field(min_length=1, max_length=300)]


@dataclass(frozen=True)
class Offer:
    """A price of a supplier."""

    supplier_id: UUID
    price: Fen


@dataclass(frozen=True)
class Comparison:
    """The offers for one ingredient, the cheapest first."""

    ingredient_id: UUID
    offers: tuple[Offer, ...]
    last_price: Fen | None
    """Of the last order that was sent to anybody."""
    middle: float | None
    """Median of the offers."""
    against_last: int | None
    """The cheapest offer against the last price, per mille; below zero it became cheaper."""
    findings: tuple[str, ...]
    """``no_offer``, ``few_offers``, ``dearer_than_last``, ``offers_far_apart``."""

    @property
    def cheapest(self) -> Offer | None:
        """The first of the offers."""
        return self.offers[0] if self.offers else None


def compare(
    wanted: Iterable[UUID],
    offers: Mapping[UUID, Sequence[Offer]],
    last_prices: Mapping[UUID, Fen],
) -> tuple[Comparison, ...]:
    """Put offers side by side, ingredient by ingredient; pure."""
    return tuple(_compare(one, offers.get(one, ()), last_prices.get(one)) for one in wanted)


def _compare(ingredient: UUID, offers: Sequence[Offer], last: Fen | None) -> Comparison:
    ordered = tuple(sorted(offers, key=lambda offer: (offer.price, offer.supplier_id)))
    if not ordered:
        return Comparison(ingredient, (), last, None, None, ("no_offer",))
    cheapest, middle = ordered[0].price, float(median(offer.price for offer in ordered))
    against = round(1000 * (cheapest - last) / last) if last else None
    found = []
    if len({offer.supplier_id for offer in ordered}) < LEAST_OFFERS:
        found.append("few_offers")
    if last and cheapest * 1000 > last * (1000 + FAR_PERMILLE):
        found.append("dearer_than_last")
    if ordered[-1].price * 1000 > middle * (1000 + FAR_PERMILLE):
        found.append("offers_far_apart")
    return Comparison(ingredient, ordered, last, middle, against, tuple(found))


def open_inquiry(
    session: Session, actor: Acting, values: InquiryValues, day: date, *, key: str
) -> Inquiry:
    """Ask for prices; told again with the same key it is asked once.

    Raises:
        UnknownIngredientError: not of this site.
        KeyReusedError: the key asked for something else.
    """
    for one in values.wanted:
        ingredients.get(session, actor.site_id, one)
    told = values.model_dump(mode="json")
    row = Inquiry(
        id=new_id(), site_id=actor.site_id, key=key, business_date=day,
        deliver_on=values.deliver_on, wanted=told["wanted"], note=values.note,
        told=fingerprint(told), closed_at=None,
    )  # fmt: skip
    row, new = rows.insert_once(session, row, ("told",))
    if new:
        actor.record(session, "inquiry.open", str(row.id), None, told)
    return row


def quote(session: Session, actor: Acting, inquiry_id: UUID, values: QuoteValues) -> None:
    """Keep what a supplier names; a later price takes the place of his earlier one.

    Raises:
        UnknownRowError: no such inquiry or supplier here.
        SupplierBlockedError: the supplier may not supply on the day of delivery.
        BadInputError: the inquiry is closed, or did not ask for an ingredient.
    """
    row = rows.get(session, Inquiry, actor.site_id, inquiry_id, "inquiry", lock=True)
    if row.closed_at is not None:
        raise BadInputError("this inquiry is closed: open another one")
    if {str(one) for one in values.prices} - set(row.wanted):
        raise BadInputError("a price is named for something that the inquiry did not ask for")
    suppliers.require_may_supply(session, actor.site_id, values.supplier_id, row.deliver_on)
    mine = select(Quote).where(Quote.inquiry_id == row.id, Quote.supplier_id == values.supplier_id)
    known = {one.ingredient_id: one for one in session.scalars(mine)}
    before = {str(one): known[one].price for one in values.prices if one in known}
    after = {str(one): price for one, price in values.prices.items()}
    if before == after:
        return
    for one, price in values.prices.items():
        if one in known:
            known[one].price = price
            known[one].quoted_by, known[one].quoted_at = actor.name, actor.at
        else:
            session.add(
                Quote(
                    id=new_id(), site_id=actor.site_id, inquiry_id=row.id, ingredient_id=one,
                    supplier_id=values.supplier_id, price=price,
                    quoted_by=actor.name, quoted_at=actor.at,
                )
            )  # fmt: skip
    session.flush()
    actor.record(session, "inquiry.quote", f"{row.id}/{values.supplier_id}", before, after)


def close(session: Session, actor: Acting, inquiry_id: UUID) -> None:
    """No more prices are taken; closed again it stays closed.

    Raises:
        UnknownRowError: no such inquiry here.
    """
    row = rows.get(session, Inquiry, actor.site_id, inquiry_id, "inquiry", lock=True)
    if row.closed_at is None:
        row.closed_at = actor.at
        actor.record(session, "inquiry.close", str(row.id), {"closed": False}, {"closed": True})


def get(session: Session, site_id: UUID, inquiry_id: UUID) -> Inquiry:
    """An inquiry of the site.

    Raises:
        UnknownRowError: no such inquiry here.
    """
    return rows.get(session, Inquiry, site_id, inquiry_id, "inquiry")


def comparison(session: Session, site_id: UUID, inquiry_id: UUID) -> tuple[Comparison, ...]:
    """The offers of an inquiry, ingredient by ingredient.

    Raises:
        UnknownRowError: no such inquiry here.
    """
    row = get(session, site_id, inquiry_id)
    offers: dict[UUID, list[Offer]] = {}
    for one in session.scalars(select(Quote).where(Quote.inquiry_id == row.id)):
        offers.setdefault(one.ingredient_id, []).append(Offer(one.supplier_id, Fen(one.price)))
    wanted = [UUID(one) for one in row.wanted]
    return compare(wanted, offers, last_prices(session, site_id, wanted))


def last_prices(
    session: Session, site_id: UUID, wanted: Sequence[UUID], *, before: UUID | None = None
) -> dict[UUID, Fen]:
    """The price of each ingredient in the newest order that was sent."""
    found = last_offers(session, site_id, wanted, before=before)
    return {one: offer.price for one, offer in found.items()}


def last_offers(
    session: Session, site_id: UUID, wanted: Sequence[UUID], *, before: UUID | None = None
) -> dict[UUID, Offer]:
    """Of whom each ingredient was ordered last, and at which price.

    Args:
        session: Reading.
        site_id: Whose orders.
        wanted: Ingredients.
        before: Only orders that were written before this one.
    """
    sent = [state.value for state in (State.SENT, State.PARTLY, State.RECEIVED, State.CLOSED)]
    newest = (
        select(
            PurchaseLine.ingredient_id,
            PurchaseOrder.supplier_id,
            PurchaseLine.price,
            func.row_number()
            .over(
                partition_by=PurchaseLine.ingredient_id,
                order_by=(PurchaseOrder.business_date.desc(), PurchaseOrder.id.desc()),
            )
            .label("place"),
        )
        .join(PurchaseOrder, PurchaseOrder.id == PurchaseLine.order_id)
        .where(
            PurchaseLine.site_id == site_id,
            PurchaseLine.ingredient_id.in_(wanted),
            PurchaseOrder.state.in_(sent),
            true() if before is None else PurchaseOrder.id < before,
        )
        .subquery()
    )
    query = select(newest.c.ingredient_id, newest.c.supplier_id, newest.c.price)
    return {
        one: Offer(supplier, Fen(price))
        for one, supplier, price in session.execute(query.where(newest.c.place == 1))
    }


def page(
    session: Session, site_id: UUID, *, after: UUID | None = None, limit: int = 50
) -> Sequence[Inquiry]:
    """Inquiries, the newest first, from behind the inquiry ``after``."""
    query = select(Inquiry).where(Inquiry.site_id == site_id)
    if after is not None:
        query = query.where(Inquiry.id < after)
    query = query.order_by(Inquiry.id.desc()).limit(max(1, min(limit, MAX_PAGE)))
    return session.scalars(query).all()
