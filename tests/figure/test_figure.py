"""The figure, measured as it is drawn: lengths, shapes, colours, and what it says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.text import Text

from dropout_cli import Problem, RequestError, Trace
from dropout_cli.figure import fonts
from dropout_cli.figure.draw import draw
from dropout_cli.figure.look import Look
from dropout_cli.figure.theme import THEMES
from dropout_cli.figure.words import subtitle
from dropout_cli.losses import LOSSES
from dropout_cli.words import load
from dropout_cli.words.messages import Voice

BOTH = pytest.mark.parametrize("layout", ["panels", "flow"])


def figure(look=None, **problem):
    look = (look or Look()).checked()
    return draw(Trace(Problem.pose(**problem)), Voice(load(look.lang), look.precision), look)


def bars(drawn):
    """The bars by id: the points between their corners along and across, and their style."""
    return {
        part.get_gid(): part
        for part in drawn.findobj(PolyCollection)
        if part.get_gid() and part.get_gid().startswith("bar-")
    }


def length(bar, layout):
    """The length of a bar, with its sign, in points of the page."""
    corners = bar.get_paths()[0].vertices
    along = corners[:, 1 if layout == "panels" else 0]
    return along[2] - along[0]


def said(drawn):
    return [text.get_text() for text in drawn.findobj(Text)]


@BOTH
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_a_kept_bar_of_y_is_as_much_longer_as_the_equation_says(layout, p):
    drawn = bars(figure(Look(layout=layout), x=[2, -4, 6, 8], p=p, mask=[1, 1, 1, 0]))
    for i in (1, 2, 3):
        x, y = (length(drawn[f"bar-{name}-{i}"], layout) for name in ("x", "y"))
        assert y / x == pytest.approx(1 / (1 - p))
        assert length(drawn[f"bar-y-arrived-{i}"], layout) == pytest.approx(x)
    assert length(drawn["bar-y-4"], layout) == pytest.approx(length(drawn["bar-x-4"], layout))


@BOTH
def test_bars_are_as_long_as_their_values(layout):
    trace = Trace(Problem.pose(x=[3, -1, 4, 1, -5, 9], seed=2, loss="sum-squares"))
    drawn = bars(draw(trace, Voice(load("en")), Look(layout=layout)))
    for name, values in (("y", trace.y), ("grad_x", trace.grad_x)):
        kept = [i for i in range(6) if values[i]]
        lengths = np.array([length(drawn[f"bar-{name}-{i + 1}"], layout) for i in kept])
        assert lengths / lengths[0] == pytest.approx(values[kept] / values[kept[0]])


def test_both_gradients_have_one_scale():
    drawn = bars(figure(Look(layout="flow"), p=0.9))
    assert length(drawn["bar-grad_x-1"], "flow") == pytest.approx(
        10 * length(drawn["bar-grad_y-1"], "flow")
    )


@BOTH
def test_kept_and_dropped_differ_by_shape(layout):
    drawn = bars(figure(Look(layout=layout)))
    light = THEMES["light"]
    for name, i in itertools.product(("mask", "y", "grad_x"), (1, 2, 3, 4)):
        bar = drawn[f"bar-{name}-{i}"]
        face, dashes = bar.get_facecolor(), bar.get_linestyle()[0][1]
        if i % 2:
            assert to_hex(face[0]).upper() == (light.kept if name == "mask" else light.gain)
            assert dashes is None
        else:
            assert len(face) == 0
            assert dashes is not None
    assert to_hex(drawn["bar-y-arrived-1"].get_facecolor()[0]).upper() == light.kept


@BOTH
@pytest.mark.parametrize("n", [64, 100])
def test_many_bars_differ_by_shape_too(layout, n):
    drawn = figure(Look(layout=layout), x=np.ones(n), seed=1)
    kept = Trace(Problem.pose(x=np.ones(n), seed=1)).problem.mask
    colour, axis = THEMES["light"], 0 if layout == "panels" else 1
    widths = {}
    for part in drawn.findobj(PolyCollection):
        if len(part.get_paths()) in (kept.sum(), n - kept.sum()):
            corners = part.get_paths()[0].vertices
            widths[to_hex(part.get_facecolor()[0]).upper()] = np.ptp(corners[:, axis])
    assert widths[colour.dropped] < 0.5 * widths[colour.kept_thin]


@BOTH
def test_every_element_is_drawn(layout):
    for n in (1, 7, 17, 100):
        drawn = figure(Look(layout=layout), x=np.ones(n), seed=1, p=0.3)
        given = to_hex(THEMES["light"].given)
        shown = [
            path
            for part in drawn.findobj(PolyCollection)
            if len(part.get_facecolor()) and to_hex(part.get_facecolor()[0]) == given
            for path in part.get_paths()
        ]
        assert len(shown) == n * (1 if layout == "panels" else 2)


@BOTH
def test_a_column_of_many_shows_the_smallest_and_the_largest_and_says_so(layout):
    x = np.zeros(100_000)
    x[31_337], x[77_777] = 8, -4
    drawn = figure(Look(layout=layout), x=x, seed=0)
    given = next(
        part
        for part in drawn.findobj(PolyCollection)
        if to_hex(part.get_facecolor()[0]) == "#6e7781"
    )
    ends = np.concatenate([path.vertices for path in given.get_paths()])
    along = ends[:, 1 if layout == "panels" else 0]
    zero = np.median(np.unique(along)[1:-1])
    assert (along.max() - zero) / (zero - along.min()) == pytest.approx(2, rel=0.01)
    stands = "Each column stands for" if layout == "panels" else "Each row stands for"
    assert any(words.startswith(stands) for words in said(drawn))
    assert not any("stands for" in words for words in said(figure(x=np.ones(100), seed=0)))


@BOTH
def test_a_column_with_no_spread_can_still_be_seen(layout):
    for n in (1000, 4999, 5001, 99_991):
        drawn = figure(Look(layout=layout), x=np.ones(n), seed=0)
        for part in drawn.findobj(PolyCollection):
            for path in part.get_paths():
                assert (np.ptp(path.vertices, axis=0) > 0.4).all()


@BOTH
@pytest.mark.parametrize("problem", [{"p": 0, "mask": [1, 1, 1, 1]}, {"training": False}])
def test_nothing_is_added_where_nothing_is_scaled(layout, problem):
    drawn = figure(Look(layout=layout), **problem)
    assert not any("arrived" in name for name in bars(drawn))
    assert not any("adds" in words or "×" in words for words in said(drawn))


@BOTH
def test_inference_says_that_it_has_no_mask(layout):
    drawn = figure(Look(layout=layout), training=False)
    assert not any("mask" in name for name in bars(drawn))
    assert any(words.startswith("no mask") for words in said(drawn))
    assert "$y = x$" in said(drawn)


@BOTH
def test_p_1_reads_y_is_zero(layout):
    words = said(figure(Look(layout=layout), p=1))
    assert "$y = 0$" in words
    assert not any("1/(1-p)" in one for one in words)
    assert "$p = 1$:  0 of 4 kept" in words


@pytest.mark.parametrize(
    ("lang", "one", "some"),
    [("en", "1 of 4 kept, multiplied by ", "each multiplied by"),
     ("zh", "4 个元素中保留 1 个，乘以 ", "各乘以")],
)  # fmt: skip
def test_the_subtitle_says_how_many_are_kept_and_the_scale(lang, one, some):
    def told(p, mask):
        return subtitle(Trace(Problem.pose(p=p, mask=mask)), Voice(load(lang), 4))

    assert told(0.3, [0, 1, 0, 0]).endswith(f"{one}$1/(1-p) ≈ 1.429$")
    for p, scale in ((1 / 3, "= 1.5"), (0.1, "≈ 1.111"), (0.99, "= 100"), (1e-9, "≈ 1")):
        assert told(p, [0, 1, 1, 0]).endswith(f"{some} $1/(1-p) {scale}$")


@BOTH
def test_powers_of_ten_are_set_as_such(layout):
    words = said(figure(Look(layout=layout), p=1e-9, x=np.ones(4), mask=[1, 1, 1, 1]))
    assert any(one.startswith(r"$p = 1 \cdot 10^{-9}$") for one in words)
    assert any(r"$1/(1-p) \approx 1$" in one for one in words)
    words = said(figure(Look(layout=layout), p=0.99999999, mask=[1, 1, 1, 1]))
    assert any(r"= 1 \cdot 10^{8}$" in one for one in words)


@BOTH
@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_named(layout, loss):
    assert any("loss $L = " in words for words in said(figure(Look(layout=layout), loss=loss)))
    assert not any("loss" in words for words in said(figure(Look(layout=layout))))


@BOTH
def test_marks_stand_with_the_gradient(layout):
    words = said(figure(Look(layout=layout)))
    assert (words.count("✓"), words.count("✗")) == (2, 2)


@BOTH
def test_values_are_those_of_the_trace(layout):
    words = said(figure(Look(layout=layout), x=[1e-12, -1e12, 0.5, 3], p=0.3, mask=[1, 1, 1, 0]))
    assert {"1e−12", "−1e+12", "1.429e−12", "−1.429e+12", "0.7143"} <= {*words}


@pytest.mark.parametrize("x", ["0,0,0,0", "1e-320,0,0,0", "1e299,-1e299,1,1", "-1e-300,0,1,2"])
@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.pdf", "a.gif"])
def test_any_number_can_be_drawn(cli, tmp_path, x, name):
    path = tmp_path / name
    result = cli("plot", "-x", x, "-m", "1101", "-o", str(path))
    assert (result.code, result.err) == (0, f"wrote {path}\n")


def test_too_large_numbers_cannot():
    with pytest.raises(RequestError, match="too large to draw"):
        figure(x=[1e305, 1, 1, 1])


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    """The contrast ratio of WCAG 2.2, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", THEMES)
def test_contrast_holds(name):
    theme = THEMES[name]
    texts = [(theme.ink, theme.ground), (theme.ink, theme.plate), (theme.muted, theme.ground)]
    texts += [(theme.on_kept, theme.kept), (theme.dropped, theme.ground)]
    texts += [(theme.dropped, theme.plate), (theme.kept, theme.ground)]
    bars_ = [(theme.given, theme.ground), (theme.kept, theme.ground), (theme.kept, theme.gain)]
    bars_ += [(theme.kept_thin, theme.ground), (theme.kept_thin, theme.gain_thin)]
    bars_ += [(theme.gain_thin, theme.ground), (theme.kept, theme.plate)]
    bars_ += [(theme.kept_thin, theme.plate), (theme.rule, theme.ground)]
    for pairs, least in ((texts, 4.5), (bars_, 3)):
        assert {pair: contrast(*pair) for pair in pairs if contrast(*pair) < least} == {}


