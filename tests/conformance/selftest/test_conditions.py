"""Mistakes under conditions: the grammar, the LSTM that is wrong in some calls, and the share."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from gateparity.backends.workers.programs import default_store
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.mistakes.catalogue import CATALOGUE
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.answers import forward, gradients
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.plan import named_plan
from gateparity.conformance.runs.truths import Truths
from gateparity.conformance.selftest.conditioned import (
    CONDITIONS,
    LEAST_CAUGHT,
    FreshProblems,
    Judge,
    Share,
    Trial,
    are_enough,
    describe_trials,
    draw_trial,
    try_some,
)
from gateparity.conformance.selftest.conditions import (
    GRAMMAR,
    KINDS,
    Call,
    Condition,
    Predicate,
    draw_condition,
)
from gateparity.conformance.selftest.fresh_cases import LARGEST, fresh_case
from gateparity.conformance.selftest.switched import Conditioned, RightLstm, Switched
from gateparity.errors import Impure, InputError
from gateparity.protocol.guard import Guarded

PAGE = Path(__file__).parents[3] / "docs" / "selftest.md"
BY_NAME = {mistake.name: mistake for mistake in CATALOGUE}
EVERYWHERE = BY_NAME["no b_hh"]


@pytest.fixture(scope="module")
def fresh():
    return FreshProblems()


def when(words, **values):
    """The condition of one predicate, found by its words."""
    for kind, forms in GRAMMAR.items():
        for form in forms:
            if form.words == words and values.keys() == form.choices.keys():
                return Condition(kind, (Predicate(form, tuple(values.items())),))
    raise AssertionError(words)


def call(recipe, dtype="float32", method="gradients", **changes):
    case = dataclasses.replace(RECIPES[recipe], **changes).build(dtype, 0)
    return Call(method, case.config, case.params, case.batch, case.cotangent)


def rows():
    """The grammar as rows of a table, as the page prints it."""
    for kind, forms in GRAMMAR.items():
        for form in forms:
            values = "; ".join(
                f"{name}: {', '.join(_short([getattr(v, 'words', str(v)) for v in some]))}"
                for name, some in form.choices.items()
            )
            words = form.words.replace("{place.words}", "{place}").replace("|", "\\|")
            yield f"| {kind} | {words} | {values} |"


def _short(values):
    return values if len(values) <= 18 else [*values[:3], "...", values[-1]]


def test_the_page_has_the_whole_grammar():
    page = PAGE.read_text("utf-8")
    missing = [row for row in rows() if row not in page]
    assert not missing, "\n".join(missing)
    table = page.partition("| class | predicate | values |")[2].partition("\n\n")[0]
    assert table.count("\n| ") == len(list(rows()))


@pytest.mark.parametrize(
    ("condition", "holding", "failing"),
    [
        (when("{size} % {of}", size="T", of="5 = 0"), call("sequence"), call("stacked")),
        (when("{size} > {n}", size="B", n=16), call("wide"), call("sequence")),
        (when("{size} < {n}", size="H", n=6), call("one_unit"), call("sequence")),
        (when("{size} within 1 of {n}", size="H", n=64), call("wide"), call("sequence")),
        (
            when("{size} from {n} to a quarter more", size="B", n=16),
            call("wide"),
            call("wide", size=21),
        ),
        (when("{size} = 1", size="I"), call("one_input"), call("sequence")),
        (when("{two}", two="I = H"), call("sequence", input_size=6), call("sequence")),
        (when("{two}", two="I = 2 H"), call("sequence", input_size=12), call("sequence")),
        (when("{two}", two="B = cells"), call("deep", size=4), call("deep")),
        (when("{n} layers", n=2), call("deep"), call("sequence")),
        (when("{n} directions", n=2), call("deep"), call("stacked")),
        (when("no biases"), call("plain"), call("sequence")),
        (when("no initial states"), call("plain"), call("sequence")),
        (when("a short sequence"), call("ragged"), call("sequence")),
        (when("no full sequence"), call("ragged", steps=7), call("ragged")),
        (when("lengths, all full"), call("ragged", lengths=(5, 5, 5)), call("ragged")),
        (when("an empty sequence"), call("one_empty"), call("ragged")),
        (when("two equal lengths"), call("ragged", lengths=(5, 3, 3)), call("ragged")),
        (when("no lengths"), call("sequence"), call("ragged")),
        (when("{dtype}", dtype="float64"), call("sequence", "float64"), call("sequence")),
        (when("{method} alone", method="gates"), call("deep", method="gates"), call("deep")),
        (when("some |{name}| > {n}", name="x", n=4), call("huge"), call("sequence")),
        (when("{name} is zero", name="h_0"), call("zeros"), call("zero_states")),
        (when("{name} has a NaN", name="x"), call("nan"), call("infinite")),
        (when("{name} has an infinity", name="c_0"), call("infinite"), call("nan")),
    ],
    ids=lambda given: given.words.replace(" ", "_") if isinstance(given, Condition) else "",
)
def test_a_condition_holds_where_it_says(condition, holding, failing):
    assert condition.holds(holding)
    assert not condition.holds(failing)


def test_a_call_that_lacks_what_it_is_about_is_right():
    config = call("sequence").config
    assert not when("{size} > {n}", size="T", n=1).holds(Call("weights", config, ()))
    strange = Call("forward", config, (), "no batch")
    assert not when("{size} > {n}", size="T", n=1).holds(strange)


def test_conditions_of_every_class_are_drawn_from_the_seed():
    drawn = [draw_condition(np.random.default_rng([3, k])) for k in range(300)]
    again = [draw_condition(np.random.default_rng([3, k])) for k in range(300)]
    assert [c.words for c in drawn] == [c.words for c in again]
    assert {c.kind for c in drawn} == set(KINDS)
    assert len({c.words for c in drawn}) > 150
    assert {len(c.predicates) for c in drawn if c.kind == "options"} == {1, 2, 3}
    assert {len(c.predicates) for c in drawn if c.kind == "two at once"} == {2}


def test_fresh_problems_have_all_that_a_condition_asks_about(fresh):
    cases = [fresh_case(k, 0) for k in range(500)]
    sizes = np.array([(*case.batch.x.shape, case.config.hidden_size) for case in cases])
    assert sizes.min() == 1
    assert (sizes.max(axis=0) > 100).all()
    assert sizes.max() <= LARGEST * 4
    unmet = [
        form.words
        for kind in ("sizes", "coincidences", "options", "numbers")
        for form in GRAMMAR[kind]
        for first in [tuple((name, some[0]) for name, some in form.choices.items())]
        if not any(
            Predicate(form, first).holds(
                Call("gradients", c.config, c.params, c.batch, c.cotangent)
            )
            for c in cases
        )
    ]
    assert not unmet


def test_an_lstm_is_wrong_only_where_its_condition_holds():
    lstm = Switched(Conditioned(EVERYWHERE, when("{n} layers", n=2)), RightLstm())
    for name, wrong in (("sequence", False), ("deep", True), ("ragged", True), ("wide", False)):
        case = RECIPES[name].build("float32", 0)
        right = Truth(dtype="float32")
        same = all(
            np.array_equal(a, b)
            for ask in (forward, gradients)
            for a, b in zip(ask(lstm, case).values(), ask(right, case).values(), strict=True)
        )
        assert same != wrong, name


def test_calls_are_counted_over_everything_that_is_asked():
    case, other = (RECIPES[name].build("float32", 0) for name in ("sequence", "deep"))
    right = forward(Truth(dtype="float32"), case)["y"]

    def wrong(condition, *asked):
        lstm = Switched(Conditioned(EVERYWHERE, condition), RightLstm())
        found = [forward(lstm, one)["y"] for one in asked]
        return [
            not np.array_equal(y, right) for y, one in zip(found, asked, strict=True) if one is case
        ]

    assert wrong(when("from call {n} on", n=3), case, case, case, case) == [
        False,
        False,
        True,
        True,
    ]
    assert wrong(when("from call {n} of a shape on", n=2), other, case, other, case) == [
        False,
        True,
    ]
    assert wrong(when("the call before had another shape"), case, case, other, case) == [
        False,
        False,
        True,
    ]
    assert wrong(when("every call of {n}", n=2), case, case, case) == [False, True, False]


def test_calls_under_guard_count_too():
    lstm = Switched(Conditioned(EVERYWHERE, when("from call {n} on", n=3)), RightLstm())
    guarded = lstm.guarded()
    assert isinstance(guarded, Guarded)
    with pytest.raises(Impure, match="a second call of forward differs"):
        forward(guarded, RECIPES["sequence"].build("float32", 0))


def test_a_mistake_that_writes_to_its_arguments_does_it_under_guard_alone():
    lstm = Switched(Conditioned(BY_NAME["x overwritten"], when("{n} layers", n=1)), RightLstm())
    case = RECIPES["sequence"].build("float32", 0)
    before = case.batch.x.copy()
    forward(lstm, case)
    np.testing.assert_array_equal(case.batch.x, before)
    with pytest.raises(Impure, match="wrote to"):
        forward(lstm.guarded(), case)


def test_a_mistake_that_changes_no_number_is_drawn_anew(fresh):
    silent = Conditioned(BY_NAME["gradients in bfloat16"], when("{method} alone", method="gates"))
    loud = Conditioned(BY_NAME["gradients in bfloat16"], when("{method} alone", method="gradients"))
    assert not fresh.show(silent)
    assert fresh.show(loud)
    found = [draw_trial(np.random.default_rng(k), CATALOGUE, fresh) for k in range(20)]
    assert sum(redrawn for _, redrawn in found) > 0
    assert all(fresh.show(conditioned) for conditioned, _ in found)


def test_a_catalogue_that_changes_nothing_is_refused():
    few = FreshProblems(count=2)
    right = dataclasses.replace(EVERYWHERE, apply=lambda lstm: lstm)
    with pytest.raises(InputError, match="changed no number of any problem"):
        draw_trial(np.random.default_rng(0), [right], few)


def test_the_plan_catches_what_it_shows_and_nothing_else(fresh):
    """A plan of one problem sees what is wrong there alone."""
    plan = [Task(CHECKS["forward"], RECIPES["deep"].build("float32", 0))]
    trials = try_some(range(40), 0, CATALOGUE, plan, Judge(Truths(default_store())), fresh)
    caught = [trial for trial in trials if trial.caught]
    assert {trial.caught for trial in caught} == {"forward, deep, float32"}
    assert 0 < len(caught) < 40
    again = try_some(range(20, 40), 0, CATALOGUE, plan, Judge(Truths(default_store())), fresh)
    assert again == trials[20:]


def test_nothing_is_caught_where_the_condition_never_holds():
    plan = named_plan((), (), 0)
    lstm, judge = (
        Switched(Conditioned(EVERYWHERE, when("{size} > {n}", size="T", n=512)), RightLstm()),
        Judge(Truths(default_store())),
    )
    assert not [task.key for task in plan if judge.catches(lstm, task)]


def trial(caught, kind="sizes"):
    return Trial("m", "it was wrong", kind, "T > 1", caught, 2)


def test_the_share_has_wilsons_interval():
    """The figures of Brown, Cai and DasGupta's formula, computed by hand."""
    assert Share(45, 50).interval == pytest.approx((0.7864, 0.9565), abs=1e-4)
    assert Share(0, 10).interval == pytest.approx((0, 0.2775), abs=1e-4)
    assert Share(10, 10).interval == pytest.approx((0.7225, 1), abs=1e-4)
    assert Share(0, 0).interval == (0, 1)


def test_the_data_has_a_share_for_each_class():
    found = describe_trials([trial("a"), trial(""), trial("b", "calls")])
    assert (found["shares"]["all"]["caught"], found["shares"]["all"]["trials"]) == (2, 3)
    assert found["shares"]["sizes"]["interval"] == Share(1, 2).interval
    assert found["shares"]["places"]["trials"] == 0
    assert found["redrawn"] == 6


def test_few_trials_say_nothing():
    assert are_enough([trial("")] * (CONDITIONS - 1))
    assert are_enough([trial("")] * CONDITIONS) == (LEAST_CAUGHT <= 0)
    assert are_enough([trial("a")] * CONDITIONS)
