"""`heatsvc view`: a clip in the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from heatsvc.cli.main import main
from tests.cli.command import CLIP, OF_CLIP, PICKLE, files_in, line_of, run, run_in_terminal

HALF_BLOCK = "▀".encode()
ALTERNATE_SCREEN, MAIN_SCREEN, HOME = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[H"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, without a `.env`."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_terminal_plays_colored_half_blocks(folder: Path):
    status, printed = run_in_terminal("view", *OF_CLIP, "--fps", "60", cwd=folder)
    assert status == 0
    playing, _, last = printed.partition(ALTERNATE_SCREEN)[2].partition(MAIN_SCREEN)
    assert playing.count(HOME) > 2
    assert b"48;2;" in playing  # a background in 24 bits
    rows = [line for line in last.splitlines() if HALF_BLOCK in line]
    # The last frame stays: 28 rows of 56 half blocks, a square, in a terminal of 30 rows.
    assert [row.count(HALF_BLOCK) for row in rows] == [56] * 28


def test_ctrl_c_ends_a_loop_and_restores_the_terminal(folder: Path):
    status, printed = run_in_terminal("view", *OF_CLIP, "--loop", cwd=folder, interrupt_after=HALF_BLOCK)
    assert status == 130
    assert printed.rstrip().endswith(MAIN_SCREEN + b"\x1b[?25h")
    assert b"Traceback" not in printed


@pytest.mark.parametrize(("show", "beginning"), [("sixel", b"\x1bP"), ("kitty", b"\x1b_G"), ("blocks", HALF_BLOCK)])
def test_a_kind_may_be_named(show: str, beginning: bytes, folder: Path):
    done = run("view", *OF_CLIP, "--frame", "20", "--show", show, cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert beginning in done.stdout


def test_without_a_terminal_one_frame_is_shaded(folder: Path):
    done = run("view", *OF_CLIP, "--frame", "20", cwd=folder)
    assert (done.returncode, done.stderr) == (0, b"")
    assert set(done.stdout.decode()) == {" ", "░", "\n"}


def test_standard_input_is_a_file(folder: Path):
    done = run("view", "-", *OF_CLIP[1:], cwd=folder, given=CLIP.read_bytes())
    assert done.returncode == 0, done.stderr
    assert done.stdout == run("view", *OF_CLIP, cwd=folder).stdout


def test_it_writes_a_picture_instead(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["view", *OF_CLIP, "--mode", "joint", "-o", "a.gif"]) == 0
    assert (folder / "a.gif").read_bytes().startswith(b"GIF89a")
    assert capsys.readouterr().out == ""


def test_a_terminal_without_a_size_is_reported(folder: Path):
    status, printed = run_in_terminal("view", *OF_CLIP, cwd=folder, size=(0, 0))
    assert status == 1
    assert printed.startswith(b"heatsvc view: the terminal does not say its size")


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        ([], 2, "FILE is missing"),
        ([*OF_CLIP, "-o", "a.npy"], 2, "--output a.npy: give a .png, .webp, .gif, .mp4, or use `heatsvc draw`"),
        ([str(PICKLE)], 2, "holds 3 clips: choose one by --frame-dir (ase_A, ase_F, ase_Z, ...)"),
        ([*OF_CLIP, "--show", "ascii"], 2, 'invalid value "ascii" for --show'),
        (["--slect", "sign27", str(CLIP)], 2, "unknown option: --slect. Did you mean --select?"),
        ([*OF_CLIP, "--dtype", "uint8"], 2, "unknown option: --dtype"),
        ([str(CLIP)], 1, "--img-shape is missing"),
        (
            [*OF_CLIP, "--mode", "channel", "--channel", "right_wris"],
            1,
            "--channel cannot be 'right_wris': did you mean right_wrist? It must be a name",
        ),
        ([*OF_CLIP, "--mode", "channel"], 1, "--channel is required: it must be a name (nose, left_shoulder"),
        (["nowhere.npy"], 1, "nowhere.npy does not exist"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    arguments: list[str], status: int, why: str, folder: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["view", *arguments]) == status
    said = capsys.readouterr()
    assert why in line_of(said.err)
    assert (said.out, files_in(folder)) == ("", [])
