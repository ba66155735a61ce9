"""HeatmapDataset on the pickles that people have, in the forms of PYSKL's and MMAction2's tools and of bug reports."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, DistributedSampler

import heatsvc
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.errors import InputError, LimitError
from heatsvc.pose.findings import ImplausibleError, PlausibilityWarning
from heatsvc.torch import HeatmapDataset, collate
from heatsvc.torch.dataset import LOCAL_BOUNDS

PYSKL_VAL = [
    {"type": "UniformSampleFrames", "clip_len": 48, "num_clips": 1},
    {"type": "PoseDecode"},
    {"type": "PoseCompact", "hw_ratio": 1.0},
    {"type": "Resize", "scale": (64, 64), "keep_ratio": False},
    {"type": "GeneratePoseTarget"},
    {"type": "FormatShape", "input_format": "NCTHW_Heatmap"},
    {"type": "Collect", "keys": ["imgs", "label"], "meta_keys": []},
]


def annotation(frames: int = 5, points: int = 17, **more: Any) -> dict[str, Any]:
    """An annotation of one person, whose points are all in the frame."""
    keypoint = np.random.default_rng(0).uniform(20, 200, (1, frames, points, 2)).astype(np.float32)
    return {"frame_dir": "a", "label": 0, "img_shape": (240, 340), "total_frames": frames, "keypoint": keypoint} | more


def written(folder: Path, content: Any) -> Path:
    path = folder / "data.pkl"
    path.write_bytes(pickle.dumps(content))
    return path


def compressed() -> dict[str, Any]:
    """What PYSKL's custom_2d_skeleton.py --compress writes: two persons in the frames 0, 1, 2 and 4, one in 3."""
    rows = np.random.default_rng(0).uniform(20, 200, (9, 17, 3)).astype(np.float16)
    rows[..., 2] = 0.9
    frame_inds = np.array([0, 0, 1, 1, 2, 2, 3, 4, 4], np.int16)
    return annotation() | {"keypoint": rows, "frame_inds": frame_inds, "box_score": np.float16([1, 0.2] * 4 + [1])}


def test_compressed_annotations_are_decompressed(tmp_path: Path) -> None:
    path = written(tmp_path, [compressed()])
    clip = HeatmapDataset(path, None, "posec3d-val").clip(0)
    assert (clip.persons, clip.frames) == (2, 5)
    assert HeatmapDataset(path, None, "posec3d-val", box_thr=0.5).clip(0).persons == 1
    steps = [{"type": "DecompressPose", "squeeze": True}, *PYSKL_VAL]
    dataset, plain = HeatmapDataset(path, None, steps), HeatmapDataset(path, None, PYSKL_VAL)
    np.testing.assert_array_equal(dataset[0].volume.keypoint, plain[0].volume.keypoint)


def test_depths_are_never_scores(tmp_path: Path) -> None:
    xyz = np.random.default_rng(0).normal(0, 1, (1, 5, 25, 3)) * [40, 40, 3] + [150, 100, 3]
    path = written(tmp_path, [annotation(keypoint=xyz.astype(np.float32))])
    with pytest.raises(ImplausibleError, match=r"'a': the third numbers of the keypoints .* `project: xy`"):
        HeatmapDataset(path, None, "posec3d-val", layout="ntu25")
    dataset = HeatmapDataset(path, None, "posec3d-val", layout="ntu25", project="xy")
    assert (dataset.clip(0).keypoint_score == 1).all()


def test_total_frames_that_disagree_are_found_when_the_pickle_is_opened(tmp_path: Path) -> None:
    swapped = annotation(keypoint=np.full((5, 2, 17, 2), 50.0), keypoint_score=np.ones((5, 2, 17)))
    with pytest.raises(ImplausibleError, match="total_frames"):
        HeatmapDataset(written(tmp_path, [swapped]), None, "posec3d-val")


