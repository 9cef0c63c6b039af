"""`LSTM` of ncnn, from a model file of ours; it runs one sequence, in float32."""

from __future__ import annotations

import numpy as np
import pytest

ncnn = pytest.importorskip("ncnn", exc_type=ImportError)


def run(config, params, batch):
    with_states = [
        "7767517",
        "4 6",
        "Input x 0 1 x",
        "Input h 0 1 h",
        "Input c 0 1 c",
        (
            f"LSTM lstm 3 3 x h c y h_n c_n 0={config.hidden_size} "
            f"1={params['weight_xc'].size} 2={2 if config.directions == 2 else 0}"
        ),
    ]
    net = ncnn.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    net.load_param_mem("\n".join(with_states) + "\n")
    kernels = weights(params)  # the net reads them where they are
    net.load_model_mem(kernels)
    answers = [answer(net, batch, k) for k in range(batch.x.shape[1])]
    y, h_n, c_n = (np.stack(arrays, 1) for arrays in zip(*answers, strict=True))
    return y, h_n, c_n


def weights(params):
    """Each array behind its tag; 0 is plain float32."""
    tag = np.zeros(1, np.int32).tobytes()
    names = ("weight_xc", "bias_c", "weight_hc")
    return b"".join(tag + params[name].tobytes() for name in names)


def answer(net, batch, k):
    extractor = net.create_extractor()
    for name, array in (("x", batch.x), ("h", batch.states["h"]), ("c", batch.states["c"])):
        extractor.input(name, ncnn.Mat(np.ascontiguousarray(array[:, k])).clone())
    return [np.array(extractor.extract(name)[1]) for name in ("y", "h_n", "c_n")]


def test_ncnn(verify):
    verify("ncnn", run, dtypes=["float32"])
