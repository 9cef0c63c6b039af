"""The suite's own figures as a report: mistakes caught and named, false alarms, sensitivity.

It reads the data that `gateparity selftest --json` writes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.reports.blocks import Cell, Report, Section, Table, line
from gateparity.conformance.reports.numbers import error_words, number_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gateparity.conformance.reports.blocks import Text

    Data = Mapping[str, Any]


def selftest_report(found: Data, exit_code: int) -> Report:
    """Return the report of all figures; `found` is what `--json` writes."""
    kills, namings, alarms = found["mistakes"], found["diagnoses"], found["false_alarms"]
    caught, right = sum(bool(k["caught"]) for k in kills), sum(n["right"] for n in namings)
    counts = (
        f"{caught} of {len(kills)} mistakes caught, {right} of {len(namings)} diagnoses right, "
        f"false alarms: {_count(alarms)} in {_total(alarms):,} random LSTMs; seed {found['seed']}"
    )
    return Report(
        "gateparity selftest",
        [
            Section("Mistakes, by family", [_families(kills)], "families"),
            Section("Mistakes that other checks caught", [_inexact(kills)], "inexact"),
            Section("Diagnoses", [_diagnoses(namings)], "diagnoses"),
            Section("Mistakes that were named wrongly", [_wrong(namings)], "wrong"),
            *_alarms(alarms),
            _sensitivity(found["sensitivity"]),
            *_conditions(found["conditions"]),
            *_mutants(found["mutants"]),
            Section("Every mistake", [_mistakes(kills)], "mistakes", folded=True, extra=True),
        ],
        "not as expected" if exit_code else "as expected",
        exit_code,
        counts,
        [line(Cell(words, "fail"), f": {count}") for words, count in _failures(found) if count],
    )


def alarms_report(found: Mapping[str, Data], exit_code: int) -> Report:
    """Return the report of false alarms in frameworks; `found` is what `--json` writes."""
    backends = "1 backend" if len(found) == 1 else f"{len(found)} backends"
    return Report(
        "gateparity selftest --frameworks",
        [*_alarms(found)],
        "false alarms" if exit_code else "no false alarm",
        exit_code,
        f"{_count(found)} in {_total(found):,} random LSTMs through {backends}",
    )


def conditions_report(found: Data, exit_code: int) -> Report:
    """Return the report of mistakes under conditions; `found` is what `--json` writes."""
    conditions = found["conditions"]
    return Report(
        "gateparity selftest --conditions",
        [*_conditions(conditions)],
        "too few caught" if exit_code else "measured",
        exit_code,
        f"{_share_words(conditions['shares']['all'])}; seed {found['seed']}",
    )


def mutants_report(found: Data, exit_code: int) -> Report:
    """Return the report of mutants; `found` is what `--json` writes."""
    mutants = found["mutants"]
    return Report(
        "gateparity selftest --mutants",
        [*_mutants(mutants)],
        "not as expected" if exit_code else "as expected",
        exit_code,
        f"{mutants['caught']} of {mutants['different']} mutants caught; seed {found['seed']}",
    )


def _failures(found: Data) -> Iterator[tuple[str, int]]:
    """Yield the words for each condition of exit code 0, and how often it fails."""
    kills, namings = found["mistakes"], found["diagnoses"]
    wrong = [len(naming["mistakes"]) for naming in namings if not naming["right"]]
    pairs = sum(len(naming["mistakes"]) == 2 for naming in namings)
    inexact = sum(kill["caught"] != kill["expected"] for kill in kills)
    yield "Mistakes not caught by exactly the expected checks", inexact
    yield "Mistakes named wrongly", wrong.count(1)
    if wrong.count(2) > pairs / 10:
        yield f"Pairs named wrongly, of {pairs}, where 1 of 10 is allowed", wrong.count(2)
    yield "False alarms", _count(found["false_alarms"])
    if not found["conditions"]["enough"]:
        share, least = found["conditions"]["shares"]["all"], found["conditions"]["least"]
        words = f"of {share['trials']}, whose interval must begin at {least:.0%}"
        yield f"Mistakes under conditions not caught, {words}", share["trials"] - share["caught"]
    mutants = found["mutants"]
    if not mutants["enough"]:
        words = f"of {mutants['different']}, where {mutants['least']:.0%} must be caught"
        yield f"Mutants not caught, {words}", len(mutants["escaped"])
    yield "Mutants listed as equal that are caught", len(mutants["wrongly equal"])


def _families(kills: Sequence[Data]) -> Table:
    rows: list[list[Text]] = []
    for family in dict.fromkeys(kill["family"] for kill in kills):
        own = [kill for kill in kills if kill["family"] == family]
        exact = sum(kill["caught"] == kill["expected"] for kill in own)
        right = Cell(str(exact)) if exact == len(own) else Cell(f"{exact} X", "fail")
        rows.append([family, str(len(own)), str(sum(bool(k["caught"]) for k in own)), right])
    head = ("family", "mistakes", "caught", "by exactly the expected checks")
    return Table(head, rows, numbers=3)


def _inexact(kills: Sequence[Data]) -> Table:
    rows = [
        [kill["name"], _join(kill["caught"]), _join(kill["expected"])]
        for kill in kills
        if kill["caught"] != kill["expected"]
    ]
    return Table(("mistake", "caught by", "expected"), rows)


def _mistakes(kills: Sequence[Data]) -> Table:
    rows = [[kill["family"], kill["name"], _join(kill["caught"])] for kill in kills]
    return Table(("family", "mistake", "caught by"), rows)


def _diagnoses(namings: Sequence[Data]) -> Table:
    rows = []
    for words, count in (("one mistake", 1), ("two at once", 2)):
        own = [naming for naming in namings if len(naming["mistakes"]) == count]
        rows.append([words, str(len(own)), str(sum(naming["right"] for naming in own))])
    return Table(("mistakes put in", "diagnoses", "named rightly"), rows, numbers=2)


def _wrong(namings: Sequence[Data]) -> Table:
    rows = [
        [" and ".join(n["mistakes"]), "; ".join(map(" and ".join, n["said"])) or "nothing"]
        for n in namings
        if not n["right"]
    ]
    return Table(("mistakes", "named"), rows)


def _alarms(found: Mapping[str, Data]) -> Iterator[Section]:
    """Yield how near each backend's LSTMs come to an alarm, and the false alarms by check."""
    rows: list[list[Text]] = []
    for label, alarms in found.items():
        count = len(alarms["reasons"])
        number = Cell(f"{count} X", "fail") if count else Cell("0")
        largest = (alarms["sigmas"], alarms["shift"])  # None is infinite
        words = [number_words(math.inf if n is None else n) for n in largest]
        rows.append([label, f"{alarms['cases']:,}", number, *words])
    head = ("backend", "LSTMs", "false alarms", "error", "shift")
    title = f"Largest errors of random LSTMs, in standard deviations: {ALLOWED:g} allowed"
    yield Section(title, [Table(head, rows, numbers=4)], "alarms")
    yield Section("False alarms, by check", [_reasons(found)], "reasons")


