"""LSTM operators of ONNX are found with their weights, wherever exporters leave them.

What is found is run by gateparity's equations, and compared with what onnx's evaluator computes.
"""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.backends.checkpoints.onnx_models import (
    BATCH,
    HIDDEN,
    INPUTS,
    STEPS,
    check_only_layer,
    contents,
    draw,
    evaluate,
    layers,
    lstm_arrays,
    lstm_node,
    make_model,
    run,
)


def constant(name, array, **more):
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array), **more)


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("names", [["X", "W", "R", "B"], ["X", "W", "R"]])
def test_an_operator_is_a_layer(directions, names, tmp_path):
    direction = ["forward", "bidirectional"][directions - 1]
    node = helper.make_node(
        "LSTM", names, ["Y"], name="/encoder/lstm/LSTM", hidden_size=HIDDEN, direction=direction
    )
    layer = check_only_layer(make_model([node], lstm_arrays(directions=directions)), tmp_path)
    assert (layer.path, layer.kind, layer.layout.name) == ("encoder/lstm", "LSTM", "onnx")
    assert (layer.input_size, layer.hidden_size) == (INPUTS, HIDDEN)
    assert (layer.layers, layer.directions) == (1, directions)
    assert layer.biases == ("B" in names)
    assert layer.oddities == ()
    assert layer.dtypes == ("float32",)


def test_an_operator_that_runs_in_reverse_says_so(tmp_path):
    model = make_model([lstm_node(direction="reverse")], lstm_arrays())
    x = draw(STEPS, BATCH, INPUTS)
    with contents(model, tmp_path) as found:
        (layer,) = found.layers
        assert layer.oddities == ("runs in reverse",)
        y = run(layer, x[::-1]).y[::-1]
    np.testing.assert_allclose(y, evaluate(model, X=x)[0][:, 0], rtol=2e-5, atol=2e-6)


def test_an_operator_with_the_batch_first_says_so(tmp_path):
    (layer,) = layers(make_model([lstm_node(layout=1)], lstm_arrays()), tmp_path)
    assert layer.oddities == ("layout 1: batch first",)
    assert not layer.refusal


def squeezed(arrays):
    """W, R and B as a framework has them, with what PyTorch's exporter makes of them in opset 18.

    The gates are in PyTorch's order, i, f, g, o: ONNX's is i, o, f, g.
    """
    ifgo = {name: draw(4 * HIDDEN, n) for name, n in (("w", INPUTS), ("r", HIDDEN))}
    ifgo |= {name: draw(4 * HIDDEN, seed=k) for k, name in enumerate(("b_ih", "b_hh"))}
    nodes = [constant("zero", np.array([0]))]
    places = {"i": (0, 1), "o": (3, 4), "fg": (1, 3)}
    for gates, (start, stop) in places.items():
        nodes += [
            constant(f"{gates}_start", np.array([start * HIDDEN])),
            constant(f"{gates}_stop", np.array([stop * HIDDEN])),
        ]
        nodes += [
            helper.make_node("Slice", [n, f"{gates}_start", f"{gates}_stop", "zero"], [n + gates])
            for n in ifgo
        ]
    nodes += [
        helper.make_node("Concat", [n + gates for gates in places], [f"{n}_iofg"], axis=0)
        for n in ifgo
    ]
    nodes += [helper.make_node("Concat", ["b_ih_iofg", "b_hh_iofg"], ["b"], axis=0)]
    nodes += [
        helper.make_node("Unsqueeze", [n, "zero"], [target])
        for n, target in (("w_iofg", "W"), ("r_iofg", "R"), ("b", "B"))
    ]
    return nodes, ifgo


