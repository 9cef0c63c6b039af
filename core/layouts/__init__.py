"""The layouts of the adapters, read aloud: name, role, and how the axes lie."""

from __future__ import annotations

from typing import Final

from gateparity.layout import Layout, Tensor

# One array a gate, x @ W; the candidate gate is called c (https://d2l.ai/chapter_recurrent-modern/lstm.html).
# The book has one layer in one direction; the prefix makes room for more.
D2L: Final = Layout(
    "d2l",
    (
        Tensor("l{layer}{direction}.W_x{gate}", "w_ih", "input hidden"),
        Tensor("l{layer}{direction}.W_h{gate}", "w_hh", "unit hidden"),
        Tensor("l{layer}{direction}.b_{gate}", "b", "hidden"),
    ),
    gates=("i", "f", "c", "o"),
)

# https://pytorch.org/docs/stable/generated/torch.nn.LSTM.html
TORCH: Final = Layout(
    "torch",
    (
        Tensor("weight_ih_l{layer}{direction}", "w_ih", "(gate hidden) input"),
        Tensor("weight_hh_l{layer}{direction}", "w_hh", "(gate hidden) unit"),
        Tensor("bias_ih_l{layer}{direction}", "b_ih", "(gate hidden)"),
        Tensor("bias_hh_l{layer}{direction}", "b_hh", "(gate hidden)"),
    ),
    refused=(("weight_hr_l", "it is the projection of an LSTM with proj_size"),),
)

# https://keras.io/api/layers/recurrent_layers/lstm; one layer for each direction.
KERAS: Final = Layout(
    "keras",
    (
        Tensor("lstm_{layer}{direction}/lstm_cell/kernel", "w_ih", "input (gate hidden)"),
        Tensor("lstm_{layer}{direction}/lstm_cell/recurrent_kernel", "w_hh", "unit (gate hidden)"),
        Tensor("lstm_{layer}{direction}/lstm_cell/bias", "b", "(gate hidden)"),
    ),
)

# https://flax.readthedocs.io (linen.OptimizedLSTMCell, the same tree as LSTMCell): one array a
# gate, and the bias stands on the recurrent side alone, whether wanted or not.
FLAX: Final = Layout(
    "flax",
    (
        Tensor("rnn_{layer}{direction}/cell/i{gate}/kernel", "w_ih", "input hidden"),
        Tensor("rnn_{layer}{direction}/cell/h{gate}/kernel", "w_hh", "unit hidden"),
        Tensor("rnn_{layer}{direction}/cell/h{gate}/bias", "b", "hidden"),
    ),
    always_biased=True,
)

# https://mxnet.apache.org/versions/1.9.1 (gluon.rnn.LSTM): l and r for left to right and back;
# it has no option to leave its biases out.
MXNET: Final = Layout(
    "mxnet",
    (
        Tensor("{direction}{layer}_i2h_weight", "w_ih", "(gate hidden) input"),
        Tensor("{direction}{layer}_h2h_weight", "w_hh", "(gate hidden) unit"),
        Tensor("{direction}{layer}_i2h_bias", "b_ih", "(gate hidden)"),
        Tensor("{direction}{layer}_h2h_bias", "b_hh", "(gate hidden)"),
    ),
    directions=("l", "r"),
    always_biased=True,
    refused=(("_h2r_weight", "it is the projection of an LSTM with projection_size"),),
)

LAYOUTS: Final = {layout.name: layout for layout in (D2L, TORCH, KERAS, FLAX, MXNET)}
