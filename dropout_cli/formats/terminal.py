"""Documents in a terminal, and in files that keep what a terminal shows. All that uses rich."""

from __future__ import annotations

import io
import os
import re
import sys
from typing import TYPE_CHECKING

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text
from rich.theme import Theme

from dropout_cli.formats.ascii import to_ascii
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
    to_read,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import JustifyMethod
    from rich.terminal_theme import TerminalTheme

    from dropout_cli.formats.document import Document, Readable, Setting
    from dropout_cli.formats.document import Text as PageText

WIDTH = 80  # of a file, and the most that a paragraph takes
# What stands together on a line: a word, an equation such as p = 1, a Chinese character, each with
# its punctuation; spaces.
PIECES = re.compile("[（“]*(?:[!-‛‟-⹿]+(?: [=≈<] [!-‛‟-⹿]+)*|[^ ])[，。；：、）”]*| +")
# Where a line that is too wide is broken: a formula before = and after a comma, code between names.
BETWEEN_TERMS = re.compile(r", +| (?== )")
BETWEEN_NAMES = re.compile(r" +|(?<=[(,.])(?=\w)")
HEADING = 8  # columns of a heading that stay in one line, as four Chinese characters take
BESIDE = 12  # columns that words take beside a formula; where there are fewer they stand below it
NARROWEST = 40  # columns of a file, so that a picture's window has room for its title
# xterm's 32 and 166 have a contrast of at least 3.8 on white and on black grounds alike.
STYLES = {"heading": "bold", "symbol": "bold", "kept": "color(32)", "dropped": "color(166)"}


def to_terminal(document: Document, width: int | None = None) -> str:
    """The document as this process's standard output should have it.

    As wide as the terminal is, if no width is given; coloured if it is a terminal and NO_COLOR is
    not set; in ASCII where its encoding has no ∂.
    """
    console = Console(
        file=sys.stdout,
        theme=Theme(STYLES),
        emoji=False,
        width=width or _columns(),
        height=WIDTH,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )
    with console.capture() as capture:
        _print(document, console)
    return _trimmed(capture.get())


def _columns() -> int:
    """COLUMNS if set, else the terminal's width, else WIDTH."""
    columns = os.environ.get("COLUMNS", "")
    if re.fullmatch("[1-9][0-9]{0,3}", columns):
        return int(columns)
    try:
        return os.get_terminal_size().columns or WIDTH
    except OSError:
        return WIDTH


def other_screen(on: bool) -> None:
    """Go to the terminal's other screen, without a cursor or broken lines, or come back from it."""
    console = Console(file=sys.stdout)
    console.set_alt_screen(on)
    console.show_cursor(not on)
    sys.stdout.write("\x1b[?7l" if on else "\x1b[?7h")
    sys.stdout.flush()


def to_text(document: Document, setting: Setting) -> str:
    """The document as plain text."""
    return _trimmed(_recorded(document, setting.theme or "light").export_text())


def to_svg(document: Document, setting: Setting) -> str:
    """The document as a picture of a terminal, with the title on its window."""
    theme = setting.theme or "light"
    svg = _recorded(document, theme).export_svg(title=setting.title, theme=_ground(theme))
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no font from the web
    return re.sub(r'textLength="([\d.]+)"([^>]*)>([^<]*)<', _widened, svg)


def _recorded(document: Document, theme: str) -> Console:
    """A console that holds the document, as wide as it is: the same wherever it runs."""
    wide = _console(theme, WIDTH)
    with wide.capture() as capture:
        _print(document, wide)
    lines = Text.from_ansi(capture.get()).plain.split("\n")
    console = _console(theme, max(NARROWEST, *(cell_len(line.rstrip()) for line in lines)))
    _print(document, console)
    return console


def _ground(theme: str) -> TerminalTheme:
    """The ground and the ink; no style uses the sixteen colours of a terminal."""
    from rich.color import Color
    from rich.terminal_theme import TerminalTheme

    ground, ink = (Color.parse(colour).get_truecolor() for colour in COLOURS[theme][:2])
    return TerminalTheme(ground, ink, [ink] * 8)


def _console(theme: str, width: int) -> Console:
    *_, kept, dropped = COLOURS[theme]
    return Console(
        file=io.StringIO(),
        theme=Theme(STYLES | {"kept": kept, "dropped": dropped}),
        emoji=False,
        width=width,
        record=True,
        force_terminal=True,
        color_system="truecolor",
        no_color=False,
        legacy_windows=False,
    )


