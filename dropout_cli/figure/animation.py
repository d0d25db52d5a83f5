"""The lanes as an animation: forward, then backward, element by element."""

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from dropout_cli.errors import RequestError
from dropout_cli.figure.files import draw, smallest_type
from dropout_cli.figure.flow import LARGE, SYMBOLS, Moment
from dropout_cli.figure.page import typeset
from dropout_cli.figure.style import FRAME_PIXELS, Style
from dropout_cli.trace import Trace
from dropout_cli.views.context import Context
from dropout_cli.views.notation import to_latex
from dropout_cli.views.written import Written, sign
from dropout_cli.words.messages import Messages

LONGEST = 12  # the most elements
ARROW, GROWING, SCENE, END = 350, 40, 2600, 3500  # milliseconds
FIRST, NEXT, MANY = 1800, 900, 500  # for the result of a lane: the first of its kind, others, many
GROWTH = 6  # steps in which a bar grows


def animate(trace: Trace, messages: Messages, style: Style) -> tuple[bytes, float]:
    """Return the lanes as an endless GIF, and its smallest type size in points.

    The first frame, for viewers that show no other, is the whole figure.

    Raises RequestError as draw does, and for more than 12 elements, for panels, for a transparent
    ground, and for frames of more than 4 million pixels.
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
    figures = [draw(trace, messages, style, moment) for moment, _ in scenes]
    frames = []
    for figure in figures:
        figure.set_dpi(style.dpi)
        canvas: Any = FigureCanvasAgg(figure)
        canvas.draw()
        frames.append(np.asarray(canvas.buffer_rgba())[..., :3])
    # One palette, of the whole figure and of a dimmed one, so that no colour flickers.
    both = Image.fromarray(np.concatenate([frames[0], frames[-1]]))
    palette = both.quantize(255, Image.Quantize.FASTOCTREE)  # GIF needs one for what stays
    first, *others = (
        Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)
        for frame in frames
    )
    file, stays = io.BytesIO(), [stay for _, stay in scenes]
    first.save(
        file, "GIF", save_all=True, append_images=others, duration=stays, loop=0, optimize=True
    )
    return file.getvalue(), min(map(smallest_type, figures))


def moments(trace: Trace, messages: Messages) -> Iterator[tuple[Moment, int]]:
    """Yield the moment of each frame, the end last, and its duration in milliseconds."""
    training, context = trace.problem.training, Context(trace, messages)
    factors = {
        "keep": typeset(context.keep_equation.unicode),
        "scale": typeset(context.scale_equation.unicode),
    }

    def caption(key: str) -> str:
        return messages.string("figure", f"animation_{key}", **factors)

    yield Moment("x", caption("x")), SCENE
    if training:
        yield Moment("mask", caption("mask")), SCENE
    yield from _lanes(trace, messages, "forward", ("x", "y"))
    yield Moment("grad_y", caption("grad_y")), SCENE
    if training:
        yield Moment("same", caption("same")), SCENE
    yield from _lanes(trace, messages, "backward", ("grad_y", "grad_x"))
    end = "end_inference" if not training else "end_dropped" if trace.scale is None else "end"
    yield Moment("end", caption(end)), END


def _lanes(
    trace: Trace, messages: Messages, stage: str, names: tuple[str, str]
) -> Iterator[tuple[Moment, int]]:
    """Yield the moments of one pass: an arrow in each lane, a growing bar, and its value."""
    seen: set[bool] = set()
    mask, n = trace.problem.mask, trace.problem.x.size
    growth = np.arange(1, GROWTH) / GROWTH
    eased = growth * growth * (3 - 2 * growth)
    for i in range(n):
        kept = mask is None or bool(mask[i])
        stay = FIRST if kept not in seen else MANY if n > LARGE else NEXT
        seen.add(kept)
        before, after = _substitution(trace, messages, i, names)
        colour = "kept" if kept else "dropped"
        yield Moment(stage, f"${before}$", colour, i + 0.5), ARROW
        for share in eased if kept else ():
            yield Moment(stage, f"${before}$", colour, i + 0.5 + share / 2), GROWING
        yield Moment(stage, f"${before}{after}$", colour, i + 1), stay


def _substitution(
    trace: Trace, messages: Messages, i: int, names: tuple[str, str]
) -> tuple[str, str]:
    """Return the computation of element i of the result, and its value, in LaTeX."""
    mask, p, k = trace.problem.mask, trace.problem.p, f"_{{{i + 1}}}"
    written = Written(trace, [i])
    given, result = (SYMBOLS[name] + k for name in names)
    exact_a, exact_b = (getattr(written, name)[0] for name in names)
    a, b = messages.number(exact_a), messages.number(exact_b)
    if mask is None:
        return f"{result} = {given}", f" {sign([b], [exact_b])} {to_latex(typeset(b))}"
    if p == 1:
        return f"m{k} = 0", f",\\; {result} = 0"
    bit, c = int(mask[i]), messages.number(1 - p)
    inserted = sign([a, c], [exact_a, 1 - written.p])
    computed = sign([b], [Fraction(a) * bit / Fraction(c)])
    return (
        f"{result} = {given} \\cdot m{k}/(1-p) {inserted} {_factor(a)} \\cdot {bit}/{_factor(c)}",
        f" {computed} {to_latex(typeset(b))}",
    )


def _factor(number: str) -> str:
    """Return a number in LaTeX, in parentheses if a product needs them."""
    return f"({to_latex(typeset(number))})" if set(number) & {"-", "e"} else number
