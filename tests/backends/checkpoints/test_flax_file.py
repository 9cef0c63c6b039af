"""Parameters that Flax saved, of linen and nnx: layers by path, numbers bit for bit."""

from __future__ import annotations

import json
import re
import struct
import subprocess

import msgpack
import numpy as np
import pytest
from safetensors.numpy import save_file

from gateparity.backends.checkpoints.registry import open_contents
from gateparity.backends.numpy.scratch import Scratch
from gateparity.errors import InputError
from gateparity.layouts import D2L
from gateparity.network.batch import Batch

SAVE = """
import json
import jax, jax.numpy as jnp, numpy as np
from flax import linen, nnx, serialization
from flax.traverse_util import flatten_dict

class Called(linen.Module):
    @linen.compact
    def __call__(self, x):
        x = linen.RNN(linen.OptimizedLSTMCell(4))(x)
        x = linen.Bidirectional(linen.RNN(linen.LSTMCell(5)), linen.RNN(linen.LSTMCell(5)))(x)
        x = linen.RNN(linen.GRUCell(3))(x)
        x = linen.RNN(linen.SimpleCell(2))(x)
        x = linen.RNN(linen.OptimizedLSTMCell(4, name="last"))(x)
        return linen.Dense(2)(x)

class Declared(linen.Module):
    def setup(self):
        rnn = lambda: linen.RNN(linen.OptimizedLSTMCell(4))
        self.encoder, self.both = rnn(), linen.Bidirectional(rnn(), rnn())
        self.cells = [linen.LSTMCell(4) for _ in range(2)]
        self.small, self.plane = linen.MGUCell(4), linen.ConvLSTMCell(2, (2,))

    def __call__(self, x):
        y = self.encoder(x)[:, 0]
        for cell in (*self.cells, self.small):
            _, y = cell(cell.initialize_carry(jax.random.key(0), y.shape), y)
        self.plane(self.plane.initialize_carry(jax.random.key(0), x.shape), x)
        return self.both(x)

class Own(nnx.Module):
    def __init__(self, rngs):
        optimized = lambda: nnx.RNN(nnx.OptimizedLSTMCell(4, 5, rngs=rngs))
        self.rnn = nnx.RNN(nnx.LSTMCell(3, 4, rngs=rngs))
        self.both = nnx.Bidirectional(optimized(), optimized())
        self.cells = nnx.List([nnx.LSTMCell(3, 4, rngs=rngs) for _ in range(2)])
        self.gru = nnx.RNN(nnx.GRUCell(3, 4, rngs=rngs))
        self.simple = nnx.SimpleCell(3, 4, rngs=rngs)

def drawn(tree):
    draw = lambda a: np.random.default_rng(a.size).normal(size=a.shape).astype("float32")
    return jax.tree_util.tree_map(draw, tree)

def text_keys(tree):
    return {str(k): text_keys(v) if isinstance(v, dict) else v for k, v in tree.items()}

x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 6, 3)), "float32")
own = Own(nnx.Rngs(0))
TREES = {
    "called": drawn(Called().init(jax.random.key(0), x)),
    "declared": drawn(Declared().init(jax.random.key(0), x)),
    "nnx": drawn(text_keys(nnx.to_pure_dict(nnx.state(own, nnx.Param)))),
}
TREES["state"] = {
    "params": TREES["declared"]["params"],
    "opt_state": {"0": {"mu": TREES["declared"]["params"], "count": np.int32(3)}},
    "step": 7, "name": "a run", "rate": 0.1, "none": None, "more": [1, "two", True],
}
TREES["bfloat16"] = jax.tree_util.tree_map(lambda a: jnp.asarray(a, jnp.bfloat16), TREES["called"])
for name, tree in TREES.items():
    with open(name + ".msgpack", "wb") as file:
        file.write(serialization.to_bytes(tree))
    flat = flatten_dict(tree, sep="/")
    np.savez(name + ".npz", **{k: np.asarray(v, "float32") for k, v in flat.items()
                               if hasattr(v, "shape")})
serialization.MAX_CHUNK_SIZE = 50
with open("pieces.msgpack", "wb") as file:
    file.write(serialization.to_bytes(TREES["called"]))

params = TREES["called"]["params"]
cell = {"params": {"cell": params["OptimizedLSTMCell_0"]}}
y = linen.RNN(linen.OptimizedLSTMCell(4)).apply(cell, x)
rnn = lambda: linen.RNN(linen.LSTMCell(5))
ways = zip(("forward_rnn", "backward_rnn"), ("LSTMCell_0", "LSTMCell_1"))
cells = {way: {"cell": params[name]} for way, name in ways}
two = linen.Bidirectional(rnn(), rnn()).apply({"params": cells}, y)
state = nnx.state(own, nnx.Param)
nnx.replace_by_pure_dict(state, nnx.restore_int_paths(TREES["nnx"]))
nnx.update(own, state)
np.savez("run.npz", x=x, called=y, two=two, rnn=own.rnn(x), both=own.both(own.rnn(x)))
"""


