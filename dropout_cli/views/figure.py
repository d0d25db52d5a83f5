"""The gradient-flow figure: input, mask, output and gradient. All that uses matplotlib."""

from __future__ import annotations

import io
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator

from dropout_cli.errors import RequestError
from dropout_cli.losses import LOSSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from dropout_cli.arrays import FloatArray, Mask
    from dropout_cli.prose.voice import Voice
    from dropout_cli.trace import Trace

CHINESE = (
    "Noto Sans CJK SC", "WenQuanYi Micro Hei", "Source Han Sans SC", "Noto Sans CJK JP",
    "Noto Sans SC", "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans GB", "Heiti SC",
    "Microsoft YaHei", "SimHei",
)  # fmt: skip
SHOWN = 64  # of a longer vector the first elements are drawn
# Okabe and Ito's blue and vermilion, which everyone can tell apart.
KEPT: dict[str, Any] = {"facecolor": "#0072B2"}
DROPPED: dict[str, Any] = {"facecolor": "#D55E00", "edgecolor": "white", "linewidth": 0}
BAND: dict[str, Any] = {"facecolor": "#FBEADF", "edgecolor": "#F3C9AE", "linewidth": 0}
SIZE = (14.0, 10.0)  # inches; text and lines scale with the figure
SIDES = (3.0, 100.0)
DPIS = (50.0, 2400.0)
PIXELS = 50_000_000  # an image takes several times 4 bytes a pixel
SYMBOLS = {"x": "x", "mask": "m", "y": "y", "grad_x": "∂L/∂x"}
LARGEST = 1e300  # matplotlib's own arithmetic overflows not far above

# No date and no version, so that the same figure is the same bytes.
METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def gradient_flow(trace: Trace, voice: Voice, size: tuple[float, float] = SIZE) -> Figure:
    """The four panels of a trace, x, m, y and ∂L/∂x, a bar an element.

    Kept and dropped differ by colour and hatch, and in the gradient panel by ✓ and ✗. Of a longer
    vector the first 64 elements are drawn, and the title says so.

    size: width and height in inches, each 3 to 100.
    Raises RequestError for another size, and for values beyond ±1e300.
    """
    if not all(SIDES[0] <= side <= SIDES[1] for side in size):
        raise RequestError(
            f"size is {size[0]:.17g}x{size[1]:.17g}, but width and height must be 3 to 100 inches"
        )
    problem, training = trace.problem, trace.problem.training
    n = min(problem.x.size, SHOWN)
    kept = np.ones(n, dtype=bool) if problem.mask is None else problem.mask[:n]
    unit = min(size[0] / SIZE[0], size[1] / SIZE[1])
    panels = {"x": problem.x, "mask": problem.mask, "y": trace.y, "grad_x": trace.grad_x}
    drawn = {key: values[:n].astype(float) for key, values in panels.items() if values is not None}
    upstream = trace.grad_y[:n]
    if max(np.abs(values).max() for values in (*drawn.values(), upstream)) > LARGEST:
        raise RequestError(f"a value is beyond {LARGEST:g}, which is too large to draw")
    labels = {
        key: [voice.number(value).replace("-", "−") for value in values]
        for key, values in drawn.items()
    }
    pitch = size[0] * 72 * 0.42 / n  # points from bar to bar, about
    longest = max(len(label) for some in labels.values() for label in some)
    font = min(13 * unit, pitch / (0.62 * (longest + 1)))
    families = _families(voice)
    with _style():
        matplotlib.rcParams["hatch.linewidth"] = unit
        matplotlib.rcParams["font.family"] = families
        figure = Figure(figsize=size)
        figure.subplots_adjust(0.07, 0.12, 0.98, 0.87, wspace=0.17, hspace=0.34)
        figure.suptitle(_headline(trace, voice, n), fontsize=19 * unit, fontweight="bold", y=0.97)
        for axes, key in zip(figure.subplots(2, 2).flat, panels, strict=True):
            _frame(
                axes, _title(key, trace, voice), voice.say("figure", "index"), SYMBOLS[key], unit
            )
            if key not in drawn:
                note = voice.say("figure", "no_mask")
                axes.text(0.5, 0.5, note, fontsize=13 * unit, ha="center", transform=axes.transAxes)
                axes.set_axis_off()
                continue
            _bars(axes, drawn[key], kept, labels[key] if font >= 6.5 * unit else None, font, unit)
            if key == "mask":
                axes.set_yticks([0, 1])
            if key == "grad_x":
                _upstream(axes, upstream, unit)
                _marks(axes, kept, min(20 * unit, max(0.9 * pitch, 2)))
        fates = {"kept": KEPT, "dropped": DROPPED | _hatch(unit)} if training else {"passed": KEPT}
        legend: list[Artist] = [
            Patch(**style, label=voice.say("cell", fate)) for fate, style in fates.items()
        ]
        legend.append(Line2D([], [], label=voice.say("figure", "upstream"), **_line(unit)))
        figure.legend(
            handles=legend, loc="lower center", ncols=3, fontsize=13 * unit, frameon=False
        )
    return figure


