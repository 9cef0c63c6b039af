"""Liars: adapters that do something beside answering. Each is caught, and the array is named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.errors import Impure, Unsupported
from gateparity.layouts import D2L
from gateparity.network.batch import Batch, Gradients, Outputs, arrays_by_name, replace_arrays
from gateparity.network.config import Config
from gateparity.network.parameters import CellWeights, build_parameters, fields
from gateparity.protocol.canonical import Canonical
from gateparity.protocol.guard import Guarded, is_not_deterministic

CONFIG = Config(2, 3, layers=2)
T, B = 4, 5
SAME = "with the same arguments differ in"
STAYS = "cannot set WRITEABLE flag to True of this array"
TAKES = "takes arrays, but no"


def draw(*shape):
    return np.random.default_rng(sum(shape)).uniform(-1, 1, shape).astype("float32")


PARAMS = build_parameters(CONFIG, lambda _, shape: draw(*shape))
NATIVE = D2L.pack(PARAMS, CONFIG)
BATCH = Batch(draw(T, B, 2), {"h": draw(2, B, 3), "c": draw(2, B, 3)}, np.array([4, 2, 0, 3, 1]))
COTANGENT = Outputs(draw(T, B, 3), {"h": draw(2, B, 3), "c": draw(2, B, 3)})


def ask(adapter, method="forward", params=NATIVE):
    rest = (BATCH, COTANGENT) if method == "gradients" else (BATCH,)
    return getattr(Guarded(adapter), method)(CONFIG, params, *rest)


class Kept(Scratch):
    """What it keeps between calls is a list, emptied for each test."""

    kept: list[object]

    def __init__(self):
        super().__init__()
        object.__setattr__(self, "kept", [])


class WritesToX(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        if batch.x.flags.writeable:
            batch.x[-1, -1, -1] = 0
        return found


class SortsLengths(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        batch.lengths.sort()
        return found


class ScalesTheCotangent(Scratch):
    def gradients(self, config, params, batch, cotangent):
        found = super().gradients(config, params, batch, cotangent)
        cotangent.states["h"][...] *= 2
        return found


class TrainsItsWeights(Scratch):
    def gates(self, config, params, batch):
        params["l1.W_hf"] -= np.float32(0.01)
        return super().gates(config, params, batch)


class TakesAWeightAway(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        params.pop("l0.b_i")
        return found


class GoesOnFromTheLastState(Kept):
    """Where no state is given, as a stateful layer does."""

    def forward(self, config, params, batch):
        if batch.states is None and self.kept:
            batch = dataclasses.replace(batch, states={"c": self.kept[-1]})
        found = super().forward(config, params, batch)
        self.kept.append(found.states["c"])
        return found


class AddsUpGradients(Kept):
    """Over calls, as PyTorch's `.grad` does."""

    def gradients(self, config, params, batch, cotangent):
        found = super().gradients(config, params, batch, cotangent)
        self.kept.append(found.params["l0.W_xi"])
        return Gradients(dict(found.params) | {"l0.W_xi": sum(self.kept)}, found.batch)


class Counts(Kept):
    """One call in four is off by a bit."""

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        self.kept.append(None)
        if len(self.kept) % 4:
            return found
        return replace_arrays(found, h_n=np.nextafter(found.states["h"], np.float32(2)))


class DropsOut(Scratch):
    """At random, where a seed would be due."""

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        live = np.random.default_rng().random(found.y.shape) < 0.5
        return dataclasses.replace(found, y=np.where(live, found.y, 0))


class FillsOneBuffer(Kept):
    """Answers lie where the ones before them lay."""

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        self.kept = self.kept or [np.empty_like(found.y)]
        self.kept[0][...] = found.y
        return dataclasses.replace(found, y=self.kept[0])

    __setattr__ = object.__setattr__


class RefusesReadOnlyArrays(Scratch):
    def forward(self, config, params, batch):
        batch.x.flags.writeable = True
        return super().forward(config, params, batch)


class WantsContiguousArrays(Scratch):
    def gradients(self, config, params, batch, cotangent):
        if not params["l0.W_xi"].flags.c_contiguous:
            raise TypeError("strides\nare too hard")
        return super().gradients(config, params, batch, cotangent)


