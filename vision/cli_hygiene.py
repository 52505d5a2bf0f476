"""``dafan vision hygiene``, ``hygiene-figures`` and ``teach``."""

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from dafan.errors import DafanError
from vision.boxes import Box
from vision.features import load_backbone
from vision.hygiene import Hygiene, load_hygiene
from vision.hygiene_figures import in_a_frame, look_json, main_verdict, measure, time_frames
from vision.images import SUFFIXES, read_image
from vision.taught import Bar, Example, TeachingError, may_go_live
from vision.taught import teach as teach_rule
from vision.taught_file import to_bytes

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


@click.command()
@click.option("--rule", required=True, help="no_hat, no_clothes, bin_open, ...")
@click.option("--region", help="Of a thing: left,top,width,height as parts of the picture.")
@click.option("--right", required=True, type=_path, help="Folder of crops where all is well.")
@click.option("--wrong", required=True, type=_path, help="Folder of crops of the violation.")
@click.option(
    "--precision",
    type=click.FloatRange(0.5, 0.999),
    default=Bar.precision,
    show_default=True,
    help="Least lower bound.",
)
@click.option("--out", type=_path, help="Where the rule is kept, if it may go live.")
@_json
def teach(
    rule: str,
    region: str | None,
    right: Path,
    wrong: Path,
    precision: float,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    """Teach a rule by labelled crops and say, by cross-validation, how good it is.

    A crop is of the moment when its file was last changed: copy with the time kept.
    """
    examples = [*_examples(right, wrong=False), *_examples(wrong, wrong=True)]
    bar = Bar(precision=precision)
    taught = teach_rule(rule, _region(region), examples, load_backbone(), bar)
    report = asdict(taught.report)
    for counts, said in (("moments", taught.report.moments), ("crops", taught.report.crops)):
        report[counts] |= {"precision": round(said.precision, 4), "recall": round(said.recall, 4)}
    if as_json:
        click.echo(json.dumps(report, indent=1))
    else:
        for name, value in report.items():
            click.echo(f"{name:<10} {value}")
    may_go_live(taught)
    if out is not None:
        out.write_bytes(to_bytes(taught))


def _examples(folder: Path, *, wrong: bool) -> list[Example]:
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES)
    return [
        Example(read_image(p), wrong, datetime.fromtimestamp(p.stat().st_mtime, UTC)) for p in paths
    ]


def _region(text: str | None) -> Box | None:
    if text is None:
        return None
    try:
        x, y, w, h = (float(part) for part in text.split(","))
    except ValueError as error:
        raise TeachingError(
            f"--region {text}: write left,top,width,height, such as 0.1,0.2,0.3,0.4"
        ) from error
    return Box(x, y, w, h)
