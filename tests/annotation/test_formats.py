"""Every format of keypoints that can be read becomes part of a dataset."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from heatsvc.annotation.build import build
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.pose.readers import read
from tests.pose.readers.samples import HD, every_format

FORMATS = every_format()
# Frames are recognized by the names that OpenPose gives them; a pickle's clips have names of their own.
VIDEO = {"frames.zip": "a_0"} | {name: "clip_a" for name in FORMATS if name.endswith(".pkl")}


@pytest.mark.parametrize("name", FORMATS)
def test_a_dataset_of(tmp_path: Path, name: str):
    (tmp_path / "file").write_bytes(FORMATS[name])
    video = VIDEO.get(name, name.partition(".")[0])
    (tmp_path / "labels.csv").write_text(f"{video}.avi,0\n")
    inputs = Inputs(
        keypoints=(InputFile(name, tmp_path / "file"),), labels=(InputFile("labels.csv", tmp_path / "labels.csv"),)
    )
    options = AnnotationOptions.model_validate(
        {"select": None, "img_shape": [1080, 1920], "dtype": "float32", "split": {"random": {"all": 1}}}
    )
    build(inputs, options, tmp_path / "out")
    (one,) = pickle.loads((tmp_path / "out" / "annotations.pkl").read_bytes())["annotations"]
    (clip,) = read(FORMATS[name], filename=name, options=HD)
    assert (one["frame_dir"], one["label"], one["img_shape"]) == (video, 0, clip.img_shape)
    np.testing.assert_array_equal(one["keypoint"], np.nan_to_num(clip.keypoint))
    np.testing.assert_array_equal(one["keypoint_score"], clip.keypoint_score)
