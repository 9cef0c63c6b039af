"""An adapter of one's own may name its engine: it inherits the engine's arithmetic, and no more.

The engines here flush subnormal inputs in NumPy; real ones are in tests/end_to_end.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import gateparity
from gateparity.backends.catalogue import FRAMEWORKS, check_engine
from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.spec import parse_backends
from gateparity.backends.workers.local import load_local
from gateparity.backends.workers.remote import open_worker
from gateparity.conformance.judgement.deviations import DEVIATIONS
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.session import Session
from gateparity.conformance.runs.truths import Truths
from gateparity.errors import InputError
from gateparity.network.batch import Outputs, map_arrays


class Flushes(Scratch):
    """It takes subnormal inputs and states for zero."""

    def forward(self, config, params, batch):
        tiny = np.finfo(config.dtype).tiny
        live = map_arrays(lambda a: np.where(abs(a) < tiny, 0, a), batch)
        return super().forward(config, params, dataclasses.replace(live, lengths=batch.lengths))


class OnTensorflow(Flushes):
    engine = "tensorflow"


class OnTorch(Flushes):
    engine = "torch"


class OnJaxOnAGpu(Flushes):
    engine = "jax"
    settings = {"device": "gpu"}  # noqa: RUF012  as a user writes it


class ASettingOfThatName(Flushes):
    settings = {"engine": "tensorflow"}  # noqa: RUF012


class NoFlush(Scratch):
    engine = "tensorflow"


class FlushesAndShifts(OnTensorflow):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return Outputs(found.y + np.asarray(1e-4, config.dtype), found.states)


class IgnoresLengths(Scratch):
    engine = "mxnet"

    def forward(self, config, params, batch):
        return super().forward(config, params, dataclasses.replace(batch, lengths=None))


def ask(kind, check="values", case="subnormal"):
    results = gateparity.check_adapter(kind(), checks=[check], cases=[case])
    assert [result.dtype for result in results] == ["float32", "float64"]
    return results


def test_the_flush_of_a_named_engine_is_known():
    [known] = [k for k in DEVIATIONS if k.framework == "tensorflow" and k.engine]
    for result in ask(OnTensorflow):
        assert result.status == "known"
        assert result.reason == f"{known.reason}: {known.link}"


@pytest.mark.parametrize("kind", [Flushes, ASettingOfThatName])
def test_without_a_name_it_fails_and_the_engines_are_suggested(kind):
    for result in ask(kind):
        assert result.status == "fail"
        assert "sigma" in result.reason
        assert result.reason.endswith(
            "XLA on a CPU takes subnormal numbers for zero, and this is exactly that: if JAX, "
            "TensorFlow or MXNet computes it, name it in the adapter, "
            'engine = "jax", "tensorflow" or "mxnet" (docs/adapters.md)'
        )


@pytest.mark.parametrize("kind", [OnTorch, OnJaxOnAGpu, FlushesAndShifts])
def test_an_engine_excuses_nothing_that_it_does_not_do(kind):
    """Another engine, another device, and an answer that is more than flushed."""
    for result in ask(kind):
        assert result.status == "fail"
        assert "engine" not in result.reason


def test_an_engine_that_does_not_flush_here_passes():
    assert {result.status for result in ask(NoFlush)} == {"pass"}


def test_deviations_about_lengths_are_never_inherited():
    for result in ask(IgnoresLengths, "lengths", "ragged"):
        assert result.status == "fail"


def test_what_belongs_to_an_engine_is_the_flush_alone():
    engines = [known for known in DEVIATIONS if known.engine]
    assert {known.must.words for known in engines} == {"subnormal inputs or states"}
    subnormal = RECIPES["subnormal"].build("float32", 0)
    assert [known for known in DEVIATIONS if known.covers(subnormal)] == engines


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_an_adapter_rounds_like_the_engine_that_it_names(name):
    adapter = type("Mine", (Scratch,), {"engine": name})()
    assert load_local(adapter)[1].rounding_model == dict(FRAMEWORKS[name].rounding_model)


def test_what_an_adapter_declares_itself_comes_before_its_engine():
    declared = {"bias": 1.0, "factors": 2.0**-11}
    adapter = type("Mine", (Scratch,), {"engine": "tensorflow", "rounding_model": declared})()
    assert load_local(adapter)[1].rounding_model == declared


@pytest.mark.parametrize(
    ("engine", "hint"),
    [
        ("tensorflw", " (did you mean tensorflow?)"),
        ("flax", " (did you mean jax?)"),
        ("Keras", " (did you mean tensorflow?)"),
        ("onnxruntime", ""),
    ],
)
def test_an_unknown_engine_is_refused(engine, hint):
    expected = f"engine is {engine!r}{hint}: expected one of numpy, torch, tensorflow, jax, mxnet"
    with pytest.raises(ValueError, match=r"^engine is ") as caught:
        check_engine(engine)
    assert str(caught.value) == expected
    with pytest.raises(InputError) as refused:
        load_local(type("Mine", (Scratch,), {"engine": engine})())
    assert str(refused.value).endswith(f"is no adapter: {expected}")


def test_in_a_worker_it_is_the_same(tmp_path, monkeypatch):
    (tmp_path / "port.py").write_text(
        "from gateparity.backends.numpy.scratch import Scratch\n"
        "class Mine(Scratch):\n    engine = 'tensorflow'\n"
        "class Typo(Scratch):\n    engine = 'tensorflw'\n",
        "utf-8",
    )
    monkeypatch.chdir(tmp_path)
    mine, typo = parse_backends(["port:Mine", "port:Typo"])
    check, case = CHECKS["forward"], RECIPES["unit"].build("float32", 0)
    with Session(mine, Truths(), open_worker) as session:
        assert session.run(check, case).status == "pass"
        assert session.rounding_model == {"bias": 4.0}
        assert session.manifest["engine"] == "tensorflow"
    with Session(typo, Truths(), open_worker) as session:
        result = session.run(check, case)
    assert result.status == "error"
    assert result.reason == (
        "engine is 'tensorflw' (did you mean tensorflow?): "
        "expected one of numpy, torch, tensorflow, jax, mxnet"
    )
