"""The figure's files: the same bytes every time, what they carry, and what is read back."""

import itertools
import json
import os
import re
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib

import pytest
from PIL import Image

from dropout_cli.figure.files import KEYWORD, read_record
from dropout_cli.figure.style import Style, read_style

PNG = b"\x89PNG\r\n\x1a\n"
SVG = "{http://www.w3.org/2000/svg}"
SLOW = pytest.mark.slow
VARIED = [
    (),
    ("--layout", "flow", "--theme", "dark", "--transparent", "--size", "square"),
    ("-x", "-1.5,2,1e-12", "--seed", "7", "--rng", "jax", "-p", "0.3", "--loss", "sum-squares"),
    ("--eval", "--title", "“a” & <b> $c", "--size", "800x600", "--dpi", "100"),
    ("--panel", "grad_x", "--panel", "x", "--title", "", "--precision", "9", "-p", "1"),
]


@pytest.fixture
def plot(cli, tmp_path):
    """Draws a figure with these arguments; returns its path."""

    def run(name, *args):
        path = tmp_path / name
        result = cli("plot", *args, "-o", str(path))
        assert (result.code, result.out) == (0, "")
        wrote, *warned = result.err.splitlines()
        assert wrote == f"wrote {path}"
        assert all(line.startswith("the smallest type is ") for line in warned)
        return path

    return run


@pytest.mark.parametrize(
    "suffix", ["png", "svg", *(pytest.param(s, marks=SLOW) for s in ("gif", "pdf"))]
)
def test_the_same_command_gives_the_same_bytes(plot, monkeypatch, suffix):
    small = ("-x", "1,2", "-s", "1", "--dpi", "50") if suffix == "gif" else ()
    first = plot(f"a.{suffix}", *small).read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    assert plot(f"b.{suffix}", *small).read_bytes() == first
    for word in (b"atplotlib", b"2026", b"CreationDate", b"/Type3"):  # nor outlines for letters
        assert word not in first


def test_settings_of_the_user_change_nothing(plot, tmp_path):
    (tmp_path / "matplotlibrc").write_text(
        "axes.facecolor: pink\nsavefig.bbox: tight\nfont.size: 30\nmathtext.fontset: cm\n"
        "text.color: red\nsvg.fonttype: path\ntext.parse_math: False\nsvg.hashsalt: me\n"
    )
    command = [sys.executable, "-m", "dropout_cli", "plot", "-o", str(tmp_path / "b.svg")]
    environment = os.environ | {"MPLCONFIGDIR": str(tmp_path)}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    assert (tmp_path / "b.svg").read_bytes() == plot("a.svg").read_bytes()


@pytest.mark.parametrize(
    ("suffix", "args"),
    [pytest.param(suffix, args, marks=() if (suffix, k) in (("png", 0), ("svg", 1)) else SLOW)
     for suffix in ("png", "svg") for k, args in enumerate(VARIED)],
)  # fmt: skip
def test_a_figure_can_be_drawn_again_from_its_file(plot, monkeypatch, suffix, args):
    first = plot(f"a.{suffix}", *args)
    monkeypatch.setenv("DROPOUT_CLI_LANG", "zh")  # the language of a figure is its own
    assert plot(f"b.{suffix}", "--from", str(first)).read_bytes() == first.read_bytes()


def test_a_figure_can_be_drawn_again_in_another_style(plot):
    dark = plot("dark.svg", "--theme", "dark", "-x", "1,2,3", "--seed", "1")
    light = plot("light.svg", "--layout", "flow", "-x", "1,2,3", "--seed", "1").read_bytes()
    choices = ("--theme", "light", "--layout", "lanes")  # another word for flow
    assert plot("a.svg", "--from", str(dark), *choices).read_bytes() == light != dark.read_bytes()


def test_a_file_carries_the_trace_and_the_style(plot):
    png, svg = (plot(f"a.{suffix}", "--seed", "3") for suffix in ("png", "svg"))
    record = json.loads(read_record(png.read_bytes(), ""))
    assert read_style(record, "") == Style()
    assert record["trace"]["mask_source"] == {"kind": "drawn", "rng": "numpy", "seed": 3}
    assert record["trace"]["grad_y"] == [0.1, 0.2, 0.3, 0.4]
    with Image.open(png) as image:
        assert image.text[KEYWORD] == read_record(svg.read_bytes(), "")


