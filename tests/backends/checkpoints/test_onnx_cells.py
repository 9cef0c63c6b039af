"""Cells that are written out in operators are recognised by what they compute, in any gate order.

What is found is run by gateparity's equations, and compared with what onnx's evaluator computes.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from onnx import TensorProto, helper

from tests.backends.checkpoints.onnx_models import (
    BATCH,
    HIDDEN,
    INPUTS,
    contents,
    draw,
    evaluate,
    layers,
    make_model,
    run,
)

ORDERS = list(map("".join, itertools.permutations("ifgo")))


class Writer:
    """Writes cells: the nodes and the stored arrays of a graph."""

    def __init__(self, sigmoid=lambda w, z: w.add("Sigmoid", z)):
        self.nodes, self.arrays, self.count = [], {}, 0
        self.sigmoid = lambda z: sigmoid(self, z)

    def add(self, operator, *inputs, outputs=1, **options):
        self.count += 1
        names = [f"{operator.lower()}_{self.count}_{k}" for k in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, **options))
        return names[0] if outputs == 1 else names

    def store(self, name, array):
        self.arrays.setdefault(name, np.asarray(array))
        return name

    def whole(self, number):
        return self.store(f"number_{number}", np.array([number]))

    def equations(self, i, f, g, o, c):
        new = self.add("Mul", self.sigmoid(i), self.add("Tanh", g))
        c = self.add("Add", self.add("Mul", self.sigmoid(f), c), new)
        return self.add("Mul", self.sigmoid(o), self.add("Tanh", c)), c

    def split(self, z, order):
        return dict(zip(order, self.add("Split", z, outputs=4, axis=1, num_outputs=4), strict=True))

    def slice(self, z, order):
        ends = [self.whole(k * HIDDEN) for k in range(5)]
        return {
            g: self.add("Slice", z, ends[k], ends[k + 1], self.whole(1))
            for k, g in enumerate(order)
        }


def gemm(w, x, h, order, inputs=INPUTS):
    """As PyTorch has it: `(gates, features)`, and two biases."""
    a = w.add("Gemm", x, w.store("cell.ih", draw(4 * HIDDEN, inputs)), "cell.b_ih", transB=1)
    b = w.add("Gemm", h, w.store("cell.hh", draw(4 * HIDDEN, HIDDEN)), "cell.b_hh", transB=1)
    w.store("cell.b_ih", draw(4 * HIDDEN, seed=1))
    w.store("cell.b_hh", draw(4 * HIDDEN, seed=2))
    return w.split(w.add("Add", a, b), order)


def matmul(w, x, h, order, inputs=INPUTS):
    """As Keras has it: `(features, gates)`, and a bias."""
    a = w.add("MatMul", x, w.store("cell/kernel", draw(inputs, 4 * HIDDEN)))
    b = w.add("MatMul", h, w.store("cell/recurrent", draw(HIDDEN, 4 * HIDDEN)))
    z = w.add("Add", w.add("Add", a, b), w.store("cell/bias", draw(4 * HIDDEN)))
    return w.slice(z, order)


def unbiased(w, x, h, order, inputs=INPUTS):
    """Without a bias, and the product with h first."""
    b = w.add("MatMul", h, w.store("cell/recurrent", draw(HIDDEN, 4 * HIDDEN)))
    a = w.add("MatMul", x, w.store("cell/kernel", draw(inputs, 4 * HIDDEN)))
    return w.split(w.add("Add", b, a), order)


def apart(w, x, h, order, inputs=INPUTS):
    """A matrix and a bias for each gate."""
    z = {}
    for k, g in enumerate(order):
        a = w.add("MatMul", x, w.store(f"cell.w_{g}", draw(inputs, HIDDEN, seed=k)))
        b = w.add("MatMul", h, w.store(f"cell.u_{g}", draw(HIDDEN, HIDDEN, seed=k)))
        bias = w.store(f"cell.b_{g}", draw(HIDDEN, seed=k))
        z[g] = w.add("Add", w.add("Add", a, bias), b)
    return z


def offset(w, x, h, order, inputs=INPUTS):
    """As TensorFlow 1 has it: one bias, and a number that is added to the forget gate."""
    z = matmul(w, x, h, order, inputs)
    return z | {"f": w.add("Add", z["f"], w.store("cell/forget_bias", np.float32(1.0)))}


def chunked(w, x, h, order, inputs=INPUTS):
    """As PyTorch's older exporter writes `chunk`: at places computed from the shape."""
    a = w.add("Gemm", x, w.store("cell.ih", draw(4 * HIDDEN, inputs)), transB=1)
    b = w.add("Gemm", h, w.store("cell.hh", draw(4 * HIDDEN, HIDDEN)), "cell.b_hh", transB=1)
    w.store("cell.b_hh", draw(4 * HIDDEN))
    z = w.add("Add", a, b)
    length = w.add("Gather", w.add("Shape", z), w.whole(1), axis=0)
    each = w.add("Div", w.add("Add", length, w.whole(3)), w.whole(4))
    ends = [w.whole(0), *(w.add("Mul", each, w.whole(k)) for k in range(1, 5))]
    return {g: w.add("Slice", z, ends[k], ends[k + 1], w.whole(1)) for k, g in enumerate(order)}


