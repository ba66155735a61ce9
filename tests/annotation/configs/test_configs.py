"""Training configs: what they contain for a dataset, as the programs that run them read it."""

import ast
from dataclasses import replace

import numpy as np
import pytest

import heatsvc
from heatsvc.annotation.artifacts import MEDIA_TYPES
from heatsvc.annotation.configs.formats import CONFIGS, config, configs
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.annotation.statistics import SCORE_BINS, DatasetStatistics
from heatsvc.kernels import KERNELS
from heatsvc.pose.layouts import LAYOUTS, get_layout

KEYPOINT = ["pyskl_keypoint.py", "mmaction2_keypoint.py"]
LIMB = ["pyskl_limb.py", "mmaction2_limb.py"]


def dataset(layout="sign27", splits=("train", "test"), points=27) -> DatasetStatistics:
    return DatasetStatistics(
        options=AnnotationOptions(),
        clips=(),
        splits=splits,
        classes=("10", "논", "화재"),
        faults=(),
        filtered={},
        files=0,
        labeled=0,
        points=len(get_layout(layout).points) if layout else points,
        layout=get_layout(layout) if layout else None,
        img_shape=(1080, 1920),
        score_histogram=np.zeros((points, SCORE_BINS), np.int64),
    )


def run(kind, facts=None, pickle_name="KETI.pkl") -> dict:
    """What the config defines."""
    values: dict = {}
    exec(compile(config(kind, facts or dataset(), pickle_name), kind, "exec"), values)
    del values["__builtins__"]
    return values


def splits(kind, facts) -> tuple[str, str, str]:
    values = run(kind, facts)
    if "data" in values:
        data = values["data"]
        return data["train"]["dataset"]["split"], data["val"]["split"], data["test"]["split"]
    train = values["train_dataloader"]["dataset"]["dataset"]["split"]
    return train, values["val_dataloader"]["dataset"]["split"], values["test_dataloader"]["dataset"]["split"]


def test_each_config_is_an_artifact():
    assert list(CONFIGS) == [name for name in MEDIA_TYPES if name.endswith(".py")]


@pytest.mark.parametrize(
    ("kind", "pipeline"),
    [
        ("pyskl_keypoint.py", "posec3d-train, posec3d-val, posec3d-test"),
        ("mmaction2_limb.py", "posec3d-train-limb, posec3d-val-limb, posec3d-test-limb"),
    ],
)
def test_they_say_what_made_them(kind, pipeline):
    made = {"software": "heatsvc", "version": heatsvc.__version__, "kernels": KERNELS.name, "pipeline": pipeline}
    assert run(kind)["provenance"] == made
    rule = AnnotationOptions(split={"random": {"train": 0.8, "test": 0.2}, "seed": 7})
    assert run(kind, replace(dataset(), options=rule))["provenance"] == {**made, "seed": "7"}


@pytest.mark.parametrize("kind", CONFIGS)
def test_they_name_the_pickle_and_count_classes_and_channels(kind):
    values = run(kind)
    assert values["ann_file"] == "KETI.pkl"
    assert values["model"]["cls_head"]["num_classes"] == 3
    assert values["model"]["backbone"]["in_channels"] == (26 if "limb" in kind else 27)


@pytest.mark.parametrize("kind", CONFIGS)
def test_left_and_right_of_sign27(kind):
    values = run(kind)
    assert values["left_kp"] == [1, 3, 5, *range(7, 17)]
    assert values["right_kp"] == [2, 4, 6, *range(17, 27)]


@pytest.mark.parametrize("kind", LIMB)
def test_limbs_of_coco17_and_their_mirror_images(kind):
    values = run(kind, dataset("coco17"))
    assert values["skeletons"][:4] == [[0, 1], [0, 2], [1, 3], [2, 4]]
    assert values["left_limb"] == [0, 2, 4, 5, 6, 10, 11, 12]
    assert values["right_limb"] == [1, 3, 7, 8, 9, 13, 14, 15]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", LIMB)
def test_mirrored_limbs_join_mirrored_points(layout, kind):
    values = run(kind, dataset(layout))
    # One hand has no left and right points.
    left_kp, right_kp = values.get("left_kp", []), values.get("right_kp", [])
    partner = dict(zip(left_kp + right_kp, right_kp + left_kp, strict=True))
    limbs = [{*limb} for limb in values["skeletons"]]
    for left, right in zip(values["left_limb"], values["right_limb"], strict=True):
        assert {partner.get(point, point) for point in limbs[left]} == limbs[right]


