"""PyTorch as an adapter needs it: arrays, calls, derivatives, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch

from gateparity.backends.base.primitives import Primitives, on_off

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.network.config import Config


def _call(run: Callable[..., Any], config: Config, *inputs: Any) -> Any:
    with torch.no_grad():
        return run(config, *inputs)


def _vjp(run: Callable[..., Any], config: Config, inputs: Any, cotangents: Any) -> Any:
    params, x, h_0, c_0, lengths = inputs
    sources = [source.requires_grad_() for source in (*params.values(), x, h_0, c_0)]
    y, h_n, c_n, *_ = run(config, params, x, h_0, c_0, lengths)
    *d_params, dx, dh_0, dc_0 = torch.autograd.grad((y, h_n, c_n), sources, cotangents)
    return dict(zip(params, d_params, strict=True)), dx, dh_0, dc_0


def _settings() -> dict[str, str]:
    backends = torch.backends
    return {
        "threads": str(torch.get_num_threads()),
        "instructions in use": backends.cpu.get_cpu_capability(),
        "oneDNN": on_off(backends.mkldnn.is_available() and backends.mkldnn.enabled),
        "matmul precision": torch.get_float32_matmul_precision(),
        "TF32 in matmul": on_off(backends.cuda.matmul.allow_tf32),
        "TF32 in cuDNN": on_off(backends.cudnn.allow_tf32),
        "deterministic": on_off(torch.are_deterministic_algorithms_enabled()),
    }


def _trainer() -> Any:
    from gateparity.backends.torch import training

    return training


PRIMITIVES: Final = Primitives(
    version=torch.__version__,
    # A copy: arrays may be read-only or reversed views, and the caller's stay its own.
    from_numpy=lambda array: torch.from_numpy(array.copy()),
    to_numpy=lambda tensor: tensor.numpy(),
    call=_call,
    vjp=_vjp,
    settings=_settings,
    threads=torch.get_num_threads,
    trainer=_trainer,
)
