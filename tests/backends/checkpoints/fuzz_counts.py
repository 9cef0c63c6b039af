"""Count damaged copies of files of each format: `python -m tests.backends.checkpoints.fuzz_counts`.

An argument says how many copies of each file there are, 3,000 without one. The tests of damaged
files run with so many, and a table says what became of them. A copy that crashes this process,
takes long or takes much memory fails its test. HDF5 is read by a process for each file, which may
crash: the file is then refused. Orbax's folders, which JAX's worker reads, aren't damaged.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.backends.checkpoints.fuzz import ASKED, COUNTS, LARGEST, SLOWEST

USUAL = "3000"
WIDTHS = (36, 26, 8, 8, 8, 8, 8)


def main(words: list[str]) -> int:
    """Run the tests with so many copies, and print the table. Return pytest's exit code."""
    os.environ[ASKED] = words[0] if words else USUAL
    chosen = ("-k", "damaged or ends_with_any_file")
    code = pytest.main(["-q", *chosen, str(Path(__file__).parent)])
    _print("format", "file", "copies", "refused", "read", "crashed", "slowest")
    for each in sorted(COUNTS, key=lambda count: (count.format, count.file)):
        read = each.copies - each.refused - each.crashed
        numbers = (each.copies, each.refused, read, each.crashed, f"{each.slowest:.2f} s")
        _print(each.format, each.file, *numbers)
    totals = (sum(getattr(each, name) for each in COUNTS) for name in ("copies", "refused"))
    print("{:,} copies, {:,} refused".format(*totals))  # noqa: T201
    print(f"limits: {SLOWEST:g} s each, and {LARGEST >> 10} MiB more of memory")  # noqa: T201
    return code


def _print(*cells: object) -> None:
    """Print a row: two names, and numbers at the right."""
    row = (
        f"{cell!s:<{w}}" if k < 2 else f"{cell!s:>{w}}"
        for k, (cell, w) in enumerate(zip(cells, WIDTHS, strict=True))
    )
    print("".join(row))  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