def _reasons(found: Mapping[str, Data]) -> Table:
    """Return a row for each check of a backend with false alarms: the first, and how many."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for label, alarms in found.items():
        for reason in alarms["reasons"]:  # CASE, CHECK: WORDS
            check = reason.partition(": ")[0].rpartition(", ")[2]
            grouped.setdefault((label, check), []).append(reason)
    rows = [[*key, reasons[0], str(len(reasons))] for key, reasons in grouped.items()]
    return Table(("backend", "check", "first false alarm", "alarms"), rows, keys=2, numbers=1)


def _sensitivity(found: Mapping[str, Data]) -> Section:
    cases = max((caught["cases"] for caught in found.values()), default=0)
    rows = [[name, *_shifts(caught), str(caught["false_alarms"])] for name, caught in found.items()]
    head = ("method", "in half of them", "in 99 of 100", "false alarms")
    title = f"The smallest shift of a bias that is caught, in {cases} random float32 LSTMs"
    return Section(title, [Table(head, rows, numbers=3)], "sensitivity")


def _shifts(caught: Data) -> list[str]:
    """Return the two shifts in words; `none` is caught where no number is."""
    found = [caught[share] for share in ("median", "99 of 100")]
    return ["none" if shift is None else error_words(shift) for shift in found]


def _conditions(found: Data) -> Iterator[Section]:
    """Yield the share of mistakes under conditions that is caught, and those that are not."""
    rows = [
        [kind, str(share["trials"]), str(share["caught"]), *_percent(share)]
        for kind, share in found["shares"].items()
        if share["trials"]
    ]
    head = ("class of condition", "mistakes", "caught", "share", "95 % interval")
    title = f"Mistakes under conditions, by class ({found['redrawn']} drawn anew)"
    yield Section(title, [Table(head, rows, numbers=4)], "conditions")
    escaped = [[t["words"], t["condition"]] for t in found["trials"] if not t["caught"]]
    table = Table(("behaves as if", "only where"), escaped)
    yield Section("Mistakes under conditions that nothing caught", [table], "escaped", folded=True)


def _mutants(found: Data) -> Iterator[Section]:
    """Yield how many mutants are caught, those that are not, and those that compute the same."""
    made, caught, other = (found[name] for name in ("made", "caught", "different"))
    rows = [[str(made), str(other), str(caught), f"{caught / other:.1%}"]] if other else []
    head = ("mutants", "compute something else", "caught", "share")
    yield Section("Mutants of NumPy's adapter", [Table(head, rows, keys=0, numbers=4)], "mutants")
    escaped = Table(("mutant",), [[key] for key in found["escaped"]])
    yield Section("Mutants that nothing caught", [escaped], "survivors")
    wrong = Table(("mutant",), [[key] for key in found["wrongly equal"]])
    yield Section("Mutants that are listed as equal and caught", [wrong], "unequal")
    equal = Table(("mutant", "why"), [[m["mutant"], m["reason"]] for m in found["equal"]])
    yield Section("Mutants that compute the same", [equal], "equal", folded=True)


def _percent(share: Data) -> tuple[str, str]:
    low, high = share["interval"]
    return f"{share['caught'] / share['trials']:.1%}", f"{low:.1%} to {high:.1%}"


def _share_words(share: Data) -> str:
    part, interval = _percent(share)
    counts = f"{share['caught']} of {share['trials']} mistakes under conditions caught"
    return f"{counts}, {part} ({interval})"


def _count(alarms: Mapping[str, Data]) -> int:
    return sum(len(found["reasons"]) for found in alarms.values())


def _total(alarms: Mapping[str, Data]) -> int:
    return sum(found["cases"] for found in alarms.values())


def _join(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"
