"""Dropout in exact fractions, straight from its definition: the reference of every claim.

It shares no code with dropout.py: an element survives or is zeroed, probabilities are summed over
masks, and derivatives are differences or come from automatic differentiation. The losses are those
of losses.py, but in fractions; to differentiate their value checks the gradient stated there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from dropout_cli.losses import LOSSES

Number = Any  # a Fraction, or a Dual of Fractions
Loss = Callable[[Sequence[Number]], Number]


class Dual:
    """A number with its derivative in one variable: forward-mode automatic differentiation."""

    def __init__(self, value: Fraction, slope: Fraction) -> None:
        """Pair a value with its derivative."""
        self.value, self.slope = value, slope

    def __add__(self, other: Number) -> Dual:
        other = _dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    def __mul__(self, other: Number) -> Dual:
        other = _dual(other)
        slope = self.value * other.slope + self.slope * other.value
        return Dual(self.value * other.value, slope)

    def __truediv__(self, other: Fraction | int) -> Dual:
        return self * (1 / Fraction(other))

    __radd__, __rmul__ = __add__, __mul__


def _dual(number: Number) -> Dual:
    return number if isinstance(number, Dual) else Dual(Fraction(number), Fraction(0))


def forward(x: Sequence[Number], mask: Sequence[bool] | None, p: float | Fraction) -> list[Number]:
    """Compute y: x_i/(1−p) if element i survives, 0 if it is zeroed; x in inference."""
    if mask is None:
        return list(x)
    keep = 1 - Fraction(p)
    return [v / keep if survives else v * 0 for v, survives in zip(x, mask, strict=True)]


def loss(name: str | None, grad_y: Sequence[float], n: int) -> Loss:
    """Return L as a function of y: the named loss, or Σ g_i y_i, whose gradient is grad_y.

    If y holds only some of the n elements, it is their share of L.
    """
    if name is None:
        weights = [Fraction(float(g)) for g in grad_y]
        return lambda y: sum(g * v for g, v in zip(weights, y, strict=True))
    return lambda y: LOSSES[name].value(np.array(y, dtype=object), n)


def loss_gradient(name: str, y: Sequence[Fraction], n: int) -> list[Fraction]:
    """Compute ∂L/∂y of the named loss, for some of n elements."""
    return list(LOSSES[name].gradient(np.array(y, dtype=object), n))


def automatic(f: Callable[[Sequence[Number]], Number], x: Sequence[Fraction], i: int) -> Fraction:
    """Compute ∂f/∂x_i by automatic differentiation."""
    return _dual(f([Dual(v, Fraction(k == i)) for k, v in enumerate(x)])).slope


def differences(
    f: Callable[[Sequence[Number]], Sequence[Number]], x: Sequence[Fraction], i: int
) -> list[Fraction]:
    """Compute ∂f_k/∂x_i for all k by central differences, exact for an f_k quadratic in x_i."""
    step = Fraction(1, 8)
    up, down = ([v + s * step * (k == i) for k, v in enumerate(x)] for s in (1, -1))
    return [Fraction(a - b) / (2 * step) for a, b in zip(f(up), f(down), strict=True)]


def masks(n: int, p: float) -> Iterator[tuple[Fraction, tuple[bool, ...]]]:
    """Yield every mask of n elements possible at p, with its probability."""
    drop = Fraction(p)
    for mask in product((False, True), repeat=n):
        kept = sum(mask)
        probability = (1 - drop) ** kept * drop ** (n - kept)
        if probability:
            yield probability, mask
