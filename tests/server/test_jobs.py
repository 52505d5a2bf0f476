"""A job runs once when it is due, whichever worker takes it; one that fails keeps none waiting."""

import threading
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from dafan import db
from dafan.clock import ManualClock
from dafan.errors import ConfigError
from server import exceptions, jobs, nightly
from server.jobs import Daily, Every, Job, JobRun, Worker, run_due

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
moments = st.integers(0, 3 * 366 * 86400).map(
    lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(moments, st.times(), st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "UTC"]))
def test_a_daily_job_was_last_due_within_the_day_that_ended_now(
    now: datetime, at: time, zone: str
) -> None:
    due = Daily(at.replace(fold=0), ZoneInfo(zone)).due(now)
    assert now - timedelta(hours=25) < due <= now


@given(moments, st.integers(1, 720))
def test_a_repeated_job_is_due_at_the_same_moments_for_all_servers(now: datetime, n: int) -> None:
    due = Every(n).due(now)
    assert now - timedelta(minutes=n) < due <= now
    assert Every(n).due(due) == due
    assert Every(n).due(due + timedelta(minutes=n) - timedelta(seconds=1)) in {
        due, due + (timedelta(days=1) - (due - due.replace(hour=0, minute=0))),
    }  # fmt: skip


def runs(engine: Engine) -> list[JobRun]:
    with db.reading(engine) as session:
        return list(session.query(JobRun).order_by(JobRun.due_at))


def counted(name: str = "count") -> tuple[Job, list[datetime]]:
    times: list[datetime] = []
    return Job(name, Every(10), lambda now: str(times.append(now))), times


def test_a_job_runs_once_for_each_time_that_it_is_due(engine: Engine) -> None:
    job, times = counted()
    for minute in (0, 1, 9, 10, 11, 45):
        run_due(engine, [job], NOW + timedelta(minutes=minute))
    assert [at.minute for at in times] == [0, 10, 45]
    assert [row.ok for row in runs(engine)] == [True] * 3


def test_many_workers_at_once_do_it_once(engine: Engine) -> None:
    job, times = counted()
    together = threading.Barrier(8)

    def work() -> None:
        together.wait()
        run_due(engine, [job], NOW)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(times) == 1


def test_one_that_fails_keeps_no_other_from_its_turn_and_is_told(engine: Engine) -> None:
    def ours(_: datetime) -> str:
        raise ConfigError("name a folder")

    def fault(_: datetime) -> str:
        raise ValueError("甲子")

    job, times = counted("z")
    done = run_due(engine, [Job("a", Every(5), ours), Job("b", Every(5), fault), job], NOW)
    assert (done, len(times)) == (["a", "b", "z"], 1)
    with db.reading(engine) as session:
        said = {row.name: (row.ok, row.said) for row in jobs.latest(session)}
    assert said["a"] == (False, "name a folder")
    assert said["b"] == (False, "ValueError")


def test_a_process_that_died_in_the_middle_does_not_stop_the_next_run(engine: Engine) -> None:
    def died(_: datetime) -> str:
        raise SystemExit

    with pytest.raises(SystemExit):
        run_due(engine, [Job("count", Every(10), died)], NOW)
    job, times = counted()
    run_due(engine, [job], NOW + timedelta(minutes=10))
    assert len(times) == 1
    assert [row.finished_at is None for row in runs(engine)] == [True, False]


def test_old_rows_of_past_runs_go(engine: Engine) -> None:
    job, _ = counted()
    for day in range(40):
        run_due(engine, [job], NOW + timedelta(days=day))
    assert len(runs(engine)) == 31


def test_the_worker_looks_until_it_is_stopped(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LOOK_EVERY_S", 0.01)
    clock = ManualClock(NOW)
    ran = threading.Event()

    def work(_: datetime) -> str:
        ran.set()
        return ""

    worker = Worker(engine, [Job("a", Every(10), work)], clock)
    worker.start()
    assert ran.wait(10)
    ran.clear()
    clock.advance(600)
    assert ran.wait(10)
    worker.stop()


def parts(settings: Any, engine: Engine) -> Any:
    class Parts:
        pass

    made = Parts()
    made.settings, made.engine, made.clock = settings, engine, ManualClock(NOW)
    return made


def test_faults_in_the_books_stand_on_the_list_of_exceptions_in_the_morning(
    settings: Any, engine: Engine, terminal: Any, make_sale: Any, site: Any
) -> None:
    terminal.sell(make_sale())
    terminal.push()
    made = {job.name: job for job in nightly.jobs(parts(settings, engine))}
    assert made["verify"].work(NOW) == "0 faults"
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE posting SET amount = amount + 1")
    assert made["verify"].work(NOW) != "0 faults"
    with db.reading(engine) as session:
        assert [item.code for item in exceptions.page(session, site.id)] == ["verify"]


def test_the_nightly_backup_keeps_the_latest_and_seals_the_keys(
    settings: Any, engine: Engine, site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del site
    monkeypatch.setattr("server.schema.revision", lambda _: "x")
    monkeypatch.setattr("server.schema.head", lambda: "x")
    assert "backup" not in {job.name for job in nightly.jobs(parts(settings, engine))}
    (tmp_path / "passphrase").write_text("a long passphrase\n")
    (settings.data_dir / "secret.key").write_bytes(b"k" * 32)
    wanted = settings.backup.model_copy(
        update={
            "hour": 2, "keep": 2, "folder": tmp_path / "out",
            "passphrase_file": tmp_path / "passphrase",
        }
    )  # fmt: skip
    changed = settings.model_copy(update={"backup": wanted})
    made = {job.name: job for job in nightly.jobs(parts(changed, engine))}
    for day in range(3):
        assert "with keys" in made["backup"].work(NOW + timedelta(days=day))
    assert len(list((tmp_path / "out").iterdir())) == 2
