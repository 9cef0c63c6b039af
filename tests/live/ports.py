"""Ports of a PyTorch LSTM in each framework, with one direction or two."""

import functools

import gateparity

INPUTS, HIDDEN = 3, 4


def torch_lstm(directions=1, inputs=INPUTS, hidden=HIDDEN, layers=1, *, steps=3, **options):
    """Return an LSTM that was trained for some steps, so that both of its biases count."""
    import torch

    torch.manual_seed(0)
    lstm = torch.nn.LSTM(inputs, hidden, layers, bidirectional=directions == 2, **options)
    optimizer = torch.optim.Adam(lstm.parameters(), 0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        x = torch.randn(5, 2, inputs)
        (lstm(x)[0].mean(-1) - x.cumsum(0).mean(-1).tanh()).square().mean().backward()
        optimizer.step()
    return lstm


def torch_batch_first(directions=1, inputs=INPUTS):
    return torch_lstm(directions, inputs, batch_first=True)


def torch_cell(_=1, inputs=INPUTS):
    import torch

    return torch.nn.LSTMCell(inputs, HIDDEN)


def keras_lstm(directions=1, inputs=INPUTS, hidden=HIDDEN, **options):
    import keras

    lstm = keras.layers.LSTM(hidden, **options)
    layer = keras.layers.Bidirectional(lstm) if directions == 2 else lstm
    layer.build((3, None, inputs))
    return layer


def keras_cell(_=1, inputs=INPUTS):
    import keras

    cell = keras.layers.LSTMCell(HIDDEN)
    cell.build((None, inputs))
    return cell


def nnx_lstm(directions=1, inputs=INPUTS, kind="OptimizedLSTMCell"):
    from flax import nnx

    rnns = [
        nnx.RNN(getattr(nnx, kind)(inputs, HIDDEN, rngs=nnx.Rngs(k))) for k in range(directions)
    ]
    return nnx.Bidirectional(*rnns) if directions == 2 else rnns[0]


def nnx_cell(_=1, inputs=INPUTS):
    from flax import nnx

    return nnx.LSTMCell(inputs, HIDDEN, rngs=nnx.Rngs(0))


def linen_lstm(directions=1, inputs=INPUTS):
    from flax import linen

    rnns = [linen.RNN(linen.OptimizedLSTMCell(HIDDEN)) for _ in range(directions)]
    return bound(linen.Bidirectional(*rnns) if directions == 2 else rnns[0], inputs)


def bound(module, inputs=INPUTS):
    import jax
    import jax.numpy as jnp

    return module.bind(module.init(jax.random.key(0), jnp.zeros((2, 3, inputs))))


def equinox_cell(_=1, inputs=INPUTS):
    import equinox
    import jax

    return equinox.nn.LSTMCell(inputs, HIDDEN, key=jax.random.key(0))


def onnx_session(directions=1, inputs=INPUTS):
    import onnxruntime

    return onnxruntime.InferenceSession(onnx_model(directions, inputs).SerializeToString())


def onnx_model(directions=1, inputs=INPUTS):
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    shapes = {"W": (16, inputs), "R": (16, HIDDEN), "B": (32,)}
    arrays = [
        numpy_helper.from_array(np.zeros((directions, *shape), "f"), name)
        for name, shape in shapes.items()
    ]
    names = ["X", "W", "R", "B", "lengths", "h_0", "c_0"]
    direction = "bidirectional" if directions == 2 else "forward"
    node = helper.make_node(
        "LSTM", names, ["Y", "Y_h", "Y_c"], hidden_size=HIDDEN, direction=direction
    )
    state = [directions, "B", HIDDEN]
    value = functools.partial(helper.make_tensor_value_info, elem_type=TensorProto.FLOAT)
    graph = helper.make_graph(
        [node],
        "lstm",
        [
            value("X", shape=["T", "B", inputs]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["B"]),
            value("h_0", shape=state),
            value("c_0", shape=state),
        ],
        [value("Y", shape=["T", *state]), value("Y_h", shape=state), value("Y_c", shape=state)],
        arrays,
    )
    opset = helper.make_opsetid("", 14)
    return helper.make_model(graph, opset_imports=[opset], ir_version=8)


ONE_WAY = {
    "torch": torch_batch_first,
    "torch cell": torch_cell,
    "keras": keras_lstm,
    "keras cell": keras_cell,
    "nnx": nnx_lstm,
    "nnx cell": nnx_cell,
    "linen": linen_lstm,
    "equinox": equinox_cell,
    "onnx": onnx_session,
}
BOTH_WAYS = {
    "torch": torch_batch_first,
    "keras": keras_lstm,
    "nnx": nnx_lstm,
    "linen": linen_lstm,
    "onnx": onnx_session,
}


def port(make, directions=1, weights=None):
    """Return a port of the PyTorch layer, with its weights or with others."""
    return gateparity.load(
        weights or gateparity.read(torch_lstm(directions)), into=make(directions)
    )


def port_stack(make, weights):
    """Return a port of a PyTorch LSTM of two layers, as a stack."""
    return gateparity.load(weights, into=(make(1, INPUTS), make(1, HIDDEN)))
