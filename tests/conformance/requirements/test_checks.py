"""Liars: adapters wrong in one way, each caught by exactly the checks that must catch it.

What each one is caught by follows from what the cases hold: all but `plain` have biases and initial
states; `ragged` and `one_empty` have lengths; both and `deep` have two directions and two layers,
`stacked` two layers; `gates` asks for no outputs and no gradients.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import re
import runpy

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.workers.programs import default_store
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.verdict import Mismatch, judge
from gateparity.conformance.mistakes import mistake
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS, Check
from gateparity.conformance.runs.plan import named_plan
from gateparity.conformance.runs.truths import Truths
from gateparity.errors import Impure
from gateparity.layouts import D2L, TORCH
from gateparity.network.batch import Batch, Gradients, arrays_by_name, map_states, replace_arrays
from gateparity.protocol.canonical import Canonical

SEEDS = 5  # of the search for false alarms

OF_LIARS = {
    "forward": ("sequence", "unit", "plain"),
    "gates": ("sequence", "ragged", "deep"),
    "gradients": ("sequence", "unit", "plain"),
    "lengths": ("ragged", "one_empty"),
    "directions": ("deep",),
    "layers": ("stacked",),
}  # the checks that compare an answer as it is

FORWARD = {"forward/sequence", "forward/unit", "forward/plain"}
GATES = {"gates/sequence", "gates/ragged", "gates/deep"}
GRADIENTS = {"gradients/sequence", "gradients/unit", "gradients/plain"}
LENGTHS, LAYERS = {"lengths/ragged", "lengths/one_empty"}, {"layers/stacked"}
DIRECTIONS = {"directions/deep"}
BOTH = LENGTHS | LAYERS | DIRECTIONS  # outputs and gradients at once
PLAIN = {"forward/plain", "gradients/plain"}
ALL = FORWARD | GATES | GRADIENTS | BOTH

KINDS = {
    "outputs": r"(y|h_n|c_n)(,.*)?",
    "gradients": r"d_.*",
    "trace": r"z|gates|c|h",
    "weights": r"(w_ih|w_hh|1 \+ b) of layer .*",
    "refusals": r".* (one|of|in|with|as|below|past|left) .*",
}  # the names of their arrays
CELLS = {"TWO_DIRECTIONS", "TWO_LAYERS", "TWO_OF_BOTH", "TWO_CELLS"}


class Writes(Scratch):
    """It changes its input where it may."""

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        if batch.x.flags.writeable:
            batch.x[...] = 0
        return found


class Records(Scratch):
    """It keeps the shapes of its inputs."""

    def __init__(self):
        super().__init__()
        self.shapes = []

    def forward(self, config, params, batch):
        self.shapes.append(batch.x.shape)
        return super().forward(config, params, batch)

    def gates(self, config, params, batch):
        self.shapes.append(batch.x.shape)
        return super().gates(config, params, batch)

    def gradients(self, config, params, batch, cotangent):
        self.shapes.append(batch.x.shape)
        return super().gradients(config, params, batch, cotangent)


class WrongInput(Scratch):
    """Right about another problem."""

    def forward(self, config, params, batch):
        return super().forward(config, *self.change(params, batch))

    def gates(self, config, params, batch):
        return super().gates(config, *self.change(params, batch))

    def gradients(self, config, params, batch, cotangent):
        return super().gradients(config, *self.change(params, batch), cotangent)

    def change(self, params, batch):
        return params, batch


class WrongOutput(Scratch):
    """Wrong in the outputs of forward alone."""

    def forward(self, config, params, batch):
        return self.change(super().forward(config, params, batch), config, params, batch)


class WrongGradient(Scratch):
    """Wrong in the gradients alone."""

    def gradients(self, config, params, batch, cotangent):
        return self.change(super().gradients(config, params, batch, cotangent))


def without(batch, name):
    return {n: state for n, state in (batch.states or {}).items() if n != name}


class IgnoresH0(WrongInput):
    def change(self, params, batch):
        return params, dataclasses.replace(batch, states=without(batch, "h"))


class IgnoresC0(WrongInput):
    def change(self, params, batch):
        return params, dataclasses.replace(batch, states=without(batch, "c"))


class SwapsTheInitialStates(WrongInput):
    def change(self, params, batch):
        if batch.states is None:
            return params, batch
        return params, replace_arrays(batch, h_0=batch.states["c"], c_0=batch.states["h"])


class IgnoresLengths(WrongInput):
    def change(self, params, batch):
        return params, dataclasses.replace(batch, lengths=None)


class DropsBiases(WrongInput):
    def change(self, params, batch):
        return {n: a * 0 if ".b_" in n else a for n, a in params.items()}, batch


class OffsetsTheForgetGate(WrongInput):
    def change(self, params, batch):
        return {n: a + 1 if n.endswith(".b_f") else a for n, a in params.items()}, batch


class TransposesTheRecurrentKernels(WrongInput):
    def change(self, params, batch):
        found = {n: a.T if ".W_h" in n else a for n, a in params.items()}
        return found, batch


class SwapsInputAndForgetGates(Scratch):
    layout = dataclasses.replace(D2L, gates=("f", "i", "c", "o"))


class FillsThePadding(WrongOutput):
    """Outputs go on past each length; states don't."""

    def change(self, outputs, config, params, batch):
        if batch.lengths is None:
            return outputs
        padded = Scratch().forward(config, params, dataclasses.replace(batch, lengths=None))
        live = (np.arange(len(batch.x))[:, None] < batch.lengths)[..., None]
        return dataclasses.replace(outputs, y=np.where(live, outputs.y, padded.y))


