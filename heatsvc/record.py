"""record: `dataclass(frozen=True)` for the type checker, at the price of one that is not frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:
    from dataclasses import dataclass

    def record(*, frozen, slots, eq=True):
        """A class decorator for what is made anew with each request, and of which nothing is set again.

        A frozen dataclass sets each of its fields through a function, which takes longer than all the rest of making
        it: for the seventy fields of a small request, a thirtieth of its time. That none is set later is mypy's to see.

        Args:
            frozen, slots, eq: as `dataclass` has them. Of the first only the checker takes notice; so those with `eq`
                have no hash.
        """
        return dataclass(slots=slots, eq=eq)


__all__ = ["record"]
