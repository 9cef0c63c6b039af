"""Recorded runs, judged again and compared with each other, with NumPy alone.

The verdicts in a file were reached on another machine. Here every answer is compared anew with this
machine's reference and budget, and every backend with every other.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gateparity.conformance.judgement.deviations import find_deviations
from gateparity.conformance.judgement.differences import other_bits
from gateparity.conformance.problems.arrays import name_arrays
from gateparity.conformance.recordings.recording import rename
from gateparity.conformance.recordings.same_backend import compare_same_backend, differing_lines
from gateparity.conformance.requirements.answers import comparable
from gateparity.conformance.runs.engines import weigh_engine
from gateparity.conformance.runs.judging import judge_against, judge_answer, weigh_deviations
from gateparity.conformance.runs.pairs import compare_all, make_pairs
from gateparity.conformance.runs.result import Run
from gateparity.conformance.runs.truths import Truths
from gateparity.errors import InputError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gateparity.conformance.problems.case import Case
    from gateparity.conformance.recordings.recording import Recording
    from gateparity.conformance.recordings.same_backend import ManifestDifference, SameBackend
    from gateparity.conformance.requirements.results import Results
    from gateparity.conformance.requirements.task import Task
    from gateparity.conformance.runs.plan import Plan
    from gateparity.conformance.runs.result import Result

    Recordings = Mapping[str, Recording]  # by the name that each goes by


@dataclasses.dataclass(frozen=True)
class Comparison:
    """All backends of all recordings as one run, judged here, and how the recordings differ.

    `same_backend` are pairs of one backend in two recordings. `lines` are the lines of their
    manifests that differ. `revised` are the results whose verdict isn't the recorded one. `shared`
    is how many checks of a case all recordings have.
    """

    run: Run
    recordings: Recordings
    same_backend: tuple[SameBackend, ...]
    lines: tuple[ManifestDifference, ...]
    revised: tuple[Result, ...]
    shared: int = 0


def compare_recordings(
    recordings: Recordings, progress: Callable[[str], object] = lambda _: None
) -> Comparison:
    """Judge every backend and compare all pairs; `progress` gets a text for each step.

    Recordings of different plans are compared on what all of them have. Raise `InputError` if that
    is nothing, or if their inputs differ.
    """
    whole, recordings = recordings, share_work(recordings)
    plan, truths = next(iter(recordings.values())).plan, Truths()
    runs = mark_rows(recordings)
    joined = join_runs(list(runs.values()))
    judged = _judge_all(joined, plan, truths, progress)
    labels = [backend.label for backend in joined.backends]
    rounding_models = {label: joined.rounding_models.get(label, {}) for label in labels}
    compared = compare_all(
        labels, judged, plan, truths, rounding_models, lambda: progress("comparing pairs")
    )
    run = dataclasses.replace(
        joined, results=tuple(judged), pairs=tuple(make_pairs(compared, plan))
    )
    return Comparison(
        run=run,
        recordings=whole,
        shared=len(plan),
        same_backend=tuple(
            compare_same_backend([r.backends for r in runs.values()], run, compared, truths)
        ),
        lines=tuple(differing_lines(runs)),
        revised=tuple(
            result
            for result, recorded in zip(judged, joined.results, strict=True)
            if result.status != recorded.status
        ),
    )


def count_steps(recordings: Recordings) -> int:
    """Return how often `compare_recordings` calls its progress function."""
    backends = sum(len(recording.run.backends) for recording in recordings.values())
    return backends + backends * (backends - 1) // 2


def _judge_all(
    run: Run, plan: Plan, truths: Truths, progress: Callable[[str], object]
) -> list[Result]:
    judged: list[Result] = []
    for backend in run.backends:
        progress(f"judging {backend.label}")
        answers = [result for result in run.results if result.backend == backend]
        judged += [
            _judge(answer, task, truths, run) for answer, task in zip(answers, plan, strict=True)
        ]
    return judged


def _judge(answer: Result, task: Task, truths: Truths, run: Run) -> Result:
    """Judge a recorded answer again; a result without numbers keeps its status."""
    backend = answer.backend
    if answer.arrays is None:
        return answer
    rounding_model = run.rounding_models.get(backend.label, {})
    try:
        expected = truths.of(*task, rounding_model, answer.lacks)
    except Exception as error:
        words = printable(f"{type(error).__name__}: {error}")
        raise InputError(f"{task.check.name} is not for case {task.case.name}: {words}") from error
    if not _fits(answer.arrays, expected.truth):  # of another gateparity: no pair has it
        wrong = judge_answer(backend, task, answer.arrays, expected)
        return dataclasses.replace(wrong, arrays=None, seconds=answer.seconds)
    manifest = run.manifests.get(backend.label, {})
    if answer.against is None:
        found = judge_answer(backend, task, answer.arrays, expected)
    elif _fits(answer.against, expected.truth):
        found = judge_against(backend, task, answer.arrays, answer.against, expected.budget)
    else:
        raise InputError(
            f"{backend.label} was compared with other arrays than {task.check.name} has"
        )
    found = dataclasses.replace(found, seconds=answer.seconds, lacks=answer.lacks)
    known = find_deviations(
        backend, task.case, manifest, version=run.versions.get(backend.label, "")
    )
    found = weigh_deviations(found, task, known, truths, rounding_model)
    if answer.against is not None:
        return found
    return weigh_engine(found, task, truths, rounding_model, manifest)


def _fits(found: Results, truth: Results) -> bool:
    found, truth = comparable(found, truth)
    return _shapes(found) == _shapes(truth)


def _shapes(results: Results) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, array.shape) for name, array in results.items()]


def name_files(paths: Sequence[Path]) -> dict[str, Path]:
    """Return a short name for each file: its own, with as many folders as make it unique."""
    absolute = [path.absolute() for path in paths]
    if len(set(absolute)) < len(absolute):
        raise InputError("a file is named twice, expected each once")
    for depth in range(1, max((len(path.parts) for path in absolute), default=0) + 1):
        names = ["/".join(path.with_suffix("").parts[-depth:]) for path in absolute]
        if len(set(names)) == len(names):
            return {printable(name): path for name, path in zip(names, paths, strict=True)}
    return {printable(path.name): path for path in paths}  # a.json beside a.safetensors


def share_work(recordings: Recordings) -> dict[str, Recording]:
    """Return the recordings with the checks and cases that all have, in the order of the first.

    Raise `InputError` if there are none, or if inputs differ in a bit.
    """
    first, *others = recordings
    ids = [[_id(task) for task in recording.plan] for recording in recordings.values()]
    shared = [one for one in ids[0] if all(one in others_ids for others_ids in map(set, ids))]
    if not shared:
        names = ", ".join(recordings)
        raise InputError(f"{names} have no check of one case in common: expected some that all ran")
    found = {name: _keep(recording, shared) for name, recording in recordings.items()}
    for other in others:
        _require_same_inputs(found, first, other)
    return found


def _id(task: Task) -> tuple[str, str]:
    return task.check.name, task.case.id


def _keep(recording: Recording, ids: Sequence[tuple[str, str]]) -> Recording:
    """Return a recording with these checks and cases alone, in this order."""
    tasks = {_id(task): task for task in recording.plan}
    plan = [tasks[one] for one in ids]
    run = recording.run
    results = {(result.backend.label, result.key): result for result in run.results}
    kept = tuple(results[backend.label, task.key] for backend in run.backends for task in plan)
    return dataclasses.replace(recording, plan=plan, run=dataclasses.replace(run, results=kept))


def mark_rows(recordings: Recordings) -> dict[str, Run]:
    """Return every recording's run; backends that several have are marked with the recording."""
    labels = [backend.label for one in recordings.values() for backend in one.run.backends]
    runs = {}
    for name, one in recordings.items():
        shared = {b.label: name if labels.count(b.label) > 1 else "" for b in one.run.backends}
        marked = [dataclasses.replace(b, recorded=shared[b.label]) for b in one.run.backends]
        runs[name] = rename(one.run, dict(zip(shared, marked, strict=True)))
    return runs


