"""Adapters whose answer depends on the calls before or beside it: each is caught, with words."""

from __future__ import annotations

import dataclasses
import threading
import time

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.workers.local import load_local
from gateparity.backends.workers.programs import default_store
from gateparity.conformance.judgement.verdict import Mismatch, judge
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.session import run_check
from gateparity.conformance.runs.truths import Truths
from gateparity.errors import Impure, InputError
from gateparity.network.batch import replace_arrays
from gateparity.protocol.canonical import Canonical
from gateparity.protocol.guard import is_not_deterministic
from gateparity.protocol.repeated import CALLS, ask_once

CASE = RECIPES["zero_states"].build("float32", 0)
UNEVEN = RECIPES["uneven"].build("float32", 0)
CHECK = CHECKS["calls"]
TRUTHS = Truths(default_store())
ONE_AT_A_TIME = "from two threads at once, without threads = False declared"


class Kept(Scratch):
    def __init__(self):
        super().__init__()
        object.__setattr__(self, "kept", {})


class Late(Kept):
    """Wrong from the 40th call of `forward` on."""

    def forward(self, config, params, batch):
        self.kept["calls"] = self.kept.get("calls", 0) + 1
        found = super().forward(config, params, batch)
        return (
            found if self.kept["calls"] < 40 else replace_arrays(found, h_n=found.states["h"] * 2)
        )


class SmallKey(Kept):
    """A cache under a key that lacks the biases."""

    def forward(self, config, params, batch):
        kernels = b"".join(a.tobytes() for name, a in params.items() if ".b" not in name)
        key = kernels, batch.x.tobytes(), str(batch.states), str(batch.lengths)
        if key not in self.kept:
            self.kept[key] = super().forward(config, params, batch)
        return self.kept[key]


class FreezesLengths(Kept):
    """Keep the lengths of the first call of each shape."""

    def forward(self, config, params, batch):
        lengths = self.kept.setdefault((batch.x.shape, batch.lengths is None), batch.lengths)
        return super().forward(config, params, dataclasses.replace(batch, lengths=lengths))


class AddsUpGates(Kept):
    def gates(self, config, params, batch):
        found = super().gates(config, params, batch)
        kept = config, found.c.shape
        self.kept[kept] = found.c + self.kept.get(kept, 0)
        return dataclasses.replace(found, c=self.kept[kept])


class SharesMemory(Kept):
    def forward(self, config, params, batch):
        self.kept["x"] = batch.x
        time.sleep(5e-4)
        return super().forward(config, params, dataclasses.replace(batch, x=self.kept["x"]))


class Noisy(Scratch):
    """By less than rounding, in a way that no call shares with the next."""

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        last = np.random.default_rng().integers(0, 2, found.y.shape).astype(bool)
        return dataclasses.replace(
            found, y=np.where(last, np.nextafter(found.y, np.float32(2)), found.y)
        )


@pytest.mark.parametrize(
    ("adapter", "message"),
    [
        (Late, "call 40 of forward"),
        (AddsUpGates, "repeated calls of gates with the same arguments differ in c"),
        (SharesMemory, f"forward {ONE_AT_A_TIME}: y differs from that of a call alone"),
        (Noisy, "repeated calls of forward with the same arguments differ in y"),
    ],
)
def test_an_answer_with_other_bits_than_the_first_is_caught(adapter, message):
    with pytest.raises(Impure) as caught:
        CHECK.run(Canonical(adapter()), CASE)
    assert str(caught.value).startswith(message)
    assert is_not_deterministic(str(caught.value)) == message.startswith("repeated")


@pytest.mark.parametrize(
    ("adapter", "case", "other"),
    [(SmallKey, CASE, "with another b_ih"), (FreezesLengths, UNEVEN, "with other lengths")],
)
def test_the_answer_to_another_question_is_caught_by_its_numbers(adapter, case, other):
    with pytest.raises(Mismatch, match=other):
        judge(CHECK.run(Canonical(adapter()), case), TRUTHS.of(CHECK, case))


