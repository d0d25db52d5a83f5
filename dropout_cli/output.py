"""Where text and pictures go: standard output, or a file that is written whole or not at all."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING

from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

ASCII = str.maketrans({
    "∂": "d", "Σ": "sum", "·": "*", "×": "x", "−": "-", "⊙": "*", "²": "^2", "ᵢ": "_i",
    "✓": "+", "✗": "x", "⋮": ":", "─": "-", "═": "=",
})  # fmt: skip


def to_ascii(text: str) -> str:
    """The text with the signs of mathematics spelt in ASCII, ? for what else there is."""
    return text.translate(ASCII).encode("ascii", "replace").decode("ascii")


def print_text(text: str) -> None:
    """Write the text to standard output, now; in ASCII where its encoding lacks a sign of it.

    Where the reader has gone (`| head -1`), the program ends as a shell's own tools do then, with
    128 + SIGPIPE.
    """
    if sys.stdout is None:
        return
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = to_ascii(text)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
        sys.exit(141)


def discard_output() -> None:
    """Point standard output at nothing, so that what it still holds cannot fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_file(path: str, write: Callable[[IO[bytes]], object]) -> None:
    """Have write fill the file at path, and make its folders: all of it, or nothing is changed.

    It is written beside its place, then renamed into it. Raises RequestError where the system
    refuses any of that.
    """
    import tempfile
    from pathlib import Path

    place = Path(os.path.realpath(path))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".dropout-cli-", dir=place.parent)
        beside = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                write(file)
            beside.chmod(place.stat().st_mode & 0o777 if place.exists() else 0o666 & ~_umask())
            beside.replace(place)
        except BaseException:
            beside.unlink()
            raise
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
