"""Cards are given together with few statements; one that belongs to another stops all of them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event

from dafan import db
from dafan.errors import BadInputError
from server import cards
from server.actor import Actor

MakeDiner = Callable[..., UUID]


def give(engine: Engine, actor: Actor, given: list[tuple[UUID, str]]) -> int:
    """Give cards; how many statements that took."""
    told: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        told.append(statement)

    with db.writing(engine) as session:
        event.listen(engine, "before_cursor_execute", note)
        try:
            cards.assign_all(session, actor, given)
            session.flush()
        finally:
            event.remove(engine, "before_cursor_execute", note)
    return len(told)


def test_many_cards_take_hardly_more_statements_than_two(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    diner = make_diner(cash=0)
    few = give(engine, actor, [(diner, f"A{number:04}") for number in range(2)])
    many = give(engine, actor, [(diner, f"B{number:04}") for number in range(50)])
    assert many <= few + 2


def test_all_cards_are_given_or_none(engine: Engine, actor: Actor, make_diner: MakeDiner) -> None:
    one, other = make_diner(cash=0), make_diner(cash=0)
    give(engine, actor, [(one, "AAAA1")])
    with pytest.raises(BadInputError) as caught:
        give(engine, actor, [(other, "BBBB1"), (other, "AAAA1")])
    assert caught.value.code == "card_taken"
    with db.reading(engine) as session:
        assert [card.number for card in cards.cards_of(session, one)] == ["AAAA1"]
        assert cards.cards_of(session, other) == []


def test_giving_a_lost_card_again_takes_it_into_use_and_giving_it_twice_changes_nothing(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    diner = make_diner(cash=0)
    give(engine, actor, [(diner, "AAAA1")])
    with db.writing(engine) as session:
        cards.report_lost(session, actor, "aaaa1")
    for _ in range(2):
        give(engine, actor, [(diner, "AAAA1")])
    with db.reading(engine) as session:
        acts = [row.action for row in cards.history(session, actor.site_id, diner)]
    assert acts == ["card.assign", "card.status", "card.assign"]
