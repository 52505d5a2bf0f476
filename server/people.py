"""Diners (就餐人): who may eat, and what a till knows of them.

Whatever changes a diner is published to the feed and written to the audit log in the
same transaction.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import Field
from sqlalchemy import ForeignKey, String, UniqueConstraint, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import crypto, records
from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import DinerStatus, Source
from dafan.wire import Name
from server import feed, groups, plate_book
from server.actor import Actor
from server.books import accounts, sales
from server.many import among, portions
from server.values import Values, flush_unique

MAX_PAGE = 500
_PIN = re.compile(r"[0-9]{6}")
_EASY_PINS = {"012345", "123456", "234567", "345678", "456789", "567890", "654321", "123123"}
_hasher = PasswordHasher()


class UnknownDinerError(BadInputError):
    """The site has no such diner."""

    code = "unknown_diner"


class Diner(Base):
    """A person who eats here; his money is in the books, his face in ``server.faces``."""

    __tablename__ = "diner"
    __table_args__ = (UniqueConstraint("site_id", "staff_no"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    staff_no: Mapped[str] = mapped_column(String(80))
    name: Mapped[str] = mapped_column(String(80), index=True)
    department: Mapped[str] = mapped_column(String(80), default="")
    group_id: Mapped[UUID] = mapped_column(ForeignKey("diner_group.id"), index=True)
    status: Mapped[str] = mapped_column(String(8), default=DinerStatus.ACTIVE.value)
    pin_hash: Mapped[str | None] = mapped_column(String(200))


class Lookalike(Base):
    """Two diners whose faces are too near; there is a row for each of the two."""

    __tablename__ = "lookalike"

    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), primary_key=True)
    other_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)


class DinerValues(Values):
    """What a person decides about a diner; status, PIN, cards and face have their own acts."""

    staff_no: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[0-9A-Za-z._-]+$")]
    name: Name
    department: Annotated[str, Field(max_length=80)] = ""
    group_id: UUID


# --- diners -------------------------------------------------------------------------------------


def create_diner(session: Session, actor: Actor, values: DinerValues) -> Diner:
    """Add a diner, active, without PIN.

    Raises:
        UnknownGroupError: not a group of this site.
        BadInputError: the staff number is taken; the transaction is then lost.
    """
    diner = create_diners(session, actor, [values])[0]
    publish_diner(session, diner.id)
    return diner


def create_diners(session: Session, actor: Actor, people: Sequence[DinerValues]) -> list[Diner]:
    """Add diners, active, without PIN; the caller publishes them when they are whole.

    Raises:
        UnknownGroupError: not a group of this site.
        BadInputError: a staff number is taken; the transaction is then lost.
    """
    for group_id in {values.group_id for values in people}:
        groups.get(session, actor.site_id, group_id)
    diners = [
        Diner(
            id=new_id(),
            site_id=actor.site_id,
            status=DinerStatus.ACTIVE.value,
            pin_hash=None,
            **values.model_dump(),
        )
        for values in people
    ]
    session.add_all(diners)
    flush_unique(session, _taken([values.staff_no for values in people]))
    for diner, values in zip(diners, people, strict=True):
        actor.record(session, "diner.create", str(diner.id), None, values.model_dump(mode="json"))
    return diners


def update_diner(
    session: Session, actor: Actor, diner_id: UUID, values: DinerValues, *, publish: bool = True
) -> Diner:
    """Change number, name, department or group.

    Args:
        session: Writes.
        actor: Who changes it.
        diner_id: Whom.
        values: Number, name, department, group.
        publish: Left out by an import, which does more to him and publishes at the end.

    Raises:
        UnknownDinerError: not a diner of this site.
        UnknownGroupError: not a group of this site.
        BadInputError: the staff number is taken; the transaction is then lost.
    """
    diner = get_diner(session, actor.site_id, diner_id)
    groups.get(session, actor.site_id, values.group_id)
    before = diner_values(diner).model_dump(mode="json")
    for name, value in values.model_dump().items():
        setattr(diner, name, value)
    flush_unique(session, _taken([values.staff_no]))
    actor.record(session, "diner.update", str(diner.id), before, values.model_dump(mode="json"))
    if publish:
        publish_diner(session, diner.id)
    return diner


def set_status(session: Session, actor: Actor, diner_id: UUID, status: DinerStatus) -> Diner:
    """Freeze a diner, or let him pay again. Leaving for good is :func:`server.leaving.leave`.

    Raises:
        UnknownDinerError: not a diner of this site.
    """
    diner = get_diner(session, actor.site_id, diner_id)
    before, diner.status = diner.status, status.value
    actor.record(session, "diner.status", str(diner.id), before, status.value)
    session.flush()
    publish_diner(session, diner.id)
    return diner


def get_diner(session: Session, site_id: UUID, diner_id: UUID) -> Diner:
    """A diner of the site.

    Raises:
        UnknownDinerError: not a diner of this site.
    """
    diner = session.scalar(select(Diner).where(Diner.site_id == site_id, Diner.id == diner_id))
    if diner is None:
        raise UnknownDinerError("there is no such diner here: look for the name or the number")
    return diner


def get_diners(session: Session, site_id: UUID, diner_ids: Iterable[UUID]) -> dict[UUID, Diner]:
    """Those of the diners whom the site has."""
    found: dict[UUID, Diner] = {}
    for ids in portions(diner_ids):
        query = select(Diner).where(Diner.site_id == site_id, among(session, Diner.id, ids))
        found |= {diner.id: diner for diner in session.scalars(query)}
    return found


def find_diner(session: Session, site_id: UUID, staff_no: str) -> Diner | None:
    """The site's diner with this staff number."""
    return session.scalar(
        select(Diner).where(Diner.site_id == site_id, Diner.staff_no == staff_no.strip())
    )


