"""The suite as a call, from a script or from a test of one's own."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections import Counter

import pytest

import gateparity
from gateparity.backends.numpy.scratch import Scratch
from gateparity.conformance.runs.plan import suite_plan
from gateparity.errors import InputError

ADAPTERS = """
import dataclasses

from gateparity import Unsupported
from gateparity.backends.numpy.scratch import Scratch
from gateparity.network.batch import map_arrays


class Right(Scratch):
    version = "9"


class Doubled(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return dataclasses.replace(found, y=2 * found.y)


class NoBias(Scratch):
    # without gradients, so that outputs are all that is asked for

    unsupported = {"gates": "none", "gradients": "none"}

    def forward(self, config, params, batch):
        bare = {n: a * 0 if ".b_" in n else a for n, a in params.items()}
        return super().forward(config, bare, batch)


class Half(Scratch):
    # computes in float32, whatever it is asked for

    unsupported = {"gates": "none", "gradients": "none"}

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return map_arrays(lambda a: a.astype("float32").astype(config.dtype), found)


class Raises(Scratch):
    def gates(self, config, params, batch):
        raise RuntimeError("no gates here")


class NeverRuns(Scratch):
    def forward(self, config, params, batch):
        raise RuntimeError("boom")

    gates = gradients = forward


class LosesWeights(NeverRuns):
    def weights(self, config, params):
        return {name: 2 * array for name, array in params.items()}


class RefusesAll(Scratch):
    def __init__(self):
        raise Unsupported("it needs another machine")
"""


NO_NAMES = [
    (
        [Scratch()],
        "backends holds an object of Scratch, expected a backend's name, 'numpy' or 'module:Class'",
    ),
    ([Scratch], "backends holds the class Scratch, expected a backend's name"),
    (["numpy", None], "backends holds an object of NoneType, expected a backend's name"),
    ("numpy", "backends is 'numpy', expected a list of names: ['numpy']"),
]


@pytest.mark.parametrize("call", [gateparity.check, gateparity.assert_parity])
@pytest.mark.parametrize(("backends", "words"), NO_NAMES, ids=["object", "class", "None", "text"])
def test_what_is_no_name_is_refused_with_what_is_expected(call, backends, words):
    with pytest.raises(InputError) as caught:
        call(backends)
    assert str(caught.value).startswith(words)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "mymod.py").write_text(ADAPTERS, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_check_returns_every_result():
    run = gateparity.check(["numpy", "mymod:Right"])
    assert (run.exit_code, run.verdict, run.seed) == (0, "agrees", 0)
    assert [backend.label for backend in run.backends] == ["numpy:scratch", "mymod:Right"]
    keys = [task.key for task in suite_plan((), (), 0)]
    assert [result.key for result in run.results] == 2 * keys
    statuses = Counter(result.status for result in run.results if result.check != "variants")
    assert statuses["undecided"] < 0.01 * statuses["pass"]  # as few as rounding alone moves far
    assert set(statuses) <= {"pass", "undecided"}
    assert [(p.a, p.b, p.dtype, p.max_error) for p in run.pairs] == [
        ("numpy:scratch", "mymod:Right", dtype, 0)
        for dtype in dict.fromkeys(dtype for *_, dtype in keys)
    ]
    unclear = {result.dtype for result in run.results if result.status == "undecided"}
    for pair in run.pairs:
        assert pair.status == ("undecided" if pair.dtype in unclear else "pass")
    assert run.versions["mymod:Right"] == "9"
    assert run.seconds > 0


def test_check_takes_cases_and_checks():
    run = gateparity.check(["numpy"], cases=["unit"], checks=["gradients"])
    assert [result.key for result in run.results] == [
        ("gradients", "unit", "float32"),
        ("gradients", "unit", "float64"),
    ]
    assert run.exit_code == 2  # one backend alone


def test_pairs_are_compared_at_each_dtype_in_what_both_computed():
    backends = ["mymod:Half", "numpy", "mymod:Right", "mymod:RefusesAll"]
    run = gateparity.check(backends, checks=["forward", "gates", "gradients"], cases=["sequence"])
    found = {(p.a.split(":")[1], p.b.split(":")[1], p.dtype): p for p in run.pairs}
    assert len(found) == len(run.pairs) == 2 * 6
    assert found["Half", "scratch", "float32"].status == "pass"
    for other in ("scratch", "Right"):
        pair = found["Half", other, "float64"]
        assert pair.status == "fail"
        assert 1e-9 < pair.max_error < 1e-7
        assert pair.reason.startswith("forward, sequence: y[")
    assert found["scratch", "Right", "float64"].max_error == 0
    skipped = found["Right", "RefusesAll", "float32"]
    assert (skipped.status, skipped.reason) == ("skip", "nothing that both computed")


def test_a_pair_with_a_backend_that_never_ran_has_no_number():
    """Its weights came back, and nonsense was refused on this side; nothing was computed."""
    run = gateparity.check(["numpy", "mymod:NeverRuns"], cases=["sequence", "zero_states"])
    passed = {
        result.check for result in run.results[len(run.results) // 2 :] if result.reason == ""
    }
    assert passed == {"layout", "refusal"}
    assert {(pair.status, pair.sigmas, pair.max_error, pair.reason) for pair in run.pairs} == {
        ("skip", None, None, "nothing that both computed")
    }


def test_a_pair_that_computed_nothing_still_differs_in_its_weights():
    work = {"checks": ["layout", "forward"], "cases": ["sequence"]}
    run = gateparity.check(["numpy", "mymod:LosesWeights"], **work)
    assert {(pair.dtype, pair.status) for pair in run.pairs} == {
        ("float32", "fail"),
        ("float64", "fail"),
    }
    assert all(pair.reason.startswith("layout, sequence: w_ih") for pair in run.pairs)


def test_the_same_seed_gives_the_same_results():
    work = {"checks": ["layers"], "cases": ["stacked"]}
    one, other = (gateparity.check(["numpy"], seed=2, **work) for _ in range(2))
    assert one.results == other.results
    third = gateparity.check(["numpy"], seed=3, **work)
    assert [r.max_error for r in one.results] != [r.max_error for r in third.results]


def test_a_row_is_run_once():
    run = gateparity.check(["numpy", "numpy:scratch", "numpy"], cases=["unit"], checks=["forward"])
    assert [backend.label for backend in run.backends] == ["numpy:scratch"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"backends": ["nump"]}, "unknown backend 'nump' (did you mean numpy?)"),
        ({"backends": ["numpy:layer"]}, "unknown variant 'layer' of numpy"),
        ({"backends": ["mymod:Right@"]}, "mymod:Right@: no Python interpreter at an empty path"),
        ({"backends": ["numpy@"]}, "numpy@: no Python interpreter at an empty path"),
        ({"cases": ["none"]}, "unknown case 'none'"),
        ({"checks": ["none"]}, "unknown check 'none'"),
        ({"seed": -1}, "seed is -1, expected 0 or more"),
    ],
)
def test_bad_names_are_refused(arguments, words):
    with pytest.raises(InputError) as caught:
        gateparity.check(**{"backends": ["numpy"], **arguments})
    assert words in str(caught.value)


def test_an_adapter_is_checked_in_this_process(folder, monkeypatch):
    monkeypatch.syspath_prepend(folder)
    import mymod

    work = {"checks": ["forward", "gates"], "cases": ["sequence", "unit"], "seed": 4}
    results = gateparity.check_adapter(mymod.Right(), **work)
    far = gateparity.check(["mymod:Right"], **work)
    assert [result.status for result in results] == ["pass"] * len(far.results)
    assert [(result.backend.label, *result.key) for result in results] == [
        (result.backend.label, *result.key) for result in far.results
    ]
    assert [result.max_error for result in results] == [r.max_error for r in far.results]


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [("Doubled", "fail", "y[0, "), ("Raises", "error", "RuntimeError: no gates here")],
)
def test_what_an_adapter_does_wrong_here_is_a_result(folder, monkeypatch, name, status, words):
    monkeypatch.syspath_prepend(folder)
    import mymod

    adapter = getattr(mymod, name)()
    results = gateparity.check_adapter(adapter, cases=["sequence"], checks=["forward", "gates"])
    check = "forward" if name == "Doubled" else "gates"
    assert {r.check for r in results if r.status != "pass"} == {check}
    for result in results:
        assert result.status == (status if result.check == check else "pass")
        assert words in result.reason or result.check != check


@pytest.mark.parametrize("cache", [False, True])
def test_budgets_of_an_adapter_are_kept_unless_cache_is_false(tmp_path, monkeypatch, cache):
    kept = tmp_path / "kept"
    monkeypatch.setenv("GATEPARITY_PROGRAMS", str(kept))
    gateparity.check_adapter(Scratch(), cases=["unit"], checks=["forward"], cache=cache)
    assert any(path.is_file() for path in kept.rglob("*")) == cache


def test_an_adapter_cannot_spoil_a_case_for_the_truth():
    class Spoils(Scratch):
        def forward(self, config, params, batch):
            batch.x[:] = 0
            return super().forward(config, params, batch)

    found = gateparity.check_adapter(Spoils(), cases=["unit"], checks=["forward"])
    words = "ValueError: assignment destination is read-only (test_api.py, line"
    assert all((r.status, r.reason.rpartition(" ")[0]) == ("error", words) for r in found)


@pytest.mark.parametrize(
    ("adapter", "options", "words"),
    [
        (Scratch, {}, "Scratch is a class, expected one of its objects"),
        (object(), {}, "builtins:object is no adapter: it has no method forward"),
        (Scratch(), {"checks": ["forwad"]}, "unknown check 'forwad' (did you mean forward?)"),
        (Scratch(), {"cases": ["none"]}, "unknown case 'none'"),
        (Scratch(), {"seed": -1}, "seed is -1, expected 0 or more"),
    ],
)
def test_what_is_no_adapter_is_refused(adapter, options, words):
    with pytest.raises(InputError) as caught:
        gateparity.check_adapter(adapter, **options)
    assert words in str(caught.value)


def test_parity_passes_and_warns_of_nothing():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        cases = ["sequence", "stacked"]
        assert gateparity.assert_parity(["numpy", "mymod:Right"], cases=cases) is None
    assert not seen


def test_no_parity_tells_everything_and_how_to_repeat_it():
    with pytest.raises(AssertionError) as caught:
        gateparity.assert_parity(["numpy", "mymod:Doubled"], cases=["sequence", "ragged", "deep"])
    lines = str(caught.value).splitlines()
    commands = [line for line in lines if line.startswith("  repeat: ")]
    assert len(commands) > 12
    assert lines[1::2][: len(commands)] == commands  # each beneath its result, pairs at the end
    assert lines[0].startswith("mymod:Doubled forward sequence float32 fail: y[")
    backends, work = "--backend numpy --backend mymod:Doubled", "--check forward --case sequence"
    assert lines[1] == f"  repeat: gateparity check {backends} {work} --seed 0"
    sentence, *pairs = lines[2 * len(commands) :]
    assert sentence == "mymod:Doubled: no known mistake explains it"
    assert pairs[0].startswith("numpy:scratch and mymod:Doubled differ: forward, sequence: y[")


def test_no_parity_tells_which_known_mistake_it_is():
    with pytest.raises(AssertionError) as caught:
        gateparity.assert_parity(["numpy", "mymod:NoBias"], cases=["sequence", "ragged"])
    words = "mymod:NoBias: it behaves exactly as if the biases were left out"
    assert words in str(caught.value).splitlines()


def test_an_error_is_no_parity():
    with pytest.raises(
        AssertionError, match="gates sequence float32 error: RuntimeError: no gates"
    ):
        gateparity.assert_parity(["mymod:Raises"], cases=["sequence"])


def test_the_command_that_repeats_an_error_has_its_seed():
    """Of an adapter that never answers, so that no budget of that seed is drawn."""
    with pytest.raises(AssertionError, match=r"  repeat: gateparity check .* --seed 5\n"):
        gateparity.assert_parity(["mymod:NeverRuns"], cases=["sequence"], seed=5)


def test_a_part_of_the_suite_is_of_backends_alone():
    with pytest.raises(InputError, match="checks are given with two layers, expected none"):
        gateparity.assert_parity(object(), object(), checks=["forward"])


def test_nothing_compared_is_no_parity():
    with pytest.raises(AssertionError, match="nothing was compared"):
        gateparity.assert_parity(["mymod:RefusesAll"])


def test_a_class_beside_a_script_is_found_from_any_folder(folder, tmp_path_factory):
    """Its folder is on the script's own import path, and so on its worker's."""
    script = folder / "script.py"
    script.write_text(
        "import gateparity\n"
        "if __name__ == '__main__':\n"
        "    run = gateparity.check(['mymod:Right'], cases=['unit'], checks=['forward'])\n"
        "    print(*[(r.status, r.reason) for r in run.results])\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "('pass', '') ('pass', '')\n"
