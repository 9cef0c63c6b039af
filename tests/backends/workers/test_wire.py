"""What a call sends, and what it refuses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.workers.wire import decode, encode


@dataclasses.dataclass(frozen=True)
class Pair:
    first: object
    second: object


def test_arrays_and_bytes_arrive_in_their_places():
    one, other = np.arange(6, dtype=">i4").reshape(2, 3), np.full((), np.nan, "float16")
    found = decode(encode({"a": [one, b"\0\xff", Pair(other, (1.5, None))], "b": b""}))
    np.testing.assert_array_equal(found["a"][0], one, strict=True)
    np.testing.assert_array_equal(found["a"][2]["first"], other, strict=True)
    assert (found["a"][1], found["a"][2]["second"], found["b"]) == (b"\0\xff", [1.5, None], b"")
    assert not found["a"][0].flags.writeable


@pytest.mark.parametrize("number", [0.1, -0.0, 5e-324, float("inf"), 2**70])
def test_numbers_arrive_bit_for_bit(number):
    assert repr(decode(encode(number))) == repr(number)


def test_a_message_with_fewer_bytes_than_it_says_is_refused():
    text, data = encode(np.ones((2, 3), "float32"))
    with pytest.raises(ValueError, match=r"shape \(2, 3\) came in 20 bytes, expected 24"):
        decode((text, data[:-4]))
    for value in (np.ones((2, 3), "float32"), b"data"):
        with pytest.raises(ValueError, match="fewer arrays than it names"):
            decode(encode(value)[:1])


def test_an_array_of_objects_is_refused():
    with pytest.raises(ValueError, match="an array of object came over the wire"):
        decode((encode(np.ones(1))[0].replace("<f8", "|O"), bytes(8)))
