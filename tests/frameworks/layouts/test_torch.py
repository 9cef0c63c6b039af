"""`torch.nn.LSTM`."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", exc_type=ImportError)


def run(config, params, batch):
    lstm = torch.nn.LSTM(
        config.input_size,
        config.hidden_size,
        config.layers,
        bidirectional=config.directions == 2,
        dtype=getattr(torch, config.dtype),
    )
    lstm.load_state_dict({name: torch.tensor(array) for name, array in params.items()})
    with torch.no_grad():
        states = torch.tensor(batch.states["h"]), torch.tensor(batch.states["c"])
        y, (h_n, c_n) = lstm(torch.tensor(batch.x), states)
    return y, h_n, c_n


def test_torch(verify):
    verify("torch", run)
