"""The site's extensions lie in docs/, which is no package that is installed.

`tox -e docs` builds the site before its tests. By hand, tests of a built site are skipped where
there is none.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site."""
    folder = ROOT / "build" / "site"
    if not (folder / "index.html").is_file() and not os.environ.get("GATEPARITY_TOX"):
        pytest.skip("no site in build/site")
    return folder
