"""A page measured in points, its shapes and its words."""

import re
from contextlib import suppress
from functools import cache
from typing import Any

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.artist import Artist
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D
from numpy.typing import ArrayLike

from dropout_cli.errors import RequestError
from dropout_cli.figure.style import SUBTITLE, THEMES, TITLE, Style

matplotlib.rcdefaults()  # a user's settings change no figure

MARGIN = 43.0  # points left and right of the words
TOP = 47.0  # points from the top to the baseline of the title
TITLE_LINES = 3
LEADING = 1.45  # from line to line, in ems
CAP = 0.73  # the height of a digit, as a share of the type size
CHARACTER = "[⺀-￯]"  # a Chinese one; a line may break between any two
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SANS, MONO = "DejaVu Sans", "DejaVu Sans Mono"  # come with matplotlib and have every sign used here
CELL = 0.62  # the width of a character of MONO, in ems
CHINESE = (
    "Noto Sans CJK SC", "WenQuanYi Micro Hei", "Source Han Sans SC", "Noto Sans CJK JP",
    "Noto Sans SC", "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans GB", "Heiti SC",
    "Microsoft YaHei", "SimHei",
)  # fmt: skip


class Page:
    """A page measured in points from its lower left corner.

    Everything on it, text too, scales with the page. Later artists cover earlier ones.

    least: the least width and height in points, to which a smaller page is scaled.
    """

    def __init__(self, style: Style, least: tuple[float, float]) -> None:
        """Create an empty page."""
        self.theme, inches = THEMES[style.theme], style.inches
        self.unit = min(inches[0] * 72 / least[0], inches[1] * 72 / least[1])
        self.width, self.height = inches[0] * 72 / self.unit, inches[1] * 72 / self.unit
        self.room = self.width - 2 * MARGIN  # for words
        self.figure = Figure(inches, facecolor="none" if style.transparent else self.theme.ground)
        self._origin = Affine2D()
        scale = Affine2D().scale(self.unit / 72)
        self._points = self._origin + scale + self.figure.dpi_scale_trans

    def polygons(
        self, corners: ArrayLike, face: str, edge: str = "none", width: float = 0.0, **style: Any
    ) -> None:
        """Draw polygons with these corners, (count, corners of each, 2)."""
        style |= {"facecolors": face, "edgecolors": edge, "linewidths": width * self.unit}
        self._put(PolyCollection(list(np.asarray(corners, dtype=float)), **style))

    def lines(self, ends: ArrayLike, colour: str, width: float, **style: Any) -> None:
        """Draw straight lines between these ends, (count, 2, 2)."""
        style |= {"colors": colour, "linewidths": width * self.unit}
        self._put(LineCollection(list(np.asarray(ends, dtype=float)), **style))

    def arrow(self, start: float, end: float, y: float, colour: str, head: float) -> None:
        """Draw a horizontal arrow with a head of this length."""
        neck, half = end + (head if end < start else -head), 0.4 * head
        self.lines([[(start, y), (neck, y)]], colour, head / 5)
        self.polygons([[(end, y), (neck, y + half), (neck, y - half)]], colour, snap=False)

    def plate(self, x: float, y: float, width: float, height: float) -> None:
        """Draw a rounded rectangle as a background."""
        shape, colour = "round,pad=0,rounding_size=7", self.theme.plate
        self._put(FancyBboxPatch((x, y), width, height, boxstyle=shape, fc=colour, ec="none"))

    def text(self, x: float, y: float, words: str, size: float, colour: str, **style: Any) -> None:
        """Write words, or a formula in LaTeX between dollars, on the baseline y."""
        style = {"family": fonts(words), "va": "baseline"} | style
        self._put(Text(x, y, words, fontsize=size * self.unit, color=colour, **style))

    def paragraph(
        self, x: float, y: float, words: str, size: float, colour: str, room: float, **style: Any
    ) -> float:
        """Write words in lines no wider than `room`, the first on y; return the y of the last."""
        for k, line in enumerate(wrap(words, room / size, style.get("fontweight", "normal"))):
            y -= LEADING * size * (k > 0)
            self.text(x, y, line, size, colour, **style)
        return y

    def code(self, x: float, y: float, code: str, size: float) -> float:
        """Write lines so tight that tall brackets join; return the y of the last."""
        for k, line in enumerate(code.split("\n")):
            y -= 1.164 * size * (k > 0)
            self.text(x, y, line, size, self.theme.ink, family=[MONO, *fonts(line)])
        return y

    def heading(self, title: str, subtitle: str = "") -> float:
        """Write a title and a subtitle, or neither if the title is empty; return the last y.

        Raises RequestError for a title that does not fit, and for a character that no font has.
        """
        if not title:
            return self.height - 12
        _check_characters(title)
        title = title.replace("$", r"\$")  # it has no formula
        lines = wrap(title, self.room / TITLE, "bold")
        if len(lines) > TITLE_LINES or max(ems(line, "bold") for line in lines) * TITLE > self.room:
            raise RequestError(f"the title is too long to be read in {TITLE_LINES} lines")
        y, theme, room = self.height - TOP, self.theme, self.room
        y = self.paragraph(MARGIN, y, title, TITLE, theme.ink, room, fontweight="bold")
        if not subtitle:
            return y
        return self.paragraph(MARGIN, y - SUBTITLE - 9, subtitle, SUBTITLE, theme.muted, room)

    def crop(self, low: float, high: float) -> None:
        """Change the bottom and the top of the page."""
        self._origin.translate(0, -low)
        self.height = high - low
        self.figure.set_size_inches(self.width * self.unit / 72, self.height * self.unit / 72)

    def _put(self, artist: Artist) -> None:
        artist.set_transform(self._points)
        artist.set_zorder(0)  # artists are drawn in the order in which they are added
        self.figure.add_artist(artist)


