"""What an answer may depend on beside the code: versions, the processor, flags in the environment.

Nothing here tells who or where: no host's name, no user's, no path but what a flag holds.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Final

import numpy as np

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
_CPUINFO: Final = Path("/proc/cpuinfo")
_MODELS: Final = ("model name", "Model", "cpu model", "cpu")  # x86, Arm, MIPS, POWER
_FEATURES: Final = ("flags", "Features")  # x86, Arm
_KINDS: Final = ("amx", "asimd", "avx", "bf16", "f16c", "fma", "neon", "sse", "sve", "vsx")


def read_manifest() -> dict[str, str]:
    """Of this interpreter and its machine, as far as it is known; flags under their own names."""
    found = {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.release()}".strip(),
        "machine": platform.machine(),
        **_read_processor(),
    }
    flags = {name: os.environ[name] for name in FLAGS if name in os.environ}
    return found | {
        name: value.encode("utf-8", "replace").decode() for name, value in flags.items()
    }


def _read_processor() -> dict[str, str]:
    """Its model, and those of its instructions that arithmetic is done by."""
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
