"""The device of an adapter's primitives is the one that it reports, and that it computes on."""

from __future__ import annotations

import dataclasses

import pytest

from gateparity.backends.catalogue import FRAMEWORKS

ROWS = [(n, v) for n in FRAMEWORKS if n != "numpy" for v in FRAMEWORKS[n].targets]


@pytest.mark.parametrize(("name", "variant"), ROWS)
def test_an_adapter_reports_the_device_that_it_runs_on(load, name, variant):
    adapter = load(name, variant)
    assert adapter.primitives.device == adapter.settings["device"] == "cpu"


@pytest.mark.parametrize(("name", "variant"), [r for r in ROWS if r[0] in ("torch", "mxnet")])
def test_a_framework_that_reports_no_device_has_that_of_its_primitives(load, name, variant):
    adapter = load(name, variant)
    elsewhere = dataclasses.replace(adapter.primitives, device="elsewhere")
    assert dataclasses.replace(adapter, primitives=elsewhere).settings["device"] == "elsewhere"
