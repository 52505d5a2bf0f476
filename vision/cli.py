"""``dafan vision`` and ``dafan models``."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import httpx
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, track
from rich.table import Table

from dafan.errors import DafanError
from vision.calibrate import calibrate
from vision.cli_hygiene import hygiene, hygiene_figures, teach
from vision.cli_pad import pad
from vision.evaluate import evaluate_pairs, identify, liveness_of
from vision.manifest import find_file, load_manifest, model_folders, weights_folder
from vision.packs import Pack, load_pack, missing_files
from vision.pull import TIMEOUT_S, Puller

LIVE_THRESHOLD = 0.8

_errors = Console(stderr=True)

_pack = click.option("--pack", "pack_name", help="A pack of `dafan models list`.")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_path = click.Path(path_type=Path)


@click.group()
def vision() -> None:
    """Measure face recognition on labelled photos; look at pictures of the kitchen."""


vision.add_command(hygiene)
vision.add_command(hygiene_figures)
vision.add_command(teach)
vision.add_command(pad)


@vision.command()
@click.option("--pairs", required=True, type=_path, help="CSV: file_x,file_y,Decision (Yes/No).")
@click.option("--images", required=True, type=_path, help="Folder of the photos.")
@_pack
@_json
def evaluate(pairs: Path, images: Path, pack_name: str | None, *, as_json: bool) -> None:
    """How well a pack tells pairs of the same person from others."""
    _print(evaluate_pairs(_load(pack_name), pairs, images, _progress), as_json=as_json)


@vision.command(name="identify")
@click.option("--gallery", required=True, type=_path, help="One subfolder a person.")
@click.option("--probes", required=True, type=_path, help="The same; others are strangers.")
@_pack
@_json
def identify_command(gallery: Path, probes: Path, pack_name: str | None, *, as_json: bool) -> None:
    """How well a pack finds people, and refuses strangers, at its own threshold and margin."""
    _print(identify(_load(pack_name), gallery, probes, _progress), as_json=as_json)


@vision.command()
@click.argument("files", nargs=-1, required=True, type=_path)
@click.option("--threshold", default=LIVE_THRESHOLD, show_default=True, help="Live from here.")
@_pack
@_json
def liveness(
    files: tuple[Path, ...], threshold: float, pack_name: str | None, *, as_json: bool
) -> None:
    """Is each photo a live face or a picture of one."""
    pack = _load(pack_name)
    rows = [liveness_of(pack, path, threshold) for path in files]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        verdict = row.get("error") or ("live" if row["live"] else "not live")
        click.echo(f"{row['file']}  {row['score']}  {verdict}")


@vision.command(name="calibrate")
@click.option("--faces", required=True, type=_path, help="Folder or zip, one subfolder a person.")
@_pack
@_json
def calibrate_command(faces: Path, pack_name: str | None, *, as_json: bool) -> None:
    """Rates at each threshold, and strangers against a gallery with several margins."""
    result = calibrate(_load(pack_name), faces, _progress)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=1))
        return
    tables = {name: result.pop(name) for name in ("thresholds", "open_set")}
    _print(result, as_json=False)
    for name, rows in tables.items():
        table = Table(*rows[0], title=name.replace("_", " "))
        for row in rows:
            table.add_row(*(f"{value:g}" for value in row.values()))
        Console().print(table)


@click.group()
def models() -> None:
    """Fetch, list and check the model packs."""


@models.command(name="list")
@_json
def list_models(*, as_json: bool) -> None:
    """What packs there are, and which are here."""
    manifest, folders = load_manifest(), model_folders()
    rows = []
    for name, entry in manifest.packs.items():
        rows.append({
            "pack": name,
            "state": _state(name, folders),
            "threshold": entry.threshold,
            "margin": entry.margin,
            "false_accept_rate": entry.calibrated_far,
            "licences": sorted({manifest.files[key].licence for key in _keys(name)}),
            "what": entry.what,
        })  # fmt: skip
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        click.echo(f"{row['pack']:<14} {row['state']}\n{'':<14} {row['what']}")


@models.command()
@_json
@click.pass_context
def check(context: click.Context, *, as_json: bool) -> None:
    """Verify the checksum of every file that is here; exit 1 if one is wrong."""
    manifest, folders, rows = load_manifest(), model_folders(), []
    for key, entry in manifest.files.items():
        try:
            found = find_file(key, folders, manifest)
        except DafanError as error:
            rows.append({"file": entry.names[0], "state": "wrong", "detail": str(error)})
            continue
        state, detail = ("right", str(found[0])) if found else ("absent", entry.url)
        rows.append({"file": entry.names[0], "state": state, "detail": detail})
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        for row in rows:
            click.echo(f"{row['state']:<7} {row['file']}  {row['detail']}")
    if any(row["state"] == "wrong" for row in rows):
        context.exit(1)


@models.command()
@click.option(
    "--pack", "pack_name", help="A pack of `dafan models list`, or `hygiene`: the kitchen cameras."
)
def pull(pack_name: str | None) -> None:
    """Fetch a pack: the default, or what can be had in its place."""
    with (
        httpx.Client(timeout=TIMEOUT_S) as client,
        Puller(weights_folder(), model_folders(), click.echo, _meter, client) as puller,
    ):
        if pack_name == "hygiene":
            puller.pull_hygiene()
            return
        if pack_name is None:
            name = puller.pull_default()
        else:
            puller.pull(pack_name)
            name = pack_name
    pack = _load(name)
    click.echo(f"Pack '{name}' is ready: {pack.embedding_size} numbers a face.")


def _load(name: str | None) -> Pack:
    pack = load_pack(name)
    for note in pack.notes:
        click.echo(f"{pack.name}: {note}", err=True)
    return pack


def _state(name: str, folders: list[Path]) -> str:
    if load_manifest().packs[name].kind == "insightface":
        return "through the insightface package, non-commercial"
    try:
        missing = missing_files(name, folders)
    except DafanError as error:
        return f"wrong: {error}"
    return f"missing: {', '.join(missing)}" if missing else "here"


def _keys(name: str) -> list[str]:
    entry = load_manifest().packs[name]
    return [key for key in (*entry.detectors, entry.embedder, *entry.liveness) if key]


def _print(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=1))
        return
    for name, value in result.items():
        click.echo(f"{name.replace('_', ' '):<24} {value}")


def _progress(paths: Iterable[Path], total: int) -> Iterable[Path]:
    return track(paths, "Looking at photos", total=total, console=_errors, transient=True)


@contextmanager
def _meter(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    columns = ("{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_errors, transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda count: progress.advance(task, count)
