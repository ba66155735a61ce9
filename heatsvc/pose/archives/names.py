"""Names in archives that do not declare their encoding.

A zip archive's names are UTF-8 where a flag says so (APPNOTE 4.4.4, bit 11), or where an extra field has them
(4.6.9). Without these they are in the code page of the computer that packed them, which Windows does not write down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Guess:
    encoding: str
    title: str
    fits: Callable[[str], bool]
    """Given all names in a row."""


_PUNCTUATION = "\u00b7\u2026\u3000\u3001\u3002\uff08\uff09\uff0c\uff5e"


def _is_korean(text: str) -> bool:
    """Whether all letters beyond ASCII are Hangul, and at least half of them of the 2,350 syllables of KS X 1001.

    Japanese bytes are rare syllables when they are read as CP949; Chinese ones are common syllables and ideographs.
    """
    letters = [letter for letter in text if not letter.isascii() and letter not in _PUNCTUATION]
    common = sum(
        len(letter.encode("euc_kr", "replace")) == 2 for letter in letters
    )  # others are spelled in eight bytes
    return all("\uac00" <= letter <= "\ud7a3" for letter in letters) and 2 * common >= len(letters)


def _has_no_narrow_katakana(text: str) -> bool:
    """Chinese bytes read as Shift-JIS are full of half-width katakana, which names rarely have."""
    return not any("\uff61" <= letter <= "\uff9f" for letter in text)


def _has_no_private_letters(text: str) -> bool:
    return not any("\ue000" <= letter <= "\uf8ff" for letter in text)


GUESSES = (
    _Guess("utf-8", "UTF-8", lambda text: True),
    _Guess("cp949", "CP949 (Korean)", _is_korean),
    _Guess("cp932", "Shift-JIS (Japanese)", _has_no_narrow_katakana),
    _Guess("gb18030", "GBK (Chinese)", _has_no_private_letters),
    _Guess("cp949", "CP949 (Korean)", lambda text: True),
    _Guess("cp437", "CP437, which the zip format names where nothing else is declared", lambda text: True),
)
"""In the order in which they are tried. One is taken for all names of an archive that do not declare theirs."""


def decode_names(names: Sequence[bytes]) -> tuple[list[str], str]:
    """Names of one archive whose encoding is not declared, and the title of the encoding that was guessed.

    The first of GUESSES in which all of them are text that fits. The title is "" where all are ASCII.
    """
    if all(name.isascii() for name in names):
        return [name.decode("ascii") for name in names], ""
    for guess in GUESSES:
        try:
            decoded = [name.decode(guess.encoding) for name in names]
        except UnicodeDecodeError:
            continue
        if guess.fits("".join(decoded)):
            return decoded, guess.title
    raise AssertionError("CP437 has a letter for every byte")
