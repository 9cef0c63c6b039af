"""A failure made by one command is repeated by another, from the file alone."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from gateparity.backends.backend import Backend
from gateparity.backends.catalogue import is_shipped
from gateparity.conformance.failures.failure import Failure, load_failure, save_failure
from gateparity.conformance.failures.reductions import keep_units
from gateparity.conformance.failures.replay import Replay, exit_code, replay
from gateparity.conformance.judgement.deviations import find_deviations
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.result import Result
from gateparity.conformance.runs.truths import Truths
from gateparity.conformance.storage.tensors import unpack_tensors
from tests.command import run_command

LIAR = """
import dataclasses
import os

from gateparity import Unsupported
from gateparity.backends.numpy.scratch import Scratch
from gateparity.layouts import D2L
from gateparity.network.batch import replace_arrays

with open("imported", "a") as file:
    file.write(__name__)


class Swapped(Scratch):
    version = "1.0"
    layout = dataclasses.replace(D2L, gates=("i", "f", "o", "c"))


class OffElsewhere(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return replace_arrays(found, c_n=found.states["c"] + 1)


class WrongIfCompiled(OffElsewhere):
    def uncompiled(self):
        return Scratch()


class Dies(Scratch):
    def forward(self, config, params, batch):
        os._exit(3)


class Refuses(Scratch):
    def forward(self, config, params, batch):
        raise Unsupported("never on Sundays")


class ForwardOnly(Scratch):
    unsupported = {"gradients": "it runs forward only"}

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        return found if batch.lengths is None else dataclasses.replace(found, y=found.y + 1)
"""
FILE = "failed here/liar-Swapped-forward-sequence-float32.safetensors"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("user")
    (folder / "liar.py").write_text(LIAR)
    return folder


@pytest.fixture(scope="module")
def gateparity(folder):
    """Run the command in that folder, or in another one."""

    def run(*arguments, cwd=folder, **environ):
        return run_command(*arguments, cwd=cwd, env=environ)

    return run


@pytest.fixture(scope="module")
def checked(gateparity):
    """A check that failed and was saved."""
    line = ("check", "-b", "numpy", "-b", "liar:Swapped", "--check", "forward")
    cases = ("--case", "sequence", "--case", "deep")
    done = gateparity(*line, *cases, "--save", "failed here", "--json", "run.json")
    assert done.returncode == 1, done.stdout + done.stderr
    return done


@pytest.fixture
def file(checked, folder):
    return folder / FILE


def change(file, path, **changes):
    """A file like another."""
    save_failure(dataclasses.replace(load_failure(file), **changes), path)
    return path


def test_a_check_tells_what_it_saved(checked, folder):
    line = f"Saved: '{FILE}' (T1-B1-I1-H1); gateparity replay '{FILE}' --backend liar:Swapped"
    assert checked.stdout.splitlines().count(line) == 1
    assert checked.stdout.count("Saved: ") == 1
    assert [path.name for path in (folder / "failed here").iterdir()] == [Path(FILE).name]
    results = json.loads((folder / "run.json").read_text())["results"]
    assert [r["saved"] for r in results if "saved" in r] == [FILE]


def test_the_command_that_it_prints_fails_as_it_did(gateparity, checked):
    command = re.search(r"; gateparity (replay .*)$", checked.stdout, re.MULTILINE)[1]
    done = gateparity(*shlex.split(command))
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^liar:Swapped 1\.0 differs: .*; the same bits", done.stdout, re.MULTILINE)


def test_where_it_failed_it_fails_to_the_last_bit(gateparity, file, folder):
    done = gateparity("replay", file, "--backend", "liar:Swapped", "--json", "again.json")
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr == ""
    assert re.search(
        r"^liar:Swapped 1\.0 differs: .*; the same bits as recorded$", done.stdout, re.MULTILINE
    )
    found = json.loads((folder / "again.json").read_text(), parse_constant=pytest.fail)
    assert (found["exit_code"], found["check"], found["sizes"]) == (1, "forward", "T1-B1-I1-H1")
    (again,) = found["replays"]
    assert (again["status"], again["same_bits"], again["same_truth"]) == ("fail", True, True)
    assert [(a["array"], a["then"] == a["now"]) for a in again["arrays"]] == [
        *(("y", True), ("h_n", True), ("c_n", True))
    ]


def test_numpy_agrees(gateparity, file):
    done = gateparity("replay", file, "-b", "numpy")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"numpy:scratch {np.__version__} agrees; other bits than recorded in y" in done.stdout


def test_it_tells_what_the_file_is(gateparity, file):
    text = gateparity("replay", file, "-b", "numpy").stdout
    failure = load_failure(file)
    assert text.startswith("agrees: forward, case sequence, float32, T1-B1-I1-H1\n")
    assert text.endswith("\nagrees: forward, case sequence, float32, T1-B1-I1-H1\n")
    lines = [re.split(r" {2,}", line.strip()) for line in text.splitlines()]
    assert ["verdict", failure.message] in lines
    assert all([name, value] in lines for name, value in failure.manifest.items())
    (cells,) = [line for line in lines if line[0] == "y[0, 0, 0]"]
    found, expected = failure.found["y"].item(), failure.truth["y"].item()
    assert cells[1] == f"{found:.9g}"
    assert float(cells[3]) == pytest.approx(expected, rel=1e-8, abs=1e-30)
    then, mark = cells[4].split()
    assert mark == "X"
    assert float(then) > 8 > float(cells[5])


def test_another_machine_needs_the_file_alone(gateparity, file, tmp_path):
    (tmp_path / "f").write_bytes(file.read_bytes())
    done = gateparity("replay", "f", "-b", "numpy", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_another_difference_is_one_too(gateparity, file):
    done = gateparity("replay", file, "-b", "liar:OffElsewhere")
    assert done.returncode == 1
    assert re.search(r"^liar:OffElsewhere \S+ differs: c_n\[0, 0, 0\]", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "words"), [("Dies", "its worker died"), ("Refuses", "never on Sundays"), ("No", "No")]
)
def test_what_cannot_run_is_2(gateparity, file, name, words):
    done = gateparity("replay", file, "-b", f"liar:{name}", "--json", "none.json")
    assert done.returncode == 2
    assert "could not run: " in done.stdout
    assert words in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_file_names_no_code(gateparity, file, folder):
    """Its label is `liar:Swapped`, and liar.py lies beside: it isn't looked for."""
    (folder / "imported").unlink(missing_ok=True)
    done = gateparity("replay", file)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"gateparity: {file} failed in liar:Swapped, which is none of gateparity's own backends: "
        "say what to run with --backend\n"
    )
    assert not (folder / "imported").exists()


