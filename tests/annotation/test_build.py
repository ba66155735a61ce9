"""From KETI's files to a pickle that trains: keti-mini."""

from __future__ import annotations

import csv
import json
import shutil
import tarfile
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

import heatsvc
from heatsvc.annotation.artifacts import MEDIA_TYPES
from heatsvc.annotation.build import build
from heatsvc.annotation.errors import AnnotationError, FaultsError
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.names import VideoName
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.progress import Progress
from heatsvc.annotation.shards import Shard, ShardReader
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.cancel import CancelledError
from heatsvc.errors import LimitError
from heatsvc.pose.readers import ReadOptions, read
from tests.annotation.keti import (
    CLASSES,
    KEYPOINTS,
    MINI,
    OPTIONS,
    SIGN27,
    TABLES,
    WORKBOOKS,
    array_of,
    inputs,
    loaded,
    made,
    name,
    named,
    removal_frames,
)
from tests.annotation.tokens import CountingToken

# Clips of words that are sound: 1 to 36 without the faulty ones.
SOUND = [n for n in range(1, 37) if n not in (7, 9, 11, 17, 20)]
# No frames, no file, a pickled None.
MISSING = [7, 9, 11]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("built")
    made(path)
    return path


def test_every_artifact_is_there(tmp_path):
    built = made(tmp_path)
    assert [artifact.name for artifact in built.artifacts] == list(MEDIA_TYPES)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == sorted(MEDIA_TYPES)
    for artifact in built.artifacts:
        assert (tmp_path / artifact.name).stat().st_size == artifact.size


def test_annotations_are_as_pyskl_has_them(folder):
    content = loaded(folder)
    assert list(content) == ["annotations", "split", "provenance"]
    one = content["annotations"][0]
    assert {key: value for key, value in one.items() if not key.startswith("keypoint")} == {
        "frame_dir": "KETI_SL_0000000001",
        "label": 5,
        "img_shape": (1080, 1920),
        "original_shape": (1080, 1920),
        "total_frames": 73,
        "num_person_raw": 1,
    }
    assert (one["keypoint"].shape, one["keypoint"].dtype) == ((1, 73, 27, 2), np.float16)
    assert (one["keypoint_score"].shape, one["keypoint_score"].dtype) == ((1, 73, 27), np.float16)


def test_the_pickle_says_what_made_it_as_the_report_does(folder):
    provenance = loaded(folder)["provenance"]
    assert provenance == json.loads((folder / "report.json").read_text())["provenance"]
    assert (provenance["software"], provenance["version"]) == ("heatsvc", heatsvc.__version__)


def test_points_are_those_of_the_files(folder):
    annotations = {one["frame_dir"]: one for one in loaded(folder)["annotations"]}
    for number in SOUND:
        wanted = array_of(number)[None, :, SIGN27]
        wanted[np.isnan(wanted).any(-1)] = 0
        np.testing.assert_array_equal(annotations[name(number)]["keypoint"], wanted[..., :2].astype(np.float16))
        np.testing.assert_array_equal(annotations[name(number)]["keypoint_score"], wanted[..., 2].astype(np.float16))


def test_split_is_the_files(folder):
    split = loaded(folder)["split"]
    assert list(split) == ["train", "test"]
    assert set(split["test"]) == {name(n) for n in range(1, 13)}
    assert set(split["train"]) == {name(n) for n in range(13, 37) if n not in (17, 20)}


def test_label_map_is_the_sorted_labels(folder):
    assert json.loads((folder / "label_map.json").read_bytes()) == dict(zip(CLASSES, range(6), strict=True))
    rows = list(csv.reader((folder / "label_map.csv").read_text().splitlines()))
    assert rows == [["label", "label_index"], *([label, str(i)] for i, label in enumerate(CLASSES))]
    assert rows == list(csv.reader((TABLES / "label" / "label_map.csv").read_text().splitlines()))


