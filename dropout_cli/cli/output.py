"""Writing documents to standard output or to a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from dropout_cli.errors import RequestError
from dropout_cli.formats import FORMATS, render
from dropout_cli.formats.ascii import to_ascii, widen
from dropout_cli.formats.document import Setting

if TYPE_CHECKING:
    from dropout_cli.figure.style import Style
    from dropout_cli.formats.document import Document, Picture
    from dropout_cli.words.messages import Messages

PRECISION = 6  # significant digits of a page
LINE = 390  # characters of a line on standard error
PICTURES = (".png", ".pdf", ".svg")  # of a pass or a step
PRINTED = {"table": ".txt", "json": ".json", "markdown": ".md"}  # from --format to a suffix


class Output(NamedTuple):
    """The values of the output options.

    suffix: a key of FORMATS, or one of PICTURES. window: the title of a window or a report.
    path: a file, or None for standard output. theme: "light", "dark", or None if not given.
    transparent: whether a picture has no background.
    title: of a picture; None for the document's heading.
    """

    suffix: str
    window: str
    path: str | None
    theme: str | None
    lang: str
    precision: int = PRECISION
    transparent: bool = False
    title: str | None = None

    @property
    def style(self) -> Style:
        """The style of a picture."""
        from dropout_cli.figure.style import Style

        theme, lang = self.theme or "light", self.lang
        return Style("panels", theme, self.transparent, title=self.title, lang=lang).checked()

    @property
    def messages(self) -> Messages:
        """The language and precision in which the document is written."""
        return load_messages(self.lang, self.precision)

    @property
    def width(self) -> int:
        """The width of the page in columns."""
        from dropout_cli.formats.terminal import WIDTH, columns

        on_screen = self.path is None and self.suffix == ".txt"
        return (columns() if on_screen else 0) or WIDTH

    @property
    def is_data(self) -> bool:
        """Whether the output is a record, not a page."""
        return self.suffix in FORMATS and FORMATS[self.suffix].content != "page"

    def write(self, content: Any, picture: Picture | None = None) -> None:
        """Write a page, or a record if is_data, to standard output or to the file.

        picture: the one in the page, which Markdown needs as a file of its own.
        """
        if self.path is None and self.suffix == ".txt":
            print_page(content)
            return
        beside = None
        if self.path is not None and picture is not None and self.suffix == ".md":
            lanes = f"{os.path.splitext(self.path)[0]}-lanes.svg"
            save_file(lanes, picture.svg.encode(), self.messages)
            beside = os.path.basename(lanes)
        setting = Setting(self.window, self.theme, self.lang, beside)
        text = render(self.suffix, content, setting)
        if self.path is None:
            print_text(text)
        else:
            self.save(text.encode())

    def save(self, data: bytes) -> None:
        """Write the file, and report it."""
        assert self.path is not None
        save_file(self.path, data, self.messages)
        if self.suffix == ".html":
            from dropout_cli.formats.html import typesets

            if not typesets():
                say(self.messages.string("file", "not_typeset"))


def load_messages(lang: str, precision: int) -> Messages:
    """Load the messages of a language, with numbers to this precision."""
    from dropout_cli.words import load
    from dropout_cli.words.messages import Messages

    return Messages(load(lang), precision)


def suffix_of(path: str, known: Iterable[str]) -> str:
    """Return the suffix of a path in lower case; RequestError for an unknown one."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in known:
        raise RequestError(f"the name {path!r} must end in one of {', '.join(known)}")
    return suffix


def chosen_suffix(form: str | None, path: str | None, known: Iterable[str]) -> str:
    """Return the suffix that --format and --output choose; RequestError if they disagree."""
    if path is None:
        return PRINTED[form or "table"]
    suffix = suffix_of(path, known)
    if form is not None and PRINTED[form] != suffix:
        raise RequestError(
            f"--format {form} cannot be combined with -o {path}, whose suffix chooses the format"
        )
    return suffix


def print_page(page: Document) -> None:
    """Print a page as a terminal shows it."""
    print_text(lay_out(page))


def lay_out(page: Document, width: int | None = None) -> str:
    """Lay out a page for standard output, as wide as the terminal unless a width is given."""
    from dropout_cli.formats.terminal import to_terminal

    text = to_terminal(page, width)
    return text if _printable(text) else to_terminal([widen(block) for block in page], width)


def print_text(text: str) -> None:
    """Print text at once, in ASCII if the encoding of standard output lacks a character of it."""
    sys.stdout.write(text if _printable(text) else to_ascii(text))
    sys.stdout.flush()


def _printable(text: str) -> bool:
    """Test whether the encoding of standard output has every character of a text."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def say(words: str) -> None:
    """Print one line on standard error, if it can be written to."""
    try:
        print(legible(words), file=sys.stderr, flush=True)
    except OSError:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  or Python would fail again at its exit


def legible(words: str) -> str:
    """Escape unprintable characters, as in the name of a file, and shorten a long line."""
    escaped = "".join(c if c.isprintable() else repr(c)[1:-1] for c in words)
    return escaped if len(escaped) <= LINE else f"{escaped[: LINE - 101]}…{escaped[-100:]}"


def save_file(path: str, data: bytes, messages: Messages) -> None:
    """Write a file, whole or not at all, with its folders, and report it.

    It is written beside its place, given the mode of an earlier file, and renamed.
    Raises RequestError if the system refuses.
    """
    from pathlib import Path

    try:
        place = Path(os.path.realpath(path))
        beside = place.with_name(f".dropout-cli-{os.getpid()}")
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_bytes(data)
            if place.exists():
                beside.chmod(place.stat().st_mode & 0o777)
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from None
    say(messages.string("file", "wrote", path=path))
