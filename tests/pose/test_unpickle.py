"""The safe unpickler: plain data is read, everything else is refused by name."""

import collections
import os
import pickle
import struct
import time
import tracemalloc

import numpy as np
import pytest

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.errors import LimitError
from heatsvc.pose import PoseError
from heatsvc.pose.unpickle import unpickle


def load(data: bytes, **bounds):
    return unpickle(data, bounds=Bounds(**bounds) if bounds else DEFAULT_BOUNDS)


PLAIN = {
    "text": "é한",
    "numbers": [0, -1, 255, 65_536, -(2**40), 2**70, 1.5, True, False, None],
    "nested": {"a": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)], 5: {}},
}


@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_equals_the_standard_librarys(protocol):
    assert load(pickle.dumps(PLAIN, protocol)) == PLAIN


@pytest.mark.parametrize("protocol", range(3, 6))
def test_bytes_are_read(protocol):
    assert load(pickle.dumps([b"\0\xff" * 200, b""], protocol)) == [b"\0\xff" * 200, b""]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("array", [np.arange(6, dtype="<f2").reshape(2, 3), np.zeros((0, 17, 2)), np.array(True)])
def test_arrays_are_pickled_arrays(protocol, array):
    [shell] = load(pickle.dumps([array], protocol))
    assert (shell.array.dtype, shell.array.shape, shell.array.tolist()) == (array.dtype, array.shape, array.tolist())


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_text_and_of_objects_are_read(protocol):
    text, objects = load(pickle.dumps([np.array(["a", "한"]), np.array(["a", None], dtype=object)], protocol))
    assert text.array.tolist() == ["a", "한"]
    assert (objects.array, objects.objects) == (None, ["a", None])


@pytest.mark.parametrize("protocol", range(6))
def test_sets_and_keys_that_are_fractions_are_read(protocol):
    data = [{"a", "b", 3}, frozenset(("a", 0.5)), set(), {0.5: 1, np.float64(0.6): np.int64(2)}]
    assert load(pickle.dumps(data, protocol)) == data


def test_a_list_cannot_be_made_a_set_repeatedly():
    items = b"(" + b"".join(b"K%c" % i for i in range(256)) + b"l"
    again = b"h\x00h\x01\x85R0"
    data = b"\x80\x02cbuiltins\nset\nq\x000" + items + b"q\x010" + again * 1000 + b"]."
    with pytest.raises(PoseError, match="creates bytes and sets that are larger than itself"):
        load(data)


def test_text_without_characters_is_not_allocated():
    class Empty:
        def __reduce__(self):
            reconstruct, arguments, state = np.array(["a"]).__reduce__()
            return reconstruct, arguments, (state[0], (1 << 40,), np.dtype("U0"), False, b"")

    with pytest.raises(PoseError, match="an array of text has no characters"):
        load(pickle.dumps(Empty(), 4))


