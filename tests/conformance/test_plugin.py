"""The suite under pytest, in a pytest of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

import gateparity.conformance
from gateparity.conformance.runs.groups import group_tasks, task_id
from gateparity.conformance.runs.plan import suite_plan
from tests.command import run_command

PLAN = group_tasks(suite_plan((), (), 0))
NAMED = [tasks for tasks in PLAN if not tasks[0].case.problem]
SUITE = Path(gateparity.conformance.__file__).parent / "test_parity.py"
BACKEND, SEED = "--gateparity-backend", "--gateparity-seed"
SEVERAL = "(forward or gates or layers) and not (problems or many_layers)"
LIAR = '''
from gateparity.backends.numpy.scratch import Scratch
from gateparity.network.batch import replace_arrays


class Liar(Scratch):
    """Wrong in h_n, at two layers alone."""

    unsupported = {"gates": "it keeps its gates to itself"}

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return replace_arrays(found, h_n=found.states["h"] * config.layers)
'''


def run(folder, *arguments):
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environ | {"PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def run_pytest(folder, *arguments):
    return run(
        folder, "-m", "pytest", "-p", "no:cacheprovider", "--import-mode=importlib", *arguments
    )


def test_numpy_passes(tmp_path):
    """In part: the environment of tox's with NumPy runs the whole suite."""
    done = run_pytest(tmp_path, str(SUITE), BACKEND, "numpy", "-k", "ragged or variants")
    assert done.returncode == 0, done.stdout
    chosen = [tasks for tasks in PLAN if re.search("ragged|variants", task_id(tasks))]
    # it has a scratch variant alone
    skipped = sum(tasks[0].check.name == "variants" for tasks in chosen)
    assert f"{len(chosen) - skipped} passed, {skipped} skipped" in done.stdout
    assert done.stderr == ""


def test_the_folder_of_the_suite_is_its_address(tmp_path):
    done = run_pytest(tmp_path, str(SUITE.parent), BACKEND, "numpy", "--collect-only", "-q")
    assert done.returncode == 0, done.stdout
    assert f"{len(PLAN)} tests collected" in done.stdout


def test_ids_are_readable_and_stable(tmp_path):
    done = run_pytest(tmp_path, str(SUITE), BACKEND, "numpy", "--collect-only", "-q")
    ids = re.findall(r"::test_parity\[(.*)\]", done.stdout)
    assert ids == [f"numpy-scratch-{task_id(tasks)}" for tasks in PLAN]
    assert len(set(ids)) == len(PLAN)
    assert ids[0] == "numpy-scratch-forward-T5-B3-I4-H6-float32-sequence"
    assert "numpy-scratch-permutation-float64-problems" in ids


def test_a_test_is_chosen_by_its_id(tmp_path):
    words = "numpy and lengths and ragged and float64"
    done = run_pytest(tmp_path, str(SUITE), BACKEND, "numpy", "-k", words)
    assert f"1 passed, {len(PLAN) - 1} deselected" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([BACKEND, "nunpy"], "unknown backend 'nunpy' (did you mean numpy?)"),
        ([BACKEND, "numpy", BACKEND, "numpy:layer"], "unknown variant 'layer' of numpy"),
        ([BACKEND, "numpy@/nowhere"], "no Python interpreter at /nowhere"),
        ([BACKEND, "numpy", SEED, "-1"], "--gateparity-seed is -1, expected 0 or more"),
    ],
)
def test_bad_options_are_refused_in_one_line(tmp_path, arguments, words):
    done = run_pytest(tmp_path, str(SUITE), *arguments)
    assert done.returncode == 4  # pytest's for a usage error
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    assert len(lines) == 1
    assert lines[0].startswith("ERROR: gateparity: ")
    assert words in lines[0]


OWN_OPTIONS = """
def pytest_addoption(parser):
    for name in ("--backend", "--seed", "--case", "--check"):
        parser.addoption(name, default="mine")
"""


