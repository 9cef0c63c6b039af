"""Numbers from other projects' own tests: no order of the gates explains them as well as ours.

They aren't ours to ship: GATEPARITY_GOLDENS names the folder where they are.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
from pathlib import Path

import numpy as np
import pytest

from gateparity.conformance.judgement.truth import Truth
from gateparity.layouts import LAYOUTS
from gateparity.network.batch import Batch, map_arrays
from gateparity.network.config import Config
from gateparity.network.parameters import CellWeights, fields

FOLDER = os.environ.get("GATEPARITY_GOLDENS")
TANH = ["sigmoid", "tanh", "tanh"]
PRINTED = 1e-4  # the literals have four to seven digits
GATES = ("input", "forget", "cell", "output")


@dataclasses.dataclass(frozen=True)
class Golden:
    native: dict[str, np.ndarray]
    config: Config
    batch: Batch
    y: np.ndarray


def golden(native, batch, y):
    """float32 throughout; the sizes are those of the arrays."""
    hidden = y.shape[-1]
    directions = 2 if batch.states and len(batch.states["h"]) == 2 else 1
    biases = any("b" in name.lower() for name in native)
    config = Config(batch.x.shape[-1], hidden // directions, directions=directions, biases=biases)
    narrow = {name: np.ascontiguousarray(a, np.float32) for name, a in native.items()}
    cut = map_arrays(lambda array: np.asarray(array, "f4"), batch)
    return Golden(narrow, config, dataclasses.replace(cut, lengths=batch.lengths), y)


def burn(found):
    native = {
        f"{direction}.{gate}_gate.{side}_transform.{kind}": found[f"{direction}/{name}"][k]
        for direction in ("forward", "reverse")
        for k, gate in enumerate(GATES)
        for side, kind, name in (
            ("input", "weight", "W_in_out"),
            ("input", "bias", "b_i"),
            ("hidden", "weight", "R_in_out"),
            ("hidden", "bias", "b_h"),
        )
    }
    x = np.swapaxes(found["x"], 0, 1)
    batch = Batch(x, {"h": found["h0"], "c": found["c0"]})
    yield golden(native, batch, np.swapaxes(found["output_with_init_state"], 0, 1))


def tflite(found):
    for name in cases(found):
        asked = attributes(found, name) if f"{name}/attrs" in found else {"batch_major": True}
        if asked.get("cifg_coupled") or f"{name}/P" in found or f"{name}/Wp" in found:
            continue
        if name.endswith("clip6"):  # it bounds the cell state
            continue
        native = {}
        for k, gate in enumerate(GATES):
            native[f"input_to_{gate}_weights"] = found[f"{name}/Wx"][k]
            native[f"recurrent_to_{gate}_weights"] = found[f"{name}/Wh"][k]
            native[f"{gate}_gate_bias"] = found[f"{name}/b"][k]
        x, y = found[f"{name}/x"], found[f"{name}/y"]
        if asked["batch_major"]:
            x, y = np.swapaxes(x, 0, 1), np.swapaxes(y, 0, 1)
        yield golden(native, Batch(x, dict(zip("hc", zeros(y[:, None]), strict=True))), y)


def onnx(found):
    for name in cases(found):
        asked = attributes(found, name)
        plain = asked.get("activations", TANH)[:3] == TANH and asked.get("clip", 9999) > 100
        one_way = asked["direction"] != "reverse"
        told = f"{name}/out/Y" in found and f"{name}/in/P" not in found
        if not (plain and one_way and told) or asked.get("input_forget"):
            continue
        given = {k: found[f"{name}/in/{k}"] for k in "WRB" if f"{name}/in/{k}" in found}
        y = found[f"{name}/out/Y"]
        states = {
            s: found.get(f"{name}/in/initial_{s}", zero)
            for s, zero in zip("hc", zeros(y), strict=True)
        }
        lengths = found.get(f"{name}/in/sequence_lens")
        yield golden(given, Batch(found[f"{name}/in/X"], states, lengths), flat(y))


FILES = {
    "burn": ("burn_bilstm.npz", burn),
    "tflite": ("tflite_armnn_lstm_goldens.npz", tflite),
    "onnx": ("onnxruntime_lstm_op_tests.npz", onnx),
}


@pytest.mark.skipif(not FOLDER, reason="GATEPARITY_GOLDENS names no folder of expectations")
@pytest.mark.parametrize("name", FILES)
def test_no_other_order_of_gates_explains_the_numbers_as_well(name):
    file, read = FILES[name]
    found = dict(np.load(Path(FOLDER) / file, allow_pickle=False))
    telling = 0
    for case in read(found):
        params = LAYOUTS[name].unpack(case.native, case.config)
        own, *others = (
            error(case, permuted(params, order)) for order in itertools.permutations(range(4))
        )
        assert own < PRINTED
        assert own <= min(others) + PRINTED
        telling += min(others) > 10 * PRINTED
    assert telling


def error(case, params):
    y = Truth().forward(case.config, params, case.batch).y
    return float(np.abs(y - case.y).max())


def permuted(params, order):
    return tuple(CellWeights(**{n: a[list(order)] for n, a in fields(c).items()}) for c in params)


def cases(found):
    return list(dict.fromkeys(name.split("/")[0] for name in found if "/" in name))


def attributes(found, name):
    return json.loads(str(found[f"{name}/attrs"]))


def zeros(y):
    """States of y `(T, direction, B, hidden)`."""
    return np.zeros(y.shape[1:], "f4"), np.zeros(y.shape[1:], "f4")


def flat(y):
    steps, directions, size, hidden = y.shape
    return np.swapaxes(y, 1, 2).reshape(steps, size, directions * hidden)
