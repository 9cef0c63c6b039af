"""Models that Keras 3 saved, in each of its formats: layers by path, numbers bit for bit.

Keras runs in an interpreter of its own; no model is built from a file on this side.
"""

from __future__ import annotations

import gc
import json
import re
import shutil
import subprocess
import zipfile

import numpy as np
import pytest

from gateparity.backends.checkpoints.registry import open_contents
from gateparity.backends.numpy.scratch import Scratch
from gateparity.errors import InputError
from gateparity.layouts import D2L, KERAS
from gateparity.network.batch import Batch

# Sizes are small and all different. Beside each model, its weights as Keras returns them.
SAVE = """
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras, numpy as np
from keras import layers as L

keras.utils.set_random_seed(1)

class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = L.LSTM(4, return_sequences=True)
        self.stack = [L.LSTM(3, return_sequences=True) for _ in range(12)]
        self.decoder = L.Bidirectional(L.LSTM(2))

    def call(self, x):
        x = self.encoder(x)
        for layer in self.stack:
            x = layer(x)
        return self.decoder(x)

def functional():
    x = keras.Input((6, 3))
    inner = [L.LSTM(4, use_bias=False, name="inner", return_sequences=True)]
    y = keras.Sequential([keras.Input((6, 3)), *inner], name="encoder")(x)
    y = L.Bidirectional(L.LSTM(5, return_sequences=True), merge_mode="sum", name="both")(y)
    y = L.LSTM(5, go_backwards=True, recurrent_activation="hard_sigmoid", name="hard",
               unit_forget_bias=False, return_sequences=True)(y)
    return keras.Model(x, L.LSTM(2, activation="relu", name="last")(y))

own = Own()
own(np.zeros((1, 6, 3), "float32"))
MODELS = {
    "sequence": keras.Sequential([
        keras.Input((6, 3)),
        L.LSTM(4, return_sequences=True),
        L.Bidirectional(L.LSTM(5, return_sequences=True)),
        L.GRU(3, return_sequences=True),
        L.SimpleRNN(2, return_sequences=True),
        L.TimeDistributed(L.Dense(2)),
        L.LSTM(3, return_sequences=True),
    ]),
    "cells": keras.Sequential([
        keras.Input((6, 3)),
        L.RNN([L.LSTMCell(4), L.LSTMCell(4), L.LSTMCell(4)], return_sequences=True),
        L.RNN([L.LSTMCell(4), L.LSTMCell(5)], return_sequences=True),
        L.Bidirectional(L.RNN([L.LSTMCell(2), L.LSTMCell(2)], return_sequences=True)),
        L.RNN(L.LSTMCell(2)),
    ]),
    "functional": functional(),
    "own": own,
    "half": keras.Sequential([
        keras.Input((6, 3)),
        L.LSTM(4, dtype="float16", return_sequences=True),
        L.LSTM(3, dtype="float64", return_sequences=True),
        L.LSTM(2, dtype="bfloat16", recurrent_initializer="glorot_uniform"),
    ]),
}
for name, model in MODELS.items():
    model.build((None, 6, 3))
    for variable in model.variables:
        if "seed" not in variable.name:
            drawn = np.random.default_rng(len(variable.path)).normal(size=variable.shape)
            variable.assign(drawn.astype("float32"))
    model.save(name + ".keras")
    model.save(name + ".h5")
    model.save_weights(name + ".weights.h5")
    weights = [layer.get_weights() for layer in model._flatten_layers(recursive=True)
               if type(layer).__name__ == "LSTMCell"]
    np.savez(name + ".npz", *[np.asarray(a, "float64") for w in weights for a in w])
x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
first, both = MODELS["sequence"].layers[:2]
np.savez("run.npz", x=x, y=first(x), z=both(first(x)))
"""
FORMATS = (".keras", ".h5", ".weights.h5")


