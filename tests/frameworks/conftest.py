"""Adapters loaded here: these tests run in each framework's own environment, without workers."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil

import pytest

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.workers.programs import default_store


class _Here:
    """This process in the place of a worker, which borrows compiled programs."""

    def call(self, _, function, *arguments):
        return pkgutil.resolve_name(function)(*arguments)


# Before an adapter is imported: the suite ran here already, and compiled most of them.
LOAN = default_store().lend(_Here())


def pytest_sessionfinish():
    """Keep what was compiled here, too."""
    if LOAN:
        LOAN.keep()


if importlib.util.find_spec("mxnet"):
    # As its adapter does, which not all of these tests import.
    importlib.import_module("gateparity.backends.mxnet.numpy_names")


@pytest.fixture(scope="session")
def load():
    """The shipped adapter of a framework and variant; a skip where that isn't installed."""
    return _load


def _load(name: str, variant: str):
    for module in FRAMEWORKS[name].modules:
        pytest.importorskip(module, exc_type=ImportError)
    module, _, kind = FRAMEWORKS[name].targets[variant].partition(":")
    return getattr(importlib.import_module(f"gateparity.backends.{module}"), kind)()
