"""The layouts of PyTorch."""

from __future__ import annotations

from typing import Final

from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.layout import Layout
from gateparity.packing.origin import Origin

TORCH: Final = Layout(
    "torch",
    (
        ArraySpec("weight_ih_l{layer}{direction}", "w_ih", "(gate hidden) input"),
        ArraySpec("weight_hh_l{layer}{direction}", "w_hh", "(gate hidden) unit"),
        ArraySpec("bias_ih_l{layer}{direction}", "b_ih", "(gate hidden)"),
        ArraySpec("bias_hh_l{layer}{direction}", "b_hh", "(gate hidden)"),
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
        ArraySpec("weight_ih", "w_ih", "(gate hidden) input"),
        ArraySpec("weight_hh", "w_hh", "(gate hidden) unit"),
        ArraySpec("bias_ih", "b_ih", "(gate hidden)"),
        ArraySpec("bias_hh", "b_hh", "(gate hidden)"),
    ),
    origin=Origin(
        "torch.nn.LSTMCell",
        "https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTMCell.html",
        "torch 2.13.0",
    ),
)
