"""COCO and COCO-WholeBody annotations: the images in a row are the frames."""

import pytest

from heatsvc.pose import NoKeypointsError, PoseError
from heatsvc.pose.readers import read
from tests.pose.readers.samples import HD, text, triples

IMAGES = [{"id": 30, "height": 480, "width": 640}, {"id": 7, "height": 480, "width": 640}]


def file(*annotations, images=IMAGES):
    return text({"images": images, "annotations": list(annotations), "categories": []})


def whole(image, x, score=0.5):
    return {
        "image_id": image,
        "keypoints": triples(17, x, score),
        "foot_kpts": triples(6, x + 100, score),
        "face_kpts": triples(68, x + 200, score),
        "lefthand_kpts": triples(21, x + 300, score),
        "righthand_kpts": triples(21, x + 400, score),
    }


def test_wholebody_has_133_points_in_the_layouts_order():
    [clip] = read(file(whole(30, 1.0), whole(7, 2.0)), filename="a.json")
    assert clip.keypoint.shape == (1, 2, 133, 2)
    assert (clip.layout.name, clip.img_shape, clip.frame_dir) == ("coco_wholebody", (480, 640), "a")
    assert clip.keypoint[0, 0, [0, 17, 23, 91, 112], 0].tolist() == [1, 101, 201, 301, 401]


def test_frames_are_in_the_order_of_the_images_and_persons_of_the_annotations():
    [clip] = read(file(whole(7, 2.0), whole(30, 1.0), whole(7, 3.0)))
    assert clip.keypoint[:, :, 0, 0].tolist() == [[1, 2], [0, 3]]
    assert clip.keypoint_score[:, :, 0].tolist() == [[0.5, 0.5], [0, 0.5]]


def test_keypoints_alone_are_coco17():
    [clip] = read(file({"image_id": 7, "keypoints": triples(17, 1.0, 0.7)}))
    assert clip.layout.name == "coco17"


def test_a_part_that_an_annotation_lacks_is_zeros_with_score_0():
    lacking = whole(30, 1.0)
    del lacking["lefthand_kpts"]
    [clip] = read(file(lacking))
    assert not clip.keypoint_score[0, 0, 91:112].any()


def test_visibility_flags_become_scores_of_1():
    points = [10, 20, 2, 30, 40, 1, 0, 0, 0, *triples(14, 1.0, 2)]
    [clip] = read(file({"image_id": 7, "keypoints": points}))
    assert clip.keypoint_score[0, 1, :4].tolist() == [1, 1, 0, 1]


def test_scores_above_1_stay_where_they_are_not_flags():
    [clip] = read(file({"image_id": 7, "keypoints": triples(17, 1.0, 1.05)}))
    assert round(float(clip.keypoint_score[0, 1, 0]), 4) == 1.05


def test_without_sizes_the_options_have_img_shape():
    data = file({"image_id": 7, "keypoints": triples(17, 1.0)}, images=[{"id": 7}])
    assert read(data, options=HD)[0].img_shape == (1080, 1920)


def test_no_persons_means_no_keypoints():
    with pytest.raises(NoKeypointsError, match="no persons in any frame"):
        read(file())


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        (
            {"image_id": 8, "keypoints": triples(17, 1.0)},
            r"annotations\[0\].image_id is not the id of one of the 2 images",
        ),
        ({"image_id": [8]}, r"annotations\[0\].image_id is not the id of one of"),
        (
            {"image_id": 7, "keypoints": triples(16, 1.0)},
            r"annotations\[0\]\.keypoints must be 51 numbers, x, y, score",
        ),
        ({"image_id": 7, "keypoints": [*triples(16, 1.0), 1, 2, "3"]}, r'annotations\[0\]\.keypoints\[50\] is "3"'),
        (5, "annotations must be a list of objects"),
    ],
)
def test_invalid_annotations_are_refused(annotation, said):
    with pytest.raises(PoseError, match=said):
        read(file(annotation))


def test_images_of_two_sizes_are_refused():
    images = [IMAGES[0], {"id": 7, "height": 481, "width": 640}]
    with pytest.raises(PoseError, match=r"images\[1\] has another size") as caught:
        read(file(whole(30, 1.0), images=images))
    assert caught.value.frame == 1


def test_images_of_one_id_are_refused():
    with pytest.raises(PoseError, match=r"images\[1\] needs a unique id"):
        read(file(images=[IMAGES[0], IMAGES[0]]))
