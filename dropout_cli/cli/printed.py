"""Parsing vectors as people, Python, NumPy, PyTorch, JAX and our own tables write them."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from dropout_cli.arrays import FloatArray
from dropout_cli.errors import RequestError

SIGNS = str.maketrans({"，": ",", "、": ",", "−": "-", "［": "[", "］": "]", "ᵀ": "", "⊤": ""})
LISTS = str.maketrans("()", "[]")
BOOLEANS = {"True": "1", "False": "0", "true": "1", "false": "0", "np.True_": "1", "np.False_": "0"}
# Around numbers: `y = `, `, grad_fn=<MulBackward0>`, `tensor(…)`, `np.float64(…)`.
NAME = re.compile(r"^[^\s=\[(]+\s*=\s*(?=[\[(a-zA-Z])|^Parameter containing:\s*")
KEYWORD = re.compile(r""",\s*\w+=(?:<[^>]*>|'[^']*'|"[^"]*"|\([^)]*\)|[\w.]+)""")
CALL = re.compile(
    r"(?<![\w.])(?:\w+\.)*(?:[aA]rray|[tT]ensor|bool_?|(?:float|u?int)\d+)\(([^()]*)\)"
)
TOKEN = re.compile(r"[\[\]]|[^\[\],\s]+")


class Vector(NamedTuple):
    """A vector, or a matrix row by row.

    shape: before it was flattened.
    written: its numbers as text, if it was text; their digits show how far they were rounded.
    """

    values: FloatArray
    shape: tuple[int, ...]
    written: Sequence[str] = ()


def parse(text: str, name: str) -> Vector:
    """Parse numbers separated by commas or white space, and whatever a library prints around them.

    name: what errors call it; a "mask" may hold booleans or rows of bits, `1010 0101`.
    Raises RequestError for anything that is not a number, and for an ellipsis.
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
    return to_vector(_lists(text, name), name)


def _lists(text: str, name: str) -> list[Any]:
    """Return the numbers, as text, in lists: those of the brackets, or else a list per line."""
    if "[" not in text and "]" not in text:
        rows = [row for line in text.splitlines() if (row := TOKEN.findall(line))]
        is_matrix = len(rows) > 1 and len(rows[0]) > 1 and len(set(map(len, rows))) == 1
        return rows if is_matrix else [item for row in rows for item in row]
    import json

    tokens = [token if token in "[]" else json.dumps(token) for token in TOKEN.findall(f"[{text}]")]
    try:
        lists: list[Any] = json.loads(",".join(tokens).replace("[,", "[").replace(",]", "]"))
    except (RecursionError, ValueError):
        raise RequestError(f"{name} has brackets that do not match") from None
    return lists[0] if len(lists) == 1 and isinstance(lists[0], list) else lists


def to_vector(lists: list[Any], name: str) -> Vector:
    """Convert nested lists of numbers, or of numbers as text, to a vector.

    name: as in parse. Raises RequestError for anything that is not a number, and for lists of
    different lengths.
    """
    array = np.array(lists, dtype=object)
    flat = array.ravel()
    if any(isinstance(item, list) for item in flat):
        raise RequestError(f"{name} has rows of different lengths, but they must be one")
    items, shape = list(map(str, flat)), array.shape
    if name == "mask":
        items = [BOOLEANS.get(item, item) for item in items]
        widths = {len(item) if item.isdecimal() else 1 for item in items}
        if len(widths) == 1 and max(widths) > 1:
            shape = (len(items), *widths) if len(items) > 1 else tuple(widths)
            items = list("".join(items))
    values = np.empty(len(items))
    for k, item in enumerate(items):
        try:
            values[k] = float(item)
        except ValueError:
            raise RequestError(
                f"element {k + 1} of {name} is {item[:40]!r}, which is not a number"
            ) from None
    return Vector(values, shape, items)
