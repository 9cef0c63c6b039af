"""A case as named arrays and back, for files and for shrinking one array at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateparity.conformance.problems.case import Case
from gateparity.network.batch import Batch, Outputs, arrays_by_name, from_names
from gateparity.network.parameters import CellWeights, check_parameters, fields
from gateparity.protocol.validation import check_batch, check_outputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.network.config import Config
    from gateparity.network.parameters import Array

    Arrays = Mapping[str, Array]

LENGTHS: Final = "batch.lengths"  # the only array of integers


def name_arrays(case: Case) -> dict[str, Array]:
    """Return a case's arrays by name: `params.0.w_ih`..., `batch.x`..., `cotangent.y`...

    Arrays that are None are left out.
    """
    groups = {f"params.{k}": fields(cell) for k, cell in enumerate(case.params)}
    groups |= {"batch": arrays_by_name(case.batch), "cotangent": arrays_by_name(case.cotangent)}
    return {
        f"{group}.{name}": array
        for group, arrays in groups.items()
        for name, array in arrays.items()
    }


def join_arrays(name: str, config: Config, arrays: Arrays) -> Case:
    """Return the case that holds these arrays, checked against the config.

    Raise `ValueError` or `TypeError` that names the first array that is missing, unknown or doesn't
    fit.
    """
    expected = [f"params.{k}" for k in range(config.cells)]
    groups = _group(arrays, [*expected, "batch", "cotangent"])
    params = tuple(CellWeights(**groups[group]) for group in expected)
    batch = from_names(Batch, groups["batch"])
    cotangent = from_names(Outputs, groups["cotangent"])
    check_parameters(params, config)
    check_batch(batch, config)
    check_outputs(cotangent, config, batch)
    return Case(name, config, params, batch, cotangent)


def _group(arrays: Arrays, expected: list[str]) -> dict[str, dict[str, Array]]:
    groups: dict[str, dict[str, Array]] = {group: {} for group in expected}
    for name, array in arrays.items():
        group, _, field = name.rpartition(".")
        if group not in groups:
            raise ValueError(f"array {name!r} belongs to none of {', '.join(expected)}")
        groups[group][field] = array
    return groups
