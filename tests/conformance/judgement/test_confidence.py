"""The draws that a verdict needs: Student's t, and the confidence intervals of Sohier et al."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from gateparity.conformance.judgement.budget import pool
from gateparity.conformance.judgement.confidence import (
    ALLOWED,
    FALSE_ALARM,
    count_draws,
    find_limit,
    tail,
)

CHI_SQUARE = {  # (freedom, chance below): from printed tables
    (10, 0.025): 3.247,
    (29, 0.025): 16.047,
    (30, 0.05): 18.493,
    (40, 0.005): 20.707,
}


def chi_square_below(x, freedom):
    """Return the chance of a chi square below x: the incomplete gamma function's series."""
    a, term, total = freedom / 2, 1.0, 1.0
    for k in range(1, 1000):
        term *= x / 2 / (a + k)
        total += term
    return math.exp(a * math.log(x / 2) - x / 2 - math.lgamma(a + 1)) * total


def chi_square_quantile(chance, freedom):
    low, high = 1e-9, 4.0 * freedom
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if chi_square_below(middle, freedom) < chance else (low, middle)
    return high


def sohier_limit(miss, draws):
    """Sohier et al., 2021, theorem 2: how many estimated deviations hold an error.

    The true deviation is below `s sqrt(n / chi^2)` with confidence `1 - miss / 2`, and an error is
    within the normal quantile of it but for another `miss / 2`. The mean is known here, so n draws
    have n degrees of freedom, where theirs have n - 1.
    """
    normal = -NormalDist().inv_cdf(miss / 4)
    return normal * math.sqrt(draws / chi_square_quantile(miss / 2, draws))


@pytest.mark.parametrize(
    ("freedom", "chance", "quantile"),
    [(1, 0.05, 12.706), (5, 1e-3, 6.869), (10, 0.05, 2.228), (30, 0.01, 2.750), (120, 1e-3, 3.373)],
)
def test_the_tail_is_that_of_printed_tables(freedom, chance, quantile):
    assert tail(quantile, freedom) == pytest.approx(chance, rel=2e-3)


def test_the_tail_of_much_freedom_is_the_normal_one():
    assert tail(6.0, 10**7) == pytest.approx(2 * NormalDist().cdf(-6.0), rel=1e-3)


def test_a_tiny_tail_is_that_of_the_density():
    """For two degrees of freedom it is known in closed form: 1 - t / sqrt(2 + t^2)."""
    for t in (1e2, 1e4):
        assert tail(t, 2) == pytest.approx(1 / t**2, rel=3e-4)


@pytest.mark.parametrize(("freedom", "chance"), CHI_SQUARE)
def test_the_chi_square_of_these_tests_is_that_of_printed_tables(freedom, chance):
    expected = CHI_SQUARE[freedom, chance]
    assert chi_square_quantile(chance, freedom) == pytest.approx(expected, abs=6e-4)


def test_the_interval_of_a_deviation_is_that_of_sohier():
    """30 samples at 95 %: 1.344 times the estimate, and 1.40 bits for 95 % of the errors."""
    factor = math.sqrt(29 / chi_square_quantile(0.025, 29))
    assert factor == pytest.approx(1.3443, abs=1e-4)
    assert math.log2(factor * NormalDist().inv_cdf(0.975)) == pytest.approx(1.398, abs=1e-3)


@pytest.mark.parametrize("elements", [1, 90, 1000, 35_000])
@pytest.mark.parametrize("draws", [32, 60, 120])
def test_the_limit_lies_between_a_known_deviation_and_the_interval_of_sohier(elements, draws):
    """Their interval splits the chance between deviation and error, so it is the wider one."""
    chance = FALSE_ALARM / elements
    plain = find_limit(elements, draws) / math.sqrt((draws + 8) / draws)
    assert -NormalDist().inv_cdf(chance / 2) < plain < sohier_limit(chance, draws)


@pytest.mark.parametrize("elements", [1, 24, 90, 1000, 35_000, 10**6])
def test_so_many_draws_are_just_enough(elements):
    draws = count_draws(elements)
    assert find_limit(elements, draws) <= ALLOWED < find_limit(elements, draws - 1)


def test_the_limit_holds_for_estimates_that_the_prior_pulls_down():
    """An element far above the mean of its array, in more trials than one element's share."""
    generator = np.random.default_rng(0)
    draws, trials = 32, 200_000
    squares = generator.chisquare(draws, trials)
    small = np.full(trials, 1e-6)
    sigmas = np.array([pool(np.array([one, *small[:9]]), draws)[0] for one in squares[:2000]])
    assert (sigmas >= np.sqrt(squares[:2000] / (draws + 8))).all()
    ratios = np.abs(generator.standard_normal(trials)) / np.sqrt(squares / (draws + 8))
    limit = find_limit(1, draws)
    beyond = (ratios > limit * 0.6).mean()
    expected = tail(limit * 0.6 / math.sqrt((draws + 8) / draws), draws)
    assert beyond == pytest.approx(expected, rel=0.3)
