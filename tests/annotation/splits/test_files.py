"""Split files of any format give the same assignment, and their faults are reported by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.faults import Fault
from heatsvc.annotation.inputs import InputFile
from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.splits.assignment import Assignment, assign_splits
from heatsvc.annotation.splits.split_file import read_split
from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.errors import LimitError
from tests.annotation.labels.files import KETI, WORKBOOK_2017, WORKBOOK_2018, labels_of, write, write_json

SPLIT_JSON = InputFile("split.json", KETI / "split.json")
LEAKY_JSON = InputFile("split_leaky.json", KETI / "split_leaky.json")


def words() -> Labels:
    return labels_of(WORKBOOK_2017, WORKBOOK_2018, types="단어")


def few(folder: Path) -> Labels:
    return labels_of(write(folder, "labels.csv", "name,label,type\na,yes,w\nb,no,w\nc,yes,w\nd,no,s\n"), types="w")


def assigned(labels: Labels, file: InputFile, **options: Any) -> Assignment:
    return assign_splits(labels, read_split([file], bounds=DEFAULT_BOUNDS), AnnotationOptions(**options))


def keti_names() -> list[tuple[str, str]]:
    """Signers 11 and up, videos 13 and up, train."""
    return [(f"KETI_SL_{n:010}", "train" if n > 12 else "test") for n in range(1, 37)]


def test_keti_splits() -> None:
    found = assigned(words(), SPLIT_JSON)
    assert found.split_of == ("test",) * 12 + ("train",) * 24
    assert found.splits == ("train", "test")
    assert found.faults == ()


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"{name},{split}" for name, split in keti_names()),
        "name,split\n" + "\n".join(f"{name}.avi,{split}" for name, split in keti_names()),
        "Set;File Name\n" + "\n".join(f"{split};{name}" for name, split in keti_names()),
        "number,file,subset\n" + "\n".join(f"1,{name},{split}" for name, split in keti_names()),
    ],
    ids=["no header", "header", "other order", "more columns"],
)
def test_csv_of_it_is_the_same(tmp_path: Path, text: str) -> None:
    found = assigned(words(), write(tmp_path, "split.csv", text))
    assert found.split_of == ("test",) * 12 + ("train",) * 24
    assert found.faults == ()


def test_the_signer_rule_is_the_same() -> None:
    rule = {"signer": {"train": ">10", "test": "<=10"}}
    assert assign_splits(words(), None, AnnotationOptions(split=rule)) == assigned(words(), SPLIT_JSON)


def test_json_by_name(tmp_path: Path) -> None:
    found = assigned(few(tmp_path), write_json(tmp_path, "split.json", {"a": "one", "b.avi": "two", "C": "one"}))
    assert (found.split_of, found.splits) == (("one", "two", "one"), ("one", "two"))


def test_a_leaky_split_names_both() -> None:
    found = assigned(words(), LEAKY_JSON)
    assert found.faults == (
        Fault(
            "in_two_splits",
            "KETI_SL_0000000001",
            "in train and test: a video must be in one split",
            "split_leaky.json",
            "refused",
        ),
        Fault(
            "unknown_to_labels",
            "KETI_SL_0000012345",
            "in test, but not in the labels",
            "split_leaky.json",
            "refused",
        ),
    )


@pytest.mark.parametrize(
    ("policy", "split_of", "done"),
    [
        ("error", (None, None, "train"), ["refused", "refused", "refused"]),
        ("drop", (None, None, "train"), ["dropped", "dropped", "dropped"]),
        ("first", ("train", None, "train"), ["kept in train", "dropped", "dropped"]),
    ],
)
def test_policies(tmp_path: Path, policy: str, split_of: tuple[str | None, ...], done: list[str]) -> None:
    file = write_json(tmp_path, "split.json", {"train": ["a", "c", "c.avi"], "test": ["A.avi", "nobody"]})
    found = assigned(few(tmp_path), file, split_policy=policy)
    assert found.split_of == split_of
    assert [(fault.kind, fault.name) for fault in found.faults] == [
        ("in_two_splits", "a"),
        ("in_no_split", "b"),
        ("unknown_to_labels", "nobody"),
    ]
    assert [fault.done for fault in found.faults] == done


def test_a_name_that_filters_left_out_is_no_fault(tmp_path: Path) -> None:
    file = write_json(tmp_path, "split.json", {"train": ["a", "b"], "test": ["c", "d.avi"]})
    assert assigned(few(tmp_path), file).faults == ()


def test_a_split_may_be_empty(tmp_path: Path) -> None:
    file = write_json(tmp_path, "split.json", {"train": ["a", "b", "c"], "val": []})
    assert assigned(few(tmp_path), file).splits == ("train", "val")


def test_a_name_that_may_be_two_videos(tmp_path: Path) -> None:
    labels = labels_of(write(tmp_path, "labels.csv", "name,label\nx/a,yes\ny/a,no\n"))
    with pytest.raises(AnnotationError) as caught:
        assigned(labels, write_json(tmp_path, "split.json", {"train": ["a.avi"]}))
    assert caught.value.detail == (
        "split.json, train[0]: 'a' may be 'x/a' (labels.csv, row 2) or 'y/a' (labels.csv, row 3): add its "
        "folder to the name"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "has no videos"),
        ("{}", "has no videos"),
        ("[]", "a split file must be JSON"),
        ('{"train": 1}', "'train' must be a list of names"),
        ('{"train": [1]}', "split.json, train[0] must be a name"),
        ('{"train": [""]}', "split.json, train[0]: the video's name is empty"),
        ('{"": ["a"]}', "the split's name must be a text"),
        ('{"train": ["a"], "train": ["b"]}', "the key 'train' occurs twice"),
        ("a,b,c", "split.json, row 1: without a header, rows must be name,split"),
        ("name,split\na", "split.json, row 2: the row has 1 cells, and lacks a name or a split"),
        ("name,split\na,", "split.json, row 2: the split's name must be a text"),
        ("a,\x01", "the split's name must be a text"),
        ("\x00", "neither text in UTF-8 or CP949"),
    ],
)
def test_broken_files(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(AnnotationError) as caught:
        read_split([write(tmp_path, "split.json", content)])
    assert said in caught.value.detail


def test_too_many_values(tmp_path: Path) -> None:
    file = write_json(tmp_path, "split.json", {"train": ["a"] * 100})
    with pytest.raises(LimitError, match="max_input_values"):
        read_split([file], bounds=Bounds(max_input_values=50))


def test_many_splits_are_not_all_reported_for_each_name(tmp_path: Path) -> None:
    table = write(tmp_path, "labels.csv", "name,label\na,x\n")
    file = write_json(tmp_path, "split.json", {f"s{number}": ["a", "b"] for number in range(900)})
    faults = assign_splits(labels_of(table), read_split([file], bounds=DEFAULT_BOUNDS), AnnotationOptions()).faults
    assert [fault.detail for fault in faults] == [
        "in s0 and s1 and s2 and s3 and s4 and 895 more: a video must be in one split",
        "in s0 and s1 and s2 and s3 and s4 and 895 more, but not in the labels",
    ]
