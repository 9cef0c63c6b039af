"""The covering array: what it covers, its limits, and that a seed alone decides it."""

from __future__ import annotations

import collections
import itertools
import math
import zlib

import numpy as np
import pytest

from gateparity.conformance.problems.arrays import name_arrays
from gateparity.conformance.problems.case import number_problem
from gateparity.conformance.problems.further import INFINITE
from gateparity.conformance.problems.options import OPTIONS, STRONG, can_be
from gateparity.conformance.problems.sizes import AXES, CLASSES, LARGE, USUAL
from gateparity.conformance.problems.space import (
    LEAST,
    MANY,
    ZEROS,
    choose_problems,
    draw_problems,
)
from gateparity.errors import InputError

SEEDS = (0, 1, 2)
USUAL_CHOICE = {name: values[0] for name, values in OPTIONS.items()} | {
    "T": "even",
    "B": "even",
    "lengths": "none",
}
TIED = (*AXES, "layers", "directions", "lengths")  # by constraints
BLOCKS = (TIED, *((name,) for name in OPTIONS if name not in TIED))


def blocks_allowed():
    """Return what each block of options may have, whatever the other blocks have."""
    for names in BLOCKS:
        values = itertools.product(*(OPTIONS[name] for name in names))
        choices = [dict(zip(names, each, strict=True)) for each in values]
        yield [choice for choice in choices if can_be(USUAL_CHOICE | choice)]


@pytest.fixture(scope="module")
def blocks():
    return list(blocks_allowed())


def combinations(blocks, names):
    """Return the values that some allowed choice has at these names."""
    parts = []
    for block in blocks:
        own = [name for name in names if name in block[0]]
        parts.append({tuple((name, choice[name]) for name in own) for choice in block})
    return {frozenset(itertools.chain(*part)) for part in itertools.product(*parts)}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("strength", "options"), [(2, tuple(OPTIONS)), (3, STRONG)])
def test_every_combination_that_can_be_is_there(blocks, seed, strength, options):
    choices = [problem.choice for problem in draw_problems(seed)]
    for names in itertools.combinations(options, strength):
        found = {frozenset((name, choice[name]) for name in names) for choice in choices}
        assert combinations(blocks, names) - found == set(), names


@pytest.mark.parametrize("seed", SEEDS)
def test_it_keeps_its_limits(seed):
    problems = draw_problems(seed)
    assert LEAST <= len(problems) <= 120
    assert all(can_be(problem.choice) for problem in problems)
    work = [
        math.prod(p.sizes[axis] for axis in "TBH") * p.choice["layers"] * p.choice["directions"]
        for p in problems
    ]
    assert max(work) < LARGE
    assert sum(n >= USUAL for n in work) <= MANY


@pytest.mark.parametrize("seed", SEEDS)
def test_sizes_are_of_their_class(seed):
    for problem in draw_problems(seed):
        for axis, size in problem.sizes.items():
            kind = problem.choice[axis]
            others = [n for other, n in problem.sizes.items() if other != axis]
            others += [k * problem.sizes["H"] for k in (2, 4) if axis == "I"]
            assert size in (others if kind == "equal" else CLASSES[kind]), problem.description
            assert size > 1 or kind == "one"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_size_near_128_is_there(seed):
    """On each axis, in both directions."""
    found = {
        axis
        for problem in draw_problems(seed)
        for axis, n in problem.sizes.items()
        if 128 < n < 200 and problem.choice["directions"] == 2
    }
    assert found == set("TBIH")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_size_next_to_each_of_some_powers_of_two_is_there(seed):
    for power, axis in itertools.product((16, 32, 64), "TBIH"):
        assert any(abs(p.sizes[axis] - power) <= 1 for p in draw_problems(seed)), (power, axis)


@pytest.mark.parametrize("seed", SEEDS)
def test_blocks_of_16_32_and_64_are_whole_in_one_direction_and_in_two(seed):
    for axis in "TBIH":
        found = {
            p.choice["directions"] for p in draw_problems(seed) if p.sizes[axis] in (16, 32, 64)
        }
        assert found == {1, 2}, axis


