"""A child does what it is called for, within its bounds, and its end is a message."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from heatsvc.annotation.errors import AnnotationError
from heatsvc.cancel import CancelledError
from heatsvc.child import ChildError, run_in_child
from heatsvc.errors import LimitError
from tests.annotation.tokens import CountingToken

GIB = 1 << 30


def add(a: int, b: int) -> int:
    print("a library that talks")
    return a + b


def refuse(file: str) -> None:
    raise AnnotationError("row 3 is broken", field="labels", file=file)


def exceed() -> None:
    raise LimitError("9 rows are too many", bound="max_rows", limit=8, got=9)


def fill(size: int) -> int:
    return len(b"x" * size)


def length(data: bytes) -> int:
    return len(data)


def sleep() -> None:
    time.sleep(60)


def die() -> None:
    os._exit(3)


def stumble() -> None:
    raise KeyError("a")


def give_a_path() -> Path:
    return Path("a")


def test_gives_what_the_function_returns() -> None:
    assert run_in_child(add, 2, 3, memory_bytes=GIB, seconds=30) == 5


def test_arguments_larger_than_a_pipe_arrive_however_slowly_a_child_starts(monkeypatch) -> None:
    # The token is checked, and the wait begins again, long before the child reads.
    monkeypatch.setattr("heatsvc.child._POLL_SECONDS", 0.001)
    assert run_in_child(length, bytes(10 << 20), memory_bytes=GIB, seconds=120) == 10 << 20


def test_large_arguments_of_a_child_that_dies_are_no_error(monkeypatch) -> None:
    with pytest.raises(ChildError):
        run_in_child(length, bytes(80 << 20), memory_bytes=40 << 20, seconds=120)


def test_an_input_error_comes_through_whole() -> None:
    with pytest.raises(AnnotationError, match="row 3 is broken") as caught:
        run_in_child(refuse, "a.xlsx", memory_bytes=GIB, seconds=30)
    assert (caught.value.detail, caught.value.field, caught.value.file) == ("row 3 is broken", "labels", "a.xlsx")


def test_a_limit_error_keeps_its_setting() -> None:
    with pytest.raises(LimitError) as caught:
        run_in_child(exceed, memory_bytes=GIB, seconds=30)
    assert caught.value.detail == "9 rows are too many (limit 8, setting HEATSVC_MAX_ROWS)"
    assert (caught.value.setting, caught.value.limit, caught.value.got) == ("HEATSVC_MAX_ROWS", 8, 9)


@pytest.mark.skipif(sys.platform != "linux", reason="where the system bounds address space")
def test_memory_is_bounded() -> None:
    with pytest.raises(ChildError, match="it needed too much memory"):
        run_in_child(fill, 2 * GIB, memory_bytes=GIB, seconds=30)


def test_time_is_bounded() -> None:
    began = time.monotonic()
    with pytest.raises(ChildError, match=r"it took more than 0\.5 seconds"):
        run_in_child(sleep, memory_bytes=GIB, seconds=0.5)
    assert time.monotonic() - began < 10


def test_who_waits_may_end_it() -> None:
    began = time.monotonic()
    with pytest.raises(CancelledError):
        run_in_child(sleep, memory_bytes=GIB, seconds=60, token=CountingToken())
    assert time.monotonic() - began < 10


def test_a_death_is_reported() -> None:
    with pytest.raises(ChildError, match="the child process ended early, with code 3"):
        run_in_child(die, memory_bytes=GIB, seconds=30)


def test_another_exception_is_reported() -> None:
    with pytest.raises(ChildError, match="KeyError: 'a'"):
        run_in_child(stumble, memory_bytes=GIB, seconds=30)


def test_only_plain_values_come_back() -> None:
    with pytest.raises(ChildError, match="ended early"):
        run_in_child(give_a_path, memory_bytes=GIB, seconds=30)
