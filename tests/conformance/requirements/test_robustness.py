"""Checks 12 to 15 against liars: each is wrong at one edge, and caught by that edge's cases."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
import pytest

from gateparity.backends.numpy import equations as scratch
from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.workers.programs import default_store
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.verdict import Mismatch, judge
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.truths import Truths
from gateparity.errors import Impure, Unsupported
from gateparity.network.batch import map_arrays, map_states, replace_arrays
from gateparity.protocol.canonical import Canonical

TRUTHS = Truths(default_store())


def caught_by(adapter, check, dtype):
    """The cases of a check on which an adapter is told from the truth, or has no answer."""
    found = set()
    for name in CHECKS[check].cases:
        case = RECIPES[name].build(dtype, 0)
        try:
            answer = CHECKS[check].run(Canonical(adapter), case)
            judge(answer, TRUTHS.of(CHECKS[check], case))
        except (Mismatch, ValueError, IndexError):
            found.add(name)
    return found


class OfAnotherX(Scratch):
    def forward(self, config, params, batch):
        return super().forward(config, params, dataclasses.replace(batch, x=self.change(batch.x)))


class StopsAtSixtyFour(OfAnotherX):
    def change(self, x):
        return np.concatenate([x[:64], np.zeros_like(x[64:])])


class KeepsLengthsInAByte(Scratch):
    def forward(self, config, params, batch):
        if batch.lengths is not None:
            batch = replace_arrays(batch, lengths=batch.lengths.astype(np.uint8))
        return super().forward(config, params, batch)


class StacksItsSteps(Scratch):
    """As PyTorch's scratch does, and has to say so."""

    def forward(self, config, params, batch):
        np.stack(list(batch.x))
        return super().forward(config, params, batch)


