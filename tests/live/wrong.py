"""Ports that are wrong in one way, in every framework: with wrong weights, or with a wrong call.

`WEIGHTS` changes weights, which any framework can hold. `CALLS` has for each framework classes that
compute something else with right weights, and `INEXPRESSIBLE` says why a framework has none.
"""

import dataclasses

import numpy as np

import gateparity
from gateparity.network.parameters import fields
from tests.live import ports
from tests.live.ports import HIDDEN, INPUTS


def reordered(cell):
    order = ["ifgo".index(gate) for gate in "iofg"]
    return dataclasses.replace(cell, **{n: a[order] for n, a in fields(cell).items()})


def without_b_hh(cell):
    return dataclasses.replace(cell, b_hh=np.zeros_like(cell.b_hh))


def transposed(cell):
    return dataclasses.replace(cell, w_hh=np.ascontiguousarray(cell.w_hh.swapaxes(1, 2)))


WEIGHTS = {
    "gate order": (reordered, "the gates of layer 1 in the order i, o, f, g"),
    "recurrent bias": (without_b_hh, "the recurrent bias of layer 1 left out"),
    "W_hh transposed": (transposed, "W_hh of layer 1 transposed"),
}

EXCHANGED = "h_0 and c_0 exchanged"
NOT_REVERSED = "backward layer not reversed"
NOT_FLIPPED = "outputs not flipped back"
BATCH_FIRST = "batch-first confused"

SENTENCES = {
    EXCHANGED: "b behaves exactly as if h_0 and c_0 had changed places",
    NOT_REVERSED: "b behaves exactly as if the reverse direction ran from the first step to the",
    NOT_FLIPPED: "b behaves exactly as if the reverse direction's outputs began with its own first",
    BATCH_FIRST: r"b behaves exactly as if x and y were \(batch, time, features\): batch-first was",
}
# A cell is called step by step, so it takes one state for the other at every step.
_OF_CELLS = {EXCHANGED: "b behaves exactly as if h and c had changed places at every step"}
CELL_SENTENCES = dict.fromkeys(("torch cell", "keras cell", "nnx cell", "equinox"), _OF_CELLS)


def torch_exchanged(right):
    import torch

    class Exchanged(torch.nn.LSTM):
        def forward(self, x, states):
            return super().forward(x, states[::-1])

    return _torch(Exchanged, right)


def torch_not_reversed(right):
    import torch

    class NotReversed(torch.nn.LSTM):
        def forward(self, x, states):
            y, (h, c) = super().forward(x, states)
            if not torch.is_tensor(x):
                return y, (h, c)
            turned, (h_t, c_t) = super().forward(x.flip(0), states)
            y = torch.cat([y[..., :HIDDEN], turned[..., HIDDEN:].flip(0)], -1)
            return y, (torch.stack([h[0], h_t[1]]), torch.stack([c[0], c_t[1]]))

    return _torch(NotReversed, right)


def torch_not_flipped(right):
    import torch

    class NotFlippedBack(torch.nn.LSTM):
        def forward(self, x, states):
            y, found = super().forward(x, states)
            if not torch.is_tensor(y):
                return y, found
            forward, reverse = y.chunk(2, -1)
            return torch.cat([forward, reverse.flip(0)], -1), found

    return _torch(NotFlippedBack, right)


def torch_batch_first(right):
    import torch

    class Confused(torch.nn.LSTM):
        def forward(self, x, states):
            if not torch.is_tensor(x):
                return super().forward(x, states)
            y, found = super().forward(x.transpose(0, 1), states)
            return y.transpose(0, 1), found

    return _torch(Confused, right)


def _torch(kind, right):
    layer = kind(INPUTS, HIDDEN, bidirectional=right.config.directions == 2)
    return gateparity.load(right, into=layer)


def torch_cell_exchanged(right):
    import torch

    class Exchanged(torch.nn.LSTMCell):
        def forward(self, x, states):
            return super().forward(x, states[::-1])

    return gateparity.load(right, into=Exchanged(INPUTS, HIDDEN))


def keras_exchanged(right):
    import keras

    class Exchanged(keras.layers.LSTM):
        def call(self, x, initial_state=None, **options):
            return super().call(x, initial_state=initial_state[::-1], **options)

    return _keras(Exchanged(HIDDEN), right)


