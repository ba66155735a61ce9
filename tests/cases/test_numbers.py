"""Impossible and doubtful numbers: through HTTP, builds, datasets, inspect and the library."""

from __future__ import annotations

import io
import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import heatsvc
from heatsvc.annotation.errors import FaultsError
from heatsvc.annotation.inspection.inspection import inspect_pickle
from heatsvc.pose import PoseClip
from heatsvc.pose.findings import CODES, OF_FILES, ImplausibleError, PlausibilityWarning
from heatsvc.pose.plausibility import judge_points
from heatsvc.torch import HeatmapDataset
from tests.api.client import Client
from tests.cases.datasets import build_dataset

DATA = Path(__file__).parents[1] / "data"
FRAME = (400, 600)
POINTS = [{"type": "PoseDecode"}, {"type": "GeneratePoseTarget", "scaling": 0.1}]
Array = npt.NDArray[np.float64]


def sound(*, third: bool = False) -> Array:
    """Six frames of 17 points that move by a few pixels, all in the frame of 600 x 400 pixels."""
    generator = np.random.default_rng(0)
    numbers = generator.uniform((20, 20, 0.1), (580, 380, 0.9), (1, 17, 3)) + generator.normal(
        0, (2, 2, 0.01), (6, 17, 3)
    )
    return numbers if third else numbers[..., :2]


def clip_of(code: str) -> dict[str, Any]:
    """A clip with one finding; without a code a sound one."""
    keypoint = sound()
    clip: dict[str, Any] = {"keypoint": keypoint, "img_shape": FRAME}
    match code:
        case "normalized":
            clip["keypoint"] = keypoint / 600
        case "outside_frame":
            clip["keypoint"] = keypoint + 5000
        case "depth_as_score":
            clip["keypoint"] = np.dstack([keypoint, np.random.default_rng(1).normal(0, 1, (6, 17))])
        case "axes":
            clip["keypoint"] = sound(third=True)[:, None]
        case "frame_count":
            clip["total_frames"] = 7
        case "no_points":
            clip["keypoint_score"] = np.zeros((6, 17))
        case "img_shape_swapped":
            clip["img_shape"] = (600, 400)
        case "points_outside":
            keypoint[:, :2] += 700
        case "score_range":
            clip["keypoint_score"] = np.full((6, 17), 9.0)
        case "zero_points":
            keypoint[:, 0] = 0
        case "empty_volume":
            clip["keypoint_score"] = np.full((6, 17), 1e-4)
    return clip


def options_of(code: str) -> dict[str, Any]:
    """The options with which `clip_of` has its finding."""
    return {"coordinates": "normalized"} if code == "not_normalized" else {}


def as_json(clip: dict[str, Any]) -> dict[str, Any]:
    return {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in clip.items()}


def as_pickle(folder: Path, clip: dict[str, Any]) -> Path:
    keypoint = clip["keypoint"]
    keypoint = keypoint if keypoint.ndim == 4 else keypoint[None]
    score = clip.get("keypoint_score")
    annotation = {"frame_dir": "a", "label": 0, "total_frames": keypoint.shape[1]} | clip
    annotation |= {"keypoint": keypoint} | ({} if score is None else {"keypoint_score": score[None]})
    if "axes" in folder.name:
        del annotation["total_frames"]
    path = folder / "data.pkl"
    path.write_bytes(pickle.dumps([annotation]))
    return path


