"""Runs of several machines joined into one, with one verdict, for `gateparity compare`.

Each backend was judged by the reference on its own machine, and that verdict is kept. A pair needs
the arrays of both backends, so only backends that ran together have one.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from gateparity.conformance.reports.record import Record, read_json
from gateparity.conformance.reports.summary import RANKS
from gateparity.conformance.result import Run
from gateparity.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence
    from pathlib import Path

    from gateparity.conformance.result import Pair, Result


def join_files(paths: Sequence[Path]) -> Record:
    """Join the runs of all files. Raise `InputError` unless all did the same work."""
    records = {path: read_json(path) for path in paths}
    first, *others = records.items()
    for other in others:
        _require_same_work(*first, *other)
    return Record(_join_runs([record.run for record in records.values()]), first[1].source)


def uncompared_pairs(run: Run) -> int:
    """Return how many pairs of backends were in no run together."""
    together = {frozenset((pair.a, pair.b)) for pair in run.pairs}
    labels = [row.label for row in run.rows]
    return sum(frozenset(pair) not in together for pair in itertools.combinations(labels, 2))


def _require_same_work(path: Path, record: Record, other_path: Path, other: Record) -> None:
    for what, one, two in (
        ("gateparity", record.gateparity, other.gateparity),
        ("seed", record.run.seed, other.run.seed),
        ("input", record.source.sha256 or "drawn", other.source.sha256 or "drawn"),
    ):
        if one != two:
            raise InputError(
                f"{other_path} and {path} are no one run: {what} {two} and {what} {one}"
            )
    keys, other_keys = ({r.key: r for r in found.run.results} for found in (record, other))
    if keys.keys() != other_keys.keys():
        alone, where = (keys, path) if keys.keys() - other_keys.keys() else (other_keys, other_path)
        check, case, dtype = next(k for k in alone if k not in keys or k not in other_keys)
        raise InputError(
            f"{other_path} and {path} ran other checks: only {where} has {check}, case {case}, "
            f"{dtype}"
        )


def _join_runs(runs: Sequence[Run]) -> Run:
    results: list[Result] = _worst_of(
        ((result.row.label, *result.key), result) for run in runs for result in run.results
    )
    pairs: list[Pair] = _worst_of(
        ((frozenset((pair.a, pair.b)), pair.dtype), pair) for run in runs for pair in run.pairs
    )
    return Run(
        rows=tuple({row.label: row for run in runs for row in run.rows}.values()),
        results=tuple(results),
        pairs=tuple(pairs),
        versions=_join([run.versions for run in runs]),
        seed=runs[0].seed,
        seconds=sum(run.seconds for run in runs),
        transport_seconds=sum(run.transport_seconds for run in runs),
        explanations=_join([run.explanations for run in runs]),
        manifests={label: told for run in runs for label, told in run.manifests.items()},
        changes=tuple(change for run in runs for change in run.changes),
    )


def _worst_of(found: Iterable[tuple[Hashable, Any]]) -> list[Any]:
    """Return the worst item for each key, since a backend may have run on several machines."""
    kept: dict[Hashable, Any] = {}
    for key, item in found:
        kept[key] = min(kept.get(key, item), item, key=_badness)
    return list(kept.values())


def _badness(item: Result | Pair) -> tuple[int, float]:
    return RANKS.index(item.status), -(item.sigmas or 0.0)


def _join(found: Sequence[dict[str, str]]) -> dict[str, str]:
    """Join all that the runs say about each backend, without repetitions."""
    labels = dict.fromkeys(label for words in found for label in words)
    said = {label: dict.fromkeys(w[label] for w in found if label in w) for label in labels}
    return {label: ", ".join(words) for label, words in said.items()}
