"""Which objects are recurrent layers: by the modules and the names of their classes."""

from __future__ import annotations

from typing import Any, Final

from gateparity.errors import InputError

# The module of a framework's class begins with: the file here that reads it, how users import the
# class, and the classes that are read.
_FRAMEWORKS: Final = {
    "torch.nn.modules.rnn": ("torch", "torch.nn", ("LSTM", "LSTMCell")),
    "keras.src.layers.rnn": ("keras", "keras.layers", ("LSTM", "LSTMCell", "Bidirectional", "RNN")),
    "flax.nnx.nn.recurrent": (
        "nnx",
        "flax.nnx",
        ("RNN", "LSTMCell", "OptimizedLSTMCell", "Bidirectional"),
    ),
    "flax.linen.recurrent": (
        "linen",
        "flax.linen",
        ("RNN", "LSTMCell", "OptimizedLSTMCell", "Bidirectional"),
    ),
    "mxnet.gluon.rnn": ("gluon", "mxnet.gluon.rnn", ("LSTM",)),
    "equinox.nn._rnn": ("equinox", "equinox.nn", ("LSTMCell",)),
    "onnxruntime.capi": ("onnx", "onnxruntime", ("InferenceSession",)),
    "onnx.": ("onnx", "onnx", ("ModelProto",)),
}
# Recurrent too, and not supported yet; other classes in those modules are bases of all kinds.
_OTHERS: Final = ("GRU", "GRUCell", "RNN", "RNNCell", "SimpleRNN", "SimpleRNNCell", "SimpleCell")
# Made from a layer by PyTorch, and no layer with weights of its own any more.
_DERIVED: Final = {"torch.jit.": "compiled by TorchScript", "torch.ao.nn.": "quantized"}


def recognise(target: Any) -> tuple[str, str] | None:
    """Return the file that reads an object and its class's name, or None for no recurrent layer.

    Raise `InputError` for a recurrent layer of another kind, such as a GRU. A subclass is what its
    base is.
    """
    _refuse_derived(target)
    for cls in type(target).__mro__:
        for start, (file, public, classes) in _FRAMEWORKS.items():
            if not cls.__module__.startswith(start):
                continue
            if cls.__name__ in classes:
                return file, cls.__name__
            if _is_recurrent(cls.__name__):
                raise InputError(
                    f"{public}.{cls.__name__} is not supported yet, expected "
                    f"{' or '.join(f'{public}.{name}' for name in classes)}"
                )
    return None


def is_recurrent(target: Any) -> bool:
    """Return whether an object is a recurrent layer, of a kind that is supported or not."""
    try:
        return recognise(target) is not None
    except InputError:
        return True


def _refuse_derived(target: Any) -> None:
    cls = type(target)
    for start, how in _DERIVED.items():
        if not cls.__module__.startswith(start):
            continue
        name = getattr(target, "original_name", cls.__name__)  # of what was compiled
        if str(name).startswith("LSTM"):
            raise InputError(
                f"{cls.__module__}.{cls.__name__} is an {name} that was {how}, "
                "expected the layer that it was made from"
            )


def _is_recurrent(name: str) -> bool:
    return name in _OTHERS or name.startswith(("ConvLSTM", "StackedRNN"))
