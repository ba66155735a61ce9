"""The report as a page."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import heatsvc
from heatsvc.annotation.faults import KINDS, Fault
from heatsvc.annotation.labels.labels import LabelSource
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.report.document import report_json
from heatsvc.annotation.report.page import report_page
from heatsvc.annotation.statistics import SCORE_BINS, ClipStatistics
from heatsvc.kernels import KERNELS
from heatsvc.pose.layouts import get_layout
from tests.annotation.report.datasets import dataset, empty

_VOID = {"meta", "br"}


class Page(HTMLParser):
    """Tags, attributes and text; a tag that is not closed in its turn is an error."""

    def __init__(self, data: bytes):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(data.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_it_says_what_made_it():
    text = " ".join(page_of(dataset()).text.split())
    assert f"By heatsvc {heatsvc.__version__}, {KERNELS.name} kernels, in 1.2 seconds." in text
    assert "The training configs have the pipelines posec3d-train, posec3d-val, posec3d-test." in text
    assert "The split is random" not in text
    options = AnnotationOptions(split={"random": {"train": 1}, "seed": "<b>"})
    assert "The split is random, of seed <b>." in page_of(replace(dataset(), options=options)).text


def page_of(facts) -> Page:
    return Page(report_page(report_json(facts)))


def test_it_tells_every_fault_with_name_and_file():
    page = page_of(dataset())
    for line in (
        "no_file",
        "KETI_4",
        "cut_short",
        "k/KETI_9.npy",
        "promises 1,000 bytes",
        "in_two_splits",
        "논",
        "화재",
    ):
        assert line in page.text


def test_plots_of_classes_frames_and_scores():
    page = page_of(dataset())
    labels = [value for name, value in page.attributes if name == "aria-label"]
    assert labels == ["Clips by class", "Frames per clip", "Scores by point"]
    assert "10: train 2, test 2" in page.text
    assert "100 to 104 frames: 1 clips" in page.text
    assert "26 right_hand_20: median" in page.text


def test_it_loads_and_runs_nothing():
    page = page_of(dataset())
    assert not {"script", "link", "img", "iframe", "object", "base"} & set(page.tags)
    assert not {"src", "href", "srcset"} & {name for name, _ in page.attributes}
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert b"url(" not in report_page(report_json(dataset()))
    assert b"default-src 'none'" in report_page(report_json(dataset()))


def test_all_text_is_escaped():
    evil = "<script>alert(1)</script>\"'&"
    facts = dataset(
        clips=[
            ClipStatistics(evil, 0, evil, evil, 10, 10, undetected=1, digest="aa"),
            ClipStatistics(evil, 0, "b", evil, 10, 10, digest="aa"),
        ],
        splits=(evil, "b"),
        classes=(evil, evil),
        faults=[Fault("in_two_splits", evil, evil, evil, evil)],
        filtered={evil: 1},
    )
    page = page_of(facts)
    assert "script" not in page.tags
    assert page.text.count(evil) > 10


@pytest.mark.parametrize("facts", [empty(), dataset(layout=None), dataset(splits=(), clips=(), faults=())])
def test_what_there_is_none_of_is_left_out(facts):
    assert "Dataset report" in page_of(facts).text


def test_it_can_be_made_of_a_report_that_was_stored():
    report = report_json(dataset())
    assert report_page(json.loads(json.dumps(report))) == report_page(report)


def test_what_forbade_the_build_stands_first():
    refused = page_of(dataset(faults=[Fault("in_two_splits", "KETI_1", "in train and in test", None, "refused")]))
    assert "Refused" in refused.text
    assert "split_policy=first" in refused.text
    assert (
        "The dataset has no problems"
        in page_of(
            dataset(faults=(), clips=[ClipStatistics("a", 0, "train", frames=3)], splits=("train",), classes=("10",))
        ).text
    )


@pytest.mark.parametrize("layout", ["sign27", "mediapipe_holistic"])
def test_the_largest_page_is_under_a_megabyte(layout):
    points = len(get_layout(layout).points)
    kinds = list(KINDS)
    facts = dataset(
        clips=[
            ClipStatistics(
                f"KETI_SL_{i:010}",
                i % 419,
                ("train", "val", "test")[i % 3],
                str(i % 30),
                20 + i % 400,
                1,
                1,
                i % 2,
                str(i // 2),
            )
            for i in range(33_517)
        ],
        splits=("train", "val", "test"),
        classes=[f"{i}번째 수어" for i in range(419)],
        faults=[
            Fault(
                kinds[i % len(kinds)],
                f"KETI_SL_{i:010}",
                "the header promises 1,234,567 bytes, and 7 are there",
                f"Keypoints-MMPOSE/KETI_SL_{i:010}.avi.npy",
                "dropped",
            )
            for i in range(33_517)
        ],
        points=points,
        layout=get_layout(layout),
        score_histogram=np.random.default_rng(0).integers(0, 1000, (points, SCORE_BINS)),
    )
    page = report_page(report_json(facts))
    assert len(page) < 1_000_000
    assert "report.json</code> has them all" in page.decode()


def test_it_shows_what_label_files_were_taken_for_and_why_nothing_matches():
    source = LabelSource("<gbk>.csv", "CSV of name,index without a header", "cp949", True, 4, 0, ("콱봤", "剋剋"))
    mismatch = "no keypoint file has the name of a labeled video. " + "x" * 300
    page = page_of(dataset(sources=(source,), mismatch=mismatch))
    for part in ("<gbk>.csv", "cp949 (assumed)", "콱봤, 剋剋", "the encoding is assumed to be cp949", mismatch):
        assert part in page.text
