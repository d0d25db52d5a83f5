"""The figure, measured as it is drawn: lengths, shapes, colours, and what it says."""

import re

import numpy as np
import pytest
from drawings import LIGHT, bars, collections, figure, lengths, words
from matplotlib import font_manager
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.text import Text

from dropout_cli import Problem, RequestError, Trace
from dropout_cli.figure import page
from dropout_cli.figure.files import subtitle
from dropout_cli.figure.style import THEMES, Style
from dropout_cli.losses import LOSSES
from dropout_cli.words import load
from dropout_cli.words.messages import Messages

SLOW = pytest.mark.slow
BOTH = pytest.mark.parametrize("layout", ["panels", "flow"])
RESULTS = {"panels": slice(1, 3), "flow": slice(0, 3, 2)}  # y and ∂L/∂x, not the mask


@BOTH
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_a_kept_bar_of_y_is_as_much_longer_as_the_equation_says(layout, p):
    drawn = figure(Style(layout=layout), x=[2, -4, 6, 8], p=p, mask=[1, 1, 1, 0])
    x = lengths(bars(drawn, LIGHT.given)[0], layout)
    assert lengths(bars(drawn, LIGHT.gain)[0], layout) / x[:3] == pytest.approx(1 / (1 - p))
    arrived, lost = (bars(drawn, c)[RESULTS[layout]][0] for c in (LIGHT.kept, LIGHT.dropped))
    assert lengths(arrived, layout) == pytest.approx(x[:3])
    assert lengths(lost, layout) == pytest.approx(x[3:])


@BOTH
def test_bars_are_as_long_as_their_values(layout):
    problem = {"x": [3, -1, 4, 1, -5, 9], "seed": 2, "loss": "sum-squares"}
    trace, drawn = Trace(Problem.create(**problem)), figure(Style(layout=layout), **problem)
    for values, drawn_bars in zip((trace.y, trace.grad_x), bars(drawn, LIGHT.gain), strict=True):
        kept, measured = values[values != 0], lengths(drawn_bars, layout)
        assert measured / measured[0] == pytest.approx(kept / kept[0])


@BOTH
def test_kept_and_dropped_differ_by_shape(layout):
    drawn = figure(Style(layout=layout))
    for colour, count in ((LIGHT.gain, 2), (LIGHT.kept, 3), (LIGHT.dropped, 3)):
        found = collections(drawn, colour)
        assert len(found) == count + (layout == "flow" and count > 2)  # there the mask is twice
        for part in found:
            hollow = colour == LIGHT.dropped
            assert len(part.get_paths()) == 2
            assert (len(part.get_facecolor()) == 0) == hollow
            assert (part.get_linestyle()[0][1] is not None) == hollow  # dashes


@BOTH
@pytest.mark.parametrize("n", [1, 7, 17, 64, 100])
def test_every_element_is_drawn_and_dropped_ones_are_slim_or_hollow(layout, n):
    drawn = figure(Style(layout=layout), x=np.ones(n), seed=1, p=0.3)
    given = [len(each) for each in bars(drawn, LIGHT.given)]
    assert given == ([n] if layout == "panels" else [n, n])
    if n >= 64:
        lost, kept = (bars(drawn, colour)[0][0] for colour in (LIGHT.dropped, LIGHT.kept_thin))
        axis = 0 if layout == "panels" else 1
        assert np.ptp(lost[:, axis]) < 0.5 * np.ptp(kept[:, axis])


@pytest.mark.parametrize(("layout", "fit"), [("panels", 370), ("flow", 120)])
@pytest.mark.parametrize("n", [1000, pytest.param(100_000, marks=SLOW)])
def test_more_elements_than_points_are_refused_with_how_many_fit(layout, fit, n):
    with pytest.raises(RequestError, match="at most") as refused:
        figure(Style(layout=layout), x=np.linspace(0, 1, n), seed=0)
    most = int(re.search(r"at most (\d+) fit", str(refused.value))[1])
    assert most == pytest.approx(fit, rel=0.1)
    figure(Style(layout=layout), x=np.linspace(0, 1, most), seed=0)
    with pytest.raises(RequestError, match=f"x has {most + 1:,} elements, but at most {most} fit"):
        figure(Style(layout=layout), x=np.linspace(0, 1, most + 1), seed=0)


