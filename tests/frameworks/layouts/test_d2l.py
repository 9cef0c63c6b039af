"""The equations of `LSTMScratch`, as the book prints them, over arrays of its names."""

from __future__ import annotations

import numpy as np

GATES = ("i", "f", "c", "o")


def run(config, params, batch):
    y, h_n, c_n = batch.x, [], []
    for layer in range(config.layers):
        outputs = []
        for k in range(config.directions):
            cell = layer * config.directions + k
            w = f"l{layer}" + ("_reverse." if k else ".")
            H, C, found = batch.states["h"][cell], batch.states["c"][cell], []
            for X in y[::-1] if k else y:
                Z = {
                    n: X @ params[f"{w}W_x{n}"] + H @ params[f"{w}W_h{n}"] + params[f"{w}b_{n}"]
                    for n in GATES
                }
                I, F, O = (1 / (1 + np.exp(-Z[n])) for n in ("i", "f", "o"))
                C = F * C + I * np.tanh(Z["c"])
                H = O * np.tanh(C)
                found.append(H)
            outputs.append(np.stack(found[::-1] if k else found))
            h_n.append(H)
            c_n.append(C)
        y = np.concatenate(outputs, -1)
    return y, np.stack(h_n), np.stack(c_n)


def test_d2l(verify):
    verify("d2l", run)
