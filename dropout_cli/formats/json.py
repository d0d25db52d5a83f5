"""Records as JSON text, whose numbers read back to the same float64."""

import json
from collections.abc import Mapping
from typing import Any

from dropout_cli.formats.document import Setting


def to_json(record: Mapping[str, Any], _: Setting | None = None) -> str:
    """Write the record as JSON, one key on each line; an array is a list."""
    lines = (
        f"  {json.dumps(key)}: {json.dumps(value, default=lambda array: array.tolist())}"
        for key, value in record.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"
