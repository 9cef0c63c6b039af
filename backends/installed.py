"""Adapters of installed packages: entry points in the group `gateparity.backends`.

Only their metadata is read here. The adapters are imported in a worker and nowhere else, so a
package that can't be imported costs only its own results.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
from typing import TYPE_CHECKING, Final

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.errors import InputError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "gateparity.backends"


@dataclasses.dataclass(frozen=True)
class Installed:
    """An installed adapter: its name for `--backend`, the target for a worker, and its package."""

    name: str
    target: str
    package: str
    version: str


def installed_adapters() -> dict[str, Installed]:
    """Return every installed adapter by name, sorted by name.

    Raise `InputError` for a name that is taken or can't be written in a spec, and for a value that
    isn't `module:Class`.
    """
    found: dict[str, Installed] = {}
    for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: point.name):
        adapter = _read(point)
        taken = found.get(adapter.name)
        if taken and taken != adapter:
            raise _refusal(adapter, f"the name of one of {taken.package}'s: uninstall one of them")
        found[adapter.name] = adapter
    return found


def _read(point: EntryPoint) -> Installed:
    package = point.dist.name if point.dist else "an unnamed package"
    version = point.dist.version if point.dist else ""
    module, _, name = point.value.partition("[")[0].strip().partition(":")
    adapter = Installed(point.name, f"{module}:{name}", package, version)
    if adapter.name in FRAMEWORKS:
        raise _refusal(adapter, "the name of a backend that gateparity ships: rename or uninstall")
    if not adapter.name.replace("-", "_").replace(".", "_").isidentifier():
        raise _refusal(adapter, "a name that no --backend can spell: letters, digits, _, - and .")
    if not all(part.isidentifier() for part in (*module.split("."), name)):
        raise _refusal(adapter, f"the value {point.value!r}, expected module:Class")
    return adapter


def _refusal(adapter: Installed, why: str) -> InputError:
    return InputError(f"the entry point {adapter.name!r} of {adapter.package} has {why}")
