"""Recordings made in this process: of real adapters, on few cases."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np
import pytest

from gateparity.backends.backend import Backend
from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.workers.local import load_local
from gateparity.backends.workers.programs import default_store
from gateparity.conformance.recordings.compare import compare_recordings
from gateparity.conformance.recordings.reading import load_recording
from gateparity.conformance.recordings.recording import make_recording
from gateparity.conformance.recordings.writing import pack_recording
from gateparity.conformance.runs.plan import Source, named_plan
from gateparity.conformance.runs.result import Run
from gateparity.conformance.runs.session import run_check
from gateparity.conformance.runs.truths import Truths

CASES = ("sequence", "unit", "ragged")
CHECKS = ("forward", "gates", "gradients", "lengths")


class Shifted(Scratch):
    """Its outputs are off by a thousandth."""

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return dataclasses.replace(found, y=(found.y * 1.001).astype(config.dtype))


class Nudged(Scratch):
    """The first step's outputs have other bits, within rounding."""

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        y = np.concatenate([np.nextafter(found.y[:1], 0), found.y[1:]])
        return dataclasses.replace(found, y=y.astype(config.dtype))


class ForwardOnly(Scratch):
    """It has no gradients."""

    unsupported: ClassVar = {"gradients": "it runs forward only"}


ADAPTERS = {
    "sound": Scratch(),
    "shifted": Shifted(),
    "nudged": Nudged(),
    "forward only": ForwardOnly(),
}


@pytest.fixture(scope="session")
def record():
    """A recording of adapters, in `ADAPTERS` or as they are, by the names of their backends."""

    def record(checks=CHECKS, cases=CASES, seed=0, manifests=(), plan=None, **adapters):
        adapters = adapters or {"numpy": "sound"}
        plan = plan or named_plan(cases, checks, seed)
        backends, results, truths = [], [], Truths(default_store())
        told = {}
        for name, adapter in adapters.items():
            backend = Backend(name, "scratch", "", None)
            _, local = load_local(
                ADAPTERS.get(adapter, adapter) if isinstance(adapter, str) else adapter
            )
            backends.append(backend)
            results += [run_check(backend, local, *task, truths) for task in plan]
            told[backend.label] = {"device": "cpu", "processor": "some"} | dict(manifests)
        versions = {backend.label: "1.0" for backend in backends}
        run = Run(tuple(backends), tuple(results), (), versions, seed, 2.0, 0.5, manifests=told)
        return make_recording(run, plan, Source())

    return record


@pytest.fixture
def travel(tmp_path):
    """Recordings written and read again."""

    def travel(*recordings):
        found = {}
        for name, recording in zip("abcdef", recordings, strict=False):
            path = tmp_path / f"{name}.safetensors"
            path.write_bytes(pack_recording(recording))
            found[name] = load_recording(path)
        return found

    return travel


@pytest.fixture
def compare(travel):
    """The comparison of recordings that were written and read again."""
    return lambda *recordings: compare_recordings(travel(*recordings))
