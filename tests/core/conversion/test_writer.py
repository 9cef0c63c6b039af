"""Generated code does what pack and unpack do, bit for bit, for every ordered pair of layouts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gateparity.conversion.writer import write_conversion
from gateparity.layouts import LAYOUTS
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters
from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.layout import Layout, NotRepresentable

CONFIGS = [
    Config(5, 4),
    Config(5, 4, biases=False),
    Config(5, 4, directions=2),
    Config(5, 4, layers=3),
    Config(5, 4, layers=2, directions=2),
    Config(5, 4, layers=2, directions=2, biases=False),
    Config(1, 1, layers=2, directions=2, dtype="float64"),
]


@pytest.mark.parametrize("source", LAYOUTS.values(), ids=LAYOUTS)
def test_generated_code_does_what_unpack_and_pack_do(source):
    converted = 0
    for target, config in itertools.product(LAYOUTS.values(), CONFIGS):
        if holds(source, config) and holds(target, config):
            native = random_arrays(source, config, target)
            expected = target.pack(source.unpack(native, config), config)
            found = convert(write_conversion(source, target, config), native, config)
            same(found, expected, f"{source.name} to {target.name}, {config}")
            converted += 1
    assert converted >= 2 * len(LAYOUTS)


def files_of(layouts):
    return [(layout, names.key) for layout in layouts for names in layout.files]


@pytest.mark.parametrize(("layout", "key"), files_of(LAYOUTS.values()))
def test_names_in_files_are_converted_as_the_layout_is(layout, key):
    for config in CONFIGS:
        named = layout.named(config, key)
        native = random_arrays(named, config, layout)
        places = dict(zip(named.shapes(config), layout.shapes(config), strict=True))
        to_torch = convert(write_conversion(named, LAYOUTS["torch"], config), native, config)
        expected = layout.unpack({places[name]: a for name, a in native.items()}, config)
        same(to_torch, LAYOUTS["torch"].pack(expected, config), f"{layout.name}:{key}")
        back = convert(write_conversion(LAYOUTS["torch"], named, config), to_torch, config)
        same(back, native, f"{layout.name}:{key}")


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_one_layer_of_a_stack_is_converted_alone(layer):
    converted = 0
    for config in (Config(5, 4, layers=3), Config(5, 4, layers=3, directions=2)):
        one = Config(config.layer_input_size(layer), 4, directions=config.directions)
        for source, target in itertools.product(LAYOUTS.values(), repeat=2):
            if source.vector or target.vector or not (holds(source, one) and holds(target, one)):
                continue
            native = random_arrays(source, one, target)
            expected = target.pack(source.unpack(native, one), one)
            given = of_layer(source, native, config, one, layer)
            code = write_conversion(source, target, config, layer)
            wanted = of_layer(target, expected, config, one, layer)
            same(convert(code, given, one), wanted, f"{source.name} to {target.name}")
            converted += 1
    assert converted > 1000


def of_layer(layout, native, config, one, layer):
    """The arrays of one layer by the names that they have in a stack, if the layout holds one."""
    if not layout.many_layers:
        return native
    names = [array.name for array in layout.native_arrays(config) if array.layer == layer]
    arrays = [native[array.name] for array in layout.native_arrays(one)]
    return dict(zip(names, arrays, strict=True))


def test_one_layer_of_a_vector_is_refused():
    with pytest.raises(NotRepresentable, match="mxnet2 is one vector of all layers"):
        write_conversion(LAYOUTS["mxnet2"], LAYOUTS["onnx"], Config(5, 4, layers=2), 1)


def test_what_it_makes_is_no_view_of_what_it_was_given():
    config = Config(5, 4)
    for source, target in itertools.product(LAYOUTS.values(), repeat=2):
        native = random_arrays(source, config, target)
        found = convert(write_conversion(source, target, config), native, config)
        for made, given in itertools.product(found.values(), native.values()):
            assert not np.shares_memory(made, given), (source.name, target.name)


def test_what_it_is_given_stays_what_it_was():
    config = Config(5, 4)
    for source, target in itertools.product(LAYOUTS.values(), repeat=2):
        native = random_arrays(source, config, target)
        before = {name: array.copy() for name, array in native.items()}
        convert(write_conversion(source, target, config), native, config)
        same(native, before, source.name)


@pytest.mark.parametrize("name", ["flax", "mxnet", "haiku", "keras_cudnn"])
def test_biases_in_an_lstm_without_are_refused_by_the_code(name):
    source, config = LAYOUTS[name], Config(5, 4, biases=False)
    native = {n: np.ones(shape, config.dtype) for n, shape in source.shapes(config).items()}
    code = write_conversion(source, LAYOUTS["torch"], config)
    with pytest.raises(ValueError, match="there are biases, expected zeros"):
        convert(code, native, config)


@pytest.mark.parametrize(
    ("source", "target", "config", "words"),
    [
        ("torch", "tf1", Config(5, 4, layers=2), "tf1 holds 1 layer, found 2"),
        ("haiku", "torch", Config(5, 4, directions=2), "haiku holds 1 direction, found 2"),
    ],
)
def test_what_either_does_not_hold_is_refused(source, target, config, words):
    with pytest.raises(NotRepresentable, match=words):
        write_conversion(LAYOUTS[source], LAYOUTS[target], config)


def test_an_offset_that_no_bias_takes_back_is_refused():
    tensors = (ArraySpec("w", "w", "feature (gate hidden)"), ArraySpec("b", "b", "(gate hidden)"))
    mine = Layout("mine", tensors, forget_offset=1.0)
    with pytest.raises(NotRepresentable, match="nothing to take it back with"):
        write_conversion(LAYOUTS["torch"], mine, Config(5, 4, biases=False))


def test_the_code_names_what_it_converts():
    code = write_conversion(LAYOUTS["torch"], LAYOUTS["keras"], Config(5, 4, layers=2))
    assert code.startswith('"""keras from torch: 2 layers, 1 direction, with biases."""\n')
    assert "keras.layers.LSTM from torch.nn.LSTM" in code


def holds(layout, config):
    layers = layout.many_layers or config.layers == 1
    return layers and (layout.both_directions or config.directions == 1)


def random_arrays(layout, config, other):
    """Biases are eighths where both have an offset: gateparity takes it off and adds it again."""
    draw = np.random.default_rng(0).normal
    exact = layout.forget_offset and other.forget_offset

    def array(_, shape):
        numbers = draw(size=shape).astype(config.dtype)
        return np.round(numbers * 8) / 8 if exact else numbers

    return layout.pack(build_parameters(config, array), config)


def convert(code, native, config):
    module = {}
    exec(code, module)
    vector = "input_size" in code.partition("\n    ")[0]
    sizes = (config.input_size, config.hidden_size) if vector else ()
    return module["convert"](native, *sizes)


def same(found, expected, words):
    assert set(found) == set(expected), words
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, (words, name)
        assert found[name].shape == array.shape, (words, name)
        assert found[name].tobytes() == array.tobytes(), (words, name)
