"""The book's equations, over arrays of its names."""

from __future__ import annotations

from gateparity.backends.numpy import Scratch


def run(config, params, batch):
    outputs = Scratch().forward(config, params, batch)
    return outputs.y, outputs.h_n, outputs.c_n


def test_d2l(verify):
    verify("d2l", run)
