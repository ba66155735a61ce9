"""What a newcomer and an attacker got past the checks of plausibility, names and datasets, and what is right."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import heatsvc
from heatsvc.errors import InputError
from heatsvc.pipeline.errors import PipelineError
from heatsvc.pose import LayoutError, PoseError
from heatsvc.pose.findings import ImplausibleError, PlausibilityWarning
from heatsvc.pose.readers import NamedBytes, ReadOptions, read, read_files
from heatsvc.torch import HeatmapDataset

FRAME = (1080, 1920)


def moving(frames: int = 30, points: int = 17, persons: int = 1) -> np.ndarray:
    """[M, T, V, 2]: bodies that move by two pixels a frame."""
    rng = np.random.default_rng(0)
    bodies = rng.uniform((500, 200), (1400, 900), (persons, 1, points, 2))
    return bodies + np.cumsum(rng.normal(0, 2, (persons, frames, points, 2)), axis=1)


def draw(keypoint: np.ndarray, **options: Any) -> np.ndarray:
    return heatsvc.draw({"keypoint": keypoint, "img_shape": FRAME}, **options)


@pytest.mark.parametrize("glitch", [(-5, -5), (9999, 9999)])
@pytest.mark.parametrize("share", [0.03, 0.3])
def test_normalized_points_with_errors_of_the_estimator_among_them_are_refused(
    glitch: tuple[int, int], share: float
) -> None:
    keypoint = moving() / FRAME[::-1]
    keypoint[np.random.default_rng(1).random(keypoint.shape[:3]) < share] = glitch
    with pytest.raises(ImplausibleError, match="set `coordinates: normalized`") as error:
        draw(keypoint)
    assert error.value.code == "normalized"


@pytest.mark.parametrize("axis", [0, 1])
def test_one_normalized_axis_is_refused(axis: int) -> None:
    keypoint = moving()
    keypoint[..., axis] /= FRAME[::-1][axis]
    with pytest.raises(ImplausibleError, match="one of them is normalized, the other is not"):
        draw(keypoint)


def test_normalized_points_that_were_rounded_are_refused() -> None:
    with pytest.raises(ImplausibleError, match="in a frame of 1920 x 1080"):
        draw((moving() / FRAME[::-1]).round())


def test_negative_normalized_points_are_refused() -> None:
    with pytest.raises(ImplausibleError, match="many are negative"):
        draw(moving() / FRAME[::-1] * 2 - 1, coordinates="normalized")


def test_one_point_that_is_far_away_is_reported() -> None:
    keypoint = moving()
    keypoint[0, 3, 4] = 1e6
    with pytest.warns(PlausibilityWarning, match="^points_outside: 1 of 510 points are 4 frames or more away"):
        draw(keypoint)


def test_scores_below_eps_are_reported() -> None:
    clip = {"keypoint": moving(), "keypoint_score": np.full((1, 30, 17), 1e-4), "img_shape": FRAME}
    with pytest.warns(PlausibilityWarning, match="^empty_volume: points are detected, but none with a score of 0.001"):
        volume = heatsvc.draw(clip)
    assert not volume.any()


@pytest.mark.parametrize(
    ("order", "name"),
    [((2, 1, 0, 3), "[V, T, M, C]"), ((1, 2, 0, 3), "[T, V, M, C]"), ((0, 2, 1, 3), "[M, V, T, C]")],
)
def test_an_axis_of_keypoints_in_another_place_is_found(order: tuple[int, ...], name: str) -> None:
    given = moving(persons=2).transpose(order)
    with pytest.raises(ImplausibleError) as error:
        draw(given)
    assert f"seems to be {name}" in str(error.value)
    advised = tuple(map(int, str(error.value).partition("transpose(")[2].partition(")")[0].split(",")))
    assert (given.transpose(advised) == moving(persons=2)).all()


@pytest.mark.parametrize("points", [17, 133])
def test_frames_and_keypoints_of_one_person_exchanged_are_found(points: int) -> None:
    with pytest.raises(ImplausibleError, match=r"seems to be \[V, T, C\].*transpose\(1, 0, 2\)"):
        draw(moving(frames=48, points=points)[0].swapaxes(0, 1))


@pytest.mark.parametrize("shape", [(3, 30, 17), (2, 30, 25), (10, 4, 17), (3, 1, 17)], ids=str)
def test_sound_groups_of_persons_are_rendered(shape: tuple[int, int, int]) -> None:
    persons, frames, points = shape
    keypoint = moving(frames, points, persons)
    volume = draw(keypoint, layout="openpose25" if points == 25 else None, plausibility="error")
    assert volume.shape[:2] == (frames, points)


def test_many_persons_in_one_frame_are_taken_for_frames_unless_their_number_is_given() -> None:
    with pytest.raises(ImplausibleError, match=r"10 frames of 1 persons: .* or set total_frames if they are persons"):
        draw(moving(1, 17, 10))
    assert heatsvc.draw({"keypoint": moving(1, 17, 10), "img_shape": FRAME, "total_frames": 1}).any()


def test_three_persons_of_kinetics_points_are_taken_for_its_arrays_unless_their_number_is_given() -> None:
    with pytest.raises(
        ImplausibleError, match=r"seems to be \(C, T, V, M\).*or, if there are three persons, set total_frames"
    ):
        draw(moving(30, 18, 3))
    assert heatsvc.draw({"keypoint": moving(30, 18, 3), "img_shape": FRAME, "total_frames": 30}).any()


def test_three_detections_of_one_person_are_no_swapped_axes() -> None:
    keypoint = np.concatenate([moving() + shift for shift in (0, 0.3, -0.3)])
    assert draw(keypoint).any()


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((30, 258), "MediaPipe's 33 points of the pose"),
        ((30, 132), "33 points of the pose, x, y, z, visibility each"),
        ((30, 33, 4), "x, y, z and visibility: use keypoint[..., [0, 1, 3]]"),
        ((3, 33, 4), "x, y, z and visibility: use keypoint[..., [0, 1, 3]]"),
    ],
)
def test_rows_of_mediapipe_are_called_by_their_name(shape: tuple[int, ...], hint: str) -> None:
    with pytest.raises(PoseError) as error:
        draw(np.zeros(shape))
    assert hint in str(error.value)


def coco(**changes: Any) -> dict[str, Any]:
    images = [{"id": t, "height": 1080, "width": 1920, "file_name": f"{t:06d}.jpg"} for t in range(4)]
    points = moving(frames=4)[0]
    annotations = [
        {
            "image_id": t,
            "category_id": 1,
            "keypoints": np.dstack([points[t : t + 1], np.full((1, 17), 2)]).ravel().tolist(),
        }
        for t in range(4)
    ]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "keypoints": []}]} | changes


def read_json(content: Any, **options: Any) -> Any:
    return read(json.dumps(content).encode(), filename="a.json", options=ReadOptions(**options))


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("place", ["category_id", "id", "height", "video_id", "frame_id"])
def test_deep_lists_where_coco_has_numbers_are_input_errors_or_ignored(place: str) -> None:
    content = coco()
    target = {"category_id": content["annotations"], "id": content["categories"]}.get(place, content["images"])
    for entry in target:
        entry[place] = nested(900)
    try:
        clips = read_json(content)
    except InputError:
        return
    assert [clip.frames for clip in clips] == [4]


def test_a_thousand_categories_of_one_kind_are_converted_once() -> None:
    names = [f"p{i}" for i in range(17)]
    content = coco(categories=[{"id": 1, "keypoints": names}] * 1000)
    assert read_json(content)[0].layout.points == tuple(names)
    content["categories"] = [{"id": 1, "keypoints": [*names[:-1], f"q{i}"]} for i in range(1000)]
    with pytest.raises(PoseError, match="categories have different points"):
        read_json(content)


def test_videos_of_a_coco_file_are_clips_in_the_order_of_their_frames() -> None:
    content = coco()
    for image, video, frame in zip(content["images"], (7, 8, 7, 8), (1, 1, 0, 0), strict=True):
        image |= {"video_id": video, "frame_id": frame}
    clips = read_json(content)
    points = moving(frames=4)[0].astype(np.float32)
    assert [clip.frame_dir for clip in clips] == ["7", "8"]
    assert np.allclose(clips[0].keypoint[0], points[[2, 0]])
    assert np.allclose(clips[1].keypoint[0], points[[3, 1]])


def test_a_layout_that_renames_the_files_points_is_refused() -> None:
    names = ["pelvis", *(f"p{i}" for i in range(16))]
    content = coco(categories=[{"id": 1, "keypoints": names}])
    with pytest.raises(LayoutError, match="point 0 is 'pelvis' in the file, but 'nose' in coco17"):
        read_json(content, layout="coco17")
    content["categories"][0]["keypoints"] = [f"kpt-{i}" for i in range(17)]  # names that say nothing
    assert read_json(content, layout="coco17")[0].layout.name == "coco17"


@pytest.mark.parametrize(
    ("left", "right"), [("hip_l", "hip_r"), ("Lhip", "Rhip"), ("LHIP", "RHIP"), ("hip.L", "hip.R"), ("L_Hip", "R_Hip")]
)
def test_sides_are_known_by_their_letters(left: str, right: str) -> None:
    layout = read_json(coco(categories=[{"id": 1, "keypoints": [left, right, *(f"p{i}" for i in range(15))]}]))[
        0
    ].layout
    assert (layout.points[:2], layout.left, layout.right) == (("left_hip", "right_hip"), (0,), (1,))


def test_names_without_sides_are_not_mirrored_in_silence() -> None:
    clip = read_json(coco(categories=[{"id": 1, "keypoints": [f"izq_{i}" for i in range(17)]}]))[0]
    with pytest.raises(PipelineError, match="the left and right keypoints among 17 points of these names are unknown"):
        heatsvc.draw(clip, "posec3d-test")


def test_names_of_all_alphabets_are_kept() -> None:
    names = ["코", "왼쪽 눈", "鼻", "нос", "أنف", *(f"p{i}" for i in range(12))]
    assert read_json(coco(categories=[{"id": 1, "keypoints": names}]))[0].layout.points[:4] == (
        "코",
        "왼쪽_눈",
        "鼻",
        "нос",
    )
    with pytest.raises(LayoutError, match="two points") as error:
        read_json(coco(categories=[{"id": 1, "keypoints": ["코"] * 17}]))
    assert (error.value.field, error.value.file) == ("categories[0].keypoints", "a.json")


def annotation(**changes: Any) -> dict[str, Any]:
    keypoint = moving().astype(np.float32)
    return {"frame_dir": "a", "label": 0, "img_shape": FRAME, "total_frames": 30, "keypoint": keypoint} | changes


def dataset(
    folder: Path, content: Any, split: Any = None, pipeline: Any = "posec3d-val", **options: Any
) -> HeatmapDataset:
    path = folder / "data.pkl"
    path.write_bytes(pickle.dumps(content))
    return HeatmapDataset(path, split, pipeline, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"coordinates": "norm"},
        {"project": "xyz"},
        {"plausibility": "xx"},
        {"missing_points": "x", "select": "sign27"},
        {"select": ["nose"]},
        {"split": ["train"]},
    ],
    ids=str,
)
def test_options_of_a_dataset_are_checked(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        dataset(tmp_path, {"split": {"train": ["a"]}, "annotations": [annotation()]}, **options)


def test_indices_to_select_may_be_an_array(tmp_path: Path) -> None:
    assert dataset(tmp_path, [annotation()], select=np.array([0, 5, 6]))[0].volume.channels == 3


@pytest.mark.parametrize("name", [["a"], {"a": 1}, 7, np.zeros(3)], ids=["list", "dict", "int", "array"])
def test_names_of_clips_must_be_text(tmp_path: Path, name: Any) -> None:
    with pytest.raises(PoseError, match="frame_dir must be text"):
        dataset(tmp_path, {"split": {"train": ["a"]}, "annotations": [annotation(frame_dir=name)]}, "train")


def compressed(**changes: Any) -> dict[str, Any]:
    rows = np.concatenate([moving()[0], np.full((30, 17, 1), 0.9)], axis=-1).astype(np.float32)
    return annotation(keypoint=rows, frame_inds=np.arange(30), box_score=np.ones(30)) | changes


def test_what_does_not_fit_into_float16_is_found_when_the_dataset_is_opened(tmp_path: Path) -> None:
    far, high = compressed(), compressed()
    far["keypoint"][3, 4, 0] = 70_000
    high["keypoint"][3, 4, 2] = 70_000
    for content, name in ((far, "keypoint"), (high, "keypoint_score")):
        with pytest.raises(
            PoseError, match=f"{name} is too large for float16, the type of PYSKL's compressed keypoints"
        ):
            dataset(tmp_path, [content], plausibility="ignore")


def test_box_thr_must_be_a_number(tmp_path: Path) -> None:
    with pytest.raises(PoseError, match="box_thr must be a number"):
        dataset(tmp_path, [compressed()], box_thr="a")


def test_steps_that_cannot_work_are_found_when_the_dataset_is_opened(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="unknown layout"):
        dataset(tmp_path, [annotation(keypoint=moving(points=19))], None, "posec3d-train")


def test_clips_of_different_points_are_found_when_the_dataset_is_opened(tmp_path: Path) -> None:
    others = [annotation(), annotation(frame_dir="b", keypoint=moving(points=18))]
    with pytest.raises(
        PoseError, match="'b' has 18 points, but 'a' has 17, and a batch needs equal numbers: set `select`"
    ):
        dataset(tmp_path, others)
    assert len(dataset(tmp_path, others, select="coco17", missing_points="missing")) == 2


def test_one_name_with_two_labels_is_reported(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="'a' occurs twice, with the labels 0 and 1"):
        dataset(tmp_path, [annotation(), annotation(label=1)])


def test_compressed_keypoints_of_an_npz_are_read_as_such() -> None:
    rows = compressed()
    archive = io.BytesIO()
    np.savez(archive, keypoint=rows["keypoint"], frame_inds=[0, 0, *range(1, 29)], anno_inds=[0, 1, 2], img_shape=FRAME)
    [clip] = read(archive.getvalue(), filename="a.npz")
    assert clip.compressed is not None
    assert clip.compressed.frame_inds.tolist() == [0, 0, 1]
    assert heatsvc.draw(clip, "view").shape[:2] == (2, 17)


@pytest.mark.parametrize(
    ("file", "order"),
    [("ctvm_3x6x25x2.npy", r"\(C, T, V, M\)"), ("tmvc_6x1x133x3.npy", r"\[T, M, V, C\], 6 frames of 1 persons")],
)
def test_arrays_of_other_orders_are_refused_with_theirs(file: str, order: str) -> None:
    layout = "ntu25" if "25" in file else None
    with pytest.raises(ImplausibleError, match=f"seems to be {order}"):
        heatsvc.draw(Path(__file__).parents[1] / "data" / "cases" / "08_arrays" / file, img_shape=FRAME, layout=layout)


def test_errors_show_names_in_their_own_letters_and_escape_what_does_not_print() -> None:
    with pytest.raises(PoseError) as error:
        read(b"x", filename="안녕\u202e\n.npy")
    assert "'안녕\\u202e\\n.npy'" in str(error.value)


FRAME_FILES: dict[str, Any] = {
    "OpenPose": {"people": [{"pose_keypoints_2d": [10, 20, 0.5] * 25}]},
    "MMPose": [{"keypoints": [[10, 20]] * 17, "keypoint_scores": [0.5] * 17}],
    "MediaPipe": {"pose_landmarks": [{"x": 0.5, "y": 0.5, "z": 0, "visibility": 0.5}] * 33},
    "YOLO": [
        {
            "name": "person",
            "class": 0,
            "confidence": 0.5,
            "box": {"x1": 1, "y1": 1, "x2": 50, "y2": 50},
            "keypoints": {"x": [10.0] * 17, "y": [20.0] * 17, "visible": [0.5] * 17},
        }
    ],
}


@pytest.mark.parametrize("blank", [b"", b"{}", b"[]", b"null"], ids=repr)
@pytest.mark.parametrize("tool", FRAME_FILES)
def test_a_blank_frame_file_is_a_frame_without_persons(tool: str, blank: bytes) -> None:
    frame = json.dumps(FRAME_FILES[tool]).encode()
    for contents in ((frame, blank, frame), (blank, frame, frame)):
        files = [NamedBytes(f"v/frame_{t:03}.json", content) for t, content in enumerate(contents)]
        [clip] = read_files(files, ReadOptions(img_shape=(100, 100)), "v.zip")
        assert clip.keypoint_score[0, :, 0].tolist() == [0.5 if content is frame else 0 for content in contents]


def csv_of(rows: list[list[Any]], end: str = "\n", **columns: list[Any]) -> bytes:
    """A table of 17 points, after the given columns."""
    header = [*columns, *(f"{axis}{i}" for i in range(17) for axis in "xy")]
    lines = [header, *([*first, *row] for first, row in zip(zip(*columns.values(), strict=True), rows, strict=True))]
    return end.join(",".join(map(str, line)) for line in lines).encode()


def test_a_skeleton_file_of_spaces_is_refused_at_once() -> None:
    """Half a million spaces would take half an hour if they were looked at from each of them."""
    with pytest.raises(PoseError, match="has an unknown format"):
        read(b"5\n" + b" " * 500_000 + b"x", filename="a.skeleton")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_tables_of_all_line_ends_have_all_points(end: str) -> None:
    rows = [[10.5 + i for i in range(34)]] * 3
    [clip] = read(csv_of(rows, end, frame=[0, 1, 2]), filename="a.csv", options=ReadOptions(img_shape=FRAME))
    assert (clip.frames, clip.points, clip.keypoint[0, 2, 16].tolist()) == (3, 17, [42.5, 43.5])


@pytest.mark.parametrize("cell", ["0.04", "1_0", "٣", "inf", "1e300"])
def test_numbers_of_frames_are_whole_and_plain(cell: str) -> None:
    with pytest.raises(PoseError, match="the frame must be a whole number"):
        read(csv_of([[1.5] * 34], frame=[cell]), filename="a.csv", options=ReadOptions(img_shape=FRAME))


def test_boxes_beside_the_points_are_no_points() -> None:
    table = csv_of([[1.5] * 34], bbox_x=[3], bbox_y=[4], center_x=[5], center_y=[6])
    assert read(table, filename="a.csv", options=ReadOptions(img_shape=FRAME))[0].points == 17


def test_videos_of_some_rows_stay_apart() -> None:
    table = csv_of([[1.5] * 34] * 4, video=["a", "a", "b", "c"])
    clips = read(table, filename="a.csv", options=ReadOptions(img_shape=FRAME))
    assert [(clip.frame_dir, clip.frames) for clip in clips] == [("a", 2), ("b", 1), ("c", 1)]


def test_texts_beside_the_keypoints_of_an_archive_are_left_out() -> None:
    line = " ".join(["0", "0.5", "0.5", "0.6", "0.6", *(["0.5", "0.4", "0.9"] * 17)])
    files = {"v_1.txt": line, "v_2.txt": line, "classes.txt": "person", "README.txt": "about it", "labels.csv": "a,b"}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for name, text in files.items():
            opened.writestr(name, text)
    [clip] = read(archive.getvalue(), filename="v.zip", options=ReadOptions(img_shape=FRAME))
    assert (clip.frame_dir, clip.frames, clip.points) == ("v", 2, 17)


def test_missing_files_of_yolo_are_frames_and_no_gaps() -> None:
    line = " ".join(["0", "0.5", "0.5", "0.6", "0.6", *(["0.5", "0.4", "0.9"] * 17)]).encode()
    files = [NamedBytes(f"v_{number}.txt", line) for number in (1, 2, 3, 5, 6, 7)]
    [clip] = read_files(files, ReadOptions(img_shape=FRAME), "v.zip")
    assert (clip.frames, clip.findings) == (7, ())
