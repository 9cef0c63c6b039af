"""Real workers with NumPy in them, at sizes that take no time; no time is judged."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest

from gateparity.backends.backend import Backend
from gateparity.backends.spec import parse_backends
from gateparity.conformance.bench.judging import judge_all
from gateparity.conformance.bench.measure import BenchPlan, group_backends, run_bench
from gateparity.conformance.bench.sizes import Size
from gateparity.conformance.reports.bench import bench_json

TINY = Size("small", 3, 2, 4, 5)


def run(backends, **plan):
    given = {"sizes": [TINY], "seconds": 0, "time_limit": 60, "growth": False} | plan
    return run_bench(backends, BenchPlan(**given))


def test_numpy_is_timed_alone_since_it_has_no_layer_and_its_arrays_are_its_own():
    bench = run(parse_backends(["numpy"]))
    assert [(t.label, t.operation) for t in bench.timings] == [
        ("numpy:scratch", "forward"),
        ("numpy:scratch", "gradients"),
    ]
    for timing in bench.timings:
        assert timing.rounds >= 5
        assert timing.seconds.low <= timing.seconds.median <= timing.seconds.high
        assert (timing.direct, timing.framework, timing.own) == (None, None, None)
    assert judge_all(bench) == []
    assert bench.errors == {}


def test_a_framework_is_timed_beside_its_own_layer_on_its_own_arrays(torch_backend, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # threads of several would wait for each other
    scratch = torch_backend
    target = "gateparity.backends.torch.layer:Layer"
    layer = dataclasses.replace(scratch, variant="layer", target=target)
    size = dataclasses.replace(TINY, trains=True)
    bench = run([scratch, layer], sizes=[size])
    assert bench.errors == {}
    found = {(t.label, t.operation): t for t in bench.timings}
    assert len(found) == 6
    for (label, operation), timing in found.items():
        assert timing.direct
        assert bool(timing.framework) == (label == scratch.label)
        assert bool(timing.own) == (operation != "train")
    assert {(j.timing.label, j.kind) for j in judge_all(bench)} == {
        (scratch.label, "framework"),
        (scratch.label, "own"),
        (layer.label, "own"),
    }


def test_a_size_that_trains_is_trained_in_every_row_that_can(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "from gateparity.backends.numpy.scratch import Scratch\n"
        "class Mine(Scratch):\n    train = None\n"
    )
    told, size = [], dataclasses.replace(TINY, trains=True)
    plan = BenchPlan([size], 0, 60, growth=False)
    bench = run_bench(parse_backends(["numpy", "mine:Mine"]), plan, told.append)
    found = {(t.label, t.operation): t for t in bench.timings}
    assert ("numpy:scratch", "train") in found
    assert ("mine:Mine", "train") not in found
    assert ("mine:Mine", "gradients") in found
    trained = found["numpy:scratch", "train"]
    assert (trained.framework, trained.own) == (None, None)  # NumPy has no layer
    assert bench.errors == {}
    assert len(told) == 2 * plan.pieces


def test_an_adapter_of_ones_own_is_timed_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "from gateparity.backends.numpy.scratch import Scratch as Mine\n"
    )
    bench = run(parse_backends(["mine:Mine"]))
    assert [t.direct for t in bench.timings] == [None, None]
    assert judge_all(bench) == []


def test_a_lost_worker_costs_its_own_row(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dead.py").write_text(
        "import os\nfrom gateparity.backends.numpy.scratch import Scratch\n"
        "class Dead(Scratch):\n    def forward(self, *args):\n        os._exit(7)\n"
    )
    told = []
    plan = BenchPlan([TINY], 0, 60, growth=False)
    bench = run_bench(parse_backends(["dead:Dead", "numpy"]), plan, told.append)
    assert "exit code 7" in bench.errors["dead:Dead"]
    assert {t.label for t in bench.timings} == {"numpy:scratch"}
    assert len(told) == 2 * plan.pieces  # the bar gets to its end


def test_a_framework_that_is_not_there_says_so():
    backend = Backend(
        "torch", "layer", "gateparity.backends.torch.layer:Layer", None, missing="not here"
    )
    assert run([backend]).errors == {"torch:layer": "not here"}


def test_variants_of_one_interpreter_share_a_worker():
    backends = parse_backends(["jax", "numpy", f"numpy@{sys.executable}"])
    assert [len(group) for group in group_backends(backends)] == [2, 1, 1]


def test_growth_has_an_exponent_for_each_letter(monkeypatch):
    small = {("T", 1): TINY, ("T", 2): dataclasses.replace(TINY, steps=6)}
    small |= {("B", 2): dataclasses.replace(TINY, batch=4), ("H", 2): TINY}
    monkeypatch.setattr("gateparity.conformance.bench.measure.growing_sizes", lambda: small)
    (growth,) = run(parse_backends(["numpy"]), sizes=[], growth=True).growths
    assert list(growth.exponents) == ["T", "B", "H"]


@pytest.mark.parametrize("clock", ["wall", "cpu"])
def test_the_json_tells_what_was_measured_and_by_what_clock(clock, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    found = bench_json(run(parse_backends(["numpy"]), clock=clock))
    assert found["schema"] == 1
    assert found["clock"] == clock
    backend = found["rows"]["numpy:scratch"]
    assert backend["version"] == np.__version__
    assert backend["threads"] == 1
    assert "python" in backend["manifest"]
    timing = found["timings"][0]
    assert set(timing["seconds"]) == {"median", "low", "high"}
    assert timing["targets"] == {}
