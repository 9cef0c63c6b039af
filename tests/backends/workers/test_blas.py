"""NumPy's BLAS in one thread for a while."""

from __future__ import annotations

import pytest

from gateparity.backends.workers.blas import one_thread, read_blas


def test_the_number_of_threads_is_restored():
    before = read_blas()
    if "blas threads" not in before:
        pytest.skip("the loaded BLAS doesn't say how many threads it has")
    with one_thread():
        assert read_blas()["blas threads"] == "1"
    assert read_blas() == before
