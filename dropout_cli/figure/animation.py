"""The lanes as an animation: forward, then backward, element by element."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from dropout_cli.errors import RequestError
from dropout_cli.figure.files import draw, smallest_type
from dropout_cli.figure.flow import LARGE, SYMBOLS, Moment
from dropout_cli.figure.page import plain_settings, typeset
from dropout_cli.figure.style import FRAME_PIXELS
from dropout_cli.trace import take
from dropout_cli.views.notation import to_latex
from dropout_cli.views.passes import keep_equation, scale_equation
from dropout_cli.views.written import Written, sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from dropout_cli.figure.style import Style
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Messages

LONGEST = 12  # elements
ARROW, GROWING, SCENE, END = 350, 40, 2600, 3500  # milliseconds
FIRST, NEXT, MANY = 1800, 900, 500  # for the result of a lane: the first of its kind, others, many
GROWTH = 6  # frames in which a bar grows


def animate(
    trace: Trace,
    messages: Messages,
    style: Style,
    watched: Callable[[list[Figure]], Iterable[Figure]] = iter,
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
    *scenes, end = moments(trace, messages)
    scenes = [end, *scenes]
    canvas = FigureCanvasAgg(Figure(style.inches, dpi=style.dpi))
    figures = [draw(trace, messages, style, moment) for moment, _ in scenes]
    images = _share_palette([_frame(canvas, figure) for figure in watched(figures)])
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
    return file.getvalue(), min(map(smallest_type, figures))


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


def moments(trace: Trace, messages: Messages) -> Iterator[tuple[Moment, int]]:
    """Yield the frames' moments, and how long each stays, in milliseconds; the last is the end."""
    training, n = trace.problem.training, trace.problem.x.size
    written = Written(take(trace, slice(None)), messages)
    p = trace.problem.p
    factors = {"keep": typeset(keep_equation(p, messages).unicode)}
    if trace.scale is not None:
        factors["scale"] = typeset(scale_equation(p, messages).unicode) if training else ""

    def scene(key: str, **there: Any) -> tuple[Moment, int]:
        return Moment(messages.string("figure", key, **factors), **there), SCENE

    there: dict[str, Any] = {
        "mask": False, "upstream": False, "same": False, "forward": 0, "backward": 0,
    }  # fmt: skip
    yield scene("animation_x", **there)
    there["mask"] = True
    if training:
        yield scene("animation_mask", **there)
    yield from _lanes(written, messages, "forward", ("x", "y"), there)
    there |= {"forward": n, "upstream": True}
    yield scene("animation_grad_y", **there)
    there["same"] = True
    if training:
        yield scene("animation_same", **there)
    yield from _lanes(written, messages, "backward", ("grad_y", "grad_x"), there)
    end = "animation_end" if training and trace.scale is not None else "animation_end_dropped"
    yield scene(end if training else "animation_end_inference")[0], END


def _lanes(
    written: Written, messages: Messages, band: str, names: tuple[str, str], there: dict[str, Any]
) -> Iterator[tuple[Moment, int]]:
    """Yield the moments of one pass: in each lane an arrow, a bar that grows, and its value."""
    seen: set[bool] = set()
    mask, n = written.part.mask, written.part.n
    for i in range(n):
        kept = mask is None or bool(mask[i])
        stay = FIRST if kept not in seen else MANY if n > LARGE else NEXT
        seen.add(kept)
        growth = [k / GROWTH for k in range(1, GROWTH)] if kept else []
        eased = [share * share * (3 - 2 * share) for share in growth]
        before, after = _substitution(written, messages, i, names)
        colour = "kept" if kept else "dropped"
        for share, length in (
            (0.5, ARROW),
            *((0.5 + share / 2, GROWING) for share in eased),
            (1.0, stay),
        ):
            words = f"${before}{after if share == 1 else ''}$"
            yield Moment(words, colour, **there | {band: i + share}, focus=i), length


def _substitution(
    written: Written, messages: Messages, i: int, names: tuple[str, str]
) -> tuple[str, str]:
    """Return how element i of the result is computed, and its value, in LaTeX."""
    part, k = written.part, f"_{{{i + 1}}}"
    given, result = (SYMBOLS[name] for name in names)
    a, b = (messages.number(float(getattr(part, name)[i])) for name in names)
    exact_a, exact_b = (getattr(written, name)[i] for name in names)
    if part.mask is None:
        return f"{result}{k} = {given}{k}", f" {sign([b], [exact_b])} {_latex(b)}"
    if part.p == 1:
        return f"m{k} = 0", f",\\; {result}{k} = 0"
    bit, c = int(part.mask[i]), messages.number(1 - part.p)
    inserted = sign([a, c], [exact_a, 1 - written.p])
    computed = sign([b], [Fraction(a) * bit / Fraction(c)])
    return (
        f"{result}{k} = {given}{k} \\cdot m{k}/(1-p)"
        f" {inserted} {_factor(a)} \\cdot {bit}/{_factor(c)}",
        f" {computed} {_latex(b)}",
    )


def _factor(number: str) -> str:
    """Return the number in LaTeX, in parentheses where a product needs them."""
    return f"({_latex(number)})" if set(number) & {"-", "e"} else number


def _latex(number: str) -> str:
    return to_latex(typeset(number))
