"""Faces: consent first, then a photograph and its template, both sealed; withdrawal erases them.

A template's plain bytes are the vector as little-endian float32, sealed for ``template:<id>``;
a photograph is a JPEG sealed for ``photo:<id>``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Literal
from uuid import UUID

import numpy as np
from sqlalchemy import ForeignKey, LargeBinary, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import crypto, records
from dafan.db import Base
from dafan.desk import ErasureReceipt
from dafan.errors import BadInputError
from dafan.ids import new_id
from server import consents, feed, keys, people, terminals
from server.actor import Actor
from server.face_engine import Reference, Vector
from server.keys import Key, KeyRing
from server.terminals import Terminal

_BATCH = 2000


class NoConsentError(BadInputError):
    """The diner has not agreed, or no longer agrees, to having his face stored."""

    code = "no_consent"


@dataclass(frozen=True, slots=True)
class Near:
    """Another diner whose face is too near."""

    diner_id: UUID
    staff_no: str
    name: str
    similarity: float


class DuplicateFaceError(BadInputError):
    """The face is near to that of other diners: the same person twice, or look-alikes."""

    code = "duplicate_face"

    def __init__(self, near: Sequence[Near]) -> None:
        names = ", ".join(f"{other.name} ({other.staff_no})" for other in near)
        super().__init__(
            f"this face is very near to {names}: if it is the same person, do not enrol twice; "
            "if they are two people, confirm, and both will be asked for a PIN or card as well"
        )
        self.near = tuple(near)


class Photo(Base):
    """The sealed reference photograph of a diner."""

    __tablename__ = "photo"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), unique=True)
    consent_id: Mapped[UUID] = mapped_column(ForeignKey("consent.id"))
    epoch: Mapped[int] = mapped_column(index=True)
    """Of the site key that seals it."""
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    taken_at: Mapped[datetime]


class Template(Base):
    """The sealed vector of a diner's photograph, by one pack."""

    __tablename__ = "template"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), unique=True)
    pack: Mapped[str] = mapped_column(String(80))
    epoch: Mapped[int] = mapped_column(index=True)
    """Of the site key that seals it."""
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class Erasure(Base):
    """A terminal has to erase a template; its receipt fills in when it did."""

    __tablename__ = "erasure"

    template_id: Mapped[UUID] = mapped_column(primary_key=True)
    terminal_id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), index=True)
    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), index=True)
    asked_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    version: Mapped[int | None]
    """Of the feed, that says so: who has pulled it has erased, or never had it."""


# --- enrolment ----------------------------------------------------------------------------------


def enrol(
    session: Session,
    actor: Actor,
    ring: KeyRing,
    diner_id: UUID,
    reference: Reference,
    *,
    lookalike_similarity: float,
    confirm: bool = False,
) -> tuple[Template, Sequence[Near]]:
    """Store a face, in place of an earlier one, and send its template to the tills.

    Args:
        session: A writing one.
        actor: Who enrols.
        ring: Its newest key seals photograph and template.
        diner_id: Whose face it is.
        reference: What :meth:`FaceEngine.read` made of the photograph.
        lookalike_similarity: :attr:`FaceEngine.lookalike_similarity`.
        confirm: Somebody looked at the near faces and says that they are other people.

    Returns:
        The template, and the diners who are look-alikes from now on.

    Raises:
        UnknownDinerError: not a diner of this site.
        NoConsentError: no consent that holds.
        DuplicateFaceError: near to another diner's face, and not confirmed.
    """
    people.get_diner(session, actor.site_id, diner_id)
    consent = require_consent(session, diner_id)
    feed.lock(session, actor.site_id)  # two look-alikes enrolled at once must see each other
    key = keys.sealing(session, ring)
    near = find_near(session, actor.site_id, ring, diner_id, reference, lookalike_similarity)
    if near and not confirm:
        raise DuplicateFaceError(near)
    _erase(session, actor, diner_id)
    people.clear_lookalikes(session, actor, diner_id)
    template = _store(session, actor, key, consent, reference)
    for other in near:
        people.mark_lookalikes(session, actor, diner_id, other.diner_id)
    actor.record(session, "face.enrol", str(diner_id), None, {"pack": reference.pack})
    people.publish_diner(session, diner_id)
    return template, near


