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
    from dropout_cli.words.messages import Voice

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


def layer_suite(name: str, findings: Sequence[Finding], seed: int, voice: Voice) -> Suite:
    """What was asked of a layer at each p."""
    rows = [
        Row(each, voice.tell("question", each.id), _why_open(each, voice) or
            voice.tell("asked", each.id), _explanations(each, voice))
        for each in findings
    ]  # fmt: skip
    opening: list[Block] = [Paragraph(voice.tell("layer", "how", seed=seed))]
    chance = [each for each in findings if each.id in OF_CHANCE and each.ok is not None]
    if chance:
        count, most = len(chance), f"{len(chance) * LEVEL:.1g}"
        told = voice.tell("layer", "chance", count=count, level=f"{LEVEL:.0e}", sum=most)
        opening.append(Paragraph(told))
    opening += _not_judged(rows, voice)
    opening.append(Paragraph(voice.tell("layer", "signs")))
    values = [each.ok for each in findings if each.id == "values"]
    partial = all(ok is None for ok in values or (each.ok for each in findings))
    return Suite(name, opening, rows, by_p=True, partial=partial)


def verdict_suite(verdict: Verdict, voice: Voice) -> Suite:
    """The claims of a problem, or what an implementation computed for it."""
    rows = [
        Row(each, _statement(each, verdict, voice), _method(each, verdict, voice),
            _explanations(each, voice))
        for each in verdict.findings
    ]  # fmt: skip
    candidate = verdict.candidate
    name = None if candidate is None else candidate.name
    opening: list[Block] = [_problem(verdict, voice)]
    if candidate is not None and candidate.unknown is not None and candidate.unknown.any():
        count = voice.elements(int(candidate.unknown.sum()))
        opening.append(Paragraph(voice.tell("verify", "unread", elements=count)))
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


def page(report: Report, voice: Voice) -> Document:
    """The verdict, what was checked, the checks, and what is wrong."""
    document: list[Block] = [Heading(voice.say("verify", "title"))]
    if len(report.suites) > 1:
        document.append(_headline(report.suites, voice))
    for suite in report.suites:
        if suite.name is not None:
            document.append(Heading(suite.name, 2))
        document += [_headline([suite], voice), *suite.opening]
        if suite.by_p:
            document.append(_matrix(suite.rows, voice))
        elif all(
            row.finding.id in claims.CLAIMS and row.finding.ok is not False for row in suite.rows
        ):
            document += _claims(suite.rows, voice)
        else:
            document.append(_checks(suite.rows, voice))
        document += _explained(suite, voice)
    return document


def summary(suite: Suite, voice: Voice) -> str:
    """The whole verdict on a layer in one line."""
    failing = [row for row in suite.rows if row.finding.ok is False]
    if not failing:
        row = next(row for row in suite.rows if row.finding.ok is None)
        return voice.say("layer", "is_open", name=suite.name, why=row.method.plain)
    named = [row for row in failing if row.finding.mistakes] or failing
    _, why = named[0].explanations[0]
    count = sum(row.finding.ok is not None for row in suite.rows)
    return voice.say(
        "layer", "is_wrong", name=suite.name, failing=len(failing), count=count, why=why.plain
    )


def _headline(suites: Sequence[Suite], voice: Voice) -> Check:
    """Whether all of it is right."""
    oks = [row.finding.ok for suite in suites for row in suite.rows]
    count, failing = len(oks) - oks.count(None), oks.count(False)
    missing = next((suite.missing for suite in suites if suite.missing), None)
    ok, key = not failing, "failed" if failing else "passed"
    if ok and missing is not None:
        return Check(None, voice.tell("verify", "missing", count=count, framework=missing))
    if count < len(oks):
        key += "_some"
    elif count == 1:
        key += "_one"
    told = voice.tell("verify", key, count=count, failing=failing, open=len(oks) - count)
    return Check(None if ok and any(suite.partial for suite in suites) else ok, told)


def _claims(rows: Sequence[Row], voice: Voice) -> list[Block]:
    """Each claim on one line, where none fails, and what is the same in all of them."""
    error = f"{max(row.finding.max_error for row in rows):.3g}"
    cells: list[list[str | Text]] = []
    for each, statement, method, _ in rows:
        open_ = [] if each.ok is not None else [voice.tell("verify", "because", method=method)]
        cells.append([SIGNS[each.ok], joined(statement, *open_)])
    table = Table(["", voice.say("verify", "claim")], cells, words=(0, 1))
    return [Paragraph(voice.tell("verify", "exact", error=error)), table]