def test_weights_are_found_behind_what_pytorchs_exporter_leaves(tmp_path):
    nodes, arrays = squeezed({})
    layer = check_only_layer(make_model([*nodes, lstm_node()], arrays), tmp_path)
    with contents(make_model([*nodes, lstm_node()], arrays), tmp_path) as found:
        _, (cell,) = found.layers[0].read()
    np.testing.assert_array_equal(cell.w_ih, arrays["w"].reshape(4, HIDDEN, INPUTS))
    np.testing.assert_array_equal(cell.b_hh, arrays["b_hh"].reshape(4, HIDDEN))
    assert layer.path == "Y"  # a node without a name has that of its output


def folded(a, name, k):
    """Nodes that compute an array, and the stored array, by one way of several."""
    flat, parts = a.reshape(-1), np.split(a, 2, axis=1)
    shape = constant(f"{name}_shape", np.array([0, -1, a.shape[-1]]))
    axes = constant(f"{name}_axes", np.array([0, 1]))
    return [
        ([helper.make_node("Identity", [f"{name}0"], [name])], {f"{name}0": a}),
        ([helper.make_node("Cast", [f"{name}0"], [name], to=1)], {f"{name}0": a.astype("float16")}),
        (
            [helper.make_node("Transpose", [f"{name}0"], [name], perm=[2, 0, 1])],
            {f"{name}0": np.ascontiguousarray(a.transpose(1, 2, 0))},
        ),
        (
            [shape, helper.make_node("Reshape", [f"{name}0", shape.output[0]], [name])],
            {f"{name}0": flat.reshape(1, 2, -1)},
        ),
        (
            [axes, helper.make_node("Squeeze", [f"{name}0", axes.output[0]], [name])],
            {f"{name}0": a[None, None]},
        ),
        (
            [helper.make_node("Concat", [f"{name}0", f"{name}1"], [name], axis=-2)],
            {f"{name}0": parts[0], f"{name}1": parts[1]},
        ),
        (
            [helper.make_node("Split", [f"{name}0"], ["unused", name], axis=1, num_outputs=2)],
            {f"{name}0": np.concatenate([a, a], axis=1)},
        ),
        ([constant(name, a)], {}),
    ][k]


@pytest.mark.parametrize("k", range(8))
def test_weights_are_found_behind_each_operator(k, tmp_path):
    arrays = lstm_arrays()
    nodes = []
    for name in ("W", "R"):
        more, stored = folded(arrays.pop(name), name, k)
        nodes += more if name == "W" else [n for n in more if "unused" not in n.output]
        if k == 6 and name == "R":
            nodes.append(helper.make_node("Split", ["R0"], ["unused2", "R"], axis=1, num_outputs=2))
        arrays |= stored
    layer = check_only_layer(make_model([*nodes, lstm_node()], arrays), tmp_path)
    assert ("float16" in layer.dtypes) == (k == 1)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_floats_are_read(dtype, tmp_path):
    arrays = {name: array.astype(dtype) for name, array in lstm_arrays().items()}
    with contents(make_model([lstm_node()], arrays), tmp_path) as found:
        assert found.layers[0].dtypes == (dtype,)
        config, (cell,) = found.layers[0].read()
    assert config.dtype == ("float64" if dtype == "float64" else "float32")
    rows = cell.w_ih.reshape(4, HIDDEN, INPUTS)
    np.testing.assert_array_equal(rows[0], arrays["W"][0, :HIDDEN])


TYPED = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "float16": TensorProto.FLOAT16,
    "bfloat16": TensorProto.BFLOAT16,
}


@pytest.mark.parametrize("hidden", [HIDDEN, 40])
@pytest.mark.parametrize("dtype", TYPED)
def test_typed_and_raw_numbers_are_alike(dtype, hidden, tmp_path):
    found = {}
    for raw in (False, True):
        model = make_model([lstm_node(hidden=hidden)], {})
        for name, array in lstm_arrays(hidden=hidden).items():
            tensor = helper.make_tensor(name, TYPED[dtype], array.shape, array.ravel())
            if raw:
                tensor = numpy_helper.from_array(numpy_helper.to_array(tensor), name)
            assert tensor.HasField("raw_data") == raw
            model.graph.initializer.append(tensor)
        with contents(model, tmp_path) as held:
            assert held.layers[0].dtypes == (dtype,)
            found[raw] = held.layers[0].native()
            expected = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        for name, array in found[raw].items():
            np.testing.assert_array_equal(array, expected[name].astype(array.dtype))
    for name, array in found[True].items():
        np.testing.assert_array_equal(found[False][name], array)