def keras_not_reversed(right):
    import keras

    class NotReversed(keras.layers.Bidirectional):
        def call(self, x, **options):
            self.backward_layer.go_backwards = False
            y, *states = super().call(x, **options)
            reverse = keras.ops.flip(y[..., HIDDEN:], axis=1)  # what Bidirectional flips back
            return keras.ops.concatenate([y[..., :HIDDEN], reverse], -1), *states

    return _keras(NotReversed(keras.layers.LSTM(HIDDEN)), right)


def keras_not_flipped(right):
    import keras

    class NotFlippedBack(keras.layers.Bidirectional):
        def call(self, x, **options):
            y, *states = super().call(x, **options)
            reverse = keras.ops.flip(y[..., HIDDEN:], axis=1)
            return keras.ops.concatenate([y[..., :HIDDEN], reverse], -1), *states

    return _keras(NotFlippedBack(keras.layers.LSTM(HIDDEN)), right)


def keras_batch_first(right):
    import keras

    class Confused(keras.layers.LSTM):
        def call(self, x, **options):
            y, *states = super().call(keras.ops.transpose(x, (1, 0, 2)), **options)
            return keras.ops.transpose(y, (1, 0, 2)), *states

    return _keras(Confused(HIDDEN), right)


def _keras(layer, right):
    layer.build((3, None, INPUTS))
    return gateparity.load(right, into=layer)


def keras_cell_exchanged(right):
    import keras

    class Exchanged(keras.layers.LSTMCell):
        def call(self, x, states, **options):
            return super().call(x, states[::-1], **options)

    cell = Exchanged(HIDDEN)
    cell.build((None, INPUTS))
    return gateparity.load(right, into=cell)


def nnx_exchanged(right):
    from flax import nnx

    class Exchanged(nnx.RNN):
        def __call__(self, x, *, initial_carry, **options):
            return super().__call__(x, initial_carry=initial_carry[::-1], **options)

    return gateparity.load(right, into=Exchanged(ports.nnx_lstm().cell))


def nnx_not_reversed(right):
    return _nnx_reverse(right, {"reverse": False})


def nnx_not_flipped(right):
    return _nnx_reverse(right, {"keep_order": False})


def _nnx_reverse(right, changed):
    from flax import nnx

    class Wrong(nnx.RNN):
        def __call__(self, x, **options):
            return super().__call__(x, **{**options, **changed})

    layer = ports.nnx_lstm(2)
    layer.backward_rnn = Wrong(layer.backward_rnn.cell)
    return gateparity.load(right, into=layer)


def nnx_batch_first(right):
    from flax import nnx

    class Confused(nnx.RNN):
        def __call__(self, x, *, time_major, **options):
            return super().__call__(x, time_major=not time_major, **options)

    return gateparity.load(right, into=Confused(ports.nnx_lstm().cell))


def nnx_cell_exchanged(right):
    from flax import nnx

    class Exchanged(nnx.LSTMCell):
        def __call__(self, carry, x):
            return super().__call__(carry[::-1], x)

    return gateparity.load(right, into=Exchanged(INPUTS, HIDDEN, rngs=nnx.Rngs(0)))


def linen_exchanged(right):
    from flax import linen

    class Exchanged(linen.RNN):
        def __call__(self, x, *, initial_carry=None, **options):
            carry = initial_carry and initial_carry[::-1]
            return super().__call__(x, initial_carry=carry, **options)

    return _linen(Exchanged(linen.OptimizedLSTMCell(HIDDEN)), right)


def linen_not_reversed(right):
    return _linen_reverse(right, {"reverse": False})


def linen_not_flipped(right):
    return _linen_reverse(right, {"keep_order": False})


def _linen_reverse(right, changed):
    from flax import linen

    class Wrong(linen.RNN):
        def __call__(self, x, **options):
            return super().__call__(x, **{**options, **changed})

    forward, reverse = (linen.OptimizedLSTMCell(HIDDEN) for _ in range(2))
    return _linen(linen.Bidirectional(linen.RNN(forward), Wrong(reverse)), right)


