"""Both figures on mistakes that nobody wrote down: those under conditions, and mutants."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.selftest.conditioned import (
    CONDITIONS,
    FreshProblems,
    Judge,
    try_some,
)
from gateparity.conformance.selftest.mutants import is_equal, list_mutations, try_mutants
from gateparity.conformance.selftest.pieces import (
    CATALOGUE,
    default_plan,
    kept_truths,
    load_catalogue,
    make_pieces,
    run_pieces,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateparity.conformance.selftest.conditioned import Trial
    from gateparity.conformance.selftest.mutants import Mutant
    from gateparity.conformance.selftest.pieces import Progress

MUTANTS: Final = 300  # drawn among all, beside the other figures
_AT_ONCE: Final = 100  # mutants, which share a worker


def condition_pieces(catalogue: str, count: int, seed: int) -> list[Any]:
    """Return the pieces of work that try so many mistakes under conditions."""
    return [(_try_some, catalogue, k, seed) for k in make_pieces(count)]


def mutant_pieces(seed: int, count: int | None = None, *, with_equal: bool = False) -> list[Any]:
    """Return the pieces of work that try mutants: so many, drawn from the seed, or all of them."""
    which = [k for k, m in enumerate(list_mutations()) if with_equal or not is_equal(m)]
    if count is not None:
        drawn = np.random.default_rng([seed, 10]).permutation(which)[:count]
        which = sorted(int(k) for k in drawn)
    pieces = make_pieces(len(which), _AT_ONCE)
    return [(_mutate_some, [which[k] for k in piece], seed) for piece in pieces]


def run_conditions(
    catalogue: str = CATALOGUE,
    *,
    conditions: int = CONDITIONS,
    seed: int = 0,
    progress: Progress = lambda _, __: None,
) -> tuple[Trial, ...]:
    """Try mistakes under conditions alone. Raise `InputError` for a catalogue that can't load."""
    load_catalogue(catalogue)
    work = {"conditions": condition_pieces(catalogue, conditions, seed)}
    return tuple(itertools.chain(*run_pieces(work, progress)["conditions"]))


def run_mutants(*, seed: int = 0, progress: Progress = lambda _, __: None) -> tuple[Mutant, ...]:
    """Try all mutants alone, those too that are listed as computing the same."""
    work = {"mutants": mutant_pieces(seed, with_equal=True)}
    return tuple(itertools.chain(*run_pieces(work, progress)["mutants"]))


def _try_some(catalogue: str, which: Sequence[int], seed: int) -> list[Trial]:
    mistakes, plan = load_catalogue(catalogue), default_plan(seed)
    return try_some(which, seed, mistakes, plan, _judge(seed), _fresh(seed))


def _mutate_some(which: Sequence[int], seed: int) -> list[Mutant]:
    mutations = list_mutations()
    return try_mutants([mutations[k] for k in which], default_plan(seed), _judge(seed))


@functools.cache
def _judge(seed: int) -> Judge:
    """Return the judge of a seed, made once in each process, as is its cache."""
    return Judge(kept_truths(seed))


@functools.cache
def _fresh(seed: int) -> FreshProblems:
    """Return the fresh problems of a seed, made once in each process."""
    return FreshProblems(seed)
