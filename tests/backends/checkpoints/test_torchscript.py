"""TorchScript programs are read for their arrays, compressed or not, and none is run."""

from __future__ import annotations

import subprocess
import zipfile

import numpy as np
import pytest

from gateparity.backends.checkpoints.reading import read_checkpoint
from gateparity.backends.checkpoints.registry import open_contents
from gateparity.layouts import TORCH, TORCH_CELL
from gateparity.network.config import Config

SAVE = """
import torch
from torch import nn
import numpy as np

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.cell = nn.LSTM(3, 5, 2, bidirectional=True), nn.LSTMCell(10, 4)
        self.sizes, self.name = [1, 2], "model"

    def forward(self, x):
        return self.cell(self.lstm(x)[0][0])

torch.manual_seed(0)
model = Model().eval()
torch.jit.script(model).save("script.pt")
torch.jit.trace(model, torch.zeros(7, 2, 3)).save("trace.pt")
torch.jit.freeze(torch.jit.script(model)).save("frozen.pt")
torch.jit.script(model)._save_for_lite_interpreter("mobile.ptl")
np.savez("state.npz", **{name: value.numpy() for name, value in model.state_dict().items()})
"""


@pytest.fixture(scope="session")
def programs(torch_backend, tmp_path_factory):
    """A folder with one model as PyTorch's programs, and its state_dict as a NumPy archive."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "save.py").write_text(SAVE)
    command = [str(torch_backend.python), "-W", "ignore", "save.py"]
    subprocess.run(command, cwd=folder, check=True, timeout=300)
    return folder


def unused(*_):
    pytest.fail("a framework was asked for a program, which it would run")


def assert_holds_the_model(path, folder):
    with np.load(folder / "state.npz") as state:
        for prefix, layout, config in (
            ("lstm", TORCH, Config(3, 5, 2, 2)),
            ("cell", TORCH_CELL, Config(10, 4)),
        ):
            found, params = read_checkpoint(path, prefix, unused)
            assert found == config
            for name, array in layout.pack(params, config).items():
                np.testing.assert_array_equal(array, state[f"{prefix}.{name}"], strict=True)


@pytest.mark.parametrize("name", ["script.pt", "trace.pt", "mobile.ptl"])
def test_a_program_has_the_arrays_of_its_state_dict(name, programs):
    assert_holds_the_model(programs / name, programs)


def test_a_compressed_program_has_the_same_arrays(programs, tmp_path):
    path = tmp_path / "packed.pt"
    with (
        zipfile.ZipFile(programs / "script.pt") as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    assert_holds_the_model(path, programs)


def test_constants_without_names_are_counted(programs):
    with open_contents(programs / "frozen.pt", unused) as contents:
        assert contents.layers == ()
        assert contents.notes == ("10 arrays are constants of its code and have no names",)
