"""Documents as pages of HTML that stand alone, their formulas in MathML."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from dropout_cli.formats.document import (
    COLOURS,
    FATES,
    SIGNS,
    Check,
    Code,
    Facts,
    Formula,
    Heading,
    Items,
    Paragraph,
    Table,
    Text,
    to_read,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropout_cli.formats.document import Document, Readable, Setting

LINES = {"light": "#d0d7de", "dark": "#444"}  # between rows and above headings
STYLE = """
body { background: var(--ground); color: var(--ink); font: 1rem/1.6 system-ui, sans-serif; }
body { margin: 0; }
main { margin: 0 auto; max-width: 46rem; padding: 1.5rem; }
h1 { line-height: 1.25; }
h2 { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: 1rem; }
math { font-family: "STIX Two Math", "Cambria Math", "TeX Gyre Termes Math", math; }
math { font-size: 1.1em; }
dt math { math-style: normal; }
.formula { overflow-x: auto; padding: 0.5rem 0; text-align: center; }
.unicode { display: inline-block; text-align: left; white-space: pre; }
.formula .unicode { font-family: ui-monospace, monospace; }
menclose { border: 1px solid; padding: 0.4em; }
mtd[columnalign="left"] { text-align: -webkit-left; }
.table, pre { overflow-x: auto; }
pre { border: 1px solid var(--line); padding: 0.75rem; }
table { border-collapse: collapse; margin: 1rem auto; }
th, td { padding: 0.2rem 0.75rem; text-align: right; vertical-align: top; }
th { border-bottom: 1px solid var(--line); font-weight: 600; vertical-align: bottom; }
.words { text-align: left; }
dl { display: grid; gap: 0.3rem 1.5rem; grid-template-columns: max-content 1fr; }
dd { margin: 0; }
.kept { color: var(--kept); }
.dropped { color: var(--dropped); }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-left: 1.5rem; } }
@media print { .table, .formula, pre { overflow: visible; } table { font-size: 0.8em; } }
@media print { h2 { break-after: avoid; } .formula, table, pre { break-inside: avoid; } }
"""


def to_html(document: Document, setting: Setting) -> str:
    """The document as a page: its own title and language, headings, tables and formulas."""
    html = Element("html", lang=setting.language)
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    heading = next((block.text for block in document if isinstance(block, Heading)), setting.title)
    SubElement(head, "title").text = heading
    SubElement(head, "style").text = _colours(setting.theme) + STYLE
    main = SubElement(SubElement(html, "body"), "main")
    page = _Page()
    for block in to_read(document):
        main.append(page.block(block))
        main[-1].tail = "\n"
    text = ElementTree.tostring(html, encoding="unicode", method="html")
    return f"<!DOCTYPE html>\n{text}\n"


def typesets() -> bool:
    """Whether formulas are typeset, for which latex2mathml must be installed."""
    return _Page().convert is not None


def _colours(theme: str | None) -> str:
    if theme is not None:
        return f"\n:root {{ {_variables(theme)} }}"
    dark = f"@media (prefers-color-scheme: dark) {{ :root {{ {_variables('dark')} }} }}"
    return f"\n:root {{ color-scheme: light dark; {_variables('light')} }}\n{dark}"


def _variables(theme: str) -> str:
    """The colours of a theme, as the style names them."""
    names = ("ground", "ink", "kept", "dropped", "line")
    colours = (*COLOURS[theme], LINES[theme])
    return "; ".join(f"--{name}: {c.lower()}" for name, c in zip(names, colours, strict=True))


class _Page:
    """Makes elements of blocks; formulas are in Unicode where latex2mathml is not installed."""

    def __init__(self) -> None:
        self.convert: Callable[..., str] | None = None
        with suppress(ImportError):
            from latex2mathml.converter import convert

            self.convert = convert

    def formula(self, formula: Formula, display: str = "inline") -> Element:
        if self.convert is not None:
            mathml = self.convert(formula.latex, xmlns="", display=display)
            typeset = ElementTree.fromstring(mathml)
            for sign in typeset.iter("mo"):
                if sign.text in ("∂", "/"):  # TeX leaves no room around these, MathML does
                    sign.attrib |= {"lspace": "0", "rspace": "0"}
            return typeset
        element = Element("span", {"class": "unicode"})
        element.text = formula.unicode
        return element

    def words(self, tag: str, text: Text) -> Element:
        """Words in an element, with their formulas."""
        element = Element(tag)
        if self.convert is None:
            element.text = text.plain
            return element
        element.text = ""
        for part in text.parts:
            if isinstance(part, Formula):
                element.append(self.formula(part))
            elif len(element):
                element[-1].tail = (element[-1].tail or "") + part
            else:
                element.text += part
        return element

    def block(self, block: Readable) -> Element:
        match block:
            case Heading(text, level):
                element = Element(f"h{level}")
                element.text = text
            case Paragraph(text):
                element = self.words("p", text)
            case Items(items):
                element = Element("ul")
                element.extend(self.words("li", item) for item in items)
            case Check(ok, text):
                element = self.words("p", text)
                sign = Element("span", _classes(FATES.get(SIGNS[ok])))
                sign.text, sign.tail, element.text = SIGNS[ok], f" {element.text}", None
                element.insert(0, sign)
            case Code(code):
                element = Element("pre")
                SubElement(element, "code").text = code
            case Formula():
                element = Element("div", {"class": "formula"})
                element.append(self.formula(block, "block"))
            case Facts(facts):
                element = Element("dl")
                for formula, words in facts:
                    SubElement(element, "dt").append(self.formula(formula))
                    SubElement(element, "dd").text = words
            case Table():
                element = Element("div", {"class": "table"})
                element.append(self.table(block))
        return element

    def table(self, table: Table) -> Element:
        element = Element("table")
        flush = ["words" if k in table.words else None for k in range(len(table.columns))]
        row = SubElement(SubElement(element, "thead"), "tr")
        for column, side in zip(table.columns, flush, strict=True):
            heading = SubElement(row, "th", {"scope": "col"} | _classes(side))
            if isinstance(column, Formula):
                heading.append(self.formula(column))
            else:
                heading.text = column
        body = SubElement(element, "tbody")
        for cells in table.rows:
            row = SubElement(body, "tr")
            for cell, side in zip(cells, flush, strict=True):
                told = cell if isinstance(cell, Text) else Text((cell,))
                row.append(self.words("td", told))
                row[-1].attrib |= _classes(side, FATES.get(told.plain[:1]))
        return element


def _classes(*names: str | None) -> dict[str, str]:
    some = " ".join(filter(None, names))
    return {"class": some} if some else {}
