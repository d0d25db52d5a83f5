"""Documents in a terminal, and in files that look like one."""

import io
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.constrain import Constrain
from rich.containers import Lines
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text
from rich.theme import Theme

from dropout_cli.formats import bars
from dropout_cli.formats import document as doc

WIDTH = 80  # columns of a file, and the most of a paragraph
NARROWEST = 40  # columns of a window, which has room for its title
HEADING = 8  # columns of a table's heading that stay on one line: four Chinese characters
BESIDE = 12  # the fewest columns for words beside a formula; with fewer they are below it
# What stays on one line: a word, an equation such as p = 1 or a Chinese character, each with its
# punctuation; or spaces.
PIECES = re.compile("[（“]*(?:[!-‛‟-⹿]+(?: [=≈<] [!-‛‟-⹿]+)*|[^ ])[，。；：、）”]*| +")
TERMS = re.compile(r".+?(?:, +| (?== )|$)")  # what stays on one line of a formula
# xterm's 32 and 166 have a contrast of at least 3.8 on both white and black.
XTERM = {"kept": "color(32)", "dropped": "color(166)", "muted": "dim"}
QUESTION = 60  # columns of a line for an answer


def to_terminal(document: doc.Document, width: int | None = None) -> str:
    """Render a document for standard output.

    It is as wide as the terminal unless a width is given, and coloured in a terminal unless
    NO_COLOR is set.
    """
    width = width or columns()
    colours = None if os.environ.get("NO_COLOR") else "auto"
    console = _console(XTERM, width or WIDTH, file=sys.stdout, color_system=colours)
    with console.capture() as capture:
        _print(document, console, on_screen=bool(width))
    return _trimmed(capture.get())


def columns() -> int:
    """Return COLUMNS or else the width of the terminal; 0 if there is no terminal."""
    if not (os.environ.get("COLUMNS") or sys.stdout.isatty()):
        return 0
    return Console(file=sys.stdout).width


def to_text(document: doc.Document, _: doc.Setting) -> str:
    """Render a document as plain text."""
    console = _console(doc.COLOURS["light"], WIDTH, record=True)
    _print(document, console, on_screen=False)
    return _trimmed(console.export_text())


def to_svg(document: doc.Document, setting: doc.Setting) -> str:
    """Render a document as a picture of a terminal window."""
    from rich.color import Color
    from rich.terminal_theme import TerminalTheme

    theme = setting.theme or "light"
    console = _console(doc.COLOURS[theme], WIDTH, record=True)
    _print(document, console, on_screen=True)
    lines = console.export_text().splitlines()  # the window is as wide as the longest
    console.width = max(NARROWEST, *(cell_len(line.rstrip()) for line in lines))
    _print(document, console, on_screen=True)
    ground, ink = (
        Color.parse(doc.COLOURS[theme][name]).get_truecolor() for name in ("ground", "ink")
    )
    window = TerminalTheme(ground, ink, [ink] * 8)  # no style uses the eight standard colours
    svg = console.export_svg(title=setting.title, theme=window)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no font from the web
    return re.sub(r'textLength="([\d.]+)"([^>]*)>([^<]*)<', _widened, svg)


def _console(
    colours: Mapping[str, str], width: int, *, record: bool = False, **own: Any
) -> Console:
    """Create a console; one that records a file prints the same everywhere."""
    if record:
        own = {"file": io.StringIO(), "color_system": "truecolor", "force_terminal": True,
               "no_color": False, "legacy_windows": False}  # fmt: skip
    kept, dropped = colours["kept"], colours["dropped"]
    theme = Theme({
        "heading": "bold", "formula": "bold", "gloss": colours["muted"], "kept": kept,
        "dropped": dropped, "kept.result": f"bold {kept}", "dropped.result": f"bold {dropped}",
    })  # fmt: skip
    return Console(theme=theme, emoji=False, highlight=False, width=width, record=record, **own)


def _widened(text: re.Match[str]) -> str:
    """Correct the length of a text in rich's SVG, which counts one cell for a Chinese character."""
    from html import unescape

    words = unescape(text[3])
    length = float(text[1]) * (cell_len(words) or 1) / (len(words) or 1)
    return f'textLength="{length:g}"{text[2]}>{text[3]}<'


