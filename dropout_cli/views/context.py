"""The context for rendering a step of the derivation, and a rendered step."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from dropout_cli.formats.document import Block, Check, Formula, Paragraph
from dropout_cli.proof import claims
from dropout_cli.proof.finding import Finding
from dropout_cli.trace import Trace
from dropout_cli.views.notation import WIDTH, shown, vector
from dropout_cli.views.written import Written
from dropout_cli.words.messages import Messages

Piece: TypeAlias = Block | str  # of a step: a block, or the key of words that are a paragraph
Rendered: TypeAlias = tuple[list[Piece], dict[str, Any]]  # a step, and the numbers in it for JSON


class StepContext(NamedTuple):
    """Context for rendering a step: the trace, the messages, and the words of the step.

    checks: whether it is said what was checked.
    """

    trace: Trace
    messages: Messages
    words: dict[str, Any]
    checks: bool = True

    @property
    def n(self) -> int:
        """The number of elements."""
        return int(self.trace.problem.x.size)

    @property
    def shown(self) -> list[int]:
        """The elements that are shown, from 0."""
        return shown(self.n)

    @property
    def written(self) -> Written:
        """The elements that are shown, in fractions of their numbers as written."""
        return Written(self.trace, self.messages, self.shown)

    @property
    def formulas(self) -> list[Formula]:
        """The formulas of the step."""
        return self.messages.formulas(self.words["id"], self.words.get("terms", {}))

    def paragraph(self, key: str, **values: object) -> Paragraph:
        """Format the step's words at key; {n_value} is always the number of elements."""
        return Paragraph(self.messages.fill(self.words[key], n_value=f"{self.n:,}", **values))

    def check(self, finding: Finding, key: str = "check", **values: object) -> list[Block]:
        """Say what was checked; nothing where there was nothing to check, or it is not said."""
        said = finding.ok is not None and self.checks
        return [Check(finding.ok, self.paragraph(key, **values).text)] if said else []

    def claim(self, name: str, key: str = "check") -> list[Block]:
        """Say what was checked of a claim."""
        return self.check(claims.check(name, self.trace), key)

    def vector(
        self, symbol: Formula, values: Sequence[Fraction | float], *, result: bool = False
    ) -> Formula:
        """Write symbol = [v₁, …, vₙ]ᵀ, in as many lines as it takes.

        values: of all elements, or of those shown. result: whether the reader is to compute them.
        """
        return vector(symbol, values, self.messages, WIDTH, self.n, broken=True, result=result)


def as_float(value: Fraction) -> float | None:
    """Convert the value to what JSON can hold."""
    try:
        return float(value)
    except OverflowError:
        return None
