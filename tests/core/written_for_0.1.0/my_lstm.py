"""An LSTM whose gates are packed i, g, f, o, with a forget offset of 1."""

import numpy as np

from gateparity import Layout, Outputs, Tensor


class MyLSTM:
    layout = Layout(
        "mine",
        (
            Tensor("kernel", "w", "feature (gate hidden)"),
            Tensor("bias", "b", "(gate hidden)"),
        ),
        order="igfo",
        forget_offset=1.0,
    )
    unsupported = {
        "lengths": "MyLSTM takes full sequences only",
        "empty_sequence": "MyLSTM stacks its outputs, and needs one",
    }

    def forward(self, config, params, batch):
        zeros = np.zeros((batch.x.shape[1], config.hidden_size), config.dtype)
        h = zeros if batch.h_0 is None else batch.h_0[0]
        c = zeros if batch.c_0 is None else batch.c_0[0]
        y = []
        for x in batch.x:
            z = np.concatenate([x, h], -1) @ params["kernel"] + params["bias"]
            i, g, f, o = np.split(z, 4, -1)
            c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            y.append(h)
        return Outputs(np.stack(y), h[None], c[None])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))
