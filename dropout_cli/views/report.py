"""A report as a page and as a record: whether all is right, each check, and what is wrong.

What was judged gives its suites: a problem's claims, each candidate, a layer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from dropout_cli.formats.document import SIGNS, Check, Formula, Heading, Paragraph, Table, Text
from dropout_cli.views.notation import INDEX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dropout_cli.formats.document import Block, Document
    from dropout_cli.views.records import (
        ClaimRecord,
        DiagnosisRecord,
        ElementRecord,
        VerifyRecord,
    )
    from dropout_cli.words.messages import Voice

SCHEMA = "dropout-cli/verify/1"
NAMED = 8  # wrong elements that a page shows
RECORDED = 1000  # and a record
AXES = Formula("i, j, …", r"i, j, \ldots")


class Element(NamedTuple):
    """A wrong element: its place, an index from 0 for each axis, and what was right."""

    place: tuple[int, ...]
    got: float
    expected: float


class Explanation(NamedTuple):
    """What explains a failure: the mistake's name, or "unknown".

    about: what is wrong, "y", "grad_x", "mask" or "x". where: in how much of it. text: the mistake.
    elements: some of the wrong ones, of which there are wrong.
    """

    id: str
    about: str
    where: Text
    text: Text
    elements: Sequence[Element]
    wrong: int

    @property
    def told(self) -> Text:
        """Where it is wrong, and why."""
        return joined(self.where, self.text)


class Row(NamedTuple):
    """A check: what is claimed, how it was checked at p, and what came of it.

    ok: None where there was nothing to check. max_error: may be inf or nan.
    """

    id: str
    p: float
    statement: Text
    method: Text
    checked: int
    max_error: float
    ok: bool | None
    explanations: Sequence[Explanation] = ()


class Suite(NamedTuple):
    """Checks that belong together.

    name: of the candidate or the layer, if it has one. opening: what was checked.
    table: the checks, for a page. by_p: whether they are made for one p after the other.
    partial: whether what matters most could not be checked: a layer that takes no p between 0
        and 1.
    """

    name: str | None
    opening: Sequence[Block]
    rows: Sequence[Row]
    table: Table
    by_p: bool = False
    partial: bool = False


class Report(NamedTuple):
    """All that was checked.

    missing: a framework that should have been asked, and is not there.
    """

    suites: Sequence[Suite]
    missing: str | None = None

    @property
    def rows(self) -> list[Row]:
        """The checks of all suites."""
        return [row for suite in self.suites for row in suite.rows]

    @property
    def ok(self) -> bool | None:
        """Whether no check failed; None where what was asked for could not be checked."""
        if any(row.ok is False for row in self.rows):
            return False
        partial = any(suite.partial for suite in self.suites)
        return None if self.missing or partial else True


def record(report: Report) -> VerifyRecord:
    """The report, in words and numbers."""
    claims: list[ClaimRecord] = []
    diagnosis: list[DiagnosisRecord] = []
    for suite in report.suites:
        for row in suite.rows:
            claims.append(
                {
                    "id": row.id,
                    "case": suite.name,
                    "p": row.p,
                    "statement": row.statement.plain,
                    "method": row.method.plain,
                    "checked": row.checked,
                    "max_error": row.max_error if math.isfinite(row.max_error) else None,
                    "ok": row.ok,
                }
            )
            diagnosis += [
                {
                    "id": each.id,
                    "claim": row.id,
                    "case": suite.name,
                    "p": row.p,
                    "about": each.about,
                    "explanation": each.told.plain,
                    "elements": [_element(element) for element in each.elements],
                }
                for each in row.explanations
            ]
    return {"schema": SCHEMA, "ok": report.ok, "claims": claims, "diagnosis": diagnosis}


def _element(element: Element) -> ElementRecord:
    first, *rest = [k + 1 for k in element.place]
    return {
        "i": [first, *rest] if rest else first,
        "got": element.got if math.isfinite(element.got) else str(element.got),
        "expected": element.expected,
    }


def page(report: Report, voice: Voice) -> Document:
    """The verdict, what was checked, the checks, and what is wrong."""
    document: list[Block] = [Heading(voice.say("verify", "title"))]
    if len(report.suites) > 1:
        partial = any(suite.partial for suite in report.suites)
        document.append(_headline(report, report.rows, partial, voice))
    for suite in report.suites:
        if suite.name is not None:
            document.append(Heading(suite.name, 2))
        headline = _headline(report, suite.rows, suite.partial, voice)
        document += [headline, *suite.opening, suite.table]
        document += _explained(suite, voice)
    return document


def checks_table(rows: Iterable[Row], voice: Voice) -> Table:
    """Each check: its sign, what is claimed, by what it was checked, over how many elements."""
    cells: list[list[str | Text]] = [
        [SIGNS[row.ok], row.statement, row.method, f"{row.checked:,}" if row.checked else "",
         f"{row.max_error:.3g}" if row.ok is not None else ""]
        for row in rows
    ]  # fmt: skip
    headings = ("claim", "by", "elements", "error")
    columns = ["", *(voice.say("verify", key) for key in headings)]
    return Table(columns, cells, words=(0, 1, 2))


def mistake(about: str, name: str, voice: Voice) -> Text:
    """What a mistake is: in words for what it is about, or in its own."""
    own = f"{about}-{name}"
    return voice.tell("mistake", own if own in voice.prose["mistake"] else name)


def joined(*texts: Text) -> Text:
    """The texts, one after the other."""
    return Text(tuple(part for text in texts for part in text.parts))


def _headline(report: Report, rows: Sequence[Row], partial: bool, voice: Voice) -> Check:
    """Whether all of it is right."""
    count = sum(row.ok is not None for row in rows)
    failing = sum(row.ok is False for row in rows)
    ok, key = not failing, "failed" if failing else "passed"
    if ok and report.missing is not None:
        told = voice.tell("verify", "missing", count=count, framework=report.missing)
        return Check(None, told)
    if count < len(rows):
        key += "_some"
    elif count == 1:
        key += "_one"
    told = voice.tell("verify", key, count=count, failing=failing, open=len(rows) - count)
    return Check(None if ok and partial else ok, told)


def _explained(suite: Suite, voice: Voice) -> Iterator[Block]:
    """What is wrong, once for all p at which it is wrong alike."""
    alike: dict[tuple[str, str], tuple[Explanation, list[str]]] = {}
    for row in suite.rows:
        for each in row.explanations:
            why = (each.about, each.text.plain) if each.text.plain else ("", each.where.plain)
            _, at_p = alike.setdefault(why, (each, []))
            at_p.append(voice.probability(row.p))
    for explanation, at_p in alike.values():
        told = explanation.told
        if suite.by_p:
            at, *others = dict.fromkeys(at_p)
            key = "at_all" if others else "at"
            told = joined(voice.tell("verify", key, p_value=at, others=", ".join(others)), told)
        yield Paragraph(told)
        if explanation.elements:
            yield _elements_table(explanation, voice)


def _elements_table(explanation: Explanation, voice: Voice) -> Table:
    """The first wrong elements: where they are, in mathematics and in Python, and their values."""
    shown, more = explanation.elements[:NAMED], explanation.wrong - NAMED
    rows = [
        [
            ", ".join(str(k + 1) for k in place),
            f"{explanation.about}[{', '.join(map(str, place))}]",
            *_apart(got, expected, voice),
        ]
        for place, got, expected in shown
    ]
    if more > 0:
        rows.append(["⋮", voice.say("cell", "more", count=f"{more:,}"), "", ""])
    columns = [voice.say("verify", key) for key in ("python", "got", "expected")]
    several = len(shown[0].place) > 1
    return Table([AXES if several else INDEX, *columns], rows, words=(1,))


def _apart(got: float, expected: float, voice: Voice) -> tuple[str, str]:
    """Both numbers; with all their digits where fewer would not tell them apart."""
    told = voice.number(got), voice.number(expected)
    return told if told[0] != told[1] else (voice.exactly(got), voice.exactly(expected))
