"""Groups, diners, their cards and PINs."""

from typing import Annotated
from uuid import UUID

from apiflask import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.records import CardStatus, DinerStatus, Source
from server import birthdays, cards, groups, leaving, people
from server.access import needs
from server.api.common import NOT_SIGNED_IN, Limit, actor, answers_unknown
from server.books import accounts
from server.groups import DinerGroup, GroupValues
from server.people import Diner, DinerValues
from server.services import services
from server.values import Values

blueprint = answers_unknown(
    APIBlueprint("api_people", __name__, url_prefix="/api/v1", tag="People")
)
_RESPONSES = {**NOT_SIGNED_IN, 404: "Not of this site"}


class GroupAnswer(GroupValues):
    """A group."""

    id: UUID


class GroupList(BaseModel):
    """All groups of the site."""

    groups: list[GroupAnswer]


class CardAnswer(BaseModel):
    """A meal card."""

    number: str
    status: CardStatus


class DinerAnswer(DinerValues):
    """A diner with what is in his wallets, in fen."""

    id: UUID
    status: DinerStatus
    has_pin: bool
    birthday: str | None
    """``MM-DD``."""
    subsidy: int
    cash: int
    cards: list[CardAnswer]


class DinerPage(BaseModel):
    """Diners by staff number; ask for those after ``next``."""

    diners: list[DinerAnswer]
    next: str | None


class DinerQuery(Limit):
    """Which diners."""

    after: Annotated[str, Field(max_length=80)] = ""
    search: Annotated[str, Field(max_length=80)] = ""
    """Part of name or department, or beginning of the staff number."""
    group_id: UUID | None = None
    status: DinerStatus | None = None


class StatusValues(Values):
    """Whether a diner may pay; ``left`` erases face, cards and PIN."""

    status: DinerStatus


class PinValues(Values):
    """A new PIN; ``null`` takes it away."""

    pin: Annotated[str, Field(max_length=12)] | None


class BirthdayValues(Values):
    """A birthday as HR writes it; month and day are kept. ``null`` takes it away."""

    birthday: Annotated[str, Field(max_length=40)] | None


class CardValues(Values):
    """A card number as the reader sends it."""

    number: Annotated[str, Field(max_length=60)]


class CardStatusValues(Values):
    """Whether a card is in use or lost."""

    status: CardStatus


@blueprint.get("/groups")
@needs("see_people")
@blueprint.output(GroupList)
@blueprint.doc(summary="List groups", responses=NOT_SIGNED_IN)
def list_groups() -> GroupList:
    """All groups."""
    with reading(services().engine) as session:
        found = groups.all_of(session, actor().site_id)
        return GroupList(groups=[_group(group) for group in found])


@blueprint.post("/groups")
@needs("edit_people")
@blueprint.input(GroupValues)
@blueprint.output(GroupAnswer, status_code=201)
@blueprint.doc(summary="Add a group", responses=NOT_SIGNED_IN)
def create_group(json_data: GroupValues) -> GroupAnswer:
    """Add a group."""
    with writing(services().engine) as session:
        return _group(groups.create(session, actor(), json_data))


@blueprint.get("/groups/<uuid:group_id>")
@needs("see_people")
@blueprint.output(GroupAnswer)
@blueprint.doc(summary="One group", responses=_RESPONSES)
def get_group(group_id: UUID) -> GroupAnswer:
    """One group."""
    with reading(services().engine) as session:
        return _group(groups.get(session, actor().site_id, group_id))


@blueprint.put("/groups/<uuid:group_id>")
@needs("edit_people")
@blueprint.input(GroupValues)
@blueprint.output(GroupAnswer)
@blueprint.doc(summary="Change a group's rules", responses=_RESPONSES)
def update_group(group_id: UUID, json_data: GroupValues) -> GroupAnswer:
    """Change a group."""
    with writing(services().engine) as session:
        return _group(groups.update(session, actor(), group_id, json_data))


@blueprint.get("/diners")
@needs("see_people")
@blueprint.input(DinerQuery, location="query")
@blueprint.output(DinerPage)
@blueprint.doc(summary="List or find diners", responses=NOT_SIGNED_IN)
def list_diners(query_data: DinerQuery) -> DinerPage:
    """A page of diners."""
    with reading(services().engine) as session:
        rows = people.page_diners(session, actor().site_id, **query_data.model_dump())
        found = [_diner(session, row) for row in rows]
    more = len(found) == query_data.limit
    return DinerPage(diners=found, next=found[-1].staff_no if more else None)


@blueprint.post("/diners")
@needs("edit_people")
@blueprint.input(DinerValues)
@blueprint.output(DinerAnswer, status_code=201)
@blueprint.doc(summary="Add a diner", responses=_RESPONSES)
def create_diner(json_data: DinerValues) -> DinerAnswer:
    """Add a diner."""
    with writing(services().engine) as session:
        return _diner(session, people.create_diner(session, actor(), json_data))


