"""``dafan demo``: the whole canteen on one machine."""

import sys
import tempfile
from pathlib import Path

import click

from dafan.config import Settings, load_settings

OF_HEADLESS, OF_A_YEAR = 200, 30_000
"""Sales, where the command line names no number."""


@click.command()
@click.option("--headless", is_flag=True, help="No screens: run sales, verify, report, end.")
@click.option(
    "--sales", type=click.IntRange(1), help="How many: 200, or 30,000 of a year with --history."
)
@click.option("--offline-for", default=0, type=click.IntRange(0), help="Sales without a server.")
@click.option("--seed", default=1, show_default=True, help="Makes the diners repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.option("--camera", default="", help="A real camera: 0, /dev/video0, rtsp://…")
@click.option("--scale", default="", help="A real scale: /dev/ttyUSB0")
@click.option("--protocol", default="", help="What the scale speaks; see dafan devices protocols.")
@click.option("--printer", default="", help="A real printer: /dev/usb/lp0, tcp:HOST:9100 …")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Of the manager's page.")
@click.option("--kiosk-port", default=0, type=click.IntRange(0, 65535), help="Of the till's page.")
@click.option("--tablet-port", default=0, type=click.IntRange(0, 65535), help="Of its devices.")
@click.option("--fresh", is_flag=True, help="Throw the last demo's data away first.")
@click.option("--line", is_flag=True, help="A weigh line as well: gate, box, three stations.")
@click.option("--history", is_flag=True, help="No till: a year of a canteen, to read reports of.")
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3660))
def demo(
    headless: bool, sales: int | None, offline_for: int, seed: int, as_json: bool, camera: str,
    scale: str, protocol: str, printer: str, port: int, kiosk_port: int, tablet_port: int,
    fresh: bool, line: bool, history: bool, days: int,
) -> None:  # fmt: skip
    """Run the demo canteen: server, till, simulated devices, real face models."""
    settings = _with_devices(load_settings(), camera, scale, protocol, printer)
    settings = _with_ports(settings, port, kiosk_port, tablet_port)
    if history:
        from pos.demo.past import run_past  # noqa: PLC0415 - one of three ways

        run_past(settings, seed, days, max(20, sales or OF_A_YEAR), fresh=fresh)
        return
    if not headless:
        from pos.demo.live import run_live  # noqa: PLC0415 - brings the kiosk page

        run_live(settings, seed, fresh=fresh, line=line)
        return
    from pos.demo.headless import run_headless  # noqa: PLC0415 - one of the two ways

    with tempfile.TemporaryDirectory(prefix="dafan-demo-") as folder:
        summary = run_headless(
            settings,
            Path(folder),
            sales or OF_HEADLESS,
            min(offline_for, sales or OF_HEADLESS),
            seed,
            lambda text: click.echo(text, err=True),
        )
    if as_json:
        click.echo(summary.to_json())
    else:
        click.echo(
            f"{summary.sales} sales, {summary.recognised} by face, {summary.refused} refused, "
            f"{summary.wrong_person} wrong; {summary.fen_total} fen at the till, "
            f"{summary.fen_books} in the books, {summary.receipts} receipts"
        )
        for fault in summary.faults:
            click.echo(fault)
    sys.exit(0 if summary.ok else 1)


def _with_devices(
    settings: Settings, camera: str, scale: str, protocol: str, printer: str
) -> Settings:
    """The settings with the real devices that the command line names."""
    till = settings.till
    changed = till.model_copy(
        update={
            "camera": camera or till.camera,
            "scale": till.scale.model_copy(
                update={
                    "device": scale or till.scale.device,
                    "protocol": protocol or till.scale.protocol,
                }
            ),
            "printer": till.printer.model_copy(update={"url": printer or till.printer.url}),
        }
    )
    return settings.model_copy(update={"till": changed})


def _with_ports(settings: Settings, port: int, kiosk_port: int, tablet_port: int) -> Settings:
    server = settings.server.model_copy(update={"port": port or settings.server.port})
    till = settings.till.model_copy(update={"port": kiosk_port or settings.till.port})
    tablet = settings.tablet.model_copy(update={"port": tablet_port or settings.tablet.port})
    return settings.model_copy(update={"server": server, "till": till, "tablet": tablet})
