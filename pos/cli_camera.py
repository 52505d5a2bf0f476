"""``dafan till camera``: what the camera sees, and what the till makes of each face."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dafan.config import load_settings
from dafan.config_place import PlaceSettings
from dafan.errors import BadInputError, ConfigError, DeviceError
from pos.place_view import WORDS, PlaceLook

if TYPE_CHECKING:  # loads OpenCV
    from devices.pictures import Image

WARM_UP = 15
"""Frames until a lens has found its light: the first ones are dark."""
_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class Taken:
    """A picture to look at: its name, and its pixels or what is wrong with it."""

    name: str
    image: "Image | None" = None
    error: str = ""


@dataclass(frozen=True)
class Seen:
    """A picture that was looked at, or what is wrong with it."""

    name: str
    look: PlaceLook | None = None
    error: str = ""


@click.command()
@click.option("--image", type=_PATH, help="A picture, or a folder of them, not the camera.")
@click.option("--shot", type=_PATH, help="Draw it into this .jpg or .png; of a folder, a folder.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def camera(image: Path | None, shot: Path | None, *, as_json: bool) -> None:
    """See the zone of [till.place] and each face: how wide it is, and whether it may pay.

    A till that runs holds its camera: stop it first, or look on its own screen, at the staff's
    desk under 镜头与付款区. Take pictures for --image by the till's camera, in their full size: in
    another camera's a face has another width.
    """
    settings = load_settings()
    taken = _of_files(image, shot) if image else _of_camera(settings.till.camera)
    folder = image is not None and image.is_dir()
    seen = _look(taken, settings.vision.pack, settings.till.place, shot, folder)
    if not any(one.look for one in seen):
        raise BadInputError(seen[0].error)
    (_print_json if as_json else _print)(seen, settings.till.place)


# --- pictures -------------------------------------------------------------------------------------


def _of_camera(source: str) -> list[Taken]:
    """One frame of the till's own camera."""
    from devices.camera import without_password  # noqa: PLC0415 - loads OpenCV
    from pos.hardware import is_lens  # noqa: PLC0415 - loads every device

    if not source:
        raise ConfigError(
            'no camera is set: write camera = "0" under [till] in dafan.toml, '
            "or look at a picture with --image FILE"
        )
    name = without_password(source)
    try:
        image = _frame(source)
    except DeviceError as error:
        held = "; a till that runs holds it: stop it first" if is_lens(source) else ""
        raise DeviceError(f"{error}{held}") from error
    if image is None:
        raise DeviceError(f"camera {name} sends no picture: check cable and address")
    return [Taken(f"camera {name}", image)]


def _frame(source: str) -> "Image | None":
    from devices.camera import open_source  # noqa: PLC0415 - loads OpenCV

    opened = open_source(source)
    try:
        frame = opened.read()
        for _ in range(WARM_UP if opened.live else 0):
            frame = opened.read() or frame
    finally:
        opened.close()
    return frame.image if frame else None


def _of_files(path: Path, shot: Path | None) -> Iterable[Taken]:
    """A picture, or those of a folder; of one that cannot be read, what is wrong with it."""
    from devices.camera import PICTURES  # noqa: PLC0415 - loads OpenCV

    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        if shot is not None and shot.exists() and shot.samefile(path):
            raise BadInputError(f"{shot} is what is looked at: write to another name")
        if path.is_dir():
            files = [one for one in files if one.suffix.lower() in PICTURES]
            if shot is not None:
                shot.mkdir(exist_ok=True)
    except OSError as error:
        raise BadInputError(f"cannot use {error.filename}: {error.strerror}") from error
    if not files:
        raise BadInputError(f"folder {path} holds no pictures: put JPEG or PNG files there")
    return map(_of_file, files)  # one after the other: a folder may be large


def _of_file(file: Path) -> Taken:
    from devices.pictures import load_picture  # noqa: PLC0415 - loads OpenCV

    if file.exists() and not file.is_file():  # a device or a pipe may never end
        return Taken(file.name, error=f"{file} is no file: use JPEG or PNG")
    try:
        return Taken(file.name, load_picture(file))
    except DeviceError as error:
        return Taken(file.name, error=str(error))


