"""A diagnosis names the mistake that was made, the pair of them, or says that it knows neither."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.spec import parse_backends
from gateparity.conformance.diagnosis.predictions import Predictions, apply_mistakes
from gateparity.conformance.diagnosis.probes import (
    PROBES,
    Probe,
    make_probes,
    probe_cases,
    run_probe,
)
from gateparity.conformance.diagnosis.search import Diagnoser, Diagnosis
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.mistakes.catalogue import CATALOGUE
from gateparity.conformance.mistakes.cells import Place, confine
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.plan import problems_plan
from gateparity.conformance.runs.result import Result
from gateparity.protocol.canonical import Canonical
from gateparity.protocol.repeated import CALLS

BY_NAME = {mistake.name: mistake for mistake in CATALOGUE}
ROW = parse_backends(["numpy"])[0]
CHEAP = PROBES[:4]


@dataclasses.dataclass(frozen=True)
class ScalesOneUnit(Scratch):
    """Nobody's usual mistake."""

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        y = found.y.copy()
        y[..., 0] *= np.asarray(1.001, y.dtype)
        return dataclasses.replace(found, y=y)


@pytest.fixture(scope="module")
def predictions():
    """What was computed for one question is there for the next."""
    return Predictions()


@pytest.fixture(scope="module")
def diagnoser(predictions):
    return Diagnoser(predictions)


def ask(make_lstm, probes=PROBES, seed=0):
    """What an LSTM, made anew for each dtype and case, finds."""
    return [
        Probe(check, case, run_probe(make_lstm(case), check, case))
        for check, case in probe_cases(seed, probes)
    ]


def mistaken(*names):
    """NumPy's LSTM at the case's own precision, with these mistakes in it."""
    mistakes = tuple(BY_NAME[name] for name in names)
    return lambda case: apply_mistakes(mistakes, Truth(dtype=case.config.dtype), case)


def names_of(diagnosis):
    return [tuple(m.name for m in mistakes) for mistakes in diagnosis.explanations]


def test_probes_are_of_cases_that_their_checks_have():
    assert len(set(PROBES)) == len(PROBES)
    for check, case, dtype in PROBES:
        assert case in CHECKS[check].cases
        assert dtype in CHECKS[check].dtypes


@pytest.mark.parametrize("make_lstm", [mistaken(), lambda _: Canonical(Scratch())])
def test_a_sound_lstm_has_nothing_to_explain(diagnoser, make_lstm):
    probes = ask(make_lstm, [p for p in PROBES if p[0] not in ("purity", "refusal")])
    found = diagnoser.diagnose(probes)
    assert found == Diagnosis(tuple(probes), (), (), ())
    assert found.words == ""


SINGLES = [
    "gates packed i, o, f, g",
    "no b_hh",
    "hard sigmoid of Keras 2",
    "h_0 ignored",
    "lengths ignored",
    "d_w_hh doubled",
    "cell state in bfloat16",
    "float64 in float32",
    "weights come back packed i, f, o, g",
    "x overwritten",
]


@pytest.mark.parametrize("name", SINGLES)
def test_exactly_the_mistake_is_named(diagnoser, name):
    found = diagnoser.name(ask(mistaken(name)), pairs=False)
    assert names_of(found) == [(name,)]
    assert found.words == f"it behaves exactly as if {BY_NAME[name].words}"
    assert found.ruled_out == ()


PLACES = [
    (Place(layer=0), "layer 0"),
    (Place(layer=1), "layer 1"),
    (Place(direction=0), "the forward direction"),
    (Place(direction=1), "the reverse direction"),
    (Place(0, 0), "layer 0, forward,"),
    (Place(0, 1), "layer 0, reverse,"),
    (Place(1, 0), "layer 1, forward,"),
    (Place(1, 1), "layer 1, reverse,"),
]


def confined(name, place):
    """NumPy's LSTM with this mistake in this place alone."""
    mistake = confine(BY_NAME[name], place)
    return lambda case: apply_mistakes((mistake,), Truth(dtype=case.config.dtype), case)


@pytest.mark.parametrize(("place", "words"), PLACES)
def test_a_mistake_in_one_layer_or_direction_is_named_with_its_place(diagnoser, place, words):
    found = diagnoser.name(ask(confined("gates packed i, f, o, g", place)), pairs=False)
    said = f"it behaves exactly as if the gates of {words} were packed i, f, o, g"
    assert found.words == said
    assert names_of(found) == [(f"gates packed i, f, o, g, in {words.rstrip(',')}",)]


@pytest.mark.parametrize(
    "name", ["recurrent kernels transposed", "no b_hh", "no bias at the forget gate"]
)
def test_other_mistakes_of_the_weights_are_named_with_their_place(diagnoser, name):
    found = diagnoser.name(ask(confined(name, Place(0, 1))), pairs=False)
    assert names_of(found) == [(f"{name}, in layer 0, reverse",)]