def require_consent(session: Session, diner_id: UUID) -> consents.Consent:
    """The consent that holds now.

    Raises:
        NoConsentError: there is none.
    """
    consent = consents.standing(session, diner_id)
    if consent is None:
        raise NoConsentError("no consent: let the diner read the text and agree first")
    return consent


def _store(
    session: Session, actor: Actor, key: Key, consent: consents.Consent, reference: Reference
) -> Template:
    photo_id, template_id = new_id(), new_id()
    session.add(
        Photo(
            id=photo_id,
            site_id=actor.site_id,
            diner_id=consent.diner_id,
            consent_id=consent.id,
            epoch=key.epoch,
            sealed=crypto.seal(key.secret, reference.jpeg, photo_context(photo_id)),
            taken_at=actor.at,
        )
    )
    template = Template(
        id=template_id,
        site_id=actor.site_id,
        diner_id=consent.diner_id,
        pack=reference.pack,
        epoch=key.epoch,
        sealed=seal_vector(key.secret, template_id, reference.vector),
    )
    session.add(template)
    session.flush()
    publish_template(session, template, consent.version)
    return template


def publish_template(session: Session, template: Template, consent_version: str) -> None:
    """Send the template as it is now to the tills."""
    body = template_record(template, consent_version)
    feed.publish(session, template.site_id, "template", str(template.id), body)


def template_record(template: Template, consent_version: str) -> records.Template:
    """The template as a till knows it."""
    return records.Template(
        id=template.id,
        diner_id=template.diner_id,
        pack=template.pack,
        consent_version=consent_version,
        sealed=template.sealed,
        epoch=template.epoch,
    )


def seal_vector(site_key: bytes, template_id: UUID, vector: Vector) -> bytes:
    """Seal a vector as tills expect it."""
    return crypto.seal(site_key, vector.astype("<f4").tobytes(), template_context(template_id))


def template_context(template_id: UUID) -> str:
    """What the seal of a template is bound to."""
    return f"template:{template_id}"


def photo_context(photo_id: UUID) -> str:
    """What the seal of a photograph is bound to."""
    return f"photo:{photo_id}"


def open_vector(site_key: bytes, template_id: UUID, sealed: bytes) -> Vector:
    """Undo :func:`seal_vector`.

    Raises:
        SealError: altered, or sealed with another key.
    """
    plain = crypto.open_sealed(site_key, sealed, template_context(template_id))
    return np.frombuffer(plain, "<f4").astype(np.float32)


def find_near(
    session: Session,
    site_id: UUID,
    ring: KeyRing,
    diner_id: UUID,
    reference: Reference,
    similarity: float,
) -> list[Near]:
    """Other diners of the site whose face is at least this near, the nearest first."""
    near = []
    for template, vector in vectors(session, site_id, ring, reference.pack):
        cosine = float(vector @ reference.vector)
        if cosine >= similarity and template.diner_id != diner_id:
            other = people.get_diner(session, site_id, template.diner_id)
            near.append(Near(other.id, other.staff_no, other.name, cosine))
    return sorted(near, key=lambda other: -other.similarity)


def vectors(
    session: Session, site_id: UUID, ring: KeyRing, pack: str
) -> Iterator[tuple[Template, Vector]]:
    """Every template of the site by one pack, opened."""
    query = select(Template).where(Template.site_id == site_id, Template.pack == pack)
    key = cache(ring.key)
    for template in session.scalars(query.execution_options(yield_per=_BATCH)):
        yield template, open_vector(key(template.epoch).secret, template.id, template.sealed)


def template_of(session: Session, diner_id: UUID) -> Template | None:
    """The diner's template; ``None`` where his face is not enrolled."""
    return session.scalar(select(Template).where(Template.diner_id == diner_id))


def show_photo(session: Session, actor: Actor, ring: KeyRing, diner_id: UUID) -> bytes | None:
    """The diner's reference photograph as JPEG; that somebody looked is written down.

    Raises:
        UnknownDinerError: not a diner of this site.
        SealError: altered, or sealed with another key.
    """
    people.get_diner(session, actor.site_id, diner_id)
    photo = session.scalar(select(Photo).where(Photo.diner_id == diner_id))
    if photo is None:
        return None
    actor.record(session, "face.look", str(diner_id))
    return open_photo(ring, photo)


