"""Mutants: which changes are made, that a worker runs them, and what they compute."""

from __future__ import annotations

import ast
import importlib.resources

import pytest

from gateparity.backends.workers.programs import default_store
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.truths import Truths
from gateparity.conformance.selftest.conditioned import Judge
from gateparity.conformance.selftest.equal_mutants import EQUAL_MUTANTS
from gateparity.conformance.selftest.mutants import (
    Mutant,
    describe_mutants,
    is_equal,
    list_mutations,
    try_mutants,
)
from gateparity.conformance.selftest.mutations import Mutation, find_mutations

EQUATIONS = "gateparity.backends.numpy.equations"
PLAN = [
    Task(CHECKS[check], RECIPES[case].build("float32", 0))
    for check, case in (
        ("forward", "plain"),
        ("gates", "ragged"),
        ("gradients", "sequence"),
        ("lengths", "one_empty"),
        ("gradients", "no_steps"),
        ("sizes", "no_sequences"),
    )
]


def changed(body):
    """What the body of a function becomes, in all mutations."""
    source = f"def f(X, dH, dC, W_x, weights, step, mask):\n    return {body}\n"
    return [
        ast.unparse(ast.parse(mutation.source).body[0].body[0]).removeprefix("return ")
        for mutation in find_mutations("a.module", source)
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("1 - X", ["1", "X", "1 + X", "2 - X", "0 - X"]),
        ("-X", ["X"]),
        ("X[0]", ["X[1]", "X[-1]"]),
        ("not X", ["X"]),
        ("X < 2", ["X <= 2", "X >= 2", "X < 3", "X < 1"]),
        ("X // W_x", ["X", "W_x", "X % W_x"]),
        ("X is None", ["X is not None"]),
        ("g(True)", ["g(False)"]),
        (
            "g(weights['h'], weights['c'])",
            ["g(weights['c'], weights['c'])", "g(weights['h'], weights['h'])"],
        ),
        ("list('ifc')", ["list('fic')", "list('icf')"]),
        ("mask if X else step", ["mask if not X else step"]),
        ("g(dH, W_x)", ["g(dC, W_x)"]),
        ("g(step.I, step.F, mask)", ["g(step.F, step.F, mask)", "g(step.I, step.I, mask)"]),
        ("zip(X, strict=True)", []),
        ("f'{X}.'", []),
    ],
)
def test_every_small_change_is_made(body, expected):
    assert sorted(changed(body)) == sorted(expected)


def test_docstrings_annotations_and_named_functions_stay():
    source = 'def f(X: 1 = 2) -> 3:\n    """One 4."""\n\ndef g():\n    return 5\n'
    found = find_mutations("a.module", source, skip=("g",))
    assert {mutation.after for mutation in found} == {"def f(X: 1=3) -> 3:", "def f(X: 1=1) -> 3:"}


def test_a_condition_is_turned_with_its_branches():
    source = "def f(X):\n    if X:\n        return g()\n    return h()\n"
    assert ("if X:", "if not X:") in {
        (m.before, m.after) for m in find_mutations("a.module", source)
    }


def test_each_mutation_parses_and_has_a_key_of_its_own():
    found = list_mutations()
    assert len({mutation.key for mutation in found}) == len(found) > 800
    assert len({mutation.source for mutation in found}) == len(found)
    for mutation in found[::50]:
        ast.parse(mutation.source)


def by_hand(old, new):
    source = (importlib.resources.files("gateparity.backends.numpy") / "equations.py").read_text()
    assert source.count(old) == 1
    return Mutation(EQUATIONS, "by hand", old, new, source.replace(old, new))


def test_a_worker_runs_the_mutated_source_and_afterwards_the_real_one():
    """One that changes nothing passes between two that are caught; so is one that crashes."""
    step = "C_new = F * C + I * C_tilde"
    wrong = by_hand(step, "C_new = F * C - I * C_tilde")
    right = by_hand(step, "C_new = F * C + I * C_tilde + 0")
    ends = by_hand(step, "import os; os._exit(3)")
    broken = by_hand("def sigmoid(", "import gone\n\n\ndef sigmoid(")
    asked = [wrong, right, ends, broken, right, wrong]
    found = try_mutants(asked, PLAN, Judge(Truths(default_store())))
    first = "forward, plain, float32"
    assert [mutant.caught for mutant in found] == [first, "", first, "its import", "", first]


def test_every_mutant_listed_as_equal_is_made_and_passes():
    found = [mutation for mutation in list_mutations() if is_equal(mutation)]
    assert {mutation.key for mutation in found} == set(EQUAL_MUTANTS)
    tried = try_mutants(found, PLAN, Judge(Truths(default_store())))
    assert [mutant.key for mutant in tried if mutant.caught] == []
    assert all(mutant.equal for mutant in tried)


def test_a_sample_of_the_others_is_caught():
    others = [mutation for mutation in list_mutations() if not is_equal(mutation)][::60]
    tried = try_mutants(others, PLAN, Judge(Truths(default_store())))
    assert [mutant.key for mutant in tried if not mutant.caught] == []


def test_the_data_counts_those_that_compute_something_else():
    some = [Mutant("a", "gates"), Mutant("b", ""), Mutant("c", "", "its shape alone is used")]
    found = describe_mutants([*some, Mutant("d", "gates", "it was thought so")])
    assert (found["made"], found["different"], found["caught"]) == (4, 2, 1)
    assert (found["escaped"], found["wrongly equal"]) == (["b"], ["d"])
    assert not found["enough"]
