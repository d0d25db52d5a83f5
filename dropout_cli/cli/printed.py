"""Vectors as they are printed: by hand, by Python, NumPy, PyTorch, JAX, and in our own tables."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dropout_cli.arrays import FloatArray

SIGNS = str.maketrans({"，": ",", "、": ",", "−": "-", "［": "[", "］": "]", "ᵀ": "", "⊤": ""})
LISTS = str.maketrans("()", "[]")
BOOLEANS = {"True": "1", "False": "0", "true": "1", "false": "0", "np.True_": "1", "np.False_": "0"}
# What stands around numbers: `y = `, `, grad_fn=<MulBackward0>`, `tensor(…)`, `np.float64(…)`.
NAME = re.compile(r"^[^\s=\[(]+\s*=\s*(?=[\[(a-zA-Z])|^Parameter containing:\s*")
KEYWORD = re.compile(r""",\s*\w+=(?:<[^>]*>|'[^']*'|"[^"]*"|\([^)]*\)|[\w.]+)""")
CALL = re.compile(
    r"(?<![\w.])(?:\w+\.)*(?:[aA]rray|[tT]ensor|bool_?|(?:float|u?int)\d+)\(([^()]*)\)"
)
FACTOR = re.compile(r"(?<![\w.])1(?:\.0*)?e([+-]?\d+)\s*\*\s*")  # PyTorch up to 0.4
TOKEN = re.compile(r"[\[\]]|[^\[\],\s]+")


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
    if "..." in text or "…" in text or "⋮" in text:
        raise RequestError(
            f"{name} has an ellipsis, where numbers are missing: print all of them, after"
            " torch.set_printoptions(profile='full') or np.set_printoptions(threshold=np.inf)"
        )
    text = NAME.sub("", KEYWORD.sub("", text.translate(SIGNS).strip().removesuffix("^T")))
    text = CALL.sub(r"\1", text).translate(LISTS)
    if re.search(r",\s*,", text):
        raise RequestError(f"{name} has two commas with no number between them")
    factor = FACTOR.search(text)
    items, shape = flatten(_lists(FACTOR.sub("", text, 1), name), name)
    if factor:
        items = [f"{item}e{factor[1]}" for item in items]
    if name == "mask":
        items = [BOOLEANS.get(item, item) for item in items]
        widths = {len(item) if item.isdecimal() else 1 for item in items}
        if len(widths) == 1 and max(widths) > 1:
            shape = (len(items), *widths) if len(items) > 1 else tuple(widths)
            items = list("".join(items))
    return Vector(_numbers(items, name), shape, items)


def _lists(text: str, name: str) -> list[Any]:
    """Return the numbers as text in lists, as brackets or else lines of the same length have it."""
    if "[" not in text and "]" not in text:
        rows = [row for line in text.splitlines() if (row := TOKEN.findall(line))]
        is_matrix = len(rows) > 1 and len(rows[0]) > 1 and len(set(map(len, rows))) == 1
        return rows if is_matrix else [item for row in rows for item in row]
    tokens = [token if token in "[]" else json.dumps(token) for token in TOKEN.findall(f"[{text}]")]
    try:
        lists: list[Any] = json.loads(",".join(tokens).replace("[,", "[").replace(",]", "]"))
    except (RecursionError, ValueError):
        raise RequestError(f"{name} has brackets that do not match") from None
    return lists[0] if len(lists) == 1 and isinstance(lists[0], list) else lists


def flatten(lists: list[Any], name: str) -> tuple[list[Any], tuple[int, ...]]:
    """Return the items of lists in lists, and their shape; RequestError where they are no array."""
    shape: list[int] = []
    while any(isinstance(item, list) for item in lists):
        if len({len(row) if isinstance(row, list) else -1 for row in lists}) > 1:
            raise RequestError(f"{name} has rows of different lengths, but they must be one")
        shape.append(len(lists) // math.prod(shape))
        lists = [item for row in lists for item in row]
    return lists, (*shape, len(lists) // math.prod(shape))


def _numbers(items: list[str], name: str) -> FloatArray:
    values = np.empty(len(items))
    for k, item in enumerate(items):
        try:
            values[k] = float(item)
        except ValueError:
            raise RequestError(
                f"element {k + 1} of {name} is {item[:40]!r}, which is not a number"
            ) from None
    return values
