"""What an import of the package costs: NumPy, and nothing that a worker may lack."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "tensorflow",
    "keras",
    "jax",
    "flax",
    "mxnet",
    "einops",
    "rich",
    "typer",
    "pytest",
)
SCRIPT = """
import sys

class Watch:
    def find_spec(self, name, path=None, target=None):
        asked.add(name.split(".")[0])

asked = set()
sys.meta_path.insert(0, Watch())
import {module}
print(*sorted(asked | {{name.split(".")[0] for name in sys.modules}}))
"""


@pytest.mark.parametrize(
    "module", ["gateparity", "gateparity.protocol.adapter", "gateparity.layouts"]
)
def test_an_import_asks_for_nothing_heavy(module):
    """Asks: a framework that isn't installed here would be missed in `sys.modules`."""
    assert asked_for(module).isdisjoint(HEAVY)


def test_the_watch_sees_what_is_asked_for_in_vain():
    assert "mxnet" in asked_for("contextlib\nwith contextlib.suppress(ImportError): import mxnet")


def asked_for(module):
    command = [sys.executable, "-c", SCRIPT.format(module=module)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(done.stdout.split())
