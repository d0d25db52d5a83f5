"""Where the figure's texts stand: none touches another, leaves the page or is too small to read."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from dropout_cli import Problem, RequestError, Trace
from dropout_cli.figure.draw import draw, plain_style
from dropout_cli.figure.look import Look
from dropout_cli.figure.theme import SMALLEST
from dropout_cli.words import load
from dropout_cli.words.messages import Voice

COUNTS = (1, 2, 4, 6, 7, 10, 12, 17, 30, 64, 100, 1000, 100_000)
LOOKS = [
    pytest.param(Look(layout=layout, size=size), id=f"{layout}-{size}")
    for layout in ("panels", "flow")
    for size in ("16x9", "4x3", "square", "1920x1080", "3x3", "14x5")
]


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


def texts(trace, look):
    """The figure's texts and their boxes in points of the page, (count, 2, 2)."""
    figure = draw(trace, Voice(load(look.lang), look.precision), look.checked())
    with plain_style():
        width, height = look.inches
        figure.set_dpi(max(144, 144 * 7.5 / min(width, height * 16 / 9)))  # hinting needs pixels
        renderer = FigureCanvasAgg(figure).get_renderer()
        found = [text for text in figure.findobj(Text) if text.get_text()]
        boxes = np.array([text.get_window_extent(renderer).get_points() for text in found])
    page = np.array(renderer.get_canvas_width_height())
    unit = min(page[0] / 960, page[1] / 540)
    return found, boxes / unit, page / unit, unit * 72 / figure.dpi


def check(trace, look):
    found, boxes, page, unit = texts(trace, look)
    low, high = boxes[:, 0], boxes[:, 1]
    inside = (low >= -0.5).all(axis=1) & (high <= page + 0.5).all(axis=1)
    assert inside.all(), [
        text.get_text() for text, one in zip(found, inside, strict=True) if not one
    ]
    meet = (low[:, None] < high - 0.5).all(axis=-1) & (high[:, None] > low + 0.5).all(axis=-1)
    pairs = [(found[i].get_text(), found[j].get_text()) for i, j in np.argwhere(meet) if i < j]
    assert pairs == []
    assert min(text.get_fontsize() for text in found) >= SMALLEST * unit - 1e-9
    return [text.get_text() for text in found]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("n", COUNTS)
def test_texts_keep_apart_and_on_the_page(look, n):
    kinds = ("mixed", "long", "far", "small", "negative", "equal", "zero")
    for k, kind in enumerate(kinds if look.size == "16x9" else kinds[:2]):
        x = values(kind, n)
        check(Trace(Problem.pose(x=x, p=(0.3, 0.5, 1)[k % 3], seed=n, grad_y=x[::-1])), look)


@pytest.mark.parametrize("layout", ["panels", "flow"])
@pytest.mark.parametrize("precision", [1, 4, 9, 17])
def test_with_every_precision(layout, precision):
    for n in (1, 4, 9, 40):
        problem = Problem.pose(x=values("mixed", n) / 3, p=1 / 3, seed=1, loss="sum-squares")
        check(Trace(problem), Look(layout=layout, precision=precision))


@pytest.mark.parametrize("panel", [("x",), ("mask",), ("grad_x",), ("x", "y"), ("x", "mask", "y")])
@pytest.mark.parametrize("n", [4, 10, 30, 1000])
def test_with_some_panels(panel, n):
    for kind in ("mixed", "long"):
        trace = Trace(Problem.pose(x=values(kind, n), seed=1))
        for size in ("16x9", "square"):
            said = check(trace, Look(panel=panel, size=size))
            assert {"Input", "Mask", "Output", "Gradient"} & {*said} == {
                {"x": "Input", "mask": "Mask", "y": "Output", "grad_x": "Gradient"}[name]
                for name in panel
            }


@pytest.mark.parametrize("layout", ["panels", "flow"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_with_every_title(layout, lang):
    look = Look(layout=layout, lang=lang)
    trace = Trace(Problem.pose(loss="sum-squares"))
    try:
        for title in ("", "ß", "A title that is rather longer than the page is wide, " * 2):
            said = check(trace, look._replace(title=title))
            assert (title in said) == bool(title)
            inference = Trace(Problem.pose(training=False))
            check(inference, look._replace(title=title))
    except RequestError as error:
        if "no font with Chinese characters" not in str(error):
            raise
        pytest.skip(str(error))


def test_values_are_written_as_large_as_they_fit():
    def sizes(layout, **problem):
        found, *_ = texts(Trace(Problem.pose(**problem)), Look(layout=layout))
        return {text.get_text(): text.get_fontsize() for text in found}

    for layout in ("panels", "flow"):
        assert sizes(layout)["12"] == 19
        crowded = sizes(layout, x=np.arange(1.5, 12), seed=0)
        assert 9 <= crowded["7.5"] < 19
        assert not {"0.5", "20.5"} & {*sizes(layout, x=np.arange(0.5, 64), seed=0)}
