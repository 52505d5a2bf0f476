"""Choose threshold and margin from labelled photographs, for a stated false-accept rate."""

import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vision.embed import Vectors
from vision.errors import ImageError
from vision.evaluate import Photos, Progress, all_similarities, people_in, quiet
from vision.metrics import figures, rates_at
from vision.packs import Pack

MARGINS = (0.0, 0.02, 0.05, 0.08, 0.1, 0.15)
MAX_MEMBER = 10 * 1024 * 1024


@dataclass(frozen=True)
class OpenSet:
    """One person a photo enrolled, half of the people strangers; counted over many draws.

    Attributes:
        threshold: Least similarity.
        margin: Least lead.
        known: Probes of enrolled people.
        rejected: ... that were refused.
        wrong: ... that were taken for somebody else.
        strangers: Probes of people who are not enrolled.
        accepted: ... that were taken for somebody.
    """

    threshold: float
    margin: float
    known: int
    rejected: int
    wrong: int
    strangers: int
    accepted: int


def calibrate(pack: Pack, faces: Path, progress: Progress = quiet) -> dict[str, Any]:
    """Similarities of all pairs of a labelled set, rates at thresholds, and an open-set trial.

    Args:
        pack: The models.
        faces: A folder with one subfolder a person, or a zip file of one.
        progress: Wraps the work to show it.

    Raises:
        BadInputError: no such folder or file.
        ImageError: the zip cannot be read.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = _unpack(faces, Path(scratch)) if faces.is_file() else faces
        people = people_in(folder)
        photos = Photos.of(pack, [p for paths in people.values() for p in paths], progress)
        named = [
            (n, photos.vectors[p]) for n, ps in people.items() for p in ps if p in photos.vectors
        ]
    labels = [name for name, _ in named]
    vectors = np.stack([vector for _, vector in named])
    genuine, impostor = (s.astype(np.float64) for s in all_similarities(vectors, labels))
    found = figures(genuine, impostor, (1e-2, 1e-3, 1e-4))
    low, high = np.quantile(impostor, 0.99), float(impostor.max()) + 0.05
    table = [
        (t, *rates_at(genuine, impostor, t)) for t in np.arange(np.floor(low * 50) / 50, high, 0.02)
    ]
    return {
        "pack": pack.name,
        "people": len(people),
        **photos.report(),
        "genuine_pairs": len(genuine),
        "impostor_pairs": len(impostor),
        "highest_impostor": round(float(impostor.max()), 4),
        "lowest_genuine": round(float(genuine.min()), 4),
        "eer": round(found.eer, 5),
        "tar_at_far": {f"{rate:g}": round(tar, 4) for rate, tar in found.tar.items()},
        "thresholds": [
            {"threshold": round(float(t), 3), "tar": round(tar, 4), "far": far}
            for t, tar, far in table
        ],
        "open_set": [vars(r) for r in open_set(vectors, labels, pack.threshold)],
    }


def open_set(
    vectors: Vectors, labels: list[str], threshold: float, draws: int = 20, seed: int = 1
) -> list[OpenSet]:
    """Enrol one photo of half of the people, search all other photos; for several margins."""
    rng = np.random.default_rng(seed)
    names = np.asarray(labels)
    people = np.unique(names)
    totals = {margin: np.zeros(5, int) for margin in MARGINS}
    for _ in range(draws):
        members = rng.permutation(people)[: len(people) // 2]
        rows = np.array([rng.choice(np.flatnonzero(names == name)) for name in members])
        probes = np.setdiff1d(np.arange(len(names)), rows)
        similarities = vectors[probes] @ vectors[rows].T
        for margin in MARGINS:
            totals[margin] += _trial(similarities, names[probes], members, threshold, margin)
    return [OpenSet(threshold, m, *(int(n) for n in counts)) for m, counts in totals.items()]


def _trial(
    similarities: Vectors,
    probes: npt.NDArray[np.str_],
    members: npt.NDArray[np.str_],
    threshold: float,
    margin: float,
) -> npt.NDArray[np.int64]:
    best = similarities.argmax(axis=1)
    top = np.sort(similarities, axis=1)[:, -2:]
    passes = (top[:, 1] >= threshold) & (top[:, 1] - top[:, 0] >= margin)
    known = np.isin(probes, members)
    right = members[best] == probes
    return np.array([
        known.sum(), (known & ~passes).sum(), (known & passes & ~right).sum(),
        (~known).sum(), (~known & passes).sum(),
    ])  # fmt: skip


def _unpack(archive: Path, to: Path) -> Path:
    """Unpack the pictures of a zip; names that leave the folder and huge members are refused."""
    try:
        with zipfile.ZipFile(archive) as file:
            for member in file.infolist():
                path = (to / member.filename).resolve()
                if member.is_dir() or not path.is_relative_to(to.resolve()):
                    continue
                if member.file_size > MAX_MEMBER:
                    raise ImageError(f"{archive.name}: {member.filename} is too large for a photo")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.read(member))
    except (OSError, zipfile.BadZipFile) as error:
        raise ImageError(f"{archive.name} cannot be unpacked: {error}") from error
    folders = {path.parent.parent for path in to.rglob("*") if path.is_file()}
    return min(folders, key=lambda folder: len(folder.parts), default=to)