def test_a_bad_clip_is_found_when_the_pickle_is_opened_with_the_number_of_others(tmp_path: Path) -> None:
    clips = [annotation(frame_dir=f"clip_{i}") for i in range(6)]
    clips[3]["img_shape"], clips[5]["img_shape"] = (0, 5), (0, 5)
    with pytest.raises(InputError, match=r"clip_3: img_shape .*1 other clips of 6 cannot be used either"):
        HeatmapDataset(written(tmp_path, clips), None, "posec3d-val")


def test_doubtful_numbers_are_one_warning(tmp_path: Path) -> None:
    outside = annotation()
    outside["keypoint"][..., 0] += 300
    clips = [outside | {"frame_dir": f"clip_{i}"} for i in range(3)]
    with pytest.warns(PlausibilityWarning, match=r"points_outside: .*\(3 clips\)") as caught:
        HeatmapDataset(written(tmp_path, clips), None, "posec3d-val")
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_ranks_draw_different_augmentations_from_one_seed_and_repeat_themselves(tmp_path: Path) -> None:
    shared = annotation(60)
    path = written(tmp_path, [shared | {"frame_dir": str(i)} for i in range(8)])
    dataset = HeatmapDataset(path, None, "posec3d-train")

    def run(rank: int) -> list[bytes]:
        torch.manual_seed(0)
        sampler = DistributedSampler(dataset, 2, rank, shuffle=False)
        return [
            sample.volume.keypoint.tobytes()
            for batch in DataLoader(dataset, 2, sampler=sampler, collate_fn=list)
            for sample in batch
        ]

    assert not set(run(0)) & set(run(1))
    assert run(1) == run(1)


def test_a_rank_in_the_environment_changes_what_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = HeatmapDataset(written(tmp_path, [annotation(60)]), None, "posec3d-train")
    drawn = []
    for rank in ("0", "1", "1"):
        monkeypatch.setenv("RANK", rank)
        torch.manual_seed(0)
        drawn.append(dataset[0].volume.keypoint.tobytes())
    assert drawn[0] != drawn[1] == drawn[2]


def test_limits_of_the_library_name_its_own_argument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEATSVC_MAX_PERSONS", "100000")
    keypoint = np.random.default_rng(0).uniform(20, 200, (70, 80, 17, 2))
    path = written(tmp_path, [annotation(keypoint=keypoint, total_frames=80)])
    with pytest.raises(LimitError, match=r"bounds=dataclasses\.replace\(.*max_persons=70\)"):
        HeatmapDataset(path, None, "posec3d-val")
    bounds = replace(LOCAL_BOUNDS, max_persons=70)
    assert HeatmapDataset(path, None, "posec3d-val", bounds=bounds).clip(0).persons == 70
    assert DEFAULT_BOUNDS.max_persons < 70


@pytest.mark.parametrize(
    "names", [["a.mp4"], ("a.mp4",), {"a.mp4"}, np.array(["a.mp4"])], ids=lambda names: type(names).__name__
)
def test_splits_match_by_filename_in_any_container(tmp_path: Path, names: Any) -> None:
    clip = annotation(filename="a.mp4")
    del clip["frame_dir"]
    dataset = HeatmapDataset(
        written(tmp_path, {"split": {"train": names}, "annotations": [clip]}), "train", "posec3d-val"
    )
    assert dataset.frame_dirs == ["a.mp4"]


@pytest.mark.parametrize("label", [np.int64(3), np.array(3)], ids=["scalar", "array"])
def test_numpys_labels_are_numbers(tmp_path: Path, label: Any) -> None:
    clip = annotation(label=label)
    assert HeatmapDataset(written(tmp_path, [clip]), None, "posec3d-val").labels.tolist() == [3]
    [read] = heatsvc.read(pickle.dumps([clip]))
    assert read.label == 3
    heatsvc.draw(clip, "posec3d-val")


def test_every_key_of_an_inference_annotation_of_mmaction2_is_accepted() -> None:
    more = {"frame_dir": "", "label": -1, "original_shape": (240, 340), "start_index": 0, "modality": "Pose"}
    heatsvc.draw(annotation(**more, keypoint_score=np.ones((1, 5, 17))), "posec3d-val")