def to_bytes(figure: Figure, suffix: str, dpi: float) -> bytes:
    """The figure in the format of a suffix in METADATA: the same figure, the same bytes.

    dpi: dots per inch, 50 to 2400.
    Raises RequestError for another dpi, and for an image of more than 50 million pixels.
    """
    if not DPIS[0] <= dpi <= DPIS[1]:
        raise RequestError(f"dpi is {dpi:.17g}, but it must be 50 to 2400")
    width, height = figure.get_size_inches() * dpi
    if width * height > PIXELS:
        raise RequestError(
            f"the image would be {width:.0f}x{height:.0f} pixels, but it must have at most"
            f" {PIXELS:,}: lower dpi or size"
        )
    with _style():
        file = io.BytesIO()
        fast: dict[str, Any] = {"pil_kwargs": {"compress_level": 3}} if suffix == ".png" else {}
        figure.savefig(file, format=suffix[1:], dpi=dpi, metadata=METADATA[suffix], **fast)
    return file.getvalue()


def _families(voice: Voice) -> list[str]:
    """The fonts for the voice's language: one of CHINESE first where needed, then matplotlib's."""
    own = ["DejaVu Sans"]
    if voice.prose["language"] != "zh":
        return own
    installed = {font.name for font in font_manager.fontManager.ttflist}
    if installed.isdisjoint(CHINESE):  # or installed after matplotlib last looked
        for path in font_manager.findSystemFonts():
            with suppress(Exception):  # a file that is no font
                font_manager.fontManager.addfont(path)
        installed = {font.name for font in font_manager.fontManager.ttflist}
    found = [name for name in CHINESE if name in installed]
    if not found:
        raise RequestError(
            "no font with Chinese characters is installed, so install one of"
            f" {', '.join(CHINESE[:3])}, or use --lang en"
        )
    return found[:1] + own


@contextmanager
def _style() -> Iterator[None]:
    """matplotlib as it comes, whatever the user's own settings are."""
    now, defaults = matplotlib.rcParams, matplotlib.rcParamsDefault
    changed = [key for key in defaults if key != "backend" and now[key] != defaults[key]]
    with matplotlib.rc_context({key: defaults[key] for key in changed}):
        matplotlib.rcParams["svg.hashsalt"] = "dropout-cli"
        yield


def _headline(trace: Trace, voice: Voice, n: int) -> str:
    whole = trace.problem.x.size
    if n == whole:
        return voice.say("figure", "title")
    return voice.say("figure", "title_part", shown=n, n=f"{whole:,}")


