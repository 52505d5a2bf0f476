"""The receipt of an erasure (消除回执): what was erased of a diner's face, where, and how we know.

At the server it is gone with the transaction that took the consent back. A terminal confirms by
the receipt in its journal, or by having pulled the feed beyond the deletion: a page of the feed is
applied whole, so that it has erased the template, or never had it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from server import consents, faces, people, terminals
from server.consents import Consent
from server.faces import Erasure, Photo
from server.people import Diner
from server.terminals import Terminal

Proof = Literal["receipt", "feed", "waiting", "revoked"]


@dataclass(frozen=True, slots=True)
class Place:
    """A terminal that may have held the template.

    Attributes:
        terminal: Its name.
        proof: ``receipt``: its journal says so; ``feed``: it has pulled beyond the deletion;
            ``waiting``: not heard of yet; ``revoked``: shut out before it could confirm.
        asked_at: When the server erased, and asked it to.
        erased_at: As the terminal's clock says; only with ``receipt``.
    """

    terminal: str
    proof: Proof
    asked_at: datetime
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a diner gets in his hand.

    Attributes:
        diner: Whose face.
        ended: Consents that have ended, the latest first.
        erased_at: The latest erasure at the server; ``None`` where no face was ever enrolled.
        places: The terminals, in the order of the erasures.
        enrolled: A face is stored, because he agreed anew or changed the photograph.
    """

    diner: Diner
    ended: tuple[Consent, ...]
    erased_at: datetime | None
    places: tuple[Place, ...]
    enrolled: bool

    @property
    def complete(self) -> bool:
        """Whether every terminal in use has confirmed."""
        return all(place.proof != "waiting" for place in self.places)


def receipt(session: Session, site_id: UUID, diner_id: UUID) -> Receipt | None:
    """The receipt as it stands now; ``None`` where nothing was ever taken back or erased.

    Raises:
        UnknownDinerError: not a diner of this site.
    """
    diner = people.get_diner(session, site_id, diner_id)
    ended = tuple(one for one in consents.history(session, diner_id) if one.closed_at is not None)
    asked = faces.erasures(session, diner_id)
    if not (ended or asked):
        return None
    photo = session.scalar(select(Photo.id).where(Photo.diner_id == diner_id))
    enrolled = photo is not None or faces.template_of(session, diner_id) is not None
    last = max((one.asked_at for one in asked), default=None)
    return Receipt(diner, ended, last, tuple(_places(session, site_id, asked)), enrolled)


def _places(session: Session, site_id: UUID, asked: Sequence[Erasure]) -> list[Place]:
    known = {one.id: one for one in terminals.of_site(session, site_id)}
    return [
        Place(known[one.terminal_id].name, _proof(one, known[one.terminal_id]), one.asked_at,
              one.erased_at)
        for one in asked
        if one.terminal_id in known
    ]  # fmt: skip


def _proof(asked: Erasure, terminal: Terminal) -> Proof:
    if asked.erased_at is not None:
        return "receipt"
    if asked.version is not None and terminal.feed_version >= asked.version:
        return "feed"
    return "waiting" if terminal.revoked_at is None else "revoked"
