"""``dafan bench sync``: how many sales a second the server takes in, beside ``pgbench``."""

import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import quantiles
from typing import Any
from unittest.mock import patch
from uuid import UUID

from apiflask import APIFlask
from sqlalchemy.engine import make_url

from dafan.config import Settings
from dafan.crypto import Identity, make_token
from dafan.db import make_engine, reading, writing
from dafan.errors import DafanError
from dafan.ids import new_id
from dafan.journal import GENESIS, hash_entry, sign_batch
from dafan.money import Fen
from dafan.records import (
    MAX_BATCH,
    Entry,
    Payment,
    PushAnswer,
    Sale,
    SaleLine,
    Source,
    Tender,
    Unit,
    canonical,
)
from dafan.wire import iso
from server import bookkeeping, groups, ingest, people, schema, sites, throwaway, verify
from server.actor import Actor
from server.app import create_app
from server.books import wallets
from server.many import portions
from server.terminals import Terminal

DINERS = 2000
SINGLES = 30
"""Single sales that each till pushes, one at a time."""
PAUSE_S = 2.0
"""Between two sales of one till: a quick queue at a counter."""
PROFILED = 10
"""Batches whose stages are timed, after two that warm up."""
PGBENCH = ("-c", "8", "-j", "2", "-T", "10")
SCALE = "10"
STARTS_S = 60


class BenchError(DafanError):
    """The bench measured nothing that counts."""

    code = "bench"


@dataclass
class _Till:
    id: UUID
    identity: Identity
    seq: int = 0
    hash: str = GENESIS

    def push(self, sales: list[Sale]) -> bytes:
        """The next entries, chained and signed, as they go over the wire."""
        made = []
        for sale in sales:
            self.seq += 1
            body = sale.to_body()
            fields = self.id, self.seq, sale.id, iso(sale.paid_at), "sale", body
            prev, self.hash = self.hash, hash_entry(*fields, self.hash)
            made.append(
                Entry(
                    terminal_id=self.id, seq=self.seq, id=sale.id, at=sale.paid_at, kind="sale",
                    body=body, prev_hash=prev, hash=self.hash,
                )
            )  # fmt: skip
        return canonical(sign_batch(self.identity, made).to_body())

    def headers(self) -> dict[str, str]:
        """With a fresh token."""
        token = make_token(self.identity, self.id, datetime.now(UTC))
        return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


@dataclass(frozen=True)
class _Canteen:
    site_id: UUID
    venue_id: UUID
    group_id: UUID
    diners: list[UUID]
    tills: list[_Till]
    rng: Random

    def sales(self, count: int) -> list[Sale]:
        """Lunches of two dishes, of anybody."""
        return [self._sale(self.rng.choice(self.diners)) for _ in range(count)]

    def _sale(self, diner_id: UUID) -> Sale:
        now = datetime.now(UTC)
        prices = [Fen(self.rng.randint(2, 9) * 100) for _ in range(2)]
        total = Fen(sum(prices))
        return Sale(
            id=new_id(), site_id=self.site_id, venue_id=self.venue_id, business_date=now.date(),
            period="lunch", diner_id=diner_id, group_id=self.group_id, tender=Tender.CARD,
            lines=tuple(
                SaleLine(
                    dish_id=new_id(), name="套餐", unit=Unit.PIECE, unit_price=fen, amount=fen
                )
                for fen in prices
            ),
            list_total=total, discount=Fen(0), total=total,
            payments=(Payment(source=Source.CASH, amount=total),), subsidised=False,
            opened_at=now, paid_at=now, snapshot_version=1,
        )  # fmt: skip


