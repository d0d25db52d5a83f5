"""A page measured in points, what can be put on it, and the fonts that set its words."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib import font_manager, ft2font
from matplotlib.artist import Artist
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from dropout_cli.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.backend_bases import RendererBase
    from numpy.typing import ArrayLike

    from dropout_cli.arrays import FloatArray
    from dropout_cli.figure.style import Theme

LEADING = 1.45  # from line to line, in ems
CAP = 0.73  # the height of a digit, as a share of the type size
DASHES = (0, (3, 2))
CHARACTER = "[⺀-￯]"  # Chinese, between any two of which a line may break
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SANS, MONO = "DejaVu Sans", "DejaVu Sans Mono"  # come with matplotlib and have every sign used here
CHINESE = (
    "Noto Sans CJK SC", "WenQuanYi Micro Hei", "Source Han Sans SC", "Noto Sans CJK JP",
    "Noto Sans SC", "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans GB", "Heiti SC",
    "Microsoft YaHei", "SimHei",
)  # fmt: skip
INSTALL = f"install one of {', '.join(CHINESE[:3])}"


class Group(Artist):
    """Artists that belong together; in SVG one group, by its id."""

    def __init__(self, name: str) -> None:
        """Start an empty group."""
        super().__init__()
        self.set_gid(name)
        self.parts: list[Artist] = []

    def get_children(self) -> list[Artist]:
        """Return the artists, as Artist.findobj asks for them."""
        return self.parts

    def draw(self, renderer: RendererBase) -> None:
        """Draw them in the order in which they came."""
        renderer.open_group("group", self.get_gid())
        for part in self.parts:
            part.draw(renderer)
        renderer.close_group("group")


class Page:
    """A page measured in points from its lower left corner, whatever its inches.

    Everything on it scales with the page, text too, so that a small page has the same words. What
    is put on it later lies over what is there.

    least: the width and the height that the page has at least, in points.
    """

    def __init__(
        self,
        inches: tuple[float, float],
        theme: Theme,
        fonts: tuple[str, ...],
        least: tuple[float, float],
        transparent: bool = False,
    ) -> None:
        """Start an empty page."""
        self.theme, self.fonts = theme, fonts
        self.unit = min(inches[0] * 72 / least[0], inches[1] * 72 / least[1])
        self.width, self.height = inches[0] * 72 / self.unit, inches[1] * 72 / self.unit
        self.figure = Figure(inches, facecolor="none" if transparent else theme.ground)
        self._origin = Affine2D()
        inches_ = Affine2D().scale(self.unit / 72)
        self._points = self._origin + inches_ + self.figure.dpi_scale_trans
        self._group: Group | None = None

    @contextmanager
    def group(self, name: str) -> Iterator[None]:
        """Put what comes next into one group, which has this id in SVG."""
        self._group = Group(name)
        self.figure.add_artist(self._group)
        yield
        self._group = None

    def polygons(
        self,
        corners: ArrayLike,
        face: str,
        edge: str = "none",
        *,
        width: float = 0,
        dashed: bool = False,
        alpha: float | None = None,
        sharp: bool = True,
        name: str | None = None,
    ) -> None:
        """Put polygons with these corners, (count, corners each, 2), in one colour.

        sharp: snap edges to whole pixels; thin bars would then differ in width.
        """
        self._put(
            PolyCollection(
                list(np.asarray(corners, dtype=float)),
                facecolors=face,
                edgecolors=edge,
                linewidths=width * self.unit,
                linestyles=[DASHES if dashed else "-"],
                alpha=alpha,
                snap=None if sharp else False,
                gid=name,
            )
        )

    def lines(
        self, ends: ArrayLike, colour: str, *, width: float, alpha: float | None = None
    ) -> None:
        """Put straight lines between these ends, (count, 2, 2)."""
        self._put(
            LineCollection(
                list(np.asarray(ends, dtype=float)),
                colors=colour,
                linewidths=width * self.unit,
                alpha=alpha,
                capstyle="butt",
            )
        )

    def arrows(
        self, start: FloatArray, end: FloatArray, y: FloatArray, colour: str, head: float
    ) -> None:
        """Put level arrows from start to end, with heads of this length."""
        neck, half = end - np.sign(end - start) * head, 0.4 * head
        self.lines(segments(start, y, neck, y), colour, width=head / 5)
        heads = np.array([[end, y], [neck, y + half], [neck, y - half]])
        self.polygons(np.moveaxis(heads, -1, 0), colour, sharp=False)

    def plate(self, x: float, y: float, width: float, height: float) -> None:
        """Put a rounded rectangle behind what comes next."""
        shape = "round,pad=0,rounding_size=7"
        colour = self.theme.plate
        self._put(FancyBboxPatch((x, y), width, height, boxstyle=shape, fc=colour, ec="none"))

    def words(self, x: float, y: float, words: str, size: float, colour: str, **style: Any) -> None:
        """Put words, in the fonts of their language."""
        usual: dict[str, Any] = {"family": [*self.fonts], "parse_math": False, "va": "baseline"}
        self._put(Text(x, y, words, fontsize=size * self.unit, color=colour, **usual | style))

    def number(
        self, x: float, y: float, words: str, size: float, colour: str, **style: Any
    ) -> None:
        """Put a number or a sign, which looks the same in every language."""
        self.words(x, y, words, size, colour, family=[SANS], **style)

    def formula(
        self, x: float, y: float, latex: str, size: float, colour: str, **style: Any
    ) -> None:
        """Put a formula, set by mathtext."""
        self.words(x, y, f"${latex}$", size, colour, family=[SANS], parse_math=True, **style)

    def extent(self, words: str, size: float, weight: str = "normal") -> float:
        """Return the width of the words, in points."""
        return ems(words, self.fonts, weight) * size

    def paragraph(
        self, x: float, y: float, words: str, size: float, colour: str, room: float, **style: Any
    ) -> float:
        """Put words in lines no wider than the room, the first on y; return where the last is."""
        weight = style.get("fontweight", "normal")
        for k, line in enumerate(wrap(words, room / size, self.fonts, weight)):
            y -= LEADING * size * (k > 0)
            self.words(x, y, line, size, colour, **style)
        return y

    def crop(self, low: float, high: float) -> None:
        """Cut or extend the page to these heights."""
        self._origin.translate(0, -low)
        self.height = high - low
        self.figure.set_size_inches(self.width * self.unit / 72, self.height * self.unit / 72)

    def _put(self, artist: Artist) -> None:
        artist.set_transform(self._points)
        artist.set_zorder(0)  # so that the order of drawing is that of putting
        if self._group is None:
            self.figure.add_artist(artist)
        else:
            artist.set_figure(self.figure)
            self._group.parts.append(artist)


def segments(x0: ArrayLike, y0: ArrayLike, x1: ArrayLike, y1: ArrayLike) -> FloatArray:
    """Return lines from x0, y0 to x1, y1: (count, 2, 2)."""
    return np.stack(np.broadcast_arrays(x0, y0, x1, y1), axis=-1).reshape(-1, 2, 2)


@contextmanager
def plain_settings() -> Iterator[None]:
    """Use the defaults of matplotlib, whatever the user's own settings are."""
    now, defaults = matplotlib.rcParams, matplotlib.rcParamsDefault
    changed = [key for key in defaults if key != "backend" and now[key] != defaults[key]]
    with matplotlib.rc_context({key: defaults[key] for key in changed}):
        matplotlib.rcParams["svg.hashsalt"] = "dropout-cli"
        matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text
        matplotlib.rcParams["pdf.fonttype"] = 42  # TrueType
        yield


