"""Adapters of finished models that take no initial states, or return no final ones."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.workers.local import load_local
from gateparity.backends.workers.programs import default_store
from gateparity.conformance.diagnosis.predictions import Predictions
from gateparity.conformance.diagnosis.probes import make_probes
from gateparity.conformance.diagnosis.search import Diagnoser
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.pairs import compare_all, make_pairs
from gateparity.conformance.runs.plan import named_plan
from gateparity.conformance.runs.session import run_check
from gateparity.conformance.runs.truths import Truths
from gateparity.network.batch import Batch, Outputs
from tests.command import run_command

NO_FINAL = "it returns its outputs alone"
NO_INITIAL = "it begins from zeros"
# The gradient of c_0 by y alone is at most 1e-18 there, and rounding moves it by more than that.
VANISHING = ("gradients", "overflowing", "float64")
UNCHANGED = {"gates", "layout", "refusal"}  # no check of outputs


class OutputsOnly(Scratch):
    """A finished model that returns a sequence, and nothing else."""

    unsupported: ClassVar = {"final_states": NO_FINAL}

    def forward(self, config, params, batch):
        return Outputs(super().forward(config, params, batch).y, {"h": None, "c": None})

    def gradients(self, config, params, batch, cotangent):
        assert not cotangent.states["h"].any()
        assert not cotangent.states["c"].any()
        return super().gradients(config, params, batch, cotangent)


class FromZeros(Scratch):
    """A finished model that takes a sequence, and nothing else."""

    unsupported: ClassVar = {"initial_states": NO_INITIAL}

    def forward(self, config, params, batch):
        assert batch.states is None
        return super().forward(config, params, batch)

    def gradients(self, config, params, batch, cotangent):
        assert batch.states is None
        found = super().gradients(config, params, batch, cotangent)
        return dataclasses.replace(found, batch=Batch(found.batch.x))


class SequenceToSequence(OutputsOnly):
    """Both of them."""

    unsupported: ClassVar = {**OutputsOnly.unsupported, **FromZeros.unsupported}

    def forward(self, config, params, batch):
        return Outputs(FromZeros().forward(config, params, batch).y)

    def gradients(self, config, params, batch, cotangent):
        return FromZeros().gradients(config, params, batch, cotangent)


class WrongOutputs(OutputsOnly):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return Outputs(found.y * np.asarray(1.001, config.dtype))


class Undeclared(OutputsOnly):
    unsupported: ClassVar = {}


PLAN = named_plan((), (), 0)


def run(adapter, truths, plan=PLAN):
    backend, local = load_local(adapter)
    return [run_check(backend, local, *task, truths) for task in plan]


@pytest.fixture(scope="module")
def truths():
    return Truths(default_store())


@pytest.fixture(scope="module")
def whole(truths):
    """The results of an LSTM that has states."""
    return run(Scratch(), truths)


@pytest.fixture(scope="module")
def outputs_only(truths):
    return run(OutputsOnly(), truths)


def test_without_final_states_all_but_carry_is_judged(outputs_only, whole):
    assert {r.reason for r in outputs_only if r.check == "carry"} == {NO_FINAL}
    assert [found.key for found in outputs_only] == [other.key for other in whole]
    changed = {
        found.key: found.status
        for found, other in zip(outputs_only, whole, strict=True)
        if found.check != "carry" and found.status != other.status
    }
    assert changed == {VANISHING: "undecided"}


def test_no_array_of_a_final_state_is_left(outputs_only):
    for result in outputs_only:
        if result.arrays and result.check not in UNCHANGED:
            names = list(result.arrays)
            assert not [name for name in names if name.split(",")[0] in ("h_n", "c_n")]
            gradients = [name for name in names if name.startswith("d_")]
            assert all(name.endswith(", of y alone") for name in gradients)
            assert result.check != "gradients" or gradients


def test_a_shift_of_a_bias_is_looked_for_in_the_outputs(outputs_only, whole):
    """By y alone, so it is another number."""
    for found, other in zip(outputs_only, whole, strict=True):
        if found.check == "forward":
            assert 0 < found.shift < 8
            assert found.shift != other.shift


def test_without_initial_states_the_cases_that_give_none_are_judged(truths):
    found = run(FromZeros(), truths)
    statuses = {(r.check, r.case): r.status for r in found}
    assert {key for key, status in statuses.items() if status == "pass"} == {
        *((check, case) for check in ("forward", "gradients") for case in ("plain", "zero_states")),
        ("layout", "plain"),
        *(("calls", case) for case in ("zero_states", "uneven", "square")),
        *(("values", case) for case in ("all_zero", "growing")),
        ("dtypes", "growing"),
    }
    assert {r.reason for r in found if r.status == "skip"} >= {NO_INITIAL}
    (gradients, *_) = [r for r in found if (r.check, r.case) == ("gradients", "zero_states")]
    assert "d_x" in gradients.arrays
    assert not {"d_h_0", "d_c_0"} & set(gradients.arrays)


def test_without_either_the_rest_is_judged(truths):
    found = run(SequenceToSequence(), truths)
    assert {(r.check, r.case) for r in found if r.status == "pass"} == {
        *((check, case) for check in ("forward", "gradients") for case in ("plain", "zero_states")),
        ("layout", "plain"),
        *(("calls", case) for case in ("zero_states", "uneven", "square")),
        *(("values", case) for case in ("all_zero", "growing")),
        ("dtypes", "growing"),
    }
    assert not [r for r in found if r.status in ("fail", "error")]


@pytest.mark.parametrize("kind", [OutputsOnly, SequenceToSequence])
def test_pairs_compare_what_both_have(kind, truths):
    plan = named_plan((), ("forward", "gradients", "lengths"), 0)
    results = [
        dataclasses.replace(r, backend=dataclasses.replace(r.backend, name=name))
        for name, adapter in (("a", kind()), ("b", kind()), ("whole", Scratch()))
        for r in run(adapter, truths, plan)
    ]
    labels = list(dict.fromkeys(r.backend.label for r in results))
    compared = compare_all(labels, results, plan, truths, {label: {} for label in labels})
    pairs = make_pairs(compared, plan)
    vanishes = {("a", "b", "float64")} if kind is OutputsOnly else set()
    for pair in pairs:
        undecided = (pair.a[0], pair.b[0], pair.dtype) in vanishes
        assert pair.status == ("undecided" if undecided else "pass"), pair.reason
    assert len(pairs) == 6
    same = [pair for pair in pairs if {pair.a[0], pair.b[0]} == {"a", "b"}]
    assert [pair.sigmas for pair in same] == [0.0, 0.0]
    assert all(pair.sigmas is not None for pair in pairs)


def test_a_wrong_output_fails_wherever_there_are_outputs(truths):
    plan = named_plan(("sequence", "zero_states"), ("forward", "batch"), 0)
    assert {r.status for r in run(WrongOutputs(), truths, plan)} == {"fail"}


def test_none_that_is_not_declared_is_an_error_that_names_the_array(truths):
    plan = named_plan(("sequence",), ("forward",), 0)
    found = run(Undeclared(), truths, plan)
    assert {(r.status, r.reason) for r in found} == {
        ("error", "h_n is NoneType, expected a NumPy array")
    }


def test_a_mistake_is_named_by_outputs_alone(truths):
    """Gates swapped on their way in: outputs and gradients show it without final states."""

    class Swapped(OutputsOnly):
        def forward(self, config, params, batch):
            return super().forward(config, swap(params), batch)

        def gradients(self, config, params, batch, cotangent):
            found = super().gradients(config, swap(params), batch, cotangent)
            return dataclasses.replace(found, params=swap(found.params))

    plan = named_plan(("sequence", "ragged"), ("forward", "gradients", "lengths"), 0)
    probes = make_probes(plan, run(Swapped(), truths, plan))
    assert probes
    assert all(probe.lacks == {"final_states"} for probe in probes)
    found = Diagnoser(Predictions({})).name(probes, pairs=False)
    assert found.words == "it behaves exactly as if the gates were packed f, i, g, o"


def test_a_sound_backend_has_nothing_to_explain(outputs_only):
    probes = make_probes(PLAN, outputs_only)
    assert {"forward", "gradients"} <= {probe.check.name for probe in probes}
    assert all(Predictions({}).explains((), probe) for probe in probes)


def swap(params):
    """The gates i and f of book names."""
    letters = {"i": "f", "f": "i"}
    return {f"{n[:-1]}{letters.get(n[-1], n[-1])}": a for n, a in params.items()}


def test_carry_is_what_needs_final_states():
    assert [check.name for check in CHECKS.values() if "final_states" in check.needs] == ["carry"]


MODULE = """
from gateparity import Outputs
from gateparity.backends.numpy.scratch import Scratch


