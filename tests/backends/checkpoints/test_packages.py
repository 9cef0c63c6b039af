"""A package that reads a format and can't be imported is named in one line, without a traceback."""

from __future__ import annotations

import os
import subprocess
import sys

import h5py
import msgpack
import numpy as np
import onnx
import pytest

from tests.backends.checkpoints.onnx_models import lstm_arrays, lstm_node, make_model

INSPECT = (sys.executable, "-m", "gateparity.conformance.commands.cli", "inspect")
BROKEN = "raise ModuleNotFoundError({error!r}, name={name!r})"


def save_hdf5(path):
    with h5py.File(path, "w") as file:
        file["lstm/kernel"] = np.zeros((3, 16), np.float32)


def save_flax(path):
    array = msgpack.packb(((3, 4), "float32", bytes(48)))
    path.write_bytes(msgpack.packb({"params": {"kernel": msgpack.ExtType(1, array)}}))


def save_onnx(path):
    onnx.save(make_model([lstm_node()], lstm_arrays()), path)


@pytest.mark.parametrize(
    ("name", "save"), [("h5py", save_hdf5), ("msgpack", save_flax), ("onnx", save_onnx)]
)
def test_a_missing_package_is_named(name, save, tmp_path):
    path = tmp_path / "model"
    save(path)
    error = f"No module named {name!r}"
    (tmp_path / f"{name}.py").write_text(BROKEN.format(error=error, name=name))
    done = subprocess.run(
        [*INSPECT, str(path)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "300"},
        timeout=60,
    )
    said = f"{path}: needs {name}, which can't be imported ({error}): pip install {name}"
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.returncode == 2
