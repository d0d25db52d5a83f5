"""How words and numbers are said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from dropout_cli.formats.document import Formula, Text, equation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

BLANK = "▯"
# A {placeholder}, or an equation that begins with one, such as {p} = 1 or {p} = {p_value}.
PLACE = re.compile(r"\{(\w+)\}(?: ([=<]) (\{\w+\}|\d+))?")


class Voice(NamedTuple):
    """Says words and numbers.

    prose: the words, as load gives them.
    precision: significant digits of every number, 1 to 17.
    hide: whether this is an exercise, whose results are blank. revealed: unless they are shown.
    """

    prose: Mapping[str, Any]
    precision: int = 6
    hide: bool = False
    revealed: bool = False

    def say(self, table: str, key: str, /, **values: object) -> str:
        """The words at prose[table][key], with the values in place of their {placeholders}."""
        words: str = self.prose[table][key]
        return words.format(**values)

    def text(self, words: str, /, **values: object) -> Text:
        """The words with symbols and values in place of their {placeholders}.

        A value may be a formula or a text; any other is said in words. What equals or is less than
        another, {p} = {p_value} or {p} < 1, is one formula, so that no line breaks within it.
        """

        def value(name: str) -> object:
            return values[name] if name in values else self.symbol(name)

        first, *rest = PLACE.split(words)
        parts: list[str | Formula] = [first]
        for name, sign, right, after in zip(*(rest[k::4] for k in range(4)), strict=True):
            told = value(name)
            if sign:
                known = value(right[1:-1]) if right.startswith("{") else right
                assert isinstance(told, Formula)
                told = equation(told, known if isinstance(known, Formula) else str(known), sign)
            inner = told.parts if isinstance(told, Text) else [told]
            parts += [part if isinstance(part, Formula) else str(part) for part in inner]
            parts.append(after)
        return Text(tuple(parts))

    def symbol(self, name: str) -> Formula:
        """The symbol of this name."""
        return Formula(**self.prose["symbol"][name])

    def tell(self, table: str, key: str, /, **values: object) -> Text:
        """The words at prose[table][key], with symbols and values in place of {placeholders}."""
        return self.text(self.prose[table][key], **values)

    def part(self, checked: int, n: int) -> str:
        """Which of n elements were checked: all, or the first of them."""
        if checked == n:
            return self.elements(n) if n == 1 else self.say("count", "all", n=f"{n:,}")
        return self.say("count", "first", checked=f"{checked:,}", n=f"{n:,}")

    def elements(self, n: int) -> str:
        """1 element, 2 elements, …"""
        return self.say("count", "elements_one" if n == 1 else "elements", n=f"{n:,}")

    def changed(self, average: Fraction, n: int) -> str:
        """How many of n gradients change on average; of one, how probably it does."""
        from fractions import Fraction

        number = self.number(average)
        if abs(Fraction(number) - average) > n / 2**52:  # it is rounded, not p alone
            number = self.say("count", "about", number=number)
        return self.say("count", "changed_one" if n == 1 else "changed", number=number, n=f"{n:,}")

    def over(self, masks: int | None) -> str:
        """What expectations were summed over: masks, or (None) both outcomes of each element."""
        if masks is None:
            return self.say("count", "outcomes")
        return self.say("count", "masks_one" if masks == 1 else "masks", masks=f"{masks:,}")

    def step(self, name: str) -> int:
        """The number of a step of the derivation, from 1."""
        return [step["id"] for step in self.prose["step"]].index(name) + 1

    def number(self, value: float | Fraction) -> str:
        """The value, to this voice's significant digits, even where it is beyond a float."""
        try:
            return f"{float(value) + 0.0:.{self.precision}g}"  # + 0.0 makes -0 a plain 0
        except OverflowError:
            from decimal import Decimal
            from fractions import Fraction

            ratio = Fraction(value)
            return f"{Decimal(ratio.numerator) / Decimal(ratio.denominator):.{self.precision}g}"

    @property
    def blank(self) -> bool:
        """Whether results are blank."""
        return self.hide and not self.revealed

    @property
    def results(self) -> Voice:
        """What says the numbers that are to be computed: blanks, where they are hidden."""
        return Blanks(*self) if self.blank else self

    def probability(self, p: float) -> str:
        """p in full, as 1/3 where that is the fraction it was rounded from."""
        told = self.exactly(p)
        if len(told) < len("0.3333333333333333"):
            return told
        from fractions import Fraction

        simple = Fraction(p).limit_denominator(1000)
        return str(simple) if float(simple) == p else told

    def exactly(self, value: float) -> str:
        """The value with as many digits as it takes to tell it from any other."""
        return repr(value + 0.0).removesuffix(".0")


class Blanks(Voice):
    """Says a blank for every number."""

    def number(self, value: float | Fraction) -> str:  # noqa: ARG002
        """A blank."""
        return BLANK