def test_stacked_operators_are_one_layer(tmp_path):
    """As PyTorch's exporter joins directions: a Transpose and a Reshape."""
    both = 2 * HIDDEN
    arrays = lstm_arrays(directions=2) | lstm_arrays("next_", inputs=both, directions=2)
    nodes = [
        lstm_node(y="first", direction="bidirectional"),
        helper.make_node("Transpose", ["first"], ["turned"], perm=[0, 2, 1, 3]),
        constant("shape", np.array([0, 0, -1])),
        helper.make_node("Reshape", ["turned", "shape"], ["joined"]),
        lstm_node("next_", x="joined", direction="bidirectional"),
    ]
    layer = check_only_layer(make_model(nodes, arrays), tmp_path)
    assert (layer.layers, layer.directions) == (2, 2)
    assert list(layer.arrays) == ["W", "R", "B", "W_1", "R_1", "B_1"]
    assert layer.path == "first+next"


def test_three_stacked_operators_are_one_layer(tmp_path):
    nodes, arrays, x = [], {}, "X"
    for k in range(3):
        prefix = f"lstm_{k}_"
        arrays |= lstm_arrays(prefix, inputs=HIDDEN if k else INPUTS)
        nodes += [
            lstm_node(prefix, x=x, y=f"y{k}"),
            constant(f"one{k}", np.array([1])),
            helper.make_node("Squeeze", [f"y{k}", f"one{k}"], [f"x{k}"]),
        ]
        x = f"x{k}"
    model = make_model(nodes, arrays, outputs=["x2"])
    layer = check_only_layer(model, tmp_path)
    assert layer.layers == 3
    assert layer.path == "lstm_0+lstm_1+lstm_2"


def test_operators_of_other_sizes_stay_apart(tmp_path):
    arrays = lstm_arrays("a_") | lstm_arrays("b_", inputs=HIDDEN, hidden=4)
    nodes = [
        lstm_node("a_", y="first"),
        constant("one", np.array([1])),
        helper.make_node("Squeeze", ["first", "one"], ["x"]),
        lstm_node("b_", x="x", hidden=4),
    ]
    found = layers(make_model(nodes, arrays), tmp_path)
    assert [(layer.path, layer.input_size, layer.hidden_size) for layer in found] == [
        ("a", INPUTS, HIDDEN),
        ("b", HIDDEN, 4),
    ]


def test_operators_beside_one_another_stay_apart(tmp_path):
    arrays = lstm_arrays("a_") | lstm_arrays("b_")
    nodes = [lstm_node("a_", y="one"), lstm_node("b_", y="two")]
    found = layers(make_model(nodes, arrays, outputs=["one", "two"]), tmp_path)
    assert [layer.path for layer in found] == ["a", "b"]


def branch(nodes, outputs, arrays=None):
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs]
    stored = [numpy_helper.from_array(a, n) for n, a in (arrays or {}).items()]
    return helper.make_graph(nodes, "branch", [], infos, stored)


def test_operators_in_branches_are_found_with_weights_of_both_graphs(tmp_path):
    inner = lstm_arrays("inner_")
    outer = lstm_arrays("outer_")
    node = helper.make_node(
        "If",
        ["condition"],
        ["Y"],
        then_branch=branch([lstm_node("inner_", y="then")], ["then"], inner),
        else_branch=branch([lstm_node("outer_", y="else")], ["else"]),
    )
    model = make_model([constant("condition", np.array(True)), node], outer)
    x = draw(STEPS, BATCH, INPUTS)
    with contents(model, tmp_path) as found:
        by_path = {layer.path: run(layer, x).y for layer in found.layers}
    assert list(by_path) == ["else_branch/outer", "then_branch/inner"]
    (expected,) = evaluate(model, X=x)
    np.testing.assert_allclose(by_path["then_branch/inner"], expected[:, 0], rtol=2e-5, atol=2e-6)


