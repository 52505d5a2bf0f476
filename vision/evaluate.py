"""How good is a pack: on labelled pairs, on a gallery with strangers, on single photos."""

import csv
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from dafan.errors import BadInputError
from vision.detect import Face
from vision.embed import Vectors
from vision.errors import ImageError, ModelError
from vision.gallery import Gallery, Vector
from vision.images import SUFFIXES, BgrImage, read_image
from vision.metrics import figures
from vision.packs import Pack
from vision.recognise import embed_face, find_in_photo

SMALL = 336
"""Photos smaller than this are enlarged before a face is looked for."""
BORDER = 0.2

Progress = Callable[[Iterable[Path], int], Iterable[Path]]


def quiet(paths: Iterable[Path], total: int) -> Iterable[Path]:
    """No progress shown."""
    del total
    return paths


def photo_face(pack: Pack, image: BgrImage) -> tuple[BgrImage, Face] | None:
    """The largest face of a photograph, with the image its coordinates belong to.

    A photograph may be small, or filled by the face: it is then enlarged, and given a border.
    """
    found = find_in_photo(pack, image) if max(image.shape[:2]) >= SMALL else []
    if found:
        return image, pack.detector.refine(image, found[0])
    factor = max(1.0, SMALL / max(image.shape[:2]))
    large = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    edge = round(BORDER * max(large.shape[:2]))
    wide = np.asarray(
        cv2.copyMakeBorder(large, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(0, 0, 0)),
        np.uint8,
    )
    found = find_in_photo(pack, wide)
    return (wide, pack.detector.refine(wide, found[0])) if found else None


@dataclass
class Photos:
    """Vectors of photographs, each looked at once, and what went wrong with the others."""

    pack: Pack
    vectors: dict[Path, Vector]
    no_face: list[str]
    unreadable: dict[str, str]
    ms: list[float]

    @classmethod
    def of(cls, pack: Pack, paths: Iterable[Path], progress: Progress = quiet) -> "Photos":
        """Look at every photograph once."""
        photos = cls(pack, {}, [], {}, [])
        unique = sorted(set(paths))
        for path in progress(unique, len(unique)):
            photos._look(path)
        return photos

    def _look(self, path: Path) -> None:
        try:
            image = read_image(path)
        except ImageError as error:
            self.unreadable[path.name] = str(error)
            return
        start = time.perf_counter()
        found = photo_face(self.pack, image)
        if found is None:
            self.no_face.append(path.name)
            return
        self.vectors[path] = embed_face(self.pack, *found)[0]
        self.ms.append((time.perf_counter() - start) * 1000)

    def report(self) -> dict[str, Any]:
        """What could not be used, and the time it took."""
        return {
            "images": len(self.vectors) + len(self.no_face) + len(self.unreadable),
            "faces_not_found": len(self.no_face),
            "without_face": self.no_face,
            "unreadable": self.unreadable,
            "ms_per_face": round(median(self.ms), 2) if self.ms else None,
        }


