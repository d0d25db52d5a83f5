"""The verdict: is every claim true for these numbers, and is what was computed right."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.proof import claims
from dropout_cli.proof.claims import Finding
from dropout_cli.trace import Trace
from dropout_cli.verify import chance
from dropout_cli.verify.mistakes import Diagnosis, diagnose
from dropout_cli.verify.tolerance import TYPES, Tolerance, rounding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.problem import Problem
    from dropout_cli.verify.frameworks import Held

RTOL = 1e-5  # allowed in any case: values are often written with six digits
MASK_LEVEL = chance.LEVEL / 2  # of each of the two checks of a mask: LEVEL for both


class Candidate(NamedTuple):
    """What an implementation computed.

    name: what to call it, if anything. problem: what it was computed for.
    shape: of its vectors, which are flat here, as the problem's are. dtype: a name in TYPES.
    values: its y, its grad_x, or both. read_mask: whether the problem's mask was read from its y.
    own_mask: whether the mask is the implementation's, not one that was chosen or drawn here.
    """

    name: str | None
    problem: Problem
    shape: tuple[int, ...]
    dtype: str
    values: dict[str, FloatArray]
    read_mask: bool = False
    own_mask: bool = True


class Verdict(NamedTuple):
    """What came of a verification: a finding for each claim, and what explains the wrong ones.

    held: what the trace was held against. missing: the framework that is not installed.
    candidate: what was judged, with the difference that was allowed in each of its values.
    """

    trace: Trace
    findings: dict[str, Finding]
    diagnoses: list[Diagnosis]
    held: Held | None = None
    missing: str | None = None
    candidate: Candidate | None = None
    allowed: Mapping[str, Tolerance] = MappingProxyType({})


def verify(trace: Trace, against: str | None) -> Verdict:
    """Every claim of claims.CLAIMS, and where one is named, those against a framework."""
    findings = {name: claims.check(name, trace) for name in claims.CLAIMS}
    if against is None:
        return Verdict(trace, findings, [])
    from dropout_cli.verify.frameworks import FRAMEWORKS

    try:
        held = FRAMEWORKS[against](trace)
    except ModuleNotFoundError:
        return Verdict(trace, findings | {against: claims.SILENT}, [], missing=against)
    return Verdict(trace, findings | held.findings, [], held=held)


def judge(candidate: Candidate, rtol: float | None) -> Verdict:
    """Whether what an implementation computed is right, and its mask likely for p.

    rtol: the relative difference allowed; if not given, RTOL or what rounding in the candidate's
        type explains, whichever is more.
    """
    problem, trace = candidate.problem, Trace(candidate.problem)
    findings, diagnoses, allowed = {}, [], {}
    for about, values in candidate.values.items():
        explained = rounding(trace, about, candidate.dtype)
        relative = max(RTOL, explained.relative) if rtol is None else rtol
        allowed[about] = explained._replace(relative=relative)
        diagnosis = diagnose(trace, about, values, allowed[about])
        right = trace.y if about == "y" else trace.grad_x
        with np.errstate(all="ignore"):
            error = float(np.abs(values - right).max())
        findings[about] = Finding(error, diagnosis is None, right.size)
        if diagnosis is not None:
            diagnoses.append(diagnosis)
    if candidate.own_mask and problem.mask is not None and _tells_mask(trace, candidate):
        for name, finding, mistake in _judge_mask(candidate, problem.mask, problem.p):
            findings[name] = finding
            if not finding.ok:
                diagnoses.append(Diagnosis(name, [], [mistake] if mistake else [], None, None))
    return Verdict(trace, findings, diagnoses, candidate=candidate, allowed=allowed)


def _tells_mask(trace: Trace, candidate: Candidate) -> bool:
    """Whether the mask is known: where it was read from y, rounding must not have made any y 0."""
    if not candidate.read_mask:
        return True
    least = rounding(trace, "y", candidate.dtype).absolute
    return trace.scale is not None and bool((np.abs(trace.problem.x) * trace.scale > least).all())


def unlikely_pairs(candidate: Candidate, mask: Mask) -> chance.Pairs | None:
    """The pairs of elements of the mask whose agreement is least likely, if any can be tested."""
    step = chance.grid_step(TYPES[candidate.dtype].bits)
    return chance.least_likely(mask.reshape(candidate.shape), candidate.problem.p, step, MASK_LEVEL)


def _judge_mask(
    candidate: Candidate, mask: Mask, p: float
) -> Iterator[tuple[str, Finding, str | None]]:
    """Whether p makes such a mask: each check that could fail, and the mistake if it does.

    A mask drawn with p fails any of them with a probability of at most chance.LEVEL. Where the
    number of dropped elements is wrong, it may be all that is: independence is not asked.
    """
    n, step = mask.size, chance.grid_step(TYPES[candidate.dtype].bits)
    if chance.can_fail(n, p - step, p + step, MASK_LEVEL):
        dropped = n - int(mask.sum())
        p_value, mistake = chance.kept_with(p, dropped, n, step, MASK_LEVEL)
        ok = p_value >= MASK_LEVEL
        yield "kept-fraction", Finding(abs(dropped / n - p), ok, n), mistake
        if not ok:
            return
    if pairs := unlikely_pairs(candidate, mask):
        error = abs(pairs.agree / pairs.n - chance.agreement(p, p)[0])
        mistake = "mask-repeats" if pairs.of == "halves" else "neighbours-alike"
        yield "independent", Finding(error, pairs.p_value >= MASK_LEVEL, n), mistake
