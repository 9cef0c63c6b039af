"""`flax.linen.LSTMCell`; `OptimizedLSTMCell`, of the same tree, is what the adapter runs."""

from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax", exc_type=ImportError)
pytest.importorskip("flax", exc_type=ImportError)


@pytest.mark.parametrize("kind", ["LSTMCell", "OptimizedLSTMCell"])
def test_flax(verify, kind):
    from flax import linen, traverse_util

    def run(config, params, batch):
        y, h_n, c_n = batch.x, [], []
        for layer in range(config.layers):
            outputs = []
            for k in range(config.directions):
                prefix = f"rnn_{layer}" + ("_reverse/" if k else "/")
                own = {n.removeprefix(prefix): a for n, a in params.items() if n.startswith(prefix)}
                cell = layer * config.directions + k
                rnn = linen.RNN(
                    getattr(linen, kind)(config.hidden_size, param_dtype=config.dtype),
                    time_major=True,
                    return_carry=True,
                    reverse=bool(k),
                    keep_order=True,
                )
                (c, h), found = rnn.apply(
                    {"params": traverse_util.unflatten_dict(own, sep="/")},
                    y,
                    initial_carry=(batch.states["c"][cell], batch.states["h"][cell]),
                )
                outputs.append(found)
                h_n.append(h)
                c_n.append(c)
            y = np.concatenate(outputs, -1)
        return y, np.stack(h_n), np.stack(c_n)

    with jax.enable_x64(True):
        verify("flax", run, backend="jax")
