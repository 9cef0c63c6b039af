"""Budgets kept from run to run: the same verdicts, and damage that costs time alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from gateparity.backends.workers.programs import ProgramStore
from gateparity.conformance.judgement.deviating import IGNORES_LENGTHS, RUNS_ON
from gateparity.conformance.problems.case import build_case, draw_for
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.problems.space import choose_problems
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs import kept_budgets, truths
from gateparity.conformance.runs.truths import Truths
from gateparity.errors import InputError
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters

CASES = {
    "named": RECIPES["ragged"].build("float32", 0),
    "problem": choose_problems([3], 0)[0].build(),
}


@pytest.fixture
def store(tmp_path):
    return ProgramStore(tmp_path / "store")


@pytest.fixture
def draws(monkeypatch):
    """Count the budgets that are drawn."""
    found = []
    for name in ("make_budget", "make_shared_budget"):
        draw = getattr(truths, name)

        def counted(*args, draw=draw, **options):
            found.append(args)
            return draw(*args, **options)

        monkeypatch.setattr(truths, name, counted)
    return found


def files(store):
    return sorted(store._root.glob("*/*"))


def budget(store, case, check="forward"):
    return Truths(store).of(CHECKS[check], case).budget


def assert_same(a, b):
    for part in ("sigmas", "weights", "undecided"):
        one, other = getattr(a, part), getattr(b, part)
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
            assert one[name].dtype == other[name].dtype
    np.testing.assert_array_equal(a.scores, b.scores)
    assert (a.scorer is None) == (b.scorer is None)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("check", ["forward", "gradients"])
def test_the_next_run_draws_nothing_and_has_the_same_budget(name, check, store, draws):
    plain = budget(None, CASES[name], check)
    first = budget(store, CASES[name], check)
    drawn = len(draws)
    second = budget(store, CASES[name], check)
    assert len(draws) == drawn > 1
    assert_same(first, plain)
    assert_same(second, plain)
    errors = {n: np.full(sigma.shape, 1e-7) for n, sigma in plain.sigmas.items()}
    if plain.scorer:
        np.testing.assert_array_equal(second.shifts(errors), plain.shifts(errors))


def test_the_budget_of_a_deviating_lstm_is_kept_beside_the_right_ones(store, draws):
    def deviating(equations):
        return Truths(store).of(CHECKS["forward"], CASES["named"], equations=equations).budget

    first = {one: deviating(one) for one in (None, RUNS_ON, IGNORES_LENGTHS)}
    assert len(draws) == 3
    for equations, kept in first.items():
        assert_same(deviating(equations), kept)
    assert len(draws) == 3


def chaotic_case():
    """Weights from N(0, 3^2), and 50 hidden units."""
    generator = np.random.default_rng(0)
    config = Config(4, 50)
    params = build_parameters(
        config, lambda _, shape: (3 * generator.standard_normal(shape)).astype("float32")
    )
    x = generator.standard_normal((50, 2, 4)).astype("float32")
    return build_case("chaotic", config, x, draw_for("chaotic", 0, "float32"), params=params)


def test_an_undecided_element_stays_undecided(store):
    case = chaotic_case()
    first = budget(store, case)
    assert first.undecided["y"].any()
    assert_same(budget(store, case), first)


@pytest.mark.parametrize("place", [0, 9, 200, -200, -1])
def test_a_flipped_bit_costs_a_draw_and_changes_nothing(place, store, draws):
    plain = budget(store, CASES["named"])
    (file,) = files(store)
    data = bytearray(file.read_bytes())
    data[place] ^= 4
    file.write_bytes(data)
    drawn = len(draws)
    assert_same(budget(store, CASES["named"]), plain)
    assert len(draws) == drawn + 1
    assert_same(budget(store, CASES["named"]), plain)  # it was written anew
    assert len(draws) == drawn + 1


def _change(case, **parts):
    return dataclasses.replace(case, **parts)


@pytest.mark.parametrize(
    "change",
    [
        lambda case: _change(case, name="another"),
        lambda case: _change(case, batch=dataclasses.replace(case.batch, x=case.batch.x * 2)),
        lambda case: _change(case, batch=dataclasses.replace(case.batch, lengths=None)),
        lambda case: _change(
            case, cotangent=dataclasses.replace(case.cotangent, y=case.cotangent.y * 2)
        ),
    ],
)
def test_another_problem_has_a_budget_of_its_own(change, store, draws):
    budget(store, CASES["named"], "gradients")
    drawn = len(draws)
    budget(store, change(CASES["named"]), "gradients")
    assert len(draws) == drawn + 1


def test_another_release_draws_anew(store, draws, monkeypatch):
    budget(store, CASES["named"])
    monkeypatch.setattr(kept_budgets, "_digest_sources", lambda: "another")
    budget(store, CASES["named"])
    assert len(draws) == 2


def test_a_store_that_cannot_be_used_is_one_line_and_the_run_goes_on(store, draws):
    store._root.write_text("in the way")
    budget(store, CASES["named"])
    assert len(draws) == 1
    assert store.trouble.startswith(f"nothing is kept in {store._root} for later: ")


def test_a_full_disk_is_one_line_and_the_run_goes_on(store, draws, monkeypatch):
    def fill(path, _data):
        raise InputError(f"{path} can't be written: No space left on device")

    monkeypatch.setattr(kept_budgets, "write_bytes", fill)
    kept = Truths(store)
    for check in ("forward", "gradients"):
        kept.of(CHECKS[check], CASES["named"])
    assert len(draws) == 2
    assert store.trouble.endswith("No space left on device")
    assert "\n" not in store.trouble


def test_a_folder_that_is_read_only_serves_what_it_has(store, draws, monkeypatch):
    first = budget(store, CASES["named"])
    monkeypatch.setattr(Path, "touch", _refuse)
    assert_same(budget(store, CASES["named"]), first)
    assert len(draws) == 1


def _refuse(*_, **__):
    raise PermissionError(13, "Permission denied")
