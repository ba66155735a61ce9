"""parse_number_arrays: the rest of the text and the arrays equal what a parser makes of the whole text."""

from __future__ import annotations

import json
import math
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.pose.readers import NumberArrays, parse_number_arrays
from heatsvc.pose.readers.lists import array_from_lists
from tests.examples import examples

MOST = 1_000_000
LISTS = 10_000
KEYS = ("keypoint", "keypoint_score")
# A list of so many numbers of one digit is longer than its placeholder.
ENOUGH = 40


def array_of(lists: Any) -> np.ndarray:
    """The reference: lists of numbers as an array."""
    return array_from_lists(lists, "keypoint", bounds=DEFAULT_BOUNDS, booleans=True)


def restored(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """A parsed document with the arrays back in their places, wherever those are."""
    if isinstance(value, str) and value in arrays:
        return arrays[value]
    if isinstance(value, dict):
        return {key: restored(item, arrays) for key, item in value.items()}
    if isinstance(value, list):
        return [restored(item, arrays) for item in value]
    return value


def assert_same(got: Any, wanted: Any) -> None:
    """Equal, an array to lists of the same numbers, bit by bit, so that -0.0 is not 0.0."""
    if isinstance(got, np.ndarray):
        made = array_of(wanted)
        assert (got.shape, got.dtype) == (made.shape, np.float32)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(made))
        assert np.where(np.isnan(got), 0, got).tobytes() == np.where(np.isnan(made), 0, made).tobytes()
    elif isinstance(got, dict):
        assert list(got) == list(wanted)
        for key, value in got.items():
            assert_same(value, wanted[key])
    elif isinstance(got, list):
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            assert_same(one, other)
    else:
        assert (type(got), repr(got)) == (type(wanted), repr(wanted))


def check(text: bytes) -> NumberArrays | None:
    """Whatever the text is: extracted or not, it parses to the same, or is as broken."""
    extracted = parse_number_arrays(text, MOST, LISTS)
    if extracted is None:
        return None
    assert len(extracted.text) <= len(text)
    try:
        wanted = orjson.loads(text)
    except orjson.JSONDecodeError:
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(extracted.text)
        return extracted
    assert_same(restored(orjson.loads(extracted.text), extracted.arrays), wanted)
    return extracted


def only(text: bytes) -> np.ndarray:
    """The one array that was extracted."""
    extracted = check(text)
    assert extracted is not None, text[:200]
    [array] = extracted.arrays.values()
    return array


def numbers(*each: str) -> bytes:
    """A clip of a list of these numbers, and of enough more."""
    return b'{"keypoint": [%s]}' % ",".join([*each, *["0"] * ENOUGH]).encode()


# Values.


@pytest.mark.parametrize(
    "number",
    [
        *("0", "-0", "0.0", "-0.0", "-0e5", "0e999", "-0.00e-999", "0E0", "7", "-7", "10", "100200300", "1e5", "1E+05"),
        *("1e-05", "-12.5e+1", "0.1", "12.345678", "0.30000001192092896", "123456789012345678", "9007199254740993"),
        *("18446744073709551615", "18446744073709551616", "-9223372036854775809", "123456789012345678901234567890"),
        *("0.000000000000000000000000000001", "1.17549435e-38", "3.4028235e38", "1" * 38, "0." + "0" * 37 + "1"),
        *("1.0000000000000000000000000000001", "16777217", "16777219", "33554435.0", "2.5e-20", "5e-324", "1e-400"),
        *("1." + "0" * 5000, "0." + "1" * 5000, "12345678.87654321", "1.234567890123456789e-10", "1e22", "1e23"),
    ],
)
def test_a_number_is_a_parsers_double_rounded_to_float32(number: str) -> None:
    check(numbers(number))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ordinary_numbers_are_extracted(dtype: type) -> None:
    """Of the lengths that writers use: the shortest exact one, 17 digits, few decimals."""
    rng = np.random.default_rng(7)
    values = np.concatenate([rng.uniform(-2000, 2000, 5000), rng.random(5000), 10.0 ** rng.uniform(-30, 30, 5000)])
    texts = [repr(float(value)) for value in values.astype(np.float32).astype(np.float64)]
    texts += [str(value) for value in values.astype(dtype)]
    texts += [f"{value:.{decimals}f}" for decimals in (1, 3, 6, 20) for value in values[:2000]]
    texts += [f"{value:.{decimals}e}" for decimals in (0, 3, 17, 30) for value in values[:2000]]
    got = only(numbers(*texts))[: len(texts)]
    assert got.tobytes() == np.array([float(text) for text in texts]).astype(np.float32).tobytes()


