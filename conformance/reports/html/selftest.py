"""The page of `gateparity selftest`: mistakes by family, diagnoses, false alarms, sensitivity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gateparity.conformance.reports.html.figures import Section, Table, figures_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FAMILIES: Final = ("family", "mistakes", "killed", "by exactly the checks that they name")
_METHODS: Final = ("method", "half of them", "99 of 100", "sound ones called wrong")
_ALARMS: Final = ("backend", "random LSTMs", "false alarms", "largest error", "largest shift")


def selftest_page(found: Mapping[str, Any], exit_code: int) -> str:
    """Return the HTML page of the figures; `found` is the data that `--json` writes."""
    kills, namings = found["mistakes"], found["diagnoses"]
    right = sum(naming["right"] for naming in namings)
    killed = sum(bool(kill["caught"]) for kill in kills)
    counts = f"{killed} of {len(kills)} mistakes killed; {right} of {len(namings)} diagnoses right"
    mistakes = [
        [k["family"], k["name"], ", ".join(k["caught"]) or "nothing", _unlike(k)] for k in kills
    ]
    wrong = [
        [" and ".join(n["mistakes"]), "; ".join(" and ".join(s) for s in n["said"]) or "nothing"]
        for n in namings
        if not n["right"]
    ]
    sections = [
        Section(Table("Mistakes, by family", _FAMILIES, _families(kills), numbers=3)),
        Section(_alarms(found["false_alarms"])),
        Section(_sensitivity(found["sensitivity"])),
        Section(Table("Mistakes that were named wrongly", ("mistakes", "named"), wrong)),
        Section(
            Table("Every mistake", ("family", "mistake", "killed by", "expected instead"), mistakes)
        ),
    ]
    verdict = "as it should be" if exit_code == 0 else "not as it should be"
    seed = f"; seed {found['seed']}"
    return figures_page("gateparity selftest", verdict, exit_code, counts + seed, sections)


def alarms_page(found: Mapping[str, Mapping[str, Any]], exit_code: int) -> str:
    """Return the HTML page of false alarms in frameworks alone."""
    count = sum(len(alarms["reasons"]) for alarms in found.values())
    reasons = [[label, reason] for label, alarms in found.items() for reason in alarms["reasons"]]
    sections = [Section(_alarms(found)), Section(Table("Alarms", ("backend", "reason"), reasons))]
    words = f"backends: {len(found)}"
    return figures_page(
        "gateparity selftest --frameworks", f"false alarms: {count}", exit_code, words, sections
    )


def _families(kills: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    rows = []
    for family in dict.fromkeys(kill["family"] for kill in kills):
        own = [kill for kill in kills if kill["family"] == family]
        exact = sum(kill["caught"] == kill["expected"] for kill in own)
        numbers = (len(own), sum(bool(kill["caught"]) for kill in own), exact)
        rows.append([family, *map(str, numbers)])
    return rows


def _unlike(kill: Mapping[str, Any]) -> str:
    return "" if kill["caught"] == kill["expected"] else ", ".join(kill["expected"])


def _alarms(found: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = [
        [
            label,
            *(str(alarms["cases"]), str(len(alarms["reasons"]))),
            *(_number(alarms[name], ".1f") for name in ("sigmas", "shift")),
        ]
        for label, alarms in found.items()
    ]
    return Table("False alarms, and how near the others came", _ALARMS, rows, numbers=4)


def _sensitivity(found: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = [
        [
            name,
            *(_number(caught[share], ".1e") for share in ("median", "99 of 100")),
            str(caught["false_alarms"]),
        ]
        for name, caught in found.items()
    ]
    return Table("The smallest shift of a bias that is caught", _METHODS, rows, numbers=3)


def _number(value: float | None, form: str) -> str:
    return "none" if value is None else format(value, form)
