"""The page of mistakes has every one of the catalogue, with the checks that it names."""

from __future__ import annotations

from pathlib import Path

from _extensions.mistakes import _insert
from gateparity.conformance.mistakes.catalogue import CATALOGUE

PAGE = Path(__file__).parents[2] / "docs" / "mistakes.md"


def test_every_mistake_is_on_its_page_under_the_checks_that_catch_it():
    source = [PAGE.read_text("utf-8")]
    _insert(None, "mistakes", source)
    groups = source[0].split("What is wrong: ")[1:]
    for mistake in CATALOGUE:
        [group] = [g for g in groups if f"- {mistake.words}\n" in f"{g}\n"]
        told = group.partition("Caught by ")[2].partition(". The LSTM behaves")[0]
        assert {name.strip("`") for name in told.split(", ")} == mistake.checks
    assert "<!-- mistakes -->" not in source[0]
