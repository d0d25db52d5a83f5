"""The derivation as a presentation: a step a page, on a screen of its own."""

from __future__ import annotations

import os
import re
import select
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import click
from rich.cells import cell_len

from dropout_cli.cli.output import print_text
from dropout_cli.formats.document import Heading
from dropout_cli.formats.terminal import other_screen, to_terminal
from dropout_cli.views.walkthrough import render
from dropout_cli.words.messages import BLANK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dropout_cli.trace import Trace
    from dropout_cli.views.walkthrough import Step
    from dropout_cli.words.messages import Voice

# What the keys send: arrows come as a sequence that begins with Esc, on Windows with \xe0 or \0.
KEYS = {
    "on": (" ", "\r", "\n", "n", "N", "\x1b[C", "\x1bOC", "\x1b[6~", "\xe0M", "\0M"),
    "back": ("b", "B", "p", "P", "\x7f", "\x1b[D", "\x1bOD", "\x1b[5~", "\xe0K", "\0K"),
    "first": ("g", "\x1b[H", "\x1b[1~"),
    "last": ("G", "\x1b[F", "\x1b[4~"),
    "show": ("s", "S"),
    "keys": ("?",),
    "end": ("q", "Q", "\x1b", "\x03", "\x04", ""),
}
KEY = re.compile(r"\x1b\[\[?[0-9;]*[A-Za-z~]|\x1bO?[^\x1b]|[\xe0\0].|.", re.DOTALL)
BEGUN = re.compile(r"\x1b(O|\[\[?[0-9;]*)?$")  # a key's sequence whose rest is still to come
ENTER, ERASE = ("\r", "\n"), ("\x7f", "\b")
MEANINGS = {key: meaning for meaning, keys in KEYS.items() for key in keys}
AFTER_ESC = 0.1  # seconds in which the rest of an arrow's sequence arrives


class Place(NamedTuple):
    """Where the presentation stands.

    step: which of the steps presented, from 0. part: which of its pages; shown: whether results are
    shown. digits: a number begun to be typed. keys: whether the keys are explained.
    """

    step: int = 0
    part: int = 0
    shown: bool = False
    digits: str = ""
    keys: bool = False


def present(trace: Trace, voice: Voice, chosen: Sequence[str]) -> None:
    """Show the chosen steps, each when it is reached, until a key ends it."""
    told: dict[tuple[str, bool], Step] = {}
    numbers = [k for k, step in enumerate(voice.prose["step"], 1) if step["id"] in chosen]

    def step_at(place: Place) -> Step:
        at = chosen[place.step], place.shown
        if at not in told:
            (told[at],) = render(trace, voice._replace(revealed=place.shown), [at[0]])
        return told[at]

    place, keys = Place(), list[str]()
    with _keys() as read:
        while True:
            size = os.get_terminal_size()
            step = step_at(place)
            parts = _parts(step, size)
            place = place._replace(part=min(place.part, len(parts) - 1))
            if not keys:
                _draw(_lines(step, parts, place, voice, size))
                keys = read()
            if keys:
                blank = any(BLANK in line for line in parts[place.part])
                moved = _moved(place, keys.pop(0), len(parts), numbers, blank)
                if moved is None:
                    return
                place = moved


def _moved(place: Place, key: str, parts: int, numbers: Sequence[int], blank: bool) -> Place | None:
    """Where the key leads; None where it ends the presentation.

    parts: the pages of the step. numbers: of the steps presented. blank: whether the page has
    results that are not shown yet.
    """
    here = place._replace(digits="", keys=False)
    if key.isdecimal():
        return here._replace(digits=(place.digits + key)[-3:])
    if place.digits and key in ERASE:
        return here._replace(digits=place.digits[:-1])
    if place.digits and key in ENTER:
        number = int(place.digits)
        return Place(numbers.index(number)) if number in numbers else here
    if place.keys:
        return here
    last = len(numbers) - 1
    match MEANINGS.get(key):
        case "end":
            return None
        case "on" if blank:
            return here._replace(shown=True)
        case "on" if place.part < parts - 1:
            return here._replace(part=place.part + 1, shown=False)
        case "on" if place.step < last:
            return Place(place.step + 1)
        case "back" if place.part > 0:
            return here._replace(part=place.part - 1, shown=False)
        case "back" if place.step > 0:
            return Place(place.step - 1)
        case "first":
            return Place()
        case "last":
            return Place(last)
        case "show":
            return here._replace(shown=not place.shown)
        case "keys":
            return here._replace(keys=True)
    return here


