"""Stopped: SIGTERM and SIGHUP as exceptions, so that a command which they end removes what it has half written."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class Stopped(KeyboardInterrupt):
    """A signal that ends the process.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise `Stopped` in the main thread where one comes; a second one ends the process at once.

    Signals that are ignored, as by nohup, still are.
    """
    names = ("SIGTERM", "SIGHUP")  # not every system has both
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    caught = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]

    def stop(number: int, _: FrameType | None) -> NoReturn:
        for each in caught:
            signal.signal(each, signal.SIG_DFL)
        raise Stopped(number)

    for number in caught:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, signal.SIG_DFL)
