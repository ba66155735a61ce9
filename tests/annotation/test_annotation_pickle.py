"""The annotation pickle: head, fragments and tail, one after the other."""

import io
import pickle
import pickletools

import numpy as np
import pytest

from heatsvc.annotation import annotation_pickle
from heatsvc.annotation.annotation_pickle import encode_annotation, encode_header, encode_splits
from heatsvc.pose.readers import read

SPLITS = {"train": ["손_1", "b"], "test": []}


def points(frames=3, dtype="float16", persons=1):
    keypoint = np.arange(persons * frames * 4 * 2, dtype=dtype).reshape(persons, frames, 4, 2)
    return keypoint, keypoint[..., 0] / np.asarray(256, dtype)


def two_clips(dtype="float16") -> list[bytes]:
    return [
        encode_annotation("손_1", 418, (1080, 1920), *points(3, dtype)),
        encode_annotation("b", 0, (64, 60), *points(300, dtype, 2)),
    ]


def whole(dtype="float16") -> bytes:
    return b"".join([encode_header(dtype), *two_clips(dtype), encode_splits(SPLITS)])


def opcodes(data: bytes) -> int:
    return sum(1 for _ in pickletools.genops(data))


def test_it_holds_what_the_readers_expect_in_their_order():
    content = pickle.loads(whole())
    assert list(content) == ["annotations", "split"]
    assert content["split"] == {"train": ["손_1", "b"], "test": []}
    first, second = content["annotations"]
    keypoint, keypoint_score = first.pop("keypoint"), first.pop("keypoint_score")
    assert list(first.items()) == [
        ("frame_dir", "손_1"),
        ("label", 418),
        ("img_shape", (1080, 1920)),
        ("original_shape", (1080, 1920)),
        ("total_frames", 3),
        ("num_person_raw", 1),
    ]
    assert keypoint.tolist() == points()[0].tolist()
    assert keypoint_score.tolist() == points()[1].tolist()
    assert second["img_shape"] == (64, 60)
    assert second["original_shape"] == (64, 60)
    assert second["total_frames"] == 300
    assert second["num_person_raw"] == 2
    assert second["keypoint"].shape == (2, 300, 4, 2)


def test_it_says_what_made_it_where_nobody_looks_for_clips():
    content = pickle.loads(encode_header("float16") + encode_splits({"a": []}, {"version": "0.1.0", "seed": "7"}))
    assert content == {"annotations": [], "split": {"a": []}, "provenance": {"version": "0.1.0", "seed": "7"}}


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_arrays_are_as_pickle_itself_leaves_them(dtype):
    for annotation in pickle.loads(whole(dtype))["annotations"]:
        for key in ("keypoint", "keypoint_score"):
            array = annotation[key]
            usual = pickle.loads(pickle.dumps(array, 4))
            assert array.dtype == usual.dtype == np.dtype(dtype)
            assert array.flags.c_contiguous
            assert array.flags.writeable
            assert array.flags.aligned
            array += 1


def test_arrays_are_not_shared_between_clips():
    clip = encode_annotation("a", 0, (4, 4), *points())
    first, second = pickle.loads(encode_header("float16") + clip + clip + encode_splits({}))["annotations"]
    first["keypoint"][:] = 9
    assert second["keypoint"].tolist() == points()[0].tolist()


def test_a_fragment_reads_the_same_wherever_it_stands():
    first, second = two_clips()
    other = pickle.loads(encode_header("float16") + second + first + second + encode_splits({"all": ["b"]}))
    assert [annotation["frame_dir"] for annotation in other["annotations"]] == ["b", "손_1", "b"]


def test_no_clips_at_all():
    assert pickle.loads(encode_header("float32") + encode_splits({})) == {"split": {}, "annotations": []}


def test_the_same_clips_are_the_same_bytes():
    assert whole() == whole()


