"""Where the words of a figure stand: none touches another, leaves the page or is too small."""

import re

import numpy as np
import pytest
from drawings import figure, texts
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from dropout_cli import RequestError
from dropout_cli.figure.style import SMALLEST, Style

LAYOUTS = pytest.mark.parametrize("layout", ["panels", "flow"])
SLOW = pytest.mark.slow


KINDS = {
    "mixed": lambda r, n: np.round(r.normal(0, 3, n), 1),
    "long": lambda r, n: r.choice([-123.456, 123.456, -0.123456, 98765.4], n),
    "far": lambda r, n: r.choice([1.23457e-12, -1.23457e12, 1.23457e12, -1.23457e-12], n),
    "negative": lambda r, n: -r.uniform(0.1, 9, n),
    "zero": lambda _, n: np.zeros(n),
}


def values(kind, n):
    return KINDS[kind](np.random.default_rng(n), n)


def measure(drawn, style):
    """The texts, the boxes of their ink in points of the page, the page, and its unit."""
    wide, alone = style.layout == "flow", len(style.panel) == 1
    least = (960, 540) if wide else (640, 360) if alone else (720, 540)
    inches = drawn.get_size_inches()
    unit = min(inches[0] * 72 / least[0], inches[1] * 72 / least[1])
    drawn.set_dpi(144 / unit)  # hinting needs pixels
    renderer = FigureCanvasAgg(drawn).get_renderer()
    found = [text for text in drawn.findobj(Text) if text.get_text()]
    boxes = []
    for text in found:
        (left, low), (right, high) = text.get_window_extent(renderer).get_points()
        if "$" not in text.get_text():  # its ink alone
            _, height, depth = renderer.get_text_width_height_descent(
                text.get_text(), text.get_fontproperties(), ismath=False
            )
            low = text.get_transform().transform(text.get_position())[1] - depth
            high = low + height
        boxes.append([[left, low], [right, high]])
    return found, np.array(boxes) / 2, inches * 72 / unit, unit


def check(style, **problem):
    """Hold the words of a figure apart, on the page and legible; return them."""
    found, boxes, page, unit = measure(figure(style, **problem), style)
    low, high = boxes[:, 0], boxes[:, 1]
    inside = (low >= -0.5).all(axis=1) & (high <= page + 0.5).all(axis=1)
    assert [text.get_text() for text, one in zip(found, inside, strict=True) if not one] == []
    meet = (low[:, None] < high - 0.5).all(axis=-1) & (high[:, None] > low + 0.5).all(axis=-1)
    pairs = [(found[i].get_text(), found[j].get_text()) for i, j in np.argwhere(meet) if i < j]
    assert pairs == []
    for text in found:  # the mark on the zero line stands in for a bar
        least = 10 if text.get_text() == "✗" else SMALLEST
        assert text.get_fontsize() >= least * unit - 1e-9, text.get_text()
    return [text.get_text() for text in found]


FAST = [("16x9", 4), ("16x9", 10), ("square", 7), ("3x3", 30)]


@pytest.mark.parametrize(
    ("size", "n"),
    [pytest.param(size, n, marks=() if (size, n) in FAST else SLOW)
     for size in ("16x9", "4x3", "square", "1920x1080", "3x3", "14x5")
     for n in (1, 2, 4, 5, 6, 7, 8, 10, 12, 17, 30, 64, 100, 300)],
)  # fmt: skip
@LAYOUTS
def test_words_keep_apart_and_on_the_page(layout, size, n):
    for k, kind in enumerate(KINDS if (size, n) == ("16x9", 4) else ("mixed", "long")):
        x = values(kind, n)
        problem = {"x": x, "p": (0.3, 0.5, 1)[k % 3], "seed": n, "grad_y": x[::-1]}
        try:
            check(Style(layout=layout, size=size), **problem)
        except RequestError as error:
            fit = int(re.search(r"at most ([\d,]+) fit", str(error))[1].replace(",", ""))
            assert 60 < fit < n


@LAYOUTS
@pytest.mark.parametrize("precision", [17, *(pytest.param(n, marks=SLOW) for n in (1, 4, 9))])
def test_words_keep_apart_with_every_precision(layout, precision):
    for n in (4, 9) if precision == 17 else (1, 4, 9, 40):
        problem = {"x": values("mixed", n) / 3, "p": 1 / 3, "seed": 1, "loss": "sum-squares"}
        check(Style(layout=layout, precision=precision), **problem)


@pytest.mark.parametrize(
    "panel",
    [("grad_x",), ("x", "mask", "y"), *(pytest.param(one, marks=SLOW) for one in
     (("x",), ("mask",), ("y",), ("x", "y"), ("y", "grad_x")))],
)  # fmt: skip
@pytest.mark.parametrize("n", [4, pytest.param(10, marks=SLOW), pytest.param(30, marks=SLOW)])
def test_words_keep_apart_in_some_panels(panel, n):
    for kind, size in (("mixed", "16x9"), ("long", "square")):
        said = check(Style(panel=panel, size=size), x=values(kind, n), seed=1)
        names = {"Input": "x", "Mask": "mask", "Output  →": "y", "Gradient  ←": "grad_x"}
        assert {names[words] for words in said if words in names} == {*panel}
        assert said.count("neuron") == 1


@pytest.mark.parametrize(
    ("layout", "lang"),
    [("flow", "en"), ("panels", "zh"), *(pytest.param(*pair, marks=SLOW) for pair in
     (("flow", "zh"), ("panels", "en")))],
)  # fmt: skip
def test_words_keep_apart_under_every_title(layout, lang):
    for title in ("", "ß", "A title that is rather longer than the page is wide, " * 2):
        style = Style(layout=layout, lang=lang, title=title)
        try:
            said = check(style, loss="sum-squares")
        except RequestError as error:
            if "no font with Chinese" not in str(error):
                raise
            pytest.skip(str(error))
        assert title.strip() in " ".join(said)
        assert any("4" in words and "L = " in words for words in said) == bool(title)


def sizes(style, **problem):
    drawn = figure(style, **problem)
    _, _, _, unit = measure(drawn, style)
    return {words: text.get_fontsize() / unit for words, text in texts(drawn).items()}


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
