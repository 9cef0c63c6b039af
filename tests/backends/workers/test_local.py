"""An adapter in this process gets what it gets in a worker, and is held to the same."""

from __future__ import annotations

import numpy as np
import pytest

from gateparity import Layout, Outputs, Unsupported
from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.workers.local import load_local
from gateparity.backends.workers.remote import BackendError
from gateparity.conformance.problems.cases import RECIPES
from gateparity.errors import InputError
from gateparity.protocol.canonical import Canonical

CASE = RECIPES["sequence"].build("float32", 0)


class Spy(Scratch):
    """Keeps what it is given."""

    def forward(self, config, params, batch):
        object.__setattr__(self, "seen", (params, batch))
        return super().forward(config, params, batch)


class Minimal:
    layout = Scratch.layout

    def forward(self, config, params, batch):
        return Scratch().forward(config, params, batch)


class Raises(Minimal):
    def forward(self, config, params, batch):
        raise ZeroDivisionError("first\n  second")


class Refuses(Minimal):
    def forward(self, config, params, batch):
        raise Unsupported("not on Sundays")


class ReturnsATuple(Minimal):
    def forward(self, config, params, batch):
        return tuple(vars(super().forward(config, params, batch)).values())


class ReturnsObjects(Minimal):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return Outputs(found.y.astype(object), found.states)


class NoForward:
    layout = Scratch.layout


class NoLayout:
    def forward(self, config, params, batch):
        pass


class Misspells(Minimal):
    unsupported = {"empty_batches": "it needs a sequence"}  # noqa: RUF012


class SaysYes(Minimal):
    unsupported = {"lengths": True}  # noqa: RUF012


class LayoutIsAName(NoLayout):
    layout = "ifgo"


def forward(adapter, **options):
    _, local = load_local(adapter, **options)
    return Canonical(local).forward(CASE.config, CASE.params, CASE.batch)


def test_its_row_is_its_module_and_class():
    backend, local = load_local(Minimal())
    assert backend.label == f"{__name__}:Minimal"
    assert not backend.shipped
    assert (local.name, local.version) == (backend.label, "")
    missing = {name: f"Minimal has no method {name}" for name in ("gates", "gradients")}
    assert local.unsupported == missing
    assert isinstance(local.layout, Layout)


def test_it_gets_copies_that_cannot_be_written_to():
    spy = Spy()
    forward(spy)
    params, batch = spy.seen
    for array in (*params.values(), batch.x, batch.states["h"]):
        assert not array.flags.writeable
    assert batch.x is not CASE.batch.x
    assert np.array_equal(batch.x, CASE.batch.x)


def test_the_answer_is_that_of_the_adapter():
    _, local = load_local(Scratch())
    canonical = Canonical(local)
    direct = Canonical(Scratch())
    for method, inputs in (("forward", ()), ("gates", ()), ("gradients", (CASE.cotangent,))):
        arguments = (CASE.config, CASE.params, CASE.batch, *inputs)
        found = getattr(canonical, method)(*arguments)
        np.testing.assert_equal(_arrays(found), _arrays(getattr(direct, method)(*arguments)))


@pytest.mark.parametrize(
    ("adapter", "error", "words"),
    [
        (Raises(), BackendError, r"^ZeroDivisionError: first second \(test_local\.py, line \d+\)$"),
        (Refuses(), Unsupported, "^not on Sundays$"),
        (ReturnsATuple(), BackendError, "forward returned a tuple, expected gateparity's Outputs"),
        (ReturnsObjects(), BackendError, "an array of object can't be sent"),
    ],
)
def test_what_it_does_wrong_is_told_as_from_a_worker(adapter, error, words):
    with pytest.raises(error, match=words):
        forward(adapter)


def test_an_exception_is_reported_with_its_traceback():
    reported = []
    with pytest.raises(BackendError):
        forward(Raises(), report=reported.append)
    assert [type(error) for error in reported] == [ZeroDivisionError]
    assert reported[0].__traceback__


def test_a_method_that_it_lacks_is_unsupported():
    _, local = load_local(Minimal())
    with pytest.raises(Unsupported, match="Minimal has no method gates"):
        Canonical(local).gates(CASE.config, CASE.params, CASE.batch)


@pytest.mark.parametrize(
    ("adapter", "words"),
    [
        (Minimal, "Minimal is a class, expected one of its objects"),
        (NoForward(), "NoForward is no adapter: it has no method forward"),
        (NoLayout(), "NoLayout is no adapter: TypeError: an adapter has a layout and a method "),
        (LayoutIsAName(), "LayoutIsAName is no adapter: "),
        (Misspells(), "Misspells is no adapter: unsupported has the key 'empty_batches' (did you "),
        (SaysYes(), "SaysYes is no adapter: unsupported['lengths'] is bool, expected a sentence"),
        (3, "builtins:int is no adapter: it has no method forward"),
    ],
)
def test_what_is_no_adapter_is_refused_in_one_line(adapter, words):
    with pytest.raises(InputError) as caught:
        load_local(adapter)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def _arrays(found):
    return [vars(part) if hasattr(part, "__dict__") else part for part in _parts(found)]


def _parts(found):
    if isinstance(found, tuple):
        return [part for item in found for part in _parts(item)]
    return [found]