@pytest.fixture(scope="module")
def folder(find_backend, tmp_path_factory):
    """A folder in which Flax saved parameters."""
    folder = tmp_path_factory.mktemp("flax")
    command = [str(find_backend("jax").python), "-c", SAVE]
    done = subprocess.run(
        command, cwd=folder, check=False, timeout=300, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def unused(*_):
    pytest.fail("a worker was asked for a file that is read on this side")


def inspect(path):
    """What is in a file: its contents, its layers by path, and what those that are LSTMs hold."""
    with open_contents(path, unused) as contents:
        layers = {layer.path: layer for layer in contents.layers}
        assert len(layers) == len(contents.layers)
        read = {path: one.read() for path, one in layers.items() if one.kind == "LSTM"}
        return contents, layers, read


FOUND = {
    "called": {
        "params/OptimizedLSTMCell_0": ("LSTM", 3, 4, 1),
        "params/LSTMCell_0+LSTMCell_1": ("LSTM", 4, 5, 2),
        "params/GRUCell_0": ("GRU", 10, 3, 1),
        "params/SimpleCell_0": ("RNN", 3, 2, 1),
        "params/last": ("LSTM", 2, 4, 1),
    },
    "declared": {
        "params/encoder": ("LSTM", 3, 4, 1),
        "params/both": ("LSTM", 3, 4, 2),
        "params/cells_0": ("LSTM", 4, 4, 1),
        "params/cells_1": ("LSTM", 4, 4, 1),
        "params/small": ("MGU", 4, 4, 1),
        "params/plane": ("ConvLSTM", 3, 2, 1),
    },
    "nnx": {
        "rnn": ("LSTM", 3, 4, 1),
        "both": ("LSTM", 4, 5, 2),
        "cells/0": ("LSTM", 3, 4, 1),
        "cells/1": ("LSTM", 3, 4, 1),
        "gru": ("GRU", 3, 4, 1),
        "simple": ("RNN", 3, 4, 1),
    },
}
FOUND |= {"state": FOUND["declared"], "bfloat16": FOUND["called"], "pieces": FOUND["called"]}


@pytest.mark.parametrize("name", FOUND)
def test_each_layer_is_found_at_its_path(name, folder):
    contents, layers, read = inspect(folder / f"{name}.msgpack")
    found = {
        path: (one.kind, one.input_size, one.hidden_size, one.directions)
        for path, one in layers.items()
    }
    assert found == FOUND[name]
    assert len(read) == sum(kind == "LSTM" for kind, *_ in found.values())
    assert any("two directions" in note for note in contents.notes) == ("LSTMCell_1" in str(found))


@pytest.mark.parametrize("name", FOUND)
def test_numbers_come_back_bit_for_bit(name, folder):
    with np.load(folder / f"{'called' if name == 'pieces' else name}.npz") as file:
        expected = dict(file)
    with open_contents(folder / f"{name}.msgpack", unused) as contents:
        assert set(contents.arrays) >= set(expected)
        for path, array in expected.items():
            found = contents.arrays[path].load()
            assert found.shape == contents.arrays[path].shape == array.shape
            assert np.array_equal(found, array)
        dtypes = {dtype for layer in contents.layers for dtype in layer.dtypes}
    assert dtypes == {"bfloat16" if name == "bfloat16" else "float32"}


@pytest.mark.parametrize(
    ("name", "path", "x", "y"),
    [
        ("called", "params/OptimizedLSTMCell_0", "x", "called"),
        ("nnx", "rnn", "x", "rnn"),
        ("nnx", "both", "rnn", "both"),
        ("called", "params/LSTMCell_0+LSTMCell_1", "called", "two"),
    ],
)
def test_a_network_of_the_file_computes_what_flax_computed(name, path, x, y, folder):
    config, parameters = inspect(folder / f"{name}.msgpack")[2][path]
    with np.load(folder / "run.npz") as run:
        x, expected = (np.ascontiguousarray(np.swapaxes(run[one], 0, 1)) for one in (x, y))
    outputs = Scratch().forward(config, D2L.pack(parameters, config), Batch(x))
    np.testing.assert_allclose(outputs.y, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("separator", "/.")
@pytest.mark.parametrize("name", ["called", "declared", "nnx"])
def test_other_files_with_the_same_names_hold_the_same_layers(name, separator, folder, tmp_path):
    with np.load(folder / f"{name}.npz") as file:
        arrays = {path.replace("/", separator): array for path, array in file.items()}
    save_file(arrays, tmp_path / "model.safetensors")
    _, layers, read = inspect(tmp_path / "model.safetensors")
    expected = inspect(folder / f"{name}.msgpack")[2]
    assert {path.replace(".", "/") for path in layers} == set(FOUND[name])
    for path, (config, parameters) in read.items():
        same = expected[path.replace(".", "/")]
        assert config == same[0]
        for ours, theirs in zip(parameters, same[1], strict=True):
            assert ours.w_hh.tobytes() == theirs.w_hh.tobytes()


def linen_cell(name, inputs, units, gates="ifgo"):
    """The arrays of a cell as linen names them."""
    arrays = {f"{name}/i{gate}/kernel": (inputs, units) for gate in gates}
    arrays |= {f"{name}/h{gate}/kernel": (units, units) for gate in gates}
    return arrays | {f"{name}/h{gate}/bias": (units,) for gate in gates}


def cells(name, *sizes):
    return {
        key: shape
        for number, size in enumerate(sizes)
        for key, shape in linen_cell(f"{name}_{number}", *size).items()
    }


ONE, OTHER = "OptimizedLSTMCell_0", "OptimizedLSTMCell_1"
PAIRED = {
    "read by a dense layer": (
        cells("OptimizedLSTMCell", (3, 4), (3, 4)) | {"Dense_0/kernel": (8, 2)},
        {f"{ONE}+{OTHER}": 2},
    ),
    "a stack of two": (
        cells("OptimizedLSTMCell", (3, 4), (3, 4), (8, 4), (8, 4)) | {"Dense_0/kernel": (8, 2)},
        {f"{ONE}+{OTHER}": 2, "OptimizedLSTMCell_2+OptimizedLSTMCell_3": 2},
    ),
    "as large as its input": (
        cells("OptimizedLSTMCell", (4, 4), (4, 4)) | {"Dense_0/kernel": (8, 2)},
        {f"{ONE}+{OTHER}": 2},
    ),
    "cells that follow each other": (
        cells("OptimizedLSTMCell", (4, 4), (4, 4))
        | {"Dense_0/kernel": (4, 8), "Dense_1/kernel": (8, 2)},
        {ONE: 1, OTHER: 1},
    ),
    "nothing that reads both": (
        cells("OptimizedLSTMCell", (3, 4), (3, 4)) | {"Dense_0/kernel": (4, 2)},
        {ONE: 1, OTHER: 1},
    ),
    "other sizes": (
        cells("OptimizedLSTMCell", (3, 4), (8, 4)) | {"Dense_0/kernel": (8, 2)},
        {ONE: 1, OTHER: 1},
    ),
    "a large recurrent kernel": (
        cells("OptimizedLSTMCell", (3, 4), (3, 4), (3, 8)),
        {ONE: 1, OTHER: 1, "OptimizedLSTMCell_2": 1},
    ),
    "names of directions": (
        linen_cell("bwd_lstm", 4, 4) | linen_cell("fwd_lstm", 4, 4),
        {"lstm": 2},
    ),
    "names of directions around cells": (
        linen_cell("backward/cell", 3, 4) | linen_cell("forward/cell", 3, 4),
        {"": 2},
    ),
    "names of directions, and other sizes": (
        linen_cell("fwd_lstm", 3, 4) | linen_cell("bwd_lstm", 4, 4),
        {"fwd_lstm": 1, "bwd_lstm": 1},
    ),
}


@pytest.mark.parametrize("module", ["", "params/", "params/encoder/"])
@pytest.mark.parametrize("case", PAIRED)
def test_two_cells_are_one_layer_where_the_file_gives_it_away(case, module, tmp_path):
    shapes, expected = PAIRED[case]
    draw = np.random.default_rng(1).normal
    arrays = {module + n: draw(size=shape).astype("float32") for n, shape in shapes.items()}
    save_file(arrays, tmp_path / "model.safetensors")
    _, layers, read = inspect(tmp_path / "model.safetensors")
    found = {path.removeprefix(module.rstrip("/")).lstrip("/"): n for path, n in layers.items()}
    assert {path: n.directions for path, n in found.items()} == expected
    for path, (config, (first, *_)) in read.items():
        if config.directions == 2:  # the first is the one that runs forward
            forward = [n for n in arrays if re.search("(forward|fwd|_0|_2).*hi/kernel", n)]
            assert first.w_hh[0].T.tobytes() in [arrays[n].tobytes() for n in forward], path


def test_a_stack_of_cells_in_one_array_is_refused_by_its_shape(tmp_path):
    gates = [f"{side}{gate}" for side in "ih" for gate in "ifgo"]
    arrays = {f"scanned/{gate}/kernel": np.zeros((2, 4, 4), np.float32) for gate in gates}
    arrays |= {f"scanned/h{gate}/bias": np.zeros((2, 4), np.float32) for gate in "ifgo"}
    save_file(arrays, tmp_path / "model.safetensors")
    with open_contents(tmp_path / "model.safetensors", unused) as contents:
        (layer,) = contents.layers
    assert "has shape (2, 4, 4), expected input hidden" in layer.refusal


def array(shape, dtype, data):
    return msgpack.ExtType(1, msgpack.packb((shape, dtype, data)))


def refused(data, tmp_path, match):
    path = tmp_path / "model.msgpack"
    path.write_bytes(data)
    with pytest.raises(InputError, match=match) as caught:
        inspect(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "match"),
    [
        (array((2, 3), "float32", bytes(20)), r"declares \(2, 3\) of float32 in 20 bytes"),
        (array((10**9, 10**9), "float32", bytes(8)), r"declares \(1000000000, 1000000000\)"),
        (array((-1,), "float32", bytes(8)), r"shape is \[-1\]"),
        (array("shape", "float32", bytes(8)), "shape is shape"),
        (msgpack.ExtType(1, b"\x93"), "header of a"),
        (msgpack.ExtType(1, msgpack.packb(((1,), "float32"))), "a has 2 parts"),
        (msgpack.ExtType(1, msgpack.packb(((1,), "float32", bytes(4))) + b"\0"), "has 4 of"),
        ({"__msgpack_chunked_array__": True, "shape": {"0": 3}, "chunks": {}}, "of shape"),
        ({"__msgpack_chunked_array__": True, "chunks": {}, "shape": {"0": 3}}, "without a shape"),
        (
            {"__msgpack_chunked_array__": True, "shape": {"0": 10**12},
             "chunks": {"0": array((1,), "float32", bytes(4))}},
            "of shape",
        ),
    ],
)  # fmt: skip
def test_an_array_that_contradicts_itself_is_refused(value, match, tmp_path):
    refused(msgpack.packb({"a": value}), tmp_path, match)


def test_absurd_lengths_cost_nothing(tmp_path):
    key = msgpack.packb("a")
    for kind in (0xC6, 0xDB, 0xDD, 0xDF, 0xC9):
        data = b"\x81" + key + bytes([kind]) + struct.pack(">I", 2**32 - 1) + b"\x01" * 40
        refused(data, tmp_path, "damaged")


def test_maps_in_maps_without_end_are_refused(tmp_path):
    refused((b"\x81" + msgpack.packb("a")) * 10**5 + b"\xc0", tmp_path, "64 maps in maps")


def test_more_values_than_a_network_has_are_refused(tmp_path):
    refused(msgpack.packb({"a": [0] * (10**6 + 1)}), tmp_path, "1000000 values")


def test_what_follows_the_end_is_refused(folder, tmp_path):
    data = (folder / "called.msgpack").read_bytes()
    refused(data + b"\0", tmp_path, f"it ends at {len(data)}, of {len(data) + 1} bytes")


def test_a_dtype_that_numpy_lacks_is_named_when_it_is_read(tmp_path):
    path = tmp_path / "model.msgpack"
    path.write_bytes(msgpack.packb({"a": array((2,), "float8_e4m3fn", bytes(2))}))
    with open_contents(path, unused) as contents:
        assert contents.arrays["a"].dtype == "float8_e4m3fn"
        with pytest.raises(ValueError, match="its dtype is 'float8_e4m3fn'"):
            contents.arrays["a"].load()


def test_a_message_that_is_no_map_of_names_is_another_kind(tmp_path):
    for value in ([1, 2], {1: 2}, {"\x1b[31m": 2}, "text", {}):
        refused(msgpack.packb(value), tmp_path, "kind that isn't known|safetensors")


def test_arrays_of_another_library_are_not_called_flaxs(tmp_path):
    path = tmp_path / "model"  # as spaCy keeps its models
    path.write_bytes(msgpack.packb({"nodes": [], "params": [{"nd": True, "data": bytes(8)}]}))
    with open_contents(path, unused) as contents:
        assert contents.format == "msgpack without an array of Flax"


def test_safetensors_whose_length_looks_like_a_map_are_safetensors(tmp_path):
    header = json.dumps({"a" * 5: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}})
    data = header.ljust(0xA381 - 0x2000).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(data)) + data)
    assert path.read_bytes()[0] == 0x81
    with open_contents(path, unused) as contents:
        assert list(contents.arrays) == ["aaaaa"]