@BOTH
@pytest.mark.parametrize("n", [4, 10, 20, 30, 100])
def test_dropped_is_never_a_gap(layout, n):
    """Even where the gradient that arrives is 0, as with the sum of squares."""
    drawn = figure(Style(layout=layout), x=np.ones(n), mask=[1, 0] * (n // 2), loss="sum-squares")
    signs = [
        (text.get_text(), text.get_position())
        for text in drawn.findobj(Text)
        if text.get_color() == LIGHT.dropped
    ]
    signs += [
        ("line", tuple(path.vertices[0]))
        for part in drawn.findobj(LineCollection)
        if to_hex(part.get_color()[0]).upper() == LIGHT.dropped
        for path in part.get_paths()
    ]
    results = [(sign, x) for sign, (x, y) in signs if layout == "flow" or y < 260]
    left, right = (480, 480) if layout == "panels" else (400, 560)  # of the mask
    for side in ([s for s, x in results if x < left], [s for s, x in results if x > right]):
        assert n // 2 in [side.count(sign) for sign in ("0", "✗", "line")]


def test_products_stand_under_their_bars_and_are_the_problems():
    drawn = figure(x=[2, -4, 6, 8], p=0.2, mask=[1, 0, 1, 1], grad_y=[0.1, 0.2, -0.3, 0.4])
    products = [text for text in drawn.findobj(Text) if " × " in text.get_text()]
    given = ["2", "−4", "6", "8", "0.1", "0.2", "−0.3", "0.4"]
    assert [text.get_text() for text in products] == [
        f"{one} × {factor}" for one, factor in zip(given, ["1.25", "0", "1.25", "1.25"] * 2,
                                                   strict=True)
    ]  # fmt: skip
    kept, lost = bars(drawn, LIGHT.gain), bars(drawn, LIGHT.dropped)[1:]
    corners = np.concatenate([kept[0], lost[0], kept[1], lost[1]])
    for text, middle in zip(products, sorted(corners.mean(axis=1)[:, 0]), strict=True):
        x, y = text.get_position()
        assert text.get_ha() == "center"
        assert x == pytest.approx(middle)
        assert y < corners[..., 1].min()
        assert text.get_color() == (LIGHT.dropped if " × 0" in text.get_text() else LIGHT.kept)


@pytest.mark.parametrize(
    "problem", [{"training": False}, {"p": 1}, {"x": np.arange(9.0), "seed": 1}]
)
def test_products_are_left_out_where_they_would_not_help(problem):
    assert not any(" × " in one for one in words(figure(**problem)))


@BOTH
def test_a_figure_says_what_is_true_of_its_problem(layout):
    style = Style(layout=layout)
    for problem in ({"p": 0, "mask": [1, 1, 1, 1]}, {"training": False}):  # nothing is scaled
        drawn = figure(style, **problem)
        assert bars(drawn, LIGHT.gain) == []
        assert not any("adds" in one or one.startswith("×") for one in words(drawn))
    inference = words(figure(style, training=False))
    assert "$y = x$" in inference
    assert any(one.startswith("no mask") for one in inference)
    nothing = words(figure(style, p=1))
    assert {"$y = 0$", "p = 1:  0 of 4 kept"} <= {*nothing}
    assert not any("(1-p)" in one or "(1−p)" in one for one in nothing)
    for loss in (None, *LOSSES):
        named = any("loss L = " in one for one in words(figure(style, loss=loss)))
        assert named == (loss is not None)


@pytest.mark.parametrize(
    ("lang", "one", "some"),
    [("en", "1 of 4 kept, multiplied by ", "each multiplied by"),
     ("zh", "4 个元素中保留 1 个，乘以 ", "各乘以")],
)  # fmt: skip
def test_the_subtitle_says_how_many_are_kept_and_the_scale(lang, one, some):
    def under(p, mask):
        return subtitle(Trace(Problem.create(p=p, mask=mask)), Messages(load(lang), 4))

    assert under(0.3, [0, 1, 0, 0]).endswith(f"{one}1/(1−p) ≈ 1.429")
    for p, scale in ((1 / 3, "= 1.5"), (0.1, "≈ 1.111"), (0.99999999, "= 10⁸")):
        assert under(p, [0, 1, 1, 0]).endswith(f"{some} 1/(1−p) {scale}")
    assert "p = 10⁻⁹" in under(1e-9, [1, 1, 1, 1])
    assert under(1e-9, [1, 1, 1, 1]).endswith("1/(1−p) ≈ 1")


@BOTH
def test_values_are_those_of_the_trace(layout):
    said = words(figure(Style(layout=layout), x=[1e-12, -1e12, 0.5, 3], p=0.3, mask=[1, 1, 1, 0]))
    assert {"10⁻¹²", "−10¹²", "1.429·10⁻¹²", "−1.429·10¹²", "0.7143"} <= {*said}


@pytest.mark.parametrize("x", ["0,0,0,0", "1e-320,0,0,0", "1e299,-1e299,1,1", "-1e-300,0,1,2"])
@pytest.mark.parametrize("suffix", ["png", *(pytest.param(s, marks=SLOW) for s in ("svg", "gif"))])
def test_any_number_can_be_drawn(cli, tmp_path, x, suffix):
    path = tmp_path / f"a.{suffix}"
    result = cli("plot", "-x", x, "-m", "1101", "--dpi", "50", "-o", str(path))
    assert (result.code, result.err) == (0, f"wrote {path}\n")


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    """The contrast ratio of WCAG 2.2, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", THEMES)
def test_colours_have_the_contrast_of_wcag(name):
    theme = THEMES[name]
    on_ground = {"ink": 4.5, "muted": 4.5, "dropped": 4.5, "kept": 4.5, "given": 3, "rule": 3}
    on_ground |= {"kept_thin": 3, "gain_thin": 3}
    pairs = [(theme.ground, getattr(theme, part), least) for part, least in on_ground.items()]
    pairs += [(theme.plate, theme.ink, 4.5), (theme.plate, theme.dropped, 4.5)]
    pairs += [(theme.plate, theme.kept, 3), (theme.plate, theme.kept_thin, 3)]
    pairs += [(theme.kept, theme.gain, 3), (theme.kept_thin, theme.gain_thin, 3)]
    assert [pair for pair in pairs if contrast(*pair[:2]) < pair[2]] == []


@pytest.fixture
def no_other_fonts(monkeypatch):
    """Hide the fonts of this machine but for those of matplotlib."""
    ours = [font for font in font_manager.fontManager.ttflist if font.name.startswith("DejaVu")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", ours)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)


@pytest.mark.usefixtures("no_other_fonts")
@pytest.mark.parametrize(("title", "lang"), [(None, "zh"), ("", "zh"), ("A", "zh"), ("梯度", "en")])
def test_a_font_that_is_needed_is_asked_for(monkeypatch, title, lang):
    needed = "^no font with Chinese is installed: install one of Noto Sans CJK SC, "
    with pytest.raises(RequestError, match=needed):
        figure(Style(title=title, lang=lang))
    monkeypatch.setattr(page, "CHINESE", ("DejaVu Serif",))  # has no Chinese, but is installed
    for sign in ("\U0001f9ff", "梯", "𝖠"):  # DejaVu Sans has the last, but not in bold
        with pytest.raises(RequestError, match=f"^'{sign}' is in the title, but no font used here"):
            figure(Style(title=f"Dropout {sign}", lang="en"))


def test_a_title_that_no_line_can_hold_is_refused():
    with pytest.raises(RequestError, match="too long"):
        figure(Style(title="long " * 60))
    with pytest.raises(RequestError, match="one line"):
        figure(Style(title="two\nlines"))
