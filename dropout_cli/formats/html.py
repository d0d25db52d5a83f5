"""Documents as pages of HTML that stand alone, their formulas in MathML."""

from __future__ import annotations

import pkgutil
import re
from contextlib import suppress
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from dropout_cli.formats.document import (
    COLOURS,
    SIGNS,
    STATUS,
    Check,
    Code,
    Facts,
    Formula,
    Heading,
    Items,
    Paragraph,
    Picture,
    Question,
    Table,
    Text,
    Verbatim,
    to_read,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dropout_cli.formats.document import Document, Readable, Setting

NAMES = ("ground", "ink", "kept", "dropped", "muted", "line", "rule", "given", "gain", "plate")
# The colours of a page that no other format has: lines, and what only a picture shows.
MORE = {
    "light": ("#D0D7DE", "#8C959F", "#6E7781", "#B3D7EE", "#EEF1F4"),
    "dark": ("#3A444F", "#76818D", "#8B96A3", "#1D4E6B", "#1C242D"),
}
PUNCTUATION = re.compile("[.,;:!?)，。；：？！）、]+")
WRAPPED = 24  # characters of a cell of words that stay on one line


def to_html(document: Document, setting: Setting) -> str:
    """Write the document as a page with its own title and language."""
    html = Element("html", lang=setting.language)
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    heading = next((block.text for block in document if isinstance(block, Heading)), setting.title)
    SubElement(head, "title").text = heading
    css = pkgutil.get_data(__package__, "page.css")
    assert css is not None
    SubElement(head, "style").text = "@style"
    main = SubElement(SubElement(html, "body"), "main")
    page = _Page()
    for block in to_read(document):
        main.append(page.block(block))
        main[-1].tail = "\n"
    text = ElementTree.tostring(html, encoding="unicode", method="html")
    text = text.replace("@style", f"\n{_colours(setting.theme)}\n{css.decode()}", 1)
    for k, picture in enumerate(page.pictures):
        text = text.replace(f"@picture-{k}", picture)
    return f"<!DOCTYPE html>\n{text}\n"


def typesets() -> bool:
    """Test whether formulas are typeset, for which latex2mathml must be installed."""
    return _Page().convert is not None


def _colours(theme: str | None) -> str:
    """Set the colours as variables; on paper they are always light."""
    light, dark = (f":root {{ {_variables(name)} }}" for name in ("light", "dark"))
    on_paper = f"@media print {{ {light} }}"
    if theme is not None:
        return f"{dark if theme == 'dark' else light}\n{on_paper}"
    scheme = ":root { color-scheme: light dark; }"
    in_dark = f"@media (prefers-color-scheme: dark) {{ {dark} }}"
    return f"{scheme}\n{light}\n{in_dark}\n{on_paper}"


def _variables(theme: str) -> str:
    colours = (*COLOURS[theme], *MORE[theme])
    return "; ".join(f"--{name}: {c.lower()}" for name, c in zip(NAMES, colours, strict=True))


def _inline(svg: str) -> str:
    """Prepare a light SVG for a page: no size and no style of its own, colours of either theme."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    opening, rest = svg.split(">", 1)
    opening = re.sub(r'\s(width|height)="[^"]*"', "", opening)
    names = dict(zip((*COLOURS["light"], *MORE["light"]), NAMES, strict=True))

    def variable(colour: re.Match[str]) -> str:
        name = names.get(colour[0].upper())
        return colour[0] if name is None else f"var(--{name})"

    return f'{opening} class="lanes">' + re.sub("#[0-9A-Fa-f]{6}", variable, rest)


class _Page:
    """Elements for the blocks; formulas are in Unicode where latex2mathml is not installed.

    pictures: the drawings, which the page holds as they are.
    """

    def __init__(self) -> None:
        self.pictures: list[str] = []
        self.convert: Callable[..., str] | None = None
        with suppress(ImportError):
            from latex2mathml.converter import convert

            self.convert = convert

    def formula(self, formula: Formula, display: str = "inline") -> list[Element]:
        r"""Typeset a formula; one for each part between \qquad."""
        if self.convert is None:
            element = Element("span", {"class": "unicode"})
            element.text = formula.unicode
            return [element]
        parts = []
        for latex in formula.latex.split(r"\qquad"):
            mathml = self.convert(latex.strip(), xmlns="", display=display)
            parts.append(ElementTree.fromstring(mathml))
            for sign in parts[-1].iter("mo"):
                if sign.text in ("∂", "/"):  # TeX leaves no room around these, MathML does
                    sign.attrib |= {"lspace": "0", "rspace": "0"}
            for under in parts[-1].iter("munder"):
                if under.find(".//mspace") is not None:  # a blank
                    under.remove(under[1])
                    under.tag, under.attrib["class"] = "mrow", "blank"
        return parts

    def words(self, tag: str, text: Text, **attributes: str) -> Element:
        """Put words into an element, with their formulas and code."""
        element = Element(tag, attributes)
        element.text = ""
        for part in text.parts:
            if isinstance(part, Formula) and self.convert is not None:
                SubElement(element, "span", {"class": "whole"}).extend(self.formula(part))
            elif isinstance(part, Verbatim):
                SubElement(element, "code").text = part.code
            else:
                _append(element, part if isinstance(part, str) else part.unicode)
        return element

    def block(self, block: Readable) -> Element:
        match block:
            case Heading(text, level, name):
                element = Element(f"h{level}", {"id": name} if name else {})
                element.text = text
            case Paragraph(text):
                element = self.words("p", text)
            case Items(items):
                element = Element("ul")
                element.extend(self.words("li", item) for item in items)
            case Check(ok, text):
                element = self.words("p", text, **{"class": "check"})
                sign = Element("span", _classes(STATUS.get(SIGNS[ok])))
                sign.text, sign.tail, element.text = SIGNS[ok], f" {element.text}", None
                element.insert(0, sign)
            case Code(code):
                element = Element("pre")
                SubElement(element, "code").text = code
            case Formula():
                element = Element("div", {"class": "formula"})
                element.extend(self.formula(block, "block"))
            case Facts(facts):
                element = Element("dl")
                for formula, words in facts:
                    SubElement(element, "dt").extend(self.formula(formula))
                    SubElement(element, "dd").text = words
            case Question(text, lines):
                element = Element("div")
                element.append(self.words("p", text, **{"class": "question"}))
                element.extend(Element("div", {"class": "room"}) for _ in range(lines))
            case Picture(svg):
                element = Element("figure")
                element.text = f"@picture-{len(self.pictures)}"
                self.pictures.append(_inline(svg))
            case Table():
                element = Element("div", {"class": "table"})
                element.append(self.table(block))
        return element

    def table(self, table: Table) -> Element:
        element = Element("table")
        sides = [
            ("words" if k in table.words else None, "spare" if k == table.spare else None)
            for k in range(len(table.columns))
        ]
        row = SubElement(SubElement(element, "thead"), "tr")
        for column, side in zip(table.columns, sides, strict=True):
            heading = SubElement(row, "th", {"scope": "col"} | _classes(*side))
            if isinstance(column, Formula):
                heading.extend(self.formula(column))
            else:
                heading.text = column
        body = SubElement(element, "tbody")
        for cells in table.rows:
            row = SubElement(body, "tr")
            for k, cell in enumerate(cells):
                row.append(self.cell(cell, *sides[k]))
                if table.result is not None and k == table.result + 1:
                    _mark(row[table.result], row[k])
        return element

    def cell(self, cell: str | Text, *classes: str | None) -> Element:
        text = cell if isinstance(cell, Text) else Text((cell.strip(),))
        wide = "wrap" if "words" in classes and len(text.plain) > WRAPPED else None
        element = self.words("td", text)
        element.attrib |= _classes(*classes, wide, STATUS.get(text.plain[:1]))
        return element


def _mark(result: Element, status: Element) -> None:
    """Give the result the colour of kept or dropped; a phone shows only the sign of that."""
    sign, _, word = (status.text or "").partition(" ")
    if sign in STATUS:
        result.attrib |= _classes("result", STATUS[sign])
        status.text = sign
        SubElement(status, "span", {"class": "status"}).text = f" {word}"


def _append(element: Element, words: str) -> None:
    """Add words; punctuation stays on the line of a formula before it."""
    if len(element):
        last, mark = element[-1], PUNCTUATION.match(words)
        if last.get("class") == "whole" and mark is not None and not last.tail:
            last[-1].tail, words = mark[0], words[mark.end() :]
        last.tail = (last.tail or "") + words
    else:
        element.text = (element.text or "") + words


def _classes(*names: str | None) -> dict[str, str]:
    some = " ".join(filter(None, names))
    return {"class": some} if some else {}
