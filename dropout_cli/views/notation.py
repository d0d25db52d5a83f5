"""Write formulas and matrices, in Unicode and in LaTeX."""

import re
from collections.abc import Sequence
from typing import TypeVar

from dropout_cli.formats.document import Formula
from dropout_cli.losses import LOSSES
from dropout_cli.words.messages import BLANK

Row = TypeVar("Row")

WIDTH = 56  # columns that a formula may take, so that it stands in a terminal of 60
DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
BRACKETS = (("⎡", "⎤"), ("⎢", "⎥"), ("⎣", "⎦"))  # of the first row, of those between, of the last
LATEX = {
    "∂": r"\partial ", "×": r"\times", "·": r"\cdot", "≈": r"\approx", "⋮": r"\vdots",
    "…": r"\dots", "→": r"\to", "−": "-", "   ": r" \qquad ",
}  # fmt: skip


def loss_formula(name: str) -> Formula:
    """Look up the formula of L in losses.LOSSES."""
    return Formula(LOSSES[name].unicode, LOSSES[name].latex)


def loss_gradient(name: str) -> Formula:
    """Look up the formula of ∂L/∂y_i in losses.LOSSES."""
    return Formula(LOSSES[name].gradient_unicode, LOSSES[name].gradient_latex)


def with_gap(rows: Sequence[Row], n: int, gap: Row) -> list[Row]:
    """Put a gap in the middle of the rows of the elements shown, unless these are all n."""
    half = len(rows) // 2
    return list(rows) if len(rows) == n else [*rows[:half], gap, *rows[half:]]


def matrices(left: str, parts: Sequence[tuple[str, Sequence[Sequence[str]]]]) -> list[Formula]:
    """Write left = matrix = matrix … as one formula; if it is too wide, the first on its own line.

    parts: = or ≈, and the rows of the matrix after it.
    """
    height = len(parts[0][1])
    middle = (height - 1) // 2
    lines = [left if k == middle else " " * len(left) for k in range(height)]
    latex = []
    for relation, rows in parts:
        width = max(len(cell) for row in rows for cell in row)
        for k, row in enumerate(rows):
            opening, closing = ("[", "]") if height == 1 else BRACKETS[(k > 0) + (k == height - 1)]
            before = relation if k == middle else " "
            cells = "  ".join(cell.rjust(width) for cell in row)
            lines[k] += f" {before} {opening} {cells} {closing}"
        inside = r" \cr ".join(" & ".join(map(to_latex, row)) for row in rows)
        latex.append(rf" {to_latex(relation)} \begin{{bmatrix}} {inside} \end{{bmatrix}}")
    if len(parts) > 1 and len(lines[0]) > WIDTH:
        return matrices(left, parts[:1]) + matrices(left, parts[1:])
    return [Formula("\n".join(lines), to_latex(left) + r" \qquad".join(latex))]


def indexed(name: str, i: int) -> str:
    """Write the symbol of element i, counted from 0: x₁ for the first."""
    return name + str(i + 1).translate(SUBSCRIPTS)


def as_formula(unicode: str) -> Formula:
    """Create a formula from its Unicode, with the LaTeX of to_latex."""
    return Formula(unicode, to_latex(unicode))


def to_latex(formula: str) -> str:
    """Convert a formula of ∂L/∂y₁, m₁/(1−p), × and · to LaTeX."""
    formula = re.sub("[₀-₉]+", lambda sub: f"_{{{sub[0].translate(DIGITS)}}}", formula)
    formula = re.sub("—(.*?)→", r"\\enspace \\overset{\1}{\\longrightarrow} \\enspace", formula)
    formula = re.sub(f"{BLANK}_*", r"\\underline{\\hspace{2em}}", formula)
    formula = re.sub("·(?=[a-z])", r"\\cdot ", formula)
    for character, latex in LATEX.items():
        formula = formula.replace(character, latex)
    return formula
