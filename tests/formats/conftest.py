from __future__ import annotations

import pytest

from dropout_cli.cli import commands


@pytest.fixture
def without_lanes(monkeypatch):
    """Leave the drawing out, which takes longer than all the words."""
    monkeypatch.setattr(commands, "lanes", lambda *_: None)
