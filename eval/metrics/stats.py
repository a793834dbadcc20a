"""Bootstrap intervals for means and ratios, resampling whole groups."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interval:
    """A figure and its percentile bootstrap interval."""

    estimate: float
    low: float
    high: float
    confidence: float

    def __str__(self) -> str:
        return f"{self.estimate:.3f} [{self.low:.3f}, {self.high:.3f}]"


def ratio_interval(
    numerators: Sequence[float],
    denominators: Sequence[float],
    groups: Sequence[Hashable] | None = None,
    *,
    num_resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval of sum(numerators) / sum(denominators), e.g. errors / words of a corpus.

    Args:
        numerators: (N,) values.
        denominators: (N,) values with a positive sum.
        groups: (N,) labels; entries with one label are drawn together, because utterances of
            one sentence (other seeds, other voices) are not independent. None: each on its own.
        num_resamples: bootstrap draws, >= 1.
        confidence: in (0, 1).
        seed: of the draws; the same input and seed give the same interval.

    Raises:
        ValueError: empty or unequal input, a sum of denominators of 0, or an option out of range.
    """
    top, bottom = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    if top.size == 0 or top.shape != bottom.shape or top.ndim != 1:
        raise ValueError(f"need two non-empty lists of one length, got {top.shape}, {bottom.shape}")
    if not 0 < confidence < 1 or num_resamples < 1:
        raise ValueError(
            f"confidence {confidence} must be in (0, 1) and num_resamples {num_resamples} >= 1"
        )
    if groups is not None and len(groups) != top.size:
        raise ValueError(f"got {len(groups)} group labels for {top.size} values")
    if bottom.min() < 0 or bottom.sum() <= 0:
        raise ValueError(f"denominators must be >= 0 with a positive sum, got {bottom.tolist()}")
    top, bottom = _sum_by_group(top, bottom, groups)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, top.size, size=(num_resamples, top.size))
    drawn_top, drawn_bottom = top[draws].sum(axis=1), bottom[draws].sum(axis=1)
    # A draw may hit only groups without a denominator; it says nothing and is left out.
    valid = drawn_bottom > 0
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn_top[valid] / drawn_bottom[valid], [tail, 1 - tail])
    return Interval(float(top.sum() / bottom.sum()), float(low), float(high), confidence)


def double_ratio_interval(
    first: tuple[Sequence[float], Sequence[float]],
    second: tuple[Sequence[float], Sequence[float]],
    groups: tuple[Sequence[Hashable], Sequence[Hashable]],
    *,
    num_resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval | None:
    """Paired interval of one ratio over another, e.g. a model's WER over its teacher's.

    Args:
        first: numerators and denominators (N,) of the upper ratio.
        second: those of the lower ratio, (M,).
        groups: labels (N,) and (M,); a label of both is drawn for both, so that what makes a
            sentence hard for one and the other cancels.
        num_resamples, confidence, seed: see `ratio_interval`.

    Returns:
        None where the lower ratio is 0: nothing can be a multiple of it.

    Raises:
        ValueError: the labels of the two differ, or a list is empty or of another length.
    """
    if set(groups[0]) != set(groups[1]):
        raise ValueError("both ratios must stand on the same groups")
    sides = (*zip((first, second), groups, strict=True),)
    for (top, bottom), labels in sides:
        if not len(top) == len(bottom) == len(labels) or not labels:
            raise ValueError(
                f"need non-empty lists of one length, got {len(top)}, {len(bottom)}, {len(labels)}"
            )
    order = {label: i for i, label in enumerate(dict.fromkeys(groups[0]))}
    index = [[order[label] for label in labels] for labels in groups]
    sums = [  # (4, groups): both numerators and denominators
        np.bincount(places, np.asarray(values, np.float64), len(order))
        for (pair, _), places in zip(sides, index, strict=True)
        for values in pair
    ]
    table = np.stack(sums)
    draws = np.random.default_rng(seed).integers(0, len(order), size=(num_resamples, len(order)))
    whole, drawn = table.sum(axis=1), table[:, draws].sum(axis=2)
    if whole[2] <= 0 or whole[1] <= 0 or whole[3] <= 0:
        return None
    # A draw without a word, or without an error of the lower side, has no ratio.
    top, bottom, lower_top, lower_bottom = drawn[:, (drawn[1:] > 0).all(axis=0)]
    ratios = top / bottom / (lower_top / lower_bottom)
    if not ratios.size:
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    estimate = whole[0] / whole[1] / (whole[2] / whole[3])
    return Interval(float(estimate), float(low), float(high), confidence)


def mean_interval(
    values: Sequence[float],
    groups: Sequence[Hashable] | None = None,
    *,
    num_resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval of the plain mean of `values` (N,); see `ratio_interval` for the rest."""
    return ratio_interval(
        values,
        [1.0] * len(values),
        groups,
        num_resamples=num_resamples,
        confidence=confidence,
        seed=seed,
    )


def _sum_by_group(
    top: np.ndarray, bottom: np.ndarray, groups: Sequence[Hashable] | None
) -> tuple[np.ndarray, np.ndarray]:
    if groups is None:
        return top, bottom
    order = {label: i for i, label in enumerate(dict.fromkeys(groups))}
    index = np.array([order[label] for label in groups])
    return np.bincount(index, top), np.bincount(index, bottom)