def test_one_lstm_in_two_branches_is_one_layer(tmp_path):
    then, other = (branch([lstm_node("lstm_", y=name)], [name]) for name in ("then", "else"))
    node = helper.make_node("If", ["condition"], ["Y"], then_branch=then, else_branch=other)
    model = make_model([constant("condition", np.array(True)), node], lstm_arrays("lstm_"))
    assert [layer.path for layer in layers(model, tmp_path)] == ["else_branch/lstm"]


@pytest.mark.parametrize("operator", ["Loop", "Scan"])
def test_an_operator_in_a_loop_is_found(operator, tmp_path):
    body = branch([lstm_node("lstm_", y="y")], ["y"])
    node = helper.make_node(operator, [], ["Y"], body=body, name="loop")
    (layer,) = layers(make_model([node], lstm_arrays("lstm_")), tmp_path)
    assert (layer.path, layer.refusal) == ("body/lstm", "")


def test_weights_that_a_loop_hands_on_are_constants(tmp_path):
    """As tf2onnx writes a loop."""
    arrays = lstm_arrays("lstm_")
    kept = [helper.make_node("Identity", ["w"], ["w_kept"]), lstm_node("lstm_", y="y")]
    kept[1].input[1] = "w"
    names = ["step", "on", "w"], ["on", "w_kept", "y"]
    infos = [
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ns] for ns in names
    ]
    body = helper.make_graph(kept, "body", *infos)
    node = helper.make_node("Loop", ["count", "", "lstm_W"], ["w_n", "Y"], body=body)
    (layer,) = layers(make_model([node], arrays), tmp_path)
    assert (layer.refusal, layer.input_size) == ("", INPUTS)


def test_an_operator_in_a_function_has_the_weights_of_its_caller(tmp_path):
    function = helper.make_function(
        "own", "Encoder", ["x", "w", "r", "b"], ["y"],
        [helper.make_node("LSTM", ["x", "w", "r", "b"], ["y"], name="lstm", hidden_size=HIDDEN)],
        [helper.make_opsetid("", 18)],
    )  # fmt: skip
    call = helper.make_node("Encoder", ["X", "W", "R", "B"], ["Y"], domain="own", name="encoder")
    model = make_model([call], lstm_arrays(), functions=[function])
    model.opset_import.append(helper.make_opsetid("own", 1))
    assert check_only_layer(model, tmp_path).path == "encoder/lstm"


@pytest.mark.parametrize(
    ("more", "oddity", "reason"),
    [
        (
            {"activations": ["HardSigmoid", "Tanh", "Tanh"]},
            "activations hardsigmoid",
            "activations",
        ),
        ({"clip": 3.0}, "clip 3", "it clips at 3"),
        ({"input_forget": 1}, "input_forget", "coupled"),
    ],
)
def test_what_no_other_lstm_has_is_refused(more, oddity, reason, tmp_path):
    (layer,) = layers(make_model([lstm_node(**more)], lstm_arrays()), tmp_path)
    assert layer.oddities[0].startswith(oddity)
    assert reason in layer.refusal
    assert (layer.input_size, layer.hidden_size) == (INPUTS, HIDDEN)
    with pytest.raises(ValueError, match=reason):
        layer.read()


def test_the_usual_activations_are_no_oddity(tmp_path):
    model = make_model([lstm_node(activations=["Sigmoid", "Tanh", "Tanh"])], lstm_arrays())
    assert check_only_layer(model, tmp_path).oddities == ()


