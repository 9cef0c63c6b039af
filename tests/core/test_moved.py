"""What adapters written for 0.1.0 import is found at its old address, and they are told of it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gateparity.backends.workers.remote import Worker
from gateparity.backends.workers.remote_adapter import RemoteAdapter
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.answers import forward
from gateparity.network import deprecated
from gateparity.network.batch import Batch, Outputs
from gateparity.protocol.canonical import Canonical

OLD = """
from gateparity.adapter import Batch, Outputs, Unsupported
from gateparity.config import Config
from gateparity.layout import Layout
from gateparity.parameters import Cell, fields
from gateparity.tensor import Tensor
from gateparity.training import Prediction, Recipe, Training, TrainingState
"""
ADAPTER = """
from gateparity.adapter import Outputs, initial_states
from gateparity.backends.numpy.scratch import Scratch as Mine
"""


NAME = """
import gateparity
from gateparity.backends.numpy.scratch import Scratch as Mine
assert gateparity.Cell is gateparity.CellWeights
"""
WRITTEN = Path(__file__).with_name("written_for_0.1.0")


def test_an_old_address_has_the_same_objects_and_warns_once():
    code = (
        OLD
        + "import gateparity\nassert gateparity.Batch is Batch and gateparity.CellWeights is Cell"
    )
    done = python("-W", "default", "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("DeprecationWarning") == 6
    assert (
        "gateparity.adapter goes in the next release: import Batch from gateparity" in done.stderr
    )


def test_cell_is_cellweights_and_warns_once():
    code = "import gateparity\nassert gateparity.Cell is gateparity.Cell is gateparity.CellWeights"
    done = python("-W", "default", "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("DeprecationWarning") == 1
    expected = "gateparity.Cell goes in the next release: it is gateparity.CellWeights"
    assert expected in done.stderr
    assert "<string>:2" in done.stderr  # the line that asked for it


def test_an_adapter_that_uses_an_old_name_is_named_on_the_near_side(tmp_path):
    (tmp_path / "mine.py").write_text(NAME)
    with Worker(Path(sys.executable), 60, (str(tmp_path),)) as worker:
        with pytest.warns(DeprecationWarning, match="gateparity.Cell goes in the next") as told:
            RemoteAdapter(worker, "mine:Mine")
        assert len(told) == 1


def test_the_example_adapter_of_0_1_0_agrees_unchanged_and_warns_once():
    code = "import gateparity, my_lstm; print(*{r.status for r in gateparity.check_adapter("
    code += "my_lstm.MyLSTM(), checks=['forward', 'layout', 'batch', 'purity'])})"
    done = python("-W", "default", "-c", code, cwd=WRITTEN)
    assert done.returncode == 0, done.stderr
    assert {"pass"} <= {*done.stdout.split()} <= {"pass", "skip"}
    assert done.stderr.count("DeprecationWarning") == 2  # one for each old spelling
    assert "DeprecationWarning: gateparity.Tensor goes in the next release" in done.stderr
    assert "my_lstm.py:25: DeprecationWarning: a state by field" in done.stderr  # its own line


def test_the_example_adapter_of_0_1_0_warns_once_on_the_near_side_of_a_worker():
    with Worker(Path(sys.executable), 60, (str(WRITTEN),)) as worker:
        with pytest.warns(DeprecationWarning, match="it is gateparity.ArraySpec") as warned:
            lstm = Canonical(RemoteAdapter(worker, "my_lstm:MyLSTM"))
        assert len(warned) == 1
        case, other = (RECIPES[name].build("float32", 0) for name in ("sequence", "zero_states"))
        expected = "^my_lstm:MyLSTM: a state by field, as in batch.h_0"
        with pytest.warns(DeprecationWarning, match=expected) as warned:
            found = forward(lstm, case)
        assert len(warned) == 1
        right = forward(Truth(), case)
        for name in ("y", "h_n", "c_n"):
            np.testing.assert_allclose(found[name], right[name], rtol=0, atol=1e-6)
        forward(lstm, other)  # any further warning would be an error


X, H, C, LENGTHS = (np.full(3, float(k)) for k in range(4))


@pytest.mark.parametrize(
    ("old", "states", "lengths"),
    [
        (lambda: Batch(X, H, C, LENGTHS), {"h": H, "c": C}, LENGTHS),
        (lambda: Batch(X, H, c_0=C), {"h": H, "c": C}, None),
        (lambda: Batch(x=X, h_0=H, c_0=C, lengths=LENGTHS), {"h": H, "c": C}, LENGTHS),
        (lambda: Batch(X, None, None, LENGTHS), None, LENGTHS),
        (lambda: dataclasses.replace(Batch(X, {"h": H, "c": C}), c_0=X), {"h": H, "c": X}, None),
        (lambda: dataclasses.replace(Batch(X, {"h": H}), h_0=None), None, None),
        (lambda: Outputs(X, H, C), {"h": H, "c": C}, None),
        (lambda: Outputs(X, c_n=C, h_n=H), {"h": H, "c": C}, None),
        (lambda: Outputs(X, None, None), {}, None),
    ],
)
def test_states_are_given_by_field_as_in_0_1_0(old, states, lengths, monkeypatch):
    monkeypatch.setattr(deprecated, "USED", {})
    with pytest.warns(DeprecationWarning, match=r"type batch\.states\[.h.\]"):
        found = old()
    assert found.x is X if isinstance(found, Batch) else found.y is X
    assert found.states == states
    assert getattr(found, "lengths", None) is lengths


def test_states_are_read_by_field_as_in_0_1_0(monkeypatch):
    monkeypatch.setattr(deprecated, "USED", {})
    batch, outputs = Batch(X), Outputs(X, {"h": H, "c": C})
    with pytest.warns(DeprecationWarning, match="^a state by field"):
        assert batch.h_0 is None
    assert batch.c_0 is None
    assert (outputs.h_n is H, outputs.c_n is C) == (True, True)  # and no second warning


def test_states_by_name_warn_of_nothing(monkeypatch):
    monkeypatch.setattr(deprecated, "USED", {})
    Batch(X), Batch(X, None, LENGTHS), Batch(X, {"h": H, "c": C}, LENGTHS), Batch(x=X, lengths=None)
    Outputs(X), Outputs(X, {"h": H, "c": C}), Outputs(y=X, states={})
    assert deprecated.USED == {}


def test_a_name_that_never_was_is_refused():
    done = python("-c", "from gateparity.adapter import Nonsense")
    assert "ImportError: cannot import name 'Nonsense' from 'gateparity.adapter'" in done.stderr


def test_importing_gateparity_warns_of_nothing():
    done = python("-W", "error", "-c", "import gateparity; gateparity.Batch")
    assert done.returncode == 0, done.stderr


def test_an_adapter_that_uses_an_old_address_is_named_on_the_near_side(tmp_path):
    (tmp_path / "mine.py").write_text(ADAPTER)
    with Worker(Path(sys.executable), 60, (str(tmp_path),)) as worker:
        with pytest.warns(DeprecationWarning, match="gateparity.adapter goes in the next") as told:
            RemoteAdapter(worker, "mine:Mine")
        assert len(told) == 1


def python(*arguments, cwd=None):
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