@blueprint.get("/diners/<uuid:diner_id>")
@needs("see_people")
@blueprint.output(DinerAnswer)
@blueprint.doc(summary="One diner", responses=_RESPONSES)
def get_diner(diner_id: UUID) -> DinerAnswer:
    """One diner."""
    with reading(services().engine) as session:
        return _diner(session, people.get_diner(session, actor().site_id, diner_id))


@blueprint.put("/diners/<uuid:diner_id>")
@needs("edit_people")
@blueprint.input(DinerValues)
@blueprint.output(DinerAnswer)
@blueprint.doc(summary="Change number, name, department or group", responses=_RESPONSES)
def update_diner(diner_id: UUID, json_data: DinerValues) -> DinerAnswer:
    """Change a diner."""
    with writing(services().engine) as session:
        return _diner(session, people.update_diner(session, actor(), diner_id, json_data))


@blueprint.put("/diners/<uuid:diner_id>/status")
@needs("edit_people")
@blueprint.input(StatusValues)
@blueprint.output(DinerAnswer)
@blueprint.doc(summary="Freeze, unfreeze, or let go for good", responses=_RESPONSES)
def set_status(diner_id: UUID, json_data: StatusValues) -> DinerAnswer:
    """Freeze a diner, let him pay again, or let him go."""
    with writing(services().engine) as session:
        if json_data.status is DinerStatus.LEFT:
            leaving.leave(session, actor(), diner_id)
        else:
            people.set_status(session, actor(), diner_id, json_data.status)
        return _diner(session, people.get_diner(session, actor().site_id, diner_id))


@blueprint.put("/diners/<uuid:diner_id>/pin")
@needs("edit_people")
@blueprint.input(PinValues)
@blueprint.output({}, status_code=204)
@blueprint.doc(summary="Set or take away the PIN; it is never shown", responses=_RESPONSES)
def set_pin(diner_id: UUID, json_data: PinValues) -> tuple[str, int]:
    """Set the PIN."""
    with writing(services().engine) as session:
        people.set_pin(session, actor(), diner_id, json_data.pin)
    return "", 204


@blueprint.put("/diners/<uuid:diner_id>/birthday")
@needs("edit_people")
@blueprint.input(BirthdayValues)
@blueprint.output({}, status_code=204)
@blueprint.doc(
    summary="Keep a birthday, or take it away; its year is dropped", responses=_RESPONSES
)
def set_birthday(diner_id: UUID, json_data: BirthdayValues) -> tuple[str, int]:
    """Keep month and day."""
    with writing(services().engine) as session:
        birthdays.set_day(session, actor(), diner_id, json_data.birthday or "")
    return "", 204


@blueprint.post("/diners/<uuid:diner_id>/cards")
@needs("edit_people")
@blueprint.input(CardValues)
@blueprint.output(DinerAnswer, status_code=201)
@blueprint.doc(summary="Give the diner a card", responses=_RESPONSES)
def assign_card(diner_id: UUID, json_data: CardValues) -> DinerAnswer:
    """Give a card."""
    with writing(services().engine) as session:
        cards.assign(session, actor(), diner_id, json_data.number)
        return _diner(session, people.get_diner(session, actor().site_id, diner_id))


@blueprint.put("/diners/<uuid:diner_id>/cards/<number>")
@needs("edit_people")
@blueprint.input(CardStatusValues)
@blueprint.output(DinerAnswer)
@blueprint.doc(summary="Report a card lost, or found again", responses=_RESPONSES)
def set_card_status(diner_id: UUID, number: str, json_data: CardStatusValues) -> DinerAnswer:
    """Lost or found."""
    with writing(services().engine) as session:
        diner = people.get_diner(session, actor().site_id, diner_id)
        if cards.get_card(session, actor().site_id, number).diner_id != diner_id:
            raise BadInputError("this card belongs to another diner", code="card_taken")
        act = cards.found if json_data.status is CardStatus.ACTIVE else cards.report_lost
        act(session, actor(), number)
        return _diner(session, diner)


def _group(group: DinerGroup) -> GroupAnswer:
    return GroupAnswer(id=group.id, **groups.values_of(group).model_dump())


def _diner(session: Session, diner: Diner) -> DinerAnswer:
    balances = accounts.balances(session, diner.id)
    return DinerAnswer(
        id=diner.id,
        status=DinerStatus(diner.status),
        has_pin=diner.pin_hash is not None,
        birthday=birthdays.day_of(session, diner.id),
        subsidy=balances[Source.SUBSIDY],
        cash=balances[Source.CASH],
        cards=[
            CardAnswer(number=card.number, status=CardStatus(card.status))
            for card in cards.cards_of(session, diner.id)
        ],
        **people.diner_values(diner).model_dump(),
    )
