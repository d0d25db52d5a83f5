"""The figure, measured as it is drawn: lengths, shapes, colours, and what it says."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.text import Text

from dropout_cli import Problem, RequestError, Trace
from dropout_cli.figure import page
from dropout_cli.figure.captions import subtitle
from dropout_cli.figure.files import draw
from dropout_cli.figure.page import Group
from dropout_cli.figure.style import THEMES, Style
from dropout_cli.losses import LOSSES
from dropout_cli.words import load
from dropout_cli.words.messages import Messages

SLOW = pytest.mark.slow
BOTH = pytest.mark.parametrize("layout", ["panels", "flow"])


def figure(style=None, **problem):
    style = (style or Style()).checked()
    return draw(
        Trace(Problem.create(**problem)), Messages(load(style.lang), style.precision), style
    )


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
    drawn = bars(figure(Style(layout=layout), x=[2, -4, 6, 8], p=p, mask=[1, 1, 1, 0]))
    for i in (1, 2, 3):
        x, y = (length(drawn[f"bar-{name}-{i}"], layout) for name in ("x", "y"))
        assert y / x == pytest.approx(1 / (1 - p))
        assert length(drawn[f"bar-y-arrived-{i}"], layout) == pytest.approx(x)
    assert length(drawn["bar-y-4"], layout) == pytest.approx(length(drawn["bar-x-4"], layout))


@BOTH
def test_bars_are_as_long_as_their_values(layout):
    trace = Trace(Problem.create(x=[3, -1, 4, 1, -5, 9], seed=2, loss="sum-squares"))
    drawn = bars(draw(trace, Messages(load("en")), Style(layout=layout)))
    for name, values in (("y", trace.y), ("grad_x", trace.grad_x)):
        kept = [i for i in range(6) if values[i]]
        lengths = np.array([length(drawn[f"bar-{name}-{i + 1}"], layout) for i in kept])
        assert lengths / lengths[0] == pytest.approx(values[kept] / values[kept[0]])


def test_both_gradients_have_one_scale():
    drawn = bars(figure(Style(layout="flow"), p=0.9))
    assert length(drawn["bar-grad_x-1"], "flow") == pytest.approx(
        10 * length(drawn["bar-grad_y-1"], "flow")
    )


@BOTH
def test_kept_and_dropped_differ_by_shape(layout):
    drawn = bars(figure(Style(layout=layout)))
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
    drawn = figure(Style(layout=layout), x=np.ones(n), seed=1)
    kept = Trace(Problem.create(x=np.ones(n), seed=1)).problem.mask
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
        drawn = figure(Style(layout=layout), x=np.ones(n), seed=1, p=0.3)
        given = to_hex(THEMES["light"].given)
        shown = [
            path
            for part in drawn.findobj(PolyCollection)
            if len(part.get_facecolor()) and to_hex(part.get_facecolor()[0]) == given
            for path in part.get_paths()
        ]
        assert len(shown) == n * (1 if layout == "panels" else 2)


@pytest.mark.parametrize(("layout", "fit"), [("panels", 390), ("flow", 120)])
@pytest.mark.parametrize("n", [1000, 100_000])
def test_more_elements_than_points_are_refused_with_how_many_fit(layout, fit, n):
    with pytest.raises(RequestError, match="at most") as refused:
        figure(Style(layout=layout), x=np.linspace(0, 1, n), seed=0)
    most = int(re.search(r"at most (\d+) fit", str(refused.value))[1])
    assert most == pytest.approx(fit, rel=0.1)
    figure(Style(layout=layout), x=np.linspace(0, 1, most), seed=0)
    with pytest.raises(RequestError, match=f"x has {most + 1:,} elements, but at most {most} fit"):
        figure(Style(layout=layout), x=np.linspace(0, 1, most + 1), seed=0)


def panel(drawn, name):
    (found,) = (part for part in drawn.findobj(Group) if part.get_gid() == f"panel-{name}")
    return found


@BOTH
@pytest.mark.parametrize("n", [4, 10, 20, 30, 100])
def test_dropped_is_never_a_gap(layout, n):
    """Where the gradient that arrives is 0, as with the sum of squares, there is still a sign."""
    drawn = figure(Style(layout=layout), x=np.ones(n), mask=[1, 0] * (n // 2), loss="sum-squares")
    colour = THEMES["light"].dropped
    for name in ("y", "grad_x"):
        signs = [
            text.get_text()
            for text in panel(drawn, name).findobj(Text)
            if text.get_color() == colour
        ]
        dashes = [
            path
            for part in panel(drawn, name).findobj(LineCollection)
            if to_hex(part.get_color()[0]).upper() == colour
            for path in part.get_paths()
        ]
        assert n // 2 in (signs.count("0"), signs.count("✗"), len(dashes))


def test_products_stand_under_their_bars_and_are_the_problems():
    drawn = figure(x=[2, -4, 6, 8], p=0.2, mask=[1, 0, 1, 1], grad_y=[0.1, 0.2, -0.3, 0.4])
    for name, given in (("y", ["2", "−4", "6", "8"]), ("grad_x", ["0.1", "0.2", "−0.3", "0.4"])):
        products = [text for text in panel(drawn, name).findobj(Text) if " × " in text.get_text()]
        factors = ["1.25", "0", "1.25", "1.25"]
        assert [text.get_text() for text in products] == [
            f"{one} × {factor}" for one, factor in zip(given, factors, strict=True)
        ]
        for i, text in enumerate(products, 1):
            corners = bars(drawn)[f"bar-{name}-{i}"].get_paths()[0].vertices
            assert text.get_ha() == "center"
            assert text.get_position()[0] == pytest.approx(np.mean(corners[:4, 0]))
            assert text.get_position()[1] < corners[:, 1].min()
            light = THEMES["light"]
            assert text.get_color() == (light.dropped if i == 2 else light.kept)


@pytest.mark.parametrize(
    "problem", [{"training": False}, {"p": 1}, {"x": np.arange(9.0), "seed": 1}]
)
def test_products_are_left_out_where_they_would_not_help(problem):
    assert not any(" × " in words for words in said(figure(**problem)))


def test_numbers_are_centred_on_their_bars_and_marks_hang_beside_them():
    drawn = figure()
    words = {text.get_text(): text for text in panel(drawn, "grad_x").findobj(Text)}
    corners = bars(drawn)["bar-grad_x-3"].get_paths()[0].vertices
    assert words["0.6"].get_ha() == "center"
    assert words["0.6"].get_position()[0] == pytest.approx(np.mean(corners[:4, 0]))
    assert words["✓"].get_position()[0] > words["0.6"].get_position()[0]
    assert words["✓"].get_position()[1] == words["0.6"].get_position()[1]


@BOTH
@pytest.mark.parametrize("problem", [{"p": 0, "mask": [1, 1, 1, 1]}, {"training": False}])
def test_nothing_is_added_where_nothing_is_scaled(layout, problem):
    drawn = figure(Style(layout=layout), **problem)
    assert not any("arrived" in name for name in bars(drawn))
    assert not any("adds" in words or words.startswith("×") for words in said(drawn))


@BOTH
def test_inference_says_that_it_has_no_mask(layout):
    drawn = figure(Style(layout=layout), training=False)
    assert not any("mask" in name for name in bars(drawn))
    assert any(words.startswith("no mask") for words in said(drawn))
    assert "$y = x$" in said(drawn)


@BOTH
def test_p_1_reads_y_is_zero(layout):
    words = said(figure(Style(layout=layout), p=1))
    assert "$y = 0$" in words
    assert not any("(1-p)" in one or "(1−p)" in one for one in words)
    assert "p = 1:  0 of 4 kept" in words


@pytest.mark.parametrize(
    ("lang", "one", "some"),
    [("en", "1 of 4 kept, multiplied by ", "each multiplied by"),
     ("zh", "4 个元素中保留 1 个，乘以 ", "各乘以")],
)  # fmt: skip
def test_the_subtitle_says_how_many_are_kept_and_the_scale(lang, one, some):
    def told(p, mask):
        return subtitle(Trace(Problem.create(p=p, mask=mask)), Messages(load(lang), 4))

    assert told(0.3, [0, 1, 0, 0]).endswith(f"{one}1/(1−p) ≈ 1.429")
    for p, scale in ((1 / 3, "= 1.5"), (0.1, "≈ 1.111"), (0.99, "= 100"), (1e-9, "≈ 1")):
        assert told(p, [0, 1, 1, 0]).endswith(f"{some} 1/(1−p) {scale}")


@BOTH
def test_powers_of_ten_are_set_as_such(layout):
    words = said(figure(Style(layout=layout), p=1e-9, x=np.ones(4), mask=[1, 1, 1, 1]))
    assert any(one.startswith("p = 10⁻⁹") and one.endswith("1/(1−p) ≈ 1") for one in words)
    words = said(figure(Style(layout=layout), p=0.99999999, mask=[1, 1, 1, 1]))
    assert any(one.endswith("1/(1−p) = 10⁸") for one in words)


@BOTH
@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_named(layout, loss):
    assert any("loss L = " in words for words in said(figure(Style(layout=layout), loss=loss)))
    assert not any("loss" in words for words in said(figure(Style(layout=layout))))


@BOTH
def test_marks_stand_with_the_gradient(layout):
    words = said(figure(Style(layout=layout)))
    assert (words.count("✓"), words.count("✗")) == (2, 2)


@BOTH
def test_values_are_those_of_the_trace(layout):
    words = said(figure(Style(layout=layout), x=[1e-12, -1e12, 0.5, 3], p=0.3, mask=[1, 1, 1, 0]))
    assert {"10⁻¹²", "−10¹²", "1.429·10⁻¹²", "−1.429·10¹²", "0.7143"} <= {*words}


@pytest.mark.parametrize("x", ["0,0,0,0", "1e-320,0,0,0", "1e299,-1e299,1,1", "-1e-300,0,1,2"])
@pytest.mark.parametrize(
    "name",
    ["a.png", *(pytest.param(f"a.{suffix}", marks=SLOW) for suffix in ("svg", "pdf", "gif"))],
)
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
    """A machine that has no fonts but those of matplotlib."""
    ours = [font for font in font_manager.fontManager.ttflist if font.name.startswith("DejaVu")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", ours)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("sign", ["\U0001f9ff", "梯", "𝖠"])  # DejaVu has the last, but not in bold
def test_a_title_names_the_character_that_no_font_can_draw(monkeypatch, sign):
    said = f"^'{sign}' is in the title, but no font used here can draw it"
    with pytest.raises(RequestError, match=f"{said}; for Chinese, install one of Noto Sans CJK SC"):
        figure(Style(title=f"Dropout {sign}"))
    monkeypatch.setattr(page, "CHINESE", ("DejaVu Serif",))  # has no Chinese, but is installed
    for lang in ("en", "zh") if sign != "𝖠" else ():
        with pytest.raises(RequestError, match=f"{said}$"):
            figure(Style(title=f"Dropout {sign}", lang=lang))


@pytest.mark.usefixtures("bare")
def test_a_chinese_font_is_asked_for_where_one_would_help():
    needed = "no font with Chinese is installed: install one of Noto Sans CJK SC, "
    for title in (None, "", "Dropout", "梯度"):
        with pytest.raises(RequestError, match=f"^{needed}.*, or use --lang en$"):
            figure(Style(title=title, lang="zh"))


def test_a_title_that_no_line_can_hold():
    with pytest.raises(RequestError, match="too long"):
        figure(Style(title="long " * 60))
    with pytest.raises(RequestError, match="one line"):
        figure(Style(title="two\nlines"))
    assert "$5 and $6" in said(figure(Style(title="$5 and $6")))


@BOTH
def test_indices_that_are_left_out_leave_round_ones(layout):
    words = said(figure(Style(layout=layout), x=np.ones(17), seed=0))
    shown = [int(one) for one in words if re.fullmatch(r"[1-9]|1\d", one)]
    assert {1, 5, 10, 15} <= {*shown}
    assert not {3, 4, 6, 16, 17} & {*shown}
