"""How unlikely a mask is, if each element is dropped independently with probability p.

All that is asked about chance is asked of sums of terms that are 0 on average, given all that came
before them, if the layer is right. With M the mask (1 = kept), q = 1−p, and c_i = M_i − q:

    Σ c_i                of all calls, and of each slice of each axis       E[c_i] = 0
    Σ c_i · w_i          with a weight that x gives, not the mask
    Σ c_i · c_(i+k)      at every lag k, and between every two calls        E[c_(i+k) | c_i] = 0
    Σ (h_r − P(h_r))     h_r: whether row r drops just the expected number

Such a sum S is a martingale. If none of its n terms is larger than b, then by the inequality of
Fan, Grama and Liu (Stoch. Proc. Appl. 122, 2012, theorem 2.1), with x = t/b and v = V/b²,

    P(S ≥ t and V_S ≤ V) ≤ ( (v/(x+v))^(x+v) · (n/(n−x))^(n−x) )^(n/(n+v))    at every n,

where V_S is the sum of the terms' variances, each given what came before. It is at most Freedman's
exp(−t²/(2(V + b·t/3))), and for Σ c_i it is Chernoff's bound of the binomial distribution. Both
signs of S make it twice that. For Σ c_i, V_S is n·p·q, and b is p for too many kept, q for too few.

For products V_S is p·q · Σ c_i² over the first factors, which depends on the mask only by the
number of the kept: Σ c_i² = n·p·q + (1−2p)·Σ c_i. With |Σ c_i| < r, V = p·q · (n·p·q + |1−2p|·r) is
enough. r = radius(n·p·q, b, LEVEL/10⁹), so what is beyond it does not count.

Where a question looks at N sums that could fail at all, the bound of the least likely one is
multiplied by N: the union bound. (Several families of sums share the level equally, and each
divides its share by its own N.) A question fails below LEVEL, so a right layer fails it with a
probability of at most LEVEL, and one of several questions with at most LEVEL times their number,
however they depend on one another.

A layer compares random numbers that lie on a grid, so that its q may be off by a step of it. That
moves Σ c_i·w_i by at most step · Σ |w_i|, and a sum of n products by n·step² + 2·step·r.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dropout_cli.arrays import FloatArray, Mask

BLOCK = 48  # columns: so few that BLAS starts no threads, for which a busy machine waits long
LEVEL = 1e-9  # the probability with which one question fails although all is right


class Sums(NamedTuple):
    """Sums of one kind.

    key: of the kind. totals: their values. n: the number of their terms. variance: at most that of
    each sum. step: the largest term, of its sign. slack: by how much the grid of random numbers may
    move each. labels: where each was taken.
    """

    key: str
    totals: FloatArray
    n: FloatArray | float
    variance: FloatArray | float
    step: FloatArray | float
    slack: FloatArray | float = 0.0
    labels: Sequence[Any] = ()


class Worst(NamedTuple):
    """The least likely of many sums: its kind, where it was taken, and the bound for all of them.

    log: the bound's logarithm, as the bound may be too small for a float.
    """

    key: str = ""
    label: Any = ""
    log: float = 0.0

    @property
    def chance(self) -> float:
        """The bound."""
        return math.exp(min(0.0, self.log))


def log_bound(
    total: FloatArray | float,
    n: FloatArray | float,
    variance: FloatArray | float,
    step: FloatArray | float,
) -> FloatArray:
    """The logarithm of the bound for a sum of n terms at least that far from 0, on either side."""
    with np.errstate(all="ignore"):
        x, v = np.abs(total) / step, variance / (np.asarray(step) ** 2)
        rest = np.where(x < n, (x - n) * np.log1p(-x / n), 0)
        log = n / (n + v) * ((x + v) * np.log(v / (x + v)) + rest)
        log = np.where(x > n * (1 + 1e-9), -np.inf, np.minimum(log, 0))
    return np.asarray(math.log(2) + np.where(np.abs(total) > 0, log, 0))


def radius(variance: FloatArray | float, step: float, level: float) -> FloatArray:
    """A distance from 0 whose bound is at most the level, by Freedman's inequality."""
    log = math.log(2 / level)
    return np.asarray(step * log / 3 + np.sqrt((step * log / 3) ** 2 + 2 * variance * log))