digits = st.text("0123456789", min_size=1, max_size=24)
number_texts = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-"]),
    st.one_of(st.just("0"), st.builds("{}{}".format, st.sampled_from("123456789"), digits)),
    st.one_of(st.just(""), digits.map(".{}".format)),
    st.one_of(st.just(""), st.builds("{}{}".format, st.sampled_from(["e", "E", "e+", "e-", "E-"]), st.integers(0, 70))),
)


@examples(1500)
@given(st.lists(number_texts, min_size=1, max_size=4))
def test_any_number_of_the_grammar(texts: list[str]) -> None:
    check(numbers(*texts))


@examples(500)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=20))
def test_any_float32(values: list[float]) -> None:
    check(numbers(*map(repr, values)))


def decimal_of(value: Fraction, digits: int) -> str:
    """About that value, to so many digits."""
    with localcontext(prec=digits):
        return f"{Decimal(value.numerator) / Decimal(value.denominator):e}"


finite = st.floats(allow_nan=False, allow_infinity=False, width=32, min_value=0)


@examples(1500)
@given(
    value=finite.filter(lambda x: x < 3e38),
    off=st.sampled_from([0, 0, 1, -1, 2, -2, 5, -5, 9, -9, 20, -20]),
    far=st.sampled_from([Fraction(1), Fraction(1, 1000), Fraction(1, 10**9)]),
    digits=st.sampled_from([9, 16, 17, 18, 19, 20, 25, 60, 200]),
)
def test_numbers_half_way_between_two_float32(value: float, off: int, far: Fraction, digits: int) -> None:
    """A hair off the middle, where a double that is wrong in its last place rounds to the wrong float32."""
    above = float(np.nextafter(np.float32(value), np.float32(np.inf)))
    middle = (Fraction(value) + Fraction(above)) / 2
    unit = Fraction(math.ulp(float(middle)))
    check(numbers(decimal_of(middle + off * far * unit, digits)))


def test_numbers_half_way() -> None:
    """0.5 and half a unit in the last place of a float32: whether it is rounded up depends on the last digits."""
    above = np.nextafter(np.float32(0.5), np.float32(1))
    for number, rounded in (
        ("0.5000000298023223876953125", 0.5),  # a tie, to even
        ("0.50000002980232239", 0.5),  # the same double
        ("0.5000000298023224", 0.5),
        ("0.5000000298023225", above),
        ("0.500000029802322387695312500000000000001", 0.5),
        ("0.50000002980232245", above),
    ):
        assert only(numbers(number))[0] == rounded


@pytest.mark.parametrize("number", ["1e39", "-1e39", "3.41e38", "1" * 40, "1e400", "1e99999999999"])
def test_numbers_beyond_float32_are_left_to_the_parser(number: str) -> None:
    assert parse_number_arrays(numbers(number), MOST, LISTS) is None


