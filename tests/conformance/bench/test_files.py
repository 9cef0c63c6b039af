"""The large files of `bench --files`, made small: each holds the same LSTM, for PyTorch too."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from gateparity.backends.checkpoints.reading import read_checkpoint
from gateparity.conformance.bench.files import (
    REST,
    WRITERS,
    FileTiming,
    time_files,
    write_torch,
)
from gateparity.conformance.reports.bench_files import files_json, files_report
from gateparity.layouts import TORCH
from gateparity.network.config import Config

CONFIG = Config(3, 5)
DRAW = np.random.default_rng(0)
ARRAYS = {
    name: DRAW.standard_normal(shape, np.float32) for name, shape in TORCH.shapes(CONFIG).items()
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_holds_the_lstm_that_was_written(name, tmp_path):
    arrays = {f"lstm.{own}": array for own, array in ARRAYS.items()}
    WRITERS[name](tmp_path / "file", {**arrays, REST: np.zeros(100, np.float32)})
    config, [found] = read_checkpoint(tmp_path / "file", None, None)
    [expected] = TORCH.unpack(ARRAYS, CONFIG)
    assert config == CONFIG
    np.testing.assert_array_equal(found.w_ih, expected.w_ih)
    np.testing.assert_array_equal(found.w_hh, expected.w_hh)
    bias = expected.b_ih + expected.b_hh
    np.testing.assert_allclose(found.b_ih + found.b_hh, bias, rtol=1e-6)


def test_pytorch_reads_its_own_format(torch_backend, tmp_path):
    write_torch(tmp_path / "model.pt", ARRAYS)
    np.savez(tmp_path / "model.npz", **ARRAYS)
    script = (
        "import numpy, torch; state = torch.load('model.pt', weights_only=True); "
        "arrays = numpy.load('model.npz'); assert set(state) == set(arrays); "
        "assert all((state[name].numpy() == arrays[name]).all() for name in state)"
    )
    command = [str(torch_backend.python), "-W", "ignore", "-c", script]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=300)


def test_every_format_is_timed():
    timings = time_files(size=1 << 16, config=CONFIG, half=Config(60, 70))
    assert [timing.format for timing in timings] == [*WRITERS, ".safetensors"]
    assert [timing.verb for timing in timings] == ["inspect"] * len(WRITERS) + ["diff"]
    assert all(timing.seconds > 0 and timing.bytes >= 1 << 16 for timing in timings)


def test_a_time_beyond_what_is_allowed_is_marked():
    timings = [FileTiming(".pt", 1 << 30, 1.0), FileTiming(".npz", 1 << 30, 2.1)]
    timings += [FileTiming(".pt", 1 << 30, 2.9, "diff"), FileTiming(".pt", 1 << 30, 3.1, "diff")]
    table = files_report(timings, 1).blocks[0]
    assert [row[3].tone for row in table.rows] == ["pass", "fail", "pass", "fail"]
    first = {"format": ".pt", "bytes": 1 << 30, "seconds": 1.0, "verb": "inspect"}
    assert files_json(timings)["files"][0] == first
