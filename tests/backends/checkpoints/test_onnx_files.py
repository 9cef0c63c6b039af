"""An ONNX file is untrusted data: it is read in parts, and what it declares is checked first."""

from __future__ import annotations

import shutil
import time
import tracemalloc

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from gateparity.backends.checkpoints.reading import read_checkpoint
from gateparity.errors import InputError
from tests.backends.checkpoints import test_onnx_cells, test_onnx_nodes
from tests.backends.checkpoints.fuzz import assert_survives, copies
from tests.backends.checkpoints.onnx_models import (
    HIDDEN,
    INPUTS,
    contents,
    draw,
    layers,
    lstm_arrays,
    lstm_node,
    make_model,
)

QUICK = 2.0  # seconds, of which a file that declares much takes a small part


def unused(*_):
    pytest.fail("a framework was asked for an ONNX model")


@pytest.fixture
def model():
    return make_model([lstm_node("lstm_")], lstm_arrays("lstm_"))


def refusal(model, folder):
    """The one line that a model is refused with."""
    with pytest.raises(ValueError, match=r".+") as caught:
        layers(model, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["model.onnx", "model.pt", "model"])
def test_content_decides_and_not_the_name(name, model, tmp_path):
    path = tmp_path / name
    path.write_bytes(model.SerializeToString())
    config, (cell,) = read_checkpoint(path, None, unused)
    assert (config.input_size, config.hidden_size) == (INPUTS, HIDDEN)
    np.testing.assert_array_equal(cell.w_ih[0], lstm_arrays()["W"][0, :HIDDEN])


@pytest.mark.parametrize("size", [-5, -200, 300])
def test_a_truncated_model_is_refused_as_one(size, model, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString()[:size])
    with pytest.raises(InputError, match="a damaged or truncated ONNX model"):
        read_checkpoint(path, None, unused)


def damaged(name):
    """A small model, of those that the other tests make."""
    if name == "folded":
        nodes, arrays = test_onnx_nodes.squeezed({})
        return make_model([*nodes, lstm_node()], arrays)
    if name == "large":  # its arrays are left in the file
        return make_model([lstm_node(hidden=32)], lstm_arrays(hidden=32))
    return test_onnx_cells.one_step(getattr(test_onnx_cells, name), "ifgo")


@pytest.mark.parametrize("name", ["folded", "large", "gemm", "apart"])
def test_a_damaged_model_is_refused_or_read(name, tmp_path):
    path = tmp_path / f"{name}.onnx"
    path.write_bytes(damaged(name).SerializeToString())
    assert assert_survives(path, copies(250)) > 100


def test_large_arrays_stay_in_the_file(tmp_path):
    hidden = 1024
    model = make_model([lstm_node(hidden=hidden)], lstm_arrays(hidden=hidden))
    data = model.SerializeToString()
    assert len(data) > 16 << 20
    (tmp_path / "model.onnx").write_bytes(data)
    tracemalloc.start()
    with contents(data, tmp_path) as found:
        opened = tracemalloc.get_traced_memory()[1]
        found.layers[0].arrays["B"].load()
        read = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert opened < 1 << 20
    assert read < 1 << 20


def test_a_tensor_may_say_itself_that_its_numbers_are_in_it(tmp_path):
    """ONNX Runtime's quantiser writes so, behind the numbers."""
    model = make_model([lstm_node(hidden=32)], lstm_arrays(hidden=32))
    for tensor in model.graph.initializer:
        tensor.data_location = TensorProto.DEFAULT
    with contents(model, tmp_path) as found:
        native = found.layers[0].native()
    np.testing.assert_array_equal(native["R"], lstm_arrays(hidden=32)["R"])