class ReturnsStatesOfThePaddedEnd(WrongOutput):
    def change(self, outputs, config, params, batch):
        padded = Scratch().forward(config, params, dataclasses.replace(batch, lengths=None))
        return dataclasses.replace(padded, y=outputs.y)


class LeavesReverseOutputsInProcessingOrder(WrongOutput):
    """The top layer's, so that what lies inside is right."""

    def change(self, outputs, config, params, batch):
        y = outputs.y.copy()
        if config.directions == 2:
            y[..., config.hidden_size :] = y[::-1, :, config.hidden_size :]
        return dataclasses.replace(outputs, y=y)


class SwapsDirections(WrongOutput):
    """Side by side in y, reverse first."""

    def change(self, outputs, config, params, batch):
        halves = np.split(outputs.y, config.directions, -1)
        return dataclasses.replace(outputs, y=np.concatenate(halves[::-1], -1))


class StatesOfTheLastLayerOnly(WrongOutput):
    def change(self, outputs, config, params, batch):
        def last(states):
            return np.concatenate([states[-config.directions :]] * config.layers)

        return map_states(outputs, last)


class OrdersStatesByDirection(WrongOutput):
    """All forward ones before all reverse ones; of one layer or direction it is the same."""

    def change(self, outputs, config, params, batch):
        def turn(states):
            shape = (config.layers, config.directions, *states.shape[1:])
            return np.swapaxes(states.reshape(shape), 0, 1).reshape(states.shape)

        return map_states(outputs, turn)


class RunsTheFirstLayerOnly(Scratch):
    """And answers in the right shapes."""

    def forward(self, config, params, batch):
        one = dataclasses.replace(config, layers=1)
        first = map_states(batch, lambda state: state[: config.directions])
        found = super().forward(one, params, first)
        return map_states(found, lambda state: np.concatenate([state] * config.layers))


class ReturnsTheCellState(WrongOutput):
    def change(self, outputs, config, params, batch):
        return replace_arrays(outputs, h_n=outputs.states["c"])


class TracesGatesInAnotherOrder(Scratch):
    """i, f, o, g, as some frameworks pack them."""

    def gates(self, config, params, batch):
        trace = super().gates(config, params, batch)
        return dataclasses.replace(trace, gates=trace.gates[:, :, [0, 1, 3, 2]])


class TracesTheStateBeforeEachStep(Scratch):
    def gates(self, config, params, batch):
        trace = super().gates(config, params, batch)
        return dataclasses.replace(trace, h=np.roll(trace.h, 1, axis=1))


def doubles(parameter):
    """An adapter whose gradient of one array of the first cell is twice what it should be."""

    class Doubles(WrongGradient):
        def change(self, found):
            params = dict(found.params)
            if parameter in params:
                params[parameter] = params[parameter] * 2
            return Gradients(params, found.batch)

    return Doubles


def drops(name):
    """An adapter that has no gradient of x, h_0 or c_0."""

    class Drops(WrongGradient):
        def change(self, found):
            zeros = np.zeros_like(arrays_by_name(found.batch)[name])
            return Gradients(found.params, replace_arrays(found.batch, **{name: zeros}))

    return Drops


class LeavesNoiseInThePadding(Scratch):
    """The gradient of an input past its sequence's end is not zero."""

    def gradients(self, config, params, batch, cotangent):
        found = super().gradients(config, params, batch, cotangent)
        if batch.lengths is None:
            return found
        live = (np.arange(len(batch.x))[:, None] < batch.lengths)[..., None]
        x = np.where(live, found.batch.x, np.asarray(1e-3, config.dtype))
        return Gradients(found.params, Batch(x, found.batch.states))


class IgnoresTheCotangentOfFinalStates(Scratch):
    def gradients(self, config, params, batch, cotangent):
        cotangent = map_states(cotangent, np.zeros_like)
        return super().gradients(config, params, batch, cotangent)


