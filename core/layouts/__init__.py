"""The layouts of frameworks and formats, as readable data: names, contents, orders of axes."""

from __future__ import annotations

from typing import Final

from gateparity.layouts.book import D2L
from gateparity.layouts.exchange import COREML, NCNN, ONNX, OPENVINO, TFLITE, WEBNN
from gateparity.layouts.jax import EQUINOX, FLAX, HAIKU, JAX_RNN, NNX, NNX_OPTIMIZED
from gateparity.layouts.keras import KERAS, KERAS_CUDNN, TF_KERAS
from gateparity.layouts.mxnet import MXNET, MXNET2, MXNET_CELL, MXNET_RNN
from gateparity.layouts.others import BURN, CHAINER, CHAINER_NSTEP, MLX, PADDLE, TINYGRAD
from gateparity.layouts.tensorflow import BLOCK_LSTM, BLOCK_LSTM2, SONNET, TF1
from gateparity.layouts.torch import TORCH, TORCH_CELL

# What adapters name; all others are found in LAYOUTS.
__all__ = ["D2L", "FLAX", "KERAS", "LAYOUTS", "MXNET", "MXNET2", "NNX", "NNX_OPTIMIZED", "TORCH"]

LAYOUTS: Final = {
    layout.name: layout
    for layout in (
        *(D2L, TORCH, TORCH_CELL),
        *(KERAS, TF_KERAS, KERAS_CUDNN, TF1, BLOCK_LSTM, BLOCK_LSTM2, SONNET),
        *(FLAX, NNX, NNX_OPTIMIZED, JAX_RNN, HAIKU, EQUINOX),
        *(MXNET, MXNET2, MXNET_RNN, MXNET_CELL),
        *(ONNX, OPENVINO, NCNN, COREML, TFLITE, WEBNN),
        *(PADDLE, MLX, TINYGRAD, CHAINER, CHAINER_NSTEP, BURN),
    )
}