def test_a_shipped_backend_is_found_by_its_label(gateparity, file, tmp_path):
    path = change(file, tmp_path / "x", backend="numpy:scratch")
    done = gateparity("replay", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "numpy:scratch" in done.stdout


def test_a_shipped_backend_that_is_not_here_cannot_run(gateparity, file, tmp_path):
    path = change(file, tmp_path / "x", backend="mxnet:layer")
    done = gateparity("replay", path, GATEPARITY_ENVS=str(tmp_path))
    if "MXNet is neither here nor in an environment" not in done.stdout:
        pytest.skip("MXNet is in this interpreter")
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("label", "shipped"),
    [
        ("torch:layer", True),
        ("numpy:scratch", True),
        ("numpy:layer", False),
        ("torch", False),
        ("torch:", False),
        ("torch:layer@/tmp/evil/python", False),
        ("os:system", False),
        ("", False),
    ],
)
def test_labels_of_shipped_adapters(label, shipped):
    assert is_shipped(label) is shipped


def test_what_has_no_gradients_is_replayed_by_its_outputs(gateparity, folder):
    """Where one of then and now has some, they are shown, as what the other didn't find."""
    line = (
        "check",
        "-b",
        "numpy",
        "-b",
        "liar:ForwardOnly",
        "--check",
        "lengths",
        "--case",
        "ragged",
        "--save",
        "alone",
    )
    assert gateparity(*line).returncode == 1
    file, *_ = sorted((folder / "alone").iterdir())
    found = {}
    for backend, code in (("liar:ForwardOnly", 1), ("numpy", 0)):
        done = gateparity("replay", file, "-b", backend, "--json", "alone.json")
        assert done.returncode == code, done.stdout + done.stderr
        (found[backend],) = json.loads((folder / "alone.json").read_text())["replays"]
    again, numpy = found.values()
    assert (again["status"], again["same_bits"], again["same_truth"]) == ("fail", True, True)
    assert {a["array"].split(",")[0] for a in again["arrays"]} == {"y", "h_n", "c_n"}
    gradients = [a for a in numpy["arrays"] if a["array"].startswith("d_")]
    assert {(a["then"], a["now"] is None) for a in gradients} == {(None, False)}