def _trimmed(text: str) -> str:
    """Remove the spaces with which rich pads lines."""
    return re.sub(r" +$", "", text, flags=re.MULTILINE)


def _print(document: doc.Document, console: Console, *, on_screen: bool) -> None:
    """Print the blocks with empty lines between them.

    on_screen: whether tables have bars; on paper, questions have room for an answer instead.
    """
    parts: list[RenderableType] = []
    before: doc.Block | None = None
    width = console.width
    for block in document:
        if isinstance(block, doc.Picture | doc.Program):  # a terminal cannot show them
            continue
        if parts and not _together(before, block):
            parts.append("")
        parts.append(_block(block, width, on_screen))
        before = block
    console.print(Group(*parts), crop=False)


def _together(before: doc.Block | None, block: doc.Block) -> bool:
    """Test whether two blocks have no line between them: two checks, or formulas of one line."""
    match before, block:
        case doc.Check(), doc.Check():
            return True
        case doc.Formula(first), doc.Formula(second):
            return "\n" not in first + second
        case _:
            return False


class Words(Text):
    """Text that breaks between words and between Chinese characters, but not before punctuation."""

    def wrap(self, console: Console, width: int, **how: Any) -> Lines:
        """Break lines that are too wide, and let rich justify them."""
        whole = self.split("\n", allow_blank=True)
        lines = [line for each in whole for line in _broken(each, width)]
        return Text("\n").join(lines).wrap(console, width, **how)


def _broken(line: Text, width: int, pieces: re.Pattern[str] = PIECES) -> list[Text]:
    """Break a line between pieces into lines of this width."""
    starts, taken = [], 0
    for piece in pieces.finditer(line.plain):
        taken += cell_len(piece[0])
        if taken > width and piece.start() and piece[0][0] != " ":
            starts.append(piece.start())
            taken = cell_len(piece[0])
    lines = list(line.divide(starts))
    for each in lines:
        each.rstrip()
    return lines


def _least(words: str) -> int:
    """Return the width of the widest piece of the words."""
    return max(map(cell_len, PIECES.findall(words)), default=0)


def _block(block: doc.Block, width: int, on_screen: bool) -> RenderableType:
    match block:
        case doc.Heading(text, level, _):
            heading = Words(text, "heading")
            longest = max(line.cell_len for line in _broken(heading, width))
            return Group(heading, ("═" if level == 1 else "─") * longest)
        case doc.Paragraph(text):
            return Constrain(Words(text.plain), WIDTH)
        case doc.Items(items):
            return _beside([(Text("-"), Words(item.plain)) for item in items], width, gap=1)
        case doc.Check(ok, text):
            words = Words(f"{doc.SIGNS[ok]} {text.plain}")
            words.stylize(doc.STATUS.get(doc.SIGNS[ok], ""), 0, 1)
            return Constrain(words, WIDTH)
        case doc.Code(code):
            return _indented(code.split("\n"))
        case doc.Formula(unicode):
            lines = unicode.split("\n")  # those of a tall formula stay together
            if len(lines) == 1 and cell_len(unicode) > width - 2:
                first, *rest = _broken(Text(unicode), width - 6, TERMS)
                lines = [first.plain, *(f"    {line.plain}" for line in rest)]
            return _indented(lines, "formula")
        case doc.Facts(facts):
            pairs = [(Words(each.unicode), Words(words, "gloss")) for each, words in facts]
            return _beside(pairs, width)
        case doc.Question(text, lines):
            question = Constrain(Words(f"? {text.plain}", "heading"), WIDTH)
            line = Text("_" * min(width, QUESTION), "gloss")
            room: list[RenderableType] = ["", line]
            return question if on_screen else Group(question, *room * lines)
        case doc.Table():
            return _table(block, width, on_screen)
        case _:  # never a picture or a program
            return ""


