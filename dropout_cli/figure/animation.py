"""The lanes as an animation: forward, then backward, element by element."""

from __future__ import annotations

import io
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from dropout_cli.errors import RequestError
from dropout_cli.figure.captions import GRAD_X, GRAD_Y, scale
from dropout_cli.figure.files import draw, smallest_type
from dropout_cli.figure.flow import LARGE, Moment
from dropout_cli.figure.page import plain_settings, typeset
from dropout_cli.figure.style import FRAME_PIXELS
from dropout_cli.trace import take
from dropout_cli.views.written import Written, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dropout_cli.arrays import FloatArray
    from dropout_cli.figure.style import Style
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Voice

LONGEST = 12  # elements
ARROW, GROWING, SCENE, END = 350, 40, 2600, 3500  # milliseconds
FIRST, NEXT, MANY = 1800, 900, 500  # for the result of a lane: the first of its kind, others, many
GROWTH = 6  # frames in which a bar grows
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")


def animate(
    trace: Trace,
    voice: Voice,
    style: Style,
    watched: Callable[[list[tuple[Moment, int]]], Iterable[tuple[Moment, int]]] = iter,
) -> tuple[bytes, float]:
    """Return the lanes as an endless GIF, and its smallest type in points.

    Its first frame, all that a still shows, is the whole figure.

    watched: passes the frames on one by one, to show how far it is.
    Raises RequestError as draw does, for more than 12 elements, for a style that an animation
    cannot have, and for frames of more than 4 million pixels.
    """
    n = trace.problem.x.size
    if n > LONGEST:
        raise RequestError(
            f"an animation shows at most {LONGEST} elements, but x has {n:,}: draw a .png, .svg or"
            " .pdf"
        )
    if style.layout != "flow" or style.transparent:
        what = "--transparent" if style.transparent else "the layout panels"
        raise RequestError(
            f"{what} cannot be combined with an animation, which shows lanes on a ground"
        )
    style.check_pixels(FRAME_PIXELS)
    *scenes, end = moments(trace, voice)
    scenes = [end, *scenes]
    canvas = FigureCanvasAgg(Figure(style.inches, dpi=style.dpi))
    figures = (draw(trace, voice, style, moment) for moment, _ in watched(scenes))
    smallest, frames = zip(
        *((smallest_type(one), _frame(canvas, one)) for one in figures), strict=True
    )
    images = _share_palette(frames)
    file = io.BytesIO()
    images[0].save(
        file,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        duration=[length for _, length in scenes],
        loop=0,
        optimize=True,
    )
    return file.getvalue(), min(smallest)


def _frame(canvas: FigureCanvasAgg, figure: Figure) -> NDArray[np.uint32]:
    """Return the colour of each pixel of the figure, red in the lowest byte.

    One canvas draws every frame, since it remembers formulas that it has set.
    """
    figure.set_dpi(canvas.figure.dpi)
    figure.set_canvas(canvas)
    canvas.figure = figure
    drawn: Any = canvas
    with plain_settings():
        drawn.draw()
    colours: NDArray[np.uint32] = np.array(drawn.buffer_rgba()).view("<u4")[..., 0]
    return colours & np.uint32(0xFFFFFF)


def _share_palette(frames: Sequence[NDArray[np.uint32]]) -> list[Image.Image]:
    """Return the frames as images with one palette: their first one's and last one's colours.

    The first is the whole figure, the last is dimmed, so that every flat colour is exact; the
    shades at the edges of letters are moved to the nearest.
    """
    colours, counts = np.unique(np.stack([frames[0], frames[-1]]), return_counts=True)
    palette = colours[np.argsort(-counts, kind="stable")[:255]]  # GIF needs one for what stays
    index = np.full(1 << 24, -1, dtype=np.int16)
    index[palette] = np.arange(palette.size)
    images = []
    for frame in frames:
        new = np.unique(frame[index[frame] < 0])
        apart = _channels(new)[:, None] - _channels(palette)
        index[new] = np.abs(apart).sum(axis=-1).argmin(axis=1)
        image = Image.fromarray(index[frame].astype(np.uint8))
        image.putpalette(_channels(palette).astype(np.uint8).tobytes())
        images.append(image)
    return images


def _channels(colours: NDArray[np.uint32]) -> NDArray[np.int64]:
    return np.stack([colours >> shift & 0xFF for shift in (0, 8, 16)], axis=-1).astype(np.int64)