def test_every_mistake_of_the_weights_can_be_in_one_place(diagnoser):
    weights = [m for m in CATALOGUE if m.family in ("gate order", "kernels", "biases")]
    assert all(" of layer 1 " in confine(m, Place(1)).words for m in weights)
    assert [m for m in CATALOGUE if confine(m, Place(1))] == weights


def test_a_mistake_everywhere_is_named_without_a_place(diagnoser):
    one_layer = [p for p in PROBES if p[1] in ("one_step", "sequence") and p[0] != "refusal"]
    found = diagnoser.name(ask(confined("no b_hh", Place(0)), one_layer), pairs=False)
    assert names_of(found) == [("no b_hh",)]


def test_where_single_directions_are_all_a_place_has_the_fewest_words(diagnoser):
    some = [p for p in PROBES if p[1] in ("sequence", "stacked") and p[0] != "refusal"]
    found = diagnoser.name(ask(confined("no b_hh", Place(1, 0)), some), pairs=False)
    assert names_of(found) == [("no b_hh, in layer 1",)]


def test_what_is_not_deterministic_is_searched_no_further(predictions):
    """Whatever else is wrong with it: its numbers are others in the next run."""
    probes = ask(mistaken("no b_hh"), CHEAP)
    purity = probe_cases(0, [("purity", "sequence", "float32")])[0]
    noisy = Probe(*purity, "repeated calls of forward with the same arguments differ in y")
    found = Diagnoser(predictions).diagnose([*probes, noisy])
    assert found.words == f"it is not deterministic: {noisy.found}"
    assert (found.differing, found.explanations, found.ruled_out) == ((noisy,), (), ())


def test_every_case_of_the_users_own_is_a_probe():
    case = dataclasses.replace(RECIPES["sequence"].build("float32", 0), name="weights")
    answer = {"y": np.zeros(1)}
    result = Result(ROW, "forward", "weights", "float32", "fail", None, arrays=answer)
    (probe,) = make_probes([Task(CHECKS["forward"], case)], [result])
    assert (probe.key, probe.found) == (("forward", "weights", "float32"), answer)


@dataclasses.dataclass(frozen=True)
class ForwardOnly:
    """An LSTM that has no gradients."""

    lstm: object
    differentiates = False
    lacks = frozenset()

    def forward(self, *asked):
        return self.lstm.forward(*asked)


OUTPUTS = [p for p in PROBES if p[0] in ("sizes", "forward", "lengths", "directions", "layers")]


@pytest.mark.parametrize("name", ["gates packed i, o, f, g", "h_0 ignored", "lengths ignored"])
def test_outputs_alone_name_a_mistake(diagnoser, name):
    """By a doctor who has seen gradients of the same probes."""
    probes = ask(lambda case: ForwardOnly(mistaken(name)(case)), OUTPUTS)
    assert all(probe.outputs_alone for probe in probes)
    assert names_of(diagnoser.diagnose(probes)) == [(name,)]


def test_what_outputs_alone_do_not_show_is_not_there(diagnoser):
    shown, alone = (
        diagnoser.name(ask(make, OUTPUTS), pairs=False)
        for make in (
            mistaken("d_w_hh doubled"),
            lambda case: ForwardOnly(mistaken("d_w_hh doubled")(case)),
        )
    )
    assert names_of(shown) == [("d_w_hh doubled",)]
    assert alone.differing == ()


def test_other_numbers_of_the_same_name_are_another_question(diagnoser):
    """As in failures that were saved: shrunk, or drawn by another seed."""
    probes = [p for seed in (0, 7) for p in ask(mistaken("no b_hh"), CHEAP, seed)]
    found = diagnoser.name(probes, pairs=False)
    assert names_of(found) == [("no b_hh",)]
    assert len(found.differing) == 2 * len(CHEAP)


def test_a_pair_is_named_by_two_probes_of_one_name(predictions):
    pair = ("no b_hh", "1 added to the forget gate before the sigmoid")
    some = [m for m in CATALOGUE if m.family in ("biases", "forget offset")]
    probes = [p for seed in (0, 7) for p in ask(mistaken(*pair), CHEAP[1:2], seed)]
    found = Diagnoser(predictions, some).name(probes)
    assert set(pair) in [set(names) for names in names_of(found)]


def test_only_what_differs_is_called_differing(diagnoser):
    found = diagnoser.name(ask(mistaken("lengths ignored")), pairs=False)
    shorter = ("lengths", "gates", "purity", "calls")
    assert len(found.probes) == len(PROBES)
    assert 0 < len(found.differing) < len(PROBES)
    assert all(p.check.name in shorter for p in found.differing)
    assert all(p.case.batch.lengths is not None for p in found.differing)


