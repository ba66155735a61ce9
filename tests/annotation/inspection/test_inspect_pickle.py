"""Inspection of annotation pickles: ours, PYSKL's, and those that a training run would stumble over."""

import json
import pickle
from dataclasses import asdict

import numpy as np
import pytest

from heatsvc.annotation.annotation_pickle import encode_annotation, encode_header, encode_splits
from heatsvc.annotation.inspection.findings import MEANINGS
from heatsvc.annotation.inspection.inspection import Inspection, inspect_pickle
from heatsvc.bounds import Bounds
from heatsvc.errors import LimitError
from heatsvc.pose import PoseError


def annotation(name="a", label=0, frames=3, **changes) -> dict:
    shape = (1, frames, 17)
    given = {
        "frame_dir": name,
        "label": label,
        "img_shape": (1080, 1920),
        "original_shape": (1080, 1920),
        "total_frames": frames,
        "keypoint": np.ones((*shape, 2), np.float16),
        "keypoint_score": np.ones(shape, np.float16),
        **changes,
    }
    return {key: value for key, value in given.items() if value is not None}


def dataset(*annotations, **splits) -> dict:
    every = annotations or (annotation("a"), annotation("b", 1))
    return {"split": splits or {"train": [one["frame_dir"] for one in every]}, "annotations": list(every)}


def as_numpy_1(data: bytes) -> bytes:
    """A pickle of protocol 4 under the module name of NumPy 1, without the frame, whose length fits no more."""
    shorter = data.replace(b"\x16numpy._core.multiarray", b"\x15numpy.core.multiarray")
    assert data[2:3] == b"\x95"
    return shorter[:2] + shorter[11:]


@pytest.fixture
def look(tmp_path):
    def inspect(content, bounds=None) -> Inspection:
        path = tmp_path / "KETI.pkl"
        if not isinstance(content, bytes):
            content = as_numpy_1(pickle.dumps(content, 4))
        path.write_bytes(content)
        return inspect_pickle(path, bounds) if bounds else inspect_pickle(path)

    return inspect


def found(inspection) -> dict[str, tuple]:
    return {finding.kind: finding.examples for finding in inspection.findings}


def test_our_own_pickle_is_without_fault(look):
    keypoint = np.ones((2, 5, 27, 2), np.float16)
    clips = [
        encode_annotation(name, label, (64, 60), keypoint, keypoint[..., 0]) for name, label in (("논", 0), ("b", 1))
    ]
    data = encode_header("float16") + b"".join(clips) + encode_splits({"train": ["논"], "test": ["b"]})
    inspection = look(data)
    assert inspection.findings == ()
    assert inspection.usable
    assert asdict(inspection) == {
        "file": "KETI.pkl",
        "size": len(data),
        "protocol": 4,
        "numpy": ("numpy.core",),
        "annotations": 2,
        "keys": {
            "frame_dir": 2,
            "label": 2,
            "img_shape": 2,
            "original_shape": 2,
            "total_frames": 2,
            "num_person_raw": 2,
            "keypoint": 2,
            "keypoint_score": 2,
        },
        "splits": (
            {"name": "train", "names": 1, "annotations": 1, "frames": 5},
            {"name": "test", "names": 1, "annotations": 1, "frames": 5},
        ),
        "classes": 2,
        "labels": (0, 1),
        "frames": {"low": 5, "mean": 5.0, "high": 5},
        "persons": {"low": 2, "mean": 2.0, "high": 2},
        "points": {27: 2},
        "dtypes": {"float16": 2},
        "img_shapes": {"64x60": 2},
        "array_bytes": 2 * 2 * 5 * 27 * 3 * 2,
        "findings": (),
    }
    json.dumps(asdict(inspection))


def test_a_pickle_as_pyskl_makes_it(look):
    assert found(look(dataset())) == {}


@pytest.mark.parametrize("protocol", [0, 1, 2, 3])
def test_older_protocols(look, protocol):
    inspection = look(pickle.dumps(dataset(), protocol).replace(b"numpy._core", b"numpy.core"))
    assert inspection.protocol == (protocol if protocol > 1 else 0)
    assert inspection.numpy == ("numpy.core",)
    assert inspection.annotations == 2


def test_what_numpy_1_or_python_3_7_cannot_read(look):
    inspection = look(pickle.dumps(dataset(), 5))
    assert inspection.protocol == 5
    assert inspection.numpy == ("numpy._core",)
    assert found(inspection) == {"numpy_2": (), "protocol_5": ()}
    assert inspection.usable


def test_a_bare_list(look):
    inspection = look([annotation("a"), annotation("b", 1)])
    assert inspection.splits == ()
    assert found(inspection) == {"no_split": ()}


