"""What a page says, before it is known where it is shown: a document is a sequence of blocks."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias


class Heading(NamedTuple):
    """A heading; level 1 is the page's own."""

    text: str
    level: int = 1


class Paragraph(NamedTuple):
    """Plain sentences."""

    text: str


class Formula(NamedTuple):
    """A formula in both its forms: Unicode for a terminal, LaTeX for all else."""

    unicode: str
    latex: str


class Facts(NamedTuple):
    """Formulas, each with a few words on what it is."""

    facts: Sequence[tuple[Formula, str]]


class Row(NamedTuple):
    """The cells of one element; kept says whether the mask keeps it, None where none is meant."""

    cells: Sequence[str]
    kept: bool | None


class Table(NamedTuple):
    """A row an element, below the columns' headings."""

    columns: Sequence[Formula]
    rows: Sequence[Row]


Block: TypeAlias = Heading | Paragraph | Formula | Facts | Table
Document: TypeAlias = Sequence[Block]