LIARS = [
    (IgnoresH0, ALL - PLAIN),
    (IgnoresC0, ALL - PLAIN),
    (SwapsTheInitialStates, ALL - PLAIN),
    (IgnoresLengths, LENGTHS | {"gates/ragged"}),
    (DropsBiases, ALL - PLAIN),
    (OffsetsTheForgetGate, ALL - PLAIN),
    # A 1 by 1 kernel is its own transpose.
    (TransposesTheRecurrentKernels, ALL - {"forward/unit", "gradients/unit"}),
    (SwapsInputAndForgetGates, ALL),
    (FillsThePadding, LENGTHS),
    (ReturnsStatesOfThePaddedEnd, LENGTHS),
    (LeavesReverseOutputsInProcessingOrder, LENGTHS | DIRECTIONS),
    (SwapsDirections, LENGTHS | DIRECTIONS),
    (StatesOfTheLastLayerOnly, BOTH),
    (OrdersStatesByDirection, LENGTHS | DIRECTIONS),
    (RunsTheFirstLayerOnly, BOTH),
    (ReturnsTheCellState, FORWARD | BOTH),
    (TracesGatesInAnotherOrder, GATES),
    (TracesTheStateBeforeEachStep, GATES),
    (doubles("l0.W_xi"), GRADIENTS | BOTH),
    (doubles("l0.W_hf"), GRADIENTS | BOTH),
    (doubles("l0.b_o"), (GRADIENTS | BOTH) - PLAIN),
    (doubles("l0_reverse.W_hc"), LENGTHS | DIRECTIONS),
    (doubles("l1.W_xc"), BOTH),
    (doubles("l1_reverse.b_i"), LENGTHS | DIRECTIONS),
    (drops("x"), GRADIENTS | BOTH),
    (drops("h_0"), GRADIENTS | BOTH),
    (drops("c_0"), GRADIENTS | BOTH),
    (LeavesNoiseInThePadding, LENGTHS),
    (IgnoresTheCotangentOfFinalStates, GRADIENTS | BOTH),
]
NAMES = [
    *("ignores h_0", "ignores c_0", "swaps initial states", "ignores lengths", "drops biases"),
    *("offsets the forget gate", "transposes recurrent kernels", "swaps i and f"),
    *("fills the padding", "states of the padded end", "reverse in processing order"),
    *("swaps directions", "states of the last layer", "states by direction", "first layer only"),
    *("returns the cell state", "gates in another order", "the state before each step"),
    *(
        "doubles W_xi",
        "doubles W_hf",
        "doubles b_o",
        "doubles reverse W_hc",
        "doubles layer 1 W_xc",
    ),
    *("doubles layer 1 reverse b_i", "no gradient of x", "of h_0", "of c_0"),
    *("noise in padding", "no cotangent of final states"),
]


class Fused:
    """A Scratch whose weights lie as PyTorch's do, in a gate order of one's choice."""

    def __init__(self, order):
        self.layout = dataclasses.replace(TORCH, order=order)

    def forward(self, config, params, batch):
        return Scratch().forward(config, _book(params, config), batch)

    def gates(self, config, params, batch):
        return Scratch().gates(config, _book(params, config), batch)

    def gradients(self, config, params, batch, cotangent):
        found = Scratch().gradients(config, _book(params, config), batch, cotangent)
        native = TORCH.pack(D2L.pullback(found.params, config), config)
        return Gradients(native, found.batch)


class OneBias(Fused):
    """Knows the first of two biases."""

    def __init__(self):
        super().__init__("ifgo")

    def forward(self, config, params, batch):
        return super().forward(config, _one_bias(params), batch)

    def gates(self, config, params, batch):
        return super().gates(config, _one_bias(params), batch)

    def gradients(self, config, params, batch, cotangent):
        return super().gradients(config, _one_bias(params), batch, cotangent)


def _book(params, config):
    """From PyTorch's arrays to the book's, which takes it that gates are ordered i, f, g, o."""
    return D2L.pack(TORCH.unpack(params, config), config)


def _one_bias(params):
    return {n: a * 0 if n.startswith("bias_hh") else a for n, a in params.items()}


@pytest.fixture(scope="module")
def plan():
    return [
        (check, case)
        for check, case in named_plan((), tuple(OF_LIARS), 0)
        if case.name in OF_LIARS[check.name]
    ]


@pytest.fixture(scope="module")
def truths():
    return Truths(default_store())


@pytest.fixture
def caught_by(plan, truths):
    """Which checks, on which cases, tell an adapter from the truth, at each dtype."""

    def catch(adapter):
        found = {"float32": set(), "float64": set()}
        for check, case in plan:
            try:
                judge(check.run(Canonical(adapter), case), truths.of(check, case))
            except Mismatch:
                found[case.config.dtype].add(f"{check.name}/{case.name}")
        return found

    return catch


def test_the_table_names_every_check_and_case(plan):
    assert {f"{check.name}/{case.name}" for check, case in plan} == ALL
    assert len(NAMES) == len(LIARS)


