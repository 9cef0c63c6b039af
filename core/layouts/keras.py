"""The layouts of Keras, 3 and 2."""

from __future__ import annotations

from typing import Final

from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.file_names import name_files
from gateparity.packing.layout import Layout
from gateparity.packing.origin import Origin

_ACTIVATIONS: Final = "activations other than tanh and sigmoid"

# One layer for each direction; LSTMCell has the same three arrays.
KERAS: Final = Layout(
    "keras",
    (
        ArraySpec("lstm_{layer}{direction}/lstm_cell/kernel", "w_ih", "input (gate hidden)"),
        ArraySpec(
            "lstm_{layer}{direction}/lstm_cell/recurrent_kernel", "w_hh", "unit (gate hidden)"
        ),
        ArraySpec("lstm_{layer}{direction}/lstm_cell/bias", "b", "(gate hidden)"),
    ),
    origin=Origin(
        "keras.layers.LSTM",
        "https://keras.io/api/layers/recurrent_layers/lstm",
        "keras 3.15.1",
        limits=(_ACTIVATIONS,),
    ),
    files=(
        name_files(
            "h5",
            "Variable.path, and at the end of names in a .h5",
            "lstm{_layer}/lstm_cell/",
            "bidirectional{_layer}/{direction}_lstm{_layer}/lstm_cell/",
            ("kernel", "recurrent_kernel", "bias"),
        ),
        name_files(
            "weights",
            "a .weights.h5 and in a .keras",
            "layers/lstm{_layer}/cell/vars/",
            "layers/bidirectional{_layer}/{direction}_layer/cell/vars/",
            ("0", "1", "2"),
        ),
    ),
)

TF_KERAS: Final = Layout(
    "tf_keras",
    (
        ArraySpec("lstm_{layer}{direction}/lstm_cell/kernel:0", "w_ih", "input (gate hidden)"),
        ArraySpec(
            "lstm_{layer}{direction}/lstm_cell/recurrent_kernel:0", "w_hh", "unit (gate hidden)"
        ),
        ArraySpec("lstm_{layer}{direction}/lstm_cell/bias:0", "b", "(gate hidden)"),
    ),
    origin=Origin(
        "tf_keras.layers.LSTM (Keras 2)",
        "https://www.tensorflow.org/versions/r2.15/api_docs/python/tf/keras/layers/LSTM",
        "tf_keras 2.21.0",
        limits=(_ACTIVATIONS,),
    ),
    files=(
        name_files(
            "h5",
            "Variable.name, and at the end of names in a .h5",
            "lstm{_layer}/lstm_cell/",
            "bidirectional{_layer}/{direction}_lstm{_layer}/lstm_cell/",
            ("kernel:0", "recurrent_kernel:0", "bias:0"),
        ),
    ),
)

# cuDNN's own arrays in the shapes of Keras's: the numbers of a gate's block are those of its
# transpose. Both biases in one array of 8 * hidden: those of the input, then the recurrent ones.
KERAS_CUDNN: Final = Layout(
    "keras_cudnn",
    (
        ArraySpec(
            "cu_dnnlstm_{layer}{direction}/kernel:0",
            "w_ih",
            "input (gate hidden)",
            block="hidden input",
        ),
        ArraySpec(
            "cu_dnnlstm_{layer}{direction}/recurrent_kernel:0",
            "w_hh",
            "unit (gate hidden)",
            block="hidden unit",
        ),
        ArraySpec("cu_dnnlstm_{layer}{direction}/bias:0", "b_pair", "(side gate hidden)"),
    ),
    always_biased=True,
    origin=Origin(
        "tf.compat.v1.keras.layers.CuDNNLSTM",
        "https://www.tensorflow.org/api_docs/python/tf/compat/v1/keras/layers/CuDNNLSTM",
        "tf_keras 2.21.0",
    ),
    files=(
        name_files(
            "h5",
            "Variable.name, and at the end of names in a .h5",
            "cu_dnnlstm{_layer}/",
            "bidirectional{_layer}/{direction}_cu_dnnlstm{_layer}/",
            ("kernel:0", "recurrent_kernel:0", "bias:0"),
        ),
    ),
)
