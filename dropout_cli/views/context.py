"""A trace in the words and numbers of a language, and the context of a step of the derivation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Self, TypeAlias

from numpy.typing import NDArray

from dropout_cli.arrays import Mask
from dropout_cli.formats.document import Block, Check, Formula, Paragraph, equation
from dropout_cli.proof import claims
from dropout_cli.trace import Trace
from dropout_cli.views.notation import WIDTH, as_formula, to_latex, with_gap
from dropout_cli.views.written import Written, sign
from dropout_cli.words import FORMULAS, load
from dropout_cli.words.messages import Messages, symbol

SHOWN = 12  # elements of a longer vector that are shown
BESIDE = 36  # columns that a vector may take where words stand beside it

Piece: TypeAlias = Block | str  # of a step: a block, or the key of words that are a paragraph
Rendered: TypeAlias = tuple[list[Piece], dict[str, Any]]  # a step, and the numbers in it for JSON


@dataclass(frozen=True)
class Context:
    """A trace, and the messages that show it."""

    trace: Trace
    messages: Messages

    def under(self, mask: Mask | None) -> Self:
        """Return the context of the same problem under another mask."""
        return replace(self, trace=Trace(replace(self.trace.problem, mask=mask, drawn=None)))

    @property
    def n(self) -> int:
        """The number of elements."""
        return int(self.trace.problem.x.size)

    @property
    def shown(self) -> list[int]:
        """The elements that are shown, from 0: all of them, or half of SHOWN from either end."""
        n, half = self.n, SHOWN // 2
        # A gap takes a row too.
        return list(range(n)) if n <= SHOWN + 1 else [*range(half), *range(n - half, n)]

    @cached_property
    def written(self) -> Written:
        """The elements that are shown, in fractions of their numbers as written."""
        return Written(self.trace, self.shown)

    @property
    def p_equation(self) -> Formula:
        """The equation p = 0.1, or p = 1/3."""
        return equation(symbol("p"), self.messages.probability(self.trace.problem.p))

    @property
    def keep_equation(self) -> Formula:
        """The equation 1−p = 0.9, or 1−p ≈ 0.666667."""
        return self.equals(symbol("keep"), 1 - self.written.p)

    @property
    def scale_equation(self) -> Formula:
        """The equation 1/(1−p) = 2, or ≈ 1.42857; at p = 1, where it is undefined, 1/(1−p)."""
        keep = 1 - self.written.p
        return self.equals(symbol("scale"), 1 / keep) if keep else symbol("scale")

    @property
    def over(self) -> str:
        """What expectations are summed over: all masks, or both outcomes of each element."""
        masks = claims.masks_summed(self.n, self.trace.problem.p)
        string, counted = self.messages.string, self.messages.counted
        return counted("masks", masks) if masks else string("count", "outcomes")

    @property
    def changed(self) -> str:
        """How many gradients a fresh mask would change, in words: on average, or how probably."""
        average = claims.changed_by_a_fresh_mask(self.trace)
        number = self.messages.number(average)
        if abs(Fraction(number) - average) > self.n / 2**52:  # it is rounded, not p alone
            number = self.messages.string("count", "about", number=number)
        return self.messages.counted("changed", self.n, number=number)

    def equals(self, name: Formula, value: Fraction | float, *, result: bool = False) -> Formula:
        """Write name = value, or name ≈ value where it is rounded.

        result: whether the reader is to compute it.
        """
        number = self.messages.number(value)
        (cell,) = self.messages.hidden([number]) if result else [number]
        return equation(name, as_formula(cell), sign([number], [value]))

    def vector(
        self,
        name: Formula,
        values: Sequence[Fraction | float] | NDArray[Any],
        *,
        beside: bool = False,
        result: bool = False,
    ) -> Formula:
        """Write name = [v₁, …, vₙ]ᵀ, in as many lines as it takes.

        values: of all elements, or of those shown. result: whether the reader is to compute them.
        beside: whether words stand beside it, so that it is one line, of the values that fit.
        """
        room = (BESIDE if beside else WIDTH) - len(f"{name.unicode} = []ᵀ")
        for ends in (6, 3, 2, 1) if beside else (6,):
            some = [*values] if self.n <= 2 * ends else [*values[:ends], *values[-ends:]]
            numbers = [self.messages.number(value) for value in some]
            answers = self.messages.hidden(numbers) if result else numbers
            cells = with_gap(answers, self.n, "…")
            if fits := len(", ".join(cells)) <= room:
                break
        each = len(cells) if fits or beside else max(1, (room + 2) // (max(map(len, cells)) + 2))
        lines = [", ".join(cells[k : k + each]) for k in range(0, len(cells), each)]
        text = f",\n{' ' * len(f'{name.unicode} = [')}".join(lines)
        latex = r", \cr ".join(map(to_latex, lines))
        array = rf"\left[ \begin{{array}}{{l}} {latex} \end{{array}} \right]^\top"
        inside = Formula(f"[{text}]ᵀ", array if lines[1:] else rf"[{latex}]^\top")
        return equation(name, inside, sign(numbers, some))


@dataclass(frozen=True)
class StepContext(Context):
    """The context of a step of the derivation, with the words of the step."""

    words: Mapping[str, Any]

    @property
    def formulas(self) -> list[Formula]:
        """The formulas of the step, with its terms in place of their {placeholders}."""
        found = []
        for forms in load(FORMULAS)["step"][self.words["id"]]:
            for name, term in self.words.get("terms", {}).items():
                # In LaTeX a term stands in \text{…}, whose own braces are its placeholder's.
                forms = {form: text.replace(f"{{{name}}}", term) for form, text in forms.items()}
            found.append(Formula(**forms))
        return found

    def paragraph(self, key: str, **values: object) -> Paragraph:
        """Format the step's words at key; n and p are always among the values."""
        p = self.messages.probability(self.trace.problem.p)
        words = self.words[key]
        return Paragraph(self.messages.fill(words, n_value=f"{self.n:,}", p_value=p, **values))

    def claim(self, *names: str, key: str = "check", **values: object) -> list[Block]:
        """Show whether these claims hold; nothing if none of them has anything to check."""
        oks = {claims.check(name, self.trace).ok for name in names}
        checked = oks != {None}
        return [Check(False not in oks, self.paragraph(key, **values).text)] if checked else []


def as_float(value: Fraction) -> float | None:
    """Convert the value for JSON; None if it is beyond the largest float."""
    try:
        return float(value)
    except OverflowError:
        return None
