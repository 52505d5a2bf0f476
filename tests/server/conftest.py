"""A site with diners and an enrolled terminal, on a real database file, in a real application."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import Engine, inspect, select, table, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from dafan import db, journal
from dafan.clock import ManualClock
from dafan.config import Settings, load_settings
from dafan.crypto import Identity, make_token
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import (
    Entry,
    JournalPush,
    MealRule,
    Payment,
    PushAnswer,
    Sale,
    SaleLine,
    Source,
    Tender,
    TerminalInfo,
    Unit,
    canonical,
)
from server import auth, cashdesk, groups, people, sites, terminals
from server.actor import Actor
from server.app import create_app, session_key
from server.keys import KeyRing
from server.services import Services

sys.path.insert(0, str(Path(__file__).parent))
import engines
from engines import Databases

all_databases, databases, wrong_locks = (
    engines.all_databases,
    engines.databases,
    engines.wrong_locks,
)

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""12:00 in Shanghai, a Monday."""
PASSWORD = "a good password"


@dataclass(frozen=True)
class TestSite:
    """A site and its venue."""

    __test__ = False

    id: UUID
    venue_id: UUID
    group_id: UUID


@dataclass
class Till:
    """A terminal as the server meets it: keys, journal, HTTP."""

    info: TerminalInfo
    identity: Identity
    journal: journal.Journal
    client: FlaskClient
    clock: ManualClock
    answers: list[PushAnswer] = field(default_factory=list)

    @property
    def id(self) -> UUID:
        """The terminal's id."""
        return self.info.id

    def write(self, kind: str, body: Any) -> Entry:
        """Append to the journal."""
        return self.journal.append(kind, new_id(), self.clock.now(), body)

    def sell(self, sale: Sale) -> Entry:
        """Append a sale to the journal."""
        return self.journal.append("sale", sale.id, self.clock.now(), sale)

    def headers(self) -> dict[str, str]:
        """A fresh token."""
        token = make_token(self.identity, self.id, self.clock.now())
        return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def batch(self, after: int = 0, limit: int = 200) -> JournalPush:
        """A signed batch of what is written."""
        return journal.sign_batch(self.identity, self.journal.read(after, limit))

    def post(self, batch: JournalPush) -> TestResponse:
        """Send a batch; the raw answer."""
        data = canonical(batch.to_body())
        return self.client.post("/api/v1/journal", data=data, headers=self.headers())

    def push(self, after: int = 0, limit: int = 200) -> PushAnswer:
        """Send what is written behind ``after``; the answer."""
        response = self.post(self.batch(after, limit))
        assert response.status_code == 200, response.text
        return PushAnswer.model_validate_json(response.data)

    def feed(self, since: int = 0, **asked: int) -> Any:
        """A page of the feed, as JSON."""
        response = self.client.get(
            "/api/v1/feed", query_string={"since": since, **asked}, headers=self.headers()
        )
        assert response.status_code == 200, response.text
        return response.json


@pytest.fixture
def clock() -> ManualClock:
    """Monday noon, until told otherwise."""
    return ManualClock(NOON)


@pytest.fixture
def settings(databases: Databases) -> Settings:
    """Defaults, in the test's own folder, on the test's own database."""
    del databases  # it names the database
    return load_settings()


@pytest.fixture
def database(settings: Settings, databases: Databases, postgresql: str | None) -> str:
    """A database of the test's own; its URL."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    if not postgresql:
        databases.make(settings.data_dir / "dafan.db")
    return settings.database


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory) -> APIFlask:
    """The routes and the compiled templates, which no request changes: made once for all tests."""
    return _testing(create_app(Settings(data_dir=tmp_path_factory.mktemp("application"))))


def _testing(app: APIFlask) -> APIFlask:
    app.testing = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


@pytest.fixture
def app(
    application: APIFlask, settings: Settings, clock: ManualClock, database: str
) -> Iterator[APIFlask]:
    """The application on this test's own database, folder, keys and clock."""
    config, extensions = dict(application.config), dict(application.extensions)
    engine = db.make_engine(database)
    application.extensions["dafan"] = replace(
        extensions["dafan"], settings=settings, clock=clock, engine=engine,
        ring=KeyRing.open(settings.data_dir),
    )  # fmt: skip
    application.config["SECRET_KEY"] = session_key(settings)
    yield application
    for kept, now in ((config, application.config), (extensions, application.extensions)):
        now.clear()
        now.update(kept)
    engine.dispose()


