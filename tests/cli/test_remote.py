"""`heatsvc draw --url`: heatmaps by a service."""

from __future__ import annotations

import os
import pickle
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import heatsvc
from heatsvc.cli.main import main
from tests.cli.command import CLIP, OF_CLIP, PICKLE, files_in, line_of
from tests.serving import free_port, served


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("service"), HEATSVC_API_KEYS="open-sesame") as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, and the key of the service."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEATSVC_API_KEY", "open-sesame")
    return tmp_path


def test_the_service_draws_what_the_library_draws(folder: Path, url: str):
    assert main(["draw", *OF_CLIP, "--pipeline", "posec3d-val", "--dtype", "float16", "--url", url, "-o", "a.npy"]) == 0
    expected = heatsvc.draw(CLIP, "posec3d-val", img_shape=(1080, 1920), select="sign27", dtype="float16")
    np.testing.assert_array_equal(np.load(folder / "a.npy"), expected)


def test_several_files_to_a_folder(folder: Path, url: str):
    (folder / "in" / "day1").mkdir(parents=True)
    shutil.copy(CLIP, folder / "in" / "day1" / "clip.npy")
    shutil.copy(PICKLE, folder / "in" / "letters.pkl")
    assert main(["draw", "in", "--img-shape", "1080", "1920", "--url", url, "-o", "out/"]) == 0
    assert files_in(folder / "out") == ["ase_A.npy", "ase_F.npy", "ase_Z.npy", "day1/clip.npy"]


def test_a_pickle_to_one_file(folder: Path, url: str):
    assert main(["draw", str(PICKLE), "--url", url, "-o", "all.npz"]) == 0
    assert {name: imgs.shape for name, imgs in np.load(folder / "all.npz").items()} == {
        "ase_A": (21, 27, 64, 64),
        "ase_F": (24, 27, 64, 64),
        "ase_Z": (24, 27, 64, 64),
    }


def test_a_picture(folder: Path, url: str):
    assert main(["draw", *OF_CLIP, "--mode", "joint", "--skeleton", "--url", url, "-o", "a.gif"]) == 0
    assert main(["draw", *OF_CLIP, "--mode", "joint", "--skeleton", "-o", "b.gif"]) == 0
    assert (folder / "a.gif").read_bytes() == (folder / "b.gif").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        ([str(PICKLE), "-o", "a.npy"], 2, "3 clips do not fit into one .npy"),
        ([*OF_CLIP, "-o", "a.safetensors"], 2, "with --url the output is .npy, .npz, .png, .webp, .gif, .mp4"),
        (["-", "-o", "a.npy"], 2, "with --url standard input is not read"),
        (
            [str(CLIP), "-o", "a.npy"],
            1,
            "clip.npy: --img-shape is missing: set it to the video frame's height and width",
        ),
        ([*OF_CLIP, "--api-key", "shut", "-o", "a.npy"], 1, "give --api-key, or set HEATSVC_API_KEY"),
        ([*OF_CLIP, "-o", f"{CLIP.parent}/"], 1, "clip.npy is an input and would be overwritten"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    arguments: list[str], status: int, why: str, folder: Path, url: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["draw", *arguments, "--url", url]) == status
    line = line_of(capsys.readouterr().err)
    assert line.startswith("heatsvc draw: ")
    assert why in line
    assert files_in(folder) == []


@pytest.mark.parametrize("wrong", ["ftp://127.0.0.1", "here"])
def test_a_wrong_url(wrong: str, capsys: pytest.CaptureFixture[str]):
    assert main(["draw", *OF_CLIP, "--url", wrong, "-o", "a.npy"]) == 2
    assert line_of(capsys.readouterr().err).startswith("heatsvc draw: --url: ")


@pytest.mark.slow
def test_no_service_there(folder: Path, capsys: pytest.CaptureFixture[str]):
    """It is tried again, which is said on standard error."""
    assert main(["draw", *OF_CLIP, "--url", f"http://127.0.0.1:{free_port()}", "-o", "a.npy"]) == 1
    said = capsys.readouterr()
    *retries, last = said.err.splitlines()
    assert retries
    assert all(re.fullmatch(r"heatsvc draw: cannot connect to .*; trying again in [\d.]+ s", line) for line in retries)
    assert last.startswith("heatsvc draw: --url: cannot connect to ")
    assert (said.out, files_in(folder)) == ("", [])


def test_clips_may_have_any_name_in_an_npz(folder: Path, url: str):
    for name in ("file", "allow_pickle"):
        shutil.copy(CLIP, folder / f"{name}.npy")
    given = ["file.npy", "allow_pickle.npy", *OF_CLIP[1:]]
    assert main(["draw", *given, "--url", url, "-o", "all.npz"]) == 0
    with np.load(folder / "all.npz") as file:
        assert {name: file[name].shape for name in file} == {
            "file": (48, 27, 64, 64),
            "allow_pickle": (48, 27, 64, 64),
        }


def test_a_file_that_cannot_be_sent_does_not_stop_the_others(
    folder: Path, url: str, capsys: pytest.CaptureFixture[str]
):
    os.mkfifo(folder / "pipe.npy")
    assert main(["draw", "pipe.npy", *OF_CLIP, "--url", url, "-o", "out/"]) == 1
    assert files_in(folder / "out") == ["clip.npy"]
    assert "pipe.npy is a pipe or a device" in capsys.readouterr().err


def test_a_clip_that_cannot_be_written_does_not_stop_the_others(
    folder: Path, url: str, capsys: pytest.CaptureFixture[str]
):
    with PICKLE.open("rb") as file:
        content = pickle.load(file)
    for annotation, name in zip(content["annotations"], ("a/b", "a_b", "c"), strict=True):
        annotation["frame_dir"] = name
    (folder / "in.pkl").write_bytes(pickle.dumps({"split": {}, "annotations": content["annotations"]}))
    assert main(["draw", "in.pkl", "--url", url, "-o", "out/"]) == 1
    assert files_in(folder / "out") == ["a_b.npy", "c.npy"]
    assert "a clip of in.pkl is written to out/a_b.npy already" in capsys.readouterr().err
