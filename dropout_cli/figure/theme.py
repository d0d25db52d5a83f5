"""The colours and type sizes of the figures.

A bar is **given** where no mask has met it yet. A **kept** bar has two tones: what arrived, and the
**gain** that 1/(1−p) adds. A **dropped** one is hollow, the outline of what was lost. Blue and
vermilion stay apart for every eye, and solid against hollow needs no colour at all.
"""

from typing import NamedTuple


class Theme(NamedTuple):
    """Colours, as #RRGGBB.

    Text has a contrast of at least 4.5 to what is behind it, a bar at least 3 to what is beside it.
    """

    ground: str
    ink: str
    muted: str
    """Words beside the numbers."""
    given: str
    kept: str
    gain: str
    """Within an outline of kept."""
    kept_thin: str
    """Kept and gain where bars are too thin for an outline."""
    gain_thin: str
    on_kept: str
    """Text on a kept bar."""
    dropped: str
    plate: str
    """Behind the mask."""
    rule: str
    """Zero lines, and the grid."""


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

# Type sizes in points, on a page of 960 × 540 points.
TITLE = 27
SUBTITLE = 17
HEADING = 19
FORMULA = 18
VALUE = 19
INDEX = 14
TICK = 12
NOTE = 14
SMALLEST = 9
