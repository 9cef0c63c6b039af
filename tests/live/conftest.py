"""The frameworks that share one environment, each with a port of a PyTorch LSTM."""

import os
import tempfile
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
_PROGRAMS = tempfile.TemporaryDirectory()  # that JAX compiles: many tests have the same ones
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", _PROGRAMS.name)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")


def pytest_collection_modifyitems(items):
    """Let TensorFlow's own tensors become arrays: it knows NumPy 1's protocol alone."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation"))
