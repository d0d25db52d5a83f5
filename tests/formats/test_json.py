"""JSON has one key on each line, and arrays are lists."""

import json

import numpy as np

from dropout_cli.formats.json import to_json


def test_its_layout_byte_for_byte() -> None:
    record = {
        "x": np.array([1.0, -0.5]),
        "m": np.array([1, 0], np.int8),
        "s": {"k": "é"},
        "n": None,
    }
    assert to_json(record) == (
        '{\n  "x": [1.0, -0.5],\n  "m": [1, 0],\n  "s": {"k": "\\u00e9"},\n  "n": null\n}\n'
    )


def test_it_reads_back() -> None:
    long = np.linspace(-1, 1, 1001)
    record = {"x": long, "y": [{"a": long, "b": [{}, [1, [2, None]], True]}], "z": 'é"\n'}
    plain = json.dumps(record, default=np.ndarray.tolist)
    assert json.loads(to_json(record)) == json.loads(plain)
