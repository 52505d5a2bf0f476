"""Terminals prove themselves at every request; enrolment codes work once."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select

from dafan import crypto, db
from dafan.crypto import Identity, make_token
from dafan.enrolment import EnrolRequest
from server import feed, ingest, sites, terminals
from server.books import sales
from tests.server.conftest import Till, parts_of


def code_for(engine: Engine, site: Any, clock: Any) -> str:
    with db.writing(engine) as session:
        return terminals.make_code(session, site.id, site.venue_id, "till", by="x", now=clock.now())


def ask(client: Any, identity: Identity, code: str) -> Any:
    request = EnrolRequest(
        code=code, signing_key=identity.signing_public, box_key=identity.box_public
    )
    return client.post("/api/v1/terminals/enrol", json=request.to_body())


def test_a_code_gives_an_identity_and_the_site_key_for_this_device_alone(
    client: Any, engine: Engine, site: Any, clock: Any, app: Any
) -> None:
    identity = Identity.create()
    code = code_for(engine, site, clock)
    answer = ask(client, identity, code.lower().replace("-", " "))
    assert answer.status_code == 200
    assert answer.json["terminal"]["venue_name"] == "第一食堂"
    import base64

    sealed = base64.b64decode(answer.json["sealed_site_key"])
    parts = app.extensions["dafan"]
    assert crypto.open_box(identity, sealed, "site key") == parts.ring.key(1).secret
    assert answer.json["epoch"] == 1


def test_a_code_makes_one_terminal_even_if_the_answer_is_lost(
    client: Any, engine: Engine, site: Any, clock: Any
) -> None:
    identity, thief = Identity.create(), Identity.create()
    code = code_for(engine, site, clock)
    first, again = ask(client, identity, code), ask(client, identity, code)
    assert first.json["terminal"] == again.json["terminal"]
    stolen = ask(client, thief, code)
    assert (stolen.status_code, stolen.json["code"]) == (403, "bad_code")
    with db.reading(engine) as session:
        assert len(terminals.of_site(session, site.id)) == 1


def test_a_wrong_or_old_code_is_refused_and_guessing_is_stopped(
    client: Any, engine: Engine, site: Any, clock: Any
) -> None:
    code = code_for(engine, site, clock)
    clock.advance(60 * terminals.CODE_MINUTES + 1)
    late = ask(client, Identity.create(), code)
    assert (late.status_code, late.json["code"]) == (403, "bad_code")
    for _ in range(19):
        assert ask(client, Identity.create(), "AAAA-AAAA-AA").status_code == 403
    assert ask(client, Identity.create(), "AAAA-AAAA-AA").status_code == 429
    clock.advance(16 * 60)
    assert ask(client, Identity.create(), code_for(engine, site, clock)).status_code == 200


def test_a_code_is_not_kept_in_clear(engine: Engine, site: Any, clock: Any) -> None:
    code = code_for(engine, site, clock)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM enrolment_code").all()
    assert code not in str(rows)
    assert code.replace("-", "") not in str(rows)


def test_keys_that_are_no_keys_are_refused(
    client: Any, engine: Engine, site: Any, clock: Any
) -> None:
    body = {"code": code_for(engine, site, clock), "signing_key": "AAAA", "box_key": "AAAA"}
    assert client.post("/api/v1/terminals/enrol", json=body).status_code == 400


def test_a_terminal_that_is_revoked_in_mid_push_books_nothing(
    engine: Engine, site: Any, terminal: Till, make_diner: Any, make_sale: Any, clock: Any
) -> None:
    terminal.sell(make_sale(make_diner()))
    with db.reading(engine) as session:
        authenticated = session.get_one(terminals.Terminal, terminal.id)
    with db.writing(engine) as session:
        terminals.revoke(session, site.id, terminal.id, by="test", now=clock.now())
    with pytest.raises(ingest.RevokedError):
        ingest.push(engine, authenticated, terminal.batch(), clock.now())
    with db.reading(engine) as session:
        assert session.get_one(terminals.Terminal, terminal.id).applied_seq == 0
        assert session.scalars(select(sales.Sale.id)).all() == []


def test_a_revoked_terminal_is_refused_at_its_next_request(
    terminal: Any, make_sale: Any, engine: Engine, site: Any
) -> None:
    terminal.sell(make_sale(None, 100))
    terminal.push()
    with db.writing(engine) as session:
        terminals.revoke(session, site.id, terminal.id, by="x", now=terminal.clock.now())
    answers = [
        terminal.post(terminal.batch()),
        terminal.client.get("/api/v1/feed", headers=terminal.headers()),
    ]
    assert [(each.status_code, each.json["code"]) for each in answers] == [(401, "revoked")] * 2


@pytest.mark.parametrize("wrong", ["none", "other", "old", "early", "garbage", "basic", "unknown"])
def test_a_token_that_is_not_good_is_answered_with_the_servers_time(
    make_till: Any, clock: Any, wrong: str
) -> None:
    till, other = make_till(), make_till()
    now = clock.now()
    token = {
        "none": "",
        "other": make_token(other.identity, till.id, now),
        "old": make_token(till.identity, till.id, now - timedelta(minutes=5)),
        "early": make_token(till.identity, till.id, now + timedelta(minutes=5)),
        "garbage": "a.b.c",
        "basic": "Basic",
        "unknown": make_token(till.identity, till.info.venue_id, now),
    }[wrong]
    header = {"Authorization": "Basic eDp5" if wrong == "basic" else f"Bearer {token}"}
    for answer in (
        till.client.get("/api/v1/feed", headers=header),
        till.client.post("/api/v1/journal", json={}, headers=header),
    ):
        assert answer.status_code == 401
        assert answer.json["server_time"] == "2026-03-02T04:00:00.000000Z"


def test_the_feed_gives_each_thing_once_in_its_latest_version_and_in_order(
    terminal: Any, make_till: Any, engine: Engine, site: Any
) -> None:
    other = make_till()
    first = terminal.feed(limit=1)
    assert (len(first["items"]), first["more"], first["version"]) == (1, True, 1)
    page = terminal.feed()
    assert page["more"] is False
    own = [item["key"] for item in page["items"] if item["kind"] == "terminal"]
    assert own == [str(terminal.id)]
    assert [item["version"] for item in page["items"]] == sorted(
        {item["version"] for item in page["items"]}
    )
    seen = page["version"]
    with db.writing(engine) as session:
        policy = sites.policy(session, site.id)
        sites.set_policy(session, site.id, policy.model_copy(update={"confirm_ms": 1}))
        sites.set_policy(session, site.id, policy.model_copy(update={"confirm_ms": 2}))
        sites.set_policy(session, site.id, policy.model_copy(update={"confirm_ms": 2}))
    news = terminal.feed(since=seen)
    assert [(item["kind"], item["body"]["confirm_ms"]) for item in news["items"]] == [("policy", 2)]
    assert news["version"] == seen + 2
    assert other.feed(since=news["version"])["items"] == []


def test_a_thing_that_is_gone_is_told_as_gone(terminal: Any, engine: Engine, site: Any) -> None:
    with db.writing(engine) as session:
        feed.publish(session, site.id, "policy", "policy", None)
        feed.publish(session, site.id, "policy", "never there", None)
    gone = [item for item in terminal.feed()["items"] if item["kind"] == "policy"]
    assert [item["body"] for item in gone] == [None]


def test_a_terminal_ahead_of_a_restored_server_gets_everything_again(terminal: Any) -> None:
    page = terminal.feed(since=999)
    assert page["since"] == 999
    assert page["version"] < 999
    assert {item["kind"] for item in page["items"]} >= {"policy", "terminal"}


def test_a_long_poll_returns_at_once_when_there_is_news_and_empty_when_there_is_none(
    terminal: Any,
) -> None:
    version = terminal.feed()["version"]
    assert terminal.feed(since=0, wait=30)["items"]
    assert terminal.feed(since=version, wait=1)["items"] == []


def test_what_another_site_publishes_is_never_seen(terminal: Any, engine: Engine) -> None:
    with db.writing(engine) as session:
        sites.ensure_site(session, "别的单位")
    assert len([item for item in terminal.feed()["items"] if item["kind"] == "policy"]) == 1


def test_a_contact_is_noted_for_the_manager(terminal: Any, engine: Engine, site: Any) -> None:
    version = terminal.feed()["version"]
    terminal.clock.advance(20)
    terminal.feed(since=version)
    with db.reading(engine) as session:
        row = terminals.get(session, site.id, terminal.id)
        assert (row.last_seen, row.feed_version) == (terminal.clock.now(), version)


def test_where_too_many_wait_for_news_one_more_is_answered_at_once(
    terminal: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting terminals never take the last threads from those that push."""

    def asleep(_seconds: float) -> None:
        raise AssertionError("it waits")

    monkeypatch.setattr("server.api.sync.time.sleep", asleep)
    version = terminal.feed()["version"]
    waiters = parts_of(app).waiters
    taken = 0
    while waiters.acquire(blocking=False):
        taken += 1
    assert 0 < taken < parts_of(app).settings.server.threads
    assert terminal.feed(since=version, wait=30)["items"] == []
    waiters.release(taken)
