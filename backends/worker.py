"""The far side: a loop in an interpreter of its own, which answers calls to one adapter.

Every answer is `(kind, value, seconds)`: what it was, the value or a reason, and the time that the
work took on this side. Needs NumPy and the framework alone.
"""

from __future__ import annotations

import importlib
import time
import traceback
from typing import Any, Final

from gateparity.adapter import Batch, Gradients, Outputs, Trace, Unsupported
from gateparity.backends.wire import decode, encode
from gateparity.config import Config

_ANSWERS: Final = {"forward": Outputs, "gates": Trace, "gradients": Gradients}


def serve(channel: Any) -> None:
    """Answer until the channel closes. The first message names the adapter, `module:Class`."""
    adapter: Any = None
    for message in channel:
        seconds = 0.0
        try:
            operation, *args = decode(message)
            start = time.perf_counter()
            if operation == "load":
                adapter = _load(args[0])()
                value = _describe(adapter, args[0])
            elif operation == "apply":
                value = _load(args[0])(*args[1:])
            else:
                value = _call(adapter, operation, args)
            seconds = time.perf_counter() - start
            answer = ("value", encode(value))
        except Unsupported as unsupported:
            answer = ("unsupported", str(unsupported))
        except Exception as error:  # noqa: BLE001  a framework may raise anything
            answer = ("error", _one_line(error))
            traceback.print_exc()  # into the log
        channel.send((*answer, seconds))


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _describe(adapter: Any, target: str) -> dict[str, Any]:
    return {
        "name": str(getattr(adapter, "name", target)),
        "version": str(getattr(adapter, "version", "")),
        "layout": adapter.layout,
        "unsupported": dict(getattr(adapter, "unsupported", {})),
    }


def _call(adapter: Any, operation: str, args: list[Any]) -> Any:
    method = getattr(adapter, operation, None)
    if method is None:
        raise Unsupported(f"{type(adapter).__name__} has no method {operation}")
    config, params, batch, *cotangent = args
    answer = method(
        Config(**config), params, Batch(**batch), *(Outputs(**arrays) for arrays in cotangent)
    )
    if not isinstance(answer, _ANSWERS[operation]):
        found, expected = type(answer).__name__, _ANSWERS[operation].__name__
        raise TypeError(f"{operation} returned a {found}, expected gateparity's {expected}")
    return answer


def _one_line(error: Exception) -> str:
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words[:300]}" if words else type(error).__name__