@pytest.mark.parametrize("size_threshold", [0, 600])
def test_external_data_are_read_from_the_models_folder(size_threshold, model, tmp_path):
    with contents(model, tmp_path) as found:
        expected = found.layers[0].native()
    onnx.save_model(
        model, tmp_path / "outside.onnx", save_as_external_data=True, location="weights.bin",
        size_threshold=size_threshold,
    )  # fmt: skip
    with contents((tmp_path / "outside.onnx").read_bytes(), tmp_path) as found:
        for name, array in found.layers[0].native().items():
            np.testing.assert_array_equal(array, expected[name])


def external(model, **place):
    """The model with one array elsewhere."""
    tensor = model.graph.initializer[0]
    for key, value in place.items():
        tensor.external_data.add(key=key, value=str(value))
    tensor.data_location = TensorProto.EXTERNAL
    size = len(tensor.raw_data)
    tensor.ClearField("raw_data")
    return size


@pytest.mark.parametrize(
    "location", ["../weights.bin", "sub/../../weights.bin", "link.bin", "linked/weights.bin"]
)
def test_external_data_outside_the_folder_are_refused(location, model, tmp_path):
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "weights.bin").write_bytes(bytes(10_000))
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    (folder / "linked").symlink_to(tmp_path)
    external(model, location=location)
    assert f"{location!r}, expected a file in the model's own folder" in refusal(model, folder)


def test_external_data_at_an_absolute_path_are_refused(model, tmp_path):
    (tmp_path / "weights.bin").write_bytes(bytes(10_000))
    external(model, location=tmp_path / "weights.bin")
    assert "expected a file in the model's own folder" in refusal(model, tmp_path)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ({"location": "absent.bin"}, "which can't be read: No such file"),
        ({"location": "sub"}, "expected a file in the model's own folder"),
        ({"location": "weights.bin\0"}, "which can't be read"),
        ({"location": "weights.bin", "offset": 1}, "bytes, expected"),
        ({"location": "weights.bin", "offset": 10**9}, "lies at bytes"),
        ({"location": "weights.bin", "offset": -1}, "expected a number of bytes"),
        ({"location": "weights.bin", "length": 10**18}, "lies at bytes"),
        ({"location": "weights.bin", "length": 8}, "has 8 bytes, expected"),
        ({"offset": 10**9, "length": 480}, "of the file, which has"),
    ],
)
def test_external_data_that_are_not_there_are_refused(place, reason, model, tmp_path):
    (tmp_path / "sub").mkdir()
    size = external(model, **place)
    (tmp_path / "weights.bin").write_bytes(bytes(size))
    assert reason in refusal(model, tmp_path)


def test_a_shape_that_the_bytes_do_not_have_is_refused(model, tmp_path):
    model.graph.initializer[0].dims[1] = 2**62
    assert refusal(model, tmp_path).startswith("lstm_W has 480 bytes, expected")


def nested(depth, *, make=lstm_node):
    """A graph with a node in Ifs in one another."""
    node = make("lstm_")
    for k in range(depth):
        info = helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None)
        graph = helper.make_graph([node], "g", [], [info])
        node = helper.make_node("If", ["on"], [f"y{k}"], name="if", then_branch=graph)
    return make_model([node], lstm_arrays("lstm_"))


def test_subgraphs_in_one_another_are_read_up_to_a_depth(tmp_path):
    (layer,) = layers(nested(20), tmp_path)
    assert layer.path == "/".join(["then_branch"] * 20 + ["lstm"])
    assert refusal(nested(32), tmp_path) == "an ONNX model with more than 30 graphs in one another"


def test_messages_without_end_are_refused(tmp_path):
    """Deeper than protobuf itself goes, each larger than what is read whole."""
    body = bytes(5000)
    for _ in range(200):
        for number in (6, 5, 1):  # a graph, in an attribute, in a node
            body = encoded(number, body)
    data = b"\x08\x08" + encoded(7, body)
    assert "messages in one another" in refusal(data, tmp_path)


def encoded(number, body):
    length = len(body)
    varint = bytes([length & 127 | 128, length >> 7 & 127 | 128, length >> 14 & 127])
    return bytes([number << 3 | 2]) + varint + body


