"""Forms: files of every format that is read, and an `options` part."""

from __future__ import annotations

import numpy as np
import pytest

from tests.api.client import NPZ, PIPELINE, Client, clip_of
from tests.pose.readers.samples import (
    DATA,
    annotation,
    every_format,
    mmpose_instance,
    npy,
    npz,
    openpose_frame,
    pickled,
    text,
    triples,
    zipped,
)

OPTIONS = {"pipeline": PIPELINE, "img_shape": [64, 64]}
SMALL = {"type": "Resize", "scale": [64, 64], "keep_ratio": False}
NAMED = {"v_0": annotation("v_0", 2), "v_1": annotation("v_1", 3), "v_2": annotation("v_2", 4)}
PICKLE = pickled({"split": {"train": list(NAMED)}, "annotations": list(NAMED.values())})


@pytest.mark.parametrize("name", every_format())
def test_each_format_is_rendered(client: Client, name: str) -> None:
    options = {"img_shape": [64, 64], "reduce": "max", "pipeline": [SMALL, *PIPELINE]}
    rendered = client.post_files({name: every_format()[name]}, options).array()
    assert rendered.shape[1:] == (64, 64)
    assert rendered.max() > 0


def test_npy_file(client: Client) -> None:
    array = np.array([[[10.0, 20.0, 0.5], [30.0, 40.0, 1.0]]])
    response = client.post_files({"clip.npy": npy(array)}, OPTIONS)
    assert response.wire == client.post_json(clip_of(array, pipeline=PIPELINE)).wire


def test_an_npz_file_contains_its_img_shape(client: Client) -> None:
    array = np.array([[[10.0, 20.0], [30.0, 40.0]]])
    response = client.post_files({"clip.npz": npz(keypoint=array, img_shape=np.array([48, 32]))}, OPTIONS)
    assert response.wire == client.post_json(clip_of(array, (48, 32), pipeline=PIPELINE)).wire


def test_npz_body(client: Client) -> None:
    array = np.array([[[10.0, 20.0], [30.0, 40.0]]])
    body = npz(keypoint=array, keypoint_score=np.array([[0.25, 1.0]]), img_shape=np.array([48, 32]))
    rendered = client.post(body, NPZ, {"pipeline": PIPELINE}).array()
    assert rendered.max(axis=(0, 2, 3)).tolist() == [0.25, 1.0]


def test_pose_file_of_mediapipe_gives_the_sign_points(client: Client) -> None:
    data = (DATA / "poses" / "ase_A.pose").read_bytes()
    assert client.post_files({"ase_A.pose": data}, {"select": "sign27"}).array().shape[1:] == (27, 64, 64)


def test_openpose_archive_is_a_clip(client: Client) -> None:
    frames = {f"v_{t}.json": openpose_frame({"pose_keypoints_2d": triples(25, 5.0 + t)}) for t in range(3)}
    assert client.post_files({"v.zip": zipped(frames)}, OPTIONS).array().shape == (3, 25, 64, 64)


def test_mmpose_predictions_are_a_clip(client: Client) -> None:
    frames = [{"frame_id": t, "instances": [mmpose_instance(17, 3.0 + t, 0.5)]} for t in range(2)]
    rendered = client.post_files({"v.json": text({"instance_info": frames})}, OPTIONS).array()
    assert rendered.shape == (2, 17, 64, 64)
    assert rendered.max() == 0.5


def test_coco_annotations_are_a_clip(client: Client) -> None:
    coco = {
        "images": [{"id": i, "height": 64, "width": 64} for i in (7, 8)],
        "annotations": [{"image_id": i, "keypoints": triples(17, i, 2)} for i in (7, 8)],
    }
    assert client.post_files({"c.json": text(coco)}, {"pipeline": PIPELINE}).array().shape == (2, 17, 64, 64)


def test_all_clips_of_an_annotation_pickle_come_by_name(client: Client) -> None:
    tensors = client.post_files({"a.pkl": PICKLE}).tensors()
    assert {name: array.shape for name, array in tensors.items()} == {
        "v_0": (2, 17, 64, 64),
        "v_1": (3, 17, 64, 64),
        "v_2": (4, 17, 64, 64),
    }


def test_frame_dir_chooses_one_clip_of_a_pickle(client: Client) -> None:
    assert client.post_files({"a.pkl": PICKLE}, {"frame_dir": "v_1"}).array().shape == (3, 17, 64, 64)


def test_frame_dir_chooses_several_clips_of_a_pickle(client: Client) -> None:
    assert set(client.post_files({"a.pkl": PICKLE}, {"frame_dir": ["v_2", "v_0"]}).tensors()) == {"v_0", "v_2"}


def test_an_unknown_frame_dir_is_reported_with_some_that_exist(client: Client) -> None:
    problem = client.post_files({"a.pkl": PICKLE}, {"frame_dir": "v_9"}).problem(422)
    assert (problem["field"], problem["file"]) == ("frame_dir", "a.pkl")
    assert "'v_9'; it has 3, such as 'v_0', 'v_1', 'v_2'" in problem["detail"]


def test_several_files_are_several_clips_named_after_them(client: Client) -> None:
    files = {f"KETI_SL_{i}.avi.npy": npy(np.full((i, 5, 2), 9.0)) for i in (1, 2)}
    tensors = client.post_files(files, OPTIONS).tensors()
    assert {name: len(array) for name, array in tensors.items()} == {"KETI_SL_1.avi": 1, "KETI_SL_2.avi": 2}


def test_options_of_a_form_may_be_query_parameters(client: Client) -> None:
    files = [("file", ("a.npy", npy(np.full((1, 5, 2), 9.0))))]
    assert client.request("POST", "/heatmap?img_shape=64,64&reduce=max", files=files).array().shape == (1, 64, 64)


def test_options_in_form_and_query_are_refused(client: Client) -> None:
    files = [("file", ("a.npy", npy(np.full((1, 5, 2), 9.0))))]
    response = client.request("POST", "/heatmap?reduce=max", files=files, data={"options": '{"img_shape": [64, 64]}'})
    assert "in the form or in the query, not in both" in response.problem(422)["detail"]


@pytest.mark.parametrize(
    ("files", "status", "field", "said"),
    [
        ([("data", ("a.npy", npy(np.ones((1, 3, 2)))))], 422, "data", 'use "file", which can be repeated'),
        ([("options", ("a", b"{}"))], 422, "file", 'the form has no part named "file"'),
        ([("file", ("a", b"")), ("options", (None, b"{"))], 400, None, "the JSON is invalid"),
        ([("file", ("a", b"")), ("options", (None, b"[]"))], 400, None, "the JSON must be an object"),
        ([("file", ("a", b"")), *[("options", (None, b"{}"))] * 2], 422, "options", 'and one "options"'),
        ([("file", ("holiday.jpg", b"\xff\xd8\xff"))], 422, None, "'holiday.jpg' is a picture"),
        ([("file", ("empty.npy", b""))], 422, None, "'empty.npy' is empty"),
        ([("file", ("n" * 300 + ".npy", npy(np.ones((1, 3, 2)))))], 422, "filename", "300 characters: 255 at most"),
    ],
)
def test_an_invalid_form_is_reported(
    client: Client, files: list[tuple[str, object]], status: int, field: str | None, said: str
) -> None:
    problem = client.request("POST", "/heatmap", files=files).problem(status)
    assert problem.get("field") == field
    assert said in problem["detail"]
