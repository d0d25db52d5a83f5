"""Themes, type sizes, and the choices that make up a figure's style.

A bar is **given** where no mask has met it yet. A **kept** bar has two tones: what arrived, and the
**gain** that 1/(1−p) adds. A **dropped** one is hollow, the outline of what was lost. Blue and
vermilion stay apart for every eye, and solid against hollow needs no colour at all.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from dropout_cli.errors import RequestError
from dropout_cli.figure import LAYOUTS, PANELS, THEME_NAMES
from dropout_cli.words import languages


class Theme(NamedTuple):
    """Colours, as #RRGGBB.

    Text has a contrast of at least 4.5 to what is behind it, a bar at least 3 to what is beside it.
    """

    ground: str
    ink: str
    muted: str  # words beside the numbers
    given: str
    kept: str
    gain: str  # within an outline of kept
    kept_thin: str  # where bars are too thin for an outline
    gain_thin: str
    on_kept: str  # text on a kept bar
    dropped: str
    plate: str  # behind the mask
    rule: str  # zero lines, and the grid


THEMES = {
    "light": Theme(
        ground="#FFFFFF",
        ink="#1B1F24",
        muted="#57606A",
        given="#6E7781",
        kept="#0072B2",
        gain="#B3D7EE",
        kept_thin="#00446F",
        gain_thin="#4A99C8",
        on_kept="#FFFFFF",
        dropped="#C2410C",
        plate="#EEF1F4",
        rule="#8C959F",
    ),
    "dark": Theme(
        ground="#0F1419",
        ink="#F0F3F6",
        muted="#A3ADB8",
        given="#8B96A3",
        kept="#56B4E9",
        gain="#1D4E6B",
        kept_thin="#8ED1F8",
        gain_thin="#2F6A8E",
        on_kept="#0F1419",
        dropped="#FF8A4C",
        plate="#1C242D",
        rule="#76818D",
    ),
}

# Type sizes in points of the page.
TITLE = 27
CAPTION = 21
SUBTITLE = 17
HEADING = 19
FORMULA = 18
VALUE = 19
PRODUCT = 16
NOTE = INDEX = 14
TICK = 12
SMALLEST = 12
LEGIBLE = 8.0  # points at the inches asked for; smaller type is warned of

SIZES = {"16x9": (40 / 3, 7.5), "4x3": (10.0, 7.5), "square": (7.5, 7.5)}  # inches
SIDES = (3.0, 100.0)  # inches
DPIS = (50.0, 2400.0)
DPI, ANIMATION_DPI = 144.0, 96.0  # 1920x1080 and 1280x720
PIXELS = 50_000_000  # an image takes several times 4 bytes per pixel
FRAME_PIXELS = 4_000_000  # of a frame, of which an animation has dozens


class Style(NamedTuple):
    """How a trace is drawn.

    layout: "panels" or "flow".
    theme: "light" or "dark".
    transparent: leave out the ground.
    size: "16x9", "4x3", "square", or WxH, in pixels where a side is above 100, else in inches.
    dpi: dots per inch, 50 to 2400.
    title: None for the usual title, "" for none.
    panel: the panels to draw, of PANELS; all where it is empty.
    lang: a language of words.languages().
    precision: significant digits of the values, 1 to 17.
    """

    layout: str = "panels"
    theme: str = "light"
    transparent: bool = False
    size: str = "16x9"
    dpi: float = DPI
    title: str | None = None
    panel: tuple[str, ...] = ()
    lang: str = "en"
    precision: int = 4

    def checked(self) -> Style:
        """Return the style with its panels in order; RequestError where a choice is not one."""
        if self.layout == "lanes":
            return self._replace(layout="flow").checked()
        for name, value, choices in (
            ("layout", self.layout, LAYOUTS),
            ("theme", self.theme, THEME_NAMES),
            ("lang", self.lang, languages()),
            *(("panel", panel, PANELS) for panel in self.panel),
        ):
            if value not in choices:
                raise RequestError(
                    f"{name} is {value!r}, but it must be one of {', '.join(choices)}"
                )
        if self.panel and self.layout == "flow":
            raise RequestError("--panel cannot be combined with lanes, which show every panel")
        if self.title is not None and not self.title.isprintable():
            raise RequestError("the title must be one line of printable characters")
        if not DPIS[0] <= self.dpi <= DPIS[1]:
            raise RequestError(f"dpi is {self.dpi:.17g}, but it must be 50 to 2400")
        if self.precision not in range(1, 18):
            raise RequestError(f"precision is {self.precision}, but it must be 1 to 17")
        width, height = self.inches
        if not all(SIDES[0] <= side <= SIDES[1] for side in (width, height)):
            raise RequestError(
                f"size is {width:.6g}x{height:.6g} inches, but width and height must be 3 to 100"
            )
        return self._replace(panel=tuple(name for name in PANELS if name in self.panel))

    @property
    def inches(self) -> tuple[float, float]:
        """The width and height in inches; RequestError where the size is not a size."""
        if self.size in SIZES:
            return SIZES[self.size]
        sides = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)x(\d{1,9}(?:\.\d{1,9})?)", self.size)
        if not sides:
            raise RequestError(
                f"--size is {self.size[:40]!r}, but it must be one of {', '.join(SIZES)}, or WxH in"
                " pixels or inches, such as 1920x1080 or 14x10"
            )
        width, height = float(sides[1]), float(sides[2])
        if max(width, height) <= SIDES[1]:
            return width, height
        less = math.inf  # than which no pixel may be by a rounding error
        return math.nextafter(width / self.dpi, less), math.nextafter(height / self.dpi, less)

    def check_pixels(self, most: int = PIXELS) -> None:
        """Raise RequestError for an image of more pixels than that."""
        width, height = (math.floor(side * self.dpi) for side in self.inches)
        if width * height > most:
            raise RequestError(
                f"the image would be {width}x{height} pixels, but it must have at most"
                f" {most:,}: lower dpi or size"
            )


def read_style(saved: dict[str, Any], source: str) -> Style:
    """Return the style in a figure's record; RequestError where one of its choices is not one."""
    try:
        choices = {name: saved[name] for name in Style._fields}
        return Style(**choices | {"panel": tuple(choices["panel"])}).checked()
    except (ArithmeticError, AttributeError, KeyError, TypeError, RequestError):
        raise RequestError(f"{source} does not say how it was drawn") from None
