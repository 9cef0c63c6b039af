"""`train`, `horizon` and `bench` print what printed/ has, and no table is wider than the terminal.

GATEPARITY_WRITE_PRINTED=1 python -m pytest tests/conformance/reports/test_printed_measurements.py
rewrites the files; read their difference before you commit it.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from gateparity.backends.backend import Backend
from gateparity.conformance.bench.measure import Bench, Growth, Timing
from gateparity.conformance.bench.statistics import Spread
from gateparity.conformance.problems.text import encode_text
from gateparity.conformance.reports.bench import bench_report
from gateparity.conformance.reports.horizon import horizon_report
from gateparity.conformance.reports.terminal import print_report
from gateparity.conformance.reports.training import training_report
from gateparity.conformance.runs.pool import BackendAtDtype
from gateparity.conformance.training.horizon import Horizon, HorizonRun, Known, Trial
from gateparity.conformance.training.parity import Verdict
from gateparity.conformance.training.problems import CALM, WILD
from gateparity.conformance.training.resume import History
from gateparity.conformance.training.run import Outcome, TrainingRun
from gateparity.conformance.training.text_task import Sizes, TextTask, make_recipe
from gateparity.protocol.training import TrainingState

PRINTED = Path(__file__).parent / "printed"
LABELS = ("numpy:scratch", "tensorflow:scratch", "tensorflow:layer", "mxnet:layer", "mine:Mine")
SPREAD = Spread(0.0123, 0.0119, 0.0131)


def at(label, dtype="float32"):
    return BackendAtDtype(Backend(label, "", "x:Y", None, shipped=False), dtype)


def history(*weights):
    found = History(TrainingState({}), 99.0)
    found.losses = found.norms = [np.array([3.0, 2.0 - k], "float32") for k in range(len(weights))]
    found.weights = [np.array([weight], "float32") for weight in weights]
    return found


def training():
    said, other = "it has the the the the the", "it has a the the the the t"
    outcomes = [
        Outcome(at(LABELS[0]), history(0, 0), said, 0.28, version="2.4.6", seconds=214),
        Outcome(at(LABELS[1]), history(0, 2**-12), said, 0.27, version="2.21.0", seconds=106),
        Outcome(at(LABELS[2]), history(0, 0.5), other, 0.01, version="2.21.0", seconds=9),
        Outcome(at(LABELS[3]), None, skip="MXNet 2.0 doesn't train here", version="2.0.0b1"),
        Outcome(at(LABELS[4]), history(0), error="lost in epoch 2: its worker died during train"),
    ]
    task = TextTask(encode_text("it has been said " * 9, "a text"), Sizes(), make_recipe(4, "tied"))
    return training_report(TrainingRun(task, outcomes, 330.0))


def trial(label, dtype, problem):
    differs = "norm of step 1 of epoch 1: found 0.2455, expected 0.2423: 41 sigma of rounding"
    if label == "mine:Mine":
        return Trial(at(label, dtype), problem, skip="Mine has no method train")
    if label == "tensorflow:layer":
        return Trial(at(label, dtype), problem, Verdict(41.0, 30, differs))
    if (label, dtype) == ("mxnet:layer", "float64") and "adam" in problem:
        known = Known("MXNet's adam_update holds rate and epsilon in float32", 2**-29)
        verdict = Verdict(9e6, 30, differs)
        return Trial(at(label, dtype), problem, verdict, known=known, shift=2**-30)
    return Trial(at(label, dtype), problem, Verdict(2.5, 30))


def horizon():
    trials = [
        trial(label, dtype, problem)
        for label in LABELS
        for dtype in ("float32", "float64")
        for problem in (*CALM, *WILD)
    ]
    pair = ("tensorflow:scratch", "tensorflow:layer")
    parts = Horizon("wild momentum", "float32", 60, 52, 52, None, pair, (1e-6, 1e-2))
    stays = Horizon("wild adam", "float64", 60, None, None, None, pair, (1e-9, 1e-8))
    judged = {("wild momentum", "float32"): 60, ("wild adam", "float64"): 34}
    return horizon_report(HorizonRun(0, trials, [parts, stays], judged))


def bench():
    timings = [
        Timing(
            *(label, size, operation, 5, SPREAD, 0.1),
            direct=None if label == LABELS[0] else SPREAD,
            framework=Spread(ratio, 0.9 * ratio, 1.2 * ratio) if "scratch" in label else None,
            own=Spread(1.0 + (ratio == 1.15) / 10, 1.0, 1.2) if label != LABELS[0] else None,
        )
        for size, operation in (("small", "forward"), ("small", "gradients"), ("wide", "train"))
        for label, ratio in zip(LABELS[:4], (1.0, 1.5, 1.15, 1.6), strict=True)
    ]
    found = Bench(3, 0.5, "wall", timings, [Growth("mxnet:layer", {"T": 1.0, "B": 0.5, "H": 1.25})])
    found.versions = dict.fromkeys(LABELS[:4], "2.21.0")
    found.machines = {n: {"cores": 2, "threads": 1, "manifest": {}} for n in LABELS[:4]}
    found.errors = dict.fromkeys(("jax:scratch", "jax:layer"), "its worker died (exit code 7)")
    return bench_report(found, 2)


REPORTS = {"train": training, "horizon": horizon, "bench": bench}


def printed(report, width):
    file = io.StringIO()
    terminal = {"force_terminal": True, "color_system": None, "legacy_windows": False}
    print_report(report, Console(file=file, width=width or 80, **(terminal if width else {})))
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 100, 140, 0], ids=lambda width: str(width or "piped"))
@pytest.mark.parametrize("verb", REPORTS)
def test_a_report_is_printed_as_its_file_has_it(verb, width):
    found = printed(REPORTS[verb](), width)
    path = PRINTED / f"{verb}-{width or 'piped'}.txt"
    if os.environ.get("GATEPARITY_WRITE_PRINTED"):
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")
    if width:
        assert max(len(line) for line in found.splitlines()) <= width


@pytest.mark.parametrize("verb", REPORTS)
def test_the_verdict_and_what_matters_are_first_and_last(verb):
    report = REPORTS[verb]()
    lines = printed(report, 0).splitlines()
    assert lines[0].startswith(report.verdict)
    assert lines[-1] == lines[0]
    assert lines[1] == lines[-1 - len(report.lead)]
