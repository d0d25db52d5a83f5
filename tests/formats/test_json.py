"""JSON is written in pieces, so that long vectors take no room of their own."""

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
def test_pieces_are_short_and_read_back(value):
    pieces = list(to_json({"x": value, "y": 1}))
    assert max(map(len, pieces)) < 10**6
    plain = json.dumps({"x": value, "y": 1}, default=np.ndarray.tolist)
    assert json.loads("".join(pieces)) == json.loads(plain)
