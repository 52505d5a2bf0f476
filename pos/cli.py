"""The till's commands, and the measurements of this machine."""

import json
import logging
from pathlib import Path
from typing import Any

import click
import httpx

from dafan.config import Settings, load_settings
from dafan.ending import asked_to_end
from pos.cli_camera import camera
from pos.enrol import JOURNAL, load_enrolment
from pos.enrol import enrol as enrol_till

CONTEXT = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=CONTEXT)
def till() -> None:
    """The payment station (结算台)."""


till.add_command(camera)


@till.command()
@click.option("--server", help="Address of the server; else till.server_url of the settings.")
@click.option("--code", required=True, help="The one-time code that the manager's page shows.")
def enrol(server: str | None, code: str) -> None:
    """Make this machine a till."""
    settings = load_settings()
    with httpx.Client(timeout=20) as client:
        terminal = enrol_till(settings.data_dir, server or settings.till.server_url, code, client)
    click.echo(f"{terminal.name} ({terminal.venue_name}) is enrolled: start it with dafan till run")


@till.command()
@click.option("--cash/--no-cash", default=False, help="A cashier takes cash at this till.")
def run(cash: bool) -> None:
    """Sell, until interrupted; the screen's page is served to this machine alone."""
    settings = load_settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from devices import loopback  # noqa: PLC0415 - models and devices only where a till runs
    from pos.build import build_till  # noqa: PLC0415 - same
    from pos.kiosk.app import create_kiosk  # noqa: PLC0415 - same
    from pos.kiosk.manner import manner_of  # noqa: PLC0415 - same

    machine = build_till(settings, load_enrolment(settings.data_dir), cash=cash)
    manner = manner_of(settings.till.voice, settings.till.screen)
    kiosk = create_kiosk(machine, manner=manner)
    page = loopback.serve(kiosk, settings.till.host, settings.till.port, "till")
    machine.start()
    click.echo(f"the till's page: http://{settings.till.host}:{page.port}/")
    asked_to_end().wait()
    machine.stop()
    manner.close()
    page.stop()


@till.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status(as_json: bool) -> None:
    """Who this till is, what it has sold and what still waits for the server."""
    facts = _facts(load_settings())
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    for name, value in facts.items():
        click.echo(f"{name:18}{value}")


@till.command("export-journal")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="Also what the server has acknowledged.")
def export_journal(file: Path, everything: bool) -> None:
    """Write what the server has not taken into FILE, for the administrator to hand in.

    For a till that was revoked or can reach no server any more: one signed batch a line, which
    dafan server import-journal takes in.
    """
    from pos.export import export_entries  # noqa: PLC0415 - not for the other commands

    enrolment = load_enrolment(load_settings().data_dir)
    source = load_settings().data_dir / JOURNAL
    count = export_entries(source, enrolment, file, everything=everything)
    if count == 0:
        click.echo("the server has everything: nothing to export")
        return
    click.echo(f"{count} entries of {enrolment.terminal.name} are in {file}")
    click.echo(f"hand it in at the server with: dafan server import-journal {file.name}")


def _facts(settings: Settings) -> dict[str, Any]:
    from dafan.clock import SystemClock  # noqa: PLC0415 - with the store
    from pos.store import TillStore  # noqa: PLC0415 - models and devices only where a till runs

    enrolment = load_enrolment(settings.data_dir)
    file = settings.data_dir / JOURNAL
    store = TillStore(file, enrolment.terminal.id, enrolment.keys, SystemClock())
    written, acknowledged = store.journal.head()[0], store.journal.acknowledged()
    facts = {
        "terminal": enrolment.terminal.name,
        "terminal_id": str(enrolment.terminal.id),
        "venue": enrolment.terminal.venue_name,
        "server": settings.till.server_url,
        "feed_version": store.feed_version(),
        "ready": store.catalogue.ready,
        "entries": written,
        "waiting": written - acknowledged,
        "revoked": store.facts.revoked,
        "receipts_waiting": store.spool.waiting(),
    }
    store.close()
    return facts


@click.command("till")
@click.option("--templates", default=50_000, show_default=True, help="Faces in the gallery.")
@click.option("--sales", default=60, show_default=True, help="Sales to measure.")
@click.option("--pack", help="Which models; else those of the settings.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def bench_till_command(templates: int, sales: int, pack: str | None, as_json: bool) -> None:
    """From a usable frame to a sale on the disk, through the real pipeline."""
    from pos.bench import bench_till  # noqa: PLC0415 - loads the models

    _print(bench_till(templates, sales, pack or load_settings().vision.pack), as_json)


@click.command("face")
@click.option("--pack", help="Which models; else those of the settings.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def bench_face_command(pack: str | None, as_json: bool) -> None:
    """Milliseconds of each vision stage, beside the face_recognition way."""
    from vision.bench import bench_face  # noqa: PLC0415 - loads the models

    _print(bench_face(pack), as_json)


@click.command("gallery")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def bench_gallery_command(as_json: bool) -> None:
    """Milliseconds of one exact search among 1,000, 50,000 and 500,000 templates."""
    from vision.bench import bench_gallery  # noqa: PLC0415 - loads the runtime

    _print(bench_gallery(), as_json)


def _print(result: dict[str, Any], as_json: bool) -> None:
    click.echo(json.dumps(result, ensure_ascii=False, indent=None if as_json else 2))
