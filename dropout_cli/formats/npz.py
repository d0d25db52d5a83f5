"""A pass as a .npz file of NumPy, which holds and reads back large vectors fast."""

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from dropout_cli.formats.document import Setting


def to_npz(record: Mapping[str, Any], _: Setting) -> bytes:
    """The record's vectors as arrays of their names, and the rest as JSON in one named record."""
    arrays: dict[str, Any] = {k: v for k, v in record.items() if isinstance(v, np.ndarray)}
    rest = {key: value for key, value in record.items() if key not in arrays}
    text = np.frombuffer(json.dumps(rest).encode(), dtype=np.uint8)
    file = io.BytesIO()
    np.savez(file, record=text, **arrays)
    return file.getvalue()
