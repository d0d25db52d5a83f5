"""The verdict: is every claim true for these numbers, and is an implementation right."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.proof import claims
from dropout_cli.proof.claims import Finding
from dropout_cli.proof.mistakes import Diagnosis, diagnose

if TYPE_CHECKING:
    from dropout_cli.arrays import FloatArray
    from dropout_cli.proof.frameworks import Held
    from dropout_cli.trace import Trace


class Verdict(NamedTuple):
    """What came of a verification: a finding for each claim, and what explains the wrong ones.

    held: what the trace was held against. missing: the framework that is not installed.
    """

    findings: dict[str, Finding]
    diagnoses: list[Diagnosis]
    held: Held | None = None
    missing: str | None = None

    @property
    def ok(self) -> bool:
        """Whether no claim fails; what could not be checked is neither a pass nor a failure."""
        return all(finding.ok is not False for finding in self.findings.values())


def verify(trace: Trace, against: str | None) -> Verdict:
    """Every claim of claims.CLAIMS, and where one is named, those against a framework."""
    findings = {name: claims.check(name, trace) for name in claims.CLAIMS}
    if against is None:
        return Verdict(findings, [])
    from dropout_cli.proof.frameworks import FRAMEWORKS

    try:
        held = FRAMEWORKS[against](trace)
    except ImportError:
        return Verdict(findings, [], missing=against)
    return Verdict(findings | held.findings, [], held=held)


def judge(trace: Trace, candidate: dict[str, FloatArray], rtol: float) -> Verdict:
    """Whether what an implementation computed, its y or grad_x or both, is right."""
    findings, diagnoses = {}, []
    for about, values in candidate.items():
        diagnosis = diagnose(trace, about, values, rtol)
        right = trace.y if about == "y" else trace.grad_x
        with np.errstate(all="ignore"):
            error = float(np.abs(values - right).max())
        findings[about] = Finding(error, diagnosis is None, right.size)
        if diagnosis is not None:
            diagnoses.append(diagnosis)
    return Verdict(findings, diagnoses)
