"""The questions asked of a layer: each is a function Runs → LayerFinding, and a row of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.verify import naming
from dropout_cli.verify.draws import fresh_mask, independent, kept_fraction
from dropout_cli.verify.runs import (
    LayerFinding,
    LayerRaisedError,
    UnreadableError,
    Wrong,
    unanswered,
)
from dropout_cli.verify.tolerance import tolerance

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropout_cli.arrays import FloatArray
    from dropout_cli.verify.runs import Run, Runs

    Question = Callable[[Runs], LayerFinding]
    Comparison = tuple[Run, FloatArray, FloatArray]  # a run, what it gave, and what is right
    Namer = Callable[[str, Run, float, FloatArray], list[str]]  # about, a run, p, what it gave

REFUSALS = (AssertionError, NotImplementedError, RuntimeError, ValueError)  # of a shape
SHOWN = 5  # at most this many wrong elements are given


def values(runs: Runs) -> LayerFinding:
    """In training each y_i is 0 or x_i/(1−p)."""
    right = [(run, run.y, _kept(run, run.x, runs.p)) for run in runs.trained()]
    return _compare("values", "y", runs.p, right, naming.in_training)


def same_mask(runs: Runs) -> LayerFinding:
    """∂L/∂x_i = ∂L/∂y_i · m_i/(1−p), with the mask m of the forward pass."""
    right = [(run, run.grad_x, _kept(run, run.grad_y, runs.p)) for run in runs.trained()]
    return _compare("same-mask", "grad_x", runs.p, right, naming.in_training)


def inference(runs: Runs) -> LayerFinding:
    """In inference y = x and ∂L/∂x = ∂L/∂y."""
    right = [(run, run.x, run.grad_y) for run in runs.inferred()]
    return _compare_both("inference", 0, right, naming.in_inference)._replace(p=runs.p)


def p_0(runs: Runs) -> LayerFinding:
    """At p = 0 every element is kept, unscaled: y = x and ∂L/∂x = ∂L/∂y."""
    right = [(run, run.x, run.grad_y) for run in runs.trained()]
    return _compare_both("p-0", runs.p, right, naming.at_p_0)


def p_1(runs: Runs) -> LayerFinding:
    """At p = 1 every element is dropped: y and ∂L/∂x are 0, not 0/0."""
    right = [(run, 0 * run.x, 0 * run.grad_y) for run in runs.trained()]
    return _compare_both("p-1", runs.p, right, naming.at_p_1)


def input_untouched(runs: Runs) -> LayerFinding:
    """x is the same after both passes as before them."""
    every = runs.every()
    cases = [(run, run.answer.x, run.x) for run in every if run.answer.x is not None]
    if not cases:
        raise UnreadableError("in-place")
    for run, after, before in cases:
        if after.shape != before.shape:
            reason = {"count_wrong": run.x.size, "of": run.x.size}
            finding = unanswered("input-untouched", runs.p, False, **reason)
            return finding._replace(checked=run.x.size, mistake="changes-x")
    return _compare("input-untouched", "x", runs.p, cases, lambda *_: ["changes-x"])


def shape_and_dtype(runs: Runs) -> LayerFinding:
    """y and ∂L/∂x have the shape and the type of x."""
    every = runs.every()
    finding = LayerFinding(
        id="shape-and-dtype",
        p=runs.p,
        ok=True,
        checked=sum(run.x.size for run in every),
        max_error=0.0,
        mistake=None,
        about="y",
        wrong=[],
        reason={"dtype": every[0].dtype},
    )
    for run in every:
        for about, values in (("y", run.answer.y), ("grad_x", run.answer.grad_x)):
            if isinstance(values, BaseException):  # same-mask tells
                continue
            got, expected = (values.array.shape, values.dtype), (run.x.shape, run.dtype)
            if got != expected:
                mistake = "wrong-shape" if got[0] != expected[0] else "wrong-dtype"
                pairs = zip(("shape", "type"), got, expected, strict=True)
                what, given, wanted = next(pair for pair in pairs if pair[1] != pair[2])
                reason = {"what": what, "got": given, "expected": wanted}
                return finding._replace(ok=False, mistake=mistake, about=about, reason=reason)
    if runs.unfit:
        reason = LayerRaisedError(next(iter(runs.unfit.values()))).reason
        meant = all(isinstance(error, REFUSALS) for error in runs.unfit.values())
        return finding._replace(ok=None if meant else False, reason=reason | {"unfit": runs.unfit})
    return finding


ALWAYS: dict[str, Question] = {
    "inference": inference,
    "input-untouched": input_untouched,
    "shape-and-dtype": shape_and_dtype,
}
BETWEEN: dict[str, Question] = {
    "values": values,
    "same-mask": same_mask,
    "kept-fraction": kept_fraction,
    "independent": independent,
    "fresh-mask": fresh_mask,
}


def at(p: float) -> dict[str, Question]:
    """The questions that have a meaning at this p, in the order in which they are told."""
    if p == 0:
        return {"p-0": p_0} | ALWAYS
    return ({"p-1": p_1} if p == 1 else BETWEEN) | ALWAYS


def _kept(run: Run, v: FloatArray, p: float) -> FloatArray:
    """v ⊙ m/(1−p)."""
    return np.where(run.mask, v / (1 - p), 0)


def _compare(
    name: str, about: str, p: float, cases: list[Comparison], namer: Namer
) -> LayerFinding:
    """What the layer gave against what is right, element by element; x to the last bit."""
    checked, count, worst, wrong, fits = 0, 0, 0.0, list[Wrong](), list[str]()
    for run, got, right in cases:
        good = got == right if about == "x" else tolerance(run.type_of(about), p).near(got, right)
        checked += got.size
        worst = float(np.maximum(worst, np.abs(got - right).max()))  # nan stays nan
        if good.all():
            continue
        named = namer(about, run, p, got)
        fits = [name for name in fits if name in named] if count else named
        count += int((~good).sum())
        for index in np.argwhere(~good)[: SHOWN - len(wrong)].tolist():
            place = tuple(index)
            wrong.append(Wrong(place, float(got[place]), float(right[place])))
    return LayerFinding(
        id=name,
        p=p,
        ok=not count,
        checked=checked,
        max_error=worst,
        mistake=fits[0] if fits else None,
        about=about,
        wrong=wrong,
        reason={"count_wrong": count, "of": checked},
        fits=fits if count else None,
    )


def _compare_both(name: str, p: float, right: list[Comparison], namer: Namer) -> LayerFinding:
    """The output and, if that is right, the gradient; right holds a run and what both should be."""
    y = _compare(name, "y", p, [(run, run.y, of_y) for run, of_y, _ in right], namer)
    if not y.ok:
        return y
    grad_x = _compare(name, "grad_x", p, [(run, run.grad_x, of_x) for run, _, of_x in right], namer)
    return grad_x._replace(
        checked=y.checked + grad_x.checked,
        max_error=float(np.maximum(y.max_error, grad_x.max_error)),
        about="y" if grad_x.ok else "grad_x",
    )
