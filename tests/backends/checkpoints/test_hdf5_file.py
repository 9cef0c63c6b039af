"""HDF5 files that h5py wrote: what Keras 2 left in them, and what tries to leave the file."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from gateparity.backends.checkpoints import hdf5, hdf5_process
from gateparity.backends.checkpoints.registry import open_contents
from gateparity.errors import InputError

INPUT, HIDDEN = 3, 4


def draw(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(np.float32)


def lstm(inputs=INPUT, hidden=HIDDEN, biases=1):
    """The arrays of Keras's LSTM, or of cuDNN's with two biases."""
    return {
        "kernel:0": draw(inputs, 4 * hidden),
        "recurrent_kernel:0": draw(hidden, 4 * hidden),
        "bias:0": draw(4 * biases * hidden),
    }


def gru(inputs=INPUT, hidden=HIDDEN):
    kernel, recurrent = draw(inputs, 3 * hidden), draw(hidden, 3 * hidden)
    return {"kernel:0": kernel, "recurrent_kernel:0": recurrent, "bias:0": draw(3 * hidden)}


def write_keras_2(path, layers, config=None, version="2.2.4"):
    """Write weights as Keras 2 does: a group for each layer, which lists the names in it.

    Source: `save_weights_to_hdf5_group` in keras/engine/saving.py.
    """
    with h5py.File(path, "w") as file:
        top = file
        if config is not None:
            file.attrs["model_config"] = json.dumps(config).encode()
            top = file.create_group("model_weights")
        file.attrs["keras_version"] = version.encode()
        top.attrs["layer_names"] = [name.encode() for name in layers]
        for name, arrays in layers.items():
            group = top.create_group(name)
            group.attrs["weight_names"] = [weight.encode() for weight in arrays]
            for weight, array in arrays.items():
                group[weight] = array
    return path


def below(prefix, arrays):
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def unused(*_):
    pytest.fail("a worker was asked for a file that is read on this side")


def inspect(path):
    with open_contents(path, unused) as contents:
        layers = {layer.path: layer for layer in contents.layers}
        return (
            contents,
            layers,
            {k: v.read() for k, v in layers.items() if v.layout and not v.refusal},
        )


def refused(path, match):
    with pytest.raises(InputError, match=match) as caught:
        inspect(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def config_of(*layers, kind="Sequential"):
    return {"class_name": kind, "config": {"name": "model", "layers": list(layers)}}


def layer_config(kind, name, **options):
    return {"class_name": kind, "config": {"name": name, **options}}


def test_the_weights_of_keras_2_are_listed_in_the_order_of_its_layers(tmp_path):
    simple = {"kernel:0": draw(3, 2), "recurrent_kernel:0": draw(2, 2)}
    layers = {
        "embedding": {"embedding/embeddings:0": draw(7, 3)},
        "z_first": below("z_first", lstm()),
        "lstm_10": below("lstm_10", lstm(HIDDEN)),
        "lstm_2": below("lstm_2/lstm_cell_5", lstm(HIDDEN, 2)),
        "gru_1": below("gru_1", gru(2, 3)),
        "simple_rnn_1": below("simple_rnn_1", simple),
    }
    contents, found, read = inspect(write_keras_2(tmp_path / "w.hdf5", layers))
    assert contents.format == "Keras 2.2.4, weights alone"
    assert list(found) == ["z_first", "lstm_10", "lstm_2", "gru_1", "simple_rnn_1"]
    assert [layer.kind for layer in found.values()] == ["LSTM", "LSTM", "LSTM", "GRU", "RNN"]
    assert [found[name].biases for name in ("gru_1", "simple_rnn_1")] == [True, False]
    assert any("hard sigmoid by default" in note for note in contents.notes)
    config, (cell,) = read["lstm_2"]
    assert (config.input_size, config.hidden_size) == (HIDDEN, 2)
    kernel = layers["lstm_2"]["lstm_2/lstm_cell_5/kernel:0"]
    assert np.array_equal(cell.w_ih.reshape(8, HIDDEN), kernel.T)


def test_both_directions_of_keras_2_are_one_layer(tmp_path):
    both = {
        **below("bidirectional_1/forward_lstm_1", lstm()),
        **{f"bidirectional_1/backward_lstm_1/{n}": -a for n, a in lstm().items()},
    }
    newer = {
        **below("bi/forward_lstm/lstm_cell_4", lstm()),
        **below("bi/backward_lstm/lstm_cell_5", lstm()),
    }
    path = write_keras_2(tmp_path / "w.h5", {"bidirectional_1": both, "bi": newer}, version="2.4.0")
    contents, found, read = inspect(path)
    assert [(one.path, one.directions) for one in found.values()] == [
        ("bidirectional_1", 2),
        ("bi", 2),
    ]
    forward, backward = read["bidirectional_1"][1]
    assert np.array_equal(forward.w_hh, -backward.w_hh)
    assert not any("hard sigmoid" in note for note in contents.notes)


def keras_from_cudnn(kernel, recurrent, bias):
    """What Keras makes of the weights of a CuDNNLSTM when it loads them into an LSTM.

    Source: `_convert_rnn_weights` in tf_keras/src/saving/legacy/hdf5_format.py.
    """
    blocks = [b.T.reshape(b.shape, order="F") for b in np.hsplit(kernel, 4)]
    return (
        np.hstack(blocks),
        np.hstack([b.T for b in np.hsplit(recurrent, 4)]),
        sum(np.split(bias, 2)),
    )


@pytest.mark.parametrize("inputs", [INPUT, HIDDEN])
def test_cudnns_lstm_has_two_biases_and_its_own_packing(inputs, tmp_path):
    arrays = lstm(inputs, biases=2)
    path = write_keras_2(tmp_path / "w.hdf5", {"rnn_1": below("rnn_1", arrays)}, version="2.1.5")
    contents, found, read = inspect(path)
    assert found["rnn_1"].layout.name == "keras_cudnn"
    assert not any("hard sigmoid" in note for note in contents.notes)
    kernel, recurrent, bias = keras_from_cudnn(*arrays.values())
    config, (cell,) = read["rnn_1"]
    assert (config.input_size, config.hidden_size) == (inputs, HIDDEN)
    assert np.array_equal(cell.w_ih.reshape(-1, inputs), kernel.T)
    assert np.array_equal(cell.w_hh.reshape(-1, HIDDEN), recurrent.T)
    assert np.array_equal((cell.b_ih + cell.b_hh).ravel(), bias)
    assert cell.b_hh.all()


def test_a_lone_direction_is_a_layer_of_its_own(tmp_path):
    path = write_keras_2(tmp_path / "w.h5", {"m": below("m/forward_lstm", lstm())})
    assert [(one.path, one.directions) for one in inspect(path)[1].values()] == [
        ("m/forward_lstm", 1)
    ]


def test_a_list_of_names_that_keras_cut_into_pieces_is_read(tmp_path):
    path = write_keras_2(tmp_path / "w.h5", {"b": below("b", lstm()), "a": below("a", lstm())})
    with h5py.File(path, "a") as file:
        del file.attrs["layer_names"]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = [b"b"], [b"a"]
    assert list(inspect(path)[1]) == ["b", "a"]


@pytest.mark.parametrize(
    ("options", "oddity", "refusal"),
    [
        ({}, None, ""),
        ({"stateful": True}, "stateful", ""),
        ({"go_backwards": True}, "go_backwards: it reads the last step first", ""),
        ({"return_sequences": False}, "returns the last step alone", ""),
        ({"implementation": 2, "unit_forget_bias": True, "units": 4}, None, ""),
        ({"activation": "tanh", "recurrent_activation": "sigmoid"}, None, ""),
        (
            {"recurrent_activation": "hard_sigmoid"}, None,
            "recurrent_activation is hard_sigmoid, expected sigmoid",
        ),
        ({"activation": {"class_name": "LeakyReLU", "config": {"alpha": 0.1}}}, None,
         "activation is LeakyReLU, expected tanh"),
        ({"activation": None}, None, "activation is linear, expected tanh"),
        ({"inner_activation": "hard_sigmoid"}, None,
         "recurrent_activation is hard_sigmoid, expected sigmoid"),
        ({"dtype": {"class_name": "Policy", "config": {"name": "mixed_float16"}}},
         "computes in float16", ""),
    ],
)  # fmt: skip
def test_an_option_is_an_oddity_or_the_reason_why_a_layer_cant_be_held(
    options, oddity, refusal, tmp_path
):
    config = config_of(layer_config("LSTM", "lstm_1", **options))
    path = write_keras_2(tmp_path / "m.h5", {"lstm_1": below("lstm_1", lstm())}, config)
    contents, found, _ = inspect(path)
    assert contents.format == "Keras 2.2.4, a whole model"
    assert found["lstm_1"].oddities == ((oddity,) if oddity else ())
    assert found["lstm_1"].refusal == refusal


def test_a_class_that_keras_lacks_is_named_and_not_looked_up(tmp_path):
    layer = layer_config("os>system", "lstm_1", command="touch /tmp/never")
    path = write_keras_2(
        tmp_path / "m.h5", {"lstm_1": below("lstm_1", lstm())}, config_of(layer, kind="Model")
    )
    assert inspect(path)[1]["lstm_1"].oddities == ("its class is system, not one of Keras's",)


def test_peepholes_are_named(tmp_path):
    arrays = {**lstm(), "input_gate_peephole_weights:0": draw(HIDDEN)}
    path = write_keras_2(tmp_path / "w.h5", {"rnn": below("rnn/peephole_lstm_cell", arrays)})
    (layer,) = inspect(path)[1].values()
    assert (layer.kind, layer.oddities, layer.refusal) == (
        "LSTM", ("peepholes",), "it has peepholes",
    )  # fmt: skip


def test_moments_of_an_optimizer_are_no_layer(tmp_path):
    path = write_keras_2(tmp_path / "m.h5", {"lstm": below("lstm", lstm())}, config_of())
    with h5py.File(path, "a") as file:
        for name, array in lstm().items():
            file[f"optimizer_weights/Adam/lstm/{name}"] = array
    assert list(inspect(path)[1]) == ["lstm"]


def test_an_lstm_of_wrong_shapes_is_listed_and_refused(tmp_path):
    arrays = {**lstm(), "recurrent_kernel:0": draw(HIDDEN, 4 * HIDDEN + 1)}
    path = write_keras_2(tmp_path / "w.h5", {"lstm": below("lstm", arrays)})
    (layer,) = inspect(path)[1].values()
    assert "recurrent_kernel" in layer.refusal


def test_hdf5_of_another_program_has_arrays(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["a/table"] = np.arange(6, dtype=">i4").reshape(2, 3)
        file["text"] = "words"
        file["empty"] = h5py.Empty("f4")
        file["half"] = np.array([1.5, -2], np.float16)
    with open_contents(tmp_path / "data.h5", unused) as contents:
        assert contents.format == "HDF5"
        assert contents.layers == ()
        assert contents.arrays["a/table"].load().tolist() == [[0, 1, 2], [3, 4, 5]]
        assert contents.arrays["half"].load().dtype == np.float32
        assert contents.arrays["half"].dtype == "float16"
        with pytest.raises(ValueError, match="text is object, expected numbers"):
            contents.arrays["text"].load()


def test_a_file_with_another_programs_first_bytes_is_hdf5(tmp_path):
    with h5py.File(tmp_path / "m.pt", "w", userblock_size=512) as file:
        file["a"] = draw(3)
    assert inspect(tmp_path / "m.pt")[0].format == "HDF5"


def outside(tmp_path):
    """A file that holds numbers, which no other file is to show."""
    path = tmp_path / "secret.h5"
    with h5py.File(path, "w") as file:
        file["kernel"] = draw(3, 16)
    return path


def test_an_external_link_is_refused_by_name(tmp_path):
    outside(tmp_path)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["lstm/kernel"] = h5py.ExternalLink("secret.h5", "/kernel")
    words = refused(tmp_path / "m.h5", "lstm/kernel is an external link")
    assert "'secret.h5'" in words


def test_a_virtual_dataset_is_refused_by_name(tmp_path):
    layout = h5py.VirtualLayout((3, 16), "f4")
    layout[:] = h5py.VirtualSource(outside(tmp_path), "kernel", (3, 16))
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_virtual_dataset("kernel", layout)
    refused(tmp_path / "m.h5", "kernel is a virtual dataset")


def test_numbers_in_another_file_are_refused_by_name(tmp_path):
    (tmp_path / "numbers").write_bytes(bytes(192))
    with h5py.File(tmp_path / "m.h5", "w") as file:
        where = [(str(tmp_path / "numbers"), 0, 192)]
        file.create_dataset("kernel", (3, 16), "f4", external=where)
    refused(tmp_path / "m.h5", "kernel has its numbers in another file, '.*numbers'")


def test_a_soft_link_is_noted_and_not_followed(tmp_path):
    path = write_keras_2(tmp_path / "w.h5", {"lstm": below("lstm", lstm())})
    with h5py.File(path, "a") as file:
        file["again"] = h5py.SoftLink("/lstm")
        file["nowhere"] = h5py.SoftLink("/lost")
    contents, found, _ = inspect(path)
    assert list(found) == ["lstm"]
    assert "again is a soft link to '/lstm', and isn't followed" in contents.notes


def test_a_group_in_itself_is_visited_once(tmp_path):
    path = write_keras_2(tmp_path / "w.h5", {"lstm": below("lstm", lstm())})
    with h5py.File(path, "a") as file:
        file["lstm/itself"] = file["lstm"]
    contents, found, _ = inspect(path)
    assert list(found) == ["lstm"]
    assert any("under another name" in note for note in contents.notes)


def test_groups_without_end_are_refused(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["/".join(["a"] * 70)] = draw(1)
    refused(tmp_path / "m.h5", "groups in more than 64 groups")


@pytest.mark.parametrize("chunks", [None, (1000, 1000)])
def test_an_absurd_size_is_refused_before_anything_is_read(chunks, tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("kernel", (10**9, 10**9), "f4", chunks=chunks)
    refused(tmp_path / "m.h5", r"kernel declares 4000000000000000000 bytes")


def test_numbers_that_inflate_are_refused(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("kernel", (40_000_000,), "f4", compression="gzip", fillvalue=0)
        file["kernel"][:] = 0
    refused(tmp_path / "m.h5", "kernel declares 160000000 bytes")


def test_compressed_weights_are_read(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("a", data=draw(100, 50), compression="gzip", shuffle=True)
    with open_contents(tmp_path / "m.h5", unused) as contents:
        assert np.array_equal(contents.arrays["a"].load(), draw(100, 50))


def test_names_reach_no_terminal_raw(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["\x1b[31mred"] = h5py.ExternalLink("a\nb", "/x")
    assert "\x1b" not in refused(tmp_path / "m.h5", "external link")


def test_a_reader_that_takes_too_long_is_stopped(tmp_path, monkeypatch):
    path = write_keras_2(tmp_path / "w.h5", {"lstm": below("lstm", lstm())})
    slow = tmp_path / "slow.py"
    slow.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(hdf5_process, "__file__", str(slow))
    start = time.monotonic()
    with pytest.raises(ValueError, match="the process that reads it ran out of time"):
        hdf5.read_hdf5(path, 0, path.stat().st_size, seconds=0.5)
    assert time.monotonic() - start < 30


def test_a_reader_that_crashes_is_reported(tmp_path, monkeypatch):
    path = write_keras_2(tmp_path / "w.h5", {"lstm": below("lstm", lstm())})
    crash = tmp_path / "crash.py"
    crash.write_text("import os; os.abort()")
    monkeypatch.setattr(hdf5_process, "__file__", str(crash))
    refused(path, "damaged HDF5: the process that reads it crashed")


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is the platform's")
def test_the_reader_gets_little_memory():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import hdf5_process as p; p.limit(1000)\n"
        "try: bytearray(4 << 30)\nexcept MemoryError: print('refused')"
    )
    folder = hdf5_process.__file__.rpartition("/")[0]
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, folder], check=True, capture_output=True, text=True
    )
    assert done.stdout == "refused\n"


def keras_1(name, gates="icfo"):
    """The arrays of a layer of Keras 1, in the order in which it writes them."""
    shapes = {"W": (INPUT, HIDDEN), "U": (HIDDEN, HIDDEN), "b": (HIDDEN,)}
    return {
        f"{name}_{side}_{gate}": draw(*shape, seed=ord(gate))
        for gate in gates
        for side, shape in shapes.items()
    }


def test_keras_1_has_an_array_for_each_gate(tmp_path):
    layers = {
        "lstm_1": keras_1("lstm_1"),
        "gru_1": keras_1("gru_1", "zrh"),
        "dense_1": {"dense_1_W": draw(4, 2), "dense_1_b": draw(2)},
    }
    contents, found, read = inspect(write_keras_2(tmp_path / "w.h5", layers, version="1.2.2"))
    assert [(one.path, one.kind) for one in found.values()] == [
        ("lstm_1", "LSTM"),
        ("gru_1", "GRU"),
    ]
    assert any("hard sigmoid by default" in note for note in contents.notes)
    config, (cell,) = read["lstm_1"]
    assert (config.input_size, config.hidden_size) == (INPUT, HIDDEN)
    for place, gate in enumerate("ifco"):
        assert np.array_equal(cell.w_ih[place], layers["lstm_1"][f"lstm_1_W_{gate}"].T)
        assert np.array_equal(cell.b_ih[place], layers["lstm_1"][f"lstm_1_b_{gate}"])


def test_keras_1_may_have_all_gates_side_by_side(tmp_path):
    arrays = {"lstm_1_W:0": draw(3, 16), "lstm_1_U:0": draw(4, 16), "lstm_1_b:0": draw(16)}
    _, found, read = inspect(write_keras_2(tmp_path / "w.h5", {"lstm_1": arrays}, version="1.2.2"))
    assert list(found) == ["lstm_1"]
    assert np.array_equal(read["lstm_1"][1][0].w_hh.reshape(16, 4), arrays["lstm_1_U:0"].T)


def test_the_activation_of_keras_1_is_judged_by_its_config(tmp_path):
    config = config_of(layer_config("LSTM", "lstm_1", inner_activation="hard_sigmoid"))
    path = write_keras_2(tmp_path / "m.h5", {"lstm_1": keras_1("lstm_1")}, config, "1.2.2")
    (layer,) = inspect(path)[1].values()
    assert layer.refusal == "recurrent_activation is hard_sigmoid, expected sigmoid"
