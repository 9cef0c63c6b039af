"""`torch.nn.LSTMCell`."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", exc_type=ImportError)


def make(config, params):
    cell = torch.nn.LSTMCell(
        config.input_size, config.hidden_size, dtype=getattr(torch, config.dtype)
    )
    cell.load_state_dict({name: torch.tensor(array) for name, array in params.items()})

    def step(x, h, c):
        with torch.no_grad():
            return cell(torch.tensor(x), (torch.tensor(h), torch.tensor(c)))

    return step


def test_torch_cell(verify_cell):
    verify_cell("torch_cell", make)