def page_diners(
    session: Session,
    site_id: UUID,
    *,
    after: str = "",
    limit: int = 50,
    search: str = "",
    group_id: UUID | None = None,
    status: DinerStatus | None = None,
) -> Sequence[Diner]:
    """Diners by staff number, from behind ``after``, whose number, name or department match."""
    query = select(Diner).where(Diner.site_id == site_id, Diner.staff_no > after)
    if search.strip():
        word = search.strip()
        query = query.where(
            or_(
                Diner.staff_no.startswith(word, autoescape=True),
                Diner.name.contains(word, autoescape=True),
                Diner.department.contains(word, autoescape=True),
            )
        )
    if group_id is not None:
        query = query.where(Diner.group_id == group_id)
    if status is not None:
        query = query.where(Diner.status == status.value)
    query = query.order_by(Diner.staff_no).limit(max(1, min(limit, MAX_PAGE)))
    return session.scalars(query).all()


def count_diners(session: Session, site_id: UUID) -> int:
    """How many diners the site has, those who have left not counted."""
    query = select(func.count()).where(
        Diner.site_id == site_id, Diner.status != DinerStatus.LEFT.value
    )
    return session.scalar(query) or 0


def diner_values(diner: Diner) -> DinerValues:
    """The diner as a person decided him."""
    return DinerValues.model_validate(
        {name: getattr(diner, name) for name in DinerValues.model_fields}
    )


def qr_text(site_key: bytes, diner_id: UUID) -> str:
    """What the diner's QR code says; a till asks for the PIN as well."""
    return crypto.make_qr(site_key, diner_id)


def publish_diner(session: Session, diner_id: UUID) -> None:
    """Publish one diner, as :func:`publish_diners`."""
    session.flush()
    publish_diners(session, session.get_one(Diner, diner_id).site_id, [diner_id])


def publish_diners(session: Session, site_id: UUID, diner_ids: Iterable[UUID]) -> None:
    """Send diners with their balances and uses as they are now to the tills.

    One who has left disappears from them.
    """
    session.flush()
    feed.lock(session, site_id)
    for ids in portions(diner_ids):
        query = select(Diner).where(Diner.site_id == site_id, among(session, Diner.id, ids))
        found = session.scalars(query.execution_options(populate_existing=True)).all()
        here = [diner for diner in found if diner.status != DinerStatus.LEFT.value]
        bodies: dict[str, records.Diner | None] = dict.fromkeys(str(diner.id) for diner in found)
        bodies |= {str(body.id): body for body in diner_records(session, here)}
        feed.publish_all(session, site_id, "diner", bodies)


def diner_record(session: Session, diner: Diner) -> records.Diner:
    """The diner as a till knows him."""
    return diner_records(session, [diner])[0]


