"""What is between recordings, told to a person, a program and a CI's page."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import re

import pytest

from gateparity.conformance.reports.console import make_console
from gateparity.conformance.reports.html.page import to_html
from gateparity.conformance.reports.markdown import to_markdown
from gateparity.conformance.reports.recordings import comparison_report, to_json
from gateparity.conformance.reports.terminal import print_report


@pytest.fixture
def comparison(record, compare):
    one = record(manifests={"instructions": "a b c d e f g", "XLA_FLAGS": "<b>|[red]"})
    other = record(manifests={"instructions": "a b c d e f x"}, numpy="nudged")
    return compare(one, other)


def printed(comparison):
    console = make_console()
    with console.capture() as capture:
        print_report(comparison_report(comparison), console)
    return capture.get()


def rows(text, title):
    """The cells of a section's table in piped output, without its head."""
    lines = text.partition(f"\n{title}\n")[2].partition("\n\n")[0].splitlines()
    return [re.split(r" {2,}", line.strip()) for line in lines[2:]]


def test_a_person_reads_what_is_alike_and_why_not(comparison):
    text = printed(comparison)
    both = "numpy:scratch@a and numpy:scratch@b"
    single, double, first, *_ = rows(text, "One backend in two recordings")
    assert single[:3] == [both, "float32", "within rounding"]
    assert double[:3] == [both, "float64", "within rounding"]
    assert first[0].startswith(f"- {both}, float32, differ first in forward, sequence: y[0")
    assert rows(text, "What differs in their manifests") == [
        ["instructions", "a: ... g", "numpy:scratch"],
        ["b: ... x"],
        ["XLA_FLAGS", "a: <b>|[red]", "numpy:scratch"],
        ["b: -"],
    ]


def test_what_is_alike_stands_first_and_last(comparison):
    line = "One backend in two recordings: 2 within rounding"
    lines = printed(comparison).splitlines()
    assert lines[1] == lines[-2] == line


def test_each_recording_is_introduced(comparison):
    found = rows(printed(comparison), "Recordings")
    assert [row[0] for row in found] == ["a", "b"]
    assert all(row[1].startswith("20") and row[3] == "numpy:scratch" for row in found)


def test_another_gateparity_is_named(record, compare):
    made = dataclasses.replace(record(["forward"], ["unit"]), gateparity="0.0.1")
    here = importlib.metadata.version("gateparity")
    words = f"gateparity {here} judges a, which 0.0.1 recorded. Their checks may differ."
    assert words in printed(compare(made)).splitlines()


def test_a_verdict_that_is_another_here_is_told(record, compare):
    made = record(["forward"], ["unit"], numpy="sound", torch="shifted")
    results = tuple(dataclasses.replace(r, status="pass") for r in made.run.results)
    lied = dataclasses.replace(made, run=dataclasses.replace(made.run, results=results))
    text = printed(compare(lied))
    assert text.count("2 results have other verdicts here than when recorded") == 2
    assert rows(text, "Verdicts that are not the recorded ones") == [
        ["torch:scratch", "forward", "fail", "unit float32, unit float64"]
    ]


def test_a_program_reads_it(comparison):
    found = json.loads(json.dumps(to_json(comparison), allow_nan=False))
    assert [one["name"] for one in found["recordings"]] == ["a", "b"]
    assert found["recordings"][0]["rows"] == ["numpy:scratch"]
    pair = found["same_backend"][0]
    assert (pair["a"], pair["dtype"], pair["alike"]) == (
        "numpy:scratch@a",
        "float32",
        "within rounding",
    )
    assert pair["same_bits"] < pair["compared"]
    assert {line["name"] for line in found["differing_lines"]} == {"instructions", "XLA_FLAGS"}
    assert found["revised"] == []


def test_what_is_not_finite_is_null(comparison):
    pairs = [dataclasses.replace(pair, sigmas=float("inf")) for pair in comparison.same_backend]
    found = to_json(dataclasses.replace(comparison, same_backend=tuple(pairs)))
    assert {pair["sigmas"] for pair in found["same_backend"]} == {None}


def test_a_page_shows_words_as_they_are(comparison):
    report = comparison_report(comparison)
    page = to_markdown(report)
    assert "| XLA\\_FLAGS | a: &lt;b&gt;\\|\\[red\\]<br>b: - | numpy:scratch |" in page
    assert "| backends | dtype | result | same bits | sigma |\n| --- |" in page
    assert "a: &lt;b&gt;|[red]<br>b: -" in to_html(report)