def worst(*families: Sequence[Sums]) -> Worst:
    """The least likely of all these sums.

    Its bound is multiplied by the number of sums in its family that could fail at all, and by the
    number of families, so that one with many sums does not hide another one.
    """
    found = [_worst(family) for family in families]
    least = min(found, key=lambda each: each.log)
    return least._replace(log=min(0.0, least.log + math.log(len(found))))


def _worst(family: Sequence[Sums]) -> Worst:
    found, count = Worst(), 0
    for sums in family:
        if not sums.totals.size:
            continue
        beyond = np.maximum(np.abs(sums.totals) - sums.slack, 0)
        logs = log_bound(beyond, sums.n, sums.variance, sums.step)
        most = log_bound(np.asarray(sums.n) * sums.step, sums.n, sums.variance, sums.step)
        count += int(np.broadcast_to(most < math.log(LEVEL), logs.shape).sum())
        at = int(logs.argmin())
        if logs[at] < found.log:
            label = sums.labels[at] if len(sums.labels) else ""
            found = Worst(sums.key, label, float(logs[at]))
    return found._replace(log=found.log + math.log(max(1, count)))


class Setting(NamedTuple):
    """What sums are taken about: q, the share of kept elements, and the grid's step."""

    q: float
    step: float

    @property
    def variance(self) -> float:
        """That of one c_i, at most."""
        return self.q * (1 - self.q) + self.step

    @property
    def largest(self) -> float:
        """The largest |c_i|."""
        return max(self.q, 1 - self.q)

    def products(self, n: FloatArray | float) -> tuple[FloatArray, float, FloatArray]:
        """Variance, largest term and slack of sums of n products."""
        r = radius(n * self.variance, self.largest, LEVEL / 1e9)
        variance = self.variance * (n * self.variance + abs(2 * self.q - 1) * r)
        return variance, self.largest**2, n * self.step**2 + 2 * self.step * r

    def steps(self, totals: FloatArray) -> FloatArray:
        """The largest c_i of each total's sign."""
        return np.where(totals > 0, 1 - self.q, self.q)


def of_share(kept: int, n: int, setting: Setting) -> float:
    """The bound for kept of n elements."""
    return worst([_sums("all", np.array([kept - n * setting.q]), n, setting)]).chance


def whole(masks: Sequence[Mask], setting: Setting) -> Sums:
    """How many are kept of all."""
    n, kept = sum(mask.size for mask in masks), sum(int(mask.sum()) for mask in masks)
    return _sums("all", np.array([kept - n * setting.q]), n, setting, [(kept, n)])


def shares(masks: Sequence[Mask], setting: Setting) -> list[Sums]:
    """How many are kept of the first and last eight, and of each slice of each axis."""
    centred = [mask - setting.q for mask in masks]
    found = []
    ends = np.zeros(16)
    for c in centred:
        if c.size >= ends.size:
            ends += np.concatenate((c.ravel()[:8], c.ravel()[-8:]))
    long = sum(c.size >= ends.size for c in centred)
    labels = [*range(1, 9), *range(-8, 0)]
    found.append(_sums("place", ends, long, setting, labels))
    by_shape: dict[tuple[int, ...], list[FloatArray]] = {}
    for c in centred:
        by_shape.setdefault(c.shape, []).append(c)
    for shape, some in by_shape.items():
        pooled = np.sum(some, axis=0)
        for axis in range(len(shape)):
            if len(shape) == 1 and len(some) < 20:  # too few to tell a single place
                continue
            others = tuple(k for k in range(len(shape)) if k != axis)
            size = len(some) * pooled.size // max(1, shape[axis])
            labels = [f"{shape}, {axis + 1}, {k + 1}" for k in range(shape[axis])]
            found.append(_sums("slice", pooled.sum(others), size, setting, labels))
    return found


def on_x(masks: Sequence[Mask], xs: Sequence[FloatArray], setting: Setting) -> list[Sums]:
    """Whether what is kept goes with the sign of x, or with its size."""
    found = []
    for key, weigh in (("sign", np.sign), ("size", _centred_size)):
        weights = [weigh(x) for x in xs]
        total = sum(float(((m - setting.q) * w).sum()) for m, w in zip(masks, weights, strict=True))
        squares = sum(float((w * w).sum()) for w in weights)
        sizes = sum(float(np.abs(w).sum()) for w in weights)
        step = setting.largest * max(float(np.abs(w).max()) for w in weights)
        found.append(Sums(
            key, np.array([total]), sum(x.size for x in xs), setting.variance * squares, step,
            setting.step * sizes,
        ))  # fmt: skip
    return found


