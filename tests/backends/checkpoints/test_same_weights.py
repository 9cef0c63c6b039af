"""One set of weights, saved by PyTorch, Keras, Flax, MXNet and ONNX: read back, and compared.

Where a framework has one bias, it is the sum of PyTorch's two. Each framework's own
class takes the arrays, checks their shapes and writes the file. The files of a stack of Keras and
Flax hold a layer for each of PyTorch's.
"""

from __future__ import annotations

import itertools
import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import gateparity
from gateparity.backends.checkpoints.registry import open_contents
from gateparity.layouts import LAYOUTS
from gateparity.network.config import Config
from gateparity.network.parameters import CellWeights, build_parameters, fields

CONFIGS = {
    f"{layers}-{directions}": Config(3, 4, layers=layers, directions=directions)
    for layers in (1, 2)
    for directions in (1, 2)
}
WRONG = "2-2-wrong"  # in the second layer, the last two gates are exchanged
ALL = CONFIGS | {WRONG: CONFIGS["2-2"]}
TORCH = """
import sys
import numpy as np, torch

for name in sys.argv[1:]:
    layers, directions = map(int, name.split("-")[:2])
    lstm = torch.nn.LSTM(3, 4, layers, bidirectional=directions == 2)
    arrays = np.load(f"torch-{name}.npz")
    lstm.load_state_dict({key: torch.from_numpy(arrays[key]) for key in arrays})
    torch.save({"model": {f"rnn.{key}": a for key, a in lstm.state_dict().items()}}, f"{name}.pt")
    torch.jit.script(torch.nn.Sequential(lstm)).save(f"{name}.script.pt")
"""
KERAS = """
import os, sys
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras, numpy as np
from keras import layers as L

for name in sys.argv[1:]:
    layers, directions = map(int, name.split("-")[:2])
    keras.utils.clear_session()
    model = keras.Sequential([keras.Input((None, 3))])
    for _ in range(layers):
        lstm = L.LSTM(4, return_sequences=True)
        model.add(L.Bidirectional(lstm) if directions == 2 else lstm)
    arrays = np.load(f"keras-{name}.npz")
    for variable in model.weights:
        variable.assign(arrays[variable.path.removeprefix("sequential/")])
    model.save(f"{name}.keras")
    model.save(f"{name}.h5")
    model.save_weights(f"{name}.weights.h5")
"""
FLAX = """
import sys
import jax, jax.numpy as jnp, numpy as np
from flax import linen, serialization
from flax.traverse_util import flatten_dict, unflatten_dict

for name in sys.argv[1:]:
    layers, directions = map(int, name.split("-")[:2])
    rnn = lambda: linen.RNN(linen.OptimizedLSTMCell(4))
    layer = lambda: linen.Bidirectional(rnn(), rnn()) if directions == 2 else rnn()
    model = linen.Sequential([layer() for _ in range(layers)])
    made = model.init(jax.random.key(0), jnp.zeros((1, 2, 3)))["params"]
    arrays = np.load(f"flax-{name}.npz")
    params = {k: jnp.asarray(arrays[k]) for k, v in flatten_dict(made, sep="/").items()}
    assert {k: v.shape for k, v in params.items()} == {
        k: v.shape for k, v in flatten_dict(made, sep="/").items()}
    with open(f"{name}.msgpack", "wb") as file:
        file.write(serialization.to_bytes({"params": unflatten_dict(params, sep="/")}))
"""
MXNET = """
import sys
import mxnet as mx, numpy as np
from mxnet.gluon import rnn

for name in sys.argv[1:]:
    layers, directions = map(int, name.split("-")[:2])
    lstm = rnn.LSTM(4, layers, bidirectional=directions == 2, input_size=3)
    lstm.initialize()
    arrays = np.load(f"mxnet-{name}.npz")
    for key, parameter in lstm._reg_params.items():
        parameter.set_data(mx.nd.array(arrays[key]))
    lstm.save_parameters(f"{name}.params")
"""
SCRIPTS = {"torch": TORCH, "tensorflow": KERAS, "jax": FLAX, "mxnet": MXNET}
NAMES = {
    "torch": ("torch", ""),
    "keras": ("keras", "h5"),
    "flax": ("flax", "sequential"),
    "mxnet": ("mxnet", ""),
}
SUFFIXES = ["pt", "keras", "msgpack", "params", "onnx"]  # of the file of each framework