@pytest.mark.parametrize(
    ("liar", "method", "message"),
    [
        (WritesToX, "forward", "forward wrote to x"),
        (SortsLengths, "forward", "forward wrote to lengths"),
        (ScalesTheCotangent, "gradients", "gradients wrote to h_n"),
        (TrainsItsWeights, "gates", "gates wrote to l1.W_hf"),
        (TakesAWeightAway, "forward", "forward wrote to l0.b_i"),
        (GoesOnFromTheLastState, "forward", "a second call of forward differs in y"),
        (AddsUpGradients, "gradients", f"repeated calls of gradients {SAME} l0.W_xi"),
        (Counts, "forward", f"repeated calls of forward {SAME} h_n"),
        (DropsOut, "forward", f"repeated calls of forward {SAME} y"),
        (FillsOneBuffer, "forward", "a second call of forward wrote to the first one's y"),
        (
            RefusesReadOnlyArrays,
            "forward",
            f"forward {TAKES} read-only ones: ValueError: {STAYS}",
        ),
        (
            WantsContiguousArrays,
            "gradients",
            f"gradients {TAKES} strided views: TypeError: strides are too hard",
        ),
    ],
)
def test_a_liar_is_caught_and_the_array_named(liar, method, message):
    with pytest.raises(Impure) as caught:
        ask(liar(), method)
    assert str(caught.value) == message
    for other in {"forward", "gates", "gradients"} - {method}:
        ask(liar(), other)


@pytest.mark.parametrize(
    ("liar", "noisy"), [(DropsOut, True), (GoesOnFromTheLastState, False), (WritesToX, False)]
)
def test_noise_is_told_from_states_that_are_kept(liar, noisy):
    """A call that goes on from the one before it has a name of its own among the mistakes."""
    with pytest.raises(Impure) as caught:
        ask(liar())
    assert is_not_deterministic(str(caught.value)) == noisy


@pytest.mark.parametrize("method", ["forward", "gates", "gradients"])
def test_the_honest_answer_as_without_a_guard(method):
    """Of views: another memory order may round otherwise."""
    rest = (BATCH, COTANGENT) if method == "gradients" else (BATCH,)
    expected = arrays(getattr(Scratch(), method)(CONFIG, NATIVE, *rest))
    found = arrays(ask(Scratch(), method))
    assert list(found) == list(expected)
    for name, array in found.items():
        np.testing.assert_allclose(array, expected[name], rtol=0, atol=1e-5, err_msg=name)


def test_a_call_is_made_with_the_numbers_with_others_and_with_views():
    asked = []

    class Listens(Scratch):
        def forward(self, config, params, batch):
            asked.append((params, batch))
            return super().forward(config, params, batch)

    ask(Listens())
    signs = [1, -1, -1, 1, *[1] * 7]
    for (params, batch), sign in zip(asked, signs, strict=True):
        np.testing.assert_array_equal(batch.x, sign * BATCH.x)
        np.testing.assert_array_equal(params["l0.W_hc"], sign * NATIVE["l0.W_hc"])
        assert (batch.states is None) == (sign < 0)
    plain, viewed = asked[:4], asked[4:]
    for params, batch in plain:
        for array in (batch.x, *params.values()):
            assert array.flags.c_contiguous
            assert array.flags.writeable
    found = [[*params.values(), *batch.states.values(), batch.x] for params, batch in viewed]
    assert not any(array.flags.writeable for arrays in found for array in arrays)
    kernels = [[describe(a) for a in arrays if a.ndim > 1] for arrays in found]
    names = ["C", "strided", "reversed", "Fortran", "batch first", "sliced"]
    for name, orders in zip(names, kernels, strict=False):
        assert name in orders
        assert set(orders) <= {name, "Fortran"}  # which a batch-first view of two axes is
    assert len(set(kernels[-1])) >= 4


def describe(array):
    if min(array.strides) < 0:
        return "reversed"
    if array.flags.c_contiguous:
        return "C"
    if array.flags.f_contiguous:
        return "Fortran"
    if array.strides[-1] > array.itemsize:
        return "strided"
    return "sliced" if array.strides[0] == max(array.strides) else "batch first"


