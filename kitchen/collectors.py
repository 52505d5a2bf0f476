"""Who takes food waste and waste oil away (收运), and what is unaccounted for.

The record names kind, quantity, time, destination, collector, contact and both signatures, as the
food waste ledgers of the field do; a collector works under a licence and a contract.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows
from kitchen.rows import KeyedRow, SiteRow, Values
from kitchen.waste import Category, Stream

MAX_GRAMS = 20_000_000
"""Twenty tonnes: more than a lorry of a canteen's waste."""
MAX_PAGE = 500
SOON = timedelta(days=30)
"""So long before its end a paper is to be renewed."""


class CollectorExpiredError(BadInputError):
    """The collector's licence or contract is over."""

    code = "collector_expired"


class Destination(StrEnum):
    """Where it goes."""

    PLANT = "plant"
    """处理厂: the collector's plant."""
    COMPOST = "compost"
    """就地堆肥, 就地资源化: on the site's own ground."""


class CollectorValues(Values):
    """What a person keeps about a collector."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    streams: Annotated[tuple[Stream, ...], Field(min_length=1)] = (Stream.FOOD,)
    licence: Annotated[str, Field(min_length=1, max_length=80)]
    """Number of its permit."""
    licence_until: date
    """The last day on which it is valid."""
    contract: Annotated[str, Field(max_length=80)] = ""
    contract_until: date
    contact: Annotated[str, Field(max_length=80)] = ""
    phone: Annotated[str, Field(max_length=40)] = ""
    address: Annotated[str, Field(max_length=200)] = ""
    plant: Annotated[str, Field(max_length=200)] = ""
    """Where it brings what it takes."""
    active: bool = True


class Collector(SiteRow):
    """A collector of a site."""

    __tablename__ = "waste_collector"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    name: Mapped[str] = mapped_column(String(80))
    streams: Mapped[list[str]] = mapped_column(JSON)
    licence: Mapped[str] = mapped_column(String(80))
    licence_until: Mapped[date]
    contract: Mapped[str] = mapped_column(String(80))
    contract_until: Mapped[date]
    contact: Mapped[str] = mapped_column(String(80))
    phone: Mapped[str] = mapped_column(String(40))
    address: Mapped[str] = mapped_column(String(200))
    plant: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool]


class HandoverValues(Values):
    """What was handed over."""

    venue_id: UUID
    stream: Stream
    grams: Annotated[int, Field(gt=0, le=MAX_GRAMS)]
    collector_id: UUID | None = None
    """None: it is composted on the site."""
    receiver: Annotated[str, Field(max_length=80)] = ""
    """Who took it, for the collector."""
    signature: Annotated[str, Field(max_length=200)] = ""
    """Where the receiver's signature lies."""


class Handover(KeyedRow):
    """One collection; a wrong one is taken off by a second row with its grams below zero."""

    __tablename__ = "waste_handover"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_waste_handover_site_id_business_date", "site_id", "business_date"),
    )

    business_date: Mapped[date]
    venue_id: Mapped[UUID]
    stream: Mapped[str] = mapped_column(String(8))
    grams: Mapped[int]
    collector_id: Mapped[UUID | None] = mapped_column(ForeignKey("waste_collector.id"))
    collector: Mapped[str] = mapped_column(String(80))
    """Its name on that day."""
    destination: Mapped[str] = mapped_column(String(8))
    plant: Mapped[str] = mapped_column(String(200))
    receiver: Mapped[str] = mapped_column(String(80))
    signature: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(String(200), default="")
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    voids: Mapped[UUID | None] = mapped_column(ForeignKey("waste_handover.id"), unique=True)


def create(session: Session, actor: Acting, values: CollectorValues) -> Collector:
    """Add a collector.

    Raises:
        BadInputError: the site has one of this name.
    """
    row = Collector(id=new_id(), site_id=actor.site_id, **_columns(values))
    _flush(session, row)
    actor.record(session, "collector.create", str(row.id), None, values.model_dump(mode="json"))
    return row


def update(
    session: Session, actor: Acting, collector_id: UUID, values: CollectorValues
) -> Collector:
    """Change a collector, such as when its licence was renewed.

    Raises:
        kitchen.rows.UnknownRowError: not one of this site.
        BadInputError: another one has the name.
    """
    row = rows.get(session, Collector, actor.site_id, collector_id, "collector", lock=True)
    before = values_of(row)
    if before == values:
        return row
    for name, value in _columns(values).items():
        setattr(row, name, value)
    _flush(session, row)
    actor.record(
        session, "collector.update", str(row.id),
        before.model_dump(mode="json"), values.model_dump(mode="json"),
    )  # fmt: skip
    return row


def values_of(row: Collector) -> CollectorValues:
    """The collector as a person decided it."""
    return CollectorValues.model_validate(
        {name: getattr(row, name) for name in CollectorValues.model_fields}
    )


def _columns(values: CollectorValues) -> dict[str, Any]:
    return {**values.model_dump(), "streams": [stream.value for stream in values.streams]}


def _flush(session: Session, row: Collector) -> None:
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise BadInputError("there is a collector of this name already") from error


@dataclass(frozen=True, slots=True)
class PaperFinding:
    """A paper of a collector that is over, or soon will be."""

    paper: str
    until: date
    over: bool


def papers(values: CollectorValues, day: date) -> tuple[PaperFinding, ...]:
    """Licence and contract that are over on a day or end within 30 days of it."""
    ends = (("licence", values.licence_until), ("contract", values.contract_until))
    return tuple(
        PaperFinding(paper, until, until < day) for paper, until in ends if until < day + SOON
    )


