"""The questions of chance: with what probability elements are dropped, and how independently.

What is counted are dropped elements, because p is exact where 1−p may be rounded. Each test fails
at chance.LEVEL.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from dropout_cli.verify import chance
from dropout_cli.verify.naming import shared_mask
from dropout_cli.verify.runs import ABOUT, LayerFinding, UnreadableError
from dropout_cli.verify.tolerance import TYPES

if TYPE_CHECKING:
    from dropout_cli.arrays import Mask
    from dropout_cli.verify.runs import Run, Runs


class Count(NamedTuple):
    """A count that was tested: k of n, which has this p-value.

    of: what was counted. shape, axis: in a mask of which shape, and along which axis.
    mistake: the name of what is wrong if the p-value is below chance.LEVEL.
    """

    of: str
    shape: tuple[int, ...]
    axis: int
    k: int
    n: int
    p_value: float
    mistake: str


def kept_fraction(runs: Runs) -> LayerFinding:
    """Elements are dropped with probability p: of n, Binomial(n, p) are dropped."""
    first, p = runs.first(), runs.p
    if _dependent(runs):
        raise UnreadableError("dependent")
    dropped, n = _dropped(first)
    p_value, mistake = chance.kept_with(p, dropped, n, _step(first))
    finding = _finding("kept-fraction", p, n, p_value, mistake, kept=n - dropped, dropped=dropped)
    fits = None if finding.ok else [mistake] if mistake else []
    return finding._replace(max_error=abs(dropped / n - p), fits=fits)


def independent(runs: Runs) -> LayerFinding:
    """Elements are dropped independently: not a row at once, say, and not a fixed number of them.

    Of n disjoint pairs Binomial(n, p² + (1−p)²) agree: both are kept, or both dropped.
    """
    trained = runs.trained()
    masks = [run.mask for run in trained]
    n = sum(mask.size for mask in masks)
    _must_vary(runs)
    if runs.coin is not None:
        return _finding("independent", runs.p, n, 0.0, "one-mask-for-batch")
    counts = _counts(runs)
    worst = min(counts, key=lambda count: count.p_value)
    mistake = None
    if worst.p_value < chance.LEVEL:
        mistake = shared_mask(masks) or worst.mistake
    elif not _telling(trained, runs.p):
        raise UnreadableError("p-near-its-ends")
    return _finding("independent", runs.p, n, worst.p_value, mistake, counts=counts)


def fresh_mask(runs: Runs) -> LayerFinding:
    """A second call draws a mask of its own: the two agree where any two elements would."""
    trained = runs.trained()
    pairs = [(a.mask, b.mask) for a, b in zip(runs.first(), runs.second(), strict=True)]
    agree, n = sum(int((a == b).sum()) for a, b in pairs), sum(a.size for a, _ in pairs)
    if not _telling(trained, runs.p):
        raise UnreadableError("p-near-its-ends")
    _must_vary(runs)
    if runs.coin is not None or (agree < n and _dependent(runs)):
        raise UnreadableError("dependent")
    p_value = chance.two_sided(agree, n, *_agreement(trained, runs.p))
    mistake = "same-mask-each-call" if agree == n else None
    return _finding("fresh-mask", runs.p, n, p_value, mistake, agree=agree)


def _must_vary(runs: Runs) -> None:
    """Raise UnreadableError where every call kept everything, or dropped everything."""
    if runs.coin is not None and len(runs.coin) == 1:
        raise UnreadableError("all-kept" if runs.coin == {True} else "all-dropped")


@lru_cache(maxsize=1)  # three questions of the same runs read them
def _counts(runs: Runs) -> list[Count]:
    """The pairs that agree, and the rows and the calls that drop just the expected number."""
    low, high = _agreement(runs.trained(), runs.p)
    counts = []
    for run in runs.first():
        for of, axis, agree in chance.pairs(run.mask):
            k, n = int(agree.sum()), agree.size
            p_value = chance.two_sided(k, n, low, high)
            mistake = "mask-repeats" if of == "halves" else "neighbours-alike"
            counts.append(Count(of, run.mask.shape, axis, k, n, p_value, mistake))
        if run.mask.ndim > 1:
            rows = run.mask.reshape(-1, run.mask.shape[-1])
            counts.append(_fixed("rows", run.mask.shape, list(rows), runs.p))
    counts.append(_fixed("calls", (), [run.mask for run in runs.trained()], runs.p))
    return counts


def _fixed(of: str, shape: tuple[int, ...], masks: list[Mask], p: float) -> Count:
    """How many of the masks, all of one size, drop just the expected number; too many is wrong."""
    size = masks[0].size
    least, most = math.floor(size * p), math.ceil(size * p)
    hits = sum(least <= mask.size - int(mask.sum()) <= most for mask in masks)
    p_value = chance.tails(hits, len(masks), chance.between(least, most, size, p))[1]
    return Count(of, shape, -1, hits, len(masks), p_value, "fixed-count")


def _dependent(runs: Runs) -> bool:
    """Whether independent would say no."""
    if runs.coin is not None:
        return len(runs.coin) > 1
    return any(count.p_value < chance.LEVEL for count in _counts(runs))


def _agreement(runs: list[Run], p: float) -> tuple[float, float]:
    """The probabilities with which two elements may agree.

    They are those for p and for the fraction that was dropped, and for all between: whether that
    fraction is right is another question.
    """
    dropped, n = _dropped(runs)
    step = _step(runs)
    low, high = min(p - step, dropped / n), max(p + step, dropped / n)
    return chance.agreement(max(0, low), min(1, high))


def _telling(runs: list[Run], p: float) -> bool:
    """Whether it would be noticed if the fewest pairs that are counted all agreed."""
    n = min(agree.size for run in runs for _, _, agree in chance.pairs(run.mask))
    return chance.two_sided(n, n, *chance.agreement(p, p)) < chance.LEVEL


def _step(runs: list[Run]) -> float:
    """By how much the true probability may differ from p."""
    return chance.grid_step(min(TYPES[run.type_of("y")].bits for run in runs))


def _dropped(runs: list[Run]) -> tuple[int, int]:
    n = sum(run.x.size for run in runs)
    return n - sum(int(run.mask.sum()) for run in runs), n


def _finding(
    name: str, p: float, n: int, p_value: float, mistake: str | None, **reason: object
) -> LayerFinding:
    ok = p_value >= chance.LEVEL
    reason |= {"n": n, "p_value": p_value, "level": chance.LEVEL}
    return LayerFinding(name, p, ok, n, 0.0, mistake, ABOUT[name], [], reason)
