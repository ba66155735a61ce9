"""The report as JSON."""

import json
from dataclasses import replace

import numpy as np
import pytest

import heatsvc
from heatsvc.annotation.faults import KINDS, Fault
from heatsvc.annotation.labels.labels import LabelSource
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.report.document import report_json
from heatsvc.annotation.statistics import SCORE_BINS, ClipStatistics
from heatsvc.kernels import KERNELS
from tests.annotation.report.datasets import dataset, empty

REPORT = report_json(dataset())


def test_summary():
    assert REPORT["summary"] == {
        "clips": 6,
        "zeros": 1,
        "classes": 3,
        "files": 8,
        "labelled": 6,
        "missing": 1,
        "faulty": 2,
        "unlabelled": 1,
        "faults": 5,
        "trimmed": 1,
        "undetected": 3,
        "points_written": (100 + 110 + 2 * 120 + 110 + 230 + 230) * 27,
        "points": 27,
        "layout": "sign27",
        "img_shape": [1080, 1920],
        "dtype": "float16",
        "seconds": 1.235,
    }


def test_provenance():
    made = {
        "software": "heatsvc",
        "version": heatsvc.__version__,
        "kernels": KERNELS.name,
        "pipeline": "posec3d-train, posec3d-val, posec3d-test",
    }
    assert REPORT["provenance"] == made
    for rule, seed in (({"random": {"train": 1}}, "0"), ({"random": {"train": 1}, "seed": "a"}, "a")):
        options = AnnotationOptions(split=rule)
        assert report_json(replace(dataset(), options=options))["provenance"] == {**made, "seed": seed}


def test_splits():
    assert REPORT["splits"] == [
        {"name": "train", "clips": 4, "zeros": 1, "frames": 440, "classes": 2, "signers": 3},
        {"name": "test", "clips": 2, "zeros": 0, "frames": 460, "classes": 1, "signers": 2},
    ]


def test_classes_and_those_absent_from_a_split():
    assert REPORT["classes"] == [
        {"index": 0, "label": "10", "clips": {"train": 2, "test": 2}},
        {"index": 1, "label": "논", "clips": {"train": 2, "test": 0}},
        {"index": 3, "label": "화재", "clips": {"train": 0, "test": 0}},
    ]
    assert REPORT["absent"] == {"train": ["화재"], "test": ["논", "화재"]}


def test_frames_of_clips_that_have_keypoints():
    assert REPORT["frames"] == {
        "count": 5,
        "min": 100,
        "mean": 158.0,
        "median": 120,
        "max": 230,
        "histogram": {"start": 100, "width": 5, "counts": [1, 0, 1, 0, 1, *[0] * 21, 2]},
    }


@pytest.mark.parametrize(
    ("lengths", "start", "width", "counts"),
    [
        ([7], 7, 1, [1]),
        ([3, 42], 3, 1, [1, *[0] * 38, 1]),
        ([3, 43], 2, 2, [1, *[0] * 19, 1]),
        ([0, 9999], 0, 500, [1, *[0] * 18, 1]),
    ],
)
def test_bins_have_round_widths(lengths, start, width, counts):
    clips = [ClipStatistics("a", 0, "train", frames=length) for length in lengths]
    assert report_json(dataset(clips=clips))["frames"]["histogram"] == {
        "start": start,
        "width": width,
        "counts": counts,
    }


def test_scores_by_point():
    nose, last = REPORT["scores"][0], REPORT["scores"][26]
    assert nose == {
        "index": 0,
        "name": "nose",
        "count": 100,
        "mean": 0.925,
        "quantiles": {"0.05": 0.9025, "0.25": 0.9125, "0.5": 0.925, "0.75": 0.9375, "0.95": 0.9475},
        "histogram": [*[0] * 18, 100, 0],
    }
    assert last["name"] == "right_hand_20"
    assert last["mean"] == 0.5
    assert last["quantiles"]["0.25"] == 0.025
    assert last["quantiles"]["0.75"] == 0.975


