"""Vectors as they are printed: by hand, by Python, NumPy, PyTorch, JAX, and in our own tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dropout_cli.arrays import FloatArray

PLAIN = re.compile(r"[\d\s,.eE+-]*")
SIGNS = str.maketrans({"，": ",", "、": ",", "−": "-", "［": "[", "］": "]", "ᵀ": "", "⊤": ""})
LISTS = str.maketrans("()", "[]")
NO_LISTS = str.maketrans("[]", "  ")
BOOLEANS = {"True": "1", "False": "0", "true": "1", "false": "0", "np.True_": "1", "np.False_": "0"}
# What stands around numbers: `y = `, `, grad_fn=<MulBackward0>`, `tensor(…)`, `np.float64(…)`.
NAME = re.compile(r"^[^\s=\[(]+\s*=\s*(?=[\[(a-zA-Z])|^Parameter containing:\s*")
KEYWORD = re.compile(r""",\s*\w+=(?:<[^>]*>|'[^']*'|"[^"]*"|\([^)]*\)|[\w.]+)""")
CALL = re.compile(
    r"(?<![\w.])(?:\w+\.)*(?:[aA]rray|[tT]ensor|bool_?|(?:float|u?int)\d+)\(([^()]*)\)"
)
FACTOR = re.compile(r"(?<![\w.])1(?:\.0*)?e([+-]?\d+)\s*\*\s*")  # PyTorch up to 0.4
INNERMOST = re.compile(r"\[([^\[\]]*)\]")
DEEPEST = 32  # lists in lists
LIST, MARKS = "#", {*"#, \n\r\t"}


class Vector(NamedTuple):
    """A vector, a matrix row by row.

    shape: what it was before. written: its numbers as they were written, where it was text; their
    digits tell how far they were rounded, as 1.5000e-03 does of `1.0e-03 * 1.5000`.
    """

    values: FloatArray
    shape: tuple[int, ...]
    written: Sequence[str] = ()


def parse(text: str, name: str) -> Vector:
    """Parse numbers between commas or white space, with or without what prints write around them.

    A mask may hold booleans, or be written in rows of bits, `1010 0101`. Raises RequestError for
    what is not a number, and where numbers are left out.
    """
    text = text.strip()
    if "..." in text or "…" in text or "⋮" in text:
        raise RequestError(
            f"{name} has an ellipsis, where numbers are missing: print all of them, after"
            " torch.set_printoptions(profile='full') or np.set_printoptions(threshold=np.inf)"
        )
    if not PLAIN.fullmatch(text):
        text = _bare(text)
    factor = FACTOR.search(text)
    if factor:
        text = FACTOR.sub("", text, 1)
    nested = "[" in text or "]" in text
    items = _split(text.translate(NO_LISTS).rstrip().removesuffix(",") if nested else text)
    if factor:
        items = [f"{item}e{factor[1]}" for item in items]
    shape: tuple[int, ...] | None = None
    if name == "mask" and items:
        items = [BOOLEANS.get(item, item) for item in items]
        width = len(items[0])
        if width > 1 and all(item.isdecimal() and len(item) == width for item in items):
            shape = (len(items), width) if len(items) > 1 else (width,)
            items = list("".join(items))
    values = _numbers(items, name)
    if shape is None:
        shape = _nesting(text, name) if nested else _lines(text, len(items))
    return Vector(values, shape, items)


def _bare(text: str) -> str:
    """Remove what prints write around lists of numbers."""
    text = text.translate(SIGNS).strip().removesuffix("^T")
    if "=" in text or ":" in text:
        text = NAME.sub("", KEYWORD.sub("", text))
    if "(" in text:
        text = CALL.sub(r"\1", text).translate(LISTS)
    return text.strip()


def _nesting(text: str, name: str) -> tuple[int, ...]:
    """Count the lists in lists, from the innermost; RequestError where they are no array."""
    shape: list[int] = []
    while lists := INNERMOST.findall(text):
        if len(shape) == DEEPEST:
            raise RequestError(f"{name} is nested more than {DEEPEST} lists deep")
        widths = {_count(each) for each in lists}
        if len(widths) > 1 or (shape and set("".join(lists)) - MARKS):
            raise RequestError(f"{name} has rows of different lengths, but they must be one")
        shape.insert(0, widths.pop())
        text = INNERMOST.sub(LIST, text)
    if set(text) - MARKS:
        raise RequestError(f"{name} has brackets that do not match")
    return (_count(text), *shape) if _count(text) > 1 else tuple(shape)


def _lines(text: str, count: int) -> tuple[int, ...]:
    """Count lines and the numbers of each, where all lines have the same number of them."""
    lines = text.splitlines()
    if len(lines) in (1, count) or len({_count(line) for line in lines}) != 1:
        return (count,)
    return len(lines), count // len(lines)


def _count(text: str) -> int:
    return len(text.replace(",", " ").split())


def _split(text: str) -> list[str]:
    """Split at commas or white space; where a comma lacks its number, an item is empty."""
    if "," in text and not all(map(str.strip, text.split(","))):
        return re.split(r"\s*,\s*|\s+", text.strip())
    return text.replace(",", " ").split()


def _numbers(items: list[str], name: str) -> FloatArray:
    try:
        if "_" in "".join(items):  # Python would read 1_0 as 10
            raise ValueError
        return np.array(items, dtype=np.float64)
    except ValueError:
        k, item = next((k, item) for k, item in enumerate(items, 1) if not _is_number(item))
        raise RequestError(
            f"element {k} of {name} is {item[:40]!r}, which is not a number"
        ) from None


def _is_number(item: str) -> bool:
    try:
        float(item)
    except ValueError:
        return False
    return "_" not in item
