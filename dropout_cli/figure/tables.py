"""Draw a pass as a table with bars, or a step of the derivation, from the blocks of its page."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.errors import RequestError
from dropout_cli.figure.bars import Bars, Strip
from dropout_cli.figure.captions import (
    MARGIN,
    heading,
    legend,
    parts_of_bars,
    subtitle,
    write_title,
)
from dropout_cli.figure.page import (
    CAP,
    MONO,
    Page,
    ems,
    families,
    formula_box,
    formula_ems,
    plain_settings,
    typeset,
)
from dropout_cli.figure.style import NOTE, SMALLEST, THEMES
from dropout_cli.formats.document import (
    SIGNS,
    STATUS,
    Code,
    Facts,
    Formula,
    Heading,
    Items,
    Paragraph,
    Question,
    Table,
    Text,
)
from dropout_cli.views.notation import BACKWARD, GRAD_X, GRAD_Y, X, Y
from dropout_cli.words.messages import BLANK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dropout_cli.figure.style import Style
    from dropout_cli.formats.document import Document
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Messages

LEAST = (960.0, 540.0)  # the page, in points
TOP, BOTTOM = 422.0, 64.0  # where the rows of a table begin and end
LEGEND = 34.0
LAW, LARGEST = 22, 26.0  # the formula of a pass, and the type of its table at most
SENTENCE, MEASURE = 18, 780.0
FORMULA, CODE = 26, 15
HEADER, SEPARATION = 0.8, 1.2  # the type of a heading, and the space after a column, in ems
PASSES = ((X, Y), (GRAD_Y, GRAD_X))  # the column that becomes each result


def draw_pass(document: Document, trace: Trace, messages: Messages, style: Style) -> Figure:
    """Draw the page of a pass: its title, its formula, and a row with a bar per element.

    Raises RequestError for a table that is too wide, for a title that does not fit, and where a
    font is missing.
    """
    with plain_settings():
        page, title = _page(document, style)
        formula = next(block for block in document if isinstance(block, Formula))
        table = next(block for block in document if isinstance(block, Table))
        heading(page, title, subtitle(trace, messages, loss=GRAD_X in table.columns))
        pitch = (TOP - BOTTOM) / (len(table.rows) + 1.4)
        size = min(pitch / 1.55, LARGEST)
        end, bars = _table(page, table, TOP, size, min(2.4 * size, pitch))
        if not title:
            page.crop(end - size, TOP + size)
            return page.figure
        x, y = page.width - MARGIN, page.height - 47
        page.formula(x, y, formula.latex, LAW, page.theme.ink, ha="right")
        if bars:
            legend(page, messages, bars, parts_of_bars(trace, bars), LEGEND)
    return page.figure


def draw_step(document: Document, number: int, count: int, style: Style) -> Figure:
    """Draw the blocks of a step under its heading, on a page as high as they need, but its checks.

    Raises RequestError as draw_pass does.
    """
    with plain_settings():
        start = next(k for k, block in enumerate(document) if _begins_step(block))
        document = document[start:]
        page, title = _page(document, style)
        y = top = write_title(page, title) - 42 if title else page.height - 47
        for block in document:
            y = _block(page, block, y)
        if not title:
            page.crop(y + 10, top + SENTENCE + 10)
            return page.figure
        x, words = page.width - MARGIN, f"{number} / {count}"
        page.number(x, page.height - 47, words, NOTE, page.theme.muted, ha="right")
        page.crop(min(y, 0.0), page.height)
    return page.figure


def _begins_step(block: object) -> bool:
    return isinstance(block, Heading) and block.level == 2


def describe(document: Document) -> tuple[str, str]:
    """Return the title of a page, and its blocks in words, for readers who cannot see them."""
    title = next(block.text for block in document if isinstance(block, Heading))
    words = []
    for block in document:
        match block:
            case Paragraph(text) | Question(text):
                words.append(text.plain)
            case Items(items):
                words += [item.plain for item in items]
            case Formula(unicode):
                words.append(unicode)
            case Table(rows=rows):
                words += [" ".join(plain(cell) for cell in row) for row in rows]
    return title, "; ".join(words)


def _page(document: Document, style: Style) -> tuple[Page, str]:
    title = next(block.text for block in document if isinstance(block, Heading))
    title = re.sub(r"^\d+\. ", "", title) if style.title is None else style.title
    fonts = families(title, chinese=style.lang == "zh")
    page = Page(style.inches, THEMES[style.theme], fonts, LEAST, style.transparent)
    return page, title


def _block(page: Page, block: object, y: float) -> float:
    """Draw a block whose first line stands on y; return where the next one stands."""
    theme = page.theme
    match block:
        case Paragraph(text) | Question(text):
            return page.paragraph(MARGIN, y, text.plain, SENTENCE, theme.ink, MEASURE) - 40
        case Items(items):
            for k, item in enumerate(items, 1):
                page.number(MARGIN, y, f"{k}.", SENTENCE, theme.muted)
                left, room = MARGIN + 28, MEASURE - 28
                y = page.paragraph(left, y, item.plain, SENTENCE, theme.ink, room) - 32
            return y - 8
        case Formula():
            return _formula(page, block, y)
        case Facts(facts):
            told = [(_display(fact.latex), words) for fact, words in facts]
            left = MARGIN + max(formula_ems(latex) for latex, _ in told) * SENTENCE + 24
            for latex, words in told:
                _, height, depth = formula_box(latex)
                y -= max(height - 1, 0) * SENTENCE
                page.formula(MARGIN, y, latex, SENTENCE, theme.ink)
                room = page.width - MARGIN - left
                y = page.paragraph(left, y, words, SENTENCE, theme.muted, room) - 30
                y -= depth * SENTENCE
            return y - 8
        case Table(rows=rows):
            size = min(max((y - BOTTOM) / (len(rows) + 1.4) / 1.55, 15), 20)
            return _table(page, block, y + SENTENCE, size, 1.9 * size)[0] - 36
        case Code(code):
            return _lines(page, code.strip(), MARGIN, y, CODE) - 40
    return y  # a check, or a program: not of a picture


def _formula(page: Page, formula: Formula, y: float) -> float:
    """Set a formula in the middle; one that mathtext cannot set, in lines of Unicode."""
    boxed = re.fullmatch(r"\\boxed\{(.*)\}", formula.latex)
    latex = _display(boxed[1] if boxed else formula.latex)
    try:
        width, height, depth = formula_box(latex)
    except ValueError:
        longest = max(map(len, formula.unicode.split("\n")))
        left = (page.width - ems("0", (MONO,)) * SENTENCE * longest) / 2
        return _lines(page, formula.unicode, left, y, SENTENCE) - 44
    size = min(FORMULA, (page.width - 2 * MARGIN) / width)
    y -= max(height * size - SENTENCE, 0)
    page.formula(page.width / 2, y, latex, size, page.theme.ink, ha="center")
    return y - depth * size - 40


def _display(latex: str) -> str:
    """Set the fractions of a formula as large as the rest."""
    return latex.replace(r"\frac", r"\dfrac")


def _lines(page: Page, text: str, x: float, y: float, size: float) -> float:
    """Write lines of code or of a formula, whose brackets join; return the y of the last."""
    for k, line in enumerate(text.split("\n")):
        y -= 1.164 * size * (k > 0)
        page.words(x, y, line, size, page.theme.ink, family=[MONO, *page.fonts])
    return y


class Column:
    """A column of a table; numbers stand flush on their decimal points, words flush left."""

    def __init__(self, page: Page, table: Table, k: int) -> None:
        """Split the cells before their decimal points, and measure them in ems."""
        self.name, self.words = table.columns[k], k in table.words
        self.cells = [_split(plain(row[k]), self.words) for row in table.rows]
        widths = [[ems(part, page.fonts, "bold") for part in cell] for cell in self.cells]
        before, after = (max(side) for side in zip(*widths, strict=True))
        name = self.name
        heading = formula_ems(name.latex) if isinstance(name, Formula) else ems(name, page.fonts)
        self.width = max(before + after, HEADER * heading)
        self.before = self.width - after


def _split(cell: str, words: bool) -> tuple[str, str]:
    """Return what stands before the decimal point of a cell, and the rest."""
    if words:
        return cell, ""
    cell = typeset(cell)
    before, point, after = (cell, "", "") if " " in cell else cell.partition(".")
    return before, point + after


def plain(cell: str | Text) -> str:
    """Return the words of a cell."""
    return cell if isinstance(cell, str) else cell.plain


def _table(
    page: Page, table: Table, y: float, size: float, pitch: float
) -> tuple[float, Bars | None]:
    """Draw a table that begins at y; return where it ends, and the bars beside it."""
    theme, n = page.theme, len(table.rows)
    # The products are left out: their factors stand beside them.
    columns = [Column(page, table, k) for k, name in enumerate(table.columns) if name != BACKWARD]
    room = page.width - 2 * MARGIN
    size = min(size, room / sum(column.width + SEPARATION for column in columns))
    if size < SMALLEST:
        raise RequestError("the table is too wide for a page: a lower --precision may help")
    signs = [plain(row[-1])[:1] for row in table.rows]
    result = None if table.result is None else len(columns) - 2
    x = MARGIN
    for k, column in enumerate(columns):
        _name(page, column, x, y - 0.62 * pitch, size)
        weight = "bold" if k == result else "normal"
        for row, (before, after) in enumerate(column.cells):
            dropped = signs[row] == SIGNS[False]
            colour = theme.muted if dropped or k == 0 else theme.ink
            if k == len(columns) - 1 and signs[row] in STATUS:
                colour = getattr(theme, STATUS[signs[row]])
            elif k == result and dropped:
                colour = theme.dropped
            indent = 0 if column.words else column.before - ems(before, page.fonts, weight)
            line = y - (1.65 + row) * pitch - CAP * size / 2
            left = x + indent * size
            page.words(left, line, before + after, size, colour, fontweight=weight)
        x += (column.width + SEPARATION) * size
    rule = y - pitch
    page.lines([[(MARGIN, rule), (page.width - MARGIN, rule)]], theme.rule, width=1.0)
    end = y - (1.15 + n) * pitch
    strip = Strip(x, end, page.width - MARGIN - x, n * pitch, n, upright=False)
    return end, _bars(page, table, strip, size) if strip.width >= 5 * size else None


def _name(page: Page, column: Column, x: float, y: float, size: float) -> None:
    """Write the heading of a column, flush with its cells."""
    right = x + column.width * size
    x, align = (x, "left") if column.words else (right, "right")
    if isinstance(column.name, Formula):
        page.formula(x, y, column.name.latex, HEADER * size, page.theme.muted, ha=align)
    else:
        page.words(x, y, column.name, HEADER * size, page.theme.muted, ha=align)


def _bars(page: Page, table: Table, strip: Strip, size: float) -> Bars | None:
    """Draw bars from the numbers of the table, where it is of a pass and shows its results."""
    names = list(table.columns)
    pair = next((pair for pair in PASSES if {*pair} <= {*names}), None)
    if pair is None or table.result is None:
        return None
    arrived, result = ([plain(row[names.index(name)]) for row in table.rows] for name in pair)
    if any(BLANK in cell for cell in (*arrived, *result)):
        return None
    shown = np.array([cell != "⋮" for cell in result])
    values = np.array([arrived, result])
    values = np.where(shown, values, "0").astype(float)
    kept = np.array([plain(row[-1])[:1] != SIGNS[False] for row in table.rows])
    strip = replace(strip, low=min(0.0, values.min()), high=max(0.0, values.max()))
    scaled = bool((values[0, kept] != values[1, kept]).any())
    bars = Bars(page, kept, strip, scaled, 0.9 * size)
    bars.result(strip, "result", values[0], values[1], shown)
    if strip.low < 0:
        page.lines(strip.zero(), page.theme.rule, width=1.4)
    return bars
