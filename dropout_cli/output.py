"""Where text and pictures go: standard output, or a file that is written whole or not at all."""

import os
import sys
from typing import TextIO

from dropout_cli.errors import RequestError

ASCII = str.maketrans({
    "∂": "d", "Σ": "sum", "·": "*", "×": "x", "−": "-", "⊙": "*", "≠": "!=", "≤": "<=",
    "…": "...", "∎": "QED", "²": "^2", "ᵀ": "^T", "ᵢ": "_i", "ⱼ": "_j", "ₙ": "_n",
    **{chr(0x2080 + digit): str(digit) for digit in range(10)},
    "✓": "+", "✗": "x", "–": "-", "⋮": ":", "─": "-", "═": "=",
    **dict.fromkeys("⎡⎢⎣", "["), **dict.fromkeys("⎤⎥⎦", "]"), **dict.fromkeys("⎧⎨⎩", "{"),
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
        raise RequestError("standard output is closed, so there is nowhere to print to")
    encoding = sys.stdout.encoding or "utf-8"
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        data = to_ascii(text).encode(encoding)
    try:
        rest = memoryview(data)
        while rest:  # an unbuffered stream may take a part at a time
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.flush()
    except BrokenPipeError:
        discard(sys.stdout)
        sys.exit(141)


def say(words: str) -> None:
    """Write a line to standard error; where nobody can be told, the exit code still tells."""
    if sys.stderr is None:
        return
    try:
        print(words, file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Point the stream at nothing, so that what it still holds cannot fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write_file(path: str, data: bytes) -> None:
    """Write the file at path, and make its folders: all of the data, or nothing is changed.

    It is written beside its place, then renamed into it. Raises RequestError where the system
    refuses any of that.
    """
    import tempfile
    from pathlib import Path

    place = Path(os.path.realpath(path))
    try:
        if place.exists() and not (place.is_file() and os.access(place, os.W_OK)):
            raise OSError(None, "it is not a file that may be written")
        place.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".dropout-cli-", dir=place.parent)
        beside = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
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
