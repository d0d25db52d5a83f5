"""Judge what an implementation computed: its y, its grad_x, and the mask that it sampled."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from dropout_cli.arrays import FloatArray, Mask
from dropout_cli.errors import RequestError
from dropout_cli.problem import Problem
from dropout_cli.proof.finding import Finding, Reason
from dropout_cli.trace import Trace
from dropout_cli.verify import mistakes
from dropout_cli.verify.answer import Answer, compare, shown_mask
from dropout_cli.verify.chance import LEVEL, Model, chernoff_bound
from dropout_cli.verify.draws import examine, grid_step
from dropout_cli.verify.tolerance import TYPES, Tolerance, propagated, rounding

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
    """Return the shape that all vectors have; RequestError if they differ."""
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"{key} {'×'.join(map(str, shape))}" for key, shape in shapes.items())
        raise RequestError(f"the shapes differ, but they must be one: {listed}")
    return next(iter(shapes.values()))


def read_mask(candidate: Candidate) -> Candidate:
    """Read the mask from the values, unless the mode or p leaves only one.

    What is not 0 in y was kept. What is 0 was dropped where x is not 0; where x is 0,
    ∂L/∂x shows it, if ∂L/∂y is not 0. Raises RequestError where there is no y, or a vector is not
    as long as x.
    """
    problem = candidate.problem
    if problem.mask is None or problem.p in (0, 1):
        return candidate
    if "y" not in candidate.values:
        raise RequestError("there is neither a mask, given or drawn, nor 'y' to read it from")
    _check_lengths(candidate)
    mask, unknown = shown_mask(problem.x, Trace(problem).grad_y, candidate.values)
    return candidate._replace(problem=replace(problem, mask=mask, drawn=None), unknown=unknown)


def _check_lengths(candidate: Candidate) -> None:
    """Raise RequestError for a vector that is not as long as x."""
    n = candidate.problem.x.size
    for key, vector in candidate.values.items():
        if vector.size != n:
            raise RequestError(
                f"{key} has length {vector.size}, but it must have length {n}, as x does"
            )


def judge_candidate(
    candidate: Candidate, rtol: float | None = None, atol: float = 0.0
) -> tuple[list[Finding], dict[str, Tolerance]]:
    """Judge what an implementation computed, and whether its mask is likely for p.

    rtol: the relative difference allowed; if not given, RTOL or what rounding in the candidate's
        type explains, whichever is more. atol: the absolute difference allowed besides.

    Returns the findings, and the tolerance of each vector. Raises RequestError for a vector that is
    not as long as x.
    """
    _check_lengths(candidate)
    trace, allowed = Trace(candidate.problem), {}
    for about in candidate.values:
        explained = rounding(trace, about, candidate.dtype)
        allowed[about] = explained._replace(
            relative=max(RTOL, explained.relative) if rtol is None else rtol,
            written=propagated(trace, about, candidate.units) + atol,
        )
    answer = Answer(trace, candidate.shape, candidate.values, allowed)
    compared = [_compare(answer, about, candidate) for about in candidate.values]
    return [*compared, *_judge_mask(candidate, trace)], allowed


def _compare(answer: Answer, about: str, candidate: Candidate) -> Finding:
    """Compare y or grad_x with what it should be, where that is known."""
    right, p = answer.right(about), candidate.problem.p
    checked = right.size - candidate.unread
    if not checked:
        return Finding(0.0, None, 0, about, p, about, reason=Reason("no-bits"))
    finding, _ = compare([answer], about, RECORDED)
    finding = finding._replace(id=about, p=p, checked=checked)
    if finding.reason is None:
        return finding
    names = mistakes.fitting(answer, about)
    if not names:  # rounding may be multiplied by more than in a right result
        limit = answer.allowed[about]
        wider = limit._replace(written=LOOSER * float(np.max(limit.written)))
        loose = answer._replace(allowed=answer.allowed | {about: wider})
        names = [] if loose.near(about, right).all() else mistakes.fitting(loose, about)
    half = rounding(answer.trace, about, "float16").near(answer.values[about], right).all()
    wanted = "float16" if half and candidate.dtype == "float32" else ""
    return finding._replace(mistakes=names, reason=finding.reason._replace(wanted=wanted))


def _judge_mask(candidate: Candidate, trace: Trace) -> Iterator[Finding]:
    """Judge whether the mask is likely for p; yield only checks that could fail.

    A mask drawn with p fails each with a probability of at most LEVEL. Where the number of
    dropped elements is wrong, that may explain dependence, which is then not checked.
    """
    problem, kind = trace.problem, TYPES[candidate.dtype]
    if not candidate.own_mask or problem.mask is None or problem.p in (0, 1):
        return
    if candidate.unknown is not None:  # it was read, from a y that rounding may have made 0
        scale, least = 1 / (1 - problem.p), rounding(trace, "y", candidate.dtype).absolute
        if candidate.unread or (np.abs(problem.x) * scale <= least).any():
            return
    mask, x = problem.mask.reshape(candidate.shape), problem.x.reshape(candidate.shape)
    model = Model(1 - problem.p, grid_step(kind.bits))
    draws = examine([mask], [x], model)
    n, kept, ok = draws.n, draws.kept, draws.whole >= LEVEL
    if min(chernoff_bound(k, n, model) for k in (0, n)) < LEVEL:
        names = [] if ok else mistakes.explain_share(problem.p, kept, n)
        reason = Reason("kept", kept, n, model.q * n, draws.whole)
        error = abs(kept / n - model.q)
        yield Finding(error, ok, n, "kept-fraction", problem.p, "mask", names, reason=reason)
    if draws.is_informative and ok:
        lag = draws.dependence
        ok = lag.chance >= LEVEL
        names = [] if ok else [lag.name]
        reason = Reason("dependent", n=n, chance=lag.chance, at=lag.label)
        yield Finding(0.0, ok, n, "independent", problem.p, "mask", names, reason=reason)
