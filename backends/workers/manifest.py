"""What a result may depend on besides the code: versions, processor, BLAS and flags.

A framework's own settings come from its adapter's `settings`.

Nothing here identifies a person or a host: no host name, no user name, and no path except inside a
flag's value.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from gateparity.backends.workers.blas import read_blas

# Variables that change which instructions or how many threads do the arithmetic, or how exactly.
FLAGS: Final = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "DNNL_DEFAULT_FPMATH_MODE",
    "DNNL_MAX_CPU_ISA",
    "JAX_DEFAULT_DTYPE_BITS",
    "JAX_DEFAULT_MATMUL_PRECISION",
    "JAX_DISABLE_JIT",
    "JAX_ENABLE_X64",
    "JAX_PLATFORMS",
    "KERAS_BACKEND",
    "MKL_CBWR",
    "MKL_DEBUG_CPU_TYPE",
    "MKL_DYNAMIC",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_NUM_THREADS",
    "MXNET_CUDA_ALLOW_TENSOR_CORE",
    "MXNET_CUDA_TENSOR_OP_MATH_ALLOW_CONVERSION",
    "MXNET_MKLDNN_ENABLED",
    "MXNET_ONEDNN_ENABLED",
    "MXNET_SAFE_ACCUMULATION",
    "NPY_DISABLE_CPU_FEATURES",
    "NPY_ENABLE_CPU_FEATURES",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_DYNAMIC",
    "OMP_NUM_THREADS",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
    "TF_CPU_DETERMINISTIC_OPS",
    "TF_CUDNN_DETERMINISTIC",
    "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_USE_LEGACY_KERAS",
    "TF_XLA_FLAGS",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "XLA_FLAGS",
)
PROGRAMS_FLAG: Final = "--tf_xla_persistent_cache_directory="
_CPUINFO: Final = Path("/proc/cpuinfo")
_MODELS: Final = ("model name", "Model", "cpu model", "cpu")  # x86, Arm, MIPS, POWER
_FEATURES: Final = ("flags", "Features")  # x86, Arm
_KINDS: Final = ("amx", "asimd", "avx", "bf16", "f16c", "fma", "neon", "sse", "sve", "vsx")


def read_manifest() -> dict[str, str]:
    """Return facts about this interpreter and machine; flags have their own names."""
    found = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.release()}".strip(),
        "machine": platform.machine(),
        **_read_processor(),
        "cores": _count_cores(),
        **_read_simd(),
        **read_blas(),
    }
    flags = {name: _without_folder(os.environ.get(name, "")) for name in FLAGS}
    return found | {
        name: value.encode("utf-8", "replace").decode() for name, value in flags.items() if value
    }


def _without_folder(flags: str) -> str:
    """Return a variable without TensorFlow's folder of programs, which is a worker's own."""
    return " ".join(word for word in flags.split(" ") if not word.startswith(PROGRAMS_FLAG))


def describe_settings(settings: Any) -> dict[str, str]:
    """Return an adapter's `settings` as texts, or an empty dict if they are no mapping."""
    if not isinstance(settings, Mapping):
        return {}
    return {str(name): str(value) for name, value in settings.items()}


def _count_cores() -> str:
    """Return "N of M": the cores that this process may run on, out of all cores."""
    count = os.cpu_count() or 0
    allowed = getattr(os, "sched_getaffinity", None)
    return f"{len(allowed(0)) if allowed else count} of {count}"


def _read_simd() -> dict[str, str]:
    """Return the SIMD instructions that NumPy uses, after NPY_DISABLE_CPU_FEATURES was applied."""
    try:
        shown: Any = np.show_config(mode="dicts")  # NumPy 1.25 or newer
        simd = shown["SIMD Extensions"]
        return {"numpy instructions": " ".join([*simd["baseline"], *simd.get("found", ())])}
    except (TypeError, KeyError):
        return {}


def _read_processor() -> dict[str, str]:
    """Return the processor's model and those of its instructions that affect arithmetic."""
    try:
        text = _CPUINFO.read_text("utf-8", errors="replace")
    except OSError:
        return {}
    pairs = [line.partition(":") for line in text.splitlines()]
    known = {key.strip(): value.strip() for key, _, value in reversed(pairs)}
    words = next((known[name] for name in _FEATURES if name in known), "").split()
    found = {
        "processor": next((known[name] for name in _MODELS if name in known), ""),
        "instructions": " ".join(word for word in sorted(words) if word.startswith(_KINDS)),
    }
    return {name: value for name, value in found.items() if value}
