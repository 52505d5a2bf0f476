"""A disputed face payment: evidence comes, a person looks, two people give the money back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from dafan import crypto, db
from dafan.desk import EvidencePicture
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import FaceEvidence, Source, Tender, canonical
from server import audit, disputes, evidence, refunds
from server.actor import Actor
from server.books import accounts
from tests.server.conftest import Till, parts_of

JPEG = b"\xff\xd8\xff" + bytes(500)


@pytest.fixture
def boss(actor: Actor) -> Actor:
    """Somebody else than who judges first."""
    return replace(actor, name="boss")


@pytest.fixture
def diner(make_diner: Callable[..., UUID]) -> UUID:
    """Who was charged."""
    return make_diner(cash=2000)


@pytest.fixture
def sale_id(terminal: Till, diner: UUID, make_sale: Any) -> UUID:
    """A face paid for it."""
    face = FaceEvidence(pack="x", similarity=700, margin=200, liveness=None, frames=3)
    sale = make_sale(diner, 1200, tender=Tender.FACE, face=face)
    terminal.sell(sale)
    terminal.push()
    return UUID(str(sale.id))


@pytest.fixture
def dispute_id(engine: Engine, actor: Actor, sale_id: UUID) -> UUID:
    """Opened, and asked of the till."""
    with db.writing(engine) as session:
        return disputes.begin(session, actor, sale_id, "不是我").id


def upload(app: Any, till: Till, sale_id: UUID) -> None:
    sealed = crypto.seal(parts_of(app).ring.key(1).secret, JPEG, evidence.context(sale_id))
    body = EvidencePicture(sale_id=sale_id, epoch=1, sealed=sealed)
    path = f"/api/v1/evidence/{sale_id}"
    data = canonical(body.to_body())
    assert till.client.put(path, data=data, headers=till.headers()).status_code < 300


def asked_of(till: Till) -> list[str]:
    items = till.feed()["items"]
    return [item["key"] for item in items if item["kind"] == "evidence" and item["body"]]


def state(engine: Engine, site: Any, dispute_id: UUID) -> str:
    with db.reading(engine) as session:
        return disputes.get(session, site.id, dispute_id).state


def cash(engine: Engine, diner: UUID) -> int:
    with db.reading(engine) as session:
        return accounts.balances(session, diner)[Source.CASH]


def picture(app: Any, engine: Engine, site: Any, sale_id: UUID) -> bytes | None:
    with db.reading(engine) as session:
        return evidence.picture(session, parts_of(app), site.id, sale_id)


def test_a_dispute_asks_the_till_and_each_look_is_written_down(
    app: Any, engine: Engine, actor: Actor, site: Any, terminal: Till, sale_id: UUID,
    dispute_id: UUID,
) -> None:  # fmt: skip
    assert asked_of(terminal) == [str(sale_id)]
    upload(app, terminal, sale_id)
    for _ in range(2):
        with db.writing(engine) as session:
            seen = disputes.look(session, actor, parts_of(app), dispute_id)
    assert (seen.paid, seen.enrolled) == (JPEG, None)
    with db.reading(engine) as session:
        acts = [row.action for row in audit.page(session, site.id)]
    assert acts.count("evidence.look") == 2


def test_a_payment_that_stands_ends_the_dispute_and_erases_the_picture(
    app: Any, engine: Engine, actor: Actor, site: Any, terminal: Till, sale_id: UUID,
    dispute_id: UUID, diner: UUID,
) -> None:  # fmt: skip
    upload(app, terminal, sale_id)
    for _ in range(2):
        with db.writing(engine) as session:
            disputes.let_stand(session, actor, dispute_id, "是本人")
    assert state(engine, site, dispute_id) == "stands"
    assert (picture(app, engine, site, sale_id), cash(engine, diner)) == (None, 800)
    with pytest.raises(BadInputError) as over, db.writing(engine) as session:
        refunds.refund_wrong_person(session, actor, dispute_id, "x", key=new_id())
    with pytest.raises(BadInputError) as again, db.writing(engine) as session:
        disputes.begin(session, actor, sale_id, "还是不是我")
    assert {over.value.code, again.value.code} == {"judged_before"}


def test_a_dispute_that_ends_before_the_till_answers_asks_no_more(
    engine: Engine, actor: Actor, terminal: Till, dispute_id: UUID
) -> None:
    with db.writing(engine) as session:
        disputes.let_stand(session, actor, dispute_id, "他想起来了")
    assert asked_of(terminal) == []


def test_the_wrong_person_has_his_money_back_when_a_second_one_approves(
    app: Any, engine: Engine, actor: Actor, boss: Actor, site: Any, terminal: Till,
    sale_id: UUID, dispute_id: UUID, diner: UUID,
) -> None:  # fmt: skip
    upload(app, terminal, sale_id)
    key = new_id()
    for _ in range(2):
        with db.writing(engine) as session:
            refunds.refund_wrong_person(session, actor, dispute_id, "认错人", key=key)
    assert (state(engine, site, dispute_id), cash(engine, diner)) == ("refund_asked", 800)
    with pytest.raises(BadInputError) as own, db.writing(engine) as session:
        refunds.approve(session, actor, key)
    assert own.value.code == "own_refund"
    with pytest.raises(BadInputError), db.writing(engine) as session:
        disputes.let_stand(session, boss, dispute_id, "x")
    assert picture(app, engine, site, sale_id) == JPEG
    with db.writing(engine) as session:
        refunds.approve(session, boss, key)
    assert (state(engine, site, dispute_id), cash(engine, diner)) == ("refunded", 2000)
    assert picture(app, engine, site, sale_id) is None


def test_a_refused_refund_opens_the_dispute_again(
    app: Any, engine: Engine, actor: Actor, boss: Actor, site: Any, terminal: Till,
    sale_id: UUID, dispute_id: UUID,
) -> None:  # fmt: skip
    upload(app, terminal, sale_id)
    first, second = new_id(), new_id()
    with db.writing(engine) as session:
        refunds.refund_wrong_person(session, actor, dispute_id, "认错人", key=first)
        refunds.refuse(session, boss, first, "看起来是本人")
    assert state(engine, site, dispute_id) == "open"
    assert picture(app, engine, site, sale_id) == JPEG
    with db.writing(engine) as session:
        refunds.refund_wrong_person(session, actor, dispute_id, "再看仍不是", key=second)
        refunds.approve(session, boss, second)
    assert state(engine, site, dispute_id) == "refunded"


def test_a_dispute_of_a_sale_that_went_back_already_just_ends(
    engine: Engine, actor: Actor, site: Any, terminal: Till, sale_id: UUID, dispute_id: UUID,
    diner: UUID,
) -> None:  # fmt: skip
    with db.writing(engine) as session:
        refunds.void(session, actor, sale_id, "x", key=new_id())
    with db.writing(engine) as session:
        refunds.refund_wrong_person(session, actor, dispute_id, "认错人", key=new_id())
    assert (state(engine, site, dispute_id), cash(engine, diner)) == ("refunded", 2000)
    assert asked_of(terminal) == []


def test_only_a_standing_face_payment_of_this_site_can_be_disputed(
    engine: Engine, actor: Actor, terminal: Till, diner: UUID, make_sale: Any, sale_id: UUID
) -> None:
    by_card = make_sale(diner, 300)
    terminal.sell(by_card)
    terminal.push(after=1)
    with db.writing(engine) as session:
        refunds.void(session, actor, sale_id, "x", key=new_id())
    stranger = replace(actor, site_id=new_id())
    for who, sale, reason, code in (
        (actor, by_card.id, "x", "no_face"), (actor, sale_id, "x", "refunded_before"),
        (actor, new_id(), "x", "unknown_sale"), (stranger, sale_id, "x", "unknown_sale"),
    ):  # fmt: skip
        with pytest.raises(BadInputError) as refused, db.writing(engine) as session:
            disputes.begin(session, who, sale, reason)
        assert refused.value.code == code


def test_disputes_are_opened_once_and_said_why(
    engine: Engine, actor: Actor, site: Any, sale_id: UUID
) -> None:
    with pytest.raises(BadInputError), db.writing(engine) as session:
        disputes.begin(session, actor, sale_id, " ")
    for _ in range(2):
        with db.writing(engine) as session:
            disputes.begin(session, actor, sale_id, "不是我")
    with db.reading(engine) as session:
        assert len(session.scalars(select(disputes.Dispute)).all()) == 1
        assert len(disputes.page(session, site.id, opened=True)) == 1
        assert disputes.page(session, site.id, opened=False) == []
