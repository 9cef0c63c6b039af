"""One row in its worker: whatever the backend does becomes a result, in one clear line."""

from __future__ import annotations

import dataclasses
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gateparity.backends.spec import parse_backends
from gateparity.backends.workers.remote import open_worker
from gateparity.conformance.judgement.confidence import ALLOWED
from gateparity.conformance.problems.cases import RECIPES, Recipe
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.plan import named_plan
from gateparity.conformance.runs.session import Session
from gateparity.conformance.runs.truths import Truths

ADAPTERS = '''
import dataclasses
import os

import numpy as np

from gateparity import Layout, ArraySpec, Unsupported
from gateparity.backends.numpy.scratch import Scratch
from gateparity.network.batch import replace_arrays


def note(word):
    if os.environ.get("GATEPARITY_STARTS"):
        with open(os.environ["GATEPARITY_STARTS"], "a") as file:
            file.write(f"{word} ")


note("imported")


def cut(array):
    mantissa, exponent = np.frexp(array)
    return np.ldexp(np.round(mantissa * 2**11) / 2**11, exponent).astype(array.dtype)


class Right(Scratch):
    version = "1.2.3"


class Cuts(Scratch):
    """Inputs and kernels cut to eleven digits before they are multiplied."""

    def forward(self, config, params, batch):
        params = {n: a if ".b_" in n else cut(a) for n, a in params.items()}
        return super().forward(config, params, dataclasses.replace(batch, x=cut(batch.x)))


class CutsAndSays(Cuts):
    rounding_model = {"factors": 2.0**-11}


class Shifted(Scratch):
    """One bias of one gate is off by less than a millionth."""

    def forward(self, config, params, batch):
        shift = (np.arange(config.hidden_size) == 8) * np.asarray(8e-7, config.dtype)
        return super().forward(config, dict(params) | {"l0.b_f": params["l0.b_f"] + shift}, batch)


class Writes(Scratch):
    def forward(self, config, params, batch):
        if batch.x.flags.writeable:
            batch.x[0] = 0
        return super().forward(config, params, batch)


class Minimal:
    """Only forward is compulsory."""

    layout = Scratch.layout

    def forward(self, config, params, batch):
        return Scratch().forward(config, params, batch)


class Declares(Scratch):
    unsupported = {"gates": "it keeps its gates to itself", "lengths": "all must be full"}


class Half(Scratch):
    unsupported = {"float64": "its kernels are float32's"}


class Misspells(Scratch):
    unsupported = {"gates": "it keeps its gates to itself", "lenghts": "all must be full"}


class Refuses(Scratch):
    def forward(self, config, params, batch):
        raise Unsupported("no forward on Sundays")


class RefusesToStart(Scratch):
    def __init__(self):
        raise Unsupported("it needs another machine")


class Raises(Scratch):
    def forward(self, config, params, batch):
        raise RuntimeError("first line\\n  second line\\n\\nthird")


class Passes(Scratch):
    """What isn't its own raises."""

    def gates(self, config, params, batch):
        return super().gates(config, {"no": params}, batch)


class RaisesAtStart(Scratch):
    def __init__(self):
        note("made")
        raise OSError("no licence\\nfor this host")


class WrongShape(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return dataclasses.replace(found, y=found.y[:, :, :-1])


class WrongDtype(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return replace_arrays(found, h_n=found.states["h"].astype(np.float16))


class NoArray(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return replace_arrays(found, c_n=found.states["c"].tolist())


class WrongGradientNames(Scratch):
    def gradients(self, config, params, batch, cotangent):
        found = super().gradients(config, params, batch, cotangent)
        return dataclasses.replace(found, params={"W": found.batch.x})


class NoDh0(Scratch):
    def gradients(self, config, params, batch, cotangent):
        found = super().gradients(config, params, batch, cotangent)
        d_batch = dataclasses.replace(found.batch, states={"c": found.batch.states["c"]})
        return dataclasses.replace(found, batch=d_batch)


class ReturnsATuple(Scratch):
    def forward(self, config, params, batch):
        return tuple(vars(super().forward(config, params, batch)).values())


class ReturnsADict(Scratch):
    def gradients(self, config, params, batch, cotangent):
        return {"params": params}


class NotANumber(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return dataclasses.replace(found, y=found.y * np.nan)


class Dies(Scratch):
    def gates(self, config, params, batch):
        os._exit(3)


class Hangs(Scratch):
    def forward(self, config, params, batch):
        import time

        time.sleep(60)


class NoLayout:
    pass


class NoForward:
    layout = Scratch.layout


class LayoutIsAName(Scratch):
    layout = "torch"


class LayoutIsADict(Scratch):
    layout = {}


class UnknownRole(Scratch):
    @property
    def layout(self):
        return Layout("own", (ArraySpec("W{layer}{direction}{gate}", "kernel", "input hidden"),))


class Prints(Scratch):
    def forward(self, config, params, batch):
        print("hello from the far side")
        return super().forward(config, params, batch)
'''


