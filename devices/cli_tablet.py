"""``dafan devices serve``: the scale and the label printer beside a tablet."""

import logging
import threading

import click

from dafan.clock import SystemClock
from dafan.config import load_settings


@click.command()
def serve() -> None:
    """Serve the scale and label printer of [tablet] to the kitchen pages in this browser."""
    from devices import loopback  # noqa: PLC0415 - Flask and the drivers only where they serve
    from devices.tabletside import TabletSide, create_service  # noqa: PLC0415 - same

    settings = load_settings()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s")
    tablet = settings.tablet
    side = TabletSide(tablet, SystemClock())
    page = loopback.serve(create_service(side, tablet), tablet.host, tablet.port, "tablet")
    side.start()
    click.echo(f"devices of this tablet: http://{tablet.host}:{page.port}/weight")
    click.echo(f"for the pages of {tablet.server_url}; stop with Ctrl+C")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        side.stop()
        page.stop()