def families(title: str, chinese: bool) -> tuple[str, ...]:
    """Return the fonts that set the title and the rest of the figure, best first.

    chinese: whether the rest is in Chinese.
    Raises RequestError for a title with a character that none of the fonts has, and where a font
    with Chinese characters is needed and none is installed.
    """

    def lacking(fonts: tuple[str, ...]) -> list[str]:
        faces = [_face(font, "bold") for font in fonts]
        return [one for one in title if not any(face.get_char_index(ord(one)) for face in faces)]

    fonts: tuple[str, ...] = (SANS,)
    if chinese or lacking(fonts):
        font = _chinese()
        if font is None and chinese:
            raise RequestError(f"no font with Chinese is installed: {INSTALL}, or use --lang en")
        fonts = (font, SANS) if font else fonts
        for one in lacking(fonts):
            hint = "" if font else f"; for Chinese, {INSTALL}"
            raise RequestError(f"{one!r} is in the title, but no font used here can draw it{hint}")
    return fonts


def _chinese() -> str | None:
    """Return the best of the installed fonts with Chinese characters."""
    for look_again in (False, True):  # for one installed after matplotlib last looked
        for path in font_manager.findSystemFonts() if look_again else ():
            with suppress(Exception):  # a file that is not a font
                font_manager.fontManager.addfont(path)
        installed = {font.name for font in font_manager.fontManager.ttflist}
        if found := next((name for name in CHINESE if name in installed), None):
            return found
    return None


@cache
def _face(family: str, weight: str) -> ft2font.FT2Font:
    font = font_manager.FontProperties(family=[family], weight=weight)
    return font_manager.get_font(font_manager.findfont(font))


@cache
def _advance(character: str, fonts: tuple[str, ...], weight: str) -> float:
    """Return the width of a character, as a share of the type size."""
    faces = [_face(font, weight) for font in fonts]
    face = next((face for face in faces if face.get_char_index(ord(character))), faces[-1])
    face.set_size(100, 72)
    return face.load_char(ord(character)).linearHoriAdvance / 65536 / 100


def ems(words: str, fonts: tuple[str, ...] = (SANS,), weight: str = "normal") -> float:
    """Return the width of the words, as a share of the type size, with room for hinting."""
    return 1.03 * sum(_advance(one, fonts, weight) for one in words)


@cache
def formula_box(latex: str) -> tuple[float, float, float]:
    """Return the width, the height above the line and the depth of a formula, in ems.

    Raises ValueError for a formula that mathtext cannot set: it has no Chinese.
    """
    if re.search(CHARACTER, latex):
        raise ValueError(latex)
    properties = font_manager.FontProperties(family=[SANS], size=100)
    box = MathTextParser("path").parse(f"${latex}$", 72, properties)
    return box.width / 100, (box.height - box.depth) / 100, box.depth / 100


def formula_ems(latex: str) -> float:
    """Return the width of a formula, in ems."""
    return formula_box(latex)[0]


def wrap(words: str, width: float, fonts: tuple[str, ...], weight: str = "normal") -> list[str]:
    """Break words into lines of at most this width in ems, at spaces or Chinese characters."""
    lines = [""]
    for piece in re.findall(f"{CHARACTER}[，。；：、）”]*|[^ ⺀-￯]+| +", words):
        if lines[-1] and ems(lines[-1] + piece.rstrip(), fonts, weight) > width:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.rstrip() for line in lines]


def typeset(words: str) -> str:
    """Write the numbers in words with a true minus sign and a power of ten: −1.5, 2.5·10⁷."""

    def power(number: re.Match[str]) -> str:
        digits, exponent = number[1], str(int(number[2])).translate(SUPERSCRIPTS)
        return f"10{exponent}" if digits == "1" else f"{digits}·10{exponent}"

    return re.sub(r"([\d.]+)e([+-]\d+)", power, words).replace("-", "−")