class Right(Scratch):
    unsupported = {"final_states": "it returns its outputs alone"}

    def forward(self, config, params, batch):
        return Outputs(super().forward(config, params, batch).y)


class Wrong(Right):
    def forward(self, config, params, batch):
        return Outputs(super().forward(config, params, batch).y * 2)
"""
WORK = ("--check", "forward", "--check", "gradients", "--case", "sequence")


def test_the_commands_take_one_without_final_states(tmp_path):
    """Recorded, compared again, saved and replayed."""
    (tmp_path / "mymod.py").write_text(MODULE)
    backends = ("-b", "numpy", "-b", "mymod:Right")
    done = run_command("check", *backends, *WORK, "--record", "right.st", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run_command("compare", "right.st", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("agrees: 8 pass")
    done = run_command(
        "check", "-b", "numpy", "-b", "mymod:Wrong", *WORK, "--save", "saved", cwd=tmp_path
    )
    assert done.returncode == 1, done.stderr
    (file,) = (tmp_path / "saved").iterdir()
    again = run_command("replay", str(file), "-b", "mymod:Wrong", cwd=tmp_path)
    assert again.returncode == 1, again.stderr
    assert "the same bits as recorded" in again.stdout
    assert "isn't what was expected then" not in again.stdout
    right = run_command("replay", str(file), "-b", "mymod:Right", cwd=tmp_path)
    assert right.returncode == 0, right.stdout + right.stderr