class MisreadsFortran(Scratch):
    def forward(self, config, params, batch):
        x = batch.x.ravel("K").reshape(batch.x.shape) if batch.x.flags.fnc else batch.x
        return super().forward(config, params, dataclasses.replace(batch, x=x))


def test_an_answer_to_any_order_of_memory_is_returned_if_it_is_another():
    right, found = ask(Scratch()), ask(MisreadsFortran())
    assert np.abs(right.y - found.y).max() > 0.01


def test_who_declares_that_it_is_not_deterministic_may_be_so():
    class Declares(DropsOut):
        deterministic = False

    assert ask(Declares()).y.shape == (T, B, 3)
    with pytest.raises(Impure, match=r"^forward wrote to x$"):
        ask(type("WritesToo", (WritesToX,), {"deterministic": False})())


def test_nan_is_equal_to_itself():
    nan = np.full_like(BATCH.x, np.nan)
    found = Guarded(Scratch()).forward(CONFIG, NATIVE, Batch(nan))
    assert np.isnan(found.y).all()


def test_what_is_unsupported_is_no_impurity():
    class Refuses(Scratch):
        def forward(self, config, params, batch):
            raise Unsupported("not on a Sunday")

    class OnlyForward:
        layout = D2L

    with pytest.raises(Unsupported, match="not on a Sunday"):
        ask(Refuses())
    with pytest.raises(Unsupported, match="OnlyForward has no method gates"):
        ask(OnlyForward(), "gates")


def test_an_error_of_its_own_is_told_as_it_is():
    class Raises(Scratch):
        def forward(self, config, params, batch):
            raise RuntimeError("out of luck")

    with pytest.raises(RuntimeError, match="out of luck"):
        ask(Raises())


def test_an_lstm_over_canonical_parameters_is_guarded_as_well():
    class Trains(Canonical):
        def forward(self, config, params, batch):
            found = super().forward(config, params, batch)
            params[1].w_hh[0, 0, 0] = 0
            return found

        def gradients(self, config, params, batch, cotangent):
            params, found = super().gradients(config, params, batch, cotangent)
            found.x[...] = np.random.default_rng().random(found.x.shape)
            return params, found

    with pytest.raises(Impure, match=r"^forward wrote to cell 1: w_hh$"):
        ask(Trains(Scratch()), params=PARAMS)
    with pytest.raises(Impure, match=f"^repeated calls of gradients {SAME} x$"):
        ask(Trains(Scratch()), "gradients", PARAMS)


def test_canonical_guards_what_is_behind_its_layout():
    lstm = Canonical(WritesToX()).guarded()
    with pytest.raises(Impure, match=r"^forward wrote to x$"):
        lstm.forward(CONFIG, PARAMS, BATCH)
    found = Canonical(Scratch()).guarded().gradients(CONFIG, PARAMS, BATCH, COTANGENT)
    expected = Canonical(Scratch()).gradients(CONFIG, PARAMS, BATCH, COTANGENT)
    for cell, other in zip(found[0], expected[0], strict=True):
        assert isinstance(cell, CellWeights)
        for name, array in fields(cell).items():
            np.testing.assert_allclose(array, getattr(other, name), rtol=0, atol=1e-5)


def test_what_runs_operation_by_operation_is_guarded_too():
    class Compiles(Scratch):
        def uncompiled(self):
            return WritesToX()

    for lstm in (
        Canonical(Compiles(), lambda *_: False),
        Canonical(Guarded(Compiles()).uncompiled()),
    ):
        with pytest.raises(Impure, match=r"^forward wrote to x$"):
            lstm.guarded().forward(CONFIG, PARAMS, BATCH)
    Canonical(Compiles()).guarded().forward(CONFIG, PARAMS, BATCH)


def test_an_adapter_that_brings_a_guard_is_asked_for_it():
    class Remote(Scratch):
        def guarded(self):
            return WritesToX()

    assert isinstance(Canonical(Remote()).guarded().adapter, WritesToX)


def arrays(answer):
    if isinstance(answer, Gradients):
        return dict(answer.params) | arrays(answer.batch)
    return arrays_by_name(answer)
