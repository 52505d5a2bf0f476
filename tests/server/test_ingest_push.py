"""A push over HTTP: applied once, whatever the network does; poison is parked, forks are kept."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, func, select, text

from dafan import db, journal
from dafan.desk import ErasureReceipt, TerminalNotice
from dafan.ids import new_id
from dafan.journal import sign_batch
from dafan.records import Source
from server import exceptions, faces, groups, ingest, people
from server.actor import Actor
from server.books import accounts, sales
from server.entries import EntryRow, ForkedBatch
from server.terminals import Terminal
from server.verify import Report, verify_server


def sold(engine: Engine) -> int:
    with db.reading(engine) as session:
        return session.scalar(select(func.count()).select_from(sales.Sale)) or 0


def cash_of(engine: Engine, diner: UUID) -> int:
    with db.reading(engine) as session:
        return accounts.balances(session, diner)[Source.CASH]


def codes(engine: Engine, site: Any) -> list[str]:
    with db.reading(engine) as session:
        return sorted(item.code for item in exceptions.page(session, site.id))


def test_a_retry_after_a_lost_answer_posts_the_sale_once(
    terminal: Any, make_diner: Callable[..., UUID], make_sale: Any, engine: Engine
) -> None:
    diner = make_diner(cash=5000)
    terminal.sell(make_sale(diner, 1200))
    first, again = terminal.push(), terminal.push()
    assert [row.outcome for row in first.outcomes] == ["applied"]
    assert [row.outcome for row in again.outcomes] == ["duplicate"]
    assert again.applied_seq == first.applied_seq == 1
    assert sold(engine) == 1
    assert cash_of(engine, diner) == 3800


def test_an_overlapping_batch_applies_only_what_is_new(
    terminal: Any, make_diner: Callable[..., UUID], make_sale: Any, engine: Engine
) -> None:
    diner = make_diner()
    for _ in range(4):
        terminal.sell(make_sale(diner, 100))
    terminal.push(limit=2)
    answer = terminal.push(after=1)
    assert [row.outcome for row in answer.outcomes] == ["duplicate", "applied", "applied"]
    assert (answer.applied_seq, sold(engine)) == (4, 4)


def test_a_gap_is_answered_with_the_mark_and_changes_nothing(
    terminal: Any, make_sale: Any, engine: Engine
) -> None:
    for _ in range(3):
        terminal.sell(make_sale(None, 100))
    answer = terminal.push(after=1)
    assert (answer.status, answer.applied_seq, answer.outcomes) == ("gap", 0, ())
    assert answer.applied_hash == journal.GENESIS
    assert sold(engine) == 0


def test_a_till_restored_from_an_old_disk_is_kept_aside_whole(
    terminal: Any, make_sale: Any, engine: Engine, site: Any, tmp_path: Path
) -> None:
    terminal.sell(make_sale(None, 100))
    terminal.push()
    terminal.sell(make_sale(None, 200))
    terminal.push(after=1)
    old = journal.Journal(journal.connect(tmp_path / "old.db"), terminal.id)
    terminal.journal = old
    for _ in range(3):
        terminal.sell(make_sale(None, 300))
    for after in (0, 0, 2):
        answer = terminal.push(after=after)
        assert (answer.status, answer.applied_seq) == ("fork", 2)
    with db.reading(engine) as session:
        kept = session.scalars(select(ForkedBatch).order_by(ForkedBatch.first_seq)).all()
        assert [len(json.loads(row.push)["entries"]) for row in kept] == [3]
    assert codes(engine, site) == ["fork"]
    assert sold(engine) == 2
    old._connection.close()


def test_a_poisoned_entry_is_parked_and_those_behind_it_go_on(
    terminal: Any, make_diner: Callable[..., UUID], make_sale: Any, engine: Engine, site: Any
) -> None:
    diner = make_diner()
    twice = make_sale(diner, 100)
    terminal.sell(make_sale(new_id(), 500))
    terminal.write("hologram", TerminalNotice(code="x"))
    terminal.write("sale", TerminalNotice(code="x"))
    terminal.sell(make_sale(diner, 500, site_id=new_id()))
    terminal.sell(make_sale(diner, 500, venue_id=new_id()))
    terminal.sell(twice)
    terminal.write("sale", twice)
    terminal.sell(make_sale(diner, 100))
    answer = terminal.push()
    reasons = [row.reason.split(":")[0] for row in answer.outcomes]
    assert reasons == [
        "unknown_diner", "unknown_kind", "bad_body", "other_site", "unknown_venue", "",
        "posted_before", "",
    ]  # fmt: skip
    assert (answer.applied_seq, sold(engine)) == (8, 2)
    assert codes(engine, site) == ["parked"] * 6
    assert cash_of(engine, diner) == 9800


def test_a_parked_sale_is_booked_once_its_diner_is_known(
    terminal: Any, make_diner: Callable[..., UUID], make_sale: Any, engine: Engine, actor: Actor
) -> None:
    diner = make_diner()
    terminal.sell(make_sale(diner, 500, venue_id=new_id()))
    terminal.push()
    now = terminal.clock.now()
    with db.writing(engine) as session:
        assert "unknown_venue" in ingest.apply_again(session, actor.site_id, terminal.id, 1, now)
        venue = json.loads(session.scalars(select(EntryRow.body)).one())["venue_id"]
        session.execute(
            text("INSERT INTO venue (id, site_id, name) VALUES (:id, :site, 'new')"),
            {"id": UUID(venue).hex, "site": actor.site_id.hex},
        )
    with db.writing(engine) as session:
        assert ingest.apply_again(session, actor.site_id, terminal.id, 1, now) == ""
    assert cash_of(engine, diner) == 9500
    report = Report()
    with db.reading(engine) as session:
        verify_server(session, report)
    assert report.faults == []


def test_what_two_disconnected_tills_break_together_is_paid_and_listed(
    make_till: Any, make_diner: Callable[..., UUID], make_sale: Any, engine: Engine, site: Any
) -> None:
    diner = make_diner(cash=1000, subsidy=2000)
    one, other = make_till(), make_till()
    for till in (one, other):
        till.sell(make_sale(diner, 1000, subsidised=True, payments=(("subsidy", 1000),)))
        till.sell(make_sale(diner, 700))
        till.push()
    assert cash_of(engine, diner) == -400
    assert codes(engine, site) == ["overdraft", "subsidised_twice"]
    body = next(item for item in one.feed()["items"] if item["key"] == str(diner))["body"]
    assert body["applied"] == {str(one.id): 2, str(other.id): 2}
    assert (body["cash"], body["today"]["subsidised"]) == (-400, {"lunch": 2})


def test_a_sale_of_a_frozen_diner_stands_and_is_listed(
    terminal: Any, make_diner: Any, make_sale: Any, engine: Engine, site: Any, actor: Actor
) -> None:
    diner = make_diner()
    terminal.sell(make_sale(diner, 500))
    with db.writing(engine) as session:
        people.set_status(session, actor, diner, people.DinerStatus.FROZEN)
    terminal.push()
    assert codes(engine, site) == ["not_active"]
    assert sold(engine) == 1


def test_notices_reach_the_manager_and_erasures_are_taken_in(
    terminal: Any, engine: Engine, site: Any, clock: Any
) -> None:
    terminal.write("notice", TerminalNotice(code="paper_out", detail="没纸"))
    receipt = ErasureReceipt(template_id=new_id(), diner_id=new_id(), erased_at=clock.now())
    terminal.write("erasure", receipt)
    answer = terminal.push()
    assert [row.outcome for row in answer.outcomes] == ["applied", "applied"]
    with db.reading(engine) as session:
        assert [item.detail for item in exceptions.page(session, site.id)] == ["paper_out: 没纸"]


@pytest.mark.parametrize("change", ["body", "seq", "hash", "signature", "chain", "terminal"])
def test_an_altered_batch_is_refused_and_nothing_is_applied(
    terminal: Any, make_sale: Any, engine: Engine, change: str
) -> None:
    for _ in range(3):
        terminal.sell(make_sale(None, 100))
    batch = terminal.batch().to_body()
    if change == "body":
        batch["entries"][1]["body"]["total"] = 1
    elif change == "seq":
        batch["entries"][1]["seq"] = 3
    elif change == "hash":
        batch["entries"][2]["hash"] = "0" * 64
    elif change == "signature":
        batch["signature"] = "AAAA"
    elif change == "chain":
        del batch["entries"][1]
    else:
        batch["entries"][0]["terminal_id"] = str(new_id())
    answer = terminal.client.post("/api/v1/journal", json=batch, headers=terminal.headers())
    assert (answer.status_code, answer.json["code"]) == (400, "bad_batch")
    assert sold(engine) == 0


def test_a_batch_signed_by_another_terminal_is_refused(make_till: Any, make_sale: Any) -> None:
    one, other = make_till(), make_till()
    one.sell(make_sale(None, 100))
    stolen = sign_batch(other.identity, one.journal.read(0))
    assert one.post(stolen).json["code"] == "bad_batch"
    assert other.post(one.batch()).json["code"] == "bad_batch"


def test_the_same_batch_from_many_threads_is_applied_once(
    make_till: Any, make_diner: Any, make_sale: Any, engine: Engine, app: Any
) -> None:
    diner = make_diner(cash=10_000)
    tills = [make_till(), make_till()]
    for till in tills:
        for _ in range(5):
            till.sell(make_sale(diner, 100))

    def send(number: int) -> str:
        till = tills[number % 2]
        data = till.batch().model_dump_json()
        return app.test_client().post(
            "/api/v1/journal", data=data, headers=till.headers()
        ).json["status"]  # fmt: skip

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(send, range(12))) == {"ok"}
    assert (sold(engine), cash_of(engine, diner)) == (10, 9000)


def test_a_failing_disk_applies_nothing_and_asks_to_send_again(
    terminal: Any, make_sale: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    terminal.sell(make_sale(None, 100))

    def full(*_args: Any) -> None:
        raise OperationalError("COMMIT", {}, Exception("database or disk is full"))

    with monkeypatch.context() as patch:
        patch.setattr(sales, "post", full)
        answer = terminal.post(terminal.batch())
        assert (answer.status_code, answer.json["code"]) == (503, "busy")
    assert sold(engine) == 0
    assert terminal.push().outcomes[0].outcome == "applied"


@pytest.mark.parametrize(
    ("name", "code"), [("SQLITE_IOERR_FSYNC", "in_doubt"), ("SQLITE_FULL", "busy")]
)
def test_a_disk_that_does_not_confirm_is_never_told_as_nothing_changed(
    terminal: Any, make_sale: Any, monkeypatch: pytest.MonkeyPatch, name: str, code: str
) -> None:
    from sqlite3 import OperationalError as FromSqlite

    from sqlalchemy.exc import OperationalError

    terminal.sell(make_sale(None, 100))
    said = FromSqlite("disk I/O error")
    said.sqlite_errorname = name

    def failing(*_args: Any) -> None:
        raise OperationalError("COMMIT", {}, said)

    monkeypatch.setattr(sales, "post", failing)
    answer = terminal.post(terminal.batch())
    assert (answer.status_code, answer.json["code"]) == (503, code)


def test_a_fault_of_ours_parks_one_entry_and_not_the_queue(
    terminal: Any, make_sale: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = sales.post

    def faulty(session: Any, told: Any, locked: Any, now: Any) -> Any:
        if any(each.sale.total == 13 for each in told):
            raise ZeroDivisionError
        return good(session, told, locked, now)

    monkeypatch.setattr(sales, "post", faulty)
    for total in (100, 13, 100):
        terminal.sell(make_sale(None, total))
    answer = terminal.push()
    assert [row.outcome for row in answer.outcomes] == ["applied", "parked", "applied"]
    assert sold(engine) == 2


def test_one_poisoned_entry_among_many_costs_the_others_nothing(
    terminal: Any, make_diner: Any, make_sale: Any, engine: Engine, site: Any, monkeypatch: Any
) -> None:
    diner = make_diner(cash=1000)
    good = sales.post

    def faulty(session: Any, told: Any, locked: Any, now: Any) -> Any:
        codes = good(session, told, locked, now)
        if any(each.sale.total == 13 for each in told):
            raise ZeroDivisionError  # after everything is written: all of it must go again
        return codes

    monkeypatch.setattr(sales, "post", faulty)
    for total in (100, 100, 100, 13, 100, 100, 600, 100, 13):
        terminal.sell(make_sale(diner, total))
    outcomes = [row.outcome for row in terminal.push().outcomes]
    assert [at for at, outcome in enumerate(outcomes) if outcome == "parked"] == [3, 8]
    assert (sold(engine), cash_of(engine, diner)) == (7, -200)
    assert codes(engine, site) == ["overdraft", "overdraft", "parked", "parked"]
    report = Report()
    with db.reading(engine) as session:
        verify_server(session, report)
        item = next(item for item in terminal.feed()["items"] if item["key"] == str(diner))
    assert report.faults == []
    assert (item["body"]["cash"], item["body"]["applied"]) == (-200, {str(terminal.id): 8})


def test_within_one_batch_only_the_sale_that_breaks_a_rule_is_listed(
    terminal: Any, make_diner: Any, make_sale: Any, engine: Engine, site: Any, actor: Actor
) -> None:
    with db.writing(engine) as session:
        group = groups.get(session, site.id, site.group_id)
        limited = groups.values_of(group).model_copy(update={"daily_limit": 1500})
        groups.update(session, actor, site.group_id, limited)
    diner = make_diner(cash=1600, subsidy=5000)
    by_subsidy = {"subsidised": True, "payments": (("subsidy", 500),)}
    for total, how in ((500, by_subsidy), (500, by_subsidy), (500, {}), (700, {}), (600, {})):
        terminal.sell(make_sale(diner, total, **how))
    terminal.push()
    with db.reading(engine) as session:
        items = exceptions.page(session, site.id)
        listed = sorted((item.seq, item.code) for item in items)
    assert listed == [
        (2, "subsidised_twice"),
        (4, "over_limit"),
        (5, "over_limit"),
        (5, "overdraft"),
    ]
    assert cash_of(engine, diner) == -200


def test_a_batch_needs_no_more_statements_than_a_few_sales(
    terminal: Any, make_diner: Any, make_sale: Any, engine: Engine
) -> None:
    diners = [make_diner() for _ in range(4)]
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    counts = []
    event.listen(engine, "before_cursor_execute", note)
    for number in (4, 40):
        for at in range(number):
            terminal.sell(make_sale(diners[at % 4], 100))
        statements.clear()
        batch = terminal.batch(after=terminal.journal.head()[0] - number)
        with db.reading(engine) as session:
            known = session.get_one(Terminal, terminal.id)
        ingest.push(engine, known, batch, terminal.clock.now())
        counts.append(len(statements))
    event.remove(engine, "before_cursor_execute", note)
    assert counts[1] <= counts[0]
    assert sold(engine) == 44


def test_a_face_that_a_till_has_erased_is_erased_by_a_server_from_an_older_backup(
    engine: Any, site: Any, terminal: Any, make_diner: Any, clock: Any
) -> None:
    diner_id, template_id = make_diner(), new_id()
    with db.writing(engine) as session:
        row = faces.Template(
            id=template_id, site_id=site.id, diner_id=diner_id, pack="p", epoch=1, sealed=b"x"
        )
        session.add(row)
    receipt = ErasureReceipt(template_id=template_id, diner_id=diner_id, erased_at=clock.now())
    terminal.write("erasure", receipt)
    assert terminal.push().outcomes[0].outcome == "applied"
    with db.reading(engine) as session:
        assert faces.template_of(session, diner_id) is None
        assert [item.code for item in exceptions.page(session, site.id)] == ["erased_again"]
