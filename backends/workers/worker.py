"""The far side: a loop in a worker's interpreter that answers calls to one adapter.

Every answer is `(kind, value, facts)`: the kind of answer, its value or a reason, and facts about
the call. `seconds` is the time that it took on this side, and `compiling` how much of that the
framework compiled for. `form` says whether it ran a compiled program. `deprecated` has a sentence
for each old spelling that was used in a call for the first time. It needs NumPy and the framework
alone.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gateparity.backends.base.compilation import take_tally
from gateparity.backends.workers.manifest import describe_settings, read_manifest
from gateparity.backends.workers.wire import decode, encode
from gateparity.errors import Impure, Unsupported
from gateparity.network.batch import Batch, Gradients, Outputs, Trace
from gateparity.network.config import Config
from gateparity.network.deprecated import USED, warn
from gateparity.protocol.adapter import (
    describe_missing,
    find_exceptions,
    find_unsupported,
    make_uncompiled,
)
from gateparity.protocol.guard import Guarded
from gateparity.protocol.repeated import repeat
from gateparity.protocol.training import Examples, Prediction, Recipe, Training, TrainingState

if TYPE_CHECKING:
    from collections.abc import Mapping

_ANSWERS: Final = {
    "forward": Outputs,
    "gates": Trace,
    "gradients": Gradients,
    "weights": dict,
    "train": Training,
    "predict": Prediction,
}


def serve(channel: Any) -> None:
    """Answer calls until the channel closes."""
    adapter: Any = None
    target, warned = "", 0
    for message in channel:
        seconds = 0.0
        answer: tuple[str, Any]
        try:
            operation, *args = decode(message)
            start = time.perf_counter()
            if operation == "load":
                target = f"{args[0]}: "
                adapter = _load(args[0])()
                value = describe(adapter, args[0])
            elif operation == "apply":
                value = _load(args[0])(*args[1:])
            else:
                value = perform(adapter, operation, args)
            seconds = time.perf_counter() - start
            answer = ("value", encode(value))
        except Unsupported as unsupported:
            answer = ("unsupported", str(unsupported))
        except Impure as impure:
            answer = ("impure", str(impure))
        except Exception as error:  # noqa: BLE001  a framework may raise anything
            answer = ("error", describe_error(error, adapter))
            traceback.print_exc()  # into the log
        deprecated = [target + sentence for sentence in [*USED.values()][warned:]]
        warned = len(USED)
        form, compiling = take_tally()
        facts = {"seconds": seconds, "compiling": compiling, "form": form, "deprecated": deprecated}
        channel.send((*answer, facts))


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def describe(adapter: Any, target: str) -> dict[str, Any]:
    """Return the facts about an adapter that the near side needs.

    `target` is its name if it has none. Raise `TypeError` for an object without layout or
    `forward`.
    """
    for name in ("layout", "forward"):
        if inspect.getattr_static(adapter, name, None) is None:
            raise TypeError(f"an adapter has a layout and a method forward: this has no {name}")
    engine = str(getattr(adapter, "engine", None) or "")
    return {
        "name": str(getattr(adapter, "name", target)),
        "version": str(getattr(adapter, "version", "")),
        "layout": adapter.layout,
        "unsupported": find_unsupported(adapter),
        "rounding_model": {k: float(v) for k, v in _read_rounding_model(adapter).items()},
        "engine": engine,
        "manifest": _build_manifest(adapter, engine),
    }


def _read_rounding_model(adapter: Any) -> Mapping[str, float]:
    """Return what the adapter declares of its rounding, also by the name of 0.1.0."""
    if inspect.getattr_static(adapter, "arithmetic", None) is not None:
        warn("an adapter's `arithmetic`", "it is `rounding_model`")
        return adapter.arithmetic  # type: ignore[no-any-return]
    return getattr(adapter, "rounding_model", {})


def _build_manifest(adapter: Any, engine: str) -> dict[str, str]:
    """Return what results may depend on; the line `engine` names the declared engine."""
    manifest = _read_settings(adapter) | read_manifest() | find_exceptions(adapter)
    manifest.pop("engine", None)
    return manifest | ({"engine": engine} if engine else {})


def _read_settings(adapter: Any) -> dict[str, str]:
    """Return the adapter's settings, or a note that they are unknown.

    An untested version of a framework may lack one of them, and can compute all the same.
    """
    if inspect.getattr_static(adapter, "settings", None) is None:
        return {}
    try:
        return describe_settings(adapter.settings)
    except Exception as error:  # noqa: BLE001  a framework may raise anything
        return {"settings": f"unknown: {one_line(error)}"}


def perform(adapter: Any, operation: str, args: list[Any]) -> Any:
    """Perform `forward`, `guarded uncompiled forward`..., and check the type of the answer.

    Raise `Unsupported` for a method that the adapter lacks. An adapter without `weights` is assumed
    to hold the parameters as given.
    """
    *manners, operation = operation.split()
    if "uncompiled" in manners:
        adapter = make_uncompiled(adapter)
    if "repeated" in manners:
        return _perform_repeatedly(adapter, operation, *args)
    config, params, *rest = args
    if getattr(adapter, operation, None) is None:
        if operation == "weights":  # it is believed to keep what it is given
            return params
        raise Unsupported(describe_missing(adapter, operation))
    method = getattr(Guarded(adapter) if "guarded" in manners else adapter, operation)
    if operation in ("train", "predict"):
        answer = method(Config(**config), TrainingState(**params), *_training_inputs(*rest))
    else:
        answer = method(Config(**config), params, *_read_inputs(rest))
    return _require_kind(answer, operation)


def _perform_repeatedly(adapter: Any, method: str, config: Any, questions: Any) -> dict[str, Any]:
    asked = {name: (params, *_read_inputs(rest)) for name, (params, *rest) in questions.items()}
    answers = repeat(adapter, method, Config(**config), asked)
    return {name: _require_kind(answer, method) for name, answer in answers.items()}


def _read_inputs(arrays: list[Any]) -> list[Any]:
    """Return the batch, and the cotangent if there is one."""
    return [kind(**given) for kind, given in zip((Batch, Outputs), arrays)]  # noqa: B905  as 3.9


def _require_kind(answer: Any, operation: str) -> Any:
    if not isinstance(answer, _ANSWERS[operation]):
        found, expected = type(answer).__name__, _ANSWERS[operation].__name__
        raise TypeError(f"{operation} returned a {found}, expected gateparity's {expected}")
    return answer


def _training_inputs(given: Any, recipe: Any) -> tuple[Any, Recipe]:
    """Decode the batches to train on, or the inputs to predict from, and the recipe."""
    inputs = [Examples(**batch) for batch in given] if isinstance(given, list) else given
    return inputs, Recipe(**recipe)


def describe_error(error: Exception, adapter: Any) -> str:
    """Describe an exception in one line, with the innermost line in the user's own module."""
    module = type(adapter).__module__
    file = getattr(sys.modules.get(module), "__file__", None)
    if module.partition(".")[0] == "gateparity" or file is None:
        return one_line(error)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    return one_line(error) + (f" ({Path(file).name}, line {lines[-1]})" if lines else "")


def one_line(error: Exception) -> str:
    """Return an exception's type and the start of its message, in one line."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:300]}" if words else type(error).__name__
