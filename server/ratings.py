"""Ratings of dishes (菜品评价): one to five stars for a line of one's own sale."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from server.books import sales

STARS = 5
OPEN_DAYS = 7
"""So long after the meal a dish can be rated."""
SHOWN_FROM = 5
"""Fewer ratings are not shown: neither fair to the cook, nor secret."""
LOOKED_BACK = timedelta(days=90)


class RatingError(BadInputError):
    """This dish cannot be rated so."""

    code = "bad_rating"


class DishRating(Base):
    """What a diner thinks of a dish that he paid."""

    __tablename__ = "dish_rating"
    __table_args__ = (
        UniqueConstraint("sale_id", "line_no"),
        CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        Index("ix_dish_rating_site_id_dish_id_given_on", "site_id", "dish_id", "given_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID]
    sale_id: Mapped[UUID]
    line_no: Mapped[int]
    dish_id: Mapped[UUID]
    diner_id: Mapped[UUID]
    stars: Mapped[int]
    given_on: Mapped[date]
    """Business date of the first rating: that day it can be changed."""
    given_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Liked:
    """How a dish is liked.

    Attributes:
        tenths: Mean of the stars times ten, half up.
        count: How many said so.
    """

    tenths: int
    count: int

    @property
    def text(self) -> str:
        """``4.7``."""
        return f"{self.tenths // 10}.{self.tenths % 10}"


def rate(
    session: Session, site_id: UUID, diner_id: UUID, sale_id: UUID, line_no: int, stars: int,
    *, today: date, now: datetime,
) -> DishRating:  # fmt: skip
    """Rate a line of one's own sale; again on the same day changes it.

    Args:
        session: Writes.
        site_id: Of the sale.
        diner_id: Who rates.
        sale_id: A sale that he paid.
        line_no: Its line, counted from 1.
        stars: 1 to 5.
        today: The site's business date.
        now: Aware UTC.

    Raises:
        RatingError: not his sale or no such line, it went back, too late, or no such stars.
    """
    sale = sales.find(session, site_id, [sale_id], lock=True).get(sale_id)
    if sale is None or sale.diner_id != diner_id:
        raise RatingError("there is no such sale of yours", code="unknown_sale")
    line = next((one for one in sales.lines_of(session, sale) if one.no == line_no), None)
    if line is None or sale.cancelled or not 1 <= stars <= STARS:
        raise RatingError("this dish cannot be rated: reload the page")
    known = session.scalar(
        select(DishRating).where(DishRating.sale_id == sale_id, DishRating.line_no == line_no)
    )
    if known is not None:
        if known.stars != stars and known.given_on != today:
            raise RatingError("a rating can be changed on its own day only", code="rated_before")
        known.stars = stars
        return known
    if today - sale.business_date > timedelta(days=OPEN_DAYS):
        raise RatingError("this meal is too long ago to be rated", code="rated_too_late")
    row = DishRating(
        id=new_id(), site_id=site_id, sale_id=sale_id, line_no=line_no, dish_id=line.dish_id,
        diner_id=diner_id, stars=stars, given_on=today, given_at=now,
    )  # fmt: skip
    session.add(row)
    _flush(session)
    return row


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise RatingError("this dish was rated just now: reload the page") from error


def of_sales(
    session: Session, diner_id: UUID, sale_ids: Collection[UUID]
) -> dict[tuple[UUID, int], int]:
    """(Sale, line) → stars, for what the diner rated."""
    query = select(DishRating).where(
        DishRating.diner_id == diner_id, DishRating.sale_id.in_(list(sale_ids))
    )
    return {(row.sale_id, row.line_no): row.stars for row in session.scalars(query)}


def liked(
    session: Session, site_id: UUID, dish_ids: Sequence[UUID], today: date
) -> dict[UUID, Liked]:
    """Dish → how it was liked lately; only those that enough people rated."""
    total, count = func.sum(DishRating.stars), func.count()
    query = (
        select(DishRating.dish_id, total, count)
        .where(
            DishRating.site_id == site_id,
            DishRating.dish_id.in_(list(dish_ids)),
            DishRating.given_on > today - LOOKED_BACK,
        )
        .group_by(DishRating.dish_id)
        .having(count >= SHOWN_FROM)
    )
    return {
        dish_id: Liked((int(stars) * 20 + many) // (2 * many), many)
        for dish_id, stars, many in session.execute(query)
    }
