"""Documents in a terminal, and in files that look like one."""

import io
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table as RichTable
from rich.text import Text
from rich.theme import Theme

from dropout_cli.formats import bars
from dropout_cli.formats import document as doc

WIDTH = 80  # columns of a file, and the most of a paragraph
NARROWEST = 40  # columns of a window, which has room for its title
GAP = 2  # columns between two of a table
HEADING = 8  # columns of a table's heading that stay on one line: four Chinese characters
BESIDE = 12  # the fewest columns for words beside a formula; with fewer they are below it
# What stays on one line: a word, an equation such as p = 1 or a Chinese character, each with its
# punctuation; or spaces.
PIECES = re.compile("[（“]*(?:[!-‛‟-⹿]+(?: [=≈<] [!-‛‟-⹿]+)*|[^ ])[，。；：、）”]*| +")
TERMS = re.compile(r".+?(?:, +| (?== )|$)")  # what stays on one line of a formula
# xterm's 32 and 166 have a contrast of at least 3.8 on both white and black.
XTERM = {"kept": "color(32)", "dropped": "color(166)", "muted": "dim"}
QUESTION = 60  # columns of a line for an answer
# A rule below the heading; print_text replaces ─ if the encoding lacks it, so rich need not.
RULED = Box("    \n" * 2 + " ── \n" + "    \n" * 5, ascii=True)


def to_terminal(document: doc.Document, width: int | None = None) -> str:
    """Render a document for standard output.

    It is as wide as the terminal unless a width is given, and coloured in a terminal unless
    NO_COLOR is set.
    """
    width = width or columns()
    colours = None if os.environ.get("NO_COLOR") else "auto"
    console = _console(XTERM, width or WIDTH, file=sys.stdout, color_system=colours)
    with console.capture() as capture:
        _print(_lines(document, console, on_screen=bool(width)), console)
    return capture.get()


def columns() -> int:
    """Return COLUMNS or else the width of the terminal; 0 if there is no terminal."""
    if not (os.environ.get("COLUMNS") or sys.stdout.isatty()):
        return 0
    return Console(file=sys.stdout).width


def to_text(document: doc.Document, _: doc.Setting) -> str:
    """Render a document as plain text."""
    lines = _lines(document, _console(doc.COLOURS["light"], WIDTH), on_screen=False)
    return "".join(f"{line.plain}\n" for line in lines)


def to_svg(document: doc.Document, setting: doc.Setting) -> str:
    """Render a document as a picture of a terminal window, as wide as the longest line."""
    from rich.color import Color
    from rich.terminal_theme import TerminalTheme

    colours = doc.COLOURS[setting.theme or "light"]
    console = _console(
        colours, WIDTH, file=io.StringIO(), record=True, color_system="truecolor",
        force_terminal=True, no_color=False, legacy_windows=False,
    )  # fmt: skip
    lines = _lines(document, console, on_screen=True)
    console.width = max(NARROWEST, *(line.cell_len for line in lines))
    _print(lines, console)
    ground, ink = (Color.parse(colours[name]).get_truecolor() for name in ("ground", "ink"))
    window = TerminalTheme(ground, ink, [ink] * 8)  # no style uses the eight standard colours
    svg = console.export_svg(title=setting.title, theme=window)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no font from the web
    return re.sub(r'textLength="([\d.]+)"([^>]*)>([^<]*)<', _widened, svg)


def _console(colours: Mapping[str, str], width: int, **settings: Any) -> Console:
    kept, dropped = colours["kept"], colours["dropped"]
    theme = Theme({
        "gap": "not bold",  # a style, so that an SVG has a text of its own in each column
        "heading": "bold", "formula": "bold", "gloss": colours["muted"], "kept": kept,
        "dropped": dropped, "result.kept": f"bold {kept}", "result.dropped": f"bold {dropped}",
    })  # fmt: skip
    return Console(theme=theme, emoji=False, highlight=False, width=width, **settings)