@pytest.mark.parametrize("zero", [True, False])
def test_peepholes_are_refused_unless_they_are_zero(zero, tmp_path):
    node = helper.make_node(
        "LSTM", ["X", "W", "R", "B", "", "", "", "P"], ["Y"], hidden_size=HIDDEN
    )
    p = np.zeros((1, 3 * HIDDEN), "float32") if zero else draw(1, 3 * HIDDEN)
    model = make_model([node], lstm_arrays() | {"P": p})
    if zero:
        assert check_only_layer(model, tmp_path).oddities == ()
    else:
        (layer,) = layers(model, tmp_path)
        assert layer.oddities == ("peepholes",)
        assert "peepholes" in layer.refusal


@pytest.mark.parametrize("learned", [True, False])
def test_learned_initial_states_are_named(learned, tmp_path):
    names = ["X", "W", "R", "B", "", "h0", "c0"]
    node = helper.make_node("LSTM", names, ["Y"], hidden_size=HIDDEN)
    expand = helper.make_node("Expand", ["h", "shape"], ["h0"])
    state = draw(1, 1, HIDDEN) if learned else np.zeros((1, 1, HIDDEN), "float32")
    arrays = lstm_arrays() | {
        "h": state,
        "c0": np.zeros((1, BATCH, HIDDEN), "float32"),
        "shape": np.array([1, BATCH, HIDDEN]),
    }
    (layer,) = layers(make_model([expand, node], arrays), tmp_path)
    assert layer.oddities == (("learned initial states",) if learned else ())


def test_a_name_that_says_the_kind_alone_is_that_of_the_weights(tmp_path):
    """As PyTorch's newer exporter names nodes."""
    (layer,) = layers(make_model([named("node_LSTM_65")], lstm_arrays("encoder.")), tmp_path)
    assert layer.path == "encoder"
    (layer,) = layers(make_model([named("decoder_lstm")], lstm_arrays("encoder.")), tmp_path)
    assert layer.path == "decoder_lstm"
    inlined = named("If_0_else_branch__Inline_0__/decoder/rnn/LSTM")
    (layer,) = layers(make_model([inlined], lstm_arrays("encoder.")), tmp_path)
    assert layer.path == "decoder/rnn"


def named(name):
    node = lstm_node("encoder.")
    node.name = name
    return node


def test_stacked_layers_of_other_kinds_are_one(tmp_path):
    arrays = lstm_arrays("a_", gates=3) | lstm_arrays("b_", inputs=HIDDEN, gates=3)
    nodes = [
        helper.make_node("GRU", ["X", "a_W", "a_R", "a_B"], ["a"], hidden_size=HIDDEN),
        constant("one", np.array([1])),
        helper.make_node("Squeeze", ["a", "one"], ["x"]),
        helper.make_node("GRU", ["x", "b_W", "b_R", "b_B"], ["Y"], hidden_size=HIDDEN),
    ]
    (layer,) = layers(make_model(nodes, arrays), tmp_path)
    assert (layer.kind, layer.layers, layer.input_size) == ("GRU", 2, INPUTS)


@pytest.mark.parametrize(("kind", "gates"), [("GRU", 3), ("RNN", 1)])
def test_other_kinds_are_named_with_their_sizes(kind, gates, tmp_path):
    node = helper.make_node(kind, ["X", "W", "R", "B"], ["Y"], name="encoder", hidden_size=HIDDEN)
    arrays = lstm_arrays(gates=gates)
    (layer,) = layers(make_model([node], arrays), tmp_path)
    assert (layer.path, layer.kind, layer.layout) == ("encoder", kind, None)
    assert (layer.input_size, layer.hidden_size) == (INPUTS, HIDDEN)
    assert layer.parameters == sum(array.size for array in arrays.values())
    with pytest.raises(ValueError, match=kind):
        layer.read()


