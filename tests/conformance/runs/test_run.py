"""A run over real workers: rows, pairs, and what a wrong row does to both."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from gateparity.backends.backend import Backend
from gateparity.backends.spec import parse_backends
from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.problems.cases import RECIPES, Recipe
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.plan import named_plan
from gateparity.conformance.runs.run import run_checks
from gateparity.conformance.runs.truths import Truths

LIARS = """
import dataclasses

import numpy as np

from gateparity.network.batch import Batch, Outputs, map_arrays
from gateparity.backends.numpy.scratch import Scratch


class Exact(Scratch):
    by = bias = 0

    def forward(self, config, params, batch):
        \"\"\"In longdouble, rounded once at the end; one output is then shifted.\"\"\"
        wide = dataclasses.replace(config, dtype="longdouble")
        params = {name: array.astype(np.longdouble) for name, array in params.items()}
        params["l0.b_f"][3] += self.bias
        batch = dataclasses.replace(batch, lengths=None)
        batch = map_arrays(lambda array: array.astype(np.longdouble), batch)
        found = super().forward(wide, params, batch)
        found.y[2, 1, 3] += self.by * SIGMAS[config.dtype]
        return map_arrays(lambda array: array.astype(config.dtype), found)


class Up(Exact):
    by = BY


class Down(Exact):
    by = -BY


class BiasUp(Exact):
    bias = SHIFT


class BiasDown(Exact):
    bias = -SHIFT


class Declares(Exact):
    rounding_model = {"factors": 2.0**-18}
"""
SPOT = (2, 1, 3)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Puts the module with these numbers into the current folder."""

    def write(**numbers):
        text = LIARS
        for name, number in numbers.items():
            text = text.replace(name, str(number))
        (tmp_path / "liars.py").write_text(text, "utf-8")
        monkeypatch.chdir(tmp_path)

    return write


@pytest.fixture
def run(write):
    """Rows of the classes above, of which two are off by so many standard deviations."""

    def start(by, specs=("numpy", "liars:Up"), checks=("forward", "gates"), **options):
        check, truths = CHECKS["forward"], Truths()
        sigmas = {
            dtype: float(
                truths.of(check, RECIPES["sequence"].build(dtype, 0)).budget.sigmas["y"][SPOT]
            )
            for dtype in ("float32", "float64")
        }
        write(SIGMAS=sigmas, BY=by, SHIFT=0)
        plan = named_plan(["sequence"], checks, 0)
        return run_checks(parse_backends(specs), plan, seed=0, **options)

    return start


def outcomes(items):
    return {(item.dtype, item.status) for item in items}


def test_a_wrong_row_differs_from_the_truth_and_from_its_pair(run):
    found = run(1000)
    assert outcomes(found.pairs) == {("float32", "fail"), ("float64", "fail")}
    wrong = [result for result in found.results if result.status == "fail"]
    assert {(result.backend.label, result.check) for result in wrong} == {("liars:Up", "forward")}
    assert all(result.sigmas == pytest.approx(1000, abs=2) for result in wrong)
    assert all(
        result.reason.startswith("y[2, 1, 3] (layer 0, step 2, h, sequence 1, unit 3):")
        for result in wrong
    )
    assert found.exit_code == 1
    assert all("forward, sequence: y[2, 1, 3]" in pair.reason for pair in found.pairs)
    assert all(pair.sigmas == pytest.approx(1000 / 2**0.5, abs=2) for pair in found.pairs)


def test_of_two_rows_each_may_err_and_variances_add(run):
    found = run(5, ["liars:Up", "liars:Down"])  # 10 apart, and 11.3 are allowed
    assert {result.status for result in found.results} == {"pass"}
    assert outcomes(found.pairs) == {("float32", "pass"), ("float64", "pass")}
    assert all(pair.sigmas == pytest.approx(10 / 2**0.5, abs=1) for pair in found.pairs)
    assert all(0 < pair.max_error < 1e-5 for pair in found.pairs)


def test_two_rows_that_pass_may_be_too_far_from_each_other(run):
    found = run(7, ["liars:Up", "liars:Down"])  # 14 apart
    assert {result.status for result in found.results} == {"pass"}
    assert outcomes(found.pairs) == {("float32", "fail"), ("float64", "fail")}
    assert found.exit_code == 1
    for pair in found.pairs:
        assert pair.reason.startswith(
            "forward, sequence: y[2, 1, 3] (layer 0, step 2, h, sequence 1, unit 3): found "
        )
        assert f"sigma of rounding, {ALLOWED:g} allowed; 1 of 90 elements differ" in pair.reason