def _heading(step: Step, size: os.terminal_size) -> list[str]:
    """What stands on top of each page of a step; its first line alone in a low window."""
    lines = to_terminal([Heading(f"{step.number}. {step.title}", 2)], size.columns).splitlines()
    return [*lines, ""] if size.lines > len(lines) + 5 else lines[:1]


def _parts(step: Step, size: os.terminal_size) -> list[list[str]]:
    """The step's lines on as many pages as it takes, broken at empty lines where that is near."""
    lines = to_terminal(step.blocks, size.columns).splitlines()
    room = max(1, size.lines - len(_heading(step, size)) - 2)
    parts = []
    while len(lines) > room:
        gaps = [k for k in range(room // 2, room + 1) if _may_end(lines[:k], lines[k])]
        cut = gaps[-1] if gaps else room
        parts.append(lines[:cut])
        lines = lines[cut:]
        while lines and not lines[0].strip():
            del lines[0]
    return [*parts, lines] if lines or not parts else parts


def _may_end(page: Sequence[str], following: str) -> bool:
    """Whether a page may end here: at an empty line, and not after words that announce more."""
    return not following.strip() and not (page and page[-1].endswith((":", "：")))


def _lines(
    step: Step, parts: list[list[str]], place: Place, voice: Voice, size: os.terminal_size
) -> list[str]:
    """A page: the heading, its part of the step, and where it stands."""
    above = _heading(step, size)
    body = parts[place.part]
    if place.keys:
        body = voice.prose["pause"]["keys_hidden" if voice.hide else "keys"].splitlines()
    body = [*above, *body][: size.lines - 1]
    page = f" · {place.part + 1}/{len(parts)}" if len(parts) > 1 else ""
    typed = f" → {place.digits}" if place.digits else ""
    status = f"{step.number}/{len(voice.prose['step'])}{page}{typed}"
    for prompt in (voice.say("pause", "prompt"), "?"):
        if cell_len(f"{status}   {prompt}") < size.columns:
            status = f"{status}   {prompt}"
            break
    return [*body, *[""] * (size.lines - 1 - len(body)), status]


def _draw(lines: list[str]) -> None:
    """Write the lines over what the screen shows."""
    text = "\r\n".join(f"\x1b[K{line}" for line in lines)
    print_text(f"\x1b[H{text}")


@contextmanager
def _keys() -> Iterator[Callable[[], list[str]]]:
    """What reads the next keys, none where the screen is to be drawn again.

    The terminal hands over each key at once and does not show it; however this ends, and while the
    program is stopped with Ctrl-Z, the terminal is as it was.
    """
    if sys.platform == "win32":
        other_screen(True)
        try:
            yield lambda: [click.getchar()]
        finally:
            other_screen(False)
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    woken, waker = os.pipe()
    os.set_blocking(waker, False)

    def read() -> list[str]:
        ready, _, _ = select.select([terminal, woken], [], [])
        if woken in ready:
            os.read(woken, 64)
            return []
        try:
            text = os.read(terminal, 1024).decode(errors="ignore")
            while BEGUN.search(text) and select.select([terminal], [], [], AFTER_ESC)[0]:
                text += os.read(terminal, 1024).decode(errors="ignore")
        except OSError:  # the terminal is gone
            text = ""
        return KEY.findall(text) or [""]

    def stop(*_: object) -> None:
        other_screen(False)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, stop)  # from here on it goes on
        tty.setcbreak(terminal)
        other_screen(True)

    def quit_(*_: object) -> None:
        raise KeyboardInterrupt

    handlers = {signal.SIGWINCH: lambda *_: None, signal.SIGTSTP: stop, signal.SIGQUIT: quit_}
    usual = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    try:
        tty.setcbreak(terminal)
        other_screen(True)
        yield read
    finally:
        signal.set_wakeup_fd(-1)
        for number, handler in usual.items():
            signal.signal(number, handler)
        other_screen(False)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        os.close(woken)
        os.close(waker)
