"""``dafan doctor``: what is wrong with this machine, and what to do about it.

Each room looks at its own part and is loaded by name, as its commands are. A check that fails by
itself is a finding too: nothing else is left unchecked because of it.
"""

import importlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import click

from dafan import __version__
from dafan.config import Settings, load_settings
from dafan.errors import DafanError

ROOMS = (
    "dafan.doctor:machine", "server.doctor:server", "vision.doctor:models", "pos.doctor:till",
    "devices.doctor:probes",
)  # fmt: skip
"""``module:function`` of each room: settings → findings; nothing where it has no part here."""
SECRETS = ("*.key", "keys/*", "till.identity", "till.site_key*")
SCARCE, FULL = 2 * 2**30, 200 * 2**20
"""Bytes of free disk below which to warn, and to stop."""


class Light(StrEnum):
    """How a finding is meant."""

    OK = "ok"
    WARN = "warn"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do about it."""

    light: Light
    what: str
    advice: str = ""


def good(what: str) -> Finding:
    """All is well."""
    return Finding(Light.OK, what)


def warn(what: str, advice: str) -> Finding:
    """It works, but not for long or not well."""
    return Finding(Light.WARN, what, advice)


def stop(what: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(Light.STOP, what, advice)


def machine(settings: Settings) -> Iterator[Finding]:
    """Program, folder, disk, clock and secrets."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield good(f"Dafan {__version__} on Python {version}")
    folder = settings.data_dir
    if not folder.is_dir():
        yield warn(
            f"{folder} does not exist yet",
            "run `dafan server init` on the server, or `dafan till enrol` on a till",
        )
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield stop(f"{folder} cannot be written", f"give it to the user who runs Dafan: {_user()}")
    else:
        yield good(f"data in {folder}")
    yield _disk(folder)
    yield _clock()
    yield from _secrets(folder)


def _user() -> str:
    return os.environ.get("USER", str(os.getuid()))


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    what = f"{free / 2**30:.1f} GB free for {folder}"
    if free < FULL:
        return stop(what, "a till refuses sales on a full disk: free some space now")
    return warn(what, "free some space, or move the data") if free < SCARCE else good(what)


def _clock() -> Finding:
    command = shutil.which("timedatectl")
    if command is None:
        return warn(
            "nothing here says whether the clock is right",
            "make sure that a time service such as chrony runs",
        )
    asked = [command, "show", "--property=NTPSynchronized", "--value"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return warn("timedatectl does not answer", "make sure that a time service runs")
    if done.stdout.strip() == "yes":
        return good("the clock is set by the network")
    return warn("the clock is not set by the network", "run `timedatectl set-ntp true`")


def _secrets(folder: Path) -> Iterator[Finding]:
    files = [path for name in SECRETS for path in folder.glob(name) if path.is_file()]
    open_ones = [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]
    for path in open_ones:
        yield stop(f"others on this machine can read {path}", f"run `chmod 600 {path}`")
    if files and not open_ones:
        yield good(f"{len(files)} secret files, readable by their owner only")


def examine(settings: Settings) -> Iterator[Finding]:
    """What every room finds."""
    for target in ROOMS:
        module, name = target.split(":")
        try:
            look: Callable[[Settings], Iterator[Finding]]
            look = getattr(importlib.import_module(module), name)
            yield from look(settings)
        except Exception as error:  # noqa: BLE001 - a fault of one check must not hide the others
            text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            yield stop(f"{name} could not be checked: {text.splitlines()[0]}", "report this fault")


_SIGNS = {Light.OK: "  ok ", Light.WARN: " warn", Light.STOP: " STOP"}
_COLOURS = {Light.OK: "green", Light.WARN: "yellow", Light.STOP: "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Look at this machine's server or till, and say what to do; exit 1 where something stops."""
    findings = []
    for finding in _all():
        findings.append(finding)
        if not as_json:
            sign = click.style(_SIGNS[finding.light], fg=_COLOURS[finding.light])
            click.echo(f"{sign}  {finding.what}")
            if finding.advice:
                click.echo(f"       → {finding.advice}")
    ok = all(finding.light is not Light.STOP for finding in findings)
    if as_json:
        answer = {"ok": ok, "findings": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(answer, ensure_ascii=False))
    sys.exit(0 if ok else 1)


def _all() -> Iterator[Finding]:
    try:
        settings = load_settings()
    except DafanError as error:
        yield stop(str(error), "mend dafan.toml or the variable; `dafan config show` prints all")
        return
    yield from examine(settings)