def npy(array: Array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


IMPOSSIBLE = [code for code, meaning in CODES.items() if meaning.severity == "impossible"]
_OTHERS = ("missing_points", *OF_FILES)
DOUBTFUL = [code for code, meaning in CODES.items() if meaning.severity == "doubtful" and code not in _OTHERS]
# Only a volume is empty, so that it shows where one is rendered.
OF_POINTS = [code for code in DOUBTFUL if code != "empty_volume"]


@pytest.mark.parametrize("code", IMPOSSIBLE)
def test_impossible_numbers_are_refused_over_http_and_reported_on_request(client: Client, code: str) -> None:
    body = as_json(clip_of(code)) | options_of(code) | {"pipeline": POINTS}
    problem = client.post_json(body).problem(422)
    assert "`plausibility: warn` accepts the numbers" in problem["detail"]
    warned = client.post_json(body | {"plausibility": "warn"})
    assert (warned.status, f"{code};clips=1" in warned.headers["x-heatmap-warning"]) == (200, True)
    ignored = client.post_json(body | {"plausibility": "ignore"})
    assert (ignored.status, "x-heatmap-warning" in ignored.headers) == (200, False)


@pytest.mark.parametrize("code", DOUBTFUL)
def test_doubtful_numbers_are_reported_in_a_header_and_in_json(client: Client, code: str) -> None:
    clip = as_json(clip_of(code))
    body = {"clips": [clip, as_json(clip_of("")), clip], "pipeline": POINTS, "reduce": "max"}
    response = client.post_json(body, accept="application/json")
    assert response.headers["x-heatmap-warning"] == f"{code};clips=2"
    [warning] = json.loads(response.body)["warnings"]
    assert (warning["code"], warning["severity"], warning["clips"]) == (code, "doubtful", 2)
    silent = client.post_json(body | {"plausibility": "ignore"}, accept="application/json")
    assert json.loads(silent.body)["warnings"] == []


@pytest.mark.parametrize("code", IMPOSSIBLE)
def test_impossible_numbers_are_errors_of_the_library(code: str) -> None:
    with pytest.raises(ImplausibleError) as error:
        heatsvc.draw(clip_of(code), POINTS, **options_of(code))
    assert error.value.code == code
    with pytest.warns(PlausibilityWarning, match=f"^{code}: "):
        heatsvc.draw(clip_of(code), POINTS, **options_of(code), plausibility="warn")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        heatsvc.draw(clip_of(code), POINTS, **options_of(code), plausibility="ignore")


@pytest.mark.parametrize("code", DOUBTFUL)
def test_doubtful_numbers_are_warnings_of_the_library(code: str) -> None:
    with pytest.warns(PlausibilityWarning, match=f"^{code}: ") as caught:
        heatsvc.draw(clip_of(code), POINTS)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("code", IMPOSSIBLE)
def test_impossible_numbers_are_errors_of_a_dataset(tmp_path: Path, code: str) -> None:
    folder = tmp_path / code
    folder.mkdir()
    path = as_pickle(folder, clip_of(code))
    with pytest.raises(ImplausibleError) as error:
        HeatmapDataset(path, None, "posec3d-val", **options_of(code))
    assert error.value.code == code
    with pytest.warns(PlausibilityWarning, match=f"^{code}: "):
        HeatmapDataset(path, None, "posec3d-val", **options_of(code), plausibility="warn")


@pytest.mark.parametrize("code", OF_POINTS)
def test_doubtful_numbers_are_warnings_of_a_dataset(tmp_path: Path, code: str) -> None:
    with pytest.warns(PlausibilityWarning, match=f"^{code}: "):
        HeatmapDataset(as_pickle(tmp_path, clip_of(code)), None, "posec3d-val")


@pytest.mark.parametrize("code", ["normalized", "outside_frame", "depth_as_score", "axes"])
def test_impossible_files_are_faults_of_a_build(tmp_path: Path, code: str) -> None:
    clip = clip_of(code)
    files = {"a.npy": npy(clip["keypoint"]), "b.npy": npy(sound())}
    labels = {"a": "x", "b": "y"}
    with pytest.raises(FaultsError) as error:
        build_dataset(tmp_path / "refused", labels, files, img_shape=FRAME)
    assert [group["kind"] for group in error.value.report["faults"]] == ["implausible"]
    kept = build_dataset(tmp_path / "dropped", labels, files, img_shape=FRAME, faulty="drop")
    assert list(kept.keypoint) == ["b"]
    warned = build_dataset(tmp_path / "warned", labels, files, img_shape=FRAME, plausibility="warn")
    assert code in [finding["code"] for finding in warned.report["findings"]]


def test_pixels_that_are_said_to_be_normalized_are_a_fault_of_a_build(tmp_path: Path) -> None:
    with pytest.raises(FaultsError) as error:
        build_dataset(tmp_path, {"a": "x"}, {"a.npy": npy(sound())}, img_shape=FRAME, coordinates="normalized")
    [group] = error.value.report["faults"]
    assert (group["kind"], group["count"]) == ("implausible", 1)


@pytest.mark.parametrize("code", ["no_points", "points_outside", "score_range", "zero_points"])
def test_doubtful_files_are_in_the_report_of_a_build(tmp_path: Path, code: str) -> None:
    clip = clip_of(code)
    score = clip.get("keypoint_score", np.ones((6, 17)))
    files = {"a.npy": npy(np.dstack([clip["keypoint"], score])), "b.npy": npy(sound())}
    report = build_dataset(tmp_path, {"a": "x", "b": "y"}, files, img_shape=FRAME).report
    [finding] = report["findings"]
    assert (finding["code"], finding["severity"], finding["count"]) == (code, "doubtful", 1)


@pytest.mark.parametrize(
    "code", [code for code in CODES if code not in ("frame_count", "not_normalized", "empty_volume", *_OTHERS)]
)
def test_inspect_finds_both_kinds(tmp_path: Path, code: str) -> None:
    folder = tmp_path / code
    folder.mkdir()
    kinds = {finding.kind for finding in inspect_pickle(as_pickle(folder, clip_of(code))).findings}
    assert code in kinds


def test_normalized_coordinates_are_scaled_where_that_is_said(client: Client) -> None:
    share = {"keypoint": (sound() / (600, 400)).tolist(), "img_shape": FRAME, "coordinates": "normalized"}
    scaled = client.post_json(share | {"pipeline": POINTS}).array()
    np.testing.assert_allclose(scaled, heatsvc.draw(sound(), POINTS, img_shape=FRAME), atol=1e-4)


def test_depths_are_dropped_where_that_is_said() -> None:
    clip = clip_of("depth_as_score")
    expected = heatsvc.draw(clip["keypoint"][..., :2], POINTS, img_shape=FRAME)
    np.testing.assert_array_equal(heatsvc.draw(clip, POINTS, project="xy"), expected)


def test_findings_are_counted_by_prometheus(client: Client) -> None:
    def count() -> float:
        lines = client.get("/metrics").body.decode().splitlines()
        name = 'heatsvc_clips_drawn_total{finding="score_range"} '
        return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))

    before = count()
    client.post_json(as_json(clip_of("score_range")) | {"pipeline": POINTS})
    assert count() == before + 1


