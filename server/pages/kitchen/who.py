"""Who stands before the tablet: by work number and PIN, or by face; the answer is a signature.

A wrong PIN is counted, for the tablet and for the number; it is never said which of the two was
wrong. A right one leaves no trace of its own: the act that is signed does. Pictures of the camera
live only as long as the request.
"""

from datetime import timedelta
from functools import cache
from typing import Any

from flask import Response, jsonify, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan import db
from dafan.errors import BadInputError, DafanError
from dafan.records import DinerStatus
from kitchen import staff
from kitchen.staff import Worker
from server import consents, faces, people, throttle
from server.access import needs
from server.consent_texts import KITCHEN
from server.face_engine import FaceEngine, Sight, Vector, shared_engine
from server.keys import KeyRing
from server.pages import messages
from server.pages.kitchen import signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.shared import reading, site_id
from server.people import Diner
from server.services import services
from vision.decide import Hint

TABLET, NUMBER, FACE = "kitchen_tablet", "kitchen_number", "kitchen_face"
"""What failures are counted for; see :mod:`server.throttle`."""
LIMITS = {TABLET: 20, NUMBER: 5, FACE: 40}
FRAMES = 5
"""Pictures of one look at the camera."""
KNOWN_FOR = timedelta(minutes=2)
"""So long a face that needs the PIN as well stands in for the work number."""
_FACE_SALT = "kitchen-face"
_HINTS = {
    Hint.TOO_FAR: _l("请靠近一点"),
    Hint.TWO_FACES: _l("请一个一个来：镜头里有两个人"),
    Hint.NO_FACE: _l("请正对镜头"),
    Hint.OUTSIDE: _l("请站到镜头中间"),
    Hint.TURNED: _l("请看着镜头，把头摆正"),
    Hint.DARK: _l("太暗：请换个亮一些的地方"),
    Hint.BRIGHT: _l("太亮：请避开强光"),
    Hint.BLURRED: _l("请站稳，擦一擦镜头"),
    Hint.HOLD_STILL: _l("请站稳，再看一次镜头"),
}


class UnknownSignerError(BadInputError):
    """Nobody has this number and PIN; it is not said which of the two is wrong."""

    code = "unknown_signer"


class UnknownFaceError(BadInputError):
    """The face is nobody's of the kitchen, or no living one."""

    code = "unknown_face"


class NoFacesError(BadInputError):
    """Nobody of the kitchen has agreed to be known by his face here."""

    code = "no_kitchen_faces"


@kitchen.get("/who")
@needs("see_kitchen")
def tablet() -> Response:
    """Which account the tablet is signed in with, and a fresh token for its forms."""
    return jsonify(account=account(), csrf=generate_csrf())


@kitchen.app_template_global("tablet_account")
def account() -> str:
    """What ties a form that waits for the network to the account and site that filled it in."""
    return f"{site_id()}:{current_user.login}"


@kitchen.post("/who")
@needs("do_kitchen")
def who() -> Response:
    """Say who signs."""
    try:
        answer = _by_face() if request.files else _by_pin()
    except DafanError as error:
        return jsonify(ok=False, text=messages.say(error))
    return jsonify(answer)


def _signed(worker: Worker) -> dict[str, Any]:
    return {
        "ok": True, "name": worker.name, "post": worker.post, "worker": str(worker.id),
        "token": signing.issue(worker), "seconds": int(signing.SIGNED_FOR.total_seconds()),
    }  # fmt: skip


# --- by number ----------------------------------------------------------------------------------