def _print(lines: Iterable[Text], console: Console) -> None:
    """Print lines as they are."""
    console.print(Text("\n").join(lines), no_wrap=True, overflow="ignore", crop=False)


def _widened(text: re.Match[str]) -> str:
    """Correct the length of a text in rich's SVG, which counts one cell for a Chinese character."""
    from html import unescape

    words = unescape(text[3])
    length = float(text[1]) * (cell_len(words) or 1) / (len(words) or 1)
    return f'textLength="{length:g}"{text[2]}>{text[3]}<'


def _lines(document: doc.Document, console: Console, *, on_screen: bool) -> list[Text]:
    """Lay out a document, with empty lines between its blocks.

    on_screen: whether tables have bars; on paper, questions have room for an answer instead.
    """
    lines: list[Text] = []
    before: doc.Block | None = None
    for block in document:
        own = _block(block, console, on_screen)
        if not own:
            continue
        if before is not None and not _together(before, block):
            lines.append(Text())
        lines += own
        before = block
    return lines


def _together(before: doc.Block, block: doc.Block) -> bool:
    """Test whether two blocks have no line between them: two checks, or formulas of one line."""
    match before, block:
        case doc.Check(), doc.Check():
            return True
        case doc.Formula(first), doc.Formula(second):
            return "\n" not in first + second
        case _:
            return False


def _block(block: doc.Block, console: Console, on_screen: bool) -> list[Text]:
    width = console.width
    measure = min(width, WIDTH)
    match block:
        case doc.Heading(text, level, _):
            lines = _wrapped(Text(text, "heading"), width)
            rule = ("═" if level == 1 else "─") * max(line.cell_len for line in lines)
            return [*lines, Text(rule)]
        case doc.Paragraph(text):
            return _wrapped(Text(text.plain), measure)
        case doc.Items(items):
            return _beside([(Text("-"), Text(item.plain)) for item in items], measure, gap=1)
        case doc.Check(ok, text):
            words = Text(f"{doc.SIGNS[ok]} {text.plain}")
            words.stylize(doc.STATUS.get(doc.SIGNS[ok], ""), 0, 1)
            return _wrapped(words, measure)
        case doc.Code(code):
            return _indented(map(Text, code.split("\n")))
        case doc.Formula(unicode):
            lines = [*map(Text, unicode.split("\n"))]  # those of a tall formula stay together
            if len(lines) == 1 and cell_len(unicode) > width - 2:
                first, *rest = _wrapped(lines[0], width - 6, TERMS)
                lines = [first, *_indented(rest, 4)]
            return _indented(lines, style="formula")
        case doc.Facts(facts):
            pairs = [(Text(each.unicode), Text(words, "gloss")) for each, words in facts]
            return _beside(pairs, measure)
        case doc.Question(text):
            question = _wrapped(Text(f"? {text.plain}", "heading"), measure)
            room = [Text(), Text("_" * min(width, QUESTION), "gloss")] * doc.ANSWER_LINES
            return question if on_screen else question + room
        case doc.Table():
            return _table(block, console, on_screen)
        case doc.Picture() | doc.Program():  # which a terminal cannot show
            return []


def _wrapped(text: Text, width: int, pieces: re.Pattern[str] = PIECES) -> list[Text]:
    """Break text between its pieces into lines of this width; a wider piece has a line alone."""
    lines: list[Text] = []
    for line in text.split(allow_blank=True):
        starts, taken = [], 0
        for piece in pieces.finditer(line.plain):
            taken += cell_len(piece[0])
            if taken > width and piece.start() and piece[0][0] != " ":
                starts.append(piece.start())
                taken = cell_len(piece[0])
        lines += line.divide(starts)
    for line in lines:
        line.rstrip()
    return lines


def _indented(lines: Iterable[Text], by: int = 2, style: str = "") -> list[Text]:
    return [Text.assemble(" " * by, line, style=style) if line else line for line in lines]


