from __future__ import annotations

import numpy as np
import pytest

from gateparity.conformance.bench.statistics import Spread, exponent, ratio, spread


def test_the_median_and_the_quartiles():
    assert spread(np.array([5.0, 1, 4, 2, 3])) == Spread(3, 2, 4)


def test_a_ratio_is_taken_round_by_round_so_that_a_slow_moment_cancels():
    baseline = np.array([1.0, 1, 50, 1])
    assert ratio(2 * baseline, baseline) == Spread(2, 2, 2)


@pytest.mark.parametrize("values", [[], [1, 0], [1, np.nan], [1, np.inf], [[1, 2]]])
def test_what_no_clock_tells_is_refused(values):
    with pytest.raises(ValueError, match="no positive numbers"):
        spread(np.array(values, float))


def test_the_exponent_of_a_power():
    factors = [1, 2, 4]
    assert exponent(factors, [3 * k**1.5 for k in factors]) == pytest.approx(1.5)
