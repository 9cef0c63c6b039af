"""The sizes in PyTorch's older files are known before PyTorch allocates them."""

from __future__ import annotations

import pickle
import struct
import tracemalloc

import pytest

from gateparity.backends.torch.legacy import MAGIC, check_storages

MARK, TUPLE, PERSID = b"(", b"t", b"Q"


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def integer(value):
    return b"\x8a" + bytes([8]) + value.to_bytes(8, "little", signed=True)


def storage(key="1", count=10, kind="FloatStorage"):
    """The opcodes of one storage's name, as torch.save writes them."""
    kind = f"ctorch\n{kind}\n".encode()
    size = integer(count) if isinstance(count, int) else count
    return MARK + text("storage") + kind + text(key) + text("cpu") + size + b"N" + TUPLE + PERSID


def legacy(*storages, keys=("1", "2"), room=100):
    """A file that names storages in a list, with zeros behind it."""
    saved = b"\x80\x02](" + b"".join(storages) + b"e."
    head = MAGIC + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    return head + saved + pickle.dumps(list(keys), 2) + bytes(room)


def test_storages_that_fit_are_accepted():
    check_storages(legacy(storage("1"), storage("2", 3, "DoubleStorage")))


def test_a_storage_of_many_tensors_counts_once():
    data = legacy(*[storage("1", 1000)] * 100, room=4000)
    assert len(data) < 100 * 4000
    check_storages(data)


@pytest.mark.parametrize(
    "storages",
    [
        [storage("1", 10**15)],
        [storage("1", 10), storage("1", 10**15)],
        [storage("1", 10**15), storage("1", 10)],
        [storage("1", 60), storage("2", 60)],
        [storage("1", 40, "DoubleStorage"), storage("2", 1)],
        [integer(10**15) + b"q\x07", storage("1", b"h\x07")],
    ],
    ids=["huge", "huge at second", "huge at first", "two", "double", "through the memo"],
)
def test_storages_that_do_not_fit_are_refused_before_they_are_allocated(storages):
    data = legacy(*storages, room=0)
    data += bytes(max(0, 300 - len(data)))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"its storages declare \d+ bytes, more than the file's"):
        check_storages(data)
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


@pytest.mark.parametrize(
    "count",
    [
        integer(-(10**9)),
        b"N",
        b"]",
        b"cbuiltins\ncomplex\n" + integer(10**15) + b"\x85R",
        integer(10**15) + b"\x85",
        b"K\x01K\x01\x86q\x07" + b"h\x07\x86q\x07" * 60,
    ],
    ids=["negative", "None", "a list", "a call", "a tuple", "a tuple that doubles"],
)
def test_a_size_that_is_no_constant_is_refused(count):
    with pytest.raises(ValueError, match=r"damaged: .* whose size isn't known before"):
        check_storages(legacy(storage("1", count)))


def test_an_element_of_unknown_size_is_refused():
    with pytest.raises(ValueError, match=r"damaged: .* whose size isn't known before"):
        check_storages(legacy(storage(kind="UnheardOfStorage")))


def test_a_storage_without_numbers_is_refused():
    with pytest.raises(ValueError, match="it declares storage '2' and holds no numbers for it"):
        check_storages(legacy(storage("1"), storage("2"), keys=("1",)))


@pytest.mark.parametrize("cut", range(15, 120, 7))
def test_a_truncated_pickle_is_refused(cut):
    with pytest.raises(ValueError, match="its pickle is damaged: "):
        check_storages(legacy(storage("1"), room=0)[:cut])


@pytest.mark.parametrize("opcodes", [b"e.", b"t.", b"h\x07.", b"q\x00.", b"Q.", b"0.", b"\x86."])
def test_opcodes_that_find_nothing_are_refused(opcodes):
    head = MAGIC + pickle.dumps(1001, 2) + pickle.dumps({}, 2)
    with pytest.raises(ValueError, match="its pickle is damaged: "):
        check_storages(head + b"\x80\x02" + opcodes)
