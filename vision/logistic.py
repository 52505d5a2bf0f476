"""Logistic regression for few examples of many numbers, by Newton's method in their own span."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

STEPS = 30
SMALLEST = 1e-6


@dataclass(frozen=True, eq=False)
class Line:
    """A weighted sum of features and its bias: the log of the odds of *wrong*.

    Attributes:
        weights: One a feature.
        bias: Added.
    """

    weights: Rows
    bias: float

    def probability(self, rows: Rows) -> npt.NDArray[np.float64]:
        """The probability of *wrong*, for each row of features."""
        return sigmoid(rows.astype(np.float64) @ self.weights.astype(np.float64) + self.bias)


def sigmoid(odds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """1 / (1 + e^-x), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(odds / 2)), np.float64)


def fit(rows: Rows, wrong: Flags, weights: Rows, penalty: float = 0.3) -> Line:
    """The line of least weighted log loss plus ``penalty / 2`` times its squared length.

    Few examples span few directions, so the problem is solved in those of their singular vectors:
    as many unknowns as examples, however many features. The result is the same (representer
    theorem), and needs no library.

    Args:
        rows: (n, features).
        wrong: (n,) labels.
        weights: (n,) what each example counts; about 1.
        penalty: Larger: smoother, surer of nothing. Relative to the mean squared length of a row.
    """
    centre = rows.mean(axis=0, dtype=np.float64)
    left, sizes, right = np.linalg.svd(rows.astype(np.float64) - centre, full_matrices=False)
    keep = sizes > SMALLEST * max(float(sizes.max(initial=0.0)), SMALLEST)
    left, sizes, right = left[:, keep], sizes[keep], right[keep]
    scale = float(np.sqrt((sizes**2).sum() / len(rows))) or 1.0
    inputs = np.hstack([left * sizes / scale, np.ones((len(rows), 1))])
    ridge = np.full(inputs.shape[1], penalty)
    ridge[-1] = SMALLEST  # the bias is free
    answer = np.zeros(inputs.shape[1])
    target = wrong.astype(np.float64)
    for _ in range(STEPS):
        said = sigmoid(inputs @ answer)
        slope = inputs.T @ (weights * (said - target)) + ridge * answer
        bend = (inputs * (weights * said * (1 - said))[:, None]).T @ inputs
        step = np.linalg.solve(bend + np.diag(ridge), slope)
        answer -= step * min(1.0, 5.0 / max(float(np.linalg.norm(step)), SMALLEST))
        if float(np.abs(step).max()) < SMALLEST:
            break
    line = (answer[:-1] / scale) @ right
    return Line(line.astype(np.float32), float(answer[-1] - centre @ line))
