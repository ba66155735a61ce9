"""One video under several names, and many videos under names alike."""

from __future__ import annotations

import time

import pytest

from heatsvc.annotation.names import NameIndex, VideoName


def index(*names: str) -> NameIndex:
    return NameIndex(VideoName.of(name) for name in names)


def find(names: NameIndex, name: str) -> list[int]:
    return names.find(VideoName.of(name))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("KETI_SL_0000000419", "KETI_SL_0000000419"),
        ("KETI_SL_0000000419.avi", "KETI_SL_0000000419"),
        ("KETI_SL_0000000419.MTS", "KETI_SL_0000000419"),
        ("KETI_SL_0000000419.avi.npy", "KETI_SL_0000000419"),
        ("./a//b\\c.MOV.npy", "a/b/c"),
        ("clip.v2", "clip.v2"),
        (".npy", ".npy"),
        ("", ""),
    ],
)
def test_a_name_has_no_extensions(name: str, text: str) -> None:
    assert VideoName.of(name).text == text


def test_case_and_composition_do_not_count() -> None:
    assert VideoName.of("Cafe\u0301").parts == VideoName.of("CAFÉ").parts


def test_one_that_fits() -> None:
    names = index("front/a.avi", "side/a.avi", "b.avi")
    assert find(names, "front/a.npy") == [0]
    assert find(names, "data/side/A.npy") == [1]
    assert find(names, "x/y/b.mp4.npy") == [2]
    assert find(names, "c") == []


def test_two_that_fit() -> None:
    assert find(index("front/a.avi", "side/a.avi"), "a.npy") == [0, 1]


def test_the_one_that_tells_more_folders_wins() -> None:
    assert find(index("a", "front/a"), "front/a.npy") == [1]
    assert find(index("a", "front/a"), "x/front/a.npy") == [1]


def test_a_name_that_is_equal_wins() -> None:
    assert find(index("front/a", "a"), "a.npy") == [1]
    assert find(index("x/front/a", "front/a"), "front/a") == [1]


def test_names_that_tell_more_folders() -> None:
    names = index("a", "front/a", "x/front/a", "b")
    assert names.deeper(VideoName.of("a")) == [1, 2]
    assert names.deeper(VideoName.of("front/a")) == [2]
    assert names.deeper(VideoName.of("x/front/a")) == []


def test_many_names_with_one_stem_are_found_at_once() -> None:
    names = index(*(f"{number}/points" for number in range(30_000)))
    began = time.perf_counter()
    assert [find(names, f"data/{number}/points.npy") for number in range(30_000)] == [[i] for i in range(30_000)]
    assert time.perf_counter() - began < 10
