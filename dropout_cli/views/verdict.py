"""A verdict's suite: the claims of a problem, or what an implementation computed for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.formats.document import Facts, Text
from dropout_cli.proof import claims
from dropout_cli.verify.chance import agreement
from dropout_cli.verify.verdict import MASK_LEVEL, unlikely_pairs
from dropout_cli.views.notation import BESIDE, loss_formula, shown_alone, vector
from dropout_cli.views.passes import facts, upstream_facts
from dropout_cli.views.report import (
    RECORDED,
    Element,
    Explanation,
    Row,
    Suite,
    checks_table,
    joined,
    mistake,
)
from dropout_cli.views.written import as_written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dropout_cli.verify.mistakes import Diagnosis
    from dropout_cli.verify.verdict import Verdict
    from dropout_cli.words.messages import Voice


def suite(verdict: Verdict, voice: Voice) -> Suite:
    """The problem of a verdict, and a row for each of its findings."""
    explained: dict[str, list[Explanation]] = {}
    for diagnosis in verdict.diagnoses:
        explained[diagnosis.about] = list(_explanations(diagnosis, verdict, voice))
    rows = [
        Row(
            id=name,
            p=verdict.trace.problem.p,
            statement=_statement(name, verdict, voice),
            method=_method(name, verdict, voice),
            checked=finding.checked,
            max_error=finding.max_error,
            ok=finding.ok,
            explanations=explained.get(name, ()),
        )
        for name, finding in verdict.findings.items()
    ]
    case = None if verdict.candidate is None else verdict.candidate.name
    return Suite(case, [_problem(verdict, voice)], rows, checks_table(rows, voice))


def _problem(verdict: Verdict, voice: Voice) -> Facts:
    """x, p, the mask and the upstream gradient."""
    trace, candidate = verdict.trace, verdict.candidate
    several = candidate is not None and len(candidate.shape) > 1
    shape = " × ".join(map(str, candidate.shape)) if candidate is not None else ""
    told = voice.say("fact", "x_shape" if several else "x", shape=shape)
    n = trace.problem.x.size
    some = trace.problem.x[shown_alone(n)]
    x = (vector(voice.symbol("x"), some, voice, BESIDE, as_written(some), n), told)
    read = candidate is not None and candidate.read_mask
    given = facts(trace, voice, "mask_read" if read else None).facts
    judged = verdict.findings.keys() - {"y", "kept-fraction", "independent"}
    return Facts([x, *given, *(upstream_facts(trace, voice) if judged else ())])


def _statement(name: str, verdict: Verdict, voice: Voice) -> Text:
    source = verdict.held.source if verdict.held else ""
    problem = verdict.trace.problem
    special = f"{name}-inference" if not problem.training else f"{name}-p-1"
    if (not problem.training or problem.p == 1) and special in voice.prose["claim"]:
        name = special
    return voice.tell("claim", name, source=source, squares=loss_formula("sum-squares"))


def _method(name: str, verdict: Verdict, voice: Voice) -> Text:
    """How the claim was checked, or why it was not."""
    if name == verdict.missing:
        return voice.tell("method", "missing", framework=name)
    finding, trace, allowed = verdict.findings[name], verdict.trace, verdict.allowed.get(name)
    n = trace.problem.x.size
    key = f"{name}-silent" if finding.ok is None else name
    if finding.ok is None and trace.problem.p == 1 and f"{key}-p-1" in voice.prose["method"]:
        key += "-p-1"
    if allowed is not None:
        right = np.abs(trace.y if name == "y" else trace.grad_x)
        key += "-tiny" if ((right > 0) & (right < allowed.absolute)).any() else ""
    return voice.tell(
        "method",
        key,
        over=voice.over(claims.masks_summed(n, trace.problem.p)),
        changed=voice.changed(claims.changed_by_a_fresh_mask(trace), n),
        version=verdict.held.version if verdict.held else "",
        rtol="" if allowed is None else f"{allowed.relative:.2g}",
        atol="" if allowed is None else f"{allowed.absolute:.2g}",
        dtype="" if verdict.candidate is None else verdict.candidate.dtype,
        level=f"{MASK_LEVEL:.0e}",
    )


def _explanations(diagnosis: Diagnosis, verdict: Verdict, voice: Voice) -> Iterator[Explanation]:
    """What explains a diagnosis: each mistake that fits, or what can be said without."""
    about, count = diagnosis.about, len(diagnosis.wrong)
    if about in ("kept-fraction", "independent"):
        where, about = _wrong_mask(about, verdict, voice), "mask"
    else:
        where = voice.tell(
            "verify", "where", about=voice.symbol(about), count=f"{count:,}",
            elements=voice.elements(verdict.trace.problem.x.size),
        )  # fmt: skip
    elements = _elements(diagnosis, verdict)
    if not diagnosis.mistakes:
        key = "unknown" if diagnosis.factor is None else "unknown_factor"
        factor = "" if diagnosis.factor is None else voice.number(diagnosis.factor)
        text = voice.tell("verify", key, factor=factor)
        yield Explanation("unknown", about, where, text, elements, count)
        return
    several = Text()
    if len(diagnosis.mistakes) > 1:
        key = "several" if diagnosis.telling_p is None else "several_p"
        p = "" if diagnosis.telling_p is None else voice.probability(diagnosis.telling_p)
        several = voice.tell("verify", key, count=len(diagnosis.mistakes), p_value=p)
    for k, name in enumerate(diagnosis.mistakes):
        last = k == len(diagnosis.mistakes) - 1
        text = mistake(about, name, voice)
        yield Explanation(
            id=name,
            about=about,
            where=where if k == 0 else voice.tell("verify", "or"),
            text=joined(text, several) if last else text,
            elements=elements if last else (),
            wrong=count,
        )


def _wrong_mask(check: str, verdict: Verdict, voice: Voice) -> Text:
    """What was counted in the mask, and what was expected."""
    problem, candidate = verdict.trace.problem, verdict.candidate
    assert problem.mask is not None
    assert candidate is not None
    p, n = problem.p, problem.mask.size
    if check == "kept-fraction":
        return voice.tell(
            "verify", "kept", kept=f"{problem.mask.sum():,}", n=voice.elements(n),
            expected=f"{(1 - p) * n:,.6g}",
        )  # fmt: skip
    pairs = unlikely_pairs(candidate, problem.mask)
    assert pairs is not None
    return voice.tell(
        "verify", "pairs", of=voice.say("verify", pairs.of.replace(" ", "_")),
        agree=f"{pairs.agree:,}", pairs=f"{pairs.n:,}",
        expected=f"{agreement(p, p)[0] * pairs.n:,.6g}",
    )  # fmt: skip


def _elements(diagnosis: Diagnosis, verdict: Verdict) -> list[Element]:
    candidate = verdict.candidate
    if candidate is None or diagnosis.about not in candidate.values:
        return []
    got = candidate.values[diagnosis.about]
    right = verdict.trace.y if diagnosis.about == "y" else verdict.trace.grad_x
    some = diagnosis.wrong[:RECORDED]
    places = zip(*(k.tolist() for k in np.unravel_index(some, candidate.shape)), strict=True)
    return [
        Element(place, float(got[i]), float(right[i]))
        for place, i in zip(places, some, strict=True)
    ]
