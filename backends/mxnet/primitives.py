"""MXNet as an adapter needs it: arrays, calls, derivatives, settings.

Arrays are `nd`, not `np`: in 1.9.1 gluon's layers take float64 in this mode alone.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, Final

import mxnet as mx
import numpy as np
from mxnet import autograd, nd

from gateparity.backends.base.primitives import Primitives, on_off
from gateparity.backends.mxnet.context import DEVICE

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.network.config import Config


IS_2: Final = mx.__version__.startswith("2.")


def _from_numpy(array: Any) -> Any:
    """Return an MXNet array that shares memory with a read-only view of the NumPy array.

    A copy would take a tenth of a call's time.
    """
    return nd.from_numpy(np.ascontiguousarray(array)[...])


def _to_numpy(array: Any) -> Any:
    """Wait for an array's value and return it as NumPy's.

    MXNet computes asynchronously, so errors appear here. The queue is drained after an error, so
    that the next call does not raise it again.
    """
    try:
        return array.asnumpy()
    except mx.MXNetError:
        with contextlib.suppress(mx.MXNetError):
            nd.waitall()
        raise


def _call(run: Callable[..., Any], config: Config, *inputs: Any) -> Any:
    return run(config, *inputs)


def _vjp(run: Callable[..., Any], config: Config, inputs: Any, cotangents: Any) -> Any:
    params, x, h_0, c_0, lengths = inputs
    for source in (*params.values(), x, h_0, c_0):
        source.attach_grad()
    with autograd.record():
        y, h_n, c_n, *_ = run(config, params, x, h_0, c_0, lengths)
    autograd.backward([y, h_n, c_n], list(cotangents))
    return {name: array.grad for name, array in params.items()}, x.grad, h_0.grad, c_0.grad


def concat(arrays: list[Any], axis: int) -> Any:
    """Join arrays along an axis."""
    return nd.concat(*arrays, dim=axis)


def _settings() -> dict[str, str]:
    built = mx.runtime.Features()
    return {
        "oneDNN": on_off(any(name in built and built.is_enabled(name) for name in _ONEDNN)),
        "MKL": on_off(built.is_enabled("BLAS_MKL")),
    }


_ONEDNN: Final = ("MKLDNN", "ONEDNN")  # its name until MXNet 1.9, and after


def _trainer() -> Any:
    from gateparity.backends.mxnet import training

    return training


PRIMITIVES: Final = Primitives(
    version=mx.__version__,
    from_numpy=_from_numpy,
    to_numpy=_to_numpy,
    call=_call,
    vjp=_vjp,
    settings=_settings,
    wait=lambda _: nd.waitall(),
    threads=lambda: int(os.environ.get("OMP_NUM_THREADS") or 0),  # OpenMP's; MXNet doesn't say
    trainer=_trainer,
    device=DEVICE,
)
_SERIES: Final = mx.__version__[:3]
_TRAINING: Final = (
    {"train": "gluon.Trainer of MXNet 2.0 moves mx.np arrays alone, and these are mx.nd"}
    if IS_2
    else {}
)
LIMITS: Final = _TRAINING | {
    "empty_sequence": f"MXNet {_SERIES} takes a size of 0 for one that isn't known yet",
    "empty_batch": f"MXNet {_SERIES} takes a size of 0 for one that isn't known yet",
    "float16": f"MXNet {_SERIES} multiplies no float16 matrices on a CPU",
}
