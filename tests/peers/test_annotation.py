"""A pickle and its configs, as those programs take them that they are written for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from heatsvc.annotation.annotation_pickle import encode_annotation, encode_header, encode_splits
from heatsvc.annotation.configs.formats import configs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.statistics import ClipStatistics, DatasetStatistics
from heatsvc.pipeline import parse_pipeline
from heatsvc.pose.layouts import COCO_WHOLEBODY, SIGN27
from heatsvc.pose.readers import ReadOptions, read
from heatsvc.render.array import render_array
from tests.peers.conftest import Ask

pytestmark = pytest.mark.slow

SIGNING = Path(__file__).parents[1] / "data" / "poses" / "ase_FIRE_wholebody133.npy"
SPLITS = {"train": ["clip_0", "zeros"], "test": ["clip_1", "clip_2", "clip_3"]}
LABELS = {"clip_0": 0, "zeros": 1, "clip_1": 1, "clip_2": 2, "clip_3": 0}


def signing() -> dict[str, np.ndarray]:
    """[1, T, 27, 3] by name: real signing of more frames than a volume's 48, of fewer and of as many, and zeros."""
    points = np.load(SIGNING)[None][:, :, SIGN27.indices_in(COCO_WHOLEBODY)]
    return {
        "clip_0": points,
        "zeros": np.zeros((1, 109, 27, 3), np.float32),
        "clip_1": points[:, :30],
        "clip_2": points[:, 10:58],
        "clip_3": points[:, 5:80],
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The pickle and its configs."""
    fragments = [
        encode_annotation(
            name, LABELS[name], (1080, 1920), *(part.astype(np.float16) for part in (clip[..., :2], clip[..., 2]))
        )
        for name, clip in signing().items()
    ]
    (tmp_path / "annotations.pkl").write_bytes(encode_header("float16") + b"".join(fragments) + encode_splits(SPLITS))
    facts = DatasetStatistics(
        options=AnnotationOptions(),
        clips=[ClipStatistics(name, label, "train") for name, label in LABELS.items()],
        splits=list(SPLITS),
        classes=("10", "논", "화재"),
        faults=(),
        filtered={},
        files=4,
        labeled=5,
        points=27,
        layout=SIGN27,
        img_shape=(1080, 1920),
    )
    for name, text in configs(facts, "annotations.pkl").items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.peer("numpy1")
def test_numpy_1_23_and_nothing_else_loads_the_pickle(ask: Ask, folder: Path) -> None:
    reported = ask("numpy1", "read_pickle.py", folder / "annotations.pkl")
    assert reported["numpy"] == "1.23.5"
    assert reported["others"] == []
    assert reported["split"] == SPLITS
    for clip, (name, points) in zip(reported["annotations"], signing().items(), strict=True):
        frames = points.shape[1]
        written = points.astype(np.float16).astype(np.float64)
        assert clip == {
            "frame_dir": name,
            "label": LABELS[name],
            "img_shape": [1080, 1920],
            "original_shape": [1080, 1920],
            "total_frames": frames,
            "num_person_raw": 1,
            "keypoint": ["float16", [1, frames, 27, 2], pytest.approx(written[..., :2].sum()), True],
            "keypoint_score": ["float16", [1, frames, 27], pytest.approx(written[..., 2].sum()), True],
        }


@pytest.mark.peer("mmaction2")
def test_all_configs_parse(ask: Ask, folder: Path) -> None:
    names = ["pyskl_keypoint.py", "pyskl_limb.py", "mmaction2_keypoint.py", "mmaction2_limb.py"]
    assert ask("mmaction2", "parse_configs.py", *(folder / name for name in names)) == {
        name: {
            "ann_file": "annotations.pkl",
            "in_channels": channels,
            "num_classes": 3,
            "batch": batch,
            "splits": ["train", "test", "test"],
        }
        for name, channels, batch in zip(names, (27, 26, 27, 26), (32, 32, 16, 16), strict=True)
    }


@pytest.mark.peer("mmaction2")
@pytest.mark.parametrize(("what", "channels", "within"), [("keypoint", 27, 2e-6), ("limb", 26, 2e-5)])
def test_mmaction2_trains_on_what_the_service_draws(
    ask: Ask, folder: Path, what: str, channels: int, within: float
) -> None:
    """Its PoseDataset and PoseC3D pipelines run on the pickle, and what does not hang on chance is what we draw.

    Of a clip of more than 48 frames MMAction2 samples other frames than PYSKL: it takes fewer random numbers.
    """
    reported = ask("mmaction2", "load_dataset.py", folder / f"mmaction2_{what}.py", folder)
    assert reported["PoseDataset"] == "mmaction.datasets.pose_dataset"
    assert reported["train"] == {"length": 20, "clips": [[[1, channels, 48, 56, 56], label] for label in (0, 1)]}
    assert reported["val"] == {"length": 3, "clips": [[[1, channels, 48, 64, 64], label] for label in (1, 2, 0)]}
    assert reported["test"] == {"length": 3, "clips": [[[20, channels, 48, 64, 64], label] for label in (1, 2, 0)]}
    assert np.load(folder / "train_0.npz")["value"].max() > 0.5
    assert not np.load(folder / "train_1.npz")["value"].size
    suffix = "" if what == "keypoint" else "-limb"
    data = (folder / "annotations.pkl").read_bytes()
    for part in ("val", "test"):
        for i, name in enumerate(["clip_1", "clip_2"]):
            [clip] = read(data, options=ReadOptions(frame_dirs=[name]))
            ours = render_array(parse_pipeline(f"posec3d-{part}{suffix}").run(clip)).reshape(-1)
            with np.load(folder / f"{part}_{i}.npz") as theirs:
                np.testing.assert_allclose(ours[theirs["index"]], theirs["value"], rtol=0, atol=within)
                ours[theirs["index"]] = 0
            assert ours.max() <= within
