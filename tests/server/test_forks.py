"""Forks are judged by a person: nothing is lost, nothing booked twice, everything can be proved."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text

from dafan import journal
from dafan.db import reading, writing
from dafan.desk import Void
from dafan.ids import new_id
from dafan.journal import sign_batch
from dafan.records import MAX_BATCH, JournalPush, PushStatus, Sale, Source
from server import audit, exceptions, forks, ingest, rescues, sites, terminals
from server.actor import Actor
from server.books import accounts, sales
from server.terminals import Terminal, UnknownTerminalError
from server.verify import Report, verify_server
from tests.server.conftest import TestSite, Till


@pytest.fixture
def diner(make_diner: Any) -> UUID:
    """Somebody with 500 yuan."""
    made: UUID = make_diner(50_000)
    return made


@pytest.fixture
def lunch(make_sale: Any, diner: UUID) -> Callable[..., Sale]:
    """A sale to him."""

    def make(total: int = 1200) -> Sale:
        made: Sale = make_sale(diner, total)
        return made

    return make


@pytest.fixture
def restored(
    terminal: Till, lunch: Callable[..., Sale], tmp_path: Path
) -> tuple[Till, list[Sale], list[Sale]]:
    """A till that came back from an old disk: one sale is common, then two and three differ."""
    terminal.sell(lunch())
    terminal.push()
    image = tmp_path / "image.db"
    terminal.journal._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(tmp_path / "till-1.db", image)
    first = [lunch(1000), lunch(1100)]
    for sale in first:
        terminal.sell(sale)
    terminal.push(1)
    connection = journal.connect(image)
    old = replace(terminal, journal=journal.Journal(connection, terminal.id), answers=[])
    second = [lunch(100), lunch(200), lunch(400)]
    for sale in second:
        old.sell(sale)
    return old, first, second


def booked(engine: Engine) -> set[UUID]:
    with reading(engine) as session:
        return set(session.scalars(select(sales.Sale.id)))


def balance(engine: Engine, diner: UUID) -> int:
    with reading(engine) as session:
        return accounts.balances(session, diner)[Source.CASH]


def look(engine: Engine, site: TestSite, till: Till) -> forks.Case:
    with reading(engine) as session:
        return forks.look(session, site.id, till.id)


def decide(
    engine: Engine, actor: Actor, till: Till, decision: Any = "taken_in", seen: str = ""
) -> forks.Taken:
    with writing(engine) as session:
        shown = seen or forks.look(session, actor.site_id, till.id).seen
        return forks.decide(session, actor, till.id, decision, "old disk", shown)


def carry(engine: Engine, actor: Actor, till: Till, pushes: list[JournalPush]) -> forks.Taken:
    return forks.take_in(engine, actor, till.id, pushes)


def prove(engine: Engine) -> None:
    report = Report()
    with reading(engine) as session:
        verify_server(session, report)
        assert list(rescues.faults(session)) == []
    assert report.ok, report.faults


# --- looking ------------------------------------------------------------------------------------


def test_both_sides_stand_beside_each_other(engine: Engine, site: TestSite, restored: Any) -> None:
    old, first, second = restored
    assert old.push(0).status is PushStatus.FORK
    case = look(engine, site, old)
    assert [line.standing for line in case.lines] == ["same", "fresh", "fresh", "fresh"]
    assert [line.ours and line.ours.id for line in case.lines[1:]] == [
        first[0].id, first[1].id, None,
    ]  # fmt: skip
    assert [entry.id for entry in case.fresh] == [sale.id for sale in second]
    with reading(engine) as session:
        assert [one.id for one in forks.cases(session, site.id)] == [old.id]


def test_a_fork_that_grows_is_one_case(engine: Engine, site: TestSite, restored: Any) -> None:
    old, _first, second = restored
    old.push(1, 1)
    old.push(1, 2)
    old.push(1)
    case = look(engine, site, old)
    assert len(case.batches) == 3
    assert [entry.id for entry in case.fresh] == [sale.id for sale in second]


# --- taking in ----------------------------------------------------------------------------------


def test_what_only_the_fork_tells_is_booked_once_and_everything_is_proved(
    engine: Engine, site: TestSite, actor: Actor, restored: Any, diner: UUID
) -> None:
    old, first, second = restored
    old.push(1)
    taken = decide(engine, actor, old)
    assert taken == forks.Taken(rescued=3)
    assert {sale.id for sale in (*first, *second)} <= booked(engine)
    assert balance(engine, diner) == 50_000 - 1200 - 2100 - 700
    prove(engine)
    with reading(engine) as session:
        assert forks.cases(session, site.id) == []
        assert exceptions.count_open(session, site.id) == 0
        acts = [row.action for row in session.scalars(select(audit.Audit))]
    assert acts.count("fork.taken_in") == 1


def test_the_till_is_revoked_with_the_decision_and_its_rescue_can_never_sync(
    engine: Engine, actor: Actor, restored: Any
) -> None:
    old, _first, _second = restored
    old.push(1)
    decide(engine, actor, old)
    assert old.post(old.batch(1)).status_code == 401
    with reading(engine) as session:
        rescue = session.scalar(select(Terminal).where(Terminal.rescue_of == old.id))
    assert rescue is not None
    assert rescue.revoked_at is not None
    assert rescue.signing_key != old.identity.signing_public


def test_a_double_click_books_once(
    engine: Engine, site: TestSite, actor: Actor, restored: Any, diner: UUID
) -> None:
    old, _first, _second = restored
    old.push(1)
    seen = look(engine, site, old).seen
    decide(engine, actor, old, seen=seen)
    with pytest.raises(forks.ForkError) as error:
        decide(engine, actor, old, seen=seen)
    assert error.value.code == "judged"
    assert balance(engine, diner) == 50_000 - 1200 - 2100 - 700


def test_what_came_after_the_person_looked_is_not_decided_unseen(
    engine: Engine, site: TestSite, actor: Actor, restored: Any
) -> None:
    old, _first, second = restored
    old.push(1, 1)
    seen = look(engine, site, old).seen
    old.push(1)
    with pytest.raises(forks.ForkError) as error:
        decide(engine, actor, old, seen=seen)
    assert error.value.code == "fork_changed"
    assert second[0].id not in booked(engine)


def test_a_sale_that_came_by_another_way_is_not_booked_again(
    engine: Engine, actor: Actor, restored: Any, diner: UUID
) -> None:
    """Two disks of one till, each restored from the same image, tell a sale twice."""
    old, _first, second = restored
    old.push(1, 2)
    decide(engine, actor, old)
    taken = carry(engine, actor, old, [old.batch(1)])
    assert taken == forks.Taken(known=2, rescued=1)
    assert balance(engine, diner) == 50_000 - 1200 - 2100 - 700
    assert {sale.id for sale in second} <= booked(engine)
    prove(engine)


def test_a_void_in_a_fork_takes_its_sale_back(
    engine: Engine, actor: Actor, restored: Any, diner: UUID, clock: Any
) -> None:
    old, _first, second = restored
    sale = second[0]
    void = Void(
        id=new_id(), sale_id=sale.id, business_date=sale.business_date, total=sale.total,
        reason="wrong dish", staff_id=new_id(), at=clock.now(),
    )  # fmt: skip
    old.journal.append("void", void.id, clock.now(), void)
    old.push(1)
    assert decide(engine, actor, old).rescued == 4
    assert balance(engine, diner) == 50_000 - 1200 - 2100 - 600
    prove(engine)


def test_what_cannot_be_booked_is_parked_and_listed(
    engine: Engine, site: TestSite, actor: Actor, restored: Any, make_sale: Any
) -> None:
    old, _first, _second = restored
    old.sell(make_sale(new_id(), 100))
    old.push(1)
    taken = decide(engine, actor, old)
    assert (taken.rescued, taken.parked) == (3, 1)
    with reading(engine) as session:
        codes = [item.code for item in exceptions.page(session, site.id)]
    assert codes == ["parked"]
    prove(engine)


def test_setting_aside_books_nothing_keeps_everything_and_needs_a_reason(
    engine: Engine, site: TestSite, actor: Actor, restored: Any
) -> None:
    old, _first, second = restored
    old.push(1)
    seen = look(engine, site, old).seen
    with writing(engine) as session, pytest.raises(forks.ForkError) as error:
        forks.decide(session, actor, old.id, "set_aside", " ", seen)
    assert error.value.code == "fork_reason"
    decide(engine, actor, old, "set_aside")
    assert not {sale.id for sale in second} & booked(engine)
    with reading(engine) as session:
        kept = session.scalar(select(forks.ForkedBatch))
    assert kept is not None
    assert (kept.decision, kept.reason) == ("set_aside", "old disk")
    assert str(second[0].id) in kept.push
    prove(engine)


def test_nobody_judges_another_sites_till(engine: Engine, actor: Actor, restored: Any) -> None:
    old, _first, _second = restored
    old.push(1)
    with writing(engine) as session:
        other = replace(actor, site_id=sites.ensure_site(session, "另一单位").id)
        assert forks.cases(session, other.site_id) == []
        with pytest.raises(UnknownTerminalError):
            forks.decide(session, other, old.id, "taken_in", "", "")
    with pytest.raises(UnknownTerminalError):
        forks.take_in(engine, other, old.id, [old.batch(1)])


# --- carried from a dead or revoked till --------------------------------------------------------


def test_a_revoked_till_is_refused_but_a_person_brings_in_what_it_had_not_sent(
    engine: Engine, site: TestSite, actor: Actor, terminal: Till, lunch: Any, clock: Any
) -> None:
    terminal.sell(lunch(100))
    terminal.push()
    unsent = [lunch(200), lunch(300)]
    for sale in unsent:
        terminal.sell(sale)
    with writing(engine) as session:
        terminals.revoke(session, site.id, terminal.id, by="test", now=clock.now())
    assert terminal.post(terminal.batch(1)).status_code == 401
    for expected in (forks.Taken(applied=2), forks.Taken(known=2)):
        assert carry(engine, actor, terminal, [terminal.batch(1)]) == expected
    assert {sale.id for sale in unsent} <= booked(engine)
    prove(engine)


def test_many_batches_with_a_fork_in_the_middle_come_in_whole(
    engine: Engine, actor: Actor, restored: Any, diner: UUID
) -> None:
    old, _first, second = restored
    pushes = [old.batch(after, 1) for after in range(4)]
    for expected in (forks.Taken(known=1, rescued=3), forks.Taken(known=1)):
        assert carry(engine, actor, old, pushes) == expected
    assert {sale.id for sale in second} <= booked(engine)
    assert balance(engine, diner) == 50_000 - 1200 - 2100 - 700
    prove(engine)


def test_a_fork_of_more_than_one_batch_is_rescued_whole(
    engine: Engine, actor: Actor, restored: Any, lunch: Any, diner: UUID
) -> None:
    old, _first, second = restored
    more = [lunch(10) for _ in range(MAX_BATCH)]
    for sale in more:
        old.sell(sale)
    pushes = [old.batch(1), old.batch(1 + MAX_BATCH)]
    assert carry(engine, actor, old, pushes) == forks.Taken(rescued=3 + MAX_BATCH)
    assert {sale.id for sale in (*second, *more)} <= booked(engine)
    assert balance(engine, diner) == 50_000 - 1200 - 2100 - 700 - 10 * MAX_BATCH
    prove(engine)


def test_very_many_fresh_entries_are_rescued_portion_by_portion(
    engine: Engine, actor: Actor, restored: Any, diner: UUID, monkeypatch: Any
) -> None:
    monkeypatch.setattr(forks, "PORTION", 2)
    old, _first, second = restored
    assert carry(engine, actor, old, [old.batch(1)]).rescued == 3
    assert {sale.id for sale in second} <= booked(engine)
    assert balance(engine, diner) == 50_000 - 1200 - 2100 - 700
    prove(engine)


def test_a_file_with_a_hole_is_refused_whole(
    engine: Engine, actor: Actor, terminal: Till, lunch: Any
) -> None:
    for _ in range(4):
        terminal.sell(lunch(100))
    with pytest.raises(forks.ForkError, match="entries 2 to 2 are missing"):
        carry(engine, actor, terminal, [terminal.batch(0, 1), terminal.batch(2, 2)])
    assert booked(engine) == set()


def test_a_forged_or_altered_batch_is_refused(
    engine: Engine, actor: Actor, terminal: Till, make_till: Any, lunch: Any
) -> None:
    terminal.sell(lunch(100))
    thief = make_till()
    forged = sign_batch(thief.identity, terminal.journal.read(0))
    with pytest.raises(ingest.BatchError):
        carry(engine, actor, terminal, [forged])
    assert booked(engine) == set()


def test_a_file_is_read_line_by_line_and_a_bad_line_is_named(terminal: Till, lunch: Any) -> None:
    terminal.sell(lunch(100))
    batch = terminal.batch()
    line = batch.model_dump_json()
    assert forks.read_pushes([line, "\n"]) == [batch]
    for bad in ("{", "[]", line[:-30], "\x00", "NaN"):
        with pytest.raises(forks.ForkError, match="line 2"):
            forks.read_pushes([line, bad])


# --- proof --------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["the kept batch", "the entry taken in"])
def test_what_was_altered_afterwards_is_named(
    engine: Engine, actor: Actor, restored: Any, what: str
) -> None:
    old, _first, _second = restored
    old.push(1)
    decide(engine, actor, old)
    with writing(engine) as session:
        if what == "the kept batch":
            changed = text("UPDATE forked_batch SET push = replace(push, '400', '300')")
        else:
            changed = text("UPDATE entry SET body = replace(body, '400', '300')")
        session.execute(changed)
    with reading(engine) as session:
        found = list(rescues.faults(session))
    assert len(found) == (3 if what == "the kept batch" else 1)
