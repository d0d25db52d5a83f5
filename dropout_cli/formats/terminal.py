"""Documents in a terminal, and in files that keep what a terminal shows."""

from __future__ import annotations

import io
import os
import re
import sys
from typing import TYPE_CHECKING

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text
from rich.theme import Theme

from dropout_cli.formats import bars
from dropout_cli.formats.ascii import to_ascii
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
    Program,
    Question,
    Table,
)
from dropout_cli.formats.document import Text as Sentences

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rich.containers import Lines

    from dropout_cli.formats.document import Block, Document, Setting

WIDTH = 80  # of a file, and the most that a paragraph takes
NARROWEST = 40  # columns of a file, so that a picture's window has room for its title
HEADING = 8  # columns of a heading that stay on one line, as four Chinese characters take
BESIDE = 12  # the fewest columns in which words stand beside a formula, not below it
# What stands together on a line: a word, an equation such as p = 1, a Chinese character, each with
# its punctuation; spaces.
PIECES = re.compile("[（“]*(?:[!-‛‟-⹿]+(?: [=≈<] [!-‛‟-⹿]+)*|[^ ])[，。；：、）”]*| +")
TERMS = re.compile(r", +| (?== )")  # between these a formula that is too wide is broken
# xterm's 32 and 166 have a contrast of at least 3.8 on white and on black grounds alike.
KEPT, DROPPED, GLOSS = "color(32)", "color(166)", "dim"
QUESTION = 60  # columns of a line to write on


def _theme(kept: str, dropped: str, gloss: str) -> Theme:
    """Name the styles: the answers are bold and in the colour of kept or dropped."""
    return Theme({
        "heading": "bold", "formula": "bold", "gloss": gloss, "kept": kept, "dropped": dropped,
        "kept.result": f"bold {kept}", "dropped.result": f"bold {dropped}",
    })  # fmt: skip


def to_terminal(document: Document, width: int | None = None) -> str:
    """Render the document for this process's standard output.

    As wide as the terminal is, if no width is given; coloured if it is a terminal and NO_COLOR is
    not set; in ASCII where its encoding has no ∂.
    """
    console = Console(
        file=sys.stdout,
        theme=_theme(KEPT, DROPPED, GLOSS),
        emoji=False,
        width=width or columns() or WIDTH,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )
    with console.capture() as capture:
        _print(document, console, on_screen=bool(width or columns()))
    text = _trimmed(capture.get())
    return to_ascii(text) if console.options.ascii_only else text


def columns() -> int:
    """Look up COLUMNS, or else the width of the terminal; 0 where there is none."""
    asked = os.environ.get("COLUMNS", "")
    if re.fullmatch("[1-9][0-9]{0,3}", asked):
        return int(asked)
    try:
        return os.get_terminal_size().columns
    except OSError:
        return 0


def other_screen(on: bool) -> None:
    """Go to the terminal's other screen, without a cursor or broken lines, or come back from it."""
    console = Console(file=sys.stdout)
    console.set_alt_screen(on)
    console.show_cursor(not on)
    sys.stdout.write("\x1b[?7l" if on else "\x1b[?7h")
    sys.stdout.flush()


def to_text(document: Document, setting: Setting) -> str:
    """Render the document as plain text."""
    console = _recorder(setting.theme or "light")
    _print(document, console, on_screen=False)
    return _trimmed(console.export_text())


def to_svg(document: Document, setting: Setting) -> str:
    """Render the document as a picture of a terminal, with the title on its window."""
    from rich.color import Color
    from rich.terminal_theme import TerminalTheme

    theme = setting.theme or "light"
    console = _recorder(theme)
    _print(document, console, on_screen=True)
    lines = console.export_text().splitlines()  # and now in a window that is no wider than these
    console.width = max(NARROWEST, *(cell_len(line.rstrip()) for line in lines))
    _print(document, console, on_screen=True)
    ground, ink = (Color.parse(colour).get_truecolor() for colour in COLOURS[theme][:2])
    window = TerminalTheme(ground, ink, [ink] * 8)  # no style uses a terminal's sixteen colours
    svg = console.export_svg(title=setting.title, theme=window)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no font from the web
    return re.sub(r'textLength="([\d.]+)"([^>]*)>([^<]*)<', _widened, svg)


