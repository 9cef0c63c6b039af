"""A training run as a report and as data: sentences, the numbers of each training, and curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gateparity.conformance.reports.blocks import Cell, Figure, Report, Section, Table, line
from gateparity.conformance.reports.html.chart import draw_chart
from gateparity.conformance.reports.numbers import error_words, finite
from gateparity.conformance.storage.tensors import UNSEALED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gateparity.conformance.reports.blocks import Line, Text
    from gateparity.conformance.training.run import Outcome, TrainingRun

_WHY_NATIVE: Final = (
    "Separate biases: two that are both trained get the same gradient. Their sum steps twice "
    "as far as one bias would, and the norm that clips counts it twice."
)
_LEGEND: Final = (
    "perplexity: of the last epoch. distance: the largest difference of one weight from the first "
    "training's."
)
_APART: Final = "Largest difference of a weight from the first training's; a gap is no difference"
_MOST: Final = 400  # points of a curve


def training_report(run: TrainingRun) -> Report:
    """Return the report of a training run."""
    legend = [line(_LEGEND)] if run.outcomes else []
    return Report(
        "gateparity train",
        [
            Section("Sentences", [_sentences(run)], "sentences"),
            Section("Trainings", [_trainings(run), *legend, *_notes(run)], "trainings"),
            Section("Skipped", [_skipped(run)], "skipped"),
            Section("Curves", list(_curves(run)), "curves", extra=True),
        ],
        _verdict(run),
        run.exit_code,
        _counts(run),
        list(_lead(run)),
    )


def training_json(run: TrainingRun) -> dict[str, Any]:
    """Return the run as plain data; a number that isn't finite is null."""
    task = run.task
    return {
        "schema": 1,
        "seed": task.seed,
        "text": {"where": task.text.where, "symbols": len(task.text.symbols)},
        "sizes": vars(task.sizes),
        "recipe": vars(task.recipe),
        "verdict": ("one sentence", "different sentences", "incomplete")[run.exit_code],
        "sentences": run.sentences,
        "seconds": run.seconds,
        "rows": [_outcome_json(run, outcome) for outcome in run.outcomes],
    }


def _outcome_json(run: TrainingRun, outcome: Outcome) -> dict[str, Any]:
    history = outcome.history
    steps = np.concatenate(history.losses).tolist() if history and history.epochs else []
    norms = np.concatenate(history.norms).tolist() if history and history.epochs else []
    return {
        "backend": outcome.row.label,
        "version": outcome.version,
        "dtype": outcome.row.dtype,
        "sentence": outcome.sentence or None,
        "lead": finite(outcome.margin),
        "error": outcome.error or None,
        "skip": outcome.skip or None,
        "diverged": outcome.diverged,
        "seconds": outcome.seconds,
        "compiled": history.compiled if history else 0,
        "perplexities": [finite(p) for p in (history.perplexities if history else [])],
        "distances": [finite(d) for d in run.distances(outcome)],
        "losses": [finite(loss) for loss in steps],
        "norms": [finite(norm) for norm in norms],
    }


# The verdict, and what matters most


def _verdict(run: TrainingRun) -> str:
    if len(run.sentences) > 1:
        return f"{len(run.sentences)} different sentences"
    return ("one sentence", "diverged", "incomplete")[run.exit_code]


def _counts(run: TrainingRun) -> str:
    task, ended = run.task, sum(bool(o.sentence) for o in run.outcomes)
    return (
        f"{ended} of {len(run.outcomes)} trainings end in a sentence; text: {task.text.where}; "
        f"rate {task.recipe.rate:g}; biases {task.recipe.biases}; seed {task.seed}; "
        f"{run.seconds:.0f} s"
    )


def _lead(run: TrainingRun) -> Iterator[Line]:
    if len(run.sentences) == 1:
        margin = min(o.margin for o in run.outcomes if o.sentence)
        yield line(
            Cell(f'"{run.sentences[0]}"', "pass"),
            f": the closest choice of a character is won by {error_words(margin)}",
        )
    for sentence in run.sentences[1:]:
        names = ", ".join(_name(o) for o in run.outcomes if o.sentence == sentence)
        yield line(Cell(names, "fail"), f': "{sentence}" instead of "{run.sentences[0]}"')
    if diverged := [o for o in run.outcomes if o.diverged]:
        first = min(diverged, key=lambda o: o.diverged or 0)
        yield line(
            Cell(f"A rate of {run.task.recipe.rate:g} diverges", "fail"),
            f" in {len(diverged)} of {len(run.outcomes)} trainings: "
            f"first in {_name(first)}, at step {first.diverged}",
        )
    for reason, names in _by_reason((o.error, _name(o)) for o in run.outcomes):
        yield line(Cell(names, "error"), f" could not go on: {reason}")


