"""The lanes as a film: forward, then backward, element by element."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from dropout_cli.errors import RequestError
from dropout_cli.figure.draw import draw, plain_style
from dropout_cli.figure.flow import Moment
from dropout_cli.figure.look import FILM_PIXELS
from dropout_cli.figure.words import equals, exactly, keep, scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from dropout_cli.figure.look import Look
    from dropout_cli.trace import Trace
    from dropout_cli.words.messages import Voice

LONGEST = 12  # elements
ARROW, GROWING, RESULT, SCENE, END = 350, 100, 900, 1600, 3500  # milliseconds


def film(
    trace: Trace,
    voice: Voice,
    look: Look,
    watched: Callable[[list[tuple[Moment, int]]], Iterable[tuple[Moment, int]]] = iter,
) -> bytes:
    """The film of a trace as an endless GIF: the same trace, the same bytes.

    watched: passes the frames on one by one, to show how far it is.
    Raises RequestError as draw does, for more than 12 elements, for a look that a film cannot have,
    and for frames of more than 4 million pixels.
    """
    n = trace.problem.x.size
    if n > LONGEST:
        raise RequestError(
            f"a film shows at most {LONGEST} elements, but x has {n:,}: draw a .png, .svg or .pdf"
        )
    if look.layout != "flow" or look.transparent:
        what = "--transparent" if look.transparent else "the layout panels"
        raise RequestError(f"{what} cannot be combined with a film, which shows lanes on a ground")
    look.check_pixels(FILM_PIXELS)
    scenes = list(moments(trace, voice))
    canvas = FigureCanvasAgg(Figure(look.inches, dpi=look.dpi))
    frames = [_frame(canvas, draw(trace, voice, look, moment)) for moment, _ in watched(scenes)]
    images = _share_palette(frames)
    file = io.BytesIO()
    images[0].save(
        file,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        duration=[length for _, length in scenes],
        loop=0,
        optimize=False,
    )
    return file.getvalue()


def _frame(canvas: FigureCanvasAgg, figure: Figure) -> NDArray[np.uint32]:
    """The colour of each pixel of the figure, red in the lowest byte, as an array.

    One canvas draws every frame, since it remembers formulas that it has set.
    """
    figure.set_dpi(canvas.figure.dpi)
    figure.set_canvas(canvas)
    canvas.figure = figure
    drawn: Any = canvas
    with plain_style():
        drawn.draw()
    colours: NDArray[np.uint32] = np.array(drawn.buffer_rgba()).view("<u4")[..., 0]
    return colours & np.uint32(0xFFFFFF)


def _share_palette(frames: list[NDArray[np.uint32]]) -> list[Image.Image]:
    """The frames as images with one palette: the 256 most frequent colours of the last.

    The last frame has every flat colour of the film, so these are exact; the shades at the edges of
    letters are moved to the nearest.
    """
    colours, counts = np.unique(frames[-1], return_counts=True)
    palette = colours[np.argsort(-counts, kind="stable")[:256]]
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
    """The frames' moments, and how long each stays, in milliseconds."""
    training, n = trace.problem.training, trace.problem.x.size
    kept, exact = voice.number(1 - trace.problem.p), keep(trace, voice)
    x, y, grad_y, grad_x = exactly(trace, voice)

    def scene(key: str, **there: Any) -> Moment:
        told = f"{equals((kept, exact))} {kept}"
        return Moment(voice.say("figure", key, keep=told, scale=scale(trace, voice)), **there)

    before: dict[str, Any] = {
        "mask": False,
        "upstream": False,
        "same": False,
        "forward": 0,
        "backward": 0,
    }
    yield scene("film_x", **before), SCENE
    before["mask"] = True
    if training:
        yield scene("film_mask", **before), SCENE
    for i in range(n):
        for share, length in _lane(trace, i):
            given, result = Term("x", trace.problem.x[i], x[i]), Term("y", trace.y[i], y[i])
            words = substitution(trace, voice, i, given, result)
            yield Moment(words, **before | {"forward": i + share}), length
    before |= {"forward": n, "upstream": True}
    yield scene("film_grad_y", **before), SCENE
    before["same"] = True
    if training:
        yield scene("film_same", **before), SCENE
    for i in range(n):
        for share, length in _lane(trace, i):
            given = Term(r"\partial L/\partial y", trace.grad_y[i], grad_y[i])
            result = Term(r"\partial L/\partial x", trace.grad_x[i], grad_x[i])
            words = substitution(trace, voice, i, given, result)
            yield Moment(words, **before | {"backward": i + share}), length
    end = "film_end" if training and trace.scale is not None else "film_end_dropped"
    yield scene(end if training else "film_end_inference"), END


def _lane(trace: Trace, i: int) -> list[tuple[float, int]]:
    """How far element i is, from an arrow at the mask to its value, and for how long."""
    mask = trace.problem.mask
    if mask is None or mask[i]:
        return [(0.5, ARROW), (2 / 3, GROWING), (5 / 6, GROWING), (1, RESULT)]
    return [(0.5, ARROW), (1, RESULT)]


class Term(NamedTuple):
    """An element of a vector: the vector's symbol, the element's value, and that in full."""

    symbol: str
    value: float
    exact: Fraction


def substitution(trace: Trace, voice: Voice, i: int, given: Term, result: Term) -> str:
    """How element i of the result is computed, with its numbers, as mathtext."""
    problem, k = trace.problem, f"_{{{i + 1}}}"
    a, b = voice.number(given.value), voice.number(result.value)
    if problem.mask is None:
        return f"${result.symbol}{k} = {given.symbol}{k} {equals((b, result.exact))} {b}$"
    if trace.scale is None:
        return f"$m{k} = 0,\\; {result.symbol}{k} = 0$"
    bit, c = int(problem.mask[i]), voice.number(1 - problem.p)
    inserted = equals((a, given.exact), (c, keep(trace, voice)))
    computed = equals((b, Fraction(a) * bit / Fraction(c)))
    return (
        f"${result.symbol}{k} = {given.symbol}{k} \\cdot m{k}/(1-p)"
        f" {inserted} {_factor(a)} \\cdot {bit}/{_factor(c)} {computed} {b}$"
    )


def _factor(number: str) -> str:
    """The number, in parentheses where a product needs them."""
    return f"({number})" if set(number) & {"-", "e"} else number