def drawn(name):
    """The weights of a config by its name."""
    draw = np.random.default_rng(5).normal
    cells = build_parameters(ALL[name], lambda _, shape: draw(size=shape).astype("float32"))
    return cells[:2] + tuple(map(exchange, cells[2:])) if name == WRONG else cells


def exchange(cell):
    """The cell with its last two gates exchanged."""
    return CellWeights(**{name: array[[0, 1, 3, 2]] for name, array in fields(cell).items()})


def save_onnx(path, config, cells):
    """Save a stack as ONNX has it: a node for each layer, and between two the directions joined."""
    nodes, arrays, below = [], [], "x"
    one_layer = [cells[k : k + config.directions] for k in range(0, len(cells), config.directions)]
    for k, own in enumerate(one_layer):
        alone = Config(config.layer_input_size(k), 4, directions=config.directions)
        names = {key: f"{key}{k}" for key in ("W", "R", "B")}
        packed = LAYOUTS["onnx"].pack(own, alone)
        arrays += [numpy_helper.from_array(packed[key], name) for key, name in names.items()]
        way = "bidirectional" if config.directions == 2 else "forward"
        inputs, name = [below, *names.values()], f"lstm_{k}"
        nodes += [
            helper.make_node("LSTM", inputs, [f"y{k}"], name, hidden_size=4, direction=way),
            helper.make_node("Transpose", [f"y{k}"], [f"t{k}"], perm=[0, 2, 1, 3]),
            helper.make_node("Reshape", [f"t{k}", "shape"], [f"x{k}"]),
        ]
        below = f"x{k}"
    arrays.append(numpy_helper.from_array(np.array([0, 0, -1]), "shape"))
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("x", below)]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], arrays)), path)


@pytest.fixture(scope="module")
def folder(find_backend, tmp_path_factory):
    """A folder in which each framework saved the weights of each config."""
    folder = tmp_path_factory.mktemp("same")
    for name, config in ALL.items():
        save_onnx(folder / f"{name}.onnx", config, drawn(name))
        for framework, (layout, key) in NAMES.items():
            named = LAYOUTS[layout].named(config, key)
            np.savez(folder / f"{framework}-{name}.npz", **named.pack(drawn(name), config))
    for framework, script in SCRIPTS.items():
        command = [str(find_backend(framework).python), "-W", "ignore", "-c", script, *ALL]
        done = subprocess.run(
            command, cwd=folder, check=False, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.mark.parametrize("suffix", [*SUFFIXES, "script.pt", "h5", "weights.h5"])
@pytest.mark.parametrize("name", CONFIGS)
def test_every_framework_saves_the_same_weights(name, suffix, folder):
    with open_contents(folder / f"{name}.{suffix}", refuse) as contents:
        read = [layer.read() for layer in contents.layers]
    config = CONFIGS[name]
    assert {one.directions for one, _ in read} == {config.directions}
    assert sum(one.layers for one, _ in read) == config.layers
    cells = [cell for _, parameters in read for cell in parameters]
    for ours, theirs in zip(drawn(name), cells, strict=True):
        assert theirs.w_ih.tobytes() == ours.w_ih.tobytes()
        assert theirs.w_hh.tobytes() == ours.w_hh.tobytes()
        assert (theirs.b_ih + theirs.b_hh).tobytes() == (ours.b_ih + ours.b_hh).tobytes()


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("pair", [*itertools.combinations(SUFFIXES, 2)], ids="-".join)
def test_two_frameworks_files_are_equal_up_to_layout(pair, name, folder):
    found = gateparity.diff(*(folder / f"{name}.{suffix}" for suffix in pair))
    assert [one.relation.kind for one in found.pairs] == ["layout"] * CONFIGS[name].layers
    assert all(one.sentence.startswith("B is A, bit for bit") for one in found.pairs)
    assert found.exit_code == 0


@pytest.mark.parametrize("pair", [*itertools.permutations(SUFFIXES, 2)], ids="-".join)
def test_a_wrong_gate_order_in_one_of_two_frameworks_is_named(pair, folder):
    right, wrong = pair
    found = gateparity.diff(folder / f"2-2.{right}", folder / f"{WRONG}.{wrong}")
    assert [one.relation.kind for one in found.pairs] == ["layout", "mistake"]
    assert found.pairs[1].sentence == "B is A with the gates in the order i, f, o, g"
    assert found.exit_code == 1


def refuse(framework, *_):
    pytest.fail(f"{framework} was asked for a file that is read on this side")
