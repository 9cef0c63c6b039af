"""What a layout refuses, and in which words: one line with what, found, expected."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters
from gateparity.packing.infer import infer_config
from gateparity.packing.layout import Layout

CONFIG = Config(2, 3)
BARE = Config(2, 3, biases=False)


@pytest.mark.parametrize("read", ["unpack", "pullback"])
@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        (
            {"bias_hh_l0": None},
            ValueError,
            "torch: missing arrays ['bias_hh_l0'], unknown arrays []",
        ),
        (
            {"weight_ih_l1": np.zeros((12, 3), "f4")},
            ValueError,
            "torch: missing arrays [], unknown arrays ['weight_ih_l1']",
        ),
        (
            {"weight_ih_l0": np.zeros((2, 12), "f4")},
            ValueError,
            "torch: weight_ih_l0 has shape (2, 12), expected (12, 2)",
        ),
        (
            {"weight_hh_l0": np.zeros((12, 3), "f8")},
            TypeError,
            "torch: weight_hh_l0 is float64, expected float32",
        ),
        (
            {"weight_hh_l0": [[0.0] * 3] * 12},
            TypeError,
            "torch: weight_hh_l0 is list, expected a NumPy array",
        ),
        (
            {"weight_hr_l0": np.zeros((1, 3), "f4")},
            ValueError,
            (
                "torch: weight_hr_l0 has no canonical place: "
                "it is the projection of an LSTM with proj_size"
            ),
        ),
    ],
)
def test_a_wrong_array(layouts, read, changes, kind, message):
    native = changed(zeros(layouts["torch"], CONFIG), changes)
    assert refusal(kind, getattr(layouts["torch"], read), native, CONFIG) == message


def test_a_projection(layouts):
    native = zeros(layouts["mxnet"], CONFIG) | {"l0_h2r_weight": np.zeros((1, 3), "f4")}
    expected = (
        "mxnet: l0_h2r_weight has no canonical place: "
        "it is the projection of an LSTM with projection_size"
    )
    assert refusal(ValueError, layouts["mxnet"].unpack, native, CONFIG) == expected
    assert refusal(ValueError, infer_config, layouts["mxnet"], native) == expected


@pytest.mark.parametrize(
    ("name", "array", "reason"),
    [
        ("onnx", "P", "it holds peepholes"),
        ("tf1", "w_f_diag", "it is a peephole"),
        ("tf1", "projection/kernel", "it is the projection of a cell with num_proj"),
        ("block_lstm", "wcf", "it is a peephole"),
        ("block_lstm2", "wco", "it is a peephole"),
        ("tflite", "cell_to_output_weights", "it is a peephole"),
        ("tflite", "projection_bias", "it belongs to the projection of an LSTM with one"),
        ("tflite", "forget_layer_norm_coefficients", "it normalises a gate"),
        ("coreml", "peephole_back", "it holds peepholes"),
        ("webnn", "peepholeWeight", "it holds peepholes"),
        ("ncnn", "weight_hr", "it is the projection of an LSTM with num_output"),
        ("mxnet_cell", "h2r_weight", "it is the projection of an LSTMPCell"),
        ("sonnet", "projection", "it is the projection of an LSTM with projection_size"),
        ("paddle", "0.cell.weight_ho", "it is the projection of an LSTM with proj_size"),
    ],
)
def test_an_array_that_has_no_canonical_place(layouts, name, array, reason):
    native = zeros(layouts[name], CONFIG) | {array: np.zeros((1, 3), "f4")}
    expected = f"{name}: {array} has no canonical place: {reason}"
    assert refusal(ValueError, layouts[name].unpack, native, CONFIG) == expected
    assert refusal(ValueError, infer_config, layouts[name], native) == expected


@pytest.mark.parametrize(
    ("name", "bias", "field"),
    [
        ("flax", "rnn_0/cell/hg/bias", "b_ih"),
        ("mxnet", "l0_i2h_bias", "b_ih"),
        ("mxnet", "l0_h2h_bias", "b_hh"),
    ],
)
def test_biases_in_an_lstm_without(layouts, name, bias, field):
    native = zeros(layouts[name], BARE)
    native[bias][-1] = -0.5
    assert refusal(ValueError, layouts[name].unpack, native, BARE) == (
        f"{name}: {field} is up to 0.5, expected zeros, as the config has no biases"
    )


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("onnx", Config(2, 3, layers=2), "onnx holds 1 layer, found 2"),
        ("ncnn", Config(2, 3, layers=3), "ncnn holds 1 layer, found 3"),
        ("tf1", Config(2, 3, layers=2), "tf1 holds 1 layer, found 2"),
        ("tf1", Config(2, 3, directions=2), "tf1 holds 1 direction, found 2"),
    ],
)
def test_more_than_a_layout_holds(layouts, name, config, message):
    layout = layouts[name]
    params = build_parameters(config, lambda _, shape: np.zeros(shape, config.dtype))
    native = zeros(layout, CONFIG)
    assert refusal(ValueError, layout.pack, params, config) == message
    assert refusal(ValueError, layout.unpack, native, config) == message
    assert refusal(ValueError, layout.pullback, native, config) == message
    assert refusal(ValueError, lambda: list(layout.native_arrays(config))) == message


def test_an_offset_that_no_bias_takes_back(layouts):
    layout = dataclasses.replace(layouts["tf1"], always_biased=False)
    params = build_parameters(BARE, lambda _, shape: np.zeros(shape, "f4"))
    message = (
        "tf1 adds 1.0 to the forget gate, "
        "and an LSTM without biases has nothing to take it back with"
    )
    assert refusal(ValueError, layout.pack, params, BARE) == message
    assert refusal(ValueError, layout.unpack, zeros(layout, BARE), BARE) == message


def test_parameters_of_another_config(layout):
    params = build_parameters(CONFIG, lambda _, shape: np.zeros(shape, "f4"))
    for config, kind, message in (
        (
            dataclasses.replace(CONFIG, input_size=1),
            ValueError,
            "cell 0: w_ih has shape (4, 3, 2), expected (4, 3, 1)",
        ),
        (
            dataclasses.replace(CONFIG, dtype="float64"),
            TypeError,
            "cell 0: w_ih is float32, expected float64",
        ),
    ):
        assert refusal(kind, layout.pack, params, config) == message


@pytest.mark.parametrize("order", ["ifg", "ifgog", "iffo", "ifco", ""])
def test_an_order_that_is_none(order):
    message = f"mine: order is {order!r}, expected 'ifgo' in some order"
    assert refusal(ValueError, Layout, "mine", (), order) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"bias_hh_l0": np.zeros(12, "f8")},
            "torch: dtypes are ['float32', 'float64'], expected one for all arrays",
        ),
        (
            dict.fromkeys(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")),
            "torch: [] are not the arrays of an LSTM",
        ),
        (
            {"bias_hh_l0": None},
            "torch: missing arrays ['bias_hh_l0'], unknown arrays []",
        ),
        (
            {"bias_hh_l0": None, "scale": np.zeros(3, "f4")},
            "torch: missing arrays ['bias_hh_l0'], unknown arrays ['scale']",
        ),
        (
            {"weight_ih_l0": np.zeros((12, 2, 1), "f4")},
            "weight_ih_l0 has shape (12, 2, 1), expected (gate hidden) input of 4 gates",
        ),
        (
            {"weight_hh_l0": np.zeros((12, 5), "f4")},
            "torch: weight_hh_l0 has shape (12, 5), expected (12, 3)",
        ),
    ],
)
def test_what_infer_can_not_be_sure_of(layouts, changes, message):
    native = changed(zeros(layouts["torch"], CONFIG), changes)
    assert refusal(ValueError, infer_config, layouts["torch"], native) == message


@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        (3, "weight_ih_l0 has shape (9, 2), expected (gate hidden) input of 4 gates"),
        (4, "torch: weight_hh_l0 has shape (12, 4), expected (12, 3)"),
    ],
)
def test_infer_refuses_a_gru(layouts, hidden, message):
    """Its three gates are four where the hidden size is a multiple of 4, but for one shape."""
    native = {
        "weight_ih_l0": np.zeros((3 * hidden, 2)),
        "weight_hh_l0": np.zeros((3 * hidden, hidden)),
        "bias_ih_l0": np.zeros(3 * hidden),
        "bias_hh_l0": np.zeros(3 * hidden),
    }
    assert refusal(ValueError, infer_config, layouts["torch"], native) == message


def test_infer_refuses_cells_that_may_be_layers_or_directions(layouts):
    layout = layouts["chainer_nstep"]
    for config in (Config(3, 3, layers=2), Config(3, 3, directions=2)):
        assert refusal(ValueError, infer_config, layout, zeros(layout, config)) == (
            "chainer_nstep: these may be 2 layers or 2 directions"
        )


def test_infer_refuses_a_layer_that_does_not_fit_the_one_below(layouts):
    native = zeros(layouts["torch"], Config(2, 3, layers=2))
    native["weight_ih_l1"] = np.zeros((12, 2), "f4")
    assert refusal(ValueError, infer_config, layouts["torch"], native) == (
        "torch: weight_ih_l1 has shape (12, 2), expected (12, 3)"
    )


@pytest.mark.parametrize(
    "absent",
    [
        ["bias_hh_l1"],
        ["bias_hh_l1", "bias_ih_l1"],
        ["weight_hh_l2_reverse"],
        [
            f"{name}_l1{d}"
            for name in ("bias_hh", "bias_ih", "weight_hh", "weight_ih")
            for d in ("", "_reverse")
        ],
    ],
)
def test_infer_names_what_is_missing_from_an_lstm_of_several_layers(layouts, absent):
    native = zeros(layouts["torch"], Config(2, 3, layers=3, directions=2))
    native = changed(native, dict.fromkeys(absent))
    assert refusal(ValueError, infer_config, layouts["torch"], native) == (
        f"torch: missing arrays {absent}, unknown arrays []"
    )


def test_infer_refuses_names_of_another_layout(layout):
    native = {"cell.weight": np.zeros((12, 2), "f4"), "cell.bias": np.zeros(12, "f4")}
    assert refusal(ValueError, infer_config, layout, native) == (
        f"{layout.name}: ['cell.bias', 'cell.weight'] are not the arrays of an LSTM"
    )


@settings(derandomize=True, max_examples=100, deadline=None)
@given(data=st.data())
def test_infer_answers_nonsense_with_value_error_or_the_truth(layout, configs, data):
    native = zeros(layout, data.draw(configs))
    shapes = st.lists(st.integers(0, 16), max_size=4).map(tuple)
    some = data.draw(st.sets(st.sampled_from(sorted(native)), min_size=1))
    native |= {name: np.zeros(data.draw(shapes), "f4") for name in sorted(some)}
    try:
        config = infer_config(layout, native)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017 -- a right answer is no error
    else:
        assert layout.shapes(config) == {name: array.shape for name, array in native.items()}


def zeros(layout, config):
    """The native arrays of an LSTM of zeros."""
    return {n: np.zeros(shape, config.dtype) for n, shape in layout.shapes(config).items()}


def changed(native, changes):
    """With some arrays replaced, or left out where the change is None."""
    return {name: array for name, array in (native | changes).items() if array is not None}


def refusal(kind, call, *args):
    with pytest.raises(kind) as caught:
        call(*args)
    return str(caught.value)
