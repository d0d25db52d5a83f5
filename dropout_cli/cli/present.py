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

from dropout_cli.formats.document import Heading
from dropout_cli.formats.terminal import other_screen, to_terminal
from dropout_cli.views.walkthrough import tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dropout_cli.formats.document import Document
    from dropout_cli.prose.voice import Voice
    from dropout_cli.trace import Trace
    from dropout_cli.views.walkthrough import Step

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
KEY = re.compile(r"\x1b[\[O][0-9;]*[A-Za-z~]|[\xe0\0].|.", re.DOTALL)
MEANINGS = {key: meaning for meaning, keys in KEYS.items() for key in keys}
AFTER_ESC = 0.05  # seconds in which the rest of an arrow's sequence arrives


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
        at = chosen[place.step], voice.hide and not place.shown
        if at not in told:
            (told[at],) = tell(trace, voice._replace(hide=at[1]), [at[0]])
        return told[at]

    place = Place()
    with _keys() as read:
        while True:
            size = os.get_terminal_size()
            step = step_at(place)
            parts = _parts(step.blocks, step_heading(step), size)
            place = place._replace(part=min(place.part, len(parts) - 1))
            _draw(_lines(step, parts, place, voice, size), size)
            for key in read():
                ended, place = _moved(place, key, len(parts), numbers, voice.hide)
                if ended:
                    return


def _moved(
    place: Place, key: str, parts: int, numbers: Sequence[int], hides: bool
) -> tuple[bool, Place]:
    """Whether the key ends the presentation, and where it leads from a step of so many parts."""
    here = place._replace(digits="", keys=False)
    if key.isdecimal():
        return False, here._replace(digits=(place.digits + key)[-3:])
    if place.keys:
        return False, here
    if place.digits and key in ("\r", "\n"):
        number = int(place.digits)
        return False, Place(numbers.index(number)) if number in numbers else here
    last = len(numbers) - 1
    match MEANINGS.get(key):
        case "end":
            return True, place
        case "on" if hides and not place.shown:
            return False, here._replace(shown=True)
        case "on" if place.part < parts - 1:
            return False, here._replace(part=place.part + 1)
        case "on" if place.step < last:
            return False, Place(place.step + 1)
        case "back" if place.part > 0:
            return False, here._replace(part=place.part - 1)
        case "back" if place.step > 0:
            return False, Place(place.step - 1)
        case "first":
            return False, Place()
        case "last":
            return False, Place(last)
        case "show" if hides:
            return False, here._replace(shown=not place.shown)
        case "keys":
            return False, here._replace(keys=True)
    return False, here


def step_heading(step: Step) -> Document:
    """The heading that stands on top of each page of a step."""
    return [Heading(f"{step.number}. {step.title}", 2)]


def _parts(blocks: Document, heading: Document, size: os.terminal_size) -> list[list[str]]:
    """The step's lines on as many pages as it takes, broken at empty lines where that is near."""
    lines = to_terminal(blocks, size.columns).splitlines()
    room = max(1, size.lines - len(to_terminal(heading, size.columns).splitlines()) - 3)
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
    heading = to_terminal(step_heading(step), size.columns).splitlines()
    body = parts[place.part]
    if place.keys:
        keys = voice.prose["pause"]["keys_hidden" if voice.hide else "keys"]
        body = keys.splitlines()[: max(1, size.lines - len(heading) - 3)]
    page = f" · {place.part + 1}/{len(parts)}" if len(parts) > 1 else ""
    where = f"{step.number}/{len(voice.prose['step'])}{page}"
    typed = f" → {place.digits}" if place.digits else ""
    blank = [""] * max(0, size.lines - len(heading) - len(body) - 2)
    return [*heading, "", *body, *blank, f"{where}{typed}   {voice.say('pause', 'prompt')}"]


def _draw(lines: list[str], size: os.terminal_size) -> None:
    """Write the lines over what the screen shows."""
    text = "\r\n".join(f"\x1b[K{line}" for line in lines[-size.lines :])
    sys.stdout.write(f"\x1b[H{text}")
    sys.stdout.flush()


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
            text = os.read(terminal, 64).decode(errors="ignore")
            if text.endswith("\x1b") and select.select([terminal], [], [], AFTER_ESC)[0]:
                text += os.read(terminal, 64).decode(errors="ignore")
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

    handlers = {signal.SIGWINCH: lambda *_: None, signal.SIGTSTP: stop}
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