@pytest.mark.parametrize(("liar", "expected"), LIARS, ids=NAMES)
def test_a_liar_is_caught_by_what_must_catch_it(caught_by, liar, expected):
    assert caught_by(liar()) == {"float32": expected, "float64": expected}


@pytest.mark.parametrize(
    "order", [o for o in map("".join, itertools.permutations("ifgo")) if o != "ifgo"]
)
def test_every_wrong_gate_order_is_caught_everywhere(caught_by, order):
    assert caught_by(Fused(order)) == {"float32": ALL, "float64": ALL}


def test_half_a_bias_is_caught_wherever_there_are_biases(caught_by):
    assert caught_by(OneBias()) == {"float32": ALL - PLAIN, "float64": ALL - PLAIN}


@pytest.mark.parametrize("adapter", [Scratch(), Fused("ifgo")], ids=["d2l", "torch"])
def test_the_honest_are_not_caught(caught_by, adapter):
    assert caught_by(adapter) == {"float32": set(), "float64": set()}


def test_weights_cut_to_tf32_are_caught(caught_by):
    """10 bits of mantissa where float32 has 23."""

    class Tf32(WrongInput):
        def change(self, params, batch):
            def cut(array):
                if array.dtype != np.float32:
                    return array
                return (array.view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32)

            return {n: cut(a) for n, a in params.items()}, batch

    assert caught_by(Tf32()) == {"float32": ALL, "float64": set()}


def test_no_false_alarms():
    """NumPy agrees with the truth at every seed."""
    for seed in range(SEEDS):
        truths = Truths(default_store())
        for check, case in named_plan((), (), seed):
            found = check.run(Canonical(Scratch()), case)
            judge(found, truths.of(check, case))


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_is_a_numbered_requirement(name):
    assert CHECKS[name].requirement.__name__ == name
    assert re.match(r"\d+\. [A-Z]", CHECKS[name].requirement.__doc__)


def test_checks_stand_in_the_order_of_their_numbers():
    numbers = [int(check.requirement.__doc__.split(".")[0]) for check in CHECKS.values()]
    assert numbers == list(range(1, 18))


def test_arrays_are_named_by_layer_and_direction(plan):
    check, case = next((check, case) for check, case in plan if check.name == "directions")
    assert list(check.run(Truth(), case))[:22] == [
        *("y", "h_n", "c_n"),
        *(
            f"d_{name} of layer {layer}{reverse}"
            for layer in (0, 1)
            for reverse in ("", ", reverse")
            for name in ("w_ih", "w_hh", "b_ih", "b_hh")
        ),
        *("d_x", "d_h_0", "d_c_0"),
    ]


def test_an_answer_of_the_wrong_shape_is_no_answer(plan):
    class LastLayer(WrongOutput):
        def change(self, outputs, config, params, batch):
            return replace_arrays(outputs, h_n=outputs.states["h"][-1:])

    check, case = next((check, case) for check, case in plan if check.name == "layers")
    with pytest.raises(ValueError, match=r"^h_n has shape \(1, 3, 6\), expected \(2, 3, 6\)$"):
        check.run(Canonical(LastLayer()), case)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_check_declares_what_it_compares(check):
    found = check.run(Truth(), RECIPES[check.cases[0]].build(check.dtypes[0], 0))
    kinds = [next(k for k, names in KINDS.items() if re.fullmatch(names, name)) for name in found]
    assert set(kinds) == {*check.compares} - {"side effects", "calls"}  # which raise Impure


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_check_declares_whether_it_sees_side_effects(check):
    case = RECIPES[check.cases[0]].build(check.dtypes[0], 0)
    found = pytest.raises(Impure) if "side effects" in check.compares else contextlib.nullcontext()
    with found:
        check.run(Canonical(Writes()), case)


@pytest.mark.parametrize("check", [c for c in CHECKS.values() if c.computes], ids=lambda c: c.name)
def test_a_check_declares_whether_it_runs_several_sequences_of_several_steps(check):
    lstm = Records()
    for case in check.cases:
        check.run(Canonical(lstm), RECIPES[case].build(check.dtypes[0], 0))
    assert any(min(shape[:2]) > 1 for shape in lstm.shapes) == check.whole


def test_a_new_check_is_among_those_that_catch_a_mistake(monkeypatch):
    requirement = CHECKS["forward"].requirement
    own = Check("own", requirement, ("deep",), ("gradients", "trace"), whole=False)
    monkeypatch.setitem(CHECKS, own.name, own)
    sets = runpy.run_path(mistake.__file__)
    named = {
        name for name, found in sets.items() if isinstance(found, frozenset) and "own" in found
    }
    assert named == {"GRADIENTS", "ANSWERS", "TRACE", "COMPUTES", *CELLS}