LINE = ADAPTERS.partition("raise RuntimeError")[0].count("\n") + 1


@pytest.fixture
def backend(tmp_path, monkeypatch):
    """The row of a class of the module above."""
    (tmp_path / "mymod.py").write_text(ADAPTERS, "utf-8")
    monkeypatch.chdir(tmp_path)
    return lambda name: parse_backends([f"mymod:{name}"])[0]


@pytest.fixture
def session(backend):
    """A session of such a row, ended with the test."""
    started = []

    def start(name, limit=30.0, truths=None, **changes):
        found = dataclasses.replace(backend(name), **changes)
        started.append(Session(found, truths or Truths(), partial(open_worker, limit=limit)))
        return started[-1]

    yield start
    for one in started:
        one.close()


def run(session, check="forward", case="sequence", dtype="float32"):
    return session.run(CHECKS[check], RECIPES[case].build(dtype, 0))


@pytest.mark.parametrize("name", CHECKS)
def test_a_right_adapter_passes_and_tells_its_version(session, name):
    right, check = session("Right"), CHECKS[name]
    result = run(right, name, check.cases[0], check.dtypes[0])
    if check.against:
        reason = "it has no layer variant to compare with its scratch variant"
        assert (result.status, result.reason) == ("skip", reason)
    else:
        assert (result.status, result.reason) == ("pass", "")
        assert result.arrays is not None
        assert result.sigmas < 6
        assert (0 < result.max_error < 1e-2) == (result.sigmas > 0) == (name != "refusal")
    assert right.version == "1.2.3"
    # Refusals need no worker, and neither does what is skipped.
    assert (right.transport_seconds > 0) == (name not in ("refusal", "variants"))


def test_a_result_tells_what_was_compared(session, backend):
    result = run(session("Right"), "gates", "deep", "float64")
    assert (result.backend, result.key) == (backend("Right"), ("gates", "deep", "float64"))
    assert (result.shift, result.shifts) == (0, None)  # gates are no outputs
    result = run(session("Right"), "forward", "sequence")
    assert result.shift == np.abs(result.shifts).max() > 0
    assert result.shifts.shape == (1, 4, 6)
    assert result.max_error < 2**-20


def test_a_result_has_the_key_of_its_task(session):
    one = session("Declares")
    plan = named_plan(("sequence",), ("forward", "gates"), 0)
    assert [one.run(*task).key for task in plan] == [task.key for task in plan]


def test_a_difference_tells_how_far_it_is_and_where_it_begins(session):
    result = run(session("Cuts"))
    assert result.status == "fail"
    assert result.sigmas > 100
    assert 1e-5 < result.max_error < 1e-3
    assert result.reason.startswith(f"y[{', '.join(map(str, result.begins.index))}] (layer 0, step")
    assert " sigma of rounding, 8 allowed; " in result.reason
    assert result.begins.array == "y"


