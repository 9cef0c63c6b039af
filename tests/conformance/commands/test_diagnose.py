"""`gateparity diagnose` as a user meets it: a sentence, an exit code, and JSON."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from safetensors.numpy import save_file

from gateparity.conformance.commands.diagnose import _diagnose_all
from gateparity.conformance.diagnosis.evidence import Evidence
from gateparity.conformance.diagnosis.probes import PROBES
from gateparity.layouts import TORCH
from gateparity.network.config import Config
from gateparity.network.parameters import build_parameters
from tests.command import run_command

ADAPTERS = """
import dataclasses

import numpy as np

from gateparity.backends.numpy.scratch import Scratch
from gateparity.packing.layout import Layout
from gateparity.packing.array_spec import ArraySpec


class BlackBox:
    \"\"\"One that packs its gates i, o, f, g, through a layout that says i, f, g, o.\"\"\"

    name, version, unsupported = "blackbox", "1", {}
    layout = Layout(
        "guess",
        (
            ArraySpec("l{layer}{direction}.W", "w_ih", "input (gate hidden)"),
            ArraySpec("l{layer}{direction}.U", "w_hh", "unit (gate hidden)"),
            ArraySpec("l{layer}{direction}.b", "b", "(gate hidden)"),
        ),
    )
    theirs = "iofc"

    def _params(self, native):
        found = {}
        for name, array in native.items():
            cell, _, kind = name.rpartition(".")
            start = {"W": "W_x", "U": "W_h", "b": "b_"}[kind]
            hidden = array.shape[-1] // 4
            for k, gate in enumerate(self.theirs):
                part = array[..., k * hidden : (k + 1) * hidden]
                found[f"{cell}.{start}{gate}"] = part
        return found

    def forward(self, config, params, batch):
        return Scratch().forward(config, self._params(params), batch)


BlackBox.unsupported = {
    "gates": "it doesn't tell them",
    "gradients": "it has none",
}


class Known(BlackBox):
    theirs = "ifco"


