"""What the server does by itself (定时任务): each job once when due, whichever worker takes it.

Every worker of every server looks once a minute. Who inserts the row of a due run does it; the
others find it taken. A run that was missed because nothing ran is made up for at the next look.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, String, and_, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.clock import Clock
from dafan.db import Base, reading, writing
from dafan.errors import DafanError

LOOK_EVERY_S = 60.0
KEPT = timedelta(days=30)
"""How long the rows of past runs are kept."""

log = logging.getLogger(__name__)


class JobRun(Base):
    """One run of one job; the first to insert it is the one who does it."""

    __tablename__ = "job_run"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    """Empty where the process died in the middle: the next run makes up for it."""
    ok: Mapped[bool | None]
    said: Mapped[str] = mapped_column(String(500), default="")


@dataclass(frozen=True, slots=True)
class Daily:
    """Once a day at a local time."""

    at: time
    zone: ZoneInfo

    def due(self, now: datetime) -> datetime:
        """When it was last due, aware UTC."""
        local = now.astimezone(self.zone)
        today = datetime.combine(local.date(), self.at, self.zone)
        last = today if today <= local else today - timedelta(days=1)
        return last.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Every:
    """Again and again; counted from midnight UTC, so that all servers agree."""

    minutes: int

    def due(self, now: datetime) -> datetime:
        """When it was last due, aware UTC."""
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        step = timedelta(minutes=self.minutes)
        return midnight + (now - midnight) // step * step


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do.

    Attributes:
        name: Stable; the claim is made by it.
        when: How often.
        work: Does it at a moment, again without harm, and says in a line what it did.
    """

    name: str
    when: Daily | Every
    work: Callable[[datetime], str]


def run_due(engine: Engine, jobs: Iterable[Job], now: datetime) -> list[str]:
    """Do what is due and not taken; one that fails keeps no other from its turn.

    Returns:
        Names of the jobs that this call did.
    """
    done = []
    for job in jobs:
        due = job.when.due(now)
        if not _claim(engine, job.name, due, now):
            continue
        done.append(job.name)
        try:
            ok, said = True, job.work(now)
        except DafanError as error:
            ok, said = False, str(error)
            log.error("job %s: %s", job.name, error)  # noqa: TRY400 - the text says what to do
        except Exception as error:  # the next job has its turn
            ok, said = False, type(error).__name__
            log.exception("job %s failed", job.name)
        _finish(engine, job.name, due, ok=ok, said=said)
    return done


def _claim(engine: Engine, name: str, due: datetime, now: datetime) -> bool:
    with reading(engine) as session:
        if session.get(JobRun, (name, due)) is not None:
            return False
    try:
        with writing(engine) as session:
            session.add(JobRun(name=name, due_at=due, started_at=now, said=""))
    except IntegrityError:  # another worker was quicker
        return False
    return True


def _finish(engine: Engine, name: str, due: datetime, *, ok: bool, said: str) -> None:
    with writing(engine) as session:
        row = session.get_one(JobRun, (name, due))
        row.finished_at, row.ok, row.said = datetime.now(UTC), ok, said[:500]
        session.flush()
        session.execute(delete(JobRun).where(JobRun.name == name, JobRun.due_at < due - KEPT))


def latest(session: Session) -> Sequence[JobRun]:
    """The last run of each job, by name."""
    last = select(JobRun.name, func.max(JobRun.due_at).label("due_at")).group_by(JobRun.name)
    newest = last.subquery()
    query = select(JobRun).join(
        newest, and_(newest.c.name == JobRun.name, newest.c.due_at == JobRun.due_at)
    )
    return session.scalars(query.order_by(JobRun.name)).all()


class Worker:
    """A thread that looks for due jobs until it is stopped.

    Args:
        engine: The database; its schema is up to date.
        jobs: What there is to do.
        clock: Where the time comes from.
    """

    def __init__(self, engine: Engine, jobs: Sequence[Job], clock: Clock) -> None:
        self._engine, self._jobs, self._clock = engine, jobs, clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; what runs ends first."""
        self._stop.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                run_due(self._engine, self._jobs, self._clock.now())
            except Exception:
                log.exception("the jobs could not be looked at; they are looked at again")
            self._stop.wait(LOOK_EVERY_S)
