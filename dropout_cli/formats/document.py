"""The blocks of a document, whatever format it is written in."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias


class Heading(NamedTuple):
    """A heading; level 1 is the title of the page. name: what links to it say."""

    text: str
    level: int = 1
    name: str = ""


SIGNS = {True: "✓", False: "✗", None: "–"}  # kept or dropped, holds or fails, neither
STATUS = {"✓": "kept", "✗": "dropped"}  # the colour of a sign, and of the cell that it begins
# Of files, as in the figures: ground, ink, kept, dropped, muted.
COLOURS = {
    "light": ("#FFFFFF", "#1B1F24", "#0072B2", "#C2410C", "#57606A"),
    "dark": ("#0F1419", "#F0F3F6", "#56B4E9", "#FF8A4C", "#A3ADB8"),
}


class Formula(NamedTuple):
    """A formula in both its forms: Unicode for a terminal, LaTeX for all else."""

    unicode: str
    latex: str


def equation(left: Formula, right: Formula | str, sign: str = "=") -> Formula:
    """Write left = right, or another sign between them; words and numbers stand as they are."""
    if isinstance(right, str):
        right = Formula(right, right)
    latex = r"\approx" if sign == "≈" else sign
    return Formula(f"{left.unicode} {sign} {right.unicode}", f"{left.latex} {latex} {right.latex}")


class Verbatim(NamedTuple):
    """Code within a sentence."""

    code: str


Piece: TypeAlias = str | Formula | Verbatim


class Text(NamedTuple):
    """Sentences: words, and the formulas and the code among them."""

    parts: tuple[Piece, ...] = ()

    @property
    def plain(self) -> str:
        """The sentences as plain words, their formulas in Unicode."""
        return "".join(part if isinstance(part, str) else part[0] for part in self.parts)


def joined(*texts: Text) -> Text:
    """Join the texts, one after the other."""
    return Text(tuple(part for text in texts for part in text.parts))


class Paragraph(NamedTuple):
    """Sentences that belong together."""

    text: Text


class Items(NamedTuple):
    """Points, one below the other."""

    items: Sequence[Text]


class Check(NamedTuple):
    """A claim that was checked, and whether it holds; None where there was nothing to check."""

    ok: bool | None
    text: Text


class Code(NamedTuple):
    """Lines of Python."""

    code: str


class Question(NamedTuple):
    """A question of an exercise, with room for an answer of some lines."""

    text: Text
    lines: int = 2


class Picture(NamedTuple):
    """A drawing in SVG, coloured by the CSS variables of a page, and the words that replace it."""

    svg: str
    alt: str


class Program(NamedTuple):
    """Python that runs, which only a notebook holds.

    output: what it prints, if printed, or else what its last line evaluates to.
    """

    code: str
    output: str
    printed: bool = False


class Facts(NamedTuple):
    """Formulas, each with a few words on what it is."""

    facts: Sequence[tuple[Formula, str]]


class Bar(NamedTuple):
    """The value of a row before and after the mask."""

    arrived: float
    result: float
    kept: bool


class Bars(NamedTuple):
    """A bar for each row of a table, which only a terminal draws; None for a row without one.

    labels: what a key says of what arrived, of what the scaling adds, and of what was lost.
    """

    heading: Formula
    rows: Sequence[Bar | None]
    labels: tuple[str, str, str]


class Table(NamedTuple):
    """Rows of cells below the columns' headings, each words or a formula, or empty.

    words: the numbers, from 0, of the columns that hold words. They are flush left, the others
        flush right; where the table is too wide, their cells take several lines.
    result: the number of the column that answers; the cell after it begins with a sign.
    spare: the number of the column that a narrow page leaves out.
    """

    columns: Sequence[str | Formula]
    rows: Sequence[Sequence[str | Text]]
    words: Sequence[int] = ()
    result: int | None = None
    spare: int | None = None
    bars: Bars | None = None


Block: TypeAlias = (
    Heading | Paragraph | Items | Check | Code | Formula | Facts | Table
    | Question | Picture | Program
)  # fmt: skip
Document: TypeAlias = Sequence[Block]


class Setting(NamedTuple):
    """The way a file is written.

    title: for a window. theme: "light", "dark", or None for the reader's own where there is a
    choice, else light. language: of the words, as a tag of HTML. picture: the name of the file
    that holds the picture, for a format that cannot hold one.
    """

    title: str
    theme: str | None
    language: str
    picture: str | None = None
