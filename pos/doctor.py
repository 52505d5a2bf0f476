"""What ``dafan doctor`` looks at on a till."""

import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from dafan.clock import SystemClock
from dafan.config import Settings
from dafan.config_voice import VoiceSettings
from dafan.doctor import Finding, good, stop, warn
from dafan.errors import DafanError
from pos.enrol import JOURNAL, TERMINAL, load_enrolment

SKEW = timedelta(minutes=2)
LATE = timedelta(hours=12)
TIMEOUT_S = 5


def till(settings: Settings) -> Iterator[Finding]:
    """Enrolment, server, journal and devices; nothing on a machine that is no till."""
    if not (settings.data_dir / TERMINAL).exists():
        return
    try:
        enrolment = load_enrolment(settings.data_dir)
    except DafanError as error:
        yield stop(str(error), "docs/replace-a-till.md: enrol it anew with a fresh code")
        return
    yield good(f"this is the till {enrolment.terminal.name} ({enrolment.terminal.venue_name})")
    yield from _server(settings.till.server_url)
    yield from _journal(settings.data_dir / JOURNAL)
    yield from _devices(settings)
    yield from _voice(settings.till.voice)


def _server(url: str) -> Iterator[Finding]:
    began = SystemClock().now()
    try:
        answer = httpx.get(f"{url.rstrip('/')}/healthz", timeout=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield warn(
            f"the server {url} does not answer ({type(error).__name__})",
            "the till sells on by itself; look at the cable, till.server_url and the server",
        )
        return
    if answer.status_code != httpx.codes.OK:
        yield warn(f"the server {url} is not well ({answer.status_code})", "run dafan doctor there")
        return
    yield good(f"the server {url} answers")
    try:
        theirs = parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return
    skew = abs(theirs - began)
    if skew > SKEW:
        yield warn(
            f"this clock differs from the server's by {skew.total_seconds() / 60:.0f} minutes",
            "sales would stand under a wrong time: let a time service set both clocks",
        )


def _journal(path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield good("nothing was sold here yet")
        return
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        check = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        mark = connection.execute("SELECT acknowledged FROM journal_mark").fetchone()
        unsent = connection.execute(
            "SELECT count(*), min(at) FROM journal_entry WHERE seq > ?", (mark[0] if mark else 0,)
        ).fetchone()
        connection.close()
    except sqlite3.DatabaseError as error:
        yield stop(
            f"{path} cannot be read: {error}",
            "keep this disk, and replace the till: docs/replace-a-till.md",
        )
        return
    if check != "ok":
        yield stop(f"{path} is damaged: {check}", "keep this disk: docs/replace-a-till.md")
    count, oldest = unsent
    if not count:
        yield good("the server has everything that was sold here")
        return
    age = SystemClock().now() - datetime.fromisoformat(oldest)
    text = f"{count} entries wait for the server, the oldest for {age.total_seconds() / 3600:.1f} h"
    advice = "they are safe here until the server is reached again"
    yield warn(text, advice) if age > LATE else good(text)


def _devices(settings: Settings) -> Iterator[Finding]:
    devices = {
        "scale": settings.till.scale.device,
        "printer": settings.till.printer.url.removeprefix("serial:"),
        "camera": settings.till.camera,
        "card reader": settings.till.reader,
    }
    for name, device in devices.items():
        if device.startswith("tcp:"):
            yield _network(name, device)
        elif device.startswith("/"):
            yield _file(name, Path(device))
        else:
            yield good(f"{name}: {device or 'none'}")


def _voice(voice: VoiceSettings) -> Iterator[Finding]:
    """Speaking is no duty: what is missing is told, not complained of."""
    if not voice.speak:
        return
    for language, command in (("Chinese", voice.zh), ("English", voice.en)):
        if command and shutil.which(command[0]) is None:
            yield good(f"{language} is not spoken: {command[0]} is not installed, tones are heard")


def _file(name: str, path: Path) -> Finding:
    if not path.exists():
        return stop(f"{name}: there is no {path}", "plug it in, or mend the setting")
    if path.is_char_device() and not os.access(path, os.R_OK | os.W_OK):
        return stop(
            f"{name}: {path} may not be opened",
            "add the user to the groups dialout, lp and video, and sign in again",
        )
    return good(f"{name}: {path}")


def _network(name: str, device: str) -> Finding:
    host, _, port = device.removeprefix("tcp:").rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_S):
            return good(f"{name}: {device}")
    except (OSError, ValueError):
        return stop(f"{name}: {device} does not answer", "switch it on, look at its address")
