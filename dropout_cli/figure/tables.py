"""Pictures of a pass, as a table with bars, and of a step of the derivation."""

import re
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from dropout_cli.errors import RequestError
from dropout_cli.figure.bars import Bars, Strip
from dropout_cli.figure.files import subtitle
from dropout_cli.figure.page import CAP, CELL, MARGIN, TOP, Page, box, ems, typeset
from dropout_cli.figure.style import NOTE, SMALLEST, WIDE, Style, Theme
from dropout_cli.formats import document as blocks
from dropout_cli.formats.document import SIGNS, STATUS, Document, Formula, Heading, Table, Text
from dropout_cli.trace import Trace
from dropout_cli.views.passes import GRAD_X, GRAD_Y, X, Y
from dropout_cli.words.messages import Messages, symbol

FIRST, LAST = 422.0, 64.0  # the top and the bottom of a table
LEGEND = 34.0
LAW, LARGEST = 22, 26.0  # the type size of a pass's formula, and the largest of its table
SENTENCE, MEASURE = 18, 780.0
FORMULA, CODE = 26, 15
HEADER, SEPARATION = 0.8, 1.2  # the type of a heading, and the space after a column, in ems
PASSES = ((X, Y), (GRAD_Y, GRAD_X))  # the columns of the input and the result


def draw_pass(document: Document, trace: Trace, messages: Messages, style: Style) -> Figure:
    """Draw the page of a pass: its title, its formula, and a row with a bar per element.

    Raises RequestError for a table that is too wide, for a title that does not fit, and for a
    missing font.
    """
    page, title = Page(style, WIDE), _title(document, style)
    formula = next(block for block in document if isinstance(block, Formula))
    table = next(block for block in document if isinstance(block, Table))
    page.heading(title, subtitle(trace, messages, loss=GRAD_X in table.columns))
    pitch = (FIRST - LAST) / (len(table.rows) + 1.4)
    size = min(pitch / 1.55, LARGEST)
    end, bars = _table(page, table, FIRST, size, min(2.4 * size, pitch))
    if not title:
        page.crop(end - size, FIRST + size)
        return page.figure
    x, y = page.width - MARGIN, page.height - TOP
    page.text(x, y, f"${formula.latex}$", LAW, page.theme.ink, ha="right")
    if bars:
        bars.legend(messages, trace.problem.training, LEGEND)
    return page.figure


def draw_step(document: Document, number: int, count: int, style: Style) -> Figure:
    """Draw a step under its heading, without its checks, on a page as high as it needs.

    Raises RequestError as draw_pass does.
    """
    levels = [isinstance(block, Heading) and block.level for block in document]
    document = document[levels.index(2) :]
    page, title = Page(style, WIDE), _title(document, style)
    y = top = page.heading(title) - 42
    for block in document:
        y = _block(page, block, y)
    if not title:
        page.crop(y + 10, top + SENTENCE + 10)
        return page.figure
    x, words = page.width - MARGIN, f"{number} / {count}"
    page.text(x, page.height - TOP, words, NOTE, page.theme.muted, ha="right")
    page.crop(min(y, 0.0), page.height)
    return page.figure


def describe(document: Document) -> tuple[str, str]:
    """Return the title of a page, and its blocks in words for readers who cannot see them."""
    title = next(block.text for block in document if isinstance(block, Heading))
    words = []
    for block in document:
        match block:
            case blocks.Paragraph(text) | blocks.Question(text):
                words.append(text.plain)
            case blocks.Items(items):
                words += [item.plain for item in items]
            case Formula(unicode):
                words.append(unicode)
            case Table(rows=rows):
                words += [" ".join(map(_plain, row)) for row in rows]
    return title, "; ".join(words)


def _title(document: Document, style: Style) -> str:
    """Return the title of the style, or else that of a page without the number of its step."""
    title = next(block.text for block in document if isinstance(block, Heading))
    return re.sub(r"^\d+\. ", "", title) if style.title is None else style.title


def _block(page: Page, block: object, y: float) -> float:
    """Draw a block whose first line is at y; return the y of the next block."""
    theme = page.theme
    match block:
        case blocks.Paragraph(text) | blocks.Question(text):
            return page.paragraph(MARGIN, y, text.plain, SENTENCE, theme.ink, MEASURE) - 40
        case blocks.Items(items):
            for k, item in enumerate(items, 1):
                page.text(MARGIN, y, f"{k}.", SENTENCE, theme.muted)
                left, room = MARGIN + 28, MEASURE - 28
                y = page.paragraph(left, y, item.plain, SENTENCE, theme.ink, room) - 32
            return y - 8
        case Formula():
            return _formula(page, block, y)
        case blocks.Facts(facts):
            left = MARGIN + 24 + SENTENCE * max(ems(_display(fact)) for fact, _ in facts)
            for fact, words in facts:
                _, height, depth = box(_display(fact))
                y -= max(height - 1, 0) * SENTENCE
                page.text(MARGIN, y, _display(fact), SENTENCE, theme.ink)
                room = page.width - MARGIN - left
                y = page.paragraph(left, y, words, SENTENCE, theme.muted, room) - 30
                y -= depth * SENTENCE
            return y - 8
        case Table(rows=rows):
            size = min(max((y - LAST) / (len(rows) + 1.4) / 1.55, 15), 20)
            return _table(page, block, y + SENTENCE, size, 1.9 * size)[0] - 36
        case blocks.Code(code):
            return page.code(MARGIN, y, code.strip(), CODE) - 40
    return y  # a picture has no checks and no programs


