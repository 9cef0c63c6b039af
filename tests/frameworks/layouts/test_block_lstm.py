"""`tf.raw_ops.BlockLSTM`, which takes float32."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", exc_type=ImportError)


def run(config, params, batch):
    peephole = np.zeros(config.hidden_size, config.dtype)
    found = tf.raw_ops.BlockLSTM(
        seq_len_max=len(batch.x),
        x=batch.x,
        cs_prev=batch.states["c"][0],
        h_prev=batch.states["h"][0],
        w=params["w"],
        b=params["b"],
        wci=peephole,
        wcf=peephole,
        wco=peephole,
        cell_clip=0,
    )
    return found.h, found.h[-1:], found.cs[-1:]


def test_block_lstm(verify):
    verify("block_lstm", run, dtypes=["float32"], backend="tensorflow")
