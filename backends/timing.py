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

from gateparity.adapter import Batch, Outputs, Unsupported
from gateparity.config import Config
from gateparity.training import HEAD, Examples, Recipe, TrainingState

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

    A call has a `kind`: an `adapter`, with NumPy's arrays in and out; the same function `bare`, on
    the framework's own arrays; or the framework's layer, called `direct`. It has the adapter's
    `target`, the framework's name, and `config`, `params`, `batch` and `cotangent` as the adapter
    takes them. The operation `train` takes ten steps in one call, by the adapter for each kind. The
    clock is `wall`, or `cpu` for the time of all threads. Return `times (round, call)` in seconds,
    and `warm_up (call)`, the time of the first call.
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


def describe_machine(framework: str) -> dict[str, int]:
    """Return the cores that this process may run on, and the threads that the framework uses."""
    known = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    cores = len(known(0)) if known else os.cpu_count() or 1
    return {"cores": cores, "threads": (framework and _direct(framework).threads()) or cores}


def _round(runs: list[Callable[[], None]], turn: int, read: Callable[[], float]) -> list[float]:
    """Time each call once. Odd rounds go backwards, so that no call always follows the same one."""
    order = list(range(len(runs)))[:: -1 if turn % 2 else 1]
    gc.collect()
    times = dict(zip(order, [_clock(runs[k], read) for k in order], strict=True))
    return [times[k] for k in range(len(runs))]


def _prepare(call: dict[str, Any], operation: str) -> Callable[[], None]:
    if operation == "train":
        return _prepare_training(call)
    direct = _direct(call["framework"]) if call["framework"] else None
    config, given = Config(**call["config"]), [call["params"], Batch(**call["batch"])]
    if operation == "gradients":
        given.append(Outputs(**call["cotangent"]))
    if call["kind"] == "direct":
        run = getattr(direct, operation)(config, *given)
    elif call["kind"] == "bare":
        run = _bare(_adapter(call["target"]), direct, config, *given)
    else:
        method = getattr(_adapter(call["target"]), operation)
        return lambda: method(config, *given)
    return lambda: direct.wait(run())  # type: ignore[union-attr]


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
    adapter: Any, direct: Any, config: Config, params: Any, batch: Batch, heads: Any = None
) -> Callable[[], Any]:
    """Return a call of an adapter's own function, on arrays that were converted beforehand."""
    convert, primitives = direct.convert, adapter.primitives
    w = {name: convert(array) for name, array in params.items()}
    inputs = (w, convert(batch.x), convert(batch.h_0), convert(batch.c_0), None)
    if heads is None:
        return lambda: primitives.call(adapter.run, config, *inputs)
    heads = tuple(map(convert, (heads.y, heads.h_n, heads.c_n)))
    return lambda: primitives.vjp(adapter.run, config, inputs, heads)


def _clock(run: Callable[[], None], read: Callable[[], float]) -> float:
    start = read()
    run()
    return read() - start


def _adapter(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)()


def _direct(framework: str) -> Any:
    return importlib.import_module(f"gateparity.backends.{framework}_direct")
