"""Workers under stress: real processes that crash, hang, lie and talk too much."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from gateparity.backends.workers.remote import BackendError, Worker, WorkerLost
from gateparity.backends.workers.remote_adapter import RemoteAdapter
from gateparity.backends.workers.wire import decode, encode
from gateparity.errors import Impure, Unsupported
from gateparity.layouts import D2L
from gateparity.network.batch import Batch, arrays_by_name
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters

ADAPTERS = '''
import ctypes, os, signal, sys, time
import numpy as np
from gateparity import Outputs, Unsupported
from gateparity.backends.numpy.scratch import Scratch


class Right(Scratch):
    """Nothing wrong."""


class Raises(Scratch):
    def forward(self, *args):
        raise RuntimeError("out of\\n  luck")


class Refuses(Scratch):
    def forward(self, *args):
        raise Unsupported("not on a Sunday")


class Exits(Scratch):
    def forward(self, *args):
        print("last words", file=sys.stderr)
        os._exit(7)


class Segfaults(Scratch):
    def forward(self, *args):
        ctypes.string_at(0)


class Aborts(Scratch):
    """As a C++ library does."""

    def forward(self, *args):
        os.write(2, b"terminate called after throwing\\n  what():  no such kernel\\n")
        os.abort()


class AbortsLater(Scratch):
    def gates(self, *args):
        raise ValueError("which is over")

    def forward(self, *args):
        os.abort()


class Killed(Scratch):
    def forward(self, *args):
        os.kill(os.getpid(), signal.SIGKILL)


class Hangs(Scratch):
    def forward(self, *args):
        time.sleep(600)


class Deaf(Scratch):
    """Hangs, and doesn't listen to signals either."""

    def forward(self, *args):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(600)


class Talks(Scratch):
    def forward(self, *args):
        os.write(1, b"noise" * 100_000)
        os.write(2, b"noise" * 100_000)
        print("noise" * 100_000, flush=True)
        return super().forward(*args)


class SendsObjects(Scratch):
    def forward(self, *args):
        outputs = super().forward(*args)
        return Outputs(outputs.y.astype(object), outputs.states)


class SendsNothing(Scratch):
    def forward(self, *args):
        return None


class SendsAFunction(Scratch):
    def forward(self, *args):
        return Outputs(print, {"h": print, "c": print})


class FailsToStart(Scratch):
    def __init__(self):
        raise OSError("no such device")


class WritesToItsInput(Scratch):
    """Which nobody sees from afar, had it not a guard beside it."""

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        if batch.x.flags.writeable:
            batch.x[...] = 0
        return found


class Compiles(Scratch):
    def uncompiled(self):
        return WritesToItsInput()


class Coarse(Scratch):
    rounding_model = {"factors": 2.0**-11, "bias": np.float32(1.5)}


class SaysNonsense(Scratch):
    rounding_model = {"bias": "some"}


class OnlyForward:
    layout = Scratch.layout

    def forward(self, *args):
        return Scratch().forward(*args)
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "adapters.py").write_text(ADAPTERS)
    return tmp_path


@pytest.fixture
def start(folder: Path):
    workers = []

    def start_worker(name: str, limit: float = 30.0) -> RemoteAdapter:
        workers.append(Worker(Path(sys.executable), limit, (str(folder), *sys.path[1:])))
        return RemoteAdapter(workers[-1], f"adapters:{name}")

    yield start_worker
    for worker in workers:
        worker.close()


CONFIG = Config(2, 3)
BATCH = Batch(np.linspace(-1, 1, 8, dtype="float32").reshape(4, 1, 2))
PARAMS = D2L.pack(
    build_parameters(
        CONFIG,
        lambda _, shape: np.linspace(-0.5, 0.5, int(np.prod(shape)), dtype="float32").reshape(
            shape
        ),
    ),
    CONFIG,
)


def forward(adapter: RemoteAdapter):
    return adapter.forward(CONFIG, PARAMS, BATCH)


def test_arrays_come_back_bit_for_bit(start):
    from gateparity.backends.numpy.scratch import Scratch

    found, expected = forward(start("Right")), Scratch().forward(CONFIG, PARAMS, BATCH)
    for name in ("y", "h_n", "c_n"):
        one, other = arrays_by_name(found)[name], arrays_by_name(expected)[name]
        assert one.tobytes() == other.tobytes()


