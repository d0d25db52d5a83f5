"""Differences from the exact result that rounding explains, in a type or in what was written."""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Self

import numpy as np

from dropout_cli.arrays import FloatArray, Mask
from dropout_cli.losses import LOSSES
from dropout_cli.trace import Trace

ROUNDINGS = 6
FEWEST, MOST = 3, 8  # decimals; with fewer a number is taken as it is, with more as a float in full


class FloatType(NamedTuple):
    """A binary floating-point type.

    bits: the precision. Rounding to nearest is off by at most 2^−bits of the value.
    least: the exponent of its smallest subnormal, 2^least.
    largest: its largest finite value.
    """

    bits: int
    least: int
    largest: float

    def round(self, value: float) -> float:
        """Round to the nearest value of this type, ties to even, for |value| ≤ largest."""
        exponent = max(math.frexp(value)[1] - self.bits, self.least)
        return math.ldexp(round(math.ldexp(value, -exponent)), exponent)


TYPES = {
    "float16": FloatType(11, -24, 65504.0),
    "bfloat16": FloatType(8, -133, (2 - 2.0**-7) * 2.0**127),
    "float32": FloatType(24, -149, (2 - 2.0**-23) * 2.0**127),
    "float64": FloatType(53, -1074, (2 - 2.0**-52) * 2.0**1023),
}


class Tolerance(NamedTuple):
    """The largest difference between a right result and the exact one.

    relative, absolute: |got − expected| ≤ relative·|expected| + absolute. An expected 0 is exact:
        m = 0 and x = 0 give it in every type.
    largest: where expected is beyond it, inf of its sign is right.
    written: what else may be off, everywhere or in each element, where values were rounded when
        they were written.
    """

    relative: float
    absolute: float
    largest: float
    written: FloatArray | float = 0.0

    def near(self, got: FloatArray, expected: FloatArray) -> Mask:
        """Test where got is as near to expected as that. got may contain nan and inf."""
        with np.errstate(invalid="ignore", over="ignore"):
            off = np.abs(got - expected)
            close = off <= self.relative * np.abs(expected) + self.absolute + self.written
            close &= np.isfinite(expected) & ((expected != 0) | (np.abs(got) <= self.written))
            beyond = np.abs(expected) * (1 + self.relative) >= self.largest
        return np.asarray(close | (np.isinf(got) & beyond & (np.sign(got) == np.sign(expected))))

    def of_both_passes(self, scale: float) -> Self:
        """Widen the tolerance for a ∂L/∂x whose ∂L/∂y follows from y, as 2y does.

        scale: 1/(1−p). y is off by up to r·|y| + a, r and a being this tolerance's, so ∂L/∂y = 2y
        is off by r·|∂L/∂y| + 2a, and the backward pass scales that once more, and rounds again.
        """
        relative = self.relative * (2 + self.relative)
        absolute = self.absolute * (1 + 2 * scale * (1 + self.relative))
        return self._replace(relative=relative, absolute=absolute, written=0.0)


def tolerance(dtype: str, p: float) -> Tolerance:
    """Bound the difference from m·x/(1−p) that rounding explains.

    dtype: a name in TYPES. p: the drop probability, 0 ≤ p ≤ 1.

    With u = 2^−bits, each of these is off by a factor 1 + δ, |δ| ≤ u: x as it is stored, 1−p,
    1/(1−p), the product (or the quotient), and the result as it is printed. Together, and with one
    more for the terms in u², that is ROUNDINGS · u.

    What may be far larger is p stored in the type before it is subtracted from 1: with p' for the
    stored p, 1/(1−p') is larger than 1/(1−p) by the factor

        (1−p) / (1−p') = 1 + (p'−p)/(1−p'),

    which grows without bound as p → 1 (at p = 0.998 it is 1.024 in float16). As p is known, so is
    p', and the factor is computed, not bounded. p may also have been stored in float32, before or
    instead, if that is wider; this covers float16's subnormal numbers too, which 1−p may become,
    because they lie as far apart, 2^−24, as float32 does just below 1. A p that is stored as 1
    leaves a division by 0, which excuses no result.

    The absolute difference is that of subnormal numbers, which lie a step of 2^least apart. In
    float16, x as it is stored is off by up to half a step, which 1/(1−p) then multiplies, and the
    result as it is printed by up to half a step more; 1/(1−p) ≥ 1, so nothing between the two is
    smaller than x. In the other types it is the smallest normal number, divided by 1−p: processors
    and compilers often take subnormal numbers for 0, before the division as well as after it.
    """
    kind, single, keep = TYPES[dtype], TYPES["float32"], 1 - p
    unit = 2.0**-kind.bits
    if p == 1:
        return Tolerance(ROUNDINGS * unit, 2.0**kind.least, kind.largest)
    stored = {p, kind.round(p)}
    if kind.bits < single.bits:
        stored |= {single.round(p), kind.round(single.round(p))}
    drift = max(abs(keep / (1 - value) - 1) for value in stored if value < 1)
    relative = drift + ROUNDINGS * unit * (1 + drift)
    if dtype == "float16":
        absolute = 2.0**kind.least / 2 * ((1 + relative) / keep + 1)
    else:
        absolute = 2.0 ** (kind.least + kind.bits - 1) / keep
    return Tolerance(relative, absolute, kind.largest)


def rounding(trace: Trace, about: str, dtype: str) -> Tolerance:
    """Bound the difference in y, grad_y or grad_x that rounding to a type of TYPES explains."""
    problem = trace.problem
    once = tolerance(dtype, problem.p if problem.training else 0)
    if about == "y" or problem.loss is None or trace.scale is None:
        return once
    elsewhere = LOSSES[problem.loss].gradient(0 * trace.y, trace.y.size)
    if np.array_equal(trace.grad_y, elsewhere):  # it does not follow from y
        return once
    return once.of_both_passes(trace.scale)


def half_units(texts: Iterable[str]) -> FloatArray | float:
    """Bound the error of each number that was rounded when it was written, as by `%.4f`.

    With d decimals that is half a unit of the last, 10^(−d)/2. All have as many decimals as the one
    with the most: others may have lost their last zeros. With an exponent the mantissa's count.
    0 for fewer than FEWEST or more than MOST of them.
    """
    parts = [text.lower().partition("e") for text in texts]
    decimals = max((len(mantissa.partition(".")[2]) for mantissa, *_ in parts), default=0)
    if not FEWEST <= decimals <= MOST:
        return 0.0
    exponents = np.array([float(exponent or 0) for *_, exponent in parts])
    return np.asarray(0.5 * 10 ** (exponents - decimals))


def propagated(trace: Trace, about: str, units: Mapping[str, FloatArray | float]) -> FloatArray:
    """Bound the error of y or grad_x that follows from rounding the vectors when written.

    units: how far x, grad_y, y and grad_x may be off; a missing one is exact.
    """
    own, loss, n = units.get(about, 0.0), trace.problem.loss, trace.y.size
    of_y = units.get("x", 0.0) * trace.local_grad
    if about == "y":
        return of_y + own
    of_grad_y = units.get("grad_y", 0.0)
    if loss is not None:  # ∂L/∂y is linear in y, or does not follow from it
        gradient = LOSSES[loss].gradient
        of_grad_y = np.abs(gradient(trace.y + of_y, n) - gradient(trace.y, n))
    return of_grad_y * trace.local_grad + own
