"""A verdict as a page and as a record: each claim, how it was checked, and what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.formats.document import Check, Heading, Paragraph, Text
from dropout_cli.proof import claims
from dropout_cli.views.notation import loss_formula

if TYPE_CHECKING:
    from dropout_cli.formats.document import Block, Document
    from dropout_cli.proof.claims import Finding
    from dropout_cli.proof.mistakes import Diagnosis
    from dropout_cli.proof.verdict import Verdict
    from dropout_cli.prose.voice import Voice
    from dropout_cli.trace import Trace
    from dropout_cli.views.records import ClaimRecord, DiagnosisRecord, VerifyRecord

SCHEMA = "dropout-cli/verify/1"
NAMED = 8  # at most this many wrong elements are named


def record(verdict: Verdict, trace: Trace, voice: Voice) -> VerifyRecord:
    """The verdict, in words and numbers."""
    told: list[ClaimRecord] = [
        {
            "id": name,
            "statement": _statement(name, verdict, trace, voice).plain,
            "method": _method(name, verdict, trace, voice).plain,
            "checked": finding.checked,
            "max_error": finding.max_error if np.isfinite(finding.max_error) else None,
            "ok": finding.ok,
        }
        for name, finding in _findings(verdict).items()
    ]
    explained: list[DiagnosisRecord] = [
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
            _statement(name, verdict, trace, voice),
            _method(name, verdict, trace, voice),
            strict=True,
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


def _statement(name: str, verdict: Verdict, trace: Trace, voice: Voice) -> Text:
    source = verdict.held.source if verdict.held else ""
    if not trace.problem.training and f"{name}-inference" in voice.prose["claim"]:
        name = f"{name}-inference"
    return voice.tell("claim", name, source=source, squares=loss_formula("sum-squares"))


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
        over=voice.over(claims.masks_summed(n, trace.problem.p)),
        changed=voice.number(float(claims.changed_by_a_fresh_mask(trace))),
        gradients=voice.gradients(n),
        version=verdict.held.version if verdict.held else "",
    )


def _explanations(diagnosis: Diagnosis, trace: Trace, voice: Voice) -> list[tuple[str, Text]]:
    """The sentences for a diagnosis: each mistake that fits, or what can be said without."""
    named = ", ".join(str(i + 1) for i in diagnosis.wrong[:NAMED])
    if len(diagnosis.wrong) > NAMED:
        named += ", …"
    where = voice.tell(
        "verify", "where", about=voice.symbol(diagnosis.about), count=f"{len(diagnosis.wrong):,}",
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
    told = [
        (name, _joined(where, voice.tell("mistake", f"{diagnosis.about}-{name}")))
        for name in diagnosis.mistakes
    ]
    name, last = told[-1]
    return [*told[:-1], (name, _joined(last, several))]


def _joined(*texts: Text) -> Text:
    return Text("".join(text.plain for text in texts), "".join(text.markdown for text in texts))
