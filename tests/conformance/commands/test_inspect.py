"""`gateparity inspect` as a user meets it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from gateparity.layouts import TORCH
from gateparity.network.config import Config
from tests.command import run_command

CONFIG = Config(3, 5, layers=2, directions=2)


@pytest.fixture
def folder(tmp_path):
    """A folder with an LSTM beside a GRU, and a file that is cut."""
    draw = np.random.default_rng(0).standard_normal
    shapes = {f"encoder.lstm.{name}": shape for name, shape in TORCH.shapes(CONFIG).items()}
    shapes |= {"gru.weight_ih_l0": (12, 3), "gru.weight_hh_l0": (12, 4), "head.weight": (2, 10)}
    state = {name: draw(shape).astype(np.float32) for name, shape in shapes.items()}
    save_file(state, tmp_path / "model.safetensors")
    np.savez(tmp_path / "model.npz", **state)
    (tmp_path / "cut.pt").write_bytes((tmp_path / "model.npz").read_bytes()[:-100])
    return tmp_path


def run(folder, *words):
    done = run_command(*words, cwd=folder)
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("name", ["model.safetensors", "model.npz"])
def test_every_layer_has_a_line_and_every_sentence_its_path(name, folder):
    done = run(folder, "inspect", name)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    parameters = f"{sum(np.prod(shape) for shape in TORCH.shapes(CONFIG).values()):,}"
    assert ["encoder.lstm", "LSTM", *"3522", "yes", "float32", "torch", parameters] in lines
    assert ["gru", "GRU", *"3411", "no", "float32", "84"] in lines


def test_the_data_has_every_field(folder):
    assert run(folder, "inspect", "model.npz", "--json", "out.json").returncode == 0
    data = json.loads((folder / "out.json").read_text())
    [file] = data["files"]
    assert (data["kind"], file["file"], file["format"], file["arrays"]) == (
        *("inspection", "model.npz", "a NumPy archive", 19),
    )
    lstm, gru = file["layers"]
    assert lstm["path"] == "encoder.lstm"
    assert (lstm["input_size"], lstm["hidden_size"]) == (3, 5)
    assert (lstm["layers"], lstm["directions"], lstm["biases"]) == (2, 2, True)
    assert (lstm["dtypes"], lstm["layout"], lstm["refusal"]) == (["float32"], "torch", "")
    assert (gru["kind"], gru["layout"]) == ("GRU", None)


def test_pages_are_written(folder):
    done = run(folder, "inspect", "model.npz", "--report", "a.html", "--report", "a.md")
    assert done.returncode == 0
    for name in ("a.html", "a.md"):
        assert "encoder.lstm" in (folder / name).read_text()


def test_a_damaged_file_is_one_line_and_the_others_are_shown(folder):
    done = run(folder, "inspect", "cut.pt", "model.npz")
    assert done.returncode == 2
    assert "encoder.lstm" in done.stdout
    [line] = done.stderr.splitlines()
    assert line.startswith("gateparity: cut.pt: a damaged or truncated zip archive")


@pytest.mark.parametrize("name", [".", "absent.pt", "empty.pt"])
def test_what_is_no_file_of_weights_is_one_line(name, folder):
    (folder / "empty.pt").touch()
    done = run(folder, "inspect", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected a file with a network's weights" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_names_with_control_codes_do_not_reach_the_terminal(folder):
    array = np.zeros((4, 1), np.float32)
    save_file({"\x1b[31mred.weight_ih": array, "\x1b[31mred.weight_hh": array}, folder / "red.st")
    done = run(folder, "inspect", "red.st")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert r"\x1b[31mred" in done.stdout


def test_an_input_is_never_replaced(folder):
    done = run(folder, "inspect", "model.npz", "--json", "model.npz", "--force")
    assert done.returncode == 2
    assert "is an input" in done.stderr


def test_a_path_that_it_prints_chooses_the_lstm(folder):
    chosen = ("--weights", "model.npz", "--prefix", "encoder.lstm")
    done = run(folder, "check", *("-b", "numpy", "--record", "run.st"), *chosen)
    assert done.returncode == 0, done.stderr
