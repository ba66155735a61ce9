"""Strip: what is below a picture: a caption in any script, the hues of body parts, the color map with its values."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from heatsvc.errors import InputError
from heatsvc.render.picture_colors import BACKGROUND, TEXT, Color, UInt8

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

TEXT_SIZE = 14
"""Height of a line of text in pixels, without its margins."""

_LINE, _MARGIN, _SWATCH, _BAR = 20, 6, 10, 64
# File names on Linux, macOS and Windows of fonts with some of Hangul, kana and Chinese characters.
_SYSTEM_FONTS = (
    *("NotoSansCJK-Regular.ttc", "NotoSansCJKkr-Regular.otf", "NotoSansKR-Regular.ttf", "NanumGothic.ttf"),
    *("AppleSDGothicNeo.ttc", "malgun.ttf", "msyh.ttc", "meiryo.ttc", "wqy-microhei.ttc"),
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial Unicode.ttf", "arial.ttf"),
)
_UNASSIGNED = "\U000fffff"  # no font has it, so fonts draw it like every character that they lack


class CaptionError(InputError):
    """No font has all characters of a caption."""


@dataclass(frozen=True)
class Strip:
    """The strip of text below a picture.

    Attributes:
        pixels: uint8 [height, W, 3].
    """

    pixels: UInt8

    @property
    def height(self) -> int:
        """Its height in pixels; 0 if it is empty."""
        return int(self.pixels.shape[0])

    @classmethod
    def none(cls) -> Strip:
        """An empty strip."""
        return cls(np.zeros((0, 0, 3), np.uint8))

    @classmethod
    def plan(
        cls, width: int, *, caption: str, colors: Sequence[tuple[str, Color]], table: UInt8 | None, font: str
    ) -> Strip:
        """Lay out the texts.

        Args:
            width: width of the picture in pixels.
            caption: "" for none; broken into lines if it is wider than the picture.
            colors: names and colors for the legend.
            table: a color map [256, 3] for the legend.
            font: path of a font for the caption; "" chooses one.

        Raises:
            CaptionError: no font has all characters of the caption.
        """
        if not caption and not colors and table is None:
            return cls.none()
        from PIL import Image, ImageDraw

        entries: list[_Entry] = []
        plain = _default_font()
        x, line = _MARGIN, 0
        if table is not None:
            entries.append(_Entry(x, line, "0", plain, None))
            entries.append(_Entry(x + 14 + _BAR + 4, line, "1", plain, None))
            x += 14 + _BAR + 30
        for title, color in colors:
            needed = _SWATCH + 4 + int(plain.getlength(title)) + 12
            if x > _MARGIN and x + needed > width:
                x, line = _MARGIN, line + 1
            entries.append(_Entry(x, line, title, plain, color))
            x += needed
        line += 1 if entries else 0
        text = unicodedata.normalize("NFC", caption)
        face = find_font(text, font)
        for part in _broken(text, width - 2 * _MARGIN, face.getlength):
            entries.append(_Entry(_MARGIN, line, part, face, None))
            line += 1
        image = Image.new("RGB", (width, line * _LINE + _MARGIN), BACKGROUND)
        draw = ImageDraw.Draw(image)
        for entry in entries:
            left, top = entry.x, entry.line * _LINE + _MARGIN // 2
            if entry.color is not None:
                draw.rectangle((left, top + 5, left + _SWATCH - 1, top + 4 + _SWATCH), fill=entry.color)
                left += _SWATCH + 4
            # Some fonts are higher than a line; all texts are on one baseline.
            draw.text((left, top + TEXT_SIZE), entry.text, fill=TEXT, font=entry.font, anchor="ls")
        pixels = np.array(image)
        if table is not None:
            bar = table[np.linspace(0, 255, _BAR).astype(int)]
            left = min(_MARGIN + 14, width)
            shown = bar[: max(0, width - left)]
            pixels[_MARGIN // 2 + 5 : _MARGIN // 2 + 5 + _SWATCH, left : left + len(shown)] = shown
        return cls(pixels)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A text at x in a line, after a swatch if it has a color."""

    x: int
    line: int
    text: str
    font: FreeTypeFont | ImageFont
    color: Color | None


def _broken(text: str, width: int, length: Callable[[str], float]) -> list[str]:
    """Break a text into lines of at most the given width, at spaces if possible; a line has at least one character."""
    lines: list[str] = []
    while text:
        end = 1
        while end < len(text) and length(text[: end + 1]) <= width:
            end += 1
        if end < len(text) and (space := text.rfind(" ", 0, end + 1)) > 0:
            end = space
        lines.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return lines


def find_font(text: str, path: str = "") -> FreeTypeFont | ImageFont:
    """Find a font that has all characters of a text.

    Args:
        text: the characters.
        path: path of the font to use; "" uses Pillow's font, which has Latin letters, or the first font of the system
            that has all characters.

    Raises:
        CaptionError: the font at `path`, or every font that was found, lacks some of them.
    """
    if path:
        face = _load(path)
        if face is None:
            raise CaptionError(
                f"the caption's font cannot be read: HEATSVC_CAPTION_FONT must be a path of a font file, not {path}",
                field="picture.caption",
            )
        fonts: list[FreeTypeFont | ImageFont] = [face]
    else:
        fonts = [_default_font()]
        if not _covers(fonts[0], text):
            fonts += [face for face in map(_load, _SYSTEM_FONTS) if face is not None]
    for font in fonts:
        if _covers(font, text):
            return font
    lacking = [character for character in dict.fromkeys(text) if not any(_has(font, character) for font in fonts)]
    what = "".join(lacking[:20]) or text[:20]
    raise CaptionError(
        f"no installed font has the characters {what!r:.60}: the service's administrator can install one that "
        "has them, such as Noto Sans CJK, or set HEATSVC_CAPTION_FONT",
        field="picture.caption",
    )


@lru_cache(maxsize=1)
def _default_font() -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(TEXT_SIZE)


@lru_cache(maxsize=32)
def _load(name: str) -> FreeTypeFont | None:
    """Load a font by its path, or by its file name in the system's font folders."""
    from PIL import ImageFont

    try:
        return ImageFont.truetype(name, TEXT_SIZE)
    except OSError:
        return None


def _covers(font: FreeTypeFont | ImageFont, text: str) -> bool:
    return all(_has(font, character) for character in dict.fromkeys(text))


def _has(font: FreeTypeFont | ImageFont, character: str) -> bool:
    """Whether a font has a character: it is a space, or is not drawn like a missing character."""
    return character.isspace() or _drawn(font, character) != _drawn(font, _UNASSIGNED)


def _drawn(font: FreeTypeFont | ImageFont, character: str) -> tuple[tuple[int, ...], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)
