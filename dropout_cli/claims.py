"""What is claimed of a trace, each claim checked in exact arithmetic against its definition.

A claim is a function Trace → Finding. The floats of the trace must agree with the exact values to
a few units in the last place; what is proved of the definition itself must agree exactly.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli import exact
from dropout_cli.dropout import backward
from dropout_cli.masks import draw
from dropout_cli.problem import Problem
from dropout_cli.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

ELEMENTS = 1000  # of a longer vector so many elements, the first, are checked in fractions
PAIRS = 16  # where each element is checked against each
ALL_MASKS = 10  # up to so many elements, expectations are summed over all 2^n masks


class Finding(NamedTuple):
    """What the check of a claim found.

    max_error: the largest difference between the two sides.
    ok: whether the claim holds; None where it says nothing of this problem.
    checked: over how many elements (or masks, or directions) it was checked.
    """

    max_error: float
    ok: bool | None
    checked: int


@lru_cache(maxsize=2)
def forward(trace: Trace) -> Finding:
    """y_i = m_i·x_i/(1−p)."""
    part = _part(trace, ELEMENTS)
    return _compare(part.y, _y(part), ulps=2)


@lru_cache(maxsize=2)
def zero(trace: Trace) -> Finding:
    """Where m_i = 0, y_i and ∂L/∂x_i are exactly 0."""
    mask = trace.problem.mask
    if mask is None or mask.all():
        return Finding(0.0, None, 0)
    dropped = ~mask
    largest = max(np.abs(trace.y[dropped]).max(), np.abs(trace.grad_x[dropped]).max())
    return Finding(float(largest), not largest, int(dropped.sum()))


@lru_cache(maxsize=2)
def local_gradient(trace: Trace) -> Finding:
    """∂y_i/∂x_i = m_i/(1−p), and ∂y_i/∂x_j = 0 for j ≠ i: differences of the definition."""
    part = _part(trace, PAIRS)
    x, n = _fractions(part.problem.x), part.problem.x.size
    found, wanted = [], []
    for i in range(n):
        for j in range(n):
            found.append(part.local_grad[i] if i == j else 0.0)
            wanted.append(exact.difference(lambda v, i=i: _y(part, v)[i], x, j))  # type: ignore[misc]
    return _compare(found, wanted, ulps=2)._replace(checked=n)


@lru_cache(maxsize=2)
def chain_rule(trace: Trace) -> Finding:
    """∂L/∂x_i = ∂L/∂y_i · ∂y_i/∂x_i."""
    part = _part(trace, ELEMENTS)
    pairs = zip(_fractions(part.grad_y), _fractions(part.local_grad), strict=True)
    return _compare(part.grad_x, [g * d for g, d in pairs], ulps=3)


@lru_cache(maxsize=2)
def gradient(trace: Trace) -> Finding:
    """∂L/∂x_i is the central difference of L, and its automatic derivative."""
    part = _part(trace, PAIRS)
    x = _fractions(part.problem.x)
    loss, n = _loss(part), len(x)
    wanted = [exact.difference(loss, x, i) for i in range(n)]
    wanted += [exact.automatic(loss, x, i) for i in range(n)]
    return _compare([*part.grad_x, *part.grad_x], wanted, ulps=4)._replace(checked=n)


@lru_cache(maxsize=2)
def total_differential(trace: Trace) -> Finding:
    """Σ ∂L/∂x_i dx_i = Σ ∂L/∂y_i dy_i, for dx along each axis and for the dx of step()."""
    part = _part(trace, PAIRS)
    n = part.problem.x.size
    axes = [[Fraction(k == i, 8) for k in range(n)] for i in range(n)]
    directions = [step(n), [-v for v in reversed(step(n))], *axes]
    worst, ok = Fraction(0), True
    for dx in directions:
        by_x = [g * d for g, d in zip(_fractions(part.grad_x), dx, strict=True)]
        by_y = [g * d for g, d in zip(_fractions(part.grad_y), _y(part, dx), strict=True)]
        error = abs(sum(by_x) - sum(by_y))
        size = sum(map(abs, by_y))
        worst = max(worst, error)
        ok = ok and error <= 4 * _ulp(size)
    return Finding(float(worst), ok, len(directions))


def step(n: int) -> list[Fraction]:
    """The dx that is shown: dx_i = i/100."""
    return [Fraction(i, 100) for i in range(1, n + 1)]


class Expectation(NamedTuple):
    """Exact expectations over the mask in training, per element.

    unscaled: E[m_i·x_i], without the factor 1/(1−p). y: E[y_i]. grad_x: E[∂L/∂x_i].
    variance: Var[y_i].
    masks: over how many masks they were summed; None where over each element's two outcomes.
    """

    unscaled: list[Fraction]
    y: list[Fraction]
    grad_x: list[Fraction]
    variance: list[Fraction]
    masks: int | None


@lru_cache(maxsize=2)
def expectation(trace: Trace) -> Expectation:
    """The expectations over all 2^n masks while n ≤ 10, else over each element's two outcomes."""
    part = _part(trace, ELEMENTS)
    x, p = _fractions(part.problem.x), part.problem.p
    n = len(x)
    if n <= ALL_MASKS:
        outcomes = list(exact.masks(n, p))
    else:  # elements are independent: all kept or all dropped shows each of them both ways
        outcomes = [(probability, mask * n) for probability, mask in exact.masks(1, p)]

    def mean(of: Callable[[tuple[bool, ...]], list[Fraction]]) -> list[Fraction]:
        total = [Fraction(0)] * n
        for probability, mask in outcomes:
            total = [t + probability * v for t, v in zip(total, of(mask), strict=True)]
        return total

    def grad_x(mask: tuple[bool, ...]) -> list[Fraction]:
        match part.problem.loss:
            case "sum":
                grad_y = [Fraction(1)] * n
            case "sum-squares":
                grad_y = [2 * v for v in exact.forward(x, mask, p)]
            case _:
                grad_y = _fractions(part.grad_y)
        return exact.forward(grad_y, mask, p)

    y = mean(lambda mask: exact.forward(x, mask, p))
    squares = mean(lambda mask: [v * v for v in exact.forward(x, mask, p)])
    return Expectation(
        unscaled=mean(lambda mask: [v * kept for v, kept in zip(x, mask, strict=True)]),
        y=y,
        grad_x=mean(grad_x),
        variance=[square - m * m for square, m in zip(squares, y, strict=True)],
        masks=len(outcomes) if n <= ALL_MASKS else None,
    )


