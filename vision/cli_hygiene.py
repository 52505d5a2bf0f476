"""``dafan vision hygiene`` and ``dafan vision hygiene-figures``."""

import json
import time
from pathlib import Path
from typing import Any

import click

from dafan.errors import DafanError
from vision.hygiene import Hygiene, load_hygiene
from vision.hygiene_figures import in_a_frame, look_json, main_verdict, measure, time_frames
from vision.images import read_image

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_path = click.Path(path_type=Path)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_path)
@_json
@click.pass_context
def hygiene(context: click.Context, files: tuple[Path, ...], *, as_json: bool) -> None:
    """Who is in each picture, and which rules of kitchen hygiene are broken.

    Exit 1 if a file could not be looked at; the others are.
    """
    looking = _load()
    rows = [_look_at(looking, path) for path in files]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        for row in rows:
            click.echo(_line(row))
    if any("error" in row for row in rows):
        context.exit(1)


@click.command(name="hygiene-figures")
@click.argument("folder", type=_path)
@_json
def hygiene_figures(folder: Path, *, as_json: bool) -> None:
    """Precision and recall on a folder of labelled photographs, and what a frame costs.

    The folder holds expected.json: per file `true_label`, Mask, NoMask or null.
    """
    looking = _load()
    result = measure(looking, folder)
    frames = []
    for path in sorted(folder.glob("*mask_*.jpg")):
        image = read_image(path)
        face = main_verdict(looking.look(image)).box
        if face is not None:
            frames.append(in_a_frame(image, face, 96))
    if frames:
        result["frames_of_720p"] = time_frames(looking, frames)
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=1))
        return
    for name, value in result.items():
        for row in value if isinstance(value, list) else [value]:
            text = ", ".join(f"{key.replace('_', ' ')} {part}" for key, part in row.items())
            click.echo(f"{name.replace('_', ' '):<16} {text}")


def _load() -> Hygiene:
    looking, notes = load_hygiene()
    for note in notes:
        click.echo(note, err=True)
    return looking


def _look_at(looking: Hygiene, path: Path) -> dict[str, Any]:
    try:
        image = read_image(path)
        start = time.perf_counter()
        look = looking.look(image)
    except DafanError as error:
        return {"file": path.name, "error": str(error), "code": error.code}
    milliseconds = round((time.perf_counter() - start) * 1000, 1)
    size = {"width": image.shape[1], "height": image.shape[0]}
    return {"file": path.name, **size, "ms": milliseconds, **look_json(look)}


def _line(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"{row['file']}: {row['error']}"
    masks = [person["mask"]["state"] for person in row["persons"]]
    counted = ", ".join(f"{masks.count(word)} {word}" for word in dict.fromkeys(masks))
    broken = (
        ", ".join(f"{v['rule']} {v['score']:.2f}" for v in row["violations"]) or "nothing wrong"
    )
    return f"{row['file']}: {len(masks)} persons ({counted or '-'}); {broken}"