def bench_sync(tills: int, batches: int) -> dict[str, Any]:
    """Let tills push to a real server on SQLite and then on PostgreSQL, and measure pgbench.

    Args:
        tills: All of them push at the same time.
        batches: How many of 200 sales each of them pushes.

    Returns:
        For each engine ``…_sales_per_s``, ``…_push_p50_ms`` and ``…_push_p99_ms`` of single
        sales, and in ``profile`` the share of each stage; ``pgbench_tps`` and ``ratio`` (sales
        on PostgreSQL per transaction of pgbench).

    Raises:
        BenchError: a sale was not booked, or the books do not agree afterwards.
        ConfigError: no PostgreSQL can be started here.
    """
    result: dict[str, Any] = {"tills": tills, "sales": tills * batches * MAX_BATCH}
    profile = {}
    for engine in throwaway.ENGINES:
        with (
            tempfile.TemporaryDirectory(prefix="dafan-bench-") as name,
            throwaway.database(engine, Path(name)) as url,
        ):
            canteen = _open(url, tills)
            with _server(url, Path(name)) as port:
                result[f"{engine}_sales_per_s"] = round(_flood(canteen, port, batches))
                times = _singles(canteen, port)
            cuts = quantiles(times, n=100, method="inclusive")
            result[f"{engine}_push_p50_ms"] = round(cuts[49] * 1000, 1)
            result[f"{engine}_push_p99_ms"] = round(cuts[98] * 1000, 1)
            profile[engine] = _profile(canteen, url, Path(name))
            _prove(url)
            if engine == "postgresql":
                result["pgbench_tps"] = round(_pgbench(url), 1)
                result["settings"] = _settings(url)
    result["ratio"] = round(result["postgresql_sales_per_s"] / result["pgbench_tps"], 2)
    return result | {"profile": profile}


def _open(url: str, tills: int) -> _Canteen:
    """A canteen whose diners have money."""
    engine = make_engine(url)
    schema.upgrade(engine)
    now = datetime.now(UTC)
    with writing(engine) as session:
        site = sites.ensure_site(session, "示范单位")
        venue = sites.ensure_venue(session, site.id, "第一食堂")
        actor = Actor(site.id, "bench", now)
        group = groups.create(session, actor, groups.GroupValues(name="职工"))
        values = [
            people.DinerValues(staff_no=str(100_000 + number), name="甲子", group_id=group.id)
            for number in range(DINERS)
        ]
        diners = [diner.id for diner in people.create_diners(session, actor, values)]
        made = [_Till(new_id(), Identity.create()) for _ in range(tills)]
        session.add_all(
            Terminal(
                id=till.id, site_id=site.id, venue_id=venue.id, name=f"{number} 号台",
                signing_key=till.identity.signing_public, box_key=till.identity.box_public,
                enrolled_at=now, feed_version=0,
            )
            for number, till in enumerate(made, start=1)
        )  # fmt: skip
    for ids in portions(diners, 500):
        with writing(engine) as session:
            paid = [wallets.TopUp(each, Fen(10**7), str(each)) for each in ids]
            wallets.top_up_all(session, site.id, paid, by="bench", at=now)
            people.publish_diners(session, site.id, ids)
    engine.dispose()
    return _Canteen(site.id, venue.id, group.id, diners, made, Random(1))  # noqa: S311 - amounts, not secrets


# --- over HTTP ----------------------------------------------------------------------------------


