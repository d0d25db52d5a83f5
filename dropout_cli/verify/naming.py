"""Which known mistakes explain what a layer answered: the names of all that fit, the best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.problem import Problem
from dropout_cli.trace import Trace
from dropout_cli.verify.mistakes import diagnose
from dropout_cli.verify.tolerance import tolerance

if TYPE_CHECKING:
    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.verify.runs import Run


def in_training(about: str, run: Run, p: float, got: FloatArray) -> list[str]:
    """The mistakes of mistakes.py whose formula gives these values, for 0 < p < 1."""
    trace = Trace(Problem(run.x.ravel(), p, run.mask.ravel(), None, run.grad_y.ravel(), None))
    diagnosis = diagnose(trace, about, got.ravel(), tolerance(run.type_of(about), p))
    return [] if diagnosis is None else diagnosis.mistakes


def at_p_0(about: str, run: Run, p: float, got: FloatArray) -> list[str]:
    """What is wrong where every element should have been kept."""
    if not np.isfinite(got).all():
        return ["not-finite-at-p-0"]
    return _times_x(about, run, p, got) if got.all() else ["drops-at-p-0"]


def at_p_1(_about: str, _run: Run, _p: float, got: FloatArray) -> list[str]:
    """What is wrong where every element should have been dropped."""
    if np.isfinite(got).all():
        return ["keeps-at-p-1"]
    return ["nan-at-p-1"] if np.isnan(got).any() else ["not-masked"]


def in_inference(about: str, run: Run, p: float, got: FloatArray) -> list[str]:
    """What is wrong where every element should have been left as it is."""
    factors = got / (run.x if about == "y" else run.grad_y)
    rtol = 2 * tolerance(run.type_of(about), 0).relative
    kept = factors[factors != 0]
    if not (kept.size == 0 or np.allclose(kept, kept[0], rtol, 0)):
        return _times_x(about, run, p, got)
    drops = ["drops-in-inference"] if kept.size < got.size else []
    scales = ["scales-in-inference"] if kept.size in (0, got.size) else []
    return drops + scales


def shared_mask(masks: list[Mask]) -> str | None:
    """Along which axes all elements have the same mask.

    "one-mask-for-batch": along all of them, so that everything is kept or dropped at once.
    "one-mask-for-every-row": along any but the last; in a batch, a column is dropped at once.
    "one-mask-for-every-column": along the last; in a batch, a row is dropped at once.
    """
    for mask in masks:
        axes = [k for k in range(mask.ndim) if (mask == mask.take([0], axis=k)).all()]
        if len(axes) == mask.ndim > 1:
            return "one-mask-for-batch"
        if axes and mask.ndim > 1:
            return "one-mask-for-every-" + ("column" if mask.ndim - 1 in axes else "row")
    return None


def _times_x(about: str, run: Run, p: float, got: FloatArray) -> list[str]:
    allowed = tolerance(run.type_of(about), p)
    fits = about == "grad_x" and allowed.near(got, run.grad_y * run.x).all()
    return ["times-x"] if fits else []
