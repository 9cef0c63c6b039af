"""Parameters that MXNet itself saved come back bit for bit, without MXNet."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from gateparity.backends.checkpoints.reading import read_checkpoint
from gateparity.backends.checkpoints.registry import open_contents
from gateparity.errors import InputError
from gateparity.layouts import MXNET, MXNET_CELL
from gateparity.network.config import Config
from tests.backends.checkpoints.fuzz import assert_survives, copies

SAVE = """
import mxnet as mx
import numpy as np
from mxnet.gluon import nn, rnn

class Model(nn.Block):
    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.deep = rnn.LSTM(5, num_layers=2, bidirectional=True, dropout=0.5, input_size=3)
            self.cell = rnn.LSTMCell(4, input_size=10)
            self.gru = rnn.GRU(4, input_size=3)

model = Model()
model.initialize(mx.init.Normal(1.0))
values = {name: p.data() for name, p in model.collect_params().items()}
model.save_parameters("model.params")
mx.nd.save("export.params", {"arg:" + name: value for name, value in values.items()})
mx.nd.save("half.params", {k: v.astype("float16") for k, v in values.items()})
mx.nd.save("double.params", {k: v.astype("float64") for k, v in values.items()})
prefix = model.prefix
np.savez("state.npz", **{
    name[len(prefix):].replace("lstm0_", "", 1).replace("lstm1_", "cell.", 1): value.asnumpy()
    for name, value in values.items()})
"""
BOTH = {"deep": (MXNET, Config(3, 5, 2, 2)), "cell": (MXNET_CELL, Config(10, 4))}


@pytest.fixture(scope="session")
def saved(find_backend, tmp_path_factory):
    """A folder with one model, as MXNet saves it in several ways."""
    folder = tmp_path_factory.mktemp("mxnet")
    command = [str(find_backend("mxnet").python), "-W", "ignore", "-c", SAVE]
    subprocess.run(command, cwd=folder, check=True, timeout=300, capture_output=True)
    return folder


def unused(*_):
    pytest.fail("a framework was asked for a file of MXNet's")


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("model.params", "float32"),
        ("export.params", "float32"),
        ("half.params", "float16"),
        ("double.params", "float64"),
    ],
)
def test_parameters_come_back_bit_for_bit(name, dtype, saved):
    with open_contents(saved / name, unused) as contents:
        lstms = [layer for layer in contents.layers if layer.kind == "LSTM"]
        assert {layer.dtypes for layer in contents.layers} == {(dtype,)}
        assert [layer.kind for layer in contents.layers] == ["LSTM", "LSTM", "GRU"]
        with np.load(saved / "state.npz") as state:
            for layer, (layout, config) in zip(lstms, BOTH.values(), strict=True):
                found, params = layer.read()
                wide = "float64" if dtype == "float64" else "float32"
                assert vars(found) == vars(config) | {"dtype": wide}
                for own, array in layout.pack(params, found).items():
                    expected = state[own if layout is MXNET else f"cell.{own}"]
                    np.testing.assert_array_equal(array, expected.astype(dtype))


def test_a_prefix_chooses_one(saved):
    for prefix, (_, config) in BOTH.items():
        assert read_checkpoint(saved / "model.params", prefix, unused)[0] == config


def test_damaged_parameters_are_refused_or_read(saved, tmp_path):
    path = tmp_path / "model.params"
    path.write_bytes((saved / "model.params").read_bytes())
    assert assert_survives(path, copies(150)) > 30


def test_a_truncated_file_is_refused_in_words(saved, tmp_path):
    path = tmp_path / "cut.params"
    path.write_bytes((saved / "model.params").read_bytes()[:-30])
    with pytest.raises(InputError, match="damaged or truncated"), open_contents(path, unused):
        pass
