"""The derivation as a presentation: one step per page, on the terminal's alternate screen."""

import math
import os
import re
import signal
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import click
from rich.console import Console

from dropout_cli.cli.output import lay_out, print_text
from dropout_cli.formats.document import Heading
from dropout_cli.trace import Trace
from dropout_cli.views.walkthrough import render
from dropout_cli.words.messages import Messages

# What the keys send; that of an arrow begins with Esc, on Windows with \xe0 or \0.
KEYS = {
    "on": (" ", "\r", "\n", "n", "N", "\x1b[C", "\x1bOC", "\x1b[6~", "\xe0M", "\0M"),
    "back": ("b", "B", "p", "P", "\x7f", "\x1b[D", "\x1bOD", "\x1b[5~", "\xe0K", "\0K"),
    "first": ("g", "\x1b[H", "\x1b[1~"),
    "last": ("G", "\x1b[F", "\x1b[4~"),
    "show": ("s", "S"),
    "keys": ("?",),
    "end": ("q", "Q", "\x1b", "\x03", "\x04"),
}
KEY = re.compile(r"\x1b\[\[?[0-9;]*[A-Za-z~]|\x1bO?[^\x1b]|[\xe0\0].|.", re.DOTALL)
MEANINGS = {key: meaning for meaning, keys in KEYS.items() for key in keys}


class Page(NamedTuple):
    """One page of a step.

    number: of the step. part: of the page within the step, from 0.
    full, blank: its lines with the results and without.
    """

    number: int
    part: int
    full: list[str]
    blank: list[str]


def present(trace: Trace, messages: Messages, chosen: Sequence[str]) -> None:
    """Present the chosen steps until a key ends it."""
    presentation = Presentation(trace, messages, chosen)
    with Console().screen():
        try:
            print_text("\x1b[?7l")  # a line that is too long is cut, not wrapped
            if hasattr(signal, "SIGWINCH"):  # Windows has none
                signal.signal(signal.SIGWINCH, presentation.resized)
            presentation.run()
        finally:
            print_text("\x1b[?7h")


class Presentation:
    """The state of a presentation.

    full, blank: the steps with their results and without.
    pages: both, laid out for a window of this size. place: the index of the current page.
    shown: the number and part of each page whose results are shown.
    typed: the number being typed, or "?" while the keys are explained.
    notice: what is said of the last key in the status line.
    waiting: whether it waits for a key, so that a resize may draw.
    """

    def __init__(self, trace: Trace, messages: Messages, chosen: Sequence[str]) -> None:
        """Render the chosen steps, and begin at the first."""
        self.messages = messages
        self.full, self.blank = (
            list(render(trace, messages._replace(revealed=revealed), chosen, checks=False))
            for revealed in (True, False)
        )
        self.place = 0
        self.pages: list[Page] = []
        self.size: os.terminal_size | None = None
        self.shown: set[tuple[int, int]] = set()
        self.typed = self.notice = ""
        self.waiting = False

    def run(self) -> None:
        """Draw the page and follow the keys until one of them ends it."""
        while True:
            self.draw()
            try:
                text = click.getchar() or "q"
            except (EOFError, OSError):  # Ctrl-D, or the terminal is gone
                return
            self.waiting = False
            for key in KEY.findall(text):
                if MEANINGS.get(key) == "end":
                    return
                self.move(key)

    def resized(self, *_: object) -> None:
        """Draw the page again after the window has changed, unless it is being drawn."""
        if self.waiting:
            self.draw()

    def draw(self) -> None:
        """Draw the page, again if the window changes meanwhile."""
        self.waiting, size = False, None
        while size != os.get_terminal_size():
            size = os.get_terminal_size()
            if size != self.size:
                self.lay_out(size)
            lines = "\r\n".join(f"\x1b[K{line}" for line in self.lines(size))
            print_text(f"\x1b[H{lines}")
        self.waiting = True

    def lay_out(self, size: os.terminal_size) -> None:
        """Break the steps into pages of this size, and keep the place."""
        self.size = size
        here = self.pages[self.place][:2] if self.pages else (0, 0)
        self.pages = []
        for step, hidden in zip(self.full, self.blank, strict=True):
            heading = Heading(f"{step.number}. {step.title}", 2)
            top, full, blank = (
                lay_out(blocks, size.columns).splitlines()
                for blocks in ([heading], step.blocks, hidden.blocks)
            )
            top = [*top, ""] if size.lines > len(top) + 5 else top[:1]
            self.pages += [
                Page(step.number, part, top + full[span], top + blank[span])
                for part, span in enumerate(_spans(full, max(1, size.lines - len(top) - 2)))
            ]
        self.place = max(k for k, page in enumerate(self.pages) if k == 0 or page[:2] <= here)

    def lines(self, size: os.terminal_size) -> list[str]:
        """Return the lines of the current page, and a status line."""
        page, words = self.pages[self.place], self.messages.prose["pause"]
        lines = page.full if page[:2] in self.shown else page.blank
        if self.typed == "?":
            on = words["on_hidden" if self.messages.hide else "on"]
            lines = [*on.splitlines(), *words["keys"].splitlines()]
        lines = lines[: size.lines - 1]
        parts = [each.number for each in self.pages].count(page.number)
        part = f" · {page.part + 1}/{parts}" if parts > 1 else ""
        typed = f" → {self.typed}" if self.typed.isdecimal() else ""
        status = f"{page.number}/{len(self.messages.prose['step'])}{part}{typed}"
        status += f"   {self.notice or words['prompt']}"
        return [*lines, *[""] * (size.lines - 1 - len(lines)), status]

    def move(self, key: str) -> None:
        """Act on a key other than those that end the presentation."""
        page = self.pages[self.place]
        hidden = page[:2] not in self.shown and page.full != page.blank
        typed, self.typed, self.notice = self.typed, "", ""
        match MEANINGS.get(key):
            case _ if key.isdecimal():
                self.typed = (typed.strip("?") + key)[-3:]
            case _ if typed == "?":  # any other key ends the explanation
                pass
            case _ if typed and key in "\x7f\b":
                self.typed = typed[:-1]
            case _ if typed and key in "\r\n":
                self.go_to(int(typed))
            case "on" if hidden:
                self.shown.add(page[:2])
            case "on":
                self.place = min(self.place + 1, len(self.pages) - 1)
            case "back":
                self.place = max(self.place - 1, 0)
            case "first":
                self.place = 0
            case "last":
                self.go_to(self.pages[-1].number)
            case "show":
                self.shown ^= {page[:2]}
            case "keys":
                self.typed = "?"

    def go_to(self, number: int) -> None:
        """Go to the step of this number, or note that it is not presented."""
        numbers = [page.number for page in self.pages]
        if number in numbers:
            self.place = numbers.index(number)
        else:
            self.notice = self.messages.string("pause", "no_step", number=number)


def _spans(lines: Sequence[str], room: int) -> Iterator[slice]:
    """Break lines into even pages of at most `room` lines, at empty lines.

    A colon does not end a page, unless there is no other place to break.
    """
    start = 0
    while (left := len(lines) - start) > room:
        even = start + math.ceil(left / math.ceil(left / room))
        gaps = [
            k
            for k in range(start + 1, start + room + 1)
            if not lines[k].strip() and not lines[k - 1].endswith((":", "："))
        ]
        end = min(gaps, key=lambda k: abs(k - even), default=start + room)
        yield slice(start, end)
        start = next((k for k in range(end, len(lines)) if lines[k].strip()), len(lines))
    if start < len(lines) or start == 0:
        yield slice(start, None)