@lru_cache(maxsize=2)
def expected_output(trace: Trace) -> Finding:
    """E[y_i] = x_i: says nothing at p = 1, where no scaling can make up for what is dropped."""
    if trace.problem.p == 1:
        return Finding(0.0, None, 0)
    return _same(expectation(trace).y, _fractions(trace.problem.x[:ELEMENTS]))


@lru_cache(maxsize=2)
def expected_gradient(trace: Trace) -> Finding:
    """E[∂L/∂x_i] = ∂L/∂y_i, where that does not depend on m; for Σ y_i² it is 2x_i/(1−p)."""
    problem = trace.problem
    if problem.p == 1:
        return Finding(0.0, None, 0)
    if problem.loss == "sum-squares":
        keep = 1 - Fraction(problem.p)
        wanted = [2 * v / keep for v in _fractions(problem.x[:ELEMENTS])]
    else:
        wanted = _fractions(trace.grad_y[:ELEMENTS])
    return _same(expectation(trace).grad_x, wanted)


def take(trace: Trace, elements: slice | list[int]) -> Trace:
    """The trace of some elements alone. Dropout is elementwise, so they stay as they are."""
    problem = trace.problem
    return Trace(
        Problem(
            x=problem.x[elements],
            p=problem.p,
            mask=None if problem.mask is None else problem.mask[elements],
            drawn=problem.drawn,
            grad_y=None if problem.grad_y is None else problem.grad_y[elements],
            loss=problem.loss,
        )
    )


@lru_cache(maxsize=2)
def inference(trace: Trace) -> Finding:
    """In inference y = x and ∂L/∂x = ∂L/∂y, bit for bit."""
    problem = trace.problem
    still = Trace(replace(problem, mask=None, drawn=None))
    same = still.y.tobytes() == problem.x.tobytes()
    same = same and still.grad_x.tobytes() == still.grad_y.tobytes()
    error = max(np.abs(still.y - problem.x).max(), np.abs(still.grad_x - still.grad_y).max())
    return Finding(float(error), same, problem.x.size)