def _formula(page: Page, formula: Formula, y: float) -> float:
    """Draw a formula in the middle; return the y of the next block."""
    displayed = _display(formula)
    if not displayed.startswith("$"):
        longest = max(map(len, displayed.split("\n")))
        left = (page.width - CELL * SENTENCE * longest) / 2
        return page.code(left, y, displayed, SENTENCE) - 44
    width, height, depth = box(displayed)
    size = min(FORMULA, page.room / width)
    y -= max(height * size - SENTENCE, 0)
    page.text(page.width / 2, y, displayed, size, page.theme.ink, ha="center")
    return y - depth * size - 40


def _display(formula: Formula) -> str:
    """Return a formula for mathtext, with large fractions, or in Unicode if it cannot set it."""
    latex = re.sub(r"^\\boxed\{(.*)\}$", r"\1", formula.latex).replace(r"\frac", r"\dfrac")
    with suppress(ValueError):
        box(f"${latex}$")
        return f"${latex}$"
    return formula.unicode


def _plain(cell: str | Text) -> str:
    return cell if isinstance(cell, str) else cell.plain


class Column(NamedTuple):
    """The cells of a column; in ems, where each starts from its left, and its width in bold."""

    heading: str
    cells: list[str]
    starts: list[float]
    width: float


def _column(table: Table, k: int) -> Column:
    """Typeset a column: numbers aligned at their decimal points, or words flush left."""
    name = table.columns[k]
    heading = f"${name.latex}$" if isinstance(name, Formula) else name
    cells = [_plain(row[k]) for row in table.rows]
    if k in table.words:
        return Column(heading, cells, [0.0] * len(cells), max(ems(cell, "bold") for cell in cells))
    cells = [typeset(cell) for cell in cells]
    digits = [cell if " " in cell else cell.partition(".")[0] for cell in cells]
    before = [ems(part, "bold") for part in digits]
    after = max(ems(cell, "bold") - part for cell, part in zip(cells, before, strict=True))
    width = max(max(before) + after, HEADER * ems(heading))
    starts = [width - after - ems(part, _weight(table, k)) for part in digits]
    return Column(heading, cells, starts, width)


def _weight(table: Table, k: int) -> str:
    return "bold" if k == table.result else "normal"


def _colour(theme: Theme, table: Table, k: int, sign: str) -> str:
    """Choose the colour of a cell in a row whose last cell begins with this sign."""
    if k in table.words and sign in STATUS:
        return str(getattr(theme, STATUS[sign]))
    if sign == SIGNS[False]:
        return theme.dropped if k == table.result else theme.muted
    return theme.muted if k == 0 else theme.ink


def _table(
    page: Page, table: Table, y: float, size: float, pitch: float
) -> tuple[float, Bars | None]:
    """Draw a table from y down; return the y of its end, and the bars beside it."""
    theme, n = page.theme, len(table.rows)
    signs = [_plain(row[-1])[:1] for row in table.rows]
    # The products are left out: their factors stand beside them.
    backward = symbol("backward_i")
    columns = {k: _column(table, k) for k, name in enumerate(table.columns) if name != backward}
    size = min(size, page.room / sum(column.width + SEPARATION for column in columns.values()))
    if size < SMALLEST:
        raise RequestError("the table is too wide for a page: a lower --precision may help")
    x = MARGIN
    for k, (heading, cells, starts, width) in columns.items():
        left, align = (x, "left") if k in table.words else (x + width * size, "right")
        page.text(left, y - 0.62 * pitch, heading, HEADER * size, theme.muted, ha=align)
        for row in range(n):
            left, line = x + starts[row] * size, y - (1.65 + row) * pitch - CAP * size / 2
            colour = _colour(theme, table, k, signs[row])
            page.text(left, line, cells[row], size, colour, fontweight=_weight(table, k))
        x += (width + SEPARATION) * size
    page.lines([[(MARGIN, y - pitch), (page.width - MARGIN, y - pitch)]], theme.rule, 1.0)
    end = y - (1.15 + n) * pitch
    strip = Strip(x, end, page.width - MARGIN - x, n * pitch, n, upright=False)
    return end, _bars(page, table, strip, size) if strip.width >= 5 * size else None


def _bars(page: Page, table: Table, strip: Strip, size: float) -> Bars | None:
    """Draw bars of the numbers in the table of a pass, unless its results are blank."""
    names = list(table.columns)
    pair = next((pair for pair in PASSES if {*pair} <= {*names}), None)
    if pair is None or table.result is None:
        return None
    cells = [[_plain(row[names.index(name)]) for row in table.rows] for name in pair]
    arrived, result = (np.genfromtxt(column, ndmin=1) for column in cells)
    shown = np.isfinite(arrived + result)  # a gap or a blank is not a number
    if not shown.any():
        return None
    arrived, result = np.nan_to_num(arrived), np.nan_to_num(result)
    kept = np.array([_plain(row[-1])[:1] != SIGNS[False] for row in table.rows])
    ends = np.concatenate([[0.0], arrived, result])
    strip = replace(strip, low=ends.min(), high=ends.max())
    scaled = bool((arrived[kept] != result[kept]).any())
    bars = Bars(page, kept, strip, scaled, 0.9 * size)
    bars.result(strip, arrived, result, shown)
    if strip.low < 0:
        page.lines(strip.line(0.0), page.theme.rule, 1.4)
    return bars