def test_output_of_the_adapter_does_not_disturb_the_wire(start):
    assert forward(start("Talks")).y.shape == (4, 1, 3)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Raises", "RuntimeError: out of luck"),
        ("SendsNothing", "forward returned a NoneType, expected gateparity's Outputs"),
        ("SendsObjects", "an array of object can't be sent"),
        ("SendsAFunction", "a builtin_function_or_method can't be sent"),
    ],
)
def test_an_exception_costs_one_call(start, name, words):
    adapter = start(name)
    for _ in range(2):  # the worker lives on
        with pytest.raises(BackendError, match=words) as caught:
            forward(adapter)
        assert "\n" not in str(caught.value)
        assert not isinstance(caught.value, WorkerLost)


def test_unsupported_arrives_as_itself(start):
    with pytest.raises(Unsupported, match="not on a Sunday"):
        forward(start("Refuses"))


def test_a_missing_method_is_unsupported(start):
    adapter = start("OnlyForward")
    assert forward(adapter).y.shape == (4, 1, 3)
    missing = {name: f"OnlyForward has no method {name}" for name in ("gates", "gradients")}
    assert adapter.unsupported == missing
    with pytest.raises(Unsupported, match=missing["gates"]):
        adapter.gates(CONFIG, PARAMS, BATCH)


def test_what_an_adapter_declares_of_its_arithmetic_arrives(start):
    found = start("Coarse").rounding_model
    assert found == {"factors": 2.0**-11, "bias": 1.5}
    assert {type(value) for value in found.values()} == {float}
    assert start("OnlyForward").rounding_model == {}
    with pytest.raises(BackendError, match="could not convert string to float: 'some'"):
        start("SaysNonsense")


def test_a_guard_stands_on_the_far_side(start):
    adapter = start("WritesToItsInput")
    assert forward(adapter).y.any()
    for _ in range(2):  # the worker lives on
        with pytest.raises(Impure, match=r"^forward wrote to x$"):
            forward(adapter.guarded())
    assert adapter.guarded().layout == adapter.layout


def test_the_guarded_answer_arrives(start):
    adapter = start("Right")
    cotangent = adapter.forward(CONFIG, PARAMS, BATCH)
    found = adapter.guarded().gradients(CONFIG, PARAMS, BATCH, cotangent)
    expected = adapter.gradients(CONFIG, PARAMS, BATCH, cotangent)
    np.testing.assert_allclose(found.batch.x, expected.batch.x, rtol=0, atol=1e-6)
    assert set(found.params) == set(PARAMS)


def test_an_adapter_in_another_manner_is_asked_on_the_far_side(start):
    """What runs operation by operation there writes to its input, which a guard sees."""
    adapter = start("Compiles")
    np.testing.assert_array_equal(forward(adapter.guarded()).y, forward(adapter.uncompiled()).y)
    for both in (adapter.uncompiled().guarded(), adapter.guarded().uncompiled()):
        with pytest.raises(Impure, match=r"^forward wrote to x$"):
            forward(both)
    plain = start("Right")
    np.testing.assert_array_equal(forward(plain.uncompiled()).y, forward(plain).y)


def test_what_is_raised_under_guard_arrives_as_without(start):
    with pytest.raises(Unsupported, match="not on a Sunday"):
        forward(start("Refuses").guarded())
    with pytest.raises(Unsupported, match="OnlyForward has no method gates"):
        start("OnlyForward").guarded().gates(CONFIG, PARAMS, BATCH)
    with pytest.raises(BackendError, match="RuntimeError: out of luck"):
        forward(start("Raises").guarded())
    with pytest.raises(WorkerLost, match=r"died during guarded forward \(exit code 7"):
        forward(start("Exits").guarded())


@pytest.mark.parametrize("dtype", ["float16", "float64", "int32", "bool"])
@pytest.mark.parametrize("shape", [(0, 3, 2), (5, 0, 2), (2, 1, 2)])
def test_arrays_of_nothing_and_of_every_dtype_travel(dtype, shape):
    array = np.ones(shape, dtype)
    np.testing.assert_array_equal(decode(encode(array)), array, strict=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Exits", "exit code 7; last words"),
        ("Segfaults", r"SIGSEGV; __init__.py, line \d+, in string_at\)$"),
        ("Aborts", r"\(SIGABRT; what\(\):  no such kernel\)$"),
        ("Killed", "SIGKILL"),
    ],
)
def test_a_crash_is_told_in_one_line(start, name, words):
    adapter = start(name)
    with pytest.raises(WorkerLost, match=words) as caught:
        forward(adapter)
    assert "\n" not in str(caught.value)


