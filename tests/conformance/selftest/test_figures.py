"""The suite's own figures: from a tiny catalogue, and from backends that are sound or aren't."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.spec import parse_backends
from gateparity.backends.workers.programs import default_store
from gateparity.conformance.commands.selftest import figures_json
from gateparity.conformance.mistakes.catalogue import CATALOGUE
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.problems.random_cases import random_case, random_case_of_few_shapes
from gateparity.conformance.reports.blocks import Cell, line
from gateparity.conformance.reports.selftest import selftest_report
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.truths import Truths
from gateparity.conformance.selftest import sensitivity
from gateparity.conformance.selftest.false_alarms import Alarms, count_alarms
from gateparity.conformance.selftest.figures import (
    Figures,
    Kill,
    Naming,
    kill,
    load_catalogue,
    run_selftest,
)
from gateparity.conformance.selftest.framework_alarms import count_framework_alarms
from gateparity.conformance.selftest.mutants import Mutant
from gateparity.conformance.selftest.sensitivity import SHIFTS, Caught
from gateparity.errors import InputError
from tests.command import run_command

BY_NAME = {mistake.name: mistake for mistake in CATALOGUE}
CLOSE = "torch.testing.assert_close"
MODULE = """
import dataclasses

from gateparity import Outputs, Unsupported
from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.mistakes.catalogue import CATALOGUE

found = {m.name: m for m in CATALOGUE}
RIGHT = found["no b_hh"]
UNEXPECTED = dataclasses.replace(found["weights never loaded"], checks=frozenset({"forward"}))
TWO = [RIGHT, UNEXPECTED]
WORDS = ["no b_hh"]
NUMBER = 3


