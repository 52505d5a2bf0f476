"""What is kept of scales (秤): their records, their verifications and their checks."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator
from sqlalchemy import (
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    func,
    literal,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.errors import BadInputError
from dafan.metrology import MINIMUM_DIVISIONS, TILL, ScaleRecord
from kitchen import rows
from kitchen.rows import KeyedRow, SiteRow, Values
from server import terminals
from server.line_book import LineStationRow
from server.scale_rules import LONGEST_DAYS, Fault
from server.terminals import Terminal

MAX_PAGE = 500


class Scale(SiteRow):
    """The scale of a till, or of a station of the weigh line."""

    __tablename__ = "scale"
    __table_args__ = (UniqueConstraint("terminal_id", "station"),)

    site_id: Mapped[UUID] = mapped_column(index=True)
    terminal_id: Mapped[UUID] = mapped_column(ForeignKey("terminal.id"))
    station: Mapped[int]
    model: Mapped[str] = mapped_column(String(80))
    serial: Mapped[str] = mapped_column(String(80))
    max_grams: Mapped[int]
    e_grams: Mapped[int]
    accuracy: Mapped[str] = mapped_column(String(4))
    certificate: Mapped[str] = mapped_column(String(80), default="")
    verified_on: Mapped[date | None]
    verified_until: Mapped[date | None]
    fault: Mapped[str] = mapped_column(String(12), default=Fault.NONE.value)
    check_due: Mapped[datetime | None]
    active: Mapped[bool] = mapped_column(default=True)
    changed_by: Mapped[str] = mapped_column(String(80))
    changed_at: Mapped[datetime]

    @property
    def record(self) -> ScaleRecord:
        """As its terminal learns it."""
        return ScaleRecord(
            terminal_id=self.terminal_id, station=self.station, model=self.model,
            serial=self.serial, max_grams=self.max_grams, e_grams=self.e_grams,
            certificate=self.certificate, verified_until=self.verified_until,
            failed=self.fault != Fault.NONE, check_due=self.check_due,
        )  # fmt: skip


class Verification(KeyedRow):
    """What an inspector found; written once, but for a photograph that comes later."""

    __tablename__ = "scale_verification"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_scale_verification_scale", "scale_id", "id"),
    )

    scale_id: Mapped[UUID] = mapped_column(ForeignKey("scale.id"))
    serial: Mapped[str] = mapped_column(String(80))
    certificate: Mapped[str] = mapped_column(String(80))
    passed: Mapped[bool]
    verified_on: Mapped[date]
    verified_until: Mapped[date | None]
    photo: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))


class ScaleCheck(KeyedRow):
    """What a scale showed of a test weight; written once."""

    __tablename__ = "scale_check"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_scale_check_scale", "scale_id", "id"),
    )

    scale_id: Mapped[UUID] = mapped_column(ForeignKey("scale.id"))
    serial: Mapped[str] = mapped_column(String(80))
    nominal_grams: Mapped[int]
    shown_grams: Mapped[int]
    passed: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(200))
    """Why a scale that failed may bill again; only where it healed."""
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))


class ScaleValues(Values):
    """What stands on a scale's plate."""

    model: Annotated[str, Field(min_length=1, max_length=80)]
    serial: Annotated[str, Field(max_length=80)] = ""
    max_grams: Annotated[int, Field(ge=100, le=1_000_000)]
    e_grams: Annotated[int, Field(ge=1, le=1000)]
    accuracy: Annotated[str, Field(pattern=r"^(I|II|III|IIII)$")] = "III"

    @model_validator(mode="after")
    def _has_a_range(self) -> "ScaleValues":
        if self.max_grams <= MINIMUM_DIVISIONS * self.e_grams:
            raise ValueError("the maximum is above 20 e: look at the plate again")
        return self


class VerificationValues(Values):
    """What stands on a certificate, or on the notice that there is none."""

    passed: bool = True
    certificate: Annotated[str, Field(max_length=80)] = ""
    verified_on: date
    verified_until: date | None = None
    """The last day; none where it did not pass."""

    @model_validator(mode="after")
    def _complete(self) -> "VerificationValues":
        if not self.passed:
            if self.verified_until is not None:
                raise ValueError("what did not pass has no last day")
            return self
        if not self.certificate or self.verified_until is None:
            raise ValueError("a certificate has a number and a last day")
        days = (self.verified_until - self.verified_on).days
        if not 0 < days <= LONGEST_DAYS:
            raise ValueError(f"the last day is at most {LONGEST_DAYS} days after the verification")
        return self


