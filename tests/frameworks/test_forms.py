"""Compiled or operation by operation: what a framework did is what it reports."""

from __future__ import annotations

import numpy as np
import pytest

from gateparity.backends.base.compilation import take_tally
from gateparity.conformance.problems.cases import RECIPES
from gateparity.protocol.adapter import make_uncompiled
from gateparity.protocol.canonical import Canonical

COMPILED = ("tensorflow", "scratch"), ("jax", "scratch"), ("jax", "layer")
NEVER = ("numpy", "scratch"), ("torch", "scratch"), ("torch", "layer"), ("mxnet", "scratch")


def run(adapter, case):
    lstm = Canonical(adapter)
    outputs = lstm.forward(case.config, case.params, case.batch)
    params, batch = lstm.gradients(case.config, case.params, case.batch, case.cotangent)
    return [outputs.y, *outputs.states.values(), params[0].w_hh, params[-1].w_ih, batch.x]


@pytest.mark.parametrize(("name", "variant"), COMPILED)
def test_only_the_first_call_of_a_shape_compiles(load, name, variant):
    adapter = load(name, variant)
    case = RECIPES["one_unit"].build("float64", 0)
    take_tally()
    run(adapter, case)
    form, seconds = take_tally()
    assert form == "compiled"
    assert seconds > 0
    run(adapter, case)
    assert take_tally() == ("compiled", 0.0)


@pytest.mark.parametrize(("name", "variant"), NEVER)
def test_a_framework_that_compiles_nothing_has_no_form(load, name, variant):
    adapter = load(name, variant)
    take_tally()
    run(adapter, RECIPES["sequence"].build("float32", 0))
    assert take_tally() == ("", 0.0)
    assert make_uncompiled(adapter) is adapter


@pytest.mark.parametrize("case", ["ragged", "no_sequences"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_tensorflow_computes_the_same_operation_by_operation(load, dtype, case):
    adapter, case = load("tensorflow", "scratch"), RECIPES[case].build(dtype, 0)
    take_tally()
    found = run(adapter.uncompiled(), case)
    assert take_tally() == ("operation by operation", 0.0)
    bound = 64 * np.finfo(dtype).eps
    for one, other in zip(found, run(adapter, case), strict=True):
        np.testing.assert_allclose(one, other, rtol=bound, atol=bound)
    assert take_tally()[0] == "compiled"


def test_tensorflow_also_runs_its_trace_operation_by_operation(load):
    adapter, case = load("tensorflow", "scratch"), RECIPES["sequence"].build("float32", 0)
    plain = Canonical(adapter.uncompiled()).gates(case.config, case.params, case.batch)
    assert take_tally()[0] == "operation by operation"
    compiled = Canonical(adapter).gates(case.config, case.params, case.batch)
    np.testing.assert_allclose(plain.z, compiled.z, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("variant", ["scratch", "layer"])
def test_jax_compiles_whatever_it_is_asked(load, variant):
    adapter = load("jax", variant)
    assert adapter.uncompiled() is adapter


def test_keras_runs_short_sequences_operation_by_operation_and_long_ones_if_asked(load):
    adapter = load("tensorflow", "layer")
    short, long = (RECIPES[name].build("float32", 0) for name in ("sequence", "long"))
    take_tally()
    run(adapter, short)
    assert take_tally() == ("operation by operation", 0.0)
    Canonical(adapter).forward(long.config, long.params, long.batch)
    assert take_tally()[0] == "compiled"
    Canonical(adapter.uncompiled()).forward(long.config, long.params, long.batch)
    assert take_tally() == ("operation by operation", 0.0)
