"""The report of a build that has not ended."""

from heatsvc.annotation.faults import Fault
from heatsvc.annotation.report.running import RunningReport
from heatsvc.annotation.statistics import ClipStatistics


def test_it_grows_with_what_is_read():
    report = RunningReport(["train", "test"])
    report.add([ClipStatistics("a", 0, "train", frames=10), ClipStatistics("b", 1, "test", frames=5)], [])
    report.add([ClipStatistics("c", 0, "train", frames=7)], [Fault("no_frames", "d", "no frames", "d.npy")])
    assert report.to_json() == {
        "splits": [{"name": "train", "clips": 2, "frames": 17}, {"name": "test", "clips": 1, "frames": 5}],
        "faults": [
            {
                "kind": "no_frames",
                "meaning": "a file without frames",
                "count": 1,
                "items": [{"name": "d", "file": "d.npy", "detail": "no frames", "done": ""}],
            }
        ],
    }


def test_of_many_faults_of_a_kind_the_first_are_named():
    report = RunningReport([])
    report.add([], [Fault("no_file", f"v{index}", "there is no file") for index in range(9)])
    [group] = report.to_json()["faults"]
    assert (group["count"], [item["name"] for item in group["items"]]) == (9, ["v0", "v1", "v2", "v3", "v4"])
