"""The claims of the derivation, each checked in exact fractions against the definition.

A claim is a function from a Trace to a Finding. The floats of the trace must agree with exact
values to a few units in the last place; what is proved of the definition must agree exactly.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from operator import mul
from typing import NamedTuple

import numpy as np

from dropout_cli import dropout
from dropout_cli.arrays import FloatArray
from dropout_cli.problem import Problem
from dropout_cli.proof import exact
from dropout_cli.proof.finding import SILENT, Finding
from dropout_cli.trace import Trace

ELEMENTS = 1000  # the most elements checked in fractions, from the first
PAIRS = 16  # the most elements of which each is checked against each
ALL_MASKS = 10  # the most elements of which expectations are summed over all 2^n masks,
FINE = 2**120  # and the largest denominator of p for which they are
SMALLEST = Fraction(1, 2**1074)  # the smallest positive float64


def definition(trace: Trace) -> Finding:
    """m_i·x_i/(1−p) is 0 for m_i = 0 and x_i/(1−p) for m_i = 1, if p allows that m_i.

    Silent at p = 1, where 1/(1−p) is undefined and y is 0 by definition.
    """
    p = trace.problem.p
    if p == 1:
        return SILENT
    x = _first(trace.problem.x)
    found, wanted = [], []
    for _, (kept,) in exact.masks(1, p):
        found += [kept * v / (1 - Fraction(p)) for v in x]
        wanted += exact.forward(x, [kept] * len(x), p)
    return _compare(found, wanted, ulps=0)._replace(checked=len(x))


def forward(trace: Trace) -> Finding:
    """y_i = m_i·x_i/(1−p)."""
    return _compare(_first(trace.y), _output(trace, _first(trace.problem.x)), ulps=2)


def chain_rule(trace: Trace) -> Finding:
    """∂L/∂x_i = ∂L/∂y_i · ∂y_i/∂x_i."""
    products = list(map(mul, _first(trace.grad_y), _first(trace.local_grad)))
    return _compare(_first(trace.grad_x), products, ulps=3)


def local_gradient(trace: Trace) -> Finding:
    """∂y_i/∂x_i = m_i/(1−p), and ∂y_i/∂x_j = 0 for j ≠ i: differences of the definition."""
    x, local = _first(trace.problem.x, PAIRS), _first(trace.local_grad, PAIRS)
    found, wanted = [], []
    for j, slope in enumerate(local):
        found += [slope * (i == j) for i in range(len(x))]
        wanted += exact.differences(lambda v: _output(trace, v), x, j)
    return _compare(found, wanted, ulps=2)._replace(checked=len(x))


def same_mask(trace: Trace) -> Finding:
    """Backward uses the mask of forward.

    Where x_i ≠ 0, y_i ≠ 0 exactly if m_i = 1; where ∂L/∂y_i ≠ 0, so is ∂L/∂x_i.
    """
    problem, mask = trace.problem, trace.problem.mask
    if mask is None:
        return SILENT
    wrong = (trace.y != 0) != (mask & (problem.x != 0))
    wrong |= (trace.grad_x != 0) != (mask & (trace.grad_y != 0))
    return Finding(float(wrong.sum()), not wrong.any(), mask.size)


def changed_by_a_fresh_mask(trace: Trace) -> Fraction:
    """Return how many gradients a fresh mask would change on average; 0 in inference.

    It drops a kept element with probability p, and keeps a dropped one with 1−p.
    """
    mask, drop = trace.problem.mask, Fraction(trace.problem.p)
    if mask is None:
        return Fraction(0)
    some = trace.grad_y != 0
    return drop * int((mask & some).sum()) + (1 - drop) * int((~mask & some).sum())


def gradient(trace: Trace) -> Finding:
    """∂L/∂x_i is the central difference of L, and its automatic derivative."""
    problem, x = trace.problem, _first(trace.problem.x, PAIRS)
    n = len(x)
    of_y = exact.loss(problem.loss, trace.grad_y[:n].tolist(), problem.x.size)

    def loss(x: Sequence[exact.Number]) -> exact.Number:
        return of_y(_output(trace, x))

    wanted = [exact.differences(lambda v: [loss(v)], x, i)[0] for i in range(n)]
    wanted += [exact.automatic(loss, x, i) for i in range(n)]
    keep = 1 - Fraction(problem.p)
    lost = SMALLEST / keep if keep else Fraction(0)  # of a subnormal y, before it is scaled again
    return _compare(_first(trace.grad_x, PAIRS) * 2, wanted, 4, lost)._replace(checked=n)


def backward(trace: Trace) -> Finding:
    """∂L/∂x = ∂L/∂y ⊙ m/(1−p)."""
    return _compare(_first(trace.grad_x), _output(trace, _first(trace.grad_y)), ulps=2)


def total_differential(trace: Trace) -> Finding:
    """Σ ∂L/∂x_i dx_i = Σ ∂L/∂y_i dy_i, for the dx of step(), its reverse, and along single axes."""
    grad_x, grad_y = trace.grad_x[:ELEMENTS], trace.grad_y[:ELEMENTS]
    n = grad_x.size
    axes = [[Fraction(k == i, 8) for k in range(n)] for i in range(min(n, PAIRS))]
    worst, ok = Fraction(0), True
    for dx in [step(n), [-v for v in reversed(step(n))], *axes]:
        dy = _output(trace, dx)
        error = abs(differential(grad_x, dx) - differential(grad_y, dy))
        size = differential(np.abs(grad_y), map(abs, dy))
        worst = max(worst, error)
        # A normal term is rounded twice, a subnormal one by up to half of SMALLEST.
        ok = ok and error <= size / 2**51 + SMALLEST * sum(map(abs, dx))
    return Finding(float(worst), ok, n)


def step(n: int) -> list[Fraction]:
    """Return the dx of the example: dx_i = i/100."""
    return [Fraction(i, 100) for i in range(1, n + 1)]


def differential(gradient: Iterable[float], change: Iterable[Fraction]) -> Fraction:
    """Return the change of L to first order: Σ gradient_i · change_i."""
    pairs = zip(gradient, change, strict=True)
    return sum((Fraction(float(g)) * d for g, d in pairs if d), Fraction(0))


def zero(trace: Trace) -> Finding:
    """Where m_i = 0, y_i and ∂L/∂x_i are exactly 0."""
    mask = trace.problem.mask
    if mask is None or mask.all():
        return SILENT
    dropped = ~mask
    largest = max(np.abs(trace.y[dropped]).max(), np.abs(trace.grad_x[dropped]).max())
    return Finding(float(largest), not largest, int(dropped.sum()))


def masks_summed(n: int, p: float) -> int | None:
    """Return the number of masks of n elements possible at p; None if too many to sum over."""
    if p in (0, 1):
        return 1
    return 2**n if n <= ALL_MASKS and Fraction(p).denominator <= FINE else None


class Expectation(NamedTuple):
    """Exact expectations over the mask in training, of the first ELEMENTS elements.

    masks: the number of masks summed over; None for the two outcomes of each element.
    unscaled: E[m_i·x_i], without the factor 1/(1−p). y: E[y_i]. variance: Var[y_i].
    grad_x: E[∂L/∂x_i], and squares_grad_x: that of L = Σ y_i².
    grad_y: ∂L/∂y if it is the same under every mask, else None.
    """

    masks: int | None
    unscaled: list[Fraction]
    y: list[Fraction]
    variance: list[Fraction]
    grad_x: list[Fraction]
    squares_grad_x: list[Fraction]
    grad_y: list[Fraction] | None


@lru_cache(maxsize=1)
def expectation(problem: Problem) -> Expectation:
    """Compute the expectations of a problem, once.

    They are sums over all possible masks: one at p = 0 or 1, and 2^n for n ≤ 10 (if p is not tiny).
    Otherwise, as elements are independent, they are sums over the two outcomes of each element.
    """
    n, p, x = problem.x.size, problem.p, _first(problem.x)
    given = None if problem.grad_y is None else _first(problem.grad_y)
    masks = masks_summed(n, p)
    outcomes = exact.masks(n, p)
    if masks in (None, 1):  # all kept and all dropped show both outcomes of each
        outcomes = ((chance, mask * len(x)) for chance, mask in exact.masks(1, p))
    unscaled = mean = square = grad_x = squares_grad_x = [Fraction(0)] * len(x)
    upstreams = []
    for chance, mask in outcomes:
        y = exact.forward(x, mask, p)
        upstream = given or exact.loss_gradient(str(problem.loss), y, n)
        upstreams.append(upstream)
        of_squares = exact.loss_gradient("sum-squares", y, n)
        unscaled = _plus(unscaled, chance, map(mul, x, mask))
        mean = _plus(mean, chance, y)
        square = _plus(square, chance, map(mul, y, y))
        grad_x = _plus(grad_x, chance, exact.forward(upstream, mask, p))
        squares_grad_x = _plus(squares_grad_x, chance, exact.forward(of_squares, mask, p))
    variance = [s - m * m for s, m in zip(square, mean, strict=True)]
    grad_y = upstreams[0] if all(each == upstreams[0] for each in upstreams) else None
    return Expectation(masks, unscaled, mean, variance, grad_x, squares_grad_x, grad_y)


def _plus(total: list[Fraction], chance: Fraction, values: Iterable[Fraction]) -> list[Fraction]:
    """Add chance · value to each total."""
    return [t + chance * v if v else t for t, v in zip(total, values, strict=True)]


def expected_output(trace: Trace) -> Finding:
    """E[y_i] = x_i. Silent at p = 1, where no scaling makes up for what is dropped."""
    if trace.problem.p == 1:
        return SILENT
    return _compare(expectation(trace.problem).y, _first(trace.problem.x), ulps=0)


def expected_gradient(trace: Trace) -> Finding:
    """E[∂L/∂x_i] = ∂L/∂y_i. Silent at p = 1, and if ∂L/∂y depends on the mask."""
    mean = expectation(trace.problem)
    if trace.problem.p == 1 or mean.grad_y is None:
        return SILENT
    return _compare(mean.grad_x, mean.grad_y, ulps=0)


def nonlinear_gradient(trace: Trace) -> Finding:
    """E[∂L/∂x_i] = 2x_i/(1−p) for L = Σ y_i², whose ∂L/∂y_i = 2y_i depends on the mask.

    Silent at p = 1.
    """
    if trace.problem.p == 1:
        return SILENT
    keep = 1 - Fraction(trace.problem.p)
    wanted = [2 * v / keep for v in _first(trace.problem.x)]
    return _compare(expectation(trace.problem).squares_grad_x, wanted, ulps=0)


def variance(trace: Trace) -> Finding:
    """Var[y_i] = p/(1−p) · x_i². Silent at p = 1."""
    if trace.problem.p == 1:
        return SILENT
    drop = Fraction(trace.problem.p)
    wanted = [drop / (1 - drop) * v * v for v in _first(trace.problem.x)]
    return _compare(expectation(trace.problem).variance, wanted, ulps=0)


def inference(trace: Trace) -> Finding:
    """In inference y = x and ∂L/∂x = ∂L/∂y, bit for bit."""
    x, grad_y, p = trace.problem.x, trace.grad_y, trace.problem.p
    pairs = [(dropout.forward(x, None, p), x), (dropout.backward(grad_y, None, p), grad_y)]
    ok = all(np.array_equal(f.view(np.int64), w.view(np.int64)) for f, w in pairs)
    error = 0.0 if ok else max(np.abs(f - w).max() for f, w in pairs)
    return Finding(float(error), ok, x.size)


CLAIMS = {
    "definition": definition,
    "forward": forward,
    "chain-rule": chain_rule,
    "local-gradient": local_gradient,
    "same-mask": same_mask,
    "gradient": gradient,
    "backward": backward,
    "total-differential": total_differential,
    "zero": zero,
    "expected-output": expected_output,
    "expected-gradient": expected_gradient,
    "nonlinear-gradient": nonlinear_gradient,
    "variance": variance,
    "inference": inference,
}


@lru_cache(maxsize=64)
def check(name: str, trace: Trace) -> Finding:
    """Check a claim of a trace, once."""
    return CLAIMS[name](trace)


def _first(values: FloatArray, count: int = ELEMENTS) -> list[Fraction]:
    """Convert the first values to fractions."""
    return [Fraction(float(value)) for value in values[:count]]


def _output(trace: Trace, x: Sequence[exact.Number]) -> list[exact.Number]:
    """Compute the exact output for another x, with the mask and p of the first elements."""
    mask = trace.problem.mask
    return exact.forward(x, None if mask is None else mask[: len(x)].tolist(), trace.problem.p)


def _compare(
    found: Sequence[Fraction], wanted: Sequence[Fraction], ulps: int, more: Fraction = Fraction(0)
) -> Finding:
    """Compare values with exact ones; allow `ulps` units in the last place, plus `more`."""
    errors = [abs(f - w) for f, w in zip(found, wanted, strict=True)]
    ok = all(e <= ulps * _ulp(w) + more for e, w in zip(errors, wanted, strict=True))
    return Finding(float(max(errors)), ok, len(errors))


def _ulp(value: Fraction) -> Fraction:
    """Return the unit in the last place of the float64 nearest to the value."""
    return Fraction(math.ulp(float(min(abs(value), Fraction(sys.float_info.max)))))
