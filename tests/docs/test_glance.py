"""The sheet of all frameworks has what layouts say and frameworks printed, and nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from _extensions import glance
from gateparity.layouts import LAYOUTS


def rows(table):
    lines = [line.strip("|").split("|") for line in table.splitlines()]
    return {line[0].strip(): [cell.strip() for cell in line[1:]] for line in lines}


def test_each_framework_has_a_column_of_its_layout():
    found = rows(glance.table({}))
    assert found[""] == ["NumPy", "PyTorch", "TensorFlow", "JAX", "MXNet"]
    assert found["bias count"] == ["1", "2", "1", "1, always", "2, always"]
    assert found["states"][3] == "c, h"


def test_a_fact_is_the_layouts_own(monkeypatch):
    other = dataclasses.replace(LAYOUTS["torch"], order="ofgi")
    monkeypatch.setitem(glance.LAYOUTS, "torch", other)
    assert rows(glance.table({}))["gate order"][1] == "o, f, g, i"


@pytest.mark.parametrize("framework", ["torch", "mxnet"])
def test_what_a_framework_printed_is_in_its_column_alone(framework):
    found = rows(glance.table({framework: {"lengths by": "mask"}}))
    k = list(glance.SHOWN).index(framework)
    assert found["lengths by"] == ["mask" if n == k else "-" for n in range(5)]