def masked(w, x, h, order, inputs=INPUTS):
    """As Keras has it with a mask of dropout, which is ones where nothing is dropped."""
    ones = helper.make_tensor("ones", TensorProto.FLOAT, [1], [1.0])
    mask = w.add("ConstantOfShape", w.add("Shape", h), value=ones)
    z = {}
    for k, g in enumerate(order):
        a = w.add("MatMul", x, w.store(f"cell.w_{g}", draw(inputs, HIDDEN, seed=k)))
        dropped = w.add("Mul", *((h, mask) if k % 2 else (mask, h)))
        b = w.add("MatMul", dropped, w.store(f"cell.u_{g}", draw(HIDDEN, HIDDEN, seed=k)))
        z[g] = w.add("Add", w.add("Add", a, w.store(f"cell.b_{g}", draw(HIDDEN, seed=k))), b)
    return z


FORMS = [gemm, matmul, unbiased, apart, offset, chunked, masked]


def one_step(form, order, inputs=INPUTS):
    """A graph of one step, with its states as inputs of their own."""
    w = Writer()
    h, c = w.equations(**form(w, "x", "h", order, inputs), c="c")
    given = {"x": [BATCH, inputs], "h": [BATCH, HIDDEN], "c": [BATCH, HIDDEN]}
    return make_model(w.nodes, w.arrays, given, [h, c])


