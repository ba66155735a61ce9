"""POST /clips: what is in an upload, and where its points are in the heatmaps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any

import numpy as np
import pytest

from heatsvc.api.clip_schemas import ClipList
from tests.api.client import CLIP, JSON, PIPELINE, Client, Response, clip_of
from tests.pose.readers.samples import DATA, annotation, every_format, npy, pickled, zipped

POSE = DATA / "poses" / "ase_A.pose"
NAMED = [annotation(f"v_{i}", frames=2 + i, label=i) for i in range(3)]
PICKLE = pickled({"split": {"train": ["v_0"]}, "annotations": NAMED})
TWO = zipped({name: npy(np.full((3, 17, 3), 0.9) * [20, 30, 1]) for name in ("a.npy", "b.npy")})


def list_clips(client: Client, files: Mapping[str, bytes] | Iterable[tuple[str, bytes]], **options: Any) -> Response:
    pairs = files.items() if isinstance(files, Mapping) else files
    parts = [("file", (name, data, "application/octet-stream")) for name, data in pairs]
    return client.request("POST", "/clips", files=parts, data={"options": json.dumps(options)})


def clips_of(response: Response) -> list[Any]:
    assert response.status == 200, response.wire[:500]
    document = response.json()
    ClipList.model_validate(document, strict=False)
    return document["clips"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", every_format())
def test_each_format_is_listed(client: Client, name: str) -> None:
    clips = clips_of(list_clips(client, {name: every_format()[name]}, img_shape=[64, 64]))
    assert clips
    assert all(clip["frames"] > 0 and clip["points"] > 0 for clip in clips)


def test_a_single_clip_comes_with_its_points(client: Client) -> None:
    document = list_clips(client, {"ase_A.pose": POSE.read_bytes()}, select="sign27").json()
    [clip] = document["clips"]
    read, selected = (document["layouts"][clip[key]] for key in ("layout", "selected_layout"))
    assert (clip["frame_dir"], clip["img_shape"], clip["persons"]) == ("ase_A", [500, 500], 1)
    assert (read["name"], len(read["points"]), clip["points"]) == ("mediapipe_holistic_iris", 553, 553)
    assert (selected["name"], selected["points"][0], len(selected["limbs"])) == ("sign27", "nose", 26)
    assert np.shape(clip["source"]["keypoint"]) == (1, clip["frames"], 27, 2)
    assert np.shape(clip["rendered"]["keypoint_score"]) == (1, clip["frames"], 27)
    assert clip["rendered"]["shape"] == [clip["frames"], 27, 64, 64]


def test_rendered_points_are_in_the_pixels_of_the_heatmaps(client: Client) -> None:
    """The brightest pixel of each map is the one that its point is nearest to."""
    files = {"ase_A.pose": POSE.read_bytes()}
    [clip] = clips_of(list_clips(client, files, select="sign27"))
    volume = client.post_files(files, {"select": "sign27"}).array()
    points = np.array(clip["rendered"]["keypoint"], float)[0]
    shown = (volume.max(axis=(2, 3)) > 0) & ((points >= 0) & (points < 63)).all(axis=-1)
    brightest = np.stack(np.unravel_index(volume.reshape(*shown.shape, -1).argmax(-1), (64, 64))[::-1], -1)
    assert shown.sum() > 300
    assert np.abs(brightest - points)[shown].max() <= 0.5 + 1e-3


def test_points_as_read_are_in_pixels_of_the_frame_and_null_where_not_detected(client: Client) -> None:
    body = {**CLIP, "keypoint": [[[10.0, 20.0], [None, None]]], "pipeline": [{"type": "GeneratePoseTarget"}]}
    [clip] = clips_of(client.request("POST", "/clips", content=json.dumps(body), headers={"content-type": JSON}))
    assert clip["source"] == {"keypoint": [[[[10.0, 20.0], [None, None]]]], "keypoint_score": [[[1.0, 0.0]]]}
    assert clip["layout"] is None


def test_frame_inds_are_the_frames_that_were_sampled(client: Client) -> None:
    sampled = [{"type": "UniformSampleFrames", "clip_len": 4, "num_clips": 2}, {"type": "PoseDecode"}, *PIPELINE]
    array = np.arange(10, dtype=float)[:, None, None] + np.zeros((10, 3, 2)) + 5
    [clip] = clips_of(list_clips(client, {"a.npy": npy(array)}, img_shape=[64, 64], pipeline=sampled))
    rendered = clip["rendered"]
    assert len(rendered["frame_inds"]) == 8
    assert [frame[0][0] - 5 for frame in rendered["keypoint"][0]] == rendered["frame_inds"]


def test_frame_inds_without_sampling_are_all_frames(client: Client) -> None:
    [clip] = clips_of(list_clips(client, {"a.npy": npy(np.ones((5, 3, 2)))}, img_shape=[64, 64]))
    assert clip["rendered"]["frame_inds"] == [0, 1, 2, 3, 4]


def test_compressed_keypoints_skip_the_frames_without_a_row(client: Client) -> None:
    rows = annotation("v_0", frames=2, keypoint=np.full((2, 17, 3), 9.0, np.float16), frame_inds=np.array([1, 4]))
    del rows["keypoint_score"]
    [clip] = clips_of(list_clips(client, {"a.pkl": pickled([{**rows, "total_frames": 6}])}, plausibility="warn"))
    assert (clip["frames"], clip["persons"]) == (6, None)
    assert clip["rendered"]["frame_inds"] == [1, 4]


def test_the_mirrored_copy_has_points_of_its_own(client: Client) -> None:
    target = [{"type": "GeneratePoseTarget", "double": True, "left_kp": [0], "right_kp": [1]}]
    body = clip_of(np.array([[[10.0, 20.0], [30.0, 40.0], [5.0, 6.0]]]), pipeline=target)
    response = client.request("POST", "/clips", content=json.dumps(body), headers={"content-type": JSON})
    [clip] = clips_of(response)
    assert clip["rendered"]["keypoint"] == [[[[10, 20], [30, 40], [5, 6]], [[33, 40], [53, 20], [58, 6]]]]
    assert clip["rendered"]["frame_inds"] == [0, 0]
    volume = client.post_json(body).array()
    assert [np.unravel_index(image.argmax(), image.shape)[::-1] for image in volume[1]] == [(33, 40), (53, 20), (58, 6)]


def test_limbs_are_listed_after_the_keypoints(client: Client) -> None:
    target = [{"type": "GeneratePoseTarget", "with_limb": True, "skeletons": [[0, 1], [1, 2]]}]
    body = clip_of(np.array([[[10.0, 20.0], [30.0, 40.0], [5.0, 6.0]]]), pipeline=target)
    response = client.request("POST", "/clips", content=json.dumps(body), headers={"content-type": JSON})
    [clip] = clips_of(response)
    assert (clip["rendered"]["with_kp"], clip["rendered"]["limbs"]) == (True, [[0, 1], [1, 2]])
    assert clip["rendered"]["shape"] == [1, 5, 64, 64]


def test_a_pickle_of_several_clips_is_listed_without_points(client: Client) -> None:
    clips = clips_of(list_clips(client, {"a.pkl": PICKLE}))
    assert [(clip["frame_dir"], clip["label"], clip["frames"]) for clip in clips] == [
        ("v_0", 0, 2),
        ("v_1", 1, 3),
        ("v_2", 2, 4),
    ]
    assert {(clip.get("findings"), clip.get("rendered")) for clip in clips} == {(None, None)}


def test_a_pickle_of_30_000_clips_is_listed(client: Client) -> None:
    """POST /heatmap takes 1,024 at once; a list takes only names."""
    one = annotation("")
    annotations = [{**one, "frame_dir": f"v_{i}"} for i in range(30_000)]
    response = list_clips(client, {"a.pkl": pickled({"annotations": annotations})})
    assert [clip["frame_dir"] for clip in clips_of(response)] == [f"v_{i}" for i in range(30_000)]
    assert len(response.wire) < 4 << 20


@pytest.mark.parametrize("files", [{"a.pkl": PICKLE}, {"two.zip": TWO}], ids=["pickle", "archive"])
def test_chosen_clips_come_with_their_points(client: Client, files: dict[str, bytes]) -> None:
    name = "v_1" if "a.pkl" in files else "b"
    [clip] = clips_of(list_clips(client, files, frame_dir=name, img_shape=[64, 64]))
    assert clip["frame_dir"] == name
    assert len(clip["rendered"]["keypoint"][0]) == clip["frames"]


def test_clips_of_an_archive_are_chosen_by_name_for_heatmaps_too(client: Client) -> None:
    chosen = client.post_files({"two.zip": TWO}, {"frame_dir": ["b"], "img_shape": [64, 64]})
    assert chosen.headers["content-type"] == "application/x-npy"
    unknown = client.post_files({"two.zip": TWO}, {"frame_dir": "c", "img_shape": [64, 64]}).problem(422)
    assert unknown["field"] == "frame_dir"
    assert unknown["detail"] == "no clip is called 'c'; there are 2, such as 'a', 'b'"


def test_findings_are_reported_and_nothing_is_refused(client: Client) -> None:
    outside = np.full((4, 17, 2), 300.0) + np.arange(17)[:, None]
    [clip] = clips_of(list_clips(client, {"a.npy": npy(outside)}, img_shape=[64, 64]))
    [finding] = clip["findings"]
    assert (finding["code"], finding["severity"]) == ("outside_frame", "impossible")
    assert "none of 68 detected points is in the frame" in finding["detail"]
    assert client.post_files({"a.npy": npy(outside)}, {"img_shape": [64, 64]}).problem(422)["field"] == "keypoint"


def test_a_step_that_does_not_exist_is_refused_as_by_heatmap(client: Client) -> None:
    options = {"img_shape": [64, 64], "pipeline": [{"type": "Blur"}]}
    files = {"a.npy": npy(np.ones((5, 3, 2)))}
    assert list_clips(client, files, **options).problem(422) == client.post_files(files, options).problem(422)


def test_more_points_than_json_may_have_are_refused(serve: Callable[..., Client]) -> None:
    client = serve(max_json_values=100)
    files = {"a.npy": npy(np.ones((5, 17, 2)))}
    [clip] = clips_of(list_clips(client, files, img_shape=[64, 64]))
    assert (clip["points"], clip.get("rendered")) == (17, None)  # nobody has asked for them
    problem = list_clips(client, files, img_shape=[64, 64], frame_dir="a").problem(422)
    assert (problem["setting"], problem["limit"], problem["got"]) == ("HEATSVC_MAX_JSON_VALUES", 100, 510)


def test_the_list_is_compressed_as_accepted(client: Client) -> None:
    parts = [("file", ("a.pkl", PICKLE, "application/octet-stream"))]
    response = client.request("POST", "/clips", files=parts, headers={"accept-encoding": "zstd"})
    assert response.headers["content-encoding"] == "zstd"
    assert len(clips_of(response)) == 3


@pytest.mark.parametrize("seed", range(4))
def test_broken_pickles_are_problems_or_clips(client: Client, seed: int) -> None:
    random = Random(seed)
    for _ in range(40):
        data = bytearray(PICKLE[: random.choice((len(PICKLE), random.randrange(len(PICKLE))))])
        for _ in range(random.randrange(4)):
            if data:
                data[random.randrange(len(data))] = random.randrange(256)
        response = list_clips(client, {"a.pkl": bytes(data)})
        assert response.status in (200, 413, 422)
        if response.status == 200:
            assert clips_of(response) is not None


def test_channels_have_the_colors_of_pictures(client: Client) -> None:
    [clip] = clips_of(list_clips(client, {"ase_A.pose": POSE.read_bytes()}, select="sign27"))
    channels = {channel["name"]: channel for channel in clip["rendered"]["channels"]}
    assert clip["rendered"]["channels"] == clip["rendered"]["points"]
    assert channels["nose"] == {"name": "nose", "part": "face", "side": "", "color": [214, 150, 190]}
    assert channels["left_hand_0"] == {"name": "left_hand_0", "part": "hand", "side": "left", "color": [110, 235, 180]}
    assert channels["right_hand_0"]["color"] == [213, 104, 20]
    assert len(clip["rendered"]["skeleton"]) == 26
    elbow = next(limb for limb in clip["rendered"]["skeleton"] if limb["ends"] == [3, 5])
    assert elbow["color"] == channels["left_elbow"]["color"] == [140, 210, 255]


def test_limbs_are_channels_and_colors_of_a_potion_picture_are_numbered(client: Client) -> None:
    files = {"ase_A.pose": POSE.read_bytes()}
    limbs = [{"type": "GeneratePoseTarget", "with_kp": False, "with_limb": True}]
    [clip] = clips_of(list_clips(client, files, select="sign27", pipeline=limbs))
    assert [channel["name"] for channel in clip["rendered"]["channels"]][:2] == [
        "nose-left_shoulder",
        "nose-right_shoulder",
    ]
    potion = [{"type": "Resize", "scale": [64, 64]}, {"type": "GeneratePoseTarget"}, {"type": "Heatmap2Potion", "C": 3}]
    [clip] = clips_of(list_clips(client, files, select="sign27", pipeline=potion))
    names = [channel["name"] for channel in clip["rendered"]["channels"]]
    assert (len(names), names[:3]) == (clip["rendered"]["shape"][-1], ["0", "1", "2"])
