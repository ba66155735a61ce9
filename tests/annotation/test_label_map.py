"""The label map as JSON and as CSV."""

from heatsvc.annotation.artifacts import label_map_csv, label_map_json

CLASSES = ["10", "1000", "", '논, "새"', "화재"]


def test_json():
    assert (
        label_map_json(CLASSES).decode()
        == """{
  "10": 0,
  "1000": 1,
  "논, \\"새\\"": 3,
  "화재": 4
}
"""
    )


def test_csv():
    assert label_map_csv(CLASSES).decode() == 'label,label_index\n10,0\n1000,1\n"논, ""새""",3\n화재,4\n'


def test_no_classes():
    assert label_map_json([]) == b"{}\n"
    assert label_map_csv([]) == b"label,label_index\n"
