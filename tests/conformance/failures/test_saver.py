"""What fails is saved, small, with what was found and expected there; nothing else changes."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from gateparity.backends.backend import Backend
from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.spec import parse_backends
from gateparity.conformance.failures.failure import load_failure
from gateparity.conformance.failures.saver import FOLDER, Saver, file_name, make_saver
from gateparity.conformance.judgement.verdict import Mismatch, judge
from gateparity.conformance.reports.record import to_json
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.plan import Source, named_plan
from gateparity.conformance.runs.result import Result
from gateparity.conformance.runs.run import run_checks
from gateparity.conformance.runs.truths import Truths
from gateparity.errors import InputError
from gateparity.layouts import D2L
from gateparity.protocol.canonical import Canonical

LIARS = """
import dataclasses
import os

from gateparity import Unsupported
from gateparity.backends.numpy.scratch import Scratch
from gateparity.layouts import D2L


class Swapped(Scratch):
    version = "1.0"
    layout = dataclasses.replace(D2L, gates=("i", "f", "o", "c"))


class NoLengths(Scratch):
    def forward(self, config, params, batch):
        return super().forward(config, params, dataclasses.replace(batch, lengths=None))


class Late(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        y = found.y.copy()
        y[2:, ..., 3:] *= 1.01
        return dataclasses.replace(found, y=y)


class DiesOfSmallCases(Swapped):
    def forward(self, config, params, batch):
        if config.hidden_size < 3:
            os._exit(3)
        return super().forward(config, params, batch)


class Raises(Scratch):
    def forward(self, config, params, batch):
        raise RuntimeError("no memory")


class Refuses(Scratch):
    def forward(self, config, params, batch):
        raise Unsupported("never")


class Flaky(Scratch):
    calls = []

    def forward(self, config, params, batch):
        self.calls.append(1)
        found = super().forward(config, params, batch)
        return dataclasses.replace(found, y=found.y * (1 if len(self.calls) > 1 else 2))
"""


class Swapped(Scratch):
    layout = dataclasses.replace(D2L, gates=("i", "f", "o", "c"))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of one liar and numpy, in a folder of its own."""
    (tmp_path / "liar.py").write_text(LIARS)
    monkeypatch.chdir(tmp_path)

    def start(name, checks=("forward", "layers"), cases=(), saver=None, **options):
        saver = saver or Saver(tmp_path / "saved", 5)
        backends = parse_backends(["numpy", f"liar:{name}"])
        return run_checks(backends, named_plan(cases, checks, 5), seed=5, save=saver, **options)

    return start


def saved(run):
    return {result.check: result for result in run.results if result.saved}


def test_the_first_case_of_each_failing_check_is_saved(run, tmp_path):
    found = run("Swapped")
    files = saved(found)
    assert list(files) == ["forward", "layers"]
    assert {path.name for path in (tmp_path / "saved").iterdir()} == {
        "liar-Swapped-forward-sequence-float32.safetensors",
        "liar-Swapped-layers-stacked-float32.safetensors",
    }
    failing = [r for r in found.results if r.status == "fail"]
    assert failing[0] is files["forward"]
    assert {result.backend.label for result in failing} == {"liar:Swapped"}


def test_swapped_gates_are_shrunk_to_one_of_everything(run):
    for result in saved(run("Swapped")).values():
        failure = load_failure(Path(result.saved))
        assert result.saved_sizes == failure.case.sizes == "T1-B1-I1-H1"
        assert failure.case.config.layers == 1
        assert failure.case.name == result.case


def test_what_a_mistake_needs_stays(run):
    late = saved(run("Late", ["forward"]))["forward"]
    assert late.saved_sizes == "T3-B1-I1-H4"
    ragged = saved(run("NoLengths", ["lengths"]))["lengths"]
    assert load_failure(Path(ragged.saved)).case.batch.lengths.tolist() == [0]


@pytest.mark.parametrize("check", ["forward", "gates", "gradients", "directions", "permutation"])
def test_found_and_expected_are_those_of_the_shrunk_case(run, check):
    failure = load_failure(Path(saved(run("Swapped", [check]))[check].saved))
    again = CHECKS[check].run(Canonical(Swapped()), failure.case)
    assert list(failure.found) == list(again)
    for name, array in again.items():
        assert failure.found[name].dtype == array.dtype
        np.testing.assert_array_equal(failure.found[name], array)
    expected = Truths().of(CHECKS[check], failure.case)
    for name, array in expected.truth.items():
        np.testing.assert_array_equal(failure.truth[name], array.astype("float64"))
        np.testing.assert_array_equal(failure.sigmas[name], expected.budget.sigmas[name])
    with pytest.raises(Mismatch) as differs:
        judge(failure.found, expected)
    assert str(differs.value) == failure.message


def test_what_is_saved_passes_in_numpy(run):
    for result in saved(run("Swapped", ["forward", "gates", "carry"])).values():
        failure = load_failure(Path(result.saved))
        check = CHECKS[failure.check]
        judge(check.run(Canonical(Scratch()), failure.case), Truths().of(check, failure.case))


def test_a_file_tells_where_it_was_made(run):
    failure = load_failure(Path(saved(run("Swapped", ["forward"]))["forward"].saved))
    assert (failure.backend, failure.seed, failure.check) == ("liar:Swapped", 5, "forward")
    manifest = failure.manifest
    assert (manifest["backend version"], manifest["numpy"]) == ("1.0", np.__version__)
    assert {"gateparity", "expected by", "python", "system", "machine"} <= set(manifest)


def test_flags_of_the_worker_are_told_and_nothing_else_of_it(run, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.setenv("SECRET_TOKEN", "abc123")
    path = Path(saved(run("Swapped", ["forward"]))["forward"].saved)
    assert load_failure(path).manifest["OPENBLAS_NUM_THREADS"] == "1"
    assert b"abc123" not in path.read_bytes()


@pytest.mark.parametrize("name", ["Raises", "Refuses"])
def test_what_was_not_compared_is_not_saved(run, tmp_path, name):
    assert not saved(run(name, ["forward"]))
    assert not (tmp_path / "saved").exists()


def test_a_deviation_that_is_gone_is_no_case_to_save(tmp_path):
    """It fails the run, but no number does."""
    jax = Backend("jax", "layer", "gateparity.backends.numpy.scratch:Scratch", Path(sys.executable))
    plan = named_plan(["nan_padding"], ["lengths"], 0)
    found = run_checks([jax], plan, seed=0, save=Saver(tmp_path / "saved", 0))
    assert {result.status for result in found.results} == {"fail"}
    assert not saved(found)


def test_a_worker_that_a_smaller_case_kills_costs_no_result(run):
    found = run("DiesOfSmallCases", cases=["sequence", "stacked"])
    own = [r for r in found.results if r.backend.label == "liar:DiesOfSmallCases"]
    assert [r.status for r in own] == ["fail"] * 4
    files = saved(found)
    assert list(files) == ["forward", "layers"]
    assert load_failure(Path(files["layers"].saved)).case.sizes == files["layers"].saved_sizes


def test_a_failure_that_comes_and_goes_is_saved_as_it_was(run, tmp_path):
    saver = Saver(tmp_path / "saved", 5, seconds=1.0)
    result = saved(run("Flaky", ["forward"], ["sequence"], saver))["forward"]
    assert result.saved_sizes == "T5-B3-I4-H6"
    failure = load_failure(Path(result.saved))
    assert failure.message == result.reason
    np.testing.assert_array_equal(failure.found["y"], result.arrays["y"])


def test_without_a_folder_nothing_is_saved(run, tmp_path):
    assert not saved(run("Swapped", saver=make_saver(None, 0, no_save=True)))
    assert {path.name for path in tmp_path.iterdir()} <= {"liar.py", "__pycache__"}


def test_a_folder_that_cannot_be_made_costs_the_files_only(run, tmp_path):
    (tmp_path / "file").write_text("")
    saver = Saver(tmp_path / "file", 0)
    found = run("Swapped", ["forward"], saver=saver)
    assert found.exit_code == 1
    assert not saved(found)
    assert len(saver.problems) == 1
    assert saver.problems[0].startswith("forward of liar:Swapped is not saved: ")


def test_it_says_what_takes_time(run):
    said = []
    run("Swapped", ["forward"], saver=Saver(None, 0, said.append))
    assert not said
    saver = Saver(FOLDER, 0, said.append)
    run("Swapped", ["forward"], saver=saver)
    assert said == ["liar:Swapped forward: shrinking"]


def test_the_options(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert make_saver(None, 0).folder == FOLDER
    assert make_saver(tmp_path / "x", 0).folder == tmp_path / "x"
    with pytest.raises(InputError, match="--save and --no-save exclude each other"):
        make_saver(tmp_path, 0, no_save=True)
    with pytest.raises(InputError, match="there is no folder"):
        make_saver(tmp_path / "x" / "y", 0)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="it is a file"):
        make_saver(tmp_path / "file", 0)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


LABELS = [
    ("torch", "layer", "torch-layer"),
    ("my_pkg.lstm", "My_LSTM", "my_pkg.lstm-My_LSTM"),
    ("torch@/opt/a b/é", "layer", "torch-layer-"),
    ("one-of-mine", "", "one-of-mine-"),
    ("modül", "Klasse", "mod-l-Klasse-"),
    ("m" * 300, "L", "mmm"),
]


@pytest.mark.parametrize(("name", "variant", "start"), LABELS)
def test_file_names_are_safe(name, variant, start):
    result = Result(Backend(name, variant, "", None), "forward", "unit", "float32", "fail")
    found = file_name(result)
    assert found.startswith(start)
    assert found.endswith("-forward-unit-float32.safetensors")
    assert found.isascii()
    assert not set(found) & set("/\\: @\n")
    assert len(found) < 160


def test_rows_of_two_interpreters_have_two_files():
    backends = [Backend(f"torch@/opt/{name}", "layer", "", None) for name in ("a/b", "a-b", "a")]
    results = [Result(backend, "forward", "unit", "float32", "fail") for backend in backends]
    assert len({file_name(result) for result in results}) == 3
    assert not any("opt" in file_name(result) for result in results)


def test_the_json_names_the_file(run):
    found = run("Swapped", ["forward"])
    told = [r for r in to_json(found, Source())["results"] if "saved" in r]
    assert [(r["check"], r["saved_sizes"]) for r in told] == [("forward", "T1-B1-I1-H1")]
    assert [r["saved"] for r in told] == [r.saved for r in found.results if r.saved]
