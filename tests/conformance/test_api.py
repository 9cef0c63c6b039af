"""The suite as a call, from a script or from a test of one's own."""

from __future__ import annotations

import subprocess
import sys

import pytest

import gateparity
from gateparity.errors import InputError

ADAPTERS = """
import dataclasses

from gateparity import Unsupported
from gateparity.backends.numpy import Scratch


class Right(Scratch):
    version = "9"


class Doubled(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return dataclasses.replace(found, y=2 * found.y)


class Half(Scratch):
    # computes in float32, whatever it is asked for

    unsupported = {"gates": "none", "gradients": "none"}

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        cut = {n: a.astype("float32").astype(config.dtype) for n, a in vars(found).items()}
        return dataclasses.replace(found, **cut)


class Raises(Scratch):
    def gates(self, config, params, batch):
        raise RuntimeError("no gates here")


class RefusesAll(Scratch):
    def __init__(self):
        raise Unsupported("it needs another machine")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "mymod.py").write_text(ADAPTERS, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_check_returns_every_result():
    run = gateparity.check(["numpy", "mymod:Right"], seed=4)
    assert (run.exit_code, run.verdict, run.seed) == (0, "agrees", 4)
    assert [row.label for row in run.rows] == ["numpy:scratch", "mymod:Right"]
    assert len(run.results) == 44
    assert {result.status for result in run.results} == {"pass"}
    assert [(p.a, p.b, p.dtype, p.status, p.max_error) for p in run.pairs] == [
        ("numpy:scratch", "mymod:Right", dtype, "pass", 0) for dtype in ("float32", "float64")
    ]
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
    run = gateparity.check(["mymod:Half", "numpy", "mymod:Right", "mymod:RefusesAll"])
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


def test_the_same_seed_gives_the_same_results():
    one, other = (gateparity.check(["numpy"], checks=["layers"], seed=2) for _ in range(2))
    assert one.results == other.results
    third = gateparity.check(["numpy"], checks=["layers"], seed=3)
    assert [r.max_error for r in one.results] != [r.max_error for r in third.results]


def test_a_row_is_run_once():
    run = gateparity.check(["numpy", "numpy:scratch", "numpy"], cases=["unit"], checks=["forward"])
    assert [row.label for row in run.rows] == ["numpy:scratch"]


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


def test_parity_passes_in_silence():
    assert gateparity.assert_parity(["numpy", "mymod:Right"], seed=1) is None


def test_no_parity_tells_everything_and_how_to_repeat_it():
    with pytest.raises(AssertionError) as caught:
        gateparity.assert_parity(["numpy", "mymod:Doubled"], seed=5)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2 * 12 + 2  # 12 results with a repeat each, 2 pairs
    assert lines[0].startswith("mymod:Doubled forward sequence float32 fail: y[")
    command = "gateparity check --backend mymod:Doubled --check forward --case sequence --seed 5"
    assert lines[1] == f"  repeat: {command}"
    assert lines[-1].startswith("numpy:scratch and mymod:Doubled differ: forward, sequence: y[")


def test_an_error_is_no_parity():
    with pytest.raises(
        AssertionError, match="gates sequence float32 error: RuntimeError: no gates"
    ):
        gateparity.assert_parity(["mymod:Raises"])


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