def _beside(pairs: Sequence[tuple[Text, Text]], width: int, gap: int = 3) -> RenderableType:
    """Put the second of each pair beside the first, or below it if there is no room."""
    column = max(first.cell_len for first, _ in pairs)
    width = min(width, WIDTH)
    if width - column - gap < BESIDE:
        below = [(first, Padding(second, (0, 0, 0, 4))) for first, second in pairs]
        return Group(*(part for pair in below for part in pair))
    grid = RichTable.grid(padding=(0, gap, 0, 0))
    grid.add_column(no_wrap=True)
    for pair in pairs:
        grid.add_row(*pair)
    return Constrain(grid, width)


def _table(table: doc.Table, width: int, on_screen: bool) -> RenderableType:
    """Lay out a table, or its rows as lists of pairs if it is too wide."""
    plain = [c.unicode if isinstance(c, doc.Formula) else c for c in table.columns]
    header = [Words(heading) for heading in plain]
    rows = [_row(row, table.result) for row in table.rows]
    widths = _widths(list(zip(header, *rows, strict=True)), table.words, width)
    if widths is None:
        return _stacked(header, rows, width)
    # print_text replaces ─ if the encoding lacks it, so rich need not.
    ruled = Box("    \n" * 2 + " ── \n" + "    \n" * 5, ascii=True)
    grid = RichTable(
        box=ruled, show_edge=False, padding=(0, 0, 0, 1), pad_edge=False, header_style=""
    )
    for k, heading in enumerate(header):
        justify: JustifyMethod = "left" if k in table.words else "right"
        grid.add_column(heading, justify=justify, width=widths[k])
    room = width - sum(widths) - 2 * len(widths)
    drawn: list[bars.Pieces] = []
    if table.bars is not None and on_screen and room >= bars.FEWEST:
        drawn = bars.draw(table.bars.rows, room)
        title = table.bars.heading.unicode
        grid.add_column(title if cell_len(title) <= room else "", no_wrap=True)
    for k, row in enumerate(rows):
        grid.add_row(*row, *(Text.assemble(*pieces) for pieces in drawn[k : k + 1]))
    if table.bars is None or not drawn:
        return grid
    return Group(grid, "", Text.assemble(*bars.key(table.bars.labels, drawn)))


def _widths(
    columns: Sequence[Sequence[Words]], words: Sequence[int], width: int
) -> list[int] | None:
    """Return the width of each column; None if they do not fit.

    Columns of words share the room that the others leave. Headings may take several lines.
    """
    room = width - 2 * (len(columns) - 1)
    widths = [max(cell.cell_len for cell in column) for column in columns]
    if sum(widths) <= room:
        return widths
    least = [_narrowest(column, k in words) for k, column in enumerate(columns)]
    widths = [width if k in words else least[k] for k, width in enumerate(widths)]
    room -= sum(width for k, width in enumerate(widths) if k not in words)
    for left, k in enumerate(sorted(words, key=widths.__getitem__)):
        widths[k] = min(widths[k], max(least[k], room // (len(words) - left)))
        room -= widths[k]
    return widths if words and room >= 0 else None


def _stacked(header: list[Words], rows: list[list[Words]], width: int) -> RenderableType:
    """Show each row as pairs of a heading and a cell, the first pair in bold."""
    parts: list[RenderableType] = []
    for row in rows:
        header[0].style = row[0].style = "heading"
        parts += ["", _beside(list(zip(header, row, strict=True)), width)]
    return Group(*parts[1:])


def _indented(lines: Sequence[str], style: str = "") -> Text:
    indented = "\n".join("  " + line for line in lines)
    return Text(indented, style, no_wrap=True, overflow="ignore")


def _row(cells: Sequence[str | doc.Text], result: int | None) -> list[Words]:
    """Style the cells: one that begins with a sign has its colour, as has the result before it."""
    row = [Words(cell if isinstance(cell, str) else cell.plain) for cell in cells]
    for k, cell in enumerate(row):
        if status := doc.STATUS.get(cell.plain[:1]):
            cell.style = status
            if result is not None and k == result + 1:
                row[result].style = f"{status}.result"
    return row


def _narrowest(column: Sequence[Words], of_words: bool) -> int:
    """Return the least width at which neither the heading nor a cell breaks badly."""
    heading, *cells = column
    least = [_least(cell.plain) if of_words else cell.cell_len for cell in cells]
    return max(min(heading.cell_len, HEADING), _least(heading.plain), *least)