def _widened(text: re.Match[str]) -> str:
    """A text of rich's SVG, as long as its cells: rich counts one for a Chinese character."""
    from html import unescape

    words = unescape(text[3])
    length = float(text[1]) * (cell_len(words) or 1) / (len(words) or 1)
    return f'textLength="{length:g}"{text[2]}>{text[3]}<'


def _trimmed(text: str) -> str:
    """The text without the spaces with which rich fills its lines."""
    return re.sub(r" +$", "", text, flags=re.MULTILINE)


def _print(document: Document, console: Console) -> None:
    blocks = to_read(document)
    layout = _Layout(console)
    parts: list[RenderableType] = []
    for before, block in zip([None, *blocks], blocks, strict=False):
        part = layout.block(block)
        last = parts[-1] if parts else None
        if isinstance(last, Text) and isinstance(part, Text):  # laid out faster as one
            together = type(before) is type(block) and _is_line(before) and _is_line(block)
            last.append("\n" if together else "\n\n").append_text(part)
        else:
            if parts:
                parts.append(Text())
            # A run of texts begins with an empty one: its style must not become that of the rest.
            parts.append(Text().append_text(part) if isinstance(part, Text) else part)
    console.print(Group(*parts), no_wrap=True, overflow="ignore", crop=False)


def _is_line(block: Readable | None) -> bool:
    """Whether the block is a formula on one line, or a check; such stand together."""
    return isinstance(block, Check) or (isinstance(block, Formula) and "\n" not in block.unicode)


