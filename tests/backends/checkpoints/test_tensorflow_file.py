"""Checkpoints that TensorFlow itself wrote are read without it, of versions 1 and 2."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from gateparity.backends.checkpoints.reading import read_checkpoint
from gateparity.backends.checkpoints.registry import open_contents
from gateparity.errors import InputError
from gateparity.layouts import KERAS
from gateparity.layouts.tensorflow import TF1
from gateparity.network.config import Config
from tests.backends.checkpoints.fuzz import assert_survives, copies

SAVE = """
import keras, numpy as np, tensorflow as tf

model = keras.Sequential([keras.Input((2, 3)), keras.layers.LSTM(4), keras.layers.Reshape((1, 4)),
                          keras.layers.GRU(5)])
model.export("exported", verbose=False)
tf.train.Checkpoint(model=model).write("written")
arrays = {f"keras_{k}": value for k, value in enumerate(model.layers[0].get_weights())}
draw = np.random.default_rng(0).standard_normal
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    for path, shape, dtype in (("rnn/basic_lstm_cell/kernel", (7, 16), tf.float32),
                               ("rnn/basic_lstm_cell/bias", (16,), tf.float32),
                               ("gru_cell/gates/kernel", (8, 10), tf.float32),
                               ("half", (3,), tf.float16), ("brain", (3,), tf.bfloat16)):
        value = tf.cast(draw(shape), dtype)
        tf.compat.v1.get_variable(path, initializer=value)
    session.run(tf.compat.v1.global_variables_initializer())
    for variable in tf.compat.v1.global_variables():
        name = variable.op.name.replace("/", "|")
        arrays[name] = session.run(variable).astype("float32")
    tf.compat.v1.train.Saver().save(session, "first")
np.savez("arrays.npz", **arrays)
"""


@pytest.fixture(scope="session")
def saved(tensorflow_backend, tmp_path_factory):
    """A folder with checkpoints of both versions, and their arrays as a NumPy archive."""
    folder = tmp_path_factory.mktemp("tensorflow")
    command = [str(tensorflow_backend.python), "-c", SAVE]
    subprocess.run(command, cwd=folder, check=True, timeout=300, capture_output=True)
    return folder


def unused(*_):
    pytest.fail("a framework was asked for a checkpoint of TensorFlow's")


def test_variables_come_back_bit_for_bit(saved):
    with (
        np.load(saved / "arrays.npz") as arrays,
        open_contents(saved / "first.index", unused) as contents,
    ):
        expected = {n.replace("|", "/"): a for n, a in arrays.items() if "keras" not in n}
        assert set(contents.arrays) == set(expected)
        for name, array in contents.arrays.items():
            np.testing.assert_array_equal(array.load(), expected[name], strict=True)
        assert contents.arrays["half"].dtype == "float16"
        assert contents.arrays["brain"].dtype == "bfloat16"


def test_cells_of_version_1_are_found(saved):
    with open_contents(saved / "first.index", unused) as contents:
        gru, lstm = contents.layers
        assert (gru.path, gru.kind, gru.input_size, gru.hidden_size) == ("gru_cell", "GRU", 3, 5)
        assert (lstm.path, lstm.layout) == ("rnn/basic_lstm_cell", TF1)
        config, params = lstm.read()
        assert config == Config(3, 4)
        packed = TF1.pack(params, config)
        kernel = contents.arrays["rnn/basic_lstm_cell/kernel"].load()
        np.testing.assert_array_equal(packed["kernel"], kernel)


def test_an_exported_model_has_its_layers_by_their_shapes(saved):
    path = saved / "exported/variables/variables.index"
    config, params = read_checkpoint(path, None, unused)
    assert config == Config(3, 4)
    with np.load(saved / "arrays.npz") as arrays:
        for number, array in enumerate(KERAS.pack(params, config).values()):
            np.testing.assert_array_equal(array, arrays[f"keras_{number}"])
    with open_contents(path, unused) as contents:
        assert [layer.kind for layer in contents.layers] == ["LSTM", "GRU"]
        assert {layer.oddities for layer in contents.layers} == {("found by its shapes alone",)}


def test_names_of_objects_are_those_of_attributes(saved):
    with open_contents(saved / "written.index", unused) as contents:
        names = [name.rpartition("/") for name in contents.arrays]
    cells = {path for path, _, name in names if name == "recurrent_kernel"}
    assert len(cells) == 2
    assert all(path.endswith("/cell") and "ATTRIBUTES" not in path for path in cells)


def test_numbers_that_are_not_there_are_refused_with_their_file(saved, tmp_path):
    (tmp_path / "first.index").write_bytes((saved / "first.index").read_bytes())
    with pytest.raises(InputError, match=r"first\.data-00000-of-00001 can't be read: No such file"):
        read_checkpoint(tmp_path / "first.index", None, unused)
    data = (saved / "first.data-00000-of-00001").read_bytes()
    (tmp_path / "first.data-00000-of-00001").write_bytes(data[:100])
    with pytest.raises(InputError, match=r"first\.data-00000-of-00001 is truncated"):
        read_checkpoint(tmp_path / "first.index", None, unused)


def test_a_damaged_index_is_refused_or_read(saved, tmp_path):
    path = tmp_path / "first.index"
    path.write_bytes((saved / "first.index").read_bytes())
    assert assert_survives(path, copies(150)) > 30
