"""Messages and numbers in one language, and the formulas, which all languages share."""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from dropout_cli.formats.document import Formula, Text, Verbatim, equation
from dropout_cli.words import FORMULAS, load

BLANK = "____"
# `Code`, a {placeholder}, or an equation that begins with one, such as {p} = 1 or {p} = {p_value}.
PIECE = re.compile(r"(`[^`]*`|\{[\w-]+\}(?: [=<>] (?:\{[\w-]+\}|\d+))?)")


def symbol(name: str) -> Formula:
    """Look up a symbol."""
    return Formula(**load(FORMULAS)["symbol"][name])


class Messages(NamedTuple):
    """Format messages and numbers in one language.

    prose: the tables of the language's file.
    precision: significant digits of every number, 1 to 17.
    hide: whether this is an exercise, whose results are blanks unless `revealed`.
    """

    prose: Mapping[str, Any]
    precision: int = 6
    hide: bool = False
    revealed: bool = False

    def string(self, table: str, key: str, /, **values: object) -> str:
        """Format prose[table][key] as a string."""
        return self.text(table, key, **values).plain

    def text(self, table: str, key: str, /, **values: object) -> Text:
        """Format prose[table][key] as a text, which may hold formulas."""
        return self.fill(self.prose[table][key], **values)

    def fill(self, words: str, /, **values: object) -> Text:
        """Replace each {placeholder} by its value, or else by the step or symbol of that name.

        A value may be a formula or a text; any other is converted to a string. A step stands for
        its number. An equation or an inequality, such as {p} = {p_value} or {p} < 1, becomes one
        formula, so that no line breaks within it. What stands between `backticks` is code.
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
        """Look up a {placeholder}; any other word stands for itself."""
        name = word.strip("{}")
        if name == word:
            return word
        steps = [step["id"] for step in self.prose["step"]]
        if name in values:
            value = values[name]
            return value if isinstance(value, Formula | Text | Verbatim) else str(value)
        return str(steps.index(name) + 1) if name in steps else symbol(name)

    def counted(self, key: str, n: int, **values: object) -> str:
        """Format prose["count"][key] for n things: 1 element, 2 elements, …."""
        return self.string("count", f"{key}_one" if n == 1 else key, n=f"{n:,}", **values)

    def after(self, skip: int) -> str:
        """Format how many draws came before; empty if none did."""
        return self.counted("after", skip) if skip else ""

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

    @staticmethod
    def probability(p: float) -> str:
        """Format p in full, or as a fraction such as 1/3 that it was rounded from."""
        digits = Messages.exactly(p)
        if len(digits) < len("0.3333333333333333"):
            return digits
        simple = Fraction(p).limit_denominator(1000)
        return str(simple) if float(simple) == p else digits

    @staticmethod
    def exactly(value: float) -> str:
        """Format the value with the fewest digits that read back to it."""
        return repr(value + 0.0).removesuffix(".0")
