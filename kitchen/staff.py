"""People of the kitchen (人员): posts, certificates with expiry, who may touch food."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, func, select, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows
from kitchen.rows import SiteRow, Values

MAX_PAGE = 500
_TAKEN = "this login or this face belongs to another worker already: take it from him first"
HEALTH_YEAR = timedelta(days=366)
"""A health examination is due every year: 食品安全法 article 45."""


class CertificateKind(StrEnum):
    """What a certificate proves."""

    HEALTH = "health"
    """健康证."""
    FOOD_SAFETY = "food_safety"
    """食品安全员, 食品安全总监."""
    COOK = "cook"
    """厨师."""
    OTHER = "other"


class Morning(StrEnum):
    """How the morning check of a person stands; :func:`kitchen.morning.state_of` tells it."""

    MISSING = "missing"
    PASSED = "passed"
    FAILED = "failed"
    CLEARED = "cleared"
    """Failed, and an authorised person let him work, with a reason."""


class Fault(StrEnum):
    """Why a person may not touch food, or what comes soon."""

    LEFT = "left"
    NO_HEALTH_CERTIFICATE = "no_health_certificate"
    HEALTH_CERTIFICATE_EXPIRED = "health_certificate_expired"
    HEALTH_CERTIFICATE_ENDS_SOON = "health_certificate_ends_soon"
    """A word of warning; he works on."""
    NOT_CHECKED = "not_checked"
    CHECK_FAILED = "check_failed"


class Worker(SiteRow):
    """A person who works in the kitchen."""

    __tablename__ = "kitchen_worker"
    __table_args__ = (UniqueConstraint("site_id", "login"), UniqueConstraint("site_id", "diner_id"))

    name: Mapped[str] = mapped_column(String(80))
    post: Mapped[str] = mapped_column(String(40))
    venue: Mapped[str] = mapped_column(String(80), default="")
    login: Mapped[str | None] = mapped_column(String(80))
    diner_id: Mapped[UUID | None]
    active: Mapped[bool] = mapped_column(default=True)

    @property
    def journal_name(self) -> str:
        """His name in the journal of changes: his account, where he has one."""
        return self.login or f"worker:{self.id}"


class Certificate(SiteRow):
    """A certificate of a worker; a new one is added, an old one is never changed."""

    __tablename__ = "worker_certificate"
    __table_args__ = (Index("ix_worker_certificate_worker", "site_id", "worker_id"),)

    worker_id: Mapped[UUID] = mapped_column(ForeignKey("kitchen_worker.id"))
    kind: Mapped[str] = mapped_column(String(16))
    number: Mapped[str] = mapped_column(String(60))
    issued: Mapped[date]
    expires: Mapped[date]
    photo: Mapped[str] = mapped_column(String(120), default="")
    added_by: Mapped[str] = mapped_column(String(80))
    added_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class WorkerValues(Values):
    """What is decided about a worker."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    post: Annotated[str, Field(min_length=1, max_length=40)]
    """厨师, 切配, 仓管, 食品安全员, 经理 …: the supervision list names its owners by it."""
    venue: Annotated[str, Field(max_length=80)] = ""
    login: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    """His account on the manager's pages, where he has one."""
    diner_id: UUID | None = None
    """Whose face signs him in; enrolled with his own consent, as every diner."""
    active: bool = True


class CertificateValues(Values):
    """What a certificate says."""

    kind: CertificateKind
    number: Annotated[str, Field(min_length=1, max_length=60)]
    issued: date
    expires: date
    """The last day on which it is good."""
    photo: Annotated[str, Field(max_length=120)] = ""
    """Where its picture is kept."""


