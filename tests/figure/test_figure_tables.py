"""Passes and steps as pictures: what is drawn of their pages, and where it stands."""

from __future__ import annotations

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

IDS = [step["id"] for step in load("en")["step"]]


def table(page=forward_page, style=None, precision=6, **problem):
    trace, messages = Trace(Problem.create(**problem)), Messages(load("en"), precision)
    return draw_pass(page(trace, messages), trace, messages, style or Style())


def step(number, hide=False, **problem):
    trace, messages = Trace(Problem.create(**problem)), Messages(load("en"), 6, hide)
    return draw_step(page(trace, messages, [IDS[number - 1]])[1:], number, len(IDS), Style())


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


def test_a_pass_has_its_columns_its_formula_and_its_legend():
    drawn = words(table())
    assert {"Forward pass", "1 × 6 / 0.5", "✓ kept", "✗ dropped", "12"} <= {*drawn}
    assert "$y_i = m_i \\cdot x_i/(1-p)$" in drawn
    assert "dropped: what was lost" in drawn
    drawn = words(table(backward_page, x=[2, 4], mask=[1, 0], grad_y=[0.1, -0.2]))
    assert "−0.2" in drawn
    assert not any("×" in one for one in drawn)  # its factors stand beside it


def test_numbers_stand_flush_on_their_decimal_points():
    drawn = table(x=[1.5, 22.25, -3, 4.125], p=0, mask=[1] * 4)
    columns = {}
    with_points = {"1.5": 1, "22.25": 2, "−3": 2, "4.125": 1}
    for text in drawn.findobj(Text):
        if text.get_text() in with_points and text.get_fontweight() == "normal":
            columns[text.get_text()] = text.get_position()[0]
    size = next(t.get_fontsize() for t in drawn.findobj(Text) if t.get_text() == "1.5")
    digit = 0.636 * size  # the width of a digit of DejaVu Sans
    assert columns["1.5"] == columns["4.125"]
    assert columns["1.5"] - columns["22.25"] == pytest.approx(digit, rel=0.05)
    assert columns["−3"] < columns["22.25"]


def test_kept_is_ink_and_dropped_is_muted_with_its_zero_in_colour():
    texts = {}
    for text in table().findobj(Text):
        texts.setdefault(text.get_text(), []).append(text)
    assert {text.get_color() for text in texts["12"]} == {LIGHT.ink}
    (eight,) = texts["8"]
    assert eight.get_color() == LIGHT.muted
    bold = [text for text in texts["0"] if text.get_fontweight() == "bold"]
    assert [text.get_color() for text in bold] == [LIGHT.dropped] * 2
    assert texts["✗ dropped"][0].get_color() == LIGHT.dropped


@pytest.mark.parametrize("n", [1, 4, 10, 13, 300])
@pytest.mark.parametrize("view", [forward_page, backward_page])
def test_a_table_fits_its_page_and_keeps_its_type(view, n):
    r = np.random.default_rng(n)
    drawn = table(view, x=np.round(r.normal(0, 3, n), 1), p=0.3, seed=1)
    height = 540
    for text in drawn.findobj(Text):
        x, y = text.get_position()
        assert text.get_fontsize() >= 12
        assert 0 < x < 960
        assert 30 < y < height
    assert ("⋮" in words(drawn)) == (n > 13)


def test_a_table_that_is_too_wide_is_refused():
    with pytest.raises(RequestError, match="too wide for a page"):
        table(precision=17, x=np.full(4, -1e-100 / 3), p=1 / 3)


@pytest.mark.parametrize("number", range(1, len(IDS) + 1))
def test_every_step_is_a_picture_of_its_page(number):
    drawn = step(number)
    assert f"{number} / {len(IDS)}" in words(drawn)
    assert load("en")["step"][number - 1]["title"] in words(drawn)
    assert not any("checked" in one for one in words(drawn))
    height = drawn.get_size_inches()[1] * 72
    positions = np.array([text.get_position()[1] for text in drawn.findobj(Text)])
    shift = height - 540  # a long step has a higher page
    assert shift >= 0
    assert (positions + shift > 10).all()
    assert (positions < 540).all()


def test_a_step_that_is_an_exercise_shows_no_results():
    drawn = step(8, hide=True)
    assert "____" in words(drawn)
    assert bars(drawn, LIGHT.gain) == bars(drawn, LIGHT.kept) == []


@pytest.mark.parametrize("args", [("forward",), ("backward",), ("walkthrough", "--step", "3")])
@pytest.mark.parametrize("suffix", ["png", "svg", pytest.param("pdf", marks=pytest.mark.slow)])
def test_they_are_files(cli, tmp_path, args, suffix):
    path = tmp_path / f"a.{suffix}"
    result = cli(*args, "--theme", "dark", "-o", str(path))
    assert (result.code, result.out, result.err) == (0, "", f"wrote {path}\n")
    first = path.read_bytes()
    assert cli(*args, "--theme", "dark", "-o", str(path)).code == 0
    assert path.read_bytes() == first
    if suffix == "svg":
        root = ET.fromstring(first)
        assert root.get("role") == "img"
        assert root.find("{http://www.w3.org/2000/svg}desc").text
    if suffix == "png":
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


def test_the_whole_walkthrough_stays_a_terminal(cli, tmp_path):
    path = tmp_path / "a.svg"
    assert cli("walkthrough", "-o", str(path)).code == 0
    assert "rich-terminal" in path.read_text()
    result = cli("walkthrough", "-o", str(tmp_path / "a.png"))
    assert (result.code, result.err.strip()) == (
        2,
        "Error: a .png shows one step: choose it with --step",
    )
    result = cli("forward", "--title", "x")
    assert (result.code, result.err.strip()) == (
        2,
        "Error: --title cannot be combined with this output, which is no picture",
    )


def test_code_and_brackets_keep_their_spaces_in_svg(cli, tmp_path):
    """A browser takes several spaces for one, unless it is told otherwise."""
    path = tmp_path / "a.svg"
    assert cli("walkthrough", "--step", "10", "-o", str(path)).code == 0
    lines = [
        part
        for part in ET.fromstring(path.read_bytes()).iter("{http://www.w3.org/2000/svg}text")
        if part.text and part.text.startswith("    ")
    ]
    assert any("super().__init__()" in part.text for part in lines)
    for part in lines:
        assert "white-space: pre" in part.get("style")
        assert "monospace" in part.get("style")
