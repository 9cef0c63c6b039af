"""One backend: where it runs, and what on."""

from __future__ import annotations

from gateparity.backends.backend import Backend
from gateparity.backends.numpy.scratch import Scratch


def test_a_backend_runs_on_the_cpu_and_numpy_reports_it():
    backend = Backend("numpy", "scratch", "gateparity.backends.numpy.scratch:Scratch", None)
    assert backend.device == Scratch.device == Scratch.settings["device"] == "cpu"