def _recorder(theme: str) -> Console:
    """Make a console that prints the same wherever this runs."""
    _, _, kept, dropped, muted = COLOURS[theme]
    return Console(
        file=io.StringIO(),
        theme=_theme(kept, dropped, muted),
        emoji=False,
        width=WIDTH,
        record=True,
        force_terminal=True,
        color_system="truecolor",
        no_color=False,
        legacy_windows=False,
    )


def _widened(text: re.Match[str]) -> str:
    """Correct the length of a text in rich's SVG, which counts one cell for a Chinese character."""
    from html import unescape

    words = unescape(text[3])
    length = float(text[1]) * (cell_len(words) or 1) / (len(words) or 1)
    return f'textLength="{length:g}"{text[2]}>{text[3]}<'


def _trimmed(text: str) -> str:
    """Remove the spaces with which rich fills its lines."""
    return re.sub(r" +$", "", text, flags=re.MULTILINE)


def _print(document: Document, console: Console, *, on_screen: bool) -> None:
    """Print the blocks, an empty line between two that do not belong together."""
    layout = _Layout(console, on_screen)
    parts: list[RenderableType] = []
    before: Block | None = None
    for block in document:
        if isinstance(block, Picture | Program):  # which a terminal cannot show
            continue
        if parts and not _together(before, block):
            parts.append("")
        parts.append(layout.block(block))
        before = block
    console.print(Group(*parts), crop=False)


def _together(before: Block | None, block: Block) -> bool:
    """Test whether there is no line between the blocks: two checks, or formulas of one line."""
    match before, block:
        case Check(), Check():
            return True
        case Formula(first), Formula(second):
            return "\n" not in first + second
        case _:
            return False


class Words(Text):
    """Text that breaks between words and between Chinese characters, not before a full stop."""

    def wrap(self, console: Console, width: int, **how: Any) -> Lines:
        """Break what is wider than the width; rich then justifies the lines."""
        lines = [
            line for each in self.split("\n", allow_blank=True) for line in _broken(each, width)
        ]
        return Text("\n").join(lines).wrap(console, width, **how)


def _broken(line: Text, width: int) -> list[Text]:
    """Break the line into lines of this width."""
    starts, taken = [], 0
    for piece in PIECES.finditer(line.plain):
        taken += cell_len(piece[0])
        if taken > width and piece.start() and piece[0][0] != " ":
            starts.append(piece.start())
            taken = cell_len(piece[0])
    lines = list(line.divide(starts))
    for each in lines:
        each.rstrip()
    return lines


def _least(words: str) -> int:
    """Count the cells of the widest piece of the words."""
    return max(map(cell_len, PIECES.findall(words)), default=0)


