"""Where a document goes: standard output, or a file that is written whole or not at all."""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager, suppress
from os.path import splitext
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

from dropout_cli.errors import RequestError
from dropout_cli.formats import FORMATS, render
from dropout_cli.formats.ascii import to_ascii

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from dropout_cli.formats.document import Document
    from dropout_cli.words.messages import Voice

LINE = 390  # characters of a line on standard error
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
        from dropout_cli.formats.document import Setting

        title = click.get_current_context().command_path
        pieces = render(self.suffix, page, record, Setting(title, self.theme, self.lang))
        if self.path is None:
            for piece in pieces:
                print_text(piece.decode())
        else:
            write_file(self.path, pieces)
            if FORMATS[self.suffix].of == "verdict":  # CI systems keep the file, people read this
                print_page(page())
            say(self.voice.say("file", "wrote", path=self.path))
            if self.suffix == ".html":
                from dropout_cli.formats.html import typesets

                if not typesets():
                    say(self.voice.say("file", "not_typeset"))


def load_voice(lang: str, precision: int) -> Voice:
    """What says numbers and words in this language."""
    from dropout_cli.words import load
    from dropout_cli.words.messages import Voice

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
    page = "table" if FORMATS[suffix].of == "page" else None
    written = {printed: name for name, printed in PRINTED.items()}.get(suffix, page)
    if form not in (None, written):
        raise RequestError(
            f"--format {form} cannot be combined with -o {path}, whose suffix chooses the format"
        )
    return suffix


def print_page(page: Document) -> None:
    """Write the page to standard output, as a terminal shows it."""
    from dropout_cli.formats.terminal import to_terminal

    with _printing():  # rich writes to the stream, if only an empty string
        text = to_terminal(page)
    print_text(text)


def print_text(text: str) -> None:
    """Write the text to standard output, now; in ASCII where its encoding lacks a sign of it."""
    if sys.stdout is None:
        raise RequestError("standard output is closed, so there is nowhere to print to")
    encoding = sys.stdout.encoding or "utf-8"
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        data = to_ascii(text).encode(encoding)
    rest = memoryview(data)
    while rest:  # an unbuffered stream may take a part at a time
        try:
            with _printing():
                rest = rest[sys.stdout.buffer.write(rest) :]
                sys.stdout.flush()
        except BlockingIOError as error:  # and one that does not wait takes what it can
            import select

            rest = rest[error.characters_written :]
            select.select([], [sys.stdout], [])


@contextmanager
def _printing() -> Iterator[None]:
    """Say what keeps standard output from taking more.

    Where the reader has gone (`| head -1`), the program ends as a shell's own tools do then, with
    128 + SIGPIPE.
    """
    try:
        yield
    except BlockingIOError:
        raise
    except BrokenPipeError:
        discard(sys.stdout)
        sys.exit(141)
    except OSError as error:
        discard(sys.stdout)
        raise RequestError(f"cannot write to standard output: {error.strerror}") from None


def say(words: str) -> None:
    """Write one line to standard error; where nobody can be told, the exit code still tells."""
    if sys.stderr is None:
        return
    try:
        print(legible(words), file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)


def legible(words: str) -> str:
    """The words in one line that a terminal shows as they are.

    Whatever is not printable, as in a file's name, is written as an escape; a long word is
    shortened in its middle, and so is the line.
    """
    escaped = "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in words
    )
    escaped = re.sub(r"\S{121,}", lambda word: f"{word[0][:70]}…{word[0][-40:]}", escaped)
    return escaped if len(escaped) <= LINE else f"{escaped[: LINE - 101]}…{escaped[-100:]}"


def discard(stream: TextIO | None) -> None:
    """Point the stream at nothing, so that what it still holds cannot fail again at exit."""
    if stream is None:
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write_file(path: str, pieces: Iterable[bytes]) -> None:
    """Write the file at path, and make its folders: all of the pieces, or nothing is changed.

    It is written beside its place, then renamed into it, with the mode and the owner of the file
    that was there. Raises RequestError where the system refuses any of that.
    """
    import time
    from pathlib import Path

    try:
        place = Path(os.path.realpath(path))
        beside = place.with_name(f".dropout-cli-{os.getpid()}-{time.time_ns()}")
        made = [folder for folder in place.parents if not folder.exists()]
        if place.is_symlink():
            raise OSError(None, "its symbolic links lead back to it")
        if place.exists() and not (place.is_file() and os.access(place, os.W_OK)):
            raise OSError(None, "it is not a file that may be written")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("xb") as file:
                file.writelines(pieces)
            if place.exists():
                _give(beside, place.stat())
            beside.replace(place)
        except BaseException:
            beside.unlink(missing_ok=True)
            with suppress(OSError):  # which keeps a folder that is not empty
                for folder in made:
                    folder.rmdir()
            raise
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from None


def _give(file: Path, former: os.stat_result) -> None:
    """Give the file the owner, the group and the mode of the one that it replaces."""
    if os.name == "posix":
        status = file.stat()
        if status.st_uid != former.st_uid:
            os.chown(file, former.st_uid, former.st_gid)
        elif status.st_gid != former.st_gid:
            with suppress(PermissionError):  # of a group that the user is not in
                os.chown(file, -1, former.st_gid)
    file.chmod(former.st_mode & 0o777)
