"""A known deviation is excused while it is there, in its row alone, and nothing beside it."""

from __future__ import annotations

import dataclasses
import platform

import numpy as np
import pytest

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.spec import parse_backends
from gateparity.backends.workers.remote import open_worker
from gateparity.conformance.judgement.deviating import IGNORES_LENGTHS
from gateparity.conformance.judgement.deviations import (
    DEVIATIONS,
    Deviation,
    Problems,
    find_deviations,
)
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.verdict import judge
from gateparity.conformance.mistakes.catalogue import CATALOGUE
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.problems.space import choose_problems
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.judging import judge_answer, weigh_deviations
from gateparity.conformance.runs.session import Session
from gateparity.conformance.runs.truths import Truths

ADAPTERS = """
import dataclasses

from gateparity.backends.numpy.scratch import Scratch


class Right(Scratch):
    version = "1.9.1"


class IgnoresLengths(Scratch):
    version = "1.9.1"

    def forward(self, config, params, batch):
        return super().forward(config, params, dataclasses.replace(batch, lengths=None))

    def gradients(self, config, params, batch, cotangent):
        batch = dataclasses.replace(batch, lengths=None)
        return super().gradients(config, params, batch, cotangent)


class IgnoresLengthsAndAddsALittle(IgnoresLengths):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return dataclasses.replace(found, y=found.y + found.y.dtype.type(1e-4))


class IgnoresLengthsAndWrites(IgnoresLengths):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        batch.x[...] = 0
        return found


class IgnoresThemInAnotherVersion(IgnoresLengths):
    version = "2.0.0"
"""
RAGGED = ("lengths", "ragged", "float32")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """What a class of the module above gets as the named row of a shipped adapter."""
    (tmp_path / "mymod.py").write_text(ADAPTERS, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def run(adapter, key=RAGGED, name="mxnet", variant="layer", shipped=True):
        [backend] = parse_backends([f"mymod:{adapter}"])
        backend = dataclasses.replace(backend, name=name, variant=variant, shipped=shipped)
        check, case, dtype = key
        with Session(backend, Truths(), open_worker) as session:
            return session.run(CHECKS[check], RECIPES[case].build(dtype, 0))

    return run


def row(name, variant="layer"):
    [backend] = parse_backends(["numpy"])
    return dataclasses.replace(backend, name=name, variant=variant)


def listed(name, key, variant="layer"):
    _, case, dtype = key
    [known] = find_deviations(row(name, variant), RECIPES[case].build(dtype, 0))
    return known


def test_a_listed_deviation_is_known_and_says_why(run):
    known, result = listed("mxnet", RAGGED), run("IgnoresLengths")
    assert result.status == "known"
    assert result.reason == f"{known.reason}: {known.link}"
    assert result.sigmas > 8


def test_one_that_is_mended_fails_until_its_entry_is_removed(run):
    known, result = listed("mxnet", RAGGED), run("Right")
    assert result.status == "fail"
    assert result.reason == (
        f"it no longer deviates ({known.reason}): remove its entry among the known deviations"
    )


@pytest.mark.parametrize("key", [RAGGED, ("purity", "ragged", "float32")])
def test_a_mistake_beside_it_fails_and_says_what_differs_beside_it(run, key):
    known, result = listed("mxnet", RAGGED), run("IgnoresLengthsAndAddsALittle", key)
    assert result.status == "fail"
    assert "sigma of rounding, 8 allowed" in result.reason
    beside = f"; this is beside a known deviation, {known.reason}: {known.link}"
    assert result.reason.endswith(beside)


def test_a_side_effect_beside_it_fails(run):
    result = run("IgnoresLengthsAndWrites", ("purity", "ragged", "float32"))
    assert result.status == "fail"
    assert "x" in result.reason


@pytest.mark.parametrize(
    "backend",
    [
        {"name": "numpy", "variant": "scratch"},
        {"name": "mxnet", "variant": "scratch"},
        {"name": "torch"},
        {"key": ("lengths", "ragged", "float64")},
        {"shipped": False},
        {"shipped": False, "name": "mymod", "variant": "IgnoresLengths"},
    ],
    ids=lambda backend: "-".join(map(str, backend.values())),
)
def test_elsewhere_the_same_is_a_failure(run, backend):
    result = run("IgnoresLengths", **backend)
    assert result.status == "fail"
    assert "sigma" in result.reason


def test_an_environment_of_ones_own_is_that_framework_too(run):
    assert run("IgnoresLengths", name="mxnet@/path/to/env").status == "known"


def test_a_version_of_which_nothing_is_known_fails(run):
    assert run("IgnoresThemInAnotherVersion").status == "fail"


def test_what_was_never_compared_stays_what_it_is(run):
    """A crash or an adapter that can't do it isn't the deviation that is known."""
    assert run("Missing").status == "error"


UNIT = Problems("one hidden unit", lambda case: case.config.hidden_size == 1)


def test_a_list_of_ones_own():
    case = RECIPES["unit"].build("float32", 0)
    [backend] = parse_backends(["numpy"])
    known = Deviation("numpy", ("scratch",), UNIT, ("float32",), "why", "where")
    assert find_deviations(backend, case, {}, [known]) == [known]
    assert not find_deviations(backend, RECIPES["plain"].build("float32", 0), {}, [known])
    assert not find_deviations(backend, RECIPES["unit"].build("float64", 0), {}, [known])
    assert not find_deviations(backend, case)


def test_one_that_holds_on_some_devices_only():
    case = RECIPES["subnormal"].build("float32", 0)
    on = [find_deviations(row("jax"), case, {"device": device}) for device in ("cpu", "gpu")]
    assert on[0] == find_deviations(row("jax"), case)  # a manifest that doesn't tell
    assert on[0][0].where == (("device", "cpu"),)
    assert not on[1]


def test_what_is_known_is_asked_for_by_the_workers_manifest(run, monkeypatch):
    elsewhere = dataclasses.replace(listed("mxnet", RAGGED), where=(("machine", "none such"),))
    monkeypatch.setattr(find_deviations, "__defaults__", ({}, (elsewhere,), ""))
    assert run("IgnoresLengths").status == "fail"
    here = dataclasses.replace(elsewhere, where=(("machine", platform.machine()),))
    monkeypatch.setattr(find_deviations, "__defaults__", ({}, (here,), ""))
    assert run("IgnoresLengths").status == "known"


def test_where_it_may_show_a_right_answer_passes(run, monkeypatch):
    known = listed("mxnet", RAGGED)
    optional = dataclasses.replace(known, must=UNIT, may=known.must)
    monkeypatch.setattr(find_deviations, "__defaults__", ({}, (optional,), ""))
    assert run("Right").status == "pass"
    assert run("IgnoresLengths").status == "known"
    assert run("IgnoresLengthsAndAddsALittle").status == "fail"


def test_where_it_changes_nothing_a_right_answer_passes(run):
    """Weights are the same with lengths and without."""
    assert run("Right", ("layout", "ragged", "float32")).status == "pass"


SHOWN_BY = {
    "a sequence of no steps": ("one_empty", ("lengths", "gradients", "layers", "permutation")),
    "NaN or infinity in the padding": ("nan_padding", ("lengths", "layers", "permutation")),
    "subnormal inputs or states": ("subnormal", ("values", "layers")),
    "a sequence that ends early": ("ragged", ("lengths", "gradients", "layers", "permutation")),
}
ENTRIES = [
    pytest.param(known, variant, id=f"{known.framework}:{variant} {known.must.words}")
    for known in DEVIATIONS
    for variant in known.variants
]


TRUTHS = Truths()  # the budgets take time


def weigh(known, variant, check, mistake=lambda lstm: lstm):
    """What is made of an answer that deviates as it is known to, with a mistake in it."""
    name, _ = SHOWN_BY[known.must.words]
    task = Task(CHECKS[check], RECIPES[name].build("float32", 0))
    taken = known.engine(task.case) if known.engine else task.case
    lstm = mistake(Truth(scratch=known.equations) if known.equations else Truth())
    with np.errstate(all="ignore"):
        found = task.check.run(lstm, taken)
        backend = row(known.framework, variant)
        result = judge_answer(backend, task, found, TRUTHS.of(*task))
        listed = find_deviations(backend, task.case, version=known.versions)
        assert [each.must for each in listed if each.must.holds(task.case)] == [known.must]
        return weigh_deviations(result, task, listed, TRUTHS, {})


@pytest.mark.parametrize(("known", "variant"), ENTRIES)
def test_it_is_known_in_every_check_that_shows_it(known, variant):
    for check in SHOWN_BY[known.must.words][1]:
        result = weigh(known, variant, check)
        assert (result.status, result.reason) == ("known", f"{known.reason}: {known.link}"), check


@pytest.mark.parametrize(
    "name", ["gates packed i, f, o, g", "no b_hh", "h_n and c_n exchanged", "y a step late"]
)
@pytest.mark.parametrize(("known", "variant"), ENTRIES)
def test_a_mistake_of_the_catalogue_beside_it_fails(known, variant, name):
    [mistake] = [each for each in CATALOGUE if each.name == name]
    for check in SHOWN_BY[known.must.words][1]:
        result = weigh(known, variant, check, mistake.apply)
        assert result.status == "fail", check
        assert "this is beside a known deviation" in result.reason


@pytest.mark.parametrize("known", DEVIATIONS, ids=lambda known: known.reason)
def test_an_entry_names_what_there_is(known):
    framework = FRAMEWORKS[known.framework]
    assert set(known.variants) <= {name for name, _ in (*framework.variants, *framework.opt_in)}
    case, _ = SHOWN_BY[known.must.words]
    assert known.must.holds(RECIPES[case].build("float32", 0))
    assert not known.must.holds(RECIPES["sequence"].build("float32", 0))
    assert (known.equations is None) != (known.engine is None)
    assert known.variants
    assert known.dtypes
    assert known.link.startswith("https://")
    assert known.reason
    assert not known.reason.endswith(".")
    assert known.reason.isprintable()
    assert "|" not in known.reason  # it stands in a table


def test_a_row_has_one_lstm_that_it_computes_instead():
    """Several entries may hold in one problem."""
    found = {}
    for known in DEVIATIONS:
        for variant in known.variants if known.equations else ():
            key = known.framework, variant, known.versions
            assert found.setdefault(key, known.equations) is known.equations


@pytest.mark.parametrize("known", [k for k in DEVIATIONS if k.equations], ids=lambda k: k.reason)
@pytest.mark.parametrize("case", ["deep", "no_steps"])
def test_without_lengths_nothing_deviates(known, case):
    problem = RECIPES[case].build("float64", 0)
    check = CHECKS["directions"] if case == "deep" else CHECKS["gradients"]
    found = check.run(Truth(scratch=known.equations), problem)
    for name, array in check.run(Truth(), problem).items():
        np.testing.assert_array_equal(found[name], array)


def test_a_deviating_lstm_has_a_budget_of_its_own_in_each_check():
    """Checks restate the same numbers only if the LSTM is right: a sequence alone, cut to its
    length, is another one than with the padding that an LSTM reads.
    """
    [problem] = choose_problems([13], 0)
    short = problem.build("float32")
    assert short.batch.lengths.tolist() < [len(short.batch.x)]
    truth = Truth(dtype="float32", scratch=IGNORES_LENGTHS)
    for check in (CHECKS["lengths"], CHECKS["gradients"]):
        expected = Truths().of(check, short, equations=IGNORES_LENGTHS)
        assert judge(check.run(truth, short), expected).sigmas > 0