@pytest.mark.parametrize("layout", ["panels", "flow"])
def test_svg_has_its_words_in_one_piece_each_and_says_what_it_is(plot, layout):
    args = ("--layout", layout, "--loss", "mean", "--title", "$5 and $6")
    text = plot("a.svg", *args).read_text()
    root = ET.fromstring(text)
    assert (root.get("role"), root.find(f"{SVG}title").text) == ("img", "$5 and $6")
    plain = [part.text for part in root.iter(f"{SVG}text") if not len(part)]
    assert "p = 0.5:  2 of 4 kept, each multiplied by 1/(1−p) = 2;  loss L = (1/n) Σ yᵢ" in plain
    assert {"kept: what arrived", "dropped: what was lost", "$5 and $6", "Input", "12"} <= {*plain}
    formulas = [part for part in root.iter(f"{SVG}text") if len(part)]
    assert len(formulas) == (4 if layout == "panels" else 8)
    assert len(re.findall("Verdana, sans-serif", text)) == len(re.findall("'DejaVu Sans'", text))
    assert "DOCTYPE" not in text
    ids = [part.get("id") for part in root.iter() if part.get("id")]
    assert len(ids) == len(set(ids))


def test_a_description_says_which_numbers_are_rounded(plot):
    text = plot("a.svg", "-x", "1.23456,-2", "-p", "1/3", "-m", "10", "--loss", "mean")
    assert ET.fromstring(text.read_text()).find(f"{SVG}desc").text == (
        "p = 1/3:  1 of 2 kept, multiplied by 1/(1−p) = 1.5;  loss L = (1/n) Σ yᵢ;"
        " x ≈ 1.235, -2; m = 1, 0; y ≈ 1.852, 0; ∂L/∂y = 0.5, 0.5; ∂L/∂x = 0.75, 0"
    )


SIZES = [
    (("--size", "464x452", "--dpi", "100"), (464, 452)),  # 4.64 · 100 is less than 464
    *((("--size", f"{n}x{n - 1}"), (n, n - 1)) for n in (777, 1001)),
    (("--size", "1001x701", "--dpi", "130.5"), (1001, 701)),
    ((), (1920, 1080)), (("--size", "4x3"), (1440, 1080)),
    (("--size", "8x4.5", "--dpi", "100"), (800, 450)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("args", "pixels"), [*SIZES[:3], *(pytest.param(*case, marks=SLOW) for case in SIZES[3:])]
)
def test_size_and_dpi_set_the_pixels(plot, args, pixels):
    for more, alpha in (((), 255), (("--transparent",), 0)):
        with Image.open(plot("a.png", *args, *more)) as image:
            assert image.size == pixels
            assert image.convert("RGBA").getpixel((2, 2))[3] == alpha


def test_by_default_it_goes_to_outputs(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli("plot").err == "wrote outputs/dropout_gradient_flow.png\n"
    assert (tmp_path / "outputs" / "dropout_gradient_flow.png").exists()


def svg(text):
    dc = "http://purl.org/dc/elements/1.1/"
    return f'<svg xmlns:dc="{dc}"><dc:source>{text}</dc:source></svg>'.encode()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


RECORD = {"schema": "dropout-cli/figure/1", **Style()._asdict(), "trace": None}
NONE = "is not a figure of dropout-cli, or it is broken"
HOSTILE = {
    "empty": (b"", NONE),
    "png cut off": (PNG + chunk(b"IHDR", b"")[:9], NONE),
    "png of another": (PNG + chunk(b"IEND", b""), NONE),
    "svg of another": (b"<svg/>", NONE),
    "svg cut off": (svg("{}")[:-5], NONE),
    "not json": (svg("nonsense"), "is not JSON"),
    "other schema": (svg('{"schema": "dropout-cli/trace/1"}'), "is not a figure of plot"),
    "no choices": (svg('{"schema": "dropout-cli/figure/1"}'), "does not say how it was drawn"),
    "no trace": (svg(json.dumps(RECORD)), "not a saved pass"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_figure_is_one_sentence(cli, tmp_path, name):
    data, words = HOSTILE[name]
    path = tmp_path / "figure.any"
    path.write_bytes(data)
    assert words in cli("plot", "--from", str(path), "-o", str(tmp_path / "b.png")).error
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *itertools.product(("layout", "theme", "size", "dpi", "lang"), ([[]], "nonsense", None)),
        ("dpi", float("nan")), ("dpi", 10**400), ("precision", 18), ("precision", 2.5),
        ("panel", 1), ("title", "\x00"), ("title", 1), ("size", "-1x1"), ("size", "1x2x3"),
    ],
)  # fmt: skip
def test_a_record_with_an_impossible_choice_is_one_sentence(cli, tmp_path, name, value):
    path = tmp_path / "a.svg"
    path.write_bytes(svg(json.dumps(RECORD | {name: value})))
    assert "a.svg does not say how it was drawn" in cli("plot", "--from", str(path)).error


def test_small_type_is_warned_of(cli, tmp_path):
    for size, small in (("square", False), ("3.25x3", True)):
        result = cli("plot", "--size", size, "-o", str(tmp_path / "a.svg"))
        assert ("the smallest type is 4.5 pt" in result.err) == small
        assert len(result.err.splitlines()) == 1 + small
