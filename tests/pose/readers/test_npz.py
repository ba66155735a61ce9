"""`.npz` and zip archives: a clip's named arrays, and limits of archives."""

import zipfile

import numpy as np
import pytest

from heatsvc.bounds import Bounds
from heatsvc.errors import LimitError
from heatsvc.pose import PoseError
from heatsvc.pose.readers import ReadOptions, read
from tests.pose.readers.samples import HD, npy, npz, zipped

KEYPOINT = np.arange(2 * 5 * 2, dtype=np.float32).reshape(1, 2, 5, 2)


def test_every_member_is_read():
    data = npz(
        keypoint=np.ones((1, 2, 17, 2)),
        keypoint_score=np.full((1, 2, 17), 0.5, np.float16),
        img_shape=np.array([480, 640]),
        layout=np.array("coco17"),
        frame_dir=np.array("a.avi"),
        label=np.array(7),
        total_frames=np.array(2),
    )
    [clip] = read(data, filename="b.npz")
    assert (clip.frame_dir, clip.label, clip.img_shape, clip.layout.name) == ("a.avi", 7, (480, 640), "coco17")
    assert clip.keypoint_score.tolist() == [[[0.5] * 17] * 2]


def test_the_options_add_what_the_file_lacks():
    [clip] = read(npz(keypoint=KEYPOINT), filename="b.npz", options=HD)
    assert (clip.frame_dir, clip.label, clip.img_shape) == ("b", None, (1080, 1920))


def test_the_files_own_img_shape_takes_precedence():
    [clip] = read(npz(keypoint=KEYPOINT, img_shape=[480, 640]), options=HD)
    assert clip.img_shape == (480, 640)


def test_big_endian_names_and_labels_are_read():
    data = npz(keypoint=KEYPOINT, frame_dir=np.array("ab", ">U2"), label=np.array([3], ">i8"))
    [clip] = read(data, options=HD)
    assert (clip.frame_dir, clip.label) == ("ab", 3)


def test_a_missing_keypoint_is_refused():
    with pytest.raises(PoseError, match=r"the \.npz file has no array keypoint"):
        read(npz(imgs=KEYPOINT), options=HD)


def test_one_array_of_any_name_is_the_keypoints():
    [clip] = read(npz(arr_0=KEYPOINT, img_shape=np.array([4, 5])), filename="v1.npz")
    assert clip.keypoint.tolist() == read(npz(keypoint=KEYPOINT, img_shape=np.array([4, 5])))[0].keypoint.tolist()
    assert clip.frame_dir == "v1"


def test_several_arrays_of_other_names_are_refused_with_their_names():
    with pytest.raises(PoseError, match=r"the \.npz file has no array keypoint: it has left, right; rename the array"):
        read(npz(left=KEYPOINT, right=KEYPOINT), options=HD)


def test_pickled_members_are_never_read():
    with pytest.raises(PoseError, match="label: the array has pickled Python objects, which are never read"):
        read(npz(keypoint=KEYPOINT, label=np.array([{}], dtype=object)), options=HD)


def test_a_zip_bomb_of_zeros_is_refused_by_its_ratio():
    bomb = zipped({"keypoint.npy": npy(np.zeros((4_000, 500, 2), np.float64))})
    assert len(bomb) < 100_000
    with pytest.raises(LimitError, match="bytes for each byte of the archive are too many") as caught:
        read(bomb, options=HD)
    assert caught.value.setting == "HEATSVC_MAX_ARCHIVE_RATIO"


def test_a_short_clip_of_zeros_is_not_a_zip_bomb():
    [clip] = read(npz(keypoint=np.zeros((1, 109, 27, 2)), img_shape=[480, 640]))
    assert clip.frames == 109


def test_unpacked_bytes_are_bounded():
    data = zipped({"keypoint.npy": npy(np.random.default_rng(0).random((50, 17, 2)))})
    with pytest.raises(LimitError, match="unpacked bytes are too many") as caught:
        read(data, options=ReadOptions(bounds=Bounds(max_unpacked_bytes=10_000)))
    assert caught.value.setting == "HEATSVC_MAX_UNPACKED_BYTES"


def test_unpacked_bytes_are_counted_whatever_the_archive_declares():
    data = bytearray(zipped({"keypoint.npy": npy(np.zeros((200, 17, 2)))}))
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = (100).to_bytes(4, "little")  # the size unpacked, APPNOTE 4.3.12
    with pytest.raises(PoseError, match="the zip archive is damaged"):
        read(bytes(data), options=HD)


def test_members_are_bounded_before_they_are_listed():
    data = zipped({f"{i}.npy": b"" for i in range(30)})
    with pytest.raises(LimitError, match="30 archive members are too many"):
        read(data, options=ReadOptions(bounds=Bounds(max_archive_members=20)))


@pytest.mark.parametrize(
    "name", ["../keypoint.npy", "a/../../keypoint.npy", "/keypoint.npy", "C:/keypoint.npy", "..\\k.npy"]
)
def test_names_that_lead_out_of_the_archive_are_refused(name):
    with pytest.raises(PoseError, match="leads out of it: names must be relative"):
        read(zipped({name: npy(KEYPOINT)}), options=HD)


def test_other_packings_are_refused():
    with pytest.raises(PoseError, match="unsupported compression method"):
        read(zipped({"keypoint.npy": npy(KEYPOINT)}, zipfile.ZIP_LZMA), options=HD)


def test_an_encrypted_archive_is_refused():
    data = bytearray(zipped({"keypoint.npy": npy(KEYPOINT)}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(PoseError, match="is encrypted: pack it without a password"):
        read(bytes(data), options=HD)


def test_an_archive_of_other_files_is_refused():
    with pytest.raises(PoseError, match="has an unknown format: known are npy"):
        read(zipped({"readme.txt": b"hello"}), options=HD)
