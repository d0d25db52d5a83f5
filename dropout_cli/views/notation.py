"""Every formula, in Unicode and in LaTeX, and how vectors and matrices are set."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from dropout_cli.formats.document import Formula, equation
from dropout_cli.losses import LOSSES
from dropout_cli.views.written import sign
from dropout_cli.words.messages import BLANK, Voice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from fractions import Fraction
    from typing import Any

    from numpy.typing import NDArray


SHOWN = 12  # of a longer vector this many elements are shown, half of them from either end
WIDTH = 56  # columns that a formula may take, so that it stands in a terminal of 60
BESIDE = 30  # columns that a vector may take where words stand beside it
DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")

INDEX = Formula("i", "i")
P = Formula("p", "p")
KEEP = Formula("1−p", "1-p")
SCALE = Formula("1/(1−p)", "1/(1-p)")
M = Formula("m", "m")
GRAD = Formula("∂L/∂y", r"\frac{\partial L}{\partial y}")
X = Formula("xᵢ", "x_i")
MASK = Formula("mᵢ", "m_i")
Y = Formula("yᵢ", "y_i")
GRAD_Y = Formula("∂L/∂yᵢ", r"\partial L/\partial y_i")
LOCAL_GRAD = Formula("mᵢ/(1−p)", "m_i/(1-p)")
GRAD_X = Formula("∂L/∂xᵢ", r"\partial L/\partial x_i")
FORWARD = Formula("mᵢ·xᵢ/(1−p)", r"m_i \cdot x_i/(1-p)")
BACKWARD = Formula("∂L/∂yᵢ·mᵢ/(1−p)", r"\partial L/\partial y_i \cdot m_i/(1-p)")
FATE = ""


def loss_formula(name: str) -> Formula:
    """The formula of L in losses.LOSSES."""
    return Formula(LOSSES[name].unicode, LOSSES[name].latex)


def loss_gradient(name: str) -> Formula:
    """The formula of ∂L/∂y_i in losses.LOSSES."""
    return Formula(LOSSES[name].gradient_unicode, LOSSES[name].gradient_latex)


def shown(n: int) -> list[int | None]:
    """The elements of n that are shown, from 0; None for the gap between the first and the last."""
    if n <= SHOWN + 1:  # a gap takes a row too
        return list(range(n))
    half = SHOWN // 2
    return [*range(half), None, *range(n - half, n)]


def shown_alone(n: int) -> list[int]:
    """The elements of n that are shown, from 0."""
    return [i for i in shown(n) if i is not None]


def vector(
    symbol: Formula,
    values: Sequence[float] | NDArray[Any],
    voice: Voice,
    width: int,
    exactly: Sequence[Fraction] | None = None,
    n: int | None = None,
) -> Formula:
    """symbol = [v₁, …, vₙ]ᵀ, with as many of the values from either end as fit in the width.

    exactly: the same in fractions, where what is told may be rounded; = is ≈ if it is.
    n: how many there are, where the values are those of the elements shown alone.
    """
    held = n or len(values)

    def some(vector: Sequence[Any] | NDArray[Any], ends: int) -> list[Any]:
        if held <= 2 * ends:
            return list(vector)
        return [*vector[:ends], *vector[len(vector) - ends :]]

    def told(say: Callable[[float], str], ends: int) -> str:
        numbers = list(map(say, some(values, ends)))
        if held > 2 * ends:
            numbers.insert(ends, "…")
        return ", ".join(numbers)

    # A vector of blanks has as many of them as the vector of numbers that it stands for.
    number = partial(Voice.number, voice)
    room = width - len(f"{symbol.unicode} = []ᵀ")
    ends = next((ends for ends in (6, 3, 2) if len(told(number, ends)) <= room), 1)
    cells = told(voice.number, ends)
    relation = "="
    if exactly is not None:
        relation = sign(map(voice.number, some(values, ends)), some(exactly, ends))
    return equation(symbol, Formula(f"[{cells}]ᵀ", rf"[{to_latex(cells)}]^\top"), relation)


def column_vectors(
    left: str, columns: Sequence[Sequence[str]], signs: Sequence[str]
) -> Iterable[Formula]:
    """left = column = column = …, in one formula where that fits, else the first by itself.

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
        yield from column_vectors(left, columns[:1], signs[:1])
        yield from column_vectors(left, columns[1:], signs[1:])
        return
    inside = (r" \cr ".join(map(to_latex, column)) for column in columns)
    latex = (
        rf" {to_latex(before)} \begin{{bmatrix}} {cells} \end{{bmatrix}}"
        for before, cells in zip(signs, inside, strict=True)
    )
    yield Formula("\n".join(lines), "".join([to_latex(left), *latex]))


def bracketed(left: str, lines: Sequence[str]) -> str:
    """The lines between tall brackets, with left before the middle one."""
    last, middle = len(lines) - 1, (len(lines) - 1) // 2
    told = []
    for k, line in enumerate(lines):
        opening, closing = ("⎡⎤", "⎢⎥", "⎣⎦")[(k > 0) + (k == last)] if last else "[]"
        before = left if k == middle else " " * len(left)
        told.append(f"{before}{opening} {line} {closing}")
    return "\n".join(told)


def subscript(number: int) -> str:
    """The number in subscript digits."""
    return str(number).translate(SUBSCRIPTS)


def to_latex(formula: str) -> str:
    """A formula of ∂L/∂y₁, m₁/(1−p), × and · as LaTeX."""
    formula = re.sub("[₀-₉]+", lambda sub: f"_{{{sub[0].translate(DIGITS)}}}", formula)
    for symbol, latex in (
        ("∂", r"\partial "),
        ("×", r"\times"),
        ("·", r"\cdot"),
        ("≈", r"\approx"),
        ("⋮", r"\vdots"),
        ("…", r"\dots"),
        (BLANK, r"\square"),
    ):
        formula = formula.replace(symbol, latex)
    return formula.replace("−", "-")


def _padded(lines: Sequence[str]) -> list[str]:
    width = max(map(len, lines))
    return [line.ljust(width) for line in lines]