def linen_batch_first(right):
    from flax import linen

    class Confused(linen.RNN):
        def __call__(self, x, *, time_major=False, **options):
            return super().__call__(x, time_major=not time_major, **options)

    return _linen(Confused(linen.OptimizedLSTMCell(HIDDEN)), right)


def _linen(module, right):
    return gateparity.load(right, into=ports.bound(module))


def equinox_exchanged(right):
    import equinox
    import jax

    class Exchanged(equinox.nn.LSTMCell):
        def __call__(self, x, hidden, *, key=None):
            return super().__call__(x, hidden[::-1], key=key)

    return gateparity.load(right, into=Exchanged(INPUTS, HIDDEN, key=jax.random.key(0)))


def onnx_exchanged(right):
    def run(session, names, feeds):
        return session(names, {**feeds, "h_0": feeds["c_0"], "c_0": feeds["h_0"]})

    return _onnx(run, right)


def onnx_not_reversed(right):
    def run(session, names, feeds):
        y, *states = session(names, feeds)
        if (feeds["lengths"] < len(feeds["X"])).any():
            return [y, *states]
        turned, *others = session(names, {**feeds, "X": feeds["X"][::-1].copy()})
        y[:, 1] = turned[::-1, 1]
        for state, other in zip(states, others, strict=True):
            state[1] = other[1]
        return [y, *states]

    return _onnx(run, right)


def onnx_not_flipped(right):
    def run(session, names, feeds):
        y, *states = session(names, feeds)
        if (feeds["lengths"] == len(feeds["X"])).all():
            y[:, 1] = y[::-1, 1].copy()
        return [y, *states]

    return _onnx(run, right)


def onnx_batch_first(right):
    def run(session, names, feeds):
        x = np.ascontiguousarray(feeds["X"].swapaxes(0, 1))
        y, *states = session(names, {**feeds, "X": x})
        return [np.ascontiguousarray(y.swapaxes(0, 2)), *states]

    return _onnx(run, right)


def _onnx(run, right):
    """Return a session whose call is wrapped: a node has its mistakes in its caller alone."""
    import onnxruntime

    class Wrong(onnxruntime.InferenceSession):
        def run(self, names, feeds, *options):
            return run(super().run, names, feeds, *options)

    session = gateparity.load(right, into=ports.onnx_session(right.config.directions))
    return Wrong(session._model_bytes)


CALLS = {
    "torch": {
        EXCHANGED: torch_exchanged,
        NOT_REVERSED: torch_not_reversed,
        NOT_FLIPPED: torch_not_flipped,
        BATCH_FIRST: torch_batch_first,
    },
    "torch cell": {EXCHANGED: torch_cell_exchanged},
    "keras": {
        EXCHANGED: keras_exchanged,
        NOT_REVERSED: keras_not_reversed,
        NOT_FLIPPED: keras_not_flipped,
        BATCH_FIRST: keras_batch_first,
    },
    "keras cell": {EXCHANGED: keras_cell_exchanged},
    "nnx": {
        EXCHANGED: nnx_exchanged,
        NOT_REVERSED: nnx_not_reversed,
        NOT_FLIPPED: nnx_not_flipped,
        BATCH_FIRST: nnx_batch_first,
    },
    "nnx cell": {EXCHANGED: nnx_cell_exchanged},
    "linen": {
        EXCHANGED: linen_exchanged,
        NOT_REVERSED: linen_not_reversed,
        NOT_FLIPPED: linen_not_flipped,
        BATCH_FIRST: linen_batch_first,
    },
    "equinox": {EXCHANGED: equinox_exchanged},
    "onnx": {
        EXCHANGED: onnx_exchanged,
        NOT_REVERSED: onnx_not_reversed,
        NOT_FLIPPED: onnx_not_flipped,
        BATCH_FIRST: onnx_batch_first,
    },
}

_CELL = {
    NOT_REVERSED: "a cell runs in one direction, and its caller chooses it",
    NOT_FLIPPED: "a cell returns the outputs of one step, which have no order",
    BATCH_FIRST: "a cell takes one step, which has no axis of time",
}
INEXPRESSIBLE = dict.fromkeys(("torch cell", "keras cell", "nnx cell", "equinox"), _CELL)
