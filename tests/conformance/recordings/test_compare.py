"""Recorded runs judged again: by their numbers, whatever verdict was recorded."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.workers import remote
from gateparity.conformance.recordings.compare import compare_recordings, count_steps
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.errors import InputError
from gateparity.network.batch import map_arrays


def change(recording, **changes):
    results = [dataclasses.replace(r, **changes) for r in recording.run.results]
    return dataclasses.replace(
        recording, run=dataclasses.replace(recording.run, results=tuple(results))
    )


def test_the_same_answers_are_judged_alike(record, compare):
    made = record(numpy="sound", torch="nudged")
    found = compare(made).run
    for here, there in zip(found.results, made.run.results, strict=True):
        assert (here.status, here.sigmas, here.shift) == (there.status, there.sigmas, there.shift)
    assert found.verdict == "agrees"
    assert {pair.status for pair in found.pairs} == {"pass"}


def test_a_wrong_row_differs_whatever_was_recorded(record, compare):
    lied = change(record(numpy="sound", torch="shifted"), status="pass", reason="")
    found = compare(lied)
    assert found.run.verdict == "differs"
    wrong = [r for r in found.run.results if r.status == "fail"]
    assert {r.backend.label for r in wrong} == {"torch:scratch"}
    assert {r.check for r in wrong} == {"forward", "lengths"}
    assert all(r.begins.words.startswith("layer") for r in wrong)
    assert [r.key for r in found.revised] == [r.key for r in wrong]
    assert {pair.status for pair in found.run.pairs} == {"fail"}


def test_a_right_row_passes_whatever_was_recorded(record, compare):
    found = compare(change(record(), status="fail", reason="it differs"))
    assert {r.status for r in found.run.results} == {"pass"}
    assert len(found.revised) == len(found.run.results)


def test_what_has_no_numbers_stays_what_it_was_called(record, compare):
    made = record(numpy="sound", torch="sound")
    lost = [
        dataclasses.replace(r, status="error", arrays=None, reason="its worker died")
        if r.backend.name == "torch"
        else r
        for r in made.run.results
    ]
    found = compare(
        dataclasses.replace(made, run=dataclasses.replace(made.run, results=tuple(lost)))
    )
    assert found.run.verdict == "incomplete"
    assert {r.reason for r in found.run.results if r.status == "error"} == {"its worker died"}
    assert {pair.status for pair in found.run.pairs} == {"skip"}


def test_a_declared_bias_counts(record, compare):
    """What a recording declares of its arithmetic widens its own budget."""
    made = record(torch="nudged")
    plain = compare(made).run.results
    run = dataclasses.replace(made.run, rounding_models={"torch:scratch": {"bias": 8.0}})
    wide = compare(dataclasses.replace(made, run=run)).run.results
    assert max(r.sigmas for r in wide) < max(r.sigmas for r in plain)


class Flushes(Scratch):
    def forward(self, config, params, batch):
        tiny = np.finfo(config.dtype).tiny
        flushed = map_arrays(lambda a: np.where(np.abs(a) < tiny, 0, a), batch)
        return super().forward(config, params, dataclasses.replace(flushed, lengths=batch.lengths))


@pytest.mark.parametrize(("device", "status"), [("cpu", "known"), ("gpu", "fail")])
def test_a_deviation_is_known_where_the_manifest_says_so(record, compare, device, status):
    made = record(["values"], ["subnormal"], manifests={"device": device}, jax=Flushes())
    found = compare(made).run.results
    assert {result.status for result in found} == {status}


@pytest.mark.parametrize(("engine", "status"), [("jax", "known"), ("torch", "fail"), ("", "fail")])
def test_a_flush_is_known_of_the_engine_that_the_manifest_names(record, compare, engine, status):
    made = record(["values"], ["subnormal"], manifests={"engine": engine}, mine=Flushes())
    backend = dataclasses.replace(made.run.backends[0], shipped=False)
    results = tuple(dataclasses.replace(result, backend=backend) for result in made.run.results)
    run = dataclasses.replace(made.run, backends=(backend,), results=results)
    found = compare(dataclasses.replace(made, run=run)).run.results
    assert {result.status for result in found} == {status}
    assert all(('engine = "jax"' in result.reason) == (engine == "") for result in found)


def test_what_was_compared_with_another_answer_is_so_again(record, compare):
    """As the layer of a framework is with its scratch variant."""
    made = record(checks=["forward"], cases=["sequence"], torch="shifted")
    assert {r.status for r in compare(made).run.results} == {"fail"}
    alike = change(made)
    results = [dataclasses.replace(r, against=r.arrays) for r in alike.run.results]
    alike = dataclasses.replace(alike, run=dataclasses.replace(alike.run, results=tuple(results)))
    assert {r.status for r in compare(alike).run.results} == {"pass"}


def test_arrays_that_the_check_has_not(record, compare):
    made = record(["forward"], ["unit"], numpy="sound", torch="sound")
    results = [dataclasses.replace(r, arrays={"y": r.arrays["h_n"]}) for r in made.run.results]
    other = dataclasses.replace(made, run=dataclasses.replace(made.run, results=tuple(results)))
    found = compare(other).run
    assert {r.reason for r in found.results} == {"found y, expected y, h_n, c_n"}
    assert {pair.status for pair in found.pairs} == {"skip"}
    against = [dataclasses.replace(r, against={"y": r.arrays["y"]}) for r in made.run.results]
    other = dataclasses.replace(made, run=dataclasses.replace(made.run, results=tuple(against)))
    with pytest.raises(InputError, match="numpy:scratch was compared with other arrays"):
        compare(other)


def test_one_without_gradients_is_judged_by_its_outputs_again(record, compare):
    made = record(numpy="sound", mine="forward only", theirs="shifted")
    found = compare(made)
    assert found.revised == ()
    mine = [r for r in found.run.results if r.backend.name == "mine"]
    assert {r.status for r in mine if r.check != "gradients"} == {"pass"}
    assert {(r.status, r.reason) for r in mine if r.check == "gradients"} == {
        ("skip", "it runs forward only")
    }
    pairs = {(pair.a, pair.b): pair.status for pair in found.run.pairs}
    assert pairs["numpy:scratch", "mine:scratch"] == "pass"
    assert pairs["mine:scratch", "theirs:scratch"] == "fail"


def test_what_was_compared_with_one_without_gradients_is_so_again(record, compare):
    made = record(["lengths"], ["ragged"], numpy="sound")
    alone = record(["lengths"], ["ragged"], numpy="forward only")
    both = zip(made.run.results, alone.run.results, strict=True)
    results = tuple(dataclasses.replace(r, against=other.arrays) for r, other in both)
    again = dataclasses.replace(made, run=dataclasses.replace(made.run, results=results))
    assert {r.status for r in compare(again).run.results} == {"pass"}


def test_a_case_that_a_check_cannot_take(record, compare):
    """Written by hand: carry needs one direction, and no check records such a case."""
    made = record(["directions"], ["deep"])
    plan = [Task(CHECKS["carry"], case) for _, case in made.plan]
    results = tuple(dataclasses.replace(r, check="carry") for r in made.run.results)
    odd = dataclasses.replace(made, plan=plan, run=dataclasses.replace(made.run, results=results))
    with pytest.raises(InputError, match="carry is not for case deep: InputError: carry needs"):
        compare(odd)


def test_no_worker_is_started(record, compare, monkeypatch):
    monkeypatch.setattr(remote, "Worker", None)
    monkeypatch.setattr(remote, "open_worker", None)
    monkeypatch.setattr("subprocess.run", None)
    assert compare(record(numpy="sound"), record(numpy="nudged")).run.verdict == "agrees"


def test_every_step_is_told(record, travel):
    recordings = travel(record(numpy="sound", torch="nudged"), record(numpy="sound"))
    told: list[str] = []
    compare_recordings(recordings, told.append)
    assert len(told) == count_steps(recordings)
    assert told[0] == "judging numpy:scratch@a"
