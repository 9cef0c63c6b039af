"""A known deviation is excused as long as it is there, and in the row that it is known of alone."""

from __future__ import annotations

import dataclasses
import itertools
import platform

import pytest

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.spec import parse_backends
from gateparity.backends.workers.remote import open_worker
from gateparity.conformance.judgement.deviations import DEVIATIONS, Deviation, find_deviation
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.session import Session
from gateparity.conformance.runs.truths import Truths

ADAPTERS = """
import dataclasses

from gateparity.backends.numpy.scratch import Scratch


class Right(Scratch):
    version = "1.9.1"


class IgnoresLengths(Scratch):
    version = "1.9.1"

    def forward(self, config, params, batch):
        return super().forward(config, params, dataclasses.replace(batch, lengths=None))


class IgnoresThemInAnotherVersion(IgnoresLengths):
    version = "2.0.0"
"""
RAGGED = ("lengths", "ragged", "float32")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """What a class of the module above gets as the named row of a shipped adapter."""
    (tmp_path / "mymod.py").write_text(ADAPTERS, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def run(adapter, key=RAGGED, name="mxnet", variant="layer", shipped=True):
        [backend] = parse_backends([f"mymod:{adapter}"])
        backend = dataclasses.replace(backend, name=name, variant=variant, shipped=shipped)
        check, case, dtype = key
        with Session(backend, Truths(), open_worker) as session:
            return session.run(CHECKS[check], RECIPES[case].build(dtype, 0))

    return run


def listed(name, key, variant="layer"):
    check, case, dtype = key
    [backend] = parse_backends(["numpy"])
    backend = dataclasses.replace(backend, name=name, variant=variant)
    return find_deviation(backend, CHECKS[check], RECIPES[case].build(dtype, 0))


def test_a_listed_deviation_is_known_and_says_why(run):
    known, result = listed("mxnet", RAGGED), run("IgnoresLengths")
    assert result.status == "known"
    assert result.reason == f"{known.reason}: {known.link}"
    assert result.sigmas > 8


def test_one_that_is_mended_fails_until_its_entry_is_removed(run):
    known, result = listed("mxnet", RAGGED), run("Right")
    assert result.status == "fail"
    assert result.reason == (
        f"it no longer deviates ({known.reason}): remove its entry among the known deviations"
    )


@pytest.mark.parametrize(
    "backend",
    [
        {"name": "numpy", "variant": "scratch"},
        {"name": "mxnet", "variant": "scratch"},
        {"name": "torch"},
        {"key": ("lengths", "ragged", "float64")},
        {"shipped": False},
        {"shipped": False, "name": "mymod", "variant": "IgnoresLengths"},
    ],
    ids=lambda backend: "-".join(map(str, backend.values())),
)
def test_elsewhere_the_same_is_a_failure(run, backend):
    result = run("IgnoresLengths", **backend)
    assert result.status == "fail"
    assert "sigma" in result.reason


def test_an_environment_of_ones_own_is_that_framework_too(run):
    assert run("IgnoresLengths", name="mxnet@/path/to/env").status == "known"


def test_a_version_of_which_nothing_is_known_fails(run):
    assert run("IgnoresThemInAnotherVersion").status == "fail"


def test_what_was_never_compared_stays_what_it_is(run):
    """A crash or an adapter that can't do it isn't the deviation that is known."""
    assert run("Missing").status == "error"


def test_a_list_of_ones_own():
    check, case = CHECKS["forward"], RECIPES["unit"].build("float32", 0)
    [backend] = parse_backends(["numpy"])
    known = Deviation("numpy", ("scratch",), (("forward", "unit"),), ("float32",), "why", "where")
    assert find_deviation(backend, check, case, {}, [known]) is known
    assert find_deviation(backend, check, RECIPES["plain"].build("float32", 0), {}, [known]) is None
    assert find_deviation(backend, check, RECIPES["unit"].build("float64", 0), {}, [known]) is None
    assert find_deviation(backend, check, case) is None


def test_one_that_holds_on_some_devices_only():
    check, case = CHECKS["values"], RECIPES["subnormal"].build("float32", 0)
    [backend, *_] = parse_backends(["jax"])
    on = [find_deviation(backend, check, case, {"device": device}) for device in ("cpu", "gpu")]
    assert on[0] is find_deviation(backend, check, case)  # a manifest that doesn't tell
    assert on[0].where == (("device", "cpu"),)
    assert on[1] is None


def test_what_is_known_is_asked_for_by_the_workers_manifest(run, monkeypatch):
    elsewhere = dataclasses.replace(listed("mxnet", RAGGED), where=(("machine", "none such"),))
    monkeypatch.setattr(find_deviation, "__defaults__", ({}, (elsewhere,), ""))
    assert run("IgnoresLengths").status == "fail"
    here = dataclasses.replace(elsewhere, where=(("machine", platform.machine()),))
    monkeypatch.setattr(find_deviation, "__defaults__", ({}, (here,), ""))
    assert run("IgnoresLengths").status == "known"


@pytest.mark.parametrize("known", DEVIATIONS, ids=lambda known: known.reason)
def test_an_entry_names_what_there_is(known):
    framework = FRAMEWORKS[known.framework]
    assert set(known.variants) <= {name for name, _ in (*framework.variants, *framework.opt_in)}
    for check, case in known.cases:
        assert case in CHECKS[check].cases
        assert set(known.dtypes) <= set(CHECKS[check].dtypes)
    assert known.variants
    assert known.cases
    assert known.dtypes
    assert known.link.startswith("https://")
    assert known.reason
    assert not known.reason.endswith(".")
    assert known.reason.isprintable()
    assert "|" not in known.reason  # it stands in a table


def test_no_two_entries_are_about_the_same():
    keys = [
        (known.framework, *key)
        for known in DEVIATIONS
        for key in itertools.product(known.variants, known.cases, known.dtypes)
    ]
    assert len(set(keys)) == len(keys)
