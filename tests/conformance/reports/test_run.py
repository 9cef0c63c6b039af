"""The report of a run: no number is lost, and one mistake is one entry.

What it prints is kept in `printed/check-*.txt`; with GATEPARITY_WRITE_PRINTED=1 these tests write
the files anew.
"""

from __future__ import annotations

import dataclasses
import io
import os
import sys
from pathlib import Path

import pytest
from rich.console import Console

from gateparity.backends.backend import Backend
from gateparity.conformance.reports.blocks import Section, Table, plain
from gateparity.conformance.reports.run import run_report
from gateparity.conformance.reports.terminal import print_report
from gateparity.conformance.runs.plan import Source
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
        Result(
            *(backend, check, "sequence", dtype, status, error, reason, sigmas),
            max_absolute=None if error is None else 2 * error,
        )
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
        Pair("numpy:scratch", "jax:layer", "float32", "fail", reason="they differ", sigmas=9.0),
    )
    versions = {"numpy:scratch": "2.4.6", SPEC: "2.9.0+cu130"}
    return Run((NUMPY, TORCH, JAX), found, pairs, versions, 3, 12.34567, 0.98765)


def printed(run, options=""):
    file = io.StringIO()
    print_report(run_report(run, Source(options)), Console(file=file, width=80))
    return file.getvalue()


def table(run, title, **options):
    """The rows of the table in the section that begins so, as texts."""
    blocks = run_report(run, Source(), **options).blocks
    section = next(b for b in blocks if isinstance(b, Section) and b.title.startswith(title))
    found = next(b for b in section.blocks if isinstance(b, Table))
    return [list(found.head), *([plain(cell) for cell in row] for row in found.rows)]


def test_backends_have_their_counts_and_their_worst_number(run):
    assert table(run, "Backends")[1:] == [
        ["1", "numpy:scratch", "2.4.6", "6", "0", "0", "0", "0", "1.2"],
        ["2", SPEC, "2.9.0+cu130", "0", "0", "4", "2", "0", "inf X"],
        ["3", "jax:layer", "", "0", "0", "0", "0", "6", "error"],
    ]


def test_the_matrix_has_a_row_for_each_check_and_a_column_for_each_backend(run):
    assert table(run, "Largest") == [
        ["check", "1", "2", "3"],
        ["forward", "1.2", "41.0 X", "error"],
        ["gates", "1.2", "skip", "error"],
        ["gradients", "1.2", "inf X", "error"],
    ]
    few = dataclasses.replace(run, backends=(NUMPY, JAX))
    assert table(few, "Largest")[0] == ["check", "numpy:scratch", "jax:layer"]


def test_wide_keeps_dtypes_apart(run):
    head, *rows = table(run, "Largest", wide=True)
    assert head[:3] == ["check", "1 float32", "1 float64"]
    assert rows[0][1:5] == ["1.2", "1.2", "41.0 X", "41.0 X"]


def test_checks_come_in_the_order_of_their_numbers(run):
    """Whatever the order that they ran in."""
    mixed = dataclasses.replace(run, results=tuple(reversed(run.results)))
    assert [row[0] for row in table(mixed, "Largest")[1:]] == ["forward", "gates", "gradients"]


def test_a_cell_shows_the_worst_of_its_cases(run):
    more = (
        Result(NUMPY, "forward", "unit", "float32", "pass", 2e-6, sigmas=0.5, shift=2.0),
        Result(NUMPY, "gates", "deep", "float32", "skip"),
        Result(NUMPY, "gradients", "plain", "float32", "error"),
        Result(NUMPY, "dtypes", "plain", "float16", "known", 1e-3, sigmas=99.0),
    )
    found = table(dataclasses.replace(run, results=(*more, *run.results)), "Largest")
    assert [row[1] for row in found[1:]] == ["2.0", "1.2", "error", "- ~"]


def test_pairs_are_above_and_below_the_diagonal(run):
    assert table(run, "Every pair")[1:] == [
        ["1 numpy:scratch", "\\", "inf X", "9.0 X"],
        [f"2 {SPEC}", "3.5", "\\", "-"],
        ["3 jax:layer", "-", "-", "\\"],
    ]
    text = printed(run)
    assert "numpy:scratch and jax:layer differ, float32: they differ\n" in text
    assert "1 pair differs (X) with a backend that fails a check by itself.\n" in text


def test_one_backend_has_no_pairs(run):
    alone = dataclasses.replace(run, backends=(NUMPY,), results=run.results[:6], pairs=())
    text = printed(alone)
    assert "Every pair" not in text
    assert "incomplete (1 of the 2 backends that a comparison needs): 6 pass" in text


def test_each_reason_is_given_once(run):
    twin = dataclasses.replace(JAX, variant="scratch")
    more = results(twin, "error", None, "JAX is neither here nor in an environment")
    run = dataclasses.replace(run, backends=(*run.backends, twin), results=(*run.results, *more))
    text = printed(run)
    reason = "JAX is neither here nor in an environment"
    assert f"\n- error jax:layer, jax:scratch: forward, gates, gradients: {reason}\n" in text
    assert text.count(reason) == 1
    assert f"\n- skip {SPEC}: gates: it doesn't return its gates\n" in text


