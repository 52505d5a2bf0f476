"""``dafan bench verify``: how long the proof of a large canteen's books takes."""

import hashlib
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from dafan.clock import ManualClock
from dafan.crypto import Identity
from dafan.db import writing
from dafan.ids import new_id
from dafan.journal import GENESIS
from dafan.money import Fen
from dafan.records import MAX_BATCH, canonical
from server import groups, people, schema, sites, verify
from server.actor import Actor
from server.books import accounts, sales, wallets
from server.books.accounts import Account, AccountKind
from server.books.transfers import Posting, Transfer
from server.entries import Batch, EntryRow
from server.many import insert_all, portions
from server.terminals import Terminal

TILLS, DINERS = 20, 2000
FIRST_DAY = datetime(2026, 1, 5, 4, 0, tzinfo=UTC)
A_DAY = 12_000
"""Sales on one business date."""
_WRITTEN = 20_000


@dataclass
class _Till:
    id: UUID
    identity: Identity
    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True)
class _Canteen:
    site_id: UUID
    venue_id: UUID
    group_id: UUID
    dish_id: UUID
    revenue_id: UUID
    wallets: list[tuple[UUID, UUID]]
    """Diner and his cash account."""
    tills: list[_Till]


def bench_verify(engine: Engine, count: int, seed: int = 1) -> dict[str, Any]:
    """Fill an empty database with sales and prove it.

    Returns:
        ``engine, sales, entries, faults, verify_s, sales_per_s, peak_rss_mb, fill_s`` and the
        seconds of each check; the journals are read beside all others.
    """
    began = time.perf_counter()
    fill(engine, count, Random(seed))  # noqa: S311 - amounts, not secrets
    filled = time.perf_counter()
    report = verify.Report()
    verify.verify_engine(engine, report)
    seconds = time.perf_counter() - filled
    return {
        "engine": engine.dialect.name, "sales": report.checked["sales"],
        "entries": report.checked["entries"], "faults": len(report.faults),
        "verify_s": round(seconds, 2), "sales_per_s": round(count / seconds),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "fill_s": round(filled - began, 1),
        "checks_s": {name: round(took, 2) for name, took in report.took.items()},
    }  # fmt: skip


def fill(engine: Engine, count: int, rng: Random) -> None:
    """Write so many sales as if tills had sent them: real chains, signatures and postings."""
    schema.upgrade(engine)
    canteen = _open(engine)
    made = _rows(canteen, count, rng)
    for portion in portions(made, _WRITTEN):
        with writing(engine) as session:
            _write(session, portion)
    with writing(engine) as session:
        _settle(session, canteen)
    if engine.dialect.name == "postgresql":  # as its autovacuum does by itself, a little later
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _open(engine: Engine) -> _Canteen:
    clock = ManualClock(FIRST_DAY)
    with writing(engine) as session:
        site = sites.ensure_site(session, "示范单位")
        venue = sites.ensure_venue(session, site.id, "第一食堂")
        actor = Actor(site.id, "bench", clock.now())
        group = groups.create(session, actor, groups.GroupValues(name="职工"))
        values = [
            people.DinerValues(staff_no=str(100_000 + number), name="甲子", group_id=group.id)
            for number in range(DINERS)
        ]
        diners = people.create_diners(session, actor, values)
        paid = [wallets.TopUp(diner.id, Fen(10**8), str(diner.id)) for diner in diners]
        wallets.top_up_all(session, site.id, paid, by="bench", at=clock.now())
        wanted = {(AccountKind.CASH, diner.id) for diner in diners}
        revenue = AccountKind.REVENUE, venue.id
        found = accounts.ensure_all(session, site.id, wanted | {revenue})
        tills = [_Till(new_id(), Identity.create()) for _ in range(TILLS)]
        session.add_all(
            Terminal(
                id=till.id, site_id=site.id, venue_id=venue.id, name=f"{number} 号台",
                signing_key=till.identity.signing_public, box_key=till.identity.box_public,
                enrolled_at=clock.now(), feed_version=0,
            )
            for number, till in enumerate(tills, start=1)
        )  # fmt: skip
        return _Canteen(
            site.id, venue.id, group.id, new_id(), found[revenue].id,
            [(diner.id, found[AccountKind.CASH, diner.id].id) for diner in diners], tills,
        )  # fmt: skip


@dataclass(frozen=True)
class _Made:
    """One sale in all its rows."""

    entry: dict[str, Any]
    sale: dict[str, Any]
    line: dict[str, Any]
    transfer: dict[str, Any]
    postings: list[dict[str, Any]]
    batch: dict[str, Any] | None


def _rows(canteen: _Canteen, count: int, rng: Random) -> Iterator[_Made]:
    made = 0
    while made < count:
        for till in canteen.tills:
            size = min(MAX_BATCH, count - made)
            yield from _batch(canteen, till, made, size, rng)
            made += size
            if made >= count:
                return