def test_scores_above_one_are_kept_in_float_and_clipped_in_uint8() -> None:
    point = {"keypoint": [[[10, 10, 9.0]]], "img_shape": (20, 20)}
    with pytest.warns(PlausibilityWarning, match="score_range"):
        assert heatsvc.draw(point, POINTS[1:]).max() <= 9
    with pytest.warns(PlausibilityWarning, match="score_range"):
        assert heatsvc.draw(point, [{"type": "GeneratePoseTarget"}], dtype="uint8").max() == 255


@pytest.mark.parametrize("path", sorted((DATA / "golden").glob("*.npz")), ids=lambda path: path.stem)
def test_golden_inputs_are_not_impossible(path: Path) -> None:
    with np.load(path) as file:
        meta = json.loads(str(file["meta"]))
        score = file.get("keypoint_score")
        keypoint = file["keypoint"]
    clip = PoseClip.build(keypoint, score, img_shape=meta["img_shape"])
    assert not [finding for finding in judge_points(clip) if finding.is_impossible]


def test_real_signing_is_silent_where_the_upper_body_is_selected() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in [*(DATA / "poses").glob("*.pose"), DATA / "poses" / "ase_FIRE_wholebody133.npy"]:
            [clip] = heatsvc.read(path, img_shape=(1080, 1920))
            heatsvc.draw(clip, select="sign27")