@pytest.mark.parametrize("seed", SEEDS)
def test_an_upper_layer_has_more_than_64_inputs(seed):
    assert any(
        p.sizes["H"] * p.choice["directions"] > 64 and p.choice["layers"] > 1
        for p in draw_problems(seed)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_an_infinity_stands_in_each_array_of_two_problems(seed):
    problems = [problem for problem in draw_problems(seed) if problem.infinite]
    assert collections.Counter(p.infinite for p in problems) == dict.fromkeys(INFINITE, 2)
    for problem in problems:
        arrays = name_arrays(problem.build())
        spoiled = {key.rpartition(".")[2] for key, a in arrays.items() if np.isinf(a).any()}
        assert spoiled == {problem.infinite}, problem.description
        assert any((a == -np.inf).any() for a in arrays.values()) == bool(problem.lengths)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_array_is_zero_in_three_problems(seed):
    problems = [problem for problem in draw_problems(seed) if problem.zero]
    assert collections.Counter(p.zero for p in problems) == dict.fromkeys(ZEROS, 3)
    for problem in problems:
        arrays = name_arrays(problem.build())
        name = {"dy": "cotangent.y"}.get(problem.zero, problem.zero)
        zeros = [array for key, array in arrays.items() if key.endswith(name)]
        assert zeros
        assert not any(array.any() for array in zeros), problem.description


def test_a_large_array_has_one_number_that_is_much_larger():
    problem = next(
        p for p in draw_problems(0)
        if p.choice["inputs"] == "large" and p.choice["dtype"] != "float16" and p.zero != "x"
    )  # fmt: skip
    sizes = np.sort(abs(problem.build().batch.x).ravel())
    assert sizes[-1] > 4 * problem.scales["inputs"] >= problem.scales["inputs"] >= sizes[-2]


@pytest.mark.parametrize("seed", SEEDS)
def test_lengths_are_what_they_are_called(seed):
    for problem in draw_problems(seed):
        lengths, steps = problem.lengths, problem.sizes["T"]
        if problem.choice["lengths"] == "none":
            assert lengths == ()
            continue
        assert len(lengths) == problem.sizes["B"]
        assert 0 <= min(lengths) <= max(lengths) <= steps
        assert (0 in lengths) == (problem.choice["lengths"] == "empty")
        match problem.choice["lengths"]:
            case "full":
                assert steps in lengths
                assert min(lengths) < steps
            case "short" | "single":
                assert max(lengths) < steps
            case "ties":
                assert max(collections.Counter(lengths).values()) > 1


def digest(seed):
    words = [f"{p.sizes} {dict(p.choice)} {p.lengths}" for p in draw_problems(seed)]
    return zlib.crc32("\n".join(words).encode())


def test_a_seed_decides_it_on_every_machine():
    assert digest(0) == 1195248086
    assert len({digest(seed) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("number", [1, 17, LEAST])
def test_numbers_are_the_same_for_every_dtype_up_to_rounding(number):
    (problem,) = choose_problems([number], 0)
    narrow, wide = (name_arrays(problem.build(dtype)) for dtype in ("float32", "float64"))
    assert list(narrow) == list(wide)
    for name, array in narrow.items():
        np.testing.assert_array_equal(array, wide[name].astype(array.dtype), err_msg=name)


@pytest.mark.parametrize("problem", draw_problems(0), ids=lambda problem: problem.name)
def test_a_problem_is_the_case_that_it_describes(problem):
    case, choice = problem.build(), problem.choice
    config = case.config
    assert number_problem(case.name) == case.problem == problem.number
    assert (config.layers, config.directions, config.biases, config.dtype) == tuple(
        choice[name] for name in ("layers", "directions", "biases", "dtype")
    )
    assert case.sizes == "-".join(f"{axis}{size}" for axis, size in problem.sizes.items())
    assert (case.batch.states is not None) == choice["initial"]
    assert tuple(() if case.batch.lengths is None else case.batch.lengths) == problem.lengths
    scale = problem.scales["weights"] * config.hidden_size**-0.5
    finite = [cell.w_ih[np.isfinite(cell.w_ih)] for cell in case.params]
    largest = max(abs(array).max() for array in finite)
    assert largest == 0 if problem.zero == "w_ih" else scale / 2 < largest <= scale
    assert abs(case.cotangent.y).max() <= problem.scales["cotangents"]
    assert case.description == problem.description


def test_a_description_says_what_is_unusual():
    words = next(p.description for p in draw_problems(0) if p.scales["weights"] == 4)
    assert words.startswith("T ")
    assert "weights x 4" in words


@pytest.mark.parametrize("number", [-1, 0, 121])
def test_a_number_out_of_range_says_the_range(number):
    with pytest.raises(InputError, match=rf"--problem is {number}, expected 1 to \d+"):
        choose_problems([number], 0)


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="seed is -1"):
        draw_problems(-1)
