"""The figure, read back: what it draws, and the picture in the README."""

from __future__ import annotations

import itertools
import struct

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from dropout_cli import Problem, RequestError, Trace
from dropout_cli.prose import load
from dropout_cli.prose.voice import Voice
from dropout_cli.views.figure import SHOWN, gradient_flow

KEPT, DROPPED = "#0072b2", "#d55e00"


def draw(size=(14.0, 10.0), **problem):
    return gradient_flow(Trace(Problem.pose(**problem)), Voice(load("en")), size)


def bars(axes):
    """The heights of the bars in the order of the elements, and their colours and hatches."""
    found = {}
    for container in axes.containers:
        for bar in container:
            index = round(bar.get_x() + bar.get_width() / 2)
            found[index] = (bar.get_height(), to_hex(bar.get_facecolor()), bar.get_hatch())
    assert sorted(found) == list(range(1, len(found) + 1))
    return [found[i] for i in sorted(found)]


def heights(axes):
    return [height for height, _, _ in bars(axes)]


def test_the_four_panels_of_the_worked_example():
    x, mask, y, grad_x = draw().axes
    assert heights(x) == [2, 4, 6, 8]
    assert heights(mask) == [1, 0, 1, 0]
    assert heights(y) == [4, 0, 12, 0]
    assert heights(grad_x) == [0.2, 0, 0.6, 0]


def test_kept_and_dropped_differ_by_colour_and_hatch_and_mark():
    figure = draw()
    for axes in figure.axes:
        for i, (_, colour, hatch) in enumerate(bars(axes)):
            assert colour == (DROPPED if i % 2 else KEPT)
            assert bool(hatch) == bool(i % 2)
    marks = [text for text in figure.axes[3].texts if text.get_text() in "✓✗"]
    assert [(m.get_position()[0], m.get_text()) for m in marks] == [
        (1, "✓"), (2, "✗"), (3, "✓"), (4, "✗"),
    ]  # fmt: skip
    legend = [text.get_text() for text in figure.legends[0].texts]
    assert legend == ["kept", "dropped", r"upstream gradient $\partial L/\partial y$"]


