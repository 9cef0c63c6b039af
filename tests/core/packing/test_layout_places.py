"""Where every gate of every layout stands, written out by hand from the frameworks' documents."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters

I, H = 2, 3  # input and hidden size
WHOLE = Config(I, H, layers=2, directions=2, dtype="float64")
FLAT = Config(I, H, dtype="float64")
ROWS = {"i": slice(0, 3), "f": slice(3, 6), "g": slice(6, 9), "o": slice(9, 12)}
CELLS = [(0, 0), (0, 1), (1, 0), (1, 1)]  # layer, direction, in the order of h_n


def test_torch_stacks_i_f_g_o_by_rows(layouts):
    params, native = packed(layouts["torch"], WHOLE)
    assert len(native) == 16
    for cell, (layer, reverse) in zip(params, CELLS, strict=True):
        end = f"l{layer}" + ("_reverse" if reverse else "")
        for gate, backends in ROWS.items():
            same(native[f"weight_ih_{end}"][backends], of(cell.w_ih, gate))
            same(native[f"weight_hh_{end}"][backends], of(cell.w_hh, gate))
            same(native[f"bias_ih_{end}"][backends], of(cell.b_ih, gate))
            same(native[f"bias_hh_{end}"][backends], of(cell.b_hh, gate))


def test_mxnet_stacks_i_f_g_o_by_rows(layouts):
    params, native = packed(layouts["mxnet"], WHOLE)
    assert len(native) == 16
    for cell, (layer, reverse) in zip(params, CELLS, strict=True):
        start = ("r" if reverse else "l") + str(layer)
        for gate, backends in ROWS.items():
            same(native[f"{start}_i2h_weight"][backends], of(cell.w_ih, gate))
            same(native[f"{start}_h2h_weight"][backends], of(cell.w_hh, gate))
            same(native[f"{start}_i2h_bias"][backends], of(cell.b_ih, gate))
            same(native[f"{start}_h2h_bias"][backends], of(cell.b_hh, gate))


def test_keras_stands_i_f_g_o_side_by_side(layouts):
    params, native = packed(layouts["keras"], WHOLE)
    assert len(native) == 12
    for cell, (layer, reverse) in zip(params, CELLS, strict=True):
        start = f"lstm_{layer}" + ("_reverse" if reverse else "") + "/lstm_cell"
        for gate, columns in ROWS.items():
            same(native[f"{start}/kernel"][:, columns], of(cell.w_ih, gate).T)
            same(native[f"{start}/recurrent_kernel"][:, columns], of(cell.w_hh, gate).T)
            same(native[f"{start}/bias"][columns], of(cell.b_ih, gate) + of(cell.b_hh, gate))


def test_flax_names_every_gate_and_biases_the_recurrent_side(layouts):
    params, native = packed(layouts["flax"], WHOLE)
    assert len(native) == 48
    for cell, (layer, reverse) in zip(params, CELLS, strict=True):
        start = f"rnn_{layer}" + ("_reverse" if reverse else "") + "/cell"
        for gate in "ifgo":
            same(native[f"{start}/i{gate}/kernel"], of(cell.w_ih, gate).T)
            same(native[f"{start}/h{gate}/kernel"], of(cell.w_hh, gate).T)
            same(native[f"{start}/h{gate}/bias"], of(cell.b_ih, gate) + of(cell.b_hh, gate))


def test_d2l_names_every_gate_and_the_candidate_c(layouts):
    params, native = packed(layouts["d2l"], WHOLE)
    assert len(native) == 48
    for cell, (layer, reverse) in zip(params, CELLS, strict=True):
        start = f"l{layer}" + ("_reverse" if reverse else "")
        for gate, letter in {"i": "i", "f": "f", "g": "c", "o": "o"}.items():
            same(native[f"{start}.W_x{letter}"], of(cell.w_ih, gate).T)
            same(native[f"{start}.W_h{letter}"], of(cell.w_hh, gate).T)
            same(native[f"{start}.b_{letter}"], of(cell.b_ih, gate) + of(cell.b_hh, gate))


def test_chainer_interleaves_g_i_f_o(layouts):
    (cell,), native = packed(layouts["chainer"], FLAT)
    assert len(native) == 3
    for unit in range(H):
        for k, gate in enumerate("gifo"):
            backend = 4 * unit + k
            same(native["upward/W"][backend], of(cell.w_ih, gate)[unit])
            same(native["lateral/W"][backend], of(cell.w_hh, gate)[unit])
            same(native["upward/b"][backend], of(cell.b_ih, gate)[unit] + of(cell.b_hh, gate)[unit])


def test_onnx_stacks_i_o_f_g_and_both_biases_one_after_the_other(layouts):
    params, native = packed(layouts["onnx"], Config(I, H, directions=2, dtype="float64"))
    assert len(native) == 3
    for d, cell in enumerate(params):
        for k, gate in enumerate("iofg"):
            backends = slice(H * k, H * k + H)
            same(native["W"][d, backends], of(cell.w_ih, gate))
            same(native["R"][d, backends], of(cell.w_hh, gate))
            same(native["B"][d, : 4 * H][backends], of(cell.b_ih, gate))
            same(native["B"][d, 4 * H :][backends], of(cell.b_hh, gate))


@pytest.mark.parametrize(
    ("name", "kernel", "bias"),
    [("tf1", "kernel", "bias"), ("haiku", "lstm/linear/w", "lstm/linear/b")],
)
def test_one_kernel_over_x_and_h_stands_i_g_f_o_side_by_side(layouts, name, kernel, bias):
    (cell,), native = packed(layouts[name], FLAT)
    assert len(native) == 2
    for k, gate in enumerate("igfo"):
        columns = slice(H * k, H * k + H)
        added = 1 if gate == "f" else 0  # at run time
        same(native[kernel][:I, columns], of(cell.w_ih, gate).T)
        same(native[kernel][I:, columns], of(cell.w_hh, gate).T)
        same(native[bias][columns] + added, of(cell.b_ih, gate) + of(cell.b_hh, gate))


def test_cudnn_of_keras_holds_the_input_biases_then_the_recurrent_ones(layouts):
    (cell,), native = packed(layouts["keras_cudnn"], FLAT)
    assert len(native) == 3
    for gate, columns in ROWS.items():
        block = native["cu_dnnlstm_0/kernel:0"][:, columns]
        same(block.reshape(H, I), of(cell.w_ih, gate))  # cuDNN reads the block's numbers in a row
        same(native["cu_dnnlstm_0/recurrent_kernel:0"][:, columns], of(cell.w_hh, gate))
        same(native["cu_dnnlstm_0/bias:0"][: 4 * H][columns], of(cell.b_ih, gate))
        same(native["cu_dnnlstm_0/bias:0"][4 * H :][columns], of(cell.b_hh, gate))


def test_ncnn_stacks_i_f_o_g_and_its_bias_has_a_gate_axis(layouts):
    params, native = packed(layouts["ncnn"], Config(I, H, directions=2, dtype="float64"))
    assert len(native) == 3
    for d, cell in enumerate(params):
        for k, gate in enumerate("ifog"):
            same(native["weight_xc"][d, H * k : H * k + H], of(cell.w_ih, gate))
            same(native["weight_hc"][d, H * k : H * k + H], of(cell.w_hh, gate))
            same(native["bias_c"][d, k], of(cell.b_ih, gate) + of(cell.b_hh, gate))


def test_openvino_stacks_f_i_g_o(layouts):
    params, native = packed(layouts["openvino"], Config(I, H, directions=2, dtype="float64"))
    assert len(native) == 3
    for d, cell in enumerate(params):
        for k, gate in enumerate("figo"):
            backends = slice(H * k, H * k + H)
            same(native["W"][d, backends], of(cell.w_ih, gate))
            same(native["R"][d, backends], of(cell.w_hh, gate))
            same(native["B"][d, backends], of(cell.b_ih, gate) + of(cell.b_hh, gate))


def test_chainer_numbers_the_arrays_of_each_cell(layouts):
    params, native = packed(layouts["chainer_nstep"], WHOLE)
    assert len(native) == 64
    for k, cell in enumerate(params):
        for number, gate in enumerate("ifgo"):
            same(native[f"{k}/w{number}"], of(cell.w_ih, gate))
            same(native[f"{k}/w{number + 4}"], of(cell.w_hh, gate))
            same(native[f"{k}/b{number}"], of(cell.b_ih, gate))
            same(native[f"{k}/b{number + 4}"], of(cell.b_hh, gate))


@pytest.mark.parametrize("name", ["mxnet2", "mxnet_rnn", "jax_rnn"])
def test_a_vector_holds_all_kernels_cell_by_cell_and_then_all_biases(layouts, name):
    params, native = packed(layouts[name], WHOLE)
    (vector,) = native.values()
    kernels = [array for cell in params for array in (cell.w_ih, cell.w_hh)]
    biases = [array for cell in params for array in (cell.b_ih, cell.b_hh)]
    same(vector, np.concatenate([array.ravel() for array in kernels + biases]))


def test_nnx_writes_if_with_an_underscore(layouts):
    _, native = packed(layouts["nnx"], FLAT)
    assert list(native) == [
        *(f"rnn_0/cell/{name}/kernel" for name in ("ii", "if_", "ig", "io")),
        *(f"rnn_0/cell/{name}/kernel" for name in ("hi", "hf", "hg", "ho")),
        *(f"rnn_0/cell/{name}/bias" for name in ("hi", "hf", "hg", "ho")),
    ]


def test_the_optimized_cell_of_nnx_fuses_its_gates(layouts):
    params, native = packed(layouts["nnx_optimized"], WHOLE)
    assert len(native) == 12
    for cell, (layer, reverse) in zip(params, CELLS, strict=True):
        start = f"rnn_{layer}" + ("_reverse" if reverse else "") + "/cell"
        for gate, columns in ROWS.items():
            same(native[f"{start}/dense_i/kernel"][:, columns], of(cell.w_ih, gate).T)
            same(native[f"{start}/dense_h/kernel"][:, columns], of(cell.w_hh, gate).T)
            same(
                native[f"{start}/dense_h/bias"][columns], of(cell.b_ih, gate) + of(cell.b_hh, gate)
            )


def test_order_says_nothing_where_every_gate_is_an_array_of_its_own(layouts):
    params, native = packed(layouts["d2l"], FLAT)
    found = dataclasses.replace(layouts["d2l"], order="gofi").pack(params, FLAT)
    assert set(found) == set(native)
    for name, array in native.items():
        same(found[name], array)


def packed(layout, config):
    """Parameters of which no two numbers are equal, and the native arrays."""
    count = iter(range(1, 10**6))

    def array(_, shape):
        return np.array([next(count) for _ in range(np.prod(shape))], config.dtype).reshape(shape)

    params = build_parameters(config, array)
    return params, layout.pack(params, config)


def of(array, gate):
    return array[["i", "f", "g", "o"].index(gate)]


def same(found, expected):
    np.testing.assert_array_equal(found, expected, strict=True)
