"""The scalar losses L applied after dropout, and their upstream gradient ∂L/∂y.

Each loss is a sum over the elements, of terms that may depend on n. So the share of some elements
in L is its value on them alone, with the n of all.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple


class Loss(NamedTuple):
    """A scalar loss L(y) with its gradient.

    value: (y, n) ↦ L, or the share of the elements in y, of n in all.
    gradient: (y, n) ↦ ∂L/∂y, of the shape of y.
        Both take an array of floats or of exact numbers, and use only +, ·, /, whole powers and
        total(). Each term of L is at most quadratic in y_i, so that central differences are exact.
    code: L in Python, for a y of NumPy or PyTorch.
    unicode, latex: the formula of L, in both forms; gradient_unicode, gradient_latex: of ∂L/∂y_i.
    """

    value: Callable[[Any, int], Any]
    gradient: Callable[[Any, int], Any]
    code: str
    unicode: str
    latex: str
    gradient_unicode: str
    gradient_latex: str


def total(terms: Any) -> Any:
    """Compute Σ terms of an array: exactly for exact numbers, rounded once for floats."""
    return terms.sum() if terms.dtype == object else math.fsum(terms)


LOSSES = {
    "sum": Loss(
        value=lambda y, n: total(y),
        gradient=lambda y, n: y**0,
        code="y.sum()",
        unicode="L = Σ yᵢ",
        latex=r"L = \sum y_i",
        gradient_unicode="1",
        gradient_latex="1",
    ),
    "mean": Loss(
        value=lambda y, n: total(y) / n,
        gradient=lambda y, n: y**0 / n,
        code="y.mean()",
        unicode="L = (1/n) Σ yᵢ",
        latex=r"L = \frac{1}{n} \sum y_i",
        gradient_unicode="1/n",
        gradient_latex="1/n",
    ),
    "sum-squares": Loss(
        value=lambda y, n: total(y * y),
        gradient=lambda y, n: 2 * y,
        code="(y * y).sum()",
        unicode="L = Σ yᵢ²",
        latex=r"L = \sum y_i^2",
        gradient_unicode="2yᵢ",
        gradient_latex="2 y_i",
    ),
}
