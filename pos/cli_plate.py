"""``dafan plate``: the return station for clean plates (光盘回收台)."""

import json
import logging

import click
import httpx

from dafan.config import load_settings
from dafan.ending import asked_to_end
from pos.enrol import JOURNAL, enrol, load_enrolment


@click.group()
def plate() -> None:
    """The return station: a scale, a reader and a screen where trays come back (光盘)."""


@plate.command("enrol")
@click.option("--server", help="Address of the server; else till.server_url of the settings.")
@click.option("--code", required=True, help="The one-time code that the manager's page shows.")
def enrol_station(server: str | None, code: str) -> None:
    """Make this machine a return station."""
    settings = load_settings()
    with httpx.Client(timeout=20) as client:
        terminal = enrol(settings.data_dir, server or settings.till.server_url, code, client)
    click.echo(
        f"{terminal.name} ({terminal.venue_name}) is enrolled: start it with dafan plate run"
    )


@plate.command()
def run() -> None:
    """Take trays, until interrupted; the screen's page is served to this machine alone."""
    settings = load_settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from devices import loopback  # noqa: PLC0415 - devices only where a station runs
    from pos.kiosk.plate_page import create_plate_page  # noqa: PLC0415 - same
    from pos.plate_station import build_station  # noqa: PLC0415 - same

    station = build_station(settings, load_enrolment(settings.data_dir))
    page = loopback.serve(
        create_plate_page(station), settings.till.host, settings.till.port, "plate"
    )
    station.start()
    click.echo(f"the station's page: http://{settings.till.host}:{page.port}/")
    asked_to_end().wait()
    station.stop()
    page.stop()


@plate.command()
def status() -> None:
    """Which station this is, and how many trays still wait for the server; one JSON object."""
    from dafan.clock import SystemClock  # noqa: PLC0415 - with the store
    from pos.store import TillStore  # noqa: PLC0415 - devices only where a station runs

    settings = load_settings()
    enrolment = load_enrolment(settings.data_dir)
    file = settings.data_dir / JOURNAL
    store = TillStore(file, enrolment.terminal.id, enrolment.keys, SystemClock())
    written = store.journal.head()[0]
    facts = {
        "terminal": enrolment.terminal.name,
        "venue": enrolment.terminal.venue_name,
        "server": settings.till.server_url,
        "ready": store.catalogue.ready,
        "entries": written,
        "waiting": written - store.journal.acknowledged(),
        "revoked": store.facts.revoked,
    }
    store.close()
    click.echo(json.dumps(facts, ensure_ascii=False))
