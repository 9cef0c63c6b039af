"""What recordings are called, and which of them can stand beside each other."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from gateparity.conformance.recordings.compare import (
    compare_recordings,
    join_runs,
    mark_rows,
    name_files,
    share_work,
)
from gateparity.conformance.requirements.task import Task
from gateparity.errors import InputError


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a.safetensors", "b.safetensors"], ["a", "b"]),
        (["x/run.safetensors", "y/run.safetensors"], ["x/run", "y/run"]),
        (["1/x/run.st", "2/x/run.st", "2/y/run.st"], ["1/x/run", "2/x/run", "2/y/run"]),
        (["run.a", "run.b"], ["run.a", "run.b"]),
        (["\x1b[2J"], ["\\x1b[2J"]),
    ],
)
def test_a_name_is_as_short_as_it_can_be(paths, names):
    assert list(name_files([Path(path) for path in paths])) == names


def test_a_file_that_is_named_twice():
    with pytest.raises(InputError, match="a file is named twice"):
        name_files([Path("a"), Path("a").absolute()])


def test_rows_that_several_have_say_whose_they_are(record):
    one, two = record(numpy="sound", torch="sound"), record(numpy="sound", jax="sound")
    runs = mark_rows({"x": one, "y": two})
    joined = join_runs(list(runs.values()))
    labels = ["numpy:scratch@x", "torch:scratch", "numpy:scratch@y", "jax:scratch"]
    assert [backend.label for backend in joined.backends] == labels
    assert [backend.spec for backend in joined.backends][::2] == ["numpy:scratch", "numpy:scratch"]
    assert list(joined.versions) == list(joined.manifests) == labels
    assert [result.backend.label for result in joined.results[:: len(one.plan)]] == labels


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1}, r"b and a had other inputs: params.0.w_ih of case sequence, .*seeds 1 and 0"),
        ({"cases": ["one_step"], "checks": ["sizes"]}, "a, b have no check of one case in common"),
    ],
)
def test_other_work_is_refused(record, changes, words):
    with pytest.raises(InputError, match=words):
        share_work({"a": record(), "b": record(**changes)})


@pytest.mark.parametrize("changes", [{"checks": ["forward"]}, {"cases": ["unit", "ragged"]}])
def test_a_smaller_plan_is_compared_on_what_both_have(record, changes):
    whole, part = record(), record(**changes)
    shared = share_work({"whole": whole, "part": part})
    keys = [task.key for task in shared["part"].plan]
    assert keys == [task.key for task in shared["whole"].plan]
    assert 0 < len(keys) < len(whole.plan)
    for one in shared.values():
        assert [result.key for result in one.run.results] == keys * len(one.run.backends)
    comparison = compare_recordings({"whole": whole, "part": part})
    assert comparison.shared == len(keys)
    assert {pair.status for pair in comparison.run.pairs} == {"pass"}


def test_inputs_are_the_same_to_the_last_bit(record):
    made = record(checks=["forward"], cases=["unit"])
    check, case = made.plan[1]
    x = np.nextafter(case.batch.x, np.inf)
    case = dataclasses.replace(case, batch=dataclasses.replace(case.batch, x=x))
    other = dataclasses.replace(made, plan=[made.plan[0], Task(check, case)])
    share_work({"a": made, "b": made})
    with pytest.raises(InputError, match=r"other inputs: batch\.x of case unit, float64"):
        share_work({"a": made, "b": other})
