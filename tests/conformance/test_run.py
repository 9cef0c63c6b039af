"""A run over real workers: rows, pairs, and what a wrong row does to both."""

from __future__ import annotations

import itertools

import pytest

from gateparity.backends.spec import parse_backends
from gateparity.conformance.plan import named_plan
from gateparity.conformance.run import run_checks

LIAR = """
import numpy as np
from gateparity.adapter import Outputs
from gateparity.backends.numpy import Scratch


class Shifted(Scratch):
    def forward(self, config, params, batch):
        outputs = super().forward(config, params, batch)
        shift = np.asarray({shift} * np.finfo(config.dtype).eps * abs(outputs.y).max())
        return Outputs(outputs.y + shift.astype(config.dtype), outputs.h_n, outputs.c_n)


class ShiftedBack(Scratch):
    def forward(self, config, params, batch):
        right = super().forward(config, params, batch)
        wrong = Shifted().forward(config, params, batch)
        return Outputs(2 * right.y - wrong.y, right.h_n, right.c_n)
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    def start(shift, specs=("numpy", "liar:Shifted"), **options):
        (tmp_path / "liar.py").write_text(LIAR.replace("{shift}", str(shift)))
        monkeypatch.chdir(tmp_path)
        rows = parse_backends(specs)
        plan = named_plan(["sequence"], ["forward", "gates"], 0)
        return run_checks(rows, plan, seed=0, **options)

    return start


def outcomes(items):
    return {(item.dtype, item.status) for item in items}


def test_a_wrong_row_differs_from_the_truth_and_from_its_pair(run):
    found = run(1000)  # 2000 u, where 100 are allowed
    assert outcomes(found.pairs) == {("float32", "fail"), ("float64", "fail")}
    wrong = [result for result in found.results if result.status == "fail"]
    assert {(result.row.label, result.check) for result in wrong} == {("liar:Shifted", "forward")}
    assert found.exit_code == 1
    assert all("forward, sequence: y[" in pair.reason for pair in found.pairs)


def test_two_rows_that_each_may_err_may_differ_by_both_errors(run):
    found = run(45, ["liar:Shifted", "liar:ShiftedBack"])  # 90 u up, 90 u down: 100 are allowed
    assert all(pair.max_error > 150 * 2.0**-53 for pair in found.pairs)
    assert outcomes(found.pairs) == {("float32", "pass"), ("float64", "pass")}
    assert {result.status for result in found.results} == {"pass"}


def test_results_stand_row_by_row_in_the_order_of_the_plan(run):
    seen = []
    found = run(0, progress=seen.append)
    order = [(row.label, *key) for row, key in itertools.product(found.rows, keys())]
    assert [(result.row.label, *result.key) for result in found.results] == order
    assert len(seen) == len(order)
    assert found.transport_seconds > 0
    assert all(result.sigmas is None for result in found.results)


def test_budgets_are_told_when_asked_for(run):
    honest, shifted = run(0, budgets=True), run(1000, budgets=True)
    assert all(0 < result.sigmas < 6 for result in honest.results)
    worst = {result.sigmas for result in shifted.results if result.status == "fail"}
    assert min(worst) > 100


def keys():
    return [(c, "sequence", d) for d in ("float32", "float64") for c in ("forward", "gates")]
