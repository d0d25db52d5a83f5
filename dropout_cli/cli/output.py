"""Where a document goes: standard output, or a file that is written whole or not at all."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from os.path import splitext
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

from dropout_cli.errors import RequestError
from dropout_cli.formats import FORMATS, render
from dropout_cli.formats.ascii import to_ascii
from dropout_cli.formats.document import Setting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dropout_cli.formats.document import Document
    from dropout_cli.prose.voice import Voice

PRINTED = {"table": ".txt", "json": ".json", "markdown": ".md"}  # what --format prints, as a suffix


class Output(NamedTuple):
    """Where a document goes, and as what.

    suffix: a key of FORMATS. path: a file, or None for standard output. theme: of its colours, if
    one was asked for.
    """

    suffix: str
    path: str | None
    theme: str | None
    precision: int
    lang: str

    @property
    def voice(self) -> Voice:
        """What says the document."""
        return load_voice(self.lang, self.precision)

    def deliver(
        self, page: Callable[[], Document], record: Callable[[], Mapping[str, Any]]
    ) -> None:
        """Print or write the page, or the record where the format is one of data."""
        if self.path is None and self.suffix == ".txt":
            print_page(page())
            return
        title = click.get_current_context().command_path
        text = render(self.suffix, page, record, Setting(title, self.theme, self.lang))
        if self.path is None:
            print_text(text)
        else:
            write_file(self.path, text.encode())
            if FORMATS[self.suffix].of == "verdict":  # CI systems keep the file, people read this
                print_page(page())
            say(self.voice.say("file", "wrote", path=self.path))
            if self.suffix == ".html" and find_spec("latex2mathml") is None:
                say(self.voice.say("file", "not_typeset"))


def load_voice(lang: str, precision: int) -> Voice:
    """What says numbers and words in this language."""
    from dropout_cli.prose import load
    from dropout_cli.prose.voice import Voice

    return Voice(load(lang), precision)


def suffix_of(path: str, known: Iterable[str]) -> str:
    """The suffix of a path, in small letters; RequestError for one that is not known."""
    suffix = splitext(path)[1].lower()
    if suffix not in known:
        raise RequestError(f"the name {path!r} must end in one of {', '.join(known)}")
    return suffix


def chosen_suffix(form: str | None, path: str | None, known: Iterable[str]) -> str:
    """The suffix that --format and --output ask for; RequestError where they disagree."""
    if path is None:
        return PRINTED[form or "table"]
    suffix = suffix_of(path, known)
    written = {printed: name for name, printed in PRINTED.items()}.get(suffix, "table")
    if form not in (None, written):
        raise RequestError(
            f"--format {form} cannot be combined with -o {path}, whose suffix chooses the format"
        )
    return suffix


def print_page(page: Document) -> None:
    """Write the page to standard output, as a terminal shows it."""
    from dropout_cli.formats.terminal import to_terminal

    print_text(to_terminal(page))


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
