"""What ``dafan doctor`` looks at where thermometers hang."""

import os
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from dafan.clock import SystemClock
from dafan.config import Settings, first_line
from dafan.doctor import Finding, good, stop, warn
from dafan.errors import ConfigError
from devices.probe_spool import FILE

LATE = timedelta(hours=1)


def probes(settings: Settings) -> Iterator[Finding]:
    """Token, serial lines, and what waits; nothing where no thermometer is set up."""
    said = settings.probes
    if not said.serial and not said.mqtt.host:
        return
    try:
        first_line(said.token_file, "probes.token_file", "an API token of the kitchen")
    except ConfigError as error:
        yield stop(str(error), "make one: 设置 → 账号 → 令牌, for an account that is a cook")
    for line in said.serial:
        yield _line(Path(line.device))
    path = settings.data_dir / FILE
    if not path.exists():
        yield warn("no temperature was ever read here", "run `dafan devices probes --show`")
        return
    yield _waiting(path)


def _line(device: Path) -> Finding:
    if not device.exists():
        return stop(f"thermometers: there is no {device}", "plug it in, or mend probes.serial")
    if not os.access(device, os.R_OK | os.W_OK):
        return stop(
            f"thermometers: {device} may not be opened",
            "add the user to the group dialout, and sign in again",
        )
    return good(f"thermometers: {device}")


def _waiting(path: Path) -> Finding:
    try:
        file = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        count, oldest = file.execute("SELECT count(*), min(at) FROM reading").fetchone()
        file.close()
    except sqlite3.DatabaseError as error:
        return stop(f"{path} cannot be read: {error}", "start `dafan devices probes` anew")
    if not count:
        return good("the server has every temperature that was read here")
    age = SystemClock().now() - datetime.fromisoformat(oldest)
    minutes = age // timedelta(minutes=1)
    text = f"{count} temperatures wait for the server, the oldest for {minutes} min"
    advice = "they are safe here; the log of `dafan devices probes` says why they do not go"
    return warn(text, advice) if age > LATE else good(text)
