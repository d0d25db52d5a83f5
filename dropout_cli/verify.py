"""Is every claim true for these numbers, and is an implementation right: the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dropout_cli import claims
from dropout_cli.document import Check, Heading, Paragraph, Text
from dropout_cli.mistakes import Diagnosis, diagnose
from dropout_cli.tables import over

if TYPE_CHECKING:
    from dropout_cli.against import Held
    from dropout_cli.claims import Finding
    from dropout_cli.document import Block, Document
    from dropout_cli.dropout import FloatArray
    from dropout_cli.prose import Voice
    from dropout_cli.trace import Trace

SCHEMA = "dropout-cli/verify/1"
NAMED = 8  # so many wrong elements are named


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
    from dropout_cli.against import FRAMEWORKS

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
        findings[about] = claims.Finding(error, diagnosis is None, right.size)
        if diagnosis is not None:
            diagnoses.append(diagnosis)
    return Verdict(findings, diagnoses)


def record(verdict: Verdict, trace: Trace, voice: Voice) -> dict[str, Any]:
    """The verdict as JSON, schema dropout-cli/verify/1; a max_error that is nan or inf is null."""
    told = [
        {
            "id": name,
            "statement": _statement(name, verdict, voice).plain,
            "method": _method(name, verdict, trace, voice).plain,
            "checked": finding.checked,
            "max_error": finding.max_error if np.isfinite(finding.max_error) else None,
            "ok": finding.ok,
        }
        for name, finding in _findings(verdict).items()
    ]
    explained = [
        {"id": name, "about": diagnosis.about, "explanation": explanation.plain}
        for diagnosis in verdict.diagnoses
        for name, explanation in _explanations(diagnosis, trace, voice)
    ]
    return {"schema": SCHEMA, "ok": verdict.ok, "claims": told, "diagnosis": explained}


def page(verdict: Verdict, trace: Trace, voice: Voice) -> Document:
    """The verdict: each claim, whether it holds and how it was checked; then what is wrong."""
    document: list[Block] = [Heading(voice.say("verify", "title"))]
    for name, finding in _findings(verdict).items():
        error = ""
        if finding.ok is not None and finding.max_error:
            error = voice.say("verify", "error", error=f"{finding.max_error:.3g}")
        pairs = zip(
            _statement(name, verdict, voice), _method(name, verdict, trace, voice), strict=True
        )
        claim = [
            voice.say("verify", "claim", statement=statement, method=method) + error
            for statement, method in pairs
        ]
        document.append(Check(finding.ok, Text(*claim)))
    for diagnosis in verdict.diagnoses:
        document += [Paragraph(told) for _, told in _explanations(diagnosis, trace, voice)]
    return [*document, Paragraph(voice.tell("verify", "holds" if verdict.ok else "fails"))]


def _findings(verdict: Verdict) -> dict[str, Finding]:
    """Every finding, and what could not be checked for want of a framework."""
    if verdict.missing is None:
        return verdict.findings
    return verdict.findings | {verdict.missing: claims.SILENT}


def _statement(name: str, verdict: Verdict, voice: Voice) -> Text:
    return voice.tell("claim", name, source=verdict.held.source if verdict.held else "")


def _method(name: str, verdict: Verdict, trace: Trace, voice: Voice) -> Text:
    """How the claim was checked, or why it was not."""
    if name == verdict.missing:
        return voice.tell("verify", "missing", framework=name)
    finding, n = verdict.findings[name], trace.problem.x.size
    return voice.tell(
        "method",
        f"{name}-silent" if finding.ok is None else name,
        elements=voice.part(finding.checked, n),
        dropped=voice.elements(finding.checked),
        over=over(2**n if n <= claims.ALL_MASKS else None, voice),
        changed=voice.number(float(claims.changed_by_a_fresh_mask(trace))),
        n_value=f"{n:,}",
        version=verdict.held.version if verdict.held else "",
    )


def _explanations(diagnosis: Diagnosis, trace: Trace, voice: Voice) -> list[tuple[str, Text]]:
    """The sentences for a diagnosis: each mistake that fits, or what can be said without."""
    named = ", ".join(str(i + 1) for i in diagnosis.wrong[:NAMED])
    if len(diagnosis.wrong) > NAMED:
        named += ", …"
    where = voice.tell(
        "verify", "where", about=diagnosis.about, count=f"{len(diagnosis.wrong):,}",
        elements=voice.elements(trace.problem.x.size), indices=named,
    )  # fmt: skip
    if not diagnosis.mistakes:
        key = "unknown" if diagnosis.factor is None else "unknown_factor"
        factor = "" if diagnosis.factor is None else voice.number(diagnosis.factor)
        return [("unknown", _joined(where, voice.tell("verify", key, factor=factor)))]
    several = Text("", "")
    if len(diagnosis.mistakes) > 1:
        key = "several" if diagnosis.telling_p is None else "several_p"
        p = "" if diagnosis.telling_p is None else voice.exactly(diagnosis.telling_p)
        several = voice.tell("verify", key, count=len(diagnosis.mistakes), p_value=p)
    return [
        (name, _joined(where, voice.tell("mistake", f"{diagnosis.about}-{name}"), several))
        for name in diagnosis.mistakes
    ]


def _joined(*texts: Text) -> Text:
    return Text("".join(text.plain for text in texts), "".join(text.markdown for text in texts))