class ForgetsStatesWhereThereAreNoSteps(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        if len(batch.x):
            return found
        return map_states(found, np.zeros_like)


class SortsLayersByName(Scratch):
    """So layer 10 comes after layer 1."""

    def forward(self, config, params, batch):
        order = sorted(map(str, range(config.layers)))
        parts = {name: name.removeprefix("l").partition(".") for name in params}
        turned = {
            name: params[f"l{order[int(layer)]}.{rest}"] if layer.isdecimal() else params[name]
            for name, (layer, _, rest) in parts.items()
        }
        return super().forward(config, turned, batch)


class SkipsBiasesThatWereZeroAtFirst(Scratch):
    kept: ClassVar[dict[Any, bool]] = {}

    def forward(self, config, params, batch):
        biases = {name: array for name, array in params.items() if ".b_" in name}
        zero = not any(array.any() for array in biases.values())
        if self.kept.setdefault(config, zero):
            params = params | {name: np.zeros_like(array) for name, array in biases.items()}
        return super().forward(config, params, batch)


def test_a_bias_that_is_skipped_since_the_first_call_is_caught():
    SkipsBiasesThatWereZeroAtFirst.kept.clear()
    assert caught_by(SkipsBiasesThatWereZeroAtFirst(), "calls", "float32") == {"square"}


class SumsOverSequences(OfAnotherX):
    """A size of 1 looks like something to be broadcast."""

    def change(self, x):
        return x + 0 * x.sum(1, keepdims=True) if x.shape[1] != 1 else x[:, 0][:, None] * 2


class SqueezesUnits(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return dataclasses.replace(found, y=found.y.squeeze())


@pytest.mark.parametrize(
    ("liar", "expected"),
    [
        (StopsAtSixtyFour, {"long", "many_steps"}),
        (KeepsLengthsInAByte, {"many_steps"}),
        (StacksItsSteps, {"no_steps"}),
        (ForgetsStatesWhereThereAreNoSteps, {"no_steps"}),
        (SortsLayersByName, {"many_layers"}),
        (SumsOverSequences, {"one_sequence"}),
        (SqueezesUnits, {"one_step", "one_sequence", "one_unit"}),
    ],
)
def test_a_wrong_size_is_caught(liar, expected):
    assert caught_by(liar(), "sizes", "float32") == expected


class FlushesInputs(OfAnotherX):
    def change(self, x):
        return np.where(np.abs(x) < np.finfo(x.dtype).tiny, 0, x)


class DropsNan(OfAnotherX):
    def change(self, x):
        return np.where(np.isnan(x), 0, x)


class SpreadsNan(OfAnotherX):
    """Over the batch, as a product with zeros does that was meant for a mask."""

    def change(self, x):
        with np.errstate(invalid="ignore"):
            return x + 0 * x.sum(1, keepdims=True)


class CutsInfinity(Scratch):
    def forward(self, config, params, batch):
        if batch.states:
            c_0 = batch.states["c"]
            limit = np.finfo(c_0.dtype).max
            batch = replace_arrays(batch, c_0=np.clip(c_0, -limit, limit))
        return super().forward(config, params, batch)


class ClipsTheCell(Scratch):
    """At 50, as TensorFlow's old kernels may; what is small doesn't show it."""

    def forward(self, config, params, batch):
        return dataclasses.replace(Scratch(), cell=self.clipped).forward(config, params, batch)

    @staticmethod
    def clipped(*args):
        step = scratch.cell(*args)
        return dataclasses.replace(step, C=np.clip(step.C, -50, 50))


class DividesExponentials(Scratch):
    """exp(z) / (1 + exp(z)) in gates i and f, which is infinity over infinity."""

    def forward(self, config, params, batch):
        return dataclasses.replace(Scratch(), cell=self.divided).forward(config, params, batch)

    @staticmethod
    def divided(Z_x, H, C, W_h):
        step = scratch.cell(Z_x, H, C, W_h)
        with np.errstate(over="ignore", invalid="ignore"):
            I, F = (e / (1 + e) for e in np.exp(np.split(Z_x + H @ W_h, 4, -1)[:2]))
        C_new = F * C + I * step.C_tilde
        return dataclasses.replace(step, I=I, F=F, C=C_new, H=step.O * np.tanh(C_new))


class DropsSmallWeights(Scratch):
    """Below 1e-20, as a sparse format may."""

    def forward(self, config, params, batch):
        kept = {name: np.where(abs(array) < 1e-20, 0, array) for name, array in params.items()}
        return super().forward(config, kept, batch)


SATURATING = {f"infinite_{name}" for name in ("x", "h_0", "w_ih", "w_hh", "b_ih", "b_hh")}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("liar", "expected"),
    [
        (FlushesInputs, {"subnormal"}),
        (DropsNan, {"nan"}),
        (SpreadsNan, {"nan", "infinite", "infinite_x"}),
        (CutsInfinity, {"infinite", "infinite_c_0"}),
        (ClipsTheCell, {"overflowing", "huge", "infinite", "infinite_c_0"}),
        (DropsSmallWeights, {"huge"}),
        (DividesExponentials, {"overflowing", "huge", "infinite", *SATURATING}),
    ],
)
def test_wrong_values_are_caught(liar, expected, dtype):
    assert caught_by(liar(), "values", dtype) == expected


class AnswersInFloat32(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return map_arrays(lambda array: array.astype("float32"), found)


class CutsToFloat8(OfAnotherX):
    """4 bits where float16 has 11."""

    def change(self, x):
        return (x.view(np.uint16) & np.uint16(0xFF80)).view(x.dtype)


def test_half_precision_is_asked_for():
    case = RECIPES["sequence"].build("float16", 0)
    with pytest.raises(TypeError, match=r"^y is float32, expected float16$"):
        CHECKS["dtypes"].run(Canonical(AnswersInFloat32()), case)
    assert caught_by(CutsToFloat8(), "dtypes", "float16") == {"sequence", "half_steep", "growing"}


@pytest.mark.parametrize("check", ["purity", "sizes", "values", "dtypes", "calls"])
def test_the_honest_are_not_caught(check):
    for dtype in CHECKS[check].dtypes:
        assert caught_by(Scratch(), check, dtype) == set()


class Trains(Scratch):
    """The gradients' own weights, and nothing else."""

    def gradients(self, config, params, batch, cotangent):
        found = super().gradients(config, params, batch, cotangent)
        for name, array in params.items():
            if array.flags.writeable:
                np.subtract(array, found.params[name], out=array)
        return found


IN_VIEWS = {"sequence", "ragged", "deep", "expanded"}


class ReadsMemory(Scratch):
    """From its start, in order: right for arrays that are no views."""

    def forward(self, config, params, batch):
        memory = batch.x if batch.x.base is None else batch.x.base
        x = np.resize(memory, batch.x.shape)
        return super().forward(config, params, dataclasses.replace(batch, x=x))


def test_purity_is_seen_in_gradients_too_where_there_are_any():
    case = RECIPES["deep"].build("float32", 0)
    with pytest.raises(Impure, match=r"^gradients wrote to l0.W_xi$"):
        CHECKS["purity"].run(Canonical(Trains()), case)

    class OnlyForward(Trains):
        def gradients(self, config, params, batch, cotangent):
            raise Unsupported("no gradients")

    assert set(CHECKS["purity"].run(Canonical(OnlyForward()), case)) == {"y", "h_n", "c_n"}


def test_who_misreads_views_is_caught_by_the_numbers():
    assert caught_by(ReadsMemory(), "purity", "float32") == IN_VIEWS
    assert caught_by(ReadsMemory(), "sizes", "float32") == set()


class ReadsCotangentsMemory(Scratch):
    """In the order that c_n's numbers have there."""

    def gradients(self, config, params, batch, cotangent):
        c_n = cotangent.states["c"]
        memory = c_n.ravel("K").reshape(c_n.shape)
        return super().gradients(config, params, batch, replace_arrays(cotangent, c_n=memory))


def test_who_misreads_views_in_gradients_alone_is_caught():
    assert caught_by(ReadsCotangentsMemory(), "purity", "float32") == IN_VIEWS
    assert caught_by(ReadsCotangentsMemory(), "gradients", "float32") == set()


class TakesTheFirstOfWhatRepeats(Scratch):
    """Where an array has a stride of 0, as the cotangent of a mean has."""

    def gradients(self, config, params, batch, cotangent):
        y = cotangent.y.copy()
        if 0 in cotangent.y.strides:
            y.flat[1:] = 0
        return super().gradients(config, params, batch, replace_arrays(cotangent, y=y))


def test_who_misreads_numbers_that_share_memory_is_caught():
    found = caught_by(TakesTheFirstOfWhatRepeats(), "purity", "float32")
    assert found == {"expanded"}
    assert caught_by(TakesTheFirstOfWhatRepeats(), "gradients", "float32") == set()


def test_an_empty_answer_is_what_the_requirement_says():
    for name in ("no_steps", "no_sequences"):
        case = RECIPES[name].build("float32", 0)
        config, params, batch, cotangents = case.config, case.params, case.batch, case.cotangent
        found = Truth().forward(config, params, batch)
        assert found.y.shape == cotangents.y.shape
        np.testing.assert_array_equal(found.states["h"], batch.states["h"])
        np.testing.assert_array_equal(found.states["c"], batch.states["c"])
        d_params, d_batch = Truth().gradients(config, params, batch, cotangents)
        np.testing.assert_array_equal(d_batch.states["h"], cotangents.states["h"])
        np.testing.assert_array_equal(d_batch.states["c"], cotangents.states["c"])
        assert not any(array.any() for array in vars(d_params[0]).values())
