"""`gateparity diff`: its table, its files, and its exit codes."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
from onnx import helper, save_model
from safetensors.numpy import save_file
from typer.testing import CliRunner

from gateparity.backends import spec
from gateparity.conformance.commands.cli import app
from gateparity.errors import InputError
from tests.backends.checkpoints.onnx_models import lstm_arrays, make_model


def weights(seed=0):
    generator = np.random.default_rng(seed)
    shapes = {"weight_ih_l0": (16, 3), "weight_hh_l0": (16, 4), "bias_ih_l0": (16,)}
    shapes["bias_hh_l0"] = (16,)
    return {f"lstm.{n}": generator.uniform(-1, 1, s).astype("float32") for n, s in shapes.items()}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    save_file(weights(), "a.safetensors")
    save_file(weights(), "b.safetensors")
    save_file(weights(1), "c.safetensors")


def run(*words, **options):
    return CliRunner().invoke(app, ["diff", *words], **options)


@pytest.mark.usefixtures("files")
def test_equal_files_end_with_0_and_others_with_1():
    same = run("a.safetensors", "b.safetensors")
    assert (same.exit_code, same.stdout.splitlines()[0]) == (0, "same: 1 layer: 1 identical")
    other = run("a.safetensors", "c.safetensors", "--run", "--json", "d.json", "--report", "d.html")
    assert other.exit_code == 1
    assert "lstm: B has other weights than A" in other.stdout
    with open("d.json") as file:  # noqa: PTH123  a relative path, of the folder that was entered
        found = json.load(file)
    assert found["verdict"] == "different"
    (pair,) = found["pairs"]
    assert pair["relation"] == "other"
    assert pair["sigmas"] > 1000
    with open("d.html") as file:  # noqa: PTH123
        assert "other weights" in file.read()


@pytest.mark.usefixtures("files")
def test_trouble_is_one_line():
    for words, match in (
        (("a.safetensors", "gone.safetensors"), "gone.safetensors"),
        (("a.safetensors", "b.safetensors", "--map", "lstm"), "expected PATH=PATH"),
        (("a.safetensors", "b.safetensors", "--map", "x=lstm"), "has no layer at 'x'"),
    ):
        failed = run(*words)
        assert isinstance(failed.exception, InputError)
        assert match in str(failed.exception)
        assert "\n" not in str(failed.exception)


def test_where_both_sides_ran_is_said(files, tmp_path, monkeypatch):
    """Without an environment of ONNX Runtime, NumPy runs an ONNX file too."""
    del files
    if importlib.util.find_spec("onnxruntime"):
        pytest.skip("ONNX Runtime is in this environment")
    monkeypatch.setattr(spec, "_find_python", spec._find_python.__wrapped__)
    monkeypatch.setenv("GATEPARITY_ENVS", str(tmp_path / "envs"))
    arrays = {n: array for n, array in lstm_arrays(inputs=3, hidden=4).items() if n != "B"}
    node = helper.make_node("LSTM", ["X", *arrays], ["Y"], hidden_size=4)
    save_model(make_model([node], arrays), "a.onnx")
    ran = run("a.onnx", "b.safetensors", "--run", "--json", "d.json", env={"COLUMNS": "200"})
    assert ran.exit_code == 1
    assert "A ran in NumPy: ONNX Runtime is neither here nor in an environment: " in ran.stdout
    assert "gateparity env create onnx; its outputs are up to " in ran.stdout
    assert "\nB ran in NumPy\n" in ran.stdout
    (pair,) = json.loads((tmp_path / "d.json").read_text())["pairs"]
    assert [side["place"].partition(":")[0] for side in pair["ran"]] == ["NumPy", "NumPy"]
    assert pair["ran"][0]["sigmas"] < 8 < pair["ran"][1]["sigmas"] == pair["sigmas"]