@pytest.mark.parametrize("number", ["1e-39", "1e-45", "-3e-42", "5e-46"])
def test_small_numbers_are_subnormal_float32(number: str) -> None:
    assert only(numbers(number))[0] == np.float32(float(number))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "01",
            "-01",
            "00",
            "1.",
            "-1.",
            "1.e5",
            ".5",
            "-.5",
            "+1",
            "-",
            "--1",
            "1e",
            "1e+",
            "1e-",
            "e5",
            "1e5.5",
            "1ee5",
        ),
        *(
            "- 1",
            "1 2",
            "1_0",
            "0x10",
            "1f",
            "NaN",
            "nan",
            "Infinity",
            "-Infinity",
            "inf",
            "",
            "\x0b1",
            "1\x0c",
            "1\x00",
        ),
        *(
            "true",
            "false",
            '"1"',
            "{}",
            "[]",
            "nul",
            "nulll",
            "-null",
            "Null",
            "null1",
            "1null",
            "\u0661",
            "\xa01",
            "1,",
        ),
    ],
)
def test_invalid_numbers_are_left_to_the_parser(text: str) -> None:
    assert check(numbers(text)) is None
    assert check(numbers("1", text, "2")) is None


def test_the_last_bytes_are_read_like_all_others() -> None:
    """Where fewer than eight are left."""
    for last in ("0.1234567890", "12.5", "1.25e2", "-0.0", "7", "null", "0.5555555555555555555"):
        text = b'{"keypoint":[%s,%s]}' % (b",".join([b"1.5"] * ENOUGH), last.encode())
        wanted = np.float32(np.nan if last == "null" else float(last))
        np.testing.assert_array_equal(only(text)[-1], wanted)
        for tail in ("nul", "nulll", "nu", "n", "1.", "1e", "-"):
            assert check(text.replace(last.encode() + b"]}", tail.encode() + b"]}")) is None
            assert check(text.replace(last.encode() + b"]}", tail.encode() + b"}")) is None


def test_null_is_nan() -> None:
    got = only(b'{"keypoint": [%s]}' % b",".join([b"[null , 1.5]", b"[2,null]"] * 20))
    np.testing.assert_array_equal(got, [[np.nan, 1.5], [2, np.nan]] * 20)


# Lists.


@pytest.mark.parametrize(
    "shape", [(40,), (20, 2), (1, 40), (40, 1), (4, 5, 2), (1, 1, 40), (2, 3, 5, 2), (1, 1, 1, 40)]
)
@pytest.mark.parametrize("space", [b"", b" ", b"\n\t\r  "])
def test_one_to_four_levels_with_white_space_everywhere(shape: tuple[int, ...], space: bytes) -> None:
    lists = np.arange(math.prod(shape)).reshape(shape) + 0.25
    text = json.dumps({"keypoint": lists.tolist(), "x": 1}).encode().replace(b" ", b"")
    for sign in (b"[", b"]", b",", b":", b"{", b"}"):
        text = text.replace(sign, space + sign + space)
    np.testing.assert_array_equal(only(text), lists.astype(np.float32))


def without(lists: Any, *where: int) -> Any:
    """The lists less one item."""
    *above, last = where
    item = lists
    for i in above:
        item = item[i]
    del item[last]
    return lists


def grid(*shape: int) -> Any:
    return np.arange(math.prod(shape)).reshape(shape).tolist()


@pytest.mark.parametrize(
    "lists",
    [
        *(without(grid(4, 5, 2), *where) for where in [(0, 0), (1, 2), (3, 4), (0, 0, 0), (0, 1, 1), (3, 4, 1)]),
        *(without(grid(3, 4, 3, 2), *where) for where in [(0, 0), (1, 3), (2, 0), (0, 1, 2), (2, 3, 2), (2, 3, 2, 1)]),
        *([*grid(40), [1]], [[1], *grid(40)], [*grid(20, 2), 5], [*grid(20, 2), [[1, 2]]], [grid(20, 2), grid(40)]),
        *(
            [grid(20, 2), [*grid(19, 2), 5]],
            [[*grid(20, 2)], []],
            [[], *grid(20, 2)],
            [[[]] * 20],
            [],
            grid(1, 1, 1, 20, 2),
        ),
    ],
)
def test_irregular_lists_are_left_to_the_parser(lists: Any) -> None:
    assert check(json.dumps({"keypoint": lists, "padding": "x" * 99}).encode()) is None


