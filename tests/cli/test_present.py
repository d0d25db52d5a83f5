"""The presentation, as a person at a terminal sees it."""

import os
import select
import signal
import struct
import subprocess
import sys

import pyte
import pytest
from running import COMMAND, slow
from steps import IDS, LANGUAGES

from dropout_cli.words import load

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

# The terminal becomes the command's own, as it is a shell's.
OF_ITS_OWN = (
    "import fcntl, os, sys, termios;"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A terminal in which the presentation runs."""

    def __init__(self, *args, columns=80, lines=24):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.master, self.slave = pty.openpty()
        self.resize(columns, lines)
        self.before = termios.tcgetattr(self.slave)
        self.running = subprocess.Popen(
            [sys.executable, "-c", OF_ITS_OWN, *COMMAND, "walkthrough", "--pause", *args],
            stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "200"},
        )  # fmt: skip
        self.sent = b""
        self.wait()

    def wait(self, patience=15.0):
        """Take what is written until it has been quiet for a while."""
        while select.select([self.master], [], [], patience)[0]:
            written = os.read(self.master, 65536)
            self.sent += written
            self.stream.feed(written)
            patience = 0.25

    def press(self, *keys):
        for key in keys:
            os.write(self.master, key if isinstance(key, bytes) else key.encode())
            self.wait()
        return self

    def resize(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    @property
    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    @property
    def step(self):
        """The number of the step whose heading is the first line."""
        titles = [step["title"] for step in load(self.language)["step"]]
        headings = [f"{k}. {title}".replace(" ", "") for k, title in enumerate(titles, 1)]
        first = self.screen.display[0].replace(" ", "")  # a Chinese character takes two places
        return headings.index(first) + 1

    language = "en"

    def end(self, code=0):
        """Assert that the exit code is this, and the terminal as it was."""
        assert self.running.wait(10) == code
        self.wait(0.2)
        assert termios.tcgetattr(self.slave) == self.before
        assert self.sent.count(b"\x1b[?1049h") == self.sent.count(b"\x1b[?1049l") == 1
        for setting in (b"\x1b[?25", b"\x1b[?7"):  # the cursor, and the wrapping of lines
            assert self.sent.rindex(setting + b"h") > self.sent.rindex(setting + b"l")
        os.close(self.master)
        os.close(self.slave)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (60, 20)])
def test_each_step_has_its_heading_on_top_of_each_page(language, columns, lines):
    terminal = Terminal("--lang", language, columns=columns, lines=lines)
    terminal.language = language
    seen, pages, before = [], 0, None
    while terminal.lines[-1] != before:
        assert terminal.lines[-1].startswith(f"{terminal.step}/13")
        seen += [terminal.step] if terminal.step not in seen else []
        before, pages = terminal.lines[-1], pages + 1
        terminal.press(" ")
        body = [line for line in terminal.lines[2:-1] if line]
        assert not body[0].startswith("✓"), "a page begins with a check of what it does not show"
    assert seen == list(range(1, len(IDS) + 1))
    assert pages <= (18 if columns == 80 else 26)
    terminal.press("q").end()


@pytest.mark.slow
def test_the_keys_lead_to_the_steps():
    terminal = Terminal(lines=40)
    for key, step in (
        ("n", 2), ("\r", 3), ("\x1b[C", 4), ("\x1bOC", 5), ("b", 4), ("\x1b[D", 3), ("p", 2),
        ("G", 13), (" ", 13), ("g", 1), ("b", 1), ("7\r", 7), ("12\r", 12), ("99\r", 12),
        ("xyz", 12), ("1", 12), ("b", 11), ("\x1b[H", 1), ("nnn", 4), ("nn\x1b[Cb", 6),
    ):  # fmt: skip
        terminal.press(key)
        assert terminal.step == step, key
    terminal.press("99\r")
    assert "no step 99 here" in terminal.lines[-1]
    terminal.press("n")
    assert "no step 99 here" not in terminal.lines[-1]
    for invalid in (b"\xff", b"\xe9\x80", b"\xf0\x9f"):  # bytes that are no character
        terminal.press(invalid)
        assert terminal.running.poll() is None
        assert terminal.step == 7
    terminal.press("\x1b").end()


@pytest.mark.slow
def test_a_question_mark_explains_the_keys():
    terminal = Terminal(lines=40).press("?")
    assert any("go to that step" in line for line in terminal.lines)
    terminal.press(" ")
    assert terminal.step == 1
    assert not any("go to that step" in line for line in terminal.lines)
    terminal.press("q").end()


def test_results_are_blank_until_a_key_shows_them_where_they_stood():
    terminal = Terminal("--hide", "--step", "2,8-9", lines=50)
    for step in (2, 8):
        assert terminal.step == step
        blank = terminal.lines
        terminal.press(" ")
        assert any("____" in line for line in blank)
        assert not any("____" in line for line in terminal.lines)
        for before, after in zip(blank, terminal.lines, strict=True):
            same = zip(before, after, strict=False)  # sentences that answer come last
            assert all(hidden == shown or hidden in "_=" for hidden, shown in same)
        terminal.press(" ")
    terminal.press("b")
    row = next(line for line in terminal.lines if line.startswith("1"))
    assert row.split() == ["1", "2", "1", "1", "×", "2", "/", "0.5", "4", "✓", "kept"]
    terminal.press("s")
    assert any("____" in line for line in terminal.lines)
    terminal.press("s", " ")
    assert terminal.step == 9
    assert any("____" in line for line in terminal.lines)
    terminal.press("q").end()


@pytest.mark.slow
def test_back_leads_to_the_last_page_as_it_was_left():
    terminal = Terminal("--hide", "--step", "10-11", lines=24)
    pages = []
    while terminal.step == 10:
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


@pytest.mark.parametrize("widths", [[50], slow([*range(50, 90), 60])])
def test_a_resize_lays_out_again(widths):
    terminal = Terminal(lines=40)
    wide = " ".join(terminal.lines[2:-1]).split()
    for columns in widths:
        terminal.resize(columns, 40)
    terminal.wait()
    assert terminal.step == 1
    assert terminal.lines[-1].startswith("1/13")
    narrow = " ".join(terminal.lines[2:-1]).split()
    assert narrow[:40] == wide[:40]  # every word is there, in shorter lines
    terminal.press("n")
    assert terminal.step == 2 or "1/13 · 2/2" in terminal.lines[-1]
    terminal.press("q").end()


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), slow("SIGINT", 130)])
def test_a_signal_gives_the_terminal_back(name, code):
    terminal = Terminal()
    terminal.running.send_signal(getattr(signal, name))
    terminal.end(code)


@pytest.mark.slow
def test_ctrl_c_ctrl_d_and_a_terminal_that_closes_end_it():
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
