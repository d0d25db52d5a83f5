"""The words of the product, one data file per language."""

from os import listdir
from os.path import dirname, join
from typing import Any

HOME = dirname(__file__)


def languages() -> list[str]:
    """List the languages: the TOML files beside this one."""
    return sorted(name.removesuffix(".toml") for name in listdir(HOME) if name.endswith(".toml"))


def load(language: str) -> dict[str, Any]:
    """Read the words in this language: the tables of LANGUAGE.toml."""
    import tomllib

    with open(join(HOME, f"{language}.toml"), "rb") as file:
        return tomllib.load(file)
