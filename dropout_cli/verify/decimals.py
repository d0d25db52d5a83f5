"""What rounding to decimals leaves open: values are often written with four, as `%.4f` does.

A number that was rounded to d decimals is off by at most half a unit of the last, 10^(−d)/2. What
follows from it is off by as much, times what it is multiplied by.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.losses import LOSSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dropout_cli.arrays import FloatArray
    from dropout_cli.trace import Trace

FEWEST, MOST = 3, 8  # decimals; with fewer a number is taken as it is, with more as a float in full
NUMBER = re.compile(r"[+-]?\d*(?:\.(\d*))?(?:e([+-]?\d+))?", re.IGNORECASE)


def half_units(texts: Sequence[str]) -> FloatArray | float:
    """How far each number may be off because it was rounded when it was written; 0 where not.

    texts: the numbers as they are written. They have as many decimals as the one with the most of
    them has: others may have lost their last zeros. With exponents, those of the mantissa count.
    """
    found = [NUMBER.fullmatch(text.strip()) for text in texts]
    decimals = [len(each[1] or "") if each else 0 for each in found]
    most = max(decimals, default=0)
    if not FEWEST <= most <= MOST:
        return 0.0
    exponents = [int(each[2] or 0) if each else 0 for each in found]
    if any(each and each[2] for each in found):
        return 0.5 * 10.0 ** (np.array(exponents) - most)
    return 0.5 * 10.0**-most


def open_by(
    trace: Trace, about: str, units: Mapping[str, FloatArray | float]
) -> FloatArray | float:
    """How far y or grad_x may be off because of the decimals of what it follows from, and its own.

    units: for x, grad_y, y and grad_x what half_units gives.
    """
    problem = trace.problem
    own = units.get(about, 0.0)
    scale = 0.0 if trace.scale is None else trace.scale
    kept = scale * (1.0 if problem.mask is None else problem.mask.astype(np.float64))
    of_y = units.get("x", 0.0) * kept
    if about == "y":
        return np.where(kept > 0, of_y + own, own * 0)
    if problem.loss is None:
        upstream = units.get("grad_y", 0.0)
    else:  # ∂L/∂y is linear in y, or does not follow from it
        n = trace.y.size
        gradient = LOSSES[problem.loss].gradient
        upstream = np.abs(gradient(trace.y + of_y, n) - gradient(trace.y, n))
    return np.where(kept > 0, upstream * kept + own, own * 0)
