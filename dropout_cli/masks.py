"""Who draws the mask.

A source is a function of (seed, n, p) that returns n booleans, True = kept. Each gives its rule in
full, and the rule never changes: a seed that is printed on a slide gives its mask for good.
"""

from collections.abc import Callable

import numpy as np

from dropout_cli.dropout import Mask
from dropout_cli.errors import RequestError


def draw_numpy(seed: int, n: int, p: float) -> Mask:
    """u = numpy.random.default_rng(seed).random(n); kept where u < 1−p.

    default_rng is PCG64, and u_i = (its i-th 64-bit output div 2^11) · 2^−53. The seed is an
    integer ≥ 0 of any size.
    """
    if seed < 0:
        raise RequestError(f"seed is {seed}, but the numpy generator takes integers from 0 up")
    return np.random.default_rng(seed).random(n) < 1 - p


SOURCES: dict[str, Callable[[int, int, float], Mask]] = {"numpy": draw_numpy}


def draw(rng: str, seed: int, n: int, p: float) -> Mask:
    """The mask of n elements that the source named rng draws with this seed at drop probability p.

    Raises RequestError for a name that is not in SOURCES, or a seed that the source does not take.
    """
    if rng not in SOURCES:
        raise RequestError(f"rng is {rng!r}, but it must be one of {', '.join(SOURCES)}")
    return SOURCES[rng](seed, n, p)
