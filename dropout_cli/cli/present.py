"""The derivation as a presentation: a step a page, on a screen of its own."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING, NamedTuple

import click

from dropout_cli.cli.output import print_text
from dropout_cli.formats.document import Heading
from dropout_cli.formats.terminal import other_screen, to_terminal
from dropout_cli.views.walkthrough import render

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Messages

# What the keys send: arrows come as a sequence that begins with Esc, on Windows with \xe0 or \0.
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
    """A page: the number of its step, which of the step's pages it is, from 0, and its lines.

    full: with the results. blank: without.
    """

    number: int
    part: int
    full: list[str]
    blank: list[str]


def present(trace: Trace, messages: Messages, chosen: Sequence[str]) -> None:
    """Show the chosen steps until a key ends it."""
    presentation = Presentation(trace, messages, chosen)
    other_screen(True)
    try:
        if hasattr(signal, "SIGWINCH"):  # Windows has none
            signal.signal(signal.SIGWINCH, presentation.resized)
        presentation.run()
    finally:
        other_screen(False)


class Presentation:
    """The pages, where it stands among them, and those whose results are shown.

    digits: a number begun to be typed. notice: what to say about the last key. explaining: whether
    the keys are explained. waiting: whether a key is awaited, so that the window can be redrawn.
    """

    def __init__(self, trace: Trace, messages: Messages, chosen: Sequence[str]) -> None:
        """Begin at the first of the chosen steps."""
        self.messages = messages
        self.full, self.blank = (
            list(render(trace, messages._replace(revealed=revealed), chosen, checks=False))
            for revealed in (True, False)
        )
        self.place = 0
        self.pages: list[Page] = []
        self.shown: set[tuple[int, int]] = set()
        self.digits = self.notice = ""
        self.explaining = self.waiting = False

    def run(self) -> None:
        """Draw a page, read the next keys, and move, until one of them ends it."""
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
        """Draw the page again, unless it is about to be drawn."""
        if self.waiting:
            self.draw()

    def draw(self) -> None:
        """Draw the page, until the window has had the same size all the while."""
        self.waiting, size = False, None
        while size != os.get_terminal_size():
            size = os.get_terminal_size()
            self.lay_out(size)
            lines = "\r\n".join(f"\x1b[K{line}" for line in self.lines(size))
            print_text(f"\x1b[H{lines}")
        self.waiting = True

    def lay_out(self, size: os.terminal_size) -> None:
        """Break the steps into pages of this size, and stay where it stands."""
        here = self.pages[self.place][:2] if self.pages else (0, 0)
        self.pages = []
        for step, hidden in zip(self.full, self.blank, strict=True):
            top, full, blank = (
                to_terminal(blocks, size.columns).splitlines()
                for blocks in (
                    [Heading(f"{step.number}. {step.title}", 2)],
                    step.blocks,
                    hidden.blocks,
                )
            )
            top = [*top, ""] if size.lines > len(top) + 5 else top[:1]
            self.pages += [
                Page(step.number, part, top + full[span], top + blank[span])
                for part, span in enumerate(_spans(full, max(1, size.lines - len(top) - 2)))
            ]
        self.place = max(k for k, page in enumerate(self.pages) if k == 0 or page[:2] <= here)

    def lines(self, size: os.terminal_size) -> list[str]:
        """Write the page of the place, and where that stands."""
        page, words = self.pages[self.place], self.messages.prose["pause"]
        lines = page.full if page[:2] in self.shown else page.blank
        if self.explaining:
            lines = words["keys_hidden" if self.messages.hide else "keys"].splitlines()
        lines = lines[: size.lines - 1]
        parts = [each.number for each in self.pages].count(page.number)
        part = f" · {page.part + 1}/{parts}" if parts > 1 else ""
        typed = f" → {self.digits}" if self.digits else ""
        status = f"{page.number}/{len(self.messages.prose['step'])}{part}{typed}"
        status += f"   {self.notice or words['prompt']}"
        return [*lines, *[""] * (size.lines - 1 - len(lines)), status]

    def move(self, key: str) -> None:
        """Go where the key leads."""
        page = self.pages[self.place]
        hidden = page[:2] not in self.shown and page.full != page.blank
        digits, self.digits, self.notice = self.digits, "", ""
        explaining, self.explaining = self.explaining, False
        match MEANINGS.get(key):
            case _ if key.isdecimal():
                self.digits = (digits + key)[-3:]
            case _ if digits and key in "\x7f\b":
                self.digits = digits[:-1]
            case _ if digits and key in "\r\n":
                self.go_to(int(digits))
            case _ if explaining:
                pass
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
                self.explaining = True

    def go_to(self, number: int) -> None:
        """Go to the step of this number, or say that there is none."""
        numbers = [page.number for page in self.pages]
        if number in numbers:
            self.place = numbers.index(number)
        else:
            self.notice = self.messages.string("pause", "no_step", number=number)


def _spans(lines: Sequence[str], room: int) -> Iterator[slice]:
    """Break lines into pages, at empty lines where a page is then at least half full.

    No page ends with words that announce more.
    """
    start = 0
    while len(lines) - start > room:
        gaps = [
            k
            for k in range(start + max(1, room // 2), start + room + 1)
            if not lines[k].strip() and not lines[k - 1].endswith((":", "："))
        ]
        end = gaps[-1] if gaps else start + room
        yield slice(start, end)
        start = next((k for k in range(end, len(lines)) if lines[k].strip()), len(lines))
    if start < len(lines) or start == 0:
        yield slice(start, None)
