"""Strip: the caption in any script that a font has, the legend, and what happens without a font."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from heatsvc.errors import InputError
from heatsvc.render import captions
from heatsvc.render.captions import Strip, find_font
from heatsvc.render.picture_colors import color_table

# In the package that draws the plots: DejaVu Sans has Latin, Greek and Cyrillic letters, and no Hangul.
DEJAVU = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def strip(width: int = 300, caption: str = "", **more: object) -> Strip:
    given = {"colors": (), "table": None, "font": "", **more}
    return Strip.plan(width, caption=caption, **given)  # type: ignore[arg-type]


def test_without_texts_there_is_no_strip() -> None:
    assert strip().height == 0


def test_a_caption_is_drawn_in_the_width_of_the_picture() -> None:
    made = strip(caption="clip a, frame 7")
    assert made.pixels.shape == (26, 300, 3)
    assert 50 < (made.pixels > 128).any(axis=2).sum() < 2_000


def test_a_long_caption_has_several_lines_none_of_which_is_cut() -> None:
    one, long = strip(120, "word"), strip(120, " ".join(["word"] * 20))
    assert long.height > 4 * one.height
    assert not long.pixels[:, -3:].any()
    assert strip(16, "wide").height > 3 * 20 - 1  # a character at least


def test_the_legend_has_each_color_beside_its_name() -> None:
    colors = (("left hand", (1, 200, 3)), ("right hand", (200, 1, 3)))
    wide, narrow = strip(300, colors=colors), strip(100, colors=colors)
    for _, color in colors:
        assert ((wide.pixels == color).all(axis=2)).sum() == 100  # a swatch of 10 x 10 pixels
        assert ((narrow.pixels == color).all(axis=2)).sum() == 100
    assert narrow.height == wide.height + 20


def test_the_color_map_is_drawn_from_0_to_1() -> None:
    table = color_table("viridis")
    pixels = strip(200, table=table).pixels
    row = pixels[10]
    found = np.flatnonzero((row[:-63] == table[0]).all(axis=1))
    assert any(tuple(row[x + 63]) == tuple(table[255]) for x in found)


@pytest.mark.parametrize("width", [1, 8, 30])
def test_a_narrow_picture_has_what_fits(width: int) -> None:
    made = strip(width, "ab", colors=(("body", (1, 2, 3)),), table=color_table("gray"))
    assert made.pixels.shape[1] == width


def test_a_font_is_used_by_its_path() -> None:
    assert find_font("Ω", str(DEJAVU)).getname()[0] == "DejaVu Sans"  # type: ignore[union-attr]
    assert strip(caption="Ωμέγα", font=str(DEJAVU)).pixels.any()


def test_characters_that_the_font_lacks_are_an_error_and_never_boxes() -> None:
    with pytest.raises(InputError, match="no installed font has the characters '수어'") as caught:
        strip(caption="수어 a", font=str(DEJAVU))
    assert caught.value.field == "picture.caption"
    assert "HEATSVC_CAPTION_FONT" in caught.value.detail


def test_without_any_font_of_the_system_latin_letters_are_drawn_and_hangul_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(captions, "_SYSTEM_FONTS", ("no-such-font.ttf",))
    assert strip(caption="Plain text, 12 %").pixels.any()
    with pytest.raises(InputError, match="no installed font has the characters '수어手話'"):
        strip(caption="수어 手話")


def test_a_font_of_the_system_is_found_by_the_name_of_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captions, "_SYSTEM_FONTS", ("no-such-font.ttf", str(DEJAVU)))
    assert find_font("ж").getname()[0] == "DejaVu Sans"  # type: ignore[union-attr]


def test_decomposed_hangul_is_composed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As names of files on macOS are; the syllable is what a font has."""
    with pytest.raises(InputError, match="no installed font has the characters '한'"):
        strip(caption="\u1112\u1161\u11ab", font=str(DEJAVU))


def test_a_font_that_is_none_is_reported(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    for path in (broken, tmp_path / "missing.ttf"):
        with pytest.raises(InputError, match="cannot be read"):
            strip(caption="a", font=str(path))
