"""The blocks of a document, common to all formats."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

SIGNS = {True: "✓", False: "✗", None: "–"}  # kept or dropped, holds or fails, neither
STATUS = {"✓": "kept", "✗": "dropped"}  # the colour of a sign, and of the cell that it begins
ANSWER_LINES = 2
COLOURS = {  # of the themes of pages and figures
    "light": {
        "ground": "#FFFFFF", "ink": "#1B1F24", "kept": "#0072B2", "dropped": "#C2410C",
        "muted": "#57606A", "rule": "#8C959F", "given": "#6E7781", "gain": "#B3D7EE",
        "plate": "#EEF1F4",
    },
    "dark": {
        "ground": "#0F1419", "ink": "#F0F3F6", "kept": "#56B4E9", "dropped": "#FF8A4C",
        "muted": "#A3ADB8", "rule": "#76818D", "given": "#8B96A3", "gain": "#1D4E6B",
        "plate": "#1C242D",
    },
}  # fmt: skip


class Heading(NamedTuple):
    """A heading; level 1 is the title of the page. name: the target of links to it."""

    text: str
    level: int = 1
    name: str = ""


class Formula(NamedTuple):
    """A formula in two forms: Unicode for terminals and plain text, LaTeX for everything else."""

    unicode: str
    latex: str


def equation(left: Formula, right: Formula | str, sign: str = "=") -> Formula:
    """Join two sides by a sign; the right side may be words or a number."""
    if isinstance(right, str):
        right = Formula(right, right)
    latex = r"\approx" if sign == "≈" else sign
    return Formula(f"{left.unicode} {sign} {right.unicode}", f"{left.latex} {latex} {right.latex}")


class Verbatim(NamedTuple):
    """Code in a sentence."""

    code: str


Inline: TypeAlias = str | Formula | Verbatim


class Text(NamedTuple):
    """Sentences: words with formulas and code among them."""

    parts: tuple[Inline, ...] = ()

    @property
    def plain(self) -> str:
        """The sentences as a string, with formulas in Unicode."""
        return "".join(part if isinstance(part, str) else part[0] for part in self.parts)


def joined(*texts: Text) -> Text:
    """Join texts into one."""
    return Text(tuple(part for text in texts for part in text.parts))


class Paragraph(NamedTuple):
    """Sentences that belong together."""

    text: Text


class Items(NamedTuple):
    """A list of points."""

    items: Sequence[Text]


class Check(NamedTuple):
    """A claim and whether it holds; None if there was nothing to check."""

    ok: bool | None
    text: Text


class Code(NamedTuple):
    """Lines of Python."""

    code: str


class Question(NamedTuple):
    """A question of an exercise, with room for an answer of ANSWER_LINES."""

    text: Text


class Picture(NamedTuple):
    """An SVG in the light theme, and its alternative text."""

    svg: str
    alt: str


class Program(NamedTuple):
    """A runnable cell of Python, which only a notebook shows.

    output: what it prints, if printed, or else the value of its last line.
    """

    code: str
    output: str
    printed: bool = False


class Facts(NamedTuple):
    """Formulas, each with a few words about it."""

    facts: Sequence[tuple[Formula, str]]


class Bar(NamedTuple):
    """The value of an element before and after the mask."""

    arrived: float
    result: float
    kept: bool


class Bars(NamedTuple):
    """A bar for each row of a table, or None, which only a terminal draws.

    labels: in the key, for what arrived, what the scaling adds, and what was lost.
    """

    heading: Formula
    rows: Sequence[Bar | None]
    labels: tuple[str, str, str]


class Table(NamedTuple):
    """A table: the headings of its columns, and its rows.

    words: the indices of columns that hold words: they are flush left and may wrap; the others are
        flush right.
    result: the index of the column of results; the cell after each begins with a sign.
    spare: the index of the column that a narrow page leaves out.
    """

    columns: Sequence[str | Formula]
    rows: Sequence[Sequence[str | Text]]
    words: Sequence[int] = ()
    result: int | None = None
    spare: int | None = None
    bars: Bars | None = None

    def styles(self, row: Sequence[str | Text]) -> list[str]:
        """Return the style of each cell: the status of the sign that it begins with, or nothing.

        That of a result before a sign is "result.kept" or "result.dropped".
        """
        signs = [(cell if isinstance(cell, str) else cell.plain)[:1] for cell in row]
        styles = [STATUS.get(sign, "") for sign in signs]
        if self.result is not None and (status := styles[self.result + 1]):
            styles[self.result] = f"result.{status}"
        return styles


Block: TypeAlias = (
    Heading | Paragraph | Items | Check | Code | Formula | Facts | Table
    | Question | Picture | Program
)  # fmt: skip
Document: TypeAlias = Sequence[Block]


class Setting(NamedTuple):
    """The settings of a file.

    title: of a window or a report. theme: "light", "dark", or None for the reader's own in HTML
    and light elsewhere. language: as a tag of HTML. picture: the name of the file with the
    picture, for a format that cannot hold one.
    """

    title: str
    theme: str | None
    language: str
    picture: str | None = None