@pytest.mark.parametrize("change", [b"[[", b"]]", b"[,", b",]", b",,", b"][", b"[]", b"] ["])
@pytest.mark.parametrize("at", [b"[[[", b"]]]", b"],[", b"]],[["])
def test_brackets_and_commas_out_of_place(at: bytes, change: bytes) -> None:
    text = json.dumps({"keypoint": grid(4, 5, 2)}).encode().replace(b" ", b"")
    for count in (1, -1):
        check(text.replace(at, change, count))


def test_a_list_shorter_than_its_placeholder_stays() -> None:
    for length in range(60):
        text = b'{"keypoint": [%s], "frame_dir": "a name"}' % b",".join([b"1"] * length)
        assert (check(text) is not None) == (2 * length + 1 >= 34)


def test_longer_lists_than_allowed_stay_in_the_text() -> None:
    text = numbers()
    assert parse_number_arrays(text, ENOUGH - 1, LISTS) is None
    for most in (ENOUGH, 1 << 80):
        extracted = parse_number_arrays(text, most, LISTS)
        assert extracted is not None
        assert [array.size for array in extracted.arrays.values()] == [ENOUGH]


def test_more_lists_than_allowed_stay_in_the_text() -> None:
    entry = b'"keypoint":%s' % LIST
    text = b"{%s}" % b",".join([entry] * 5)
    for lists in (1, 4, 5, 6):
        extracted = parse_number_arrays(text, MOST, lists)
        assert extracted is not None
        assert len(extracted.arrays) == min(lists, 5)
        assert extracted.text.count(LIST) == 5 - len(extracted.arrays)
    assert parse_number_arrays(text, MOST, 0) is None


# Keys.

LIST = b"[%s]" % b",".join([b"1.5"] * ENOUGH)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (b'{"keypoint":%s,"keypoint_score":%s}', 2),
        (b'{"keypoint" : %s , "keypoint_score"\n:\t%s}', 2),
        (b'{"keypoint":%s,"keypoint":%s}', 2),
        (b'{"clips":[{"keypoint":%s},{"x":{"keypoint":%s}}]}', 2),
        (b'{"\\u006beypoint":%s,"keypoint\\u005fscore":%s}', 0),
        (b'{"keypoints":%s,"keypoint_scores":%s}', 0),
        (b'{"eypoint":%s,"Keypoint":%s}', 0),
        (b'{"keypoint_scorf":%s,"keypoint ":%s}', 0),
        (b'{"frame_dir":"\\"keypoint\\":%s","keypoint":%s}', 1),
        (b'{"frame_dir":"\\\\","keypoint":%s,"x":%s}', 1),
        (b'{"frame_dir":"\\\\\\"keypoint\\":%s","keypoint":%s}', 1),
        (b'{"frame_dir":"keypoint","x":%s,"y":"keypoint_score","z":%s}', 0),
        (b'{"x":["keypoint",%s],"keypoint":%s}', 1),
        (b'{"keypoint":%s:%s}', 1),
        (b'{"keypoint":%s%s}', 1),
        (b'["keypoint":%s, "keypoint" %s}', 1),
        (b'{"keypoint",%s,"keypoint"}:%s', 0),
        (b'{"keypoint":%s,"keypoint":%s} \r\n\t', 2),
        (b'{"keypoint":%s,"keypoint":%s}x', 0),
        (b'{"keypoint":%s,"keypoint":%s}\x0b', 0),
        (b'{"keypoint":%s,"keypoint":%s}\x0c\n', 0),
        (b'{"keypoint":%s,"keypoint":%s}\0', 0),
        (b'{"keypoint":%s,"keypoint":%s', 0),
        (b'"keypoint":%s "keypoint":%s}', 2),
        (b'{"keypoint":"keypoint":%s,"x":%s}', 1),
        (b'{"keypoint":%s,"x":"\xff","y":%s}', 1),
        (b'\xef\xbb\xbf{"keypoint":%s,"y":%s}', 1),
        (b'{"x:%s,"keypoint":%s}', 0),
        (b'{"keypoint":"%s,"keypoint_score":%s}', 0),
    ],
)
def test_keys_are_distinguished_from_other_text(text: bytes, count: int) -> None:
    extracted = check(text % (LIST, LIST))
    assert len(extracted.arrays if extracted else {}) == count


