"""What `compare`, `replay` and `diagnose` print, in terminals of three widths and in a pipe.

GATEPARITY_WRITE_PRINTED=1 pytest tests/conformance/reports/test_printed_compare.py writes the
expected files anew; look at their diff before you commit it.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from gateparity.backends.backend import Backend
from gateparity.conformance.diagnosis.evidence import Evidence
from gateparity.conformance.diagnosis.probes import Probe
from gateparity.conformance.diagnosis.search import Diagnosis
from gateparity.conformance.failures.failure import Failure
from gateparity.conformance.failures.replay import Replay, WorstElement
from gateparity.conformance.mistakes.catalogue import CATALOGUE
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.recordings.compare import Comparison, mark_rows
from gateparity.conformance.recordings.recording import Recording
from gateparity.conformance.recordings.same_backend import ManifestDifference, SameBackend
from gateparity.conformance.reports.diagnosis import diagnosis_report
from gateparity.conformance.reports.recordings import comparison_report
from gateparity.conformance.reports.replay import replay_report
from gateparity.conformance.reports.terminal import print_report
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.plan import Source
from gateparity.conformance.runs.result import Pair, Result, Run

PRINTED = Path(__file__).parent / "printed"
WIDTHS = ("80", "100", "140", "piped")
TORCH = Backend("torch", "layer", "gateparity.backends.torch.layer:Layer", None)
MINE = Backend("mypkg.recurrent", "", "mypkg.recurrent:MyLSTM", None, shipped=False)
REASON = (
    "y[0, 2, 5] (layer 0, step 0, h, sequence 2, unit 5): found -0.432699561, expected "
    "-0.0218514004: 2.77e+07 sigma of rounding, 8 allowed; 90 of 90 elements differ"
)


def result(backend, dtype="float32", status="pass", sigmas=1.5, reason=""):
    return Result(backend, "forward", "sequence", dtype, status, 1e-7, reason, sigmas, None, 1e-7)


def compared():
    recordings = {}
    for name, gateparity in (("gpuhost-2026-11-26", "0.2.0"), ("laptop-2026-11-27", "0.1.0")):
        found = tuple(result(TORCH, dtype) for dtype in ("float32", "float64"))
        run = Run((TORCH,), found, (), {TORCH.label: "2.9.0"}, 0, 1.5, 0.5)
        time = f"{name[-10:]}T12:00:00Z"
        recordings[name] = Recording([], run, Source(), gateparity, time)
    backends = [run.backends[0] for run in mark_rows(recordings).values()]
    results = (
        *(result(backends[0], dtype) for dtype in ("float32", "float64")),
        result(backends[1], "float32", "fail", 2.77e7, REASON),
        result(backends[1], "float64"),
    )
    a, b = (backend.label for backend in backends)
    pairs = (Pair(a, b, "float32", "fail", 0.5, REASON, 2e7), Pair(a, b, "float64", "pass"))
    run = Run(tuple(backends), results, pairs, {a: "2.9.0", b: "2.9.0"}, 0, 3.0, 1.0)
    first = "forward, sequence: y[0, 2, 5] (layer 0, step 0): -0.432699561 and -0.0218514004"
    twins = (
        SameBackend(a, b, "float32", "beyond rounding", 44, 30, 2e7, first),
        SameBackend(a, b, "float64", "same bits", 33, 33, 0.0, ""),
    )
    names = tuple(recordings)
    many = ("avx avx2 f16c fma sse sse2 avx512f", "avx avx2 f16c fma sse sse2 amx_tile")
    lines = (
        ManifestDifference("instructions", *names, *many, ("torch:layer",)),
        ManifestDifference("TF32 in matmul", *names, "on", "", ("torch:layer", "torch:scratch")),
    )
    return comparison_report(Comparison(run, recordings, twins, lines, (results[2],)))


def failure():
    case = RECIPES["deep"].build("float64", 0)
    manifest = {
        "backend version": "1.0",
        "expected by": "NumPy 2.4.6, Python 3.11.7, Linux x86_64",
        "instructions": "avx avx2 avx512_bf16 avx512_bitalg avx512_fp16 avx512f f16c fma sse4_2",
    }
    return Failure("gradients", case, MINE.label, {}, {}, {}, REASON, manifest, 3)


def replayed():
    places = (
        WorstElement("d_w_ih of layer 0, reverse", (2, 1, 3), -1 / 3, 1 / 3, 2 / 3, 4e15, 7e15),
        WorstElement("d_x", (0, 0, 1), 0.25, float("nan"), 0.25, float("nan"), 1.0),
        WorstElement("d_h_0", (0, 0, 1), 0.25, 0.25, 0.25, 0.5, 0.5),
    )
    fails = Replay(result(MINE, "float64", "fail", 7e15, REASON), "1.0", places, (), True)
    agrees = Replay(result(TORCH, "float64"), "2.9.0", places[2:], ("d_x", "d_h_0"), False)
    missing = Replay(
        result(TORCH, "float64", "error", None, "PyTorch isn't here"), "", (), None, True
    )
    return replay_report(failure(), [fails, agrees, missing])


def probe(check, name, dtype="float32"):
    return Probe(CHECKS[check], RECIPES[name].build(dtype, 0), {})


def diagnosed():
    probes = (
        *(probe("lengths", name) for name in ("ragged", "one_empty", "nan_padding")),
        *(probe("forward", "sequence", dtype) for dtype in ("float32", "float64")),
        *(probe("gates", name) for name in ("deep", "ragged")),
    )
    ruled_out = tuple((mistake, 10.0**k) for k, mistake in enumerate(CATALOGUE[1:9]))
    named = Diagnosis(probes, probes[:4], ((CATALOGUE[0],),), ruled_out, 1e6)
    beside = Diagnosis(probes, (), (), ())
    wrong = tuple(result(MINE, dtype, "fail", 9.0, REASON) for dtype in ("float32", "float64"))
    return diagnosis_report(
        [
            (Evidence("mypkg.recurrent:MyLSTM", probes, {}), named),
            (Evidence("torch:layer", probes, {}), beside),
            (Evidence(MINE.label, probes, {}, wrong), beside),
            (Evidence("raises", (), {}, (), "raises can't be diagnosed: it raised"), None),
        ]
    )


def diagnosed_alone():
    probes = (probe("forward", "sequence"), probe("gates", "deep"))
    found = Diagnosis(probes, probes[:1], ((CATALOGUE[0],),), ((CATALOGUE[1], 1e9),), 1e6)
    return diagnosis_report([(Evidence("mypkg:MyLSTM", probes, {}), found)])


REPORTS = {
    "compare": compared,
    "replay": replayed,
    "diagnose": diagnosed,
    "diagnose-one": diagnosed_alone,
}


@pytest.fixture(autouse=True)
def _one_version(monkeypatch):
    """Reports name the version of gateparity, which releases change."""
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0.2.0")


def render(report, width):
    file = io.StringIO()
    terminal = width != "piped"
    console = Console(
        file=file,
        width=int(width) if terminal else 80,
        force_terminal=terminal,
        color_system=None,
        legacy_windows=False,
        soft_wrap=True,
        emoji=False,
    )
    print_report(report, console)
    return file.getvalue()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("verb", REPORTS)
def test_what_is_printed(verb, width):
    raw = render(REPORTS[verb](), width).splitlines()
    found = "".join(f"{line.rstrip()}\n" for line in raw)
    path = PRINTED / f"{verb}-{width}.txt"
    if os.environ.get("GATEPARITY_WRITE_PRINTED"):
        PRINTED.mkdir(exist_ok=True)
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")
    if width != "piped":  # commands alone are longer: they are copied whole
        lines = [line for line in raw if not line.startswith("  $ ")]
        assert max(map(cell_len, lines)) <= int(width)
