"""JSON has one key on each line, and arrays are lists."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dropout_cli.formats.json import to_json

LONG = np.linspace(-1, 1, 100_001)


@pytest.mark.parametrize(
    "value",
    [
        LONG,
        {"a": LONG, "b": {"c": LONG.astype(np.int8)}},
        [{"a": LONG}, {}],
        [],
        {},
        np.array([]),
        [1, [2, None]],
        [{"a": [{"b": True}]}],
        'é"\n',
    ],
)
def test_it_reads_back(value):
    plain = json.dumps({"x": value, "y": 1}, default=np.ndarray.tolist)
    assert json.loads(to_json({"x": value, "y": 1})) == json.loads(plain)


def test_its_layout_byte_for_byte():
    record = {
        "x": np.array([1.0, -0.5]),
        "m": np.array([1, 0], np.int8),
        "s": {"k": "é"},
        "n": None,
    }
    assert to_json(record) == (
        '{\n  "x": [1.0, -0.5],\n  "m": [1, 0],\n  "s": {"k": "\\u00e9"},\n  "n": null\n}\n'
    )
