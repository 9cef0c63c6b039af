"""The layouts under test: all that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st

from gateparity.layouts import LAYOUTS
from gateparity.network.config import Config

if TYPE_CHECKING:
    from gateparity.packing.layout import Layout


@pytest.fixture(scope="session")
def layouts() -> dict[str, Layout]:
    return LAYOUTS


@pytest.fixture(scope="session", params=LAYOUTS.values(), ids=LAYOUTS)
def layout(request) -> Layout:
    return request.param


@pytest.fixture(scope="session")
def configs(layout) -> st.SearchStrategy[Config]:
    """Every config that the layout holds, small."""
    return st.builds(
        Config,
        input_size=st.integers(1, 5),
        hidden_size=st.integers(1, 5),
        layers=st.integers(1, 3 if layout.many_layers else 1),
        directions=st.integers(1, 2 if layout.both_directions else 1),
        biases=st.booleans(),
        dtype=st.sampled_from(["float32", "float64"]),
    )
