"""A run for a page: rows that pass, fail, skip and err, and one that was really broken."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from pathlib import Path

import pytest

from gateparity.backends.backend import Backend
from gateparity.backends.spec import parse_backends
from gateparity.conformance.diagnosis.explain import explained
from gateparity.conformance.runs.plan import named_plan
from gateparity.conformance.runs.result import Pair, Result, Run
from gateparity.conformance.runs.run import run_checks

NUMPY = Backend(
    "numpy", "scratch", "gateparity.backends.numpy.scratch:Scratch", Path(sys.executable)
)
EVIL = "</script><img src=x onerror=alert(1)>"
MINE = Backend("mine", EVIL, "mine:X", None, shipped=False)
SWAPPED = Path(__file__).parents[4] / "docs" / "broken.py"  # the adapter of docs/report.md


@pytest.fixture
def run() -> Run:
    """No arrays, as in a run that was read from JSON."""
    found = (
        Result(NUMPY, "forward", "unit", "float32", "pass", 1e-8, sigmas=3.0),
        Result(NUMPY, "values", "subnormal", "float32", "known", 1e-8, f"{EVIL}: https://a.b/c?d"),
        Result(MINE, "forward", "unit", "float32", "fail", 1.0, EVIL, float("inf"), saved=EVIL),
        Result(MINE, "values", "subnormal", "float32", "skip", reason="http://in.the.clear/"),
    )
    pair = Pair(NUMPY.label, MINE.label, "float32", "fail", 1.0, EVIL, float("nan"))
    return Run(
        (NUMPY, MINE),
        found,
        (pair,),
        {NUMPY.label: "2.4.6", MINE.label: EVIL},
        0,
        1.0,
        0.1,
        explanations={MINE.label: EVIL},
        rounding_models={MINE.label: {EVIL: 4.0}},
        manifests={MINE.label: {EVIL: EVIL}},
    )


@pytest.fixture(scope="session")
def broken(tmp_path_factory) -> Run:
    """NumPy beside the same LSTM with two gates exchanged."""
    folder = tmp_path_factory.mktemp("broken")
    shutil.copy(SWAPPED, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        backends = parse_backends(["numpy", "broken:Swapped"])
        plan = named_plan(["sequence", "deep"], ["forward", "gates", "gradients", "layout"], 0)
        return explained(run_checks(backends, plan, seed=0), plan)


@pytest.fixture
def empty(run) -> Run:
    """Nothing was found at all."""
    return dataclasses.replace(
        Run((), (), (), {}, 0, 0.0, 0.0),
    )