@pytest.mark.parametrize(
    ("changes", "kind", "example"),
    [
        ({"label": None}, "no_label", "a"),
        ({"label": "화재"}, "odd_label", "a: '화재'"),
        ({"label": -1}, "odd_label", "a: -1"),
        ({"label": 10**5000}, "odd_label", "a: int"),
        ({"img_shape": None}, "no_img_shape", "a"),
        ({"img_shape": (1080, 1920, 3)}, "no_img_shape", "a"),
        ({"total_frames": None}, "no_total_frames", "a"),
        ({"total_frames": 4}, "other_total_frames", "a: 4, but T is 3"),
        ({"keypoint": None}, "no_keypoint", "a"),
        ({"keypoint": None, "raw_file": "a.pkl"}, "raw_file", "a"),
        ({"keypoint": np.ones((3, 17, 2))}, "odd_keypoint", "a: [3, 17, 2]"),
        ({"keypoint": np.ones((1, 3, 17, 3))}, "three_columns", "a"),
        ({"keypoint": np.ones((1, 3, 17, 2), int)}, "odd_dtype", "a: int64"),
        ({"keypoint": np.ones((0, 3, 17, 2)), "keypoint_score": np.ones((0, 3, 17))}, "empty", "a: [0, 3, 17, 2]"),
        ({"keypoint_score": None}, "no_score", "a"),
        ({"keypoint_score": np.ones((1, 3, 16))}, "other_score", "a: [1, 3, 16], but keypoint is [1, 3, 17, 2]"),
        ({"keypoint": np.full((1, 3, 17, 2), np.inf)}, "infinite", "a"),
        ({"keypoint": np.zeros((1, 3, 17, 2))}, "all_zero", "a"),
    ],
)
def test_one_annotation(look, changes, kind, example):
    assert found(look(dataset(annotation(**changes), annotation("b", 0)))) == {kind: (example,)}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"keypoint": np.full((1, 3, 17, 2), np.nan)}, "nan_point"),
        ({"keypoint_score": np.full((1, 3, 17), np.nan)}, "nan_score"),
    ],
)
def test_annotations_without_any_point(look, changes, kind):
    nothing = ("a: no point is detected in any frame: the volume is zeros",)
    assert found(look(dataset(annotation(**changes), annotation("b", 0)))) == {kind: ("a",), "no_points": nothing}


def test_annotations_without_a_name_or_that_are_none(look):
    content = {"split": {"train": ["b"]}, "annotations": [annotation(None), 7, annotation("b")]}
    assert found(look(content)) == {"no_dict": ("annotations[1]",), "no_name": ("annotations[0]",)}


@pytest.mark.parametrize(
    ("content", "kind", "examples"),
    [
        (dataset(annotation("a"), annotation("a")), "duplicate", ("a: 2 times",)),
        (dataset(annotation("a"), annotation("b", 3)), "gap_in_labels", ("1", "2")),
        (dataset(train=["a", "b", "c"]), "unknown_in_split", ("c (train)",)),
        (dataset(train=["a", "b"], test=["b"]), "in_two_splits", ("b (train, test)",)),
        (dataset(train=["a"]), "in_no_split", ("b",)),
        (dataset(train=["a", "b"], test=[]), "empty_split", ("test",)),
        (dataset(train=["a", "b"], test=3), "odd_split", ("test",)),
        ({"split": [], "annotations": [annotation()]}, "odd_split", ()),
    ],
)
def test_all_together(look, content, kind, examples):
    assert found(look(content)) == {kind: examples}


def test_other_points(look):
    other = annotation("c", keypoint=np.ones((1, 3, 27, 2)), keypoint_score=np.ones((1, 3, 27)))
    inspection = look(dataset(annotation("a"), annotation("b"), other))
    assert inspection.points == {17: 2, 27: 1}
    assert found(inspection) == {"other_points": ("c: 27, most have 17",)}
    assert not inspection.usable


def test_no_annotations(look):
    assert "no_annotations" in found(look({"split": {}, "annotations": []}))


def test_many_are_counted_and_few_are_named(look):
    inspection = look(dataset(*(annotation(f"clip_{i}", label=None) for i in range(30))))
    [finding] = inspection.findings
    assert (finding.count, finding.severity) == (30, "error")
    assert finding.examples == ("clip_0", "clip_1", "clip_2", "clip_3", "clip_4")


def test_the_worst_stands_first(look):
    inspection = look(dataset(annotation("a", label=None), annotation("b", keypoint_score=None), train=["a", "c"]))
    assert [finding.severity for finding in inspection.findings] == ["error", "warning", "note", "note"]


def test_every_kind_says_what_to_do():
    for kind, meaning in MEANINGS.items():
        assert meaning.severity in ("error", "warning", "note"), kind
        assert meaning.what_to_do.endswith("."), kind


class Evil:
    def __reduce__(self):
        return print, ("ran",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"no pickle", "damaged"),
        (pickle.dumps(dataset())[:-10], "damaged"),
        (pickle.dumps(Evil()), "the pickle is refused"),
        (pickle.dumps({"a": 1}), "not an annotation file"),
        (pickle.dumps(3), "not an annotation file"),
    ],
)
def test_what_is_no_annotation_pickle(look, capsys, data, message):
    with pytest.raises(PoseError, match=message):
        look(data)
    assert "ran" not in capsys.readouterr().out


def test_bounds(look):
    with pytest.raises(LimitError, match="max_unpacked_bytes"):
        look(dataset(), bounds=Bounds(max_unpacked_bytes=100))
    with pytest.raises(LimitError, match="max_pickle_objects"):
        look(dataset(), bounds=Bounds(max_pickle_objects=10))