def test_a_shift_of_a_bias_fails_where_no_element_is_beyond_rounding(session):
    recipe = Recipe("middle", steps=20, size=8, input_size=8, hidden_size=16)
    result = session("Shifted").run(CHECKS["forward"], recipe.build("float32", 0))
    assert result.status == "fail"
    assert result.sigmas < ALLOWED < result.shift == result.shifts[0, 1, 8]
    assert (
        "together they look like a shift of the bias of layer 0, gate f, unit 8:" in result.reason
    )
    assert result.begins is None


def test_what_a_backend_declares_of_its_arithmetic_holds_for_it_alone(session):
    truths = Truths()
    says, right = session("CutsAndSays", truths=truths), session("Right", truths=truths)
    assert says.rounding_model == {}  # it isn't loaded yet
    assert run(says).status == "pass"
    assert says.rounding_model == {"factors": 2.0**-11}
    assert run(says, dtype="float64").status == "fail"  # of which TF32 is no part
    assert run(says).sigmas < run(right).sigmas * 100
    assert run(session("Cuts", truths=truths)).status == "fail"
    assert right.rounding_model == {}


def test_what_a_call_does_beside_answering_fails_it(session):
    writes = session("Writes")
    result = run(writes, "purity")
    assert (result.status, result.reason) == ("fail", "forward wrote to x")
    assert (result.max_error, result.sigmas) == (None, np.inf)
    assert run(writes).status == "pass"  # whose arrays came over a wire


def test_only_forward_is_compulsory(session):
    minimal = session("Minimal")
    assert run(minimal).status == "pass"
    for method in ("gates", "gradients"):
        result = run(minimal, method)
        assert (result.status, result.reason) == ("skip", f"Minimal has no method {method}")
    for check, case in (("layers", "stacked"), ("lengths", "ragged"), ("directions", "deep")):
        assert run(minimal, check, case).status == "pass"


def test_what_is_declared_is_skipped_with_its_reason(session):
    declares = session("Declares")
    assert run(declares).status == "pass"
    found = [run(declares, *key) for key in (("gates", "sequence"), ("lengths", "ragged"))]
    reasons = ["it keeps its gates to itself", "all must be full"]
    assert [(r.status, r.reason, r.max_error) for r in found] == [
        ("skip", reason, None) for reason in reasons
    ]


@pytest.mark.parametrize("name", [name for name, check in CHECKS.items() if not check.against])
def test_a_dtype_that_is_declared_is_skipped_in_every_check(session, name):
    half, check = session("Half"), CHECKS[name]
    for dtype in check.dtypes:
        result = run(half, name, check.cases[0], dtype)
        reason = "its kernels are float32's" if dtype == "float64" else ""
        assert (result.status, result.reason) == ("skip" if reason else "pass", reason)


def test_an_unknown_key_of_unsupported_costs_the_row(session):
    misspells = session("Misspells")
    for check in ("forward", "gates"):
        result = run(misspells, check)
        assert result.status == "error"
        assert result.reason == (
            "unsupported has the key 'lenghts' (did you mean lengths?): expected one of gates, "
            "gradients, initial_states, final_states, lengths, lengths_float64, zero_length, "
            "empty_sequence, empty_batch, float16, float64, train"
        )


