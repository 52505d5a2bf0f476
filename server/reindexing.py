"""Another model pack: every template is computed anew from its sealed photograph."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session

from dafan.db import reading, writing
from dafan.errors import DafanError
from server import faces, feed, keys, people
from server.actor import Actor
from server.face_engine import FaceEngine, Reference
from server.keys import KeyRing
from vision.gallery import Gallery


@dataclass(frozen=True, slots=True)
class Reindexed:
    """One diner's template; ``problem`` says why it could not be computed, empty where it was."""

    diner_id: UUID
    problem: str


def count_stale(session: Session, site_id: UUID, pack: str) -> int:
    """How many templates are of another pack."""
    return len(session.scalars(_stale(site_id, pack)).all())


def reindex(
    engine: Engine, actor: Actor, ring: KeyRing, face_engine: FaceEngine
) -> Iterator[Reindexed]:
    """Bring the site's templates to the engine's pack, each in a transaction of its own.

    It may be stopped and run again. Tills keep the old templates until they receive the new ones,
    and use those of their own pack only. At the end the list of look-alikes is made anew.

    Raises:
        ModelError: the model files are missing or damaged.
    """
    pack = face_engine.pack.name
    with reading(engine) as session:
        diner_ids = session.scalars(_stale(actor.site_id, pack)).all()
    for diner_id in diner_ids:
        with reading(engine) as session:
            photo = session.scalar(select(faces.Photo).where(faces.Photo.diner_id == diner_id))
        if photo is None:  # withdrawn meanwhile
            continue
        try:
            reference = face_engine.read_again(faces.open_photo(ring, photo))
        except DafanError as error:
            yield Reindexed(diner_id, str(error))
            continue
        with writing(engine) as session:
            _replace(session, actor, ring, diner_id, photo.id, reference)
        yield Reindexed(diner_id, "")
    if diner_ids:
        with writing(engine) as session:
            _mark_lookalikes(session, actor, ring, face_engine)


def _stale(site_id: UUID, pack: str) -> Select[UUID]:
    return (
        select(faces.Template.diner_id)
        .where(faces.Template.site_id == site_id, faces.Template.pack != pack)
        .order_by(faces.Template.id)
    )


def _replace(
    session: Session,
    actor: Actor,
    ring: KeyRing,
    diner_id: UUID,
    photo_id: UUID,
    reference: Reference,
) -> None:
    """Nothing happens where the photograph was erased or replaced meanwhile."""
    key = keys.sealing(session, ring)
    feed.lock(session, actor.site_id)
    template = faces.template_of(session, diner_id)
    photo = session.get(faces.Photo, photo_id)
    if template is None or photo is None:
        return
    template.pack = reference.pack
    template.epoch = key.epoch
    template.sealed = faces.seal_vector(key.secret, template.id, reference.vector)
    actor.record(session, "face.reindex", str(diner_id), None, {"pack": reference.pack})
    faces.publish_template(session, template, faces.require_consent(session, diner_id).version)


def _mark_lookalikes(
    session: Session, actor: Actor, ring: KeyRing, face_engine: FaceEngine
) -> None:
    gallery = Gallery(face_engine.pack.embedding_size)
    gallery.replace_all(
        (template.id, template.diner_id, vector)
        for template, vector in faces.vectors(session, actor.site_id, ring, face_engine.pack.name)
    )
    for diner_id in people.all_lookalikes(session, actor.site_id):
        people.clear_lookalikes(session, actor, diner_id)
        people.publish_diner(session, diner_id)
    for one, other, _similarity in gallery.nearest_pairs(face_engine.lookalike_similarity):
        if isinstance(one, UUID) and isinstance(other, UUID):
            people.mark_lookalikes(session, actor, one, other)