class Scales(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        found.y[..., 0] *= 1.0625
        return found


class Doubles(Scratch):
    \"\"\"Through the weights, so that gradients of U would be doubled as well.\"\"\"

    def gradients(self, config, params, batch, cotangent):
        found = super().gradients(config, params, batch, cotangent)
        changed = {k: 2 * a if ".W_h" in k else a for k, a in found.params.items()}
        return dataclasses.replace(found, params=changed)


class Writes(Scratch):
    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        if batch.x.flags.writeable:
            batch.x[...] = 0
        return found


class Raises(Scratch):
    def forward(self, config, params, batch):
        raise RuntimeError("boom")


class RaisesWithoutSteps(Scratch):
    \"\"\"In a check that is no probe.\"\"\"

    def forward(self, config, params, batch):
        if not len(batch.x):
            raise RuntimeError("nothing to stack")
        return super().forward(config, params, batch)


class FlushesSubnormals(Scratch):
    def forward(self, config, params, batch):
        normal = np.abs(batch.x) >= np.finfo(config.dtype).tiny
        x = np.where(normal | np.isnan(batch.x), batch.x, np.zeros_like(batch.x))
        return super().forward(config, params, dataclasses.replace(batch, x=x))


class LastBitNoise(Scratch):
    \"\"\"Within rounding, so that nothing but repeated calls shows it.\"\"\"

    generator = np.random.default_rng(0)

    def forward(self, config, params, batch):
        found = super().forward(config, params, batch)
        step = self.generator.integers(-1, 2, found.y.shape).astype(found.y.dtype)
        return dataclasses.replace(found, y=found.y * (1 + step * np.finfo(found.y.dtype).eps))


class KeepsStates(Scratch):
    \"\"\"Where none are given, as a stateful layer does.\"\"\"

    def __init__(self):
        super().__init__()
        object.__setattr__(self, "kept", {})

    def forward(self, config, params, batch):
        if batch.states is None and batch.x.shape[1] == self.kept.get("size"):
            batch = dataclasses.replace(batch, states=self.kept["states"])
        found = super().forward(config, params, batch)
        self.kept.update(size=batch.x.shape[1], states=found.states)
        return found


class SwapsGates(Scratch):
    \"\"\"Has the candidate and the output gate in each other's place, in some cells.\"\"\"

    cells = "l1"

    def _swapped(self, arrays):
        other = {"c": "o", "o": "c"}
        return {
            name: arrays[name[:-1] + other.get(name[-1], name[-1])]
            if name.startswith(self.cells)
            else array
            for name, array in arrays.items()
        }

    def forward(self, config, params, batch):
        return super().forward(config, self._swapped(params), batch)

    def gates(self, config, params, batch):
        return super().gates(config, self._swapped(params), batch)

    def gradients(self, config, params, batch, cotangent):
        found = super().gradients(config, self._swapped(params), batch, cotangent)
        return dataclasses.replace(found, params=self._swapped(found.params))


class SwapsGatesInReverse(SwapsGates):
    cells = "l0_reverse"


class SwapsGatesAtBottom(SwapsGates):
    cells = "l0."


class Nothing(Scratch):
    def __init__(self):
        raise RuntimeError("no such device")
"""

SOME = [word for case in ("sequence", "ragged", "zero_states") for word in ("--case", case)]
ONE = ("--case", "sequence")

# What is packed i, f, g, o and read i, o, f, g is packed i, g, o, f for one who reads i, f, g, o.
WRONG = "gates packed i, g, o, f"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("user")
    (folder / "mymod.py").write_text(ADAPTERS, "utf-8")
    (folder / "junk").write_text("no failure")
    return folder


@pytest.fixture(scope="module")
def gateparity(folder):
    """Run the command in that folder."""

    def run(*arguments, **environ):
        return run_command(*arguments, cwd=folder, env=environ)

    return run


def load(path):
    return json.loads(path.read_text("utf-8"), parse_constant=pytest.fail)


def test_a_black_box_whose_gates_lie_otherwise(gateparity, folder):
    """It can do nothing but forward, and its layout is a guess: the answer is what is wrong."""
    cases = (*SOME, "--case", "deep", "--case", "stacked")
    done = gateparity("diagnose", "-b", "mymod:BlackBox", *cases, "--json", "box.json")
    assert done.returncode == 1, done.stderr
    (found,) = load(folder / "box.json")["diagnoses"].values()
    assert found["words"].startswith("it behaves exactly as if ")
    lines = done.stdout.splitlines()
    assert lines[0] == lines[-1] == f"differs: {found['words']}"
    assert re.fullmatch(r"mymod:BlackBox differs in \d+ of \d+ probes", lines[1])
    assert f"Ruled out: {len(found['ruled_out'])} of the known mistakes" in done.stdout
    assert found["explanations"] == [[WRONG]]
    probed = {check for check, _, _ in found["probes"]}
    assert probed.isdisjoint({"gates", "gradients"})
    assert probed > {"lengths", "directions", "layers"}


def test_the_right_guess_agrees(gateparity):
    done = gateparity("diagnose", "-b", "mymod:Known", *SOME)
    assert done.returncode == 0, done.stdout + done.stderr
    words = r"agrees\nmymod:Known agrees with the truth in (\d+) of \1 probes\n"
    assert re.fullmatch(words, done.stdout)


def test_what_is_named_runs_alone(gateparity, folder):
    """A check, a case or a problem. Purity runs beside what is named."""
    named = ("--check", "lengths", "--case", "ragged")
    done = gateparity("diagnose", "-b", "mymod:Known", *named, "--json", "named.json")
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = load(folder / "named.json")["diagnoses"].values()
    assert {tuple(probe[:2]) for probe in found["probes"]} == {
        ("lengths", "ragged"),
        ("purity", "sequence"),
    }
    named = ("--check", "forward", "--problem", "1")
    done = gateparity("diagnose", "-b", "mymod:BlackBox", *named, "--json", "named.json", "--force")
    assert done.returncode == 1, done.stdout + done.stderr
    (found,) = load(folder / "named.json")["diagnoses"].values()
    assert ["forward", "problem 1"] in [failing[:2] for failing in found["failing"]]


def test_a_slow_framework_leaves_nothing_out_that_is_named(gateparity, folder, find_backend):
    spec = f"mxnet:scratch@{find_backend('mxnet').python}"
    named = ("--check", "calls", "--case", "zero_states")
    done = gateparity("diagnose", "-b", spec, *named, "--json", "slow.json")
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = load(folder / "slow.json")["diagnoses"].values()
    assert ("calls", "zero_states") in {tuple(probe[:2]) for probe in found["probes"]}


def test_numpy_agrees_in_all_probes(gateparity, folder):
    done = gateparity("diagnose", "-b", "numpy", "--json", "numpy.json")
    assert done.returncode == 0, done.stdout + done.stderr
    count = len(PROBES)
    agrees = f"agrees\nnumpy:scratch agrees with the truth in {count} of {count} probes\n"
    assert done.stdout == agrees
    found = load(folder / "numpy.json")["diagnoses"]["numpy:scratch"]
    assert len(found["probes"]) == count
    empty = ("differing", "failing", "explanations", "ruled_out", "words")
    assert all(not found[name] for name in empty)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Raises", "forward, case sequence, float32: RuntimeError: boom (mymod.py, line"),
        ("Nothing", "forward, case sequence, float32: RuntimeError: no such device"),
    ],
)
def test_an_adapter_that_raises_is_an_error_in_one_line(gateparity, name, words):
    done = gateparity("diagnose", "-b", f"mymod:{name}", *ONE)
    assert done.returncode == 2, done.stdout
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"could not run: mymod:{name} can't be diagnosed: {words}")
    assert done.stderr == ""


def test_budgets_are_kept_unless_no_cache_is_given(gateparity, folder):
    ask, kept = ("diagnose", "-b", "mymod:Known", *ONE, "--check", "forward"), folder / "kept"
    for options, wanted in ((("--no-cache",), False), ((), True)):
        done = gateparity(*ask, *options, GATEPARITY_PROGRAMS=str(kept))
        assert done.returncode == 0, done.stdout + done.stderr
        assert any(path.is_file() for path in kept.rglob("*")) == wanted


def test_a_store_that_cannot_be_written_is_said(gateparity, folder):
    (folder / "no folder").write_text("")
    ask, store = ("diagnose", "-b", "mymod:Known", *ONE), str(folder / "no folder")
    done = gateparity(*ask, GATEPARITY_PROGRAMS=store)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"nothing is kept in {store} for later: " in done.stderr.replace("\n", " ")


def test_an_error_beside_the_probes_is_no_agreement(gateparity):
    done = gateparity("diagnose", "-b", "mymod:RaisesWithoutSteps", *ONE, "--case", "no_steps")
    assert done.returncode == 2, done.stdout
    assert "agrees" not in done.stdout
    words = "sizes, case no_steps, float32: RuntimeError: nothing to stack (mymod.py, line"
    assert done.stdout.startswith(f"could not run: {words}")
    assert "but raises in a check" in done.stdout


def test_the_others_are_diagnosed_beside_one_that_raises(gateparity, folder):
    rows = ("-b", "mymod:Raises", "-b", "numpy")
    done = gateparity("diagnose", *rows, *ONE, "--json", "both.json")
    assert done.returncode == 2
    first, raised, agrees = done.stdout.splitlines()
    assert first == "could not run: 1 of 2 backends"
    assert raised.startswith("mymod:Raises can't be diagnosed: ")
    assert agrees.startswith("numpy:scratch agrees with the truth")
    found = load(folder / "both.json")["diagnoses"]
    assert "boom" in found["mymod:Raises"]["error"]
    assert not found["numpy:scratch"]["differing"]


def test_what_was_found_before_ctrl_c_is_printed(capsys):
    def gather():
        yield Evidence("mine", (), {}, error="mine can't be diagnosed: boom")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _diagnose_all(gather())
    assert capsys.readouterr().out == "could not run: mine can't be diagnosed: boom\n"


def test_a_check_that_fails_beside_the_probes_is_named(gateparity, folder):
    """Subnormal inputs are in no probe, and what is flushed to zero there is no known mistake."""
    cases = (*SOME, "--case", "subnormal")
    done = gateparity("diagnose", "-b", "mymod:FlushesSubnormals", *cases, "--json", "flushes.json")
    assert done.returncode == 1, done.stderr
    assert "agrees" not in done.stdout
    first, second, *_ = done.stdout.splitlines()
    assert first.startswith("differs: values, case subnormal, float32: y[")
    words = r"shows no difference in \d+ probes, but fails a check"
    assert re.fullmatch(f"mymod:FlushesSubnormals {words}", second)
    assert re.search(r"^values +subnormal, float32: y\[.* 2$", done.stdout, re.MULTILINE)
    (found,) = load(folder / "flushes.json")["diagnoses"].values()
    assert {tuple(failing[:2]) for failing in found["failing"]} == {("values", "subnormal")}
    assert not found["differing"]


def in_lines(done):
    return done.stdout, re.MULTILINE


NOISE = "it is not deterministic: repeated calls of forward with the same arguments differ in y"


def test_noise_is_no_mistake(gateparity):
    done = gateparity("diagnose", "-b", "mymod:LastBitNoise", *SOME)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith(f"differs: {NOISE}\n")
    assert "Ruled out" not in done.stdout


def test_states_that_are_kept_are_no_noise(gateparity):
    done = gateparity("diagnose", "-b", "mymod:KeepsStates", *SOME)
    words = "a call without initial states began from the last one's final states"
    assert f"it behaves exactly as if {words}\n" in done.stdout
    assert "not finite" not in done.stdout


@pytest.mark.parametrize("checks", [(), ("--check", "forward", "--check", "purity")])
def test_check_says_of_noise_what_diagnose_says(gateparity, checks):
    work = ("--no-save", "--case", "sequence", *checks)
    done = gateparity("check", "-b", "numpy", "-b", "mymod:LastBitNoise", *work)
    assert done.returncode == 1, done.stdout
    assert re.search(rf"^mymod:LastBitNoise fails \d of \d+ checks: {NOISE}$", *in_lines(done))
    assert "  $ gateparity diagnose -b mymod:LastBitNoise\n" in done.stdout


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("SwapsGates", "of layer 1"),
        ("SwapsGatesInReverse", "of layer 0, reverse,"),
        ("SwapsGatesAtBottom", "of layer 0, forward,"),
    ],
)
def test_a_mistake_in_one_layer_or_direction_is_named(gateparity, name, where):
    words = f"it behaves exactly as if the gates {where} were packed i, f, o, g"
    rows = ("-b", "numpy", "-b", f"mymod:{name}")
    done = gateparity("check", *rows, "--no-save", "--check", "gates", "--case", "deep")
    assert done.returncode == 1, done.stderr
    assert f"mymod:{name} fails 1 of 1 checks: {words}\n" in done.stdout


@pytest.mark.parametrize("verb", ["check", "diagnose"])
def test_a_mistake_is_named_by_a_checkpoint(gateparity, folder, verb):
    config = Config(3, 2, layers=2)
    generator = np.random.default_rng(1)
    params = build_parameters(
        config, lambda _, shape: generator.uniform(-0.5, 0.5, shape).astype("float32")
    )
    arrays = TORCH.pack(params, config)
    save_file({f"rnn.{n}": a for n, a in arrays.items()}, folder / "model.safetensors")
    weights = ("--weights", "model.safetensors", "--prefix", "rnn")
    more = ("-b", "numpy", "--no-save") if verb == "check" else ("--seed", "3")
    done = gateparity(verb, "-b", "mymod:SwapsGates", *weights, *more)
    assert done.returncode == 1, done.stderr
    words = "it behaves exactly as if the gates of layer 1 were packed i, f, o, g"
    assert words in done.stdout
    if verb == "check":
        assert f"gateparity diagnose -b mymod:SwapsGates {' '.join(weights)}\n" in done.stdout


@pytest.mark.parametrize(
    ("name", "mistake"), [("Doubles", "d_w_hh doubled"), ("Writes", "x overwritten")]
)
def test_an_adapters_own_mistake(gateparity, folder, name, mistake):
    done = gateparity("diagnose", "-b", f"mymod:{name}", *SOME, "--json", f"{name}.json")
    assert done.returncode == 1, done.stderr
    (found,) = load(folder / f"{name}.json")["diagnoses"].values()
    assert found["explanations"] == [[mistake]]
    assert mistake not in [entry["name"] for entry in found["ruled_out"]]
    distances = [entry["sigmas"] for entry in found["ruled_out"]]
    known = [d for d in distances if d is not None]
    assert known == sorted(known)
    assert distances[len(known) :] == [None] * (len(distances) - len(known))


def test_failures_that_were_saved(gateparity, folder):
    """Shrunk, and from two seeds: the same check on other numbers."""
    for seed in ("0", "1"):
        gateparity(
            *(
                "check",
                "-b",
                "numpy",
                "-b",
                "mymod:BlackBox",
                "--check",
                "forward",
                "--check",
                "sizes",
                "--case",
                "sequence",
                "--case",
                "one_step",
            ),
            *("--seed", seed, "--save", f"saved{seed}"),
        )
    files = sorted(str(path) for seed in "01" for path in (folder / f"saved{seed}").iterdir())
    assert len(files) >= 4
    pages = ("--report", "saved.html", "--report", "saved.md")
    done = gateparity("diagnose", *files, "--json", "saved.json", *pages)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    (label, found), *more = load(folder / "saved.json")["diagnoses"].items()
    assert (label, more) == ("mymod:BlackBox", [])
    assert "# gateparity diagnose: differs\n" in (folder / "saved.md").read_text()
    assert found["words"] in (folder / "saved.html").read_text()
    assert [WRONG] in found["explanations"]
    assert len(found["probes"]) == len(found["differing"]) == len(files)


def test_two_recorded_runs(gateparity, folder):
    """Each row of each, under a name that says whose it is; no adapter is asked again."""
    for name, more in (("here", ()), ("there", ("-b", "mymod:BlackBox"))):
        checks = ("--check", "forward", "--check", "sizes", "--case", "sequence", "--case", "wide")
        gateparity("check", "-b", "numpy", *more, *checks, "--record", f"{name}.st")
    done = gateparity("diagnose", "here.st", "there.st", "--json", "runs.json")
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.startswith("differs: 1 of 3 backends\n")
    found = load(folder / "runs.json")["diagnoses"]
    (box,) = [label for label in found if label.startswith("mymod:BlackBox")]
    assert len(found) == 3
    assert [label for label, diagnosis in found.items() if diagnosis["differing"]] == [box]
    assert [WRONG] in found[box]["explanations"]


def test_what_no_mistake_explains(gateparity, folder):
    """Of a saved failure: one probe, so that few pairs have to be looked at."""
    gateparity(
        *("check", "-b", "numpy", "-b", "mymod:Scales", "--check", "forward", "--case", "sequence"),
        *("--save", "scales"),
    )
    done = gateparity("diagnose", *(str(path) for path in (folder / "scales").iterdir()))
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("differs: no known mistake explains it\n")


REFUSED = [
    (
        (),
        "expected either a backend or files that `gateparity check` saved: gateparity diagnose",
    ),
    (("-b", "numpy", "junk"), "expected either a backend or files"),
    (("junk",), "junk: "),
    (("gone",), "gone can't be read"),
    (("-b", "nunpy"), "unknown backend 'nunpy' (did you mean numpy?)"),
    (("--weights", "model.pt", "junk"), "expected either a backend or files"),
    (("--check", "forward", "junk"), "expected either a backend or files"),
    (("-b", "numpy", "--problem", "1000"), "--problem is 1000"),
    (("-b", "numpy", "--weights", "gone.pt"), "gone.pt is not there"),
    (("-b", "numpy", "--prefix", "rnn"), "--prefix goes with --weights"),
    (("-b", "numpy", "--json", "gone/x.json"), "gone/x.json can't be written"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_bad_input_is_one_line(gateparity, arguments, message):
    done = gateparity("diagnose", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_help_has_examples(gateparity):
    done = gateparity("diagnose", "--help")
    assert done.returncode == 0
    assert "gateparity diagnose --backend mypkg.lstm:MyLSTM" in done.stdout