@pytest.mark.parametrize("shipped", [True, False])
def test_undeclared_is_a_failure_of_shipped_adapters_alone(session, shipped, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # shipped adapters aren't sought in the folder
    result = run(session("Refuses", shipped=shipped))
    if shipped:
        reason = "raised Unsupported, undeclared: no forward on Sundays"
        assert (result.status, result.reason) == ("fail", reason)
    else:
        assert (result.status, result.reason) == ("skip", "no forward on Sundays")
    assert (result.max_error, result.sigmas, result.shift) == (None, None, None)


def test_a_class_may_refuse_to_start(session):
    refuses = session("RefusesToStart")
    assert [(r.status, r.reason) for r in (run(refuses), run(refuses, "gates"))] == [
        ("skip", "it needs another machine")
    ] * 2


@pytest.mark.parametrize(
    ("name", "check", "reason"),
    [
        (
            "Raises",
            "forward",
            f"RuntimeError: first line second line third (mymod.py, line {LINE})",
        ),
        ("WrongShape", "forward", "y has shape (5, 3, 5), expected (5, 3, 6)"),
        ("WrongDtype", "forward", "h_n is float16, expected float32"),
        ("NoArray", "forward", "c_n is list, expected a NumPy array"),
        ("NoDh0", "gradients", "d_h_0 is NoneType, expected a NumPy array"),
    ],
)
def test_a_bad_answer_is_an_error_of_its_own_call(session, name, check, reason):
    one = session(name)
    result = run(one, check)
    assert (result.status, result.reason, result.max_error) == ("error", reason, None)
    assert run(one, "gates").status == "pass"


def test_an_exception_in_what_it_calls_is_placed_where_it_calls(session):
    line = ADAPTERS.partition("return super().gates(config, {")[0].count("\n") + 1
    result = run(session("Passes"), "gates")
    assert (result.status, result.reason[:9]) == ("error", "KeyError:")
    assert result.reason.endswith(f" (mymod.py, line {line})")


@pytest.mark.parametrize(
    ("name", "check", "words"),
    [
        ("WrongGradientNames", "gradients", "gradients name ['W'], expected ['l0.W_hc', "),
        ("ReturnsATuple", "forward", "tuple"),
        ("ReturnsADict", "gradients", "dict"),
    ],
)
def test_nonsense_is_an_error_in_one_line(session, name, check, words):
    result = run(session(name), check)
    assert result.status == "error"
    assert words in result.reason
    assert "\n" not in result.reason


def test_numbers_that_are_none_differ(session):
    result = run(session("NotANumber"))
    assert (result.status, result.max_error, result.sigmas) == ("fail", np.inf, np.inf)
    assert result.shift < ALLOWED  # of the numbers that are some
    assert "found nan" in result.reason


def test_what_an_adapter_prints_disturbs_nothing(session):
    assert run(session("Prints")).status == "pass"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Missing", "AttributeError: module 'mymod' has no attribute 'Missing'"),
        ("RaisesAtStart", "OSError: no licence for this host"),
        ("NoLayout", "TypeError: an adapter has a layout and a method forward: this has no layout"),
        (
            "NoForward",
            "TypeError: an adapter has a layout and a method forward: this has no forward",
        ),
        (
            "UnknownRole",
            "ValueError: ArraySpec 'W{layer}{direction}{gate}': contents 'kernel', expected one",
        ),
        ("LayoutIsAName", "its layout is none of gateparity's"),
        ("LayoutIsADict", "its layout is none of gateparity's"),
    ],
)
def test_what_cannot_start_is_started_once(session, name, words, tmp_path, monkeypatch):
    monkeypatch.setenv("GATEPARITY_STARTS", str(tmp_path / "starts"))
    one = session(name)
    found = [run(one), run(one, "gates"), run(one, "layers", "stacked", "float64")]
    assert {(r.status, r.reason) for r in found} == {("error", found[0].reason)}
    assert found[0].reason.startswith(words)
    made = "made " if name == "RaisesAtStart" else ""
    assert (tmp_path / "starts").read_text() == f"imported {made}"


def test_a_missing_module_is_named(session, monkeypatch):
    result = run(session("Right", target="nowhere.lstm:Right"))
    assert (result.status, result.reason) == (
        "error",
        "ModuleNotFoundError: No module named 'nowhere'",
    )


def test_a_lost_worker_is_not_started_again(session, tmp_path, monkeypatch):
    monkeypatch.setenv("GATEPARITY_STARTS", str(tmp_path / "starts"))
    dies = session("Dies")
    assert run(dies).status == "pass"
    found = [run(dies, "gates"), run(dies), run(dies, "gradients", "unit", "float64")]
    reason = "its worker died during gates (exit code 3), in gates, case sequence, float32"
    assert [(r.status, r.reason) for r in found] == [("error", reason)] * 3
    assert (tmp_path / "starts").read_text() == "imported "