def _beside(pairs: Sequence[tuple[Text, Text]], width: int, gap: int = 3) -> list[Text]:
    """Put the second of each pair beside the first, or below it if there is no room."""
    column = max(first.cell_len for first, _ in pairs) + gap
    if width - column < BESIDE:
        return [
            line
            for first, second in pairs
            for line in (*_wrapped(first, width), *_indented(_wrapped(second, width - 4), 4))
        ]
    lines = []
    for first, second in pairs:
        beside, *below = _wrapped(second, width - column)
        space = (" " * (column - first.cell_len), "gap")
        lines += [Text.assemble(first, space, beside), *_indented(below, column)]
    return lines


def _table(table: doc.Table, console: Console, on_screen: bool) -> list[Text]:
    """Lay out a table, or its rows as lists of pairs if it is too wide."""
    width = console.width
    header = [Text(c.unicode if isinstance(c, doc.Formula) else c) for c in table.columns]
    rows = [list(map(_cell, row, table.styles(row))) for row in table.rows]
    widths = _widths(list(zip(header, *rows, strict=True)), table.words, width)
    if widths is None:
        return _stacked(header, rows, width)
    grid = RichTable(
        box=RULED, show_edge=False, padding=(0, 0, 0, GAP - 1), pad_edge=False, header_style="",
        border_style="gap",
    )  # fmt: skip
    for k, heading in enumerate(header):
        justify: JustifyMethod = "left" if k in table.words else "right"
        grid.add_column(_fitted(heading, widths[k]), justify=justify, width=widths[k])
    cells = [list(map(_fitted, row, widths)) for row in rows]
    key: list[Text] = []
    room = width - sum(widths) - GAP * len(widths)
    if table.bars is not None and on_screen and room >= bars.FEWEST:
        drawn = bars.draw(table.bars.rows, room)
        cells = [[*row, bar] for row, bar in zip(cells, drawn, strict=True)]
        title = table.bars.heading.unicode
        grid.add_column(title if cell_len(title) <= room else "", no_wrap=True)
        key = [Text(), *_wrapped(bars.key(table.bars.labels, drawn), width)]
    for row in cells:
        grid.add_row(*row)
    return [*_rendered(grid, console), *key]


def _rendered(grid: RichTable, console: Console) -> list[Text]:
    """Let rich lay out a table, and return its lines."""
    lines = [
        Text.assemble(*((text, style or "") for text, style, _ in line))
        for line in console.render_lines(grid, pad=False)
    ]
    for line in lines:
        line.rstrip()
    return lines


def _fitted(cell: Text, width: int) -> Text:
    return Text("\n").join(_wrapped(cell, width))


def _cell(cell: str | doc.Text, style: str) -> Text:
    return Text(cell if isinstance(cell, str) else cell.plain, style)


def _widths(
    columns: Sequence[Sequence[Text]], words: Sequence[int], width: int
) -> list[int] | None:
    """Return the width of each column; None if they do not fit.

    Columns of words share the room that the others leave. Headings may take several lines.
    """
    room = width - GAP * (len(columns) - 1)
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


def _narrowest(column: Sequence[Text], of_words: bool) -> int:
    """Return the least width at which neither the heading nor a cell breaks badly."""
    heading, *cells = column
    least = [_least(cell.plain) if of_words else cell.cell_len for cell in cells]
    return max(min(heading.cell_len, HEADING), _least(heading.plain), *least)


def _least(words: str) -> int:
    """Return the width of the widest piece of the words."""
    return max(map(cell_len, PIECES.findall(words)), default=0)


def _stacked(header: list[Text], rows: list[list[Text]], width: int) -> list[Text]:
    """Show each row as pairs of a heading and a cell, the first pair in bold."""
    lines: list[Text] = []
    for row in rows:
        header[0].style = row[0].style = "heading"
        pairs = list(zip(header, row, strict=True))
        lines += [Text(), *_beside(pairs, min(width, WIDTH))]
    return lines[1:]
