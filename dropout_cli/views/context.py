"""What every step of the derivation is rendered from, and what rendering it gives."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from dropout_cli.formats.document import Block, Check, Formula, Paragraph
from dropout_cli.proof import claims
from dropout_cli.trace import take
from dropout_cli.views.notation import WIDTH, shown_alone, vector
from dropout_cli.views.written import Written, sign
from dropout_cli.words.messages import BLANK

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

    from dropout_cli.proof.finding import Finding
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Messages


class Rendered(NamedTuple):
    """A step as blocks, and the numbers in it for JSON."""

    blocks: list[Block]
    numbers: dict[str, Any]


class StepContext(NamedTuple):
    """Context for rendering a step: the trace, the messages, and the words of the step.

    checks: whether it is said what was checked. recorded: whether the numbers are asked for, so
    that those that take long are worth computing.
    """

    trace: Trace
    messages: Messages
    words: dict[str, Any]
    checks: bool = True
    recorded: bool = False

    @property
    def n(self) -> int:
        """The number of elements."""
        return int(self.trace.problem.x.size)

    @property
    def shown(self) -> list[int]:
        """The elements that are shown, from 0."""
        return shown_alone(self.n)

    @property
    def written(self) -> Written:
        """The elements that are shown, in fractions of their numbers as written."""
        return Written(take(self.trace, self.shown), self.messages)

    def each_shown(self, *vectors: Iterable[Any]) -> dict[int, tuple[Any, ...]]:
        """Look up by element the values of vectors that hold only the elements shown."""
        return dict(zip(self.shown, zip(*vectors, strict=True), strict=True))

    @property
    def texts(self) -> list[Paragraph]:
        """The paragraphs of the step."""
        return [self.fill(text) for text in self.words["text"]]

    @property
    def formulas(self) -> list[Formula]:
        """The formulas of the step."""
        return self.messages.formulas(self.words["id"], self.words.get("terms", {}))

    def paragraph(self, key: str, **values: object) -> Paragraph:
        """Format the step's words at key."""
        return self.fill(self.words[key], **values)

    def answer(self, key: str, **values: object) -> Paragraph:
        """Format the step's words at key, which are part of the results."""
        return Paragraph(self.messages.concealed(self.paragraph(key, **values).text))

    def fill(self, words: str, **values: object) -> Paragraph:
        """Format words; {n_value} is always the number of elements."""
        return Paragraph(self.messages.fill(words, n_value=f"{self.n:,}", **values))

    def check(self, finding: Finding, key: str = "check", **values: object) -> list[Block]:
        """Say what was checked; nothing where there was nothing to check, or it is not said."""
        if finding.ok is None or not self.checks:
            return []
        text = self.messages.fill(self.words[key], **values)
        if not finding.ok:
            text = self.messages.text("check", "fails", method=text)
        return [Check(finding.ok, text)]

    def claim(self, name: str, key: str = "check", **values: object) -> list[Block]:
        """Say what was checked of a claim."""
        return self.check(claims.check(name, self.trace), key, **values)

    def number(self, value: float | Fraction) -> str:
        """Format a number that is given."""
        return self.messages.number(value)

    def result(self, value: float | Fraction) -> str:
        """Format a number that the reader is to compute."""
        return self.messages.result(value)

    def upstream(self, value: float) -> str:
        """Format an element of ∂L/∂y, which is to be computed where it follows from a loss."""
        return self.number(value) if self.trace.problem.loss is None else self.result(value)

    def vector(
        self,
        symbol: Formula,
        values: Sequence[float] | np.ndarray,
        exactly: Sequence[Fraction] | None = None,
        *,
        n: int | None = None,
        result: bool = False,
    ) -> Formula:
        """Write symbol = [v₁, …, vₙ]ᵀ, with as many of the values as fit.

        exactly: the same in fractions, of the elements shown. n: how many elements there are, where
        the values are only those shown. result: whether the reader is to compute them.
        """
        return vector(symbol, values, self.messages, WIDTH, exactly, n, result=result)


def product_sign(first: str, second: str, product: str) -> str:
    """Choose the sign between first × second and their product, as they are shown."""
    if BLANK in first + second:
        return "="
    return sign([product], [Fraction(first) * Fraction(second)])


def as_float(value: Fraction) -> float | None:
    """Convert the value to what JSON can hold."""
    try:
        return float(value)
    except OverflowError:
        return None
