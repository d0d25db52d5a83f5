"""The words of the product, a file per language, and the formulas, which all languages share."""

import os
from functools import cache
from typing import Any

FORMULAS = "formulas"
FOLDER = os.path.dirname(__file__)


def languages() -> list[str]:
    """List the languages: the TOML files beside this module, without the formulas."""
    names = (os.path.splitext(name) for name in os.listdir(FOLDER))
    return sorted({name for name, suffix in names if suffix == ".toml"} - {FORMULAS})


@cache
def load(name: str) -> dict[str, Any]:
    """Read the tables of NAME.toml: a language, or the formulas."""
    import tomllib

    with open(os.path.join(FOLDER, f"{name}.toml"), "rb") as file:
        return tomllib.load(file)
