"""The words of the product, a file per language, and the formulas, which all languages share."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

FORMULAS = "formulas"
FOLDER = Path(__file__).parent


def languages() -> list[str]:
    """List the languages: the TOML files beside this module, without the formulas."""
    return sorted({path.stem for path in FOLDER.glob("*.toml")} - {FORMULAS})


@cache
def load(name: str) -> dict[str, Any]:
    """Read the tables of NAME.toml: a language, or the formulas."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
