"""The verdict: is every claim true for these numbers, and is what was computed right."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.proof import chance, claims
from dropout_cli.proof.claims import Finding
from dropout_cli.proof.mistakes import Diagnosis, diagnose
from dropout_cli.proof.tolerance import Tolerance, rounding
from dropout_cli.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropout_cli.arrays import FloatArray
    from dropout_cli.problem import Problem
    from dropout_cli.proof.frameworks import Held

RTOL = 1e-5  # allowed in any case: values are often written with six digits
MASK = 1000  # a mask of at least so many elements is tested against p


class Candidate(NamedTuple):
    """What an implementation computed.

    name: what to call it, if anything. problem: what it was computed for.
    shape: of its vectors, which are flat here, as the problem's are. dtype: a name in TYPES.
    values: its y, its grad_x, or both. read_mask: whether the problem's mask was read from its y.
    own_mask: whether the mask is the implementation's, not one that was drawn here.
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
    from dropout_cli.proof.frameworks import FRAMEWORKS

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
    if candidate.own_mask and problem.mask is not None and problem.mask.size >= MASK:
        n = problem.mask.size
        dropped = n - int(problem.mask.sum())
        p_value, mistake = chance.kept_with(problem.p, dropped, n)
        ok = p_value >= chance.LEVEL
        findings["kept-fraction"] = Finding(abs(dropped / n - problem.p), ok, n)
        if not ok:
            names = [] if mistake is None else [mistake]
            diagnoses.append(Diagnosis("mask", [], names, None, None))
    return Verdict(trace, findings, diagnoses, candidate=candidate, allowed=allowed)
