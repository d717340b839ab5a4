"""The choice of α of `LinearClassifier` on held-out rows, and the temperature of its scores."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from .held_out_rows import Rows
from .linear_maps import Array
from .linear_problem import GramProblem, TooSmallAlphaError

# Standard deviation of log T, as long as nothing is known of it: with few rows, T stays near 1.
_SPREAD = 0.3
_BOUNDS = (-4.0, 4.0)  # of log T


class AlphaChoice(NamedTuple):
    """What held-out rows tell.

    Attributes
    ----------
    alpha : float
        The α with the best score.
    scores : dict of float to float
        Score of each α that is not too small; empty if no rows were held out.
    temperature : float
        T: softmax(z / T) is as sure as it is right.
    """

    alpha: float
    scores: dict[float, float]
    temperature: float


def choose_alpha(
    problem: GramProblem,
    codes: Rows,
    alphas: list[float],
    parts: list[Rows],
    *,
    calibrate: bool,
) -> AlphaChoice:
    """Choose α by the rows of each part, which are predicted by a fit to the other rows.

    Parameters
    ----------
    problem : GramProblem
        All rows.
    codes : ndarray of int of shape (n_samples,)
        Class of each row.
    alphas : list of float
        Candidates.
    parts : list of ndarray of int
        Rows that are held out together. If there are none, the largest α is chosen.
    calibrate : bool
        Whether to fit T. The scores that it is fitted to are those of the α that the other parts
        choose, so that neither W nor α has seen the rows.

    Raises
    ------
    TooSmallAlphaError
        If all candidates are too small.
    """
    if not parts:
        return AlphaChoice(max(alphas), {}, 1.0)
    weights = problem.weight.copy()
    z: list[dict[float, Array]] = []  # of each part, for each α
    for rows in parts:
        with problem.excluding(rows):
            solutions = _solutions(problem, alphas)
            alphas = list(solutions)
            z.append(dict(zip(alphas, problem.scores(rows, list(solutions.values())), strict=True)))
    totals = np.array(
        [
            [
                weights[rows] @ _validation_scores(of_part[alpha], codes[rows], problem.loss)
                for alpha in alphas
            ]
            for rows, of_part in zip(parts, z, strict=True)
        ]
    )
    held_out = np.concatenate(parts)
    total = totals.sum(axis=0)
    means = total / (float(weights[held_out].sum()) or 1.0)
    temperature = 1.0
    if calibrate and weights[held_out].any():
        others = total - totals if len(parts) > 1 else totals
        best = others.argmax(axis=1)
        chosen = [of_part[alphas[a]] for of_part, a in zip(z, best, strict=True)]
        temperature = fitted_temperature(np.concatenate(chosen), codes[held_out], weights[held_out])
    by_alpha = dict(zip(alphas, means.tolist(), strict=True))
    return AlphaChoice(alphas[int(means.argmax())], by_alpha, temperature)


def _solutions(problem: GramProblem, alphas: list[float]) -> dict[float, tuple[Array, Array]]:
    """Return W and b for each α that is not too small; raise an error if all are."""
    solutions, error = {}, None
    for alpha in alphas:
        try:
            solutions[alpha] = problem.solve(alpha)[:2]
        except TooSmallAlphaError as caught:
            error = caught
    if error is not None and not solutions:
        raise error
    return solutions


def fitted_temperature(z: Array, codes: Rows, weights: Array) -> float:
    """Return the most probable T, given scores of rows that were held out and their classes.

    It minimizes −Σ_i w_i log softmax(z_i / T)[y_i] + (log T)² / (2 · 0.3²), with weights of mean 1:
    the likelihood of the rows, and a normal distribution of log T.
    """
    z, rows = one_per_class(z).astype(np.float64), np.arange(len(z))
    w = weights / weights.mean()

    def loss(log_t: float) -> float:
        log_p = log_softmax(z * np.exp(-log_t), axis=1)[rows, codes]
        return float((log_t / _SPREAD) ** 2 / 2 - w @ log_p)

    return float(np.exp(minimize_scalar(loss, bounds=_BOUNDS, method="bounded").x))


def _validation_scores(z: Array, codes: Rows, loss: str) -> Array:
    """Score each row: whether its class is predicted, or its log-probability for "log_loss"."""
    scores: Array = class_codes(z) == codes
    if loss == "log_loss":
        scores = log_softmax(one_per_class(z), axis=1)[np.arange(len(codes)), codes]
    return scores


def one_per_class(z: Array) -> Array:
    """Return z (n, n_classes): for two classes z is that of the second, and the first has 0."""
    return z if z.shape[1] > 1 else np.column_stack([np.zeros_like(z), z])


def class_codes(z: Array) -> npt.NDArray[np.intp]:
    """Return the index of the largest z in each row."""
    codes: npt.NDArray[np.intp] = one_per_class(z).argmax(axis=1)
    return codes
