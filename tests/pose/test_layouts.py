"""Layouts: their points, limbs and mirror images, and selecting one from another."""

import pytest

from heatsvc.pose import LAYOUTS, LayoutError, get_layout, infer_layout


def test_layouts_have_the_fields_numbers_of_points():
    assert {name: len(layout.points) for name, layout in LAYOUTS.items()} == {
        "coco17": 17,
        "coco_wholebody": 133,
        "openpose15": 15,
        "openpose18": 18,
        "openpose25": 25,
        "openpose67": 67,
        "openpose137": 137,
        "mediapipe_pose33": 33,
        "mediapipe_holistic": 543,
        "mediapipe_holistic_iris": 553,
        "mediapipe_holistic_75": 75,
        "islr543": 543,
        "hand21": 21,
        "halpe26": 26,
        "halpe136": 136,
        "crowdpose14": 14,
        "h36m17": 17,
        "posetrack18": 17,
        "ntu25": 25,
        "sign27": 27,
        "sign31": 31,
        "sign59": 59,
    }


@pytest.mark.parametrize(
    ("name", "indices"),
    [
        (
            "sign27",
            [
                0,
                5,
                6,
                7,
                8,
                9,
                10,
                91,
                95,
                96,
                99,
                100,
                103,
                104,
                107,
                108,
                111,
                112,
                116,
                117,
                120,
                121,
                124,
                125,
                128,
                129,
                132,
            ],
        ),
        (
            "sign31",
            [
                0,
                1,
                2,
                3,
                4,
                5,
                6,
                7,
                8,
                9,
                10,
                91,
                95,
                96,
                99,
                100,
                103,
                104,
                107,
                108,
                111,
                112,
                116,
                117,
                120,
                121,
                124,
                125,
                128,
                129,
                132,
            ],
        ),
        ("sign59", [*range(17), *range(91, 133)]),
        ("coco17", list(range(17))),
    ],
)
def test_subsets_of_wholebody(name, indices):
    assert list(LAYOUTS[name].indices_in(LAYOUTS["coco_wholebody"])) == indices


def test_limbs_of_sign27():
    assert LAYOUTS["sign27"].limbs == (
        *((0, 1), (0, 2), (1, 3), (3, 5), (2, 4), (4, 6), (5, 7), (6, 17)),
        *((7, 8), (7, 9), (7, 11), (7, 13), (7, 15), (9, 10), (11, 12), (13, 14), (15, 16)),
        *((17, 18), (17, 19), (17, 21), (17, 23), (17, 25), (19, 20), (21, 22), (23, 24), (25, 26)),
    )


def test_limbs_of_coco17_are_pyskls():
    assert LAYOUTS["coco17"].limbs == (
        *((0, 1), (0, 2), (1, 3), (2, 4), (0, 5), (5, 7), (7, 9), (0, 6), (6, 8), (8, 10)),
        *((5, 11), (11, 13), (13, 15), (6, 12), (12, 14), (14, 16), (11, 12)),
    )


def test_sign27_from_openpose():
    left, right = 95, 116
    hand = (0, 4, 5, 8, 9, 12, 13, 16, 17, 20)
    assert list(LAYOUTS["sign27"].indices_in(LAYOUTS["openpose137"])) == [
        *(0, 5, 2, 6, 3, 7, 4),
        *(left + i for i in hand),
        *(right + i for i in hand),
    ]


@pytest.mark.parametrize(("name", "face"), [("mediapipe_holistic", 468), ("mediapipe_holistic_iris", 478)])
def test_sign27_from_mediapipe(name, face):
    left, right = 33 + face, 33 + face + 21
    hand = (0, 4, 5, 8, 9, 12, 13, 16, 17, 20)
    assert list(LAYOUTS["sign27"].indices_in(LAYOUTS[name])) == [
        *(0, 11, 12, 13, 14, 15, 16),
        *(left + i for i in hand),
        *(right + i for i in hand),
    ]


def test_left_and_right_of_coco17():
    assert LAYOUTS["coco17"].left == (1, 3, 5, 7, 9, 11, 13, 15)
    assert LAYOUTS["coco17"].right == (2, 4, 6, 8, 10, 12, 14, 16)


def test_left_and_right_of_sign27():
    assert LAYOUTS["sign27"].left == (1, 3, 5, *range(7, 17))
    assert LAYOUTS["sign27"].right == (2, 4, 6, *range(17, 27))


def test_mirroring_twice_changes_nothing():
    for layout in LAYOUTS.values():
        assert [layout.mirror[i] for i in layout.mirror] == list(range(len(layout.points)))


def test_a_bare_number_of_points_means_one_layout():
    assert {
        points: layout.name for points in range(600) if points not in (25, 543) and (layout := infer_layout(points))
    } == {
        17: "coco17",
        18: "openpose18",
        21: "hand21",
        27: "sign27",
        31: "sign31",
        59: "sign59",
        75: "mediapipe_holistic_75",
        133: "coco_wholebody",
        137: "openpose137",
        553: "mediapipe_holistic_iris",
    }


@pytest.mark.parametrize(
    ("points", "first", "second"), [(25, "openpose25", "ntu25"), (543, "mediapipe_holistic", "islr543")]
)
def test_a_number_that_two_layouts_have_is_refused_with_both(points, first, second):
    with pytest.raises(
        LayoutError, match=rf"{points} points without names may be {first} .* or {second} .*: set `layout`"
    ):
        infer_layout(points)


def test_mediapipe_has_one_name_with_and_without_irises():
    assert len(get_layout("mediapipe_holistic", 553).points) == 553
    assert len(get_layout("mediapipe_holistic", 543).points) == 543


def test_an_unknown_layout_is_refused_with_the_known_ones():
    with pytest.raises(LayoutError, match=r"unknown layout 'coco18': known layouts are coco17, coco_wholebody"):
        get_layout("coco18")
