"""The derivation on a terminal and in files: some steps, a pause, each format, either language."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
import time
from html import unescape

import pytest
from rich.cells import cell_len
from steps import IDS, LANGUAGES, PROBLEMS

from dropout_cli.prose import load

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
termios = pytest.importorskip("termios")


def test_the_language_comes_from_the_option_or_the_environment(cli, monkeypatch):
    chinese = cli("walkthrough", "--lang", "zh").out
    assert "链式法则" in chinese
    for command in ("forward", "backward"):
        assert "保留概率" in cli(command, "--lang", "zh").out
    monkeypatch.setenv("DROPOUT_CLI_LANG", "zh")
    assert cli("walkthrough").out == chinese
    assert "The chain rule" in cli("walkthrough", "--lang", "en").out
    monkeypatch.setenv("DROPOUT_CLI_LANG", "fr")
    assert cli("walkthrough").code == 2


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("columns", [60, 80])
def test_nothing_is_cut(cli, monkeypatch, problem, language, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    out = cli("walkthrough", "--lang", language, *PROBLEMS[problem].split()).out
    assert max(map(cell_len, out.splitlines())) <= columns
    assert not re.search(r"\S…", out)  # an ellipsis of rich's; those of mathematics stand alone
    assert not re.search(r"^[，。；：、）]", out, flags=re.MULTILINE)


def told(out):
    return [int(k) for k in re.findall(r"^(\d+)\. ", out, flags=re.MULTILINE)]


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        (["3"], [3]),
        (["proof"], [7]),
        (["3-6"], [3, 4, 5, 6]),
        (["12", "proof", "1-2"], [1, 2, 7, 12]),
        (["13", "13"], [13]),
    ],
)
def test_some_steps(cli, steps, wanted):
    args = [part for step in steps for part in ("--step", step)]
    assert told(cli("walkthrough", *args).out) == wanted
    ids = [step["id"] for step in cli("walkthrough", "-f", "json", *args).json["steps"]]
    assert ids == [IDS[k - 1] for k in wanted]


@pytest.mark.parametrize("step", ["0", "14", "6-3", "3-99", "prof", "", "-1", "3-"])
def test_a_step_that_there_is_not(cli, step):
    result = cli("walkthrough", f"--step={step}")
    assert (result.code, result.out) == (2, "")
    assert f"step {step!r} is none of the steps" in result.err


def present(keys, *args):
    """What a person in a terminal sees who presses these keys."""
    master, slave = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "dropout_cli", "walkthrough", "--pause", *args],
        stdin=slave, stdout=slave, stderr=slave, close_fds=True,
        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "80"},
    )  # fmt: skip
    os.close(slave)
    seen, keys = "", list(keys)
    while select.select([master], [], [], 30)[0]:
        try:
            seen += os.read(master, 65536).decode()
        except OSError:
            break
        if seen.rstrip().endswith("q: end") and keys:
            seen += "\n"
            while termios.tcgetattr(master)[3] & termios.ECHO:
                time.sleep(0.01)  # until it listens for a key
            os.write(master, keys.pop(0).encode())
    os.close(master)
    return running.wait(timeout=30), seen


def test_pause_waits_for_a_key_and_tells_where_one_is():
    code, seen = present("  q")
    assert code == 0
    assert told(seen.replace("\r", "\n").replace("\x1b[K", "")) == [1, 2, 3]
    assert re.findall(r"\(\d+/13\)", seen) == ["(1/13)", "(2/13)", "(3/13)"]


def test_pause_ends_by_itself_after_the_last_step():
    code, seen = present(" ", "--step", "12-13")
    assert code == 0
    assert told(seen.replace("\r", "\n").replace("\x1b[K", "")) == [12, 13]


def test_pause_is_interrupted_by_ctrl_c():
    code, _ = present("\x03")
    assert code == 130


def test_pause_is_off_where_there_is_no_terminal(cli):
    assert cli("walkthrough", "--pause").out == cli("walkthrough").out


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("suffix", [".md", ".html", ".svg", ".txt", ".json"])
def test_a_file_in_each_format_says_the_same(cli, tmp_path, suffix, language):
    path = tmp_path / f"notes{suffix}"
    assert cli("walkthrough", "--lang", language, "-o", str(path)).code == 0
    text = path.read_text("utf-8")
    if suffix == ".json":
        text = json.dumps(json.loads(text), ensure_ascii=False)
    for step in load(language)["step"]:
        assert step["title"] in text.replace("&#160;", " ")


def test_an_svg_gives_each_text_the_width_of_its_cells(cli, tmp_path):
    path = tmp_path / "page.svg"
    assert cli("walkthrough", "--lang", "zh", "-o", str(path)).code == 0
    texts = re.findall(r'textLength="([\d.]+)"[^>]*>([^<]*)<', path.read_text("utf-8"))
    widths = {
        round(float(length) / cell_len(unescape(text)), 2) for length, text in texts if text.strip()
    }
    assert widths == {12.2}


def test_the_colour_of_a_check_ends_with_it(cli, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    out = cli("walkthrough", "--step", "9-10").out
    assert re.search(r"\x1b\[[0-9;]*38[0-9;]*m✓ checked", out)  # in the colour of what is kept
    assert "\x1b[1m10. In PyTorch, and what one seed does\x1b[0m" in out
    assert "\nDropout written by hand, to be compared with nn.Dropout:\n" in out


def test_json_holds_the_steps_and_the_trace(cli):
    document = cli("walkthrough", "-f", "json").json
    assert document["schema"] == "dropout-cli/walkthrough/1"
    assert document["trace"] == cli("backward", "-f", "json").json
    for step in document["steps"]:
        assert step.keys() == {"id", "title", "text", "latex", "numbers"}
        assert all((step["text"], step["latex"], step["numbers"]))
