"""Write formulas, vectors and matrices, in Unicode and in LaTeX."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dropout_cli.formats.document import Formula, equation
from dropout_cli.losses import LOSSES
from dropout_cli.views.written import sign
from dropout_cli.words import symbol
from dropout_cli.words.messages import BLANK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction
    from typing import Any

    from numpy.typing import NDArray

    from dropout_cli.words.messages import Messages

SHOWN = 12  # of a longer vector this many elements are shown, half of them from either end
WIDTH = 56  # columns that a formula may take, so that it stands in a terminal of 60
BESIDE = 30  # columns that a vector may take where words stand beside it
DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")

INDEX = Formula(*symbol("i"))
P = Formula(*symbol("p"))
KEEP = Formula(*symbol("keep"))
SCALE = Formula(*symbol("scale"))
M = Formula(*symbol("m"))
GRAD = Formula(*symbol("grad_y"))
X = Formula(*symbol("x_i"))
MASK = Formula(*symbol("m_i"))
Y = Formula(*symbol("y_i"))
GRAD_Y = Formula(*symbol("grad_y_i"))
LOCAL_GRAD = Formula(*symbol("local_value"))
GRAD_X = Formula(*symbol("grad_x_i"))
FORWARD = Formula(*symbol("forward_i"))
BACKWARD = Formula(*symbol("backward_i"))


def loss_formula(name: str) -> Formula:
    """Look up the formula of L in losses.LOSSES."""
    return Formula(LOSSES[name].unicode, LOSSES[name].latex)


def loss_gradient(name: str) -> Formula:
    """Look up the formula of ∂L/∂y_i in losses.LOSSES."""
    return Formula(LOSSES[name].gradient_unicode, LOSSES[name].gradient_latex)


def shown(n: int) -> list[int | None]:
    """List the elements of n that are shown, from 0; None for the gap between two of them."""
    if n <= SHOWN + 1:  # a gap takes a row too
        return list(range(n))
    half = SHOWN // 2
    return [*range(half), None, *range(n - half, n)]


def shown_alone(n: int) -> list[int]:
    """List the elements of n that are shown, from 0, without the gap."""
    return [i for i in shown(n) if i is not None]


def vector(
    name: Formula,
    values: Sequence[float] | NDArray[Any],
    messages: Messages,
    width: int,
    exactly: Sequence[Fraction] | None = None,
    n: int | None = None,
    *,
    result: bool = False,
) -> Formula:
    """Write name = [v₁, …, vₙ]ᵀ, with as many of the values from either end as fit in the width.

    exactly: the same in fractions, where a number may be rounded; = is ≈ if one is.
    n: how many there are, where the values are those of the elements shown alone.
    result: whether the reader is to compute them.
    """
    length = n or len(values)

    def some(vector: Sequence[Any] | NDArray[Any], ends: int) -> list[Any]:
        if length <= 2 * ends:
            return list(vector)
        return [*vector[:ends], *vector[len(vector) - ends :]]

    number = messages.result if result else messages.number

    def cells(ends: int) -> list[str]:
        numbers = list(map(number, some(values, ends)))
        return [*numbers[:ends], "…", *numbers[ends:]] if length > 2 * ends else numbers

    room = width - len(f"{name.unicode} = []ᵀ")
    ends = next((ends for ends in (6, 3, 2) if len(", ".join(cells(ends))) <= room), 1)
    inner = ", ".join(cell.strip() for cell in cells(ends))
    relation = "="
    if exactly is not None:
        relation = sign(map(number, some(values, ends)), some(exactly, ends))
    return equation(name, Formula(f"[{inner}]ᵀ", rf"[{to_latex(inner)}]^\top"), relation)


def column_vectors(
    left: str, columns: Sequence[Sequence[str]], signs: Sequence[str]
) -> list[Formula]:
    """Write left = column = column = … as one formula where that fits, else the first by itself.

    signs: = or ≈ before each column.
    """
    height = len(columns[0])
    margin = [left if k == (height - 1) // 2 else " " * len(left) for k in range(height)]
    brackets = [
        bracketed(f" {before} ", _padded(column)).split("\n")
        for before, column in zip(signs, columns, strict=True)
    ]
    lines = ["".join(parts) for parts in zip(margin, *brackets, strict=True)]
    if max(map(len, lines)) > WIDTH and len(columns) > 2:
        first = column_vectors(left, columns[:1], signs[:1])
        return first + column_vectors(left, columns[1:], signs[1:])
    inside = (r" \cr ".join(map(to_latex, column)) for column in columns)
    latex = (
        rf" {to_latex(before)} \begin{{bmatrix}} {cells} \end{{bmatrix}}"
        for before, cells in zip(signs, inside, strict=True)
    )
    return [Formula("\n".join(lines), to_latex(left) + r" \qquad".join(latex))]


def bracketed(left: str, lines: Sequence[str]) -> str:
    """Put the lines between tall brackets, with left before the middle one."""
    last, middle = len(lines) - 1, (len(lines) - 1) // 2
    framed = []
    for k, line in enumerate(lines):
        opening, closing = ("⎡⎤", "⎢⎥", "⎣⎦")[(k > 0) + (k == last)] if last else "[]"
        before = left if k == middle else " " * len(left)
        framed.append(f"{before}{opening} {line} {closing}")
    return "\n".join(framed)


def subscript(number: int) -> str:
    """Write the number in subscript digits."""
    return str(number).translate(SUBSCRIPTS)


def to_latex(formula: str) -> str:
    """Convert a formula of ∂L/∂y₁, m₁/(1−p), × and · to LaTeX."""
    formula = re.sub("[₀-₉]+", lambda sub: f"_{{{sub[0].translate(DIGITS)}}}", formula)
    for character, latex in (
        ("∂", r"\partial "),
        ("×", r"\times"),
        ("·", r"\cdot"),
        ("≈", r"\approx"),
        ("⋮", r"\vdots"),
        ("…", r"\dots"),
        ("→", r"\to"),
    ):
        formula = formula.replace(character, latex)
    formula = re.sub(f"{BLANK}_*", lambda _: r"\underline{\hspace{2em}}", formula)
    return formula.replace("−", "-")


def _padded(lines: Sequence[str]) -> list[str]:
    width = max(map(len, lines))
    return [line.ljust(width) for line in lines]
