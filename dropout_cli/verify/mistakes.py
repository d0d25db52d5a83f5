"""The known mistakes, each as the formula that it computes.

Adding a mistake is adding a line to one of the tables, and a sentence to each language's prose.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dropout_cli.arrays import FloatArray
from dropout_cli.errors import RequestError
from dropout_cli.trace import Trace
from dropout_cli.verify.tolerance import Tolerance

Formula = Callable[[FloatArray, FloatArray, float], tuple[FloatArray, ...]]

# What each mistake makes of v: of x in the forward pass, of ∂L/∂y in the backward pass.
IN_TRAINING: dict[str, Formula] = {
    "not-scaled": lambda v, m, p: () if m.all() else (v * m,),  # that would be not-applied
    "not-masked": lambda v, m, p: (v / (1 - p),),
    "divided-by-p": lambda v, m, p: (v * m / p,),
    "inverted": lambda v, m, p: (v * (1 - m) / (1 - p),),
    "not-applied": lambda v, m, p: (v,),
    "scaled-twice": lambda v, m, p: (v * m / (1 - p) ** 2,),
    "multiplied-by-keep": lambda v, m, p: (v * m * (1 - p),),
    "multiplied-by-p": lambda v, m, p: (v * m * p,),
    "scaled-by-count": lambda v, m, p: () if m.all() or not m.any() else (v * m / m.mean(),),
    "other-mask": lambda v, m, p: (0 * v, v / (1 - p)),
}
AT_P_1: dict[str, Formula] = {
    "nan-at-p-1": lambda v, m, p: (v * m / (1 - p),),
    "not-applied": IN_TRAINING["not-applied"],
}
IN_INFERENCE: dict[str, Formula] = {
    "drops-in-inference": lambda v, m, p: (0 * v, v / (1 - p)),
    "scales-in-inference": lambda v, m, p: (v * (1 - p),),
}
SUMS = ("sum", "sum-squares")  # losses that may be averaged by mistake
# What each mistake makes of the gradient alone; nothing where it cannot be made.
IN_GRADIENT: dict[str, Callable[[Trace], tuple[FloatArray, ...]]] = {
    "gradient-cut": lambda t: (0 * t.grad_x,),
    "times-x": lambda t: (t.grad_x * t.problem.x,),
    "ignores-grad-y": lambda t: () if t.problem.loss else (t.local_grad,),
    "mean-loss": lambda t: (t.grad_x / t.grad_x.size,) if t.problem.loss in SUMS else (),
    "sum-loss": lambda t: (t.grad_x * t.grad_x.size,) if t.problem.loss == "mean" else (),
}


class Diagnosis(NamedTuple):
    """An explanation of wrong values.

    wrong: the elements that are wrong, from 0. mistakes: the names of those that give these values.
    factor, offset: between what is right and the candidate, if there is one and no mistake fits.
    """

    wrong: list[int]
    mistakes: list[str]
    factor: float | None
    offset: float | None


def diagnose(
    trace: Trace, about: str, candidate: FloatArray, allowed: Tolerance
) -> Diagnosis | None:
    """Explain what is wrong with a candidate for trace.y or trace.grad_x; None if all is right.

    candidate: n values. allowed: how far off a right one may be.
    Raises RequestError for another length.
    """
    right = trace.y if about == "y" else trace.grad_x
    if candidate.shape != right.shape:
        raise RequestError(
            f"{about} has length {candidate.size}, but it must have length {right.size}, as x does"
        )
    good = allowed.near(candidate, right)
    if good.all():
        return None
    names = fitting(trace, about, candidate, allowed)
    return Diagnosis(
        wrong=np.flatnonzero(~good).tolist(),
        mistakes=names,
        factor=None if names else factor(candidate, right, allowed),
        offset=None if names else offset(candidate, right, allowed),
    )


def fitting(trace: Trace, about: str, candidate: FloatArray, allowed: Tolerance) -> list[str]:
    """Name the mistakes whose formula gives these values of y or grad_x."""
    values = wrong_values(trace, about)
    names = [name for name, some in values.items() if _fits(candidate, some, allowed)]
    # A formula says more than a free choice.
    return [name for name in names if name != "other-mask"] or names


def wrong_values(trace: Trace, about: str) -> dict[str, tuple[FloatArray, ...]]:
    """Compute what each mistake makes of y or grad_x in this trace, by its name.

    Where a mistake leaves each element a choice, as another mask does, the values it may have.
    """
    problem = trace.problem
    v = problem.x if about == "y" else trace.grad_y
    m = np.zeros_like(v) if problem.mask is None else problem.mask.astype(np.float64)
    formulas = IN_TRAINING if problem.training else IN_INFERENCE
    if problem.training and problem.p == 1:
        formulas = AT_P_1
    with np.errstate(all="ignore"):
        values = {name: formula(v, m, problem.p) for name, formula in formulas.items()}
        if about == "grad_x":
            values |= {name: mistake(trace) for name, mistake in IN_GRADIENT.items()}
    return {name: some for name, some in values.items() if some}


def _fits(candidate: FloatArray, values: tuple[FloatArray, ...], allowed: Tolerance) -> bool:
    nan = np.isnan(candidate)
    return bool(np.any([allowed.near(candidate, v) | nan & np.isnan(v) for v in values], 0).all())


def factor(candidate: FloatArray, right: FloatArray, allowed: Tolerance) -> float | None:
    """Find the one factor between the right values and the candidate's, if there is one."""
    first = np.abs(right).argmax()
    with np.errstate(all="ignore"):
        found = float(candidate[first] / right[first])
        fits = np.isfinite(found) and allowed.near(candidate, found * right).all()
    return found if fits else None


def offset(candidate: FloatArray, right: FloatArray, allowed: Tolerance) -> float | None:
    """Find the one difference between the candidate's values and the right ones, if any."""
    with np.errstate(all="ignore"):
        found = float(np.median(candidate - right))
        fits = np.isfinite(found) and allowed.near(candidate - found, right).all()
    return found if fits and candidate.size > 1 else None


def swapped(trace: Trace, y: FloatArray, grad_x: FloatArray, allowed: Tolerance) -> bool:
    """Tell whether y is what ∂L/∂x should be, and ∂L/∂x what y should be."""
    return bool(allowed.near(y, trace.grad_x).all() and allowed.near(grad_x, trace.y).all())
