"""A kernel with a wrong loop tail, in PyTorch: caught, shrunk, saved, replayed, and mended."""

from __future__ import annotations

import json
from typing import Final

import pytest

from tests.command import run_command

PORT: Final = """
import torch
from gateparity import LAYOUTS, Outputs

BLOCK = 16  # steps that the kernel takes at once


class Tail:
    layout = LAYOUTS["torch"]
    unsupported = dict.fromkeys(("lengths", "empty_sequence", "empty_batch"), "full sequences only")
    wrong = True

    def forward(self, config, params, batch):
        lstm = torch.nn.LSTM(
            config.input_size,
            config.hidden_size,
            config.layers,
            config.biases,
            bidirectional=config.directions == 2,
            dtype=getattr(torch, config.dtype),
        )
        state = {name: torch.from_numpy(array.copy()) for name, array in params.items()}
        lstm.load_state_dict(state)
        states = [batch.states.get(s) if batch.states else None for s in ("h", "c")]
        size = config.cells, batch.x.shape[1], config.hidden_size
        h, c = (torch.zeros(size, dtype=lstm.weight_hh_l0.dtype) if s is None
                else torch.from_numpy(s.copy()) for s in states)
        x = torch.from_numpy(batch.x.copy())
        with torch.no_grad():
            y, h, c = self.run(config, lstm, x, h, c)
        return Outputs(y.numpy(), {"h": h.numpy(), "c": c.numpy()})

    def run(self, config, lstm, x, h, c):
        if config.directions == 2 or config.layers > 1 or len(x) <= BLOCK:
            y, (h, c) = lstm(x, (h, c))
            return y, h, c
        parts = []
        for block in x.split(BLOCK):
            if self.wrong and len(block) < BLOCK:
                c = torch.zeros_like(c)  # the tail forgets what the blocks carried
            y, (h, c) = lstm(block, (h, c))
            parts.append(y)
        return torch.cat(parts), h, c


class Mended(Tail):
    wrong = False
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory, torch_backend):
    """Run a verb beside the port, whose class is in PyTorch's environment."""
    folder = tmp_path_factory.mktemp("tail")
    (folder / "port.py").write_text(PORT, "utf-8")

    def run(*words):
        words = [word.replace("PYTHON", str(torch_backend.python)) for word in words]
        return run_command(*words, cwd=folder)

    return folder, run


CHECK: Final = ("check", "-b", "numpy", "--check", "sizes", "-b")


def test_a_wrong_tail_is_caught_shrunk_saved_and_replayed(command):
    folder, run = command
    done = run(*CHECK, "port:Tail@PYTHON", "--json", "run.json")
    assert done.returncode == 1, done.stdout + done.stderr
    results = json.loads((folder / "run.json").read_text("utf-8"))["results"]
    assert any(r["status"] == "fail" and r["reason"] for r in results)
    saved = sorted((folder / "gateparity-failures").iterdir())
    assert saved
    replayed = run("replay", *(f"gateparity-failures/{file.name}" for file in saved), "--backend",
                   "port:Tail@PYTHON")  # fmt: skip
    assert replayed.returncode == 1
    assert ", T17-" in replayed.stdout  # shrunk from 100 steps to one step behind a block


def test_a_right_tail_agrees_and_replays(command):
    folder, run = command
    done = run(*CHECK, "port:Mended@PYTHON")
    assert done.returncode == 0, done.stdout + done.stderr
    saved = sorted((folder / "gateparity-failures").iterdir())
    replayed = run("replay", *(f"gateparity-failures/{file.name}" for file in saved), "--backend",
                   "port:Mended@PYTHON")  # fmt: skip
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
