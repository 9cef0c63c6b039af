"""Two live layers through one problem after the other: each judged by the truth, then the pair."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.backends.backend import Backend
from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.live.objects import open_live, refuse_other_sizes
from gateparity.conformance.diagnosis.predictions import Predictions
from gateparity.conformance.diagnosis.probes import Probe
from gateparity.conformance.diagnosis.search import Diagnoser
from gateparity.conformance.judgement.budget import make_budget, make_rounding_model
from gateparity.conformance.judgement.differences import other_bits
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.judgement.verdict import Expected, Mismatch, judge_pair
from gateparity.conformance.live.mistakes import LIVE_CATALOGUE
from gateparity.conformance.live.problems import draw_problems, own_problem, with_weights
from gateparity.conformance.live.weights import compare_weights
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.requirements.task import Task
from gateparity.conformance.runs.judging import judge_answer, make_result
from gateparity.conformance.runs.pairs import coarser
from gateparity.conformance.runs.result import Pair, Run
from gateparity.errors import InputError
from gateparity.network.dtypes import unit_roundoff
from gateparity.network.parameters import fields
from gateparity.protocol.canonical import make_lacking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateparity.backends.live.stack import LiveLstm
    from gateparity.conformance.judgement.budget import Budget
    from gateparity.conformance.live.weights import WeightDifference
    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.runs.result import Result
    from gateparity.network.parameters import Parameters

_CHECKS: Final = ("forward", "gradients")


@dataclasses.dataclass(frozen=True)
class Side:
    """One of the two objects, with the weights that it had before any call."""

    label: str
    live: LiveLstm
    params: Parameters

    @property
    def backend(self) -> Backend:
        """Return what results and reports call it: a, or b."""
        return Backend(self.label, "", self.live.kind, Path(), shipped=False)

    @property
    def rounding_model(self) -> Mapping[str, float]:
        """Return how its framework rounds, as far as that is declared."""
        framework = FRAMEWORKS.get(self.live.engine)
        return dict(framework.rounding_model) if framework else {}


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
    sides = [_open("a", a), _open("b", b)]
    one, other = sides
    refuse_other_sizes("a", one.live.config, "b", other.live.config)
    lacks = one.live.lacks | other.live.lacks
    given = {"x": x, "h_0": h_0, "c_0": c_0, "lengths": lengths}
    cases = _make_cases(one, {n: v for n, v in given.items() if v is not None}, lacks, seed)
    difference = compare_weights(one.params, other.params, one.live.config)
    budgets = _Budgets(lacks, shared=difference is None)
    answers = {side.label: _answer(side, sides, cases, budgets) for side in sides}
    for side in sides:
        _refuse_changed(side)
    results = [_weights_result(other, cases[0], difference)]
    results += [result for found in answers.values() for result in found]
    pair = _compare_pair(sides, answers, cases, budgets, difference)
    return Run(
        backends=tuple(side.backend for side in sides),
        results=tuple(results),
        pairs=(pair,),
        versions={side.label: side.live.kind for side in sides},
        seed=seed,
        seconds=time.perf_counter() - start,
        transport_seconds=0.0,
        explanations=_explain(sides, answers, cases, difference),
        rounding_models={side.label: side.rounding_model for side in sides},
    )


def _open(label: str, target: Any) -> Side:
    try:
        live = open_live(target)
    except InputError as error:
        raise InputError(f"{label}: {error}") from error
    return Side(label, live, live.read())


def _make_cases(side: Side, given: Mapping[str, Any], lacks: frozenset[str], seed: int) -> list[Case]:
    config = side.live.config
    if not given:
        initial = "initial_states" not in lacks
        return draw_problems(config, side.params, initial=initial, seed=seed)
    if "x" not in given:
        raise InputError(f"{', '.join(given)} without x, expected x (T, B, input) too")
    return [own_problem(config, side.params, given, seed)]


class _Budgets:
    """How far rounding moves each result, drawn once where both layers have the same weights."""

    def __init__(self, lacks: frozenset[str], *, shared: bool) -> None:
        self.lacks = lacks
        self._shared = shared
        self._drawn: dict[tuple[Any, ...], Budget] = {}

    def expect(self, side: Side, task: Task, declared: Mapping[str, float]) -> Expected:
        """Return the truth for a side's own weights, and its budget."""
        dtype, truth = task.case.config.dtype, make_lacking(Truth(), self.lacks)
        model = make_rounding_model(dtype, declared)
        key = "" if self._shared else side.label, *task.key, model
        with np.errstate(all="ignore"):
            if key not in self._drawn:
                self._drawn[key] = make_budget(
                    *task, model, apply_mistakes=lambda truth: make_lacking(truth, self.lacks)
                )
            budget = self._drawn[key].scaled(unit_roundoff(dtype) / model.unit)
            return Expected(task.check.run(truth, task.case), budget)


