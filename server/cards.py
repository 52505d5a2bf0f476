"""Meal cards (实体饭卡): given, reported lost, found again, replaced."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan import records
from dafan.db import Base
from dafan.errors import BadInputError
from dafan.records import CardStatus
from server import feed, people
from server.actor import Actor
from server.audit import Audit
from server.many import portions
from server.values import flush_unique

MAX_NUMBER = 40


class UnknownCardError(BadInputError):
    """The site has no such card."""

    code = "unknown_card"


class Card(Base):
    """A card in somebody's pocket, or one reported lost."""

    __tablename__ = "card"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    number: Mapped[str] = mapped_column(String(MAX_NUMBER), primary_key=True)
    diner_id: Mapped[UUID] = mapped_column(ForeignKey("diner.id"), index=True)
    status: Mapped[str] = mapped_column(String(8), default=CardStatus.ACTIVE.value)


def read_number(text: str) -> str:
    """A card number as the reader sends it: letters upper case, no blanks.

    Raises:
        BadInputError: not a card number.
    """
    number = "".join(text.split()).upper()
    if not (number.isascii() and number.isalnum() and 4 <= len(number) <= MAX_NUMBER):
        raise BadInputError(
            f"'{text[:60]}' is no card number: hold the card to the reader, "
            "or type the 4 to 40 letters and digits printed on it",
            code="bad_card",
        )
    return number


def assign(session: Session, actor: Actor, diner_id: UUID, text: str) -> Card:
    """Give the diner a card; giving him his own again changes nothing.

    Raises:
        UnknownDinerError: not a diner of this site.
        BadInputError: no card number, or the card of somebody else.
    """
    people.get_diner(session, actor.site_id, diner_id)
    return assign_all(session, actor, [(diner_id, text)])[0]


def assign_all(session: Session, actor: Actor, given: Sequence[tuple[UUID, str]]) -> list[Card]:
    """Give cards to diners of this site, all of them or none; each card named once.

    Raises:
        BadInputError: no card number, or the card of somebody else.
    """
    wanted = [(read_number(text), diner_id) for diner_id, text in given]
    known = _find(session, actor.site_id, [number for number, _ in wanted])
    changed = []
    for number, diner_id in wanted:
        card = known.get(number)
        if card is None:
            card = known[number] = Card(site_id=actor.site_id, number=number, diner_id=diner_id)
            session.add(card)
        elif card.diner_id != diner_id:
            raise _taken(session, card)
        elif card.status == CardStatus.ACTIVE.value:
            continue
        card.status = CardStatus.ACTIVE.value
        changed.append(card)
    names = ", ".join(card.number for card in changed[:3])
    flush_unique(session, f"a card was given to somebody just now ({names}): look again")
    for card in changed:
        _record(session, actor, "card.assign", card, None, card.status)
    for some in portions(changed):
        bodies = {card.number: _record_of(card) for card in some}
        feed.publish_all(session, actor.site_id, "card", bodies)
    return [known[number] for number, _ in wanted]


def _find(session: Session, site_id: UUID, numbers: Sequence[str]) -> dict[str, Card]:
    found: dict[str, Card] = {}
    for some in portions(numbers):
        query = select(Card).where(Card.site_id == site_id, Card.number.in_(some))
        found |= {card.number: card for card in session.scalars(query)}
    return found


def _taken(session: Session, card: Card) -> BadInputError:
    owner = people.get_diner(session, card.site_id, card.diner_id)
    return BadInputError(
        f"card {card.number} belongs to {owner.name} ({owner.staff_no}): "
        "take it from him first, or use another card",
        code="card_taken",
    )


def report_lost(session: Session, actor: Actor, number: str) -> Card:
    """Refuse the card at every till from now on.

    Raises:
        UnknownCardError: not a card of this site.
    """
    return _set_status(session, actor, number, CardStatus.LOST)


def found(session: Session, actor: Actor, number: str) -> Card:
    """Accept a card again that was reported lost.

    Raises:
        UnknownCardError: not a card of this site.
    """
    return _set_status(session, actor, number, CardStatus.ACTIVE)


def replace(
    session: Session,
    actor: Actor,
    old_number: str,
    new_number: str,
    *,
    diner_id: UUID | None = None,
) -> Card:
    """Give the diner another card for one that is lost or broken; the old one stays refused.

    Args:
        session: Writes.
        actor: Who replaces it.
        old_number: The card that he had.
        new_number: The card that he gets.
        diner_id: On whose page this was asked for; the old card has to be his.

    Raises:
        UnknownCardError: the old one is not a card of this site, or not his.
        BadInputError: the new one is no card number, or somebody else's.
    """
    if diner_id not in {None, get_card(session, actor.site_id, old_number).diner_id}:
        raise UnknownCardError("this is not his card: look at his page")
    old = report_lost(session, actor, old_number)
    if read_number(new_number) == old.number:
        raise BadInputError("the new card is the lost one: use 'found' for it", code="same_card")
    return assign(session, actor, old.diner_id, new_number)


def take_back(session: Session, actor: Actor, number: str) -> None:
    """Free a card, so that another diner can have it.

    Raises:
        UnknownCardError: not a card of this site.
    """
    card = get_card(session, actor.site_id, number)
    _record(session, actor, "card.take_back", card, card.status, None)
    session.delete(card)
    feed.publish(session, actor.site_id, "card", card.number, None)


def get_card(session: Session, site_id: UUID, number: str) -> Card:
    """A card of the site.

    Raises:
        UnknownCardError: not a card of this site.
    """
    card = session.get(Card, (site_id, read_number(number)))
    if card is None:
        raise UnknownCardError("there is no such card here: look at the diner's page")
    return card


def cards_of(session: Session, diner_id: UUID) -> Sequence[Card]:
    """The diner's cards, lost ones as well."""
    query = select(Card).where(Card.diner_id == diner_id).order_by(Card.number)
    return session.scalars(query).all()


def publish_card(session: Session, card: Card) -> None:
    """Send the card as it is now to the tills."""
    feed.publish(session, card.site_id, "card", card.number, _record_of(card))


def _record_of(card: Card) -> records.Card:
    """The card as a till knows it."""
    return records.Card(number=card.number, diner_id=card.diner_id, status=CardStatus(card.status))


def _set_status(session: Session, actor: Actor, number: str, status: CardStatus) -> Card:
    card = get_card(session, actor.site_id, number)
    before, card.status = card.status, status.value
    if before != card.status:
        _record(session, actor, "card.status", card, before, card.status)
    publish_card(session, card)
    return card


def _record(
    session: Session, actor: Actor, action: str, card: Card, before: str | None, after: str | None
) -> None:
    """Write the audit log under the diner's id, where :func:`history` finds it."""
    actor.record(
        session, action, str(card.diner_id),
        before and {"card": card.number, "status": before},
        after and {"card": card.number, "status": after},
    )  # fmt: skip


def history(session: Session, site_id: UUID, diner_id: UUID, limit: int = 50) -> Sequence[Audit]:
    """What became of the diner's cards, the latest act first."""
    query = select(Audit).where(
        Audit.site_id == site_id,
        Audit.subject == str(diner_id),
        Audit.action.in_(("card.assign", "card.status", "card.take_back")),
    )
    return session.scalars(query.order_by(Audit.id.desc()).limit(limit)).all()
