"""AIHub's sign language sets (NIASL) from the folder tree to a trained epoch; all numbers are made up.

The tree is that of the archives as they are unpacked: ``1.Training/[라벨]01_real_word_keypoint/01`` has a folder for
each video, with a file for each frame; ``[라벨]01_real_word_morpheme/morpheme/01`` has a label for each video.
"""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import heatsvc
from heatsvc.annotation.build import build
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.cli.main import main
from heatsvc.pose.archives.frames import is_label_beside_frames
from heatsvc.pose.layouts import get_layout
from heatsvc.torch import HeatmapCollate, HeatmapDataset
from tests.api.client import PIPELINE, Client
from tests.cases.test_archives import encoded_zip
from tests.pose.readers.samples import zipped

WORDS = ("감사", "고민", "여기")
SIGNERS = ("REAL01", "REAL02", "REAL03", "REAL11")
VIEWS = "DFLRU"
FRAMES = 6
OPTIONS = {"img_shape": [1080, 1920]}
BY_SIGNER = {"signer": {"train": "<=3", "val": ">10"}}
PATTERN = "NIA_SL_{word}_REAL{signer}_{view}"
# In the order of coco_wholebody, from which sign27 is taken: nose, shoulders, elbows, wrists.
BODY_25 = (0, 5, 2, 6, 3, 7, 4)
HAND = (0, 4, 5, 8, 9, 12, 13, 16, 17, 20)


def name_of(word: int, signer: str, view: str) -> str:
    return f"NIA_SL_WORD{word + 1:04d}_{signer}_{view}"


