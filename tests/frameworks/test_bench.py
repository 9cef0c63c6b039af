"""The clock of the bench, with each framework's own arrays: what it times is what is meant."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.workers import timing
from gateparity.conformance.bench.sizes import Size
from gateparity.network.batch import arrays_by_name

LAYERS = [name for name, f in FRAMEWORKS.items() if "layer" in f.targets]


def ask(adapter, case):
    """The arguments of a call in NumPy's arrays: native weights, inputs and cotangents."""
    params = adapter.layout.pack(case.params, case.config)
    return params, case.batch, case.cotangent


@pytest.mark.parametrize("steps", [3, 20])  # TensorFlow compiles its layer from 16 on
@pytest.mark.parametrize("variant", ["scratch", "layer"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_bare_call_computes_what_the_adapter_does(load, name, variant, steps):
    adapter, case = load(name, variant), Size("tiny", steps, 2, 4, 5).build(0)
    params, batch, cotangents = ask(adapter, case)
    run = timing._bare(adapter, case.config, params, batch)
    expected = adapter.forward(case.config, params, batch)
    for _ in range(2):  # a call leaves its arrays as they were
        found = run()
        adapter.primitives.wait(found)
        for array, right in zip(found[:3], arrays_by_name(expected).values(), strict=True):
            np.testing.assert_array_equal(adapter.primitives.to_numpy(array), right)
    pull = timing._bare(adapter, case.config, params, batch, cotangents)
    right = adapter.gradients(case.config, params, batch, cotangents).batch
    for _ in range(2):
        _, dx, dh_0, dc_0 = pull()
        for array, part in ((dx, "x"), (dh_0, "h_0"), (dc_0, "c_0")):
            found = adapter.primitives.to_numpy(array)
            np.testing.assert_array_equal(found, arrays_by_name(right)[part])


@pytest.mark.parametrize("name", LAYERS)
def test_a_bare_call_is_given_arrays_of_the_framework(load, name):
    adapter, case = load(name, "scratch"), Size("tiny", 3, 2, 4, 5).build(0)
    given = []

    def call(run, config, *arrays):
        given.append(arrays)
        return adapter.primitives.call(run, config, *arrays)

    primitives = dataclasses.replace(adapter.primitives, call=call)
    watched = dataclasses.replace(adapter, primitives=primitives)
    timing._bare(watched, case.config, *ask(adapter, case)[:2])()
    params, *arrays, lengths = given[-1]
    assert lengths is None
    assert not any(isinstance(array, np.ndarray) for array in (*params.values(), *arrays))


@pytest.mark.parametrize("name", LAYERS)
def test_the_threads_of_a_framework_are_told(load, name):
    load(name, "layer")
    target = f"gateparity.backends.{FRAMEWORKS[name].targets['layer']}"
    machine = timing.describe_machine(target)
    assert machine["threads"] >= 1
    assert machine["cores"] >= 1
