"""name_pattern: columns in the names of videos."""

from __future__ import annotations

import pytest

from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.labels.name_pattern import NamePattern
from heatsvc.annotation.names import VideoName
from heatsvc.annotation.options import AnnotationOptions
from tests.cases.test_labels import made

AUTSL = "name,label\nsigner0_sample1,a\nsigner0_sample2,b\nSigner12_sample1,a\n"
NAMES = ("signer0_sample1", "signer0_sample2", "signer12_sample1")


@pytest.mark.parametrize(
    ("pattern", "name", "columns"),
    [
        ("signer{signer}_sample{sample}", "signer12_sample1", {"signer": "12", "sample": "1"}),
        ("signer{signer}_sample{sample}", "train/SIGNER12_Sample1", {"signer": "12", "sample": "1"}),
        ("{signer}/{word}", "all/REAL01/v1", {"signer": "REAL01", "word": "v1"}),
        (
            "S{setup}C{camera}P{signer}R{repeat}A{action}",
            "S001C002P003R004A042",
            {"setup": "001", "camera": "002", "signer": "003", "repeat": "004", "action": "042"},
        ),
        ("{word}_{signer}", "a_b_c", {"word": "a", "signer": "b_c"}),
        ("{word}_v", "a_v_v", {"word": "a_v"}),
        ("signer{signer}_sample{sample}", "signer_sample1", {}),
        ("signer{signer}_sample{sample}", "signer1_sample", {}),
        ("signer{signer}_x", "signer1_y", {}),
        ("a{signer}", "b1", {}),
    ],
)
def test_columns_of_a_name(pattern: str, name: str, columns: dict[str, str]) -> None:
    assert NamePattern.of(pattern).find(VideoName.of(name)) == columns


def test_a_split_by_the_signer_in_the_name(tmp_path) -> None:
    split = {"signer": {"train": ">10", "test": "<=10"}}
    dataset = made(tmp_path, {"labels.csv": AUTSL}, names=NAMES, split=split, name_pattern="signer{signer}_sample{n}")
    assert dataset.splits == {"train": ["Signer12_sample1"], "test": ["signer0_sample1", "signer0_sample2"]}


def test_a_filter_by_a_column_of_the_name(tmp_path) -> None:
    dataset = made(tmp_path, {"labels.csv": AUTSL}, names=NAMES, signers=12, name_pattern="signer{signer}_sample{n}")
    assert list(dataset.indices) == ["Signer12_sample1"]


def test_a_pattern_that_no_name_matches(tmp_path) -> None:
    with pytest.raises(AnnotationError, match=r"no name of a video, such as 'signer0_sample1', matches name_pattern"):
        made(tmp_path, {"labels.csv": AUTSL}, names=NAMES, name_pattern="P{signer}_x")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("signer", "columns in braces"),
        ("signer{}", "columns in braces"),
        ("{a}{b}", "text between two columns"),
        ("{a}_{a}", "the same column twice"),
        ("{a}_}", "columns in braces"),
        ("{a b}", "columns in braces"),
        ("_".join(f"{{c{i}}}" for i in range(21)), "21 columns: 20 at most"),
        ("{a}" + "x" * 300, "at most 255"),
    ],
)
def test_patterns_that_cannot_be_used(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AnnotationOptions(name_pattern=pattern)