@pytest.fixture
def bare(monkeypatch):
    """A machine that has no fonts but those of matplotlib, which remembers one that is gone."""
    gone = font_manager.FontEntry(fname="/gone.ttf", name=fonts.CHINESE[0])
    ours = [font for font in font_manager.fontManager.ttflist if font.name.startswith("DejaVu")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [*ours, gone])
    monkeypatch.setattr(font_manager, "findSystemFonts", list)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("title", ["Dropout {}", "梯度 {}", "{} 🦄"])
@pytest.mark.parametrize("sign", ["\U0001f9ff", "𝖠"])  # DejaVu Sans has the second, but not in bold
def test_a_title_names_the_character_that_no_font_can_draw(lang, title, sign):
    with pytest.raises(RequestError, match=f"^'{sign}' is in the title, but no font used here"):
        figure(Look(title=title.format(sign), lang=lang))


@pytest.mark.usefixtures("bare")
def test_a_title_names_the_character_that_the_chinese_font_has_not(monkeypatch):
    monkeypatch.setattr(fonts, "CHINESE", ("DejaVu Serif",))  # has no Chinese, but is installed
    for lang, sign in (("en", "\U0001f9ff"), ("zh", "\U0001f9ff"), ("en", "梯")):
        with pytest.raises(RequestError, match=f"^'{sign}' is in the title, but no font used here"):
            figure(Look(title=f"Dropout {sign}", lang=lang))


@pytest.mark.usefixtures("bare")
def test_a_chinese_font_is_asked_for_where_one_would_help():
    needed = "no font with Chinese characters is installed, so install one of Noto Sans CJK SC, "
    for title in (None, "", "Dropout", "梯度"):
        with pytest.raises(RequestError, match=f"^{needed}.*, or use --lang en$"):
            figure(Look(title=title, lang="zh"))
    for title, sign in (("Dropout 梯度", "梯"), ("Dropout：p", "：")):
        with pytest.raises(RequestError, match=f"^'{sign}' is in the title, but {needed}.* Hei, "):
            figure(Look(title=title))


def test_a_title_that_no_line_can_hold():
    with pytest.raises(RequestError, match="too long"):
        figure(Look(title="long " * 60))
    with pytest.raises(RequestError, match="one line"):
        figure(Look(title="two\nlines"))
    assert "$5 and $6" in said(figure(Look(title="$5 and $6")))
