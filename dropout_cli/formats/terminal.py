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
from rich.measure import Measurement
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
    Question,
    Table,
    to_read,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rich.console import ConsoleOptions
    from rich.containers import Lines
    from rich.terminal_theme import TerminalTheme

    from dropout_cli.formats.document import Document, Readable, Setting

WIDTH = 80  # of a file, and the most that a paragraph takes
NARROWEST = 40  # columns of a file, so that a picture's window has room for its title
HEADING = 8  # columns of a heading that stay on one line, as four Chinese characters take
BESIDE = 12  # the fewest columns in which words stand beside a formula, not below it
# What stands together on a line: a word, an equation such as p = 1, a Chinese character, each with
# its punctuation; spaces.
PIECES = re.compile("[（“]*(?:[!-‛‟-⹿]+(?: [=≈<] [!-‛‟-⹿]+)*|[^ ])[，。；：、）”]*| +")
# Where a line that is too wide is broken: a formula before = and after a comma, code between names.
BETWEEN_TERMS = re.compile(r", +| (?== )")
BETWEEN_NAMES = re.compile(r" +|(?<=[(,.])(?=\w)")
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
    return _trimmed(capture.get())


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
    recorded = _recorded(document, setting.theme or "light", on_screen=False)
    return _trimmed(recorded.export_text())


def to_svg(document: Document, setting: Setting) -> str:
    """Render the document as a picture of a terminal, with the title on its window."""
    theme = setting.theme or "light"
    recorded = _recorded(document, theme, on_screen=True)
    svg = recorded.export_svg(title=setting.title, theme=_ground(theme))
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no font from the web
    return re.sub(r'textLength="([\d.]+)"([^>]*)>([^<]*)<', _widened, svg)


def _recorded(document: Document, theme: str, *, on_screen: bool) -> Console:
    """Print to a console as wide as the document, the same wherever this runs."""
    wide = _console(theme, WIDTH)
    with wide.capture() as capture:
        _print(document, wide, on_screen=on_screen)
    lines = Text.from_ansi(capture.get()).plain.split("\n")
    console = _console(theme, max(NARROWEST, *(cell_len(line.rstrip()) for line in lines)))
    _print(document, console, on_screen=on_screen)
    return console


def _ground(theme: str) -> TerminalTheme:
    """Set the ground and the ink; no style uses the sixteen colours of a terminal."""
    from rich.color import Color
    from rich.terminal_theme import TerminalTheme

    ground, ink = (Color.parse(colour).get_truecolor() for colour in COLOURS[theme][:2])
    return TerminalTheme(ground, ink, [ink] * 8)


