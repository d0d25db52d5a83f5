"""Which fonts set the words, and how wide a text is."""

from __future__ import annotations

import os
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


def families(title: str, chinese: bool) -> tuple[str, ...]:
    """The fonts that set the title and the rest of the figure, best first.

    chinese: whether the rest is in Chinese.
    Raises RequestError for a title with a character that none of the fonts has, and where a font
    with Chinese characters is needed and none is installed.
    """
    lacking = [one for one in title if not _has(SANS, one)]
    if not (lacking or chinese):
        return (SANS,)
    font = _chinese()
    for one in lacking:
        if not (_has(font, one) if font else _is_chinese(one)):
            raise RequestError(f"{one!r} is in the title, but no font used here can draw it")
    if font is None:
        needed = (
            "no font with Chinese characters is installed, so install one of"
            f" {', '.join(CHINESE[:3])}"
        )
        raise RequestError(
            f"{needed}, or use --lang en"
            if chinese
            else f"{lacking[0]!r} is in the title, but {needed}"
        )
    return (font, SANS)


def _has(font: str, character: str) -> bool:
    """Whether the font can draw the character in bold, as a title is set."""
    return bool(_face(font, "bold").get_char_index(ord(character)))


def _is_chinese(character: str) -> bool:
    """Whether fonts with Chinese characters have this one: GBK is what they cover at least."""
    try:
        return len(character.encode("gbk")) == 2
    except UnicodeEncodeError:
        return False


def _chinese() -> str | None:
    """The best of the installed fonts with Chinese characters."""
    installed = _installed()
    if installed.isdisjoint(CHINESE):  # or installed after matplotlib last looked
        for path in font_manager.findSystemFonts():
            with suppress(Exception):  # a file that is not a font
                font_manager.fontManager.addfont(path)
        installed = _installed()
    return next((name for name in CHINESE if name in installed), None)


def _installed() -> set[str]:
    """The names of the fonts that are still where matplotlib saw them."""
    return {font.name for font in font_manager.fontManager.ttflist if os.path.exists(font.fname)}


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
