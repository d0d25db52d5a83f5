"""A verification as a page and as a record: each check, what is wrong, and the verdict.

What was verified gives suites: the claims of a problem, each candidate, each layer.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dropout_cli.formats import document as doc
from dropout_cli.proof import claims
from dropout_cli.proof.finding import Finding, Reason, Wrong
from dropout_cli.trace import Trace
from dropout_cli.verify.candidate import Candidate
from dropout_cli.verify.chance import LEVEL
from dropout_cli.verify.frameworks import Comparison
from dropout_cli.verify.questions import OF_CHANCE
from dropout_cli.verify.tolerance import Tolerance
from dropout_cli.views.context import Context
from dropout_cli.views.notation import loss_formula
from dropout_cli.views.passes import facts, upstream_facts
from dropout_cli.views.reasons import EXPECTATIONS
from dropout_cli.views.records import ClaimRecord, DiagnosisRecord, ElementRecord, VerifyRecord
from dropout_cli.words.messages import Messages, symbol

SCHEMA = "dropout-cli/verify/1"
EXIT_CODES = {True: 0, False: 1, None: 2}
WRONG = ("masked", "over_p", "twice", "by_keep", "by_p")  # symbols of what y or ∂L/∂x can be
SHOWN = 8  # wrong elements that a page shows


class Row(NamedTuple):
    """A finding in words: what is claimed, how it was checked, and each explanation if it fails."""

    finding: Finding
    statement: doc.Text
    method: doc.Text
    explanations: Sequence[tuple[str, doc.Text]]


class Suite(NamedTuple):
    """Checks that belong together.

    name: of the candidate or the layer, if it has one. opening: what was checked.
    by_p: whether each is made at several p. partial: whether what matters most could not be
    checked.
    """

    name: str | None
    opening: Sequence[doc.Block]
    rows: Sequence[Row]
    by_p: bool = False
    partial: bool = False


def verdict(suites: Sequence[Suite]) -> bool | None:
    """Return whether no check failed; None if what was requested could not be checked."""
    if any(row.finding.ok is False for suite in suites for row in suite.rows):
        return False
    return None if any(suite.partial for suite in suites) else True


def layer_suite(name: str, findings: Sequence[Finding], seed: int, messages: Messages) -> Suite:
    """Create the suite of the findings on a layer."""
    rows = [
        _row(
            each, messages.text("question", each.id), messages.text("checked_by", each.id), messages
        )
        for each in findings
    ]
    opening = [doc.Paragraph(messages.text("layer", "how", seed=seed))]
    count = sum(each.id in OF_CHANCE and each.ok is not None for each in findings)
    if count:
        level, most = f"{LEVEL:.0e}", f"{count * LEVEL:.1g}"
        text = messages.text("layer", "chance", count=count, level=level, sum=most)
        opening.append(doc.Paragraph(text))
    opening.append(doc.Paragraph(messages.text("layer", "signs")))
    values = [each.ok for each in findings if each.id == "values"]
    partial = all(ok is None for ok in values or (each.ok for each in findings))
    return Suite(name, opening, rows, by_p=True, partial=partial)


def candidate_suite(
    candidate: Candidate,
    findings: Sequence[Finding],
    allowed: Mapping[str, Tolerance],
    messages: Messages,
) -> Suite:
    """Create the suite of the findings on a candidate. allowed: the tolerance of each vector."""
    trace = Trace(candidate.problem)
    context = Context(trace, messages)
    given = facts(context, None if candidate.unknown is None else "mask_read")
    if "grad_x" in candidate.values:
        given += upstream_facts(context)
    opening: list[doc.Block] = [_problem(context, given)]
    if candidate.unread:
        count = messages.counted("elements", candidate.unread)
        opening.append(doc.Paragraph(messages.text("verify", "unread", elements=count)))
    rows = []
    for each in findings:
        key, values = each.id, {"level": f"{LEVEL:.0e}", "dtype": candidate.dtype}
        if key in allowed:
            relative, absolute, _, written = allowed[key]
            values |= {"rtol": f"{relative:.2g}", "atol": f"{absolute + np.max(written):.2g}"}
            right = np.abs(trace.y if key == "y" else trace.grad_x)
            small = ((right > 0) & (right < absolute)).any()
            key = "computed-absolute" if np.any(written) or small else "computed"
        method = messages.text("method", key, **values)
        rows.append(_row(each, _statement(each, trace, messages), method, messages))
    return Suite(candidate.name, opening, rows, partial=all(each.ok is None for each in findings))


def claims_suite(
    trace: Trace, findings: Sequence[Finding], comparison: Comparison | None, messages: Messages
) -> Suite:
    """Create the suite of the claims of a problem, and of the comparison with a framework."""
    version, source = (comparison.version, comparison.source) if comparison else ("", "")
    context = Context(trace, messages)
    over, changed = context.over, context.changed
    rows = []
    for each in findings:
        key = f"{each.id}-silent" if each.ok is None else each.id
        method = messages.text("method", key, over=over, changed=changed, version=version)
        rows.append(_row(each, _statement(each, trace, messages, source), method, messages))
    given = facts(context) + upstream_facts(context)
    partial = comparison is not None and not version
    return Suite(None, [_problem(context, given)], rows, partial=partial)


def _problem(context: Context, given: Sequence[tuple[doc.Formula, str]]) -> doc.Facts:
    """List x, and what else is given."""
    x = context.vector(symbol("x"), context.trace.problem.x, beside=True)
    return doc.Facts([(x, context.messages.string("fact", "x")), *given])


def _statement(finding: Finding, trace: Trace, messages: Messages, source: str = "") -> doc.Text:
    """State the claim. source: of the masks of a framework."""
    problem = trace.problem
    name = {"y": "forward", "grad_x": "backward"}.get(finding.id, finding.id)
    special = "inference" if not problem.training else "p-1" if problem.p == 1 else ""
    key = f"{name}-{special}"
    if key not in messages.prose["claim"]:
        key = name
    text = messages.text("claim", key, source=source, squares=loss_formula("sum-squares"))
    of_training = not problem.training and name in ("definition", *EXPECTATIONS)
    return doc.joined(messages.text("claim", "training"), text) if of_training else text


def _row(finding: Finding, statement: doc.Text, method: doc.Text, messages: Messages) -> Row:
    """Put a finding into words: each mistake that fits, or else what was observed.

    method: how it was checked; where it was not, its reason, if it has one, replaces it.
    """
    reason = finding.reason
    if finding.ok or reason is None:
        return Row(finding, statement, method, ())
    decimals = 0 if reason.expected >= 10 else 1
    values: dict[str, object] = {
        "count": f"{reason.counted:,}",
        "n": f"{reason.n:,}",
        "elements": messages.counted("elements", reason.n),
        "expected": f"{reason.expected:,.{decimals}f}",
        "fraction": f"{reason.counted / max(1, reason.n):.3g}",
        "chance": f"{reason.chance:.1g}" if reason.chance else "1e-300",
        "at": reason.at, "got": reason.got, "wanted": reason.wanted, "error": reason.error,
    }  # fmt: skip
    if finding.ok is None:
        features = [messages.string("feature", key) for key in reason.at.split(", ") if reason.at]
        method = messages.text("open", reason.key, features=", ".join(features), **values)
        return Row(finding, statement, method, ())
    about = symbol("m" if finding.about == "mask" else finding.about)
    before = messages.text("reason", reason.key, about=about, **values)
    values["about"] = about
    if finding.about in ("y", "grad_x"):
        values |= {key: symbol(f"{finding.about}-{key}") for key in WRONG}
    names, explanations = finding.mistakes or ["unknown"], []
    for name in names:
        mistake = _mistake(name, finding.about, reason, values, messages)
        if len(names) > 1 and name == names[-1]:
            several = messages.text("verify", "several", count=len(names))
            mistake = doc.joined(mistake, several)
        explanations.append((name, doc.joined(before, mistake)))
        before = messages.text("verify", "or")
    return Row(finding, statement, method, explanations)


def _mistake(
    name: str, about: str, reason: Reason, values: Mapping[str, object], messages: Messages
) -> doc.Text:
    """Describe a mistake, or for an unknown one a type, a factor or a difference."""
    if name == "raised":  # the exception has been said
        return doc.Text()
    if name != "unknown":
        own = f"{about}-{name}"
        return messages.text("mistake", own if own in messages.prose["mistake"] else name, **values)
    if reason.wanted == "float16":
        return messages.text("verify", "unknown_type", dtype=reason.wanted)
    if reason.factor is not None:
        return messages.text("verify", "unknown_factor", factor=messages.number(reason.factor))
    if reason.offset is not None:
        return messages.text("verify", "unknown_offset", offset=messages.number(reason.offset))
    return messages.text("verify", "unknown")


def record(suites: Sequence[Suite]) -> VerifyRecord:
    """Record the suites, in words and numbers."""
    claimed: list[ClaimRecord] = []
    diagnosis: list[DiagnosisRecord] = []
    for suite in suites:
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
                    "elements": list(map(_element, each.wrong)) if last else [],
                })  # fmt: skip
    return {"schema": SCHEMA, "ok": verdict(suites), "claims": claimed, "diagnosis": diagnosis}


def _element(wrong: Wrong) -> ElementRecord:
    first, *rest = [k + 1 for k in wrong.place]
    return {
        "i": [first, *rest] if rest else first,
        "got": wrong.got if math.isfinite(wrong.got) else str(wrong.got),
        "expected": wrong.expected,
    }


def page(suites: Sequence[Suite], messages: Messages, quiet: bool = False) -> doc.Document:
    """Show each suite, and the verdict on all of them at the end.

    quiet: whether to leave out what passed.
    """
    document: list[doc.Block] = [] if quiet else [doc.Heading(messages.string("verify", "title"))]
    for suite in suites:
        if quiet and verdict([suite]):
            continue
        if suite.name is not None:
            document.append(doc.Heading(suite.name, 2))
        if suites[1:] or not quiet:
            document.append(_headline([suite], messages))
        if not quiet:
            document += [*suite.opening, *_checks(suite, messages)]
        document += _explained(suite, messages, unchecked=quiet or suite.by_p)
    ok, text = _headline(suites, messages)
    code = messages.text("verify", f"exit_{EXIT_CODES[ok]}")
    return [*document, doc.Check(ok, doc.joined(text, code))]


def summary(suite: Suite, messages: Messages) -> str:
    """Summarize in one line a suite that does not pass."""
    rows = [row for row in suite.rows if row.finding.ok is False]
    if not rows:
        row = next(row for row in suite.rows if row.finding.ok is None)
        return messages.string("layer", "is_open", name=suite.name, why=row.method.plain)
    named = [row for row in rows if row.finding.mistakes] or rows
    _, why = named[0].explanations[0]
    count = sum(row.finding.ok is not None for row in suite.rows)
    return messages.string(
        "layer", "is_wrong", name=suite.name, failing=len(rows), count=count, why=why.plain
    )


def _headline(suites: Sequence[Suite], messages: Messages) -> doc.Check:
    """Count the checks, and those that failed."""
    oks = [row.finding.ok for suite in suites for row in suite.rows]
    count, failing = len(oks) - oks.count(None), oks.count(False)
    key = "failed" if failing else "passed"
    if count < len(oks):
        key += "_some"
    elif count == 1:
        key += "_one"
    text = messages.text("verify", key, count=count, failing=failing, open=len(oks) - count)
    return doc.Check(verdict(suites), text)


def _checks(suite: Suite, messages: Messages) -> list[doc.Block]:
    """Tabulate the checks: by p, or each with how it was made; claims that hold on a line each."""
    if suite.by_p:
        return [_matrix(suite.rows, messages)]
    cells: list[list[str | doc.Text]] = []
    if all(row.finding.id in claims.CLAIMS and row.finding.ok is not False for row in suite.rows):
        for each, statement, method, _ in suite.rows:
            why = [] if each.ok else [messages.text("verify", "because", method=method)]
            cells.append([doc.SIGNS[each.ok], doc.joined(statement, *why)])
        error = f"{max(row.finding.max_error for row in suite.rows):.3g}"
        table = doc.Table(["", messages.string("verify", "claim")], cells, words=(0, 1))
        return [doc.Paragraph(messages.text("verify", "exact", error=error)), table]
    for each, statement, method, _ in suite.rows:
        checked = f"{each.checked:,}" if each.checked else ""
        error = f"{each.max_error:.3g}" if each.ok is not None else ""
        cells.append([doc.SIGNS[each.ok], statement, method, checked, error])
    headings = ("claim", "by", "elements", "error")
    columns = ["", *(messages.string("verify", key) for key in headings)]
    return [doc.Table(columns, cells, words=(0, 1, 2))]


def _matrix(rows: Sequence[Row], messages: Messages) -> doc.Table:
    """Tabulate the questions below one another, and for each p whether the layer is right."""
    ps = list(dict.fromkeys(row.finding.p for row in rows))
    statements = {row.finding.id: row.statement for row in rows}
    signs = {(row.finding.id, row.finding.p): doc.SIGNS[row.finding.ok] for row in rows}
    cells: list[list[str | doc.Text]] = [
        [statements[question], *(signs.get((question, p), "") for p in ps)]
        for question in messages.prose["question"]
        if question in statements
    ]
    headings = [messages.string("layer", "question"), *map(messages.probability, ps)]
    return doc.Table(headings, cells, words=(0,))


def _explained(suite: Suite, messages: Messages, *, unchecked: bool) -> Iterator[doc.Block]:
    """Explain what is wrong, once for all p at which it is the same.

    unchecked: whether to explain also why checks could not be made.
    """
    alike: dict[tuple[str, str], list[tuple[Row, doc.Text]]] = {}
    for row in suite.rows:
        about, texts = row.finding.about, row.explanations
        if unchecked and row.finding.ok is None:
            about, texts = "", [("open", row.method)]
        for name, text in texts:
            own = text.plain if name in ("open", "raised", "unknown") else name
            alike.setdefault((about, own), []).append((row, text))
    for cases in alike.values():
        (finding, *_, explanations), text = cases[0]
        reason, where = finding.reason, doc.Text()
        ps = list(dict.fromkeys(messages.probability(row.finding.p) for row, _ in cases))
        if finding.ok is None:
            where = messages.text("layer", "open", p_values=", ".join(ps))
        elif suite.by_p:
            key, others = "at_all" if ps[1:] else "at", ", ".join(ps[1:])
            where = messages.text("verify", key, p_value=ps[0], others=others)
        yield doc.Paragraph(doc.joined(where, text))
        if finding.wrong and text is explanations[-1][1]:
            yield _elements_table(finding, messages)
        if reason is not None and reason.code:
            yield doc.Code(reason.code)
        if finding.wrong and not finding.mistakes:
            yield doc.Paragraph(messages.text("layer", "example"))
            yield doc.Code(_example(finding))


def _example(finding: Finding) -> str:
    """Write a command with the first element that is wrong."""
    wrong = finding.wrong[0]
    bit = "--eval" if wrong.kept is None else f"-m {wrong.kept:d}"
    answer = f"-g={wrong.grad_y!r} --grad-x={wrong.got!r}"
    if finding.about == "y":
        answer = f"--y={wrong.got!r}"
    return f"dropout-cli verify -x={wrong.x!r} -p {finding.p!r} {bit} {answer}"


def _elements_table(finding: Finding, messages: Messages) -> doc.Table:
    """Tabulate the first wrong elements: where they are, in mathematics and in Python."""
    shown = finding.wrong[:SHOWN]
    more = (finding.reason.counted if finding.reason else 0) - len(shown)
    rows = []
    for place, got, expected, *_ in shown:
        values = [messages.number(got), messages.number(expected)]
        if values[0] == values[1]:
            values = [messages.exactly(got), messages.exactly(expected)]
        i, python = ", ".join(str(k + 1) for k in place), ", ".join(map(str, place))
        rows.append([i, f"{finding.about}[{python}]", *values])
    if more > 0:
        rows.append(["⋮", messages.string("cell", "more", count=f"{more:,}"), "", ""])
    columns = [messages.string("verify", key) for key in ("python", "got", "expected")]
    return doc.Table([symbol("i"), *columns], rows, words=(1,))
