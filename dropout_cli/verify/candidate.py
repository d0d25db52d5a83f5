"""Is what was computed right: the claims of a problem, or the y and grad_x of a candidate."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.proof import claims
from dropout_cli.proof.finding import SILENT, Example, Finding, Reason, Wrong
from dropout_cli.trace import Trace
from dropout_cli.verify import naming
from dropout_cli.verify.chance import LEVEL
from dropout_cli.verify.decimals import open_by
from dropout_cli.verify.draws import Draws, grid_step
from dropout_cli.verify.mistakes import diagnose, swapped
from dropout_cli.verify.tolerance import TYPES, Tolerance, rounding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.problem import Problem
    from dropout_cli.verify.frameworks import Comparison
    from dropout_cli.verify.mistakes import Diagnosis

RTOL = 1e-5  # allowed in any case: values are often written with six digits
RECORDED = 1000  # at most this many wrong elements are given


class Candidate(NamedTuple):
    """What an implementation computed.

    name: what to call it, if anything. problem: what it was computed for.
    shape: of its vectors, which are flat here, as the problem's are. dtype: a name in TYPES.
    values: its y, its grad_x, or both. read_mask: whether the problem's mask was read from them.
    own_mask: whether the mask is the implementation's, not one that was chosen or drawn here.
    unknown: where the mask could not be read; such elements are not judged.
    units: how far the vectors are off because they were rounded when they were written.
    said_dtype: whether the type was given.
    """

    name: str | None
    problem: Problem
    shape: tuple[int, ...]
    dtype: str
    values: dict[str, FloatArray]
    read_mask: bool = False
    own_mask: bool = True
    unknown: Mask | None = None
    units: Mapping[str, FloatArray | float] = MappingProxyType({})
    said_dtype: bool = True

    @property
    def decimals(self) -> str:
        """How many decimals were written, where that counts."""
        found = [float(np.min(unit)) for unit in self.units.values() if np.any(unit)]
        return ", ".join(str(d) for d in sorted({round(-np.log10(2 * unit)) for unit in found}))


class Verdict(NamedTuple):
    """What came of a verification.

    comparison: with a framework, if one was chosen. missing: one that is not installed.
    candidate: what was judged, with the difference that was allowed in each of its values.
    """

    trace: Trace
    findings: list[Finding]
    comparison: Comparison | None = None
    missing: str | None = None
    candidate: Candidate | None = None
    allowed: Mapping[str, Tolerance] = MappingProxyType({})


def verify(trace: Trace, against: str | None) -> Verdict:
    """Every claim of claims.CLAIMS, and where one is named, those against a framework."""
    found = {name: claims.check(name, trace) for name in claims.CLAIMS}
    comparison = missing = None
    if against is not None:
        from dropout_cli.verify.frameworks import FRAMEWORKS

        try:
            comparison = FRAMEWORKS[against](trace)
            found |= comparison.findings
        except ModuleNotFoundError:
            found[against], missing = SILENT, against
    p = trace.problem.p
    findings = [finding._replace(id=name, p=p) for name, finding in found.items()]
    return Verdict(trace, findings, comparison, missing)


def judge(candidate: Candidate, rtol: float | None, atol: float = 0.0) -> Verdict:
    """Whether what an implementation computed is right, and its mask likely for p.

    rtol: the relative difference allowed; if not given, RTOL or what rounding in the candidate's
        type explains, whichever is more. atol: an absolute one that is allowed besides.
    """
    trace = Trace(candidate.problem)
    allowed = {about: allowance(candidate, trace, about, rtol, atol) for about in candidate.values}
    findings = [_values(candidate, trace, about, each) for about, each in allowed.items()]
    y, grad_x = candidate.values.get("y"), candidate.values.get("grad_x")
    if y is None or grad_x is None or any(each.ok for each in findings):
        pass
    elif swapped(trace, y, grad_x, allowed["y"]):
        findings = [each._replace(mistakes=("swapped",)) for each in findings]
    return Verdict(trace, findings + _mask(candidate, trace), candidate=candidate, allowed=allowed)


def allowance(
    candidate: Candidate, trace: Trace, about: str, rtol: float | None, atol: float
) -> Tolerance:
    """The difference that is allowed in y or grad_x."""
    explained = rounding(trace, about, candidate.dtype)
    relative = max(RTOL, explained.relative) if rtol is None else rtol
    written = open_by(trace, about, candidate.units) + atol
    return explained._replace(relative=relative, written=written)


def _values(candidate: Candidate, trace: Trace, about: str, allowed: Tolerance) -> Finding:
    """y or grad_x against what it should be, where that is known."""
    values, right = candidate.values[about], trace.y if about == "y" else trace.grad_x
    with np.errstate(all="ignore"):
        differences = np.abs(values - right) if values.shape == right.shape else right
    judged = np.ones(right.size, dtype=np.bool_)
    if candidate.unknown is not None:
        judged = ~candidate.unknown
        values = np.where(judged, values, right)
    diagnosis = diagnose(trace, about, values, allowed)
    n = int(judged.sum())
    if not n:
        return Finding(0.0, None, 0, about, trace.problem.p, about, reason=Reason("no-bits"))
    error = float(differences[judged].max())
    finding = Finding(error, diagnosis is None, n, about, trace.problem.p, about)
    if diagnosis is None:
        return finding
    return finding._replace(
        mistakes=diagnosis.mistakes,
        telling_p=diagnosis.telling_p,
        wrong=_wrong(candidate, about, right, diagnosis),
        reason=_reason(candidate, trace, about, diagnosis),
    )


def _wrong(
    candidate: Candidate, about: str, right: FloatArray, diagnosis: Diagnosis
) -> list[Wrong]:
    """The first wrong elements."""
    some, got = diagnosis.wrong[:RECORDED], candidate.values[about]
    places = zip(*(k.tolist() for k in np.unravel_index(some, candidate.shape)), strict=True)
    return [
        Wrong(place, float(got[i]), float(right[i]))
        for place, i in zip(places, some, strict=True)
    ]  # fmt: skip


def _reason(candidate: Candidate, trace: Trace, about: str, diagnosis: Diagnosis) -> Reason:
    """How many are wrong, and where no mistake explains them what else can be said."""
    problem, i = trace.problem, diagnosis.wrong[0]
    reason = Reason("wrong", len(diagnosis.wrong), problem.x.size)
    if diagnosis.mistakes:
        return reason
    kept = None if problem.mask is None else bool(problem.mask[i])
    got = float(candidate.values[about][i])
    example = Example(float(problem.x[i]), float(trace.grad_y[i]), kept, got)
    wider = rounding(trace, about, "float16")
    right = trace.y if about == "y" else trace.grad_x
    other = not candidate.said_dtype and wider.near(candidate.values[about], right).all()
    return reason._replace(
        factor=diagnosis.factor, offset=diagnosis.offset, example=example,
        wanted="float16" if other else "",
    )  # fmt: skip


def _mask(candidate: Candidate, trace: Trace) -> list[Finding]:
    """Whether p makes such a mask: each check that could fail.

    A mask drawn with p fails either with a probability of at most LEVEL. Where the number of
    dropped elements is wrong, it may be all that is: independence is not asked.
    """
    problem = trace.problem
    if not candidate.own_mask or problem.mask is None or not _tells_mask(trace, candidate):
        return []
    mask, x = problem.mask.reshape(candidate.shape), problem.x.reshape(candidate.shape)
    draws = Draws(problem.p, grid_step(TYPES[candidate.dtype].bits), [(mask, x)])
    found = []
    n, kept, q = draws.n, draws.kept, 1 - problem.p
    if draws.can_fail:
        chance = draws.whole
        ok = chance >= LEVEL
        names = [] if ok else naming.of_share(problem.p, kept, n)
        share = Finding(abs(kept / n - q), ok, n, "kept-fraction", problem.p, "mask", names)
        found = [share._replace(reason=Reason("kept", kept, n, q * n, chance))]
        if not ok:
            return found
    if draws.can_show_dependence:
        lag = draws.dependence
        ok = lag.chance >= LEVEL
        reason = Reason("dependent", n=n, chance=lag.chance, at=lag.label)
        names = [] if ok else [draws.name]
        found.append(Finding(0.0, ok, n, "independent", problem.p, "mask", names, reason=reason))
    return found


def _tells_mask(trace: Trace, candidate: Candidate) -> bool:
    """Whether the mask is known: where it was read from y, rounding must not have made any y 0."""
    if not candidate.read_mask:
        return True
    if candidate.unknown is not None and candidate.unknown.any():
        return False
    least = rounding(trace, "y", candidate.dtype).absolute
    return trace.scale is not None and bool((np.abs(trace.problem.x) * trace.scale > least).all())
