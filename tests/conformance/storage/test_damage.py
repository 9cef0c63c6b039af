"""A damaged file is refused, or holds what it held; files of 0.1.0, without a checksum, are read.

The numbers of a file are compared with those of the whole one: a bit that stands in no number, a
blank of the header or the last digit of a text that both read alike, may be another one.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import random
import struct
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.spec import parse_backends
from gateparity.conformance.failures.failure import Failure, load_failure, save_failure
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.problems.arrays import name_arrays
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.problems.text import encode_text
from gateparity.conformance.recordings.reading import load_recording
from gateparity.conformance.reports.terminal import print_report
from gateparity.conformance.reports.training import training_report
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.runs.pool import BackendAtDtype
from gateparity.conformance.storage.tensors import UNSEALED, pack_tensors, unpack_tensors
from gateparity.conformance.training.resume import History, load_checkpoint, save_checkpoint
from gateparity.conformance.training.run import TrainingRun, TrainingSession
from gateparity.conformance.training.text_task import Sizes, TextTask, make_recipe
from gateparity.conformance.training.trainers import AdapterTrainer
from gateparity.errors import InputError
from tests.command import run_command

OLD = Path(__file__).parent / "written_by_0.1.0"
TEXT = encode_text("it has been said that the time traveller is of no age " * 8, "a text")
TASK = TextTask(
    TEXT,
    Sizes(hidden=4, steps=8, windows=60, batch=16, epochs=2),
    make_recipe(4.0, "tied"),
)
FINGERPRINT = TASK.fingerprint("numpy:scratch", "float32")
MUTANTS = 150


@functools.cache
def start():
    config = TASK.config("float32")
    begun = AdapterTrainer(Scratch()).begin(config, *TASK.weights("float32"), TASK.recipe)
    return config, begun


def write_checkpoint(path):
    config, begun = start()
    history, trainer = History(begun, TASK.worst), AdapterTrainer(Scratch())
    training = trainer.train(config, begun, TASK.batches(1), TASK.recipe)
    history.add(training, trainer.read(config, training.state))
    save_checkpoint(path, history, FINGERPRINT)


def write_failure(path):
    case = RECIPES["unit"].build("float32", 0)
    truth = CHECKS["forward"].run(Truth(), case)
    found = {name: array.astype("float32") for name, array in truth.items()}
    plain = {name: array.astype("float64") for name, array in truth.items()}
    failure = Failure("forward", case, "torch:layer", found, plain, plain, "y differs", {}, 3)
    sigmas = {name: abs(array) for name, array in plain.items()}
    save_failure(dataclasses.replace(failure, sigmas=sigmas), path)


def write_recording(path):
    path.write_bytes((OLD / "recording.safetensors").read_bytes())


def read_checkpoint(path):
    config, begun = start()
    history = load_checkpoint(path, begun, config, FINGERPRINT, TASK.worst)
    arrays = history.state.params | history.state.slots
    named = [(name, array.tobytes()) for name, array in arrays.items()]
    rest = [a.tobytes() for a in (*history.losses, *history.norms, *history.weights)]
    return sorted(named), rest, history.state.step


def read_failure(path):
    failure = load_failure(path)
    groups = (name_arrays(failure.case), failure.found, failure.truth, failure.sigmas)
    arrays = [[(name, a.tobytes()) for name, a in sorted(group.items())] for group in groups]
    words = (failure.check, failure.backend, failure.message, failure.seed, failure.case.config)
    return arrays, words, dict(failure.manifest)


def read_recording(path):
    recording = load_recording(path)
    results = [
        (r.key, r.status, [(n, a.tobytes()) for n, a in (r.arrays or {}).items()])
        for r in recording.run.results
    ]
    inputs = [
        (check.name, [(n, a.tobytes()) for n, a in name_arrays(case).items()])
        for check, case in recording.plan
    ]
    return results, inputs, recording.run.manifests, recording.run.seed, recording.recorded


KINDS = {
    "checkpoint": (write_checkpoint, read_checkpoint),
    "failure": (write_failure, read_failure),
    "recording": (write_recording, read_recording),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def accepted(read, path, data):
    """Return what a file holds, None if it is refused."""
    path.write_bytes(data)
    try:
        return read(path)
    except InputError:
        return None


def flip(data, bits):
    flipped = bytearray(data)
    for bit in bits:
        flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)


@kinds
def test_random_bits_are_never_read_as_other_numbers(kind, tmp_path):
    write, read = KINDS[kind]
    path, draw = tmp_path / "file", random.Random(0)
    write(path)
    data, whole = path.read_bytes(), read(path)
    refused = 0
    for _ in range(MUTANTS):
        bits = draw.sample(range(8 * len(data)), draw.choice((1, 1, 2, 8)))
        found = accepted(read, path, flip(data, bits))
        refused += found is None
        assert found in (None, whole), bits
    assert refused > MUTANTS * 0.9


@pytest.mark.parametrize("kind", ["checkpoint", "failure"])  # a recording has no older schema
def test_no_flipped_bit_of_the_words_makes_other_numbers_or_an_older_file(kind, tmp_path):
    write, read = KINDS[kind]
    path = tmp_path / "file"
    write(path)
    data, whole = path.read_bytes(), read(path)
    end = 8 + struct.unpack("<Q", data[:8])[0]
    for bit in range(8 * end):
        found = accepted(read, path, flip(data, [bit]))
        assert found in (None, whole), bit


@pytest.mark.parametrize("kind", ["checkpoint", "failure"])
def test_a_new_file_without_a_checksum_or_with_another_is_refused(kind, tmp_path):
    write, read = KINDS[kind]
    path = tmp_path / "file"
    write(path)
    arrays, words = unpack_tensors(path.read_bytes())
    bare = {name: value for name, value in words.items() if name != "sha256"}
    for changed in (bare, words | {"sha256": "0" * 64}, words | {"sha256": None}):
        path.write_bytes(pack_tensors(arrays, changed))
        with pytest.raises(InputError, match="it was changed after it was written"):
            read(path)
    for name in ("kind", "schema"):
        less = {key: value for key, value in bare.items() if key != name}
        path.write_bytes(pack_tensors(arrays, less))
        with pytest.raises(InputError):
            read(path)


def test_arrays_are_read_in_the_same_order_each_time():
    arrays = {name: np.zeros(2) for name in "qwertyuiop"}
    assert [*unpack_tensors(pack_tensors(arrays, {}))[0]] == sorted(arrays)


@kinds
def test_a_file_of_the_version_before_is_read(kind):
    _, read = KINDS[kind]
    assert read(OLD / f"{kind}.safetensors")


def test_a_failure_of_the_version_before_is_replayed_with_a_line_on_it():
    file = OLD / "failure.safetensors"
    done = run_command("replay", file, "--backend", "numpy")
    assert done.returncode == 0
    assert done.stderr == f"gateparity: {file} {UNSEALED}\n"
    assert "T1-B1-I1-H1" in done.stdout


def test_a_training_of_the_version_before_is_resumed_with_a_line_on_it(tmp_path):
    path = tmp_path / "numpy-scratch-float32.safetensors"
    path.write_bytes((OLD / "checkpoint.safetensors").read_bytes())
    backend, out = BackendAtDtype(parse_backends(["numpy"])[0], "float32"), io.StringIO()
    (outcome,) = TrainingSession(TASK, tmp_path, resume=True).run([backend])
    assert (outcome.error, outcome.history.epochs) == ("", 2)
    run = TrainingRun(TASK, [outcome], 0.0)
    print_report(training_report(run), Console(file=out, width=200))
    assert f"numpy:scratch float32 went on from a file that {UNSEALED}" in out.getvalue()
    save_checkpoint(path, outcome.history, FINGERPRINT)
    config, begun = start()
    assert load_checkpoint(path, begun, config, FINGERPRINT, TASK.worst).sealed
