"""The jobs of a server: what is done each night, and every few minutes."""

from collections.abc import Callable
from datetime import datetime, time
from functools import partial
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from dafan.config import Settings
from dafan.db import reading, writing
from server import (
    backup,
    birthdays,
    daily_report,
    exceptions,
    foods,
    kitchen_day,
    kitchen_sales,
    line_settle,
    line_setup,
    online_orders,
    plate_points,
    plates,
    preorder_tills,
    retention,
    sites,
    subsidy_expiry,
)
from server.backup_format import read_passphrase
from server.buying import warn_of_licences
from server.gateway import Gateway, open_gateway
from server.jobs import Daily, Every, Job
from server.reports import cost_sums
from server.services import Services
from server.verify import Report, verify_engine

DEFAULT_ZONE = "Asia/Shanghai"


def jobs(parts: Services) -> list[Job]:
    """What this server does by itself, in the local time of its first site."""
    zone, engine, settings = _zone(parts.engine), parts.engine, parts.settings
    made = [Job(name, Daily(at, zone), partial(work, engine)) for name, at, work in _NIGHTLY]
    made += [Job(name, Every(5), partial(work, engine)) for name, work in _OFTEN]
    made.append(Job("trays", Every(1), lambda now: line_settle.drive(engine, parts.ring, now)))
    made.append(Job("sums", Every(10), lambda now: cost_sums.drive(engine, now)))
    made.append(
        Job("daily_report", Every(5), lambda now: daily_report.drive(engine, settings, now))
    )
    gateway = open_gateway(settings.gateway)
    if gateway is not None:
        made.append(Job("payments", Every(5), lambda now: _payments(engine, gateway, now)))
    hour = settings.backup.hour
    if hour is not None:
        when = Daily(time(hour, 20), zone)
        made.append(Job("backup", when, lambda now: _backup(engine, settings, now)))
    return made


def _zone(engine: Engine) -> ZoneInfo:
    with reading(engine) as session:
        found = sites.all_sites(session)
        return ZoneInfo(sites.policy(session, found[0].id).time_zone if found else DEFAULT_ZONE)


def _retention(engine: Engine, now: datetime) -> str:
    return str(retention.run_all(engine, now))


def _payments(engine: Engine, gateway: Gateway, now: datetime) -> str:
    done = online_orders.reconcile(engine, gateway, now)
    return ", ".join(f"{count} {what}" for what, count in done.items() if count)


def _subsidies(engine: Engine, now: datetime) -> str:
    with writing(engine) as session:
        done = subsidy_expiry.expire_due(session, now)
    return f"{len(done)} runs expired, {sum(each.total for each in done)} fen taken back"


def _birthdays(engine: Engine, now: datetime) -> str:
    with writing(engine) as session:
        heads, total = birthdays.give_due(session, now)
    return f"{heads} vouchers, {total} fen"


def _points(engine: Engine, now: datetime) -> str:
    with writing(engine) as session:
        return f"{plate_points.expire_due(session, now)} points expired"


def _verify(engine: Engine, now: datetime) -> str:
    """What is wrong goes to every site's list of exceptions: the books are one."""
    report = Report()
    verify_engine(engine, report)
    if report.faults:
        first = report.faults[0]
        with writing(engine) as session:
            for site in sites.all_sites(session):
                detail = f"{first.where}: {first.what}. {first.advice}"
                exceptions.add(session, site.id, "verify", now, detail=detail)
    return f"{len(report.faults)} faults"


def _backup(engine: Engine, settings: Settings, now: datetime) -> str:
    folder = settings.backup.folder or settings.data_dir / "backups"
    file = settings.backup.passphrase_file
    passphrase = read_passphrase(file) if file else ""
    secrets = backup.secrets_of(settings.data_dir) if passphrase else {}
    target = backup.name_of(folder, now)
    backup.make_backup(engine, target, now, secrets=secrets, passphrase=passphrase)
    backup.prune(folder, settings.backup.keep)
    return f"{target.name}, {'with' if secrets else 'without'} keys"


_NIGHTLY: tuple[tuple[str, time, Callable[[Engine, datetime], str]], ...] = (
    ("retention", time(3, 10), _retention),
    ("foods", time(3, 40), lambda engine, _: foods.publish_all(engine)),
    ("tray_list", time(3, 42), lambda engine, _: line_setup.publish_all(engine)),
    ("pick_ups", time(3, 45), preorder_tills.drop_old),
    ("points", time(3, 50), _points),
    ("subsidies", time(4, 10), _subsidies),
    ("birthdays", time(4, 15), _birthdays),
    ("verify", time(4, 40), _verify),
    ("licences", time(5), warn_of_licences),
    ("certificates", time(5, 10), kitchen_day.warn_of_certificates),
)
_OFTEN: tuple[tuple[str, Callable[[Engine, datetime], str]], ...] = (
    ("supervision", kitchen_day.drive),
    ("samples", kitchen_day.watch),
    ("served", kitchen_sales.drive),
    ("plates", plates.drive),
)
"""Every five minutes."""
