"""Many writers at once on the same diners: nobody is given up, and the books agree."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from dafan import db
from dafan.ids import new_id
from dafan.money import Fen
from server import cashdesk, ingest, people
from server.actor import Actor
from server.books import accounts
from server.books.accounts import AccountKind
from server.terminals import Terminal
from server.verify import Report, verify_server

ROUNDS = 4
TILLS = 4


class Canteen:
    """Diners on whose money everybody works."""

    def __init__(self, engine: Engine, actor: Actor, group: UUID, diners: list[UUID]) -> None:
        self.engine, self.actor, self.group, self.diners = engine, actor, group, diners

    def some(self, seed: int, count: int) -> list[UUID]:
        return random.Random(seed).sample(self.diners, count)

    def top_up(self) -> None:
        for number in range(3 * ROUNDS):
            with db.writing(self.engine) as session:
                diner = self.some(number, 1)[0]
                cashdesk.top_up(session, self.actor, diner, Fen(500), key=f"t{number}")

    def subsidise(self) -> None:
        for number in range(ROUNDS):
            with db.writing(self.engine) as session:
                amounts = {self.group: Fen(100)}
                cashdesk.run_subsidy(session, self.actor, "月补", amounts, key=f"s{number}")

    def move(self) -> None:
        for number in range(3 * ROUNDS):
            rich, other = self.diners[number % 10], self.diners[19 - number]
            with db.writing(self.engine) as session:
                cashdesk.move_between(
                    session, self.actor, rich, other, Fen(1), key=f"m{number}", reason="换卡"
                )

    def publish(self) -> None:
        for number in range(3 * ROUNDS):
            with db.writing(self.engine) as session:
                people.publish_diners(session, self.actor.site_id, self.some(number, 15))

    def push(self, row: Terminal, batches: list[Any]) -> None:
        for batch in batches:
            answer = ingest.push(self.engine, row, batch, self.actor.at)
            assert {done.outcome for done in answer.outcomes} == {"applied"}


def test_eight_writers_at_once_neither_fail_nor_spoil_the_books(
    engine: Engine, actor: Actor, site: Any, make_diner: Any, make_till: Any, make_sale: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    diners = [make_diner(cash=10_000 if number < 10 else 0) for number in range(20)]
    canteen = Canteen(engine, actor, site.group_id, diners)
    tills = [make_till() for _ in range(TILLS)]
    signed = []
    for seed, till in enumerate(tills):
        for number in range(ROUNDS):
            for diner in canteen.some(100 * seed + number, 10):
                till.sell(make_sale(diner, 10))
        signed.append([till.batch(after=10 * number, limit=10) for number in range(ROUNDS)])
    with db.reading(engine) as session:
        rows = [session.get_one(Terminal, till.id) for till in tills]
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(canteen.push, *each) for each in zip(rows, signed, strict=True)]
        others = canteen.top_up, canteen.subsidise, canteen.move, canteen.publish
        running += [pool.submit(write) for write in others]
        for each in running:
            each.result()
    assert "given up" not in caplog.text
    report = Report()
    with db.reading(engine) as session:
        verify_server(session, report)
        held = sum(
            sum(wallets.values()) for wallets in accounts.balances_of(session, diners).values()
        )
    assert report.faults == []
    assert report.checked["sales"] == TILLS * ROUNDS * 10
    paid_in = 10 * 10_000 + 3 * ROUNDS * 500 + ROUNDS * 20 * 100
    assert held == paid_in - TILLS * ROUNDS * 10 * 10


def test_more_accounts_than_one_portion_are_opened_and_locked_by_several_at_once(
    engine: Engine, site: Any
) -> None:
    owners = [(AccountKind.CASH, new_id()) for _ in range(1200)]

    def lock(seed: int) -> set[UUID]:
        mine = random.Random(seed).sample(owners, len(owners))
        with db.writing(engine) as session:
            return {account.id for account in accounts.ensure_all(session, site.id, mine).values()}

    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lock, range(4)))
    assert len(opened[0]) == 1200
    assert opened == [opened[0]] * 4


def test_who_is_given_up_in_a_deadlock_begins_again(
    engine: Engine, site: Any, postgresql: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    if not postgresql:
        pytest.skip("SQLite has one writer at a time: nobody can be given up")
    with db.writing(engine) as session:
        owners = [(AccountKind.CASH, new_id()) for _ in range(2)]
        one, other = (row.id for row in accounts.ensure_all(session, site.id, owners).values())
    both_hold_one = threading.Barrier(2)

    def add_to(ids: tuple[UUID, UUID]) -> None:
        tries = []

        def work(session: Session) -> None:
            tries.append(1)
            for number, account_id in enumerate(ids):
                session.execute(
                    text("UPDATE account SET balance = balance + 1 WHERE id = :id"),
                    {"id": account_id},
                )
                if number == 0 and len(tries) == 1:
                    both_hold_one.wait(60)

        db.retrying(engine, work)

    with ThreadPoolExecutor(2) as pool:
        for each in [pool.submit(add_to, (one, other)), pool.submit(add_to, (other, one))]:
            each.result()
    assert "given up" in caplog.text
    with db.reading(engine) as session:
        assert list(session.scalars(text("SELECT balance FROM account"))) == [2, 2]


@pytest.fixture
def planted(wrong_locks: list[str]) -> Callable[[], list[str]]:
    """What the watch over locks found; the test's own sins are forgiven."""

    def found() -> list[str]:
        mine = list(wrong_locks)
        wrong_locks.clear()
        return mine

    return found


def test_the_watch_over_locks_sees_one_taken_against_the_order(
    engine: Engine, site: Any, planted: Callable[[], list[str]], postgresql: str | None
) -> None:
    if not postgresql:
        pytest.skip("SQLite locks no rows")
    from server import feed

    with db.writing(engine) as session:
        feed.lock(session, site.id)
        accounts.ensure(session, site.id, AccountKind.CASH, new_id())
    assert planted() == ["account is locked after feed_counter"]
    with db.writing(engine) as session:
        accounts.ensure(session, site.id, AccountKind.CASH, new_id())
        accounts.ensure(session, site.id, AccountKind.CASH, new_id())
    assert len(planted()) == 1