class SharesSteps(Kept):
    """Keep the number of steps where another thread's call finds it."""

    def forward(self, config, params, batch):
        self.kept["steps"] = len(batch.x)
        time.sleep(0.001)
        found = super().forward(config, params, batch)
        return replace_arrays(found, y=found.y * (self.kept["steps"] == len(batch.x)))


class FreezesSteps(Kept):
    """Run at most as many steps as the shortest sequence so far."""

    def forward(self, config, params, batch):
        steps = min(self.kept.get("steps", len(batch.x)), len(batch.x))
        self.kept["steps"] = steps
        found = super().forward(config, params, batch)
        return replace_arrays(found, y=found.y * (np.arange(len(found.y)) < steps)[:, None, None])


def test_a_size_that_threads_share_is_caught():
    with pytest.raises(Impure, match=ONE_AT_A_TIME):
        CHECK.run(Canonical(SharesSteps()), UNEVEN)


def test_two_threads_begin_together_however_late_one_is(monkeypatch):
    start = threading.Thread.start

    def late(thread):
        time.sleep(0.2)  # longer than a thread goes on with its calls
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", late)
    with pytest.raises(Impure, match=ONE_AT_A_TIME):
        CHECK.run(Canonical(SharesMemory()), CASE)


def test_a_size_that_a_call_leaves_to_the_next_is_caught():
    with pytest.raises(Impure, match="differs from the first such call"):
        CHECK.run(Canonical(FreezesSteps()), UNEVEN)


def test_what_is_declared_is_allowed():
    for adapter, name in ((SharesMemory, "threads"), (Noisy, "deterministic")):
        declared = type(adapter.__name__, (adapter,), {name: False})()
        judge(CHECK.run(Canonical(declared), CASE), TRUTHS.of(CHECK, CASE))


def test_noise_beyond_rounding_is_caught_though_it_is_declared():
    class Drops(Late):
        deterministic = False

    with pytest.raises(Mismatch, match="h_n"):
        judge(CHECK.run(Canonical(Drops()), CASE), TRUTHS.of(CHECK, CASE))


def test_an_error_in_one_thread_is_told_in_one_line():
    class Crashes(Kept):
        def forward(self, config, params, batch):
            self.kept["calls"] = self.kept.get("calls", 0) + 1
            if self.kept["calls"] > CALLS:
                raise ValueError("busy\nwith another call")
            return super().forward(config, params, batch)

    with pytest.raises(Impure) as caught:
        CHECK.run(Canonical(Crashes()), CASE)
    assert str(caught.value) == f"forward {ONE_AT_A_TIME}: ValueError: busy with another call"


def test_all_calls_go_in_one_message_to_a_worker_and_the_manifest_has_what_is_declared():
    class Declares(Scratch):
        threads = False

    backend, adapter = load_local(Declares())
    assert adapter.manifest["calls at once"] == "one, as the adapter declares"
    assert run_check(backend, adapter, CHECK, UNEVEN, TRUTHS).status == "pass"
    backend, adapter = load_local(Late())
    result = run_check(backend, adapter, CHECK, UNEVEN, TRUTHS)
    assert result.status == "fail"
    assert result.reason.startswith("call 40 of forward")
    assert result.reason.endswith(": h_n differs from the first such call")


def test_a_declaration_that_is_a_word_is_refused():
    class Says(Scratch):
        threads = "no"

    with pytest.raises(InputError, match=r"threads is 'no', expected True or False$"):
        load_local(Says())


def test_what_is_asked_once_is_computed_when_it_is_read():
    calls = []

    class Counts:
        def double(self, config, number):
            calls.append(number)
            return config * number

    answers = ask_once(Counts(), "double", 2, {"one": (1,), "two": (2,)})
    assert (list(answers), len(answers), calls) == (["one", "two"], 2, [])
    assert (answers["two"], calls) == (4, [2])
    assert dict(answers) == {"one": 2, "two": 4}
