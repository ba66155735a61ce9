"""An inspection on a terminal."""

import io
import pickle

import numpy as np
from rich.console import Console

from heatsvc.annotation.annotation_pickle import encode_annotation, encode_header, encode_splits
from heatsvc.annotation.inspection.inspection import inspect_pickle
from heatsvc.annotation.inspection.text import inspection_text


def shown(path) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(inspection_text(inspect_pickle(path)))
    return console.file.getvalue()


def test_what_is_in_it(tmp_path):
    path = tmp_path / "KETI.pkl"
    keypoint = np.ones((1, 5, 27, 2), np.float16)
    path.write_bytes(
        encode_header("float16")
        + encode_annotation("a", 0, (64, 60), keypoint, keypoint[..., 0])
        + encode_splits({"[b]train": ["a"]})
    )
    text = shown(path)
    for line in (
        "protocol 4, for NumPy 1 and 2 (numpy.core)",
        "1 of frame_dir, label, img_shape",
        "27 (as in sign27), float16",
        "64x60 (1)",
        "[b]train",
        "PYSKL and MMAction2 can train from it.",
    ):
        assert line in text


def test_findings_and_what_to_do(tmp_path):
    path = tmp_path / "KETI.pkl"
    path.write_bytes(pickle.dumps({"split": {"train": ["[red]a"]}, "annotations": []}, 5))
    text = shown(path)
    assert "error" in text
    assert "[red]a (train)" in text
    assert "Write it with protocol 4" in text


def test_nothing_in_a_pickle_speaks_to_the_terminal(tmp_path):
    path = tmp_path / "KETI.pkl"
    evil = "\x1b]0;evil\x07\x9b"
    content = {"split": {evil: [evil, "화재"]}, "annotations": [{"frame_dir": evil, evil: 1, "k" * 5000: 1}]}
    path.write_bytes(pickle.dumps(content, 4))
    text = shown(path)
    assert not set("\x1b\x07\x9b") & set(text)
    assert r"\x1b]0;evil\x07\x9b" in text
    assert "화재" in text
    assert "k" * 300 not in text
