"""The probability of a mask, if each element is dropped independently with probability p.

All questions of chance are about sums of terms that are 0 on average, given those before them, if
the layer is right. With M the mask (1 = kept), q = 1−p and c_i = M_i − q:

    Σ c_i                over all calls, and over each slice of each axis
    Σ c_i · w_i          with weights w_i that follow from x
    Σ c_i · c_(i+k)      at every lag k, and between every two calls
    Σ (h_r − P(h_r))     h_r: whether row r keeps just the expected number

Such a sum S is a martingale. With V the variance of all its terms, and b the largest of them,
Freedman's inequality holds for any number of terms:

    P(|S| ≥ t) ≤ 2 · exp(−t² / (2(V + b·t/3)))

For products V is p·q · Σ c_i², and Σ c_i² = n·p·q + (1−2p) · Σ c_i, whose last sum is taken as
large as it gets with a probability of LEVEL/10⁹. The least likely of N sums counts N times (the
union bound), so a right layer fails a question with a probability of at most LEVEL. A layer
compares random numbers on a grid, so its q may be off by a step: slack is what that adds to a sum.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from dropout_cli.arrays import FloatArray, Mask

Numbers = FloatArray | float

LEVEL = 1e-9  # with at most this probability a right layer fails a question


class Sums(NamedTuple):
    """Sums of one kind, each with the variance and the largest of its terms.

    key: their kind. labels: what each is taken over. prefix: what all labels begin with.
    """

    key: str
    totals: FloatArray
    variance: Numbers
    step: float
    slack: Numbers = 0.0
    labels: Sequence[Any] = ()
    prefix: str = ""


class Worst(NamedTuple):
    """The least likely of many sums: its kind, its label, and the logarithm of the bound for all.

    name: of the mistake that would explain it.
    """

    key: str = ""
    label: str = ""
    log: float = 0.0
    name: str = ""

    @property
    def chance(self) -> float:
        """The bound on its probability."""
        return math.exp(self.log)


def log_bound(total: Numbers, variance: Numbers, step: float) -> FloatArray:
    """Compute the logarithm of the bound for a sum at least that far from 0, on either side."""
    t = np.abs(total)
    return np.asarray(math.log(2) - t * t / (2 * (variance + step * t / 3)))


def radius(variance: Numbers, step: float, level: float) -> FloatArray:
    """Compute the distance from 0 whose bound is the level."""
    third = step * math.log(2 / level) / 3
    return np.asarray(third + np.sqrt(third**2 + 2 * variance * math.log(2 / level)))


def worst(*families: Sequence[Sums]) -> Worst:
    """Find the least likely of all these sums.

    Its bound counts the sums of its family, and the families.
    """
    found = [Worst()]
    for family in families:
        count = len(families) * sum(sums.totals.size for sums in family)
        for key, totals, variance, step, slack, labels, prefix in family:
            if totals.size:
                logs = log_bound(np.maximum(np.abs(totals) - slack, 0), variance, step)
                at = int(logs.argmin())
                label = f"{prefix}{labels[at]}" if labels else ""
                found.append(Worst(key, label, float(logs[at]) + math.log(count)))
    return min(found, key=lambda each: each.log)


class Model(NamedTuple):
    """The distribution of an element: it is kept with probability q, up to the grid's step."""

    q: float
    step: float

    @property
    def variance(self) -> float:
        """The variance of one c_i, at most."""
        return self.q * (1 - self.q) + self.step

    @property
    def largest(self) -> float:
        """The largest |c_i|."""
        return max(self.q, 1 - self.q)

    def products(self, n: Numbers) -> tuple[FloatArray, float, FloatArray]:
        """Return variance, largest term and slack of sums of n products."""
        r = radius(n * self.variance, self.largest, LEVEL / 1e9)
        variance = self.variance * (n * self.variance + abs(2 * self.q - 1) * r)
        return variance, self.largest**2, n * self.step**2 + 2 * self.step * r

    def sums(
        self, key: str, totals: FloatArray, n: int, labels: Sequence[Any], prefix: str = ""
    ) -> Sums:
        """Create sums of n elements each."""
        variance, slack = n * self.variance, n * self.step
        return Sums(key, totals, variance, self.largest, slack, labels, prefix)


def chernoff_bound(kept: int, n: int, model: Model) -> float:
    """Bound the probability of keeping `kept` of n: sharper than Freedman's where n is small.

    2 · exp(−n · (a·log(a/q) + (1−a)·log((1−a)/(1−q)))) with a = kept/n, for the q within a step of
    the grid that is nearest to a.
    """
    a = kept / n
    q = min(max(a, model.q - model.step), model.q + model.step)
    pairs = ((a, q), (1 - a, 1 - q))
    divergence = sum(b * math.log(b / c) if c > 0 else math.inf for b, c in pairs if b > 0)
    return min(1.0, 2 * math.exp(-n * divergence))


def by_shape(masks: Sequence[Mask]) -> list[list[Mask]]:
    """Group the masks by their shape."""
    found: dict[tuple[int, ...], list[Mask]] = {}
    for mask in masks:
        found.setdefault(mask.shape, []).append(mask)
    return list(found.values())


