"""A verification as a page and as a record: whether all is right, each check, and what is wrong.

What was verified gives its suites: a problem's claims, each candidate, each layer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.formats.document import (
    SIGNS,
    Check,
    Code,
    Facts,
    Formula,
    Heading,
    Paragraph,
    Table,
    Text,
    joined,
)
from dropout_cli.proof import claims
from dropout_cli.verify.chance import LEVEL
from dropout_cli.verify.questions import OF_CHANCE
from dropout_cli.views.notation import BESIDE, INDEX, loss_formula, vector
from dropout_cli.views.passes import facts, upstream_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dropout_cli.formats.document import Block, Document
    from dropout_cli.proof.finding import Example, Finding, Reason, Wrong
    from dropout_cli.verify.candidate import Verdict
    from dropout_cli.views.records import ClaimRecord, DiagnosisRecord, ElementRecord, VerifyRecord
    from dropout_cli.words.messages import Messages

SCHEMA = "dropout-cli/verify/1"
NAMED = 8  # wrong elements that a page shows
AXES = Formula("i, j, …", r"i, j, \ldots")


class Row(NamedTuple):
    """A finding in words: what is claimed, how it was checked, and each explanation if it fails."""

    finding: Finding
    statement: Text
    method: Text
    explanations: Sequence[tuple[str, Text]] = ()


class Suite(NamedTuple):
    """Checks that belong together.

    name: of the candidate or the layer, if it has one. opening: what was checked.
    by_p: whether they are made for one p after the other. partial: whether what matters most could
    not be checked. missing: a framework that should have been asked, and is not there.
    """

    name: str | None
    opening: Sequence[Block]
    rows: Sequence[Row]
    by_p: bool = False
    partial: bool = False
    missing: str | None = None


class Report(NamedTuple):
    """All that was verified."""

    suites: Sequence[Suite]

    @property
    def rows(self) -> list[Row]:
        """The rows of all suites."""
        return [row for suite in self.suites for row in suite.rows]

    @property
    def ok(self) -> bool | None:
        """Whether no check failed; None where what was asked for could not be checked."""
        if any(row.finding.ok is False for row in self.rows):
            return False
        return None if any(each.missing or each.partial for each in self.suites) else True


def layer_suite(name: str, findings: Sequence[Finding], seed: int, messages: Messages) -> Suite:
    """What was asked of a layer at each p."""
    rows = [
        Row(each, messages.text("question", each.id), _why_open(each, messages) or
            messages.text("asked", each.id), _explanations(each, messages))
        for each in findings
    ]  # fmt: skip
    opening: list[Block] = [Paragraph(messages.text("layer", "how", seed=seed))]
    chance = [each for each in findings if each.id in OF_CHANCE and each.ok is not None]
    if chance:
        count, most = len(chance), f"{len(chance) * LEVEL:.1g}"
        told = messages.text("layer", "chance", count=count, level=f"{LEVEL:.0e}", sum=most)
        opening.append(Paragraph(told))
    opening += _not_judged(rows, messages)
    opening.append(Paragraph(messages.text("layer", "signs")))
    values = [each.ok for each in findings if each.id == "values"]
    partial = all(ok is None for ok in values or (each.ok for each in findings))
    return Suite(name, opening, rows, by_p=True, partial=partial)


def verdict_suite(verdict: Verdict, messages: Messages) -> Suite:
    """The claims of a problem, or what an implementation computed for it."""
    rows = [
        Row(each, _statement(each, verdict, messages), _method(each, verdict, messages),
            _explanations(each, messages))
        for each in verdict.findings
    ]  # fmt: skip
    candidate = verdict.candidate
    name = None if candidate is None else candidate.name
    opening: list[Block] = [_problem(verdict, messages)]
    if candidate is not None and candidate.unknown is not None and candidate.unknown.any():
        count = messages.elements(int(candidate.unknown.sum()))
        opening.append(Paragraph(messages.text("verify", "unread", elements=count)))
    partial = candidate is not None and all(each.finding.ok is None for each in rows)
    return Suite(name, opening, rows, partial=partial, missing=verdict.missing)


def record(report: Report) -> VerifyRecord:
    """The report, in words and numbers."""
    claimed: list[ClaimRecord] = []
    diagnosis: list[DiagnosisRecord] = []
    for suite in report.suites:
        for each, statement, method, explanations in suite.rows:
            claimed.append({
                "id": each.id,
                "case": suite.name,
                "p": each.p,
                "statement": statement.plain,
                "method": method.plain,
                "checked": each.checked,
                "max_error": each.max_error if math.isfinite(each.max_error) else None,
                "ok": each.ok,
            })  # fmt: skip
            for name, text in explanations:
                last = name == explanations[-1][0]
                diagnosis.append({
                    "id": name,
                    "claim": each.id,
                    "case": suite.name,
                    "p": each.p,
                    "about": each.about,
                    "explanation": text.plain,
                    "elements": [_element(wrong) for wrong in each.wrong] if last else [],
                })  # fmt: skip
    return {"schema": SCHEMA, "ok": report.ok, "claims": claimed, "diagnosis": diagnosis}


def _element(wrong: Wrong) -> ElementRecord:
    first, *rest = [k + 1 for k in wrong.place]
    return {
        "i": [first, *rest] if rest else first,
        "got": wrong.got if math.isfinite(wrong.got) else str(wrong.got),
        "expected": wrong.expected,
    }


def page(report: Report, messages: Messages) -> Document:
    """The verdict, what was checked, the checks, and what is wrong."""
    document: list[Block] = [Heading(messages.string("verify", "title"))]
    if len(report.suites) > 1:
        document.append(_headline(report.suites, messages))
    for suite in report.suites:
        if suite.name is not None:
            document.append(Heading(suite.name, 2))
        document += [_headline([suite], messages), *suite.opening]
        if suite.by_p:
            document.append(_matrix(suite.rows, messages))
        elif all(
            row.finding.id in claims.CLAIMS and row.finding.ok is not False for row in suite.rows
        ):
            document += _claims(suite.rows, messages)
        else:
            document.append(_checks(suite.rows, messages))
        document += _explained(suite, messages)
    return document


def summary(suite: Suite, messages: Messages) -> str:
    """The whole verdict on a layer in one line."""
    failing = [row for row in suite.rows if row.finding.ok is False]
    if not failing:
        row = next(row for row in suite.rows if row.finding.ok is None)
        return messages.string("layer", "is_open", name=suite.name, why=row.method.plain)
    named = [row for row in failing if row.finding.mistakes] or failing
    _, why = named[0].explanations[0]
    count = sum(row.finding.ok is not None for row in suite.rows)
    return messages.string(
        "layer", "is_wrong", name=suite.name, failing=len(failing), count=count, why=why.plain
    )


def _headline(suites: Sequence[Suite], messages: Messages) -> Check:
    """Whether all of it is right."""
    oks = [row.finding.ok for suite in suites for row in suite.rows]
    count, failing = len(oks) - oks.count(None), oks.count(False)
    missing = next((suite.missing for suite in suites if suite.missing), None)
    ok, key = not failing, "failed" if failing else "passed"
    if ok and missing is not None:
        return Check(None, messages.text("verify", "missing", count=count, framework=missing))
    if count < len(oks):
        key += "_some"
    elif count == 1:
        key += "_one"
    told = messages.text("verify", key, count=count, failing=failing, open=len(oks) - count)
    return Check(None if ok and any(suite.partial for suite in suites) else ok, told)


def _claims(rows: Sequence[Row], messages: Messages) -> list[Block]:
    """Each claim on one line, where none fails, and what is the same in all of them."""
    error = f"{max(row.finding.max_error for row in rows):.3g}"
    cells: list[list[str | Text]] = []
    for each, statement, method, _ in rows:
        open_ = [] if each.ok is not None else [messages.text("verify", "because", method=method)]
        cells.append([SIGNS[each.ok], joined(statement, *open_)])
    table = Table(["", messages.string("verify", "claim")], cells, words=(0, 1))
    return [Paragraph(messages.text("verify", "exact", error=error)), table]


def _checks(rows: Iterable[Row], messages: Messages) -> Table:
    """Each check: its sign, what is claimed, by what it was checked, over how many elements."""
    cells: list[list[str | Text]] = [
        [SIGNS[each.ok], statement, method, f"{each.checked:,}" if each.checked else "",
         f"{each.max_error:.3g}" if each.ok is not None else ""]
        for each, statement, method, _ in rows
    ]  # fmt: skip
    headings = ("claim", "by", "elements", "error")
    columns = ["", *(messages.string("verify", key) for key in headings)]
    return Table(columns, cells, words=(0, 1, 2))


def _matrix(rows: Sequence[Row], messages: Messages) -> Table:
    """The questions below one another, and for each p whether the layer is right."""
    ps = list(dict.fromkeys(row.finding.p for row in rows))
    statements = {row.finding.id: row.statement for row in rows}
    signs = {(row.finding.id, row.finding.p): SIGNS[row.finding.ok] for row in rows}
    cells: list[list[str | Text]] = [
        [statements[question], *(signs.get((question, p), "") for p in ps)]
        for question in messages.prose["question"]
        if question in statements
    ]
    headings = [messages.string("layer", "question"), *map(messages.probability, ps)]
    return Table(headings, cells, words=(0,))


def _not_judged(rows: Sequence[Row], messages: Messages) -> Iterator[Block]:
    """What could not be asked, and why: once for all p."""
    reasons: dict[Text, dict[str, None]] = {}
    code: dict[str, None] = {}
    for each, _, why, _ in rows:
        if each.ok is None:
            reasons.setdefault(why, {})[messages.probability(each.p)] = None
            if each.reason is not None and each.reason.code:
                code[each.reason.code] = None
    for reason, at in reasons.items():
        yield Paragraph(joined(messages.text("layer", "open", p_values=", ".join(at)), reason))
    yield from map(Code, code)


def _why_open(finding: Finding, messages: Messages) -> Text | None:
    """Why a question was not answered, if it says so."""
    reason = finding.reason
    if finding.ok is not None or reason is None:
        return None
    features = [messages.string("feature", name) for name in reason.at.split(", ") if reason.at]
    return messages.text(
        "open", reason.key, features=", ".join(features), **_told(reason, messages)
    )


def _told(reason: Reason, messages: Messages) -> dict[str, str]:
    """The values of a reason, as sentences have them."""
    return {
        "count": f"{reason.counted:,}",
        "n": f"{reason.n:,}",
        "elements": messages.elements(reason.n),
        "expected": f"{reason.expected:,.6g}",
        "fraction": f"{reason.counted / max(1, reason.n):.3g}",
        "chance": f"{reason.chance:.1g}" if reason.chance else "1e-300",
        "at": reason.at, "got": reason.got, "wanted": reason.wanted, "error": reason.error,
    }  # fmt: skip


def _explanations(finding: Finding, messages: Messages) -> list[tuple[str, Text]]:
    """Each mistake that fits, or what can be said without: its name, and the words."""
    reason, names = finding.reason, finding.mistakes
    if finding.ok is not False or reason is None:
        return []
    told = _told(reason, messages)
    about = messages.symbol("m" if finding.about == "mask" else finding.about)
    where = messages.text("reason", reason.key, about=about, **told)
    if not names:
        return [("unknown", joined(where, _unknown(reason, messages)))]
    if "raised" in names:
        return [("raised", where)]
    found = []
    for k, name in enumerate(names):
        own = f"{finding.about}-{name}"
        key = own if own in messages.prose["mistake"] else name
        first = messages.text("verify", "or") if k else where
        found.append((name, joined(first, messages.text("mistake", key, **told))))
    if len(names) > 1:
        key = "several" if finding.telling_p is None else "several_p"
        p = "" if finding.telling_p is None else messages.probability(finding.telling_p)
        several = messages.text("verify", key, count=len(names), p_value=p)
        found[-1] = (names[-1], joined(found[-1][1], several))
    return found


def _unknown(reason: Reason, messages: Messages) -> Text:
    """What can be said where no mistake is known: a factor, a difference, a type."""
    if reason.wanted == "float16":
        return messages.text("verify", "unknown_type", dtype=reason.wanted)
    for name in ("factor", "offset"):
        if (value := getattr(reason, name)) is not None:
            return messages.text("verify", f"unknown_{name}", **{name: messages.number(value)})
    return messages.text("verify", "unknown")


def _explained(suite: Suite, messages: Messages) -> Iterator[Block]:
    """What is wrong, once for all p at which it is wrong alike."""
    alike: dict[tuple[object, ...], tuple[Finding, Text, bool, list[str]]] = {}
    for finding, _, _, explanations in suite.rows:
        for name, text in explanations:
            error = finding.reason.error if finding.reason and name == "raised" else ""
            why = (finding.about, name, error, text.plain if name == "unknown" else "")
            last = name == explanations[-1][0]
            alike.setdefault(why, (finding, text, last, []))[-1].append(
                messages.probability(finding.p)
            )
    for finding, text, last, at_p in alike.values():
        at, *others = dict.fromkeys(at_p)
        key = "at_all" if others else "at"
        where = messages.text("verify", key, p_value=at, others=", ".join(others))
        yield Paragraph(joined(where, text) if suite.by_p else text)
        if finding.wrong and last:
            yield _elements_table(finding, messages)
        if finding.reason is not None and finding.reason.example is not None:
            yield Paragraph(messages.text("layer", "example"))
            yield Code(_example(finding, finding.reason.example))


def _example(finding: Finding, example: Example) -> str:
    """A command with the one element that is wrong."""
    x, grad_y, kept, got = example
    bit = "--eval" if kept is None else f"-m {kept:d}"
    answer = f"--y={got!r}" if finding.about == "y" else f"-g={grad_y!r} --grad-x={got!r}"
    return f"dropout-cli verify -x={x!r} -p {finding.p!r} {bit} {answer}"


def _elements_table(finding: Finding, messages: Messages) -> Table:
    """The first wrong elements: where they are, in mathematics and in Python, and their values."""
    shown = finding.wrong[:NAMED]
    more = (finding.reason.counted if finding.reason else 0) - len(shown)
    rows = [
        [", ".join(str(k + 1) for k in place), f"{finding.about}[{', '.join(map(str, place))}]",
         *_apart(got, expected, messages)]
        for place, got, expected in shown
    ]  # fmt: skip
    if more > 0:
        rows.append(["⋮", messages.string("cell", "more", count=f"{more:,}"), "", ""])
    columns = [messages.string("verify", key) for key in ("python", "got", "expected")]
    several = len(shown[0].place) > 1
    return Table([AXES if several else INDEX, *columns], rows, words=(1,))


def _apart(got: float, expected: float, messages: Messages) -> tuple[str, str]:
    """Both numbers; with all their digits where fewer would not tell them apart."""
    told = messages.number(got), messages.number(expected)
    return told if told[0] != told[1] else (messages.exactly(got), messages.exactly(expected))


def _problem(verdict: Verdict, messages: Messages) -> Facts:
    """x, p, the mask and the upstream gradient."""
    trace, candidate = verdict.trace, verdict.candidate
    several = candidate is not None and len(candidate.shape) > 1
    shape = " × ".join(map(str, candidate.shape)) if candidate is not None else ""
    told = messages.string("fact", "x_shape" if several else "x", shape=shape)
    x = (vector(messages.symbol("x"), trace.problem.x, messages, BESIDE), told)
    read = candidate is not None and candidate.read_mask
    given = facts(trace, messages, "mask_read" if read else None).facts
    judged = {each.id for each in verdict.findings} - {"y", "kept-fraction", "independent"}
    return Facts([x, *given, *(upstream_facts(trace, messages) if judged else ())])


def _statement(finding: Finding, verdict: Verdict, messages: Messages) -> Text:
    name, problem = finding.id, verdict.trace.problem
    source = verdict.comparison.source if verdict.comparison else ""
    special = f"{name}-inference" if not problem.training else f"{name}-p-1"
    if (not problem.training or problem.p == 1) and special in messages.prose["claim"]:
        name = special
    return messages.text("claim", name, source=source, squares=loss_formula("sum-squares"))


def _method(finding: Finding, verdict: Verdict, messages: Messages) -> Text:
    """How the claim was checked, or why it was not."""
    name = finding.id
    if name == verdict.missing:
        return messages.text("method", "missing", framework=name)
    if (why := _why_open(finding, messages)) is not None:
        return why
    trace, allowed = verdict.trace, verdict.allowed.get(name)
    n = trace.problem.x.size
    key = f"{name}-silent" if finding.ok is None else name
    if finding.ok is None and finding.p == 1 and f"{key}-p-1" in messages.prose["method"]:
        key += "-p-1"
    written = 0.0 if allowed is None else float(np.max(allowed.written))
    if allowed is not None:
        right = np.abs(trace.y if name == "y" else trace.grad_x)
        tiny = ((right > 0) & (right < allowed.absolute)).any()
        key += "-written" if written else "-tiny" if tiny else ""
    return messages.text(
        "method",
        key,
        over=messages.over(claims.masks_summed(n, trace.problem.p)),
        changed=messages.changed(claims.changed_by_a_fresh_mask(trace), n),
        version=verdict.comparison.version if verdict.comparison else "",
        rtol="" if allowed is None else f"{allowed.relative:.2g}",
        atol=f"{written:.2g}" if written or allowed is None else f"{allowed.absolute:.2g}",
        decimals=verdict.candidate.decimals if verdict.candidate else "",
        dtype="" if verdict.candidate is None else verdict.candidate.dtype,
        level=f"{LEVEL:.0e}",
    )
