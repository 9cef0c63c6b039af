"""A run as JUnit XML: a suite for each backend, a test for each case and dtype.

All problems of the array are one test of a check at a dtype.

The pairs are a suite too, so that whatever fails a run fails a test.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from gateparity.conformance.reports.differing import describe_saved
from gateparity.conformance.runs.groups import group_name, group_results, join_results
from gateparity.conformance.runs.result import repeat_command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateparity.conformance.runs.result import Result, Run, Status

_HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
_OUTCOMES: Final[dict[str, str]] = {
    "fail": "failure",
    "error": "error",
    "skip": "skipped",
    "known": "skipped",
    "undecided": "skipped",
}
_COUNTS: Final = {"failure": "failures", "error": "errors", "skipped": "skipped"}
_FORBIDDEN: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(run: Run, source: str = "") -> str:
    """Return the JUnit XML. `source` is the option that named a file of the user's, if any."""
    root = Element("testsuites", name="gateparity", time=f"{run.seconds:.3f}")
    for backend in run.backends:
        own = group_results(r for r in run.results if r.backend == backend)
        cases = [_result_case(join_results(group), run.seed, source) for group in own]
        facts = {"version": run.versions, "explanation": run.explanations}
        properties = {
            name: words[backend.label] for name, words in facts.items() if backend.label in words
        }
        root.append(_suite(backend.label, cases, **properties))
    if run.pairs:
        pairs = [
            _case("pairs", f"{p.a} and {p.b}, {p.dtype}", p.status, p.reason) for p in run.pairs
        ]
        root.append(_suite("pairs", pairs))
    _count(root, root.iter("testcase"))
    indent(root)
    return _HEAD + tostring(root, "unicode") + "\n"


def _suite(name: str, cases: Iterable[Element], **properties: str) -> Element:
    suite = Element("testsuite", name=_legal(name))
    held = SubElement(suite, "properties") if properties else suite
    for key, value in properties.items():
        SubElement(held, "property", name=key, value=_legal(value))
    suite.extend(cases)
    timed = [case.get("time") for case in suite.iter("testcase")]
    if any(timed):
        suite.set("time", f"{sum(float(time or 0) for time in timed):.3f}")
    _count(suite, suite.iter("testcase"))
    return suite


def _result_case(result: Result, seed: int, source: str) -> Element:
    name = f"{result.check}[{group_name(result.case)}-{result.dtype}]"
    more = [f"repeat: {repeat_command(result, seed, source)}", describe_saved(result)]
    case = _case(result.backend.label, name, result.status, result.reason, *more)
    if result.seconds is not None:
        case.set("time", f"{result.seconds:.3f}")
    return case


def _case(suite: str, name: str, status: Status, reason: str, *more: str) -> Element:
    case = Element("testcase", classname=_legal(suite), name=_legal(name))
    if status in _OUTCOMES:
        outcome = SubElement(case, _OUTCOMES[status], type=status, message=_legal(reason))
        outcome.text = _legal("\n".join(filter(None, [reason, *more])))
    return case


def _count(suite: Element, cases: Iterable[Element]) -> None:
    found = list(cases)
    outcomes = [child.tag for case in found for child in case]
    suite.set("tests", str(len(found)))
    for tag, attribute in _COUNTS.items():
        suite.set(attribute, str(outcomes.count(tag)))


def _legal(text: str) -> str:
    """Replace control characters, which XML can't represent, even escaped."""
    return _FORBIDDEN.sub("\ufffd", text)
