"""PyTorch and Keras layers, and cells, that compute something else with right weights."""

import gateparity
from tests.live.ports import HIDDEN, INPUTS


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