def test_a_known_deviation_holds_for_a_saved_case_too(file):
    """The numbers decide, whatever the case is called: a shrunk case has its first one's name."""
    jax = Backend("jax", "layer", "gateparity.backends.numpy.scratch:Scratch", Path(sys.executable))
    case = RECIPES["nan_padding"].build("float32", 0)
    assert find_deviations(jax, case)
    failure = dataclasses.replace(load_failure(file), check="lengths", case=case)
    found = replay(failure, jax, 60.0).result
    assert (found.status, found.reason.partition(" (")[0]) == ("fail", "it no longer deviates")
    full = dataclasses.replace(case, batch=dataclasses.replace(case.batch, lengths=None))
    assert not find_deviations(jax, full)


@pytest.mark.parametrize(
    ("statuses", "code"), [("pass known", 0), ("known fail", 1), ("known error", 2), ("skip", 2)]
)
def test_a_known_deviation_is_an_answer(statuses, code):
    backend = Backend("jax", "layer", "", None)
    results = [Result(backend, "forward", "unit", "float32", status) for status in statuses.split()]
    assert exit_code([Replay(result, "", (), None, True) for result in results]) == code


@pytest.mark.parametrize(("name", "status"), [("unit", "pass"), ("sequence", "fail")])
def test_a_case_is_replayed_in_the_form_that_it_failed_in(file, folder, name, status, monkeypatch):
    monkeypatch.chdir(folder)
    python, case = Path(sys.executable), RECIPES[name].build("float32", 0)
    mine = Backend("liar", "WrongIfCompiled", "liar:WrongIfCompiled", python, shipped=False)
    failure = dataclasses.replace(load_failure(file), check="forward", case=case)
    assert replay(failure, mine, 60.0).result.status == status


def test_several_variants_are_several_rows(gateparity, file, folder):
    """A spec may name more than one; one of them that can't run is no agreement."""
    done = gateparity("replay", file, "-b", "torch", "--json", "rows.json")
    found = json.loads((folder / "rows.json").read_text())
    assert [backend["variant"] for backend in found["replays"]] == ["scratch", "layer"]
    statuses = {backend["status"] for backend in found["replays"]}
    assert done.returncode == (0 if statuses == {"pass"} else 2)


def refused(done, words):
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("gateparity: ")
    assert words in done.stderr


def test_bad_input_is_one_line(gateparity, file, folder):
    (folder / "junk").write_bytes(b"no such thing" * 99)
    (folder / "cut").write_bytes(file.read_bytes()[:500])
    refused(gateparity("replay", "gone", "-b", "numpy"), "gone can't be read, expected a saved")
    refused(gateparity("replay", "junk", "-b", "numpy"), "junk: no safetensors, or damaged")
    refused(gateparity("replay", "cut", "-b", "numpy"), "cut: no safetensors, or damaged")
    refused(gateparity("replay", file, "-b", "nunpy"), "unknown backend 'nunpy'")
    refused(gateparity("replay", file, "-b", "numpy", "--json", "no/x"), "there is no folder")


def test_a_case_that_a_check_cannot_take_is_one_line(gateparity, folder):
    """Written by hand: carry needs one direction, and no check writes such a file."""
    case = RECIPES["deep"].build("float32", 0)
    expected = Truths().of(CHECKS["forward"], case)
    failure = Failure(
        *("carry", case, "numpy:scratch", {}, {}, {}, "none", {}, 0),
    )
    save_failure(failure, folder / "odd")
    assert expected.truth
    done = gateparity("replay", "odd")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "carry is not for such a case, T5-B3-I4-H6: InputError: carry needs" in done.stderr


def test_other_arrays_than_now_are_told(gateparity, file, tmp_path):
    """A file of a version that found and expected something else."""
    failure = load_failure(file)
    wide = {"y": failure.truth["y"].repeat(2, -1), "gone": failure.truth["y"]}
    sigmas = {name: np.ones_like(array) for name, array in wide.items()}
    path = change(file, tmp_path / "x", found=wide, truth=wide, sigmas=sigmas)
    done = gateparity("replay", path, "-b", "numpy")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The expected results are not those in the file." in done.stdout
    assert "other bits than recorded in y and 3 more arrays" in done.stdout


def test_markup_in_a_file_is_text(gateparity, file, tmp_path):
    odd = "[/] [bold]x[/red]"
    case = dataclasses.replace(load_failure(file).case, name=odd)
    changes = {"backend": odd, "message": odd, "manifest": {odd: odd}, "case": case}
    done = gateparity("replay", change(file, tmp_path / "x", **changes), "-b", "numpy")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(odd) == 6  # the case's name stands first and last