def test_videos_without_keypoints_are_zeros_of_the_average_length(folder):
    annotations = {one["frame_dir"]: one for one in loaded(folder)["annotations"]}
    average = round(np.mean([len(array_of(n)) for n in SOUND]))
    for number in MISSING:
        one = annotations[name(number)]
        assert one["keypoint"].shape == (1, average, 27, 2)
        assert one["total_frames"] == average
        assert not one["keypoint"].any()
        assert not one["keypoint_score"].any()
        assert one["label"] == {7: 5, 9: 3, 11: 4}[number]


def test_missing_may_be_dropped(tmp_path):
    made(tmp_path, missing="drop")
    names = {one["frame_dir"] for one in loaded(tmp_path)["annotations"]}
    assert names == {name(n) for n in SOUND}
    assert sum(map(len, loaded(tmp_path)["split"].values())) == len(SOUND)


def test_faulty_may_be_zeros(tmp_path):
    made(tmp_path, faulty="zeros")
    annotations = {one["frame_dir"]: one for one in loaded(tmp_path)["annotations"]}
    assert not annotations[name(17)]["keypoint"].any()
    assert not annotations[name(20)]["keypoint"].any()
    assert len(annotations) == 36


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ({"faulty": "error"}, {name(17): "wrong_points", name(20): "cut_short"}),
        ({"missing": "error"}, {name(7): "no_frames", name(9): "no_file", name(11): "no_keypoints"}),
    ],
)
def test_faults_that_are_not_allowed_are_all_reported(tmp_path, options, refused):
    with pytest.raises(FaultsError) as caught:
        made(tmp_path, **options)
    for video, kind in refused.items():
        assert f"{video} ({kind})" in caught.value.detail
    assert next(iter(options)) in caught.value.detail
    assert not (tmp_path / "annotations.pkl").exists()
    assert (tmp_path / "report.html").exists()


def test_faulty_is_an_error_by_default(tmp_path):
    with pytest.raises(FaultsError, match=r"KETI_SL_0000000017 \(wrong_points\)"):
        made(tmp_path, faulty="leave")


def faults(report: dict) -> dict[str, dict[str, str]]:
    """Faults in the report: kind, video, what became of it."""
    reported: dict[str, dict[str, str]] = {}
    for group in report["faults"]:
        reported[group["kind"]] = {fault["name"]: fault["done"] for fault in group["items"]}
    return reported


def test_every_fault_is_reported_under_its_name(tmp_path):
    report = made(tmp_path).report
    assert faults(report) == {
        "no_file": {name(9): "zeros"},
        "no_frames": {name(7): "zeros"},
        "no_keypoints": {name(11): "zeros"},
        "cut_short": {name(20): "dropped"},
        "wrong_points": {name(17): "dropped"},
        "unlabelled": {name(99): "dropped"},
    }
    # 14: frames of NaN become zeros and are counted.
    points = int(np.isnan(array_of(14)[:, SIGN27]).any(-1).sum())
    assert report["undetected"] == [{"name": name(14), "points": points}]


def test_check_tells_the_same_and_builds_nothing(tmp_path):
    built = build(inputs(), AnnotationOptions(**OPTIONS | {"faulty": "error"}), tmp_path, check=True)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["report.html", "report.json"]
    assert [artifact.name for artifact in built.artifacts] == ["report.json", "report.html"]
    assert faults(built.report)["cut_short"] == {name(20): "refused"}


def test_check_needs_no_split(tmp_path):
    counts = tmp_path / "counts.csv"
    counts.write_text("KETI_SL_0000000001,74\n")
    given = inputs(split=(), trim=(InputFile("counts.csv", counts),))
    report = build(given, AnnotationOptions(**OPTIONS), tmp_path / "out", check=True).report
    assert [split["name"] for split in report["splits"]] == ["all"]
    assert faults(report)["trim_too_long"] == {name(1): "kept"}
    assert faults(report)["no_file"] == {name(9): "zeros"}