def functions(count):
    """Functions of which each calls the next one four times."""
    return [
        helper.make_function(
            "own", f"f{k}", ["x"], ["y"],
            [helper.make_node(f"f{k + 1}", ["x"], [f"y{n}"], domain="own") for n in range(4)],
            [helper.make_opsetid("own", 1)],
        )
        for k in range(count)
    ]  # fmt: skip


def test_functions_that_multiply_are_refused(tmp_path):
    call = helper.make_node("f0", ["X"], ["Y"], domain="own")
    started = time.monotonic()
    found = refusal(make_model([call], {}, functions=functions(20)), tmp_path)
    assert found == "an ONNX model of more than 10000 graphs"
    assert time.monotonic() - started < QUICK


def test_a_function_that_calls_itself_is_refused(tmp_path):
    call = helper.make_node("f0", ["X"], ["Y"], domain="own")
    (itself,) = functions(1)
    del itself.node[1:]
    itself.node[0].op_type = "f0"
    model = make_model([call], {}, functions=[itself])
    assert refusal(model, tmp_path) == "an ONNX model with more than 30 graphs in one another"


def chained(operator, count, **options):
    """A model whose W is behind many operators."""
    arrays = lstm_arrays() | {"w0": lstm_arrays()["W"]}
    del arrays["W"]
    many = 2 if operator == "Concat" else 1
    nodes = [
        helper.make_node(operator, [f"w{k}"] * many, [f"w{k + 1}"], **options) for k in range(count)
    ]
    nodes[-1].output[0] = "W"
    return make_model([*nodes, lstm_node()], arrays)


@pytest.mark.parametrize(
    ("operator", "count", "options"),
    [("Concat", 60, {"axis": 1}), ("Identity", 20_000, {}), ("Concat", 20_000, {"axis": 2})],
)
def test_constants_that_grow_without_end_are_not_made(operator, count, options, tmp_path):
    started = time.monotonic()
    (layer,) = layers(chained(operator, count, **options), tmp_path)
    assert layer.refusal == "its W is computed while the model runs, expected a constant"
    assert time.monotonic() - started < QUICK


@pytest.mark.parametrize("operator", ["Identity", "Concat"])
def test_nodes_in_a_circle_are_no_constants(operator, tmp_path):
    nodes = [
        helper.make_node(operator, [a] * (1 + (operator == "Concat")), [b], **options)
        for a, b in (("a", "W"), ("W", "a"))
        for options in [{"axis": 0} if operator == "Concat" else {}]
    ]
    arrays = lstm_arrays()
    del arrays["W"]
    (layer,) = layers(make_model([*nodes, lstm_node(x="a")], arrays), tmp_path)
    assert "its W is computed" in layer.refusal


def test_a_model_without_recurrent_layers_has_its_arrays(tmp_path):
    node = helper.make_node("MatMul", ["X", "kernel"], ["Y"])
    model = make_model([node], {"kernel": draw(INPUTS, 2)})
    with contents(model, tmp_path) as found:
        assert (found.format, found.layers) == ("an ONNX model", ())
        assert found.arrays["kernel"].shape == (INPUTS, 2)
        np.testing.assert_array_equal(found.arrays["kernel"].load(), draw(INPUTS, 2))


def test_a_dtype_that_is_not_read_is_left_out(tmp_path):
    model = make_model([lstm_node()], lstm_arrays())
    tensor = numpy_helper.from_array(np.array(["a", "b"], object), "words")
    model.graph.initializer.append(tensor)
    with contents(model, tmp_path) as found:
        assert "words" not in found.arrays
        assert not found.layers[0].refusal


def test_a_model_that_moved_without_its_data_says_so(model, tmp_path):
    onnx.save_model(model, tmp_path / "m.onnx", save_as_external_data=True, size_threshold=0)
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "m.onnx", tmp_path / "other" / "m.onnx")
    with pytest.raises(InputError, match="which can't be read: No such file"):
        read_checkpoint(tmp_path / "other" / "m.onnx", None, unused)
