"""gateparity's own files: canonical parameters, `params.0.w_ih`, with the gates on an axis."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gateparity.backends.checkpoints.contents import found_lstm
from gateparity.packing.array_spec import ArraySpec
from gateparity.packing.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateparity.backends.checkpoints.contents import FoundLayer, StoredArray

CANONICAL: Final = Layout(
    "canonical",
    (
        ArraySpec("{cell}.w_ih", "w_ih", "gate hidden input"),
        ArraySpec("{cell}.w_hh", "w_hh", "gate hidden unit"),
        ArraySpec("{cell}.b_ih", "b_ih", "gate hidden"),
        ArraySpec("{cell}.b_hh", "b_hh", "gate hidden"),
    ),
)
OWN: Final = re.compile(
    r"(?P<path>(?:.*\.)?params)\.(?P<name>[0-9]{1,4}\.[wb]_(?:ih|hh))", re.DOTALL
)


def find(arrays: Mapping[str, StoredArray]) -> list[FoundLayer]:
    """Return the LSTMs that gateparity wrote."""
    groups: dict[str, dict[str, StoredArray]] = {}
    for whole, array in arrays.items():
        if own := OWN.fullmatch(whole):
            groups.setdefault(own["path"], {})[own["name"]] = array
    return [found_lstm(path, CANONICAL, group) for path, group in groups.items()]
