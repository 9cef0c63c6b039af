"""The report of the suite's own figures: its conditions, its tables, and every value escaped."""

from __future__ import annotations

import pytest

from gateparity.conformance.reports.html.page import to_html
from gateparity.conformance.reports.markdown import to_markdown
from gateparity.conformance.reports.selftest import (
    alarms_report,
    conditions_report,
    mutants_report,
    selftest_report,
)

EVIL = "</script><img src=x onerror=alert(1)>"


@pytest.fixture
def figures():
    kill = {"name": EVIL, "family": "order", "violates": "", "caught": ["forward"]}
    reasons = [f"a-{EVIL}, forward: one", "b, forward: two", "c, gradients: three"]
    return {
        "seed": 3,
        "mistakes": [kill | {"expected": ["forward"]}, kill | {"expected": ["gates"]}],
        "diagnoses": [{"mistakes": (EVIL,), "said": ((EVIL, "two"),), "right": False}],
        "false_alarms": {"numpy": {"cases": 7, "sigmas": 3.25, "shift": None, "reasons": reasons}},
        "sensitivity": {"m": {"cases": 4, "median": 1e-7, "99 of 100": None, "false_alarms": 0}},
        "conditions": conditions(),
        "mutants": mutants(),
    }


def mutants(**changes):
    found = {"made": 5, "different": 4, "caught": 3, "enough": True, "least": 0.75}
    found |= {"escaped": [f"cell: {EVIL} -> b"], "wrongly equal": []}
    return found | {"equal": [{"mutant": "cell: c -> d", "reason": "both are 0"}]} | changes


def conditions(*, enough=True):
    share = {"caught": 1, "trials": 2, "interval": [0.0945, 0.9055]}
    none = {"caught": 0, "trials": 0, "interval": [0.0, 1.0]}
    caught = {"words": "f came before i", "condition": "T > 1", "caught": "forward, sequence"}
    return {
        "least": 0.9,
        "enough": enough,
        "redrawn": 3,
        "shares": {"all": share, "sizes": share, "places": none},
        "trials": [caught, {"words": EVIL, "condition": "T % 5 = 3", "caught": ""}],
    }


def test_a_selftest_has_families_and_sensitivities(figures):
    text = to_markdown(selftest_report(figures, 1))
    assert text.startswith(
        "# gateparity selftest: not as expected\n\n2 of 2 mistakes caught, 0 of 1"
    )
    assert "| order | 2 | 2 | **1 X** |" in text
    assert "| m | 1.0e-07 | none | 0 |" in text
    assert "**Mistakes named wrongly**: 1" in text


def test_mistakes_under_conditions_have_a_share_by_class_and_a_list(figures):
    text = to_markdown(conditions_report(figures, 0))
    assert text.startswith(
        "# gateparity selftest --conditions: measured\n\n1 of 2 mistakes under conditions caught, "
        "50.0% (9.4% to 90.5%); seed 3"
    )
    assert "| sizes | 2 | 1 | 50.0% | 9.4% to 90.5% |" in text
    assert "(3 drawn anew)" in text
    assert "places" not in text
    assert "| T % 5 = 3 |" in text
    assert "f came before i" not in text


def test_too_few_caught_is_a_reason(figures):
    figures["conditions"] = conditions(enough=False)
    text = to_markdown(selftest_report(figures, 1))
    words = "of 2, whose interval must begin at 90%"
    assert f"**Mistakes under conditions not caught, {words}**: 1" in text
    assert "too few caught" in to_markdown(conditions_report(figures, 1))


def test_mutants_have_a_share_and_two_lists(figures):
    text = to_markdown(mutants_report(figures, 0))
    assert text.startswith(
        "# gateparity selftest --mutants: as expected\n\n3 of 4 mutants caught; seed 3"
    )
    assert "| 5 | 4 | 3 | 75.0% |" in text
    assert "| cell: c -&gt; d | both are 0 |" in text
    assert EVIL not in to_html(mutants_report(figures, 0))


def test_too_few_mutants_and_wrongly_equal_ones_are_reasons(figures):
    figures["mutants"] = mutants(enough=False, **{"wrongly equal": ["cell: e -> f"]})
    text = to_markdown(selftest_report(figures, 1))
    assert "**Mutants not caught, of 4, where 75% must be caught**: 1" in text
    assert "**Mutants listed as equal that are caught**: 1" in text
    assert "| cell: e -&gt; f |" in text


def test_false_alarms_of_a_check_are_one_entry(figures):
    text = to_markdown(alarms_report(figures["false_alarms"], 1))
    assert "| numpy | 7 | **3 X** | 3.2 | inf |" in text
    assert "| numpy | gradients | c, gradients: three | 1 |" in text
    assert text.count("| numpy | forward | a-") == 1
    assert "two" not in text


def test_a_page_obeys_no_name(figures):
    page = to_html(selftest_report(figures, 1))
    assert EVIL not in page
    assert "<h1>not as expected</h1>" in page
    assert "Every mistake" in page
    assert EVIL not in to_html(alarms_report(figures["false_alarms"], 1))


def test_without_any_figure_there_is_a_report():
    empty = {"mistakes": [], "diagnoses": [], "false_alarms": {}, "sensitivity": {}, "seed": 0}
    empty["conditions"] = {"enough": True, "redrawn": 0, "shares": {}, "trials": []}
    empty["mutants"] = mutants(made=0, different=0, caught=0, escaped=[], equal=[])
    report = selftest_report(empty, 0)
    assert (report.verdict, report.lead) == ("as expected", [])
    assert "false alarms: 0 in 0 random LSTMs" in to_markdown(report)