@pytest.fixture
def own_app(settings: Settings, clock: ManualClock, database: str) -> APIFlask:
    """An application that a test may add views to."""
    del database  # asked for, so that the file is there
    return _testing(create_app(settings, clock=clock))


@pytest.fixture
def client(app: APIFlask) -> FlaskClient:
    """A browser, or a terminal."""
    return app.test_client()


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """The database, for tests that need no application as well."""
    made = db.make_engine(database)
    yield made
    made.dispose()


@pytest.fixture
def breaking(engine: Engine) -> Callable[[Engine], Any]:
    """A transaction in which rows may be damaged against the wish of foreign keys."""

    @contextmanager
    def transaction(of: Engine = engine) -> Iterator[Session]:
        sqlite = of.dialect.name == "sqlite"
        with db.writing(of) as session:
            loose = "PRAGMA defer_foreign_keys = ON", "SET LOCAL session_replication_role = replica"
            session.execute(text(loose[0] if sqlite else loose[1]))
            yield session

    return transaction


@pytest.fixture
def stored(engine: Engine) -> Callable[[], bytes]:
    """Every value of every row of every table, as it is stored."""

    def read() -> bytes:
        parts: list[bytes] = []
        with engine.connect() as connection:
            for name in inspect(connection).get_table_names():
                for row in connection.execute(select(text("*")).select_from(table(name))):
                    parts += [value if isinstance(value, bytes) else _text(value) for value in row]
        return b"\n".join(parts)

    return read


def _text(value: Any) -> bytes:
    """Ids as UUIDs on both engines."""
    if isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value):
        value = UUID(value)
    return str(value).encode()


@pytest.fixture(scope="module", autouse=True)
def _nothing_waits_for_the_disk() -> Iterator[None]:
    """A test's database outlives no power cut; that ours does is SQLite's promise, not tested here.

    It ends with the module: the simulator, perhaps next in this process, does pull plugs.
    Processes of their own, as in the tests that kill the server, keep ``synchronous=FULL``.
    """

    prepare = db._prepare_sqlite

    def without_waiting(connection: Any, record: Any) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA synchronous=OFF")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "_prepare_sqlite", without_waiting)
        yield


@pytest.fixture(scope="session", autouse=True)
def _passwords_are_hashed_cheaply() -> Iterator[None]:
    """Argon2 with the least cost; what is tested is who gets in, not how long guessing takes."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        for module in (auth, people):
            patch.setattr(module, "_hasher", cheap)
        yield


def parts_of(app: APIFlask) -> Services:
    """The application's parts."""
    return app.extensions["dafan"]


@pytest.fixture
def site(engine: Engine) -> TestSite:
    """One site with a venue and a group that has one subsidised lunch a day."""
    with db.writing(engine) as session:
        row = sites.ensure_site(session, "示范单位")
        venue = sites.ensure_venue(session, row.id, "第一食堂")
        actor = Actor(row.id, "test", NOON)
        rule = {"lunch": MealRule(subsidised_per_day=1)}
        group = groups.create(session, actor, groups.GroupValues(name="干部职工", meals=rule))
        return TestSite(row.id, venue.id, group.id)


@pytest.fixture
def actor(site: TestSite) -> Actor:
    """Who does things in tests."""
    return Actor(site.id, "test", NOON)


