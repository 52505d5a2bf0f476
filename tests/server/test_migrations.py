"""A database of the first release, with people and money in it, becomes one of this version."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, func, select

from dafan import db, journal
from dafan.clock import ManualClock
from dafan.crypto import Identity
from dafan.ids import new_id
from dafan.journal import GENESIS
from dafan.money import Fen
from dafan.records import Payment, Sale, SaleLine, Source, Tender, Unit, canonical
from server import schema
from server.verify import Report, verify_server

DAY = date(2026, 3, 2)
FIRST = "0001"


@pytest.fixture
def empty(settings: Any) -> Iterator[Engine]:
    """A database without tables."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = db.make_engine(settings.database)
    yield engine
    engine.dispose()


class FirstRelease:
    """Writes rows as the first release did, by the columns of that time."""

    def __init__(self, connection: Connection, clock: ManualClock, folder: Path) -> None:
        self.connection, self.now, self.folder = connection, clock.now(), folder
        self.tables = MetaData()
        self.tables.reflect(connection)
        self.site, self.venue, self.group, self.diner, self.till = (new_id() for _ in range(5))

    def add(self, table: str, **values: Any) -> None:
        """One row; ids and times in the form that each engine had."""
        uuids = self.connection.dialect.name == "postgresql"
        for name, value in values.items():
            if hasattr(value, "hex") and hasattr(value, "int") and not uuids:
                values[name] = value.hex
            elif hasattr(value, "tzinfo"):
                values[name] = value.replace(tzinfo=None)
        self.connection.execute(self.tables.tables[table].insert(), values)

    def fill(self) -> None:
        """A canteen with one diner, who topped up and ate."""
        now, site = self.now, {"site_id": self.site}
        self.add("site", id=self.site, name="老单位")
        self.add("venue", id=self.venue, name="食堂", **site)
        self.add("feed_counter", version=0, **site)
        self.add(
            "diner_group", id=self.group, name="职工", discount_percent=0, meals={},
            meal_limit=None, daily_limit=None, **site,
        )  # fmt: skip
        self.add(
            "diner", id=self.diner, staff_no="1001", name="甲子", department="", pin_hash=None,
            group_id=self.group, status="active", **site,
        )  # fmt: skip
        self.add(
            "user_account", id=new_id(), login="admin", name="", password_hash="x",
            roles=["admin"], active=True, **site,
        )  # fmt: skip
        self.add("card", number="0a1b", diner_id=self.diner, status="active", **site)
        self.add("feed", kind="card", key="0a1b", version=1, body=None, **site)
        self.add("audit", id=new_id(), at=now, who="admin", action="x", subject="y", ip="", **site)
        self.sell(self.top_up())

    def top_up(self) -> dict[str, Any]:
        """Kind → account, with ten yuan in the diner's own wallet."""
        owners = {"cash": self.diner, "cash_desk": self.site, "revenue": self.venue}
        found = {kind: new_id() for kind in owners}
        left = {"cash": 700, "cash_desk": -1000, "revenue": 300}
        for kind, owner in owners.items():
            self.add(
                "account", id=found[kind], site_id=self.site, kind=kind, owner_id=owner,
                balance=left[kind],
            )  # fmt: skip
        self.transfer("top_up", "top_up:1", {found["cash_desk"]: -1000, found["cash"]: 1000})
        return found

    def transfer(self, kind: str, key: str, legs: dict[Any, int]) -> Any:
        """Money moves."""
        made = new_id()
        same = {"site_id": self.site, "business_date": DAY}
        self.add(
            "transfer", id=made, kind=kind, key=key, at=self.now, by=str(self.till), memo="", **same
        )
        for account, amount in legs.items():
            self.add("posting", transfer_id=made, account_id=account, amount=amount, **same)
        return made

    def sell(self, found: dict[str, Any]) -> None:
        """One sale of three yuan, from a till with real keys and a real journal."""
        identity, now = Identity.create(), self.now
        line = SaleLine(
            dish_id=new_id(), name="套餐", unit=Unit.PIECE, unit_price=Fen(300), amount=Fen(300)
        )
        sale = Sale(
            id=new_id(), site_id=self.site, venue_id=self.venue, business_date=DAY,
            period="lunch", diner_id=self.diner, group_id=self.group, tender=Tender.CARD,
            lines=(line,), list_total=Fen(300), discount=Fen(0), total=Fen(300),
            payments=(Payment(source=Source.CASH, amount=Fen(300)),), subsidised=False,
            opened_at=now, paid_at=now, snapshot_version=1,
        )  # fmt: skip
        file = journal.connect(self.folder / "till.db")
        entry = journal.Journal(file, self.till).append("sale", sale.id, now, sale)
        file.close()
        batch, signed = new_id(), journal.sign_batch(identity, [entry])
        moved = self.transfer(
            "sale", f"sale:{sale.id}", {found["cash"]: -300, found["revenue"]: 300}
        )
        self.add(
            "terminal", id=self.till, site_id=self.site, venue_id=self.venue, name="1 号",
            signing_key=identity.signing_public, box_key=identity.box_public, enrolled_at=now,
            feed_version=0, applied_seq=1, applied_hash=entry.hash,
        )  # fmt: skip
        self.add(
            "batch", id=batch, site_id=self.site, terminal_id=self.till, first_seq=1, last_seq=1,
            prev_hash=GENESIS, last_hash=entry.hash, signature=signed.signature, received_at=now,
        )  # fmt: skip
        self.add(
            "entry", site_id=self.site, business_date=DAY, terminal_id=self.till, seq=1,
            id=entry.id, at=entry.to_body()["at"], kind="sale",
            body=canonical(entry.body).decode(), prev_hash=GENESIS, hash=entry.hash,
            batch_id=batch, outcome="applied", reason="", received_at=now,
        )  # fmt: skip
        same = {"site_id": self.site, "business_date": DAY}
        self.add(
            "sale", id=sale.id, terminal_id=self.till, seq=1, venue_id=self.venue,
            period="lunch", diner_id=self.diner, group_id=self.group, tender="card",
            list_total=300, discount=0, total=300, subsidy_paid=0, cash_paid=300, drawer_paid=0,
            subsidised=False, opened_at=now, paid_at=now, received_at=now, snapshot_version=1,
            transfer_id=moved, **same,
        )  # fmt: skip
        self.add(
            "sale_line", sale_id=sale.id, no=1, dish_id=line.dish_id, name="套餐", unit="piece",
            portion="full", grams=None, quantity=1, unit_price=300, amount=300, **same,
        )  # fmt: skip