class Scales(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return dataclasses.replace(found, y=found.y * 1.0001)


class Full(Scratch):
    \"\"\"One that refuses what it says it can't do.\"\"\"

    unsupported = {"lengths": "it knows none"}

    def forward(self, config, params, batch):
        if batch.lengths is not None:
            raise RuntimeError("lengths")
        return super().forward(config, params, batch)


class ForwardOnly:
    \"\"\"One without gradients that takes float32 only.\"\"\"

    layout = Scratch.layout
    unsupported = {"float64": "it computes in float32"}

    def forward(self, config, params, batch):
        if config.dtype != "float32":
            raise RuntimeError("float64")
        return Scratch().forward(config, params, batch)


class Refuses(ForwardOnly):
    def forward(self, *_):
        raise Unsupported("it refuses everything")


class Scalar(ForwardOnly):
    def forward(self, *_):
        return Outputs(0.0, 0.0, 0.0)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("user")
    (folder / "faults.py").write_text(MODULE, "utf-8")
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    """The user's own folder, for this process and those that it starts."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))


@pytest.fixture
def gateparity(folder):
    """Run the command in that folder."""

    def run(*arguments):
        environ = {"PYTHONPATH": str(folder)}
        return run_command("selftest", *arguments, cwd=folder, env=environ)

    return run


@pytest.mark.usefixtures("here")
def test_all_figures_of_a_tiny_catalogue():
    told = []
    figures = run_selftest(
        "faults:TWO",
        alarms=20,
        shifts=4,
        pairs=1,
        conditions=1,
        mutants=2,
        progress=lambda *of: told.append(of),
    )
    right, unexpected = figures.kills
    assert right.exact
    assert right.caught == BY_NAME["no b_hh"].checks
    assert (unexpected.caught, unexpected.expected, unexpected.exact) == (
        BY_NAME["weights never loaded"].checks,
        {"forward"},
        False,
    )
    assert figures.exit_code == 1
    assert [naming.mistakes for naming in figures.singles] == [(k.name,) for k in figures.kills]
    assert all(naming.right for naming in figures.namings)
    assert [set(naming.mistakes) for naming in figures.pairs] == [{right.name, unexpected.name}]
    assert (figures.alarms.cases, figures.alarms.reasons) == (20, ())
    assert 0 < figures.alarms.sigmas < 8
    assert {len(caught.shifts) for caught in figures.caught.values()} == {4}
    assert {trial.mistake.partition(", in ")[0] for trial in figures.trials} <= {
        "no b_hh",
        "weights never loaded",
    }
    assert len(figures.trials) == 1
    assert len(figures.mutants) == 2
    assert all(mutant.caught for mutant in figures.mutants)
    counts = {label: sum(n for name, n in told if name == label) for label, _ in told}
    assert counts == {
        "mistakes": 2,
        "diagnoses": 3,
        "false alarms": 20,
        "sensitivity": 4,
        "conditions": 1,
        "mutants": 2,
    }


def test_what_the_entry_promises_is_what_kills_it():
    """At the dtypes that it can show at: a plan of one case of either dtype."""
    mistake, truths = BY_NAME["float64 in float32"], Truths(default_store())
    checks = [c for c in _plan("forward") if c[1].name == "sequence"]
    assert {case.config.dtype for _, case in checks} == {"float32", "float64"}
    assert kill(mistake, checks, truths).caught == {"forward"}
    alone = [(c, case) for c, case in checks if case.config.dtype == "float32"]
    assert kill(mistake, alone, truths).caught == frozenset()


def _plan(*names):
    return [
        (CHECKS[name], RECIPES[case].build(dtype, 0))
        for name in names
        for case in CHECKS[name].cases
        for dtype in CHECKS[name].dtypes
    ]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nowhere:LIST", "nowhere:LIST can't be loaded: No module named 'nowhere'"),
        ("faults:GONE", "faults:GONE can't be loaded: module 'faults' has no attribute 'GONE'"),
        ("faults:NUMBER", "faults:NUMBER can't be loaded: 'int' object is not iterable"),
        ("faults:WORDS", "faults:WORDS holds a str, expected Mistakes"),
        ("faults", "faults can't be loaded"),
        ("", " can't be loaded"),
        (":TWO", ":TWO can't be loaded"),
    ],
)
def test_a_catalogue_that_is_none(target, message):
    with pytest.raises(InputError) as caught:
        load_catalogue(target)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


KILL = Kill("a", "family", "it", frozenset({"gates"}), frozenset({"gates"}))
GOOD = Figures(
    (KILL,),
    Alarms(10, 3.0, 2.0),
    {},
    (Naming(("a",), (("a",),), True), *[Naming(("a", "b"), (("a", "b"),), True)] * 10),
    0,
)
WRONG_PAIR = Naming(("a", "b"), (), False)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"namings": ()}, 0),
        ({"namings": (*GOOD.namings[:-1], WRONG_PAIR)}, 0),
        ({"namings": (*GOOD.namings[:-2], WRONG_PAIR, WRONG_PAIR)}, 1),
        ({"namings": (Naming(("a",), (), False), *GOOD.namings)}, 1),
        ({"kills": (dataclasses.replace(KILL, caught=frozenset()),)}, 1),
        ({"kills": (KILL, dataclasses.replace(KILL, caught=frozenset({"gates", "carry"})))}, 1),
        ({"alarms": Alarms(10, 9.0, 2.0, ("y is off",))}, 1),
        ({"mutants": (Mutant("a", "gates"),) * 99 + (Mutant("b", ""),)}, 0),
        ({"mutants": (Mutant("a", "gates"),) * 98 + (Mutant("b", ""),)}, 1),
        ({"mutants": (Mutant("b", "", "its shape alone is used"),)}, 0),
        ({"mutants": (Mutant("b", "gates", "its shape alone is used"),)}, 1),
    ],
)
def test_the_exit_code(changes, code):
    assert dataclasses.replace(GOOD, **changes).exit_code == code


def test_alarms_add_up():
    total = Alarms(2, 1.0, 5.0, ("a",)) + Alarms(3, 4.0, 2.0, ("b",))
    assert total == Alarms(5, 4.0, 5.0, ("a", "b"))


def test_numpy_is_never_called_wrong_and_a_liar_always_is():
    """A thousandth at one unit, however the LSTM is shaped."""

    class Liar(Scratch):
        def forward(self, config, params, batch):
            found = super().forward(config, params, batch)
            found.y[..., 0] *= np.asarray(1.001, found.y.dtype)
            return found

    sound = count_alarms(Scratch(), range(16), random_case)
    assert (sound.cases, sound.reasons) == (16, ())
    assert 0 < sound.sigmas < 8
    wrong = count_alarms(Liar(), range(16), random_case)
    assert len(wrong.reasons) == 16
    assert wrong.sigmas > 8
    assert all(", forward: " in reason for reason in wrong.reasons)


@pytest.mark.usefixtures("here")
def test_frameworks_are_asked_the_same():
    backends = parse_backends(["numpy", "faults:Scales", "faults:Full"])
    told = []
    found = count_framework_alarms(backends, 12, 0, lambda *of: told.append(of))
    labels = [backend.label for backend in backends]
    assert list(found) == labels
    assert [alarms.cases for alarms in found.values()] == [12, 12, 12]
    numpy, scales, full = found.values()
    assert (numpy.reasons, full.reasons) == ((), ())
    assert len(scales.reasons) >= 12
    assert {
        label: sum(n for name, n in told if name == label) for label in labels
    } == dict.fromkeys(labels, 12)


@pytest.mark.usefixtures("here")
def test_a_backend_is_asked_only_for_what_it_supports():
    """Half of the LSTMs are float64, and all have gradients."""
    backends = parse_backends(["numpy", "faults:ForwardOnly"])
    numpy, forward = count_framework_alarms(backends, 12, 0, lambda *_: None).values()
    assert (numpy.cases, forward.cases) == (12, 6)
    assert (numpy.reasons, forward.reasons) == ((), ())


def test_a_backend_that_is_not_there_leaves_no_figure():
    backend = parse_backends(["nowhere:Class"])[0]
    with pytest.raises(InputError, match=r"^nowhere:Class can't run: .*nowhere"):
        count_framework_alarms([backend], 1, 0, lambda *_: None)


@pytest.mark.parametrize("make", [random_case, random_case_of_few_shapes])
def test_random_lstms_are_drawn_by_their_seed(make):
    one, again, other = (make(seed, "float32") for seed in (5, 5, 17))
    np.testing.assert_array_equal(one.batch.x, again.batch.x)
    np.testing.assert_array_equal(one.params[0].w_hh, again.params[0].w_hh)
    assert one.config == again.config
    assert one.batch.x.shape != other.batch.x.shape or (one.batch.x != other.batch.x).any()
    wide = make(5, "float64")
    np.testing.assert_array_equal(wide.batch.x.astype("float32"), one.batch.x)


def _shape(case):
    return case.batch.x.shape, case.config, case.batch.lengths is None


def test_compiled_frameworks_see_a_dozen_shapes():
    few = {_shape(random_case_of_few_shapes(seed, "float32")) for seed in range(100)}
    many = {_shape(random_case(seed, "float32")) for seed in range(100)}
    assert len(few) <= 12
    assert len(many) > 80
    configs = [config for _, config, _ in few]
    for name in ("layers", "directions"):
        assert {getattr(config, name) for config in configs} == {1, 2}


@pytest.fixture(scope="module")
def measured():
    return sensitivity.measure(0, range(3))


def test_a_shift_is_seen_sooner_than_by_a_tolerance(measured):
    ours, theirs = measured["gateparity"], measured[CLOSE]
    assert ours.alarms == 0
    assert all(a < b for a, b in zip(ours.shifts, theirs.shifts, strict=True))
    assert set(ours.shifts) <= set(SHIFTS)


def test_pieces_are_joined_in_their_order(measured):
    parts = [sensitivity.measure(0, [k]) for k in range(3)]
    assert sensitivity.join(parts) == measured


def test_no_shift_is_seen_by_who_sees_nothing(monkeypatch):
    methods = {"blind": lambda *_: True, "jumpy": lambda *_: False}
    monkeypatch.setattr(sensitivity, "METHODS", methods)
    found = sensitivity.measure(0, [0])
    assert found["blind"] == Caught((np.inf,), 0)
    assert found["jumpy"] == Caught((SHIFTS[0],), 1)


def test_a_share_of_the_cases():
    caught = Caught((4.0, 1.0, np.inf, 2.0), 0)
    assert [caught.smallest(share) for share in (0.25, 0.5, 0.75, 0.99)] == [1, 2, 4, np.inf]


def test_help_has_examples(gateparity):
    done = gateparity("--help")
    assert done.returncode == 0
    assert "gateparity selftest --faults mypkg.faults:LIST" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--backend", "numpy"), "--backend goes with --frameworks"),
        (
            ("--conditions", "3", "--mutants"),
            "give one of --conditions, --mutants and --frameworks",
        ),
        (("--faults", "faults:WORDS"), "faults:WORDS holds a str, expected Mistakes"),
        (("--faults", "faults"), "faults can't be loaded"),
        (("--json", "gone/x.json"), "gone/x.json can't be written"),
        (("--frameworks", "-b", "nunpy"), "unknown backend 'nunpy' (did you mean numpy?)"),
        (("--frameworks", "-b", "gone:Class", "--cases", "1"), "gone:Class can't run: "),
        (
            ("--frameworks", "-b", "faults:Refuses", "--cases", "1"),
            "faults:Refuses can't run: it refuses everything",
        ),
        (
            ("--frameworks", "-b", "faults:Scalar", "--cases", "1"),
            "faults:Scalar can't run: y is float, expected a NumPy array",
        ),
    ],
)
def test_bad_input_is_one_line(gateparity, arguments, message):
    done = gateparity(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("spec", "code"), [("numpy", 0), ("faults:Scales", 1)])
def test_false_alarms_in_a_backend(gateparity, folder, spec, code):
    done = gateparity("--frameworks", "-b", spec, "--cases", "10", "--json", f"{code}.json")
    assert done.returncode == code, done.stderr
    (found,) = json.loads((folder / f"{code}.json").read_text())["false_alarms"].values()
    assert found["cases"] == 10
    assert bool(found["reasons"]) == bool(code)
    count = len(found["reasons"])
    assert f"{count} in 10 random LSTMs through 1 backend" in done.stdout
    assert ("first false alarm" in done.stdout) == bool(code)


def test_mistakes_under_conditions_alone(gateparity, folder):
    done = gateparity("--conditions", "1", "--json", "conditions.json")
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "conditions.json").read_text())["conditions"]
    assert found["shares"]["all"]["trials"] == len(found["trials"]) == 1
    assert "Mistakes under conditions, by class" in done.stdout


def test_the_data_of_a_selftest():
    """A whole run by the command takes minutes: the data is that of its figures."""
    missed = dataclasses.replace(KILL, name="b", caught=frozenset({"carry"}))
    caught = {"gateparity": Caught((1e-7, np.inf), 0)}
    figures = dataclasses.replace(
        GOOD, kills=(KILL, missed), caught=caught, namings=(*GOOD.namings, WRONG_PAIR)
    )
    data = json.loads(json.dumps(figures_json(figures), allow_nan=False))
    assert data["mistakes"][1]["caught"] == ["carry"]
    assert data["mistakes"][1]["expected"] == ["gates"]
    assert data["sensitivity"]["gateparity"]["99 of 100"] is None
    assert data["diagnoses"][-1] == {"mistakes": ["a", "b"], "said": [], "right": False}
    report = selftest_report(data, figures.exit_code)
    assert report.verdict == "not as expected"
    assert report.counts.startswith("2 of 2 mistakes caught, 11 of 12 diagnoses right, false")
    words = Cell("Mistakes not caught by exactly the expected checks", "fail")
    assert report.lead == [line(words, ": 1")]
