"""Incidents at the server: the pictures that boxes send, and what people teach the cameras."""

import hashlib
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import cv2
from sqlalchemy.orm import Session

from dafan import crypto
from dafan.errors import BadInputError
from kitchen import incidents, rows, teaching
from kitchen.cameras import Camera
from kitchen.incidents import Incident, IncidentValues
from server import keys, uploads
from server.actor import Actor
from server.keys import KeyRing
from vision.boxes import Box
from vision.errors import ModelError
from vision.features import LEAST_SIDE, load_backbone
from vision.images import BgrImage, decode_image
from vision.persons import RULES
from vision.taught import Bar, Example, Taught, TeachingError, may_go_live, teach
from vision.taught_file import to_bytes


def report(
    session: Session,
    ring: KeyRing,
    actor: Actor,
    incident_id: UUID,
    values: IncidentValues,
    picture: bytes | None,
) -> Incident:
    """Keep what a box tells; its picture is drawn anew, and sealed with the site's key.

    Raises:
        ImageError: the picture is none.
        BadInputError: as :func:`kitchen.incidents.report`.
        SealError: the site's key is not here.
    """
    jpeg = None if picture is None else uploads.clean_picture(picture)
    key = keys.sealing(session, ring)
    digest = "" if jpeg is None else hashlib.sha256(jpeg).hexdigest()
    return incidents.report(session, actor, incident_id, values, jpeg, key, digest)


def dismiss(session: Session, ring: KeyRing, actor: Actor, incident_id: UUID, reason: str) -> None:
    """A false alarm: what it shows becomes an example of what is right, and the picture goes.

    Raises:
        UnknownRowError: not one of this site.
        JudgedError: it was confirmed.
        BadInputError: no reason.
        SealError: the picture was altered.
    """
    learn(session, ring, actor, incident_id, wrong=False)
    incidents.dismiss(session, actor, incident_id, reason)


def learn(session: Session, ring: KeyRing, actor: Actor, incident_id: UUID, *, wrong: bool) -> None:
    """Let the camera learn from an incident that somebody judged; without a picture it cannot.

    Raises:
        UnknownRowError: not one of this site.
        SealError: the picture was altered.
    """
    key = keys.sealing(session, ring)
    row = incidents.get(session, actor.site_id, incident_id)
    if row.sealed is None or row.epoch is None or row.part is None or row.kind not in RULES:
        return
    secret = ring.key(row.epoch).secret
    image = decode_image(crypto.open_sealed(secret, row.sealed, incidents.context(row.id)))
    crop = cut(image, row.part)
    if min(crop.shape[:2]) < LEAST_SIDE:
        return
    camera = rows.get(session, Camera, actor.site_id, row.camera_id, "camera")
    if teaching.task(session, actor.site_id, camera.id, row.kind) is None:
        region = row.part if RULES[row.kind].where == "place" else None
        teaching.mark(session, actor, camera.id, row.kind, region)
    teaching.add(
        session, actor, camera, row.kind, wrong=wrong, crop=as_jpeg(crop), at=row.at,
        key=f"incident:{row.id}", seal=key, source=str(row.id),
    )  # fmt: skip


def add_example(
    session: Session,
    ring: KeyRing,
    actor: Actor,
    camera: Camera,
    rule: str,
    *,
    wrong: bool,
    picture: bytes,
    at: datetime,
    key: str,
    whole: bool,
) -> None:
    """Label a picture: the marked region of a frame, or a crop as it is.

    Args:
        session: Writing.
        ring: Seals.
        actor: Labels.
        camera: Of whose task.
        rule: Which.
        wrong: Whether it shows the violation.
        picture: JPEG or PNG.
        at: When it was taken.
        key: The same again changes nothing.
        whole: It is the crop itself.

    Raises:
        BadInputError: no picture, too small a region, no region is marked.
    """
    seal = keys.sealing(session, ring)
    image = decode_image(uploads.clean_picture(picture))
    row = teaching.task(session, actor.site_id, camera.id, rule)
    if not whole:
        if row is None or row.region is None:
            raise BadInputError("mark the region first", code="no_region")
        image = cut(image, row.region)
    elif row is None:
        teaching.mark(session, actor, camera.id, rule, None)
    if min(image.shape[:2]) < LEAST_SIDE:
        raise BadInputError("the marked region is too small: mark a larger one", code="bad_image")
    teaching.add(
        session, actor, camera, rule, wrong=wrong, crop=as_jpeg(image), at=at, key=key, seal=seal
    )


def train(
    session: Session, ring: KeyRing, actor: Actor, camera: Camera, rule: str, precision: float
) -> str:
    """Train on all examples of a task; it goes live only if it is good enough.

    Args:
        session: Writing.
        ring: Opens the examples.
        actor: Trains.
        camera: Whose task.
        rule: Which.
        precision: Least lower bound.

    Returns:
        The code of why it does not go live (``too_few_examples``, ``imprecise``); empty: it does.

    Raises:
        TeachingError: too few examples, or they contradict each other.
        ModelError: the weights are not here.
        SealError: an example was altered.
    """
    row = teaching.task(session, actor.site_id, camera.id, rule)
    if row is None:
        raise TeachingError("label examples first", code="too_few_examples")
    found = [
        Example(decode_image(opened(ring, one)), one.wrong, one.at, str(camera.id))
        for one in teaching.examples(session, actor.site_id, camera.id, rule)
    ]
    taught = _taught(rule, row.region, found, precision)
    why = ""
    try:
        may_go_live(taught)
    except TeachingError as error:
        why = error.code
    report: dict[str, Any] = asdict(taught.report)
    report |= {
        "precision": taught.report.moments.precision,
        "recall": taught.report.moments.recall,
        "wanted": precision,
    }
    body = to_bytes(taught).decode("ascii")
    teaching.keep(session, actor, camera.id, rule, body, report, live=not why)
    return why


def opened(ring: KeyRing, row: teaching.TeachingExample) -> bytes:
    """A crop as JPEG.

    Raises:
        SealError: altered, or its key is not here.
    """
    if row.sealed is None or row.epoch is None:
        raise BadInputError("this example has no picture")
    return crypto.open_sealed(ring.key(row.epoch).secret, row.sealed, teaching.context(row.id))


def cut(image: BgrImage, part: list[float]) -> BgrImage:
    """A region that is given as parts of the picture."""
    height, width = image.shape[:2]
    x, y, w, h = part
    left, right = round(x * width), round((x + w) * width)
    top, bottom = round(y * height), round((y + h) * height)
    return image[top:bottom, left:right]


def as_jpeg(image: BgrImage) -> bytes:
    """Nothing but pixels.

    Raises:
        BadInputError: it cannot be written.
    """
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    if not done:
        raise BadInputError("the picture cannot be kept: take another one", code="bad_image")
    return bytes(data.tobytes())


def _taught(
    rule: str, region: list[float] | None, examples: list[Example], precision: float
) -> Taught:
    box = None if region is None else Box(*region)
    try:
        return teach(rule, box, examples, load_backbone(), Bar(precision=precision))
    except ModelError as error:
        raise TeachingError(f"{error}", code="no_weights") from error
