"""A till's own file and sync against the real application: voids, shifts, keys, evidence."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, func, select

from dafan.clock import ManualClock
from dafan.db import reading, writing
from dafan.desk import Void
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Sale
from dafan.sync import RevokedError, SyncClient
from pos.enrol import JOURNAL, enrol, load_enrolment
from pos.shifts import make_shift
from pos.store import TillStore
from server import evidence, rotation, shifts, terminals
from server.books.sales import Sale as BookedSale
from server.verify import Report, verify_server
from tests.server.conftest import NOON, TestSite, parts_of

JPEG = b"\xff\xd8\xff" + bytes(range(200))


class RealTill:
    """A till without devices; its sync takes a turn when it is told to."""

    def __init__(self, app: APIFlask, folder: Path, code: str, clock: ManualClock) -> None:
        http = httpx.Client(transport=httpx.WSGITransport(app=app))
        enrol(folder, "http://localhost", code, http)
        enrolled = load_enrolment(folder)
        self.keys = enrolled.keys
        self.store = TillStore(folder / JOURNAL, enrolled.terminal.id, self.keys, clock)
        self.sync = SyncClient(
            "http://localhost", enrolled.identity, self.store.journal, self.store.feed_version,
            self.store.apply_feed_page, clock, client=http, restart_feed=self.store.restart_feed,
            evidence=self.store.evidence,
        )  # fmt: skip

    @property
    def id(self) -> UUID:
        return self.store.terminal_id

    def settle(self) -> None:
        """Push and pull all there is; pull first where something may have been lost."""
        for _ in range(2):
            while self.sync.pull_once(0):
                pass
            while self.sync.push_once():
                pass
        while self.sync.pull_once(0):
            pass

    def void(self, sale: Sale) -> Void:
        void = Void(
            id=new_id(), sale_id=sale.id, business_date=sale.business_date, total=sale.total,
            reason="重复结算", staff_id=new_id(), at=NOON,
        )  # fmt: skip
        self.store.sold.commit_void(void)
        return void

    def close(self) -> None:
        self.store.close()


@pytest.fixture
def make_real(
    app: APIFlask, engine: Engine, site: TestSite, clock: ManualClock, tmp_path: Path
) -> Iterator[Callable[[], RealTill]]:
    made: list[RealTill] = []

    def make() -> RealTill:
        name = f"{len(made) + 1} 号台"
        with writing(engine) as session:
            code = terminals.make_code(
                session, site.id, site.venue_id, name, by="test", now=clock.now()
            )
        made.append(RealTill(app, tmp_path / f"real-{len(made)}", code, clock))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def till(make_real: Callable[[], RealTill], make_diner: Any) -> RealTill:
    make_diner(cash=10_000)
    made = make_real()
    made.settle()
    return made


@pytest.fixture
def diner_id(till: RealTill) -> UUID:
    found = till.store.diner_of_staff_no("1001")
    assert found is not None
    return found


def proved(engine: Engine) -> Report:
    report = Report()
    with reading(engine) as session:
        verify_server(session, report)
    assert not report.faults
    return report


def test_a_void_is_on_the_screen_at_once_and_in_the_books_once(
    till: RealTill, diner_id: UUID, make_sale: Any, engine: Engine
) -> None:
    sale = make_sale(diner_id, 1200)
    seen = []
    for settle in (False, True):
        sale = make_sale(diner_id, 1200)
        till.store.commit_sale(sale)
        if settle:
            till.settle()
        till.void(sale)
        for _ in range(3):
            account = till.store.account(diner_id, NOON)
            assert account is not None
            seen.append((account.cash, account.spent, sum(account.meals.values())))
            till.settle()
    assert seen == [(10_000, 0, 0)] * 6
    proved(engine)


def test_a_shift_says_the_same_at_both_ends(
    till: RealTill, diner_id: UUID, make_sale: Any, engine: Engine, site: TestSite
) -> None:
    sales = [make_sale(diner_id, 1200), make_sale(diner_id, 800), make_sale(None, 500)]
    for sale in sales:
        till.store.commit_sale(sale)
    till.void(sales[0])
    figures = till.store.sold.figures()
    shift = make_shift(figures, new_id(), NOON, NOON.date(), new_id(), Fen(500))
    till.store.sold.commit_shift(shift)
    till.settle()
    with reading(engine) as session:
        row = session.scalars(
            select(shifts.ShiftRow).where(shifts.ShiftRow.site_id == site.id)
        ).one()
        assert (row.cash, row.drawer, row.sales, row.voids) == (800, 500, 3, 1)


def test_evidence_goes_up_when_it_is_asked_for_and_only_then(
    till: RealTill, diner_id: UUID, make_sale: Any, engine: Engine, site: TestSite, app: APIFlask
) -> None:
    sale = make_sale(diner_id, 900)
    till.store.commit_sale(sale, None, till.store.evidence.seal(sale, JPEG))
    till.settle()

    def there() -> bytes | None:
        with reading(engine) as session:
            return evidence.picture(session, parts_of(app), site.id, sale.id)

    assert there() is None
    with writing(engine) as session:
        evidence.request(session, site.id, till.id, sale.id)
    till.settle()
    assert there() == JPEG
    assert till.store.evidence.wanted() == []


def test_a_rotation_reaches_the_till_and_its_old_evidence_comes_under_the_new_key(
    till: RealTill, diner_id: UUID, make_sale: Any, engine: Engine, site: TestSite, app: APIFlask
) -> None:
    sale = make_sale(diner_id, 900)
    till.store.commit_sale(sale, None, till.store.evidence.seal(sale, JPEG))
    till.settle()
    ring = parts_of(app).ring
    assert rotation.advance(engine, ring, by="test", now=NOON) == 2
    assert rotation.give(engine, ring) == 1
    till.settle()
    assert (till.keys.newest, till.keys.key(2)) == (2, ring.key(2).secret)
    with writing(engine) as session:
        evidence.request(session, site.id, till.id, sale.id)
    till.settle()
    with reading(engine) as session:
        row = evidence.find(session, site.id, sale.id)
        assert row is not None
        assert (row.epoch, row.missing) == (2, None)
        assert evidence.picture(session, parts_of(app), site.id, sale.id) == JPEG


def test_a_revoked_till_hears_it_whatever_it_does_next(
    till: RealTill, engine: Engine, site: TestSite
) -> None:
    with writing(engine) as session:
        terminals.revoke(session, site.id, till.id, by="test", now=NOON)
    with pytest.raises(RevokedError):
        till.sync.pull_once(0)


@pytest.fixture
def turn_back(
    database: str, app: APIFlask, engine: Engine, tmp_path: Path
) -> tuple[Callable[[], None], Callable[[], None]]:
    """Keep the database as it is now, and make it so again while the server is stopped."""
    if not database.startswith("sqlite"):
        pytest.skip("puts back the database's file")
    file, kept = Path(database.removeprefix("sqlite:///")), tmp_path / "kept.db"

    def keep() -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(file, kept)

    def put_back() -> None:
        for each in (engine, app.extensions["dafan"].engine):
            each.dispose()
        for end in ("-wal", "-shm"):
            file.with_name(file.name + end).unlink(missing_ok=True)
        shutil.copy(kept, file)

    return keep, put_back


@pytest.mark.parametrize("overtaken", [False, True])
def test_a_server_from_a_backup_gets_back_what_it_lost_and_the_till_forgets_what_is_no_more(
    till: RealTill,
    diner_id: UUID,
    make_sale: Any,
    make_diner: Any,
    engine: Engine,
    turn_back: tuple[Callable[[], None], Callable[[], None]],
    *,
    overtaken: bool,
) -> None:
    keep, put_back = turn_back
    till.store.commit_sale(make_sale(diner_id, 1000))
    till.settle()
    keep()
    late = [make_sale(diner_id, 700), make_sale(diner_id, 300)]
    for sale in late:
        till.store.commit_sale(sale)
    till.void(late[1])
    make_diner(cash=500)
    till.settle()
    assert till.store.diner_of_staff_no("1002") is not None
    put_back()
    if overtaken:  # so much is published meanwhile that the versions go on where the till is
        for _ in range(10):
            make_diner(cash=100)
        with writing(engine) as session:
            someone = session.get_one(terminals.Terminal, till.id)
            assert someone.applied_seq == 1
    till.settle()
    with reading(engine) as session:
        assert session.scalar(select(func.count()).select_from(BookedSale)) == 3
        assert session.get_one(terminals.Terminal, till.id).applied_seq == 4
    assert till.store.diner_of_staff_no("1002") is None
    account = till.store.account(diner_id, NOON)
    assert account is not None
    assert (account.cash, account.spent) == (8_300, 1_700)
    proved(engine)