def _answer(
    side: Side, sides: Sequence[Side], cases: Sequence[Case], budgets: _Budgets
) -> list[Result]:
    return [
        _run(side, Task(CHECKS[name], with_weights(case, side.live.config, side.params)), budgets)
        for case in cases
        for name in _CHECKS
        if name == "forward" or all(s.live.differentiates for s in sides)
    ]


def _run(side: Side, task: Task, budgets: _Budgets) -> Result:
    """Run one check on one problem, and judge the answer by the truth for the side's weights."""
    try:
        found = task.check.run(make_lacking(side.live, budgets.lacks), task.case)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001  a framework may raise anything
        words = " ".join(str(error).split())[:300]
        reason = f"{side.live.kind} raised {type(error).__name__}: {words}"
        return make_result(side.backend, task, "error", reason=reason)
    return judge_answer(side.backend, task, found, budgets.expect(side, task, side.rounding_model))


def _refuse_changed(side: Side) -> None:
    """Raise `InputError` if calls changed the layer's weights, which are put back."""
    before = _named(side.params)
    changed = other_bits(before, _named(side.live.read()))
    if changed:
        side.live.write(side.params)
        raise InputError(
            f"{side.label}: {side.live.kind} changes its own weights when it is called "
            f"({', '.join(changed)}); they are restored"
        )


def _named(params: Parameters) -> dict[str, Any]:
    cells = (fields(cell).items() for cell in params)
    return {f"{name} of cell {k}": array for k, own in enumerate(cells) for name, array in own}


def _weights_result(side: Side, case: Case, difference: WeightDifference | None) -> Result:
    task = Task(dataclasses.replace(CHECKS["layout"], name="weights"), case)
    if difference is None:
        return make_result(side.backend, task, "pass")
    return make_result(side.backend, task, "fail", reason=difference.largest, sigmas=np.inf)


def _compare_pair(
    sides: Sequence[Side],
    answers: Mapping[str, Sequence[Result]],
    cases: Sequence[Case],
    budgets: _Budgets,
    difference: WeightDifference | None,
) -> Pair:
    one, other = sides
    dtype, names = one.live.config.dtype, (one.label, other.label)
    if difference:
        return Pair(*names, dtype, "fail", reason=difference.sentence)
    by_name = {case.name: with_weights(case, one.live.config, one.params) for case in cases}
    model = coarser(one.rounding_model, other.rounding_model)
    scores = []
    for a, b in zip(*(answers[name] for name in names), strict=True):
        if a.arrays is None or b.arrays is None:
            continue
        task = Task(CHECKS[a.check], by_name[a.case])
        apart = None if a.shifts is None or b.shifts is None else b.shifts - a.shifts
        try:
            expected = budgets.expect(one, task, model)
            scores.append(judge_pair(a.arrays, b.arrays, apart, expected))
        except Mismatch as mismatch:
            score = mismatch.score
            reason = f"{a.check}, {a.case}: {mismatch}"
            return Pair(*names, dtype, "fail", score.relative, reason, score.sigmas)
    if not scores:
        return Pair(*names, dtype, "skip", reason="nothing that both computed")
    largest = max(max(score.sigmas, score.shift) for score in scores)
    return Pair(*names, dtype, "pass", max(s.relative for s in scores), "", largest)


def _explain(
    sides: Sequence[Side],
    answers: Mapping[str, Sequence[Result]],
    cases: Sequence[Case],
    difference: WeightDifference | None,
) -> dict[str, str]:
    """Return for each failing layer the mistake that it behaves like, and how weights differ."""
    found = {}
    for side in sides:
        own = answers[side.label]
        if not any(result.status == "fail" for result in own):
            continue
        by_name = {c.name: with_weights(c, side.live.config, side.params) for c in cases}
        probes = [
            Probe(CHECKS[r.check], by_name[r.case], r.arrays) for r in own if r.arrays is not None
        ]
        diagnoser = Diagnoser(Predictions(side.rounding_model), LIVE_CATALOGUE)
        words = diagnoser.name(probes, pairs=False).words
        found[side.label] = f"{side.label} {words.removeprefix('it ')}"
    if difference:
        found.setdefault("b", difference.sentence)
        if found["b"] != difference.sentence:
            found["b"] += f"; {difference.sentence}"
    return found
