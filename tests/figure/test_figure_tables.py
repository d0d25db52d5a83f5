"""Passes and steps as pictures: what is drawn of their pages, and where it stands."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from drawings import LIGHT, bars, lengths, words
from matplotlib.text import Text
from PIL import Image

from dropout_cli import Problem, RequestError, Trace
from dropout_cli.figure.style import Style
from dropout_cli.figure.tables import draw_pass, draw_step
from dropout_cli.views.passes import backward_page, forward_page
from dropout_cli.views.walkthrough import page
from dropout_cli.words import load
from dropout_cli.words.messages import Messages

SVG = "{http://www.w3.org/2000/svg}"
SLOW = pytest.mark.slow
TITLES = {step["id"]: step["title"] for step in load("en")["step"]}


def table(page=forward_page, precision=6, **problem):
    trace, messages = Trace(Problem.create(**problem)), Messages(load("en"), precision)
    return draw_pass(page(trace, messages), trace, messages, Style())


def step(name, hide=False):
    number = [*TITLES].index(name) + 1
    document = page(Trace(Problem.create()), Messages(load("en"), 6, hide), [name])[1:]
    return draw_step(document, number, len(TITLES), Style())


@pytest.mark.parametrize("p", [0.5, 0.2])
def test_bars_say_what_the_numbers_say(p):
    drawn = table(p=p, x=[2, -4, 6, 8], mask=[1, 1, 1, 0])
    result, arrived, lost = (
        lengths(bars(drawn, colour)[0], "flow")
        for colour in (LIGHT.gain, LIGHT.kept, LIGHT.dropped)
    )
    assert result / arrived == pytest.approx(1 / (1 - p))
    assert result / result[0] == pytest.approx([1, -2, 3])
    assert lost / arrived[0] == pytest.approx(4)  # 8 to 2


@pytest.mark.parametrize("n", [1, 4, 10, 13, 300])
@pytest.mark.parametrize("view", [forward_page, backward_page])
def test_a_table_fits_its_page_and_keeps_its_type(view, n):
    r = np.random.default_rng(n)
    drawn = table(view, x=np.round(r.normal(0, 3, n), 1), p=0.3, seed=1)
    for text in drawn.findobj(Text):
        x, y = text.get_position()
        assert text.get_fontsize() >= 12
        assert 0 < x < 960
        assert 30 < y < 540
    assert ("⋮" in words(drawn)) == (n > 13)


def test_a_table_that_is_too_wide_is_refused():
    with pytest.raises(RequestError, match="too wide for a page"):
        table(precision=17, x=np.full(4, -1e-100 / 3), p=1 / 3)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=SLOW if k % 3 else ()) for k, name in enumerate(TITLES)]
)
def test_every_step_is_a_picture_of_its_page(name):
    drawn = step(name)
    number = [*TITLES].index(name) + 1
    assert {f"{number} / {len(TITLES)}", TITLES[name]} <= {*words(drawn)}
    assert not any("checked" in one for one in words(drawn))
    shift = drawn.get_size_inches()[1] * 72 - 540  # a long step has a higher page
    positions = np.array([text.get_position()[1] for text in drawn.findobj(Text)])
    assert shift >= 0
    assert (positions + shift > 10).all()
    assert (positions < 540).all()


@pytest.mark.parametrize("number", [5, 8])  # blanks among facts, and in a table
def test_a_step_that_is_an_exercise_shows_no_results(number):
    drawn = step([*TITLES][number - 1], hide=True)
    assert any("____" in one for one in words(drawn))
    assert bars(drawn, LIGHT.gain) == bars(drawn, LIGHT.kept) == []


@pytest.mark.parametrize(
    ("args", "suffix"),
    [pytest.param(args, suffix, marks=() if (args[0], suffix) in FAST else SLOW)
     for FAST in [{("forward", "png"), ("backward", "svg"), ("walkthrough", "svg")}]
     for args in (("forward",), ("backward",), ("walkthrough", "--step", "10"))
     for suffix in ("png", "svg", "pdf")],
)  # fmt: skip
def test_each_is_a_file_the_same_every_time(cli, tmp_path, args, suffix):
    path = tmp_path / f"a.{suffix}"
    command = (*args, "--theme", "dark", "-o", str(path))
    result = cli(*command)
    assert (result.code, result.out, result.err) == (0, "", f"wrote {path}\n")
    first = path.read_bytes()
    assert cli(*command).code == 0
    assert path.read_bytes() == first
    if suffix == "svg":
        root = ET.fromstring(first)
        assert root.get("role") == "img"
        assert root.find(f"{SVG}desc").text
        code = [part for part in root.iter(f"{SVG}text") if (part.text or "").startswith("    ")]
        assert bool(code) == (args[0] == "walkthrough")
        for line in code:  # a browser takes several spaces for one, unless it is told otherwise
            assert "white-space: pre" in line.get("style")
            assert "monospace" in line.get("style")
    if suffix == "png" and args[0] != "walkthrough":
        with Image.open(path) as image:
            assert image.size == (1920, 1080)
            assert image.convert("RGB").getpixel((2, 2)) == (0x0F, 0x14, 0x19)


def test_no_title_crops_to_the_rows_and_transparent_has_no_ground(cli, tmp_path):
    path = tmp_path / "a.png"
    assert cli("forward", "--title", "", "--transparent", "-o", str(path)).code == 0
    with Image.open(path) as image:
        assert image.width == 1920
        assert image.height < 900
        assert image.convert("RGBA").getpixel((2, 2))[3] == 0


def test_the_whole_walkthrough_is_a_picture_of_a_terminal(cli, tmp_path):
    path = tmp_path / "a.svg"
    assert cli("walkthrough", "-o", str(path)).code == 0
    assert "rich-terminal" in path.read_text()
