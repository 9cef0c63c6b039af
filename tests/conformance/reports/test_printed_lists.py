"""What `selftest`, `layout`, `backends` and `env list` print, at three widths and into a pipe.

`GATEPARITY_WRITE_PRINTED=1 pytest tests/conformance/reports/test_printed_lists.py` rewrites the
files in `printed/`. Read the difference before you commit it.
"""

from __future__ import annotations

import dataclasses
import io
import os
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from gateparity.backends.checkpoints.contents import Contents, FoundLayer, StoredArray
from gateparity.backends.environments.environments import Environment
from gateparity.conformance.reports.backends import Found, backends_report
from gateparity.conformance.reports.environments import environments_report
from gateparity.conformance.reports.inspect import inspect_report
from gateparity.conformance.reports.layout_report import layout_report, layouts_report, pair_report
from gateparity.conformance.reports.selftest import (
    alarms_report,
    conditions_report,
    mutants_report,
    selftest_report,
)
from gateparity.conformance.reports.terminal import print_report
from gateparity.conversion.writer import write_conversion
from gateparity.layouts import KERAS, LAYOUTS, ONNX, TF_KERAS, TORCH
from gateparity.network.config import Config

PRINTED = Path(__file__).parent / "printed"
ENVS = Path("/home/somebody/.cache/gateparity/envs")
WIDTHS = {"80": 80, "100": 100, "140": 140, "piped": None}
LONG = "gradients, gates, permutation, batch, lengths, variants, purity, bidirectional"


def kill(family, name, caught, expected=None):
    return {
        "family": family,
        "name": name,
        "caught": caught.split(", "),
        "expected": (expected or caught).split(", "),
    }


def naming(*mistakes, said=None):
    found = [mistakes] if said is None else said
    return {"mistakes": mistakes, "said": found, "right": said is None}


def alarms(cases, sigmas, shift, *reasons):
    return {"cases": cases, "sigmas": sigmas, "shift": shift, "reasons": reasons}


def caught(median, most, count=0):
    return {"cases": 100, "median": median, "99 of 100": most, "false_alarms": count}


KILLS = [
    kill("gate order", "f and g exchanged when reading the weights", "forward, gates, gradients"),
    kill("gate order", "weights read as i, o, f, g", "forward, gates, gradients"),
    kill("gradients", "the gradient of the last step's hidden state is dropped", "gradients"),
    kill("side effects", "the inputs are overwritten", "purity"),
]


def share(caught, trials, low, high):
    return {"caught": caught, "trials": trials, "interval": [low, high]}


def trial(words, condition, caught):
    return {"words": words, "condition": condition, "caught": caught}


CONDITIONS = {
    "least": 0.9,
    "enough": True,
    "redrawn": 12,
    "shares": {
        "all": share(149, 150, 0.963, 0.9988),
        "sizes": share(20, 20, 0.8389, 1),
        "two at once": share(9, 10, 0.5958, 0.9821),
        "places": share(0, 0, 0, 1),
    },
    "trials": [
        trial("the inputs are overwritten", "T > 1", "purity, sequence, float32"),
        trial("the gates are packed i, f, g, o", "in layer 2 alone and I from 64 to a quarter", ""),
    ],
}
MUTANTS = {
    "made": 921,
    "different": 893,
    "caught": 892,
    "enough": True,
    "least": 0.99,
    "escaped": ["equations.cell: F = sigmoid(Z_f) -> F = sigmoid(Z_i)"],
    "wrongly equal": [],
    "equal": [{"mutant": "equations.sequence: H_0 = H -> H_0 = C", "reason": "as its shape alone"}],
}
SOUND = {
    "seed": 0,
    "mistakes": KILLS,
    "diagnoses": [*(naming(k["name"]) for k in KILLS), naming("a mistake", "another")],
    "false_alarms": {"numpy": alarms(10_000, 5.63, 4.28)},
    "sensitivity": {
        "gateparity": caught(1.3e-7, 2.4e-6),
        "torch.testing.assert_close": caught(1.8e-5, 4.2e-4),
        "numpy.testing.assert_allclose": caught(1e-7, None, 97),
    },
    "conditions": CONDITIONS,
    "mutants": MUTANTS,
}
WRONG = SOUND | {
    "seed": 3,
    "mistakes": [*KILLS, kill("precision", "float64 computed in float32", "forward", LONG)],
    "diagnoses": [
        *SOUND["diagnoses"],
        naming("the inputs are overwritten", said=[]),
        naming(KILLS[0]["name"], KILLS[2]["name"], said=[(KILLS[1]["name"],), ("a", "b")]),
    ],
    "false_alarms": {
        "numpy": alarms(10_000, None, 4.28, "T9-B3-I2-H5-float32-random 17, forward: y[0] is nan")
    },
}
REASON = "T9-B3-I2-H5-float64-random {}, gradients: d_w_hh[1, 2, 3]: found 0.123456, expected 0.1"
FRAMEWORKS = {
    "numpy:scratch": alarms(1000, 4.9, 3.8),
    "torch:layer@/home/somebody/an/environment": alarms(1000, 5.1, 3.9),
    "jax:scratch": alarms(1000, 41.5, 93.2, *(REASON.format(k) for k in range(23))),
}
VARIANTS = ["scratch", "layer"]
BACKENDS = [
    Found("numpy", ["scratch"], "2.4.6", "3.11.7", "/home/somebody/project/.venv/bin/python"),
    Found("tensorflow", VARIANTS, "2.21.0", "3.11.7", f"{ENVS}/tensorflow/bin/python"),
    Found("jax", VARIANTS, reason="JAX is in no environment: gateparity env create jax"),
    Found(
        *("mxnet", VARIANTS),
        interpreter=f"{ENVS}/mxnet/bin/python",
        reason="it can't import mxnet: ImportError: libopenblas.so.0: cannot open shared object",
    ),
    Found("my-lstm", [], "1.0", "3.11.7", "/usr/bin/python3", target="mypkg.lstm:MyLSTM"),
]


