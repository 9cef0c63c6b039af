"""MXNet's adapter. MXNet reads names that NumPy no longer has, so they come first."""

from __future__ import annotations

from gateparity.backends.mxnet.numpy_names import restore_numpy_names

restore_numpy_names()
