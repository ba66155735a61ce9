"""Decodes names in archives that do not declare their encoding.

A zip archive's names are UTF-8 if a flag says so (APPNOTE 4.4.4, bit 11), or if an extra field has them (4.6.9).
Otherwise they are in the code page of the computer that packed them, which Windows does not store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Guess:
    encoding: str
    title: str
    fits: Callable[[str], bool]
    """A possible encoding, and a check of all names in a row."""


_PUNCTUATION = "\u00b7\u2026\u3000\u3001\u3002\uff08\uff09\uff0c\uff5e"


def _is_korean(text: str) -> bool:
    """Whether all non-ASCII letters are Hangul, and at least half of them among the 2,350 syllables of KS X 1001.

    Japanese bytes decoded as CP949 become rare syllables; Chinese bytes become common syllables and ideographs.
    """
    letters = [letter for letter in text if not letter.isascii() and letter not in _PUNCTUATION]
    common = sum(
        len(letter.encode("euc_kr", "replace")) == 2 for letter in letters
    )  # others are spelled in eight bytes
    return all("\uac00" <= letter <= "\ud7a3" for letter in letters) and 2 * common >= len(letters)


def _has_no_narrow_katakana(text: str) -> bool:
    """Chinese bytes decoded as Shift-JIS have many half-width katakana, which are rare in names."""
    return not any("\uff61" <= letter <= "\uff9f" for letter in text)


def _has_no_private_letters(text: str) -> bool:
    return not any("\ue000" <= letter <= "\uf8ff" for letter in text)


GUESSES = (
    _Guess("utf-8", "UTF-8", lambda text: True),
    _Guess("cp949", "CP949 (Korean)", _is_korean),
    _Guess("cp932", "Shift-JIS (Japanese)", _has_no_narrow_katakana),
    _Guess("gb18030", "GBK (Chinese)", _has_no_private_letters),
    _Guess("cp949", "CP949 (Korean)", lambda text: True),
    _Guess("cp437", "CP437, the default of the zip format", lambda text: True),
)
"""Encodings in the order in which they are tried. One is used for all undeclared names of an archive."""


def decode_names(names: Sequence[bytes]) -> tuple[list[str], str]:
    """Decode the names of one archive whose encoding is not declared; also return the title of the guessed encoding.

    It is the first of GUESSES that can decode all names and whose check passes. The title is "" if all are ASCII.
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
