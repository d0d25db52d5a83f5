"""Messages and numbers in one language."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from dropout_cli.formats.document import Formula, Text, Verbatim, equation
from dropout_cli.words import FORMULAS, load

BLANK = "____"
# `Code`, a {placeholder}, or an equation that begins with one, such as {p} = 1 or {p} = {p_value}.
PIECE = re.compile(r"(`[^`]*`|\{\w+\}(?: [=<>] (?:\{\w+\}|\d+))?)")


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
        for piece in PIECE.split(words):
            if piece.startswith("`"):
                parts.append(Verbatim(piece.strip("`").format(**values)))
            elif piece.startswith("{"):
                value, *relation = (self._value(word, values) for word in piece.split())
                if relation:
                    sign, right = relation
                    value = equation(value, right, sign)
                parts += value.parts if isinstance(value, Text) else [value]
            else:
                parts.append(piece)
        return Text(tuple(parts))

    def _value(self, word: str, values: Mapping[str, object]) -> Any:
        """Look up a {placeholder} among the values, else among the symbols."""
        name = word.strip("{}")
        if name == word:
            return word
        value = values[name] if name in values else self.symbol(name)
        return value if isinstance(value, Formula | Text | Verbatim) else str(value)

    def symbol(self, name: str) -> Formula:
        """Look up a symbol."""
        return Formula(**load(FORMULAS)["symbol"][name])

    def formulas(self, step: str, terms: Mapping[str, str]) -> list[Formula]:
        """Look up the formulas of a step, with its terms in place of their {placeholders}."""
        found = load(FORMULAS)["step"].get(step, [])
        for name, words in terms.items():
            # In LaTeX a term stands in \text{…}, whose own braces are its placeholder's.
            found = [
                {form: formula.replace(f"{{{name}}}", words) for form, formula in each.items()}
                for each in found
            ]
        return [Formula(**each) for each in found]

    def elements(self, n: int) -> str:
        """Count elements: 1 element, 2 elements, …."""
        return self.string("count", "elements_one" if n == 1 else "elements", n=f"{n:,}")

    def changed(self, average: Fraction, n: int) -> str:
        """Say how many of n gradients change on average; for one, how probable that is."""
        number = self.number(average)
        if abs(Fraction(number) - average) > n / 2**52:  # it is rounded, not p alone
            number = self.string("count", "about", number=number)
        key = "changed_one" if n == 1 else "changed"
        return self.string("count", key, number=number, n=f"{n:,}")

    def over(self, masks: int | None) -> str:
        """Say what expectations were summed over: masks, or None for both outcomes of each."""
        if masks is None:
            return self.string("count", "outcomes")
        return self.string("count", "masks_one" if masks == 1 else "masks", masks=f"{masks:,}")

    def after(self, skip: int) -> str:
        """Say how many draws came before; nothing where none did."""
        return self.string("count", "after", skip=f"{skip:,}") if skip else ""

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

    def results(self, values: Iterable[float | Fraction]) -> list[str]:
        """Format numbers that the reader is to compute."""
        return self.hidden([*map(self.number, values)])

    def hidden(self, answers: Sequence[str], align: str = ">") -> list[str]:
        """Replace answers by blanks while results are hidden; in an exercise all are equally wide.

        align: "<" or ">", where an answer stands that is narrower than its blank.
        """
        if not self.hide:
            return [*answers]
        width = max(map(len, [BLANK, *answers]))
        return ["_" * width if self.blank else f"{answer:{align}{width}}" for answer in answers]

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
