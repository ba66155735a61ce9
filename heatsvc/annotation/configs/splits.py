"""Which split a training run trains, validates and tests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Splits:
    """Names of splits by what they are for; several may be one."""

    train: str
    val: str
    test: str

    @classmethod
    def of(cls, names: Sequence[str]) -> Splits:
        """By the names: ``train1`` or ``xsub_train`` to train, ``val`` or ``dev`` to validate, ``test`` to test.

        Where one of the last two is missing the other stands for both, as in PYSKL's own configs; a dataset of one
        split has that for all.
        """
        train = _like(names, "train") or (names[0] if names else "train")
        others = [name for name in names if name != train] or [train]
        val = _like(others, "val", "dev")
        test = _like(others, "test")
        return cls(train, val or test or others[0], test or val or others[-1])


def _like(names: Sequence[str], *words: str) -> str | None:
    """The first name that begins with a word, or else has one in it."""
    folded = [(name, name.casefold()) for name in names]
    first = (name for name, text in folded if text.startswith(words))
    within = (name for name, text in folded if any(word in text for word in words))
    return next(first, None) or next(within, None)