@contextmanager
def _server(url: str, folder: Path) -> Iterator[int]:
    """The server as users run it, on a port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    env = {**os.environ, "DAFAN_DATA_DIR": str(folder / "var"), "DAFAN_DATABASE_URL": url}
    process = subprocess.Popen(
        [sys.executable, "-m", "dafan", "server", "run", "--port", str(port)],
        env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_until_up(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait_until_up(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + STARTS_S
    while time.monotonic() < until and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.2)
    raise BenchError("the server does not answer: run `dafan server run` and read what it says")


def _flood(canteen: _Canteen, port: int, batches: int) -> float:
    """Sales a second, all tills pushing as fast as the server answers."""
    ready = [
        [till.push(canteen.sales(MAX_BATCH)) for _ in range(batches)] for till in canteen.tills
    ]

    def send(till: _Till, pushes: list[bytes]) -> None:
        for push in pushes:
            _post(port, till, push)

    with ThreadPoolExecutor(len(canteen.tills)) as pool:
        began = time.perf_counter()
        for done in [pool.submit(send, *each) for each in zip(canteen.tills, ready, strict=True)]:
            done.result()
        took = time.perf_counter() - began
    return len(canteen.tills) * batches * MAX_BATCH / took


def _singles(canteen: _Canteen, port: int) -> list[float]:
    """Seconds of single pushes, each till at its own moment within the pause."""
    ready = [[till.push(canteen.sales(1)) for _ in range(SINGLES)] for till in canteen.tills]

    def send(number: int) -> list[float]:
        till, times = canteen.tills[number], []
        time.sleep(PAUSE_S * number / len(canteen.tills))
        for push in ready[number]:
            began = time.perf_counter()
            _post(port, till, push)
            took = time.perf_counter() - began
            times.append(took)
            time.sleep(max(0.0, PAUSE_S - took))
        return times

    with ThreadPoolExecutor(len(canteen.tills)) as pool:
        every = list(pool.map(send, range(len(canteen.tills))))
    return [took for times in every for took in times]


def _post(port: int, till: _Till, push: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("POST", "/api/v1/journal", push, till.headers())
    response = connection.getresponse()
    _require_applied(response.status, response.read())
    connection.close()


def _require_applied(status: int, answer: bytes) -> None:
    if status != http.HTTPStatus.OK:
        raise BenchError(f"a push was answered {status}: {answer[:200]!r}")
    outcomes = PushAnswer.model_validate_json(answer).outcomes
    if not outcomes or any(outcome.outcome != "applied" for outcome in outcomes):
        raise BenchError(f"a sale was not booked: {answer[:200]!r}")


# --- where the time goes ------------------------------------------------------------------------


def _profile(canteen: _Canteen, url: str, folder: Path) -> dict[str, float]:
    """Stage → its share of one batch, in this process; ``ms_per_batch`` is the whole."""
    app = create_app(Settings(data_dir=folder / "var", database_url=url))
    till = canteen.tills[0]
    ready = [till.push(canteen.sales(MAX_BATCH)) for _ in range(PROFILED + 2)]
    for push in ready[:2]:
        _inside(app, till, push)
    spent: dict[str, float] = {}
    with ExitStack() as stack:
        for module, name, stage in (
            (ingest, "push", "push"), (ingest, "check_batch", "hashes and signature"),
            (bookkeeping, "apply", "rules and books"), (ingest, "_publish", "feed"),
        ):  # fmt: skip
            stack.enter_context(
                patch.object(module, name, _timed(getattr(module, name), stage, spent))
            )
        began = time.perf_counter()
        for push in ready[2:]:
            _inside(app, till, push)
        whole = time.perf_counter() - began
    app.extensions["dafan"].engine.dispose()
    inner = spent.pop("push")
    spent["entries, mark, commit"] = inner - sum(spent.values())
    spent["HTTP, token, JSON"] = whole - inner
    shares = {stage: round(took / whole, 3) for stage, took in spent.items()}
    return shares | {"ms_per_batch": round(whole * 1000 / PROFILED, 1)}


def _timed(function: Callable[..., Any], stage: str, spent: dict[str, float]) -> Any:
    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[stage] = spent.get(stage, 0.0) + time.perf_counter() - began

    return timed


def _inside(app: APIFlask, till: _Till, push: bytes) -> None:
    answer = app.test_client().post("/api/v1/journal", data=push, headers=till.headers())
    _require_applied(answer.status_code, answer.data)


def _prove(url: str) -> None:
    """The books must agree after all that."""
    engine = make_engine(url)
    report = verify.Report()
    with reading(engine) as session:
        verify.verify_server(session, report)
    engine.dispose()
    if not report.ok:
        raise BenchError(f"the books do not agree: {report.faults[0]}")


# --- PostgreSQL's own bench ---------------------------------------------------------------------


def _pgbench(url: str) -> float:
    """Transactions a second of TPC-B-like at scale 10 with 8 clients, on the same server."""
    parsed = make_url(url)
    engine = make_engine(url)
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        raw.autocommit = True  # type: ignore[union-attr]  # psycopg's connection
        connection.connection.cursor().execute("CREATE DATABASE pgbench")
    engine.dispose()
    where = ["-h", str(parsed.query["host"]), "-U", str(parsed.username), "pgbench"]
    program = str(throwaway.program("pgbench"))
    _run([program, "-i", "-q", "-s", SCALE, *where])
    told = _run([program, *PGBENCH, *where])
    found = re.search(r"tps = ([\d.]+)", told)
    if found is None:
        raise BenchError(f"pgbench says no figure: {told[-200:]}")
    return float(found[1])


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{Path(command[0]).name} failed: {done.stderr[-200:]}")
    return done.stdout


def _settings(url: str) -> Mapping[str, str]:
    """What decides how fast and how safe PostgreSQL is here."""
    engine = make_engine(url)
    with engine.connect() as connection:
        names = (
            "server_version",
            "fsync",
            "synchronous_commit",
            "full_page_writes",
            "shared_buffers",
        )
        found = {name: str(connection.exec_driver_sql(f"SHOW {name}").scalar()) for name in names}
    engine.dispose()
    return found
