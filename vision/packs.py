"""Packs: a detector, an embedder, liveness and the figures to decide by, checked by SHA-256."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vision.align import Template
from vision.detect import Detector, DlibHog, YuNet
from vision.embed import Embedder, OnnxEmbedder
from vision.errors import ModelError
from vision.liveness import Liveness
from vision.manifest import (
    DEFAULT_PACK,
    FALLBACK_PACK,
    Feed,
    Manifest,
    PackEntry,
    find_file,
    load_manifest,
    model_folders,
)


@dataclass(frozen=True, eq=False)
class Pack:
    """Everything that turns a frame into a vector and a vector into a decision.

    Vectors of different packs never mix: store :attr:`name` with each.

    Attributes:
        name: The pack's name in the manifest.
        detector: Finds faces.
        embedder: Chips to unit vectors.
        liveness: ``None`` where its files are missing: a face payment then asks for the PIN.
        threshold: Least cosine of a match, calibrated.
        margin: Least lead of the best person over the next.
        calibrated_far: Chance that a stranger passes the threshold against one template.
        notes: What a person should know: files missing, licences.
    """

    name: str
    detector: Detector
    embedder: Embedder
    liveness: Liveness | None
    threshold: float
    margin: float
    calibrated_far: float | None
    notes: tuple[str, ...] = ()

    @property
    def embedding_size(self) -> int:
        """Numbers in a vector."""
        return self.embedder.size


def load_pack(name: str | None = None, folders: Sequence[Path] | None = None) -> Pack:
    """Load a pack.

    Args:
        name: A pack of the manifest. ``None``: the default, or, where its files are missing, the
            pack that needs nothing but PyPI.
        folders: Where to look for files; ``None``: ``models/weights`` and ``DAFAN_MODELS``.

    Raises:
        ModelError: no such pack, a file is missing, or a file has the wrong checksum.
    """
    manifest = load_manifest()
    places = model_folders() if folders is None else list(folders)
    if name is None:
        name = DEFAULT_PACK
        if missing_files(name, places) and not missing_files(FALLBACK_PACK, places):
            name = FALLBACK_PACK
    entry = manifest.pack(name)
    if entry.kind == "insightface":
        return _load_insightface(name, entry, places, manifest)
    missing = missing_files(name, places)
    if missing:
        where = ", ".join(str(place) for place in places)
        raise ModelError(
            f"the model pack '{name}' is not here: {', '.join(missing)} not found in {where}. "
            f"Run `dafan models pull --pack {name}` or set DAFAN_MODELS to a folder that has them."
        )
    embedder = _embedder(entry.embedder, places, manifest)
    detector = next(
        d for key in entry.detectors if (d := _detector(key, embedder, places, manifest))
    )
    liveness, notes = _liveness(entry, places, manifest)
    return Pack(
        name,
        detector,
        embedder,
        liveness,
        entry.threshold,
        entry.margin,
        entry.calibrated_far,
        notes,
    )


def missing_files(name: str, folders: Sequence[Path]) -> list[str]:
    """Names of the files without which a pack cannot run; liveness may be missing.

    Raises:
        ModelError: no such pack, or a file has the wrong checksum.
    """
    manifest = load_manifest()
    entry = manifest.pack(name)
    here = {k for k in (*entry.detectors, entry.embedder) if k and find_file(k, folders, manifest)}
    missing = [] if entry.embedder in here else [manifest.files[entry.embedder].names[0]]
    if not here.intersection(entry.detectors):
        missing.append(" or ".join(manifest.files[key].names[0] for key in entry.detectors))
    return missing


def template_of(feed: Feed) -> Template:
    """The template of a manifest's feed."""
    return Template(np.asarray(feed.template, np.float32), feed.size)


def _embedder(key: str, folders: Sequence[Path], manifest: Manifest) -> Embedder:
    found, feed = find_file(key, folders, manifest), manifest.files[key].feed
    if found is None or feed is None:
        raise ModelError(f"{manifest.files[key].names[0]} is missing: run `dafan models pull`")
    return OnnxEmbedder(found[1], found[0].name, feed, template_of(feed))


def _detector(
    key: str, embedder: Embedder, folders: Sequence[Path], manifest: Manifest
) -> Detector | None:
    found = find_file(key, folders, manifest)
    if found is None:
        return None
    if key.startswith("dlib"):
        return DlibHog(str(found[0]), embedder.template)
    return YuNet(found[1])


def _liveness(
    entry: PackEntry, folders: Sequence[Path], manifest: Manifest
) -> tuple[Liveness | None, tuple[str, ...]]:
    parts = []
    for key in entry.liveness:
        found = find_file(key, folders, manifest)
        if found is None:
            name = manifest.files[key].names[0]
            return None, (f"no liveness model ({name} is missing): face payments ask for the PIN",)
        parts.append((found[1], manifest.files[key].crop))
    return (Liveness(parts), ()) if parts else (None, ("the pack has no liveness model",))


def _load_insightface(
    name: str, entry: PackEntry, folders: Sequence[Path], manifest: Manifest
) -> Pack:
    from vision.buffalo import load_buffalo  # noqa: PLC0415 - insightface takes 0.7 s to import

    detector, embedder = load_buffalo(entry.buffalo)
    liveness, notes = _liveness(entry, folders, manifest)
    licence = "InsightFace's buffalo models are licensed for non-commercial research only"
    return Pack(
        name, detector, embedder, liveness, entry.threshold, entry.margin, entry.calibrated_far,
        (licence, *notes),
    )  # fmt: skip
