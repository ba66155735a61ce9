"""`heatsvc annotate`: a dataset without a server."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from heatsvc.annotation.artifacts import MEDIA_TYPES
from heatsvc.annotation.options import AnnotationOptions
from tests.annotation.keti import KEYPOINTS, TABLES, WORKBOOKS, made, name

LABELS = [str(TABLES / file) for file in WORKBOOKS]
WORDS = ("--keypoints", str(KEYPOINTS), "--labels", *LABELS, "--types", "단어", "--img-shape", "1080", "1920")
SPLIT = ("--split", str(TABLES / "split.json"))


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "heatsvc", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment)


def test_it_makes_what_the_service_makes(tmp_path):
    done = run("annotate", *WORDS, *SPLIT, "--faulty", "drop", "-o", "KETI.pkl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made(tmp_path / "service")
    assert (tmp_path / "KETI.pkl").read_bytes() == (tmp_path / "service" / "annotations.pkl").read_bytes()
    assert sorted(path.name for path in (tmp_path / "KETI").iterdir()) == sorted(set(MEDIA_TYPES) - {"annotations.pkl"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["KETI", "KETI.pkl", "service"]
    assert "KETI.pkl" in (tmp_path / "KETI" / "pyskl_keypoint.py").read_text()


def test_the_report_is_on_the_terminal(tmp_path):
    done = run("annotate", *WORDS, *SPLIT, "--faulty", "drop", "-o", "KETI.pkl", cwd=tmp_path)
    for kind, number in (("no_file", 9), ("no_frames", 7), ("cut_short", 20), ("wrong_points", 17), ("unlabelled", 99)):
        (line,) = [line for line in done.stdout.splitlines() if f" {kind} " in line and "│" in line]
        assert name(number) in line
    assert "KETI.pkl is written" in done.stdout


def test_faults_that_are_not_allowed_end_it_with_the_report(tmp_path):
    done = run("annotate", *WORDS, *SPLIT, "-o", "KETI.pkl", cwd=tmp_path)
    assert done.returncode == 1
    assert "cut_short" in done.stdout
    assert "KETI_SL_0000000020 (cut_short)" in done.stderr
    assert "--faulty drop or zeros" in done.stderr
    assert "--faulty drop leaves them" in done.stdout
    assert "faulty=drop" not in done.stdout
    assert done.stderr.endswith(". The report is KETI/report.html\n")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["KETI", "report.html", "report.json"]


def test_check_writes_nothing(tmp_path):
    done = run("annotate", *WORDS, *SPLIT, "--check", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "wrong_points" in done.stdout
    assert not list(tmp_path.iterdir())


def test_options_as_the_service_has_them(tmp_path):
    options = '{"faulty": "drop", "dtype": "float32", "split": {"signer": {"train": ">10", "val": "<=10"}}}'
    done = run("annotate", *WORDS, "--options", options, "--missing", "drop", "-o", "a.pkl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    content = pickle.loads((tmp_path / "a.pkl").read_bytes())
    assert list(content["split"]) == ["train", "val"]
    assert content["annotations"][0]["keypoint"].dtype == np.float32
    assert len(content["annotations"]) == 31


def test_single_options_override_those_of_the_service(tmp_path):
    options = '{"faulty": "error", "dtype": "float32", "columns": {"name": "파일명"}}'
    rule = '{"signer": {"train": ">10", "val": "<=10"}}'
    single = ("--faulty", "drop", "--select", "0", "9", "10", "--split-rule", rule, "--missing", "drop")
    done = run("annotate", *WORDS, "--options", options, *single, "-o", "a.pkl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    content = pickle.loads((tmp_path / "a.pkl").read_bytes())
    assert list(content["split"]) == ["train", "val"]
    assert content["annotations"][0]["keypoint"].dtype == np.float32
    assert content["annotations"][0]["keypoint"].shape[2] == 3


def test_the_report_as_json(tmp_path):
    done = run("annotate", *WORDS, *SPLIT, "--faulty", "drop", "-o", "KETI.pkl", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report == json.loads((tmp_path / "KETI" / "report.json").read_text())
    refused = run("annotate", *WORDS, *SPLIT, "--check", "--json", cwd=tmp_path)
    assert json.loads(refused.stdout)["faults"]


def test_every_option_of_the_model_is_in_the_help(tmp_path):
    shown = run("annotate", "--help", cwd=tmp_path).stdout
    others = {"split": "split-rule", "labels": "labels-as", "columns": "columns-name"}
    for field in AnnotationOptions.model_fields:
        if field != "dataset":  # of the server
            assert f"--{others.get(field, field).replace('_', '-')} " in shown, field


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        ((*WORDS, *SPLIT), 2, "-o KETI.pkl"),
        ((*WORDS, *SPLIT, "-o", "no/such/folder.pkl"), 2, "cannot be written|not a file that can be written"),
        ((*WORDS, *SPLIT, "-o", "report.json"), 2, "report.json is the name of another file of the dataset"),
        ((*WORDS, *SPLIT, "-o", "work"), 2, "work is the name of another file of the dataset"),
        ((*WORDS, *SPLIT, "-o", "/dev/null"), 2, "/dev/null is not a file that can be written"),
        ((*WORDS, "--split", str(TABLES), "-o", "a.pkl"), 1, "is a folder: name the split file"),
        ((*WORDS, "--split", "nowhere.json", "-o", "a.pkl"), 1, "nowhere.json does not exist"),
        ((*WORDS, *SPLIT, "--options", "{", "-o", "a.pkl"), 2, "--options is broken JSON"),
        (
            (*WORDS, *SPLIT, "--options", '{"dtyp": 1}', "-o", "a.pkl"),
            2,
            "unknown option 'dtyp': known options are select, missing_points, dtype",
        ),
        ((*WORDS, *SPLIT, "--options", '{"dataset": "KETI"}', "-o", "a.pkl"), 2, "give the folder as --keypoints"),
        ((*WORDS, *SPLIT, "--fautly", "drop", "-o", "a.pkl"), 2, "unknown option: --fautly. Did you mean --faulty?"),
        ((*WORDS, *SPLIT, "--faulty", "droop", "-o", "a.pkl"), 2, 'invalid value "droop" for --faulty. Choose from:'),
        ((*WORDS, *SPLIT, "--encoding", "cp94", "-o", "a.pkl"), 2, "--encoding cannot be 'cp94'"),
        ((*WORDS, "--split-rule", "{", "-o", "a.pkl"), 2, "--split-rule is broken JSON"),
        ((*SPLIT, "-o", "a.pkl"), 2, "--keypoints is missing"),
        ((*WORDS, *SPLIT, "--select", "sign28", "-o", "a.pkl"), 2, "sign28"),
        ((*WORDS, "-o", "a.pkl"), 1, "signer"),
        (("--keypoints", str(KEYPOINTS), "--labels", str(KEYPOINTS), "-o", "a.pkl"), 1, "there is no label file in"),
        (
            ("--keypoints", *LABELS, "--labels", *LABELS, *SPLIT, "-o", "a.pkl"),
            1,
            "img_shape|there are no keypoint files",
        ),
    ],
)
def test_what_is_wrong_is_reported_in_a_line(tmp_path, arguments, status, why):
    done = run("annotate", *arguments, cwd=tmp_path)
    assert done.returncode == status, done.stderr
    assert any(part in done.stderr for part in why.split("|")), done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_file_where_the_folder_would_be_is_reported_before_anything_is_read(tmp_path):
    (tmp_path / "KETI").write_text("mine")
    done = run("annotate", *WORDS, *SPLIT, "--faulty", "drop", "-o", "KETI.pkl", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "KETI is a file" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["KETI"]


@pytest.mark.parametrize(("by", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing(by, expected, tmp_path):
    keypoints = tmp_path / "many"
    keypoints.mkdir()
    first, many = keypoints / "clip0.npy", 9000
    first.write_bytes((KEYPOINTS / "KETI_SL_0000000001.avi.npy").read_bytes())
    (tmp_path / "labels.csv").write_text("".join(f"clip{n},{n % 5}\n" for n in range(many)))
    for n in range(1, many):
        (keypoints / f"clip{n}.npy").hardlink_to(first)
    command = [
        *(sys.executable, "-m", "heatsvc", "annotate", "--keypoints", "many", "--labels", "labels.csv"),
        *("--img-shape", "1080", "1920", "--options", '{"split": {"random": {"all": 1}}}', "-o", "a.pkl"),
    ]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Who runs the tests in the background has Ctrl-C ignored, and what they start inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        while not list(tmp_path.glob(".a.pkl*/*/plan.txt")):
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(by)
        _, complaints = process.communicate(timeout=30)
    assert process.returncode == expected
    assert not Path(f"/dev/shm/heatsvc-{process.pid}").exists()
    assert "nothing was written" in complaints
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.csv", "many"]


def test_when_no_name_matches_the_nearest_and_the_report_are_named(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "words.csv").write_text("name,label\nKETI_SL_0000000101,yes\n")
    (tmp_path / "train.txt").write_text("KETI_SL_0000000101\n")
    words = ("--keypoints", KEYPOINTS, "--labels", "labels", "--split", "train.txt", "--img-shape", "1080", "1920")
    done = run("annotate", *words, "-o", "a.pkl", cwd=tmp_path)
    assert done.returncode == 1
    assert "no keypoint file has the name of a labeled video. Files: " in done.stderr
    assert "'KETI_SL_0000000001' and 'KETI_SL_0000000101'" in done.stderr
    assert done.stderr.endswith("The report is a/report.html\n")
    assert (tmp_path / "a" / "report.html").is_file()


def test_no_input_is_overwritten(tmp_path):
    labels = tmp_path / "labels.xlsx"
    labels.write_bytes((TABLES / WORKBOOKS[0]).read_bytes())
    (tmp_path / "points").mkdir()
    points = tmp_path / "points" / "a.npy"
    points.write_bytes(b"old")
    given = ("--keypoints", "points", "--labels", labels, "--img-shape", "1080", "1920")
    for output in ("labels.xlsx", "points/a.npy"):
        done = run("annotate", *given, "-o", output, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (
            1,
            f"heatsvc annotate: {output} is an input and would be overwritten: give another --output\n",
        )
    assert labels.read_bytes() == (TABLES / WORKBOOKS[0]).read_bytes()
    assert points.read_bytes() == b"old"


def test_a_name_that_is_not_utf_8(tmp_path):
    output = tmp_path / os.fsdecode(b"a\xff\x1b.pkl")
    done = run("annotate", *WORDS, *SPLIT, "--faulty", "drop", "-o", output.name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "a  .pkl is written" in done.stdout
    assert output.exists()
