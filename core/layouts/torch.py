"""The layouts of PyTorch."""

from __future__ import annotations

from typing import Final

from gateparity.packing.layout import Layout
from gateparity.packing.origin import Origin
from gateparity.packing.tensor import Tensor

TORCH: Final = Layout(
    "torch",
    (
        Tensor("weight_ih_l{layer}{direction}", "w_ih", "(gate hidden) input"),
        Tensor("weight_hh_l{layer}{direction}", "w_hh", "(gate hidden) unit"),
        Tensor("bias_ih_l{layer}{direction}", "b_ih", "(gate hidden)"),
        Tensor("bias_hh_l{layer}{direction}", "b_hh", "(gate hidden)"),
    ),
    refused=(("weight_hr_l", "it is the projection of an LSTM with proj_size"),),
    origin=Origin(
        "torch.nn.LSTM",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html",
        "torch 2.13.0",
    ),
)

TORCH_CELL: Final = Layout(
    "torch_cell",
    (
        Tensor("weight_ih", "w_ih", "(gate hidden) input"),
        Tensor("weight_hh", "w_hh", "(gate hidden) unit"),
        Tensor("bias_ih", "b_ih", "(gate hidden)"),
        Tensor("bias_hh", "b_hh", "(gate hidden)"),
    ),
    origin=Origin(
        "torch.nn.LSTMCell",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html",
        "torch 2.13.0",
    ),
)