def diner_records(session: Session, diners: Sequence[Diner]) -> list[records.Diner]:
    """At most :data:`server.many.PORTION` diners as a till knows them."""
    ids = [diner.id for diner in diners]
    balances = accounts.balances_of(session, ids)
    uses = sales.latest_uses(session, ids)
    marks = sales.applied_marks_of(session, ids)
    near = _lookalikes_of(session, ids)
    points = plate_book.balances_of(session, ids)
    return [
        records.Diner(
            id=diner.id,
            staff_no=diner.staff_no,
            name=diner.name,
            department=diner.department,
            group_id=diner.group_id,
            status=DinerStatus(diner.status),
            pin_hash=diner.pin_hash,
            subsidy=balances[diner.id][Source.SUBSIDY],
            cash=balances[diner.id][Source.CASH],
            points=points[diner.id],
            today=uses[diner.id],
            applied=marks[diner.id],
            lookalikes=tuple(near.get(diner.id, ())),
        )
        for diner in diners
    ]


# --- PIN ----------------------------------------------------------------------------------------


def hash_pin(pin: str) -> str:
    """Argon2 of a PIN.

    Raises:
        BadInputError: not six digits, or six that anybody would try first.
    """
    if not _PIN.fullmatch(pin):
        raise BadInputError("a PIN has six digits", code="bad_pin")
    if len(set(pin)) == 1 or pin in _EASY_PINS:
        raise BadInputError("this PIN is too easy to guess: choose another one", code="easy_pin")
    return _hasher.hash(pin)


def set_pin(session: Session, actor: Actor, diner_id: UUID, pin: str | None) -> None:
    """Give the diner a PIN, or with ``None`` take it away until he chooses one again.

    Raises:
        UnknownDinerError: not a diner of this site.
        BadInputError: as :func:`hash_pin`.
    """
    diner = get_diner(session, actor.site_id, diner_id)
    diner.pin_hash = None if pin is None else hash_pin(pin)
    actor.record(session, "diner.pin", str(diner.id), None, "reset" if pin is None else "set")
    publish_diner(session, diner.id)


def pin_fits(diner: Diner, pin: str) -> bool:
    """Whether this is the diner's PIN."""
    if diner.pin_hash is None:
        return False
    try:
        return _hasher.verify(diner.pin_hash, pin)
    except (VerificationError, InvalidHashError):
        return False


# --- look-alikes --------------------------------------------------------------------------------


def lookalikes(session: Session, diner_id: UUID) -> Sequence[UUID]:
    """Diners whose face is too near to this one's."""
    return _lookalikes_of(session, [diner_id]).get(diner_id, [])


def _lookalikes_of(session: Session, diner_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    query = select(Lookalike.diner_id, Lookalike.other_id).where(
        among(session, Lookalike.diner_id, diner_ids)
    )
    near: dict[UUID, list[UUID]] = {}
    for diner_id, other_id in session.execute(query.order_by(Lookalike.other_id)):
        near.setdefault(diner_id, []).append(other_id)
    return near


def all_lookalikes(session: Session, site_id: UUID) -> Sequence[UUID]:
    """Every diner of the site who has a look-alike."""
    query = select(Lookalike.diner_id).where(Lookalike.site_id == site_id).distinct()
    return session.scalars(query).all()


def mark_lookalikes(session: Session, actor: Actor, one_id: UUID, other_id: UUID) -> None:
    """From now on both need a second factor beside the face."""
    for diner_id, near_id in ((one_id, other_id), (other_id, one_id)):
        session.merge(Lookalike(diner_id=diner_id, other_id=near_id, site_id=actor.site_id))
    actor.record(session, "diner.lookalike", str(one_id), None, str(other_id))
    for diner_id in (one_id, other_id):
        publish_diner(session, diner_id)


def clear_lookalikes(session: Session, actor: Actor, diner_id: UUID) -> None:
    """Forget whose face is near to this one's, when his own face is erased."""
    others = lookalikes(session, diner_id)
    query = select(Lookalike).where(
        Lookalike.site_id == actor.site_id,
        or_(Lookalike.diner_id == diner_id, Lookalike.other_id == diner_id),
    )
    for row in session.scalars(query):
        session.delete(row)
    for other_id in others:
        publish_diner(session, other_id)


def _taken(numbers: Sequence[str]) -> str:
    if len(numbers) == 1:
        return f"there is a diner with the number {numbers[0]} already: change that one instead"
    return "one of these numbers was given to somebody just now: look at the table again"
