"""The frameworks that share one environment, each with a port of a PyTorch LSTM."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items):
    """Let TensorFlow's own tensors become arrays: it knows NumPy 1's protocol alone."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation"))
