"""Flax, Equinox and ONNX Runtime objects that compute something else with right weights."""

import numpy as np

import gateparity
from tests.live import ports
from tests.live.ports import HIDDEN, INPUTS


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
