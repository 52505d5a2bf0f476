"""``dafan line``: the boxes and gates of the weigh line (自选称重)."""

import json
import logging

import click
import httpx

from dafan.config import Settings, load_settings
from dafan.ending import asked_to_end
from pos.enrol import enrol, load_enrolment

THREADS_TO_SPARE = 6
LOOPBACK_NAMES = {"127.0.0.1", "localhost", "::1"}


@click.group()
def line() -> None:
    """The weigh line: boxes that drive scoop stations, and gates that bind trays (自选称重)."""


@line.command("enrol")
@click.option("--server", help="Address of the server; else till.server_url of the settings.")
@click.option("--code", required=True, help="The one-time code that the manager's page shows.")
def enrol_machine(server: str | None, code: str) -> None:
    """Make this machine a box or a gate of the line."""
    settings = load_settings()
    with httpx.Client(timeout=20) as client:
        terminal = enrol(settings.data_dir, server or settings.till.server_url, code, client)
    click.echo(
        f"{terminal.name} ({terminal.venue_name}) is enrolled: start it with dafan line run, "
        "or dafan line gate"
    )


@line.command()
def run() -> None:
    """Drive the stations of [[line.station]], until interrupted; each has its display's page."""
    settings = _settings()
    from devices import loopback  # noqa: PLC0415 - devices only where a box runs
    from pos.kiosk.scoop_page import create_scoop_pages  # noqa: PLC0415 - same
    from pos.scoop_box import build_box  # noqa: PLC0415 - same

    said = settings.line
    box = build_box(settings, load_enrolment(settings.data_dir))
    pages = create_scoop_pages(box, (*_hosts(), said.host, *said.names))
    threads = 2 * len(box.numbers) + THREADS_TO_SPARE
    page = loopback.serve(pages, said.host, said.port, "line", threads)
    box.start()
    click.echo(f"the stations' pages: http://{_reached(settings)}:{page.port}/")
    asked_to_end().wait()
    box.stop()
    page.stop()


@line.command("gate")
def run_gate() -> None:
    """Bind and end trays, until interrupted; the screen's page is served to this machine alone."""
    settings = _settings()
    from devices import loopback  # noqa: PLC0415 - devices and models only where a gate runs
    from pos.gate_station import build_gate  # noqa: PLC0415 - same
    from pos.kiosk.gate_page import create_gate_page  # noqa: PLC0415 - same

    gate = build_gate(settings, load_enrolment(settings.data_dir))
    till = settings.till
    page = loopback.serve(create_gate_page(gate), till.host, till.port, "till")
    gate.start()
    click.echo(f"the gate's page: http://{till.host}:{page.port}/")
    asked_to_end().wait()
    gate.stop()
    page.stop()


@line.command()
def status() -> None:
    """Which machine this is, its feed, trays and stations, what still waits; one JSON object."""
    from pos.line_status import line_status  # noqa: PLC0415 - devices only where a box runs

    click.echo(json.dumps(line_status(load_settings()), ensure_ascii=False))


@click.command("line")
@click.option("--stations", default=32, show_default=True, help="At most so many at once.")
@click.option("--scoops", default=20, show_default=True, help="Scoops to measure.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def bench_line_command(stations: int, scoops: int, *, as_json: bool) -> None:
    """Frames of scoop stations per second, how many a box carries, from tray out to charged."""
    from pos.bench_line import bench_line  # noqa: PLC0415 - devices only where they are measured

    result = bench_line(stations, scoops)
    click.echo(json.dumps(result, ensure_ascii=False, indent=None if as_json else 2))


def _settings() -> Settings:
    settings = load_settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return settings


def _hosts() -> tuple[str, ...]:
    from pos.kiosk.app import LOOPBACK  # noqa: PLC0415 - Flask only where a page is served

    return LOOPBACK


def _reached(settings: Settings) -> str:
    said = settings.line
    return said.host if said.host in LOOPBACK_NAMES or not said.names else said.names[0]
