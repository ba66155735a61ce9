"""Clips whose frames are files of their own: by folder and number, whatever the tool calls its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import heatsvc
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.errors import InputError
from heatsvc.pose.archives.frames import find_frames
from heatsvc.pose.findings import PlausibilityWarning
from tests.api.client import PIPELINE, Client
from tests.cases.datasets import CASES, build_dataset
from tests.pose.readers.samples import (
    landmarks,
    mmpose_instance,
    npy,
    openpose_frame,
    tarred,
    text,
    triples,
    yolo_line,
    yolo_person,
    zipped,
)

OPTIONS = {"img_shape": [1080, 1920], "pipeline": PIPELINE, "select": [0]}
SMALL = OPTIONS | {"pipeline": [{"type": "Resize", "scale": [16, 9], "keep_ratio": False}, *PIPELINE]}
NIA = "NIA_SL_WORD0001_REAL01_F"


def frame(x: float) -> bytes:
    return openpose_frame({"pose_keypoints_2d": triples(25, x)})


def in_folder(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def found(names: list[str], container: str = "all") -> dict[str, list[str]]:
    """The frames of each clip, where every file is a frame by its content."""
    clips, _ = find_frames(names, container, lambda position: True)
    return {clip.name: [names[position] for position in clip.positions] for clip in clips}


def test_people_may_be_one_object(client: Client, tmp_path: Path) -> None:
    files = {name: data for name, data in in_folder(CASES / "01_nia_people_object").items() if NIA in name}
    [clip] = heatsvc.read(zipped(files), img_shape=(1080, 1920))
    assert clip.frame_dir == NIA
    assert clip.keypoint.shape == (1, 3, 137, 2)
    assert clip.keypoint[0, :, 0].ravel().tolist() == pytest.approx(
        [382.177, 107.915, 429.908, 392.203, 151.382, 329.446]
    )
    assert clip.keypoint_score[0, :, 0].tolist() == pytest.approx([0.041, 0.575, 0.644])
    sent = {"a.zip": zipped(files), "b.npy": npy(clip.keypoint)}
    assert sorted(client.post_files(sent, OPTIONS).tensors()) == [NIA, "b"]
    made = build_dataset(tmp_path, {NIA: "x"}, CASES / "01_nia_people_object")
    assert made.keypoint[NIA][0, :, 0, 0].tolist() == pytest.approx([382.177, 429.908, 151.382])


def test_no_person_in_a_frame_may_be_an_empty_object() -> None:
    frames = {"v_0.json": frame(1), "v_1.json": text({"people": {}})}
    assert heatsvc.read(zipped(frames), img_shape=(9, 9))[0].keypoint_score[0, :, 0].tolist() == [1, 0]


def test_a_folder_of_images_is_a_clip(client: Client, tmp_path: Path) -> None:
    files = in_folder(CASES / "02_frame_names" / "wlasl")
    right = {"00335": [337.883, 70.619, 241.862], "00336": [477.419, 127.962, 553.196]}
    clips = heatsvc.read(zipped(files), img_shape=(1080, 1920))
    assert {clip.frame_dir: pytest.approx(clip.keypoint[0, :, 0, 0].tolist()) for clip in clips} == right
    for archive in (zipped(files), tarred(files)):
        tensors = client.post_files({"wlasl": archive}, OPTIONS).tensors()
        assert {name: len(imgs) for name, imgs in tensors.items()} == {"00335": 3, "00336": 3}
        made = build_dataset(tmp_path, {"00335": "a", "00336": "b"}, {"wlasl": archive})
        assert {name: pytest.approx(points[0, :, 0, 0].tolist()) for name, points in made.keypoint.items()} == right
    made = build_dataset(tmp_path / "folder", {"00335": "a", "00336": "b"}, CASES / "02_frame_names" / "wlasl")
    assert {name: pytest.approx(points[0, :, 0, 0].tolist()) for name, points in made.keypoint.items()} == right
    assert made.report["faults"] == []


def test_two_videos_in_one_archive_are_two_clips(client: Client, tmp_path: Path) -> None:
    data = (CASES / "03_two_videos.zip").read_bytes()
    right = {"a": [554.586, 516.974, 509.732], "b": [350.886, 415.242, 171.607]}
    clips = heatsvc.read(CASES / "03_two_videos.zip", img_shape=(1080, 1920))
    assert {clip.frame_dir: pytest.approx(clip.keypoint[0, :, 0, 0].tolist()) for clip in clips} == right
    assert sorted(client.post_files({"two.zip": data}, OPTIONS).tensors()) == ["a", "b"]
    made = build_dataset(tmp_path, {"a": "x", "b": "y"}, {"two.zip": data})
    assert {name: pytest.approx(points[0, :, 0, 0].tolist()) for name, points in made.keypoint.items()} == right


def test_frame_files_in_a_form_are_a_clip(client: Client) -> None:
    files = {f"walk_{number:012d}_keypoints.json": frame(number) for number in (2, 0, 1)}
    tensors = client.post_files({**files, "b.npy": npy([[[1.0, 2.0]]])}, OPTIONS).tensors()
    assert {name: len(imgs) for name, imgs in tensors.items()} == {"walk": 3, "b": 1}


@pytest.mark.parametrize(
    ("names", "clips"),
    [
        # OpenPose's own names: the number before _keypoints, and what is before it is the video.
        (["v_000000000000_keypoints.json", "v_000000000010_keypoints.json"], ["v"]),
        (["a1_000000000000_keypoints.json", "a2_000000000000_keypoints.json"], ["a1", "a2"]),
        (["VIDEO_000000000012_keypoints.json"], ["VIDEO"]),
        (["000000000012_keypoints.json"], ["all"]),
        (["video.mp4_000000000012_keypoints.json"], ["video.mp4"]),
        # Only a word for a frame: the folder, or the archive.
        (["00335/image_00001_keypoints.json"], ["00335"]),
        (["frame9.json", "frame12.json"], ["all"]),
        (["x/frame9.json", "x/frame12.json"], ["x"]),
        (["x/img-1.json"], ["x"]),
        # The folder's own name, and a name that every folder has.
        (["v/v_1_keypoints.json", "v/v_2_keypoints.json"], ["v"]),
        (["a/pose_1_keypoints.json", "b/pose_1_keypoints.json"], ["a", "b"]),
        # Several clips in a folder.
        (["x/a_1.json", "x/a_2.json", "x/b_1.json", "x/b_2.json"], ["x/a", "x/b"]),
        (["x/1.left.json", "x/2.left.json", "x/1.right.json", "x/2.right.json"], ["x/left", "x/right"]),
        (["v1_f1.json", "v1_f2.json", "v2_f1.json", "v2_f2.json"], ["v1_f", "v2_f"]),
        # A number that all have is no frame number.
        (["f1_body25.json", "f2_body25.json"], ["f_body25"]),
        (["walk.json", "x1.json"], []),
    ],
)
def test_names_of_clips(names: list[str], clips: list[str]) -> None:
    assert sorted(found(names)) == clips


def test_frames_are_in_the_order_of_their_numbers() -> None:
    names = [f"v/frame{number}.json" for number in (10, 9, 1000, 0)]
    assert found(names) == {"v": ["v/frame0.json", "v/frame9.json", "v/frame10.json", "v/frame1000.json"]}


def test_other_json_with_numbers_is_not_a_frame(tmp_path: Path) -> None:
    clips = {f"KETI_SL_{n:010d}.json": text({"keypoint": [[[n, 2.0]]], "img_shape": [9, 9]}) for n in (1, 2)}
    [one, two] = heatsvc.read(zipped(clips))
    assert (one.frame_dir, two.keypoint[0, 0, 0].tolist()) == ("KETI_SL_0000000001", [2, 2])
    made = build_dataset(tmp_path, {"KETI_SL_0000000001": "a", "KETI_SL_0000000002": "b"}, {"all.zip": zipped(clips)})
    assert len(made.keypoint) == 2


FRAMES = {
    "openpose": (".json", lambda x: frame(x)),
    "alphapose": (".json", lambda x: text({"version": "AlphaPose v0.3", "bodies": [{"joints": triples(18, x)}]})),
    "mmpose": (".json", lambda x: text([mmpose_instance(17, x)])),
    "mmpose_demo": (".json", lambda x: text({"meta_info": {}, "instance_info": [mmpose_instance(17, x)]})),
    "mediapipe": (".json", lambda x: text({"poseLandmarks": landmarks(33, x / 1920)})),
    "yolo_json": (".json", lambda x: text([yolo_person(17, x)])),
    "yolo_labels": (".txt", lambda x: yolo_line(17, x / 1920)),
}


@pytest.mark.parametrize("tool", FRAMES)
def test_frames_of_each_tool_are_clips(client: Client, tmp_path: Path, tool: str) -> None:
    extension, one = FRAMES[tool]
    places = {"walk": (192.0, 384.0, 576.0), "run": (960.0, 768.0, 480.0)}
    files = {f"out/{video}_{t}{extension}": one(x) for video, xs in places.items() for t, x in enumerate(xs, 8)}
    right = {video: pytest.approx(xs) for video, xs in places.items()}
    clips = heatsvc.read(zipped(files), img_shape=(1080, 1920))
    assert {clip.frame_dir: clip.keypoint[0, :, 0, 0].tolist() for clip in clips} == right
    tensors = client.post_files(files, OPTIONS).tensors()
    assert {name: imgs.max(axis=(1, 2)).argmax(axis=-1).tolist() for name, imgs in tensors.items()} == {
        video: list(map(int, xs)) for video, xs in places.items()
    }
    made = build_dataset(tmp_path, {"walk": "a", "run": "b"}, {"out.zip": zipped(files)})
    assert {name: points[0, :, 0, 0].tolist() for name, points in made.keypoint.items()} == right
    assert made.report["faults"] == []


@pytest.mark.parametrize(
    ("tool", "empty"), [("mmpose", b"[]"), ("yolo_json", b"[]"), ("mediapipe", b"{}"), ("yolo_labels", b"")]
)
def test_the_first_frames_may_be_without_persons(tmp_path: Path, tool: str, empty: bytes) -> None:
    extension, one = FRAMES[tool]
    files = {f"out/v_{t:03d}{extension}": one(192.0) if t == 2 else empty for t in range(4)}
    [clip] = heatsvc.read(zipped(files), img_shape=(1080, 1920))
    assert (clip.frame_dir, clip.keypoint[0, :, 0, 0].tolist()) == ("v", [0, 0, 192, 0])
    made = build_dataset(tmp_path, {"v": "a"}, {"out.zip": zipped(files)})
    assert made.keypoint["v"][0, :, 0, 0].tolist() == [0, 0, 192, 0]


@pytest.mark.parametrize("tool", FRAMES)
def test_frames_of_two_models_are_no_clip(tool: str) -> None:
    """A file of another tool among the frames of one is an error, never left out."""
    extension, one = FRAMES[tool]
    with pytest.raises(InputError):
        heatsvc.read(zipped({f"v_1{extension}": one(1.0), f"v_2{extension}": b'{"a": 1}'}), img_shape=(1080, 1920))


def test_videos_that_are_numbered_are_no_frames() -> None:
    video = [{"pose": landmarks(33, 0.25)}, {"pose": landmarks(33, 0.5)}]
    clips = heatsvc.read(zipped({"v_1.json": text(video), "v_2.json": text(video)}), img_shape=(1080, 1920))
    assert [(clip.frame_dir, clip.frames) for clip in clips] == [("v_1", 2), ("v_2", 2)]


def test_videos_that_are_named_as_openposes_frames_are_read() -> None:
    person = {"pose": [0.5, 0.25] * 18, "score": [1.0] * 18}
    video = text({"data": [{"frame_index": 1, "skeleton": [person]}], "label_index": 1})
    clips = heatsvc.read(zipped({"v_1_keypoints.json": video, "v_2_keypoints.json": video}), img_shape=(9, 9))
    assert [clip.frame_dir for clip in clips] == ["v_1_keypoints", "v_2_keypoints"]


def test_frames_without_a_file_are_reported_only_where_they_are_lost(tmp_path: Path) -> None:
    files = {f"labels/v_{t}.txt": yolo_line(17, t / 16) for t in (1, 2, 4)}
    made = build_dataset(tmp_path, {"v": "a"}, {"v.zip": zipped(files)}, img_shape=(16, 16))
    assert made.keypoint["v"][0, :, 0, 0].tolist() == [1, 2, 0, 4]
    assert made.report["notes"] == []


def test_gaps_are_kept_and_reported(tmp_path: Path) -> None:
    frames = {f"v_{number:012d}_keypoints.json": frame(number + 1) for number in (0, 1, 5)}
    made = build_dataset(tmp_path, {"v": "a"}, {"v.zip": zipped(frames)})
    assert made.keypoint["v"][0, :, 0, 0].tolist() == [1, 2, 6]
    assert made.report["notes"] == ["3 frame numbers of v are missing: the existing frames were joined without gaps"]


def test_gaps_are_warnings_of_heatmap_and_of_the_library(client: Client, tmp_path: Path) -> None:
    frames = {f"v_{number:012d}_keypoints.json": frame(number + 1) for number in (0, 1, 5)}
    sent = {"v.zip": zipped(frames), "b.npy": npy([[[1.0, 2.0]]])}
    assert client.post_files(sent, OPTIONS).headers["x-heatmap-warning"] == "frame_gaps;clips=1"
    # As files of a form, too.
    response = client.post_files(frames, SMALL, {"accept": "application/json"})
    [warning] = response.json()["warnings"]
    assert (warning["code"], warning["severity"], warning["clips"]) == ("frame_gaps", "doubtful", 1)
    assert warning["detail"].startswith("'v': 3 frame numbers between 0 and 5 have no file: the existing frames")
    with pytest.warns(PlausibilityWarning, match="frame_gaps: 'v': 3 frame numbers"):
        heatsvc.read(zipped(frames), img_shape=(1080, 1920))
    silent = client.post_files({"v.zip": zipped(frames)}, {**OPTIONS, "plausibility": "ignore"})
    assert "x-heatmap-warning" not in silent.headers
    report = build_dataset(tmp_path, {"v": "a"}, {"v.zip": zipped(frames)}).report
    assert [(found["code"], found["count"]) for found in report["findings"]] == [("frame_gaps", 1)]


def test_every_second_frame_is_no_gap(tmp_path: Path) -> None:
    frames = {f"v_{number:012d}_keypoints.json": frame(number + 1) for number in (0, 2, 4)}
    report = build_dataset(tmp_path, {"v": "a"}, {"v.zip": zipped(frames)}).report
    assert (report["notes"], report["findings"]) == ([], [])


def test_two_frames_of_one_number_are_refused(client: Client, tmp_path: Path) -> None:
    frames = {"x/v_1_keypoints.json": frame(1), "x/v_01_keypoints.json": frame(2)}
    said = "has two frames with the number 1, 'x/v_1_keypoints.json' and 'x/v_01_keypoints.json': remove one"
    assert said in client.post_files({"a.zip": zipped(frames)}, OPTIONS).problem(422)["detail"]
    with pytest.raises(InputError, match="two frames with the number 1"):
        build_dataset(tmp_path, {"v": "a"}, {"a.zip": zipped(frames)})


def test_labels_may_name_the_folder_or_the_files(tmp_path: Path) -> None:
    frames = {f"word1/walk_{number:012d}_keypoints.json": frame(number) for number in range(2)}
    for name in ("word1", "walk", "word1/walk"):
        assert list(build_dataset(tmp_path / name, {name: "a"}, {"a.zip": zipped(frames)}).keypoint) == [name]


def test_one_look_decides_for_all_files_of_a_name() -> None:
    looked: list[int] = []

    def is_frame(position: int) -> bool:
        looked.append(position)
        return False

    clips, others = find_frames([f"KETI_SL_{n:010d}.json" for n in range(20_000)], "all", is_frame)
    assert (clips, len(others), len(looked)) == ([], 20_000, 1)


def test_frame_files_are_counted_as_values() -> None:
    frames = {f"v_{number:012d}_keypoints.json": frame(1) for number in range(300)}
    bounds = replace(DEFAULT_BOUNDS, max_input_values=10_000)
    with pytest.raises(InputError, match="JSON values are too many"):
        heatsvc.read(zipped(frames), img_shape=(9, 9), bounds=bounds)
