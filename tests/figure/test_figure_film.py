"""The film: what it tells, how long, and how much room it takes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropout_cli import Problem, Trace
from dropout_cli.figure.film import moments
from dropout_cli.figure.theme import THEMES
from dropout_cli.words import load
from dropout_cli.words.messages import Voice

OUTPUTS = Path(__file__).parents[2] / "outputs"


def told(**problem):
    return [moment for moment, _ in moments(Trace(Problem.pose(**problem)), Voice(load("en")))]


def test_it_tells_forward_then_backward_element_by_element():
    told_ = list(dict.fromkeys(moment.subtitle for moment in told()))
    assert told_[0] == "The input arrives"
    assert told_[1].startswith("Draw the mask once")
    assert [words[1:4] for words in told_[2:6]] == ["y_{"] * 4
    third = r"$y_{3} = x_{3} \cdot m_{3}/(1-p) = 6 \cdot 1/0.5 = 12$"
    assert told_[4] == third
    assert told_[7] == "Backward takes the same mask"
    assert len(told_) == 2 + 4 + 2 + 4 + 1


def test_nothing_goes_back_before_all_went_forward():
    forward, backward = np.array([(one.forward, one.backward) for one in told()]).T
    assert (np.diff(forward) >= 0).all()
    assert (np.diff(backward) >= 0).all()
    assert (forward[backward > 0] >= 4).all()


@pytest.mark.parametrize("problem", [{"p": 1}, {"training": False}, {"x": [-1, 2], "seed": 0}])
def test_every_case_has_its_words(problem):
    words = [moment.subtitle for moment in told(**problem)]
    assert not any(re.search(r"\{keep|\bnan\b|\binf\b", one) for one in words)
    if problem.get("p") == 1:
        assert r"$m_{1} = 0,\; y_{1} = 0$" in words


@pytest.mark.parametrize(
    ("problem", "inserted"),
    [
        ({"x": [2], "p": 0.3, "mask": [1]}, "= 2 \\cdot 1/0.7 ≈ 2.857"),
        ({"x": [2], "p": 0.3, "mask": [0]}, "= 2 \\cdot 0/0.7 = 0"),
        ({"x": [0.9], "p": 0.1, "mask": [1]}, "= 0.9 \\cdot 1/0.9 = 1"),
        ({"x": [-3], "p": 1 / 3, "mask": [1]}, "≈ (-3) \\cdot 1/0.6667 ≈ -4.5"),
        ({"x": [1.23456], "p": 0.5, "mask": [1]}, "≈ 1.235 \\cdot 1/0.5 ≈ 2.469"),
        ({"x": [1e-12], "p": 0.99999, "mask": [1]}, "= (1e-12) \\cdot 1/(1e-05) = 1e-07"),
        ({"x": [-1.23456], "training": False}, "≈ -1.235"),
        ({"x": [-1.5], "training": False}, "= -1.5"),
    ],
)
def test_equals_stands_where_no_number_is_rounded(problem, inserted):
    voice = Voice(load("en"), 4)
    words = {one.subtitle for one, _ in moments(Trace(Problem.pose(**problem)), voice)}
    before = "x_{1}" if problem.get("training") is False else r"m_{1}/(1-p)"
    assert any(one.startswith("$y") and one.endswith(f"{before} {inserted}$") for one in words)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_last_words_say_the_scale(lang):
    def last(p):
        return [*moments(Trace(Problem.pose(p=p, seed=1)), Voice(load(lang), 4))][-1][0].subtitle

    assert "$1/(1-p) ≈ 1.429$" in last(0.3)
    assert "$1/(1-p) = 1.5$" in last(1 / 3)
    assert "1/(1-p)" not in last(1)


def test_the_film_of_the_worked_example(cli, tmp_path):
    path = tmp_path / "flow.gif"
    start = time.process_time()
    result = cli("plot", "-o", str(path))
    assert time.process_time() - start < 12  # it takes 3
    assert (result.code, result.err) == (0, f"wrote {path}\n")
    assert path.stat().st_size <= 400_000
    lengths = []
    with Image.open(path) as film:
        assert film.size == (1280, 720)
        assert film.info["loop"] == 0
        for k in range(film.n_frames):
            film.seek(k)
            lengths.append(film.info["duration"])
        colours = {colour for _, colour in film.convert("RGB").getcolors(1 << 24)}
    assert 15_000 <= sum(lengths) <= 30_000
    assert lengths[-1] == 3500
    light = THEMES["light"]
    for flat in (light.ground, light.kept, light.gain, light.given, light.dropped, light.plate):
        assert tuple(bytes.fromhex(flat[1:])) in colours


def test_the_film_in_the_readme_is_this_one(cli, tmp_path):
    path = tmp_path / "flow.gif"
    assert cli("plot", "-o", str(path)).code == 0
    with Image.open(path) as ours, Image.open(OUTPUTS / "flow.gif") as readmes:
        assert ours.n_frames == readmes.n_frames
        for k in (0, ours.n_frames // 2, ours.n_frames - 1):
            pixels = []
            for film in (ours, readmes):
                film.seek(k)
                pixels.append(np.asarray(film.convert("RGB"), dtype=float))
            assert np.sqrt(((pixels[0] - pixels[1]) ** 2).mean()) < 2


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_terminal_shows_how_far_it_is(tmp_path):
    import pty

    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "dropout_cli", "plot", "-x", "1", "-o", tmp_path / "a.gif"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=follower, env=environment) as done:
        os.close(follower)
        shown = bytearray()
        with suppress(OSError):  # as Linux ends a terminal
            while some := os.read(leader, 1 << 16):  # a slow machine shows more than a read takes
                shown += some
        assert done.stdout.read() == b""
    os.close(leader)
    assert done.returncode == 0
    shown = shown.decode()
    assert "━" in shown
    assert "wrote" in shown