@pytest.fixture
def make_diner(engine: Engine, actor: Actor, site: TestSite) -> Callable[..., UUID]:
    """Add a diner with money in his own wallet and in the subsidy wallet."""
    made: list[UUID] = []

    def make(cash: int = 10_000, subsidy: int = 0) -> UUID:
        number = str(1001 + len(made))
        values = people.DinerValues(staff_no=number, name="甲子", group_id=site.group_id)
        with db.writing(engine) as session:
            diner = people.create_diner(session, actor, values)
        made.append(diner.id)
        if cash:
            with db.writing(engine) as session:
                cashdesk.top_up(session, actor, diner.id, Fen(cash), key=number)
        if subsidy:
            with db.writing(engine) as session:
                people_money(session, actor, diner.id, subsidy)
        return diner.id

    return make


def people_money(session: Any, actor: Actor, diner_id: UUID, subsidy: int) -> None:
    """Pay a subsidy to one diner."""
    from server.books import wallets

    wallets.top_up(
        session, actor.site_id, diner_id, Fen(subsidy), key=f"s{diner_id}", by="test",
        at=actor.at, source=Source.SUBSIDY,
    )  # fmt: skip
    people.publish_diner(session, diner_id)


@pytest.fixture
def make_till(
    engine: Engine, client: FlaskClient, clock: ManualClock, site: TestSite, tmp_path: Path
) -> Iterator[Callable[[], Till]]:
    """Enrol terminals through the API."""
    connections = []

    def make() -> Till:
        identity = Identity.create()
        name = f"{len(connections) + 1} 号结算台"
        with db.writing(engine) as session:
            code = terminals.make_code(
                session, site.id, site.venue_id, name, by="test", now=clock.now()
            )
        answer = client.post("/api/v1/terminals/enrol", json=enrol_body(identity, code))
        assert answer.status_code == 200, answer.text
        info = TerminalInfo.model_validate(answer.json["terminal"])
        connection = journal.connect(tmp_path / f"till-{len(connections) + 1}.db")
        connection.execute("PRAGMA synchronous=OFF")  # as above
        connections.append(connection)
        return Till(info, identity, journal.Journal(connection, info.id), client, clock)

    yield make
    for connection in connections:
        connection.close()


def enrol_body(identity: Identity, code: str) -> dict[str, str]:
    """An enrolment request as JSON."""
    from dafan.enrolment import EnrolRequest

    request = EnrolRequest(
        code=code, signing_key=identity.signing_public, box_key=identity.box_public
    )
    return request.to_body()


@pytest.fixture
def terminal(make_till: Callable[[], Till]) -> Till:
    """One enrolled terminal."""
    return make_till()


@pytest.fixture
def make_sale(site: TestSite, clock: ManualClock) -> Callable[..., Sale]:
    """A lunch of one dish, paid from the diner's own wallet unless told otherwise."""

    def make(diner_id: UUID | None = None, total: int = 1200, **changes: Any) -> Sale:
        source = Source.CASH if diner_id else Source.DRAWER
        paid = changes.pop("payments", None) or ((source, total),)
        line = SaleLine(
            dish_id=new_id(), name="套餐", unit=Unit.PIECE, unit_price=Fen(total),
            amount=Fen(total),
        )  # fmt: skip
        values: dict[str, Any] = {
            "id": new_id(), "site_id": site.id, "venue_id": site.venue_id,
            "business_date": clock.now().date(), "period": "lunch", "diner_id": diner_id,
            "group_id": site.group_id if diner_id else None,
            "tender": Tender.CARD if diner_id else Tender.CASH, "lines": (line,),
            "list_total": Fen(total), "discount": Fen(0), "total": Fen(total),
            "payments": tuple(Payment(source=part, amount=Fen(fen)) for part, fen in paid if fen),
            "subsidised": False, "opened_at": clock.now() - timedelta(seconds=9),
            "paid_at": clock.now(), "snapshot_version": 1,
        }  # fmt: skip
        return Sale(**values | changes)

    return make


@pytest.fixture
def make_user(engine: Engine, site: TestSite) -> Callable[..., auth.User]:
    """Add a staff account; its password is :data:`PASSWORD`."""

    def make(login: str, *roles: str) -> auth.User:
        with db.writing(engine) as session:
            return auth.create_user(session, site.id, login, PASSWORD, roles)

    return make
