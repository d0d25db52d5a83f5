"""The presentation, as a person at a terminal sees it."""

import os
import re
import select
import signal
import struct
import subprocess
import sys

import pyte
import pytest
from steps import IDS, LANGUAGES

from dropout_cli.words import load

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")


PRESENT = [sys.executable, "-m", "dropout_cli", "walkthrough", "--pause"]
# The terminal becomes the command's own, as it is a shell's.
OF_ITS_OWN = (
    "import fcntl, os, sys, termios;"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A terminal in which the presentation runs."""

    def __init__(self, *args, columns=80, lines=24):
        self.screen = pyte.HistoryScreen(columns, lines, history=1000)
        self.stream = pyte.ByteStream(self.screen)
        self.stream.feed(b"$ before\r\n")
        self.master, slave = pty.openpty()
        self.resize(columns, lines)
        self.before = termios.tcgetattr(slave)
        self.running = subprocess.Popen(
            [sys.executable, "-c", OF_ITS_OWN, *PRESENT, *args],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"},
        )  # fmt: skip
        self.slave = slave
        self.sent = b""
        self.wait()

    def wait(self):
        """Take what is written until it has been quiet for a while."""
        quiet = 15.0
        while select.select([self.master], [], [], quiet)[0]:
            written = os.read(self.master, 65536)
            self.sent += written
            self.stream.feed(written)
            quiet = 0.25
        return self

    def press(self, *keys):
        for key in keys:
            os.write(self.master, key.encode())
            self.wait()
        return self

    def resize(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    @property
    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    @property
    def first(self):
        return self.screen.display[0].replace(" ", "")  # a Chinese character takes two places

    def end(self, code=0):
        """Assert that the exit code is this, and the terminal as it was."""
        assert self.running.wait(10) == code
        self.wait_for_nothing()
        assert termios.tcgetattr(self.slave) == self.before
        assert self.sent.count(b"\x1b[?1049h") == self.sent.count(b"\x1b[?1049l")
        assert self.sent.rindex(b"\x1b[?25h") > self.sent.rindex(b"\x1b[?25l")
        os.close(self.master)
        os.close(self.slave)

    def wait_for_nothing(self):
        while select.select([self.master], [], [], 0.2)[0]:
            self.sent += os.read(self.master, 65536)


def headings(language):
    titles = [step["title"] for step in load(language)["step"]]
    return [f"{k}. {title}".replace(" ", "") for k, title in enumerate(titles, 1)]


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (60, 20)])
def test_each_step_has_its_heading_on_top_of_each_page(language, columns, lines):
    terminal = Terminal("--lang", language, columns=columns, lines=lines)
    titles = headings(language)
    seen: list[str] = []
    pages, before = 0, None
    while len(seen) < len(IDS) or terminal.lines[-1] != before:
        assert terminal.first in titles
        assert terminal.lines[-1].startswith(f"{titles.index(terminal.first) + 1}/13")
        assert len(terminal.lines) == lines
        if terminal.first not in seen:
            seen.append(terminal.first)
        before, pages = terminal.lines[-1], pages + 1
        terminal.press(" ")
        body = [line for line in terminal.lines[2:-1] if line]
        assert not body[0].startswith("✓"), "a page begins with a check of what it does not show"
    assert seen == titles
    assert pages > len(titles)
    terminal.press("q").end()


@pytest.mark.slow
def test_the_keys():
    terminal = Terminal("--lang", "en", lines=40)
    titles = headings("en")
    for key, number in (
        ("n", 2), ("\r", 3), ("\x1b[C", 4), ("\x1bOC", 5), ("b", 4), ("\x1b[D", 3), ("p", 2),
        ("G", 13), (" ", 13), ("g", 1), ("b", 1), ("7\r", 7), ("12\r", 12), ("99\r", 12),
        ("xyz", 12), ("1", 12), ("b", 11), ("\x1b[H", 1), ("nnn", 4),
    ):  # fmt: skip
        terminal.press(key)
        assert terminal.first == titles[number - 1], key
    terminal.press("99\r")
    assert terminal.first == titles[3]
    assert "no step 99 here" in terminal.lines[-1]
    terminal.press("n")
    assert "no step 99 here" not in terminal.lines[-1]
    terminal.press("b")
    terminal.press("?")
    assert any("go to that step" in line for line in terminal.lines)
    terminal.press(" ")
    assert terminal.first == titles[3]
    assert not any("go to that step" in line for line in terminal.lines)
    terminal.press("\x1b").end()


def test_results_are_blank_until_a_key_shows_them():
    terminal = Terminal("--hide", "--step", "8-9", lines=50)
    row = next(line for line in terminal.lines if line.startswith("1"))
    assert re.fullmatch(r"1 +2 +1 +_+ +_+ +_+", row)
    before = terminal.lines
    terminal.press(" ")
    row = next(line for line in terminal.lines if line.startswith("1"))
    assert row.split() == ["1", "2", "1", "1", "×", "2", "/", "0.5", "4", "✓", "kept"]
    for hidden, line in zip(before, terminal.lines, strict=True):  # nothing has moved
        assert [part.start() for part in re.finditer(r"\S+$", hidden)][:1] <= [len(line)]
        assert hidden.strip() == "" or line.strip() != ""
    terminal.press("s")
    assert any("____" in line for line in terminal.lines)
    terminal.press("s", " ")
    assert terminal.first == headings("en")[8]
    assert any("____" in line for line in terminal.lines)
    terminal.press("q").end()


@pytest.mark.slow
def test_back_leads_to_the_last_page_as_it_was_left():
    terminal = Terminal("--hide", "--step", "10-11", lines=24)
    pages = []
    while terminal.first == headings("en")[9]:
        if any("____" in line for line in terminal.lines):
            terminal.press(" ")
        pages.append(terminal.lines)
        terminal.press(" ")
    assert len(pages) > 1
    assert any("____" not in line and "Σ" in line for page in pages for line in page)
    for page in reversed(pages):
        terminal.press("b")
        assert terminal.lines == page
    terminal.press("q").end()


@pytest.mark.slow
def test_bytes_that_are_no_character_and_keys_at_once():
    terminal = Terminal(lines=40)
    for sent in (b"\xff", b"\xe9\x80", b"\xf0\x9f"):
        os.write(terminal.master, sent)
        terminal.wait()
        assert terminal.running.poll() is None
        assert terminal.first == headings("en")[0]
    terminal.press("nn\x1b[Cb")
    assert terminal.first == headings("en")[2]
    terminal.press("q").end()


@pytest.mark.slow
def test_many_resizes_at_once():
    terminal = Terminal(lines=50)
    for columns in (*range(50, 90), 60):
        terminal.resize(columns, 50)
    terminal.wait()
    assert max(map(len, terminal.lines)) <= 60
    assert terminal.lines[-1].startswith("1/13")
    terminal.press("n")
    assert terminal.first == headings("en")[1]
    terminal.press("q").end()


def test_a_resize_lays_out_again():
    terminal = Terminal(lines=50)
    wide = max(map(len, terminal.lines))
    assert wide > 60
    terminal.resize(50, 30)
    terminal.wait()
    assert terminal.first == headings("en")[0]
    assert max(map(len, terminal.lines)) <= 50
    assert terminal.lines[-1].startswith("1/13")
    terminal.press("q").end()


@pytest.mark.parametrize(
    ("signal_", "code"),
    [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)],
)
def test_a_signal_gives_the_terminal_back(signal_, code):
    terminal = Terminal()
    terminal.running.send_signal(signal_)
    terminal.end(code)


@pytest.mark.slow
def test_ctrl_c_and_a_terminal_that_closes():
    Terminal().press("\x03").end(130)
    Terminal().press("\x04").end()
    terminal = Terminal()
    os.close(terminal.slave)
    os.close(terminal.master)
    assert terminal.running.wait(10) in (0, 2, 129, -signal.SIGHUP)


def test_without_a_terminal_there_is_no_presentation(cli, monkeypatch):
    assert cli("walkthrough", "--pause").out == cli("walkthrough").out
    monkeypatch.setattr(sys, "stdout", None)
    assert "standard output is closed" in cli("walkthrough", "--pause").err