def _centred_size(x: FloatArray) -> FloatArray:
    size = np.abs(x)
    return np.asarray(size - size.mean())


def lags(masks: Sequence[Mask], setting: Setting) -> Sums:
    """Σ c_i·c_(i+k) within each call, over all calls, for every k up to half the longest call.

    All of them are the inverse Fourier transform of Σ |F|², F the transform of a call followed by
    as many zeros.
    """
    longest = max(mask.size for mask in masks)
    unit = 1 << max(0, (2 * longest).bit_length() - 5)
    size = -(-2 * longest // unit) * unit  # has only small factors
    power = np.zeros(size // 2 + 1)
    for mask in masks:
        f = np.fft.rfft(mask.ravel() - setting.q, size)
        power += f.real**2 + f.imag**2
    k = np.arange(1, longest // 2 + 1)
    totals = np.fft.irfft(power, size)[k]
    pairs = np.zeros(k.size)
    for mask in masks:
        pairs += np.maximum(mask.size - k, 0)
    return Sums("lag", totals, pairs, *setting.products(pairs), labels=k.tolist())


def between_calls(masks: Sequence[Mask], setting: Setting) -> Sums:
    """Σ c_i·c'_i for every two calls, as far as the shorter one goes."""
    sizes = np.array([mask.size for mask in masks])
    rows = np.zeros((len(masks), sizes.max()))
    for row, mask in zip(rows, masks, strict=True):
        row[: mask.size] = mask.ravel() - setting.q
    first, second = np.triu_indices(len(rows), 1)
    gram = np.zeros((len(rows), len(rows)))
    for k in range(0, rows.shape[1], BLOCK):
        part = rows[:, k : k + BLOCK]
        gram += part @ part.T
    totals = gram[first, second]
    n = np.minimum(sizes[first], sizes[second])
    return Sums("calls", totals, n, *setting.products(n))


def between_small_calls(masks: Sequence[Mask], setting: Setting) -> Sums:
    """The same for calls of few elements, summed over all that are equally far apart."""
    rows = np.stack([mask.ravel() - setting.q for mask in masks])
    gram = rows @ rows.T
    far = np.arange(1, len(rows))
    totals = np.array([np.trace(gram, int(k)) for k in far])
    n = (len(rows) - far) * rows.shape[1]
    return Sums("calls", totals, n, *setting.products(n))


def fixed_counts(masks: Sequence[Mask], setting: Setting) -> list[Sums]:
    """How often a call, or a row along any axis, drops just the expected number.

    Too often shows a number that is fixed. The probability of a count is largest where it is the
    expected one, so it is taken there: that is right for every q.
    """
    found = [_hits("calls", [mask.reshape(1, -1) for mask in masks], setting)]
    found += [
        _hits("rows", [np.moveaxis(mask, axis, -1).reshape(-1, mask.shape[axis])], setting)
        for mask in masks for axis in range(mask.ndim)
        if mask.ndim > 1 and mask.shape[axis] > 1
    ]  # fmt: skip
    return found


def _hits(key: str, several: Sequence[Mask], setting: Setting) -> Sums:
    hits = expected = 0.0
    for rows in several:
        n = rows.shape[1]
        counts = {math.floor(n * setting.q), math.ceil(n * setting.q)}
        hits += np.isin(rows.sum(1), list(counts)).sum()
        expected += len(rows) * min(1.0, sum(map(most_likely, counts, [n] * len(counts))))
    rows_in_all = sum(len(rows) for rows in several)
    return Sums(key, np.array([max(0.0, hits - expected)]), rows_in_all, expected, 1.0)


def most_likely(k: int, n: int) -> float:
    """The largest P(K = k) for K ~ Binomial(n, q) of any q: that for q = k/n."""
    if k in (0, n):
        return 1.0
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(ways + k * math.log(k / n) + (n - k) * math.log1p(-k / n))


def _sums(
    key: str, totals: FloatArray, n: int, setting: Setting, labels: Sequence[Any] = ()
) -> Sums:
    """Sums of n terms each."""
    steps = setting.steps(totals)
    return Sums(key, totals, n, n * setting.variance, steps, n * setting.step, labels)