def test_kept_and_dropped_differ_in_lightness():
    """So a grey print, and whoever sees no hue, still tells them apart."""

    def luminance(colour):
        linear = (((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour))
        return np.dot(list(linear), [0.2126, 0.7152, 0.0722])

    lighter, darker = sorted([luminance(DROPPED), luminance(KEPT)], reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) > 1.3


def test_a_band_stands_behind_each_dropped_element():
    for axes in draw().axes:
        band = axes.collections[0]
        spans = [path.get_extents().intervalx.tolist() for path in band.get_paths()]
        assert spans == [[1.5, 2.5], [3.5, 4.5]]


def test_the_upstream_gradient_is_a_dash_over_each_element():
    *others, grad_x = draw(loss="sum-squares").axes
    dashes = grad_x.collections[1].get_segments()
    assert [(round(ends[:, 0].mean()), *ends[:, 1]) for ends in dashes] == [
        (1, 8, 8), (2, 0, 0), (3, 24, 24), (4, 0, 0),
    ]  # fmt: skip
    assert all(len(axes.collections) == 1 for axes in others)
    low, high = draw(grad_y=[-9, 1, 1, 1]).axes[3].get_ylim()
    assert low < -9
    assert high > 2


def test_the_axis_of_indices_has_whole_numbers():
    for n in (2, 17, 20, 64):
        for axes in draw(x=np.ones(n), seed=0).axes:
            ticks = axes.get_xticks()
            assert np.array_equal(ticks, ticks.astype(int))


def test_titles_give_the_formula_and_the_numbers():
    titles = [axes.get_title() for axes in draw(p=0.3, loss="sum-squares").axes]
    assert "p = 0.3" in titles[1]
    assert r"y = x \odot m/(1-p)" in titles[2]
    assert "1/(1-p) = 1.42857" in titles[2]
    assert r"\partial L/\partial x = \partial L/\partial y \odot m/(1-p)" in titles[3]
    assert r"L = \sum y_i^2" in titles[3]


def values(axes):
    return [text.get_text() for text in axes.texts if text.get_text() not in ("✓", "✗")]


def test_values_stand_on_the_bars_while_they_fit():
    assert values(draw().axes[0]) == ["2", "6", "4", "8"]
    assert values(draw(x=[-1.5, 2, 3, 4]).axes[0]) == ["−1.5", "3", "2", "4"]
    crowded = draw(x=np.linspace(1, 2, 40), seed=1)
    assert values(crowded.axes[0]) == []


def test_values_do_not_overlap():
    for n in (4, 8, 12, 16, 24, 32):
        figure = draw(x=np.linspace(-1, 1, n) / 3, seed=1, p=0.3)
        figure.draw_without_rendering()
        for axes in figure.axes:
            boxes = [t.get_window_extent() for t in axes.texts if t.get_text() not in ("✓", "✗")]
            spans = sorted((box.x0, box.x1) for box in boxes)
            for (_, end), (start, _) in itertools.pairwise(spans):
                assert end < start


def test_inference_has_no_mask_and_passes_all_on():
    figure = draw(training=False)
    x, mask, y, grad_x = figure.axes
    assert heights(y) == heights(x)
    assert heights(grad_x) == [0.1, 0.2, 0.3, 0.4]
    assert mask.containers == []
    assert "no mask" in mask.texts[0].get_text()
    assert figure.legends[0].texts[0].get_text() == "passed on"


def test_p_1_has_no_scale_to_show():
    figure = draw(p=1)
    assert heights(figure.axes[2]) == [0, 0, 0, 0]
    assert "1/(1-p) =" not in figure.axes[2].get_title()


def test_a_long_vector_shows_its_first_elements_and_says_so():
    figure = draw(x=np.arange(1000), seed=0)
    assert figure.get_suptitle() == f"Dropout gradient flow, elements 1 to {SHOWN} of 1,000"
    for axes in figure.axes:
        assert len(heights(axes)) == SHOWN


@pytest.mark.parametrize("x", ["0,0,0,0", "1e-320,0,0,0", "1e299,-1e299,1,1", "-1e-300,0,1,2"])
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_any_number_can_be_drawn(cli, tmp_path, x, suffix):
    path = tmp_path / f"figure.{suffix}"
    result = cli("plot", "-x", x, "-m", "1101", "-o", str(path))
    assert (result.code, result.err) == (0, f"wrote {path}\n")


def test_too_large_numbers_cannot():
    with pytest.raises(RequestError, match="too large to draw"):
        draw(x=[1e305, 1, 1, 1])


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_same_command_gives_the_same_bytes(cli, tmp_path, monkeypatch, suffix):
    written = []
    for name in ("a", "b"):
        path = tmp_path / name / f"figure.{suffix}"
        assert cli("plot", "-o", str(path), "--dpi", "50").code == 0
        written.append(path.read_bytes())
        monkeypatch.setitem(matplotlib.rcParams, "axes.facecolor", "pink")  # a user's own taste
        monkeypatch.setitem(matplotlib.rcParams, "savefig.bbox", "tight")
    assert written[0] == written[1]


def test_size_and_dpi_set_the_pixels(cli, tmp_path):
    path = tmp_path / "figure.png"
    assert cli("plot", "-o", str(path), "--size", "8x4.5", "--dpi", "100").code == 0
    assert struct.unpack(">II", path.read_bytes()[16:24]) == (800, 450)


@pytest.mark.parametrize("n", [1, 64])
def test_the_smallest_figure(cli, tmp_path, n):
    vector = ",".join(["1"] * n)
    path = str(tmp_path / "figure.png")
    assert cli("plot", "-x", vector, "-o", path, "--size", "3x3", "--dpi", "50").code == 0


def test_by_default_it_goes_to_outputs(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = cli("plot")
    assert (result.code, result.out) == (0, "")
    assert result.err == "wrote outputs/dropout_gradient_flow.png\n"
    png = (tmp_path / "outputs" / "dropout_gradient_flow.png").read_bytes()
    assert struct.unpack(">II", png[16:24]) == (2100, 1500)


@pytest.mark.mpl_image_compare(
    baseline_dir="../../outputs",
    filename="dropout_gradient_flow.png",
    style="default",
    savefig_kwargs={"dpi": 150},
    tolerance=2,
)
def test_the_figure_in_the_readme_is_this_one():
    return draw()


def test_the_chinese_figure(cli, tmp_path):
    path = tmp_path / "figure.svg"
    result = cli("plot", "--lang", "zh", "-o", str(path))
    if result.code == 2:
        assert "no font with Chinese characters is installed" in result.err
        assert list(tmp_path.iterdir()) == []
        pytest.skip("no Chinese font")
    assert result.err == f"已写入 {path}\n"  # and no warning of a glyph that is missing