def open_photo(ring: KeyRing, photo: Photo) -> bytes:
    """The photograph as JPEG.

    Raises:
        SealError: altered, or its key is not here.
    """
    return crypto.open_sealed(ring.key(photo.epoch).secret, photo.sealed, photo_context(photo.id))


# --- withdrawal ---------------------------------------------------------------------------------


def withdraw(
    session: Session,
    actor: Actor,
    diner_id: UUID,
    because: Literal["withdrawn", "left"] = "withdrawn",
) -> bool:
    """End the consent and erase photograph and template here and, when they hear it, on the tills.

    Returns:
        Whether there was anything to end.

    Raises:
        UnknownDinerError: not a diner of this site.
    """
    people.get_diner(session, actor.site_id, diner_id)
    closed = consents.close(session, actor, diner_id, because)
    erased = _erase(session, actor, diner_id)
    if not (closed or erased):
        return False
    people.clear_lookalikes(session, actor, diner_id)
    actor.record(session, "consent.withdraw", str(diner_id), None, because)
    people.publish_diner(session, diner_id)
    return True


def _erase(session: Session, actor: Actor, diner_id: UUID) -> bool:
    feed.lock(session, actor.site_id)  # before the rows, as everybody who changes them
    template = template_of(session, diner_id)
    photo = session.scalar(select(Photo).where(Photo.diner_id == diner_id))
    if photo is not None:
        session.delete(photo)
    if template is not None:
        feed.publish(session, actor.site_id, "template", str(template.id), None)
        version = feed.latest(session, actor.site_id)
        since = actor.at if photo is None else photo.taken_at
        for terminal in _holders(session, actor.site_id, since):
            session.add(
                Erasure(
                    template_id=template.id, terminal_id=terminal.id, site_id=actor.site_id,
                    diner_id=diner_id, asked_at=actor.at, version=version,
                )
            )  # fmt: skip
        session.delete(template)
    session.flush()
    return template is not None or photo is not None


def _holders(session: Session, site_id: UUID, since: datetime) -> Sequence[Terminal]:
    """Terminals that may hold what was published since then; revoked ones cannot be told."""
    return [
        one
        for one in terminals.of_site(session, site_id)
        if one.rescue_of is None and (one.revoked_at is None or one.revoked_at > since)
    ]


def note_erasure(session: Session, terminal_id: UUID, receipt: ErasureReceipt) -> bool:
    """Write down that a terminal has erased a template.

    Returns:
        Whether this terminal had been asked to; a repeated receipt changes nothing.
    """
    asked = session.get(Erasure, (receipt.template_id, terminal_id))
    if asked is None or asked.diner_id != receipt.diner_id:
        return False
    if asked.erased_at is None:
        asked.erased_at = receipt.erased_at
    return True


def erasures(session: Session, diner_id: UUID) -> Sequence[Erasure]:
    """Where the diner's templates had to be erased, and where that is done."""
    query = select(Erasure).where(Erasure.diner_id == diner_id)
    return session.scalars(query.order_by(Erasure.asked_at, Erasure.terminal_id)).all()


def waiting_erasures(
    session: Session, site_id: UUID, diner_id: UUID | None = None
) -> Sequence[Erasure]:
    """Erasures that terminals in use have yet to confirm, the oldest first.

    A terminal confirms by its receipt, or by having pulled the feed beyond the deletion: then it
    has erased the template, or never had it.
    """
    query = (
        select(Erasure)
        .join(Terminal, Terminal.id == Erasure.terminal_id)
        .where(Erasure.site_id == site_id, Erasure.erased_at.is_(None))
        .where(Terminal.revoked_at.is_(None))
        .where(or_(Erasure.version.is_(None), Terminal.feed_version < Erasure.version))
    )
    if diner_id is not None:
        query = query.where(Erasure.diner_id == diner_id)
    return session.scalars(query.order_by(Erasure.asked_at, Erasure.terminal_id)).all()
