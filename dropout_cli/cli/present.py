"""The derivation as a presentation: a step a page, on a screen of its own."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING, NamedTuple

import click
from rich.cells import cell_len

from dropout_cli.cli.output import print_text
from dropout_cli.formats.document import Heading
from dropout_cli.formats.terminal import other_screen, to_terminal
from dropout_cli.views.walkthrough import render
from dropout_cli.words.messages import BLANK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dropout_cli.trace import Trace
    from dropout_cli.views.walkthrough import Step
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
ENTER, ERASE = ("\r", "\n"), ("\x7f", "\b")
MEANINGS = {key: meaning for meaning, keys in KEYS.items() for key in keys}
REMAINDER = 6  # the most lines of a last page that is worth avoiding
LAST = 10**6  # the last page of a step, however many it has


class Place(NamedTuple):
    """Where the presentation stands.

    step: which of the steps presented, from 0. part: which of its pages. digits: a number begun to
    be typed. notice: what to say about the last key. keys: whether the keys are explained.
    """

    step: int = 0
    part: int = 0
    digits: str = ""
    notice: str = ""
    keys: bool = False


def present(trace: Trace, messages: Messages, chosen: Sequence[str]) -> None:
    """Show the chosen steps, each when it is reached, until a key ends it."""
    presentation = Presentation(trace, messages, chosen)
    resized = getattr(signal, "SIGWINCH", None)  # Windows has none
    usual = resized and signal.signal(resized, presentation.draw)
    other_screen(True)
    try:
        presentation.run()
    finally:
        other_screen(False)
        if resized:
            signal.signal(resized, usual)


class Presentation:
    """The steps, the place among them, and the pages whose results are shown."""

    def __init__(self, trace: Trace, messages: Messages, chosen: Sequence[str]) -> None:
        """Begin at the first of the chosen steps."""
        self.trace, self.messages, self.chosen = trace, messages, chosen
        self.numbers = [
            k for k, each in enumerate(messages.prose["step"], 1) if each["id"] in chosen
        ]
        self.place = Place()
        self.shown: set[tuple[int, int]] = set()
        self.rendered: dict[tuple[str, bool], Step] = {}
        self.drawing = self.stale = False

    def run(self) -> None:
        """Draw a page, read the next keys, and move, until one of them ends it."""
        while True:
            self.draw()
            try:
                text = click.getchar() or "q"
            except (EOFError, OSError):  # Ctrl-D, or the terminal is gone
                return
            for key in KEY.findall(text):
                if MEANINGS.get(key) == "end":
                    return
                self.move(key)

    def draw(self, *_: object) -> None:
        """Draw the page; once more where the window is resized meanwhile, which calls this too."""
        self.stale = True
        if self.drawing:
            return
        self.drawing = True
        while self.stale:
            self.stale = False
            lines = self.page(os.get_terminal_size())
            text = "\r\n".join(f"\x1b[K{line}" for line in lines)
            print_text(f"\x1b[H{text}")
        self.drawing = False

    def move(self, key: str) -> None:
        """Go where the key leads."""
        parts = self.parts(os.get_terminal_size())
        place = self.place
        here = place._replace(digits="", notice="", keys=False)
        last = len(self.chosen) - 1
        blank = any(BLANK in line for line in parts[place.part])
        match MEANINGS.get(key):
            case _ if key.isdecimal():
                here = here._replace(digits=(place.digits + key)[-3:])
            case _ if place.digits and key in ERASE:
                here = here._replace(digits=place.digits[:-1])
            case _ if place.digits and key in ENTER:
                here = self.step_of(int(place.digits), here)
            case _ if place.keys:
                pass
            case "on" if blank:
                self.shown.add((place.step, place.part))
            case "on" if place.part < len(parts) - 1:
                here = here._replace(part=place.part + 1)
            case "on" if place.step < last:
                here = Place(place.step + 1)
            case "back" if place.part > 0:
                here = here._replace(part=place.part - 1)
            case "back" if place.step > 0:
                here = Place(place.step - 1, LAST)
            case "first":
                here = Place()
            case "last":
                here = Place(last)
            case "show":
                self.shown ^= {(place.step, place.part)}
            case "keys":
                here = here._replace(keys=True)
        self.place = here

    def step_of(self, number: int, here: Place) -> Place:
        """Go to the step of this number, or say that there is none."""
        if number in self.numbers:
            return Place(self.numbers.index(number))
        return here._replace(notice=self.messages.string("pause", "no_step", number=number))

    def step(self, shown: bool) -> Step:
        """Render the step of the place, once with its results and once without."""
        at = self.chosen[self.place.step], shown
        if at not in self.rendered:
            messages = self.messages._replace(revealed=shown)
            (self.rendered[at],) = render(self.trace, messages, [at[0]], checks=False)
        return self.rendered[at]

    def parts(self, size: os.terminal_size) -> list[list[str]]:
        """Lay out the step of the place in pages, and correct the place to one that there is."""
        with_results, without = (
            to_terminal(self.step(shown).blocks, size.columns).splitlines()
            for shown in (True, False)
        )
        room = max(1, size.lines - len(_heading(self.step(True), size)) - 2)
        spans = _spans(with_results, room)
        self.place = self.place._replace(part=min(self.place.part, len(spans) - 1))
        return [
            (with_results if (self.place.step, part) in self.shown else without)[span]
            for part, span in enumerate(spans)
        ]

    def page(self, size: os.terminal_size) -> list[str]:
        """Lay out the page of the place: the heading, its part of the step, and where it stands."""
        parts, place, step = self.parts(size), self.place, self.step(False)
        body = parts[place.part]
        if place.keys:
            keys = "keys_hidden" if self.messages.hide else "keys"
            body = self.messages.prose["pause"][keys].splitlines()
        body = [*_heading(step, size), *body][: size.lines - 1]
        page = f" · {place.part + 1}/{len(parts)}" if len(parts) > 1 else ""
        typed = f" → {place.digits}" if place.digits else ""
        status = f"{step.number}/{len(self.messages.prose['step'])}{page}{typed}"
        for prompt in (place.notice, self.messages.string("pause", "prompt"), "?"):
            if prompt and cell_len(f"{status}   {prompt}") < size.columns:
                status = f"{status}   {prompt}"
                break
        return [*body, *[""] * (size.lines - 1 - len(body)), status]


def _heading(step: Step, size: os.terminal_size) -> list[str]:
    """Lay out what stands on top of each page of a step; its first line alone in a low window."""
    lines = to_terminal([Heading(f"{step.number}. {step.title}", 2)], size.columns).splitlines()
    return [*lines, ""] if size.lines > len(lines) + 5 else lines[:1]


def _spans(lines: Sequence[str], room: int) -> list[slice]:
    """Break lines into as many pages as it takes, at empty lines where that is near."""
    spans, start = [], 0
    while len(lines) - start > room:
        rest = lines[start:]
        gaps = [k for k in range(1, room + 1) if _may_end(rest[:k], rest[k:])]
        near = [k for k in gaps if k >= room // 2]
        cut = near[-1] if near else room
        if len(rest) - cut <= REMAINDER:  # the last page would be a remainder
            cut = next((k for k in reversed(gaps) if len(rest) - k > REMAINDER), cut)
        spans.append(slice(start, start + cut))
        start += cut
        while start < len(lines) and not lines[start].strip():
            start += 1
    return [*spans, slice(start, None)] if start < len(lines) or not spans else spans


def _may_end(page: Sequence[str], following: Sequence[str]) -> bool:
    """Test for an empty line, not after words that announce more."""
    announces = bool(page) and page[-1].endswith((":", "："))
    return not following[0].strip() and not announces
