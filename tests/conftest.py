"""Where the tests find the frameworks: in tox's environments, else wherever gateparity finds them.

Under tox every framework must be there. By hand, what isn't is skipped with the reason.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.spec import parse_backends

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateparity.backends.backend import Backend

TOX = os.environ.get("GATEPARITY_TOX")  # tox's folder of environments, set in tox.ini


def spec(name: str) -> str:
    """The backend spec of a framework for the tests."""
    folder = Path(TOX or Path(__file__).parents[1] / ".tox") / name
    return f"{name}@{folder}" if TOX or folder.is_dir() else name


def require(name: str) -> str:
    """The spec of a framework that is there; a skip otherwise, which tox doesn't allow."""
    backends = parse_backends([spec(name)])
    if backends[0].python is None:
        pytest.skip(backends[0].missing)
    return spec(name)


@pytest.fixture(scope="session")
def all_frameworks() -> list[str]:
    """The specs of all five."""
    return [require(name) for name in FRAMEWORKS]


@pytest.fixture(scope="session")
def find_backend() -> Callable[[str], Backend]:
    """Return the scratch row of a framework that is there."""
    return lambda name: parse_backends([require(name)])[0]


@pytest.fixture(scope="session")
def torch_backend() -> Backend:
    """PyTorch's scratch row."""
    return parse_backends([require("torch")])[0]


@pytest.fixture(scope="session")
def tensorflow_backend() -> Backend:
    """TensorFlow's scratch row."""
    return parse_backends([require("tensorflow")])[0]
