"""Is every claim true for these numbers, and is an implementation right: the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dropout_cli import claims
from dropout_cli.document import Check, Document, Heading, Paragraph, Text
from dropout_cli.mistakes import Diagnosis, diagnose

if TYPE_CHECKING:
    from dropout_cli.claims import Finding
    from dropout_cli.dropout import FloatArray
    from dropout_cli.prose import Voice
    from dropout_cli.trace import Trace

SCHEMA = "dropout-cli/verify/1"
NAMED = 8  # so many wrong elements are named


class Verdict(NamedTuple):
    """What came of a verification: a finding a claim, and what explains the wrong ones.

    missing: claims that could not be checked, with the reason.
    """

    findings: dict[str, Finding]
    diagnoses: list[Diagnosis]
    missing: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether no claim fails; what could not be checked is neither a pass nor a failure."""
        return all(finding.ok is not False for finding in self.findings.values())


def verify(trace: Trace, against: str | None) -> Verdict:
    """Every claim of claims.CLAIMS, and where one is named, those against a framework."""
    findings = {name: claim(trace) for name, claim in claims.CLAIMS.items()}
    missing = {}
    if against is not None:
        from dropout_cli.against import FRAMEWORKS

        try:
            findings |= FRAMEWORKS[against](trace)
        except ImportError:
            missing[against] = against
    return Verdict(findings, [], missing)


def judge(trace: Trace, candidate: dict[str, FloatArray], rtol: float) -> Verdict:
    """Whether what an implementation computed, its y or grad_x or both, is right."""
    findings, diagnoses = {}, []
    for about, values in candidate.items():
        diagnosis = diagnose(trace, about, values, rtol)
        right = trace.y if about == "y" else trace.grad_x
        with np.errstate(all="ignore"):
            error = float(np.abs(values - right).max())
        findings[about] = claims.Finding(error, diagnosis is None, right.size)
        if diagnosis is not None:
            diagnoses.append(diagnosis)
    return Verdict(findings, diagnoses, {})


def record(verdict: Verdict, trace: Trace, voice: Voice) -> dict[str, Any]:
    """The verdict as JSON, schema dropout-cli/verify/1; a max_error that is nan or inf is null."""
    told = [
        {
            "id": name,
            "statement": _statement(name, voice),
            "method": _method(name, finding, trace, voice),
            "max_error": finding.max_error if np.isfinite(finding.max_error) else None,
            "ok": finding.ok,
        }
        for name, finding in verdict.findings.items()
    ]
    told += [
        {
            "id": name,
            "statement": _statement(name, voice),
            "method": voice.say("verify", "missing", framework=framework),
            "max_error": None,
            "ok": None,
        }
        for name, framework in verdict.missing.items()
    ]
    explained = [
        {"id": name, "about": diagnosis.about, "explanation": explanation}
        for diagnosis in verdict.diagnoses
        for name, explanation in _explanations(diagnosis, trace, voice)
    ]
    return {"schema": SCHEMA, "ok": verdict.ok, "claims": told, "diagnosis": explained}


def page(verdict: Verdict, trace: Trace, voice: Voice) -> Document:
    """The verdict: each claim, whether it holds and how it was checked; then what is wrong."""
    told = record(verdict, trace, voice)
    document: list[Any] = [Heading(voice.say("verify", "title"))]
    for claim in told["claims"]:
        words = voice.say("verify", "claim", **claim)
        if claim["ok"] is not None and claim["max_error"] is not None:
            error = voice.say("verify", "error", error=f"{claim['max_error']:.3g}")
            words += error
        document.append(Check(claim["ok"], Text(words, words)))
    for each in told["diagnosis"]:
        document.append(Paragraph(Text(each["explanation"], each["explanation"])))
    closing = voice.say("verify", "holds" if verdict.ok else "fails")
    return [*document, Paragraph(Text(closing, closing))]


def _statement(name: str, voice: Voice) -> str:
    return voice.say("claim", name)


def _method(name: str, finding: Finding, trace: Trace, voice: Voice) -> str:
    how = f"{name}-silent" if finding.ok is None else name
    counts = {"checked": f"{finding.checked:,}", "n": f"{trace.problem.x.size:,}"}
    return voice.say("method", how, **counts)


def _explanations(diagnosis: Diagnosis, trace: Trace, voice: Voice) -> list[tuple[str, str]]:
    """The sentences for a diagnosis: each mistake that fits, or what can be said without."""
    named = ", ".join(str(i + 1) for i in diagnosis.wrong[:NAMED])
    if len(diagnosis.wrong) > NAMED:
        named += ", …"
    where = voice.say(
        "verify", "where", about=diagnosis.about, elements=named, count=len(diagnosis.wrong),
        n=f"{trace.problem.x.size:,}",
    )  # fmt: skip
    if not diagnosis.mistakes:
        key = "unknown" if diagnosis.factor is None else "unknown_factor"
        factor = "" if diagnosis.factor is None else voice.number(diagnosis.factor)
        return [("unknown", voice.say("verify", key, where=where, factor=factor))]
    told = []
    for name in diagnosis.mistakes:
        sentence = where + voice.say("mistake", f"{diagnosis.about}-{name}")
        if len(diagnosis.mistakes) > 1:
            key = "several" if diagnosis.telling_p is None else "several_p"
            p = "" if diagnosis.telling_p is None else voice.exactly(diagnosis.telling_p)
            sentence += voice.say("verify", key, count=len(diagnosis.mistakes), p=p)
        told.append((name, sentence))
    return told