def fonts(words: str) -> list[str]:
    """Return the fonts of words, best first; RequestError if they need one with Chinese."""
    return [SANS, _chinese()] if re.search(CHARACTER, words) else [SANS]


def _chinese() -> str:
    """Return the best installed font with Chinese characters."""
    for look_again in (False, True):  # it may be newer than matplotlib's list of fonts
        for path in font_manager.findSystemFonts() if look_again else ():
            with suppress(Exception):  # a file that is not a font
                font_manager.fontManager.addfont(path)
        installed = {font.name for font in font_manager.fontManager.ttflist}
        if found := next((name for name in CHINESE if name in installed), None):
            return found
    raise RequestError(
        f"no font with Chinese is installed: install one of {', '.join(CHINESE[:3])}, or use"
        " --lang en and an English title"
    )


def _check_characters(title: str) -> None:
    """Raise RequestError for a character that none of the fonts can draw in bold."""
    bold = [font_manager.FontProperties(family=[font], weight="bold") for font in fonts(title)]
    faces = [font_manager.get_font(font_manager.findfont(font)) for font in bold]
    for character in title:
        if not any(face.get_char_index(ord(character)) for face in faces):
            raise RequestError(f"{character!r} is in the title, but no font used here can draw it")


@cache
def box(words: str, weight: str = "normal") -> tuple[float, float, float]:
    """Return the width of words, and their height and depth from the baseline, in ems.

    Raises ValueError for a formula that mathtext cannot set.
    """
    font = font_manager.FontProperties(family=fonts(words), weight=weight, size=1)
    formula = words.startswith("$")
    if formula and len(fonts(words)) > 1:
        raise ValueError(f"mathtext has no Chinese: {words}")
    width, height, depth = text_to_path.get_text_width_height_descent(words, font, formula)
    return width * (1 if formula else 1.03), height - depth, depth  # with room for hinting


def ems(words: str, weight: str = "normal") -> float:
    """Return the width of words in ems, multiples of the type size."""
    return box(words, weight)[0]


def wrap(words: str, width: float, weight: str = "normal") -> list[str]:
    """Break words at spaces and Chinese characters into lines of at most this width in ems."""
    lines = [""]
    for piece in re.findall(f"{CHARACTER}[，。；：、）”]*|[^ ⺀-￯]+| +", words):
        if lines[-1] and ems(lines[-1] + piece.rstrip(), weight) > width:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.rstrip() for line in lines]


def typeset(words: str) -> str:
    """Write the numbers in words with a minus sign and powers of ten: −1.5, 2.5·10⁷."""

    def power(number: re.Match[str]) -> str:
        digits, exponent = number[1], str(int(number[2])).translate(SUPERSCRIPTS)
        return f"10{exponent}" if digits == "1" else f"{digits}·10{exponent}"

    return re.sub(r"([\d.]+)e([+-]\d+)", power, words).replace("-", "−")