def test_weights_that_are_computed_are_named(tmp_path):
    arrays = lstm_arrays()
    doubled = helper.make_node("Mul", ["W0", "W0"], ["W"])
    model = make_model([doubled, lstm_node()], {"W0": arrays.pop("W")} | arrays)
    (layer,) = layers(model, tmp_path)
    assert layer.refusal == "its W is computed while the model runs, expected a constant"
    assert layer.hidden_size == HIDDEN


def test_shapes_that_do_not_fit_are_named(tmp_path):
    arrays = lstm_arrays() | {"R": draw(1, 4 * HIDDEN, HIDDEN + 1)}
    (layer,) = layers(make_model([lstm_node()], arrays), tmp_path)
    assert f"[1, {4 * HIDDEN}, {HIDDEN + 1}], expected (1, 4 * hidden, input)" in layer.refusal


def quantised(array, dtype, axes):
    """An array as integers, its scales and its zeros, of one for all other axes together."""
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    zero = np.full([array.shape[axis] for axis in axes], (low + high + 1) // 2, dtype)
    others = tuple(axis for axis in range(array.ndim) if axis not in axes)
    scale = (np.abs(array).max(axis=others) / 127).astype("float32")
    wide = np.expand_dims(scale, others), np.expand_dims(zero.astype("int64"), others)
    integers = np.clip(np.rint(array / wide[0]) + wide[1], low, high).astype(dtype)
    return integers, scale, zero, ((integers.astype("int64") - wide[1]) * wide[0]).astype("float32")


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("axes", [(0,), (0, 2)], ids=["per direction", "per row"])
@pytest.mark.parametrize("directions", [1, 2])
def test_a_quantised_lstm_is_dequantised(dtype, axes, directions, tmp_path):
    arrays = lstm_arrays(directions=directions)
    stored = {"B": arrays["B"]}
    plain = {"B": arrays["B"]}
    for name in ("W", "R"):
        turned = arrays[name].transpose(0, 2, 1)
        integers, scale, zero, back = quantised(turned, dtype, axes)
        stored |= {name: integers, f"{name}_scale": scale, f"{name}_zero": zero}
        plain[name] = np.ascontiguousarray(back.transpose(0, 2, 1))
    names = ["X", "W", "R", "B", "", "", "", "", "W_scale", "W_zero", "R_scale", "R_zero"]
    direction = ["forward", "bidirectional"][directions - 1]
    node = helper.make_node(
        "DynamicQuantizeLSTM", names, ["Y"], domain="com.microsoft", name="lstm",
        hidden_size=HIDDEN, direction=direction,
    )  # fmt: skip
    with contents(make_model([node], stored), tmp_path) as found:
        (layer,) = found.layers
        _, cells = layer.read()
    assert layer.oddities == (f"{dtype} with a scale",)
    assert layer.dtypes == (dtype, "float32")
    assert (layer.kind, layer.path, layer.refusal) == ("LSTM", "lstm", "")
    with contents(make_model([lstm_node(direction=direction)], plain), tmp_path) as found:
        _, expected = found.layers[0].read()
    for cell, other in zip(cells, expected, strict=True):
        np.testing.assert_array_equal(cell.w_ih, other.w_ih)
        np.testing.assert_array_equal(cell.w_hh, other.w_hh)
        np.testing.assert_array_equal(cell.b_hh, other.b_hh)


def test_weights_behind_dequantize_linear_are_integers_with_a_scale(tmp_path):
    arrays = lstm_arrays()
    nodes = []
    for name in ("W", "R"):
        integers, scale, zero, _ = quantised(arrays.pop(name), "int8", (1,))
        arrays |= {f"{name}0": integers, f"{name}_scale": scale, f"{name}_zero": zero}
        parts = [f"{name}0", f"{name}_scale", f"{name}_zero"]
        nodes.append(helper.make_node("DequantizeLinear", parts, [name], axis=1))
    layer = check_only_layer(make_model([*nodes, lstm_node()], arrays), tmp_path)
    assert layer.oddities == ("int8 with a scale",)
