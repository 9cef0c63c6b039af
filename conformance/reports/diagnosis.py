"""A diagnosis as a report and as plain data: the mistake, where it shows, and what it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from gateparity.conformance.diagnosis.evidence import describe_result
from gateparity.conformance.reports.blocks import Cell, Report, Section, Table, line
from gateparity.conformance.reports.numbers import finite, number_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gateparity.conformance.diagnosis.evidence import Evidence
    from gateparity.conformance.diagnosis.probes import Probe
    from gateparity.conformance.diagnosis.search import Diagnosis
    from gateparity.conformance.reports.blocks import Block, Line, Text, Tone
    from gateparity.conformance.runs.result import Result

Diagnosed: TypeAlias = "tuple[Evidence, Diagnosis | None]"  # None: there was an error instead

_VERDICTS: Final = ("agrees", "differs", "could not run")  # by exit code
_TONES: Final[tuple[Tone, ...]] = ("pass", "fail", "error")
_NEAREST: Final = 5  # of the mistakes that are ruled out


def diagnosis_report(found: Sequence[Diagnosed]) -> Report:
    """Return the report of each backend's diagnosis. That of a single one is the verdict itself."""
    codes = [_code(*one) for one in found]
    code = 1 if 1 in codes else max(codes, default=0)
    single = len(found) == 1
    count = f"{len([c for c in codes if c == code])} of {len(codes)} backends"
    return Report(
        "gateparity diagnose",
        [_section(evidence, diagnosis) for evidence, diagnosis in found if diagnosis],
        _VERDICTS[code],
        code,
        _answer(*found[0]) if single else count,
        [_lead(*one, single=single) for one in found if not (single and one[0].error)],
    )


def diagnosis_json(evidence: Evidence, diagnosis: Diagnosis | None) -> dict[str, Any]:
    """Return a diagnosis as plain data; a distance that isn't finite is null."""
    if diagnosis is None:
        return {"error": evidence.error}
    return {
        "probes": [list(probe.key) for probe in diagnosis.probes],
        "differing": [list(probe.key) for probe in diagnosis.differing],
        "failing": [[*result.key, result.reason] for result in evidence.wrong],
        "words": diagnosis.words,
        "explanations": [[m.name for m in mistakes] for mistakes in diagnosis.explanations],
        "ruled_out": [{"name": m.name, "sigmas": finite(d)} for m, d in diagnosis.ruled_out],
    }


def _code(evidence: Evidence, diagnosis: Diagnosis | None) -> int:
    if diagnosis is None:
        return 2
    failed = diagnosis.differing or any(result.status == "fail" for result in evidence.wrong)
    return 1 if failed else 2 * bool(evidence.wrong)


def _answer(evidence: Evidence, diagnosis: Diagnosis | None) -> str:
    """Return what explains the difference, or the first one that no probe shows."""
    if diagnosis is None:
        return evidence.error
    if not diagnosis.differing and evidence.wrong:
        return describe_result(evidence.wrong[0])
    return diagnosis.words


def _lead(evidence: Evidence, diagnosis: Diagnosis | None, *, single: bool) -> Line:
    tone = _TONES[_code(evidence, diagnosis)]
    if diagnosis is None:
        return line(Cell(evidence.label, tone), evidence.error.removeprefix(evidence.label))
    answer = _answer(evidence, diagnosis)
    more = f": {answer}" if answer and not single else ""
    return line(Cell(evidence.label, tone), f" {_state(evidence, diagnosis)}{more}")


def _state(evidence: Evidence, diagnosis: Diagnosis) -> str:
    count = len(diagnosis.probes)
    if diagnosis.differing:
        return f"differs in {len(diagnosis.differing)} of {count} probes"
    if evidence.wrong:
        failed = "fails" if evidence.wrong[0].status == "fail" else "raises in"
        return f"shows no difference in {count} probes, but {failed} a check"
    return f"agrees with the truth in {count} of {count} probes"


def _section(evidence: Evidence, diagnosis: Diagnosis) -> Section:
    blocks: list[Block] = []
    if diagnosis.differing:
        blocks = [_probes(diagnosis), *_ruled_out(diagnosis)]
    elif evidence.wrong:
        blocks = [_wrong(evidence.wrong)]
    return Section(evidence.label, blocks)


def _probes(diagnosis: Diagnosis) -> Table:
    """Return the probes by their check: those that differ, and those that don't."""
    checks = dict.fromkeys(probe.check.name for probe in diagnosis.probes)
    rows: list[list[Text]] = []
    for check in checks:
        asked = [probe for probe in diagnosis.probes if probe.check.name == check]
        differing = [probe for probe in asked if probe in diagnosis.differing]
        agreeing = [probe for probe in asked if probe not in diagnosis.differing]
        rows.append([check, _names(differing), _names(agreeing)])
    return Table(("check", "probes that differ", "probes that agree"), rows)


def _names(probes: Sequence[Probe]) -> str:
    return ", ".join(" ".join(probe.key[1:]) for probe in probes) or "-"


def _ruled_out(diagnosis: Diagnosis) -> Iterator[Line | Table]:
    if diagnosis.unsteady:
        return
    count = f"Ruled out: {len(diagnosis.ruled_out)} of the known mistakes"
    rows: list[list[Text]] = [
        [f"as if {mistake.words}", number_words(distance)]
        for mistake, distance in diagnosis.nearest[:_NEAREST]
    ]
    if rows:
        title = f"{count}. The nearest, by their distance in standard deviations of rounding"
        yield Table(("mistake", "sigma"), rows, title, numbers=1)
    else:
        yield line(f"{count}, and none of them is near.")


def _wrong(wrong: Sequence[Result]) -> Table:
    """Return the checks that fail or raise without a probe that shows it, with their first case."""
    checks: dict[str, list[Result]] = {}
    for result in wrong:
        checks.setdefault(result.check, []).append(result)
    rows: list[list[Text]] = [
        [Cell(check, cases[0].status), _first(cases[0]), str(len(cases))]
        for check, cases in checks.items()
    ]
    return Table(("check", "first case", "cases"), rows, numbers=1)


def _first(result: Result) -> str:
    return f"{result.case}, {result.dtype}: {result.reason}"
