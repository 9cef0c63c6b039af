"""Adapters without gradients: judged by their outputs in every check but the one of gradients.

Each is right in its first layer, so that what it is caught by has more of them.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.workers.local import load_local
from gateparity.backends.workers.programs import default_store
from gateparity.conformance.requirements.answers import comparable, has_gradients
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.pairs import compare_all, make_pairs
from gateparity.conformance.runs.plan import named_plan
from gateparity.conformance.runs.session import run_check
from gateparity.conformance.runs.truths import Truths
from gateparity.errors import Unsupported
from gateparity.layouts import D2L
from gateparity.network.batch import Outputs, join_states, map_states
from gateparity.protocol.canonical import Canonical

SKIPPED = {"gates", "gradients", "variants"}
JUDGED = [name for name in CHECKS if name not in SKIPPED]
LENGTHS = {f"lengths/{case}" for case in ("ragged", "one_empty", "all_empty", "nan_padding")}
RAGGED = LENGTHS | {"permutation/ragged", "purity/ragged"}
DEEP = {"directions/deep", "permutation/deep", "purity/deep"}
STACKED = {"carry/stacked", "layers/stacked"}


class Stacked:
    """Layer by layer, as an engine runs one node after another; forward is all that it has."""

    layout = D2L

    def forward(self, config, params, batch):
        x, found = batch.x, []
        for layer in range(config.layers):
            cells = slice(layer * config.directions, (layer + 1) * config.directions)
            given = dataclasses.replace(map_states(batch, lambda s, cells=cells: s[cells]), x=x)
            found.append(self.run(layer, config, params, given))
            x = found[-1].y
        return Outputs(x, join_states(found, np.concatenate))

    def run(self, layer, config, params, batch):
        one = dataclasses.replace(config, layers=1, input_size=config.layer_input_size(layer))
        start = f"l{layer}"
        own = {f"l0{n[len(start) :]}": a for n, a in params.items() if n.startswith(start)}
        return Scratch().forward(one, own, batch)


class ForgetsStates(Stacked):
    """Above the first layer."""

    def run(self, layer, config, params, batch):
        if layer:
            batch = dataclasses.replace(batch, states=None)
        return super().run(layer, config, params, batch)


class ForgetsLengths(Stacked):
    """Above the first layer: states and outputs of the padded end."""

    def run(self, layer, config, params, batch):
        if layer:
            batch = dataclasses.replace(batch, lengths=None)
        return super().run(layer, config, params, batch)


class FillsThePadding(Stacked):
    """With a number of the last state."""

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        if batch.lengths is None:
            return found
        past = (np.arange(len(batch.x))[:, None] >= batch.lengths)[..., None]
        return dataclasses.replace(found, y=np.where(past, found.states["h"][-1, 0, 0], found.y))


class ReadsThePadding(Stacked):
    """Multiplies it by zero."""

    def forward(self, config, params, batch):
        if batch.lengths is not None:
            live = (np.arange(len(batch.x))[:, None] < batch.lengths)[..., None]
            touched = np.where(live, 0, batch.x * 0).sum(dtype=config.dtype)
            batch = dataclasses.replace(batch, x=batch.x + touched)
        return super().forward(config, params, batch)


class LeavesReverseInProcessingOrder(Stacked):
    """In the layer that is on top."""

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        if config.directions == 1:
            return found
        there, back = np.split(found.y, 2, -1)
        return dataclasses.replace(found, y=np.concatenate([there, back[::-1]], -1))


WRONG = {
    ForgetsStates: RAGGED | DEEP | STACKED | {"sizes/many_layers"},
    ForgetsLengths: RAGGED,
    FillsThePadding: RAGGED | {"calls/uneven", "sizes/many_steps"},
    ReadsThePadding: {"lengths/nan_padding"},
    LeavesReverseInProcessingOrder: (RAGGED - {"lengths/all_empty"}) | DEEP | {"sizes/wide"},
}


def declaring(kind):
    """It has the method, which may not be called."""

    def gradients(*_):
        raise RuntimeError("asked for gradients that are declared unsupported")

    told = {"unsupported": {"gradients": "it runs forward only"}, "gradients": gradients}
    return type(kind.__name__, (kind,), told)


WAYS = pytest.mark.parametrize("way", [lambda kind: kind, declaring], ids=["lacking", "declaring"])


@pytest.fixture(scope="module")
def truths():
    return Truths(default_store())


@pytest.fixture(scope="module")
def plan():
    """All that is there, at the precision that every check has."""
    return [task for task in named_plan((), (), 0) if task.case.config.dtype == "float32"]


def ask(adapter, plan, truths):
    backend, local = load_local(adapter)
    with np.errstate(all="ignore"):
        return [run_check(backend, local, *task, truths) for task in plan]


@WAYS
def test_a_right_one_passes_all_but_what_it_has_not(way, plan, truths):
    results = ask(way(Stacked)(), plan, truths)
    assert {r.check for r in results if r.status == "skip"} == SKIPPED
    assert {r.status for r in results if r.check not in SKIPPED} == {"pass"}
    reasons = {r.reason for r in results if r.check == "gradients"}
    assert reasons <= {"Stacked has no method gradients", "it runs forward only"}
    assert len(reasons) == 1


def test_it_passes_in_half_precision(truths):
    results = ask(Stacked(), named_plan((), ("dtypes",), 0), truths)
    assert [result.case for result in results] == list(CHECKS["dtypes"].cases)
    assert {result.status for result in results} == {"pass"}
    assert all(list(result.arrays) == ["y", "h_n", "c_n"] for result in results)


@WAYS
@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_one_is_caught_by_what_must_catch_it(kind, way, plan, truths):
    found = {f"{r.check}/{r.case}": r for r in ask(way(kind)(), plan, truths)}
    assert {key for key, r in found.items() if r.status == "fail"} == WRONG[kind]
    assert "error" not in {r.status for r in found.values()}


@pytest.mark.parametrize("name", JUDGED)
def test_it_is_asked_for_the_outputs_of_all_that_others_are(name):
    """Under the same names, in the same order, and of the same numbers."""
    check = CHECKS[name]
    _, case = named_plan((), (name,), 0)[0]
    alone, whole = check.run(Canonical(Stacked()), case), check.run(Canonical(Scratch()), case)
    assert not has_gradients(alone)
    _, outputs = comparable(alone, whole)
    assert list(alone) == list(outputs)
    assert len(outputs) > 0


def test_an_unsupported_call_of_gradients_skips_the_check(truths):
    """It has gradients, and says of some that it hasn't: nothing is judged in part."""

    class Refuses(Scratch):
        def gradients(self, config, params, batch, cotangent):
            raise Unsupported("not today")

    results = ask(Refuses(), named_plan((), ("layers",), 0), truths)
    assert {(r.status, r.reason) for r in results} == {("skip", "not today")}


@pytest.mark.parametrize(
    ("kind", "status"), [(Stacked, "pass"), (ForgetsStates, "fail"), (ForgetsLengths, "fail")]
)
def test_beside_one_that_has_gradients_outputs_are_compared(kind, status, truths):
    plan = named_plan((), ("lengths",), 0)
    results = [result for a in (Scratch(), kind()) for result in ask(a, plan, truths)]
    labels = list(dict.fromkeys(result.backend.label for result in results))
    compared = compare_all(labels, results, plan, truths, {label: {} for label in labels})
    pairs = make_pairs(compared, plan)
    assert [(pair.dtype, pair.status) for pair in pairs] == [
        ("float32", status),
        ("float64", status),
    ]
    assert all(pair.sigmas is not None for pair in pairs)
