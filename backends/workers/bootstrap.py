"""The first code that a worker runs: it copies gateparity into an interpreter that lacks it.

execnet sends this file's source. The code takes the sources of core/ and backends/ from the channel
and makes them importable. So a worker needs an interpreter with NumPy and its framework, and
nothing is installed there. It uses the standard library only, and nothing newer than Python 3.9.
"""

from __future__ import annotations

import faulthandler
import importlib.abc
import importlib.util
import os
import sys


class ShippedModules(importlib.abc.MetaPathFinder, importlib.abc.ExecutionLoader):
    """An importer for modules in a dict that maps a full name to (file name, source)."""

    def __init__(self, sources) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        self.sources = sources

    def find_spec(self, name, path=None, target=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, ARG002, D102
        return importlib.util.spec_from_loader(name, self) if name in self.sources else None

    def exec_module(self, module):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, D102
        if sys.version_info < (3, 10):  # noqa: UP036  gateparity needs 3.11, its workers don't
            vars(module)["zip"] = zip_of_3_9
        super().exec_module(module)

    def is_package(self, name):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, D102
        return self.sources[name][0].endswith("__init__.py")

    def get_filename(self, name):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, D102
        return self.sources[name][0]

    def get_source(self, name):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, D102
        return self.sources[name][1]


def zip_of_3_9(*iterables, strict=False):  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN001, ANN201, ARG001
    """Zip the iterables and ignore `strict`, which Python 3.9 does not have yet."""
    return zip(*iterables)  # noqa: B905


def redirect_output(log: str) -> None:
    """Redirect what the framework prints, and a crash report, to a file for the near side."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    faulthandler.enable()


if __name__ == "__channelexec__":
    sources, path, log = channel.receive()  # type: ignore[name-defined]  # noqa: F821
    redirect_output(log)
    # Workers share cores: a thread that waits for others must not keep one busy.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.path[:] = path + [p for p in sys.path if p]  # a jax/ in this folder must not be JAX
    sys.meta_path.insert(0, ShippedModules(sources))
    from gateparity.backends.workers.worker import serve

    serve(channel)  # type: ignore[name-defined]  # noqa: F821
