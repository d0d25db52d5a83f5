"""A layer's suite: what was asked of it at each p, and what it did wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dropout_cli.formats.document import SIGNS, Paragraph, Table, Text
from dropout_cli.verify.chance import LEVEL, agreement
from dropout_cli.views.report import Element, Explanation, Row, Suite, joined, mistake

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dropout_cli.formats.document import Block
    from dropout_cli.verify.runs import LayerFinding
    from dropout_cli.words.messages import Voice


def suite(name: str, findings: Sequence[LayerFinding], seed: int, voice: Voice) -> Suite:
    """Make a row for each question at each p; in part where no p between 0 and 1 is taken."""
    between = {finding.p for finding in findings if 0 < finding.p < 1}
    taken = {finding.p for finding in findings if finding.ok is not None}
    partial = bool(between) and between.isdisjoint(taken)
    rows = [_row(finding, voice) for finding in findings]
    how = Paragraph(voice.tell("layer", "how", seed=seed, level=f"{LEVEL:.0e}"))
    opening = [how, *_open(findings, voice), Paragraph(voice.tell("layer", "signs"))]
    return Suite(name, opening, rows, _matrix(rows, voice), by_p=True, partial=partial)


def _row(finding: LayerFinding, voice: Voice) -> Row:
    asked = finding.ok is not None
    return Row(
        id=finding.id,
        p=finding.p,
        statement=voice.tell("question", finding.id),
        method=voice.tell("asked", finding.id) if asked else _left_open(finding, voice),
        checked=finding.checked,
        max_error=finding.max_error,
        ok=finding.ok,
        explanations=[] if finding.ok is not False else [_explanation(finding, voice)],
    )


def _matrix(rows: Sequence[Row], voice: Voice) -> Table:
    """The questions below one another, and for each p whether the layer is right."""
    ps = list(dict.fromkeys(row.p for row in rows))
    statements = {row.id: row.statement for row in rows}
    signs = {(row.id, row.p): SIGNS[row.ok] for row in rows}
    cells: list[list[str | Text]] = [
        [statements[question], *(signs.get((question, p), "") for p in ps)]
        for question in voice.prose["question"]
        if question in statements
    ]
    headings = [voice.say("layer", "question"), *map(voice.probability, ps)]
    return Table(headings, cells, words=(0,))


def _open(findings: Sequence[LayerFinding], voice: Voice) -> Iterator[Block]:
    """What could not be asked, and why: once for all p."""
    reasons: dict[Text, list[str]] = {}
    for finding in findings:
        if finding.ok is None:
            at = reasons.setdefault(_left_open(finding, voice), [])
            if voice.probability(finding.p) not in at:
                at.append(voice.probability(finding.p))
    for reason, at in reasons.items():
        yield Paragraph(joined(voice.tell("layer", "open", p_values=", ".join(at)), reason))


def _left_open(finding: LayerFinding, voice: Voice) -> Text:
    """Why a question could not be asked, or only in part."""
    reason = finding.reason
    if "unfit" in reason:
        return voice.tell("open", "refused-shape", shapes=", ".join(reason["unfit"]), **reason)
    if "exception" in reason:
        return voice.tell("open", "refused", **reason)
    return voice.tell("open", reason["open"], **reason)


def _explanation(finding: LayerFinding, voice: Voice) -> Explanation:
    """Where the layer is wrong, and the mistake's name if one explains it."""
    name = finding.mistake or "unknown"
    if "in_backward" in finding.reason:
        name, text = "raised", Text()
    elif finding.mistake is None:
        text = voice.tell("verify", "unknown")
    else:
        names = finding.fits or [finding.mistake]
        text, *others = (mistake(finding.about, each, voice) for each in names)
        for other in others:
            text = joined(text, voice.tell("layer", "or"), other)
        if others:
            text = joined(text, voice.tell("layer", "several"))
    return Explanation(
        id=name,
        about=finding.about,
        where=_where(finding, voice),
        text=text,
        elements=[Element(*wrong) for wrong in finding.wrong],
        wrong=finding.reason.get("count_wrong", 0),
    )


def _where(finding: LayerFinding, voice: Voice) -> Text:
    """What was found wrong, before it is explained."""
    reason = finding.reason
    if "in_backward" in reason:
        key = "returned" if "returned" in reason else "raised"
        raised = voice.tell("layer", key + "_backward" * reason["in_backward"], **reason)
        if "unfit" not in reason:
            return raised
        return joined(voice.tell("layer", "unfit", shapes=", ".join(reason["unfit"])), raised)
    elements = voice.elements(reason.get("of", finding.checked))
    match finding.id:
        case "kept-fraction":
            expected = f"{(1 - finding.p) * finding.checked:,.6g}"
            kept = f"{reason['kept']:,}"
            return voice.tell("verify", "kept", kept=kept, n=elements, expected=expected)
        case "independent":
            p_value = f"{reason['p_value']:.2g}" if reason["p_value"] else "< 1e-300"
            return voice.tell("layer", "dependent", p_value=p_value)
        case "fresh-mask":
            likely, _ = agreement(finding.p, finding.p)
            expected = f"{likely * finding.checked:,.6g}"
            agree = f"{reason['agree']:,}"
            return voice.tell("layer", "agree", agree=agree, elements=elements, expected=expected)
        case "shape-and-dtype":
            about = voice.symbol(finding.about)
            return voice.tell("layer", f"got_{reason['what']}", about=about, **reason)
    table, key = ("layer", "changed") if finding.id == "input-untouched" else ("verify", "where")
    return voice.tell(
        table, key, about=voice.symbol(finding.about), elements=elements,
        count=f"{reason['count_wrong']:,}",
    )  # fmt: skip
