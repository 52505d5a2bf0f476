"""Who signs at a tablet that many hands share: by work number and PIN, or by face.

A tablet is signed in once; the person says who he is at the moment of signing. The answer is a
token that stands for him in the next form. On a personal account of the kitchen's own people no
token is needed: the account is the signature.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from flask import current_app, request
from flask_login import current_user
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from kitchen import staff
from kitchen.staff import Worker
from server.actor import Actor
from server.pages.shared import actor, reading, site_id

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
    with reading() as session:
        if token:
            return _as_signer(staff.get_active(session, site_id(), _read(token)))
        own = session.scalar(
            select(Worker).where(
                Worker.site_id == site_id(),
                Worker.login == current_user.login,
                Worker.active.is_(True),
            )
        )
        if own is not None:
            return _as_signer(own)
        if field == FIELD and not _keeps_a_list(session):
            return Signer(current_user.name or current_user.login, current_user.login, None)
    raise NotSignedError("say who you are: work number and PIN, or your face")


def acting(field: str = FIELD) -> Actor:
    """The signer, for the rules and the journal of changes.

    Raises:
        NotSignedError: as :func:`signer`.
    """
    tablet, person = actor(), signer(field)
    return Actor(tablet.site_id, person.login, tablet.at, tablet.ip)


def issue(worker: Worker) -> str:
    """A token that stands for this person at this tablet for :data:`SIGNED_FOR`."""
    return _serializer().dumps([str(worker.id), str(worker.site_id), current_user.login])


def login_of(worker: Worker) -> str:
    """His name in the journal: his account where he has one."""
    return worker.login or f"worker:{worker.id}"


def _as_signer(worker: Worker) -> Signer:
    return Signer(worker.name, login_of(worker), worker.id)


def _keeps_a_list(session: Session) -> bool:
    query = select(Worker.id).where(Worker.site_id == site_id(), Worker.active.is_(True))
    return session.scalar(query.limit(1)) is not None


def _read(token: str) -> UUID:
    try:
        worker, site, tablet = _serializer().loads(
            token, max_age=int(SIGNED_FOR.total_seconds())
        )  # fmt: skip
    except (BadSignature, ValueError) as error:
        raise NotSignedError("the signature has run out: sign once more") from error
    if (site, tablet) != (str(site_id()), current_user.login):
        raise NotSignedError("this signature was made at another tablet: sign here")
    return UUID(worker)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt=_SALT)
