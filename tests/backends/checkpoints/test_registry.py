"""A checkpoint format is one module in the folder: nothing else names it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from gateparity.backends import checkpoints
from gateparity.backends.checkpoints.reading import read_checkpoint
from gateparity.backends.checkpoints.registry import find_format, known_formats, list_suffixes
from gateparity.errors import InputError
from gateparity.network.config import Config

NPZ = r"""
import io

import numpy as np

from gateparity.backends.checkpoints.format import Format
from gateparity.backends.checkpoints.torch_zip import list_names


def _matches(data):
    names = list_names(data)
    return bool(names) and all(name.endswith(".npy") for name in names)


def _read(data, load_torch):
    with np.load(io.BytesIO(data)) as arrays:
        return dict(arrays)


FORMATS = (
    Format("a NumPy archive", _matches, _read, ".npz"),
    Format("a NumPy archive", lambda data: data.startswith(b"\x89HDF"), _read, ".npz"),
)
"""


@pytest.fixture
def npz_format(tmp_path, monkeypatch):
    """A module for NumPy's archives, in the folder of the formats while the test runs."""
    folder = tmp_path / "formats"
    folder.mkdir()
    (folder / "zipped_numpy.py").write_text(NPZ)
    monkeypatch.setattr(checkpoints, "__path__", [*checkpoints.__path__, str(folder)])
    known_formats.cache_clear()
    yield
    known_formats.cache_clear()
    del sys.modules[f"{checkpoints.__name__}.zipped_numpy"]


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "model.bin"
    shapes = {"weight_ih_l0": (20, 3), "weight_hh_l0": (20, 5)}
    with path.open("wb") as file:
        np.savez(file, **{f"lstm.{name}": np.ones(shape) for name, shape in shapes.items()})
    return path


def unused(data):
    pytest.fail("PyTorch was asked for a file that is none of its own")


@pytest.mark.usefixtures("npz_format")
def test_a_module_in_the_folder_is_a_format(archive, tmp_path):
    config, params = read_checkpoint(archive, None, unused)
    assert config == Config(3, 5, biases=False, dtype="float64")
    np.testing.assert_array_equal(params[0].w_hh, np.ones((4, 5, 5)))
    assert list_suffixes() == ".pt or .npz or .safetensors"
    (tmp_path / "notes.txt").write_text("These are my notes.")
    with pytest.raises(
        InputError,
        match=r"expected a state_dict that torch\.save wrote, a NumPy archive, or safetensors$",
    ):
        read_checkpoint(tmp_path / "notes.txt", None, unused)


@pytest.mark.usefixtures("npz_format")
def test_a_format_that_is_read_is_asked_before_one_that_is_refused():
    assert find_format(b"\x89HDF\r\n\x1a\n").read


def test_without_its_module_the_format_is_not_known(archive):
    assert find_format(archive.read_bytes()).name == "a state_dict that torch.save wrote"
    assert not find_format(b"\x89HDF\r\n\x1a\n").read
    assert list_suffixes() == ".pt or .safetensors"


def test_the_format_that_takes_any_file_is_asked_last():
    anything = [known.name for known in known_formats() if known.matches(b"?")]
    assert anything == ["safetensors"] == [known_formats()[-1].name]
