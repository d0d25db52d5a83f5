"""What goes wrong when dropout is written by hand: each mistake is the formula that it computes.

A mistake is a pure function Trace → wrong values; where it leaves each element a choice (another
mask keeps it or drops it), the values that it may have. Adding one is adding a line to TRAINING or
INFERENCE, and a sentence to each language's prose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.errors import RequestError
from dropout_cli.problem import Problem
from dropout_cli.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropout_cli.dropout import FloatArray, Mask

    Mistake = Callable[[Trace], tuple[FloatArray, ...]]

SMALLEST = 2.0**-126  # below it a float32 has no relative precision left
PROBABILITIES = (0.3, 0.2, 0.4, 0.1, 0.6, 0.7)  # tried for one that tells mistakes apart


def _x(t: Trace) -> FloatArray:
    return t.problem.x


def _m(t: Trace) -> FloatArray:
    assert t.problem.mask is not None  # it is asked for in training alone
    return t.problem.mask.astype(np.float64)


def _p(t: Trace) -> float:
    return t.problem.p


# By what is wrong, y or grad_x, and the name of the mistake.
TRAINING: dict[tuple[str, str], Mistake] = {
    ("y", "not-scaled"): lambda t: (_x(t) * _m(t),),
    ("y", "scaled-in-inference"): lambda t: (_x(t) * _m(t),),
    ("y", "divided-by-p"): lambda t: (_x(t) * _m(t) / _p(t),),
    ("y", "inverted"): lambda t: (_x(t) * (1 - _m(t)) / (1 - _p(t)),),
    ("y", "not-applied"): lambda t: (_x(t),),
    ("y", "scaled-twice"): lambda t: (_x(t) * _m(t) / (1 - _p(t)) ** 2,),
    ("y", "other-mask"): lambda t: (0 * _x(t), _x(t) / (1 - _p(t))),
    ("grad_x", "not-scaled"): lambda t: (t.grad_y * _m(t),),
    ("grad_x", "not-masked"): lambda t: (t.grad_y / (1 - _p(t)),),
    ("grad_x", "divided-by-p"): lambda t: (t.grad_y * _m(t) / _p(t),),
    ("grad_x", "inverted"): lambda t: (t.grad_y * (1 - _m(t)) / (1 - _p(t)),),
    ("grad_x", "not-applied"): lambda t: (t.grad_y,),
    ("grad_x", "scaled-twice"): lambda t: (t.grad_y * _m(t) / (1 - _p(t)) ** 2,),
    ("grad_x", "other-mask"): lambda t: (0 * t.grad_y, t.grad_y / (1 - _p(t))),
    ("grad_x", "times-x"): lambda t: (t.grad_x * _x(t),),
    ("grad_x", "mean-loss"): lambda t: (t.grad_x / _x(t).size,) if t.problem.loss else (),
}
INFERENCE: dict[tuple[str, str], Mistake] = {
    ("y", "applied-in-inference"): lambda t: (0 * _x(t), _x(t) / (1 - _p(t))),
    ("y", "scaled-in-inference"): lambda t: (_x(t) * (1 - _p(t)),),
    ("grad_x", "applied-in-inference"): lambda t: (0 * t.grad_y, t.grad_y / (1 - _p(t))),
    ("grad_x", "scaled-in-inference"): lambda t: (t.grad_y * (1 - _p(t)),),
    ("grad_x", "times-x"): lambda t: (t.grad_x * _x(t),),
    ("grad_x", "mean-loss"): lambda t: (t.grad_x / _x(t).size,) if t.problem.loss else (),
}


class Diagnosis(NamedTuple):
    """What explains wrong values.

    about: "y" or "grad_x". wrong: the elements that are wrong, from 0.
    mistakes: the names of those that give just these values.
    telling_p: a drop probability at which they give different ones; None where there is none, or
        nothing to tell apart.
    factor: what all the right values were multiplied by, where no mistake fits and there is one.
    """

    about: str
    wrong: list[int]
    mistakes: list[str]
    telling_p: float | None
    factor: float | None


def diagnose(trace: Trace, about: str, candidate: FloatArray, rtol: float) -> Diagnosis | None:
    """What is wrong with a candidate for trace.y or trace.grad_x; None where nothing is.

    candidate: n values, nan and inf among them if need be. rtol: the relative difference allowed.
    Raises RequestError for another length.
    """
    right = trace.y if about == "y" else trace.grad_x
    if candidate.shape != right.shape:
        raise RequestError(
            f"{about} has length {candidate.size}, but it must have length {right.size}, as x does"
        )
    good = near(candidate, right, rtol)
    if good.all():
        return None
    fitting = [name for name, values in _mistakes(trace, about) if _fits(candidate, values, rtol)]
    if any(name != "other-mask" for name in fitting):  # a formula says more than a free choice
        fitting = [name for name in fitting if name != "other-mask"]
    return Diagnosis(
        about=about,
        wrong=np.flatnonzero(~good).tolist(),
        mistakes=fitting,
        telling_p=_telling_p(trace, about, fitting, rtol) if len(fitting) > 1 else None,
        factor=None if fitting else _factor(candidate, right, rtol),
    )


def near(candidate: FloatArray, right: FloatArray, rtol: float) -> Mask:
    """Where the candidate is right: within rtol of it, or below what a float32 can tell."""
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(candidate - right) <= rtol * np.abs(right) + SMALLEST)


def _mistakes(trace: Trace, about: str) -> list[tuple[str, tuple[FloatArray, ...]]]:
    table = TRAINING if trace.problem.training else INFERENCE
    with np.errstate(all="ignore"):
        return [(name, mistake(trace)) for (of, name), mistake in table.items() if of == about]


def _fits(candidate: FloatArray, values: tuple[FloatArray, ...], rtol: float) -> bool:
    fits = np.zeros(candidate.shape, dtype=np.bool_)
    for value in values:
        fits |= near(candidate, value, rtol)
    return bool(fits.all())


def _telling_p(trace: Trace, about: str, names: list[str], rtol: float) -> float | None:
    """A p at which the named mistakes give values of which none fits another."""
    problem = trace.problem
    for p in PROBABILITIES:
        try:
            other = Trace(Problem(problem.x, p, problem.mask, None, problem.grad_y, problem.loss))
            values = {name: v for name, v in _mistakes(other, about) if name in names}
        except RequestError:
            continue
        if not any(_fits(values[a][0], values[b], rtol) for a in names for b in names if a != b):
            return p
    return None


def _factor(candidate: FloatArray, right: FloatArray, rtol: float) -> float | None:
    """The one factor between the right values and the candidate's, if there is one."""
    some = np.flatnonzero(right)
    if not some.size or not np.isfinite(candidate).all():
        return None
    first = some[np.argmax(np.abs(right[some]))]
    factor = float(candidate[first] / right[first])
    return factor if near(candidate, factor * right, rtol).all() else None