def test_trimmed_clips_are_those_of_removal(tmp_path):
    trim = (InputFile("removal_frames.json", MINI / "removal_frames.json"),)
    report = made(tmp_path, inputs(trim=trim), dtype="float32").report
    annotations = {one["frame_dir"]: one for one in loaded(tmp_path)["annotations"]}
    files = list((MINI / "Keypoints-removal").iterdir())
    assert len(files) == len(removal_frames()) == 5
    for path in files:
        wanted = np.load(path)[None, :, SIGN27]
        one = annotations[path.name.split(".")[0]]
        np.testing.assert_array_equal(one["keypoint"], wanted[..., :2])
        np.testing.assert_array_equal(one["keypoint_score"], wanted[..., 2])
    assert report["summary"]["trimmed"] == 5


def test_trimmed_video_that_is_longer_than_its_keypoints_is_reported(tmp_path):
    counts = tmp_path / "counts.json"
    counts.write_text(json.dumps({"keti_sl_0000000001.AVI": 74, "KETI_SL_0000000002": 58}))
    report = made(tmp_path / "out", inputs(trim=(InputFile("counts.json", counts),))).report
    assert faults(report)["trim_too_long"] == {name(1): "kept"}
    (reported,) = [group for group in report["faults"] if group["kind"] == "trim_too_long"]
    assert "74" in reported["items"][0]["detail"]


LABELS = {
    "workbooks": named(*WORKBOOKS),
    "CSV of 2017, workbook of 2018": named("KETI-2017-SL-Annotation-v2_1.csv", WORKBOOKS[1]),
    "workbooks and map": named(*WORKBOOKS, "label/label_map.csv"),
    "JSON": named("label/label.json"),
    "two CSVs without a header, map": named(
        "label/label_KETI_train_all.csv", "label/label_KETI_val_all.csv", "label/label_map.json"
    ),
}


def utf8(folder: Path, mark: str) -> tuple[InputFile, ...]:
    """KETI's CSV of 2017 in UTF-8."""
    path = folder / "labels"
    path.write_text((TABLES / "KETI-2017-SL-Annotation-v2_1.csv").read_text("cp949"), f"utf-8{mark}")
    return (InputFile("labels", path), *named(WORKBOOKS[1]))


@pytest.mark.parametrize("form", [*LABELS, "UTF-8", "UTF-8 with mark"])
def test_all_label_forms_give_the_same_pickle(tmp_path, folder, form):
    labels = LABELS.get(form) or utf8(tmp_path, "-sig" if "mark" in form else "")
    options = {}
    if form == "JSON" or form.startswith("two"):
        options["types"] = "leave"  # they name words alone, and know no types
    made(tmp_path / "out", inputs(labels=labels), **options)
    assert (tmp_path / "out" / "annotations.pkl").read_bytes() == (folder / "annotations.pkl").read_bytes()


def split_csv(folder: Path) -> InputFile:
    rows = [
        f"{video},{split}"
        for split, videos in json.loads((TABLES / "split.json").read_text()).items()
        for video in videos
    ]
    path = folder / "split.csv"
    path.write_text("name,split\n" + "\n".join(rows))
    return InputFile("split.csv", path)


@pytest.mark.parametrize("form", ["CSV", "signer", "column"])
def test_all_split_forms_give_the_same_pickle(tmp_path, folder, form):
    rule = {
        "CSV": None,
        "signer": {"signer": {"train": ">10", "test": "<=10"}},
        "column": {"언어 제공자 ID": {"train": ">10", "test": ["1", 2, 3, 4, 5, 6, 7, 8, 9, 10]}},
    }[form]
    made(tmp_path / "out", inputs(split=() if rule else (split_csv(tmp_path),)), split=rule)
    assert (tmp_path / "out" / "annotations.pkl").read_bytes() == (folder / "annotations.pkl").read_bytes()


