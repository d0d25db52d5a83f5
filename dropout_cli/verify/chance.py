"""Exact binomial tests, and how often two elements of a mask agree.

If the elements of a mask are dropped independently, each with probability p, then of n elements
Binomial(n, p) are dropped, and of n disjoint pairs Binomial(n, p² + (1−p)²) agree (both kept, or
both dropped). A test asks how likely a count at least this far out would be; below LEVEL it fails.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dropout_cli.arrays import Mask

LEVEL = 1e-9  # the probability with which one test fails although all is right


def tails(k: int, n: int, probability: float) -> tuple[float, float]:
    """P(K ≤ k) and P(K ≥ k) for K ~ Binomial(n, probability), with 0 ≤ k ≤ n.

    Each P(K = j) is taken relative to the most likely one by the ratio of neighbours,

        P(K = j+1) / P(K = j) = (n−j)/(j+1) · probability/(1−probability),

    so neither factorials nor logarithms lose digits, whatever n is. What lies beyond the reach of
    the sums is less than the smallest float64 and is given as 0.
    """
    if probability in (0, 1):
        sure = round(n * probability)
        return float(k >= sure), float(k <= sure)
    mode = min(n, int((n + 1) * probability))
    reach = int(50 * math.sqrt(n * probability * (1 - probability))) + 400
    odds = probability / (1 - probability)
    above = np.arange(mode, min(n, mode + reach), dtype=np.float64)
    below = np.arange(mode, max(0, mode - reach), -1, dtype=np.float64)
    with np.errstate(under="ignore"):
        up = np.cumprod((n - above) / (above + 1) * odds)
        down = np.cumprod(below / (n - below + 1) / odds)
    weights = np.concatenate((down[::-1], [1.0], up))
    at = k - (mode - down.size)
    total = weights.sum()
    return (
        float(weights[: max(0, at + 1)].sum() / total),
        float(weights[max(0, at) :].sum() / total),
    )


def two_sided(k: int, n: int, low: float, high: float | None = None) -> float:
    """The p-value of k successes in n: twice the smaller tail, at most 1.

    low, high: from where to where every probability of success is right, with low ≤ 1 and high ≥ 0;
        the p-value is that of the one which explains k best. Without high there is one, low.
    """
    probability = low if high is None else min(max(k / n, low), high)
    return min(1.0, 2 * min(tails(k, n, probability)))


def can_fail(n: int, low: float, high: float, level: float) -> bool:
    """Whether any number of successes in n > 0 has a p-value below the level, as in two_sided."""
    return min(two_sided(k, n, low, high) for k in (0, n)) < level


def grid_step(bits: int) -> float:
    """By how much a probability may differ from the p that was asked for.

    bits: the precision of the type in which random numbers are drawn. They lie on a grid, in
        float32 as coarse as 2^−23, in a narrower type 2^(1−bits); a step of it is lost at the
        threshold, and less than one in rounding p.
    """
    return 2.0 ** (2 - min(bits, 24))


def kept_with(
    p: float, dropped: int, n: int, step: float = 0.0, level: float = LEVEL
) -> tuple[float, str | None]:
    """Whether dropped of n elements are what the drop probability p makes of them.

    step: by how much the true probability may differ from p.
    Returns the p-value and, where it is below the level, the name of the mistake that explains it.
    """

    def p_value_for(drop: float) -> float:
        return two_sided(dropped, n, drop - step, drop + step)

    p_value = p_value_for(p)
    if p_value >= level:
        return p_value, None
    if dropped in (0, n):
        return p_value, "drops-everything" if dropped else "drops-nothing"
    return p_value, "keeps-with-p" if p_value_for(1 - p) >= level else None


def between(least: int, most: int, n: int, probability: float) -> float:
    """P(least ≤ K ≤ most) for K ~ Binomial(n, probability)."""
    return max(0.0, tails(most, n, probability)[0] + tails(least, n, probability)[1] - 1)


def agreement(low: float, high: float) -> tuple[float, float]:
    """The least and the largest p² + (1−p)² for low ≤ p ≤ high: that two elements agree."""
    ends = [p * p + (1 - p) * (1 - p) for p in (low, high)]
    return (0.5 if low <= 0.5 <= high else min(ends)), max(ends)


def pairs(mask: Mask) -> Iterator[tuple[str, int, Mask]]:
    """Disjoint pairs of elements along each axis: what was paired, the axis, whether each agrees.

    "neighbours" are (0, 1), (2, 3), …; "odd neighbours" (1, 2), (3, 4), …; "halves" pair the first
    half of the axis with the second.
    """
    for axis in range(mask.ndim):
        along = np.moveaxis(mask, axis, 0)
        for name, start in (("neighbours", 0), ("odd neighbours", 1)):
            second = along[start + 1 :: 2]
            yield name, axis, along[start::2][: len(second)] == second
        half = len(along) // 2
        yield "halves", axis, along[:half] == along[half : 2 * half]


class Pairs(NamedTuple):
    """Pairs of elements of a mask, of which some agree: both are kept, or both dropped.

    of: what was paired, as in pairs. p_value: of all kinds of pairs that were tested together.
    """

    of: str
    agree: int
    n: int
    p_value: float


def least_likely(mask: Mask, p: float, step: float, level: float) -> Pairs | None:
    """The pairs, along any axis, of which an unlikely number agrees.

    step: by how much the true probability may differ from p. Only pairs of which some number would
    fail at this level are tested; None where there are none. The smallest p-value of several tests
    is multiplied by their number.
    """
    low, high = agreement(max(0.0, p - step), min(1.0, p + step))
    kinds = [(of, agree) for of, _, agree in pairs(mask) if agree.size]
    tested = [
        Pairs(of, int(agree.sum()), agree.size, two_sided(int(agree.sum()), agree.size, low, high))
        for of, agree in kinds
        if can_fail(agree.size, low, high, level / len(kinds))
    ]
    if not tested:
        return None
    worst = min(tested, key=lambda each: each.p_value)
    return worst._replace(p_value=min(1.0, len(tested) * worst.p_value))