def get(session: Session, site_id: UUID, scale_id: UUID, *, lock: bool = False) -> Scale:
    """A scale of the site.

    Raises:
        UnknownRowError: not one of this site.
    """
    return rows.get(session, Scale, site_id, scale_id, "scale", lock=lock)


def page(
    session: Session, site_id: UUID, *, after: UUID | None = None, limit: int = 100
) -> Sequence[tuple[Scale, Terminal]]:
    """Scales in use with their terminals, by name and station, from behind the scale ``after``."""
    query = (
        select(Scale, Terminal)
        .join(Terminal, Terminal.id == Scale.terminal_id)
        .where(Scale.site_id == site_id, Scale.active.is_(True), Terminal.revoked_at.is_(None))
    )
    if after is not None:
        last = get(session, site_id, after)
        name = terminals.get(session, site_id, last.terminal_id).name
        place = tuple_(Terminal.name, Terminal.id, Scale.station)
        query = query.where(place > tuple_(name, last.terminal_id, last.station))
    query = query.order_by(Terminal.name, Terminal.id, Scale.station)
    found = session.execute(query.limit(max(1, min(limit, MAX_PAGE)))).all()
    return [(row[0], row[1]) for row in found]


def in_use(session: Session, site_id: UUID) -> Sequence[Scale]:
    """Every scale of the site that stands at a terminal; a site has tens of them."""
    query = (
        select(Scale)
        .join(Terminal, Terminal.id == Scale.terminal_id)
        .where(Scale.site_id == site_id, Scale.active.is_(True), Terminal.revoked_at.is_(None))
    )
    return session.scalars(query).all()


def without(session: Session, site_id: UUID) -> list[tuple[Terminal, int]]:
    """Terminals and stations that weigh food for money and whose scale nobody has written down."""
    tills = select(Terminal.id, literal(TILL).label("station")).where(
        Terminal.site_id == site_id, Terminal.weigh_dish_id.is_not(None)
    )
    stations = select(LineStationRow.terminal_id, LineStationRow.station).where(
        LineStationRow.site_id == site_id, LineStationRow.dish_id.is_not(None)
    )
    place = union_all(tills, stations).subquery()
    query = (
        select(Terminal, place.c.station)
        .join(place, place.c.id == Terminal.id)
        .outerjoin(
            Scale,
            (Scale.terminal_id == Terminal.id)
            & (Scale.station == place.c.station)
            & Scale.active.is_(True),
        )
        .where(Terminal.revoked_at.is_(None), Scale.id.is_(None))
        .order_by(Terminal.name, Terminal.id, place.c.station)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def verifications(session: Session, scale: Scale, limit: int = 50) -> Sequence[Verification]:
    """Of a scale, the newest first."""
    newest = Verification.verified_on.desc(), Verification.id.desc()
    query = select(Verification).where(Verification.scale_id == scale.id).order_by(*newest)
    return session.scalars(query.limit(limit)).all()


def checks(
    session: Session, scale: Scale, *, before: UUID | None = None, limit: int = 30
) -> Sequence[ScaleCheck]:
    """Of a scale, the newest first, from before the check ``before``."""
    query = select(ScaleCheck).where(ScaleCheck.scale_id == scale.id)
    if before is not None:
        query = query.where(ScaleCheck.id < before)
    return session.scalars(query.order_by(ScaleCheck.id.desc()).limit(limit)).all()


def last_checks(session: Session, scale_ids: Sequence[UUID]) -> Mapping[UUID, datetime]:
    """Scale → when it was checked last; what was never checked is not in it."""
    query = (
        select(ScaleCheck.scale_id, func.max(ScaleCheck.at))
        .where(ScaleCheck.scale_id.in_(scale_ids))
        .group_by(ScaleCheck.scale_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def verification(
    session: Session, scale: Scale, verification_id: UUID, *, lock: bool = False
) -> Verification:
    """One of a scale.

    Raises:
        BadInputError: not one of this scale.
    """
    query = select(Verification).where(
        Verification.scale_id == scale.id, Verification.id == verification_id
    )
    found = session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise BadInputError(
            "there is no such verification of this scale: reload the page",
            code="unknown_verification",
        )
    return found


def is_photo(session: Session, site_id: UUID, photo: str) -> bool:
    """Whether a photograph is one of a certificate of this site."""
    query = select(Verification.id).where(
        Verification.site_id == site_id, Verification.photo == photo
    )
    return session.scalar(query.limit(1)) is not None
