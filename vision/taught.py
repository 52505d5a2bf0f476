"""Rules taught by example on site: a marked region, a dozen crops of each kind, a small classifier.

What no public model knows (this kitchen's hats, clothes, bins) a manager shows. The classifier is
judged by cross-validation over moments, never over single crops: frames of one moment are one
example, however many there are. It goes live only if the lower bound of its precision is enough.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import NormalDist

import cv2
import numpy as np
import numpy.typing as npt

from dafan.errors import BadInputError
from vision.boxes import Box
from vision.features import LEAST_SIDE, Describer, Vector, check_crop
from vision.images import BgrImage
from vision.logistic import Line, fit
from vision.persons import RULES, State

Flags = npt.NDArray[np.bool_]


class TeachingError(BadInputError):
    """The examples cannot teach."""

    code = "bad_examples"


@dataclass(frozen=True, eq=False)
class Example:
    """One labelled crop.

    Attributes:
        crop: The marked region, cut out of a frame.
        wrong: Whether it shows the violation.
        at: When the frame was taken.
        source: What it was cut from: a camera, a photograph. Crops of different sources are of
            different moments even at the same time.
    """

    crop: BgrImage
    wrong: bool
    at: datetime
    source: str = ""


@dataclass(frozen=True)
class Bar:
    """What a taught rule must reach.

    Attributes:
        precision: Least lower bound of the precision.
        confidence: One-sided confidence of that bound.
        examples: Least crops of each kind.
        moments: Least moments of each kind: fewer cannot be spread over the folds.
        folds: Most parts of the cross-validation.
        gap_s: Frames of one source closer in time are one moment.
        alike: Crops that differ by less, in mean grey levels of 255, are one moment as well.
        sure: Least probability of a verdict; between it and its opposite all is unknown.
    """

    precision: float = 0.95
    confidence: float = 0.95
    examples: int = 12
    moments: int = 5
    folds: int = 5
    gap_s: float = 60
    alike: float = 1.5
    sure: float = 0.6


@dataclass(frozen=True)
class Counts:
    """Answers of the cross-validation, each on something the classifier was not trained on.

    Attributes:
        right_alarms: Wrong ones called wrong.
        false_alarms: Right ones called wrong.
        missed: Wrong ones not called wrong.
        quiet: Right ones not called wrong.
        unknown: Of either kind, not called anything; they are in ``missed`` and ``quiet`` too.
    """

    right_alarms: int
    false_alarms: int
    missed: int
    quiet: int
    unknown: int

    @property
    def precision(self) -> float:
        """Share of alarms that are right; 0 where there was none."""
        return self.right_alarms / max(self.right_alarms + self.false_alarms, 1)

    @property
    def recall(self) -> float:
        """Share of wrong ones that raise the alarm."""
        return self.right_alarms / max(self.right_alarms + self.missed, 1)

    @property
    def false_alarm_rate(self) -> float:
        """Share of right ones that raise the alarm."""
        return self.false_alarms / max(self.false_alarms + self.quiet, 1)


@dataclass(frozen=True)
class Report:
    """What cross-validation says.

    Attributes:
        moments: Counts by moment: what the decision to go live rests on.
        crops: Counts by crop, for the reader; crops of one moment are not independent.
        folds: Parts.
        low: Lower bound of the precision over moments.
        high: Upper bound of it.
        live: Whether it may go live.
        reason: A stable word: ``good``, ``imprecise`` (errors), ``too_few`` (no errors, but too
            few moments to prove it).
        needed: Moments of right alarms without any error that would prove the precision.
    """

    moments: Counts
    crops: Counts
    folds: int
    low: float
    high: float
    live: bool
    reason: str
    needed: int


@dataclass(frozen=True, eq=False)
class Taught:
    """A rule taught on site.

    Attributes:
        rule: One of :data:`vision.persons.RULES`.
        region: The marked place as parts of the picture; ``None``: the rule's part of a person.
        describer: Turns a crop into the numbers that the classifier weighs.
        line: The classifier.
        sure: Least probability of a verdict.
        report: How well it does.
    """

    rule: str
    region: Box | None
    describer: Describer
    line: Line
    sure: float
    report: Report

    def judge(self, crop: BgrImage) -> tuple[State, float]:
        """What a crop shows, and the probability of that answer."""
        if min(crop.shape[:2]) < LEAST_SIDE:
            return "unknown", 0.0
        wrong = float(self.line.probability(self.describer.describe(crop)[None])[0])
        return _state(wrong, self.sure), max(wrong, 1 - wrong)


def teach(
    rule: str,
    region: Box | None,
    examples: Sequence[Example],
    describer: Describer,
    bar: Bar | None = None,
) -> Taught:
    """Train on all examples, and judge by cross-validation.

    Look at :attr:`Report.live` before it is used. A false alarm becomes a further example with
    ``wrong=False``, and this is called again with all of them.

    Raises:
        TeachingError: no such rule or region, too few examples or moments of a kind, or the same
            picture is labelled right and wrong. The text says what to do.
        ImageError: an example is no picture, or too small.
    """
    bar = bar or Bar()
    _check(rule, region, examples, bar)
    wrong = np.array([e.wrong for e in examples])
    groups = moments(examples, bar)
    _enough(wrong, groups, bar)
    views = np.stack([[describer.describe(v) for v in _changed(e.crop)] for e in examples])
    report = _cross_validate(views, wrong, groups, bar)
    line = _train(views, wrong, groups)
    return Taught(rule, region, describer, line, bar.sure, report)


def may_go_live(taught: Taught) -> None:
    """Refuse a rule that is not good enough.

    Raises:
        TeachingError: says why, and what would help.
    """
    report = taught.report
    if report.live:
        return
    if report.reason == "too_few":
        raise TeachingError(
            f"no error, but only {report.moments.right_alarms} separate moments of a violation: "
            f"their precision is at least {report.low:.0%}. Label at least {report.needed}, at "
            "different times of day",
            code="too_few_examples",
        )
    raise TeachingError(
        f"its precision is {report.moments.precision:.0%} and may be as low as {report.low:.0%}: "
        f"of {report.moments.right_alarms + report.moments.false_alarms} alarms "
        f"{report.moments.false_alarms} were false. Label more examples, those above all that look "
        "alike, or mark a smaller region",
        code="imprecise",
    )


def wilson(hits: int, of: int, confidence: float) -> tuple[float, float]:
    """Wilson's interval of a share (1927): lower and upper bound, each at that confidence.

    Args:
        hits: Successes.
        of: Trials; 0 says nothing: 0 to 1.
        confidence: One-sided: 0.95 means 1.645 standard deviations.
    """
    if of == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(confidence)
    share, spread = hits / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def moments(examples: Sequence[Example], bar: Bar) -> npt.NDArray[np.intp]:
    """The number of the moment that each example belongs to.

    Raises:
        TeachingError: the same picture carries both labels.
    """
    small = np.stack([_thumb(e.crop) for e in examples])
    parent = list(range(len(examples)))

    def root(index: int) -> int:
        while parent[index] != index:
            index = parent[index]
        return index

    for first, one in enumerate(examples):
        differ = np.abs(small[first] - small).mean(axis=(1, 2))
        for second in range(first + 1, len(examples)):
            other = examples[second]
            apart = abs((one.at - other.at).total_seconds())
            same = differ[second] < bar.alike
            if same and one.wrong != other.wrong:
                raise TeachingError(
                    f"examples {first + 1} and {second + 1} show the same picture, labelled right "
                    "and wrong: remove one of them",
                    code="contradiction",
                )
            near = one.source == other.source and apart < bar.gap_s and one.wrong == other.wrong
            if same or near:
                parent[root(second)] = root(first)
    numbers = {r: n for n, r in enumerate(dict.fromkeys(root(i) for i in range(len(parent))))}
    return np.array([numbers[root(i)] for i in range(len(parent))], np.intp)


def _thumb(crop: BgrImage) -> Vector:
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA), np.float32)


def _check(rule: str, region: Box | None, examples: Sequence[Example], bar: Bar) -> None:
    if not (0 < bar.precision < 1 and 0.5 < bar.confidence < 1 and 0.5 <= bar.sure < 1):
        raise TeachingError(
            "precision, confidence and sureness are shares below 1: such as 0.95, 0.95 and 0.6"
        )
    if rule not in RULES:
        raise TeachingError(f"there is no rule '{rule}': use one of {', '.join(RULES)}")
    if (RULES[rule].where == "place") != (region is not None):
        raise TeachingError(
            f"'{rule}' is about a {RULES[rule].where}: "
            f"{'mark its region' if region is None else 'it needs no region'}"
        )
    if region is not None and not (
        0 <= region.x < region.right <= 1 and 0 <= region.y < region.bottom <= 1
    ):
        raise TeachingError("the region lies outside the picture: mark it again")
    for e in examples:
        check_crop(e.crop)
    wrong = sum(e.wrong for e in examples)
    for kind, count in (("wrong", wrong), ("right", len(examples) - wrong)):
        if count < bar.examples:
            raise TeachingError(
                f"only {count} examples of what is {kind}: label at least {bar.examples}",
                code="too_few_examples",
            )


def _enough(wrong: Flags, groups: npt.NDArray[np.intp], bar: Bar) -> None:
    for kind, flag in (("wrong", True), ("right", False)):
        count = len(np.unique(groups[wrong == flag]))
        if count < bar.moments:
            raise TeachingError(
                f"the examples of what is {kind} come from only {count} moments (frames of the "
                f"same minute, or that look the same, are one): label at least {bar.moments}, at "
                "different times of day",
                code="too_few_moments",
            )


def _cross_validate(views: Vector, wrong: Flags, groups: npt.NDArray[np.intp], bar: Bar) -> Report:
    """Each moment is judged by a classifier that saw none of it."""
    fold_of, folds = _folds(wrong, groups, bar)
    probability = np.zeros(len(wrong))
    for fold in range(folds):
        train, test = fold_of != fold, fold_of == fold
        line = _train(views[train], wrong[train], groups[train])
        probability[test] = line.probability(views[test, 0])
    crops = _count(wrong, probability, bar.sure)
    kinds, means = [], []
    for group in np.unique(groups):
        mine = groups == group
        kinds.append(bool(wrong[mine][0]))
        means.append(float(probability[mine].mean()))
    by_moment = _count(np.array(kinds), np.array(means), bar.sure)
    alarms = by_moment.right_alarms + by_moment.false_alarms
    low, high = wilson(by_moment.right_alarms, alarms, bar.confidence)
    z = NormalDist().inv_cdf(bar.confidence)
    needed = math.ceil(bar.precision * z * z / (1 - bar.precision))
    live = low >= bar.precision
    reason = "good" if live else "imprecise" if by_moment.false_alarms or not alarms else "too_few"
    return Report(by_moment, crops, folds, low, high, live, reason, needed)


def _folds(
    wrong: Flags, groups: npt.NDArray[np.intp], bar: Bar
) -> tuple[npt.NDArray[np.intp], int]:
    """The fold of every example: whole moments, both kinds spread evenly, in a fixed order."""
    kinds = [np.unique(groups[wrong == flag]) for flag in (True, False)]
    folds = min(bar.folds, *(len(kind) for kind in kinds))
    fold_of_group = np.zeros(groups.max() + 1, np.intp)
    draw = np.random.default_rng(20260301)
    for kind in kinds:
        fold_of_group[draw.permutation(kind)] = np.arange(len(kind)) % folds
    return fold_of_group[groups], folds


def _train(views: Vector, wrong: Flags, groups: npt.NDArray[np.intp]) -> Line:
    """A classifier of (n, views, features) rows.

    Each moment weighs the same within its kind, and both kinds weigh the same.
    """
    each = views.shape[1]
    weights = 1 / np.bincount(groups)[groups]
    for flag in (True, False):
        weights[wrong == flag] /= weights[wrong == flag].sum()
    counts = np.asarray(np.repeat(weights * len(weights) / 2, each), np.float32)
    return fit(views.reshape(-1, views.shape[2]), np.repeat(wrong, each), counts)


def _changed(crop: BgrImage) -> list[BgrImage]:
    """A crop as it is, and shifted, brighter and darker: cameras are knocked, light changes."""
    height, width = crop.shape[:2]
    dx, dy = max(1, round(0.04 * width)), max(1, round(0.04 * height))
    bright = np.asarray(cv2.convertScaleAbs(crop, alpha=1.2, beta=8), np.uint8)
    dark = np.asarray(cv2.convertScaleAbs(crop, alpha=0.8, beta=-4), np.uint8)
    return [crop, bright[dy:, dx:], dark[: height - dy, : width - dx]]


def _count(wrong: Flags, probability: npt.NDArray[np.float64], sure: float) -> Counts:
    states = [_state(p, sure) for p in probability]
    rows = list(zip(wrong.tolist(), states, strict=True))
    return Counts(
        right_alarms=rows.count((True, "wrong")),
        false_alarms=rows.count((False, "wrong")),
        missed=sum(flag and state != "wrong" for flag, state in rows),
        quiet=sum(not flag and state != "wrong" for flag, state in rows),
        unknown=states.count("unknown"),
    )


def _state(wrong: float, sure: float) -> State:
    if wrong >= sure:
        return "wrong"
    return "right" if wrong <= 1 - sure else "unknown"