def _checks(rows: Iterable[Row], voice: Voice) -> Table:
    """Each check: its sign, what is claimed, by what it was checked, over how many elements."""
    cells: list[list[str | Text]] = [
        [SIGNS[each.ok], statement, method, f"{each.checked:,}" if each.checked else "",
         f"{each.max_error:.3g}" if each.ok is not None else ""]
        for each, statement, method, _ in rows
    ]  # fmt: skip
    headings = ("claim", "by", "elements", "error")
    columns = ["", *(voice.say("verify", key) for key in headings)]
    return Table(columns, cells, words=(0, 1, 2))


def _matrix(rows: Sequence[Row], voice: Voice) -> Table:
    """The questions below one another, and for each p whether the layer is right."""
    ps = list(dict.fromkeys(row.finding.p for row in rows))
    statements = {row.finding.id: row.statement for row in rows}
    signs = {(row.finding.id, row.finding.p): SIGNS[row.finding.ok] for row in rows}
    cells: list[list[str | Text]] = [
        [statements[question], *(signs.get((question, p), "") for p in ps)]
        for question in voice.prose["question"]
        if question in statements
    ]
    headings = [voice.say("layer", "question"), *map(voice.probability, ps)]
    return Table(headings, cells, words=(0,))


def _not_judged(rows: Sequence[Row], voice: Voice) -> Iterator[Block]:
    """What could not be asked, and why: once for all p."""
    reasons: dict[Text, dict[str, None]] = {}
    code: dict[str, None] = {}
    for each, _, why, _ in rows:
        if each.ok is None:
            reasons.setdefault(why, {})[voice.probability(each.p)] = None
            if each.reason is not None and each.reason.code:
                code[each.reason.code] = None
    for reason, at in reasons.items():
        yield Paragraph(joined(voice.tell("layer", "open", p_values=", ".join(at)), reason))
    yield from map(Code, code)


def _why_open(finding: Finding, voice: Voice) -> Text | None:
    """Why a question was not answered, if it says so."""
    reason = finding.reason
    if finding.ok is not None or reason is None:
        return None
    features = [voice.say("feature", name) for name in reason.at.split(", ") if reason.at]
    return voice.tell("open", reason.key, features=", ".join(features), **_told(reason, voice))


def _told(reason: Reason, voice: Voice) -> dict[str, str]:
    """The values of a reason, as sentences have them."""
    return {
        "count": f"{reason.counted:,}",
        "n": f"{reason.n:,}",
        "elements": voice.elements(reason.n),
        "expected": f"{reason.expected:,.6g}",
        "fraction": f"{reason.counted / max(1, reason.n):.3g}",
        "chance": f"{reason.chance:.1g}" if reason.chance else "1e-300",
        "at": reason.at, "got": reason.got, "wanted": reason.wanted, "error": reason.error,
    }  # fmt: skip


def _explanations(finding: Finding, voice: Voice) -> list[tuple[str, Text]]:
    """Each mistake that fits, or what can be said without: its name, and the words."""
    reason, names = finding.reason, finding.mistakes
    if finding.ok is not False or reason is None:
        return []
    told = _told(reason, voice)
    about = voice.symbol("m" if finding.about == "mask" else finding.about)
    where = voice.tell("reason", reason.key, about=about, **told)
    if not names:
        return [("unknown", joined(where, _unknown(reason, voice)))]
    if "raised" in names:
        return [("raised", where)]
    found = []
    for k, name in enumerate(names):
        own = f"{finding.about}-{name}"
        key = own if own in voice.prose["mistake"] else name
        first = voice.tell("verify", "or") if k else where
        found.append((name, joined(first, voice.tell("mistake", key, **told))))
    if len(names) > 1:
        key = "several" if finding.telling_p is None else "several_p"
        p = "" if finding.telling_p is None else voice.probability(finding.telling_p)
        several = voice.tell("verify", key, count=len(names), p_value=p)
        found[-1] = (names[-1], joined(found[-1][1], several))
    return found


def _unknown(reason: Reason, voice: Voice) -> Text:
    """What can be said where no mistake is known: a factor, a difference, a type."""
    if reason.wanted == "float16":
        return voice.tell("verify", "unknown_type", dtype=reason.wanted)
    for name in ("factor", "offset"):
        if (value := getattr(reason, name)) is not None:
            return voice.tell("verify", f"unknown_{name}", **{name: voice.number(value)})
    return voice.tell("verify", "unknown")


def _explained(suite: Suite, voice: Voice) -> Iterator[Block]:
    """What is wrong, once for all p at which it is wrong alike."""
    alike: dict[tuple[object, ...], tuple[Finding, Text, bool, list[str]]] = {}
    for finding, _, _, explanations in suite.rows:
        for name, text in explanations:
            error = finding.reason.error if finding.reason and name == "raised" else ""
            why = (finding.about, name, error, text.plain if name == "unknown" else "")
            last = name == explanations[-1][0]
            alike.setdefault(why, (finding, text, last, []))[-1].append(
                voice.probability(finding.p)
            )
    for finding, text, last, at_p in alike.values():
        at, *others = dict.fromkeys(at_p)
        key = "at_all" if others else "at"
        where = voice.tell("verify", key, p_value=at, others=", ".join(others))
        yield Paragraph(joined(where, text) if suite.by_p else text)
        if finding.wrong and last:
            yield _elements_table(finding, voice)
        if finding.reason is not None and finding.reason.example is not None:
            yield Paragraph(voice.tell("layer", "example"))
            yield Code(_example(finding, finding.reason.example))


