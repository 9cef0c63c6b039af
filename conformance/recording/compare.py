"""Recorded runs, judged again and compared with each other, with NumPy alone.

The verdicts in a file were reached on another machine. Here every answer is compared anew with this
machine's reference and budget, and every backend with every other.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from gateparity.conformance.deviations import find_deviation
from gateparity.conformance.engines import weigh_engine
from gateparity.conformance.judgement import judge_against, judge_answer, weigh_deviation
from gateparity.conformance.pairs import compare_pairs
from gateparity.conformance.recording.join import join_runs, mark_rows, require_same_work
from gateparity.conformance.recording.twins import compare_twins, differing_lines
from gateparity.conformance.requirements.answers import comparable
from gateparity.conformance.run import explain
from gateparity.conformance.session import Truths
from gateparity.errors import InputError, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.conformance.cases import Case
    from gateparity.conformance.recording.join import Recordings
    from gateparity.conformance.recording.twins import Line, Twin
    from gateparity.conformance.requirements.checks import Check, Results
    from gateparity.conformance.result import Result, Run


@dataclasses.dataclass(frozen=True)
class Comparison:
    """All backends of all recordings as one run, judged here, and how the recordings differ.

    `twins` are pairs of one backend in two recordings. `lines` are the lines of their manifests
    that differ. `revised` are the results whose verdict isn't the recorded one.
    """

    run: Run
    recordings: Recordings
    twins: tuple[Twin, ...]
    lines: tuple[Line, ...]
    revised: tuple[Result, ...]


def compare_recordings(
    recordings: Recordings, progress: Callable[[str], object] = lambda _: None
) -> Comparison:
    """Judge every backend and compare all pairs; `progress` gets a text for each step.

    Raise `InputError` unless all recordings did the same work on the same inputs.
    """
    require_same_work(recordings)
    plan, truths = next(iter(recordings.values())).plan, Truths()
    runs = mark_rows(recordings)
    joined = join_runs(list(runs.values()))
    judged: list[Result] = []
    for row in joined.rows:
        progress(f"judging {row.label}")
        answers = [result for result in joined.results if result.row == row]
        judged += [
            _judge(answer, check, case, truths, joined)
            for answer, (check, case) in zip(answers, plan, strict=True)
        ]
    labels = [row.label for row in joined.rows]
    arithmetics = {label: joined.arithmetics.get(label, {}) for label in labels}
    pairs = compare_pairs(
        labels, judged, plan, truths, arithmetics, lambda: progress("comparing pairs")
    )
    run = dataclasses.replace(
        joined,
        results=tuple(judged),
        pairs=tuple(pairs),
        explanations=explain(judged, plan, arithmetics),
    )
    return Comparison(
        run=run,
        recordings=recordings,
        twins=tuple(compare_twins([r.rows for r in runs.values()], run, plan, truths)),
        lines=tuple(differing_lines(runs)),
        revised=tuple(
            result
            for result, recorded in zip(judged, joined.results, strict=True)
            if result.status != recorded.status
        ),
    )


def count_steps(recordings: Recordings) -> int:
    """Return how often `compare_recordings` calls its progress function."""
    rows = sum(len(recording.run.rows) for recording in recordings.values())
    return rows + rows * (rows - 1) // 2


def _judge(answer: Result, check: Check, case: Case, truths: Truths, run: Run) -> Result:
    """Judge a recorded answer again; a result without numbers keeps its status."""
    row = answer.row
    if answer.arrays is None:
        return answer
    arithmetic = run.arithmetics.get(row.label, {})
    try:
        expected = truths.of(check, case, arithmetic, answer.lacks)
    except Exception as error:
        words = printable(f"{type(error).__name__}: {error}")
        raise InputError(f"{check.name} is not for case {case.name}: {words}") from error
    if not _fits(answer.arrays, expected.truth):  # of another gateparity: no pair has it
        wrong = judge_answer(row, check, case, answer.arrays, expected)
        return dataclasses.replace(wrong, arrays=None, seconds=answer.seconds)
    if answer.against is None:
        found = judge_answer(row, check, case, answer.arrays, expected)
        told, version = run.manifests.get(row.label, {}), run.versions.get(row.label, "")
        known = find_deviation(row, check, case, told, version=version)
        weighed = weigh_deviation(found, known)
        again = weigh_engine(weighed, check, case, truths, arithmetic, told)
    elif _fits(answer.against, expected.truth):
        again = judge_against(row, check, case, answer.arrays, answer.against, expected.budget)
    else:
        raise InputError(f"{row.label} was compared with other arrays than {check.name} has")
    return dataclasses.replace(again, seconds=answer.seconds, lacks=answer.lacks)


def _fits(found: Results, truth: Results) -> bool:
    found, truth = comparable(found, truth)
    return _shapes(found) == _shapes(truth)


def _shapes(results: Results) -> list[tuple[str, tuple[int, ...]]]:
    return [(name, array.shape) for name, array in results.items()]