# --- looking --------------------------------------------------------------------------------------


def _look(
    pictures: Iterable[Taken],
    pack_name: str | None,
    place: PlaceSettings,
    shot: Path | None,
    folder: bool,
) -> list[Seen]:
    """Look at each picture as the till does, and draw what was seen."""
    from pos.place_look import look_of  # noqa: PLC0415 - loads the models' runtime
    from pos.recognising import looking  # noqa: PLC0415 - same
    from vision.packs import load_pack  # noqa: PLC0415 - same
    from vision.recognise import survey  # noqa: PLC0415 - same

    settings, pack = looking(place), None
    seen = []
    for one in pictures:
        if one.image is None:
            seen.append(Seen(one.name, error=one.error))
            continue
        pack = pack or load_pack(pack_name)
        look = look_of(survey(pack.detector, one.image, settings), one.image)
        if shot is not None:
            _draw(one.image, look, shot / one.name if folder else shot)
        seen.append(Seen(one.name, look))
    return seen


def _draw(image: "Image", look: PlaceLook, path: Path) -> None:
    from devices.pictures import save_picture  # noqa: PLC0415 - loads OpenCV
    from pos.place_picture import draw  # noqa: PLC0415 - same

    save_picture(draw(image, look), path)


# --- telling --------------------------------------------------------------------------------------


def _suggested(seen: Sequence[Seen]) -> int | None:
    from pos.place_look import suggested_px  # noqa: PLC0415 - loads the models' runtime

    return suggested_px([one.look for one in seen if one.look])


def _print_json(seen: Sequence[Seen], place: PlaceSettings) -> None:
    pixels = _suggested(seen)
    told = place.model_dump() | {
        "pictures": [_facts(one) for one in seen],
        "suggestion": None if pixels is None else {"face_px": pixels},
    }
    click.echo(json.dumps(told, ensure_ascii=False))


def _facts(one: Seen) -> dict[str, Any]:
    if one.look is None:
        return {"picture": _shown(one.name), "error": _shown(one.error)}
    facts = asdict(one.look)
    return {"picture": _shown(one.name)} | {
        name: facts[name] for name in ("width", "height", "verdict", "faces")
    }


def _shown(text: str) -> str:
    """Text that any terminal takes: a file's name may hold bytes that are no letters."""
    return text.encode("utf-8", "replace").decode()


def _print(seen: Sequence[Seen], place: PlaceSettings) -> None:
    from rich.console import Console  # noqa: PLC0415 - only where a table is wanted
    from rich.markup import escape  # noqa: PLC0415 - same
    from rich.table import Table  # noqa: PLC0415 - same

    zone = ", ".join(f"{part:g}" for part in place.zone)
    table = Table("picture", "pixels", "face", "left, top", "width", "the till says")
    for one in seen:
        for row in _rows(one):
            table.add_row(*(escape(_shown(cell)) for cell in row))
    console = Console()
    console.print(table)
    console.print(escape(f"[till.place]  zone = [{zone}]  face_px = {place.face_px}"))
    console.print(_advice(_suggested(seen), place), soft_wrap=True)


def _rows(one: Seen) -> Iterator[tuple[str, ...]]:
    if one.look is None:
        yield one.name, "", "", "", "", one.error
        return
    look, size = one.look, f"{one.look.width} x {one.look.height}"
    if not look.faces:
        yield one.name, size, "", "", "", WORDS[look.verdict]
    for number, face in enumerate(look.faces, 1):
        x, y = face.box[:2]
        name = (one.name, size) if number == 1 else ("", "")
        yield *name, str(number), f"{x}, {y}", str(face.width), WORDS[face.verdict]


def _advice(pixels: int | None, place: PlaceSettings) -> str:
    if pixels is None:
        return (
            "No suggestion: let one person stand where payers are to stand, and look again "
            "(a second one where the next in line waits)."
        )
    if pixels == place.face_px:
        return f"face_px = {pixels} fits, if whoever is in front stands where payers are to stand."
    return (
        f"Suggestion: face_px = {pixels}, if whoever is in front stands where payers are to stand: "
        "he pays then, and nobody who is clearly further away."
    )
