"""Is what an implementation computed right: its y, its grad_x, and the mask that it sampled."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from dropout_cli.arrays import FloatArray, Mask
from dropout_cli.errors import RequestError
from dropout_cli.problem import Problem
from dropout_cli.proof.finding import Example, Finding, Reason, Wrong
from dropout_cli.trace import Trace
from dropout_cli.verify import naming
from dropout_cli.verify.chance import LEVEL
from dropout_cli.verify.draws import Draws, grid_step
from dropout_cli.verify.mistakes import diagnose, swapped
from dropout_cli.verify.tolerance import TYPES, Tolerance, carried, rounding

RTOL = 1e-5  # allowed in any case: values are often written with six digits
RECORDED = 1000  # at most this many wrong elements are given
LOOSER = 10  # times what the decimals leave open, a mistake is named


class Candidate(NamedTuple):
    """The values that an implementation computed.

    problem: what it was computed for. values: its y, its grad_x, or both, as vectors.
    dtype: a name in TYPES. name: what to call it, if anything.
    units: how far the vectors are off because they were rounded when they were written.
    own_mask: whether the mask is the implementation's, not one that was chosen or drawn here.
    unknown: where the mask could not be read from the values; None where it was not read.
    """

    problem: Problem
    values: dict[str, FloatArray]
    dtype: str = "float32"
    name: str | None = None
    units: Mapping[str, FloatArray | float] = {}
    own_mask: bool = True
    unknown: Mask | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that the vectors had."""
        return self.problem.shape or self.problem.x.shape

    @property
    def unread(self) -> int:
        """The number of elements that are not judged, as their mask is not known."""
        return 0 if self.unknown is None else int(self.unknown.sum())