def _by_pin() -> dict[str, Any]:
    seen, number = request.form.get("face", ""), request.form.get("number", "").strip()[:40]
    now = services().clock.now()
    with reading() as session:
        worker, diner = _named(session, seen, number)
        guessed = diner.staff_no if seen and diner is not None else number
        counted = {TABLET: str(current_user.id), NUMBER: f"{site_id()}:{guessed}"}
        for scope, subject in counted.items():
            throttle.require_calm(session, scope, subject, LIMITS[scope], now)
    known = diner if worker is not None and worker.active and _may_sign(diner) else None
    fits = people.pin_fits(known or _nobody(), request.form.get("pin", ""))
    with db.writing(services().engine) as session:
        if known is not None and worker is not None and fits:
            throttle.forget(session, NUMBER, counted[NUMBER])
            return _signed(worker)
        for scope, subject in counted.items():
            throttle.note(session, scope, subject, now)
    raise UnknownSignerError("the work number or the PIN is wrong")


def _named(session: Session, seen: str, number: str) -> tuple[Worker | None, Diner | None]:
    """Who would sign: by a face that was seen a moment ago, or by his work number."""
    if not seen:
        diner = people.find_diner(session, site_id(), number)
        return (staff.find_by_diner(session, site_id(), diner.id) if diner else None), diner
    worker = staff.get(session, site_id(), signing.unseal(_FACE_SALT, seen))
    if worker.diner_id is None:
        return worker, None
    return worker, people.get_diner(session, site_id(), worker.diner_id)


def _may_sign(diner: Diner | None) -> bool:
    if diner is None or diner.pin_hash is None:
        return False
    return diner.status != DinerStatus.LEFT.value


@cache
def _nobody() -> Diner:
    """Compared where nobody has the number, so that the time taken does not tell."""
    return Diner(pin_hash=people.hash_pin("739154"))


# --- by face ------------------------------------------------------------------------------------


def _by_face() -> dict[str, Any]:
    now, subject = services().clock.now(), str(current_user.id)
    engine = shared_engine(services().settings.vision.pack)
    with reading() as session:
        throttle.require_calm(session, FACE, subject, LIMITS[FACE], now)
        known = _faces(session, services().ring, engine)
    if not known:
        raise NoFacesError("no face of the kitchen's people may be compared: use the work number")
    frames = [file.stream.read() for file in request.files.getlist("photo")[:FRAMES]]
    sight = engine.look(frames, {worker.id: vector for worker, vector, _near in known})
    worker = next((one for one, _vector, _near in known if one.id == sight.person), None)
    if worker is None:
        return _not_known(sight, subject)
    alike = {one.id for one, _vector, near in known if near}
    if sight.unsure or worker.id in alike:
        token = signing.seal(_FACE_SALT, worker, KNOWN_FOR)
        return {"ok": False, "face": token, "text": _("%(name)s，请再输入密码", name=worker.name)}
    return _signed(worker)


def _not_known(sight: Sight, subject: str) -> dict[str, Any]:
    hint = _HINTS.get(sight.hint) if sight.hint else None
    if hint is None:  # a face was compared and is nobody's, or is no living one
        with db.writing(services().engine) as session:
            throttle.note(session, FACE, subject, services().clock.now())
        raise UnknownFaceError("nobody is known by this face: come nearer, or use the work number")
    return {"ok": False, "again": True, "text": str(hint)}


def _faces(
    session: Session, ring: KeyRing, engine: FaceEngine
) -> list[tuple[Worker, Vector, bool]]:
    """The kitchen's people who agreed to be known here, with their vectors and look-alikes."""
    query = (
        select(Worker, faces.Template)
        .join(faces.Template, faces.Template.diner_id == Worker.diner_id)
        .join(consents.Consent, consents.Consent.diner_id == Worker.diner_id)
        .where(
            Worker.site_id == site_id(),
            Worker.active.is_(True),
            faces.Template.site_id == site_id(),
            faces.Template.pack == engine.pack.name,
            consents.Consent.closed_at.is_(None),
            consents.Consent.version == KITCHEN,
        )
    )
    found = []
    for worker, template in session.execute(query):
        secret = ring.key(template.epoch).secret
        vector = faces.open_vector(secret, template.id, template.sealed)
        near = bool(people.lookalikes(session, template.diner_id))
        found.append((worker, vector, near))
    return found
