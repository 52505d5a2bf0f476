"""Figures of merit of a verifier: from similarities of genuine and impostor pairs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """What a set of labelled pairs says.

    Attributes:
        tar: Share of genuine pairs accepted at the lowest threshold whose false-accept rate is at
            most the key.
        best_accuracy: Over all thresholds.
        best_threshold: Where it is reached.
        eer: Equal error rate: where false accepts and false rejects are equally frequent.
    """

    tar: dict[float, float]
    best_accuracy: float
    best_threshold: float
    eer: float


def figures(genuine: Scores, impostor: Scores, rates: tuple[float, ...] = (1e-2, 1e-3)) -> Figures:
    """Figures of non-empty score sets.

    A rate finer than one in the number of impostor pairs is answered at zero false accepts.
    """
    genuine, impostor = np.sort(genuine), np.sort(impostor)
    thresholds = np.unique(np.concatenate([genuine, impostor, [2.0]]))
    far = 1 - np.searchsorted(impostor, thresholds, side="left") / len(impostor)
    frr = np.searchsorted(genuine, thresholds, side="left") / len(genuine)
    right = (1 - frr) * len(genuine) + (1 - far) * len(impostor)
    best = int(right.argmax())
    cross = int(np.abs(far - frr).argmin())
    return Figures(
        tar={rate: float(1 - frr[np.flatnonzero(far <= rate)[0]]) for rate in rates},
        best_accuracy=float(right[best] / (len(genuine) + len(impostor))),
        best_threshold=float(thresholds[best]),
        eer=float((far[cross] + frr[cross]) / 2),
    )


def rates_at(genuine: Scores, impostor: Scores, threshold: float) -> tuple[float, float]:
    """Share of genuine pairs accepted, share of impostor pairs accepted."""
    return float((genuine >= threshold).mean()), float((impostor >= threshold).mean())
