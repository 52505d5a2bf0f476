"""Commands for scales; those of the other devices are joined to the same group."""

import json
import sys
import time
from pathlib import Path

import click

from dafan.clock import SystemClock
from dafan.config import load_settings
from dafan.config_scales import ScaleSettings
from dafan.errors import BadInputError, ConfigError, DafanError, DeviceError
from dafan.units import to_grams
from devices.cli_edge import camera, printer, reader
from devices.cli_learn import fuzz, learn
from devices.cli_probes import probes
from devices.cli_tablet import serve
from devices.cli_tags import simulate_tags, tags
from devices.scales.detect import Detection
from devices.scales.detect import detect as detect_scale
from devices.scales.driver import Driver
from devices.scales.framed import NAME as CUSTOM
from devices.scales.port import PortSettings, PortState, ScalePort
from devices.scales.protocols import PROTOCOLS, driver_for
from devices.scales.reading import Reading
from devices.scales.simulator import FAULTS, ScaleSimulator
from devices.scales.stability import StabilityFilter

CHUNK = 4096
FRAME_S = 0.1
"""A file has no clock: frames of a talking scale are taken as ten a second."""


@click.group()
def devices() -> None:
    """Scales, printers, cameras, readers, probes: try them, watch them, simulate them."""


@devices.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def protocols(*, as_json: bool) -> None:
    """List the scale protocols."""
    if as_json:
        rows = [_describe(driver) for driver in PROTOCOLS.values()]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for driver in PROTOCOLS.values():
        click.echo(f"{driver.name:<18} {driver.serial[0]!s:<9} {driver.title}")
    click.echo(f"{CUSTOM:<18} {'any':<9} any other: described in [till.scale.frame]")


def _driver(protocol: str, line: str = "") -> Driver:
    """The driver that a person names; ``custom`` is the till's own scale in ``dafan.toml``."""
    own = load_settings().till.scale if protocol == CUSTOM else ScaleSettings()
    return driver_for(own.model_copy(update={"protocol": protocol, "line": line or own.line}))


def _describe(driver: Driver) -> dict[str, object]:
    return {
        "name": driver.name,
        "title": driver.title,
        "serial": [str(setting) for setting in driver.serial],
        "polled": driver.poll is not None,
        "says_stable": driver.says_stable,
        "has_checksum": driver.has_checksum,
    }


@devices.command()
@click.option("--protocol", required=True, help="A name from `dafan devices protocols`.")
@click.option("--unit", default="kg", show_default=True, help="Unit where frames name none.")
@click.argument("file")
def decode(protocol: str, unit: str, file: str) -> None:
    """Decode the raw bytes in FILE (- for standard input), one JSON object a frame."""
    driver = _driver(protocol)
    to_grams("0", unit)
    decoder = driver.decoder(unit)
    judge = None if driver.says_stable else StabilityFilter()
    count = 0
    try:
        with sys.stdin.buffer if file == "-" else Path(file).open("rb") as stream:
            while chunk := stream.read(CHUNK):
                for reading in decoder.feed(chunk):
                    count += 1
                    judged = judge.apply(reading, count * FRAME_S) if judge else reading
                    _print(judged)
    except (OSError, ValueError) as error:
        raise BadInputError(f"cannot read {file}: {error}") from error
    for reading in decoder.flush():
        _print(reading)


def _print(reading: Reading) -> None:
    click.echo(json.dumps(reading.to_json()))


@devices.command()
@click.argument("device")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def detect(device: str, *, as_json: bool) -> None:
    """Find out which scale hangs on DEVICE. Takes up to half a minute; changes nothing on it."""
    click.echo(f"listening to {device} …", err=True)
    found = detect_scale(device)
    if as_json:
        click.echo(json.dumps(found.to_json(), indent=2))
    else:
        _explain(found)
    if found.best is None:
        raise DeviceError(
            "no scale of a known protocol answered: check cable and power, look up the protocol "
            "in the scale's menu, and name it in the configuration"
        )


def _explain(found: Detection) -> None:
    for how, data in found.heard.items():
        click.echo(f"{how}: {len(data)} bytes, {data[:24].hex(' ')}")
    for rank, match in enumerate(found.matches):
        word = "use" if rank == 0 else "or"
        click.echo(
            f"{word:<4}{match.protocol}  {match.serial}  {match.frames} frames, "
            f"{match.errors} damaged, {match.explained:.0%} of the bytes, "
            f"last weight {match.sample.grams} g"
        )


@devices.command()
@click.argument("device")
@click.option("--protocol", required=True, help="A name from `dafan devices protocols`.")
@click.option("--line", default="", help="Line settings, such as 2400 7E1.")
@click.option("--unit", default="kg", show_default=True, help="Unit where frames name none.")
@click.option("--seconds", type=float, default=None, help="Stop after so long (never).")
def watch(device: str, protocol: str, line: str, unit: str, seconds: float | None) -> None:
    """Print what the scale on DEVICE says, until Ctrl-C."""
    to_grams("0", unit)

    def say(state: PortState) -> None:
        click.echo(f"{state.kind} {state.reason}".rstrip(), err=True)

    port = ScalePort(
        device,
        _driver(protocol, line),
        SystemClock(),
        lambda reading, _at: _print(reading),
        say,
        PortSettings(unit=unit),
    )
    port.start()
    try:
        _wait(seconds)
    finally:
        port.stop()


def _wait(seconds: float | None) -> None:
    end = None if seconds is None else time.monotonic() + seconds
    try:
        while end is None or time.monotonic() < end:
            time.sleep(0.2 if end is None else min(0.2, max(0.0, end - time.monotonic())))
    except KeyboardInterrupt:
        return


@devices.command()
@click.option("--protocol", required=True, help="A name from `dafan devices protocols`.")
@click.option("--link", type=click.Path(path_type=Path), help="Symbolic link to the device.")
@click.option("--load", type=int, default=0, show_default=True, help="Grams on the scale.")
def simulate(protocol: str, link: Path | None, load: int) -> None:
    """Play a scale on a pseudo-terminal and print its path.

    Understands lines on standard input: `place 650`, `lift`, `fault overload`, `heal`, `quit`.
    """
    try:
        with ScaleSimulator(protocol, link=link) as scale:
            scale.set_load(load)
            click.echo(scale.path)
            _obey_lines(scale)
    except OSError as error:
        raise DeviceError(f"cannot make the pseudo-terminal or its link: {error}") from error


def _obey_lines(scale: ScaleSimulator) -> None:
    try:
        for line in sys.stdin:
            if line.strip() == "quit":
                return
            try:
                _obey(scale, line.split())
            except DafanError as error:
                click.echo(error, err=True)
        _wait(None)
    except KeyboardInterrupt:
        return


def _obey(scale: ScaleSimulator, words: list[str]) -> None:
    match words:
        case []:
            return
        case ["place", grams] if grams.isdecimal():
            scale.place(int(grams))
        case ["lift"]:
            scale.lift()
        case ["heal"]:
            scale.set_fault(None)
        case ["fault", kind] if kind in FAULTS:
            scale.set_fault(kind)
        case _:
            raise ConfigError(f"say: place GRAMS, lift, heal, quit, fault {'|'.join(FAULTS)}")


devices.add_command(learn)
devices.add_command(fuzz)
devices.add_command(printer)
devices.add_command(camera)
devices.add_command(reader)
devices.add_command(serve)
devices.add_command(probes)
devices.add_command(tags)
devices.add_command(simulate_tags)
