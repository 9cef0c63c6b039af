"""Ports of a PyTorch LSTM of 3 inputs and 4 units, one direction or two, in each framework."""

import functools

import gateparity

INPUTS, HIDDEN = 3, 4


def torch_lstm(directions=1, **options):
    import torch

    torch.manual_seed(0)
    lstm = torch.nn.LSTM(INPUTS, HIDDEN, bidirectional=directions == 2, **options)
    optimizer = torch.optim.SGD(lstm.parameters(), 0.1)
    for _ in range(3):  # trained a little, so that both biases count
        lstm(torch.randn(5, 2, INPUTS))[0].square().sum().backward()
        optimizer.step()
    return lstm


def torch_batch_first(directions=1):
    return torch_lstm(directions, batch_first=True)


def torch_cell(_=1):
    import torch

    return torch.nn.LSTMCell(INPUTS, HIDDEN)


def keras_lstm(directions=1, **options):
    import keras

    lstm = keras.layers.LSTM(HIDDEN, **options)
    layer = keras.layers.Bidirectional(lstm) if directions == 2 else lstm
    layer.build((3, None, INPUTS))
    return layer


def keras_cell(_=1):
    import keras

    cell = keras.layers.LSTMCell(HIDDEN)
    cell.build((None, INPUTS))
    return cell


def nnx_lstm(directions=1, kind="OptimizedLSTMCell"):
    from flax import nnx

    rnns = [
        nnx.RNN(getattr(nnx, kind)(INPUTS, HIDDEN, rngs=nnx.Rngs(k))) for k in range(directions)
    ]
    return nnx.Bidirectional(*rnns) if directions == 2 else rnns[0]


def nnx_cell(_=1):
    from flax import nnx

    return nnx.LSTMCell(INPUTS, HIDDEN, rngs=nnx.Rngs(0))


def linen_lstm(directions=1):
    import jax
    import jax.numpy as jnp
    from flax import linen

    rnns = [linen.RNN(linen.OptimizedLSTMCell(HIDDEN)) for _ in range(directions)]
    module = linen.Bidirectional(*rnns) if directions == 2 else rnns[0]
    return module.bind(module.init(jax.random.key(0), jnp.zeros((2, 3, INPUTS))))


def equinox_cell(_=1):
    import equinox
    import jax

    return equinox.nn.LSTMCell(INPUTS, HIDDEN, key=jax.random.key(0))


def onnx_session(directions=1):
    import numpy as np
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    shapes = {"W": (16, INPUTS), "R": (16, HIDDEN), "B": (32,)}
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
            value("X", shape=["T", "B", INPUTS]),
            helper.make_tensor_value_info("lengths", TensorProto.INT32, ["B"]),
            value("h_0", shape=state),
            value("c_0", shape=state),
        ],
        [value("Y", shape=["T", *state]), value("Y_h", shape=state), value("Y_c", shape=state)],
        arrays,
    )
    opset = helper.make_opsetid("", 14)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    return onnxruntime.InferenceSession(model.SerializeToString())


def weights_alone(directions=1):
    return gateparity.read(torch_lstm(directions))


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


def port(make, directions=1, params=None):
    """Return a port of the PyTorch layer, with its weights or with others."""
    weights = gateparity.read(torch_lstm(directions))
    return gateparity.load(weights if params is None else params, into=make(directions))
