"""The animation: what it says, how long, where it looks, and how much room it takes."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dropout_cli import Problem, Trace
from dropout_cli.figure.animation import moments
from dropout_cli.figure.flow import STAGES
from dropout_cli.figure.style import THEMES
from dropout_cli.words import load
from dropout_cli.words.messages import Messages

OUTPUTS = Path(__file__).parents[2] / "outputs"


def scenes(**problem):
    return [*moments(Trace(Problem.create(**problem)), Messages(load("en"), 4))]


def captions(**problem):
    return list(dict.fromkeys(moment.caption for moment, _ in scenes(**problem)))


def test_it_goes_forward_then_backward_element_by_element():
    words = captions()
    assert words[0] == "The input arrives"
    assert words[1].startswith("Draw the mask once")
    third = r"$y_{3} = x_{3} \cdot m_{3}/(1-p) = 6 \cdot 1/0.5"
    assert words[6:8] == [f"{third}$", f"{third} = 12$"]  # the result comes when the bar has grown
    assert words[11] == "Backward takes the same mask"
    assert len(words) == 2 + 2 * 4 + 2 + 2 * 4 + 1


def test_each_lane_in_turn_is_in_focus_and_gives_the_caption_its_colour():
    found = [moment for moment, _ in scenes()]
    assert list(dict.fromkeys(moment.stage for moment in found)) == [*STAGES]
    colours = list(enumerate(("kept", "dropped", "kept", "dropped")))
    for stage in STAGES:
        lanes = [(moment.focus, moment.colour) for moment in found if moment.stage == stage]
        moving = stage in ("forward", "backward")
        assert list(dict.fromkeys(lanes)) == (colours if moving else [(None, "ink")])


def test_what_is_new_stays_longer():
    def results(**problem):
        ends = [one for one in scenes(**problem) if one[0].focus is not None and one[1] >= 500]
        return [length for _, length in ends]

    assert results() == [1800, 1800, 900, 900] * 2
    many = results(x=np.arange(8.0), mask=[1, 0] * 4)
    assert many == [1800, 1800, *[500] * 6] * 2


@pytest.mark.parametrize("problem", [{"p": 1}, {"training": False}, {"x": [-1, 2], "seed": 0}])
def test_every_case_has_its_words(problem):
    words = captions(**problem)
    assert not any(re.search(r"\{keep|\bnan\b|\binf\b", one) for one in words)
    assert (r"$m_{1} = 0,\; y_{1} = 0$" in words) == (problem.get("p") == 1)


@pytest.mark.parametrize(
    ("problem", "inserted"),
    [
        ({"x": [2], "p": 0.3, "mask": [1]}, "= 2 \\cdot 1/0.7 ≈ 2.857"),
        ({"x": [2], "p": 0.3, "mask": [0]}, "= 2 \\cdot 0/0.7 = 0"),
        ({"x": [0.9], "p": 0.1, "mask": [1]}, "= 0.9 \\cdot 1/0.9 = 1"),
        ({"x": [-3], "p": 1 / 3, "mask": [1]}, "≈ (-3) \\cdot 1/0.6667 ≈ -4.5"),
        ({"x": [1.23456], "p": 0.5, "mask": [1]}, "≈ 1.235 \\cdot 1/0.5 ≈ 2.469"),
        ({"x": [1e-12], "p": 0.99999, "mask": [1]}, "= (10⁻¹²) \\cdot 1/(10⁻⁵) = 10⁻⁷"),
        ({"x": [2.5e12], "training": False}, "= 2.5\\cdot10¹²"),
        ({"x": [-1.23456], "training": False}, "≈ -1.235"),
        ({"x": [-1.5], "training": False}, "= -1.5"),
    ],
)
def test_equals_stands_where_no_number_is_rounded(problem, inserted):
    before = "x_{1}" if problem.get("training") is False else r"m_{1}/(1-p)"
    words = [re.sub(" +", " ", one) for one in captions(**problem)]
    assert any(one.startswith("$y") and one.endswith(f"{before} {inserted}$") for one in words)


def frames(path):
    with Image.open(path) as gif:
        for k in range(gif.n_frames):
            gif.seek(k)
            yield np.asarray(gif.convert("RGB"), dtype=float), gif.info["duration"]


def test_one_element_is_animated_from_its_finished_picture_on(cli, tmp_path):
    path = tmp_path / "a.gif"
    assert cli("plot", "-x", "1", "-m", "1", "--dpi", "50", "-o", str(path)).code == 0
    pixels, lengths = zip(*frames(path), strict=True)
    lane = [350, *[40] * 5, 1800]
    assert list(lengths) == [3500, 2600, 2600, *lane, 2600, 2600, *lane]
    assert abs(pixels[0] - pixels[-1]).max() > 100  # there the lane is in focus


@pytest.mark.slow
@pytest.mark.parametrize("name", ["flow", "flow_dark"])
def test_the_animation_of_the_worked_example_is_that_in_the_readme(cli, tmp_path, name):
    path, theme = tmp_path / "flow.gif", "dark" if "dark" in name else "light"
    result = cli("plot", "-o", str(path), "--theme", theme)
    assert (result.code, result.err) == (0, f"wrote {path}\n")
    assert path.stat().st_size <= 400_000
    pixels, lengths = zip(*frames(path), strict=True)
    assert pixels[0].shape == (720, 1280, 3)
    assert 20_000 <= sum(lengths) <= 30_000
    assert lengths[0] == 3500
    colours = THEMES[theme]
    for flat in (colours.ground, colours.kept, colours.gain, colours.given, colours.dropped):
        wanted = [int(flat[i : i + 2], 16) for i in (1, 3, 5)]
        assert (abs(pixels[0] - wanted) <= 3).all(axis=-1).sum() > 1000
    ink = [abs(frame - frame[0, 0]).sum() for frame in pixels]
    assert ink[0] == max(ink)  # the first frame has all that there is to see
    readmes = [frame for frame, _ in frames(OUTPUTS / f"{name}.gif")]
    assert len(readmes) == len(pixels)
    for k in (0, len(pixels) // 2, -1):
        assert np.sqrt(((pixels[k] - readmes[k]) ** 2).mean()) < 2
