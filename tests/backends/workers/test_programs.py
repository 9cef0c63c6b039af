"""Compiled programs kept from run to run: real compilers, damaged files, and workers that die."""

from __future__ import annotations

import functools
import os
import sys
import time
import venv
from pathlib import Path

import numpy as np
import pytest

from gateparity.backends.backend import Backend
from gateparity.backends.workers import programs
from gateparity.backends.workers.programs import Loan, ProgramStore
from gateparity.backends.workers.remote import BackendError, open_worker
from gateparity.backends.workers.remote_adapter import RemoteAdapter
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.session import Session
from gateparity.conformance.runs.truths import Truths
from gateparity.protocol.canonical import Canonical

CASE = RECIPES["unit"].build("float32", 0)
DIES = """
import os
from gateparity.backends.numpy.scratch import Scratch

class WithPrograms(Scratch):
    def forward(self, *args):
        if "gateparity-programs-" in os.environ.get("JAX_COMPILATION_CACHE_DIR", ""):
            os._exit(3)
        return super().forward(*args)

class Always(Scratch):
    def forward(self, *args):
        os._exit(3)
"""


@pytest.fixture
def store(tmp_path):
    return ProgramStore(tmp_path / "store")


@pytest.fixture
def adapter(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dies.py").write_text(DIES)

    def find(name):
        return Backend("dies", name, f"dies:{name}", Path(sys.executable), shipped=False)

    return find


def files(store):
    return sorted(store._root.glob("*/*"))


def compute(backend, store):
    """y of one call in a worker of its own, and the manifest there."""
    with open_worker(backend, store=store) as worker:
        adapter = RemoteAdapter(worker, backend.target)
        found = CHECKS["forward"].run(Canonical(adapter), CASE)
        return found["y"], adapter.manifest


@pytest.mark.parametrize("framework", ["jax", "tensorflow"])
def test_the_second_worker_compiles_nothing_and_computes_the_same(framework, find_backend, store):
    backend = find_backend(framework)
    alone, plain = compute(backend, None)
    first, manifest = compute(backend, store)
    kept = files(store)
    assert kept
    second, _ = compute(backend, store)
    assert files(store) == kept
    np.testing.assert_array_equal(first, alone)
    np.testing.assert_array_equal(second, alone)
    assert manifest == plain  # which names no folder of programs
    assert store.trouble == ""


@pytest.mark.parametrize("framework", ["jax", "tensorflow"])
def test_a_damaged_program_costs_time_and_no_result(framework, find_backend, store):
    backend = find_backend(framework)
    first, _ = compute(backend, store)
    kept = files(store)
    for k, path in enumerate(kept):
        data = bytearray(path.read_bytes())
        data[len(data) * (k % 7 + 1) // 8] ^= 1 << k % 8
        path.write_bytes(data)
    second, _ = compute(backend, store)
    np.testing.assert_array_equal(second, first)
    for path in files(store):
        assert path.name.startswith(programs._digest(path.read_bytes()))
    assert store.trouble == ""


def test_a_file_that_the_store_did_not_write_is_removed_and_never_lent(adapter, store):
    compute_nothing(adapter("Always"), store)
    (shelf,) = store._root.glob("*/")
    (shelf / "somebody-elses").write_bytes(b"code")
    (shelf / f"{'0' * 32}.jit_f-cache").write_bytes(b"code")
    compute_nothing(adapter("Always"), store)
    assert files(store) == []


def compute_nothing(backend, store):
    with open_worker(backend, store=store) as worker:
        assert list(worker.loan._folder.iterdir()) == []


def test_what_is_new_is_kept_when_the_worker_ends_and_the_folder_goes(adapter, store):
    with open_worker(adapter("Always"), store=store) as worker:
        folder = worker.loan._folder
        (folder / "jit_f-cache").write_bytes(b"code")
    assert not folder.exists()
    (kept,) = files(store)
    assert kept.name == f"{programs._digest(b'code')}.jit_f-cache"
    with open_worker(adapter("Always"), store=store) as worker:
        assert (worker.loan._folder / "jit_f-cache").read_bytes() == b"code"


def test_two_workers_at_once_do_not_see_each_others_folder(adapter, store):
    with (
        open_worker(adapter("Always"), store=store) as one,
        open_worker(adapter("Always"), store=store) as two,
    ):
        (one.loan._folder / "jit_f-cache").write_bytes(b"code")
        assert list(two.loan._folder.iterdir()) == []
        (two.loan._folder / "jit_f-cache").write_bytes(b"other")
    assert len(files(store)) == 2  # the next worker takes one of them


def test_a_worker_that_dies_with_programs_runs_once_more_without(adapter, store):
    with open_worker(adapter("Always"), store=store) as worker:
        (worker.loan._folder / "jit_f-cache").write_bytes(b"code")
    start = functools.partial(open_worker, store=store)
    with Session(adapter("WithPrograms"), Truths(), start) as session:
        result = session.run(CHECKS["forward"], CASE)
        again = session.run(CHECKS["forward"], CASE)
    assert (result.status, again.status) == ("pass", "pass")
    assert "died with compiled programs of an earlier run: they were removed" in store.trouble


def test_a_worker_that_dies_without_them_too_is_lost(adapter, store):
    start = functools.partial(open_worker, store=store)
    with Session(adapter("Always"), Truths(), start) as session:
        result = session.run(CHECKS["forward"], CASE)
    assert result.status == "error"
    assert "its worker died during forward (exit code 3" in result.reason
    assert session.lost
    assert store.trouble == ""


@pytest.mark.parametrize("trouble", ["read-only", "file", "other"])
def test_a_folder_that_cannot_be_used_is_one_line_and_the_run_goes_on(
    trouble, adapter, store, monkeypatch
):
    if trouble == "file":
        store._root.write_text("in the way")
    elif trouble == "read-only":
        monkeypatch.setattr(Path, "mkdir", _refuse)  # root may write anywhere
    else:
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    with open_worker(adapter("Always"), store=store) as worker:
        assert worker.loan is None
    assert store.trouble.startswith(f"nothing is kept in {store._root} for later: ")
    assert "\n" not in store.trouble


def _refuse(*_, **__):
    raise PermissionError(13, "Permission denied")


def test_a_full_disk_is_one_line(adapter, store, monkeypatch):
    with open_worker(adapter("Always"), store=store) as worker:
        (worker.loan._folder / "jit_f-cache").write_bytes(b"code")
        monkeypatch.setattr(programs, "_store", _fill)
    assert "No space left on device" in store.trouble


def _fill(*_):
    raise OSError(28, "No space left on device")


def test_the_store_stays_within_its_limit_and_keeps_what_was_used_last(tmp_path):
    store = ProgramStore(tmp_path, limit=25)
    for k in range(4):
        (tmp_path / f"shelf{k % 2}").mkdir(exist_ok=True)
        path = tmp_path / f"shelf{k % 2}" / str(k)
        path.write_bytes(b"0123456789")
        os.utime(path, (k, k))
    store.prune()
    assert [path.name for path in files(store)] == ["2", "3"]
    assert store.clean() == 20
    assert not tmp_path.exists()


def test_an_interpreter_without_numpy_says_so_as_without_a_store(store, tmp_path):
    venv.create(tmp_path / "bare", with_pip=False)
    python = tmp_path / "bare" / "bin" / "python"
    backend = Backend("bare", "", "dies:Always", python, shipped=False)
    with Session(backend, Truths(), functools.partial(open_worker, store=store)) as session:
        result = session.run(CHECKS["forward"], CASE)
    assert result.status == "error"
    assert "No module named 'numpy'" in result.reason


def test_a_worker_that_cannot_say_what_it_is_compiles_by_itself(adapter, store, monkeypatch):
    monkeypatch.setattr(ProgramStore, "lend", _fail)
    with open_worker(adapter("Always"), store=store) as worker:
        assert worker.loan is None


def _fail(*_):
    raise BackendError("KeyError: 'Version'")


def test_no_program_is_kept_on_macos(adapter, store, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with open_worker(adapter("Always"), store=store) as worker:
        assert worker.loan is None
    assert store.trouble == ""


def test_a_store_that_is_too_large_is_pruned_as_its_first_shelf_is_opened(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "program").write_bytes(b"0" * 100)
    store = ProgramStore(tmp_path, limit=50)
    assert store.open_shelf({"version": "1"})
    assert not (tmp_path / "old" / "program").exists()


@pytest.mark.parametrize(("hours", "kept"), [(1, True), (25, False), (-25, False)])
def test_a_store_is_looked_through_once_a_day(tmp_path, hours, kept):
    store, program = ProgramStore(tmp_path, limit=50), tmp_path / "old" / "program"
    store.prune()
    program.parent.mkdir()
    program.write_bytes(b"0" * 100)
    then = time.time() - 3600 * hours
    os.utime(tmp_path / "pruned", (then, then))
    assert store.open_shelf({"version": "1"})
    assert program.exists() == kept


def test_what_a_worker_compiled_is_pruned_too(tmp_path):
    store = ProgramStore(tmp_path / "store", limit=50)
    shelf, folder = store.open_shelf({"version": "1"}), tmp_path / "loan"
    folder.mkdir()
    (folder / "program").write_bytes(b"0" * 100)
    Loan(store, shelf, folder, set()).keep()
    assert not list(shelf.iterdir())
