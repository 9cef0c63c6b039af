"""The clock of `gateparity bench`, in the worker: calls take turns, A B A B, and are timed.

Calls that are neighbours in time share the machine's other load, so their ratio is known far better
than either time. Each call is prepared first, and then run once or twice without a clock:
frameworks compile, and fill their caches.
"""

from __future__ import annotations

import gc
import importlib
import os
import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.workers.blas import read_blas
from gateparity.errors import Unsupported
from gateparity.network.batch import Batch, Outputs
from gateparity.network.config import Config
from gateparity.protocol.training import HEAD, Examples, Recipe, TrainingState

if TYPE_CHECKING:
    from collections.abc import Callable

_LEAST, _MOST = 5, 500  # rounds
_WARM_UP: Final = 2  # calls; the first may compile
_STEPS: Final = 10  # of training in a call, as an epoch of The Time Machine has

CLOCKS: Final = {"wall": time.perf_counter, "cpu": time.process_time}


def time_calls(
    calls: list[dict[str, Any]], operation: str, seconds: float, clock: str
) -> dict[str, Any]:
    """Time calls in turn for about so many seconds by that clock, five rounds at least.

    A call has a `kind`: an `adapter`, with NumPy's arrays in and out, or the same function `bare`,
    on the framework's own arrays. It has the adapter's `target`, and `config`, `params`, `batch`
    and `cotangent` as the adapter takes them. To `train` is to take ten steps in one call, and each
    kind does that by its adapter. The clock is that on the `wall`, or the `cpu` time of all
    threads. Returns `times (round, call)` in seconds, and `warm_up (call)`: its first call.
    """
    runs = [_prepare(call, operation) for call in calls]
    read = CLOCKS[clock]
    warm_up = [[_clock(run, read) for _ in range(_WARM_UP)] for run in runs]
    expected = sum(_clock(run, read) for run in runs)
    rounds = int(min(max(seconds / expected, _LEAST), _MOST))
    collects = gc.isenabled()
    gc.disable()
    try:
        times = [_round(runs, turn, read) for turn in range(rounds)]
    finally:
        if collects:
            gc.enable()
    return {"times": np.array(times), "warm_up": np.array([first for first, *_ in warm_up])}


def describe_machine(target: str) -> dict[str, int]:
    """Return the cores that this process may run on, and the threads that an adapter takes.

    An adapter without a framework's primitives takes those of NumPy's BLAS.
    """
    known = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    cores = len(known(0)) if known else os.cpu_count() or 1
    primitives = getattr(_adapter(target), "primitives", None)
    threads = primitives.threads() if primitives else int(read_blas().get("blas threads", 0))
    return {"cores": cores, "threads": threads or cores}


def _round(runs: list[Callable[[], None]], turn: int, read: Callable[[], float]) -> list[float]:
    """Time each call once. Odd rounds go backwards, so that no call always follows the same one."""
    order = list(range(len(runs)))[:: -1 if turn % 2 else 1]
    gc.collect()
    times = dict(zip(order, [_clock(runs[k], read) for k in order], strict=True))
    return [times[k] for k in range(len(runs))]


def _prepare(call: dict[str, Any], operation: str) -> Callable[[], None]:
    if operation == "train":
        return _prepare_training(call)
    adapter = _adapter(call["target"])
    config, given = Config(**call["config"]), [call["params"], Batch(**call["batch"])]
    if operation == "gradients":
        given.append(Outputs(**call["cotangent"]))
    if call["kind"] == "bare":
        run = _bare(adapter, config, *given)
        return lambda: adapter.primitives.wait(run())
    method = getattr(adapter, operation)
    return lambda: method(config, *given)


def _prepare_training(call: dict[str, Any]) -> Callable[[], None]:
    adapter, config = _adapter(call["target"]), Config(**call["config"])
    if getattr(adapter, "train", None) is None:
        raise Unsupported(f"{call['target']} has no method train")
    codes = call["batch"]["x"].argmax(-1).astype(np.int32)
    shapes = (config.output_size, config.input_size), (config.input_size,)
    head = {n: np.full(s, 0.01, config.dtype) for n, s in zip(HEAD, shapes, strict=True)}
    state = TrainingState(call["params"] | head)
    batches, recipe = [Examples(codes, np.roll(codes, -1, 0))] * _STEPS, Recipe(clip=1.0)
    return lambda: adapter.train(config, state, batches, recipe)


def _bare(
    adapter: Any, config: Config, params: Any, batch: Batch, cotangents: Any = None
) -> Callable[[], Any]:
    """Return a call of an adapter's `run` on arrays that are the framework's own beforehand."""
    primitives = adapter.primitives
    inputs = primitives.call(_hand_back, config, *adapter.inputs(config, params, batch))
    if cotangents is None:
        return lambda: primitives.call(adapter.run, config, *inputs)
    states = (cotangents.states[name] for name in config.cell.states)
    given = map(primitives.from_numpy, (cotangents.y, *states))
    cotangents = primitives.call(_hand_back, config, *given)
    return lambda: primitives.vjp(adapter.run, config, inputs, cotangents)


def _hand_back(_: Config, *arrays: Any) -> Any:
    """Return the arrays as they are, which a call makes the framework's own if they weren't."""
    return arrays


def _clock(run: Callable[[], None], read: Callable[[], float]) -> float:
    start = read()
    run()
    return read() - start


def _adapter(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)()
