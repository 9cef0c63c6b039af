"""NumPy's files: arrays by name, in any order of axes and bytes, and no pickled objects."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from gateparity.backends.checkpoints.reading import read_checkpoint
from gateparity.backends.checkpoints.registry import open_contents
from gateparity.errors import InputError
from gateparity.layouts import TORCH
from gateparity.network.config import Config

DRAW = np.random.default_rng(0)
STATE = {name: DRAW.standard_normal(shape) for name, shape in TORCH.shapes(Config(3, 5)).items()}


def unused(*_):
    pytest.fail("a framework was asked for a file of NumPy's")


class Evil:
    def __reduce__(self):
        return pytest.fail, ("a pickle ran",)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f4", "<f8", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_archive_comes_back_bit_for_bit(save, dtype, order, tmp_path):
    state = {f"lstm.{k}": np.array(v.astype(dtype), order=order) for k, v in STATE.items()}
    save(tmp_path / "model.npz", **state)
    config, params = read_checkpoint(tmp_path / "model.npz", None, unused)
    wide = np.float64 if dtype.endswith("8") else np.float32
    assert config == Config(3, 5, dtype=np.dtype(wide).name)
    for name, array in TORCH.pack(params, config).items():
        np.testing.assert_array_equal(array, state[f"lstm.{name}"].astype(wide), strict=True)


def test_objects_in_an_archive_are_named_and_not_loaded(tmp_path):
    objects = np.array([Evil()], dtype=object)
    np.savez(tmp_path / "model.npz", **STATE, notes=objects)
    with open_contents(tmp_path / "model.npz", unused) as contents:
        assert contents.notes == ("notes.npy holds pickled objects, which aren't loaded",)
        assert set(contents.arrays) == set(STATE)


def test_a_pickled_dict_is_refused_in_words(tmp_path):
    np.save(tmp_path / "model.npy", STATE)  # an array of one object, which NumPy pickles
    with (
        pytest.raises(InputError, match="an array of pickled objects, which isn't loaded"),
        open_contents(tmp_path / "model.npy", unused),
    ):
        pass


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"(20, 3)", b"(9**9,)"),
        (b"(20, 3)", b"(20, x)"),
        (b"'<f8'", b"'<q9'"),
        (b"False", b"exit("),
        (b"\x93NUMPY\x01", b"\x93NUMPY\x09"),
    ],
)
def test_a_damaged_header_is_refused(old, new, tmp_path):
    np.save(tmp_path / "model.npy", STATE["weight_ih_l0"])
    data = (tmp_path / "model.npy").read_bytes()
    assert old in data
    (tmp_path / "model.npy").write_bytes(data.replace(old, new))
    with (
        pytest.raises(InputError, match="a damaged NumPy file"),
        open_contents(tmp_path / "model.npy", unused),
    ):
        pass


def test_an_array_larger_than_its_file_is_not_allocated(tmp_path):
    np.save(tmp_path / "model.npy", np.zeros((2, 3)))
    data = (tmp_path / "model.npy").read_bytes()
    (tmp_path / "model.npy").write_bytes(data.replace(b"(2, 3)", b"(99999999999, 3)"))
    with (
        open_contents(tmp_path / "model.npy", unused) as contents,
        pytest.raises(ValueError, match=r"bytes, .* are declared"),
    ):
        contents.arrays["array"].load()


def test_a_pickle_of_arrays_is_named(tmp_path):
    (tmp_path / "model.npz").write_bytes(pickle.dumps(STATE))
    with (
        pytest.raises(InputError, match=r"a pickle that torch\.save didn't write, which"),
        open_contents(tmp_path / "model.npz", unused),
    ):
        pass
