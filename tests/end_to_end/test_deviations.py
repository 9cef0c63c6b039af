"""A mistake beside a known deviation fails, in the framework's own layer in its own worker."""

from __future__ import annotations

import dataclasses
from functools import partial

import pytest

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.workers.programs import default_store
from gateparity.backends.workers.remote import open_worker
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.session import Session
from gateparity.conformance.runs.truths import Truths

BESIDE = """
import dataclasses

from gateparity.backends.{module} import {kind} as Real


def Same():
    return Real()


def WrongOutputs():
    real = Real()
    forward = real.forward

    def shifted(config, params, batch):
        found = forward(config, params, batch)
        h_n = found.states["h"] + found.y.dtype.type(1e-4)
        return dataclasses.replace(found, states={{**found.states, "h": h_n}})

    object.__setattr__(real, "forward", shifted)
    return real


def WrongGradients():
    real = Real()
    gradients = real.gradients

    def doubled(config, params, batch, cotangent):
        found = gradients(config, params, batch, cotangent)
        d_c_0 = found.batch.states["c"].copy()
        d_c_0[-1] *= 2  # in the top layer, which reads no padding of x
        states = {{**found.batch.states, "c": d_c_0}}
        return dataclasses.replace(found, batch=dataclasses.replace(found.batch, states=states))

    object.__setattr__(real, "gradients", doubled)
    return real
"""
ROWS = [
    ("jax", "layer", "lengths", "one_empty"),
    ("jax", "layer", "lengths", "nan_padding"),
    ("jax", "nnx", "lengths", "one_empty"),
    ("jax", "nnx", "lengths", "nan_padding"),
    ("jax", "scratch", "values", "subnormal"),
    ("tensorflow", "layer", "lengths", "nan_padding"),
    ("tensorflow", "scratch", "values", "subnormal"),
    ("mxnet", "layer", "lengths", "ragged"),
]


@pytest.mark.parametrize(("name", "variant", "check", "case"), ROWS)
def test_a_mistake_beside_it_fails(find_backend, tmp_path, monkeypatch, name, variant, check, case):
    module, _, kind = FRAMEWORKS[name].targets[variant].partition(":")
    (tmp_path / "beside.py").write_text(BESIDE.format(module=module, kind=kind), "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    task, store = (CHECKS[check], RECIPES[case].build("float32", 0)), default_store()
    truths = Truths(store)
    wrong = ["WrongOutputs"] + ["WrongGradients"] * (check == "lengths")
    for adapter, status in [("Same", "known"), *((each, "fail") for each in wrong)]:
        backend = dataclasses.replace(
            find_backend(name), variant=variant, target=f"beside:{adapter}"
        )
        with Session(backend, truths, partial(open_worker, store=store)) as session:
            result = session.run(*task)
        assert result.status == status, (adapter, result.reason)
        assert ("this is beside a known deviation" in result.reason) == (status == "fail")
