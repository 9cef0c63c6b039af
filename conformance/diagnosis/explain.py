"""For each backend that fails, the known mistake that it behaves like."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gateparity.conformance.diagnosis.probes import is_probe
from gateparity.conformance.runs.run import purity_beside
from gateparity.conformance.runs.session import run_check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateparity.backends.backend import Backend
    from gateparity.backends.workers.remote_adapter import RemoteAdapter
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.runs.result import Result, Run
    from gateparity.conformance.runs.truths import Truths


def explained(run: Run, plan: Plan) -> Run:
    """Return the run with the known mistake that each failing backend behaves like."""
    rounding_models = {
        backend.label: run.rounding_models.get(backend.label, {}) for backend in run.backends
    }
    beside = purity_beside(plan, run.seed) if run.asked else []
    found = explain([*run.results, *run.asked], [*plan, *beside], rounding_models)
    return dataclasses.replace(run, explanations=found)


def explain(
    results: Sequence[Result], plan: Plan, rounding_models: Mapping[str, Mapping[str, float]]
) -> dict[str, str]:
    """Return for each failing backend the known mistake that it behaves like, if there is one.

    A backend that is not deterministic behaves like no mistake: the sentence says which calls
    differ.
    """
    failing = dict.fromkeys(r.backend.label for r in results if r.status == "fail")
    if not failing:
        return {}
    from gateparity.conformance.diagnosis.predictions import Predictions
    from gateparity.conformance.diagnosis.probes import make_probes
    from gateparity.conformance.diagnosis.search import Diagnoser

    words = {}
    for label in failing:
        probes = make_probes(plan, [r for r in results if r.backend.label == label])
        diagnoser = Diagnoser(Predictions(rounding_models[label]))
        words[label] = diagnoser.name(probes, pairs=False).words
    return {label: sentence for label, sentence in words.items() if sentence}


def explain_adapter(backend: Backend, adapter: RemoteAdapter, plan: Plan, truths: Truths) -> str:
    """Return the known mistake that an adapter behaves like, by the probes among a plan.

    Purity is asked in any case: an adapter that isn't deterministic behaves like no mistake.
    """
    asked = [task for task in plan if is_probe(task.key)]
    asked += purity_beside(plan, seed=0)
    results = [run_check(backend, adapter, *task, truths) for task in asked]
    return explain(results, asked, {backend.label: adapter.rounding_model}).get(backend.label, "")
