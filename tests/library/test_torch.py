"""heatsvc.torch: a dataset of an annotation pickle, and rendering of its batches."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import heatsvc
from heatsvc.errors import DeviceError, InputError
from heatsvc.torch import HeatmapCollate, HeatmapDataset, HeatmapSample, collate
from tests.library.conftest import LABELS, SPLIT, annotations, write

TRAIN_ORDER = ["clip_0", "clip_1", "clip_3", "clip_5"]  # the pickle's, as in PYSKL and MMAction2


def seeds(loader: DataLoader[HeatmapSample], epochs: int) -> list[list[bytes]]:
    """What the random steps made of the clips, epoch by epoch."""
    return [[sample.volume.keypoint.tobytes() for batch in loader for sample in batch] for _ in range(epochs)]


def test_a_split_becomes_samples(dataset_file: Path):
    dataset = HeatmapDataset(dataset_file, "train", "posec3d-train")
    assert len(dataset) == 4
    assert dataset.frame_dirs == TRAIN_ORDER
    assert dataset.labels.tolist() == [2, 0, 2, 4]
    assert dataset.labels.dtype == torch.int64
    assert dataset.num_classes == 5
    assert HeatmapDataset(dataset_file, "val", "posec3d-val").num_classes == 5
    sample = dataset[3]
    assert (sample.frame_dir, sample.label, sample.volume.shape) == ("clip_5", 4, (1, 27, 48, 56, 56))
    assert HeatmapDataset(dataset_file, None, "posec3d-val").frame_dirs == list(LABELS)


def test_the_clip_before_the_steps(dataset_file: Path):
    clip = HeatmapDataset(dataset_file, "val", "view", select="sign27").clip(1)
    [expected] = heatsvc.read(dataset_file, frame_dir="clip_4")
    assert (clip.frame_dir, clip.label, clip.layout) == ("clip_4", 0, expected.layout)
    np.testing.assert_array_equal(clip.keypoint, expected.keypoint)
    assert HeatmapDataset(dataset_file, "val", "view", select=[1, 2, 2]).clip(0).points == 3


def test_a_sample_is_kilobytes_where_its_volume_is_megabytes(dataset_file: Path):
    sample = HeatmapDataset(dataset_file, "train", "posec3d-train")[0]
    [imgs], _ = collate([sample])
    assert imgs.nbytes > 16_000_000
    assert len(pickle.dumps(sample)) < 28_000  # x and y are float64 behind a crop


@pytest.mark.parametrize(
    ("preset", "dtype"),
    [
        ("posec3d-val", "float32"),
        ("posec3d-val", "float16"),
        ("posec3d-val-limb", "float32"),
        ("posec3d-test", "uint8"),
    ],
)
def test_a_batch_is_its_clips_rendered_one_by_one(dataset_file: Path, preset: str, dtype: Any):
    dataset = HeatmapDataset(dataset_file, "val", preset)
    imgs, labels = HeatmapCollate(dtype=dtype)([dataset[0], dataset[1]])
    assert labels.tolist() == [1, 0]
    assert labels.dtype == torch.int64
    clips = heatsvc.read(dataset_file, frame_dir=["clip_2", "clip_4"])
    expected = np.stack(heatsvc.draw(clips, preset, dtype=dtype))
    assert imgs.shape == expected.shape
    assert imgs.shape[:2] == (2, 20 if preset == "posec3d-test" else 1)
    np.testing.assert_array_equal(imgs.numpy(), expected)


def test_argmax_and_potion_are_batched_too(dataset_file: Path):
    potion = [{"type": "Resize", "scale": (16, 16), "keep_ratio": False}, {"type": "GeneratePoseTarget"}]
    potion += [{"type": "Heatmap2Potion", "C": 3}]
    [clip] = heatsvc.read(dataset_file, frame_dir="clip_2")
    imgs, _ = collate([HeatmapDataset(dataset_file, "val", potion)[0]])
    np.testing.assert_array_equal(imgs[0].numpy(), heatsvc.draw(clip, potion))
    dataset = HeatmapDataset(
        dataset_file, "val", heatsvc.pipeline.parse_pipeline("posec3d-val", reduce="argmax"), test_mode=True
    )
    imgs, _ = collate([dataset[0]])
    assert imgs.dtype == torch.int16
    np.testing.assert_array_equal(imgs[0].numpy(), heatsvc.draw(clip, "posec3d-val", reduce="argmax"))


def test_presets_of_validation_and_test_are_deterministic_and_training_is_not(dataset_file: Path):
    for preset, expected in (("posec3d-train", False), ("posec3d-train-limb", False), ("posec3d-val", True)):
        dataset = HeatmapDataset(dataset_file, "train", preset)
        assert dataset.test_mode is expected
        same = dataset[3].volume.keypoint.tobytes() == dataset[3].volume.keypoint.tobytes()
        assert same is expected
    assert HeatmapDataset(dataset_file, "train", "posec3d-train", test_mode=True).test_mode
    assert not HeatmapDataset(dataset_file, "train", "posec3d-val", test_mode=False).test_mode


def test_steps_of_an_mmaction2_config_say_themselves_whether_they_test(dataset_file: Path):
    def steps(**sampling: Any) -> list[dict[str, Any]]:
        return [
            {"type": "UniformSampleFrames", "clip_len": 8, **sampling},
            {"type": "PoseDecode"},
            {"type": "GeneratePoseTarget"},
            {"type": "FormatShape", "input_format": "NCTHW_Heatmap"},
            {"type": "PackActionInputs"},
        ]

    assert not HeatmapDataset(dataset_file, "train", steps()).test_mode
    assert HeatmapDataset(dataset_file, "train", steps(test_mode=True)).test_mode


@pytest.mark.parametrize(
    "loading",
    [
        {"num_workers": 0},
        {"num_workers": 2},
        {"num_workers": 2, "persistent_workers": True},
        {"num_workers": 2, "shuffle": True},
    ],
    ids=str,
)
def test_every_epoch_and_sample_has_a_seed_of_its_own_and_a_run_repeats_itself(
    dataset_file: Path, loading: dict[str, Any]
):
    # The same clip six times: all that differs comes from the seeds.
    one = annotations()[4]
    names = [f"{i}" for i in range(6)]
    path = write(
        dataset_file.parent, {"split": {"all": names}, "annotations": [{**one, "frame_dir": n} for n in names]}
    )

    def run(seed: int) -> list[list[bytes]]:
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        dataset = HeatmapDataset(path, None, "posec3d-train")
        return seeds(DataLoader(dataset, batch_size=2, generator=generator, collate_fn=list, **loading), epochs=2)

    first, second = run(1)
    assert len({*first, *second}) == 12
    assert run(1) == [first, second]
    assert not {*first, *second} & {one for epoch in run(2) for one in epoch}


def test_a_generator_of_ones_own(dataset_file: Path):
    def run(seed: int) -> list[bytes]:
        dataset = HeatmapDataset(dataset_file, "train", "posec3d-train", generator=torch.Generator().manual_seed(seed))
        return [dataset[i % 4].volume.keypoint.tobytes() for i in range(8)]

    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert run(1) == run(1) != run(2)
    assert torch.equal(torch.get_rng_state(), before)


def test_memory_is_reused_only_when_no_tensor_has_it(dataset_file: Path):
    dataset = HeatmapDataset(dataset_file, "val", "posec3d-val")
    first, second = ([dataset[i]] for i in range(2))
    expected = [collate(samples)[0] for samples in (first, second)]
    draw = HeatmapCollate()

    imgs, _ = draw(first)
    view, place = imgs.flatten(0, 1)[:, 5], imgs.data_ptr()
    del imgs
    others = [draw(second)[0] for _ in range(3)]  # as a list keeps them
    assert len({place, *(other.data_ptr() for other in others)}) == 4
    assert torch.equal(view, expected[0].flatten(0, 1)[:, 5])
    assert all(torch.equal(other, expected[1]) for other in others)

    places = set()
    for _ in range(4):  # as a training loop does
        for samples, right in zip((first, second), expected, strict=True):
            imgs, _ = draw(samples)
            assert torch.equal(imgs, right)
            places.add(imgs.data_ptr())
            imgs += 1  # whatever is done to a batch, the next one begins with zeros
    assert len(places) == 2


def test_a_gradient_keeps_its_batch(dataset_file: Path):
    dataset = HeatmapDataset(dataset_file, "val", "posec3d-val")
    draw = HeatmapCollate()
    weight = torch.ones(1, requires_grad=True)
    sums = [(draw([dataset[0]])[0] * weight).sum() for _ in range(3)]
    expected = float(collate([dataset[0]])[0].sum())
    draw([dataset[1]])
    for one in sums:
        weight.grad = None
        one.backward()
        assert float(weight.grad) == pytest.approx(expected, rel=1e-4)


def test_workers_render_or_send_points(dataset_file: Path):
    dataset = HeatmapDataset(dataset_file, None, "posec3d-val")
    rendered = list(DataLoader(dataset, batch_size=4, num_workers=2, collate_fn=collate))
    points = list(map(collate, DataLoader(dataset, batch_size=4, num_workers=2, collate_fn=list)))
    assert [labels.tolist() for _, labels in rendered] == [[2, 0, 1, 2], [0, 4]]
    for (imgs, labels), (same_imgs, same_labels) in zip(rendered, points, strict=True):
        assert torch.equal(imgs, same_imgs)
        assert torch.equal(labels, same_labels)
        assert imgs.max() > 0.3


def test_no_worker_renders_on_a_gpu(dataset_file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    draw = HeatmapCollate(device="cuda")
    loader = DataLoader(HeatmapDataset(dataset_file, "val", "posec3d-val"), num_workers=1, collate_fn=draw)
    with pytest.raises(DeviceError, match=r"collate_fn=list.*map\(HeatmapCollate"):
        next(iter(loader))


def test_no_gpu_no_collate(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="finds no CUDA device"):
        HeatmapCollate(device="cuda")


def test_volumes_of_different_shapes_make_no_batch(dataset_file: Path):
    dataset = HeatmapDataset(dataset_file, "val", "view")
    with pytest.raises(InputError, match=r"clip_2 is \[60, 27, 64, 64\], clip_4 is \[100, .*UniformSampleFrames"):
        collate([dataset[0], dataset[1]])
    with pytest.raises(InputError, match="at least one sample"):
        collate([])


def test_an_unknown_split_lists_the_known_ones(dataset_file: Path):
    with pytest.raises(InputError, match=r"annotations\.pkl has no split 'test': it has train, val") as caught:
        HeatmapDataset(dataset_file, "test", "posec3d-test")
    assert caught.value.field == "split"


def test_an_unknown_preset_is_refused(dataset_file: Path):
    with pytest.raises(InputError, match="did you mean posec3d-train"):
        HeatmapDataset(dataset_file, "train", "posec3d-trian")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": None}, r"clip_1: the clip has no label: training needs a class index"),
        ({"label": -1}, "clip_1: the clip has no label"),
        ({"label": [1, 2]}, "must be a whole number, the class index, not list"),
        ({"keypoint": None}, r"annotations\[1\]\.keypoint \('clip_1'\) is missing"),
        ({"keypoint": "x"}, "must be a NumPy array"),
    ],
    ids=str,
)
def test_an_annotation_without_label_or_keypoints_is_refused(tmp_path: Path, change: dict[str, Any], message: str):
    content = annotations()
    content[1] |= change
    path = write(tmp_path, {"split": SPLIT, "annotations": content})
    with pytest.raises(InputError, match=message):
        HeatmapDataset(path, "train", "posec3d-train")
    assert len(HeatmapDataset(path, "val", "posec3d-val")) == 2  # other splits are not checked


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"img_shape": None}, "clip_1: img_shape is missing"),
        ({"keypoint_score": np.zeros((1, 2, 3))}, r"clip_1: keypoint_score is \[1, 2, 3\]"),
        ({"keypoint": np.full((1, 40, 27, 2), np.inf)}, r"clip_1: keypoint.* infinite"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_invalid_clip_is_reported_by_its_name(tmp_path: Path, change: dict[str, Any], message: str):
    content = annotations()
    content[1] |= change
    path = write(tmp_path, {"split": SPLIT, "annotations": content})
    with pytest.raises(InputError, match=message):
        HeatmapDataset(path, "train", "posec3d-train")


@pytest.mark.parametrize(
    ("content", "split", "message"),
    [
        ({"split": SPLIT}, "train", "not an annotation file"),
        (3, None, "not an annotation file"),
        ([3], None, r"annotations\[0\] must be a dict"),
        (annotations(), "train", "has no splits, and so no split 'train': use split=None"),
        ({"split": {"train": []}, "annotations": annotations()}, "train", "split 'train' has no clips"),
        ({"split": {"train": 3}, "annotations": annotations()}, "train", "must be a list of names"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_other_pickles_are_refused(tmp_path: Path, content: Any, split: str | None, message: str):
    with pytest.raises(InputError, match=message):
        HeatmapDataset(write(tmp_path, content), split, "posec3d-train")


def test_a_bare_list_is_a_dataset(tmp_path: Path):
    assert len(HeatmapDataset(write(tmp_path, annotations()), None, "posec3d-val")) == 6


def test_names_without_clips_are_warned_of(tmp_path: Path):
    path = write(tmp_path, {"split": {"train": ["clip_1", "clip_9"]}, "annotations": annotations()})
    with pytest.warns(UserWarning, match="has 1 names without a clip in the file, such as 'clip_9'") as caught:
        assert len(HeatmapDataset(path, "train", "posec3d-train")) == 1
    assert caught[0].filename == __file__


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("executed",)


def test_nothing_of_the_pickle_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="the pickle is refused"):
        HeatmapDataset(write(tmp_path, {"split": SPLIT, "annotations": [Hostile()]}), "train", "posec3d-train")
    assert not Path("executed").exists()


def test_the_pickle_is_in_memory_once(tmp_path: Path):
    """Sixty megabytes of keypoints; the process grows by little more, and not again with its forked workers."""
    random = np.random.default_rng(0)
    one = annotations()[0]
    keypoint = random.uniform(0, 500, (1, 2000, 27, 2)).astype(np.float16)
    score = np.ones((1, 2000, 27), np.float16)
    many = [
        {**one, "frame_dir": str(i), "total_frames": 2000, "keypoint": keypoint + i, "keypoint_score": score + 0}
        for i in range(190)
    ]
    path = write(tmp_path, {"split": {}, "annotations": many})
    size = path.stat().st_size
    assert size > 60_000_000
    code = f"""
from heatsvc.torch import HeatmapDataset
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024
before = peak()
dataset = HeatmapDataset({str(path)!r}, None, "posec3d-train")
print(peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # The pages of the file itself count for the process as long as they are mapped.
    assert int(done.stdout) < 2.2 * size


def test_a_missing_torch_is_reported():
    code = "import sys; sys.modules['torch'] = None\nimport heatsvc\nheatsvc.torch"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'heatsvc[torch]'" in done.stderr


def test_classes_can_be_weighted(dataset_file: Path):
    """The labels are there for samplers, before anything is loaded."""
    dataset = HeatmapDataset(dataset_file, None, "posec3d-train")
    counts = torch.bincount(dataset.labels, minlength=dataset.num_classes)
    assert counts.tolist() == [Counter(LABELS.values())[label] for label in range(5)]


def test_a_dataset_can_be_pickled(dataset_file: Path):
    assert "spawn" in multiprocessing.get_all_start_methods()
    dataset = pickle.loads(pickle.dumps(HeatmapDataset(dataset_file, "train", "posec3d-val")))
    assert dataset[0].volume.shape == (1, 27, 48, 64, 64)