def check_step(model, layer, *, inputs=INPUTS):
    x, h, c = draw(BATCH, inputs), draw(BATCH, HIDDEN, seed=1), draw(BATCH, HIDDEN, seed=2)
    found = run(layer, x[None], h=h[None], c=c[None])
    expected_h, expected_c = evaluate(model, x=x, h=h, c=c)
    np.testing.assert_allclose(found.y[0], expected_h, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(found.states["c"][0], expected_c, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("form", FORMS)
def test_a_written_out_cell_is_recognised_in_any_gate_order(form, order, tmp_path):
    model = one_step(form, order)
    with contents(model, tmp_path) as found:
        (layer,) = found.layers
        check_step(model, layer)
    assert layer.path == "cell"
    assert (layer.input_size, layer.hidden_size, layer.layers) == (INPUTS, HIDDEN, 1)
    assert layer.biases == (form is not unbiased)
    assert layer.oddities == ("written out in operators",)
    if form not in (apart, masked):
        assert layer.layout.order == order


def test_arrays_are_those_of_the_file(tmp_path):
    with contents(one_step(gemm, "ogfi"), tmp_path) as found:
        native = found.layers[0].native()
    np.testing.assert_array_equal(native["W"], draw(4 * HIDDEN, INPUTS))
    np.testing.assert_array_equal(native["Rb"], draw(4 * HIDDEN, seed=2))


@pytest.mark.parametrize("swapped", [True, False])
@pytest.mark.parametrize("order", ["ifgo", "fiog"])
def test_a_kernel_of_x_and_h_together_is_recognised(order, swapped, tmp_path):
    """As TensorFlow 1 has it; the states are one input, from which h is told."""
    w = Writer()
    h, c = (w.add("Gather", "states", w.store(f"k{k}", np.array(k)), axis=0) for k in range(2))
    both = w.add("Concat", *([h, "x"] if swapped else ["x", h]), axis=1)
    z = w.add("MatMul", both, w.store("cell/kernel", draw(INPUTS + HIDDEN, 4 * HIDDEN)))
    z = w.add("Add", z, w.store("cell/bias", draw(4 * HIDDEN)))
    h, c = w.equations(**w.split(z, order), c=c)
    given = {"x": [BATCH, INPUTS], "states": [2, BATCH, HIDDEN]}
    model = make_model(w.nodes, w.arrays, given, [h, c])
    x, states = draw(BATCH, INPUTS), draw(2, BATCH, HIDDEN)
    with contents(model, tmp_path) as found:
        (layer,) = found.layers
        y = run(layer, x[None], h=states[:1], c=states[1:]).y[0]
    np.testing.assert_allclose(y, evaluate(model, x=x, states=states)[0], rtol=2e-5, atol=2e-6)
    assert layer.layout.order == order


@pytest.mark.parametrize("form", [gemm, unbiased])
def test_h_is_told_from_x_of_the_same_size_by_the_states(form, tmp_path):
    w = Writer()
    h, c = (w.add("Gather", "states", w.store(f"k{k}", np.array(k)), axis=0) for k in range(2))
    h, c = w.equations(**form(w, "x", h, "ifgo", HIDDEN), c=c)
    given = {"x": [BATCH, HIDDEN], "states": [2, BATCH, HIDDEN]}
    model = make_model(w.nodes, w.arrays, given, [h, c])
    x, states = draw(BATCH, HIDDEN, seed=9), draw(2, BATCH, HIDDEN)
    with contents(model, tmp_path) as found:
        (layer,) = found.layers
        y = run(layer, x[None], h=states[:1], c=states[1:]).y[0]
    np.testing.assert_allclose(y, evaluate(model, x=x, states=states)[0], rtol=2e-5, atol=2e-6)


def test_h_that_cannot_be_told_is_refused(tmp_path):
    (layer,) = layers(one_step(apart, "ifgo", HIDDEN), tmp_path)
    assert "nothing shows which of its two matrices is the recurrent one" in layer.refusal


@pytest.mark.parametrize("inputs", [INPUTS, HIDDEN])
@pytest.mark.parametrize("form", FORMS)
def test_steps_of_time_are_one_layer(form, inputs, tmp_path):
    """As Keras's `unroll` writes them, from states of zeros."""
    w = Writer()
    steps = w.add("Split", "X", outputs=3, axis=0, num_outputs=3)
    h = c = w.store("zeros", np.zeros((BATCH, HIDDEN), "float32"))
    ys = []
    for step in steps:
        x = w.add("Squeeze", step, w.whole(0))
        h, c = w.equations(**form(w, x, h, "ifgo", inputs), c=c)
        ys.append(w.add("Unsqueeze", h, w.whole(0)))
    y = w.add("Concat", *ys, axis=0)
    model = make_model(w.nodes, w.arrays, {"X": [3, BATCH, inputs]}, [y])
    x = draw(3, BATCH, inputs)
    with contents(model, tmp_path) as found:
        (layer,) = found.layers
        np.testing.assert_allclose(run(layer, x).y, evaluate(model, X=x)[0], rtol=2e-5, atol=2e-6)
    assert layer.path == "cell"


def test_a_first_step_whose_product_was_folded_is_part_of_the_others(tmp_path):
    """As an exporter leaves it, whose states are zero."""
    w = Writer()
    first, second = w.add("Split", "X", outputs=2, axis=0, num_outputs=2)
    z = w.add("MatMul", w.add("Squeeze", first, w.whole(0)), "cell/kernel")
    zeros = w.store("zeros", np.zeros((BATCH, HIDDEN), "float32"))
    h, c = w.equations(**w.split(z, "ifgo"), c=zeros)
    x = w.add("Squeeze", second, w.whole(0))
    h, c = w.equations(**unbiased(w, x, h, "ifgo"), c=c)
    model = make_model(w.nodes, w.arrays, {"X": [2, BATCH, INPUTS]}, [h])
    x = draw(2, BATCH, INPUTS)
    with contents(model, tmp_path) as found:
        (layer,) = found.layers
        (expected,) = evaluate(model, X=x)
        np.testing.assert_allclose(run(layer, x).y[1], expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("by_rest", [True, False])
@pytest.mark.parametrize("first", [True, False])
def test_a_written_out_gru_is_named_with_its_sizes(by_rest, first, tmp_path):
    w = Writer()
    a = w.add("MatMul", "x", w.store("cell.ih", draw(INPUTS, 3 * HIDDEN)))
    a = w.add("Add", a, w.store("cell.b", draw(3 * HIDDEN)))
    b = w.add("MatMul", "h", w.store("cell.hh", draw(HIDDEN, 3 * HIDDEN)))
    (a_r, a_z, a_n), (b_r, b_z, b_n) = (
        w.add("Split", each, outputs=3, axis=1, num_outputs=3) for each in (a, b)
    )
    r, z = (w.add("Sigmoid", w.add("Add", *both)) for both in ((a_r, b_r), (a_z, b_z)))
    n = w.add("Tanh", w.add("Add", a_n, w.add("Mul", r, b_n)))
    rest = w.add("Sub", w.store("one", np.float32(1)), z)
    terms = (
        [w.add("Mul", rest, n), w.add("Mul", z, "h")]
        if by_rest
        else [n, w.add("Mul", w.add("Sub", "h", n), z)]
    )
    h = w.add("Add", *(terms if first else terms[::-1]))
    given = {"x": [BATCH, INPUTS], "h": [BATCH, HIDDEN]}
    (layer,) = layers(make_model(w.nodes, w.arrays, given, [h]), tmp_path)
    assert (layer.path, layer.kind, layer.layout) == ("cell", "GRU", None)
    assert (layer.input_size, layer.hidden_size) == (INPUTS, HIDDEN)
    assert layer.parameters == 3 * HIDDEN * (INPUTS + HIDDEN + 1)


def test_a_cell_in_a_scan_is_recognised(tmp_path):
    """As tf2onnx writes a loop: the states go from step to step through the body's outputs."""
    w = Writer()
    h, c = w.equations(**unbiased(w, "x", "h", "ifgo", HIDDEN), c="c")
    w.nodes.append(helper.make_node("Identity", [h], ["y"]))
    infos = [
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [BATCH, HIDDEN]) for n in names]
        for names in (["h", "c", "x"], [h, c, "y"])
    ]
    body = helper.make_graph(w.nodes, "body", *infos)
    zeros = w.store("zeros", np.zeros((BATCH, HIDDEN), "float32"))
    scan = helper.make_node(
        "Scan", [zeros, zeros, "X"], ["h_n", "c_n", "Y"], body=body, num_scan_inputs=1
    )
    model = make_model([scan], w.arrays, {"X": [4, BATCH, HIDDEN]})
    x = draw(4, BATCH, HIDDEN)
    with contents(model, tmp_path) as found:
        (layer,) = found.layers
        np.testing.assert_allclose(run(layer, x).y, evaluate(model, X=x)[0], rtol=2e-5, atol=2e-6)
    assert layer.path == "body/cell"


def test_cells_that_feed_one_another_are_one_layer(tmp_path):
    w = Writer()
    states = w.add("Split", "states", outputs=4, axis=0, num_outputs=4)
    h1, c1, h2, c2 = (w.add("Squeeze", state, w.whole(0)) for state in states)
    first, _ = w.equations(**unbiased(w, "x", h1, "ifgo", HIDDEN), c=c1)
    second = Writer()
    second.count = 100
    y, _ = second.equations(**unbiased(second, first, h2, "ifgo", HIDDEN), c=c2)
    renamed = {name: f"second/{name}" for name in second.arrays}
    for node in second.nodes:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    arrays = w.arrays | {renamed[n]: draw(*a.shape, seed=7) for n, a in second.arrays.items()}
    given = {"x": [BATCH, HIDDEN], "states": [4, BATCH, HIDDEN]}
    model = make_model([*w.nodes, *second.nodes], arrays, given, [y])
    x, states = draw(BATCH, HIDDEN, seed=9), draw(4, BATCH, HIDDEN)
    with contents(model, tmp_path) as found:
        (layer,) = found.layers
        found_y = run(layer, x[None], h=states[::2], c=states[1::2]).y[0]
    (expected,) = evaluate(model, x=x, states=states)
    np.testing.assert_allclose(found_y, expected, rtol=2e-5, atol=2e-6)
    assert (layer.layers, layer.path) == (2, "cell+second/cell")


def changed(model, operator, place, **how):
    """The model with one of its operators replaced."""
    nodes = [node for node in model.graph.node if node.op_type == operator]
    for name, value in how.items():
        setattr(nodes[place], name, value)
    return model


@pytest.mark.parametrize(
    ("operator", "place", "new"),
    [
        ("Sigmoid", 0, "Tanh"),
        ("Tanh", 0, "Sigmoid"),
        ("Tanh", -1, "Relu"),
        ("Sigmoid", -1, "Softplus"),
        ("Add", -1, "Sub"),
    ],
)
def test_other_equations_are_no_lstm(operator, place, new, tmp_path):
    model = changed(one_step(unbiased, "ifgo"), operator, place, op_type=new)
    assert layers(model, tmp_path) == ()


def six(w, z):
    """As Keras 3 has it."""
    clipped = w.add("Clip", w.add("Add", z, w.store("three", np.float32(3))), "zero", "six")
    return w.add("Mul", clipped, w.store("sixth", np.float32(1 / 6)))


def fifth(w, z):
    """As Keras 2 has it."""
    scaled = w.add("Mul", w.store("fifth", np.float32(0.2)), z)
    return w.add("Clip", w.add("Add", scaled, w.store("half", np.float32(0.5))), "zero", "one")


@pytest.mark.parametrize("hard", [six, fifth, lambda w, z: w.add("HardSigmoid", z)])
def test_a_hard_sigmoid_is_refused_with_its_sizes(hard, tmp_path):
    w = Writer(hard)
    for name, number in (("zero", 0), ("one", 1), ("six", 6)):
        w.store(name, np.float32(number))
    h, _ = w.equations(**matmul(w, "x", "h", "ifgo"), c="c")
    given = {"x": [BATCH, INPUTS], "h": [BATCH, HIDDEN], "c": [BATCH, HIDDEN]}
    (layer,) = layers(make_model(w.nodes, w.arrays, given, [h]), tmp_path)
    assert (layer.path, layer.input_size, layer.hidden_size) == ("cell", INPUTS, HIDDEN)
    assert layer.oddities == ("written out in operators", "hard sigmoid")
    assert layer.refusal == "its gates have a hard sigmoid, expected a sigmoid"


def test_a_convolutional_lstm_is_refused(tmp_path):
    w = Writer()
    z = w.add("Conv", "x", w.store("kernel", draw(4 * HIDDEN, INPUTS, 3)))
    h, _ = w.equations(**w.split(z, "ifgo"), c="c")
    given = {"x": [BATCH, INPUTS, 9], "c": [BATCH, HIDDEN, 7]}
    (layer,) = layers(make_model(w.nodes, w.arrays, given, [h]), tmp_path)
    assert layer.refusal == "a written-out cell that can't be read: a gate is computed by Conv"


def test_gates_that_lie_side_by_side_are_refused(tmp_path):
    """Not i of all units first, but i, f, g and o of each unit."""
    w = Writer()
    a = w.add("MatMul", "x", w.store("w", draw(INPUTS, 4 * HIDDEN)))
    z = w.add("Add", a, w.add("MatMul", "h", w.store("r", draw(HIDDEN, 4 * HIDDEN))))
    z = w.add("Reshape", z, w.store("shape", np.array([BATCH, HIDDEN, 4])))
    parts = w.add("Split", z, outputs=4, axis=2, num_outputs=4)
    i, f, g, o = (w.add("Squeeze", part, w.whole(2)) for part in parts)
    h, _ = w.equations(i, f, g, o, c="c")
    given = {"x": [BATCH, INPUTS], "h": [BATCH, HIDDEN], "c": [BATCH, HIDDEN]}
    (layer,) = layers(make_model(w.nodes, w.arrays, given, [h]), tmp_path)
    assert "behind a Reshape, which may mix the gates" in layer.refusal


def test_peepholes_of_a_written_out_cell_are_refused(tmp_path):
    w = Writer()
    z = unbiased(w, "x", "h", "ifgo")
    z["f"] = w.add("Add", z["f"], w.add("Mul", "c", w.store("peephole", draw(HIDDEN))))
    h, _ = w.equations(**z, c="c")
    given = {"x": [BATCH, INPUTS], "h": [BATCH, HIDDEN], "c": [BATCH, HIDDEN]}
    (layer,) = layers(make_model(w.nodes, w.arrays, given, [h]), tmp_path)
    assert layer.refusal.startswith("a written-out cell that can't be read: a gate is computed by")
