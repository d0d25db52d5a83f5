"""The program in a process of its own, and cases that are left to the slow tests."""

import subprocess
import sys
from subprocess import PIPE, CompletedProcess
from typing import Any

import pytest

COMMAND = [sys.executable, "-m", "dropout_cli"]


def program(*args: str, **options: Any) -> CompletedProcess[str]:
    """Run one command line."""
    kept: dict[str, Any] = {"stdout": PIPE, "stderr": PIPE, "encoding": "utf-8"}
    return subprocess.run([*COMMAND, *args], **kept | options)


def shell(line: str, **options: Any) -> CompletedProcess[str]:
    """Run a line of bash, in which dropout-cli is this program."""
    kept: dict[str, Any] = {"stdout": PIPE, "stderr": PIPE, "encoding": "utf-8"}
    command = ["bash", "-c", line.replace("dropout-cli", " ".join(COMMAND))]
    return subprocess.run(command, **kept | options)


def slow(*values: object) -> Any:
    """Mark a case of a parametrized test as slow."""
    return pytest.param(*values, marks=pytest.mark.slow)