def hand_over(
    session: Session, actor: Acting, values: HandoverValues, *, day: date, key: str
) -> Handover:
    """Keep what a collector took, or what is composted here.

    Raises:
        CollectorExpiredError: its licence or contract is over on that day.
        kitchen.rows.UnknownRowError: not a collector of this site.
        BadInputError: the collector does not take this, or nobody signed for it.
        kitchen.rows.KeyReusedError: the key kept something else.
    """
    told: dict[str, Any] = {
        **values.model_dump(),
        "stream": values.stream.value,
        "business_date": day,
    }
    row = Handover(
        id=new_id(), site_id=actor.site_id, key=key, by=actor.name, at=actor.at,
        collector="", plant="", destination=Destination.COMPOST.value, **told,
    )  # fmt: skip
    known = rows.earlier(session, row, tuple(told))
    if known is not None:
        return known
    if values.collector_id is None:
        if values.stream is Stream.OIL:
            raise BadInputError("waste oil is never composted: name the collector that takes it")
    else:
        collector = rows.get(session, Collector, actor.site_id, values.collector_id, "collector")
        _check_collector(collector, values, day)
        row.collector, row.plant = collector.name, collector.plant
        row.destination = Destination.PLANT.value
    row, new = rows.insert_once(session, row, tuple(told))
    if new:
        after = {**values.model_dump(mode="json"), "day": str(day)}
        actor.record(session, "waste.hand_over", str(row.id), None, after)
    return row


def _check_collector(collector: Collector, values: HandoverValues, day: date) -> None:
    over = [found for found in papers(values_of(collector), day) if found.over]
    if over:
        ended = ", ".join(f"{found.paper} ended on {found.until}" for found in over)
        raise CollectorExpiredError(f"{collector.name} may take nothing: its {ended}")
    if not collector.active or values.stream.value not in collector.streams:
        raise BadInputError(f"{collector.name} does not take this: choose another collector")
    if not values.receiver or not values.signature:
        raise BadInputError("whoever takes it gives name and signature")


def void(session: Session, actor: Acting, handover_id: UUID, *, reason: str, key: str) -> Handover:
    """Take a collection off by a second row of the same day.

    Raises:
        kitchen.rows.UnknownRowError: not one of this site.
        BadInputError: it was taken off already, it is itself such a row, or no reason is given.
        kitchen.rows.KeyReusedError: the key kept something else.
    """
    row = rows.get(session, Handover, actor.site_id, handover_id, "collection")
    if row.voids is not None:
        raise BadInputError("this row takes another one off: enter the right one instead")
    same = (
        "business_date", "venue_id", "stream", "collector_id", "collector", "destination",
        "plant", "receiver", "signature",
    )  # fmt: skip
    told: dict[str, Any] = {name: getattr(row, name) for name in same}
    told |= {"grams": -row.grams, "reason": rows.say(reason, "why it is wrong"), "voids": row.id}
    second = Handover(
        id=new_id(), site_id=actor.site_id, key=key, by=actor.name, at=actor.at, **told
    )
    try:
        second, new = rows.insert_once(session, second, tuple(told))
    except IntegrityError as error:
        raise BadInputError("this collection was taken off already") from error
    if new:
        after = {"voids": str(row.id), "grams": row.grams, "reason": second.reason}
        actor.record(session, "waste.void_hand_over", str(second.id), None, after)
    return second


def page(
    session: Session, site_id: UUID, day: date, *, after: UUID | None = None, limit: int = 100
) -> Sequence[Handover]:
    """The collections of a day in the order of their writing, from behind the row ``after``."""
    query = select(Handover).where(Handover.site_id == site_id, Handover.business_date == day)
    if after is not None:
        query = query.where(Handover.id > after)
    return session.scalars(query.order_by(Handover.id).limit(max(1, min(limit, MAX_PAGE)))).all()


def handed_over(
    session: Session, site_id: UUID, first: date, last: date
) -> dict[tuple[Stream, Destination], int]:
    """Grams by stream and destination, both days included."""
    query = (
        select(Handover.stream, Handover.destination, func.sum(Handover.grams))
        .where(Handover.site_id == site_id, Handover.business_date.between(first, last))
        .group_by(Handover.stream, Handover.destination)
    )
    return {
        (Stream(stream), Destination(destination)): int(grams)
        for stream, destination, grams in session.execute(query)
    }


@dataclass(frozen=True, slots=True)
class Balance:
    """What was weighed as waste against what went away; grams."""

    stream: Stream
    recorded: int
    collected: int
    composted: int

    @property
    def difference(self) -> int:
        """Weighed and not gone; below zero: more went than anybody weighed."""
        return self.recorded - self.collected - self.composted


def balance(
    recorded: Mapping[Category, int], gone: Mapping[tuple[Stream, Destination], int]
) -> tuple[Balance, ...]:
    """The balance of each stream.

    Args:
        recorded: Grams by category, as :func:`kitchen.waste.totals` tells.
        gone: Grams by stream and destination, as :func:`handed_over` tells.
    """
    return tuple(
        Balance(
            stream,
            sum(grams for category, grams in recorded.items() if category.stream is stream),
            gone.get((stream, Destination.PLANT), 0),
            gone.get((stream, Destination.COMPOST), 0),
        )
        for stream in Stream
    )
