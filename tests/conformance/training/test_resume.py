"""A training run that was stopped goes on to the same bits, or says why it can't."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gateparity.backends.numpy.scratch import Scratch
from gateparity.backends.spec import parse_backends
from gateparity.conformance.problems.text import encode_text
from gateparity.conformance.runs.pool import BackendAtDtype
from gateparity.conformance.storage.tensors import pack_tensors, seal, unpack_tensors
from gateparity.conformance.training.resume import (
    History,
    checkpoint_path,
    load_checkpoint,
    save_checkpoint,
)
from gateparity.conformance.training.run import TrainingSession
from gateparity.conformance.training.text_task import Sizes, TextTask, make_recipe
from gateparity.conformance.training.trainers import AdapterTrainer
from gateparity.errors import InputError

TEXT = encode_text("it has been said that the time traveller is of no age " * 8, "a text")
SIZES = Sizes(hidden=4, steps=8, windows=60, batch=16, epochs=4)
ROW = BackendAtDtype(parse_backends(["numpy"])[0], "float32")


def task(**change):
    recipe = make_recipe(change.pop("rate", 4.0), change.pop("biases", "tied"))
    return TextTask(TEXT, dataclasses.replace(SIZES, **change), recipe)


def teach(folder, resume=False, backend=ROW, **change):
    (outcome,) = TrainingSession(task(**change), folder, resume).run([backend])
    return outcome


def path_of(folder, backend=ROW):
    return checkpoint_path(folder, backend.label, backend.dtype)


@pytest.fixture(params=["numpy", "torch"])
def backend(request):
    if request.param == "numpy":
        return ROW
    return BackendAtDtype(request.getfixturevalue("torch_backend"), "float32")


def test_a_run_in_two_parts_ends_in_the_bits_of_one(tmp_path, backend):
    whole = teach(tmp_path, backend=backend)
    path_of(tmp_path, backend).unlink()
    teach(tmp_path, backend=backend, epochs=2)
    seen = []
    room = TrainingSession(task(), tmp_path, True, progress=lambda *told: seen.append(told[1]))
    (resumed,) = room.run([backend])
    assert seen == [2, 3, 4]
    for name in ("losses", "norms", "weights"):
        for a, b in zip(getattr(resumed.history, name), getattr(whole.history, name), strict=True):
            np.testing.assert_array_equal(a, b)
    assert resumed.sentence == whole.sentence


def test_without_resume_a_run_begins_anew(tmp_path):
    teach(tmp_path, epochs=2)
    seen = []
    TrainingSession(task(), tmp_path, progress=lambda *told: seen.append(told[1])).run([ROW])
    assert seen == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rate": 2.0}, r"it is of another run: its rate is 4\.0, expected 2\.0"),
        ({"batch": 8}, "it is of another run: its batch is 16, expected 8"),
        ({"biases": "separate"}, "its biases is 'tied', expected 'separate'"),
    ],
)
def test_a_checkpoint_of_another_run_costs_its_row_with_the_reason(tmp_path, change, words):
    teach(tmp_path, epochs=1)
    outcome = teach(tmp_path, True, **change)
    assert not outcome.sentence
    with pytest.raises(InputError, match=words):
        raise InputError(outcome.error)


@pytest.mark.parametrize("size", [0, 4, 100, -1])
def test_a_truncated_checkpoint_is_refused(tmp_path, size):
    teach(tmp_path, epochs=1)
    path = path_of(tmp_path)
    path.write_bytes(path.read_bytes()[:size])
    outcome = teach(tmp_path, True)
    assert outcome.history is None
    assert path.name in outcome.error


def made(tmp_path):
    """A checkpoint, and what it takes to read it."""
    one, trainer = task(), AdapterTrainer(Scratch())
    config = one.config("float32")
    start = trainer.begin(config, *one.weights("float32"), one.recipe)
    history = History(start, one.worst)
    training = trainer.train(config, start, one.batches(1), one.recipe)
    history.add(training, trainer.read(config, training.state))
    path = tmp_path / "one.safetensors"
    save_checkpoint(path, history, {"row": "x"})
    return path, history, start, config


def test_a_checkpoint_comes_back_bit_for_bit(tmp_path):
    path, history, start, config = made(tmp_path)
    found = load_checkpoint(path, start, config, {"row": "x"}, 99.0)
    assert found.state.step == history.state.step
    assert found.epochs == 1
    for name, array in history.state.params.items():
        np.testing.assert_array_equal(found.state.params[name], array)
    assert found.perplexities == history.perplexities


def test_weights_of_another_shape_are_refused(tmp_path):
    path, _, start, config = made(tmp_path)
    wider = {**start.params, "b_q": np.zeros(99, "float32")}
    with pytest.raises(InputError, match="its weights have other names, shapes or dtypes"):
        load_checkpoint(path, dataclasses.replace(start, params=wider), config, {"row": "x"}, 99.0)


def test_a_step_that_is_not_its_losses_is_refused(tmp_path):
    path, history, start, config = made(tmp_path)
    history.state = dataclasses.replace(history.state, step=77)
    save_checkpoint(path, history, {"row": "x"})
    with pytest.raises(InputError, match="it counts 77 steps, and holds 4 losses"):
        load_checkpoint(path, start, config, {"row": "x"}, 99.0)


@pytest.mark.parametrize("name", ["\x1b[2J", "two\nlines", "x" * 5000])
def test_a_name_in_a_file_reaches_no_terminal_as_it_is(name, tmp_path):
    path, _, start, config = made(tmp_path)
    arrays, words = unpack_tensors(path.read_bytes())
    held = {key: value for key, value in words.items() if key != "sha256"}
    held["training"] |= {name: 1}
    path.write_bytes(pack_tensors(arrays, seal(arrays, held)))
    with pytest.raises(InputError, match=r"training is \{'") as refused:
        load_checkpoint(path, start, config, {"row": "x"}, 99.0)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 700


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("training", [], r"training is \[\], expected an object"),
        ("step", True, "step is True, expected an integer"),
        ("kind", "recorded run", "expected 'training checkpoint': `gateparity compare` reads it"),
        ("schema", 9, "schema is 9, expected 2"),
    ],
)
def test_an_entry_of_another_kind_is_refused_by_name(key, value, message, tmp_path):
    path, _, start, config = made(tmp_path)
    arrays, words = unpack_tensors(path.read_bytes())
    held = {name: entry for name, entry in words.items() if name != "sha256"} | {key: value}
    path.write_bytes(pack_tensors(arrays, seal(arrays, held)))
    with pytest.raises(InputError, match=message):
        load_checkpoint(path, start, config, {"row": "x"}, 99.0)


@pytest.mark.parametrize("rate", [64.0, 2.0**100])
def test_a_rate_that_diverges_ends_the_row_and_says_at_which_step(tmp_path, rate):
    outcome = teach(tmp_path, rate=rate, epochs=20)
    assert 1 < outcome.diverged <= 4 * outcome.history.epochs
    assert outcome.history.epochs < 20
    assert not outcome.sentence


def test_a_rate_that_does_not_diverge_says_nothing(tmp_path):
    assert teach(tmp_path).diverged is None