@pytest.fixture(scope="module")
def folder(tensorflow_backend, tmp_path_factory):
    """A folder in which Keras saved its models."""
    folder = tmp_path_factory.mktemp("keras")
    command = [str(tensorflow_backend.python), "-c", SAVE]
    done = subprocess.run(
        command, cwd=folder, check=False, timeout=300, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def unused(*_):
    pytest.fail("a worker was asked for a file that is read on this side")


def inspect(path):
    """What is in a file: its layers by path, with what they hold."""
    with open_contents(path, unused) as contents:
        read = {
            layer.path: layer.read()
            for layer in contents.layers
            if layer.layout is not None and not layer.refusal
        }
        return contents, {layer.path: layer for layer in contents.layers}, read


@pytest.mark.parametrize(
    ("suffix", "paths"),
    [
        (
            ".keras",
            [
                "layers/lstm", "layers/bidirectional", "layers/gru", "layers/simple_rnn",
                "layers/lstm_1",
            ],
        ),
        (".h5", ["lstm", "bidirectional", "gru", "simple_rnn", "lstm_2"]),
        (
            ".weights.h5",
            [
                "layers/bidirectional", "layers/gru", "layers/lstm", "layers/lstm_1",
                "layers/simple_rnn",
            ],
        ),
    ],
)  # fmt: skip
def test_layers_are_listed_in_the_order_of_the_model_where_the_file_has_it(suffix, paths, folder):
    contents, layers, _ = inspect(folder / f"sequence{suffix}")
    assert [re.sub(r"_\d+$", "", path) for path in layers] == [
        re.sub(r"_\d+$", "", path) for path in paths
    ]
    kinds = {path.rpartition("/")[2].rstrip("_0123456789"): one for path, one in layers.items()}
    assert {name: layer.kind for name, layer in kinds.items()} == {
        "lstm": "LSTM", "bidirectional": "LSTM", "gru": "GRU", "simple_rnn": "RNN",
    }  # fmt: skip
    both, gru = kinds["bidirectional"], kinds["gru"]
    assert (both.input_size, both.hidden_size, both.directions, both.parameters) == (4, 5, 2, 400)
    assert (gru.input_size, gru.hidden_size, gru.layout) == (10, 3, None)
    assert any("order" in note for note in contents.notes) == (suffix == ".weights.h5")


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", ["sequence", "cells", "functional", "own", "half"])
def test_numbers_come_back_bit_for_bit(name, suffix, folder):
    with np.load(folder / f"{name}.npz") as file:
        expected = sorted((a.shape, a.tobytes()) for a in file.values())
    with open_contents(folder / f"{name}{suffix}", unused) as contents:
        lstms = [layer for layer in contents.layers if layer.kind == "LSTM"]
        arrays = [a.load().astype("float64") for one in lstms for a in one.arrays.values()]
        for layer in lstms:
            native = {name: a.load() for name, a in layer.arrays.items()}
            config, parameters = layer.unpack(native)
            packed = KERAS.pack(parameters, config)
            assert {k: v.tobytes() for k, v in packed.items()} == {
                k: v.tobytes() for k, v in native.items()
            }
    assert sorted((a.shape, a.tobytes()) for a in arrays) == expected


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_network_of_the_file_computes_what_keras_computed(suffix, folder):
    _, _, read = inspect(folder / f"sequence{suffix}")
    with np.load(folder / "run.npz") as run:
        x, y, z = (np.swapaxes(run[name], 0, 1) for name in "xyz")
    found = sorted(read.values(), key=lambda one: (one[0].directions, -one[0].hidden_size))
    for (config, parameters), x_in, expected in ((found[0], x, y), (found[-1], y, z)):
        batch = Batch(np.ascontiguousarray(x_in))
        outputs = Scratch().forward(config, D2L.pack(parameters, config), batch)
        np.testing.assert_allclose(outputs.y, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_stack_of_cells_is_one_lstm_where_its_cells_are_alike(suffix, folder):
    _, layers, _ = inspect(folder / f"cells{suffix}")
    first = next(one for one in layers.values() if one.layers == 3)
    others = [one for one in layers.values() if one is not first]
    assert (first.layers, first.input_size, first.hidden_size) == (3, 3, 4)
    assert [one.oddities[0] for one in others if "rnn_1" in one.path] == [
        "cell 1 of 2 in a stack", "cell 2 of 2 in a stack",
    ]  # fmt: skip
    apart = [one for one in others if any("stacked apart" in odd for odd in one.oddities)]
    assert [(one.layers, one.directions, one.hidden_size) for one in apart] == [(2, 1, 2)] * 2


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_options_of_the_config_are_told(suffix, folder):
    _, layers, read = inspect(folder / f"functional{suffix}")
    inner, both, hard, last = layers.values()
    assert not inner.biases
    assert not any("go_backwards" in odd for odd in both.oddities)
    assert "merge_mode is sum, where others concatenate" in both.oddities
    assert "go_backwards: it reads the last step first" in hard.oddities
    assert "unit_forget_bias is off" in hard.oddities
    assert hard.refusal == "recurrent_activation is hard_sigmoid, expected sigmoid"
    assert last.refusal == "activation is relu, expected tanh"
    assert "returns the last step alone" in last.oddities
    assert set(read) == {inner.path, both.path}
    if suffix == ".keras":
        assert [re.findall("called '(.*)'", " ".join(one.oddities)) for one in layers.values()] == [
            ["inner"], ["both"], ["hard"], ["last"],
        ]  # fmt: skip


def test_many_layers_are_sorted_by_number(folder):
    contents, layers, _ = inspect(folder / "own.weights.h5")
    numbered = [path for path in layers if path.startswith("layers/")]
    assert numbered == [f"layers/lstm_{number}" for number in range(1, 13)]
    assert "decoder" in layers
    assert "encoder" in layers
    assert any("holds no order" in note for note in contents.notes)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_narrow_dtype_is_named_and_widened(suffix, folder):
    _, layers, read = inspect(folder / f"half{suffix}")
    found = {layer.dtypes[0]: read[path][0].dtype for path, layer in layers.items()}
    assert found == {"float16": "float32", "bfloat16": "float32", "float64": "float64"}


def rewritten(path, to, members):
    """The same archive with some members replaced, or removed where there is None."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for item in old.infolist():
            data = members.get(item.filename, old.read(item))
            if data is not None:
                new.writestr(item.filename, data)
    return to


@pytest.mark.parametrize(
    "config",
    [
        "", "not JSON", "[" * 10**5, "null", '{"config": 3}', '{"config": {"layers": {"a": 1}}}',
        '{"config": {"layers": [null, 3, {"class_name": 7, "config": "x"}]}}',
        json.dumps({"config": {"layers": [{"class_name": "LSTM", "config": {"name": ["a"]}}]}}),
        json.dumps({"class_name": "os.system", "module": "os", "config": {"layers": "rm"}}),
    ],
)  # fmt: skip
def test_a_config_is_data_and_a_wrong_one_costs_only_what_it_says(config, folder, tmp_path):
    path = rewritten(folder / "sequence.keras", tmp_path / "m.keras", {"config.json": config})
    _, layers, read = inspect(path)
    assert len(layers) == 5
    assert len(read) == 3


def test_an_archive_that_is_compressed_is_read_and_leaves_no_file(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with (
        zipfile.ZipFile(folder / "sequence.keras") as old,
        zipfile.ZipFile(tmp_path / "m.keras", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    plain, packed = inspect(folder / "sequence.keras"), inspect(tmp_path / "m.keras")
    assert list(plain[1]) == list(packed[1])
    for path, (config, parameters) in plain[2].items():
        assert packed[2][path][0] == config
        for ours, theirs in zip(parameters, packed[2][path][1], strict=True):
            assert ours.w_ih.tobytes() == theirs.w_ih.tobytes()
    del packed, theirs
    gc.collect()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_bomb_is_refused_before_it_inflates(folder, tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        with archive.open("model.weights.h5", "w") as member:
            for _ in range(100):
                member.write(bytes(1 << 20))
    with pytest.raises(InputError, match=r"would inflate from \d+ bytes to 104857600"):
        inspect(path)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_truncated_file_is_refused_in_one_line(share, suffix, folder, tmp_path):
    data = (folder / f"sequence{suffix}").read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError) as caught:
        inspect(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_name_says_nothing(folder, tmp_path):
    for suffix in FORMATS:
        path = tmp_path / "model.pt"
        shutil.copy(folder / f"sequence{suffix}", path)
        assert len(inspect(path)[1]) == 5