def test_a_pair_is_named(predictions):
    """Among a part of the catalogue, for the sake of time."""
    pair = {"no b_hh", "d_w_hh doubled"}
    some = [m for m in CATALOGUE if m.family in ("biases", "gradients")]
    shares = []
    probes = ask(mistaken(*pair))
    found = Diagnoser(predictions, some).name(probes, shares.append)
    assert [set(names) for names in names_of(found)] == [pair]
    both = [BY_NAME[name].words for name in names_of(found)[0]]
    assert found.words == f"it behaves exactly as if {both[0]} and {both[1]}"
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1


def test_pairs_are_not_looked_at_unless_asked(predictions):
    some = [BY_NAME["no b_hh"], BY_NAME["d_w_hh doubled"]]
    probes = ask(mistaken("no b_hh", "d_w_hh doubled"))
    diagnoser = Diagnoser(predictions, some)
    assert names_of(diagnoser.name(probes, pairs=False)) == []
    assert len(names_of(diagnoser.name(probes))) == 1


def test_one_mistake_is_enough_where_it_explains_everything(predictions):
    some = [m for m in CATALOGUE if m.family == "biases"]
    shares = []
    found = Diagnoser(predictions, some).name(ask(mistaken("no b_hh")), shares.append)
    assert names_of(found) == [("no b_hh",)]
    assert shares == []


def test_what_is_not_known_is_said(predictions):
    some = [m for m in CATALOGUE if m.family in ("biases", "activations", "lengths")]
    probes = ask(lambda _: Canonical(ScalesOneUnit()), CHEAP)
    found = Diagnoser(predictions, some).diagnose(probes)
    assert found.differing
    assert found.explanations == ()
    assert found.words == "no known mistake explains it"
    distances = [distance for _, distance in found.ruled_out]
    assert {m.name for m, _ in found.ruled_out} == {m.name for m in some}
    assert distances == sorted(distances)
    assert distances[0] > 8
    near = [m.name for m, distance in found.ruled_out if distance <= found.distance / 2]
    assert [m.name for m, _ in found.nearest] == near
    assert found.distance > 8


def test_a_mistake_is_measured_up_to_the_probe_that_rules_it_out():
    """One that is near in every probe has its largest distance, of them all."""
    asked = {}

    class Notes(Predictions):
        def distance(self, mistakes, probe):
            found = super().distance(mistakes, probe)
            asked.setdefault(mistakes, {})[probe.asked] = found
            return found

    class Scaled:
        """An LSTM whose outputs are a thousandth larger."""

        def __init__(self, lstm):
            self.lstm = lstm

        def __getattr__(self, name):
            return getattr(self.lstm, name)

        def forward(self, *given):
            found = self.lstm.forward(*given)
            return dataclasses.replace(found, y=found.y * np.asarray(1.001, found.y.dtype))

    near = BY_NAME["no b_hh"]
    some = [m for m in CATALOGUE if m.family in ("biases", "gate order")]
    probes = ask(lambda case: Scaled(mistaken(near.name)(case)), CHEAP)
    found = Diagnoser(Notes(), some).diagnose(probes)
    assert [m for m, _ in found.nearest] == [near]
    assert found.distance == max(asked[()].values())
    for mistake, distance in found.ruled_out:
        distances = list(asked[mistake,].values())
        assert distance == max(distances)
        assert len(distances) == (len(found.differing) if mistake == near else 1)


def test_calls_that_are_repeated_are_drawn_once(monkeypatch):
    """A budget says how far rounding moves an answer; the same call again moves it no farther."""
    calls = []
    forward = Truth.forward
    monkeypatch.setattr(
        Truth, "forward", lambda self, *asked: calls.append(0) or forward(self, *asked)
    )
    (probe,) = ask(mistaken("states kept between calls"), [("calls", "zero_states", "float32")])
    calls.clear()
    Predictions()._budget((BY_NAME["states kept between calls"],), probe)
    assert 0 < len(calls) < CALLS


def test_no_single_mistake_of_the_catalogue_explains_it(diagnoser):
    found = diagnoser.name(ask(lambda _: Canonical(ScalesOneUnit()), CHEAP), pairs=False)
    assert (found.words, names_of(found)) == ("no known mistake explains it", [])


def test_what_is_named_is_not_ruled_out(predictions):
    some = [m for m in CATALOGUE if m.family in ("biases", "forget offset")]
    found = Diagnoser(predictions, some).diagnose(ask(mistaken("biases doubled"), CHEAP))
    assert names_of(found) == [("biases doubled",)]
    others = [m.name for m, _ in found.ruled_out]
    assert sorted([*others, "biases doubled"]) == sorted(m.name for m in some)
    assert all(distance > 8 for _, distance in found.ruled_out)


