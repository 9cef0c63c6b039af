"""Damaged files of the formats that are read in this process; `fuzz.py` says how."""

from __future__ import annotations

import subprocess
import zipfile

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.backends.checkpoints.fuzz import assert_survives, copies

COUNT = copies(150)
SAVE = """
import torch
from torch import nn

torch.manual_seed(0)
model = nn.ModuleDict({"lstm": nn.LSTM(3, 4, 2, bidirectional=True), "cell": nn.GRUCell(3, 4)})
saved = {"state_dict": model.state_dict(), "epoch": 3, "lr": 0.5, "names": ["a", "b"]}
torch.save(saved, "model.pt")
torch.save(saved, "legacy.pt", _use_new_zipfile_serialization=False)
torch.jit.script(nn.LSTM(3, 4)).save("script.pt")
"""


@pytest.fixture(scope="module")
def saved(torch_backend, tmp_path_factory):
    """A folder with one small file of each format."""
    folder = tmp_path_factory.mktemp("whole")
    command = [str(torch_backend.python), "-W", "ignore", "-c", SAVE]
    subprocess.run(command, cwd=folder, check=True, timeout=300)
    draw = np.random.default_rng(0).standard_normal
    arrays = {"weight_ih": draw((16, 3)), "weight_hh": draw((16, 4)), "bias": draw(16)}
    arrays = {f"cell.{name}": array.astype(np.float32) for name, array in arrays.items()}
    save_file(arrays, folder / "model.safetensors")
    np.savez(folder / "model.npz", **arrays)
    np.savez_compressed(folder / "packed.npz", **arrays)
    np.save(folder / "model.npy", draw((16, 3)))
    with (
        zipfile.ZipFile(folder / "script.pt") as old,
        zipfile.ZipFile(folder / "packed.pt", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    return folder


@pytest.mark.parametrize(
    "name",
    [
        *("model.pt", "legacy.pt", "script.pt", "packed.pt", "model.safetensors"),
        *("model.npz", "packed.npz", "model.npy"),
    ],
)
def test_a_damaged_file_is_refused_or_read(name, saved, tmp_path):
    path = tmp_path / name
    path.write_bytes((saved / name).read_bytes())
    assert assert_survives(path, COUNT) > COUNT // 4
