"""What a page says, before it is known where it is shown: a document is a sequence of blocks."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias


class Heading(NamedTuple):
    """A heading; level 1 is the page's own."""

    text: str
    level: int = 1


SIGNS = {True: "✓", False: "✗", None: "–"}  # kept or dropped, holds or fails, neither
FATES = {"✓": "kept", "✗": "dropped"}  # the colour of a sign, and of the cell that it begins
# Of files: the ground, the ink, what is kept and what is dropped, as in the figures.
COLOURS = {
    "light": ("#FFFFFF", "#1B1F24", "#0072B2", "#C2410C"),
    "dark": ("#0F1419", "#F0F3F6", "#56B4E9", "#FF8A4C"),
}


class Formula(NamedTuple):
    """A formula in both its forms: Unicode for a terminal, LaTeX for all else."""

    unicode: str
    latex: str


def equation(left: Formula, right: Formula | str, sign: str = "=") -> Formula:
    """left = right, or with another sign between them; words and numbers stand as they are."""
    if isinstance(right, str):
        right = Formula(right, right)
    latex = r"\approx" if sign == "≈" else sign
    return Formula(f"{left.unicode} {sign} {right.unicode}", f"{left.latex} {latex} {right.latex}")


class Text(NamedTuple):
    """Sentences: words, and the formulas among them."""

    parts: tuple[str | Formula, ...] = ()

    @property
    def plain(self) -> str:
        """The sentences with their formulas in Unicode."""
        return "".join(part if isinstance(part, str) else part.unicode for part in self.parts)


class Paragraph(NamedTuple):
    """Sentences that belong together."""

    text: Text


class Items(NamedTuple):
    """Points, one below the other."""

    items: Sequence[Text]


class Check(NamedTuple):
    """What was checked, and whether it holds; None where there was nothing to check."""

    ok: bool | None
    text: Text


class Code(NamedTuple):
    """Lines of Python."""

    code: str


class Program(NamedTuple):
    """Python that runs, which a notebook alone holds."""

    code: str


class Facts(NamedTuple):
    """Formulas, each with a few words on what it is."""

    facts: Sequence[tuple[Formula, str]]


class Table(NamedTuple):
    """Rows of cells below the columns' headings, each words or a formula, or empty.

    words: the numbers, from 0, of the columns that hold words. They are flush left, the others
        flush right; where the table is too wide, their cells take several lines.
    """

    columns: Sequence[str | Formula]
    rows: Sequence[Sequence[str | Text]]
    words: Sequence[int] = ()


Readable: TypeAlias = Heading | Paragraph | Items | Check | Code | Formula | Facts | Table
Block: TypeAlias = Readable | Program
Document: TypeAlias = Sequence[Block]


class Setting(NamedTuple):
    """How a file is set.

    title: for a window. theme: "light", "dark", or None for the reader's own where there is a
    choice, else light. language: of the words, as a tag of HTML.
    """

    title: str
    theme: str | None
    language: str


def to_read(document: Document) -> list[Readable]:
    """The document without its programs."""
    return [block for block in document if not isinstance(block, Program)]
