"""How words and numbers are said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from dropout_cli.formats.document import Formula, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

BLANK = "▯"


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

        A value may be a formula or a text; any other is said in words.
        """
        parts: list[str | Formula] = []
        first, *rest = re.split(r"\{(\w+)\}", words)
        for name, after in zip(rest[::2], rest[1::2], strict=True):
            value = values[name] if name in values else self.symbol(name)
            known = value.parts if isinstance(value, Text) else [value]
            parts += [part if isinstance(part, Formula) else str(part) for part in known]
            parts.append(after)
        return Text((first, *parts))

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

    def gradients(self, n: int) -> str:
        """1 gradient, 2 gradients, …"""
        return self.say("count", "gradients_one" if n == 1 else "gradients", n=f"{n:,}")

    def over(self, masks: int | None) -> str:
        """What expectations were summed over: masks, or (None) both outcomes of each element."""
        if masks is None:
            return self.say("count", "outcomes")
        return self.say("count", "masks_one" if masks == 1 else "masks", masks=f"{masks:,}")

    def step(self, name: str) -> int:
        """The number of a step of the derivation, from 1."""
        return [step["id"] for step in self.prose["step"]].index(name) + 1

    def number(self, value: float) -> str:
        """The value, to this voice's significant digits."""
        return f"{value + 0.0:.{self.precision}g}"  # + 0.0 makes -0 a plain 0

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

    def number(self, value: float) -> str:  # noqa: ARG002
        """A blank."""
        return BLANK