def _example(finding: Finding, example: Example) -> str:
    """A command with the one element that is wrong."""
    x, grad_y, kept, got = example
    bit = "--eval" if kept is None else f"-m {kept:d}"
    answer = f"--y={got!r}" if finding.about == "y" else f"-g={grad_y!r} --grad-x={got!r}"
    return f"dropout-cli verify -x={x!r} -p {finding.p!r} {bit} {answer}"


def _elements_table(finding: Finding, voice: Voice) -> Table:
    """The first wrong elements: where they are, in mathematics and in Python, and their values."""
    shown = finding.wrong[:NAMED]
    more = (finding.reason.counted if finding.reason else 0) - len(shown)
    rows = [
        [", ".join(str(k + 1) for k in place), f"{finding.about}[{', '.join(map(str, place))}]",
         *_apart(got, expected, voice)]
        for place, got, expected in shown
    ]  # fmt: skip
    if more > 0:
        rows.append(["⋮", voice.say("cell", "more", count=f"{more:,}"), "", ""])
    columns = [voice.say("verify", key) for key in ("python", "got", "expected")]
    several = len(shown[0].place) > 1
    return Table([AXES if several else INDEX, *columns], rows, words=(1,))


def _apart(got: float, expected: float, voice: Voice) -> tuple[str, str]:
    """Both numbers; with all their digits where fewer would not tell them apart."""
    told = voice.number(got), voice.number(expected)
    return told if told[0] != told[1] else (voice.exactly(got), voice.exactly(expected))


def _problem(verdict: Verdict, voice: Voice) -> Facts:
    """x, p, the mask and the upstream gradient."""
    trace, candidate = verdict.trace, verdict.candidate
    several = candidate is not None and len(candidate.shape) > 1
    shape = " × ".join(map(str, candidate.shape)) if candidate is not None else ""
    told = voice.say("fact", "x_shape" if several else "x", shape=shape)
    x = (vector(voice.symbol("x"), trace.problem.x, voice, BESIDE), told)
    read = candidate is not None and candidate.read_mask
    given = facts(trace, voice, "mask_read" if read else None).facts
    judged = {each.id for each in verdict.findings} - {"y", "kept-fraction", "independent"}
    return Facts([x, *given, *(upstream_facts(trace, voice) if judged else ())])


def _statement(finding: Finding, verdict: Verdict, voice: Voice) -> Text:
    name, problem = finding.id, verdict.trace.problem
    source = verdict.held.source if verdict.held else ""
    special = f"{name}-inference" if not problem.training else f"{name}-p-1"
    if (not problem.training or problem.p == 1) and special in voice.prose["claim"]:
        name = special
    return voice.tell("claim", name, source=source, squares=loss_formula("sum-squares"))


def _method(finding: Finding, verdict: Verdict, voice: Voice) -> Text:
    """How the claim was checked, or why it was not."""
    name = finding.id
    if name == verdict.missing:
        return voice.tell("method", "missing", framework=name)
    if (why := _why_open(finding, voice)) is not None:
        return why
    trace, allowed = verdict.trace, verdict.allowed.get(name)
    n = trace.problem.x.size
    key = f"{name}-silent" if finding.ok is None else name
    if finding.ok is None and finding.p == 1 and f"{key}-p-1" in voice.prose["method"]:
        key += "-p-1"
    written = 0.0 if allowed is None else float(np.max(allowed.written))
    if allowed is not None:
        right = np.abs(trace.y if name == "y" else trace.grad_x)
        tiny = ((right > 0) & (right < allowed.absolute)).any()
        key += "-written" if written else "-tiny" if tiny else ""
    return voice.tell(
        "method",
        key,
        over=voice.over(claims.masks_summed(n, trace.problem.p)),
        changed=voice.changed(claims.changed_by_a_fresh_mask(trace), n),
        version=verdict.held.version if verdict.held else "",
        rtol="" if allowed is None else f"{allowed.relative:.2g}",
        atol=f"{written:.2g}" if written or allowed is None else f"{allowed.absolute:.2g}",
        decimals=verdict.candidate.decimals if verdict.candidate else "",
        dtype="" if verdict.candidate is None else verdict.candidate.dtype,
        level=f"{LEVEL:.0e}",
    )