def test_points_without_scores_or_names():
    [score] = report_json(dataset(layout=None, score_histogram=np.zeros((1, SCORE_BINS), np.int64)))["scores"]
    assert (score["name"], score["count"], score["mean"]) == ("", 0, None)
    assert score["quantiles"] == {"0.05": None, "0.25": None, "0.5": None, "0.75": None, "0.95": None}


def test_faults_by_kind_each_under_its_own_name():
    assert [(group["kind"], group["count"], group["done"]) for group in REPORT["faults"]] == [
        ("no_file", 1, {"zeros": 1}),
        ("cut_short", 2, {"dropped": 2}),
        ("unlabelled", 1, {"dropped": 1}),
        ("in_two_splits", 1, {"kept": 1}),
    ]
    assert REPORT["faults"][1]["meaning"] == "a truncated file, shorter than its header says"
    assert REPORT["faults"][1]["items"] == [
        {
            "name": "KETI_8",
            "file": "k/KETI_8.npy",
            "detail": "the header promises 1,000 bytes, and 700 are there",
            "done": "dropped",
        },
        {
            "name": "KETI_9",
            "file": "k/KETI_9.npy",
            "detail": "the header promises 1,000 bytes, and 800 are there",
            "done": "dropped",
        },
    ]


def test_leaks():
    assert REPORT["leaks"] == {
        "names": [{"name": "KETI_1", "detail": "in train and in test", "done": "kept"}],
        "content": [
            {
                "clips": [
                    {"name": "KETI_1", "split": "train", "label": "10"},
                    {"name": "KETI_5", "split": "test", "label": "10"},
                ]
            }
        ],
        "signers": [{"signer": "1", "clips": {"train": 1, "test": 1}}],
    }


def test_what_one_split_shares_with_itself_is_no_leak():
    clips = [ClipStatistics(name, 0, "train", "1", 10, 10, digest="aa") for name in "ab"]
    clips += [ClipStatistics(name, 0, split, "", 10, 0, zeros=True) for name, split in (("c", "train"), ("d", "test"))]
    assert report_json(dataset(clips=clips, faults=()))["leaks"] == {"names": [], "content": [], "signers": []}


def test_the_rest():
    assert REPORT["filtered"] == {"types": 5}
    assert REPORT["undetected"] == [{"name": "KETI_2", "points": 3}]
    assert REPORT["options"]["select"] == "sign27"
    assert REPORT["options"]["missing"] == "zeros"


@pytest.mark.parametrize("facts", [dataset(), empty()])
def test_json_can_hold_it_and_it_is_always_the_same(facts):
    text = json.dumps(report_json(facts), allow_nan=False)
    assert json.loads(text) == report_json(facts)
    assert json.dumps(report_json(facts)) == text


def test_long_lists_are_whole():
    faults = [Fault("no_file", f"KETI_{i}", "none") for i in range(20_000)]
    [group] = report_json(dataset(faults=faults))["faults"]
    assert len(group["items"]) == 20_000


def test_every_kind_has_its_words():
    report = report_json(dataset(faults=[Fault(kind, "a", "b") for kind in KINDS]))
    assert {group["kind"]: group["meaning"] for group in report["faults"]} == KINDS


def test_many_label_files_of_one_format_are_one_row():
    sources = [
        LabelSource(f"{number}.json", "JSON of AIHub", "utf-8-sig", False, 1, 0, (f"word {number}",))
        for number in range(30)
    ]
    assert report_json(dataset(sources=sources))["labels"] == [
        {
            "file": "0.json",
            "files": 30,
            "format": "JSON of AIHub",
            "encoding": "utf-8-sig",
            "assumed": False,
            "rows": 30,
            "classes": 0,
            "labels": ["word 0", "word 1", "word 2"],
        }
    ]
