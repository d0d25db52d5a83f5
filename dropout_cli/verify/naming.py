"""Name the known mistakes that explain what a layer answered, the best first."""

from statistics import NormalDist

import numpy as np

from dropout_cli.arrays import FloatArray, Mask
from dropout_cli.problem import Problem
from dropout_cli.trace import Trace
from dropout_cli.verify import chance
from dropout_cli.verify.calls import Call
from dropout_cli.verify.mistakes import IN_GRADIENT, factor, fitting, swapped


def names_of(call: Call, about: str) -> list[str]:
    """Name the mistakes that explain a wrong y or ∂L/∂x of this call."""
    got, right = call.array(about), call.right(about)
    assert got is not None
    if call.training and call.p == 1:
        return ["nan-at-p-1" if np.isnan(got).any() else "keeps-at-p-1"]
    if _swapped(call):
        return ["swapped"]
    between = call.training and call.p > 0
    formulas = fitting(_trace(call, call.mask), about, got.ravel(), call.allowed(about))
    if not between:  # of the formulas, those of the gradient alone have a meaning
        formulas = [name for name in formulas if name in IN_GRADIENT]
    found = formulas or _at_zero(call, about, got)
    if between or (found and found != ["gradient-cut"]):
        return found
    dropped = got[right != 0] == 0
    if call.training:
        found += ["drops-at-p-0"] if dropped.any() else []
        return found if np.isfinite(got).all() else ["not-finite-at-p-0"]
    scaled = factor(got.ravel(), right.ravel(), call.allowed(about)) is not None
    found += ["drops-in-inference"] if dropped.any() else []
    return found + (["scales-in-inference"] if scaled else [])


def of_share(p: float, kept: int, n: int) -> list[str]:
    """Name the mistakes that explain that kept of n elements were kept, which p does not."""
    if kept in (0, n):
        return ["drops-nothing" if kept else "drops-everything"]
    normal = NormalDist().cdf
    shares = {
        "keeps-with-p": (p,),
        "drawn-normal": (normal(-p), normal(1 - p)),  # randn() > p, randn() < 1-p
    }
    return [name for name, qs in shares.items() if any(likely(q, kept, n) for q in qs)]


def likely(q: float, kept: int, n: int) -> bool:
    """Test whether kept of n fits the keep probability q."""
    return chance.of_share(kept, n, chance.Setting(q, 2.0**-22)) >= chance.LEVEL


def _trace(call: Call, mask: Mask) -> Trace:
    """Solve the problem that the call was given, with this mask."""
    bits = mask.ravel() | (call.p == 0) if call.training else None
    return Trace(Problem.create(call.x.ravel(), call.p, bits, grad_y=call.grad_y.ravel()))


def _swapped(call: Call) -> bool:
    """Test whether y and ∂L/∂x have each other's values."""
    y, grad_x = call.array("y"), call.array("grad_x")
    if y is None or grad_x is None or not (y.any() and grad_x.any()):
        return False
    trace = _trace(call, (y != 0) | (grad_x != 0))
    return swapped(trace, y.ravel(), grad_x.ravel(), call.allowed("grad_x"))


def _at_zero(call: Call, about: str, got: FloatArray) -> list[str]:
    """Name what goes wrong only where x is 0: the mask is read from y, or y divided by x."""
    zero = call.x == 0
    if about != "grad_x" or not zero.any():
        return []
    rest = call.grad_y[~zero] != 0
    if np.isnan(got[zero]).any() and np.isfinite(got[~zero]).all():
        return ["nan-at-zero"]
    lost = not got[zero].any() and bool(got[~zero][rest].all())
    return ["lost-at-zero"] if lost else []