def test_reports_have_what_is_printed(gateparity, file, folder):
    files = ("--report", "again.html", "--report", "again.md")
    done = gateparity("replay", file, "-b", "liar:Swapped", *files)
    assert (done.returncode, done.stderr) == (1, "")
    assert "# gateparity replay: differs\n" in (folder / "again.md").read_text()
    page = (folder / "again.html").read_text()
    assert "liar:Swapped 1.0 differs" in page
    assert "liar:Swapped 1.0: the worst element of each array" in page


def test_another_size_than_recorded_is_no_crash(gateparity, file, tmp_path):
    """Found and expected are of one case, and the case is another."""
    case = keep_units(RECIPES["sequence"].build("float32", 0), np.arange(2))
    done = gateparity("replay", change(file, tmp_path / "x", case=case), "-b", "numpy")
    assert done.returncode == 0, done.stdout + done.stderr


def test_help_has_examples(gateparity):
    done = gateparity("replay", "--help")
    assert done.returncode == 0
    assert re.findall(r"^ +gateparity replay FILE .+", done.stdout, re.MULTILINE)
    text = " ".join(done.stdout.split())
    assert "Exit code 1: it still fails; 0: it agrees now; 2: it could not run." in text


def test_the_page_tells_what_is_in_a_file(file):
    page = (Path(__file__).parents[3] / "docs" / "failures.md").read_text("utf-8")
    arrays, words = unpack_tensors(file.read_bytes())
    for group in {name.partition(".")[0] for name in arrays}:
        assert f"`{group}." in page
    assert set(words) == {
        *(
            "kind",
            "sha256",
            "schema",
            "check",
            "case",
            "config",
            "seed",
            "backend",
            "message",
            "manifest",
        ),
        *("found", "truth"),
    }
    for option in ("--save", "--no-save", "--backend", "--json", "`gateparity-failures`"):
        assert option in page


def test_nothing_is_saved_where_nothing_fails_or_it_is_not_wanted(gateparity, tmp_path):
    (tmp_path / "liar.py").write_text(LIAR)
    line = ("check", "-b", "numpy", "-b", "liar:Swapped", "--case", "unit", "--check", "forward")
    backends = ("-b", "numpy", "-b", f"numpy@{sys.executable}")
    assert gateparity("check", *backends, "--case", "unit", cwd=tmp_path).returncode == 0
    done = gateparity(*line, "--no-save", cwd=tmp_path)
    assert done.returncode == 1
    assert "saved" not in done.stdout.lower()
    assert not (tmp_path / "gateparity-failures").exists()
    done = gateparity(*line, cwd=tmp_path)
    assert "Saved: gateparity-failures/liar-Swapped-forward-unit-float32" in done.stdout
    assert (tmp_path / "gateparity-failures").is_dir()


def test_a_bad_folder_is_refused_before_the_work(gateparity, folder):
    (folder / "plain file").write_text("")
    line = ("check", "-b", "numpy", "--case", "unit")
    refused(gateparity(*line, "--save", "plain file"), "it is a file")
    refused(gateparity(*line, "--save", "no/such"), "there is no folder")
    refused(gateparity(*line, "--save", "x", "--no-save"), "exclude each other")


def test_a_framework_of_its_own_fails_and_is_replayed(torch_backend, gateparity, tmp_path):
    """PyTorch with another forget bias than it was given, in its own interpreter."""
    (tmp_path / "liar.py").write_text(TORCH_LIAR)
    spec = f"liar:Offset@{torch_backend.python}"
    line = ("check", "-b", "numpy", "-b", spec, "--check", "forward", "--case", "sequence")
    done = gateparity(*line, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    (path,) = (tmp_path / "gateparity-failures").iterdir()
    failure = load_failure(path)
    assert failure.case.sizes == "T1-B1-I1-H1"
    assert failure.backend == "liar:Offset"
    again = gateparity("replay", path, "-b", spec, cwd=tmp_path)
    assert again.returncode == 1, again.stdout + again.stderr
    assert "the same bits as recorded" in again.stdout
    sound = gateparity("replay", path, "-b", f"torch:layer@{torch_backend.python}", cwd=tmp_path)
    assert sound.returncode == 0, sound.stdout + sound.stderr


TORCH_LIAR = """
import dataclasses

from gateparity.backends.torch.layer import Layer
from gateparity.layouts import TORCH


def Offset():
    return dataclasses.replace(Layer(), layout=dataclasses.replace(TORCH, forget_offset=1.0))
"""