def counts(engine: Engine, tables: list[str]) -> dict[str, int]:
    metadata = MetaData()
    with engine.connect() as connection:
        metadata.reflect(connection, only=tables)
        return {
            name: connection.scalar(select(func.count()).select_from(metadata.tables[name])) or 0
            for name in tables
        }


def test_each_revision_leads_to_the_next_and_the_last_to_the_tables_of_the_code(
    empty: Engine, clock: ManualClock, tmp_path: Path
) -> None:
    schema.upgrade(empty, FIRST)
    with empty.begin() as connection:
        old = FirstRelease(connection, clock, tmp_path)
        old.fill()
        names = sorted(name for name in old.tables.tables if name != "alembic_version")
    before = counts(empty, names)
    chain = [
        each.revision for each in ScriptDirectory.from_config(schema._config()).walk_revisions()
    ]
    assert chain[-1] == FIRST
    for revision in reversed(chain):
        schema.upgrade(empty, revision)
        assert schema.revision(empty) == revision
    assert counts(empty, names) == before
    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.Base.metadata) == []
    report = Report()
    with db.reading(empty) as session:
        verify_server(session, report)
    assert report.faults == []
    assert report.checked["sales"] == report.checked["entries"] == 1


@pytest.mark.process
def test_of_servers_that_start_at_once_one_migrates_and_the_others_wait(
    settings: Any, empty: Engine
) -> None:
    program = (
        "import sys; from dafan import db; from server import schema;"
        "sys.stdin.readline(); schema.upgrade(db.make_engine(sys.argv[1]))"
    )
    command = [sys.executable, "-c", program, settings.database]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in racers:
        _, said = racer.communicate(timeout=120)
        assert racer.returncode == 0, said
    assert schema.revision(empty) == schema.head()