def packed(folder: Path, kind: str) -> Inputs:
    """The keypoints in other wrappings."""
    files = sorted(KEYPOINTS.iterdir())
    if kind == "parts":
        return inputs(folder=None, keypoints=tuple(InputFile(path.name, path) for path in files))
    target = folder / "keypoints"
    if kind == "zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                archive.write(path, f"Keypoints-MMPOSE/{path.name}")
    else:
        with tarfile.open(target, f"w:{kind}") as archive:
            archive.add(KEYPOINTS, "Keypoints-MMPOSE")
    return inputs(folder=None, keypoints=(InputFile("keypoints", target),))


@pytest.mark.parametrize("kind", ["parts", "zip", "", "gz"])
def test_all_wrappings_give_the_same_pickle(tmp_path, folder, kind):
    made(tmp_path / "out", packed(tmp_path, kind))
    assert (tmp_path / "out" / "annotations.pkl").read_bytes() == (folder / "annotations.pkl").read_bytes()


def test_more_processes_give_the_same_pickle(tmp_path, folder, monkeypatch):
    monkeypatch.setattr("heatsvc.annotation.build.SHARD_SIZE", 8)
    monkeypatch.setattr("heatsvc.annotation.reader_pool.LARGE", 10)
    build(inputs(), AnnotationOptions(**OPTIONS), tmp_path, jobs=2)
    assert (tmp_path / "annotations.pkl").read_bytes() == (folder / "annotations.pkl").read_bytes()


def test_an_interrupted_build_resumes(tmp_path, folder, monkeypatch):
    monkeypatch.setattr("heatsvc.annotation.build.SHARD_SIZE", 8)
    seen: list[Progress] = []

    class CutError(Exception):
        pass

    def cut(progress: Progress) -> None:
        seen.append(progress)
        if progress.files_read > 16:
            raise CutError

    with pytest.raises(CutError):
        build(inputs(), AnnotationOptions(**OPTIONS), tmp_path, progress=cut)
    assert not (tmp_path / "annotations.pkl").exists()
    again: list[int] = []

    read_shard = ShardReader.read

    def counted(reader: ShardReader, number: int, *more) -> Shard:
        again.append(number)
        return read_shard(reader, number, *more)

    monkeypatch.setattr(ShardReader, "read", counted)
    build(inputs(), AnnotationOptions(**OPTIONS), tmp_path)
    assert again == [3, 4]
    assert (tmp_path / "annotations.pkl").read_bytes() == (folder / "annotations.pkl").read_bytes()


def test_shards_of_other_options_are_read_again(tmp_path, monkeypatch):
    def stop(progress: Progress) -> None:
        if progress.stage == "writing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(inputs(), AnnotationOptions(**OPTIONS), tmp_path, progress=stop)
    made(tmp_path, dtype="float32")
    assert loaded(tmp_path)["annotations"][0]["keypoint"].dtype == np.float32


def test_progress_is_reported(tmp_path):
    seen: list[Progress] = []
    build(inputs(), AnnotationOptions(**OPTIONS), tmp_path, progress=seen.append)
    assert Counter(one.stage for one in seen).keys() == {"labels", "keypoints", "writing", "done"}
    last = seen[-1]
    assert (last.stage, last.files_read, last.files, last.clips_written) == ("done", 35, 35, 31)
    read = [one for one in seen if one.stage == "keypoints"][-1]
    assert sum(split["clips"] for split in read.report["splits"]) == 31
    assert {group["kind"]: group["count"] for group in read.report["faults"]}["no_file"] == 1
    assert read.files_per_second is not None
    assert read.files_per_second > 0


@pytest.mark.parametrize(("policy", "refused"), [("error", True), ("drop", False), ("first", False)])
def test_leaky_split(tmp_path, policy, refused):
    given = inputs(split=named("split_leaky.json"))
    if refused:
        with pytest.raises(FaultsError) as caught:
            made(tmp_path, given, split_policy=policy)
        assert "KETI_SL_0000000001" in caught.value.detail
        assert "KETI_SL_0000012345" in caught.value.detail
        return
    made(tmp_path, given, split_policy=policy)
    split = loaded(tmp_path)["split"]
    held = [videos.count(name(1)) for videos in split.values()]
    assert held == ([1, 0] if policy == "first" else [0, 0])
    assert not any("12345" in video for videos in split.values() for video in videos)


