"""Damaged HDF5, `.keras` and msgpack files; `fuzz.py` says how.

The HDF5 library runs in a process of its own, whose start takes longer than a damaged file. So most
copies are read by forks of one process that has imported h5py: these may crash, and the reader's
own limits end those that don't.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import msgpack
import numpy as np
import pytest

from gateparity.backends.checkpoints import hdf5_process
from tests.backends.checkpoints.fuzz import (
    COUNTS,
    Count,
    assert_survives,
    copies,
    damage,
    format_of,
)

FORKED, OPENED, DECODED = copies(500), copies(15, share=20), copies(1000)
SERVE = """
import json, os, signal, sys
sys.path.insert(0, sys.argv[1])
import h5py, numpy, hdf5_process

ends = []
for path in sys.argv[2:]:
    child = os.fork()
    if not child:
        size = os.path.getsize(path)
        hdf5_process.limit(size)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        said = {}
        hdf5_process.send = lambda found, numbers=b"": said.update(found)
        sys.stdin = []
        hdf5_process.serve(path, 0, size)
        sys.stdin = [json.dumps(name) for name in said.get("arrays", ())]
        hdf5_process.serve(path, 0, size)
        os._exit(1 if "error" in said else 0)
    _, status, used = os.wait4(child, 0)
    ends.append((os.waitstatus_to_exitcode(status), used.ru_utime, used.ru_maxrss))
json.dump(ends, sys.stdout)
"""


def draw(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a small file of each format."""
    folder = tmp_path_factory.mktemp("whole")
    config = {"class_name": "LSTM", "config": {"name": "lstm", "stateful": True}}
    model = json.dumps({"class_name": "Sequential", "config": {"layers": [config]}})
    arrays = {"kernel:0": draw(3, 16), "recurrent_kernel:0": draw(4, 16), "bias:0": draw(16)}
    with h5py.File(folder / "model.h5", "w") as file:
        file.attrs["model_config"] = model
        file.attrs["keras_version"] = "2.4.0"
        file.attrs["layer_names"] = [b"lstm"]
        group = file.create_group("model_weights/lstm")
        group.attrs["weight_names"] = [f"lstm/{name}".encode() for name in arrays]
        for name, array in arrays.items():
            group.create_dataset(f"lstm/{name}", data=array, compression="gzip")
    with h5py.File(folder / "model.weights.h5", "w") as file:
        for number, array in enumerate(arrays.values()):
            file[f"layers/lstm/cell/vars/{number}"] = array
    with zipfile.ZipFile(folder / "model.keras", "w") as archive:
        archive.writestr("config.json", model)
        archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        archive.write(folder / "model.weights.h5", "model.weights.h5")
    (folder / "model.msgpack").write_bytes(msgpack.packb({"params": flax()}))
    return folder


def flax():
    def stored(array):
        return msgpack.ExtType(1, msgpack.packb((array.shape, "float32", array.tobytes())))

    cell = {f"i{gate}": {"kernel": stored(draw(3, 4))} for gate in "ifgo"}
    for gate in "ifgo":
        cell[f"h{gate}"] = {"kernel": stored(draw(4, 4)), "bias": stored(draw(4))}
    pieces = {"0": stored(draw(3)), "1": stored(draw(3))}
    chunked = {"__msgpack_chunked_array__": True, "shape": {"0": 2, "1": 3}, "chunks": pieces}
    return {"cell": cell, "step": 7, "rate": 0.5, "table": chunked, "more": [None, True, -3, "a"]}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.parametrize("name", ["model.h5", "model.weights.h5"])
def test_the_reader_of_hdf5_ends_with_any_file(name, folder, tmp_path):
    data, drawn = (folder / name).read_bytes(), random.Random(1)
    paths = [tmp_path / str(number) for number in range(FORKED)]
    for path in paths:
        path.write_bytes(damage(data, drawn))
    reader = str(Path(hdf5_process.__file__).parent)
    command = [sys.executable, "-c", SERVE, reader, *map(str, paths)]
    limit = 300 + FORKED
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=limit)
    ends = json.loads(done.stdout)
    assert len(ends) == FORKED
    codes = [code for code, _, _ in ends]
    assert codes.count(1) > FORKED // 4, "few are refused"
    assert codes.count(0) > 0, "none is read"
    assert sum(code < 0 for code in codes) <= FORKED // 50, "the library crashes often"
    assert max(seconds for _, seconds, _ in ends) < hdf5_process.SECONDS + 1
    slowest = max(seconds for _, seconds, _ in ends)
    crashed = sum(code < 0 for code in codes)
    kind = format_of(folder / name)
    COUNTS.append(Count(kind, f"{name}, forked", FORKED, codes.count(1), slowest, crashed))
    assert max(kilobytes for _, _, kilobytes in ends) < 1 << 20


@pytest.mark.parametrize("name", ["model.h5", "model.weights.h5", "model.keras"])
def test_a_damaged_file_of_keras_is_refused_or_read(name, folder, tmp_path):
    path = tmp_path / name
    path.write_bytes((folder / name).read_bytes())
    assert assert_survives(path, OPENED) > OPENED // 4


def test_a_damaged_file_of_flax_is_refused_or_read(folder, tmp_path):
    path = tmp_path / "model.msgpack"
    path.write_bytes((folder / "model.msgpack").read_bytes())
    assert assert_survives(path, DECODED) > DECODED // 4