documents = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text('a"\\[]{}:,\u00e9', max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*KEYS, "clips", "x", '"keypoint":', "\\"]), inner, max_size=4),
        st.dictionaries(
            st.sampled_from(KEYS),
            st.sampled_from(
                [grid(40), grid(20, 2), grid(3, 4, 2), grid(2, 2, 5, 2), [[[0.5] * 9, [None] * 9]], [[1], 2]]
            ),
        ),
    ),
    max_leaves=12,
)


@examples(1000)
@given(documents, st.sampled_from([None, 1]), st.booleans())
def test_any_document(document: Any, indent: int | None, ascii_only: bool) -> None:
    check(json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode())


@examples(2000)
@given(
    documents,
    st.lists(
        st.tuples(
            st.floats(0, 1),
            st.integers(0, 3),
            st.sampled_from(
                [b"", b'"', b"\\", b"[", b"]", b"{", b"}", b",", b":", b"-", b".", b"0", b"e", b"\0", b"\xff"]
            ),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_any_damage(document: Any, changes: list[tuple[float, int, bytes]]) -> None:
    text = json.dumps({"keypoint": grid(4, 5, 2), "x": document}).encode()
    for where, length, change in changes:
        at = int(where * len(text))
        text = text[:at] + change + text[at + length :]
    check(text)


def test_text_cut_anywhere() -> None:
    text = json.dumps({"keypoint": grid(4, 5, 2), "x": '"', "keypoint_score": [[0.5, None] * 20]}).encode()
    for end in range(len(text)):
        check(text[:end])


def test_deep_nesting_is_not_hidden() -> None:
    """orjson reads 1,024 levels; an array extracted from the deepest level makes the text less deep."""
    text = b'{"x":' * 1022 + b'{"keypoint":%s}' % orjson.dumps(grid(2, 2, 5, 2)) + b"}" * 1022
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(text)
    extracted = parse_number_arrays(text, MOST, LISTS)
    assert extracted is not None
    document: dict[str, Any] = orjson.loads(extracted.text)
    extracted.insert_into(document)
    assert len(extracted.arrays) == 1


def test_arrays_are_inserted_once() -> None:
    extracted = parse_number_arrays(b'{"keypoint":%s,"keypoint_score":%s,"frame_dir":"a"}' % (LIST, LIST), MOST, LISTS)
    assert extracted is not None
    document = orjson.loads(extracted.text)
    forged = {**document, "frame_dir": document["keypoint"]}
    extracted.insert_into(forged)
    assert isinstance(forged["keypoint"], np.ndarray)
    assert isinstance(forged["frame_dir"], str)
    extracted.insert_into(document)
    assert isinstance(document["keypoint"], str)


@pytest.mark.parametrize(
    "piece",
    [
        b'"keypoint":[[[[1,',
        b'"keypoint":[[[[',
        b'"keypoint":',
        b'"keypoint"',
        b'"keypoint":[[1,2],[3',
        b'"keypoint":[1.5e',
        b'"keypoint":[' + b"9" * 100,
        b'"keypoint":[' + b" " * 100,
        b'"',
        b"\\",
        b'"\\',
        b"[",
    ],
)
def test_irregular_lists_are_scanned_once(piece: bytes) -> None:
    """4 MB of them: looked at again from each start on, they would take hours."""
    text = piece * ((4 << 20) // len(piece))
    assert parse_number_arrays(text + b"}", MOST, LISTS) is None


def test_many_lists_are_all_extracted() -> None:
    text = b'{"clips":[%s]}' % b",".join([b'{"keypoint":%s}' % LIST] * 5000)
    extracted = check(text)
    assert extracted is not None
    assert len(extracted.arrays) == 5000


def test_nothing_is_extracted_from_empty_text() -> None:
    for text in (b"", b"{}", b" " * 100, b'"' * 101, b'{"keypoint":[]}' * 9):
        assert parse_number_arrays(text, MOST, LISTS) is None
