"""Records as JSON, whose numbers read back to the same float64."""

import json
from collections.abc import Mapping
from typing import Any

from dropout_cli.formats.document import Setting


def to_json(record: Mapping[str, Any], _: Setting | None = None) -> str:
    """Write a record as JSON, one key per line, with arrays as lists."""
    lines = (
        f"  {json.dumps(key)}: {json.dumps(value, default=lambda array: array.tolist())}"
        for key, value in record.items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"