def test_options_of_a_conftest_stand_beside_the_plugins(tmp_path):
    (tmp_path / "conftest.py").write_text(OWN_OPTIONS)
    (tmp_path / "test_own.py").write_text(
        "def test_own(pytestconfig):\n    assert pytestconfig.getoption('backend') == 'theirs'\n"
    )
    done = run_pytest(tmp_path, "--backend", "theirs", "test_own.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_every_option_of_the_plugin_begins_with_the_packages_name(tmp_path):
    done = run_pytest(tmp_path, "--help")
    group = re.search(r"^one LSTM in .*?:\n(.*?)\n\n", done.stdout, re.MULTILINE | re.DOTALL)[1]
    options = re.findall(r"^  (-\S+?)[= ]", group, re.MULTILINE)
    assert len(options) == 2
    assert all(option.startswith("--gateparity-") for option in options), options


def test_a_liar_fails_with_the_command_that_repeats_it(tmp_path):
    (tmp_path / "mymod.py").write_text(LIAR)
    chosen = (BACKEND, "mymod:Liar", SEED, "6", "-k", SEVERAL)
    done = run_pytest(tmp_path, str(SUITE), *chosen, "-rA")
    assert done.returncode == 1
    for status, wanted in (("FAILED", "layers"), ("PASSED", "forward")):
        found = re.findall(rf"^{status} .*?\[(.*?)\]", done.stdout, re.MULTILINE)
        ids = [f"mymod-Liar-{task_id(tasks)}" for tasks in NAMED if tasks[0].check.name == wanted]
        assert found == ids
    assert "it keeps its gates to itself" in done.stdout
    assert "fail: h_n[" in done.stdout
    assert "Traceback" not in done.stdout
    repeat = re.findall(r"^repeat: (gateparity .*)$", done.stdout, re.MULTILINE)[0]
    assert repeat.endswith("--backend mymod:Liar --check layers --case stacked --seed 6")
    again = run_command(*shlex.split(repeat)[1:], cwd=tmp_path)
    assert again.returncode == 1
    reason = re.search(r"^fail: (.*)$", done.stdout, re.MULTILINE)[1]
    assert reason in again.stdout


def test_the_array_is_one_test_for_each_check_and_dtype_and_names_its_worst_problem(tmp_path):
    (tmp_path / "mymod.py").write_text(LIAR)
    chosen = (BACKEND, "mymod:Liar", "-k", "forward and float32 and problems")
    done = run_pytest(tmp_path, str(SUITE), *chosen)
    assert "1 failed" in done.stdout
    worst = r"the worst: problem (\d+) \(T \d+, B .*[23] layers.*\): h_n"
    words = rf"^fail: \d+ problems: \d+ pass, \d+ fail; {worst}"
    number = re.search(words, done.stdout, re.MULTILINE)[1]
    assert f"--check forward --problem {number} --seed 0" in done.stdout


def test_a_row_has_one_worker_for_all_its_tests(tmp_path):
    (tmp_path / "mymod.py").write_text(LIAR + "\nopen('starts', 'a').write('started ')\n")
    run_pytest(tmp_path, str(SUITE), BACKEND, "mymod:Liar", "-k", SEVERAL)
    assert (tmp_path / "starts").read_text() == "started "


@pytest.mark.parametrize(
    "address", ["gateparity.conformance", "gateparity.conformance.test_parity"]
)
def test_it_runs_by_its_name_with_nothing_configured(tmp_path, address):
    """As an installed user's pytest does it, with warnings as errors and strict markers."""
    (tmp_path / "mymod.py").write_text(LIAR)
    strict = ("-W", "error", "--strict-markers", "-k", "gates or (forward and unit)")
    arguments = ("--pyargs", address, BACKEND, "mymod:Liar", *strict)
    done = run(tmp_path, "-m", "pytest", "-p", "no:cacheprovider", "-rA", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout
    assert f"rootdir: {tmp_path}\n" in done.stdout
    passed = re.findall(r"^PASSED .*?\[(.*)\]", done.stdout, re.MULTILINE)
    assert set(passed) == {
        f"mymod-Liar-forward-T1-B1-I1-H1-{dtype}-unit" for dtype in ("float32", "float64")
    }


def run_on_processes(tmp_path, *options):
    """The outcome of every test, and how often the liar's module was imported."""
    (tmp_path / "mymod.py").write_text(LIAR + "\nopen('starts', 'a').write('started ')\n")
    (tmp_path / "starts").write_text("")
    chosen = (BACKEND, "mymod:Liar", BACKEND, "numpy", "-k", SEVERAL)
    done = run_pytest(tmp_path, str(SUITE), *chosen, "-rA", "--strict-markers", *options)
    found = re.findall(r"^(PASSED|FAILED) .*?\[(.*?)\]", done.stdout, re.MULTILINE)
    return sorted(found), (tmp_path / "starts").read_text().split()


@pytest.mark.parametrize("dist", ["load", "loadgroup"])
def test_several_processes_give_the_same_results(tmp_path, dist):
    pytest.importorskip("xdist")
    alone, _ = run_on_processes(tmp_path)
    assert {status for status, _ in alone} == {"PASSED", "FAILED"}
    together, _ = run_on_processes(tmp_path, "-n", "2", "--dist", dist)
    assert together == alone


@pytest.mark.xfail(
    bool(find_spec("xdist"))
    and (version("pytest-xdist"), pytest.__version__) == ("3.8.0", "9.2.0"),
    reason="loadgroup groups nothing there: https://github.com/pytest-dev/pytest-xdist/issues/1386",
    strict=True,
)
def test_a_group_is_a_row_and_its_framework_is_imported_once(tmp_path):
    pytest.importorskip("xdist")
    _, starts = run_on_processes(tmp_path, "-n", "2", "--dist", "loadgroup")
    assert starts == ["started"]


def test_a_crash_fails_its_own_row_alone(tmp_path):
    (tmp_path / "mymod.py").write_text(
        LIAR + "\n    def gradients(self, *_):\n        import os\n        os._exit(1)\n"
    )
    backends = (BACKEND, "mymod:Liar", BACKEND, "numpy")
    done = run_pytest(
        tmp_path, str(SUITE), *backends, "-k", "(forward or gradients) and not problems"
    )
    assert done.returncode == 1
    assert not re.search(r"^FAILED .*\[numpy", done.stdout, re.MULTILINE)
    assert "error: its worker died during gradients (exit code 1)" in done.stdout


QUIET = """
import sys
import pytest
others = ["-p", "no:xdist", "-p", "no:xdist.looponfail"]  # import execnet themselves
code = pytest.main(["-q", "-p", "no:cacheprovider", *others, "test_own.py"])
assert code == 0, code
assert "gateparity.conformance.plugin" in sys.modules
print(sorted({m.partition(".")[0] for m in sys.modules} & {"numpy", "rich", "typer", "execnet"}))
"""


def test_pytest_for_other_tests_imports_nothing(tmp_path):
    """The plugin is installed with gateparity, and loaded by every pytest there."""
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    done = run(tmp_path, "-c", QUIET)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr


def test_importing_the_plugin_imports_nothing(tmp_path):
    code = (
        "import sys, gateparity.conformance.plugin\n"
        "print({'numpy', 'rich', 'typer', 'execnet', 'einops'} & set(sys.modules))"
    )
    assert run(tmp_path, "-c", code).stdout == "set()\n"
