"""The layouts of JAX and of libraries built on it: Flax, Haiku, Equinox."""

from __future__ import annotations

from typing import Final

from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.file_names import name_files
from gateparity.packing.layout import Layout
from gateparity.packing.origin import Origin

_ENDS: Final = ("i{gate}/kernel", "h{gate}/kernel", "h{gate}/bias")
_SEQUENTIAL: Final = "an nnx.Sequential of RNN or Bidirectional"

# LSTMCell has the same tree: one array a gate, and the bias stands on the recurrent side alone,
# whether wanted or not.
FLAX: Final = Layout(
    "flax",
    (
        ArraySpec("rnn_{layer}{direction}/cell/i{gate}/kernel", "w_ih", "input hidden"),
        ArraySpec("rnn_{layer}{direction}/cell/h{gate}/kernel", "w_hh", "unit hidden"),
        ArraySpec("rnn_{layer}{direction}/cell/h{gate}/bias", "b", "hidden"),
    ),
    always_biased=True,
    origin=Origin(
        "flax.linen.OptimizedLSTMCell and LSTMCell",
        "https://flax-linen.readthedocs.io/en/latest/api_reference/flax.linen/layers.html",
        "flax 0.12.8",
        states="c, h",
    ),
    files=(
        name_files(
            "compact",
            "a module that makes its cells in a call",
            "OptimizedLSTMCell_{cell}/",
            "OptimizedLSTMCell_{cell}/",
            _ENDS,
        ),
        name_files(
            "sequential",
            "an nn.Sequential of RNN or Bidirectional",
            "layers_{layer}/cell/",
            "layers_{layer}/{direction}_rnn/cell/",
            _ENDS,
        ),
    ),
)

# `if` is a keyword of Python, so that one attribute has an underscore.
NNX: Final = Layout(
    "nnx",
    (
        ArraySpec(
            "rnn_{layer}{direction}/cell/i{gate}/kernel",
            "w_ih",
            "input hidden",
            gates=("i", "f_", "g", "o"),
        ),
        ArraySpec("rnn_{layer}{direction}/cell/h{gate}/kernel", "w_hh", "unit hidden"),
        ArraySpec("rnn_{layer}{direction}/cell/h{gate}/bias", "b", "hidden"),
    ),
    always_biased=True,
    origin=Origin(
        "flax.nnx.LSTMCell",
        "https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/nn/recurrent.html",
        "flax 0.12.8",
        states="c, h",
    ),
    files=(
        name_files(
            "sequential",
            _SEQUENTIAL,
            "layers/{layer}/cell/",
            "layers/{layer}/{direction}_rnn/cell/",
            _ENDS,
        ),
    ),
)

# Not the tree of linen's class of that name: its gates are fused.
NNX_OPTIMIZED: Final = Layout(
    "nnx_optimized",
    (
        ArraySpec("rnn_{layer}{direction}/cell/dense_i/kernel", "w_ih", "input (gate hidden)"),
        ArraySpec("rnn_{layer}{direction}/cell/dense_h/kernel", "w_hh", "unit (gate hidden)"),
        ArraySpec("rnn_{layer}{direction}/cell/dense_h/bias", "b", "(gate hidden)"),
    ),
    always_biased=True,
    origin=Origin(
        "flax.nnx.OptimizedLSTMCell",
        "https://flax.readthedocs.io/en/latest/api_reference/flax.nnx/nn/recurrent.html",
        "flax 0.12.8",
        states="c, h",
    ),
    files=(
        name_files(
            "sequential",
            _SEQUENTIAL,
            "layers/{layer}/cell/",
            "layers/{layer}/{direction}_rnn/cell/",
            ("dense_i/kernel", "dense_h/kernel", "dense_h/bias"),
        ),
    ),
)

# cuDNN's own order. A cell is one of its pseudo-layers: forward 0, reverse 0, forward 1...
JAX_RNN: Final = Layout(
    "jax_rnn",
    (
        ArraySpec("W_ih[{cell}]", "w_ih", "(gate hidden) input"),
        ArraySpec("W_hh[{cell}]", "w_hh", "(gate hidden) unit"),
        ArraySpec("b_ih[{cell}]", "b_ih", "(gate hidden)"),
        ArraySpec("b_hh[{cell}]", "b_hh", "(gate hidden)"),
    ),
    always_biased=True,
    vector="weights",
    origin=Origin(
        "jax.experimental.rnn",
        "https://docs.jax.dev/en/latest/jax.experimental.rnn.html",
        "jax 0.10.2",
        limits=("AMD GPUs, on which MIOpen takes the gates as i, f, o, g",),
    ),
)

# One kernel over [x, h]; 1 is added to the forget gate, always.
HAIKU: Final = Layout(
    "haiku",
    (
        ArraySpec("lstm{_layer}/linear/w", "w", "feature (gate hidden)"),
        ArraySpec("lstm{_layer}/linear/b", "b", "(gate hidden)"),
    ),
    order="igfo",
    always_biased=True,
    forget_offset=1.0,
    origin=Origin(
        "haiku.LSTM",
        "https://dm-haiku.readthedocs.io/en/latest/api.html#lstm",
        "dm-haiku 0.0.17",
    ),
)

EQUINOX: Final = Layout(
    "equinox",
    (
        ArraySpec("weight_ih", "w_ih", "(gate hidden) input"),
        ArraySpec("weight_hh", "w_hh", "(gate hidden) unit"),
        ArraySpec("bias", "b", "(gate hidden)"),
    ),
    origin=Origin(
        "equinox.nn.LSTMCell",
        "https://docs.kidger.site/equinox/api/nn/rnn",
        "equinox 0.13.8",
    ),
)
