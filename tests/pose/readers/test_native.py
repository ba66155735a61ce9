"""The kernels in C++ that read input: JSON number arrays held against Python's float(), keypoints against NumPy."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from heatsvc import _native
from tests.examples import examples

LEAST = 21  # bytes
MOST = 1_000_000
FENCE = 16


def parse(
    text: bytes, most: int = MOST, values: int | None = None, rows: int = 20
) -> tuple[bytes, dict[str, np.ndarray]]:
    """The text with placeholders for its arrays, and these; nothing is written after the ends of the outputs."""
    room = len(text) // 2 + 1 if values is None else values
    numbers, found_arrays = np.full(room + FENCE, -1, np.float32), np.full((rows + FENCE, 6), -1, np.int64)
    found, nulls = _native.parse_number_arrays(text, LEAST, most, numbers[:room], found_arrays[:rows])
    assert (numbers[room:] == -1).all()
    assert (found_arrays[rows:] == -1).all()
    rest, extracted, copied, first = b"", {}, 0, 0
    for number, (start, end, *lengths) in enumerate(found_arrays[:found].tolist()):
        assert end - start >= LEAST
        shape = tuple(length for length in lengths if length)
        assert tuple(lengths[: len(shape)]) == shape
        count = int(np.prod(shape))
        name = f"placeholder{number:08}"
        extracted[name] = numbers[first : first + count].reshape(shape)
        rest += text[copied:start] + b'"%s"' % name.encode()
        copied, first = end, first + count
    assert sum(int(np.isnan(array).sum()) for array in extracted.values()) <= nulls
    return rest + text[copied:], extracted


def float32_of(lists: Any) -> np.ndarray:
    """Parsed JSON as NumPy rounds Python's numbers."""
    return np.array(lists, np.float64).astype(np.float32)


def check(text: bytes, **limits: int) -> int:
    """The rest parses to what the text parses to, or is as broken. The number of arrays that were extracted."""
    rest, extracted = parse(text, **limits)
    if not extracted:
        assert rest == text
        return 0
    count = len(extracted)
    try:
        wanted = json.loads(text)
        orjson.loads(text)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011
            orjson.loads(rest)
        return count

    def compare(got: Any, whole: Any) -> None:
        if isinstance(got, str) and got in extracted:
            array, made = extracted.pop(got), float32_of(whole)
            assert array.shape == made.shape
            assert np.where(np.isnan(array), np.float32(np.nan), array).tobytes() == made.tobytes()
        elif isinstance(got, dict):
            for key in got:
                compare(got[key], whole[key])
        elif isinstance(got, list):
            for one, other in zip(got, whole, strict=True):
                compare(one, other)
        else:
            assert repr(got) == repr(whole)

    compare(json.loads(rest), wanted)
    return count


@examples(1000)
@given(st.lists(st.floats(-3e38, 3e38) | st.floats(-2000, 2000, width=32), min_size=20, max_size=40))
def test_numbers_are_pythons_float_rounded_to_float32(values: list[float]) -> None:
    texts = [repr(x) for x in values] + [f"{x:.6f}" for x in values] + [f"{x:.20e}" for x in values]
    _, extracted = parse(b'{"keypoint": [%s]}' % ", ".join(texts).encode())
    for array in extracted.values():
        assert array.tobytes() == float32_of([float(text) for text in texts]).tobytes()


number = st.one_of(
    st.none(),
    st.integers(-(10**25), 10**25),
    st.integers(-99, 999),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-2000, 2000, width=32),
)


