"""``dafan devices probes``: the thermometers of refrigerators."""

import json
import logging
import threading
from contextlib import ExitStack
from datetime import datetime

import click

from dafan.clock import SystemClock
from dafan.config import Settings, first_line, load_settings
from dafan.ending import asked_to_end
from dafan.errors import ConfigError
from devices.probes import ProbeReading


@click.command()
@click.option("--show", is_flag=True, help="Print what the thermometers say; send nothing.")
def probes(*, show: bool) -> None:
    """Carry temperatures from the lines and the broker of [probes] to the server."""
    settings = load_settings()
    said = settings.probes
    if not said.serial and not said.mqtt.host:
        raise ConfigError("no thermometer is set up: write [[probes.serial]] or [probes.mqtt]")
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # else a line for every post
    _listen(settings, asked_to_end(), show=show)


def _listen(settings: Settings, stop: threading.Event, *, show: bool) -> None:
    from devices import probe_carrier, probe_lines, probe_spool  # noqa: PLC0415 - MQTT, HTTP

    said, clock, troubles = settings.probes, SystemClock(), probe_carrier.Troubles()
    with ExitStack() as stack:
        if show:
            stack.enter_context(probe_lines.listening(said, clock, _print, troubles.tell))
            stop.wait()
            return
        token = first_line(said.token_file, "probes.token_file", "an API token of the kitchen")
        spool = probe_spool.ProbeSpool(settings.data_dir / probe_spool.FILE)
        stack.callback(spool.close)
        carrier = probe_carrier.Carrier(
            said.server_url, token, spool, clock, said.every_seconds, troubles
        )
        stack.enter_context(probe_lines.listening(said, clock, carrier.take, troubles.tell))
        click.echo(f"temperatures go to {said.server_url}; stop with Ctrl+C")
        carrier.run(stop)


def _print(reading: ProbeReading) -> None:
    now = datetime.now().astimezone()
    said = {"probe": reading.probe, "celsius": reading.tenths / 10, "at": f"{now:%H:%M:%S}"}
    click.echo(json.dumps(said, ensure_ascii=False))
