"""The words of the product, a data file a language, and how they are said."""

import tomllib
from os.path import dirname, join
from typing import Any, NamedTuple

from dropout_cli.document import Text


class Voice(NamedTuple):
    """Says words and numbers.

    prose: the words, as load gives them.
    precision: significant digits of every number, 1 to 17.
    """

    prose: dict[str, Any]
    precision: int = 6

    def say(self, table: str, key: str, /, **values: object) -> str:
        """The words at prose[table][key], with the values in place of their {placeholders}."""
        words: str = self.prose[table][key]
        return words.format(**values)

    def text(self, words: str, /, **values: object) -> Text:
        """The words with symbols and values in place of their {placeholders}."""
        symbols = self.prose["symbol"]
        plain = {name: forms["unicode"] for name, forms in symbols.items()}
        latex = {name: f"${forms['latex']}$" for name, forms in symbols.items()}
        return Text(words.format(**(plain | values)), words.format(**(latex | values)))

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

    def number(self, value: float) -> str:
        """The value, to this voice's significant digits."""
        return f"{value + 0.0:.{self.precision}g}"  # + 0.0 makes -0 a plain 0

    def exactly(self, value: float) -> str:
        """The value with as many digits as it takes to tell it from any other."""
        return repr(value + 0.0).removesuffix(".0")


def load(language: str) -> dict[str, Any]:
    """The prose in this language: the tables of prose/LANGUAGE.toml."""
    with open(join(dirname(__file__), "prose", f"{language}.toml"), "rb") as file:
        return tomllib.load(file)
