"""The words of the product, a file per language, and the formulas, which all languages share."""

import pkgutil
import tomllib
from functools import cache
from os import listdir
from os.path import dirname
from typing import Any

FORMULAS = "formulas"


def languages() -> list[str]:
    """List the languages: the TOML files beside this module, without the formulas."""
    try:
        names = listdir(dirname(__file__))
    except NotADirectoryError:  # in a zip, which importlib.resources reads, but slowly
        from importlib.resources import files

        names = [file.name for file in files(__name__).iterdir()]
    return sorted({n.removesuffix(".toml") for n in names if n.endswith(".toml")} - {FORMULAS})


@cache
def load(name: str) -> dict[str, Any]:
    """Read the tables of NAME.toml: a language, or the formulas."""
    data = pkgutil.get_data(__name__, f"{name}.toml")
    assert data is not None
    return tomllib.loads(data.decode())


def symbol(name: str) -> tuple[str, str]:
    """Look up a symbol: its Unicode and its LaTeX."""
    found = load(FORMULAS)["symbol"][name]
    return found["unicode"], found["latex"]
