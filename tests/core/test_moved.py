"""What adapters written for 0.1.0 import is found at its old address, and they are told of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateparity.backends.workers.remote import RemoteAdapter, Worker

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


def test_the_example_adapter_of_0_1_0_agrees_unchanged_and_without_a_warning():
    code = "import gateparity, my_lstm; print(*{r.status for r in gateparity.check_adapter("
    code += "my_lstm.MyLSTM(), checks=['forward', 'layout', 'batch', 'purity'])})"
    done = python("-W", "error::DeprecationWarning", "-c", code, cwd=WRITTEN)
    assert done.returncode == 0, done.stderr
    assert {"pass"} <= {*done.stdout.split()} <= {"pass", "skip"}


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