def module_by_hand(trace: Trace) -> Finding:
    """y is x · mask / (1−p), as a module written by hand computes it, with the same mask."""
    problem = trace.problem
    mask = np.ones(problem.x.size) if problem.mask is None else problem.mask.astype(np.float64)
    keep = 1 if problem.mask is None else 1 - problem.p
    with np.errstate(over="ignore"):
        error = np.abs(problem.x * mask / keep - trace.y).max()
    return Finding(float(error), not error, problem.x.size)


def automatic(trace: Trace) -> list[Fraction]:
    """∂L/∂x by automatic differentiation in exact fractions."""
    x = _fractions(trace.problem.x)
    return [exact.automatic(_loss(trace), x, i) for i in range(len(x))]


@lru_cache(maxsize=2)
def variance(trace: Trace) -> Finding:
    """Var[y_i] = p/(1−p) · x_i², from the exact moments over the masks."""
    if trace.problem.p == 1:
        return Finding(0.0, None, 0)
    drop = Fraction(trace.problem.p)
    wanted = [drop / (1 - drop) * v * v for v in _fractions(trace.problem.x[:ELEMENTS])]
    return _same(expectation(trace).variance, wanted)


@lru_cache(maxsize=2)
def same_mask(trace: Trace) -> Finding:
    """Backward uses the forward mask: y and ∂L/∂x are 0 where it is, and nowhere else for it.

    checked: how many gradients would be others under a mask drawn afresh.
    """
    problem, mask = trace.problem, trace.problem.mask
    if mask is None:
        return Finding(0.0, None, 0)
    wrong = (trace.y != 0) != (mask & (problem.x != 0))
    wrong |= (trace.grad_x != 0) != (mask & (trace.grad_y != 0))
    seed = 1 if problem.drawn is None else abs(problem.drawn.seed + 1) % 2**32
    fresh = draw("torch-cpu", seed, mask.size, problem.p)
    other = backward(trace.grad_y, fresh, problem.p) != trace.grad_x
    return Finding(float(wrong.sum()), not wrong.any(), int(other.sum()))


def _part(trace: Trace, size: int) -> Trace:
    return trace if trace.problem.x.size <= size else take(trace, slice(size))


def _y(part: Trace, x: Sequence[exact.Number] | None = None) -> list[exact.Number]:
    """The exact output for the part's mask and p, of its own x or another."""
    mask = None if part.problem.mask is None else part.problem.mask.tolist()
    return exact.forward(_fractions(part.problem.x) if x is None else x, mask, part.problem.p)


def _loss(part: Trace) -> exact.Loss:
    """L as a function of x, exact."""
    of_y = exact.loss(part.problem.loss, part.grad_y.tolist())
    return lambda x: of_y(_y(part, x))


def _fractions(values: Iterable[float]) -> list[Fraction]:
    return [Fraction(float(value)) for value in values]


def _compare(found: Iterable[float], wanted: Sequence[Fraction], ulps: int) -> Finding:
    """Floats against exact values, to so many units in the last place."""
    errors = [abs(f - w) for f, w in zip(_fractions(found), wanted, strict=True)]
    ok = all(e <= ulps * _ulp(w) for e, w in zip(errors, wanted, strict=True))
    return Finding(float(max(errors)), ok, len(errors))


def _ulp(value: Fraction) -> Fraction:
    """The unit in the last place of a float64 next to the value."""
    return Fraction(math.ulp(float(min(abs(value), Fraction(sys.float_info.max)))))


def _same(found: Sequence[Fraction], wanted: Sequence[Fraction]) -> Finding:
    """Exact values against exact values."""
    errors = [abs(f - w) for f, w in zip(found, wanted, strict=True)]
    return Finding(float(max(errors)), not any(errors), len(errors))


CLAIMS = {
    "forward": forward,
    "zero": zero,
    "local-gradient": local_gradient,
    "chain-rule": chain_rule,
    "gradient": gradient,
    "total-differential": total_differential,
    "expected-output": expected_output,
    "expected-gradient": expected_gradient,
    "variance": variance,
    "inference": inference,
    "same-mask": same_mask,
}