def whole(masks: Sequence[Mask], model: Model) -> Sums:
    """Count how many are kept of all."""
    n, kept = sum(mask.size for mask in masks), sum(int(mask.sum()) for mask in masks)
    return model.sums("all", np.array([kept - n * model.q]), n, [f"{kept} {n}"])


def shares(masks: Sequence[Mask], model: Model) -> list[Sums]:
    """Count how many are kept of the first and last eight, and of each slice of each axis."""
    found: list[Sums] = []
    if ends := [np.r_[flat[:8], flat[-8:]] for flat in map(np.ravel, masks) if flat.size >= 16]:
        totals = np.sum(ends, axis=0) - len(ends) * model.q
        found.append(model.sums("place", totals, len(ends), [*range(1, 9), *range(-8, 0)]))
    for some in by_shape(masks):
        pooled = np.sum(some, axis=0) - len(some) * model.q
        for axis, length in enumerate(pooled.shape):
            totals = np.moveaxis(pooled, axis, 0).reshape(length, -1).sum(1)
            n, prefix = len(some) * pooled.size // length, f"{pooled.shape}, {axis + 1}, "
            found.append(model.sums("slice", totals, n, range(1, length + 1), prefix))
    return found


def on_x(masks: Sequence[Mask], xs: Sequence[FloatArray], model: Model) -> list[Sums]:
    """Sum c_i weighted by the sign of x, its relative size, and whether the call's x is large."""
    c = np.concatenate([mask.ravel() for mask in masks]) - model.q
    signs = np.concatenate([np.sign(x).ravel() for x in xs])
    sizes = [np.abs(x).ravel() for x in xs]
    means = [size.mean() for size in sizes]
    large = np.repeat([float(mean > 2) for mean in means], [x.size for x in xs])
    relative = np.concatenate([size / mean - 1 for size, mean in zip(sizes, means, strict=True)])
    return [
        Sums(
            key, np.array([c @ w]), model.variance * (w @ w),
            model.largest * float(np.abs(w).max()), model.step * np.abs(w).sum(),
        )
        for key, w in (("sign", signs), ("size", relative), ("size", large)) if w.any()
    ]  # fmt: skip


def lags(masks: Sequence[Mask], model: Model, unit: int = 1) -> Sums:
    """Sum c_i·c_(i+k) within each call, over all calls, for k = unit, 2·unit, … up to n/2.

    All of them are the inverse Fourier transform of Σ |F|², F the transform of a call followed by
    at least n/2 zeros.
    """
    longest = max(mask.size for mask in masks)
    size = 1 << (longest + longest // 2).bit_length()
    power = np.zeros(size // 2 + 1)
    for mask in masks:
        power += np.abs(np.fft.rfft(mask.ravel() - model.q, size)) ** 2
    k = np.arange(unit, longest // 2 + 1, unit)
    pairs = sum(np.maximum(mask.size - k, 0) for mask in masks)
    return Sums("lag", np.fft.irfft(power, size)[k], *model.products(pairs), labels=k.tolist())


def between_calls(masks: Sequence[Mask], model: Model) -> Sums:
    """Sum c_i·c'_i = M_i·M'_i − q·(M_i + M'_i) + q² for every two calls, as far as both go."""
    totals, sizes = [], []
    for one, other in combinations([mask.ravel() for mask in masks], 2):
        n = min(one.size, other.size)
        both, of_one, of_other = map(np.count_nonzero, (one[:n] & other[:n], one[:n], other[:n]))
        totals.append(both - model.q * (of_one + of_other) + n * model.q**2)
        sizes.append(n)
    return Sums("calls", np.array(totals), *model.products(np.array(sizes)))


def fixed_counts(masks: Sequence[Mask], model: Model) -> list[Sums]:
    """Count how often a call, or a row along any axis, keeps just the expected number."""
    rows = [
        np.moveaxis(mask, axis, -1).reshape(-1, length)
        for mask in masks for axis, length in enumerate(mask.shape) if 1 < length < mask.size
    ]  # fmt: skip
    calls = [mask.reshape(1, -1) for mask in masks]
    return [_hits("calls", calls, model), *(_hits("rows", [each], model) for each in rows)]


def _hits(key: str, several: Sequence[Mask], model: Model) -> Sums:
    hits = expected = 0.0
    for rows in several:
        n = rows.shape[1]
        counts = [*{math.floor(n * model.q), math.ceil(n * model.q)}]
        hits += np.isin(rows.sum(1), counts).sum()
        expected += len(rows) * min(1.0, sum(most_likely(k, n) for k in counts))
    return Sums(key, np.array([max(0.0, hits - expected)]), expected, 1.0)


def most_likely(k: int, n: int) -> float:
    """Bound P(K = k) for K ~ Binomial(n, q) of any q, by Stirling's formula."""
    return 1.0 if k in (0, n) else min(1.0, math.sqrt(n / (2 * math.pi * k * (n - k))))
