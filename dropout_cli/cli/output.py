"""Where a document goes: standard output, or a file that is written whole or not at all."""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import contextmanager
from os.path import splitext
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from dropout_cli.errors import RequestError
from dropout_cli.formats import FORMATS, render
from dropout_cli.formats.ascii import to_ascii

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dropout_cli.cli.pictures import Draw
    from dropout_cli.figure.style import Style
    from dropout_cli.formats.document import Document, Picture
    from dropout_cli.words.messages import Messages

LINE = 390  # characters of a line on standard error
PICTURES = (".png", ".pdf", ".svg")  # of a pass or a step
PRINTED = {"table": ".txt", "json": ".json", "markdown": ".md"}  # what --format prints, as a suffix


class Output(NamedTuple):
    """Where a document goes, and as what.

    suffix: a key of FORMATS. path: a file, or None for standard output. theme: of its colours, if
    one is given. title: of the document, for formats that show it. transparent, heading: of a
    picture; None for the document's own heading.
    """

    suffix: str
    path: str | None
    theme: str | None
    precision: int
    lang: str
    title: str
    transparent: bool = False
    heading: str | None = None

    @property
    def style(self) -> Style:
        """How a picture is drawn."""
        from dropout_cli.figure.style import Style

        style = Style(theme=self.theme or "light", transparent=self.transparent, lang=self.lang)
        return style._replace(title=self.heading).checked()

    @property
    def messages(self) -> Messages:
        """The language and precision in which the document is written."""
        return load_messages(self.lang, self.precision)

    @property
    def width(self) -> int:
        """The columns of the page: the terminal's, or those of a file."""
        from dropout_cli.formats.terminal import WIDTH, columns

        on_screen = self.path is None and self.suffix == ".txt"
        return (columns() if on_screen else 0) or WIDTH

    def deliver(
        self,
        page: Callable[[], Document],
        record: Callable[[], Mapping[str, Any]],
        draw: Draw | None = None,
        picture: Picture | None = None,
    ) -> None:
        """Print or write the page, or the record where the format is one of data.

        draw: how the page becomes a picture, where it can be one. picture: one of the page, which
        stands beside a file that cannot hold it.
        """
        if self.path is None and self.suffix == ".txt":
            print_page(page())
        elif self.path is None:
            print_text(self._render(page, record))
        elif draw is not None and self.suffix in PICTURES:
            from dropout_cli.cli.pictures import draw_page

            self._write(draw_page(page(), draw, self.style, self.suffix), self.path)
        else:
            beside = None
            if picture is not None and self.suffix == ".md":
                beside = f"{splitext(self.path)[0]}-lanes.svg"
                self._write(picture.svg.encode(), beside)
            self._write(self._render(page, record, beside).encode(), self.path)
            if FORMATS[self.suffix].of == "verdict":  # CI systems keep the file, people read this
                print_page(page())

    def _render(
        self,
        page: Callable[[], Document],
        record: Callable[[], Mapping[str, Any]],
        beside: str | None = None,
    ) -> str:
        from dropout_cli.formats.document import Setting

        picture = None if beside is None else os.path.basename(beside)
        setting = Setting(self.title, self.theme, self.lang, picture)
        return render(self.suffix, page, record, setting)

    def _write(self, data: bytes, path: str) -> None:
        write_file(path, data)
        say(self.messages.string("file", "wrote", path=path))
        if self.suffix == ".html":
            from dropout_cli.formats.html import typesets

            if not typesets():
                say(self.messages.string("file", "not_typeset"))


def load_messages(lang: str, precision: int) -> Messages:
    """Load the words of this language, with numbers to this precision."""
    from dropout_cli.words import load
    from dropout_cli.words.messages import Messages

    return Messages(load(lang), precision)


def suffix_of(path: str, known: Iterable[str]) -> str:
    """Return the suffix of a path, in small letters; RequestError for one that is not known."""
    suffix = splitext(path)[1].lower()
    if suffix not in known:
        raise RequestError(f"the name {path!r} must end in one of {', '.join(known)}")
    return suffix


def chosen_suffix(form: str | None, path: str | None, known: Iterable[str]) -> str:
    """Return the suffix that --format and --output choose; RequestError where they disagree."""
    if path is None:
        return PRINTED[form or "table"]
    suffix = suffix_of(path, known)
    page = "table" if suffix in FORMATS and FORMATS[suffix].of == "page" else None
    written = {printed: name for name, printed in PRINTED.items()}.get(suffix, page)
    if form not in (None, written):
        raise RequestError(
            f"--format {form} cannot be combined with -o {path}, whose suffix chooses the format"
        )
    return suffix


def print_page(page: Document) -> None:
    """Write the page to standard output, as a terminal shows it."""
    from dropout_cli.formats.terminal import to_terminal

    with printing():  # rich writes to the stream, if only an empty string
        text = to_terminal(page)
    print_text(text)


def print_text(text: str) -> None:
    """Write the text to standard output, now; in ASCII where its encoding lacks a sign of it."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = to_ascii(text)
    with printing():
        sys.stdout.write(text)
        sys.stdout.flush()


@contextmanager
def printing() -> Iterator[None]:
    """Say why standard output takes no more.

    Where the reader has gone (`| head -1`), exit with 128 + SIGPIPE, as a shell's own tools do.
    """
    try:
        yield
    except BrokenPipeError:
        discard(sys.stdout)
        sys.exit(141)
    except OSError as error:
        discard(sys.stdout)
        raise RequestError(f"cannot write to standard output: {error.strerror}") from None


def is_terminal() -> bool:
    """Test whether somebody sits at a terminal that can show one page after the other."""
    streams = (sys.stdin, sys.stdout)
    dumb = os.environ.get("TERM", "") in ("", "dumb", "unknown") and os.name == "posix"
    return not dumb and all(stream is not None and stream.isatty() for stream in streams)


def say(words: str) -> None:
    """Write one line to standard error; where nobody can be told, the exit code still tells."""
    if sys.stderr is None:
        return
    try:
        print(legible(words), file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)


def legible(words: str) -> str:
    """Escape and shorten a message to one line that a terminal shows as it is.

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


def write_file(path: str, data: bytes) -> None:
    """Write the file at path, and make its folders.

    It is written beside its place, then renamed into it, with the mode of the file that was there.
    Raises RequestError where the system refuses any of that.
    """
    from pathlib import Path

    try:
        place = Path(os.path.realpath(path))
        beside = place.with_name(f".dropout-cli-{os.getpid()}-{time.time_ns()}")
        if place.exists() and not (place.is_file() and os.access(place, os.W_OK)):
            raise OSError(None, "it is not a file that may be written")
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("xb") as file:
                file.write(data)
            if place.exists():
                beside.chmod(place.stat().st_mode & 0o777)
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from None
