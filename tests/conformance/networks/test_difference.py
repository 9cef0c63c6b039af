"""Two networks compared by their numbers: files in several layouts, and live objects."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save_model
from safetensors.numpy import save_file

import gateparity
from gateparity.backends.live.objects import Weights
from gateparity.errors import InputError
from gateparity.layouts import TORCH
from gateparity.layouts.exchange import ONNX
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters, fields

CONFIG = Config(5, 7, 2, 2)


def draw(config=CONFIG, seed=0):
    generator = np.random.default_rng(seed)
    return build_parameters(
        config, lambda _, shape: generator.uniform(-0.3, 0.3, shape).astype(config.dtype)
    )


PARAMS = draw()


def save(path, params=PARAMS, config=CONFIG, prefix="encoder.lstm.", change=lambda array: array):
    native = TORCH.pack(params, config).items()
    save_file({prefix + n: np.ascontiguousarray(change(a)) for n, a in native}, path)
    return path


@pytest.fixture
def a(tmp_path):
    return save(tmp_path / "a.safetensors")


def changed(change, cells=range(4)):
    """Return the parameters with some cells changed."""
    return tuple(change(cell) if k in cells else cell for k, cell in enumerate(PARAMS))


def each(change):
    """Return a change of every array of a cell."""
    return lambda cell: dataclasses.replace(cell, **{n: change(v) for n, v in fields(cell).items()})


def reorder(array):
    return array[[0, 1, 3, 2]]


def kinds(found):
    return [pair.relation.kind if pair.relation else "" for pair in found.pairs]


def test_a_copy_is_identical_under_any_name(a, tmp_path):
    for name, prefix in (("b", "encoder.lstm."), ("c", "rnn.")):
        found = gateparity.diff(a, save(tmp_path / f"{name}.safetensors", prefix=prefix))
        assert kinds(found) == ["identical", "identical"]
        assert (found.verdict, found.exit_code) == ("same", 0)


def test_summed_biases_are_another_packing(a):
    def join(cell):
        zeros = np.zeros_like(cell.b_hh)
        return dataclasses.replace(cell, b_ih=cell.b_ih + cell.b_hh, b_hh=zeros)

    found = gateparity.diff(a, Weights(CONFIG, changed(join)))
    assert kinds(found) == ["layout", "layout"]
    assert found.pairs[0].sentence == "B is A, bit for bit, with its biases summed"
    assert found.exit_code == 0


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_a_narrower_copy_is_equal_up_to_precision(dtype, a, tmp_path):
    b = save(tmp_path / "b.safetensors", change=lambda array: array.astype(dtype))
    found = gateparity.diff(a, b)
    assert kinds(found) == [{"float16": "precision", "float64": "layout"}[dtype]] * 2
    assert f"stored as {dtype} instead of float32" in str(found)


def test_weights_rounded_to_bfloat16_are_found_without_being_stored_so(a, tmp_path):
    def cut(array):
        bits = array.view(np.uint32)
        return ((bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)).view(np.float32)

    found = gateparity.diff(a, save(tmp_path / "b.safetensors", change=cut))
    assert kinds(found) == ["precision"] * 2
    assert found.pairs[0].sentence == "B is A rounded to bfloat16"
    assert found.exit_code == 1


def test_a_wrong_gate_order_in_one_layer_is_named(a, tmp_path):
    b = save(tmp_path / "b.safetensors", changed(each(reorder), cells=(2, 3)))
    found = gateparity.diff(a, b, run=True)
    assert kinds(found) == ["identical", "mistake"]
    assert found.pairs[1].sentence == "B is A with the gates in the order i, f, o, g"
    assert found.pairs[0].sigmas < 8 < found.pairs[1].sigmas
    assert found.verdict == "different"


def test_unrelated_weights_say_how_far_apart_they_are(a, tmp_path):
    found = gateparity.diff(a, save(tmp_path / "b.safetensors", draw(seed=1)))
    assert kinds(found) == ["other", "other"]
    assert all(abs(pair.relation.correlation) < 0.3 for pair in found.pairs)
    assert " in A, " in found.pairs[0].relation.largest


def test_other_sizes_have_no_partner(a, tmp_path):
    config = dataclasses.replace(CONFIG, hidden_size=8)
    found = gateparity.diff(a, save(tmp_path / "b.safetensors", draw(config), config))
    assert kinds(found) == [""] * 4
    assert found.pairs[0].sentence == "only in A: input 5, hidden 7, both directions"


def test_layers_are_matched_by_their_numbers_where_paths_differ(tmp_path):
    """Two layers of one size, exchanged: the equal ones are matched."""
    config = Config(4, 4)
    one, other = draw(config, 1), draw(config, 2)
    files = []
    for name, parts in (("a", (one, other)), ("b", (other, one))):
        arrays = {
            f"{name}{k}.{n}": v
            for k, part in enumerate(parts)
            for n, v in TORCH.pack(part, config).items()
        }
        files.append(tmp_path / f"{name}.safetensors")
        save_file(arrays, files[-1])
    found = gateparity.diff(*files)
    assert [(pair.a.path, pair.b.path) for pair in found.pairs] == [("a0", "b1"), ("a1", "b0")]
    assert found.exit_code == 0
    by_hand = gateparity.diff(*files, by_hand={"a0": "b0"})
    assert kinds(by_hand) == ["other", "other"]
    with pytest.raises(InputError, match="has no layer at 'a9', expected one of a0, a1"):
        gateparity.diff(*files, by_hand={"a9": "b0"})


def test_a_large_layer_is_searched_in_part_and_confirmed_on_all(tmp_path):
    config = Config(300, 520)
    params = draw(config)
    a = save(tmp_path / "a.safetensors", params, config)
    swapped = (each(reorder)(params[0]),)
    b = save(tmp_path / "b.safetensors", swapped, config)
    assert kinds(gateparity.diff(a, b)) == ["mistake"]
    spoiled = swapped[0].w_hh.copy()
    spoiled[3, 400, 400] += 1  # outside of the part
    almost = (dataclasses.replace(swapped[0], w_hh=spoiled),)
    c = save(tmp_path / "c.safetensors", almost, config)
    assert kinds(gateparity.diff(a, c)) == ["other"]


def test_a_layer_that_is_no_lstm_leaves_the_verdict_incomplete(tmp_path):
    config = Config(3, 4)
    arrays = {f"lstm.{n}": v for n, v in TORCH.pack(draw(config), config).items()}
    gru = {f"gru.{n}": v[:12] for n, v in TORCH.pack(draw(config, 5), config).items()}
    paths = [tmp_path / f"{name}.safetensors" for name in "abc"]
    save_file(arrays | gru, paths[0])
    save_file(arrays | gru, paths[1])
    save_file(arrays | {n: v + 1 for n, v in gru.items()}, paths[2])
    assert gateparity.diff(paths[0], paths[1]).verdict == "same"
    other = gateparity.diff(paths[0], paths[2])
    assert (other.verdict, other.exit_code) == ("incomplete", 2)
    assert {one.path for one in other.not_compared} == {"gru"}


def test_a_file_without_an_lstm_is_refused(a, tmp_path):
    save_file({"weight": np.zeros((2, 2), np.float32)}, tmp_path / "b.safetensors")
    with pytest.raises(InputError, match=r"b\.safetensors has no LSTM that can be compared"):
        gateparity.diff(a, tmp_path / "b.safetensors")


def test_a_sum_of_biases_in_another_last_digit_is_no_other_precision(a):
    def join(cell):
        wide = cell.b_ih.astype(float) + cell.b_hh
        last = np.nextafter(wide.astype("float32"), np.float32(1))
        return dataclasses.replace(cell, b_ih=last, b_hh=np.zeros_like(last))

    found = gateparity.diff(a, Weights(CONFIG, changed(join)))
    assert kinds(found) == ["layout", "layout"]


def test_equal_weights_that_run_the_other_way_are_another_network(tmp_path):
    """What an ONNX operator's direction says; its arrays are those of a forward one."""
    config = Config(3, 4)
    native = {n: v for n, v in ONNX.pack(draw(config), config).items() if n in ("W", "R", "B")}
    paths = [tmp_path / f"{direction}.onnx" for direction in ("forward", "reverse")]
    for path in paths:
        arrays = [numpy_helper.from_array(array, name) for name, array in native.items()]
        options = {"hidden_size": 4, "direction": path.stem}
        node = helper.make_node("LSTM", ["x", *native], ["y"], name="lstm", **options)
        x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in "xy")
        save_model(helper.make_model(helper.make_graph([node], "graph", [x], [y], arrays)), path)
    found = gateparity.diff(*paths)
    assert found.verdict == "different"
    assert found.pairs[0].sentence == "B is A, bit for bit; but B runs in reverse"
