"""Records as JSON text, whose numbers read back to the same float64."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dropout_cli.formats.document import Setting

PIECE = 1 << 15  # numbers of an array that are written at a time


def to_json(record: Mapping[str, Any], _: Setting | None = None) -> Iterator[str]:
    """The record as JSON, one key on each line, piece by piece; an array is a list."""
    before = "{\n"
    for key, value in record.items():
        yield f"{before}  {json.dumps(key)}: "
        if hasattr(value, "tolist"):
            for start in range(0, len(value), PIECE):
                yield ", " if start else "["
                yield json.dumps(value[start : start + PIECE].tolist())[1:-1]
            yield "]"
        else:
            yield json.dumps(value, default=lambda array: array.tolist())
        before = ",\n"
    yield "\n}\n"