def join_runs(runs: Sequence[Run]) -> Run:
    """Join the runs to one with all backends and results."""
    return Run(
        backends=tuple(backend for run in runs for backend in run.backends),
        results=tuple(result for run in runs for result in run.results),
        pairs=(),
        versions={label: version for run in runs for label, version in run.versions.items()},
        seed=runs[0].seed,
        seconds=sum(run.seconds for run in runs),
        transport_seconds=sum(run.transport_seconds for run in runs),
        rounding_models={
            label: model for run in runs for label, model in run.rounding_models.items()
        },
        manifests={label: lines for run in runs for label, lines in run.manifests.items()},
    )


def _require_same_inputs(recordings: Recordings, name: str, other_name: str) -> None:
    one, other = recordings[name], recordings[other_name]
    for (_, own), (_, theirs) in zip(one.plan, other.plan, strict=True):
        array = _first_difference(own, theirs)
        if array:
            raise InputError(
                f"{other_name} and {name} had other inputs: {array} of case {own.name}, "
                f"{own.config.dtype} (seeds {other.run.seed} and {one.run.seed})"
            )


def _first_difference(case: Case, other: Case) -> str:
    """Return the name of the first array that differs in a bit; empty if there is none."""
    if case.config != other.config:
        return "the config"
    return next(iter(other_bits(name_arrays(case), name_arrays(other))), "")
