"""JSON has one key on each line, and arrays are lists."""

import numpy as np

from dropout_cli.formats.json import to_json


def test_a_record_has_one_key_on_each_line() -> None:
    record = {
        "x": np.array([1.0, -0.5]),
        "m": np.array([1, 0], np.int8),
        "s": {"k": "é"},
        "n": None,
    }
    assert to_json(record) == (
        '{\n  "x": [1.0, -0.5],\n  "m": [1, 0],\n  "s": {"k": "\\u00e9"},\n  "n": null\n}\n'
    )