def one_shape(shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape of all vectors; RequestError where there are several."""
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"{key} {'×'.join(map(str, shape))}" for key, shape in shapes.items())
        raise RequestError(f"the shapes differ, but they must be one: {listed}")
    return next(iter(shapes.values()))


def read_mask(candidate: Candidate) -> Candidate:
    """Read the mask from the values, unless the mode or p leaves only one.

    What is not 0 in y was kept. What is 0 was dropped where x is not 0; where it is, ∂L/∂x tells,
    if ∂L/∂y is not 0. Raises RequestError where there is no y, or a vector is not as long as x.
    """
    problem, y, grad_x = candidate.problem, *map(candidate.values.get, ("y", "grad_x"))
    if problem.mask is None or problem.p in (0, 1):
        return candidate
    if y is None:
        raise RequestError("there is neither a mask, given or drawn, nor 'y' to read it from")
    for key, vector in candidate.values.items():
        if vector.size != problem.x.size:
            raise RequestError(
                f"{key} has length {vector.size}, but it must have length {problem.x.size}, as x"
                " does"
            )
    mask, unknown = y != 0, (y == 0) & (problem.x == 0)
    if grad_x is not None and unknown.any():
        tells = unknown & (Trace(problem).grad_y != 0)  # where x is 0, no mask changes ∂L/∂y
        mask, unknown = mask | (tells & (grad_x != 0)), unknown & ~tells
    return candidate._replace(problem=replace(problem, mask=mask, drawn=None), unknown=unknown)


def judge(
    candidate: Candidate, rtol: float | None = None, atol: float = 0.0
) -> tuple[list[Finding], dict[str, Tolerance]]:
    """Judge what an implementation computed, and whether its mask is likely for p.

    rtol: the relative difference allowed; if not given, RTOL or what rounding in the candidate's
        type explains, whichever is more. atol: an absolute one that is allowed besides.

    Returns the findings, and the difference that was allowed in each vector.
    """
    trace, allowed = Trace(candidate.problem), {}
    for about in candidate.values:
        explained = rounding(trace, about, candidate.dtype)
        allowed[about] = explained._replace(
            relative=max(RTOL, explained.relative) if rtol is None else rtol,
            written=carried(trace, about, candidate.units) + atol,
        )
    findings = [_compare(candidate, trace, about, each) for about, each in allowed.items()]
    if [each.ok for each in findings] == [False, False]:
        y, grad_x = candidate.values["y"], candidate.values["grad_x"]
        if swapped(trace, y, grad_x, allowed["y"]):
            findings = [each._replace(mistakes=("swapped",)) for each in findings]
    return [*findings, *_judge_mask(candidate, trace)], allowed


def _compare(candidate: Candidate, trace: Trace, about: str, allowed: Tolerance) -> Finding:
    """Compare y or grad_x with what it should be, where that is known."""
    problem, got = trace.problem, candidate.values[about]
    right = trace.y if about == "y" else trace.grad_x
    if candidate.unknown is not None:
        got = np.where(candidate.unknown, right, got)
    checked = problem.x.size - candidate.unread
    if not checked:
        return Finding(0.0, None, 0, about, problem.p, about, reason=Reason("no-bits"))
    diagnosis = diagnose(trace, about, got, allowed)
    with np.errstate(all="ignore"):
        error = float(np.abs(got - right).max())
    finding = Finding(error, diagnosis is None, checked, about, problem.p, about)
    if diagnosis is None:
        return finding
    some = diagnosis.wrong[:RECORDED]
    places = np.transpose(np.unravel_index(some, candidate.shape)).tolist()
    wrong = [
        Wrong(tuple(place), float(got[i]), float(right[i]))
        for place, i in zip(places, some, strict=True)
    ]
    reason = Reason("wrong", len(diagnosis.wrong), right.size)
    if not diagnosis.mistakes:  # rounding may be multiplied by more than in a right result
        wider = allowed._replace(written=LOOSER * float(np.max(allowed.written)))
        named = diagnose(trace, about, got, wider) or diagnosis
        diagnosis = diagnosis._replace(mistakes=named.mistakes)
    if not diagnosis.mistakes:
        i = some[0]
        kept = None if problem.mask is None else bool(problem.mask[i])
        half = rounding(trace, about, "float16").near(got, right).all()
        reason = reason._replace(
            factor=diagnosis.factor,
            offset=diagnosis.offset,
            example=Example(float(problem.x[i]), float(trace.grad_y[i]), kept, float(got[i])),
            wanted="float16" if half and candidate.dtype == "float32" else "",
        )
    return finding._replace(mistakes=diagnosis.mistakes, wrong=wrong, reason=reason)


def _judge_mask(candidate: Candidate, trace: Trace) -> Iterator[Finding]:
    """Judge whether p makes such a mask: each check that could fail.

    A mask drawn with p fails either with a probability of at most LEVEL. Where the number of
    dropped elements is wrong, it may be all that is: independence is not asked.
    """
    problem, kind = trace.problem, TYPES[candidate.dtype]
    if not candidate.own_mask or problem.mask is None or problem.p in (0, 1):
        return
    if candidate.unknown is not None:  # it was read, from a y that rounding may have made 0
        scale, least = 1 / (1 - problem.p), rounding(trace, "y", candidate.dtype).absolute
        if candidate.unread or (np.abs(problem.x) * scale <= least).any():
            return
    mask, x = problem.mask.reshape(candidate.shape), problem.x.reshape(candidate.shape)
    draws = Draws(problem.p, grid_step(kind.bits), [(mask, x)])
    n, kept, chance = draws.n, draws.kept, draws.whole
    if draws.can_fail:
        ok, q = chance >= LEVEL, 1 - problem.p
        names = [] if ok else naming.of_share(problem.p, kept, n)
        reason = Reason("kept", kept, n, q * n, chance)
        error = abs(kept / n - q)
        yield Finding(error, ok, n, "kept-fraction", problem.p, "mask", names, reason=reason)
    if draws.can_show_dependence and chance >= LEVEL:
        lag = draws.dependence
        ok = lag.chance >= LEVEL
        names = [] if ok else [draws.name]
        reason = Reason("dependent", n=n, chance=lag.chance, at=lag.label)
        yield Finding(0.0, ok, n, "independent", problem.p, "mask", names, reason=reason)
