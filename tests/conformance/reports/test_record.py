"""A run for a program: every number is there, and none that JSON has no word for."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from gateparity.backends.backend import Backend
from gateparity.conformance.reports.files import ReportFiles
from gateparity.conformance.reports.record import to_json
from gateparity.conformance.reports.run import run_report
from gateparity.conformance.runs.plan import Source
from gateparity.conformance.runs.result import Pair, Result, Run

NUMPY = Backend(
    "numpy", "scratch", "gateparity.backends.numpy.scratch:Scratch", Path(sys.executable)
)
TORCH = Backend("torch@/opt/env", "layer", "gateparity.backends.torch.layer:Layer", None)
SOURCE = Source("--text 'a b.txt'", "abc")


@pytest.fixture
def run():
    results = (
        Result(NUMPY, "forward", "unit", "float32", "pass", 1.25e-7, sigmas=0.5, shift=0.25),
        Result(TORCH, "forward", "unit", "float32", "fail", np.inf, "found nan", sigmas=np.inf),
        Result(TORCH, "gates", "unit", "float32", "skip", reason="it has none"),
    )
    pairs = (Pair("numpy:scratch", TORCH.label, "float32", "fail", np.nan, "why", np.inf),)
    times, said = (12.34567, 0.98765), {"numpy:scratch": "as if"}
    told = {"numpy:scratch": {"device": "cpu"}}
    versions = {"numpy:scratch": "2.4"}
    return Run((NUMPY, TORCH), results, pairs, versions, 3, *times, said, manifests=told)


def test_the_schema(run):
    found = to_json(run, SOURCE)
    results, pairs = found.pop("results"), found.pop("pairs")
    assert found == {
        "schema": 1,
        "verdict": "differs",
        "seed": 3,
        "source": {"options": "--text 'a b.txt'", "sha256": "abc"},
        "versions": {"numpy:scratch": "2.4"},
        "seconds": 12.346,
        "transport_seconds": 0.988,
        "explanations": {"numpy:scratch": "as if"},
        "manifests": {"numpy:scratch": {"device": "cpu"}},
        "changes": [],
    }
    assert results[0] == {
        "backend": "numpy",
        "variant": "scratch",
        "check": "forward",
        "case": "unit",
        "dtype": "float32",
        "status": "pass",
        "max_error": 1.25e-7,
        "reason": "",
        "sigmas": 0.5,
        "shift": 0.25,
        "max_absolute": None,
        "form": "",
    }
    assert all(set(result) == set(results[0]) for result in results)
    keys = {"a", "b", "dtype", "status", "max_error", "reason", "sigmas"}
    assert [set(pair) for pair in pairs] == [keys]


def test_what_is_not_finite_is_null(run, tmp_path):
    files = ReportFiles("run", json=tmp_path / "run.json")
    files.write(run_report(run, SOURCE), to_json(run, SOURCE))
    text = (tmp_path / "run.json").read_text("utf-8")
    assert text.startswith('{\n  "gateparity": "')
    found = json.loads(text, parse_constant=pytest.fail)
    numbers = [(r["max_error"], r["sigmas"], r["shift"]) for r in found["results"]]
    assert numbers == [(1.25e-7, 0.5, 0.25), (None, None, None), (None, None, None)]
    assert (found["pairs"][0]["max_error"], found["pairs"][0]["sigmas"]) == (None, None)
    assert text.endswith("}\n")


def test_arrays_stay_out_of_it(run):
    result = dataclasses.replace(run.results[0], arrays={"y": object()}, seconds=1.0)
    only = dataclasses.replace(run, results=(result,))
    found = to_json(only, Source())["results"][0]
    assert not {"arrays", "seconds", "row"} & set(found)
    json.dumps(found)


def test_numbers_of_numpy_are_numbers(run):
    result = dataclasses.replace(run.results[0], sigmas=np.longdouble(2), max_error=np.float32(0.5))
    found = to_json(dataclasses.replace(run, results=(result,)), Source())["results"][0]
    assert json.loads(json.dumps(found))["sigmas"] == 2.0
