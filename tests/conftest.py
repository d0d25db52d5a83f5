import io
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import settings

from dropout_cli.cli import pictures, run


class Result(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def words(self) -> str:
        """The output as one line, in which a sentence is found wherever it was broken."""
        return " ".join(self.out.split())

    @property
    def error(self) -> str:
        """The one sentence that a failing command printed, and nothing else."""
        assert (self.code, self.out) == (2, "")
        assert self.err.startswith("Error: ")
        assert self.err.count("\n") == 1
        assert "a defect" not in self.err
        return self.err


# The tests do not depend on the language, colours and size set in the shell.
for name in (
    "COLUMNS", "DROPOUT_CLI_LANG", "FORCE_COLOR", "LINES", "MPLBACKEND", "NO_COLOR",
    "PYTHONIOENCODING", "PYTHONUNBUFFERED", "PYTHONWARNINGS", "TERM", "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
):  # fmt: skip
    os.environ.pop(name, None)
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it

# The same examples in every run, however long each takes.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

Run = Callable[..., Result]


def npy(values: Any) -> bytes:
    """Return the bytes of a .npy file."""
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


@pytest.fixture(name="cli")
def run_cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command line in this process, with a standard input of its own."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*args: str, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            code = run(list(args))
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return call


@pytest.fixture
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print in colour, as on a terminal of 256 colours."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def without_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the drawing out, which takes longer than all the words."""
    monkeypatch.setattr(pictures, "lanes", lambda *_: None)