def test_what_the_probes_cannot_tell_apart_is_all_named(predictions):
    one = BY_NAME["no b_hh"]
    twin = dataclasses.replace(one, name="twin", words="it were its twin")
    found = Diagnoser(predictions, [one, twin]).name(ask(mistaken("no b_hh"), CHEAP))
    assert names_of(found) == [("no b_hh",), ("twin",)]
    assert found.words == f"it behaves exactly as if {one.words}, or as if it were its twin"


@pytest.mark.parametrize("name", ["gates packed f, i, g, o", "no biases", "lengths ignored"])
def test_forward_alone_is_enough(diagnoser, name):
    probes = ask(mistaken(name), [p for p in PROBES if not CHECKS[p[0]].needs])
    assert 0 < len(probes) < len(PROBES)
    assert (name,) in names_of(diagnoser.name(probes, pairs=False))


def test_a_mistake_at_other_dtypes_alone_changes_nothing_here():
    case = RECIPES["sequence"].build("float32", 0)
    truth = Truth(dtype="float32")
    assert apply_mistakes((BY_NAME["float64 in float32"],), truth, case) is truth


def test_predictions_tell_what_agrees(predictions):
    probe = ask(mistaken(), CHEAP[:1])[0]
    ignored, doubled = ((BY_NAME[n],) for n in ("lengths ignored", "biases doubled"))
    assert predictions.agree((), ignored, probe)  # full sequences
    assert not predictions.agree((), doubled, probe)
    assert predictions.explains((), probe)
    assert not predictions.explains(doubled, probe)
    assert predictions.distance((), probe) < 8 < predictions.distance(doubled, probe)
    assert predictions.log_likelihood((), probe) > predictions.log_likelihood(doubled, probe)


def test_arrays_of_another_shape_are_infinitely_far(predictions):
    probe = ask(mistaken(), CHEAP[:1])[0]
    cut = {name: array[..., :-1] for name, array in probe.found.items()}
    other = dataclasses.replace(probe, found=cut)
    assert predictions.distance((), other) == np.inf
    assert not predictions.explains((), other)


def test_a_row_is_asked_what_it_answered():
    """In the order of the probes; a check that fails without arrays is in its reason."""
    plan = probe_cases(0, reversed(PROBES[:3] + PROBES[-2:-1]))
    arrays = {"y": np.zeros(2)}
    told = [("pass", "", arrays), ("fail", "beyond", arrays), ("skip", "no", None)]
    results = [
        Result(ROW, *task.key, status, None, reason, arrays=found)
        for task, (status, reason, found) in zip(
            plan, [("fail", "forward wrote to x", None), *told], strict=True
        )
    ]
    probes = make_probes(plan, results)
    assert [p.key for p in probes] == [PROBES[1], PROBES[2], PROBES[-2]]
    assert [p.found for p in probes] == [arrays, arrays, "forward wrote to x"]


def test_what_is_no_probe_is_left_out():
    case = RECIPES["unit"].build("float32", 0)
    result = Result(ROW, "sizes", "unit", "float32", "pass", None, arrays={"y": np.zeros(1)})
    assert make_probes([Task(CHECKS["sizes"], case)], [result]) == []


def test_problems_are_asked_where_no_probe_differs():
    """Only then, the smallest first: a mistake of three layers shows in no smaller case."""
    plan = [*probe_cases(0, PROBES[:1]), *problems_plan((), ["forward"], 0)]
    arrays = {"y": np.zeros(1)}
    statuses = ["pass", *["fail"] * 20, *["pass"] * (len(plan) - 21)]
    results = [
        Result(ROW, *task.key, status, None, arrays=arrays)
        for task, status in zip(plan, statuses, strict=True)
    ]
    named, *problems = make_probes(plan, results)
    assert named.key == PROBES[0]
    failing = {task.case.name: task.case.batch.x.size for task in plan[1:21]}
    assert len(problems) == 3
    assert all(probe.case.name in failing for probe in problems)
    assert np.median([p.case.batch.x.size for p in problems]) < np.median([*failing.values()])
    results[0] = dataclasses.replace(results[0], status="fail")
    assert [probe.key for probe in make_probes(plan, results)] == [PROBES[0]]


def test_the_words_of_nothing_one_and_two():
    probe = ask(mistaken(), CHEAP[:1])[0]
    one, other, third = itertools.islice(CATALOGUE, 3)
    differs = Diagnosis((probe,), (probe,), ((one, other), (third,)), ())
    both = f"{one.words} and {other.words}"
    assert differs.words == f"it behaves exactly as if {both}, or as if {third.words}"
    assert dataclasses.replace(differs, differing=()).words == ""