def test_columns_of_another_array_are_written_in_their_own_order():
    rows = np.arange(24, dtype=np.float32).reshape(1, 2, 4, 3)
    clip = encode_annotation("a", 0, (4, 4), rows[..., :2], rows[..., 2])
    [annotation] = pickle.loads(encode_header("float32") + clip + encode_splits({}))["annotations"]
    assert annotation["keypoint"].tolist() == rows[..., :2].tolist()
    assert annotation["keypoint_score"].tolist() == rows[..., 2].tolist()


def test_it_is_protocol_4_and_names_what_both_numpys_know():
    data = whole()
    assert max(opcode.proto for opcode, _, _ in pickletools.genops(data)) == 4
    assert b"numpy._core" not in data
    pickletools.dis(data, io.StringIO())


def test_the_stack_does_not_grow_with_the_dataset():
    many = (
        encode_header("float16")
        + encode_annotation("a", 0, (4, 4), *points()) * 2500
        + encode_splits({"train": ["a"] * 2500})
    )
    stack, deepest = [], 0
    for opcode, _, _ in pickletools.genops(many):
        before, mark = opcode.stack_before, pickletools.markobject
        if mark in before:
            del stack[len(stack) - stack[::-1].index(mark) - 1 :]
            before = before[: before.index(mark)]
        stack[len(stack) - len(before) :] = opcode.stack_after
        deepest = max(deepest, len(stack))
    assert pickle.loads(many)["split"]["train"] == ["a"] * 2500
    assert deepest < 1100


def test_52_opcodes_a_clip():
    """KETI's 33,517 clips are 1.8 million: the reader allows 5."""
    clip = encode_annotation("KETI_SL_0000000419", 418, (1080, 1920), *points(109))
    assert (
        opcodes(encode_header("float16") + clip + encode_splits({}))
        - opcodes(encode_header("float16") + encode_splits({}))
        == 52
    )


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_our_own_reader_reads_it(dtype):
    first, second = read(whole(dtype), filename="annotations.pkl")
    assert (first.frame_dir, first.label, first.img_shape, first.frames) == ("손_1", 418, (1080, 1920), 3)
    assert first.keypoint.tolist() == points()[0].tolist()
    assert (second.frame_dir, second.persons, second.frames) == ("b", 2, 300)


def test_long_names_and_large_numbers():
    clip = encode_annotation("손" * 100, 70_000, (1, 100_000), *points())
    [annotation] = pickle.loads(encode_header("float16") + clip + encode_splits({"손" * 100: []}))["annotations"]
    assert annotation["frame_dir"] == "손" * 100
    assert annotation["label"] == 70_000
    assert annotation["img_shape"] == (1, 100_000)


@pytest.mark.parametrize(
    ("size", "opcode"), [((1 << 32) - 1, b"B\xff\xff\xff\xff"), (1 << 32, b"\x8e\0\0\0\0\1\0\0\0")]
)
def test_from_4_gib_on_the_length_has_eight_bytes(size, opcode):
    assert annotation_pickle._bytes_opcode(size) == opcode


def test_arrays_of_another_dtype_than_the_heads_are_never_read_as_it():
    with pytest.raises(pickle.UnpicklingError, match="Memo value not found"):
        pickle.loads(
            encode_header("float16") + encode_annotation("a", 0, (4, 4), *points(dtype="float32")) + encode_splits({})
        )


@pytest.mark.parametrize("dtype", ["float64", ">f2", "int16"])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(ValueError, match="not both float16 or float32"):
        encode_annotation("a", 0, (4, 4), *(array.astype(dtype) for array in points(dtype="float32")))
    with pytest.raises(ValueError, match="float16 or float32"):
        encode_header(dtype)


def test_scores_of_another_shape_are_refused():
    keypoint, keypoint_score = points()
    with pytest.raises(ValueError, match=r"not \[M, T, V, 2\] and \[M, T, V\]"):
        encode_annotation("a", 0, (4, 4), keypoint, keypoint_score[:, 1:])