class _Layout:
    """Lays blocks out for one console."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = min(console.width, WIDTH)
        self.ascii_only = console.options.ascii_only

    def text(self, words: str, style: str = "") -> Text:
        return Text(to_ascii(words) if self.ascii_only else words, style)

    def block(self, block: Readable) -> RenderableType:
        match block:
            case Heading(text, level):
                lines = self.lines(self.text(text).plain, self.console.width)
                rule = ("═" if level == 1 else "─") * max(map(cell_len, lines))
                heading = Text("\n".join(lines), "heading")
                return Text().append_text(heading).append("\n").append(self.text(rule))
            case Paragraph(text):
                return self.prose(text.plain, self.width)
            case Items(items):
                points = (self.prose(item.plain, self.width - 2).plain for item in items)
                return Text("\n".join("- " + item.replace("\n", "\n  ") for item in points))
            case Check(ok, text):
                told = self.prose(f"{SIGNS[ok]} {text.plain}", self.width)
                told.stylize(FATES.get(SIGNS[ok], ""), 0, 1)
                return told
            case Code(code):
                return self.indented(code, BETWEEN_NAMES, "")
            case Formula(unicode):
                return self.indented(unicode, BETWEEN_TERMS, "symbol")
            case Facts(facts):
                return self.facts(facts)
            case Table():
                return self.table(block)

    def prose(self, words: str, width: int) -> Text:
        """The words in lines of this width."""
        return Text("\n".join(self.lines(self.text(words).plain, width)))

    def lines(self, words: str, width: int) -> list[str]:
        """The lines; Chinese breaks between characters, but not before a full stop."""
        if cell_len(words) <= width:
            return [words.rstrip()]
        lines, taken = [""], 0
        for piece in PIECES.findall(words):
            taken += cell_len(piece)
            if piece.isspace() or taken <= width:
                lines[-1] += piece
            else:
                lines.append(piece)
                taken = cell_len(piece)
        return [line.rstrip() for line in lines]

    def indented(self, words: str, breaks: re.Pattern[str], style: str) -> Text:
        lines = words.split("\n")
        if breaks is BETWEEN_NAMES or len(lines) == 1:  # the lines of a tall formula stay together
            lines = "\n".join(self.folded(line, breaks) for line in lines).split("\n")
        return self.text("\n".join("  " + line for line in lines), style)

    def folded(self, line: str, breaks: re.Pattern[str]) -> str:
        """The line, broken after the last of the breaks that fits, if it is too wide."""
        room = self.console.width - 2
        if cell_len(line) <= room:
            return line
        ends = [found.end() for found in breaks.finditer(line) if line[: found.end()].strip()]
        k = max(
            (k for k in ends if cell_len(line[:k].rstrip()) <= room), default=min(ends, default=0)
        )
        if not line[k:].strip() or k == 0:
            return line
        indent = min(len(line) - len(line.lstrip()) + 4, room // 2)
        rest = self.folded(" " * indent + line[k:].strip(), breaks)
        return f"{line[:k].rstrip()}\n{rest}"

    def facts(self, facts: Sequence[tuple[Formula, str]]) -> Text:
        """One line per fact: the formula, and beside it what it is."""
        symbols = (self.text(formula.unicode, "symbol") for formula, _ in facts)
        return self.beside(
            [(symbol, self.text(words)) for symbol, (_, words) in zip(symbols, facts, strict=True)]
        )

    def beside(self, pairs: Sequence[tuple[Text, Text]]) -> Text:
        """The second of each pair beside the first, or below it where there is no room."""
        column = max(first.cell_len for first, _ in pairs) + 3
        narrow = self.width - column < BESIDE
        indent = " " * (4 if narrow else column)
        lines = []
        for first, second in pairs:
            told = "\n".join(self.lines(second.plain, self.width - len(indent)))
            gap = "\n" + indent if narrow else " " * (column - first.cell_len)
            line = Text().append_text(first).append(gap)
            lines.append(line.append(told.replace("\n", "\n" + indent), second.style))
        return Text("\n").join(lines)

    def table(self, table: Table) -> RenderableType:
        """The rows below their headings; where that is too wide, one row below the other."""
        rows = [[self.text(c.unicode if isinstance(c, Formula) else c) for c in table.columns]]
        rows += [[self.cell(cell) for cell in row] for row in table.rows]
        widths = self.widths(rows, table.words)
        if widths is None:
            return self.stacked(rows)
        line = "-" if self.ascii_only else "─"
        ruled = Box("    \n" * 2 + f" {line * 2} \n" + "    \n" * 5, ascii=self.ascii_only)
        grid = RichTable(box=ruled, show_edge=False, padding=0)  # its own padding takes rich longer
        gaps = [0] + [1] * (len(widths) - 1)
        header, *body = (map(self.fitted, row, widths, gaps) for row in rows)
        for k, text in enumerate(header):
            justify: JustifyMethod = "left" if k in table.words else "right"
            grid.add_column(text, justify=justify, width=widths[k] + gaps[k], no_wrap=True)
        for cells in body:
            grid.add_row(*cells)
        return grid

    def cell(self, cell: str | PageText) -> Text:
        """The cell; one that begins with a sign takes the colour of what it says."""
        words = cell if isinstance(cell, str) else cell.plain
        return self.text(words, FATES.get(words[:1], ""))

    def widths(self, rows: list[list[Text]], words: Sequence[int]) -> list[int] | None:
        """The width of each column: those of words share what the others leave; None if too little.

        Headings take several lines too.
        """
        header, *body = rows
        room = self.console.width - 2 * (len(header) - 1)
        widths = [max(text.cell_len for text in column) for column in zip(*rows, strict=True)]
        if sum(widths) <= room:
            return widths
        least = [
            max(min(text.cell_len, HEADING), *map(cell_len, PIECES.findall(text.plain)), 0)
            for text in header
        ]
        for k, column in enumerate(zip(*body, strict=True)):
            pieces = (PIECES.findall(text.plain) if k in words else [text.plain] for text in column)
            least[k] = max(least[k], *(cell_len(piece) for some in pieces for piece in some))
            if k not in words:
                widths[k] = least[k]
        room -= sum(width for k, width in enumerate(widths) if k not in words)
        for left, k in enumerate(sorted(words, key=widths.__getitem__)):
            widths[k] = min(widths[k], max(least[k], room // (len(words) - left)))
            room -= widths[k]
        return widths if words and room >= 0 else None

    def fitted(self, text: Text, width: int, gap: int) -> Text:
        """The text in lines of this width, each after a gap."""
        lines = [text.plain] if text.cell_len <= width else self.lines(text.plain, width)
        return Text("\n".join(" " * gap + line for line in lines), text.style)

    def stacked(self, rows: list[list[Text]]) -> Text:
        """Each row as pairs of a heading and a cell, the first in bold."""
        header, *body = rows
        told = []
        for cells in body:
            (heading, first), *others = zip(header, cells, strict=True)
            index = Text(heading.plain, "heading"), Text(first.plain, "heading")
            told.append(self.beside([index, *others]))
        return Text("\n\n").join(told)
