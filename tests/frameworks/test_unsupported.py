"""What the shipped adapters may leave out, and nothing else."""

from __future__ import annotations

import importlib

import pytest

from gateparity.backends.catalogue import FRAMEWORKS

ALLOWED = {
    ("torch", "layer"): {"gates"},
    ("tensorflow", "layer"): {"gates"},
    ("jax", "layer"): {"gates"},
    ("mxnet", "layer"): {"gates", "lengths"},
}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_only_gates_and_lengths_of_layers_are_unsupported(name):
    for module in FRAMEWORKS[name].modules:
        pytest.importorskip(module, exc_type=ImportError)
    module = importlib.import_module(f"gateparity.backends.{name}")
    for variant, class_name in FRAMEWORKS[name].variants:
        adapter = getattr(module, class_name)()
        assert set(adapter.unsupported) == ALLOWED.get((name, variant), set())
        assert all(reason for reason in adapter.unsupported.values())
        assert adapter.name == f"{name}:{variant}"
