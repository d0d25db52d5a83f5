"""Which fonts set the words, and how wide a text is."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

from matplotlib import font_manager, ft2font

from dropout_cli.errors import RequestError

SANS = "DejaVu Sans"  # comes with matplotlib, and has every sign of mathematics used here, ✓ and ✗
CHINESE = (
    "Noto Sans CJK SC", "WenQuanYi Micro Hei", "Source Han Sans SC", "Noto Sans CJK JP",
    "Noto Sans SC", "WenQuanYi Zen Hei", "PingFang SC", "Hiragino Sans GB", "Heiti SC",
    "Microsoft YaHei", "SimHei",
)  # fmt: skip


def families(words: str, chinese: bool) -> tuple[str, ...]:
    """The fonts that set these words, best first.

    chinese: whether the rest of the figure is in Chinese.
    Raises RequestError where a font with Chinese characters is needed and none is installed, and
    for words with a character that none of the fonts has.
    """
    if not chinese and _lacks((SANS,), words) is None:
        return (SANS,)
    fonts = (_chinese(), SANS)
    if (lacking := _lacks(fonts, words)) is not None:
        raise RequestError(f"{lacking!r} is in the title, but no font used here can draw it")
    return fonts


def _lacks(fonts: tuple[str, ...], words: str) -> str | None:
    """The first character of the words that none of these fonts has."""
    known = [_face(font, "normal").get_charmap() for font in fonts]
    return next((one for one in words if not any(ord(one) in font for font in known)), None)


def _chinese() -> str:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    if installed.isdisjoint(CHINESE):  # or installed after matplotlib last looked
        for path in font_manager.findSystemFonts():
            with suppress(Exception):  # a file that is not a font
                font_manager.fontManager.addfont(path)
        installed = {font.name for font in font_manager.fontManager.ttflist}
    found = [name for name in CHINESE if name in installed]
    if not found:
        raise RequestError(
            "no font with Chinese characters is installed, so install one of"
            f" {', '.join(CHINESE[:3])}, or use --lang en"
        )
    return found[0]


@cache
def _face(family: str, weight: str) -> ft2font.FT2Font:
    font = font_manager.FontProperties(family=[family], weight=weight)
    return font_manager.get_font(font_manager.findfont(font))


@cache
def _advance(character: str, fonts: tuple[str, ...], weight: str) -> float:
    """The width of a character, as a share of the type size."""
    faces = [_face(font, weight) for font in fonts]
    face = next((face for face in faces if face.get_char_index(ord(character))), faces[-1])
    face.set_size(100, 72)
    return face.load_char(ord(character)).linearHoriAdvance / 65536 / 100


def ems(words: str, fonts: tuple[str, ...] = (SANS,), weight: str = "normal") -> float:
    """The width of the words, as a share of the type size, with room for hinting."""
    return 1.03 * sum(_advance(one, fonts, weight) for one in words)