def test_leaky_split_is_refused_by_default(tmp_path):
    with pytest.raises(FaultsError, match="in_two_splits"):
        made(tmp_path, inputs(split=named("split_leaky.json")))


def test_two_files_of_one_video_are_an_error_that_names_both(tmp_path):
    keypoints = tmp_path / "keypoints"
    keypoints.mkdir()
    for file in ("KETI_SL_0000000001.avi.npy", "ketI_SL_0000000001.MOV.npy"):
        shutil.copy(KEYPOINTS / "KETI_SL_0000000001.avi.npy", keypoints / file)
    with pytest.raises(AnnotationError) as caught:
        made(tmp_path / "out", inputs(folder=keypoints))
    assert "KETI_SL_0000000001.avi.npy" in caught.value.detail
    assert "ketI_SL_0000000001.MOV.npy" in caught.value.detail


def test_all_133_points(tmp_path):
    made(tmp_path, select="coco_wholebody", faulty="drop")
    assert loaded(tmp_path)["annotations"][0]["keypoint"].shape == (1, 73, 133, 2)


@pytest.mark.parametrize("select", [None, [0, 5, 6]])
def test_points_of_no_layout(tmp_path, select):
    report = made(tmp_path, select=select).report
    keypoint = loaded(tmp_path)["annotations"][0]["keypoint"]
    assert keypoint.shape[2] == (133 if select is None else 3)
    assert faults(report)["wrong_points"] == {name(17): "dropped"}


def test_no_split_at_all_says_what_to_give(tmp_path):
    with pytest.raises(AnnotationError, match="signer"):
        made(tmp_path, inputs(split=()))


def test_no_img_shape_says_what_to_give(tmp_path):
    with pytest.raises(AnnotationError, match=r"img_shape.*\[1080, 1920\]"):
        made(tmp_path, img_shape="leave")


def test_no_labels_is_an_error(tmp_path):
    with pytest.raises(AnnotationError, match="labels are missing"):
        made(tmp_path, inputs(labels=()))


def test_a_cancelled_build_ends(tmp_path):
    with pytest.raises(CancelledError):
        build(inputs(), AnnotationOptions(**OPTIONS), tmp_path, token=CountingToken(30))
    assert not (tmp_path / "annotations.pkl").exists()


def test_heatsvc_reads_its_own_pickle(folder):
    data = (folder / "annotations.pkl").read_bytes()
    clips = read(data, options=ReadOptions(frame_dirs=[name(1), name(36)]))
    assert [clip.frame_dir for clip in clips] == [name(1), name(36)]
    assert [clip.layout.name for clip in clips if clip.layout] == ["sign27", "sign27"]
    np.testing.assert_array_equal(clips[0].keypoint, array_of(1)[None, :, SIGN27, :2].astype(np.float16))


def test_bounds_hold(tmp_path):
    tight = replace(DEFAULT_BOUNDS, max_dataset_files=10)
    with pytest.raises(ValueError, match="max_dataset_files"):
        build(inputs(), AnnotationOptions(**OPTIONS), tmp_path, bounds=tight)


def test_same_input_gives_the_same_bytes(tmp_path, folder):
    made(tmp_path)
    for file in MEDIA_TYPES:
        if not file.startswith("report"):
            assert (tmp_path / file).read_bytes() == (folder / file).read_bytes()


def test_float32_holds_the_files_numbers(tmp_path):
    made(tmp_path, dtype="float32")
    one = loaded(tmp_path)["annotations"][0]
    np.testing.assert_array_equal(one["keypoint"], array_of(1)[None, :, SIGN27, :2])


