"""NumPy's LSTM as the lecture builds it up: a cell, a sequence, a batch; at any float dtype."""

from __future__ import annotations

import numpy as np
import pytest

from gateparity.backends.numpy.equations import backward, cell, sequence, sigmoid

T, B, I, H = 6, 4, 3, 5


@pytest.fixture(params=["float32", "float64", "longdouble"])
def weights(request):
    rng = np.random.default_rng(3)
    shapes = {"W_x": (I, H), "W_h": (H, H), "b_": (H,)}
    return {
        prefix + gate: rng.uniform(-1, 1, shape).astype(request.param)
        for prefix, shape in shapes.items()
        for gate in "ifco"
    }


def draw(weights, *shape):
    return np.random.default_rng(len(shape)).uniform(-1, 1, shape).astype(weights["W_xi"].dtype)


def test_a_batch_is_its_sequences_and_a_sequence_its_cells(weights):
    X, H_0, C_0 = draw(weights, T, B, I), draw(weights, B, H), draw(weights, B, H)
    Y, H_n, C_n, _ = sequence(X, H_0, C_0, weights)
    W_x = np.concatenate([weights[f"W_x{g}"] for g in "ifco"], -1)
    W_h = np.concatenate([weights[f"W_h{g}"] for g in "ifco"], -1)
    b = np.concatenate([weights[f"b_{g}"] for g in "ifco"])
    allowed = 100 * np.finfo(X.dtype).eps
    for k in range(B):
        y, h, c, _ = sequence(X[:, k], H_0[k], C_0[k], weights)  # no batch axis at all
        assert abs(y - Y[:, k]).max() < allowed
        assert abs(c - C_n[k]).max() < allowed
        h, c = H_0[k], C_0[k]
        for t in range(T):
            step = cell(X[t, k] @ W_x + b, h, c, W_h)
            h, c = step.H, step.C
            assert abs(h - Y[t, k]).max() < allowed
        assert abs(h - H_n[k]).max() < allowed
    assert Y.dtype == H_n.dtype == C_n.dtype == X.dtype


def test_the_cell_is_the_equations_of_the_book(weights):
    x, h, c = draw(weights, I), draw(weights, H), draw(weights, H) / 2
    z = {g: x @ weights[f"W_x{g}"] + h @ weights[f"W_h{g}"] + weights[f"b_{g}"] for g in "ifco"}
    i, f, o = (1 / (1 + np.exp(-z[g])) for g in "ifo")
    expected_c = f * c + i * np.tanh(z["c"])
    _, found_h, found_c, _ = sequence(x[None], h, c, weights)
    allowed = 100 * np.finfo(x.dtype).eps
    assert abs(found_c - expected_c).max() < allowed
    assert abs(found_h - o * np.tanh(expected_c)).max() < allowed


def test_the_reverse_direction_is_time_reversal(weights):
    X, H_0, C_0 = draw(weights, T, B, I), draw(weights, B, H), draw(weights, B, H)
    Y, H_n, C_n, _ = sequence(X, H_0, C_0, weights, reverse=True)
    Y_back, H_back, C_back, _ = sequence(X[::-1], H_0, C_0, weights)
    for found, expected in ((Y, Y_back[::-1]), (H_n, H_back), (C_n, C_back)):
        assert abs(found - expected).max() < 100 * np.finfo(X.dtype).eps


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("steps", "size"), [(0, B), (T, 0), (0, 0)])
def test_of_no_steps_states_go_through_and_of_no_sequences_nothing_does(
    weights, steps, size, reverse
):
    X, dY = draw(weights, steps, size, I), draw(weights, steps, size, H)
    H_0, C_0 = draw(weights, size, H), draw(weights, size, H) / 2
    Y, H_n, C_n, tape = sequence(X, H_0, C_0, weights, reverse=reverse)
    assert Y.shape == (steps, size, H)
    np.testing.assert_array_equal(H_n, H_0, strict=True)
    np.testing.assert_array_equal(C_n, C_0, strict=True)
    Z, gates, C, state = tape.trace(weights)
    assert Z.shape == gates.shape == (steps, size, 4 * H)
    assert C.shape == state.shape == (steps, size, H)
    dX, dH_0, dC_0, dw = backward(tape, weights, None, dY, C_0, H_0, reverse=reverse)
    np.testing.assert_array_equal(dX, X, strict=True)
    np.testing.assert_array_equal(dH_0, C_0, strict=True)
    np.testing.assert_array_equal(dC_0, H_0, strict=True)
    for name, array in dw.items():
        np.testing.assert_array_equal(array, np.zeros_like(weights[name]), name, strict=True)


def test_sigmoid_saturates_without_a_word():
    found = sigmoid(np.array([-np.inf, -1e5, -800.0, 0, 800, np.inf]))
    assert found.tolist() == [0, 0, 0, 0.5, 1, 1]
    assert sigmoid(np.array([-20.0])) == pytest.approx(2.0611536181902037e-09, rel=1e-15)