def test_a_hang_ends_at_its_time_limit(session):
    hangs = session("Hangs", limit=4.0)
    found = [run(hangs), run(hangs, "gates")]
    assert [(r.status, r.reason) for r in found] == [
        ("error", "no answer to forward within 4 s, in forward, case sequence, float32")
    ] * 2


def test_a_row_without_an_interpreter_says_so(session):
    one = session("Right", python=None, missing="PyTorch is neither here nor there")
    result = run(one)
    assert (result.status, result.reason) == ("error", "PyTorch is neither here nor there")


def test_any_check_may_be_compared_with_the_scratch_variant(session, torch_backend):
    check = dataclasses.replace(CHECKS["forward"], name="own", against="scratch")
    case = RECIPES["sequence"].build("float32", 0)
    reason = "it has no layer variant to compare with its scratch variant"
    alone = session("Right").run(check, case)
    assert (alone.status, alone.reason, alone.against) == ("skip", reason, None)
    (torch_layer,) = parse_backends([torch_backend.label.replace("scratch", "layer", 1)])
    with Session(torch_layer, Truths(), open_worker) as layer:
        found = layer.run(check, case)
        plain = layer.run(CHECKS["forward"], case)
    assert (found.status, found.reason) == ("pass", "")
    assert list(found.against) == list(found.arrays) == ["y", "h_n", "c_n"]
    assert plain.against is None


def test_what_a_layer_declares_unsupported_is_not_compared_with_its_scratch_variant(torch_backend):
    (torch_layer,) = parse_backends([torch_backend.label.replace("scratch", "layer", 1)])
    with Session(torch_layer, Truths(), open_worker) as layer:
        found = layer.run(CHECKS["variants"], RECIPES["one_empty"].build("float32", 0))
        lengths = layer.run(CHECKS["lengths"], RECIPES["one_empty"].build("float32", 0))
    assert (found.status, found.reason) == (lengths.status, lengths.reason)
    assert found.status == "skip"


def test_a_closed_session_answers_with_an_error(session):
    one = session("Right")
    assert run(one).status == "pass"
    one.close()
    assert run(one).status == "error"


def test_a_time_limit_beyond_all_clocks_is_no_crash(session):
    result = run(session("Right", limit=float("inf")))
    assert result.status in ("pass", "error")
    assert "\n" not in result.reason


def test_truth_and_budget_are_computed_once_for_all_rows():
    calls = []

    def watched(lstm, case):
        calls.append((case.config.dtype, lstm.dtype))
        return CHECKS["forward"].run(lstm, case)

    def count(case, *declared):
        calls.clear()
        found = truths.of(check, case, *declared)
        return found, len(calls)

    check = dataclasses.replace(CHECKS["forward"], requirement=watched)
    truths, case = Truths(), RECIPES["unit"].build("float32", 0)
    first, calls_made = count(case)
    assert calls_made == 3  # the truth, once in float64 and once in draws
    assert count(case)[1] == 0
    assert count(case)[0].truth is first.truth
    wide, calls_made = count(RECIPES["unit"].build("float64", 0))
    assert calls_made == 1  # the same numbers, so the same draws, scaled
    assert wide.truth["y"].dtype == np.longdouble
    ratio = wide.budget.sigmas["y"] / first.budget.sigmas["y"]
    np.testing.assert_allclose(ratio, 2.0**-29)
    other, calls_made = count(case, {"bias": 4.0})
    assert calls_made == 2
    assert other.truth is first.truth
    assert (other.budget.sigmas["y"] > first.budget.sigmas["y"]).all()
    assert count(case, {"bias": 4.0})[1] == 0


def test_a_class_of_ones_own_runs_in_this_interpreter(backend):
    right = backend("Right")
    assert right.python == Path(sys.executable)
    assert right.label == "mymod:Right"
    assert not right.shipped
