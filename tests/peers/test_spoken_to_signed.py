"""600 real clips of 20 signed languages become a dataset: MediaPipe's files, a table that is not KETI's."""

from __future__ import annotations

import csv
import pickle
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from pose_format import Pose

from heatsvc.annotation.build import BuildResult, build
from heatsvc.annotation.errors import FaultsError
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from tests.serving import ROOT

pytestmark = pytest.mark.slow

LEXICON = ROOT / "benchmarks" / "peers" / ".spoken" / "spoken_to_signed" / "assets" / "fingerspelling_lexicon"
WORDS = {"columns": {"name": "path", "label": "words"}, "dtype": "float32"}
# French fingerspelling is American: 26 clips stand in the table under both languages.
TEST = ["ase", "fsl"]
# The wrists of sign27 are points 15 and 16 of MediaPipe's pose.
WRISTS = {5: 15, 6: 16}


def made(folder: Path, train: str | list[str], test: str | list[str]) -> BuildResult:
    """The dataset, split by language."""
    table = LEXICON / "index.csv"
    assert table.exists(), "the clips are not installed: run benchmarks/peers/install_spoken.sh"
    options = AnnotationOptions.model_validate(WORDS | {"split": {"signed_language": {"train": train, "test": test}}})
    return build(Inputs(folder=LEXICON, labels=(InputFile("index.csv", table),)), options, folder)


@pytest.mark.peer("spoken")
def test_600_clips_become_a_dataset(tmp_path: Path):
    with (LEXICON / "index.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    rows = {row["path"].removesuffix(".pose"): row for row in table}
    languages = {row["signed_language"] for row in table}
    assert (len(table), len(rows), len(languages)) == (626, 600, 20)
    built = made(tmp_path, sorted(languages - set(TEST)), TEST)
    assert built.report["faults"] == []
    content = pickle.loads((tmp_path / "annotations.pkl").read_bytes())
    assert len(content["annotations"]) == 600
    assert {split: len(names) for split, names in content["split"].items()} == {"train": 574, "test": 26}
    assert all(rows[name]["signed_language"] in TEST for name in content["split"]["test"])
    words = {name: unicodedata.normalize("NFC", row["words"].strip()) for name, row in rows.items()}
    classes = sorted(set(words.values()))
    for one in content["annotations"]:
        assert classes[one["label"]] == words[one["frame_dir"]]
        assert one["keypoint"].shape == (1, one["total_frames"], 27, 2)
        assert one["img_shape"] == (500, 500)
    for one in content["annotations"][::75]:
        body = Pose.read((LEXICON / f"{one['frame_dir']}.pose").read_bytes()).body
        for point, place in WRISTS.items():
            seen = body.confidence[:, 0, place] > 0
            np.testing.assert_allclose(
                one["keypoint"][0, seen, point], np.asarray(body.data)[seen, 0, place, :2], rtol=1e-6
            )


@pytest.mark.peer("spoken")
def test_clips_of_two_languages_are_a_leak_where_these_are_split(tmp_path: Path):
    with pytest.raises(FaultsError, match=r"26 videos.*in_two_splits"):
        made(tmp_path, "!=ase", "ase")
