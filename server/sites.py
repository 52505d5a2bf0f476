"""Sites (单位), their bodies (核算主体), venues (场所) and the policy that their tills follow."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import clock
from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import MealPeriod, Policy
from server import feed
from server.books import closing

DEFAULT_POLICY = Policy(
    periods=(
        MealPeriod(code="breakfast", name="早餐", starts=time(6, 30), ends=time(9, 30)),
        MealPeriod(code="lunch", name="午餐", starts=time(10, 30), ends=time(14, 0)),
        MealPeriod(code="dinner", name="晚餐", starts=time(16, 30), ends=time(20, 0)),
    )
)


class UnknownSiteError(BadInputError):
    """There is no such site or venue."""

    code = "unknown_site"


class Site(Base):
    """An institution with its own diners, books and policy."""

    __tablename__ = "site"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80), unique=True)


class Body(Base):
    """A body (核算主体) of a site: it runs venues and owes its diners their balances.

    Venues and groups that name no body belong to the site's first one.
    """

    __tablename__ = "body"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))


class Venue(Base):
    """A canteen, shop or laundry of a site."""

    __tablename__ = "venue"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    body_id: Mapped[UUID | None] = mapped_column(ForeignKey("body.id"))


class PolicyRow(Base):
    """The site's policy, as published."""

    __tablename__ = "policy"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


def ensure_site(session: Session, name: str) -> Site:
    """The site of this name; a new one begins with the usual meals."""
    site = session.scalar(select(Site).where(Site.name == name))
    if site is None:
        site = Site(id=new_id(), name=name)
        session.add(site)
        session.flush()
        feed.open_feed(session, site.id)
        closing.open_books(session, site.id)
        session.add(Body(id=new_id(), site_id=site.id, name=name))
        set_policy(session, site.id, DEFAULT_POLICY)
    return site


def ensure_venue(session: Session, site_id: UUID, name: str) -> Venue:
    """The site's venue of this name, made where there is none."""
    query = select(Venue).where(Venue.site_id == site_id, Venue.name == name)
    venue = session.scalar(query)
    if venue is None:
        venue = Venue(id=new_id(), site_id=site_id, name=name)
        session.add(venue)
        session.flush()
    return venue


def get_site(session: Session, site_id: UUID) -> Site:
    """A site.

    Raises:
        UnknownSiteError: there is none.
    """
    site = session.get(Site, site_id)
    if site is None:
        raise UnknownSiteError("there is no such site: create it by `dafan server init`")
    return site


def get_venue(session: Session, site_id: UUID, venue_id: UUID) -> Venue:
    """A venue of the site.

    Raises:
        UnknownSiteError: not a venue of this site.
    """
    venue = session.scalar(select(Venue).where(Venue.site_id == site_id, Venue.id == venue_id))
    if venue is None:
        raise UnknownSiteError("the site has no such venue")
    return venue


def all_sites(session: Session) -> Sequence[Site]:
    """Every site of this server, the oldest first."""
    return session.scalars(select(Site).order_by(Site.id)).all()


def venues(session: Session, site_id: UUID) -> Sequence[Venue]:
    """The site's venues, the oldest first."""
    return session.scalars(select(Venue).where(Venue.site_id == site_id).order_by(Venue.id)).all()


def bodies(session: Session, site_id: UUID) -> Sequence[Body]:
    """The site's bodies, the first one first."""
    return session.scalars(select(Body).where(Body.site_id == site_id).order_by(Body.id)).all()


def policy(session: Session, site_id: UUID) -> Policy:
    """The rules that the site's tills follow."""
    return Policy.model_validate(session.get_one(PolicyRow, site_id).body)


def set_policy(session: Session, site_id: UUID, new: Policy) -> None:
    """Change the rules, for every till at once."""
    row = session.get(PolicyRow, site_id)
    if row is None:
        session.add(PolicyRow(site_id=site_id, body=new.to_body()))
    else:
        row.body = new.to_body()
    feed.publish(session, site_id, "policy", "policy", new)


def business_date(session: Session, site_id: UUID, moment: datetime) -> date:
    """The site's trading day of a moment."""
    rules = policy(session, site_id)
    return clock.business_date(moment, ZoneInfo(rules.time_zone), rules.day_starts_hour)
