"""`heatsvc inspect`: pickles and keypoint files."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from heatsvc.cli.main import main
from tests.annotation.keti import made
from tests.cli.command import CLIP, PICKLE, line_of
from tests.cli.test_annotate import run


def test_inspect_shows_and_checks(tmp_path):
    made(tmp_path)
    done = run("inspect", tmp_path / "annotations.pkl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for part in ("sign27", "float16", "train", "test", "1080x1920", "for NumPy 1 and 2 (numpy.core)"):
        assert part in done.stdout


def test_inspect_refuses_what_would_be_executed(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, ("touch executed",)

    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Evil()))
    done = run("inspect", "evil.pkl", cwd=tmp_path)
    assert done.returncode == 1
    assert "system" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "executed").exists()


def test_inspect_shows_the_error_that_was_saved_as_a_pickle(tmp_path):
    """As curl without --fail-with-body does, and exits with 0."""
    problem = {"type": "about:blank", "status": 422, "detail": "no part \x1b[1mlabels\nis there"}
    (tmp_path / "KETI.pkl").write_text(json.dumps(problem))
    done = run("inspect", "KETI.pkl", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == (
        "heatsvc inspect: the file is an error response of the service, not a pickle: no part  [1mlabels is there\n"
    )


@pytest.mark.parametrize("text", ["{", "{}", '{"detail": 1}', '{"a":' * 9_999, "[]"])
def test_inspect_of_other_json_is_no_error_of_the_service(text, tmp_path):
    (tmp_path / "KETI.pkl").write_text(text)
    done = run("inspect", "KETI.pkl", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "heatsvc inspect: the pickle is damaged near byte 0\n"


def test_inspect_ends_with_1_where_a_reader_would_fail(tmp_path):
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps({"split": {"train": ["a"]}, "annotations": [{"frame_dir": "a"}]}))
    done = run("inspect", "bad.pkl", cwd=tmp_path)
    assert done.returncode == 1
    assert "keypoint" in done.stdout
    assert run("inspect", "nowhere.pkl", cwd=tmp_path).returncode == 1


@pytest.mark.parametrize("name", ["nowhere.pkl", "nowhere.npy"])
def test_a_file_that_is_not_there(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["inspect", str(tmp_path / name)]) == 1
    assert line_of(capsys.readouterr().err).startswith(f"heatsvc inspect: {tmp_path / name}")


def test_a_pickle_as_json(capsysbinary: pytest.CaptureFixture[bytes]):
    assert main(["inspect", str(PICKLE), "--json"]) == 0
    shown = json.loads(capsysbinary.readouterr().out)
    assert (shown["annotations"], shown["points"], shown["usable"]) == (3, {"27": 3}, True)


def test_keypoints_as_json(capsysbinary: pytest.CaptureFixture[bytes]):
    assert main(["inspect", str(CLIP), "--img-shape", "1080", "1920", "--json"]) == 0
    clip = {
        "file": str(CLIP),
        "frame_dir": "clip",
        "persons": 1,
        "frames": 48,
        "points": 133,
        "layout": "coco_wholebody",
        "img_shape": [1080, 1920],
        "findings": [],
        "error": "",
    }
    shown = json.loads(capsysbinary.readouterr().out)
    assert shown["usable"] is True
    assert [{**each, "findings": []} for each in shown["clips"]] == [clip]


def test_without_the_size_of_the_frame_the_rest_is_shown(capsys: pytest.CaptureFixture[str]):
    assert main(["inspect", str(CLIP)]) == 0
    shown = capsys.readouterr().out
    assert "coco_wholebody" in shown
    assert "give --img-shape" in shown


def test_names_are_whole_in_a_narrow_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """KETI's differ only at their end."""
    names = [f"KETI_SL_{number:010}" for number in (1, 2)]
    for name in names:
        shutil.copy(CLIP, tmp_path / f"{name}.npy")
    assert main(["inspect", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert [name for name in names if name in shown] == names
    assert shown.count("give --img-shape") == 1


def test_impossible_points_end_it_with_1(capsysbinary: pytest.CaptureFixture[bytes]):
    assert main(["inspect", str(CLIP), "--img-shape", "10", "10", "--json"]) == 1
    [clip] = json.loads(capsysbinary.readouterr().out)["clips"]
    assert [(each["code"], each["severity"]) for each in clip["findings"]] == [("outside_frame", "impossible")]


def test_a_folder_with_a_broken_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    shutil.copy(CLIP, tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.zeros((3, 3, 3, 3, 3), np.float32))
    assert main(["inspect", str(tmp_path)]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert f"{tmp_path / 'b.npy'}: keypoint".replace(" ", "") in shown.replace(" ", "")
    assert "coco_wholebody" in shown


def test_names_do_not_reach_the_terminal_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    clip = {"keypoint": [[[1, 2, 1]]], "img_shape": [10, 10], "frame_dir": "a"}
    (tmp_path / "a\x1b[31m.json").write_text(json.dumps({**clip, "keypoint": "none"}))
    assert main(["inspect", str(tmp_path)]) == 1
    assert "\x1b" not in capsys.readouterr().out
