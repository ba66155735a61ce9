"""Rules in place of a split file: by a column, or by chance."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.labels import Labels
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.splits.assignment import Assignment, assign_splits
from heatsvc.annotation.splits.split_file import read_split
from tests.annotation.labels.files import LABEL_JSON, WORKBOOK_2017, labels_of, write, write_json


def ruled(labels: Labels, split: dict[str, Any] | None, **options: Any) -> Assignment:
    return assign_splits(labels, None, AnnotationOptions(split=split, **options))


def refused(labels: Labels, split: dict[str, Any] | None) -> str:
    with pytest.raises(AnnotationError) as caught:
        ruled(labels, split)
    return caught.value.detail


@pytest.fixture
def labels(tmp_path: Path) -> Labels:
    rows = ["1,ase/a,yes,ase", "2,ase/b,no,ase", "3,gsg/a,yes,gsg", "4,gsg/b,no,", "11,x/a,yes,dsgs"]
    return labels_of(write(tmp_path, "labels.csv", "Signer,path,words,signed_language\n" + "\n".join(rows)))


@pytest.mark.parametrize(
    ("rule", "split_of"),
    [
        ({"signed_language": {"train": "!=ase", "test": "ase"}}, ("test", "test", "train", None, "train")),
        ({"Signed Language": {"train": ["ase", "gsg"], "test": "dsgs"}}, ("train", "train", "train", None, "test")),
        ({"signer": {"train": ">3", "val": 3, "test": ["<2", 2]}}, ("test", "test", "val", "train", "train")),
    ],
)
def test_by_column(labels: Labels, rule: dict[str, Any], split_of: tuple[str | None, ...]) -> None:
    found = ruled(labels, rule)
    assert found.split_of == split_of
    assert found.splits == tuple(rule[next(iter(rule))])


def test_faults_of_a_rule(labels: Labels) -> None:
    found = ruled(labels, {"signer": {"train": ">1", "test": 2}}, split_policy="first")
    assert found.split_of == (None, "train", "train", "train", "train")
    assert [(fault.kind, fault.name, fault.detail, fault.done) for fault in found.faults] == [
        ("in_no_split", "ase/a", "its signer '1' is in no split", "dropped"),
        ("in_two_splits", "ase/b", "in train and test: a video must be in one split", "kept in train"),
    ]


def test_a_row_without_the_column(labels: Labels) -> None:
    (fault,) = ruled(labels, {"signed_language": {"train": "!=ase", "test": "ase"}}).faults
    assert (fault.name, fault.detail, fault.done) == ("gsg/b", "its row has no signed_language", "refused")


def test_by_chance_is_stratified() -> None:
    labels = labels_of(LABEL_JSON)
    found = ruled(labels, {"random": {"train": 0.5, "val": 0.34, "test": 0.16}, "seed": 0})
    counts = Counter((row.label, split) for row, split in zip(labels.rows, found.split_of, strict=True))
    assert {counts[label, split] for label in labels.classes for split in ("train",)} == {3}
    assert {counts[label, "val"] for label in labels.classes} == {2}
    assert {counts[label, "test"] for label in labels.classes} == {1}
    assert found.faults == ()


def test_by_chance_is_the_same_everywhere() -> None:
    labels = labels_of(LABEL_JSON)
    found = ruled(labels, {"random": {"train": 0.8, "test": 0.2}, "seed": 0})
    test = [row.video.text[-2:] for row, split in zip(labels.rows, found.split_of, strict=True) if split == "test"]
    assert test == ["02", "09", "16", "24", "25", "29"]
    assert ruled(labels, {"random": {"train": 0.8, "test": 0.2}}) == found
    assert ruled(labels, {"random": {"train": 0.8, "test": 0.2}, "seed": 1}) != found


def test_what_fractions_leave_is_in_none_and_no_fault() -> None:
    found = ruled(labels_of(LABEL_JSON), {"random": {"train": 0.5, "test": 0.25}, "seed": "a"})
    assert Counter(found.split_of) == {"train": 18, "test": 12, None: 6}
    assert found.faults == ()


def test_neither_file_nor_rule(labels: Labels) -> None:
    detail = refused(labels, None)
    assert '{"train": [names], "test": [names]}' in detail
    assert '{"signer": {"train": ">10", "test": "<=10"}}' in detail
    assert '{"random": {"train": 0.8, "test": 0.2}, "seed": 0}' in detail


def test_both_a_file_and_a_rule(tmp_path: Path, labels: Labels) -> None:
    file = read_split([write_json(tmp_path, "split.json", {"train": ["ase/a"]})])
    with pytest.raises(AnnotationError, match="use one of them"):
        assign_splits(labels, file, AnnotationOptions(split={"random": {"train": 1}}))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({}, "split must have one rule, not 0"),
        ({"signer": {"a": 1}, "type": {"a": 1}}, "split must have one rule, not 2"),
        ({"view": {"a": 1}}, "no label file has a column 'view': their columns are 'Signer', 'path'"),
        ({"signer": {}}, "split.signer must name splits"),
        ({"signer": ">1"}, "split.signer must name splits"),
        ({"signer": {"a": {}}}, "split.signer.a must be a text, a number or a list"),
        ({"signer": {"a": ">x"}}, "> needs a number"),
        ({"signer": {"": 1}}, "a split's name must be a text"),
        ({"signer": {"a": 1}, "seed": 0}, "split.seed needs split.random"),
        ({"random": {"a": 0.8, "b": 0.3}}, "the fractions of split.random add up to 1.1: 1 at most"),
        ({"random": {"a": 0}}, "split.random.a must be a fraction above 0"),
        ({"random": {"a": "0.5"}}, "split.random.a must be a fraction above 0"),
        ({"random": {"a": float("nan")}}, "split.random.a must be a fraction above 0"),
        ({"random": {}}, "split.random must name splits"),
        ({"random": {"a": 1}, "seed": 0.5}, "split.seed must be a whole number or a text"),
    ],
)
def test_rules_that_are_none(labels: Labels, rule: dict[str, Any], said: str) -> None:
    assert said in refused(labels, rule)


def test_a_rule_on_a_korean_header() -> None:
    found = ruled(labels_of(WORKBOOK_2017), {"언어 제공자 ID": {"one": 1, "two": 2}})
    assert set(found.split_of) == {"one", "two"}


def test_headers_spelled_alike_are_one_column(tmp_path: Path) -> None:
    tables = (
        write(tmp_path, "a.csv", "name,label,Fold\na,x,1\nb,x,2"),
        write(tmp_path, "b.csv", "name,label,FOLD\na,x,2"),
    )
    found = ruled(labels_of(*tables), {"fold": {"train": 1, "test": 2}})
    assert found.split_of == (None, "test")
    assert [(fault.kind, fault.name) for fault in found.faults] == [("in_two_splits", "a")]