def moments(trace: Trace, voice: Voice) -> Iterator[tuple[Moment, int]]:
    """Yield the frames' moments, and how long each stays, in milliseconds; the last is the end."""
    training, n = trace.problem.training, trace.problem.x.size
    exact = Written(take(trace, slice(None)), voice)
    keep = voice.number(1 - trace.problem.p)
    keep = f"{sign([keep], [1 - exact.p])} {typeset(keep)}"

    def scene(key: str, **there: Any) -> tuple[Moment, int]:
        words = voice.say("figure", key, keep=keep, scale=scale(trace, voice))
        return Moment(words, **there), SCENE

    there: dict[str, Any] = {
        "mask": False, "upstream": False, "same": False, "forward": 0, "backward": 0,
    }  # fmt: skip
    yield scene("animation_x", **there)
    there["mask"] = True
    if training:
        yield scene("animation_mask", **there)
    given = Vector("x", trace.problem.x, exact.x)
    yield from _lanes(trace, voice, "forward", given, Vector("y", trace.y, exact.y), there)
    there |= {"forward": n, "upstream": True}
    yield scene("animation_grad_y", **there)
    there["same"] = True
    if training:
        yield scene("animation_same", **there)
    given = Vector(GRAD_Y, trace.grad_y, exact.grad_y)
    result = Vector(GRAD_X, trace.grad_x, exact.grad_x)
    yield from _lanes(trace, voice, "backward", given, result, there)
    end = "animation_end" if training and trace.scale is not None else "animation_end_dropped"
    yield scene(end if training else "animation_end_inference")[0], END


class Vector(NamedTuple):
    """A vector: its symbol, its values, and these in full."""

    symbol: str
    values: FloatArray
    exact: list[Fraction]


def _lanes(
    trace: Trace,
    voice: Voice,
    band: str,
    given: Vector,
    result: Vector,
    there: dict[str, Any],
) -> Iterator[tuple[Moment, int]]:
    """Yield the moments of one pass: in each lane an arrow, a bar that grows, and its value."""
    seen: set[bool] = set()
    for i in range(trace.problem.x.size):
        kept = trace.problem.mask is None or bool(trace.problem.mask[i])
        first = NEXT if kept in seen else FIRST
        seen.add(kept)
        growth = [k / GROWTH for k in range(1, GROWTH)] if kept else []
        eased = [share * share * (3 - 2 * share) for share in growth]
        before, after = substitution(trace, voice, i, given, result)
        colour = "kept" if kept else "dropped"
        for share, length in (
            (0.5, ARROW),
            *((0.5 + share / 2, GROWING) for share in eased),
            (1.0, MANY if trace.problem.x.size > LARGE and first == NEXT else first),
        ):
            words = f"${before}{after if share == 1 else ''}$"
            yield Moment(words, colour, **there | {band: i + share}, focus=i), length


def substitution(
    trace: Trace, voice: Voice, i: int, given: Vector, result: Vector
) -> tuple[str, str]:
    """Return how element i of the result is computed, and its value, in LaTeX."""
    problem, k = trace.problem, f"_{{{i + 1}}}"
    a, b = (voice.number(float(vector.values[i])) for vector in (given, result))
    if problem.mask is None:
        value = f" {sign([b], [result.exact[i]])} {_latex(b)}"
        return f"{result.symbol}{k} = {given.symbol}{k}", value
    if trace.scale is None:
        return f"m{k} = 0", f",\\; {result.symbol}{k} = 0"
    bit, c = int(problem.mask[i]), voice.number(1 - problem.p)
    inserted = sign([a, c], [given.exact[i], 1 - Fraction(voice.probability(problem.p))])
    computed = sign([b], [Fraction(a) * bit / Fraction(c)])
    return (
        f"{result.symbol}{k} = {given.symbol}{k} \\cdot m{k}/(1-p)"
        f" {inserted} {_factor(a)} \\cdot {bit}/{_factor(c)}",
        f" {computed} {_latex(b)}",
    )


def _factor(number: str) -> str:
    """Return the number in LaTeX, in parentheses where a product needs them."""
    return f"({_latex(number)})" if set(number) & {"-", "e"} else number


def _latex(number: str) -> str:
    """Return a number that Python has formatted in LaTeX."""
    words = re.sub("10([⁻⁰¹²³⁴-⁹]+)", lambda power: f"10^{{{power[1]}}}", typeset(number))
    return words.translate(SUPERSCRIPTS).replace("·", r" \cdot ")
