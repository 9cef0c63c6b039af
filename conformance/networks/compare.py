"""Two live layers through one problem after the other: each judged by the truth, then the pair."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from gateparity.backends.live.objects import refuse_other_sizes
from gateparity.conformance.diagnosis.predictions import Predictions
from gateparity.conformance.diagnosis.probes import Probe
from gateparity.conformance.diagnosis.search import Diagnoser
from gateparity.conformance.judgement.verdict import Mismatch, judge_pair
from gateparity.conformance.networks.budgets import Budgets
from gateparity.conformance.networks.mistakes import LIVE_CATALOGUE
from gateparity.conformance.networks.problems import draw_problems, own_problem
from gateparity.conformance.networks.side import open_side
from gateparity.conformance.networks.weights import compare_weights
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.judging import make_result
from gateparity.conformance.runs.pairs import coarser
from gateparity.conformance.runs.result import Pair, Run
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateparity.conformance.networks.side import Side
    from gateparity.conformance.networks.weights import WeightDifference
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.runs.result import Result


def compare_live(
    a: Any,
    b: Any,
    x: Any = None,
    h_0: Any = None,
    c_0: Any = None,
    lengths: Any = None,
    *,
    seed: int = 0,
) -> Run:
    """Compare two live layers in this process, each with its own weights, and return the run.

    `a` and `b` are layers as `gateparity.read` takes them: of PyTorch, Keras, Flax, Equinox, gluon
    or ONNX Runtime, a model that holds one, `(model, "path")`, or a tuple of layers.

    `x (T, B, input)` is time-major whatever the layers' own order. `h_0` and `c_0 (layers *
    directions, B, hidden)` are layer-major, forward before reverse; `lengths (B,)` are integers.
    Arrays of any framework are taken, at the layers' dtype. Without `x`, problems that fit the
    layers are drawn from `seed`.

    First the weights are compared, in canonical form. Then outputs, final states and gradients of
    each layer are judged by the truth for that layer's own weights, and by each other's. The run
    has the results of `a` and `b`, their pair, and in `explanations` how a failing one differs.
    Layers run with dropout off. Nothing of them is changed.

    Raise `InputError` in one line for objects that can't be compared: other sizes, an option that
    no other framework has, no recurrent layer.
    """
    start = time.perf_counter()
    sides = one, other = open_side("a", a), open_side("b", b)
    refuse_other_sizes("a", one.live.config, "b", other.live.config)
    lacks = one.live.lacks | other.live.lacks
    given = {"x": x, "h_0": h_0, "c_0": c_0, "lengths": lengths}
    given = {name: array for name, array in given.items() if array is not None}
    cases = _make_cases(sides, given, lacks, seed)
    return _compare(sides, cases, lacks, seed, start)


def _compare(
    sides: tuple[Side, Side],
    cases: Sequence[Case],
    lacks: frozenset[str],
    seed: int,
    start: float,
) -> Run:
    """Return the run of these cases, whose clock began at `start`."""
    one, other = sides
    difference = compare_weights(one.params, other.params, one.live.config)
    model = coarser(one.rounding_model, other.rounding_model)
    same = difference is None and one.live.config == other.live.config
    with Budgets(model, lacks, shared=same) as budgets:
        answers = _answer(sides, cases, budgets)
        for side in sides:
            side.refuse_changed()
        pair = _compare_pair(sides, answers, cases, budgets, difference)
    weights = _weights_result(other, cases[0], difference)
    return Run(
        backends=tuple(side.backend for side in sides),
        results=(weights, *(result for found in answers for result in found)),
        pairs=(pair,),
        versions={side.label: side.live.kind for side in sides},
        seed=seed,
        explanations=_explain(sides, answers, cases, difference),
        seconds=time.perf_counter() - start,
        transport_seconds=0.0,
        rounding_models={side.label: side.rounding_model for side in sides},
    )


def _make_cases(
    sides: Sequence[Side], given: Mapping[str, Any], lacks: frozenset[str], seed: int
) -> list[Case]:
    side, config = sides[0], sides[0].live.config
    refusals = [f"{s.label}: {s.live.no_lengths}" for s in sides if s.live.no_lengths]
    if not given:
        initial = "initial_states" not in lacks
        drawn = draw_problems(config, side.params, initial=initial, seed=seed)
        return drawn[:1] if refusals else drawn
    if refusals and "lengths" in given:
        raise InputError(f"lengths can't be given: {refusals[0]}")
    if "initial_states" in lacks and given.keys() & {"h_0", "c_0"}:
        raise InputError("h_0 and c_0 can't be given: a or b takes no initial states")
    if "x" not in given:
        raise InputError(f"{', '.join(given)} without x, expected x (T, B, input) too")
    return [own_problem(config, side.params, given, seed)]


def _answer(sides: Sequence[Side], cases: Sequence[Case], budgets: Budgets) -> list[list[Result]]:
    """Return the results of each side; gradients where both have them."""
    both = all(side.live.differentiates for side in sides)
    checks = ("forward", "gradients") if both else ("forward",)
    asked = [(check, case) for check in checks for case in cases]
    tasks = [[side.task(name, case) for name, case in asked] for side in sides]
    for side, own in zip(sides, tasks, strict=True):
        for task in own:
            budgets.start(side.label, task)  # in threads, while the frameworks compute
    return [
        [side.answer(task, budgets) for task in own] for side, own in zip(sides, tasks, strict=True)
    ]


def _weights_result(side: Side, case: Case, difference: WeightDifference | None) -> Result:
    task = Task(dataclasses.replace(CHECKS["layout"], name="weights"), case)
    if difference is None:
        return make_result(side.backend, task, "pass")
    return make_result(side.backend, task, "fail", reason=difference.largest, sigmas=np.inf)


def _compare_pair(
    sides: Sequence[Side],
    answers: Sequence[Sequence[Result]],
    cases: Sequence[Case],
    budgets: Budgets,
    difference: WeightDifference | None,
) -> Pair:
    one, other = sides
    dtype, names = one.live.config.dtype, (one.label, other.label)
    if difference:
        return Pair(*names, dtype, "fail", reason=difference.sentence)
    by_name = {case.name: case for case in cases}
    scores = []
    for a, b in zip(*answers, strict=True):
        if a.arrays is None or b.arrays is None:
            continue
        apart = None if a.shifts is None or b.shifts is None else b.shifts - a.shifts
        expected = budgets.expect(one.label, one.task(a.check, by_name[a.case]))
        both = [name for name in a.arrays if name in b.arrays]  # one may have no biases
        here, there = ({name: arrays[name] for name in both} for arrays in (a.arrays, b.arrays))
        try:
            scores.append(judge_pair(here, there, apart, expected))
        except Mismatch as mismatch:
            reason = f"{a.check}, {a.case}: {mismatch}"
            score = mismatch.score
            return Pair(*names, dtype, "fail", score.relative, reason, score.sigmas)
    if not scores:
        return Pair(*names, dtype, "skip", reason="nothing that both computed")
    largest = max(max(score.sigmas, score.shift) for score in scores)
    return Pair(*names, dtype, "pass", max(s.relative for s in scores), "", largest)


def _explain(
    sides: Sequence[Side],
    answers: Sequence[Sequence[Result]],
    cases: Sequence[Case],
    difference: WeightDifference | None,
) -> dict[str, str]:
    """Return for each failing layer the mistake that it behaves like, and how weights differ."""
    found = {}
    for side, own in zip(sides, answers, strict=True):
        if any(result.status == "fail" for result in own):
            found[side.label] = f"{side.label} {_behaviour(side, own, cases)}"
    if difference:
        found["b"] = "; ".join(filter(None, (found.get("b"), difference.sentence)))
    return found


def _behaviour(side: Side, results: Sequence[Result], cases: Sequence[Case]) -> str:
    """Return which known mistake a layer behaves like, in all problems or in those that fail."""
    by_name = {case.name: case for case in cases}
    tasks = [(r, side.task(r.check, by_name[r.case])) for r in results if r.arrays is not None]
    probes = [Probe(*task, r.arrays) for r, task in tasks if r.arrays is not None]
    wrong = [*dict.fromkeys(r.case for r in results if r.status == "fail")]
    diagnoser = Diagnoser(Predictions(side.rounding_model), LIVE_CATALOGUE)
    # A layer may be right, or wrong in another way, where sequences have lengths.
    groups = [[*by_name], wrong, *([name] for name in wrong)]
    for names in groups:
        found = diagnoser.name([p for p in probes if p.case.name in names], pairs=False)
        if found.explanations or found.unsteady:
            where = "" if len(names) == len(by_name) else f", with {' and '.join(names)}"
            return found.words.removeprefix("it ") + where
    if any(not side.repeats(*task, r.arrays) for r, task in tasks if r.arrays is not None):
        return "is not deterministic: two calls with the same arguments differ"
    return "differs from the truth for its weights, and no known mistake explains it"