def test_last_words_are_those_of_the_call(start):
    adapter = start("AbortsLater")
    with pytest.raises(BackendError, match="which is over"):
        adapter.gates(CONFIG, PARAMS, BATCH)
    with pytest.raises(WorkerLost, match=r"\(SIGABRT; adapters\.py, line \d+, in forward\)$"):
        forward(adapter)


@pytest.mark.parametrize("name", ["Hangs", "Deaf"])
def test_a_hang_ends_at_the_time_limit(start, name):
    adapter = start(name, limit=5.0)
    begin = time.monotonic()
    with pytest.raises(WorkerLost, match="no answer to forward within 5 s"):
        forward(adapter)
    assert time.monotonic() - begin < 30  # and not ten minutes
    assert not children()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("FailsToStart", "OSError: no such device"),
        ("Missing", "has no attribute 'Missing'"),
    ],
)
def test_an_adapter_that_cannot_be_made_says_why(start, target, words):
    with pytest.raises(BackendError, match=words):
        start(target)


def test_a_program_that_is_not_python_is_told():
    with pytest.raises(WorkerLost, match="doesn't answer as a Python interpreter"):
        Worker(Path("/bin/false"), 10.0)


def test_a_program_that_never_answers_is_told(folder):
    sleeper = folder / "python"
    sleeper.write_text("#!/bin/sh\nexec sleep 600\n")
    sleeper.chmod(0o755)
    with pytest.raises(WorkerLost, match="timed out after 2"):
        Worker(sleeper, 2.0)
    assert not children()


def test_closing_ends_a_call_under_way(folder):
    worker = Worker(Path(sys.executable), 60.0, (str(folder), *sys.path[1:]))
    adapter = RemoteAdapter(worker, "adapters:Hangs")
    threading.Timer(1.0, worker.close).start()
    with pytest.raises(WorkerLost):
        forward(adapter)
    assert not children()


def test_nothing_in_this_folder_shadows_a_module(folder, monkeypatch, torch_backend):
    """A worker of a shipped adapter doesn't import from the folder it is started in."""
    (folder / "torch").mkdir()
    (folder / "torch" / "__init__.py").write_text("raise RuntimeError('the wrong torch')")
    monkeypatch.chdir(folder)
    with Worker(torch_backend.python, 60.0, torch_backend.path) as worker:
        assert RemoteAdapter(worker, torch_backend.target).name == "torch:scratch"


def test_a_worker_needs_numpy_and_its_framework_only(torch_backend):
    """einops, rich and gateparity itself needn't be installed there: the sources are sent."""
    with Worker(torch_backend.python, 60.0, torch_backend.path) as worker:
        RemoteAdapter(worker, torch_backend.target)
        loaded = worker.call("apply", "builtins:eval", "sorted(__import__('sys').modules)")
    assert "gateparity.backends.torch.scratch" in loaded
    assert not {"einops", "rich", "typer", "pytest", "gateparity.backends.workers.remote"} & set(
        loaded
    )


def children() -> list[int]:
    """Processes of ours that are still running."""
    found = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in found if alive(int(pid))]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, FileNotFoundError):
        return False


OLD_NAME = """
from gateparity.backends.numpy.scratch import Scratch
class Old(Scratch):
    arithmetic = {"bias": 3.0}
"""


def test_a_rounding_model_by_its_old_name_holds_with_one_warning(tmp_path):
    (tmp_path / "old_name.py").write_text(OLD_NAME)
    path, said = (str(tmp_path), *sys.path[1:]), "`arithmetic` goes in .* `rounding_model`"
    with (
        Worker(Path(sys.executable), 60.0, path) as worker,
        pytest.warns(DeprecationWarning, match=said),
    ):
        adapter = RemoteAdapter(worker, "old_name:Old")
    assert adapter.rounding_model == {"bias": 3.0}
