"""Builds of files that name their points: the names reach the report and the training configs, and are never mixed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatsvc.annotation.build import build
from heatsvc.annotation.errors import FaultsError
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.keypoints import KeypointSelection
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.plan import LabeledVideo
from heatsvc.annotation.shards import ShardReader
from heatsvc.annotation.sources.stored_file import StoredFile
from heatsvc.pose import LAYOUTS
from tests.pose.readers.samples import npy

# Human3.6M's names, of which left ones come first here and right ones in the layout h36m17.
LEFT_FIRST = ("root", "left_hip", "left_knee", "left_foot", "right_hip", "right_knee", "right_foot", "spine")


def coco(names: Sequence[str], skeleton: Sequence[tuple[int, int]] = ()) -> bytes:
    """Two frames of one person whose points are 10 pixels from each other."""
    points = [number for i in range(len(names)) for number in (20 + 10 * i, 40, 1)]
    images = [{"id": t, "height": 200, "width": 400} for t in (1, 2)]
    category = {"id": 1, "keypoints": list(names), "skeleton": skeleton}
    annotations = [{"image_id": t, "category_id": 1, "keypoints": points} for t in (1, 2)]
    return json.dumps({"images": images, "categories": [category], "annotations": annotations}).encode()


def built(folder: Path, files: Sequence[bytes], extension: str = "json", **options: Any) -> tuple[dict[str, Any], Path]:
    """The report of a build of these files, half of them for training, and its folder."""
    names = [f"v{i}" for i in range(len(files))]
    keypoints, out = folder / "keypoints", folder / "out"
    keypoints.mkdir()
    for name, data in zip(names, files, strict=True):
        (keypoints / f"{name}.{extension}").write_bytes(data)
    (folder / "labels.csv").write_text("name,label\n" + "".join(f"{name},a\n" for name in names))
    (folder / "split.json").write_text(json.dumps({"train": names[::2], "test": names[1::2]}))
    labels, split = (InputFile(name, folder / name) for name in ("labels.csv", "split.json"))
    chosen = AnnotationOptions(**{"img_shape": [200, 400], "select": None, **options})
    result = build(Inputs(folder=keypoints, labels=(labels,), split=(split,)), chosen, out)
    return result.report, out


def config(out: Path) -> dict[str, Any]:
    values: dict[str, Any] = {}
    exec(compile((out / "pyskl_limb.py").read_text(), "pyskl_limb.py", "exec"), values)
    return values


def test_a_files_own_names_and_skeleton_are_those_of_the_dataset(tmp_path: Path) -> None:
    skeleton = [(1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 8)]
    report, out = built(tmp_path, [coco(LEFT_FIRST, skeleton)] * 2)
    assert (report["summary"]["points"], report["summary"]["layout"]) == (8, "custom")
    values = config(out)
    assert (values["left_kp"], values["right_kp"]) == ([1, 2, 3], [4, 5, 6])
    assert values["skeletons"] == [[0, 1], [1, 2], [2, 3], [0, 4], [4, 5], [5, 6], [0, 7]]
    assert (values["left_limb"], values["right_limb"]) == ([0, 1, 2], [3, 4, 5])


def test_points_by_position_have_the_limbs_and_sides_that_are_left(tmp_path: Path) -> None:
    points = np.zeros((4, 17, 3), np.float32)
    points[..., :2], points[..., 2] = np.arange(34).reshape(17, 2) * 5 + 10, 0.9
    report, out = built(tmp_path, [npy(points)] * 2, "npy", select=[0, 6, 5, 8, 7])
    assert (report["summary"]["points"], report["summary"]["layout"]) == (5, "custom")
    values = config(out)
    assert (values["left_kp"], values["right_kp"]) == ([2, 4], [1, 3])
    assert values["skeletons"] == [[0, 2], [2, 4], [0, 1], [1, 3]]
    assert values["model"]["backbone"]["in_channels"] == 4


@pytest.mark.parametrize("select", [None, [0, 1, 2]])
def test_files_that_name_their_points_otherwise_are_not_mixed(tmp_path: Path, select: list[int] | None) -> None:
    files = [coco(LAYOUTS["coco17"].points)] * 3 + [coco(LAYOUTS["h36m17"].points)]
    with pytest.raises(FaultsError, match=r"v3 \(wrong_points\)") as caught:
        built(tmp_path, files, select=select)
    assert caught.value.report["faults"][0]["items"][0]["detail"] == (
        "its points have other names or another order than in most files: point 0 is 'pelvis', there 'nose'. "
        "Set select to a layout, whose points are found by name"
    )


def test_files_of_other_orders_are_one_dataset_where_a_layout_is_selected(tmp_path: Path) -> None:
    names = LAYOUTS["coco17"].points
    report, _ = built(tmp_path, [coco(names), coco(names[::-1])], select="coco17")
    assert (report["summary"]["clips"], report["summary"]["layout"]) == (2, "coco17")


def test_points_that_the_files_lack_are_reported_or_faults(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    files = [coco(LAYOUTS["h36m17"].points)] * 2
    report, _ = built(tmp_path / "a", files, select="coco17")
    assert [(finding["code"], finding["count"]) for finding in report["findings"]] == [("missing_points", 2)]
    with pytest.raises(FaultsError, match="wrong_points") as caught:
        built(tmp_path / "b", files, select="coco17", missing_points="error")
    assert "it lacks 5 points (nose" in caught.value.report["faults"][0]["items"][0]["detail"]


def test_a_stored_shard_knows_its_layout(tmp_path: Path) -> None:
    (tmp_path / "v.json").write_bytes(coco(LEFT_FIRST, [(1, 2)]))
    reader = ShardReader(KeypointSelection(None, "float16"), tmp_path)
    video = LabeledVideo("v", 0, "train", "", StoredFile("v.json", str(tmp_path / "v.json")))
    shard = reader.read(0, [video])
    assert shard.layout is not None
    assert shard.layout.limbs == ((0, 1),)
    assert reader.stored(0) == shard
