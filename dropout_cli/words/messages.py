"""Messages and numbers in one language."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from dropout_cli.formats.document import Formula, Text, Verbatim, equation
from dropout_cli.words import FORMULAS, load, symbol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BLANK = "____"
# A {placeholder}, or an equation that begins with one, such as {p} = 1 or {p} = {p_value}.
PLACE = re.compile(r"\{(\w+)\}(?: ([=<]) (\{\w+\}|\d+))?")


class Messages(NamedTuple):
    """Format messages and numbers in one language.

    prose: the tables of the language's file.
    precision: significant digits of every number, 1 to 17.
    hide: whether this is an exercise, whose results are blank. revealed: unless they are shown.
    """

    prose: Mapping[str, Any]
    precision: int = 6
    hide: bool = False
    revealed: bool = False

    def string(self, table: str, key: str, /, **values: object) -> str:
        """Format prose[table][key] as a string."""
        words: str = self.prose[table][key]
        return words.format(**values)

    def text(self, table: str, key: str, /, **values: object) -> Text:
        """Format prose[table][key] as a text, which may hold formulas."""
        return self.fill(self.prose[table][key], **values)

    def fill(self, words: str, /, **values: object) -> Text:
        """Replace the {placeholders} of the words with values, or else with symbols.

        A value may be a formula or a text; any other is converted to a string. An equation or an
        inequality, such as {p} = {p_value} or {p} < 1, becomes one formula, so that no line breaks
        within it. What stands between `backticks` is code.
        """
        parts: list[str | Formula | Verbatim] = []
        for k, piece in enumerate(words.split("`")):
            if k % 2:
                parts.append(Verbatim(piece.format(**values)))
            else:
                parts += self._filled(piece, values)
        return Text(tuple(parts))

    def _filled(
        self, words: str, values: Mapping[str, object]
    ) -> Iterator[str | Formula | Verbatim]:
        def value(name: str) -> object:
            return values[name] if name in values else self.symbol(name)

        first, *rest = PLACE.split(words)
        yield first
        for name, sign, right, after in zip(*(rest[k::4] for k in range(4)), strict=True):
            part = value(name)
            if sign:
                known = value(right[1:-1]) if right.startswith("{") else right
                assert isinstance(part, Formula)
                part = equation(part, known if isinstance(known, Formula) else str(known), sign)
            for each in part.parts if isinstance(part, Text) else [part]:
                yield each if isinstance(each, Formula | Verbatim) else str(each)
            yield after

    def symbol(self, name: str) -> Formula:
        """Look up a symbol."""
        return Formula(*symbol(name))

    def formulas(self, step: str, terms: Mapping[str, str]) -> list[Formula]:
        """Look up the formulas of a step, with its terms in place of their {placeholders}."""

        def filled(formula: str) -> str:
            for name, words in terms.items():
                formula = formula.replace(f"{{{name}}}", words)
            return formula

        # In LaTeX a term stands in \text{…}, whose own braces are its placeholder's.
        return [
            Formula(filled(each["unicode"]), filled(each["latex"]))
            for each in load(FORMULAS)["step"][step]
        ]

    def part(self, checked: int, n: int) -> str:
        """Name the elements that were checked: all n, or the first of them."""
        if checked == n:
            return self.elements(n) if n == 1 else self.string("count", "all", n=f"{n:,}")
        return self.string("count", "first", checked=f"{checked:,}", n=f"{n:,}")

    def elements(self, n: int) -> str:
        """Count elements: 1 element, 2 elements, …."""
        return self.string("count", "elements_one" if n == 1 else "elements", n=f"{n:,}")

    def changed(self, average: Fraction, n: int) -> str:
        """Say how many of n gradients change on average; for one, how probable that is."""
        number = self.number(average)
        if abs(Fraction(number) - average) > n / 2**52:  # it is rounded, not p alone
            number = self.string("count", "about", number=number)
        return self.string(
            "count", "changed_one" if n == 1 else "changed", number=number, n=f"{n:,}"
        )

    def over(self, masks: int | None) -> str:
        """Say what expectations were summed over: masks, or None for both outcomes of each."""
        if masks is None:
            return self.string("count", "outcomes")
        return self.string("count", "masks_one" if masks == 1 else "masks", masks=f"{masks:,}")

    def step(self, name: str) -> int:
        """Look up the number of a step, from 1."""
        return [step["id"] for step in self.prose["step"]].index(name) + 1

    def number(self, value: float | Fraction) -> str:
        """Format a number to the significant digits, even one beyond the largest float."""
        try:
            return f"{float(value) + 0.0:.{self.precision}g}"  # + 0.0 makes -0 a plain 0
        except OverflowError:
            ratio = Fraction(value)
            return f"{Decimal(ratio.numerator) / Decimal(ratio.denominator):.{self.precision}g}"

    def result(self, value: float | Fraction) -> str:
        """Format a number that the reader is to compute; in an exercise, as wide as its blank."""
        return self.hidden(self.number(value))

    def hidden(self, answer: str) -> str:
        """Replace an answer by a blank while results are hidden; both are equally wide."""
        if not self.hide:
            return answer
        blank = BLANK.ljust(len(answer), "_")
        return blank if self.blank else answer.rjust(len(blank))

    def concealed(self, text: Text) -> Text:
        """Replace words by a blank and spaces while results are hidden; both take as many lines."""
        if not self.blank:
            return text
        spaces = ("\u3000" if ord(c) > 0x2E7F else c if c == " " else "\u00a0" for c in text.plain)
        return Text((BLANK + "".join(spaces)[len(BLANK) :],))

    @property
    def blank(self) -> bool:
        """Whether results are hidden."""
        return self.hide and not self.revealed

    def probability(self, p: float) -> str:
        """Format p in full, as 1/3 where it was rounded from that fraction."""
        digits = self.exactly(p)
        if len(digits) < len("0.3333333333333333"):
            return digits
        simple = Fraction(p).limit_denominator(1000)
        return str(simple) if float(simple) == p else digits

    def exactly(self, value: float) -> str:
        """Format the value with as many digits as tell it from any other."""
        return repr(value + 0.0).removesuffix(".0")
