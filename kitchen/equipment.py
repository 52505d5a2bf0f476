"""Equipment (设备): register with QR labels, and maintenance when it is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, select, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows
from kitchen.rows import KeyedRow, SiteRow, Values

LABEL = "DAFAN:EQUIP:"
"""What the QR label of a device begins with; its id follows."""
MAX_PAGE = 500


class Equipment(SiteRow):
    """A device of the kitchen."""

    __tablename__ = "equipment"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    name: Mapped[str] = mapped_column(String(80))
    place: Mapped[str] = mapped_column(String(80))
    maker: Mapped[str] = mapped_column(String(80))
    model: Mapped[str] = mapped_column(String(80))
    serial: Mapped[str] = mapped_column(String(80))
    since: Mapped[date]
    maintain_days: Mapped[int | None]
    active: Mapped[bool]


class Maintenance(KeyedRow):
    """A device was maintained."""

    __tablename__ = "maintenance"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_maintenance_equipment", "site_id", "equipment_id", "business_date"),
    )

    equipment_id: Mapped[UUID] = mapped_column(ForeignKey("equipment.id"))
    business_date: Mapped[date]
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
    what: Mapped[str] = mapped_column(String(200))
    photo: Mapped[str] = mapped_column(String(120))


class EquipmentValues(Values):
    """What is decided about a device."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    """Such as 双门冰箱 2 号: people tell devices apart by it."""
    place: Annotated[str, Field(max_length=80)] = ""
    maker: Annotated[str, Field(max_length=80)] = ""
    model: Annotated[str, Field(max_length=80)] = ""
    serial: Annotated[str, Field(max_length=80)] = ""
    since: date
    maintain_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """It is maintained every so many days; none: only repaired."""
    active: bool = True


@dataclass(frozen=True, slots=True)
class DueLine:
    """A device on the maintenance plan."""

    equipment_id: UUID
    name: str
    place: str
    last: date | None
    due: date


def label(equipment_id: UUID) -> str:
    """The text of a device's QR label."""
    return f"{LABEL}{equipment_id}"


def read_label(text: str) -> UUID:
    """Which device a scanned label belongs to.

    Raises:
        BadInputError: another code was scanned.
    """
    prefix, _, rest = text.strip().rpartition(":")
    try:
        found = UUID(rest)
    except ValueError:
        found = None
    if found is None or prefix != LABEL[:-1]:
        raise BadInputError("this is no label of a device: scan the one on the device")
    return found


def next_due(since: date, last: date | None, every_days: int) -> date:
    """When a device is maintained next: counted from its last maintenance."""
    return (last or since) + timedelta(days=every_days)


def create(session: Session, actor: Acting, values: EquipmentValues) -> Equipment:
    """Add a device.

    Raises:
        BadInputError: there is one of this name; the transaction is then lost.
    """
    row = Equipment(id=new_id(), site_id=actor.site_id, **values.model_dump())
    session.add(row)
    rows.flush(session, _taken(values.name))
    actor.record(session, "equipment.create", str(row.id), None, values.model_dump(mode="json"))
    return row


def update(
    session: Session, actor: Acting, equipment_id: UUID, values: EquipmentValues
) -> Equipment:
    """Change a device, or retire it; its repairs and maintenance stay.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: another one has the name; the transaction is then lost.
    """
    row = get(session, actor.site_id, equipment_id, lock=True)
    rows.change(session, actor, row, values, "equipment.update", _taken(values.name))
    return row


def get(session: Session, site_id: UUID, equipment_id: UUID, *, lock: bool = False) -> Equipment:
    """A device of the site.

    Raises:
        UnknownRowError: not one of this site.
    """
    return rows.get(session, Equipment, site_id, equipment_id, "device", lock=lock)


def page(
    session: Session, site_id: UUID, *, after: UUID | None = None, limit: int = 100
) -> Sequence[Equipment]:
    """Devices by place and name, from behind the device ``after``."""
    query = select(Equipment).where(Equipment.site_id == site_id)
    if after is not None:
        last = get(session, site_id, after)
        place = tuple_(Equipment.place, Equipment.name)
        query = query.where(place > tuple_(last.place, last.name))
    query = query.order_by(Equipment.place, Equipment.name)
    return session.scalars(query.limit(max(1, min(limit, MAX_PAGE)))).all()


def values_of(row: Equipment) -> EquipmentValues:
    """The device as a person decided it."""
    return rows.values_of(EquipmentValues, row)


def maintain(
    session: Session, actor: Acting, key: str, day: date, equipment_id: UUID, what: str,
    photo: str = "",
) -> Maintenance:  # fmt: skip
    """Write that a device was maintained; the same key is the same maintenance.

    Raises:
        UnknownRowError: no such device here.
        BadInputError: nothing is said of what was done.
        KeyReusedError: something different was sent under this key.
    """
    what = rows.say(what, "what was done at the device")
    photo = photo and rows.say(photo, "where the photograph is", 120)
    device = get(session, actor.site_id, equipment_id)
    row = Maintenance(
        id=new_id(), site_id=actor.site_id, key=key, equipment_id=device.id, business_date=day,
        at=actor.at, by=actor.name, what=what, photo=photo,
    )  # fmt: skip
    row, fresh = rows.insert_once(session, row, ("equipment_id", "what"))
    if fresh:
        actor.record(session, "equipment.maintain", str(device.id), None, {"what": what})
    return row


def plan(session: Session, site_id: UUID) -> list[DueLine]:
    """The maintenance plan, the most urgent first."""
    last = (
        select(Maintenance.equipment_id, func.max(Maintenance.business_date).label("day"))
        .where(Maintenance.site_id == site_id)
        .group_by(Maintenance.equipment_id)
        .subquery()
    )
    query = (
        select(Equipment, last.c.day)
        .outerjoin(last, last.c.equipment_id == Equipment.id)
        .where(
            Equipment.site_id == site_id,
            Equipment.active.is_(True),
            Equipment.maintain_days.is_not(None),
        )
    )
    lines = [
        DueLine(row.id, row.name, row.place, day, next_due(row.since, day, row.maintain_days or 0))
        for row, day in session.execute(query)
    ]
    return sorted(lines, key=lambda line: (line.due, line.name))


def _taken(name: str) -> str:
    return f"there is a device named {name} already"
