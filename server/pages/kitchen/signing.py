"""Who signs at a tablet that many hands share: by work number and PIN, or by face.

A tablet is signed in once; the person says who he is at the moment of signing. The answer is a
token that stands for him in the next form. On a personal account of the kitchen's own people no
token is needed: the account is the signature.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from flask import current_app, g, request
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select

from dafan.errors import BadInputError
from kitchen import staff
from kitchen.staff import Worker
from server.actor import Actor
from server.pages.kitchen.blueprint import kitchen
from server.pages.shared import actor, reading, site_id
from server.services import services

SIGNED_FOR = timedelta(minutes=10)
"""So long a token stands for its person."""
FIELD = "signed_by"
_SALT = "kitchen-signer"


class NotSignedError(BadInputError):
    """Nobody has said who he is."""

    code = "not_signed_in_kitchen"


@dataclass(frozen=True, slots=True)
class Signer:
    """A person at the tablet.

    Attributes:
        name: As people call him.
        login: As the journal of changes and the two-person rules know him; no two share one.
        worker_id: His row among the kitchen's people; none at a site that keeps no such list.
    """

    name: str
    login: str
    worker_id: UUID | None


def signer(field: str = FIELD) -> Signer:
    """Who signs the form that was sent.

    Args:
        field: The form's field with his token; a second person signs in another field.

    Raises:
        NotSignedError: no token, one that is too old, or one of another site or tablet.
    """
    token = request.form.get(field, "")
    try:
        found = _named_by(token) if token else standing(field)
    except NotSignedError:
        g.signature_missing = True
        raise
    if found is None:
        g.signature_missing = True
        raise NotSignedError("say who you are: work number and PIN, or your face")
    return found


def standing(field: str = FIELD) -> Signer | None:
    """Who signs by his account alone; nobody where a person has to say who he is.

    The personal account of one of the kitchen's own people is his signature, and so is any account
    at a site that keeps no list of them. A second person always says who he is.
    """
    if field != FIELD:
        return None
    here = Worker.site_id == site_id(), Worker.active.is_(True)
    with reading() as session:
        own = session.scalar(select(Worker).where(*here, Worker.login == current_user.login))
        if own is not None:
            return _as_signer(own)
        if session.scalar(select(Worker.id).where(*here).limit(1)) is not None:
            return None
    return Signer(current_user.name or current_user.login, current_user.login, None)


@kitchen.app_template_global("signs_by_account")
def _name_of_standing(field: str) -> str:
    """The name of who signs a field by his account; empty: the person is asked."""
    found = standing(field)
    return "" if found is None else found.name


def acting(field: str = FIELD) -> Actor:
    """The signer, for the rules and the journal of changes.

    Raises:
        NotSignedError: as :func:`signer`.
    """
    tablet, person = actor(), signer(field)
    return Actor(tablet.site_id, person.login, tablet.at, tablet.ip)


def issue(worker: Worker) -> str:
    """A token that stands for this person at this tablet for :data:`SIGNED_FOR`."""
    return seal(_SALT, worker, SIGNED_FOR)


def seal(salt: str, worker: Worker, lasts: timedelta) -> str:
    """A token that names a worker of this site at this tablet for one purpose."""
    until = (services().clock.now() + lasts).timestamp()
    parts = [str(worker.id), str(worker.site_id), current_user.login, until]
    return str(_serializer(salt).dumps(parts))


def unseal(salt: str, token: str) -> UUID:
    """The worker of a token that was made by :func:`seal`.

    Raises:
        NotSignedError: it was altered, is too old, or was made elsewhere.
    """
    try:
        worker, site, tablet, until = _serializer(salt).loads(token)
    except (BadSignature, ValueError) as error:
        raise NotSignedError("this is no signature: sign once more") from error
    if (site, tablet) != (str(site_id()), current_user.login):
        raise NotSignedError("this signature was made at another tablet: sign here")
    if services().clock.now().timestamp() > until:
        raise NotSignedError("the signature has run out: sign once more")
    return UUID(worker)


def _as_signer(worker: Worker) -> Signer:
    return Signer(worker.name, worker.journal_name, worker.id)


def _named_by(token: str) -> Signer:
    worker_id = unseal(_SALT, token)
    with reading() as session:
        worker = staff.get(session, site_id(), worker_id)
    if not worker.active:
        raise NotSignedError(f"{worker.name} does not work here any more: another one signs")
    return _as_signer(worker)


def _serializer(salt: str) -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt=salt)