@st.composite
def grids(draw: st.DrawFn) -> Any:
    """Regular lists of one to four levels."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    values = iter(draw(st.lists(number, min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))))

    def level(depth: int) -> Any:
        return [level(depth + 1) for _ in range(shape[depth])] if depth < len(shape) else next(values)

    return level(0)


keys = st.sampled_from(["keypoint", "keypoint_score", "clips", "x", '"keypoint":', "\\", "é"])
documents = st.dictionaries(
    keys,
    st.recursive(
        number | st.booleans() | st.text('a"\\[]{}:,é', max_size=4) | grids(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner | grids(), max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@examples(1000)
@given(documents, st.sampled_from([None, 0, "\t"]), st.sampled_from([0, 8, MOST]), st.integers(0, 4))
def test_any_document(document: Any, indent: int | str | None, most: int, rows: int) -> None:
    text = json.dumps(document, indent=indent).encode()
    check(text)
    check(text, most=most, rows=rows)
    check(text, values=most // 100 + rows)


@examples(1000)
@given(documents, st.data())
def test_any_damage(document: Any, data: st.DataObject) -> None:
    text = bytearray(json.dumps({"keypoint": [[1.5, None]] * 8, **document}, ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b'"', b"\\", b"[", b"]", b"}", b",", b":", b"-", b".", b"0", b"e", b"\0", b"\xff"])
        )
    check(bytes(text))
    check(bytes(text) + b"}")


@examples(1000)
@given(st.binary(max_size=200) | st.text('"keypoint_score":[],.-+eE0123456789nul \\{}\n', max_size=200).map(str.encode))
def test_any_bytes(text: bytes) -> None:
    for each in (text, text + b"}", b'{"keypoint":[[1,2],' + text + b"}", b'"keypoint":[0.' + text + b"}"):
        check(each)


def test_text_cut_anywhere() -> None:
    text = json.dumps({"keypoint": [[0.12345678901, -1e-5]] * 9, "x": "\\", "keypoint_score": [None, 7.5] * 9}).encode()
    for end, brace in itertools.product(range(len(text)), (b"", b"}")):
        check(text[:end] + brace)


def test_shorter_lists_stay_in_the_text() -> None:
    for length in range(1, LEAST):
        text = b'{"keypoint":[%s]}' % b",".join([b"1"] * length)
        assert check(text) == (2 * length + 1 >= LEAST)


def test_arrays_that_there_is_no_room_for_stay_in_the_text() -> None:
    array = b"[%s]" % b",".join([b"1.5"] * 40)
    text = b'{"keypoint":%s,"keypoint_score":%s}' % (array, array)
    for values, rows, found in ((80, 2, 2), (79, 2, 1), (39, 2, 0), (0, 2, 0), (200, 1, 1), (200, 0, 0)):
        rest, extracted = parse(text, values=values, rows=rows)
        assert (len(extracted), rest.count(array)) == (found, 2 - found)
    for other in (b"", text[:-1], text + b" "):
        assert parse(other) == (other, {})


TEXT = b'{"keypoint":[1.5,2.5,3.5,4.5,5.5,6.5]}'


def arguments(**changed: Any) -> dict[str, Any]:
    given = {"text": TEXT, "min_bytes": LEAST, "max_numbers": MOST, "values": np.empty(20, np.float32)}
    return {**given, "arrays": np.empty((2, 6), np.int64), **changed}


def test_rows_of_another_length_are_refused() -> None:
    assert _native.parse_number_arrays(**arguments())[0] == 1
    for columns in (0, 5, 7):
        with pytest.raises(ValueError, match="a row of arrays has six numbers"):
            _native.parse_number_arrays(**arguments(arrays=np.empty((2, columns), np.int64)))


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "changed",
    [
        {"text": TEXT.decode()},
        {"text": bytearray(TEXT)},
        {"min_bytes": -1},
        {"max_numbers": -1},
        {"max_numbers": 2**64},
        {"values": np.empty(20)},
        {"values": np.empty((20, 1), np.float32)},
        {"values": np.empty(40, np.float32)[::2]},
        {"values": read_only(np.empty(20, np.float32))},
        {"arrays": np.empty((2, 6), np.int32)},
        {"arrays": None},
    ],
)
def test_arguments_of_another_type_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        _native.parse_number_arrays(**arguments(**changed))


def split(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    shape = numbers.shape[:3]
    keypoint, score = np.empty((*shape, 2), np.float32), np.empty(shape, np.float32)
    return keypoint, score, _native.split_keypoints(numbers, keypoint, score)


@examples(500)
@given(
    st.sampled_from([np.float32, np.float64]).flatmap(
        lambda dtype: arrays.arrays(
            dtype, st.tuples(*[st.integers(1, 3)] * 3, st.sampled_from([2, 3])), elements={"allow_subnormal": True}
        )
    )
)
def test_points_are_split_as_numpy_splits_them(numbers: np.ndarray) -> None:
    keypoint, score, finite = split(numbers)
    with np.errstate(over="ignore"):
        wanted = numbers.astype(np.float32)
    infinite = np.isinf(wanted).any(axis=-1)
    undetected = np.isnan(wanted).any(axis=-1) & ~infinite
    wanted_score = wanted[..., 2].copy() if numbers.shape[-1] == 3 else np.ones(numbers.shape[:3], np.float32)
    wanted[undetected], wanted_score[undetected] = np.nan, 0
    assert finite == (not infinite.any())
    np.testing.assert_array_equal(keypoint, wanted[..., :2])
    np.testing.assert_array_equal(score, wanted_score)
    assert (np.signbit(keypoint) == np.signbit(wanted[..., :2]))[~np.isnan(keypoint)].all()


@pytest.mark.parametrize("columns", [1, 4])
def test_points_of_other_columns_are_refused(columns: int) -> None:
    with pytest.raises(ValueError, match="two or three numbers"):
        split(np.ones((1, 2, 3, columns), np.float32))


FRAMES = np.ones((4, 5, 3), np.float32)
PLACES = np.array([4, 0])


@pytest.mark.parametrize("indices", [[-1], [5], [2**62], [-(2**63)], []])
def test_keypoints_out_of_range_are_refused(indices: list[int]) -> None:
    chosen = np.array(indices, np.int64)
    keypoint, score = np.empty((4, len(indices), 2), np.float32), np.empty((4, len(indices)), np.float32)
    with pytest.raises(ValueError, match=r"not among|another size"):
        _native.take_keypoints(FRAMES, chosen, keypoint, score)
    if indices:
        with pytest.raises(ValueError, match="not among"):
            _native.count_scores(FRAMES, chosen, np.zeros((len(indices), 20), np.int64))


@pytest.mark.parametrize(("keypoint", "score"), [((5, 2, 2), (5, 2)), ((4, 2, 2), (4, 3)), ((4, 2, 1), (4, 2))])
def test_outputs_of_another_size_are_refused(keypoint: tuple[int, ...], score: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="another size"):
        _native.take_keypoints(FRAMES, PLACES, np.empty(keypoint, np.float32), np.empty(score, np.float32))


@pytest.mark.parametrize("shape", [(4, 5, 2), (4, 0, 3)])
def test_frames_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="frames"):
        _native.count_scores(np.ones(shape, np.float32), PLACES, np.zeros((2, 20), np.int64))


@pytest.mark.parametrize("shape", [(1, 20), (3, 20), (2, 0), (2, 2**20 + 1)])
def test_histograms_of_another_shape_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="bins"):
        _native.count_scores(FRAMES, PLACES, np.zeros(shape, np.int64))


def test_scores_beyond_the_histogram_count_in_its_outer_bins() -> None:
    frames = FRAMES.copy()
    frames[:, 0, 2] = [-np.inf, np.nan, np.inf, 3e38]
    histogram = np.zeros((2, 20), np.int64)
    _native.count_scores(frames, PLACES, histogram)
    assert histogram.tolist() == [[0] * 19 + [4], [2] + [0] * 18 + [2]]
