"""Which known mistakes explain what a layer answered: the names of all that fit, the best first."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.problem import Problem
from dropout_cli.trace import Trace
from dropout_cli.verify import chance
from dropout_cli.verify.mistakes import diagnose
from dropout_cli.verify.tolerance import tolerance

if TYPE_CHECKING:
    from dropout_cli.arrays import FloatArray
    from dropout_cli.verify.calls import Call


def in_training(about: str, call: Call, p: float, got: FloatArray) -> list[str]:
    """The mistakes of mistakes.py whose formula gives these values, for 0 < p < 1."""
    trace = Trace(Problem(call.x.ravel(), p, call.mask.ravel(), None, call.grad_y.ravel(), None))
    allowed = tolerance(call.coarsest(about), p)
    if _swapped(call, p):
        return ["swapped"]
    diagnosis = diagnose(trace, about, got.ravel(), allowed)
    found = [] if diagnosis is None else diagnosis.mistakes
    return found or _at_zero(about, call, got)


def at_p_0(about: str, call: Call, _p: float, got: FloatArray) -> list[str]:
    """What is wrong where every element should have been kept."""
    named = _as_it_is(about, call, got, ["drops-at-p-0"])
    if named:
        return named
    if not np.isfinite(got).all():
        return ["not-finite-at-p-0"]
    given = call.x if about == "y" else call.grad_y
    return [] if got[given != 0].all() else ["drops-at-p-0"]


def _as_it_is(about: str, call: Call, got: FloatArray, others: list[str]) -> list[str]:
    """What explains values that should be x or ∂L/∂y; others: what else cuts a gradient."""
    if _swapped(call, 0):
        return ["swapped"]
    if about == "y":
        return []
    if not got.any():
        return ["gradient-cut", *others]
    near = tolerance(call.coarsest(about), 0).near
    formulas = {"times-x": call.grad_y * call.x, "ignores-grad-y": np.ones_like(call.x)}
    found = [name for name, wrong in formulas.items() if near(got, wrong).all()]
    return found or _at_zero(about, call, got)


def at_p_1(_about: str, _call: Call, _p: float, got: FloatArray) -> list[str]:
    """What is wrong where every element should have been dropped."""
    if np.isfinite(got).all():
        return ["keeps-at-p-1"]
    return ["nan-at-p-1"] if np.isnan(got).any() else ["not-masked"]


def in_inference(about: str, call: Call, _p: float, got: FloatArray) -> list[str]:
    """What is wrong where every element should have been left as it is."""
    named = _as_it_is(about, call, got, ["drops-in-inference", "scales-in-inference"])
    if named:
        return named
    given = call.x if about == "y" else call.grad_y
    factors = got[given != 0] / given[given != 0]
    rtol = 2 * tolerance(call.coarsest(about), 0).relative
    kept = factors[factors != 0]
    if not (kept.size == 0 or np.allclose(kept, kept[0], rtol, 0)):
        return []
    drops = ["drops-in-inference"] if kept.size < factors.size else []
    scales = ["scales-in-inference"] if kept.size in (0, factors.size) else []
    return drops + scales


def of_share(p: float, kept: int, n: int) -> list[str]:
    """What explains that kept of n elements were kept, which p does not."""
    if kept in (0, n):
        return ["drops-nothing" if kept else "drops-everything"]
    normal = NormalDist().cdf
    shares = {
        "keeps-with-p": (p,),
        "drawn-normal": (normal(-p), normal(1 - p)),  # randn() > p, randn() < 1-p
    }
    return [name for name, qs in shares.items() if any(likely(q, kept, n) for q in qs)]


def likely(q: float, kept: int, n: int) -> bool:
    """Whether kept of n is what a keep probability q makes."""
    return chance.of_share(kept, n, chance.Setting(q, 2.0**-22)) >= chance.LEVEL


def _swapped(call: Call, p: float) -> bool:
    """Whether y is what ∂L/∂x should be, and ∂L/∂x what y should be."""
    y, grad_x = call.array("y"), call.array("grad_x")
    if y is None or grad_x is None or not (y.any() and grad_x.any()):
        return False
    scale = ((y != 0) | (grad_x != 0) | (p == 0)) / (1 - p)
    near = tolerance(call.coarsest("grad_x"), p).near
    return bool(near(y, call.grad_y * scale).all() and near(grad_x, call.x * scale).all())


def _at_zero(about: str, call: Call, got: FloatArray) -> list[str]:
    """What goes wrong where x is 0 alone: the mask is read from y, or y divided by x."""
    zero = call.x == 0
    if about != "grad_x" or not zero.any():
        return []
    rest = call.grad_y[~zero] != 0
    if np.isnan(got[zero]).any() and np.isfinite(got[~zero]).all():
        return ["nan-at-zero"]
    lost = not got[zero].any() and bool(got[~zero][rest].all())
    return ["lost-at-zero"] if lost else []
