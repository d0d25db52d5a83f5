"""Themes, type sizes and the style of a figure.

A **given** bar is one before the mask. A **kept** bar has two tones: what arrived, and the **gain**
that 1/(1−p) adds. A **dropped** one is hollow, the outline of what was lost. Colour-blind readers
can tell blue from vermilion, and solid from hollow needs no colour at all.
"""

import math
from typing import Any, NamedTuple, Self

from dropout_cli.errors import RequestError
from dropout_cli.figure import LAYOUTS, PANELS
from dropout_cli.formats.document import COLOURS
from dropout_cli.words import languages


class Theme(NamedTuple):
    """Colours, as #RRGGBB.

    Text has a contrast of at least 4.5 to what is behind it, a bar at least 3 to what is beside it.
    """

    ground: str  # and the digits on kept tiles
    ink: str
    kept: str
    dropped: str
    muted: str  # words beside the numbers
    given: str
    gain: str  # inside an outline in the colour of kept
    kept_thin: str  # for bars too thin for an outline
    gain_thin: str
    plate: str  # behind the mask
    rule: str  # zero lines and the grid


THEMES = {
    "light": Theme(**COLOURS["light"], kept_thin="#00446F", gain_thin="#4A99C8"),
    "dark": Theme(**COLOURS["dark"], kept_thin="#8ED1F8", gain_thin="#2F6A8E"),
}

# Type sizes in points of the page.
TITLE, CAPTION, SUBTITLE, HEADING, FORMULA = 27, 21, 17, 19, 18
VALUE, PRODUCT, NOTE, INDEX, TICK, SMALLEST = 19, 16, 14, 14, 12, 12
LEGIBLE = 8.0  # points; smaller type gets a warning
WIDE = 960.0, 540.0  # the least points of a page

SIZES = {"16x9": (40 / 3, 7.5), "4x3": (10.0, 7.5), "square": (7.5, 7.5)}  # inches
LARGEST = 100.0  # inches
DPI, ANIMATION_DPI = 144.0, 96.0  # 1920x1080 and 1280x720
PIXELS = 50_000_000  # of an image, which takes several times 4 bytes per pixel
FRAME_PIXELS = 4_000_000  # of each frame of an animation


class Style(NamedTuple):
    """The style of a figure."""

    layout: str = "panels"  # or "flow"
    theme: str = "light"  # or "dark"
    transparent: bool = False  # without the ground
    size: str = "16x9"  # "4x3", "square", or WxH, in pixels if a side is above 100, else in inches
    dpi: float = DPI  # 50 to 2400
    title: str | None = None  # None for the default; "" for none
    panel: tuple[str, ...] = ()  # of PANELS; all if empty
    lang: str = "en"  # one of words.languages()
    precision: int = 4  # significant digits of the values, 1 to 17

    def checked(self) -> Self:
        """Return the style with its panels in order; RequestError for an invalid field."""
        style = self._replace(
            layout="flow" if self.layout == "lanes" else self.layout,
            panel=tuple(name for name in PANELS if name in self.panel),
        )
        known = {"layout": LAYOUTS, "theme": THEMES, "lang": languages()}
        for name, choices in (known | {"precision": range(1, 18)}).items():
            if getattr(style, name) not in choices:
                raise RequestError(f"{name} cannot be {getattr(style, name)!r}")
        if style.panel and style.layout == "flow":
            raise RequestError("--panel cannot be combined with lanes, which show every panel")
        if style.title is not None and not style.title.isprintable():
            raise RequestError("the title must be one line of printable characters")
        if not 50 <= style.dpi <= 2400:
            raise RequestError(f"dpi is {style.dpi:.17g}, but it must be 50 to 2400")
        width, height = style.inches
        if not all(3 <= side <= LARGEST for side in (width, height)):
            raise RequestError(
                f"size is {width:.6g}x{height:.6g} inches, but width and height must be 3 to 100"
            )
        return style

    @property
    def inches(self) -> tuple[float, float]:
        """The width and height in inches; RequestError for an invalid size."""
        try:
            width, height = SIZES.get(self.size) or map(float, self.size.split("x"))
        except ValueError:
            raise RequestError(
                f"--size is {self.size[:40]!r}, but it must be one of {', '.join(SIZES)}, or WxH in"
                " pixels or inches, such as 1920x1080 or 14x10"
            ) from None
        if max(width, height) <= LARGEST:
            return width, height
        more = 1e-9  # or rounding may lose a pixel
        return width / self.dpi + more, height / self.dpi + more

    def check_pixels(self, most: int = PIXELS) -> None:
        """Raise RequestError for an image of more pixels."""
        width, height = (math.floor(side * self.dpi) for side in self.inches)
        if width * height > most:
            raise RequestError(
                f"the image would be {width}x{height} pixels, but it must have at most"
                f" {most:,}: lower dpi or size"
            )


def read_style(saved: dict[str, Any], source: str) -> Style:
    """Return the style in a figure's record; RequestError for a missing or invalid field."""
    try:
        return Style(**{name: saved[name] for name in Style._fields}).checked()
    except (ArithmeticError, AttributeError, KeyError, TypeError, RequestError):
        raise RequestError(f"{source} does not say how it was drawn") from None
