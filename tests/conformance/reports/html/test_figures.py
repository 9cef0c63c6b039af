"""Pages of training and timing: what was found, every value escaped."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from gateparity.backends.backend import Backend
from gateparity.conformance.bench.measure import Bench, Growth, Timing
from gateparity.conformance.bench.statistics import Spread
from gateparity.conformance.problems.text import encode_text
from gateparity.conformance.reports.bench import bench_report
from gateparity.conformance.reports.horizon import horizon_report
from gateparity.conformance.reports.html.page import to_html
from gateparity.conformance.reports.markdown import to_markdown
from gateparity.conformance.reports.training import training_report
from gateparity.conformance.runs.pool import BackendAtDtype
from gateparity.conformance.training.horizon import Horizon, HorizonRun
from gateparity.conformance.training.resume import History
from gateparity.conformance.training.run import Outcome, TrainingRun
from gateparity.conformance.training.text_task import Sizes, TextTask, make_recipe
from gateparity.protocol.training import TrainingState
from tests.command import run_command

EVIL = "</script><img src=x onerror=alert(1)>"


def outcome(label, weights, losses, **more):
    backend = Backend(label, "", "x:Y", None, shipped=False)
    history = History(TrainingState({}), 99.0)
    history.losses = history.norms = [np.array(two, "float32") for two in losses]
    history.weights = [np.array([one], "float32") for one in weights]
    return Outcome(BackendAtDtype(backend, "float32"), history, **more)


def training(*outcomes, biases="tied"):
    task = TextTask(encode_text("it has been said " * 9, EVIL), Sizes(), make_recipe(4.0, biases))
    return training_report(TrainingRun(task, outcomes, 1.0))


def test_training_has_sentences_and_curves():
    losses = [(3.0, 2.0), (1.0, 1.5)]
    rows = [
        outcome("numpy", [0, 0], losses, sentence="it has", version=EVIL),
        outcome(EVIL, [0, 0.5], losses, sentence=EVIL),
        outcome("torch", [], [], error="its worker died"),
    ]
    text = to_html(training(*rows, biases="separate"))
    assert EVIL not in text
    assert "<h1>2 different sentences</h1>" in text
    assert "Separate biases: two" in text
    assert f"{np.exp(1.25):.6f}" in text
    assert "its worker died" in text
    assert text.count('role="img"') == 3  # perplexity, loss, distance
    assert text.count("<polyline") == 2 + 2 + 3 * 2  # curves, and legends; the distance is a dot


def test_training_that_diverged_has_a_gap():
    rows = [outcome("numpy", [0, math.nan], [(3.0, 2.0), (math.inf, math.nan)])]
    text = to_html(training(*rows))
    assert "first in numpy float32, at step 3" in text
    assert "nan" not in text.partition("<main")[2].partition("<script>")[0]


def test_nothing_trained_is_a_page_too():
    text = to_html(training())
    assert "<h1>incomplete</h1>" in text
    assert "There is nothing to show." in text


def test_bench_has_ratios_targets_reasons_and_growth():
    bench = Bench(0, 0.0, "wall")
    spread = Spread(0.5, 0.25, 0.75)
    bench.timings += [
        Timing(EVIL, "small", "forward", 5, spread, 0.1),
        Timing("torch:scratch", "small", "forward", 5, spread, 0.1, spread, Spread(99, 98, 100)),
    ]
    bench.growths.append(Growth("torch:scratch", {"T": 1.0, "B": 0.5}))
    bench.versions["torch:scratch"], bench.machines["torch:scratch"] = (
        "2",
        {"cores": 2, "threads": 1},
    )
    text = to_html(bench_report(bench, 1))
    assert EVIL not in text
    assert "500.0 (250.0 to 750.0)" in text
    assert "99.00 (98.00 to 100.00)" in text
    assert "<h1>targets missed</h1>" in text
    assert ">0.50<" in text
    bench.errors[EVIL] = EVIL
    assert "<h1>incomplete</h1>" in to_html(bench_report(bench, 2))


def test_targets_missed_for_one_reason_are_one_line():
    slow = Spread(9.0, 8.0, 10.0)
    timings = [
        Timing("jax:scratch", "small", operation, 5, slow, 1.0, framework=slow)
        for operation in ("forward", "gradients")
    ]
    bench = Bench(0, 0, "wall", timings=timings)
    bench.versions["jax:scratch"], bench.machines["jax:scratch"] = "1", {"cores": 2, "threads": 1}
    found = to_markdown(bench_report(bench, 0))
    line = "9.00 at small forward, 9.00 at small gradients: no reason is known"
    assert [row for row in found.splitlines() if line in row] == [
        f"- **missed**: jax:scratch, to the framework's layer, 1.10 allowed: {line}"
    ]
    assert found.startswith("# gateparity bench: measured")


def test_horizons_have_every_pair_and_what_was_predicted():
    found = {"a and b": (0.0, 0.25), EVIL: (1.0, math.nan)}
    horizon = Horizon("wild sgd", "float32", 4, 2, 2, 4, ("a", "b"), (0.125, 0.5), found)
    text = to_html(horizon_report(HorizonRun(0, (), [horizon])))
    assert EVIL not in text
    assert "<title>a and b</title>" in text
    assert text.count("<polyline") == 1 + 1  # two points are predicted; and the legend's line
    assert text.count("<circle") == 2 + 2  # those, and the one point that each pair has
    assert text.count("</svg>predicted</li>") == 1


@pytest.mark.parametrize(
    "verb",
    [
        ["train", "-b", "numpy", "--windows", "32", "--batch", "16", "--epochs", "2"],
        ["bench", "-b", "numpy", "--quick", "--seconds", "0"],
        ["selftest", "--frameworks", "-b", "numpy", "--cases", "2"],
    ],
    ids=lambda verb: verb[0],
)
def test_verbs_write_their_page_and_keep_what_is_there(verb, tmp_path):
    (tmp_path / "text.txt").write_text("it has been said that time is a kind of space " * 6)
    text = ["--text", "text.txt"] if verb[0] == "train" else []

    def run():
        words = [*verb, *text, "--report", "a.html", "--json", "a.json"]
        return run_command(*words, cwd=tmp_path)

    for _ in range(2):  # the second time in the place of its own files
        assert run().stderr == ""
        assert "</html>" in (tmp_path / "a.html").read_text("utf-8")
        assert json.loads((tmp_path / "a.json").read_text())
    (tmp_path / "a.html").write_text("mine")
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert "a.html would replace a file that is no HTML" in done.stderr
    assert (tmp_path / "a.html").read_text() == "mine"