def _batch(canteen: _Canteen, till: _Till, made: int, size: int, rng: Random) -> Iterator[_Made]:
    batch_id, first, prev = new_id(), till.seq + 1, till.hash
    day = FIRST_DAY + timedelta(days=made // A_DAY)
    for number in range(size):
        diner_id, wallet_id = rng.choice(canteen.wallets)
        one = _sale(canteen, till, batch_id, day, rng.randint(300, 3000), diner_id, wallet_id)
        if number < size - 1:
            yield _Made(*one, batch=None)
            continue
        ends = [str(till.id), first, prev, till.seq, till.hash]
        batch = {
            "id": batch_id, "site_id": canteen.site_id, "terminal_id": till.id,
            "first_seq": first, "last_seq": till.seq, "prev_hash": prev, "last_hash": till.hash,
            "signature": till.identity.signing.sign(b"dafan-journal-v1" + canonical(ends)),
            "received_at": day,
        }  # fmt: skip
        yield _Made(*one, batch=batch)


def _sale(
    canteen: _Canteen,
    till: _Till,
    batch_id: UUID,
    at: datetime,
    total: int,
    diner_id: UUID,
    wallet_id: UUID,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    sale_id, transfer_id, day = new_id(), new_id(), at.date()
    moment = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    line = {
        "dish_id": str(canteen.dish_id), "name": "自助", "unit": "kg", "portion": "full",
        "grams": total // 5, "quantity": 1, "unit_price": 5000, "amount": total,
    }  # fmt: skip
    body = {
        "id": str(sale_id), "site_id": str(canteen.site_id), "venue_id": str(canteen.venue_id),
        "business_date": day.isoformat(), "period": "lunch", "diner_id": str(diner_id),
        "group_id": str(canteen.group_id), "tender": "card", "second_factor": None,
        "lines": [line], "list_total": total, "discount": 0, "total": total,
        "payments": [{"source": "cash", "amount": total}], "subsidised": False,
        "opened_at": moment, "paid_at": moment, "snapshot_version": 1, "face": None,
    }  # fmt: skip
    text, seq, prev = canonical(body).decode(), till.seq + 1, till.hash
    hashed = f'["{till.id}",{seq},"{sale_id}","{moment}","sale",{text},"{prev}"]'
    till.seq, till.hash = seq, hashlib.sha256(hashed.encode()).hexdigest()
    key = {"site_id": canteen.site_id, "business_date": day}
    entry = key | {
        "terminal_id": till.id, "seq": seq, "id": sale_id, "at": moment, "kind": "sale",
        "body": text, "prev_hash": prev, "hash": till.hash, "batch_id": batch_id,
        "outcome": "applied", "reason": "", "received_at": at,
    }  # fmt: skip
    sale = key | {
        "id": sale_id, "terminal_id": till.id, "seq": seq, "venue_id": canteen.venue_id,
        "period": "lunch", "diner_id": diner_id, "group_id": canteen.group_id, "tender": "card",
        "second_factor": None, "list_total": total, "discount": 0, "total": total,
        "subsidy_paid": 0, "cash_paid": total, "drawer_paid": 0, "subsidised": False,
        "opened_at": at, "paid_at": at, "received_at": at, "snapshot_version": 1, "face": None,
        "transfer_id": transfer_id, "refunded": 0, "cancelled": False, "rescued_on": None,
    }  # fmt: skip
    transfer = key | {
        "id": transfer_id, "kind": "sale", "key": f"sale:{sale_id}", "at": at,
        "by": str(till.id), "memo": "",
    }  # fmt: skip
    postings = [
        key | {"transfer_id": transfer_id, "account_id": account_id, "amount": amount}
        for account_id, amount in ((wallet_id, -total), (canteen.revenue_id, total))
    ]
    row = key | line | {"sale_id": sale_id, "no": 1, "dish_id": canteen.dish_id}
    return entry, sale, row, transfer, postings


def _write(session: Session, made: list[_Made]) -> None:
    rows: tuple[tuple[Any, list[dict[str, Any]]], ...] = (
        (Batch, [each.batch for each in made if each.batch]),
        (EntryRow, [each.entry for each in made]),
        (Transfer, [each.transfer for each in made]),
        (Posting, [posting for each in made for posting in each.postings]),
        (sales.Sale, [each.sale for each in made]),
        (sales.SaleLine, [each.line for each in made]),
    )
    for table, values in rows:
        insert_all(session, table.__table__, values)


def _settle(session: Session, canteen: _Canteen) -> None:
    """Marks and balances as they are after all that."""
    for till in canteen.tills:
        row = session.get_one(Terminal, till.id)
        row.applied_seq, row.applied_hash = till.seq, till.hash
    summed = (
        select(func.coalesce(func.sum(Posting.amount), 0))
        .where(Posting.account_id == Account.id)
        .scalar_subquery()
    )
    session.execute(
        update(Account).values(balance=summed), execution_options={"synchronize_session": False}
    )
