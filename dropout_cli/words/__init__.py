"""The words of the product, one data file per language."""

import re
from collections.abc import Iterator, Mapping
from os import listdir
from os.path import dirname, join
from typing import Any

HOME = dirname(__file__)
TABLE = re.compile(r"^\[+(\w+)\]+$", re.MULTILINE)


def languages() -> list[str]:
    """The languages there are: the TOML files beside this one."""
    return sorted(name.removesuffix(".toml") for name in listdir(HOME) if name.endswith(".toml"))


def load(language: str) -> Mapping[str, Any]:
    """The prose in this language: the tables of LANGUAGE.toml."""
    with open(join(HOME, f"{language}.toml"), encoding="utf-8") as file:
        return Prose(file.read())


class Prose(Mapping[str, Any]):
    """The tables of a TOML text, each parsed when it is first read: no command needs them all."""

    def __init__(self, text: str) -> None:
        """Take the text, whose tables begin with their names on a line, as [verify] or [[step]]."""
        top, *rest = TABLE.split(text)
        self.read: dict[str, Any] = {}
        self.unread: dict[str, str] = {"language": top}
        for name, table in zip(rest[::2], rest[1::2], strict=True):
            heading = f"[[{name}]]" if name == "step" else f"[{name}]"
            self.unread[name] = f"{self.unread.get(name, '')}{heading}{table}"

    def __getitem__(self, name: str) -> Any:
        """The table of this name."""
        if name in self.unread:
            import tomllib

            self.read |= tomllib.loads(self.unread.pop(name))
        return self.read[name]

    def __iter__(self) -> Iterator[str]:
        """Every name."""
        return iter([*self.read, *self.unread])

    def __len__(self) -> int:
        """How many tables there are."""
        return len(self.read) + len(self.unread)
