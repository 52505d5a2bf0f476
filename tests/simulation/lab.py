"""What all worlds of a process share: the application, the folders, the site they begin with."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from uuid import UUID

import numpy as np
import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from dafan import db
from dafan.config import Settings
from dafan.crypto import Identity
from dafan.enrolment import EnrolRequest
from dafan.money import Fen
from dafan.records import MealRule, Unit
from kitchen.dishes import DishValues
from server import auth, cards, cashdesk, dishes, faces, groups, people, schema, sites, terminals
from server.actor import Actor
from server.app import create_app
from server.consents import ConsentValues, give
from server.face_engine import Reference
from server.keys import KeyRing
from simulation import vfs
from simulation.disk import Disk
from simulation.server import DATABASE, ServerMachine
from simulation.timing import START, Chance, MachineClock, Time, chance

TILLS = 3
DINERS = 5
PACK = "simulated"
POLICY = sites.DEFAULT_POLICY.model_copy(update={"offline_exposure": Fen(6000)})
OFFICE = "office"
FULL = 2
"""SQLite's ``synchronous=FULL``: a commit is on the disk."""


@dataclass(frozen=True)
class Site:
    """Who and what is there at the beginning of every world."""

    id: UUID
    venue_id: UUID
    tills: tuple[tuple[UUID, Identity], ...]
    diners: tuple[UUID, ...]
    dishes: tuple[UUID, ...]
    key: bytes = field(repr=False)
    image: dict[str, bytes] = field(repr=False)
    """The server's disk."""


@dataclass(frozen=True)
class Lab:
    """Everything that is made once a process."""

    folder: Path
    chance: Chance
    server: ServerMachine
    tills: tuple[Disk, ...]
    site: Site
    ring: KeyRing
    till_images: dict[int, dict[str, bytes]] = field(default_factory=dict)
    """Number → the disk of a till that has heard who it is."""


def card(diner: int) -> str:
    """The number of a diner's card."""
    return f"CARD{1001 + diner}"


def vector(rng: Random) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A face that is near to no other one."""
    made = np.array([rng.gauss(0, 1) for _ in range(128)], dtype=np.float32)
    return made / np.linalg.norm(made)


def reference(rng: Random) -> Reference:
    """What a photograph would give."""
    return Reference(rng.randbytes(600), vector(rng), PACK)


@contextmanager
def open_lab() -> Iterator[Lab]:
    """Build the application and the site; simulated disks lie in memory where the system has it."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
    where = str(memory) if memory.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="dafan-simulation-", dir=where) as name:
        folder = Path(name).resolve()
        server_disk = Disk(folder / "server")
        till_disks = tuple(Disk(folder / f"till-{number}") for number in range(1, TILLS + 1))
        watched = {disk.folder: disk for disk in (server_disk, *till_disks)}
        with _cheaper(), chance() as drawn, vfs.watching(dict(watched)):
            yield _build(folder, drawn, server_disk, till_disks)


@contextmanager
def _cheaper() -> Iterator[None]:
    """Argon2 with the least cost, for nobody guesses here."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        for module in (auth, people):
            patch.setattr(module, "_hasher", cheap)
        yield


def _build(folder: Path, drawn: Chance, disk: Disk, tills: tuple[Disk, ...]) -> Lab:
    clock = MachineClock(Time())
    drawn.begin("the site", clock)
    disk.mount({})
    settings = Settings(
        data_dir=folder / "data", database_url=f"sqlite:///{disk.folder / DATABASE}"
    )
    app = create_app(settings, clock=clock)
    app.testing = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    parts = app.extensions["dafan"]
    site = _make_site(parts.engine, parts.ring, disk)
    server = ServerMachine(app, parts.engine, disk, drawn, clock)
    return Lab(folder, drawn, server, tills, site, parts.ring)


def _require_a_careful(engine: Engine) -> None:
    """A database that does not wait for its disk would lose what it has promised."""
    with engine.connect() as connection:
        waits = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    if waits != FULL:
        raise RuntimeError(f"somebody has set synchronous={waits} in this process: nothing holds")


def _make_site(engine: Engine, ring: KeyRing, disk: Disk) -> Site:
    rng = Random("people")
    schema.create(engine)
    _require_a_careful(engine)
    with db.writing(engine) as session:
        site = sites.ensure_site(session, "示范单位")
        venue = sites.ensure_venue(session, site.id, "第一食堂")
        sites.set_policy(session, site.id, POLICY)
        actor = Actor(site.id, OFFICE, START)
        menu = _make_dishes(session, actor)
        diners = _make_diners(session, actor, ring, rng)
        tills = tuple(
            _enrol(session, actor, ring, venue.id, number, rng) for number in range(1, TILLS + 1)
        )
    engine.dispose()
    key = ring.key(ring.epochs()[0]).secret
    return Site(site.id, venue.id, tills, diners, menu, key, disk.image())


def _make_dishes(session: Session, actor: Actor) -> tuple[UUID, ...]:
    priced = (("米饭", 100), ("红烧肉", 1200), ("青菜", 350), ("套餐", 1800))
    return tuple(
        dishes.create(
            session, actor, DishValues(name=name, unit=Unit.PIECE, price=Fen(fen), sort=sort)
        ).id
        for sort, (name, fen) in enumerate(priced)
    )


def _make_diners(session: Session, actor: Actor, ring: KeyRing, rng: Random) -> tuple[UUID, ...]:
    meals = {"lunch": MealRule(subsidised_per_day=1, subsidy_cap=Fen(800))}
    staff = groups.GroupValues(name="干部职工", meals=meals, discount_percent=10)
    visitors = groups.GroupValues(name="外来人员", daily_limit=Fen(9000))
    kinds = [groups.create(session, actor, values).id for values in (staff, visitors)]
    made = []
    for number in range(DINERS):
        values = people.DinerValues(
            staff_no=str(1001 + number), name=f"就餐人{number}", group_id=kinds[number % 2]
        )
        diner = people.create_diner(session, actor, values)
        cards.assign(session, actor, diner.id, card(number))
        cashdesk.top_up(session, actor, diner.id, Fen(8000), key=f"first {number}")
        if number < 3:
            enrol_face(session, actor, ring, diner.id, rng)
        made.append(diner.id)
    subsidies = {kinds[0]: Fen(3000)}
    cashdesk.run_subsidy(session, actor, "三月补贴", subsidies, key="first")
    return tuple(made)


def enrol_face(session: Session, actor: Actor, ring: KeyRing, diner_id: UUID, rng: Random) -> UUID:
    """The diner agrees and is photographed; the template's id."""
    give(session, actor, diner_id, ConsentValues())
    template, _ = faces.enrol(
        session, actor, ring, diner_id, reference(rng), lookalike_similarity=0.9
    )
    return template.id


def _enrol(
    session: Session, actor: Actor, ring: KeyRing, venue_id: UUID, number: int, rng: Random
) -> tuple[UUID, Identity]:
    identity = Identity.from_bytes(rng.randbytes(64))
    code = terminals.make_code(
        session, actor.site_id, venue_id, f"{number} 号结算台", by=OFFICE, now=actor.at
    )
    request = EnrolRequest(
        code=code, signing_key=identity.signing_public, box_key=identity.box_public
    )
    answer = terminals.enrol(session, request, ring, actor.at)
    return answer.terminal.id, identity