def _title(key: str, trace: Trace, voice: Voice) -> str:
    """The panel's title: its formula, with the numbers in it."""
    problem = trace.problem
    if problem.mask is None:
        return voice.say("figure", f"{key}_inference")
    loss = "" if problem.loss is None else f",  ${LOSSES[problem.loss].latex}$"
    scale = "" if trace.scale is None else f",  $1/(1-p) = {voice.number(trace.scale)}$"
    return voice.say(
        "figure",
        key,
        p=voice.exactly(problem.p),
        kept=f"{problem.mask.sum():,}",
        n=f"{problem.mask.size:,}",
        scale=scale,
        loss=loss,
    )


def _frame(axes: Axes, title: str, index: str, symbol: str, unit: float) -> None:
    axes.set_title(title, fontsize=15 * unit, y=1.02, pad=6 * unit)
    axes.set_xlabel(index, fontsize=12 * unit, labelpad=4 * unit)
    font = {"family": "DejaVu Sans", "style": "italic", "size": 14 * unit}
    axes.set_ylabel(symbol, fontdict=font, labelpad=5 * unit)
    axes.tick_params(labelsize=11 * unit, width=0.8 * unit, length=3.5 * unit, pad=3.5 * unit)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_linewidth(0.8 * unit)


def _bars(
    axes: Axes, values: FloatArray, kept: Mask, labels: list[str] | None, font: float, unit: float
) -> None:
    """The values as bars, and a hatched band behind each dropped element, whose bar may be 0."""
    index = np.arange(1, values.size + 1)
    axes.set_xlim(0.4, values.size + 0.6)
    axes.xaxis.set_major_locator(
        FixedLocator(index.tolist()) if values.size <= 16 else MaxNLocator(integer=True)
    )
    _reach(axes, values)
    axes.grid(axis="y", alpha=0.3, linewidth=0.8 * unit)
    axes.set_axisbelow(True)
    axes.axhline(0, color="black", linewidth=0.8 * unit)
    bands = [(i - 0.5, 1) for i in index[~kept]]
    axes.broken_barh(
        bands, (0, 1), transform=axes.get_xaxis_transform(), zorder=0, **BAND, **_hatch(unit)
    )
    for some, style in ((kept, KEPT), (~kept, DROPPED | _hatch(unit))):
        bars = axes.bar(index[some], values[some], width=0.7, **style)
        if labels is not None:
            shown = [label for label, one in zip(labels, some, strict=True) if one]
            axes.bar_label(bars, shown, padding=3 * unit, fontsize=font)


def _reach(axes: Axes, values: FloatArray) -> None:
    """Have the y axis hold 0 and the values, and room for a label beyond them."""
    low, high = min(values.min(), 0), max(values.max(), 0)
    room = 0.12 * (high - low) or 1.0
    axes.set_ylim(low - room * bool(low < 0), high + room)


def _upstream(axes: Axes, grad_y: FloatArray, unit: float) -> None:
    """∂L/∂y as a dash over each element: what arrived, beside what is passed on."""
    _reach(axes, np.append(grad_y, axes.dataLim.intervaly))
    index = np.arange(1, grad_y.size + 1)
    axes.hlines(grad_y, index - 0.42, index + 0.42, **_line(unit))


def _hatch(unit: float) -> dict[str, Any]:
    return {"hatch": "/" * min(8, max(1, round(2 / unit)))}


def _line(unit: float) -> dict[str, Any]:
    return {"color": "black", "linewidth": 2 * unit, "linestyle": (0, (2, 1))}


def _marks(axes: Axes, kept: Mask, size: float) -> None:
    """✓ over each kept and ✗ over each dropped element, along the top of the panel."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.12 * (high - low))
    for i, one in enumerate(kept, 1):
        axes.text(
            i,
            0.985,
            "✓" if one else "✗",
            color=(KEPT if one else DROPPED)["facecolor"],
            fontsize=size,
            ha="center",
            va="top",
            transform=axes.get_xaxis_transform(),
        )
