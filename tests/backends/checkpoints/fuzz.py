"""Damaged copies of a file: each is refused in one line, or read, in bounded time and memory.

A format's test calls `assert_survives` with a small file of that format. `fuzz_counts.py` runs
these tests with more copies, and prints how many there were.
"""

from __future__ import annotations

import dataclasses
import os
import random
import resource
import struct
import time

import pytest

from gateparity.backends.checkpoints.origin import with_origin
from gateparity.backends.checkpoints.registry import find_format, open_contents
from gateparity.backends.checkpoints.source import open_source
from gateparity.errors import InputError

SLOWEST = 5.0  # seconds for one copy, on a machine that does other things too
LARGEST = 300 << 10  # KiB by which this process may grow over all copies
ASKED = "GATEPARITY_FUZZ"  # copies of each file, where a test's own count is too small
SIZES = (0, 1, 127, 128, 255, 2**15 - 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1)


@dataclasses.dataclass(frozen=True)
class Count:
    """What became of the damaged copies of one file: the others were read."""

    format: str
    file: str
    copies: int
    refused: int
    slowest: float  # seconds
    crashed: int = 0  # of the processes that read one copy each


COUNTS = []  # of all tests so far


def copies(usual, share=1):
    """How many copies a test makes: its usual count, or a share of what is asked for."""
    return max(usual, int(os.environ.get(ASKED, "0")) // share)


def format_of(path):
    """The name of the format of an intact file."""
    with open_source(path, _unasked) as source:
        return find_format(source).name


def damage(data, draw):
    """A copy that is cut, or has bits flipped, bytes taken out or put in, or a size replaced."""
    copy = bytearray(data)
    # Half of the damage is in the first or the last kilobyte, where headers and indices are.
    place = draw.choice((draw.randrange(len(data)), draw.randrange(min(1024, len(data)))))
    place = draw.choice((place, place, len(data) - 1 - place))
    match draw.choice(("cut", "flip", "flip", "flip", "size", "drop", "add")):
        case "cut":
            del copy[place:]
        case "flip":
            for _ in range(draw.choice((1, 1, 1, 2, 8))):
                copy[place] ^= 1 << draw.randrange(8)
                place = draw.randrange(max(0, place - 64), min(len(data), place + 64))
        case "size":
            size, kind = draw.choice(SIZES), draw.choice(("<H", "<I", "<Q", ">I", ">Q"))
            width = struct.calcsize(kind)
            copy[place : place + width] = struct.pack(kind, size % 2 ** (8 * width))
        case "drop":
            del copy[place : place + draw.choice((1, 4, 100))]
        case "add":
            copy[place:place] = draw.randbytes(draw.choice((1, 4, 100)))
    return bytes(copy) or b"\0"


def assert_survives(path, count, ask=None, seed=0):
    """Damage a file `count` times; return how many copies were refused.

    Only `ValueError` may come out, a single printable line of it where the file is opened.
    """
    data, draw, refused, slowest = path.read_bytes(), random.Random(seed), 0, 0.0
    copy = path.with_name("damaged")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        copy.write_bytes(damage(data, draw))
        started = time.monotonic()
        refusal = _refusal(copy, ask or _unasked)
        assert refusal is not False, f"copy {number} is refused with control codes"
        refused += refusal is True
        took = time.monotonic() - started
        slowest = max(slowest, took)
        assert took < SLOWEST, f"copy {number} took {took} s"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < LARGEST, f"the process grew by {grown} KiB"
    COUNTS.append(Count(format_of(path), path.name, count, refused, slowest))
    return refused


def _refusal(path, ask):
    """Read all layers and all arrays; return None, or whether the refusal can be printed."""
    try:
        with open_contents(path, ask) as contents:
            for layer in contents.layers:
                with_origin(layer)
                if layer.layout and not layer.refusal:
                    layer.read()
            for array in contents.arrays.values():
                array.load()
    except ValueError as error:
        return not isinstance(error, InputError) or str(error).isprintable()
    return None


def _unasked(framework, *_):
    pytest.fail(f"{framework} was asked for a damaged file")
