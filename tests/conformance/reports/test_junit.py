"""A run as JUnit XML: every result is a test, whatever a backend says of itself."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from gateparity.backends.backend import Backend
from gateparity.conformance.reports.junit import to_junit
from gateparity.conformance.runs.result import Pair, Result, Run
from gateparity.files import write_text

NUMPY = Backend(
    "numpy", "scratch", "gateparity.backends.numpy.scratch:Scratch", Path(sys.executable)
)
MINE = Backend("mypkg", "", "mypkg:LSTM", Path(sys.executable), shipped=False, installed=True)
REASON = 'y[0]: found 1 < 2 & "more"'


def make_run(reason=REASON, label=MINE, version="1.0", **saved):
    results = (
        Result(NUMPY, "forward", "unit", "float32", "pass", 1e-8, seconds=0.25),
        Result(NUMPY, "gates", "deep", "float64", "skip", reason="it has none", seconds=0.5),
        Result(label, "forward", "unit", "float32", "fail", 0.5, reason, seconds=1.5),
        Result(label, "gates", "deep", "float64", "error", reason=reason),
    )
    if saved:
        results = (*results[:2], dataclasses.replace(results[2], **saved), results[3])
    pairs = (
        Pair("numpy:scratch", label.label, "float32", "fail", 0.5, reason),
        Pair("numpy:scratch", label.label, "float64", "pass", 1e-16),
    )
    return Run((NUMPY, label), results, pairs, {label.label: version}, 3, 2.5, 0.1)


def read(run, source=""):
    return ET.fromstring(to_junit(run, source).encode("utf-8"))


def test_a_suite_a_row_and_one_for_the_pairs():
    root = read(make_run())
    suites = [
        [suite.get(key) for key in ("name", "tests", "failures", "errors", "skipped", "time")]
        for suite in root
    ]
    assert suites == [
        ["numpy:scratch", "2", "0", "0", "1", "0.750"],
        ["mypkg", "2", "1", "1", "0", "1.500"],
        ["pairs", "2", "1", "0", "0", None],
    ]
    counts = [root.get(key) for key in ("tests", "failures", "errors", "skipped", "time")]
    assert (root.tag, counts) == ("testsuites", ["6", "2", "1", "1", "2.500"])


def test_a_test_for_each_check_case_and_dtype():
    cases = [(c.get("classname"), c.get("name")) for c in read(make_run()).iter("testcase")]
    assert cases == [
        ("numpy:scratch", "forward[unit-float32]"),
        ("numpy:scratch", "gates[deep-float64]"),
        ("mypkg", "forward[unit-float32]"),
        ("mypkg", "gates[deep-float64]"),
        ("pairs", "numpy:scratch and mypkg, float32"),
        ("pairs", "numpy:scratch and mypkg, float64"),
    ]


def test_outcomes_have_their_reason_and_the_command_that_repeats_them():
    root = read(make_run(), "--text 'a b.txt'")
    skipped, failure, error = (next(root.iter(tag)) for tag in ("skipped", "failure", "error"))
    assert skipped.get("message") == "it has none"
    assert failure.get("message") == error.get("message") == REASON
    repeat = (
        "gateparity check --backend numpy --backend mypkg --check forward --text 'a b.txt' --seed 3"
    )
    assert failure.text == f"{REASON}\nrepeat: {repeat}"
    assert "--check gates" in error.text
    assert not list(next(root.iter("testcase")))  # a pass has nothing to say


def test_what_is_known_of_a_row_are_properties():
    run = dataclasses.replace(make_run(), explanations={"mypkg": "as if"})
    found = {p.get("name"): p.get("value") for p in read(run)[1].iter("property")}
    assert found == {"version": "1.0", "explanation": "as if"}


def test_a_known_deviation_is_no_failure():
    known = Result(NUMPY, "values", "nan", "float32", "known", 0.5, "it does: https://x")
    root = read(Run((NUMPY,), (known,), (), {}, 0, 1.0, 0.1))
    assert (root.get("failures"), root.get("skipped")) == ("0", "1")
    assert next(root.iter("skipped")).get("message") == "it does: https://x"
    assert next(root.iter("skipped")).get("type") == "known"


def test_a_saved_failure_tells_where():
    failure = next(read(make_run(saved="a b.npz", saved_sizes="T1 B1")).iter("failure"))
    assert failure.text.endswith(
        "\nsaved: 'a b.npz' (T1 B1); gateparity replay 'a b.npz' --backend mypkg"
    )


@pytest.mark.parametrize("odd", ["\x00\x1b[31m\x08", "\ud800", "\ufffe", "]]>", "<!--", "&bad;"])
def test_what_xml_cannot_hold_breaks_nothing(odd, tmp_path):
    label = Backend(f"my{odd}pkg", "", "", None, shipped=False)
    run = make_run(f"found {odd}!", label, odd)
    write_text(tmp_path / "run.xml", to_junit(run, f"--text 'a{odd}b'"))
    root = ET.parse(tmp_path / "run.xml").getroot()
    message = next(root.iter("failure")).get("message")
    assert message.startswith("found ")
    assert message.endswith("!")
    if odd.isascii() and odd.isprintable():
        assert message == f"found {odd}!"


def test_a_run_of_one_row_has_no_pairs():
    run = make_run()
    alone = Run((NUMPY,), run.results[:2], (), {}, 0, 1.0, 0.1)
    assert [suite.get("name") for suite in read(alone)] == ["numpy:scratch"]


def test_times_are_left_out_where_they_are_unknown():
    untimed = Result(NUMPY, "forward", "unit", "float32", "pass", 1e-8)
    root = read(Run((NUMPY,), (untimed,), (), {}, 0, 1.0, 0.1))
    assert root[0].get("time") is None
    assert next(root.iter("testcase")).get("time") is None