def test_float_keys_and_one_dict_per_pickle_are_read() -> None:
    clip = annotation(valid={0.5: 6, 0.6: 5}, box_score=np.float16([1] * 6))
    assert [read.frames for read in heatsvc.read(pickle.dumps([clip]))] == [5]
    assert [read.frames for read in heatsvc.read(pickle.dumps(clip))] == [5]


def test_img_shape_is_an_argument_where_the_pickle_has_none(tmp_path: Path) -> None:
    clip = annotation()
    del clip["img_shape"]
    path = written(tmp_path, [clip])
    with pytest.raises(InputError, match="a: img_shape is missing"):
        HeatmapDataset(path, None, "posec3d-val")
    assert HeatmapDataset(path, None, "posec3d-val", img_shape=(240, 340)).clip(0).img_shape == (240, 340)


def test_pickles_without_labels_are_for_testing(tmp_path: Path) -> None:
    clip = annotation()
    del clip["label"]
    path = written(tmp_path, [clip])
    assert HeatmapDataset(path, None, "posec3d-test").labels.tolist() == [-1]
    with pytest.raises(InputError, match="a: the clip has no label: training needs a class index"):
        HeatmapDataset(path, None, "posec3d-train")


def test_pyskls_lists_for_validation_are_deterministic(tmp_path: Path) -> None:
    path = written(tmp_path, [annotation(60)])
    dataset = HeatmapDataset(path, None, PYSKL_VAL)
    assert dataset.test_mode
    first, second = (collate([dataset[0]])[0] for _ in range(2))
    assert torch.equal(first, second)
    train = [*PYSKL_VAL[:2], {"type": "RandomResizedCrop"}, *PYSKL_VAL[3:]]
    assert not HeatmapDataset(path, None, train).test_mode
    assert not HeatmapDataset(path, None, PYSKL_VAL, test_mode=False).test_mode
    split = written(tmp_path, {"split": {"train": ["a"]}, "annotations": [annotation(60)]})
    assert not HeatmapDataset(split, "train", PYSKL_VAL).test_mode


def test_mixed_numbers_of_points_are_told_from_frames_and_sizes(tmp_path: Path) -> None:
    annotations = [annotation(points=points, frame_dir=f"v{points}") for points in (17, 27)]
    with pytest.raises(InputError, match="'v27' has 27 points, but 'v17' has 17, and a batch needs equal numbers"):
        HeatmapDataset(written(tmp_path, annotations), None, "posec3d-val")
    first, second = (HeatmapDataset(written(tmp_path, [one]), None, "posec3d-val")[0] for one in annotations)
    with pytest.raises(
        InputError, match=r"v17 has 17, v27 has 27. Use `select` to take the same points from each clip"
    ):
        collate([first, second])


def test_slices_say_what_to_do(tmp_path: Path) -> None:
    dataset = HeatmapDataset(written(tmp_path, [annotation()]), None, "posec3d-val")
    with pytest.raises(TypeError, match=r"torch\.utils\.data\.Subset\(dataset, range\(start, stop\)\)"):
        dataset[0:1]


def test_a_loader_without_a_collate_function_renders_its_batches(tmp_path: Path) -> None:
    dataset = HeatmapDataset(written(tmp_path, [annotation()]), None, "posec3d-val")
    imgs, labels = next(iter(DataLoader(dataset)))
    assert (tuple(imgs.shape), labels.tolist()) == ((1, 1, 17, 48, 64, 64), [0])


def test_masked_points_are_missing() -> None:
    data = np.ma.masked_array(np.full((2, 17, 2), 50.0), mask=False)
    data[1] = np.ma.masked
    volume = heatsvc.draw(data, [{"type": "GeneratePoseTarget"}], img_shape=(100, 100))
    assert volume.max((1, 2, 3)).tolist() == [1, 0]