def arrays(**shapes):
    return {name: StoredArray(shape, "float32", np.zeros) for name, shape in shapes.items()}


SHORT = FoundLayer(
    *("lstm", "LSTM", 20, 45, TORCH, arrays(weight_ih_l0=(180, 20)), 2, 2),
    origin="both biases are equal",
)
GRU = FoundLayer("enc", "GRU", 256, 256, None, arrays(weight_ih=(768, 256)), biases=False)
DEEP_PATH = "callbacks.StochasticWeightAveraging.average_model_state.lstm"
FILES = {
    Path("model.pt"): Contents(
        "a state_dict that torch.save wrote",
        arrays(one=(1,), two=(2,)),
        (SHORT, dataclasses.replace(SHORT, path=DEEP_PATH, oddities=("projection to 2",))),
    ),
    Path("a folder/enc.npz"): Contents("a NumPy archive", arrays(w_ih=(1,)), (GRU,)),
    Path("cut.npz"): Contents(
        "a NumPy archive",
        layers=(dataclasses.replace(SHORT, path="", origin="", refusal="missing arrays ['b']"),),
    ),
    Path("none.pt"): Contents("a TorchScript program", notes=("10 arrays have no names",)),
}


def environment(name, *state, size=0, **more):
    return Environment(name, ENVS / name, *state, **more), size


ENVIRONMENTS = [
    environment("numpy", "ready", "3.11.7", {"numpy": "2.4.6"}, size=95_000_000),
    environment(
        *("tensorflow", "ready", "3.11.7"),
        {"tensorflow-cpu": "2.21.0", "keras": "3.15.1", "numpy": "2.4.6", "absl-py": "2.3"},
        size=1_571_000_000,
    ),
    environment(
        *("jax@0.9.2", "incomplete"),
        size=300_000_000,
        reason="its Python is gone: gateparity env repair jax@0.9.2",
    ),
    environment("mxnet"),
]
SMALL = Config(5, 4)
DEEP = Config(5, 4, layers=2, directions=2)


@pytest.fixture(autouse=True)
def no_environments(tmp_path, monkeypatch):
    """Make the report of environments independent of those of this machine."""
    monkeypatch.setenv("GATEPARITY_ENVS", str(tmp_path))


REPORTS = {
    "selftest": lambda: selftest_report(SOUND, 0),
    "selftest-wrong": lambda: selftest_report(WRONG, 1),
    "selftest-conditions": lambda: conditions_report(SOUND, 0),
    "selftest-mutants": lambda: mutants_report(SOUND, 0),
    "selftest-frameworks": lambda: alarms_report(FRAMEWORKS, 1),
    "layout": lambda: layouts_report(list(LAYOUTS.values())),
    "layout-one": lambda: layout_report(TF_KERAS, DEEP),
    "layout-vector": lambda: layout_report(LAYOUTS["mxnet2"], SMALL),
    "layout-pair": lambda: pair_report(TORCH, ONNX, write_conversion(TORCH, ONNX, SMALL)),
    "layout-pair-lossy": lambda: pair_report(KERAS, TORCH, write_conversion(KERAS, TORCH, SMALL)),
    "backends": lambda: backends_report(BACKENDS),
    "inspect": lambda: inspect_report(FILES),
    "env-list": lambda: environments_report(ENVIRONMENTS, ENVS),
}


def printed(report, width):
    file = io.StringIO()
    console = Console(
        file=file,
        width=width or 80,
        force_terminal=width is not None,
        color_system=None,
        legacy_windows=False,
        emoji=False,
    )
    print_report(report, console)
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def tables(text):
    """Return the lines of every table: from its head to the next empty line or sentence."""
    lines = text.splitlines()
    rules = [k for k, line in enumerate(lines) if line.startswith("──")]
    return [line for k in rules for line in lines[k - 1 : k + 2]]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_is_printed_as_before(name, width):
    text = printed(REPORTS[name](), WIDTHS[width])
    path = PRINTED / f"{name}-{width}.txt"
    if os.environ.get("GATEPARITY_WRITE_PRINTED"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")
    if width != "piped":
        assert max(map(cell_len, tables(text))) <= WIDTHS[width]