def test_batches():
    assert run("pyskl_keypoint.py")["data"]["videos_per_gpu"] == 32
    assert run("mmaction2_keypoint.py")["train_dataloader"]["batch_size"] == 16


@pytest.mark.parametrize(
    ("kind", "last"), [("pyskl_keypoint.py", ["Collect", "ToTensor"]), ("mmaction2_keypoint.py", ["PackActionInputs"])]
)
def test_pipelines(kind, last):
    values = run(kind)
    names = {part: [step["type"] for step in values[f"{part}_pipeline"]] for part in ("train", "val", "test")}
    first = ["UniformSampleFrames", "PoseDecode", "PoseCompact", "Resize"]
    rendered = ["GeneratePoseTarget", "FormatShape", *last]
    assert names["train"] == [*first, "RandomResizedCrop", "Resize", "Flip", *rendered]
    assert names["val"] == names["test"] == [*first, *rendered]
    test = {step["type"]: step for step in values["test_pipeline"]}
    assert test["UniformSampleFrames"]["clip_len"] == 48
    assert test["UniformSampleFrames"]["num_clips"] == 10
    assert test["GeneratePoseTarget"]["double"] is True
    assert test["GeneratePoseTarget"]["left_kp"] == values["left_kp"]
    assert test["FormatShape"]["input_format"] == "NCTHW_Heatmap"


@pytest.mark.parametrize("kind", LIMB)
def test_limbs_are_rendered_and_mirrored_by_limb(kind):
    values = run(kind)
    for part in ("train", "val", "test"):
        [target] = [step for step in values[f"{part}_pipeline"] if step["type"] == "GeneratePoseTarget"]
        assert (target["with_kp"], target["with_limb"]) == (False, True)
        assert target["skeletons"] == values["skeletons"]
    assert target["left_limb"] == values["left_limb"]
    assert target["right_limb"] == values["right_limb"]


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("train", "test"), ("train", "test", "test")),
        (("train", "val"), ("train", "val", "val")),
        (("test", "val", "train"), ("train", "val", "test")),
        (("xsub_val", "xsub_train"), ("xsub_train", "xsub_val", "xsub_val")),
        (("train1", "dev", "test1"), ("train1", "dev", "test1")),
        (("ase", "gsg"), ("ase", "gsg", "gsg")),
        (("all",), ("all", "all", "all")),
        (("학습", "응답'\"\n{{fileDirname}}"), ("학습", "응답'\"\n{{fileDirname}}", "응답'\"\n{{fileDirname}}")),
    ],
)
def test_splits_by_their_real_names(kind, names, chosen):
    assert splits(kind, dataset(splits=names)) == chosen


@pytest.mark.parametrize("kind", CONFIGS)
def test_names_are_text_and_never_code(kind):
    name = "a'\nimport os\n{{fileDirname}}.pkl"
    text = config(kind, dataset(), name)
    assert text.isascii()
    assert "{{" not in text
    assert not any(isinstance(node, ast.Import) for node in ast.walk(ast.parse(text)))
    assert run(kind, pickle_name=name)["ann_file"] == name


@pytest.mark.parametrize("kind", KEYPOINT)
def test_unknown_points_are_never_mirrored(kind):
    values = run(kind, dataset(layout=None, points=5))
    assert values["model"]["backbone"]["in_channels"] == 5
    assert "Flip" not in [step["type"] for step in values["train_pipeline"]]
    assert not any("double" in step for step in values["test_pipeline"])
    assert "left_kp" not in values


def test_unknown_points_have_no_config_for_limbs():
    facts = dataset(layout=None, points=5)
    assert list(configs(facts, "KETI.pkl")) == KEYPOINT
    assert list(configs(dataset(), "KETI.pkl")) == list(CONFIGS)
    with pytest.raises(AnnotationError, match="needs a layout with limbs"):
        config("pyskl_limb.py", facts, "KETI.pkl")


@pytest.mark.parametrize("kind", CONFIGS)
def test_tidy(kind):
    text = config(kind, dataset("coco_wholebody"), "annotations.pkl")
    assert max(map(len, text.splitlines())) <= 120
    assert text.startswith("# PoseConv3D (SlowOnly-R50)")
    assert "\n\n\n" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
