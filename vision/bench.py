"""How long each stage takes on this machine, beside the ``face_recognition`` way."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import cv2
import numpy as np

from vision.align import align
from vision.errors import ModelError
from vision.gallery import Gallery, Vector, random_unit
from vision.images import BgrImage
from vision.manifest import find_file, load_manifest, model_folders
from vision.packs import Pack, load_pack
from vision.quality import assess
from vision.recognise import Recogniser
from vision.samples import ENROLMENT, sample_faces, vary

SIZES = (1_000, 50_000, 500_000)
WARM_UP = 5


def bench_face(
    pack_name: str | None = None, frames: int = 100, templates: int = 50_000
) -> dict[str, Any]:
    """Milliseconds of each stage on 640 x 480 frames, with a gallery of random templates.

    Args:
        pack_name: Which pack; ``None``: the default.
        frames: How many frames.
        templates: Size of the gallery.

    Raises:
        ModelError: the pack's files are missing.
    """
    cv2.setNumThreads(1)
    pack = load_pack(pack_name)
    rng = np.random.default_rng(7)
    images = [vary(sample, rng, ENROLMENT) for sample in sample_faces() if sample.frontal]
    recogniser = Recogniser(pack, _random_gallery(pack.embedding_size, templates, rng))
    stages: dict[str, list[float]] = {}
    for number in range(frames + WARM_UP):
        seen = recogniser.observe(images[number % len(images)], float(number))
        if number >= WARM_UP:
            for stage, ms in (*seen.ms, ("whole_frame", sum(ms for _, ms in seen.ms))):
                stages.setdefault(stage, []).append(ms)
    return {
        "pack": pack.name,
        "frames": frames,
        "templates": templates,
        "stages": {stage: _summary(values) for stage, values in stages.items()},
        "parts": _parts(pack, images[0]),
        "face_recognition_way": _dlib_way(images, max(5, frames // 10)),
    }


def bench_gallery(
    sizes: Sequence[int] = SIZES, dim: int = 128, searches: int = 100
) -> dict[str, Any]:
    """Milliseconds of one exact search, by number of templates; each is checked against numpy."""
    rng = np.random.default_rng(7)
    rows = []
    for size in sizes:
        vectors = random_unit(size, dim, rng)
        gallery = Gallery(dim)
        gallery.replace_all((str(n), str(n), vector) for n, vector in enumerate(vectors))
        queries = _queries(vectors, searches, rng)
        ms = timed(lambda q, g=gallery: g.search(q), queries)  # type: ignore[misc]
        exact = sum(
            gallery.search(query).person_id == str(int((vectors @ query).argmax()))
            for query in queries[:10]
        )
        rows.append(
            {"templates": size, "dim": dim, **_summary(ms), "same_as_numpy": f"{exact} of 10"}
        )
    return {"searches": searches, "sizes": rows}


def timed(work: Callable[[Any], object], arguments: Sequence[Any]) -> list[float]:
    """Milliseconds of each call, after a warm-up."""
    for argument in arguments[:WARM_UP]:
        work(argument)
    ms = []
    for argument in arguments:
        start = time.perf_counter()
        work(argument)
        ms.append((time.perf_counter() - start) * 1000)
    return ms


def _summary(ms: Sequence[float]) -> dict[str, float]:
    return {"median_ms": round(median(ms), 3), "p95_ms": round(float(np.percentile(ms, 95)), 3)}


def _queries(vectors: Vector, count: int, rng: np.random.Generator) -> list[Any]:
    """Half genuine (an enrolled vector, disturbed), half strangers."""
    picked = vectors[rng.integers(len(vectors), size=count)]
    noise = random_unit(count, vectors.shape[1], rng)
    genuine = [v * 0.7 + n * 0.7 for v, n in zip(picked, noise, strict=True)]
    return [genuine[i] if i % 2 else noise[i] for i in range(count)]


def _random_gallery(dim: int, templates: int, rng: np.random.Generator) -> Gallery:
    gallery = Gallery(dim)
    vectors = random_unit(templates, dim, rng)
    gallery.replace_all((str(n), str(n), vector) for n, vector in enumerate(vectors))
    return gallery


def _parts(pack: Pack, image: BgrImage) -> dict[str, dict[str, float]]:
    """Each model by itself."""
    face = pack.detector.detect(image)[0]
    chip = align(image, face.points, pack.embedder.template)
    work: dict[str, Callable[[Any], object]] = {
        "detect_320": pack.detector.detect,
        "detect_640": lambda i: pack.detector.detect(i, 640),
        "refine": lambda i: pack.detector.refine(i, face),
        "quality": lambda i: assess(i, face),
        "align": lambda i: align(i, face.points, pack.embedder.template),
        "embed": lambda _: pack.embedder.embed([chip]),
    }
    if pack.liveness is not None:
        liveness = pack.liveness
        work["liveness_both"] = lambda i: liveness.score(i, face.box)
    return {name: _summary(timed(call, [image] * 40)) for name, call in work.items()}


def _dlib_way(images: Sequence[BgrImage], frames: int) -> dict[str, Any]:
    """Dlib HOG detector, five points, ResNet: what ``face_recognition`` does for each frame."""
    try:
        work = _dlib_pipeline()
    except ModelError as error:
        return {"skipped": str(error)}
    return _summary(timed(work, [images[n % len(images)] for n in range(frames)])) | {
        "what": "dlib HOG on the whole frame + five points + ResNet v1 (as ONNX)"
    }


def _dlib_pipeline() -> Callable[[BgrImage], object]:
    """The ResNet runs as our ONNX conversion, which is kinder to it than dlib's own execution."""
    import dlib  # noqa: PLC0415 - only for comparison

    folders, manifest = model_folders(), load_manifest()
    detector = dlib.get_frontal_face_detector()
    points = find_file("dlib_points", folders, manifest)
    pypi = load_pack("pypi")
    predictor = dlib.shape_predictor(str(points[0])) if points else None

    def work(image: BgrImage) -> object:
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        rectangles = detector(rgb, 0)
        if predictor is not None:
            for rectangle in rectangles:
                chip = dlib.get_face_chip(rgb, predictor(rgb, rectangle), size=150)
                return pypi.embedder.embed([np.asarray(chip[..., ::-1], np.uint8)])
        return pypi.embedder.embed([np.asarray(cv2.resize(image, (150, 150)), np.uint8)])

    return work