@dataclass(frozen=True, slots=True)
class StaffRules:
    """What a site asks of its people."""

    check_required: bool = True
    """Nobody touches food before his morning check."""
    warn_days: int = 30
    """So many days before its end a health certificate is warned of."""


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether a person may touch food, and why not."""

    faults: tuple[Fault, ...]

    @property
    def food_contact(self) -> bool:
        """He may do work with direct food contact."""
        return set(self.faults) <= {Fault.HEALTH_CERTIFICATE_ENDS_SOON}


def may_work(
    active: bool,
    certificates: Sequence[CertificateValues],
    morning: Morning,
    day: date,
    rules: StaffRules | None = None,
) -> Fitness:
    """Whether a person may touch food on a day; 食品安全法 article 45.

    Args:
        active: He still works here.
        certificates: Those in force; withdrawn ones are not among them.
        morning: How his morning check stands.
        day: The business date.
        rules: The site's; those of a usual site where none are given.
    """
    rules = rules or StaffRules()
    faults = [] if active else [Fault.LEFT]
    health = [one for one in certificates if one.kind is CertificateKind.HEALTH]
    good = [one.expires for one in health if one.issued <= day <= one.expires]
    if not health:
        faults.append(Fault.NO_HEALTH_CERTIFICATE)
    elif not good:
        faults.append(Fault.HEALTH_CERTIFICATE_EXPIRED)
    elif (max(good) - day).days < rules.warn_days:
        faults.append(Fault.HEALTH_CERTIFICATE_ENDS_SOON)
    if morning is Morning.FAILED:
        faults.append(Fault.CHECK_FAILED)
    elif morning is Morning.MISSING and rules.check_required:
        faults.append(Fault.NOT_CHECKED)
    return Fitness(tuple(faults))


def create(session: Session, actor: Acting, values: WorkerValues) -> Worker:
    """Add a worker.

    Raises:
        BadInputError: his login or his face belongs to another one; the transaction is then lost.
    """
    row = Worker(id=new_id(), site_id=actor.site_id, **values.model_dump())
    session.add(row)
    rows.flush(session, _TAKEN)
    actor.record(session, "worker.create", str(row.id), None, values.model_dump(mode="json"))
    return row


def update(session: Session, actor: Acting, worker_id: UUID, values: WorkerValues) -> Worker:
    """Change a worker; who leaves becomes inactive, his records stay.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: as :func:`create`.
    """
    row = get(session, actor.site_id, worker_id, lock=True)
    rows.change(session, actor, row, values, "worker.update", _TAKEN)
    return row


def get(session: Session, site_id: UUID, worker_id: UUID, *, lock: bool = False) -> Worker:
    """A worker of the site.

    Raises:
        UnknownRowError: not one of this site.
    """
    return rows.get(session, Worker, site_id, worker_id, "worker", lock=lock)


def get_active(session: Session, site_id: UUID, worker_id: UUID) -> Worker:
    """A worker who still works here, locked: what he does next is in order.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: he left.
    """
    row = get(session, site_id, worker_id, lock=True)
    if not row.active:
        raise BadInputError(
            f"{row.name} does not work here any more: ask the manager", code="worker_left"
        )
    return row


def find_by_diner(session: Session, site_id: UUID, diner_id: UUID) -> Worker | None:
    """The active worker whose face this is."""
    query = select(Worker).where(Worker.site_id == site_id, Worker.diner_id == diner_id)
    return session.scalar(query.where(Worker.active.is_(True)))


def page(
    session: Session,
    site_id: UUID,
    *,
    after: UUID | None = None,
    limit: int = 100,
    active_only: bool = False,
) -> Sequence[Worker]:
    """Workers by post and name, from behind the worker ``after``."""
    query = select(Worker).where(Worker.site_id == site_id)
    if active_only:
        query = query.where(Worker.active.is_(True))
    place = tuple_(Worker.post, Worker.name, Worker.id)
    if after is not None:
        last = get(session, site_id, after)
        query = query.where(place > tuple_(last.post, last.name, last.id))
    query = query.order_by(Worker.post, Worker.name, Worker.id)
    return session.scalars(query.limit(max(1, min(limit, MAX_PAGE)))).all()


def values_of(row: Worker) -> WorkerValues:
    """The worker as a person decided it."""
    return rows.values_of(WorkerValues, row)


def add_certificate(
    session: Session, actor: Acting, worker_id: UUID, values: CertificateValues
) -> Certificate:
    """Keep a certificate of a worker.

    Raises:
        UnknownRowError: no such worker here.
        BadInputError: it ends before it begins, or a health certificate is good for over a year.
    """
    worker = get(session, actor.site_id, worker_id)
    if values.expires < values.issued:
        raise BadInputError(
            "the certificate ends before it begins: look at both dates again",
            code="certificate_dates",
        )
    if values.kind is CertificateKind.HEALTH and values.expires > values.issued + HEALTH_YEAR:
        raise BadInputError(
            "a health certificate is good for one year at most (食品安全法 45): look at its dates",
            code="certificate_year",
        )
    row = Certificate(
        id=new_id(), site_id=actor.site_id, worker_id=worker.id,
        added_by=actor.name, added_at=actor.at, **values.model_dump(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    actor.record(
        session, "worker.certificate", str(worker.id), None, values.model_dump(mode="json")
    )
    return row


def withdraw_certificate(
    session: Session, actor: Acting, certificate_id: UUID, reason: str
) -> None:
    """A certificate does not count any more: false, revoked, or written to the wrong person.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: no reason.
    """
    reason = rows.say(reason, "why the certificate does not count any more")
    row = rows.get(session, Certificate, actor.site_id, certificate_id, "certificate", lock=True)
    if row.withdrawn_at is None:
        row.withdrawn_at = actor.at
        session.flush()
        actor.record(
            session, "worker.certificate_withdraw", str(row.worker_id),
            {"number": row.number}, {"reason": reason},
        )  # fmt: skip


def certificates(
    session: Session, site_id: UUID, worker_ids: Sequence[UUID]
) -> dict[UUID, list[CertificateValues]]:
    """The certificates in force of several workers."""
    query = select(Certificate).where(
        Certificate.site_id == site_id,
        Certificate.worker_id.in_(worker_ids),
        Certificate.withdrawn_at.is_(None),
    )
    found: dict[UUID, list[CertificateValues]] = {worker: [] for worker in worker_ids}
    for row in session.scalars(query.order_by(Certificate.expires, Certificate.id)):
        values = {name: getattr(row, name) for name in CertificateValues.model_fields}
        found[row.worker_id].append(CertificateValues.model_validate(values))
    return found


def ending(
    session: Session, site_id: UUID, last: date
) -> list[tuple[Worker, CertificateKind, date]]:
    """Whose certificates end on ``last`` or before, or have ended, the soonest first.

    Of each kind the one that lasts longest counts: who brought a new one is not on the list.
    """
    longest = func.max(Certificate.expires)
    query = (
        select(Worker, Certificate.kind, longest)
        .join(Certificate, Certificate.worker_id == Worker.id)
        .where(
            Worker.site_id == site_id,
            Worker.active.is_(True),
            Certificate.site_id == site_id,
            Certificate.withdrawn_at.is_(None),
        )
        .group_by(Worker.id, Certificate.kind)
        .having(longest <= last)
        .order_by(longest, Worker.id)
    )
    return [(row, CertificateKind(kind), expires) for row, kind, expires in session.execute(query)]
