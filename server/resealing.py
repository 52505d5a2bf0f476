"""Sealing anew with the newest site key: templates, photographs, evidence, in portions.

Each portion is a transaction of its own, so that it may be stopped at any point and run again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from dafan import crypto
from dafan.crypto import SealError
from dafan.db import reading, writing
from kitchen import incidents, teaching
from kitchen.incidents import Incident
from kitchen.teaching import TeachingExample
from server import consents, evidence, faces, feed, keys, sites
from server.evidence import Evidence
from server.faces import Photo, Template
from server.keys import Key, KeyRing

PORTION = 100

_Row = Template | Photo | Evidence | Incident | TeachingExample


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the tables that hold sealed things."""

    name: str
    table: type[_Row]
    id: InstrumentedAttribute[UUID]
    context: Callable[[UUID], str]


KINDS = (
    _Kind("template", Template, Template.id, faces.template_context),
    _Kind("photo", Photo, Photo.id, faces.photo_context),
    _Kind("evidence", Evidence, Evidence.sale_id, evidence.context),
    _Kind("incident", Incident, Incident.id, incidents.context),
    _Kind("example", TeachingExample, TeachingExample.id, teaching.context),
)


@dataclass(frozen=True, slots=True)
class Portion:
    """What became of one portion.

    Attributes:
        done: How many things are sealed with the newest key now.
        faults: Those that do not open: ``photo <id>: why``.
    """

    done: int
    faults: tuple[str, ...]


def counts(session: Session, site_id: UUID | None = None) -> dict[int, dict[str, int]]:
    """Epoch → kind → how many things it seals, at one site or at all."""
    found: dict[int, dict[str, int]] = {}
    for kind in KINDS:
        query = select(kind.table.epoch, func.count()).where(kind.table.epoch.is_not(None))
        if site_id is not None:
            query = query.where(kind.table.site_id == site_id)
        for epoch, number in session.execute(query.group_by(kind.table.epoch)):
            found.setdefault(int(epoch or 0), {})[kind.name] = number
    return found


def reseal(engine: Engine, ring: KeyRing) -> Iterator[Portion]:
    """Seal everything that an older key seals with the newest one, and tell the tills.

    What does not open stays as it is and is named.

    Raises:
        SealError: the newest key is not here.
    """
    with reading(engine) as session:
        site_ids = [site.id for site in sites.all_sites(session)]
    for site_id in site_ids:
        for kind in KINDS:
            after: UUID | None = UUID(int=0)
            while after is not None:
                with writing(engine) as session:
                    after, portion = _portion(session, ring, site_id, kind, after)
                yield portion


def _portion(
    session: Session, ring: KeyRing, site_id: UUID, kind: _Kind, after: UUID
) -> tuple[UUID | None, Portion]:
    """Reseal the rows behind one; the last one's id, ``None`` where these were the last."""
    newest = keys.sealing(session, ring)
    feed.lock(session, site_id)
    query = (
        select(kind.table)
        .where(kind.table.site_id == site_id, kind.table.epoch != newest.epoch, kind.id > after)
        .order_by(kind.id)
        .limit(PORTION)
        .with_for_update()
    )
    rows = cast("Sequence[_Row]", session.scalars(query).all())
    done: list[_Row] = []
    faults = []
    for row in rows:
        try:
            _reseal(ring, newest, kind, row)
        except SealError as error:
            faults.append(f"{kind.name} {_id(row)}: {error}")
        else:
            done.append(row)
    _publish(session, site_id, [row for row in done if isinstance(row, Template)])
    session.flush()
    last = _id(rows[-1]) if len(rows) == PORTION else None
    return last, Portion(len(done), tuple(faults))


def _id(row: _Row) -> UUID:
    return row.sale_id if isinstance(row, Evidence) else row.id


def _reseal(ring: KeyRing, newest: Key, kind: _Kind, row: _Row) -> None:
    if row.sealed is None or row.epoch is None:
        return
    context = kind.context(_id(row))
    plain = crypto.open_sealed(ring.key(row.epoch).secret, row.sealed, context)
    row.sealed, row.epoch = crypto.seal(newest.secret, plain, context), newest.epoch


def _publish(session: Session, site_id: UUID, templates: Sequence[Template]) -> None:
    if not templates:
        return
    agreed = consents.versions(session, [template.diner_id for template in templates])
    bodies = {
        str(template.id): faces.template_record(template, agreed[template.diner_id])
        for template in templates
    }
    feed.publish_all(session, site_id, "template", bodies)
