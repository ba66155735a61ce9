"""The report on a terminal."""

import io

from rich.console import Console

from heatsvc.annotation.faults import Fault
from heatsvc.annotation.report.document import report_json
from heatsvc.annotation.report.text import report_text
from heatsvc.annotation.statistics import ClipStatistics
from tests.annotation.report.datasets import dataset, empty


def shown(facts, width=120) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(report_text(report_json(facts)))
    return console.file.getvalue()


def test_summary_faults_and_what_to_do():
    text = shown(dataset())
    assert "8 files, 6 labeled, 1 trimmed" in text
    assert "KETI_8, KETI_9" in text
    assert "cut_short: a truncated file, shorter than its header says (2; 2 dropped)" in text
    assert "faulty=drop leaves them out." in text
    assert "1 signer in more than one split" in text
    assert "1 class without a clip in any split" in text
    assert "1 class without a clip in test" in text
    assert "without a clip in train" not in text


def test_frames_are_of_clips_with_keypoints():
    assert "frames 100 to 230, mean 158, zeros left out" in shown(dataset())
    text = shown(dataset(clips=[clip for clip in dataset().clips if not clip.zeros]))
    assert "frames 100 to 230, mean 158" in text
    assert "zeros left out" not in text


def test_only_the_first_names_of_many():
    text = shown(dataset(faults=[Fault("no_file", f"KETI_{i}", "none") for i in range(10, 99)]))
    assert "KETI_10, KETI_11, KETI_12, ..." in text
    assert "KETI_13" not in text


def test_what_forbade_the_build_stands_first():
    text = shown(dataset(faults=[*dataset().faults, Fault("unreadable", "a", "no keypoints", "a.npy", "refused")]))
    assert text.index("error    unreadable") < text.index("warning  no_file")


def test_names_are_text_and_no_markup():
    assert "[red]a[/red]" in shown(dataset(faults=[Fault("no_file", "[red]a[/red]", "none")], splits=("[b]train",)))


def test_nothing_wrong():
    fine = dataset(faults=(), clips=[ClipStatistics("a", 0, "train", frames=3)], splits=("train",), classes=("10",))
    assert "The dataset has no problems." in shown(fine)
    assert "The dataset has no problems." in shown(empty())
