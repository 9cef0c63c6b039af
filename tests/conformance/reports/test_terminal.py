"""A run for a person: no word is cut, no number is lost, no markup is obeyed."""

from __future__ import annotations

import dataclasses
import io
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console

from gateparity.backends.backend import Backend
from gateparity.conformance.reports.console import make_console, print_error
from gateparity.conformance.reports.terminal import print_run
from gateparity.conformance.runs.result import Pair, Result, Run

NUMPY = Backend(
    "numpy", "scratch", "gateparity.backends.numpy.scratch:Scratch", Path(sys.executable)
)
LONG = "torch@/home/somebody/projects/a-long-name/and-another/environments/torch-2.9-cuda-13"
TORCH = Backend(LONG, "layer", "gateparity.backends.torch.layer:Layer", Path(sys.executable))
JAX = Backend("jax", "layer", "gateparity.backends.jax.layer:Layer", None, missing="none")
SPEC = f"torch:layer@{LONG.partition('@')[2]}"
REASON = "y[0, 1]: found 1, expected 2: 41 sigma of rounding, 8 allowed"


def results(backend, status, sigmas=None, reason="", checks=("forward", "gates", "gradients")):
    error = None if sigmas is None else 1e-8 * sigmas
    return [
        Result(backend, check, "sequence", dtype, status, error, reason, sigmas)
        for dtype in ("float32", "float64")
        for check in checks
    ]


@pytest.fixture
def run():
    found = (
        *results(NUMPY, "pass", 1.25),
        *results(TORCH, "fail", 41.0, REASON, ("forward",)),
        *results(TORCH, "fail", float("inf"), "y[0]: found nan, expected 1", ("gradients",)),
        *results(TORCH, "skip", None, "it doesn't return its gates", ("gates",)),
        *results(JAX, "error", None, "JAX is neither here nor in an environment"),
    )
    pairs = (
        Pair(
            *("numpy:scratch", SPEC, "float32", "fail", float("nan")),
            reason=f"forward, sequence: {REASON}",
            sigmas=float("inf"),
        ),
        Pair("numpy:scratch", SPEC, "float64", "pass", 3.5e-16, sigmas=3.5),
        Pair("numpy:scratch", "jax:layer", "float32", "skip", reason="nothing that both computed"),
    )
    versions = {"numpy:scratch": "2.4.6", SPEC: "2.9.0+cu130"}
    return Run((NUMPY, TORCH, JAX), found, pairs, versions, 3, 12.34567, 0.98765)


def printed(run, width=60, source="", **options):
    file = io.StringIO()
    print_run(run, Console(file=file, width=width, **options), source)
    return file.getvalue()


def row_of(text, label):
    """The cells of a row's first line."""
    line = next(line for line in text.splitlines() if line.startswith(f"│ {label} "))
    return [cell.strip() for cell in line.strip("│").split("│")]


@pytest.mark.parametrize("width", [20, 60, 200])
def test_no_word_is_cut_or_wrapped_whatever_the_width(run, width):
    text = printed(run, width)
    assert "…" not in text
    assert text == printed(run, 1000)
    for words in (SPEC, "2.9.0+cu130", "float64", "gradients", "inf X", "1.2", REASON):
        assert words in text


def test_rows_and_checks(run):
    text = printed(run)
    assert row_of(text, "numpy:scratch") == [
        *("numpy:scratch", "2.4.6", "float32"),
        *("1.2", "1.2", "1.2"),
    ]
    assert row_of(text, SPEC)[2:] == ["float32", "41.0 X", "skip", "inf X"]
    assert row_of(text, "jax:layer") == ["jax:layer", "", "float32", "error", "error", "error"]


def test_checks_stand_in_the_order_of_their_numbers(run):
    """Whatever the order that they ran in."""
    mixed = dataclasses.replace(run, results=tuple(reversed(run.results)))
    head = next(line for line in printed(mixed).splitlines() if "┃ forward" in line)
    assert head.index("forward") < head.index("gates") < head.index("gradients")


def test_a_cell_shows_the_worst_of_its_cases(run):
    more = (
        Result(NUMPY, "forward", "unit", "float32", "pass", 2e-6, sigmas=0.5, shift=2.0),
        Result(NUMPY, "gates", "deep", "float32", "skip"),
        Result(NUMPY, "gradients", "plain", "float32", "error"),
    )
    text = printed(dataclasses.replace(run, results=(*more, *run.results)))
    assert row_of(text, "numpy:scratch")[3:] == ["2.0", "1.2", "error"]


