"""`heatsvc draw`: keypoint files to arrays, pictures and videos."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import heatsvc
from heatsvc.api.heatmap_schemas import HeatmapOptions
from heatsvc.cli.main import main
from heatsvc.render.picture_options import PictureOptions
from tests.cli.command import CLIP, HEATSVC, OF_CLIP, PICKLE, files_in, interrupt, line_of, run, run_in_terminal

EXPECTED = (48, 27, 64, 64)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, without a `.env`."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_draws_what_the_library_draws(folder: Path):
    assert main(["draw", *OF_CLIP, "-o", "heatmaps.npy"]) == 0
    imgs = np.load(folder / "heatmaps.npy")
    assert imgs.shape == EXPECTED
    np.testing.assert_array_equal(imgs, heatsvc.draw(CLIP, img_shape=(1080, 1920), select="sign27"))
    assert files_in(folder) == ["heatmaps.npy"]


@pytest.mark.parametrize(
    ("name", "beginning", "offset"),
    [
        ("a.npy", b"\x93NUMPY", 0),
        ("a.npz", b"PK\x03\x04", 0),
        ("a.json", b'{"clips":[{"name":"clip","dtype":"float32","shape":[1,56,64]', 0),
        ("a.png", b"\x89PNG", 0),
        ("a.PNG", b"\x89PNG", 0),
        ("a.gif", b"GIF89a", 0),
        ("a.webp", b"WEBP", 8),
        ("a.mp4", b"ftyp", 4),
    ],
)
def test_the_extension_is_the_format(name: str, beginning: bytes, offset: int, folder: Path):
    few = '[{"type": "UniformSampleFrames", "clip_len": 1}, {"type": "PoseDecode"}, {"type": "PoseCompact"}, '
    few += '{"type": "Resize", "scale": [64, 64]}, {"type": "GeneratePoseTarget"}]'
    assert main(["draw", *OF_CLIP, "--pipeline", few, "--reduce", "max", "-o", name]) == 0
    assert (folder / name).read_bytes()[offset:].startswith(beginning)


def test_options_are_those_of_the_request(folder: Path):
    arguments = (
        "--pipeline",
        "posec3d-val",
        "--dtype",
        "uint8",
        "--coordinates",
        "pixels",
        "--no-test-mode",
        "--seed",
        "7",
    )
    assert main(["draw", *OF_CLIP, *arguments, "-o", "a.npy"]) == 0
    expected = heatsvc.draw(
        CLIP, "posec3d-val", dtype="uint8", test_mode=False, seed=7, img_shape=(1080, 1920), select="sign27"
    )
    np.testing.assert_array_equal(np.load(folder / "a.npy"), expected)
    assert main(["draw", str(CLIP), "--img-shape", "1080", "1920", "--select", "0,9,10", "-o", "b.npy"]) == 0
    assert np.load(folder / "b.npy").shape == (48, 3, 64, 64)


def test_every_option_of_the_models_is_in_the_help(capsys: pytest.CaptureFixture[str]):
    assert main(["draw", "--help"]) == 0
    shown = capsys.readouterr().out
    names = [*HeatmapOptions.model_fields, *PictureOptions.model_fields]
    names = [name for name in names if name not in ("compression", "picture")]  # of responses; its own fields are there
    for name in names:
        assert f"--{name.replace('_', '-')} " in shown, name


def test_several_clips_in_one_file_have_their_names(folder: Path):
    assert main(["draw", str(PICKLE), "-o", "all.safetensors"]) == 0
    tensors = load_file(folder / "all.safetensors")
    assert {name: imgs.shape for name, imgs in tensors.items()} == {
        "ase_A": (21, 27, 64, 64),
        "ase_F": (24, 27, 64, 64),
        "ase_Z": (24, 27, 64, 64),
    }
    assert main(["draw", str(PICKLE), "--frame-dir", "ase_Z", "--frame-dir", "ase_A", "-o", "two.npz"]) == 0
    assert np.load(folder / "two.npz").files == ["ase_Z", "ase_A"]


def test_a_folder_as_output_has_a_file_for_each_clip(folder: Path):
    assert main(["draw", str(PICKLE), "-o", "heatmaps/"]) == 0
    assert main(["draw", str(PICKLE), "-o", "heatmaps/", "--format", "png"]) == 0
    assert main(["draw", str(PICKLE), "--mode", "joint", "--skeleton", "-o", "videos/{name}-joint.gif"]) == 0
    assert files_in(folder) == [
        *("heatmaps/ase_A.npy", "heatmaps/ase_A.png", "heatmaps/ase_F.npy", "heatmaps/ase_F.png"),
        *("heatmaps/ase_Z.npy", "heatmaps/ase_Z.png"),
        *("videos/ase_A-joint.gif", "videos/ase_F-joint.gif", "videos/ase_Z-joint.gif"),
    ]


def test_a_folder_as_input_keeps_its_folders(folder: Path):
    for name in ("day1/a.npy", "day2/a.npy", "day2/b.npy"):
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CLIP, folder / "in" / name)
    (folder / "in" / "README.md").write_text("no keypoints")
    assert main(["draw", "in", "--img-shape", "1080", "1920", "-o", "out/"]) == 0
    assert files_in(folder / "out") == ["day1/a.npy", "day2/a.npy", "day2/b.npy"]


def test_frame_files_are_one_clip(folder: Path):
    frame = {"people": [{"pose_keypoints_2d": [100.0, 100.0, 1.0] * 25}]}
    for day in ("day1", "day2"):
        (folder / "in" / day / "word").mkdir(parents=True)
        for number in range(3):
            (folder / "in" / day / "word" / f"word_{number:012}_keypoints.json").write_text(json.dumps(frame))
    assert main(["draw", "in", "--img-shape", "200", "200", "-o", "out/"]) == 0
    assert files_in(folder / "out") == ["day1/word.npy", "day2/word.npy"]
    assert np.load(folder / "out" / "day1" / "word.npy").shape == (3, 25, 64, 64)


def test_patterns_find_files_where_no_shell_did(folder: Path):
    for name in ("a.npy", "b.npy", "c.txt"):
        shutil.copy(CLIP, folder / name)
    assert main(["draw", "?.npy", "--img-shape", "1080", "1920", "-o", "out/"]) == 0
    assert files_in(folder / "out") == ["a.npy", "b.npy"]


def test_it_reads_a_pipe_and_writes_to_one(folder: Path):
    done = run("draw", "-", *OF_CLIP[1:], "-o", "-", cwd=folder, given=CLIP.read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    assert np.load(io.BytesIO(done.stdout)).shape == EXPECTED
    picture = run("draw", *OF_CLIP, "-o", "-", "--format", "gif", cwd=folder)
    assert picture.stdout.startswith(b"GIF89a")
    assert not files_in(folder)


def test_json_says_what_was_written(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]):
    assert main(["draw", *OF_CLIP, "-o", "a.npy", "--json"]) == 0
    assert json.loads(capsysbinary.readouterr().out) == [
        {
            "file": "a.npy",
            "sources": [str(CLIP)],
            "volumes": [{"name": "clip", "shape": [48, 27, 64, 64], "dtype": "float32"}],
        }
    ]


def test_what_is_doubtful_is_warned_of(folder: Path, capsys: pytest.CaptureFixture[str]):
    points = np.full((2, 17, 3), 50, np.float32)
    points[:, :12] = 500  # of a frame of 100 x 100
    points[..., 2] = 1
    np.save(folder / "outside.npy", points)
    assert main(["draw", "outside.npy", "--img-shape", "100", "100", "-o", "a.npy"]) == 0
    assert capsys.readouterr().err == (
        "heatsvc draw: warning: 'outside': 24 of 34 points are outside the frame of 100 x 100 pixels: check "
        "img_shape, or select points that are in the frame\n"
    )


def test_progress_is_shown_in_a_terminal_only(folder: Path):
    status, printed = run_in_terminal("draw", *OF_CLIP, "-o", "a.npy", cwd=folder)
    assert status == 0
    assert b"drawing" in printed
    done = run("draw", *OF_CLIP, "-o", "a.npy", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_file_that_cannot_be_used_does_not_stop_the_others(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "broken.npy").write_bytes(CLIP.read_bytes()[:5000])
    assert main(["draw", "broken.npy", *OF_CLIP, "-o", "out/"]) == 1
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("heatsvc draw: broken.npy: ")
    assert last == "heatsvc draw: 1 of 2 could not be drawn"
    assert files_in(folder / "out") == ["clip.npy"]


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (["-o", "a.npy"], 2, "FILE... is missing"),
        ([*OF_CLIP], 2, "--output is missing"),
        ([*OF_CLIP, "-o"], 2, "-o needs OUT"),
        ([*OF_CLIP, "-o", "a.xyz"], 2, "--output a.xyz: there is no format 'xyz'"),
        ([*OF_CLIP, "-o", "a.npx"], 2, "did you mean npz?"),
        ([*OF_CLIP, "-o", "a"], 2, "--output a: there is no extension"),
        ([*OF_CLIP, "-o", "no/such/a.npy"], 2, "--output no/such/a.npy: the folder no/such does not exist"),
        ([str(CLIP), "--slect", "sign27", "-o", "a.npy"], 2, "unknown option: --slect. Did you mean --select?"),
        (["--jbos=2", str(CLIP), "-o", "a.npy"], 2, "unknown option: --jbos=2. Did you mean --jobs?"),
        ([*OF_CLIP, "-o", "a.npy", "--dytpe", "uint8"], 2, "unknown option: --dytpe. Did you mean --dtype?"),
        ([*OF_CLIP, "-o", "a.npy", "--dtype", "uint"], 2, 'invalid value "uint" for --dtype. Choose from: "float32"'),
        ([str(CLIP), "--img-shape", "1080", "-o", "a.npy"], 2, "--img-shape needs HEIGHT WIDTH, with spaces between"),
        ([str(CLIP), "--img-shape", "1080,1920", "-o", "a.npy"], 2, "HEIGHT WIDTH, with spaces between them"),
        ([str(CLIP), "--img-shape", "a", "b", "-o", "a.npy"], 2, '--img-shape: unable to convert "a" into int'),
        (
            [*OF_CLIP[:4], "--select", "sing27", "-o", "a.npy"],
            2,
            "--select: there is no layout 'sing27': did you mean sign27",
        ),
        ([*OF_CLIP, "--pipeline", "veiw", "-o", "a.npy"], 2, "unknown preset 'veiw': did you mean view?"),
        ([*OF_CLIP, "--pipeline", "[{", "-o", "a.npy"], 2, "--pipeline is broken JSON"),
        ([*OF_CLIP, "--pipeline", "[" * 100_000, "-o", "a.npy"], 2, "--pipeline is broken JSON"),
        ([*OF_CLIP, "--fps", "1000", "-o", "a.gif"], 2, "--fps cannot be 1000.0"),
        ([*OF_CLIP, "--seed", "-1", "-o", "a.npy"], 2, "--seed cannot be -1"),
        ([*OF_CLIP, "--mode", "joint", "-o", "a.npy"], 2, "--mode is an option of pictures and videos, and .npy is"),
        ([*OF_CLIP, "--skeleton", "-o", "out/"], 2, "and .npy is neither: give --format png, webp, gif, mp4"),
        ([*OF_CLIP, "-o", "-", "--json"], 2, "cannot both be on standard output"),
        ([str(CLIP), *OF_CLIP, "-o", "a.npy"], 2, "2 files do not fit into one .npy: give a folder"),
        ([str(PICKLE), "-o", "a.png"], 2, "3 clips do not fit into one .png: give a folder"),
        ([str(CLIP), "-o", "a.npy"], 1, "--img-shape is missing: set it to the video frame's height and width"),
        (
            [*OF_CLIP[:4], "--select", "0,999", "-o", "a.npy"],
            1,
            "clip.npy: point 999 does not exist: points are 0 to 132",
        ),
        ([*OF_CLIP, "--frame", "99", "-o", "a.png"], 1, "frame 99 does not exist: the volume has frames 0 to 47"),
        ([str(PICKLE), "--frame-dir", "ase_B", "-o", "a.npz"], 1, "ase_B"),
        (["nowhere.npy", "-o", "a.npy"], 1, "nowhere.npy does not exist"),
        (["/dev/zero", "-o", "a.npy"], 1, "/dev/zero is a device, not a file"),
        (["*.npy", "-o", "a.npy"], 1, "no file is called *.npy"),
        ([".", "-o", "a.npz"], 1, "there is no file of keypoints in the folder ."),
        ([str(CLIP), *OF_CLIP, "-o", "out/"], 1, "is written to out/clip.npy already"),
        ([*OF_CLIP, "-o", str(CLIP)], 1, "clip.npy is an input and would be overwritten: give another --output"),
        (
            [*OF_CLIP, "-o", f"{CLIP.parent}/"],
            1,
            "clip.npy is an input and would be overwritten: give another --output",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    arguments: list[str], status: int, why: str, folder: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["draw", *arguments]) == status
    said = capsys.readouterr()
    line = line_of(said.err.replace("heatsvc draw: 1 of 2 could not be drawn\n", ""))
    assert line.startswith("heatsvc draw: ")
    assert why in line
    assert said.out == ""
    assert [name for name in files_in(folder) if name != "out/clip.npy"] == []


def test_kernels_that_are_not_installed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("heatsvc.kernels.compiled", None)
    monkeypatch.setenv("HEATSVC_KERNELS", "native")
    assert main(["draw", *OF_CLIP, "-o", "a.npy"]) == 2
    assert line_of(capsys.readouterr().err).startswith("heatsvc draw: HEATSVC_KERNELS is native, but the compiled")


def test_a_pickle_may_have_more_clips_than_a_request(folder: Path):
    clip = {"keypoint": np.ones((1, 1, 5, 2)), "img_shape": (9, 9), "total_frames": 1, "label": 0}
    clips = [{"frame_dir": f"clip{number}", **clip} for number in range(1100)]
    (folder / "many.pkl").write_bytes(pickle.dumps({"split": {}, "annotations": clips}))
    assert main(["draw", "many.pkl", "--reduce", "max", "-o", "out/"]) == 0
    assert len(files_in(folder / "out")) == 1100


def test_without_permission_nothing_is_written(folder: Path):
    (folder / "mine").mkdir(0o555)
    done = run("draw", *OF_CLIP, "-o", "mine/a.npy", cwd=folder, obey_permissions=True)
    assert done.returncode == 1
    assert line_of(done.stderr) == "heatsvc draw: mine/a.npy: Permission denied"
    assert not files_in(folder)


def test_a_closed_pipe_ends_it(folder: Path):
    done = subprocess.run(
        f"{' '.join(HEATSVC)} draw {' '.join(OF_CLIP)} -o - | head -c 6; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        check=False,
        cwd=folder,
    )
    assert (done.stdout, done.stderr) == (b"\x93NUMPY141\n", b"")


@pytest.mark.parametrize(("by", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_no_half_file(by: signal.Signals, expected: int, folder: Path):
    (folder / "in").mkdir()
    for number in range(400):
        shutil.copy(CLIP, folder / "in" / f"{number:03}.npy")
    arguments = ("draw", "in", "--img-shape", "1080", "1920", "--mode", "joint", "-o", "out/", "--format", "gif")
    status, complaints = interrupt(*arguments, cwd=folder, ready=lambda: any((folder / "out").glob("*.gif")), by=by)
    written = files_in(folder / "out")
    assert status == expected
    assert 0 < len(written) < 400
    assert all(name.endswith(".gif") and not name.startswith(".") for name in written)
    assert line_of(complaints).startswith("heatsvc draw: stopped; ")
    for name in written:
        assert (folder / "out" / name).read_bytes().endswith(b"\x3b")  # the end of a GIF


def test_a_pipe_is_written_to_and_a_link_stays_one(folder: Path):
    os.mkfifo(folder / "pipe.npy")
    (folder / "to.npy").write_bytes(b"old")
    (folder / "link.npy").symlink_to("to.npy")
    with ThreadPoolExecutor(1) as pool:
        received = pool.submit((folder / "pipe.npy").read_bytes)
        assert main(["draw", *OF_CLIP, "-o", "pipe.npy"]) == 0
        assert main(["draw", *OF_CLIP, "-o", "link.npy"]) == 0
        assert received.result(timeout=60) == (folder / "to.npy").read_bytes()
    assert (folder / "pipe.npy").is_fifo()
    assert (folder / "link.npy").is_symlink()


def test_names_may_be_as_long_as_the_file_system_has_them(folder: Path):
    shutil.copy(CLIP, folder / f"{'a' * 251}.npy")
    assert main(["draw", f"{'a' * 251}.npy", *OF_CLIP[1:], "-o", "out/"]) == 0
    assert files_in(folder / "out") == [f"{'a' * 251}.npy"]


def test_json_has_names_that_are_not_utf_8(folder: Path, capsysbinary: pytest.CaptureFixture[bytes]):
    name = os.fsdecode(b"\xff.npy")
    assert main(["draw", *OF_CLIP, "-o", name, "--json"]) == 0
    assert json.loads(capsysbinary.readouterr().out)[0]["file"] == name
