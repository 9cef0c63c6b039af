"""A pickle is data: nothing of it runs, and what it would take for ever is refused."""

from __future__ import annotations

import collections
import io
import os
import pickle
import time

import pytest

from gateparity.backends.checkpoints.pickles import MOST, Refused, read_pickle
from gateparity.backends.checkpoints.torch_pickle import read_torch_pickle
from gateparity.backends.checkpoints.torch_tensors import name_tensors

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


def refuse(name):
    raise Refused(f"global {name}")


def read(data):
    return read_pickle(io.BytesIO(data), refuse, refuse)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value",
    [
        None,
        {"a": [1, 2.5, True, (), ("x",), (1, 2), (1, 2, 3), tuple(range(9))], 3: {"b": "ü"}},
        [-1, 2**40, -(2**70), 300, 1e-300, "", "a\nb", [[[]]]],
        {"same": ["list"] * 3, "none": None, "false": False},
    ],
)
def test_containers_and_numbers_come_back_in_every_protocol(value, protocol):
    assert read(pickle.dumps(value, protocol)) == value


def test_shared_and_recursive_containers_come_back_as_one():
    inner = []
    outer = {"a": inner, "b": inner}
    inner.append(outer)
    found = read(pickle.dumps(outer, 2))
    assert found["a"] is found["b"]
    assert found["a"][0] is found


class Evil:
    def __reduce__(self):
        return os.mkdir, ("a pickle ran",)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_code_is_refused_by_its_name(protocol):
    with pytest.raises(ValueError, match=r"global (posix|nt) mkdir"):
        read(pickle.dumps({"weights": Evil()}, protocol))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"(",
        b"0.",
        b"N",
        b"NN.",
        b"\x80\x02}(K\x01u.",  # a key without a value
        b"\x80\x02K\x01K\x02\x86a.",  # appended to a number
        b"h\x05.",
        b"N\x85R.",
        b"\x82\x01.",  # an extension
        b"P1\n.",
        b"\x97.",  # a buffer out of band
        b"\x8e" + b"\xff" * 7 + b"\x7f",  # bytes, more than there are
        b"(i\nmkdir\n.",
        b"V\\uxyz\n.",
        b"L" + b"9" * 5000 + b"L\n.",
    ],
)
def test_a_damaged_pickle_is_refused(data):
    with pytest.raises(ValueError, match=r"its pickle|global"):
        read(data)


def test_keys_that_take_for_ever_to_hash_are_left_out():
    """A tuple of the tuple before, twice, sixty levels deep."""
    deep = b"\x80\x02})" + b"2\x86" * 60 + b"K\x01s."
    started = time.monotonic()
    assert read(deep) == {}
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "data",
    [
        b"}" + b"N0" * MOST + b".",
        # A list of 1,000 pairs, and an OrderedDict of it, again and again.
        b"(" + b"K\x01K\x02\x86" * 1000 + b"lp0\n0" + b"ccollections\nOrderedDict\np1\n0"
        b"(" + b"h\x01h\x00\x85R" * 10_000 + b"l.",
    ],
)
def test_work_without_end_is_refused(data):
    started = time.monotonic()
    with pytest.raises(ValueError, match=r"takes more than \d+ steps"):
        read_torch_pickle(io.BytesIO(data))
    assert time.monotonic() - started < 20


def test_an_ordered_dict_of_python_2_is_read():
    data = b"ccollections\nOrderedDict\n((lp0\n(lp1\nS'a'\naI1\naatp2\nRp3\n."
    assert read_torch_pickle(io.BytesIO(data)) == {"a": 1}
    for protocol in PROTOCOLS:
        saved = pickle.dumps(collections.OrderedDict(a=1, b=[2]), protocol)
        assert read_torch_pickle(io.BytesIO(saved)) == {"a": 1, "b": [2]}


@pytest.mark.parametrize(
    ("deep", "long"), [(1000, "key"), (1, "key" * 1000)], ids=["nested", "named"]
)
def test_names_are_bounded(deep, long):
    tensors = {long: read_tensor()}
    for _ in range(deep):
        tensors = {"a": tensors}
    with pytest.raises(ValueError, match=r"lie deeper than|a name of 3000"):
        name_tensors(tensors)


def read_tensor(rows=2, stride=3, count=6):
    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK%ctQ" % count
    sizes = b"K\0K%cK\x03\x86K%cK\x01\x86" % (rows, stride)
    data = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + storage + sizes + b"\x89}tR."
    return read_torch_pickle(io.BytesIO(data))


def test_sizes_that_are_no_numbers_are_refused_and_not_printed():
    """Lists in each other, a hundred thousand deep, would be too deep to print."""
    deep = b"]" * 100_000 + b"a" * 99_999
    sizes = b"(K\0" + deep + b"\x85K\x01\x85\x89}tR."
    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x06tQ"
    data = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + sizes[1:]
    with pytest.raises(ValueError, match="don't fit each other"):
        read_torch_pickle(io.BytesIO(data))


def test_a_tensor_stays_within_its_storage():
    assert read_tensor().shape == (2, 3)
    for wrong in ({"rows": 3}, {"stride": 4}, {"count": 5}):
        with pytest.raises(ValueError, match=r"reaches number \d+ of a storage of \d"):
            read_tensor(**wrong)
