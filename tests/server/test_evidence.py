"""Evidence of a disputed face payment: asked of one till, sealed, shown while open, then erased."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, select

from dafan import crypto
from dafan.db import reading, writing
from dafan.desk import EvidencePicture
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import canonical
from server import audit, evidence, terminals
from tests.server.conftest import Till, parts_of

JPEG = b"\xff\xd8\xff" + bytes(500)


@pytest.fixture
def sale_id(terminal: Till, make_diner: Any, make_sale: Any) -> Any:
    """A sale of the terminal."""
    sale = make_sale(make_diner())
    terminal.sell(sale)
    terminal.push()
    return sale.id


@pytest.fixture
def asked(engine: Engine, site: Any, terminal: Till, sale_id: Any) -> Any:
    """Its picture was asked for."""
    with writing(engine) as session:
        evidence.request(session, site.id, terminal.id, sale_id)
    return sale_id


def sealed(app: Any, sale_id: Any, plain: bytes = JPEG, epoch: int = 1) -> EvidencePicture:
    key = parts_of(app).ring.key(epoch).secret
    envelope = crypto.seal(key, plain, evidence.context(sale_id))
    return EvidencePicture.model_construct(  # not checked: also what a till may not send
        sale_id=sale_id, epoch=epoch, sealed=envelope, missing=None
    )


def put(till: Till, body: EvidencePicture, sale_id: Any = None) -> Any:
    path = f"/api/v1/evidence/{sale_id or body.sale_id}"
    return till.client.put(path, data=canonical(body.to_body()), headers=till.headers())


def open_requests(till: Till) -> list[str]:
    items = till.feed()["items"]
    return [item["key"] for item in items if item["kind"] == "evidence" and item["body"]]


def shown(app: Any, engine: Engine, site: Any, sale_id: Any) -> bytes | None:
    with reading(engine) as session:
        return evidence.picture(session, parts_of(app), site.id, sale_id)


def test_the_till_is_asked_answers_once_and_is_asked_no_more(
    app: Any, engine: Engine, site: Any, terminal: Till, asked: Any
) -> None:
    assert open_requests(terminal) == [str(asked)]
    assert shown(app, engine, site, asked) is None
    assert put(terminal, sealed(app, asked)).status_code == 204
    assert shown(app, engine, site, asked) == JPEG
    assert open_requests(terminal) == []


def test_only_the_first_answer_counts(
    app: Any, engine: Engine, site: Any, terminal: Till, asked: Any
) -> None:
    put(terminal, sealed(app, asked))
    other = sealed(app, asked, JPEG + b"other")
    assert put(terminal, other).status_code == 204
    assert shown(app, engine, site, asked) == JPEG


def test_a_picture_is_kept_sealed(app: Any, engine: Engine, terminal: Till, asked: Any) -> None:
    put(terminal, sealed(app, asked))
    with reading(engine) as session:
        row = session.get_one(evidence.Evidence, asked)
    assert row.sealed is not None
    assert JPEG not in row.sealed
    assert row.epoch == 1


def test_the_till_says_why_there_is_none(
    engine: Engine, site: Any, terminal: Till, asked: Any
) -> None:
    none = EvidencePicture(sale_id=asked, epoch=1, sealed=None, missing="erased")
    assert put(terminal, none).status_code == 204
    with reading(engine) as session:
        row = evidence.find(session, site.id, asked)
    assert row is not None
    assert (row.missing, row.sealed) == ("erased", None)
    assert open_requests(terminal) == []


@pytest.mark.parametrize("fault", ["another sale's", "no picture", "a key that is gone"])
def test_what_does_not_open_counts_as_unreadable_and_is_not_asked_for_again(
    app: Any, engine: Engine, site: Any, terminal: Till, asked: Any, fault: str
) -> None:
    body = sealed(app, asked)
    if fault == "another sale's":
        body = sealed(app, new_id()).model_copy(update={"sale_id": asked})
    elif fault == "no picture":
        body = sealed(app, asked, b"<html>")
    else:
        body = body.model_copy(update={"epoch": 7})
    assert put(terminal, body).status_code == 204
    with reading(engine) as session:
        row = evidence.find(session, site.id, asked)
    assert row is not None
    assert (row.missing, row.sealed) == ("unreadable", None)
    assert open_requests(terminal) == []


def test_nobody_sends_a_picture_that_was_not_asked_of_him(
    app: Any, engine: Engine, site: Any, terminal: Till, make_till: Callable[[], Till], sale_id: Any
) -> None:
    assert put(terminal, sealed(app, sale_id)).status_code == 404
    with writing(engine) as session:
        evidence.request(session, site.id, terminal.id, sale_id)
    assert put(make_till(), sealed(app, sale_id)).status_code == 404
    assert shown(app, engine, site, sale_id) is None


def test_a_picture_must_be_of_the_sale_in_the_address_and_small(
    app: Any, terminal: Till, asked: Any
) -> None:
    assert put(terminal, sealed(app, asked), new_id()).status_code == 400
    large = sealed(app, asked, JPEG + bytes(400_000))
    assert put(terminal, large).status_code == 400
    assert put(terminal, sealed(app, asked, bytes(800_000))).status_code == 413
    assert open_requests(terminal) == [str(asked)]


def test_a_stranger_or_a_revoked_terminal_sends_nothing(
    app: Any, engine: Engine, site: Any, terminal: Till, asked: Any, clock: Any
) -> None:
    body = sealed(app, asked)
    path = f"/api/v1/evidence/{asked}"
    assert terminal.client.put(path, data=canonical(body.to_body())).status_code == 401
    with writing(engine) as session:
        terminals.revoke(session, site.id, terminal.id, by="test", now=clock.now())
    assert put(terminal, body).status_code == 401
    assert shown(app, engine, site, asked) is None


def test_closing_the_question_erases_the_picture_and_leaves_a_trail(
    app: Any, engine: Engine, site: Any, actor: Any, terminal: Till, asked: Any
) -> None:
    put(terminal, sealed(app, asked))
    with writing(engine) as session:
        assert evidence.erase(session, actor, asked)
    with writing(engine) as session:
        assert not evidence.erase(session, actor, asked)
    assert shown(app, engine, site, asked) is None
    with reading(engine) as session:
        row = session.get_one(evidence.Evidence, asked)
        acts = session.scalars(select(audit.Audit.action)).all()
    assert (row.sealed, row.epoch, row.erased_at) == (None, None, actor.at)
    assert acts.count("evidence.erase") == 1
    with pytest.raises(BadInputError), writing(engine) as session:
        evidence.request(session, site.id, terminal.id, asked)


def test_closing_before_the_till_has_answered_withdraws_the_question(
    app: Any, engine: Engine, actor: Any, terminal: Till, asked: Any
) -> None:
    with writing(engine) as session:
        assert evidence.erase(session, actor, asked)
    assert open_requests(terminal) == []
    assert put(terminal, sealed(app, asked)).status_code == 404


def test_another_site_sees_and_erases_nothing(
    app: Any, engine: Engine, site: Any, actor: Any, terminal: Till, asked: Any
) -> None:
    from dataclasses import replace

    from server import sites

    put(terminal, sealed(app, asked))
    with writing(engine) as session:
        other = sites.ensure_site(session, "另一单位").id
        assert not evidence.erase(session, replace(actor, site_id=other), asked)
    with reading(engine) as session:
        assert evidence.picture(session, parts_of(app), other, asked) is None
    assert shown(app, engine, site, asked) == JPEG