def test_one_mistake_is_one_entry_with_counts(run):
    assert table(run, f"{SPEC} differs") == [
        ["check", "worst case", "cases", "absolute", "relative", "sigma"],
        ["forward", "sequence, float32", "2", "8.2e-07", "4.1e-07", "41.0 X"],
        ["gradients", "sequence, float32", "2", "inf", "inf", "inf X"],
    ]
    explained = dataclasses.replace(run, explanations={SPEC: "it behaves as if *x*"})
    text = printed(explained)
    assert text.count(f"{SPEC} fails 2 of 2 checks: it behaves as if *x*\n") == 2
    assert text.splitlines()[1] == f"{SPEC} fails 2 of 2 checks: it behaves as if *x*"
    assert "\nIt behaves as if *x*.\n" in text
    assert f"  $ gateparity diagnose -b {SPEC}\n" in text
    assert "diagnose" not in printed(run)


def test_the_worst_case_of_a_check_is_that_of_the_largest_number_or_shift(run):
    large = Result(TORCH, "forward", "large", "float32", "fail", 1e-3, REASON, 9.0)
    shifted = Result(TORCH, "forward", "shifted", "float32", "fail", 1e-3, REASON, 1.0, 50.0)
    one = dataclasses.replace(run, results=(large, shifted, *run.results[:6]))
    (row,) = table(one, f"{SPEC} differs")[1:]
    assert (row[1], row[2], row[-1]) == ("shifted, float32", "2", "50.0 X")


def test_a_failure_says_where_and_how_to_repeat_it(run):
    text = printed(run)
    assert f"Found first: forward, case sequence, float32: {REASON}\n" in text
    backends, work = f"--backend numpy --backend {SPEC}", "--check forward --case sequence --seed 3"
    assert f"\n  $ gateparity check {backends} {work}\n" in text
    text = printed(run, "--text 'my book.txt'")
    assert f"--backend {SPEC} --check forward --text 'my book.txt' --seed 3\n" in text
    assert "\nInputs: --text 'my book.txt'\n" in text


def test_a_saved_failure_says_its_file_and_how_to_replay_it(run):
    second = dataclasses.replace(run.results[7], saved="my [b]/x.y", saved_sizes="T1-B1-I1-H2")
    found = (*run.results[:7], second, *run.results[8:])
    text = printed(dataclasses.replace(run, results=found))
    assert (
        f"\nSaved: 'my [b]/x.y' (T1-B1-I1-H2); gateparity replay 'my [b]/x.y' --backend {SPEC}\n"
        in text
    )
    assert text.count("Saved: ") == 1
    assert "Saved: " not in printed(run)


def test_the_verdict_has_the_counts_first_and_last(run):
    lines = printed(run).splitlines()
    assert lines[0] == lines[-1]
    assert lines[0] == (
        "differs: 6 pass, 0 known, 4 fail, 2 skip, 6 error; 3 pairs; seed 3; "
        "12.3 s, of them 1.0 s transport; 0.8 cases/s"
    )


def test_a_case_is_counted_where_it_was_computed(run):
    passed, failed = run.results[:6], run.results[6:10]
    fast = dataclasses.replace(run, results=(*passed, *failed, *run.results[-4:]), seconds=2.0)
    assert printed(fast).splitlines()[-1].endswith("; 5.0 cases/s")
    assert printed(dataclasses.replace(run, seconds=0.0)).splitlines()[-1].endswith("; 0.0 cases/s")


PRINTED = Path(__file__).parent / "printed"


@pytest.mark.parametrize("width", [80, 100, 140, None])
@pytest.mark.parametrize("name", ["check", "check-wide"])
def test_what_is_printed(run, name, width):
    file, terminal = io.StringIO(), width is not None
    console = Console(
        file=file,
        width=width or 80,
        force_terminal=terminal,
        color_system=None,
        legacy_windows=False,
    )
    explained = dataclasses.replace(run, explanations={SPEC: "it behaves as if it were wrong"})
    print_report(run_report(explained, Source(), wide=name == "check-wide"), console)
    found, path = file.getvalue(), PRINTED / f"{name}-{width or 'piped'}.txt"
    if os.environ.get("GATEPARITY_WRITE_PRINTED"):
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")
    if terminal:
        tables = [line for line in found.splitlines() if "──" in line]
        assert tables
        assert max(map(len, tables)) <= width


def test_the_forms_of_results_are_one_line_and_of_compiling_frameworks_alone(run):
    forms = ["compiled", "compiled", "operation by operation", "both"]
    known = [dataclasses.replace(r, form=form) for r, form in zip(run.results, forms, strict=False)]
    words = "Forms of results: numpy:scratch 2 compiled, 1 operation by operation, 1 both"
    found = dataclasses.replace(run, results=(*known, *run.results[len(known) :]))
    assert [words] == [line for line in printed(found).splitlines() if line.startswith("Forms")]
    assert "Forms" not in printed(run)