def _notes(run: TrainingRun) -> Iterator[Line]:
    if run.task.recipe.biases == "separate":
        yield line(_WHY_NATIVE)
    for outcome in run.outcomes:
        if outcome.history and not outcome.history.sealed:
            yield line(f"{_name(outcome)} went on from a file that {UNSEALED}")


# The tables


def _sentences(run: TrainingRun) -> Table:
    """Return a row for each sentence, if there are several: one alone is in the lead."""
    rows: list[list[Text]] = []
    for k, sentence in enumerate(run.sentences if len(run.sentences) > 1 else (), 1):
        margins = [o.margin for o in run.outcomes if o.sentence == sentence]
        rows.append([str(k), f'"{sentence}"', str(len(margins)), error_words(min(margins))])
    return Table(("", "sentence", "trainings", "closest choice"), rows, numbers=2)


def _trainings(run: TrainingRun) -> Table:
    rows: list[list[Text]] = []
    for outcome in run.outcomes:
        done = outcome.history if outcome.history and outcome.history.epochs else None
        rows.append(
            [
                *(outcome.row.label, outcome.row.dtype, outcome.version),
                _ending(run, outcome),
                _perplexity(done.perplexities[-1]) if done else "-",
                error_words(run.distances(outcome)[-1]) if done else "-",
                f"{outcome.seconds:.0f}" if done else "-",
            ]
        )
    head = ("backend", "dtype", "version", "sentence", "perplexity", "distance", "s")
    return Table(head, rows, keys=2, numbers=3)


def _ending(run: TrainingRun, outcome: Outcome) -> Cell:
    """Return the number of the training's sentence, or how it ended without one."""
    if outcome.sentence:
        number = run.sentences.index(outcome.sentence) + 1
        return Cell("1", "pass") if number == 1 else Cell(f"{number} X", "fail")
    if outcome.skip:
        return Cell("skip", "skip")
    return Cell("diverged", "fail") if outcome.diverged else Cell("error", "error")


def _perplexity(number: float) -> str:
    return f"{number:.6f}" if number < 1000 else error_words(number)


def _skipped(run: TrainingRun) -> Table:
    found = _by_reason((o.skip, _name(o)) for o in run.outcomes)
    return Table(("backends", "reason"), [[names, reason] for reason, names in found])


def _by_reason(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return each reason that isn't empty, with all names that have it."""
    found: dict[str, list[str]] = {}
    for reason, name in pairs:
        found.setdefault(reason, []).append(name)
    return [(reason, ", ".join(names)) for reason, names in found.items() if reason]


def _name(outcome: Outcome) -> str:
    return f"{outcome.row.label} {outcome.row.dtype}"


# The curves, which only a page shows


def _curves(run: TrainingRun) -> Iterator[Figure]:
    ran = {_name(o): (o, o.history) for o in run.outcomes if o.history and o.history.epochs}
    perplexities = {name: _points(history.perplexities) for name, (_, history) in ran.items()}
    losses = {name: _points(np.concatenate(h.losses).tolist()) for name, (_, h) in ran.items()}
    distances = {
        name: _points(run.distances(outcome), sum(map(len, history.losses)) / history.epochs)
        for name, (outcome, history) in ran.items()
    }
    for chart in (
        draw_chart("Perplexity", "epoch", perplexities),
        draw_chart("Loss", "gradient step", losses),
        draw_chart(_APART, "gradient step", distances, log=True),
    ):
        if chart:
            yield Figure("chart", chart)


def _points(numbers: Sequence[float], width: float = 1) -> list[tuple[float, float]]:
    """Return a curve's points, `width` apart; of a long one every n-th and the last."""
    every = math.ceil(len(numbers) / _MOST) or 1
    last = len(numbers) - 1
    return [((k + 1) * width, n) for k, n in enumerate(numbers) if k % every == 0 or k == last]