class _Layout:
    """The layout of blocks for one console.

    on_screen: whether bars are drawn; on paper, a question has room for its answer instead.
    """

    def __init__(self, console: Console, on_screen: bool) -> None:
        self.width = console.width
        self.on_screen = on_screen
        self.ascii_only = console.options.ascii_only

    def words(self, words: str, style: str = "") -> Words:
        return Words(to_ascii(words) if self.ascii_only else words, style)

    def block(self, block: Block) -> RenderableType:
        match block:
            case Heading(text, level, _):
                heading = self.words(text, "heading")
                width = max(line.cell_len for line in _broken(heading, self.width))
                return Group(heading, ("═" if level == 1 else "─") * width)
            case Paragraph(text):
                return Constrain(self.words(text.plain), WIDTH)
            case Items(items):
                points = RichTable.grid(padding=(0, 1, 0, 0))
                for item in items:
                    points.add_row("-", self.words(item.plain))
                return Constrain(points, WIDTH)
            case Check(ok, text):
                words = self.words(f"{SIGNS[ok]} {text.plain}")
                words.stylize(STATUS.get(SIGNS[ok], ""), 0, 1)
                return Constrain(words, WIDTH)
            case Code(code):
                return self.indented(code.split("\n"))
            case Formula(unicode):
                lines = unicode.split("\n")  # those of a tall formula stay together
                return self.indented(self.folded(unicode) if len(lines) == 1 else lines, "formula")
            case Facts(facts):
                return self.beside([
                    (self.words(formula.unicode), self.words(words, "gloss"))
                    for formula, words in facts
                ])  # fmt: skip
            case Question(text, lines):
                question = Constrain(self.words(f"? {text.plain}", "heading"), WIDTH)
                line = Text("_" * min(self.width, QUESTION), "gloss")
                room: list[RenderableType] = ["", line]
                return question if self.on_screen else Group(question, *room * lines)
            case Table():
                return self.table(block)
            case _:  # a picture or a program, which a terminal cannot show
                return ""

    def indented(self, lines: Sequence[str], style: str = "") -> Text:
        words = self.words("\n".join("  " + line for line in lines), style)
        return Text(words.plain, style, no_wrap=True, overflow="ignore")

    def folded(self, line: str) -> list[str]:
        """Break the line after the last of its terms that fits, if it is too wide."""
        room = self.width - 2
        ends = [found.end() for found in TERMS.finditer(line) if line[: found.end()].strip()]
        fitting = [end for end in ends if cell_len(line[:end].rstrip()) <= room]
        end = max(fitting) if fitting else min(ends, default=0)
        if cell_len(line) <= room or not end:
            return [line]
        return [line[:end].rstrip(), *self.folded("    " + line[end:].strip())]

    def beside(self, pairs: Sequence[tuple[Text, Text]]) -> RenderableType:
        """Put the second of each pair beside the first, or below it where there is no room."""
        column = max(first.cell_len for first, _ in pairs)
        width = min(self.width, WIDTH)
        if width - column - 3 < BESIDE:
            below = [(first, Padding(second, (0, 0, 0, 4))) for first, second in pairs]
            return Group(*(part for pair in below for part in pair))
        grid = RichTable.grid(padding=(0, 3, 0, 0))
        grid.add_column(no_wrap=True)
        for pair in pairs:
            grid.add_row(*pair)
        return Constrain(grid, width)

    def table(self, table: Table) -> RenderableType:
        """Put the rows below their headings; where that is too wide, one row below the other.

        Columns of words share what the others leave. Headings may take several lines.
        """
        plain = [c.unicode if isinstance(c, Formula) else c for c in table.columns]
        header = [self.words(heading) for heading in plain]
        rows = [self.row(row, table.result) for row in table.rows]
        columns = list(zip(header, *rows, strict=True))
        widths = [max(cell.cell_len for cell in column) for column in columns]
        room = self.width - 2 * (len(header) - 1)
        least = widths
        if sum(widths) > room:
            least = [_narrowest(column, k in table.words) for k, column in enumerate(columns)]
            if sum(least) > room or not table.words:
                return self.stacked(header, rows)
        # To rich the box is ASCII, since its line is spelled so with all else.
        ruled = Box("    \n" * 2 + " ── \n" + "    \n" * 5, ascii=True)
        grid = RichTable(
            box=ruled, show_edge=False, padding=(0, 0, 0, 1), pad_edge=False, header_style=""
        )
        for k, heading in enumerate(header):
            if k in table.words:
                grid.add_column(heading, min_width=least[k])
            else:
                grid.add_column(heading, justify="right", width=least[k])
        room -= sum(widths) + 2
        drawn: list[bars.Pieces] = []
        if table.bars is not None and self.on_screen and room >= bars.FEWEST:
            drawn = bars.draw(table.bars.rows, room)
            title = table.bars.heading.unicode
            grid.add_column(title if cell_len(title) <= room else "", no_wrap=True)
        for k, row in enumerate(rows):
            grid.add_row(*row, *(Text.assemble(*pieces) for pieces in drawn[k : k + 1]))
        if table.bars is None or not drawn:
            return grid
        return Group(grid, "", Text.assemble(*bars.key(table.bars.labels, drawn)))

    def row(self, cells: Sequence[str | Sentences], result: int | None) -> list[Words]:
        """Make the cells; one that begins with a sign has its colour, and so has the result."""
        row = [self.words(cell if isinstance(cell, str) else cell.plain) for cell in cells]
        for k, cell in enumerate(row):
            if status := STATUS.get(cell.plain[:1]):
                cell.style = status
                if result is not None and k == result + 1:
                    row[result].style = f"{status}.result"
        return row

    def stacked(self, header: list[Words], rows: list[list[Words]]) -> RenderableType:
        """Show each row as pairs of a heading and a cell, the first in bold."""
        parts: list[RenderableType] = []
        for row in rows:
            (heading, first), *others = zip(header, row, strict=True)
            index = Text(heading.plain, "heading"), Text(first.plain, "heading")
            parts += ["", self.beside([index, *others])]
        return Group(*parts[1:])


def _narrowest(column: Sequence[Words], of_words: bool) -> int:
    """Count the cells without which the heading or a cell would be broken badly."""
    heading, *cells = column
    least = [_least(cell.plain) if of_words else cell.cell_len for cell in cells]
    return max(min(heading.cell_len, HEADING), _least(heading.plain), *least)
