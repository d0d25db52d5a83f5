"""Where the words of a figure stand: none touches another, leaves the page or is too small."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.text import Text

from dropout_cli import Problem, RequestError, Trace
from dropout_cli.figure.files import draw
from dropout_cli.figure.page import plain_settings
from dropout_cli.figure.style import SMALLEST, Style
from dropout_cli.words import load
from dropout_cli.words.messages import Messages

LAYOUTS = pytest.mark.parametrize("layout", ["panels", "flow"])
SIZES = ("16x9", "4x3", "square", "1920x1080", "3x3", "14x5")
SLOW = pytest.mark.slow


def values(kind, n):
    r = np.random.default_rng(n)
    match kind:
        case "small":
            return np.arange(1.0, n + 1) % 9
        case "mixed":
            return np.round(r.normal(0, 3, n), 1)
        case "long":
            return r.choice([-123.456, 123.456, -0.123456, 98765.4], n)
        case "far":
            return r.choice([1.23457e-12, -1.23457e12, 1.23457e12, -1.23457e-12], n)
        case "negative":
            return -r.uniform(0.1, 9, n)
        case "equal":
            return np.full(n, -7.77777)
        case "zero":
            return np.zeros(n)


def measure(figure, least):
    """The texts, the boxes of their ink in points of the page, the page, and its unit."""
    with plain_settings():
        inches = figure.get_size_inches()
        unit = min(inches[0] * 72 / least[0], inches[1] * 72 / least[1])
        figure.set_dpi(144 / unit)  # hinting needs pixels
        renderer = FigureCanvasAgg(figure).get_renderer()
        found = [text for text in figure.findobj(Text) if text.get_text()]
        boxes = []
        for text in found:
            (left, low), (right, high) = text.get_window_extent(renderer).get_points()
            if text.get_va() == "baseline" and not text.get_parse_math():
                _, height, depth = renderer.get_text_width_height_descent(
                    text.get_text(), text.get_fontproperties(), ismath=False
                )
                low = text.get_transform().transform(text.get_position())[1] - depth
                high = low + height
            boxes.append([[left, low], [right, high]])
    return found, np.array(boxes) / 2, inches * 72 / unit, unit


def least_page(style):
    if style.layout == "flow":
        return 960, 540
    return (640, 360) if len(style.panel) == 1 else (720, 540)


def check(trace, style):
    """Hold the words of a figure apart, on the page and legible; return them."""
    drawn = draw(trace, Messages(load(style.lang), style.precision), style.checked())
    found, boxes, page, unit = measure(drawn, least_page(style))
    low, high = boxes[:, 0], boxes[:, 1]
    inside = (low >= -0.5).all(axis=1) & (high <= page + 0.5).all(axis=1)
    assert inside.all(), [
        text.get_text() for text, one in zip(found, inside, strict=True) if not one
    ]
    meet = (low[:, None] < high - 0.5).all(axis=-1) & (high[:, None] > low + 0.5).all(axis=-1)
    pairs = [(found[i].get_text(), found[j].get_text()) for i, j in np.argwhere(meet) if i < j]
    assert pairs == []
    for text in found:  # the mark on the zero line stands in for a bar
        least = 10 if text.get_text() == "✗" else SMALLEST
        assert text.get_fontsize() >= least * unit - 1e-9, text.get_text()
    return [text.get_text() for text in found]


@pytest.mark.parametrize(
    "size", [s if s in SIZES[:3] else pytest.param(s, marks=SLOW) for s in SIZES]
)
@LAYOUTS
@pytest.mark.parametrize(
    "n", [n if n in (1, 4, 10) else pytest.param(n, marks=SLOW)
          for n in (1, 2, 4, 5, 6, 7, 8, 10, 12, 17, 30, 64, 100, 300)]
)  # fmt: skip
def test_words_keep_apart_and_on_the_page(layout, size, n):
    kinds = ("mixed", "long", "far", "small", "negative", "equal", "zero")
    for k, kind in enumerate(kinds if size == "16x9" and n in (4, 7) else kinds[:2]):
        x = values(kind, n)
        problem = Problem.create(x=x, p=(0.3, 0.5, 1)[k % 3], seed=n, grad_y=x[::-1])
        try:
            check(Trace(problem), Style(layout=layout, size=size))
        except RequestError as error:
            fit = int(re.search(r"at most ([\d,]+) fit", str(error))[1].replace(",", ""))
            assert 60 < fit < n


@LAYOUTS
@pytest.mark.parametrize(
    "precision", [1, 4, pytest.param(9, marks=SLOW), pytest.param(17, marks=SLOW)]
)
def test_with_every_precision(layout, precision):
    for n in (1, 4, 9, 40):
        problem = Problem.create(x=values("mixed", n) / 3, p=1 / 3, seed=1, loss="sum-squares")
        check(Trace(problem), Style(layout=layout, precision=precision))


@pytest.mark.parametrize(
    "panel",
    [("grad_x",), ("x", "mask", "y"), *(pytest.param(one, marks=SLOW) for one in
     (("x",), ("mask",), ("y",), ("x", "y"), ("y", "grad_x")))],
)  # fmt: skip
@pytest.mark.parametrize("n", [4, pytest.param(10, marks=SLOW), pytest.param(30, marks=SLOW)])
def test_with_some_panels(panel, n):
    for kind in ("mixed", "long"):
        trace = Trace(Problem.create(x=values(kind, n), seed=1))
        for size in ("16x9", "square"):
            said = check(trace, Style(panel=panel, size=size))
            names = {"Input": "x", "Mask": "mask", "Output  →": "y", "Gradient  ←": "grad_x"}
            assert {names[words] for words in said if words in names} == {*panel}
            assert said.count("neuron") == 1


@LAYOUTS
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_with_every_title(layout, lang):
    style = Style(layout=layout, lang=lang)
    trace = Trace(Problem.create(loss="sum-squares"))
    try:
        for title in ("", "ß", "A title that is rather longer than the page is wide, " * 2):
            said = check(trace, style._replace(title=title))
            assert title.strip() in " ".join(said)
            check(Trace(Problem.create(training=False)), style._replace(title=title))
    except RequestError as error:
        if "no font with Chinese is installed" not in str(error):
            raise
        pytest.skip(str(error))


def test_no_title_takes_the_subtitle_too():
    assert not any("kept," in words for words in check(Trace(Problem.create()), Style(title="")))


def sizes(style, **problem):
    drawn = draw(Trace(Problem.create(**problem)), Messages(load("en"), style.precision), style)
    found, _, _, unit = measure(drawn, least_page(style))
    return {text.get_text(): text.get_fontsize() / unit for text in found}


@LAYOUTS
def test_values_are_as_large_as_they_fit_and_never_small(layout):
    assert sizes(Style(layout=layout))["12"] == 19
    crowded = sizes(Style(layout=layout), x=np.arange(1.5, 11), seed=0)
    assert 12 <= crowded["7.5"] < 19
    assert not {"0.5", "20.5"} & {*sizes(Style(layout=layout), x=np.arange(0.5, 64), seed=0)}


@pytest.mark.parametrize("size", ["4x3", "square", "3.25x3"])
def test_type_keeps_its_size_on_every_page(size):
    wide, other = sizes(Style()), sizes(Style(size=size))
    for words in ("Dropped forward, no gradient back", "Output  →", "12", "0.6", "1", "neuron"):
        assert other[words] == pytest.approx(wide[words])


def test_each_pair_has_its_own_size():
    long, short = np.arange(1.2345, 9), np.arange(1, 9)
    found = sizes(Style(), x=long, grad_y=short, mask=[1] * 8, p=0.5)
    assert found["16"] == 19
    assert 12 <= found["16.47"] < 19


def test_the_factor_is_clear_of_its_arrowhead():
    drawn = draw(Trace(Problem.create(p=0.1)), Messages(load("en"), 4), Style(layout="flow"))
    found, boxes, _, unit = measure(drawn, (960, 540))
    factors = [box for text, box in zip(found, boxes, strict=True) if text.get_text() == "×1.111"]
    heads = [
        path.vertices
        for part in drawn.findobj(PolyCollection)
        for path in part.get_paths()
        if len(path.vertices) == 4  # a triangle, closed
    ]
    assert unit == 1
    assert len(factors) == 4
    for (left, low), (right, high) in factors:
        for head in heads:
            (x, y), (x_end, y_end) = head.min(axis=0), head.max(axis=0)
            assert x_end < left or right < x or y_end + 2 <= low or high <= y
