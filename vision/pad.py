"""How many pictures pass for faces, and how many faces for pictures: counted on rendered ones.

The counts follow ISO/IEC 30107-3 (GB/T 41815.3-2023): APCER is the share of attack presentations
of one kind that are taken for bona fide, BPCER the share of bona fide ones taken for attacks, and
presentations that give no usable face are counted apart. The standard sets no level to pass, and a
certificate needs real instruments of attack in a laboratory: these figures are neither.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from vision.images import BgrImage
from vision.moire import grid
from vision.motion import glimpse, motion
from vision.packs import Pack
from vision.pad_render import ATTACKS, FRAMES, Kind, present
from vision.pad_vote import USUAL, Bounds, Cue, Liveliness, Vote, vote
from vision.pad_wear import worn
from vision.quality import Verdict, assess
from vision.recognise import RecogniserSettings, choose_payer
from vision.samples import Sample

AGREE = 3
"""Usable frames without which a till decides nothing."""
DISCLAIMER = (
    "Rendered presentations of five people: they compare rules and show faults. They are no "
    "certification and say nothing certain about real paper, screens, masks or injected video."
)

Case = tuple[Kind, int, int]
"""What is presented, whose face, and the seed."""
Progress = Callable[[Sequence[Case]], Iterable[Case]]


def quiet(cases: Sequence[Case]) -> Iterable[Case]:
    """No progress shown."""
    return cases


@dataclass(frozen=True, slots=True)
class Presentation:
    """What was presented, and how it was judged.

    Attributes:
        kind: What it was.
        full: By the vote with the cues; ``None``: too few usable frames.
        model: By the model's middle score alone.
        single: By the model's first frame alone, as without a vote.
    """

    kind: Kind
    full: Vote | None
    model: Vote | None
    single: Vote | None


def judge(
    pack: Pack, kind: Kind, frames: Sequence[BgrImage], bounds: Bounds = USUAL
) -> Presentation:
    """Judge the frames of one presentation as a till does, whoever the face belongs to.

    Args:
        pack: With a liveness model.
        kind: What they show.
        frames: In order.
        bounds: The operating point.
    """
    scores, grids, glimpses = [], [], []
    settings = RecogniserSettings()
    for image in frames:
        face, _, verdict = choose_payer(image, pack.detector.detect(image), settings)
        if face is None or verdict is Verdict.TWO_FACES or pack.liveness is None:
            continue
        box = face.box
        face = pack.detector.refine(image, face)
        if assess(image, face, settings.gate) is not Verdict.OK:
            continue
        scores.append(pack.liveness.score(image, box))
        grids.append(grid(image, box))
        glimpses.append(glimpse(image, box, face.points))
    if len(scores) < AGREE:
        return Presentation(kind, None, None, None)
    full = vote(scores, grids, motion(glimpses), bounds)
    return Presentation(kind, full, vote(scores, bounds=bounds), vote(scores[:1], bounds=bounds))


def measure(
    pack: Pack,
    people: list[Sample],
    each: int,
    seed: int = 1,
    bounds: Bounds = USUAL,
    progress: Progress = quiet,
    attacks: Sequence[Kind] = ATTACKS,
) -> dict[str, Any]:
    """Present every person ``each`` times in every kind, and count.

    Args:
        pack: With a liveness model.
        people: Whose faces are shown; those who look aside are left out.
        each: Presentations of each person and kind.
        seed: The same one gives the same presentations.
        bounds: The operating point.
        progress: Wraps the work to show it.
        attacks: Only these.

    Returns:
        The report, as ``dafan vision pad --json`` prints it.
    """
    frontal = [person for person in people if person.frontal]
    cases = [
        (kind, number, seed * 1000 + turn)
        for kind in (Kind.BONA_FIDE, *attacks)
        for turn in range(each)
        for number in range(len(frontal))
    ]
    judged = [
        judge(pack, kind, present(kind, frontal, number, case_seed), bounds)
        for kind, number, case_seed in progress(cases)
    ]
    living = [one for one in judged if one.kind is Kind.BONA_FIDE]
    return {
        "method": "ISO/IEC 30107-3 style, rendered presentations",
        "disclaimer": DISCLAIMER,
        "pack": pack.name,
        "people": len(frontal),
        "frames": FRAMES,
        "seed": seed,
        "operating_point": {name: getattr(bounds, name) for name in Bounds.__slots__},
        "attacks": {
            kind.value: _attack([one for one in judged if one.kind is kind]) for kind in attacks
        },
        "apcer_highest": max(
            _attack([one for one in judged if one.kind is kind])["apcer"] for kind in attacks
        ),
        "bona_fide": _bona_fide(living),
        "worn": worn(pack, frontal, each, seed),
    }


def _attack(judged: Sequence[Presentation]) -> dict[str, Any]:
    """An attack that pays by the face alone counts as one that got through."""
    passed = sum(_is(one.full, Liveliness.LIVE) for one in judged)
    return {
        "presentations": len(judged),
        "no_response": sum(one.full is None for one in judged),
        "accepted": passed,
        "asked_for_pin": sum(_is(one.full, Liveliness.UNSURE) for one in judged),
        "refused": sum(_is(one.full, Liveliness.NOT_LIVE) for one in judged),
        "apcer": _share(passed, len(judged)),
        "apcer_95": interval(passed, len(judged)),
        "apcer_model_alone": _share(
            sum(_is(one.model, Liveliness.LIVE) for one in judged), len(judged)
        ),
        "apcer_one_frame": _share(
            sum(_is(one.single, Liveliness.LIVE) for one in judged), len(judged)
        ),
        "cues": _cues(judged),
    }


def _bona_fide(judged: Sequence[Presentation]) -> dict[str, Any]:
    refused = sum(_is(one.full, Liveliness.NOT_LIVE) for one in judged)
    unsure = sum(_is(one.full, Liveliness.UNSURE) for one in judged)
    return {
        "presentations": len(judged),
        "no_response": sum(one.full is None for one in judged),
        "accepted": sum(_is(one.full, Liveliness.LIVE) for one in judged),
        "asked_for_pin": unsure,
        "refused": refused,
        "bpcer": _share(refused, len(judged)),
        "bpcer_95": interval(refused, len(judged)),
        "asked_for_pin_rate": _share(unsure, len(judged)),
        "asked_for_pin_model_alone": _share(
            sum(_is(one.model, Liveliness.UNSURE) for one in judged), len(judged)
        ),
        "cues": _cues(judged),
    }


def _is(found: Vote | None, says: Liveliness) -> bool:
    return found is not None and found.says is says


def _cues(judged: Iterable[Presentation]) -> dict[str, int]:
    told = Counter(cue for one in judged if one.full for cue in one.full.cues)
    return {cue.value: told[cue] for cue in Cue}


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def interval(part: int, whole: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share, 95 %: honest at 0 of few as well.

    Source: Wilson 1927, Journal of the American Statistical Association 22.
    """
    if whole == 0:
        return 0.0, 1.0
    share, weight = part / whole, z * z / whole
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * sqrt(share * (1 - share) / whole + weight / (4 * whole))
    return round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)