@pytest.mark.parametrize(
    "options", [{"img_shape": (10**10, 1920)}, {"select": []}, {"layout": "coco18"}, {"views": 2**63}]
)
def test_options_hold_what_their_schema_says(options):
    with pytest.raises(ValidationError, match=next(iter(options))):
        AnnotationOptions(**options)


def test_classes_times_splits_are_bounded(tmp_path):
    classes, splits = tmp_path / "map.json", tmp_path / "split.json"
    classes.write_text(json.dumps({f"c{number}": number for number in range(20_000)} | {"화재": 20_000}))
    splits.write_text(json.dumps({f"s{number}": [] for number in range(100)} | {"train": [name(1)]}))
    (tmp_path / "labels.csv").write_text(f"name,label\n{name(1)},화재\n")
    labels = InputFile("map.json", classes), InputFile("labels.csv", tmp_path / "labels.csv")
    given = inputs(labels=labels, split=(InputFile("split.json", splits),))
    with pytest.raises(LimitError, match="2,020,101 classes times splits"):
        made(tmp_path, given, types="leave")


@pytest.mark.parametrize("select", [None, [0, 1]])
def test_points_of_two_kinds_are_reported_where_every_sampled_file_is_unreadable(tmp_path, select):
    names = [f"v{number:03d}" for number in range(100)]
    keypoints = tmp_path / "keypoints"
    keypoints.mkdir()
    for number, one in enumerate(names):
        np.save(keypoints / f"{one}.npy", np.ones((2, 17 if number % 3 else 133, 3), np.float32))
        if number % 4 == 0:
            (keypoints / f"{one}.npy").write_bytes(b"nothing")
    (tmp_path / "labels.csv").write_text("name,label\n" + "".join(f"{one},x\n" for one in names))
    (tmp_path / "split.json").write_text(json.dumps({"train": names}))
    labels, split = (InputFile(one, tmp_path / one) for one in ("labels.csv", "split.json"))
    built = made(tmp_path, Inputs(folder=keypoints, labels=(labels,), split=(split,)), select=select, types="leave")
    faults = {group["kind"]: group["count"] for group in built.report["faults"]}
    assert faults == {"unreadable": 25, "wrong_points": 25}


def test_file_that_changed_since_its_part_was_read_is_read_again(tmp_path):
    keypoints = tmp_path / "keypoints"
    shutil.copytree(KEYPOINTS, keypoints)

    def stop(progress: Progress) -> None:
        if progress.stage == "writing":
            raise KeyboardInterrupt

    given = inputs(folder=keypoints)
    with pytest.raises(KeyboardInterrupt):
        build(given, AnnotationOptions(**OPTIONS), tmp_path / "work", progress=stop)
    np.save(keypoints / "KETI_SL_0000000001.avi.npy", array_of(1)[::-1].copy())
    made(tmp_path / "work", given)
    made(tmp_path / "anew", given)
    assert (tmp_path / "work/annotations.pkl").read_bytes() == (tmp_path / "anew/annotations.pkl").read_bytes()


@pytest.mark.parametrize(
    ("select", "why"),
    [
        ([3, 133], "select has point 133, but the files have 133 points, 0 to 132"),
        ([10**30], "select has point 1"),
        ([0] * 2000, "2,000 points to select are too many"),
    ],
)
def test_points_that_no_file_has_are_the_options_fault(tmp_path, select, why):
    with pytest.raises((AnnotationError, LimitError), match=why):
        made(tmp_path, select=select)


def test_clips_in_which_nothing_was_detected_are_no_copies_of_each_other(tmp_path):
    keypoints = tmp_path / "keypoints"
    shutil.copytree(KEYPOINTS, keypoints)
    split = json.loads((TABLES / "split.json").read_text())
    for names in split.values():
        (path,) = keypoints.glob(f"{VideoName.of(names[0]).text}.*")
        np.save(path, np.zeros((9, 133, 3), np.float32))
    assert made(tmp_path / "built", inputs(folder=keypoints)).report["leaks"]["content"] == []