class Calls:
    """Pickled, it is a call of `function`."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
def test_a_call_of_the_system_is_refused_by_name(protocol, tmp_path):
    data = pickle.dumps({"annotations": [Calls(os.system, f"touch {tmp_path}/done")]}, protocol)
    with pytest.raises(PoseError, match=r"the pickle refers to 'posix.system', which is neither a number nor an array"):
        load(data)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "value",
    [
        Calls(eval, "1"),
        Calls(getattr, "a", "upper"),
        Calls(np.load, "x.npy"),
        Calls(np.zeros, 10**9),
        Calls(bytearray, 10**12),
        collections.OrderedDict(a=1),
        {(1, 2)},
        frozenset((1, None)),
        1 + 2j,
        ValueError("x"),
        np.array([[None, "x"]], dtype=object),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array(["2020-01-01"], dtype="M8[D]"),
        np.ma.masked_array([1.0], [True]),
    ],
)
def test_anything_but_plain_data_is_refused(value):
    for protocol in range(6):
        with pytest.raises(PoseError):
            load(pickle.dumps([value], protocol))


@pytest.mark.parametrize(
    "data",
    [
        b"cposix\nsystem\n(S'true'\ntR.",
        b"\x80\x02cbuiltins\neval\n\x8c\x011\x85R.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93.",
        b"\x80\x04\x8c\x05posixN\x93.",
        b"\x80\x04NN\x93.",
        b"(i__main__\nX\n.",
        b"\x80\x02P1\n.",
        b"\x80\x02\x82\x01.",
        b"\x80\x05\x97.",
        b"\x80\x02}}b.",
        b"\x80\x02cnumpy\nndarray\n)R.",
        b"\x80\x02cnumpy\nndarray\n)\x81.",
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n.XX",
        b"\x80\x02K\x01)R.",
        b"\x80\x02(l.",
    ],
)
def test_opcodes_that_make_objects_are_refused(data):
    try:
        result = load(data)
    except PoseError:
        return
    assert not callable(result)


def test_a_billion_laughs_cost_nothing():
    data = b"\x80\x02]q\x00" + b"".join(b"](" + b"h%c" % i * 10 + b"eq%c" % (i + 1) for i in range(40)) + b"."
    tracemalloc.start()
    start = time.perf_counter()
    result = load(data)
    assert time.perf_counter() - start < 0.5
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()
    assert len(result) == 10


def test_a_memo_index_of_two_billion_costs_nothing():
    tracemalloc.start()
    assert load(b"\x80\x02]r\xff\xff\xff\x7fj\xff\xff\xff\x7f0.") == []
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("opcode", [b"\x8e", b"\x96", b"\x8d"])
def test_a_shape_of_a_terabyte_is_refused_before_allocation(opcode):
    tracemalloc.start()
    with pytest.raises(PoseError, match="the pickle is damaged near byte"):
        load(b"\x80\x05" + opcode + struct.pack("<Q", 1 << 40) + b"abc.")
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_lists_nested_a_hundred_thousand_deep_are_refused():
    data = b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."
    assert len(load(data)) == 1


def test_a_list_that_contains_itself_is_read():
    result = load(b"\x80\x02]q\x00h\x00a.")
    assert result[0] is result


@pytest.mark.parametrize("where", [1, 10, 100, -1])
def test_a_file_without_its_last_bytes_is_refused(where):
    data = pickle.dumps({"annotations": [np.arange(100)] * 3}, 4)
    with pytest.raises(PoseError, match=r"the pickle is (damaged near byte|cut short)"):
        load(data[:where])


@pytest.mark.parametrize(
    ("shape", "promise"),
    [((1 << 40,), "8,796,093,022,208"), ((7,), "56"), ((3, -1), None), (("a",), None), (None, None)],
)
def test_an_array_of_another_size_than_its_shape_is_refused(shape, promise):
    class Lying:
        def __reduce__(self):
            reconstruct, arguments, state = np.arange(6.0).__reduce__()
            return reconstruct, arguments, (state[0], shape, *state[2:])

    said = f"{promise} bytes, but has 48" if promise else "shape"
    with pytest.raises(PoseError, match=said):
        load(pickle.dumps(Lying(), 4))


def test_memoized_text_cannot_be_encoded_repeatedly():
    text = b"X" + struct.pack("<I", 100_000) + b"a" * 100_000
    again = b"h\x00h\x01h\x02\x86R0"
    data = b"\x80\x02c_codecs\nencode\nq\x000" + text + b"q\x010X\x06\x00\x00\x00latin1q\x020" + again * 1000 + b"]."
    with pytest.raises(PoseError, match="creates bytes and sets that are larger than itself"):
        load(data)


@pytest.mark.parametrize(
    "key",
    [
        b"\x8a\x09" + (1 << 64).to_bytes(9, "little"),
        b"G\x7f\xf8" + b"\0" * 6,
        b"G\x43" + b"\0" * 7,
        b")",
        b"N",
        b"\x88",
    ],
)
def test_dict_keys_are_text_or_small_numbers(key):
    with pytest.raises(PoseError, match="the pickle has a dict key of type"):
        load(b"\x80\x02}" + key + b"K\x01s.")


def test_opcodes_are_counted():
    with pytest.raises(LimitError, match=r"101 pickled objects are too many .*max_pickle_objects"):
        load(b"\x80\x02" + b"N0" * 10_000 + b"N.", max_pickle_objects=100)


def test_a_number_of_a_million_digits_is_refused_fast():
    assert load(pickle.dumps(1 << 4_000_000, 4)) == 1 << 4_000_000
    with pytest.raises(PoseError, match="the pickle is damaged near byte"):
        load(b"I" + b"9" * 1_000_000 + b"\n.")
