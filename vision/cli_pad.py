"""``dafan vision pad``: presentation attacks, rendered and counted."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import click
import cv2
from rich.console import Console
from rich.progress import track
from rich.table import Table

from vision.errors import ModelError
from vision.packs import load_pack
from vision.pad import DISCLAIMER, Case, measure
from vision.samples import sample_faces

_errors = Console(stderr=True)


@click.command()
@click.option(
    "--each", default=2, show_default=True, type=click.IntRange(1, 200),
    help="Presentations of each of five people in each of five kinds; about 1 s each.",
)  # fmt: skip
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0, 2**31))
@click.option("--pack", "pack_name", help="A pack of `dafan models list`.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def pad(each: int, seed: int, pack_name: str | None, *, as_json: bool) -> None:
    """How many pictures pass for faces: paper, screens, replays and cut-outs, rendered.

    APCER for each kind and BPCER in the style of ISO/IEC 30107-3; no certification.
    """
    cv2.setNumThreads(1)  # its threads and the models' would fight for the same cores
    pack = load_pack(pack_name)
    if pack.liveness is None:
        raise ModelError(f"pack {pack.name} has no liveness model here: run `dafan models pull`")
    found = measure(pack, sample_faces(), each, seed, progress=_progress)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    _print(found)


def _progress(cases: Sequence[Case]) -> Iterable[Case]:
    return track(cases, "Presenting", total=len(cases), console=_errors, transient=True)


def _print(found: dict[str, Any]) -> None:
    table = Table("", "n", "paid", "PIN", "refused", "no face", "rate", "95 %", "model alone")
    for kind, row in found["attacks"].items():
        table.add_row(
            kind, *_counts(row), f"APCER {row['apcer']:.1%}", _between(row["apcer_95"]),
            f"{row['apcer_model_alone']:.1%}",
        )  # fmt: skip
    row = found["bona_fide"]
    table.add_row(
        "bona fide", *_counts(row), f"BPCER {row['bpcer']:.1%}", _between(row["bpcer_95"]), ""
    )
    Console().print(table)
    for name, told in found["worn"].items():
        click.echo(
            f"{name:<12} {told['recognised']} of {told['frames']} recognised, "
            f"{told['unusable']} without a usable face, {told['told_as_covered']} told as covered"
        )
    click.echo(DISCLAIMER)


def _counts(row: dict[str, Any]) -> list[str]:
    names = ("presentations", "accepted", "asked_for_pin", "refused", "no_response")
    return [str(row[name]) for name in names]


def _between(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.1%} to {bounds[1]:.1%}"