def _console(theme: str, width: int) -> Console:
    _, _, kept, dropped, muted = COLOURS[theme]
    return Console(
        file=io.StringIO(),
        theme=_theme(kept, dropped, muted),
        emoji=False,
        width=width,
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
    before: Readable | None = None
    for block in to_read(document):
        if isinstance(block, Picture):  # which a terminal cannot show
            continue
        together = type(before) is type(block) and _is_line(before) and _is_line(block)
        if parts and not together:
            parts.append("")
        parts.append(layout.block(block))
        before = block
    console.print(Group(*parts), crop=False)


def _is_line(block: Readable | None) -> bool:
    """Test whether the block is a formula on one line, or a check; such stand together."""
    return isinstance(block, Check) or (isinstance(block, Formula) and "\n" not in block.unicode)


class Words(Text):
    """Text that breaks between words and between Chinese characters, not before a full stop."""

    def wrap(self, console: Console, width: int, **how: Any) -> Lines:
        """Break what is wider than the width; rich then justifies the lines."""
        lines = [
            line for each in self.split("\n", allow_blank=True) for line in _broken(each, width)
        ]
        return Text("\n").join(lines).wrap(console, width, **how)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Measure from the widest piece to the widest line, in cells."""
        return Measurement(_least(self.plain), max(map(cell_len, self.plain.split("\n"))))


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

    def block(self, block: Readable) -> RenderableType:
        match block:
            case Heading(text, level, _):
                heading = self.words(text, "heading")
                width = max(line.cell_len for line in _broken(heading, self.width))
                rule = self.words(("═" if level == 1 else "─") * width)
                return Group(heading, rule)
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
                return self.lines(code.split("\n"), BETWEEN_NAMES, "")
            case Formula(unicode):
                lines = unicode.split("\n")  # those of a tall formula stay together
                return self.lines(lines, BETWEEN_TERMS if len(lines) == 1 else None, "formula")
            case Facts(facts):
                symbols = [self.words(formula.unicode) for formula, _ in facts]
                meanings = [self.words(words, "gloss") for _, words in facts]
                return self.beside(list(zip(symbols, meanings, strict=True)))
            case Question(text, lines):
                question = Constrain(self.words(f"? {text.plain}", "heading"), WIDTH)
                if self.on_screen:
                    return question
                line = "_" * min(self.width, QUESTION)
                rows: list[RenderableType] = ["", self.words(line, "gloss")]
                return Group(question, *rows * lines)
            case Table():
                return self.table(block)
            case Picture():  # which a terminal cannot show
                return Text()

    def lines(self, lines: Sequence[str], breaks: re.Pattern[str] | None, style: str) -> Text:
        """Indent the lines, broken at the breaks where they are too wide."""
        if breaks is not None:
            lines = [part for line in lines for part in self.folded(line, breaks)]
        words = self.words("\n".join("  " + line for line in lines), style)
        return Text(words.plain, style, no_wrap=True, overflow="ignore")

    def folded(self, line: str, breaks: re.Pattern[str]) -> list[str]:
        """Break the line after the last of the breaks that fits, if it is too wide."""
        room = self.width - 2
        ends = [found.end() for found in breaks.finditer(line) if line[: found.end()].strip()]
        fitting = [end for end in ends if cell_len(line[:end].rstrip()) <= room]
        end = max(fitting) if fitting else min(ends, default=0)
        if cell_len(line) <= room or not end or not line[end:].strip():
            return [line]
        indent = min(len(line) - len(line.lstrip()) + 4, room // 2)
        return [line[:end].rstrip(), *self.folded(" " * indent + line[end:].strip(), breaks)]

    def beside(self, pairs: Sequence[tuple[Text, Text]]) -> RenderableType:
        """Put the second of each pair beside the first, or below it where there is no room."""
        column = max(first.cell_len for first, _ in pairs)
        width = min(self.width, WIDTH)
        if width - column - 3 < BESIDE:
            stacked = [(first, Padding(second, (0, 0, 0, 4))) for first, second in pairs]
            return Group(*(part for pair in stacked for part in pair))
        grid = RichTable.grid(padding=(0, 3, 0, 0))
        grid.add_column(no_wrap=True)
        for pair in pairs:
            grid.add_row(*pair)
        return Constrain(grid, width)

    def table(self, table: Table) -> RenderableType:
        """Put the rows below their headings; where that is too wide, one row below the other."""
        plain = [c.unicode if isinstance(c, Formula) else c for c in table.columns]
        header = [self.words(heading) for heading in plain]
        rows = [
            [self.cell(c if isinstance(c, str) else c.plain) for c in row] for row in table.rows
        ]
        if table.result is not None:
            for row in rows:
                if status := STATUS.get(row[table.result + 1].plain[:1]):
                    row[table.result].style = f"{status}.result"
        widths = self.widths(header, rows, table.words)
        if widths is None:
            return self.stacked(header, rows)
        line = "-" if self.ascii_only else "─"
        ruled = Box("    \n" * 2 + f" {line * 2} \n" + "    \n" * 5, ascii=self.ascii_only)
        grid = RichTable(
            box=ruled, show_edge=False, padding=(0, 0, 0, 1), pad_edge=False, header_style=""
        )
        for k, (heading, width) in enumerate(zip(header, widths, strict=True)):
            grid.add_column(heading, justify="left" if k in table.words else "right", width=width)
        room = self.width - sum(widths) - 2 * len(widths)
        if table.bars is None or not self.on_screen or room < bars.FEWEST:
            for row in rows:
                grid.add_row(*row)
            return grid
        fits = cell_len(table.bars.heading.unicode) <= room
        heading = self.words(table.bars.heading.unicode if fits else "")
        drawn = bars.draw(table.bars.rows, room)
        cells = [self.assembled(pieces) for pieces in drawn]
        grid.add_column(heading, width=max(cell.cell_len for cell in (heading, *cells)))
        for row, cell in zip(rows, cells, strict=True):
            grid.add_row(*row, cell)
        key = self.assembled(bars.key(table.bars.labels, drawn))
        return Group(grid, "", Constrain(key, self.width))

    def assembled(self, pieces: bars.Pieces) -> Words:
        words = self.words("")
        for signs, style in pieces:
            words.append(to_ascii(signs) if self.ascii_only else signs, style)
        return words

    def cell(self, words: str) -> Words:
        """Make a cell; one that begins with a sign takes the colour of kept or dropped."""
        return self.words(words, STATUS.get(words[:1], ""))

    def widths(
        self, header: list[Words], rows: list[list[Words]], words: Sequence[int]
    ) -> list[int] | None:
        """Find the width of each column; None where they do not fit.

        Columns of words share what the others leave. Headings may take several lines.
        """
        room = self.width - 2 * (len(header) - 1)
        columns = list(zip(*rows, strict=True))
        widths = [
            max(cell.cell_len for cell in (head, *column))
            for head, column in zip(header, columns, strict=True)
        ]
        if sum(widths) <= room:
            return widths
        least = [
            max(
                min(head.cell_len, HEADING),
                _least(head.plain),
                *(_least(c.plain) if k in words else c.cell_len for c in column),
            )
            for k, (head, column) in enumerate(zip(header, columns, strict=True))
        ]
        widths = [width if k in words else least[k] for k, width in enumerate(widths)]
        room -= sum(width for k, width in enumerate(widths) if k not in words)
        for left, k in enumerate(sorted(words, key=widths.__getitem__)):
            widths[k] = min(widths[k], max(least[k], room // (len(words) - left)))
            room -= widths[k]
        return widths if words and room >= 0 else None

    def stacked(self, header: list[Words], rows: list[list[Words]]) -> RenderableType:
        """Show each row as pairs of a heading and a cell, the first in bold."""
        parts: list[RenderableType] = []
        for row in rows:
            (heading, first), *others = zip(header, row, strict=True)
            index = Text(heading.plain, "heading"), Text(first.plain, "heading")
            parts += ["", self.beside([index, *others])]
        return Group(*parts[1:])