def test_pairs_stand_above_and_below_the_diagonal(run):
    text = printed(run)
    assert row_of(text, "1 numpy:scratch") == ["1 numpy:scratch", "\\", "inf X", "-"]
    assert row_of(text, f"2 {SPEC}")[1:] == ["3.5", "\\", "-"]
    assert f"numpy:scratch and {SPEC} differ, float32: forward, sequence: {REASON}\n" in text


def test_one_row_has_no_pairs(run):
    alone = dataclasses.replace(run, backends=(NUMPY,), results=run.results[:6], pairs=())
    assert "Every pair" not in printed(alone)
    assert "incomplete (1 of the 2 backends that a comparison needs): 6 pass" in printed(alone)


def test_each_reason_is_told_once_a_row(run):
    text = printed(run)
    assert text.count("neither here") == 1
    assert "jax:layer error: forward, gates, gradients: JAX is neither here" in text
    assert f"{SPEC} skip: gates: it doesn't return its gates\n" in text


def test_a_failure_tells_where_and_how_to_repeat_it(run):
    text = printed(run)
    assert f"{SPEC} forward, case sequence, float32 differs: {REASON}\n" in text
    backends, work = f"--backend numpy --backend {SPEC}", "--check forward --case sequence --seed 3"
    assert f"\n  repeat: gateparity check {backends} {work}\n" in text
    text = printed(run, source="--text 'my book.txt'")
    assert f"--backend {SPEC} --check forward --text 'my book.txt' --seed 3\n" in text


def test_a_saved_failure_tells_its_file_and_how_to_replay_it(run):
    first = dataclasses.replace(run.results[6], saved="my [b]/x.y", saved_sizes="T1-B1-I1-H2")
    found = (*run.results[:6], first, *run.results[7:])
    text = printed(dataclasses.replace(run, results=found))
    assert (
        f"\n  saved: 'my [b]/x.y' (T1-B1-I1-H2); gateparity replay 'my [b]/x.y' --backend {SPEC}\n"
        in text
    )
    assert text.count("saved: ") == 1
    assert "saved: " not in printed(run)


def test_the_summary_counts(run):
    assert printed(run).splitlines()[-1] == (
        "differs: 6 pass, 0 known, 4 fail, 2 skip, 6 error; 3 pairs; seed 3; "
        "12.3 s, of them 1.0 s transport; 0.8 cases/s"
    )


def test_a_case_is_counted_where_it_was_computed(run):
    passed, failed = run.results[:6], run.results[6:10]
    fast = dataclasses.replace(run, results=(*passed, *failed, *run.results[-4:]), seconds=2.0)
    assert printed(fast).splitlines()[-1].endswith("; 5.0 cases/s")
    assert printed(dataclasses.replace(run, seconds=0.0)).splitlines()[-1].endswith("; 0.0 cases/s")


@pytest.mark.parametrize("field", ["label", "version", "reason", "python"])
def test_markup_in_what_a_backend_says_is_text(run, field):
    odd = "[/] [bold]x[/red] [0]"
    backend = dataclasses.replace(NUMPY, variant=odd) if field == "label" else NUMPY
    if field == "python":
        backend = dataclasses.replace(NUMPY, name=f"numpy@/{odd}")
    version = odd if field == "version" else "1.0"
    reason = odd if field == "reason" else "why"
    found = tuple(
        Result(backend, "forward", status, "float32", status, reason=reason)
        for status in ("fail", "skip", "error")
    )
    pair = Pair(backend.label, "x", "float32", "fail", 1.0, reason)
    one = Run((backend, TORCH), found, (pair,), {backend.label: version}, 0, 1.0, 0.1)
    assert printed(one).count(odd) >= (1 if field == "version" else 4)


def test_no_colours_where_there_is_no_terminal(run):
    assert "\x1b" not in printed(run)


def test_colours_on_a_terminal(run):
    text = printed(run, force_terminal=True, color_system="standard")
    assert "\x1b[32m" in text  # a pass is green
    assert "\x1b[1;31m" in text  # a failure is red


def test_a_line_on_a_narrow_terminal_is_left_to_the_terminal(run):
    text = printed(run, width=40, force_terminal=True, color_system=None, legacy_windows=False)
    assert REASON in text


def test_standard_output_wraps_nothing(capsys):
    make_console().print("word " * 100)
    assert capsys.readouterr().out == "word " * 100 + "\n"


def test_an_error_is_one_line_on_standard_error(capsys):
    print_error("x [/] " + "word " * 100 + "[red]")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "gateparity: x [/] " + "word " * 100 + "[red]\n"
    assert not re.search("\x1b", err)
