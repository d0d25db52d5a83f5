"""Dropout in exact fractions, from the definition: the reference of the tests."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

Numbers = Sequence[float | Fraction] | Sequence[float] | Sequence[Fraction]

LOSSES: dict[str, Callable[[list[Fraction]], Fraction]] = {
    "sum": lambda y: sum(y, Fraction(0)),
    "mean": lambda y: sum(y, Fraction(0)) / len(y),
    "sum-squares": lambda y: sum((v * v for v in y), Fraction(0)),
}


def forward(x: Numbers, mask: Sequence[int], p: float) -> list[Fraction]:
    """Compute y: x_i/(1−p) for an element that survives, and 0 for one that is zeroed."""
    return [
        Fraction(v) / (1 - Fraction(p)) if m else Fraction(0) for v, m in zip(x, mask, strict=True)
    ]


def gradient(loss: str, x: Sequence[float], mask: Sequence[int], p: float, i: int) -> Fraction:
    """Compute ∂L/∂x_i by a central difference, which is exact for a loss that is quadratic in x."""
    h = Fraction(1, 8)
    up, down = list(map(Fraction, x)), list(map(Fraction, x))
    up[i] += h
    down[i] -= h
    value = LOSSES[loss]
    return (value(forward(up, mask, p)) - value(forward(down, mask, p))) / (2 * h)


def ulps(result: float, exact: Fraction) -> Fraction:
    """Measure the distance from the exact value, in units of the exact value's last place."""
    return abs(Fraction(float(result)) - exact) / Fraction(math.ulp(float(exact)))