def read_pairs(path: Path) -> list[tuple[str, str, bool]]:
    """Read ``file_x,file_y,Decision`` with Yes or No.

    Raises:
        BadInputError: not such a table; names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"{path.name} cannot be read as CSV: {error}") from error
    pairs = []
    for line, row in enumerate(rows, start=2):
        same = {"yes": True, "no": False}.get(str(row.get("Decision") or "").strip().lower())
        x, y = row.get("file_x"), row.get("file_y")
        if not x or not y or same is None:
            raise BadInputError(
                f"{path.name}, line {line}: expected file_x,file_y,Decision with Yes or No"
            )
        pairs.append((x.strip(), y.strip(), same))
    if not pairs:
        raise BadInputError(f"{path.name} holds no pairs: write file_x,file_y,Decision lines")
    return pairs


def evaluate_pairs(
    pack: Pack, pairs_file: Path, folder: Path, progress: Progress = quiet
) -> dict[str, Any]:
    """Verify labelled pairs of photographs.

    Raises:
        BadInputError: the table is no table of pairs, the folder is none, or too few pairs remain.
    """
    pairs = read_pairs(pairs_file)
    _require_folder(folder)
    names = {name for x, y, _ in pairs for name in (x, y)}
    inside = {name: _inside(folder, name) for name in names}
    photos = Photos.of(pack, inside.values(), progress)
    scores: dict[bool, list[float]] = {True: [], False: []}
    for x, y, same in pairs:
        a, b = photos.vectors.get(inside[x]), photos.vectors.get(inside[y])
        if a is not None and b is not None:
            scores[same].append(float(a @ b))
    genuine, impostor = np.array(scores[True]), np.array(scores[False])
    result: dict[str, Any] = {
        "pack": pack.name,
        "pairs": len(pairs),
        "pairs_used": len(genuine) + len(impostor),
        **photos.report(),
    }
    if not len(genuine) or not len(impostor):
        raise BadInputError(
            f"of {len(pairs)} pairs {len(genuine)} Yes and {len(impostor)} No could be used "
            f"({len(photos.unreadable)} images unreadable, {len(photos.no_face)} without a face): "
            "both kinds are needed"
        )
    found = figures(genuine, impostor)
    return result | {
        "tar_at_far_1e-2": round(found.tar[1e-2], 4),
        "tar_at_far_1e-3": round(found.tar[1e-3], 4),
        "best_accuracy": round(found.best_accuracy, 4),
        "best_threshold": round(found.best_threshold, 4),
        "eer": round(found.eer, 4),
        "threshold": pack.threshold,
        "tar_at_threshold": round(float((genuine >= pack.threshold).mean()), 4),
        "far_at_threshold": round(float((impostor >= pack.threshold).mean()), 6),
    }


def identify(
    pack: Pack, gallery_folder: Path, probe_folder: Path, progress: Progress = quiet
) -> dict[str, Any]:
    """Search probes in a gallery; probes of people without a gallery folder are strangers.

    Both folders hold one subfolder a person.

    Raises:
        BadInputError: a folder is none, or holds no person with a usable photo.
    """
    enrolled, probes = people_in(gallery_folder), people_in(probe_folder)
    everything = [path for paths in (*enrolled.values(), *probes.values()) for path in paths]
    photos = Photos.of(pack, everything, progress)
    gallery = Gallery(pack.embedding_size)
    gallery.replace_all(
        (str(path), person, photos.vectors[path])
        for person, paths in enrolled.items()
        for path in paths
        if path in photos.vectors
    )
    if not len(gallery):
        raise BadInputError(f"no photo in {gallery_folder} shows a face: nobody is enrolled")
    counts = dict.fromkeys(
        ("known", "strangers", "rank1", "accepted", "wrong_person", "strangers_accepted"), 0
    )
    for person, paths in probes.items():
        for path in paths:
            if path in photos.vectors:
                _count_probe(
                    counts, gallery, pack, person, photos.vectors[path], person in enrolled
                )
    known, strangers = counts["known"], counts["strangers"]
    rejected = known - counts["accepted"]
    return {
        "pack": pack.name,
        "threshold": pack.threshold,
        "margin": pack.margin,
        "gallery_people": len(enrolled),
        "gallery_templates": len(gallery),
        "probes_known": known,
        "probes_strangers": strangers,
        "rank1": counts["rank1"],
        "rank1_rate": round(counts["rank1"] / known, 4) if known else None,
        "false_accepts": counts["strangers_accepted"] + counts["wrong_person"],
        "strangers_accepted": counts["strangers_accepted"],
        "wrong_person": counts["wrong_person"],
        "false_rejects": rejected,
        "false_accept_rate": _rate(counts["strangers_accepted"], strangers),
        "false_reject_rate": _rate(rejected, known),
        **photos.report(),
    }


def _count_probe(
    counts: dict[str, int], gallery: Gallery, pack: Pack, person: str, vector: Vector, known: bool
) -> None:
    match = gallery.search(vector)
    passes = match.similarity >= pack.threshold and match.margin >= pack.margin
    right = match.person_id == person
    counts["known" if known else "strangers"] += 1
    if not known:
        counts["strangers_accepted"] += passes
        return
    counts["rank1"] += right
    counts["accepted"] += passes and right
    counts["wrong_person"] += passes and not right


def liveness_of(pack: Pack, path: Path, threshold: float) -> dict[str, Any]:
    """One photo's liveness: ``file``, ``live``, ``score``; ``error`` says why there is none.

    Raises:
        ModelError: the pack has no liveness model.
    """
    if pack.liveness is None:
        raise ModelError(f"pack {pack.name} has no liveness model here: run `dafan models pull`")
    try:
        image = read_image(path)
    except ImageError as error:
        return {"file": str(path), "live": False, "score": None, "error": str(error)}
    faces = find_in_photo(pack, image)
    if not faces:
        return {"file": str(path), "live": False, "score": None, "error": "no face found"}
    classes = pack.liveness.classes(image, faces[0].box)
    score = float(classes[1])
    live = bool(classes.argmax() == 1 and score >= threshold)
    return {"file": str(path), "live": live, "score": round(score, 4)}


def people_in(folder: Path) -> dict[str, list[Path]]:
    """Person → photographs, from a folder with one subfolder a person.

    Raises:
        BadInputError: the folder is none, or has no subfolder with pictures.
    """
    _require_folder(folder)
    people = {
        sub.name: sorted(p for p in sub.iterdir() if p.suffix.lower() in SUFFIXES)
        for sub in sorted(folder.iterdir())
        if sub.is_dir()
    }
    people = {name: paths for name, paths in people.items() if paths}
    if not people:
        raise BadInputError(f"{folder} has no subfolders with pictures: make one a person")
    return people


def all_similarities(vectors: Vectors, labels: list[str]) -> tuple[Vectors, Vectors]:
    """Cosines of every genuine pair, and of every impostor pair."""
    same = np.asarray(labels)[:, None] == np.asarray(labels)[None]
    upper = np.triu(np.ones_like(same), 1)
    cosines = vectors @ vectors.T
    return cosines[same & upper], cosines[~same & upper]


def _inside(folder: Path, name: str) -> Path:
    """A file of the folder, never one outside it."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise BadInputError(f"'{name}' lies outside {folder}: name files inside it")
    return path


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise BadInputError(f"{folder} is no folder: name the one that holds the photos")


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
