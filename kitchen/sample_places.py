"""Where samples stand: the next free place, and a cabinet that changes or goes out of use."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dafan.acting import Acting
from dafan.errors import BadInputError
from kitchen import cabinet, rows
from kitchen.cabinet import Cabinet, CabinetKind, CabinetValues
from kitchen.samples import Sample


class CabinetInUseError(BadInputError):
    """Samples stand in it."""

    code = "cabinet_in_use"


@dataclass(frozen=True, slots=True)
class Place:
    """A place for a sample."""

    cabinet: Cabinet
    slot: int


def for_samples(session: Session, site_id: UUID) -> list[Cabinet]:
    """The cabinets in use that take samples, by name."""
    found = cabinet.in_use(session, site_id)
    return [row for row in found if row.kind == CabinetKind.CHILLED.value and row.slots]


def next_free(session: Session, site_id: UUID, venue_id: UUID) -> Place | None:
    """The lowest free place, first in the cabinets of the venue; ``None`` where all are full."""
    found = for_samples(session, site_id)
    for row in sorted(found, key=lambda row: (row.venue_id != venue_id, row.name)):
        taken = set(_taken(session, row))
        free = next((slot for slot in range(1, row.slots + 1) if slot not in taken), None)
        if free is not None:
            return Place(row, free)
    return None


def update(session: Session, actor: Acting, cabinet_id: UUID, values: CabinetValues) -> Cabinet:
    """Change a cabinet, or take it out of use; its readings stay.

    Raises:
        kitchen.rows.UnknownRowError: not a cabinet of this site.
        CabinetInUseError: samples stand where no place would be left: move them first.
        BadInputError: another cabinet has the name or the probe; the transaction is then lost.
    """
    row = rows.get(session, Cabinet, actor.site_id, cabinet_id, "cabinet", lock=True)
    slots = values.slots if values.active and values.kind is CabinetKind.CHILLED else 0
    above = [slot for slot in _taken(session, row) if slot > slots]
    if above:
        raise CabinetInUseError(f"{len(above)} samples stand in {row.name}: move them first")
    cabinet.check_probe(session, actor.site_id, values, row.id)
    taken = f"there is a cabinet named {values.name} already"
    rows.change(session, actor, row, values, "cabinet.update", taken)
    return row


def counted(session: Session, site_id: UUID) -> dict[UUID, int]:
    """How many samples stand in each cabinet."""
    query = select(Sample.cabinet_id, func.count().label("samples")).where(
        Sample.site_id == site_id, Sample.disposed_at.is_(None)
    )
    found = session.execute(query.group_by(Sample.cabinet_id))
    return {row.cabinet_id: row.samples for row in found}


def _taken(session: Session, row: Cabinet) -> Sequence[int]:
    query = select(Sample.slot).where(
        Sample.site_id == row.site_id, Sample.cabinet_id == row.id, Sample.disposed_at.is_(None)
    )
    return session.scalars(query.order_by(Sample.slot)).all()