def points(word: int, signer: str, view: str, t: int) -> dict[str, np.ndarray]:
    """[V, 3] of each part: the hands circle as the word says, the body stands as the signer and the camera do."""
    left = 700 + 40 * VIEWS.index(view) + 5 * SIGNERS.index(signer)
    angle = 2 * math.pi * t / FRAMES
    moves = ((90 * math.cos(angle), 0), (0, 90 * math.sin(angle)), (90 * math.cos(angle), 90 * math.sin(angle)))[word]

    def part(count: int, x: float, y: float) -> np.ndarray:
        i = np.arange(count)
        return np.stack([x + 9.25 * (i % 5), y + 8.5 * (i // 5), 0.5 + i / 200], axis=1).round(3)

    return {
        "pose_keypoints_2d": part(25, left, 300),
        "face_keypoints_2d": part(70, left, 200),
        "hand_left_keypoints_2d": part(21, left + 200 + moves[0], 600 + moves[1]),
        "hand_right_keypoints_2d": part(21, left - 150 - moves[0], 600 + moves[1]),
    }


def frame(word: int, signer: str, view: str, t: int) -> bytes:
    """A frame in AIHub's form: one person as an object, 3D parts of four numbers a point, and the camera as text."""
    person: dict[str, Any] = {"person_id": -1}
    parts = points(word, signer, view, t)
    for part, numbers in parts.items():
        person[part] = numbers.ravel().tolist()
    for part, numbers in parts.items():
        person[part.replace("_2d", "_3d")] = np.insert(numbers / 1000, 2, 1.5, axis=1).ravel().tolist()
    camera = {"CameraID": 1, "CameraMatrix": "<3 x 4 numbers>", "Intrinsics": "", "Distortion": ""}
    return json.dumps({"version": 1.3, "people": person, "camparam": camera}).encode()


def label(word: int, signer: str, view: str) -> bytes:
    name = f"{name_of(word, signer, view)}.mp4"
    metadata = {"url": f"https://videos.example/{name}", "name": name, "duration": 0.2, "exportedOn": "2020/12/10"}
    data = [{"start": 0.03, "end": 0.17, "attributes": [{"name": WORDS[word]}]}]
    return json.dumps({"metaData": metadata, "data": data}, ensure_ascii=False).encode()


def videos() -> Iterator[tuple[int, str, str]]:
    for signer in SIGNERS:
        for word in range(len(WORDS)):
            for view in VIEWS:
                yield word, signer, view


def tree(top: str = "수어 영상/1.Training/") -> dict[str, bytes]:
    """Every file by its path."""
    files = {}
    for video in videos():
        name, signer = name_of(*video), video[1][-2:]
        for t in range(FRAMES):
            folder = f"{top}[라벨]{signer}_real_word_keypoint/{signer}/{name}"
            files[f"{folder}/{name}_{t:012d}_keypoints.json"] = frame(*video, t)
        folder = f"{top}[라벨]01_real_word_morpheme/morpheme/{signer}"
        files[f"{folder}/{name}_morpheme.json"] = label(*video)
    return files


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("niasl"), tree())


@pytest.fixture(scope="module")
def dataset(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pickle, by the command line from the whole tree, with the labels that lie in it."""
    target = tmp_path_factory.mktemp("built") / "NIASL.pkl"
    options = json.dumps({"split": BY_SIGNER, "name_pattern": PATTERN})
    arguments = ["--keypoints", folder, "--img-shape", 1080, 1920, "--options", options, "--jobs", 1, "-o", target]
    assert main(["annotate", *map(str, arguments)]) == 0
    return target


def test_the_tree_is_a_dataset(dataset: Path) -> None:
    content = pickle.loads(dataset.read_bytes())
    names = {name_of(*video): video for video in videos()}
    assert {clip["frame_dir"]: clip["label"] for clip in content["annotations"]} == {
        name: word for name, (word, _, _) in names.items()
    }
    assert json.loads((dataset.with_suffix("") / "label_map.json").read_text()) == {"감사": 0, "고민": 1, "여기": 2}
    assert content["split"] == {
        "train": [name for name in sorted(names) if "REAL11" not in name],
        "val": [name for name in sorted(names) if "REAL11" in name],
    }
    assert {clip["img_shape"] for clip in content["annotations"]} == {(1080, 1920)}


def test_points_are_selected_by_name(dataset: Path) -> None:
    content = pickle.loads(dataset.read_bytes())
    for clip in content["annotations"]:
        for video in videos():
            if name_of(*video) == clip["frame_dir"]:
                parts = [points(*video, t) for t in range(FRAMES)]
                right = np.array(
                    [
                        np.concatenate(
                            [
                                part["pose_keypoints_2d"][list(BODY_25)],
                                part["hand_left_keypoints_2d"][list(HAND)],
                                part["hand_right_keypoints_2d"][list(HAND)],
                            ]
                        )
                        for part in parts
                    ]
                )
                assert clip["keypoint"].shape == (1, FRAMES, 27, 2)
                np.testing.assert_array_equal(clip["keypoint"][0], right[..., :2].astype(np.float16))
                np.testing.assert_array_equal(clip["keypoint_score"][0], right[..., 2].astype(np.float16))
                break
        else:
            raise AssertionError(clip["frame_dir"])


def test_an_epoch_of_training(dataset: Path) -> None:
    """A tiny 3D convolution learns the three words from the signers of one split, and is tried on the other's."""
    torch.manual_seed(0)
    train = HeatmapDataset(dataset, "train", "posec3d-train")
    assert (len(train), train.num_classes) == (45, 3)
    model = torch.nn.Sequential(
        torch.nn.Conv3d(27, 8, (3, 5, 5), stride=(2, 4, 4)),
        torch.nn.ReLU(),
        torch.nn.Conv3d(8, 16, (3, 3, 3), stride=(2, 2, 2)),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool3d((2, 3, 3)),
        torch.nn.Flatten(),
        torch.nn.LazyLinear(3),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for imgs, labels in DataLoader(train, batch_size=9, shuffle=True, collate_fn=HeatmapCollate()):
        assert imgs.shape[:3] == (9, 1, 27)
        loss = torch.nn.functional.cross_entropy(model(imgs[:, 0]), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert len(losses) == 5
    assert all(map(math.isfinite, losses))
    model.eval()
    samples = HeatmapDataset(dataset, "train", "posec3d-train", test_mode=True)
    with torch.no_grad():
        imgs, labels = HeatmapCollate()([samples[i] for i in range(len(samples))])
        after = float(torch.nn.functional.cross_entropy(model(imgs[:, 0]), labels))
    assert after < losses[0]


# --- labels in the tree ---


def built(folder: Path, inputs: Inputs, **options: Any) -> dict[str, Any]:
    return build(
        inputs, AnnotationOptions.model_validate(OPTIONS | {"split": {"random": {"all": 1}}} | options), folder
    ).report


def small(top: str = "") -> dict[str, bytes]:
    return {name: data for name, data in tree(top).items() if "WORD0001_REAL01" in name}


def test_labels_in_the_tree_are_reported_and_not_taken_for_keypoints(tmp_path: Path) -> None:
    report = built(tmp_path / "out", Inputs(folder=written(tmp_path / "in", small())))
    assert (report["summary"]["clips"], report["faults"]) == (5, [])
    assert report["notes"] == [
        "the labels are from 5 files of labels among the keypoint files, such as "
        "[라벨]01_real_word_morpheme/morpheme/01/NIA_SL_WORD0001_REAL01_D_morpheme.json, since no other labels "
        "were given"
    ]
    assert report["labels"][0]["format"] == "JSON of AIHub, morpheme.json"


def test_a_label_beside_the_frames(tmp_path: Path) -> None:
    name = name_of(0, "REAL01", "F")
    files = {f"{name}_{t:012d}_keypoints.json": frame(0, "REAL01", "F", t) for t in range(2)}
    files["morpheme.json"] = label(0, "REAL01", "F")
    for place in ("", f"{name}/"):
        given = written(tmp_path / f"in{len(place)}", {place + one: data for one, data in files.items()})
        report = built(tmp_path / f"out{len(place)}", Inputs(folder=given))
        assert (report["summary"]["clips"], report["faults"]) == (1, [])


def test_one_folder_given_as_keypoints_and_as_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = written(tmp_path / "in", small())
    arguments = ["--keypoints", folder, "--labels", folder, "--img-shape", "1080", "1920", "--check"]
    assert main(["annotate", *map(str, arguments)]) == 0
    assert "among the keypoint files" not in capsys.readouterr().out


def test_other_labels_are_preferred_and_those_in_the_tree_reported(tmp_path: Path) -> None:
    names = [name_of(0, "REAL01", view) for view in VIEWS]
    (tmp_path / "labels.csv").write_text("name,label\n" + "".join(f"{name},x\n" for name in names))
    inputs = Inputs(
        folder=written(tmp_path / "in", small()), labels=(InputFile("labels.csv", tmp_path / "labels.csv"),)
    )
    report = built(tmp_path / "out", inputs)
    assert (report["summary"]["clips"], report["classes"][0]["label"], report["faults"]) == (5, "x", [])
    [note] = report["notes"]
    assert note.endswith("were not read, since other labels were given: remove those to use these")


def test_no_labels_anywhere(tmp_path: Path) -> None:
    files = {name: data for name, data in small().items() if not is_label_beside_frames(name)}
    with pytest.raises(AnnotationError, match=r"labels are missing: .* with the morpheme\.json files of AIHub"):
        built(tmp_path / "out", Inputs(folder=written(tmp_path / "in", files)))


def test_an_uploaded_archive_of_the_tree(tmp_path: Path) -> None:
    """Names in CP949, as Windows packs them, and no labels but those in it."""
    sent = {name.encode("cp949"): data for name, data in small("수어 영상/1.Training/").items()}
    (tmp_path / "sent").write_bytes(encoded_zip(sent))
    split = {"view": {"front": "F", "others": ["D", "L", "R", "U"]}}
    inputs = Inputs(keypoints=(InputFile("WORD.zip", tmp_path / "sent"),))
    report = built(tmp_path / "out", inputs, split=split, select="coco17")
    content = pickle.loads((tmp_path / "out" / "annotations.pkl").read_bytes())
    assert content["split"]["front"] == [name_of(0, "REAL01", "F")]
    assert [clip["keypoint"].shape for clip in content["annotations"]] == [(1, FRAMES, 17, 2)] * 5
    right = points(0, "REAL01", "D", 0)["pose_keypoints_2d"][0, :2]
    assert content["annotations"][0]["keypoint"][0, 0, 0].tolist() == right.astype(np.float16).tolist()
    assert "were read as CP949 (Korean)" in report["notes"][0]
    assert "the labels are from 5 files of labels" in report["notes"][1]


def test_a_label_beside_the_frames_is_no_clip_of_heatmap(client: Client) -> None:
    files = {name: data for name, data in small().items() if "_F_" in name}
    [clip] = heatsvc.read(zipped(files), img_shape=(1080, 1920))
    assert (clip.frame_dir, clip.frames, get_layout("sign27").indices_in(clip.layout)[:7]) == (
        name_of(0, "REAL01", "F"),
        FRAMES,
        BODY_25,
    )
    assert (
        client.post_files({"one.zip": zipped(files)}, {**OPTIONS, "pipeline": PIPELINE, "select": [0]}).array().shape[0]
        == FRAMES
    )
