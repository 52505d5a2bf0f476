"""``dafan backup`` and ``dafan restore``."""

import json
import os
import socket
from pathlib import Path

import click
from rich.console import Console

from dafan.clock import SystemClock
from dafan.config import Settings, load_settings
from dafan.db import make_engine
from dafan.errors import BadInputError, ConfigError
from server import backup as backups
from server import restore as restores
from server import schema
from server.backup_format import Manifest, read_passphrase
from server.verify import Report

_PASSPHRASE = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    help="First line: seals the keys; else backup.passphrase_file of the settings.",
)
_WITHOUT_KEYS = click.option(
    "--without-keys", is_flag=True, help="Leave the keys out: keep them elsewhere, safely."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@click.option(
    "--to", "target", type=click.Path(path_type=Path),
    help="A file, or a folder; else backup.folder of the settings, else backups in data_dir.",
)  # fmt: skip
@click.option("--keep", type=click.IntRange(1), help="Delete all but the latest so many.")
@_PASSPHRASE
@_WITHOUT_KEYS
@_JSON
def backup(
    target: Path | None,
    keep: int | None,
    passphrase_file: Path | None,
    without_keys: bool,
    as_json: bool,
) -> None:
    """Save the whole server in one file, while it runs."""
    settings = load_settings()
    engine = make_engine(settings.database)
    schema.load()
    schema.require(engine)
    now = SystemClock().now()
    named = target or settings.backup.folder or settings.data_dir / "backups"
    file = named if named.suffix == ".zip" else backups.name_of(named, now)
    secrets = {} if without_keys else backups.secrets_of(settings.data_dir)
    passphrase = _passphrase(settings, passphrase_file) if secrets else ""
    with Console(stderr=True).status("backup") as status:
        manifest = backups.make_backup(
            engine, file, now, secrets=secrets, passphrase=passphrase, progress=status.update
        )
    engine.dispose()
    gone = backups.prune(file.parent, keep) if keep else []
    rows = sum(part.rows for part in manifest.tables)
    if as_json:
        facts = {"file": str(file), "bytes": file.stat().st_size, "rows": rows,
                 "keys": len(manifest.keys), "deleted": [str(path) for path in gone]}  # fmt: skip
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    click.echo(f"{file}: {rows} rows, {file.stat().st_size // 1024 + 1} kB")
    for path in gone:
        click.echo(f"deleted {path}")
    if not secrets:
        click.echo("Without the keys no face template opens: keep the data folder's keys as well.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Give up what the database holds now.")
@_PASSPHRASE
@_WITHOUT_KEYS
@_JSON
def restore(
    file: Path, replace: bool, passphrase_file: Path | None, without_keys: bool, as_json: bool
) -> None:
    """Make a server again from a backup, and prove its books. Stop the server first."""
    settings = load_settings()
    _refuse_running(settings)
    manifest = restores.read_manifest(file)
    secrets = {}
    if manifest.keys and not without_keys:
        secrets = restores.read_secrets(file, manifest, _passphrase(settings, passphrase_file))
        _refuse_other_secrets(settings.data_dir, secrets, replace=replace)
    with Console(stderr=True).status("restore") as status:
        report = restores.restore(
            file, manifest, settings.database, replace=replace, progress=status.update
        )
    for name, secret in secrets.items():
        _write_secret(settings.data_dir / name, secret)
    _say(manifest, report, as_json=as_json)
    raise SystemExit(0 if report.ok else 1)


def _say(manifest: Manifest, report: Report, *, as_json: bool) -> None:
    rows = sum(part.rows for part in manifest.tables)
    faults = [{"where": fault.where, "what": fault.what} for fault in report.faults]
    if as_json:
        made = manifest.made_at.isoformat()
        facts = {"ok": report.ok, "made_at": made, "rows": rows, "faults": faults}
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    click.echo(f"Restored {rows} rows of {manifest.made_at:%Y-%m-%d %H:%M} UTC.")
    for fault in faults:
        click.echo(f"{fault['where']}: {fault['what']}")
    if report.ok:
        click.echo(
            "The books agree. Start the server: every till sends again what came after the backup; "
            "enter again what was done on the pages since."
        )
    else:
        click.echo("These faults were in the backup: look for an earlier one that verifies.")


def _passphrase(settings: Settings, file: Path | None) -> str:
    """The passphrase that the command line or the settings name.

    Raises:
        ConfigError: none is named, or it cannot be read, or it is short.
    """
    named = file or settings.backup.passphrase_file
    if named is None:
        raise ConfigError("name a --passphrase-file for the keys, or say --without-keys")
    return read_passphrase(named)


def _refuse_running(settings: Settings) -> None:
    """A server that writes meanwhile would write into what is being replaced."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex((settings.server.host, settings.server.port)) == 0:
            raise ConfigError(
                f"something answers at {settings.server.host}:{settings.server.port}: "
                "stop the server, then restore"
            )


def _refuse_other_secrets(data_dir: Path, secrets: dict[str, bytes], *, replace: bool) -> None:
    for name, secret in secrets.items():
        path = data_dir / name
        if path.exists() and path.read_bytes() != secret and not replace:
            raise BadInputError(
                f"{path} is another key than the backup's: say --replace to give it up"
            )


def _write_secret(path: Path, secret: bytes) -> None:
    """Write whole or not at all; what was there stays beside as ``….before-restore``."""
    if path.exists() and path.read_bytes() == secret:
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.restoring")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        path.replace(path.with_name(f"{path.name}.before-restore"))
    fresh.rename(path)
