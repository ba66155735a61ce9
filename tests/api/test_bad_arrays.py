"""`.npy` bodies: every layout of numbers is read, and everything else is refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from tests.api.client import NPY, NPZ, PIPELINE, Client, Response
from tests.pose.readers.samples import npy, npz

RNG = np.random.default_rng(3)
ARRAY = RNG.integers(5, 60, (2, 3, 17, 3)).astype(np.float64)
ARRAY[..., 2] = 1
QUERY = {"img_shape": "64,64", "pipeline": PIPELINE}
TERABYTE = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 268435456, 1024), }"


def send(client: Client, body: bytes) -> Response:
    return client.post(body, NPY, QUERY)


def headed(header: str, data: bytes = b"", version: bytes = b"\1\0") -> bytes:
    text = header.encode("latin-1") + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + data


@pytest.mark.parametrize(
    "array",
    [
        ARRAY.astype(np.float32),
        ARRAY,
        ARRAY.astype(np.float16),
        ARRAY.astype(">f4"),
        ARRAY.astype(">f8"),
        ARRAY.astype(np.int32),
        ARRAY.astype(np.uint8),
        ARRAY.astype(">i8"),
        np.asfortranarray(ARRAY),
        np.asfortranarray(ARRAY.astype(">f4")),
    ],
    ids=lambda array: f"{array.dtype.str}{'F' if array.flags.fnc else ''}",
)
def test_numbers_of_any_kind_and_order_are_read(client: Client, array: np.ndarray) -> None:
    expected = client.post_npy(ARRAY.astype(np.float32), **QUERY).array()
    assert expected.max() == 1
    np.testing.assert_array_equal(send(client, npy(array)).array(), expected)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the file is not a .npy file"),
        (b"\x93NUMPY", "the file is not a .npy file"),
        (b"PK\3\4" + bytes(100), "the file is not a .npy file"),
        (npy(ARRAY)[:60], "truncated within its header"),
        (npy(ARRAY)[:-1], "2,447 follow: the file is truncated"),
        (npy(ARRAY) + b"\0", "remove the extra bytes"),
        (npy(np.array([[[1, 2]]], object), allow_pickle=True), "pickled Python objects, which are never read"),
        (npy(np.array(None), allow_pickle=True), "keypoint is a pickled None: no keypoints"),
        (npy(np.array([["a", "b"]])), "keypoint must be numbers, not text"),
        (npy(np.ones((2, 3), complex)), "it must be numeric, such as float32"),
        (npy(np.array([[True, False]])), "keypoint must be numbers, not bool"),
        (npy(np.zeros((2, 3), "M8[s]")), "it must be numeric, such as float32"),
        (npy(np.zeros(3, [("x", "f4")])), "the header cannot be read"),
        (npy(ARRAY)[:6] + b"\x09" + npy(ARRAY)[7:], "version 9 of the .npy format is not supported"),
        (
            headed(TERABYTE),
            "the header declares [1, 268435456, 1024] of float32, 1,099,511,627,776 bytes, but 0 follow",
        ),
        (headed("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2), }"), "the header cannot be read"),
        (headed("{'descr': '<f4', 'fortran_order': False, 'shape': (9" + "9" * 30 + ", 2), }"), "cannot be read"),
        (headed("__import__('os').system('true')"), "the header cannot be read"),
        (headed("(" * 9000), "the header cannot be read"),
    ],
)
def test_arrays_without_numbers_are_refused(client: Client, body: bytes, said: str) -> None:
    problem = send(client, body).problem(422)
    assert problem["field"] == "keypoint"
    assert said in problem["detail"]


def test_the_size_in_a_header_is_checked(client: Client) -> None:
    body = headed("{'descr':'<f4','fortran_order':False,'shape':(999999,999999,2)}")
    send(client, body).problem(422)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((17,), "keypoint has 1 axes, [17]: it must be [V, 2|3]"),
        ((1, 1, 2, 17, 3), "keypoint has 5 axes"),
        ((2, 17, 4), "the last axis of keypoint has 4 numbers per point"),
        ((3, 17, 1), "the last axis of keypoint has 1 numbers per point"),
        ((2, 0, 17, 3), "is empty, [2, 0, 17, 3]"),
        ((0, 5, 17, 3), "is empty, [0, 5, 17, 3]"),
        ((5, 0, 2), "is empty, [5, 0, 2]"),
        ((0,), "is empty, [0]"),
    ],
)
def test_wrong_axes(client: Client, shape: tuple[int, ...], said: str) -> None:
    problem = send(client, npy(np.ones(shape))).problem(422)
    assert problem["field"] == "keypoint"
    assert said in problem["detail"]


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39])
def test_infinity_is_reported_with_its_position(client: Client, value: float) -> None:
    array = ARRAY.copy()
    array[1, 2, 3, 0] = value
    problem = send(client, npy(array)).problem(422)
    assert (problem["field"], problem["frame"]) == ("keypoint", 2)
    assert "keypoint[1, 2, 3, 0] is infinite, or too large for float32" in problem["detail"]


@pytest.mark.parametrize(
    ("arrays", "field", "said"),
    [
        ({"imgs": np.ones((1, 3, 2))}, "keypoint", "has no array keypoint"),
        ({"keypoint": np.ones((1, 3, 5))}, "keypoint", "has 5 numbers per point"),
        ({"keypoint": np.ones((1, 3, 2)), "keypoint_score": np.ones(4)}, "keypoint_score", "keypoint_score is [4]"),
        ({"keypoint": np.ones((1, 3, 2)), "img_shape": np.ones(3, int)}, "img_shape", "two whole numbers"),
        ({"keypoint": np.ones((1, 3, 2)), "img_shape": np.ones(2)}, "img_shape", "two whole numbers"),
        ({"keypoint": np.ones((1, 3, 2)), "label": np.ones(2, int)}, "label", "label must be one value"),
        ({"keypoint": np.ones((1, 3, 2)), "layout": np.array("coco18")}, "layout", "unknown layout 'coco18'"),
    ],
)
def test_npz_that_is_no_clip(client: Client, arrays: dict[str, np.ndarray], field: str, said: str) -> None:
    problem = client.post(npz(**arrays), NPZ, QUERY).problem(422)
    assert problem["field"] == field
    assert said in problem["detail"]
