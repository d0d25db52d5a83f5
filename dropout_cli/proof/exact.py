"""Dropout in exact fractions, straight from its definition: what every claim is held against.

It shares no line with dropout.py: here an element survives or is zeroed, probabilities are summed
over masks, and derivatives come from differences and from automatic differentiation. Only the
losses are those of the table in losses.py, from which a trace takes ∂L/∂y too: here they are
computed in fractions, and their value is differentiated anew, which checks their gradient.
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
        """slope: the derivative."""
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
    """y: x_i/(1−p) for an element that survives, 0 for one that is zeroed; x in inference."""
    if mask is None:
        return list(x)
    keep = 1 - Fraction(p)
    return [v / keep if survives else v * 0 for v, survives in zip(x, mask, strict=True)]


def loss(name: str | None, grad_y: Sequence[float], n: int) -> Loss:
    """L as a function of y: the named loss, or Σ g_i y_i, whose gradient is the given grad_y.

    Of n elements y may hold some: then it is their share of L, and the rest of L is constant.
    """
    if name is None:
        weights = [Fraction(float(g)) for g in grad_y]
        return lambda y: sum(g * v for g, v in zip(weights, y, strict=True))
    return lambda y: LOSSES[name].value(np.array(y, dtype=object), n)


def loss_gradient(name: str, y: Sequence[Fraction], n: int) -> list[Fraction]:
    """∂L/∂y of the named loss, for some of n elements."""
    return list(LOSSES[name].gradient(np.array(y, dtype=object), n))


def automatic(f: Callable[[Sequence[Number]], Number], x: Sequence[Fraction], i: int) -> Fraction:
    """∂f/∂x_i by automatic differentiation."""
    return _dual(f([Dual(v, Fraction(k == i)) for k, v in enumerate(x)])).slope


def differences(
    f: Callable[[Sequence[Number]], Sequence[Number]], x: Sequence[Fraction], i: int
) -> list[Fraction]:
    """∂f_k/∂x_i for every k by central differences, exact where f_k is at most quadratic in x_i."""
    step = Fraction(1, 8)
    up, down = ([v + s * step * (k == i) for k, v in enumerate(x)] for s in (1, -1))
    return [Fraction(a - b) / (2 * step) for a, b in zip(f(up), f(down), strict=True)]


def masks(n: int, p: float) -> Iterator[tuple[Fraction, tuple[bool, ...]]]:
    """Every mask of n elements that can happen, with its probability."""
    drop = Fraction(p)
    for mask in product((False, True), repeat=n):
        kept = sum(mask)
        probability = (1 - drop) ** kept * drop ** (n - kept)
        if probability:
            yield probability, mask