def test_two_rows_may_be_shifted_too_far_from_each_other(write):
    """A bias of one is off by 6.2 standard deviations of its score, that of the other by -6.2."""
    case = Recipe("middle", steps=20, size=8, input_size=8, hidden_size=16).build("float32", 0)
    check = CHECKS["forward"]
    expected = Truths().of(check, case)
    b_ih = case.params[0].b_ih + np.float32(2.0**-10) * (np.arange(64) == 16 + 3).reshape(4, 16)
    cells = (dataclasses.replace(case.params[0], b_ih=b_ih),)
    moved = check.run(Truth(), dataclasses.replace(case, params=cells))
    errors = {name: array - expected.truth[name] for name, array in moved.items()}
    score = expected.budget.shifts(errors)[0, 1, 3]
    write(SIGMAS={"float32": 0}, BY=0, SHIFT=6.2 * 2.0**-10 / score)
    backends = ["liars:BiasUp", "liars:BiasDown", "liars:Exact"]
    found = run_checks(parse_backends(backends), [Task(check, case)], seed=0)
    up, down, exact = found.results
    assert [result.status for result in found.results] == ["pass"] * 3
    assert [r.shifts[0, 1, 3] for r in (up, down)] == pytest.approx([6.2, -6.2], abs=1.5)
    assert exact.shift < 2
    between = {(pair.a, pair.b): pair for pair in found.pairs}
    assert [pair.status for pair in between.values()] == ["fail", "pass", "pass"]
    pair = between["liars:BiasUp", "liars:BiasDown"]
    assert pair.sigmas == pytest.approx(12.4 / 2**0.5, abs=0.7)
    assert "together they look like a shift of the bias of layer 0, gate f, unit 3" in pair.reason


def test_a_pair_is_allowed_what_either_declares(run):
    plain = run(30, ["liars:Up", "liars:Exact"], ["forward"])
    assert ("float32", "fail") in outcomes(plain.pairs)
    declared = run(30, ["liars:Up", "liars:Declares"], ["forward"])
    assert outcomes(declared.pairs) == {("float32", "pass"), ("float64", "fail")}
    up = {r.dtype: r.status for r in declared.results if r.backend.label == "liars:Up"}
    assert up == {"float32": "fail", "float64": "fail"}  # which has declared nothing itself


def test_results_stand_row_by_row_in_the_order_of_the_plan(run):
    seen = []
    found = run(0, progress=seen.append)
    order = [(backend.label, *key) for backend, key in itertools.product(found.backends, keys())]
    assert [(result.backend.label, *result.key) for result in found.results] == order
    assert len(seen) == len(order)
    assert found.transport_seconds > 0
    assert all(0 < result.seconds < found.seconds for result in found.results)


def test_a_run_whose_backends_have_failed_computes_no_more_truths(monkeypatch):
    asked = []

    class Counted(Truths):
        def of(self, *task, **options):
            asked.append(task)
            return super().of(*task, **options)

    monkeypatch.setattr("gateparity.conformance.runs.run.Truths", Counted)
    gone = Backend("gone", "layer", "gone:Gone", None, missing="it isn't there")
    plan = named_plan((), (), 0)
    found = run_checks([gone], plan, seed=0)
    assert {result.status for result in found.results} == {"error"}
    assert len(asked) < len(plan) / 2


def test_honest_rows_use_their_budget(run):
    found = run(0)
    assert all(0 < result.sigmas < 6 for result in found.results)
    assert all((result.shift > 0) == (result.check == "forward") for result in found.results)
    assert outcomes(found.pairs) == {("float32", "pass"), ("float64", "pass")}
    for pair in found.pairs:
        both = [r for r in found.results if r.dtype == pair.dtype]
        assert 0 < pair.sigmas < max(max(r.sigmas, r.shift) for r in both) * 2**0.5
        assert pair.max_error < 10 * np.finfo(pair.dtype).eps


def test_what_only_one_row_computes_is_no_pair(run):
    found = run(0, ["numpy", "liars:Missing"])
    assert [(pair.status, pair.sigmas) for pair in found.pairs] == [("skip", None)] * 2
    assert {pair.reason for pair in found.pairs} == {"nothing that both computed"}
    assert found.exit_code == 2


def keys():
    return [(c, "sequence", d) for d in ("float32", "float64") for c in ("forward", "gates")]
