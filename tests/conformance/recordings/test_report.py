"""What is between recordings, told to a person, a program and a CI's page."""

from __future__ import annotations

import dataclasses
import json

import pytest
from rich.console import Console

from gateparity.conformance.reports.recordings import (
    print_recordings,
    print_twins,
    to_json,
    to_markdown,
    to_notes,
    to_tables,
)


@pytest.fixture
def comparison(record, compare):
    one = record(manifests={"instructions": "a b c d e f g", "XLA_FLAGS": "<b>|[red]"})
    other = record(manifests={"instructions": "a b c d e f x"}, numpy="nudged")
    return compare(one, other)


def printed(print_it, comparison):
    console = Console(width=300, record=True, force_terminal=False)
    with console.capture() as capture:
        print_it(comparison, console)
    return capture.get()


def test_a_person_reads_what_is_alike_and_why_not(comparison):
    text = printed(print_twins, comparison)
    assert "numpy:scratch@a │ numpy:scratch@b │ float32 │" in text
    assert "within rounding" in text
    assert "numpy:scratch@a and numpy:scratch@b, float32, differ first in forward, sequence" in text
    assert "│ instructions │ ... g     │ ... x │ numpy:scratch │" in text
    assert "│ XLA_FLAGS    │ <b>|[red] │ -     │ numpy:scratch │" in text


def test_each_recording_is_introduced(comparison):
    lines = printed(print_recordings, comparison).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("a: recorded 20")
    assert "by gateparity" in lines[0]
    assert "judged by" not in lines[0]


def test_another_gateparity_is_named(record, compare):
    made = dataclasses.replace(record(["forward"], ["unit"]), gateparity="0.0.1")
    text = printed(print_recordings, compare(made))
    assert "by gateparity 0.0.1, judged by " in text


def test_a_verdict_that_is_another_here_is_told(record, compare):
    made = record(["forward"], ["unit"], numpy="sound", torch="shifted")
    results = tuple(dataclasses.replace(r, status="pass") for r in made.run.results)
    lied = dataclasses.replace(made, run=dataclasses.replace(made.run, results=results))
    line = "torch:scratch forward, unit, float32: fail here, and not where it was recorded"
    assert line in printed(print_twins, compare(lied))


def test_a_program_reads_it(comparison):
    found = json.loads(json.dumps(to_json(comparison), allow_nan=False))
    assert [one["name"] for one in found["recordings"]] == ["a", "b"]
    assert found["recordings"][0]["rows"] == ["numpy:scratch"]
    twin = found["twins"][0]
    assert (twin["a"], twin["dtype"], twin["alike"]) == (
        "numpy:scratch@a",
        "float32",
        "within rounding",
    )
    assert twin["same_bits"] < twin["compared"]
    assert {line["name"] for line in found["differing_lines"]} == {"instructions", "XLA_FLAGS"}
    assert found["revised"] == []


def test_a_report_has_it_too(comparison):
    recorded, _, first, *_ = to_notes(comparison)
    assert recorded.startswith("a: recorded 20")
    assert "differ first in forward, sequence" in first
    twins, lines = to_tables(comparison)
    assert {row[-1] for row in twins.rows} == {"within rounding"}
    assert ["XLA_FLAGS", "<b>|[red]", "-", "numpy:scratch"] in lines.rows


def test_what_is_not_finite_is_null(comparison):
    twins = [dataclasses.replace(twin, sigmas=float("inf")) for twin in comparison.twins]
    found = to_json(dataclasses.replace(comparison, twins=tuple(twins)))
    assert {twin["sigmas"] for twin in found["twins"]} == {None}


def test_a_page_shows_words_as_they_are(comparison):
    page = to_markdown(comparison)
    assert "| XLA\\_FLAGS | &lt;b&gt;\\|\\[red\\] | - | numpy:scratch |" in page
    assert "| backend | and | dtype | same bits | sigma | so they are |\n| --- |" in page
    assert "- a: recorded 20" in page
