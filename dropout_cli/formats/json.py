"""Records as JSON text, whose numbers read back to the same float64."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dropout_cli.formats.document import Setting

PIECE = 1 << 15  # numbers of an array that are written at a time


def to_json(record: Mapping[str, Any], _: Setting | None = None) -> Iterator[str]:
    """The record as JSON, one key on each line, piece by piece; an array is a list."""
    before = "{\n"
    for key, value in record.items():
        yield f"{before}  {json.dumps(key)}: "
        yield from _pieces(value)
        before = ",\n"
    yield "\n}\n"


def _pieces(value: Any) -> Iterator[str]:
    """The value as JSON, of which no piece is long."""
    if isinstance(value, dict):
        entries = ((f"{json.dumps(key)}: ", _pieces(item)) for key, item in value.items())
        yield from _joined("{}", entries)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        yield from _joined("[]", (("", _pieces(item)) for item in value))
    elif hasattr(value, "tolist"):
        blocks = (value[start : start + PIECE] for start in range(0, len(value), PIECE))
        yield from _joined("[]", ((json.dumps(block.tolist())[1:-1], ()) for block in blocks))
    else:
        yield json.dumps(value)


def _joined(brackets: str, entries: Iterable[tuple[str, Iterable[str]]]) -> Iterator[str]:
    """The entries between commas and brackets: what each begins with, and its other pieces."""
    before = brackets[0]
    for beginning, rest in entries:
        yield before + beginning
        yield from rest
        before = ", "
    yield brackets[1] if before == ", " else brackets
