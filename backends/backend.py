"""One backend: an adapter, and the interpreter that runs it."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateparity.backends.place import Host

if TYPE_CHECKING:
    from gateparity.backends.base.primitives import Device
    from gateparity.backends.place import Place


@dataclasses.dataclass(frozen=True)
class Backend:
    """A backend: an adapter and the interpreter that runs it.

    `target` is `module:Class`, which its worker loads. `python` is None where no interpreter has
    the framework, and `missing` gives the reason. `shipped` adapters must support everything that
    they don't declare unsupported. `installed` ones come from an installed package, and have no
    variants. `recorded` is the file that the backend was read from, where several files have one of
    its name. `device` is what the arithmetic runs on.
    """

    name: str
    variant: str
    target: str
    python: Place | None
    shipped: bool = True
    missing: str = ""
    installed: bool = False
    recorded: str = ""
    device: Device = "cpu"

    @property
    def label(self) -> str:
        """Return the text that identifies this backend among all others of a run."""
        return f"{self.spec}@{self.recorded}" if self.recorded else self.spec

    @property
    def framework(self) -> str:
        """Return the name of the framework, installed adapter or module, without the `@` part."""
        return self.name.partition("@")[0]

    @property
    def spec(self) -> str:
        """Return the spec that selects exactly this backend where it ran."""
        name, at, python = self.name.partition("@")
        return f"{name}:{self.variant}{at}{python}" if self.variant else self.name

    @property
    def path(self) -> tuple[str, ...]:
        """Return the folders to put before the worker's import path; none for a shipped adapter."""
        if self.shipped or isinstance(self.python, Host):
            return ()
        here = () if self.installed else (str(Path.cwd()),)
        return (*here, *_own_path(self.python))


def _own_path(python: Place | None) -> list[str]:
    """Return this interpreter's import path, if the worker runs in the same interpreter."""
    return list(filter(None, sys.path)) if python == Path(sys.executable) else []
