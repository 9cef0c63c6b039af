"""A recording in a file: what goes in comes out to the last bit, and nothing else gets in."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import struct
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from gateparity.conformance.failures.failure import Failure, load_failure, save_failure
from gateparity.conformance.judgement.differences import other_bits
from gateparity.conformance.problems.arrays import name_arrays
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.recordings.reading import load_recording
from gateparity.conformance.recordings.recording import LIMITS, SCHEMA, make_recording
from gateparity.conformance.recordings.writing import pack_recording
from gateparity.conformance.runs.plan import Source
from gateparity.conformance.storage.tensors import pack_tensors, seal, unpack_tensors
from gateparity.errors import InputError

FAST = settings(
    max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


@pytest.fixture
def small(record):
    return record(checks=["forward"], cases=["unit"])


@pytest.fixture
def unpacked(small, path):
    path.write_bytes(pack_recording(small))
    return unpack_tensors(path.read_bytes(), LIMITS)


@pytest.fixture(scope="module")
def sample(record, tmp_path_factory):
    """The bytes of a whole file."""
    path = tmp_path_factory.mktemp("sample") / "whole"
    path.write_bytes(pack_recording(record(checks=["forward"], cases=["unit"])))
    return path.read_bytes()


def rewrite(path, arrays, words):
    """A file that somebody else has sealed."""
    held = {name: value for name, value in words.items() if name != "sha256"}
    path.write_bytes(pack_tensors(arrays, seal(arrays, held), LIMITS))


def refuse(path, words):
    with pytest.raises(InputError) as refused:
        load_recording(path)
    message = str(refused.value)
    assert words in message
    assert message.startswith(str(path))
    assert message.isprintable()
    assert len(message) < 700


def assert_same(one, other):
    fields = ("backends", "versions", "seed", "seconds", "rounding_models", "manifests")
    for field in fields:
        assert getattr(one.run, field) == getattr(other.run, field), field
    assert (one.source, one.gateparity, one.recorded) == (
        other.source,
        other.gateparity,
        other.recorded,
    )
    for (check, case), (other_check, other_case) in zip(one.plan, other.plan, strict=True):
        assert (check, case.name, case.config) == (other_check, other_case.name, other_case.config)
        assert not other_bits(name_arrays(case), name_arrays(other_case))
    for a, b in zip(one.run.results, other.run.results, strict=True):
        assert (a.backend, a.key, a.status, a.reason) == (b.backend, b.key, b.status, b.reason)
        for part in ("arrays", "against"):
            here, there = getattr(a, part), getattr(b, part)
            assert (here is None) == (there is None)
            assert not other_bits(here or {}, there or {})


def test_what_goes_in_comes_out(record, travel):
    made = record()
    assert_same(travel(made)["a"], made)


def test_what_every_check_and_case_answers_comes_out(record, travel):
    made = record(checks=(), cases=())
    assert {result.dtype for result in made.run.results} == {"float16", "float32", "float64"}
    assert_same(travel(made)["a"], made)


def test_what_a_row_was_compared_with_comes_out(small, travel):
    results = [dataclasses.replace(r, against=r.arrays) for r in small.run.results]
    made = dataclasses.replace(small, run=dataclasses.replace(small.run, results=tuple(results)))
    assert_same(travel(made)["a"], made)


def test_arrays_are_kept_at_their_own_dtypes(unpacked):
    arrays, _ = unpacked
    assert arrays["arrays.numpy:scratch.forward.unit.float32.y"].dtype == np.float32
    assert arrays["inputs.unit.float64.batch.x"].dtype == np.float64


def test_what_two_backends_answered_alike_is_kept_once(record, path):
    made = record(["forward"], ["unit"], numpy="sound", torch="sound")
    path.write_bytes(pack_recording(made))
    arrays, words = unpack_tensors(path.read_bytes(), LIMITS)
    assert {name.split(".")[1] for name in arrays if name.startswith("arrays.")} == {
        "numpy:scratch"
    }
    kept = [copies["names"] for copies in words["copies"]]
    assert [len(names) for names in kept] == [3, 1] * 2  # y of a single step is h_n
    assert_same(load_recording(path), made)


def test_a_file_that_keeps_everything_twice_is_read(record, path):
    """Earlier versions wrote such files, with empty reasons and parts."""
    made = record(["forward"], ["unit"], numpy="sound", torch="sound")
    path.write_bytes(pack_recording(made))
    arrays, words = unpack_tensors(path.read_bytes(), LIMITS)
    for copies in words.pop("copies"):
        arrays |= dict.fromkeys(copies["names"], arrays[copies["of"]])
    for row in words["rows"]:
        row["results"] = [{"reason": "", "against": None, **words} for words in row["results"]]
    rewrite(path, arrays, words)
    assert_same(load_recording(path), made)


def test_nothing_of_the_users_folders_is_kept(record, path):
    made = record(checks=["forward"], cases=["unit"])
    secret = "/home/somebody/secret"
    backends = tuple(
        dataclasses.replace(backend, name=f"numpy@{secret}/env") for backend in made.run.backends
    )
    results = tuple(dataclasses.replace(r, backend=backends[0]) for r in made.run.results)
    run = dataclasses.replace(
        made.run, backends=backends, results=results, versions={backends[0].label: "2.4"}
    )
    run = dataclasses.replace(run, manifests={})
    source = Source(f"--weights '{secret}/my model.pt' --prefix a.b", "0" * 64)
    public = make_recording(run, made.plan, source)
    assert [backend.label for backend in public.run.backends] == ["numpy:scratch@2.4"]
    assert public.source.options == "--weights 'my model.pt' --prefix a.b"
    path.write_bytes(pack_recording(public))
    assert b"somebody" not in path.read_bytes()


def test_two_environments_of_one_version_keep_a_row_each(record):
    made = record(checks=["forward"], cases=["unit"])
    backends = [dataclasses.replace(made.run.backends[0], name=f"numpy@/env/{k}") for k in "ab"]
    results = [
        dataclasses.replace(r, backend=backend) for backend in backends for r in made.run.results
    ]
    run = dataclasses.replace(
        made.run, backends=tuple(backends), results=tuple(results), manifests={}
    )
    run = dataclasses.replace(run, versions={backend.label: "2.4" for backend in backends})
    labels = [backend.label for backend in make_recording(run, made.plan, Source()).run.backends]
    assert labels == ["numpy:scratch@2.4", "numpy:scratch@2.4@2"]


# What a stranger may have sent, or a disk have spoilt.


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 100, 2000, -1])
def test_a_truncated_file(small, path, cut):
    path.write_bytes(pack_recording(small))
    path.write_bytes(path.read_bytes()[:cut])
    refuse(path, "")


def test_an_edited_number_and_an_edited_word(unpacked, path):
    arrays, words = unpacked
    for name in arrays:
        other = {n: a.copy() for n, a in arrays.items()}
        other[name].flat[0] += 1
        path.write_bytes(pack_tensors(other, words, LIMITS))
        refuse(path, "it was changed after it was written")
    for key in words.keys() - {"sha256", "kind", "schema"}:
        path.write_bytes(pack_tensors(arrays, {**words, key: "another"}, LIMITS))
        refuse(path, "it was changed after it was written")


def test_files_of_another_kind(tmp_path, small, path):
    case = RECIPES["unit"].build("float32", 0)
    y = {"y": np.zeros(2)}
    failure = Failure("forward", case, "torch:layer", y, y, y, "y differs", {}, 0)
    save_failure(failure, path)
    refuse(path, "kind is 'saved failure', expected 'recorded run': `gateparity replay` reads it")
    path.write_bytes(save({"weight": np.zeros(3, "f4")}))
    refuse(path, "gateparity didn't write it")
    path.write_bytes(struct.pack("<Q", 99999) + b"[" * 99999)
    refuse(path, "nested too deeply")
    refuse(tmp_path, "it is a directory")
    refuse(tmp_path / "gone", "can't be read, expected a recorded run: No such file")
    path.write_bytes(pack_recording(small))
    with pytest.raises(
        InputError,
        match="expected 'saved failure': `gateparity compare` reads it",
    ):
        load_failure(path)


@pytest.mark.parametrize("words", [{}, {"schema": 1}])
def test_no_recording_goes_without_a_checksum(words, unpacked, path):
    path.write_bytes(pack_tensors({}, words, LIMITS))
    refuse(path, "kind is None, expected 'recorded run'")


def test_another_schema(unpacked, path):
    arrays, words = unpacked
    rewrite(path, arrays, words | {"schema": SCHEMA + 1, "gateparity": "9.9"})
    refuse(path, f"schema is {SCHEMA + 1}, expected {SCHEMA}: gateparity '9.9' wrote it")


def test_a_file_that_is_too_large_is_not_read(path):
    with path.open("wb") as file:
        file.truncate(LIMITS.file + 1)
    refuse(path, f"it has {LIMITS.file + 1} bytes, {LIMITS.file} allowed")


X = "inputs.unit.float32.batch.x"
WORDS = [
    ("seed", -1, "seed is -1"),
    ("seconds", -1.0, "seconds is -1.0, expected a number of at least 0"),
    ("seconds", 1e300, "seconds is 1e+300"),
    ("recorded", "\x1b[2J", "recorded is '\\x1b[2J'"),
    ("source", {}, "expected an object of options, sha256"),
    ("cases", [], "case is 0, and there are 0"),
    ("cases", {}, "cases is {}, expected a list of objects"),
    ("plan", [], "has 2 results, expected 0"),
    (
        "plan",
        [{"check": "forwards", "case": 0}],
        "unknown check 'forwards' (did you mean forward?)",
    ),
    (
        "plan",
        [{"check": "forward", "case": 0}] * 2,
        "plan has ('forward', 'unit', 'float32') twice",
    ),
    ("copies", 1, "copies is 1, expected a list of objects"),
    ("copies", [{"of": "y", "names": ["z"]}], "there is no array y, of which there are copies"),
    ("copies", [{"of": X, "names": [X]}], f"array {X} is there, and named as a copy of {X}"),
    ("copies", [], "there is no array arrays.numpy:scratch.forward.unit.float32.h_n"),
    ("copies", [{"of": X, "names": 3}], "names is 3, expected a list of printable names"),
    ("rows", [], "belongs to no input and no result"),
    ("rows", [1], "rows is [1], expected a list of objects"),
]
ROWS = [
    ("backend", "a\nb", "backend is 'a\\nb'"),
    ("shipped", "yes", "shipped is 'yes', expected true or false"),
    ("arithmetic", {"bias": -1}, "bias is -1"),
    ("lacks", ["gates"], "lacks is 'gates', expected one of initial_states, final_states"),
    ("arithmetic", {"bits": 1}, "rounding_model declares 'bits'"),
    ("arithmetic", 3, "arithmetic is 3"),
    (
        "manifest",
        {str(k): "" for k in range(200)},
        "128 printable names at most",
    ),
    ("results", [], "has 0 results, expected 2"),
]
RESULTS = [
    ("status", "fine", "status is 'fine', expected one of pass, undecided, known"),
    ("arrays", None, "'pass' for forward, unit, float32, and no arrays of it"),
    ("arrays", ["y", "h_n", "c_n", "z"], "there is no array arrays.numpy:scratch.forward.unit"),
    ("arrays", ["y", "y"], "expected a list of printable names, each once"),
    ("arrays", ["y"], "belongs to no input and no result"),
    ("against", ["y"], "there is no array against."),
    ("seconds", True, "seconds is True"),
]


@pytest.mark.parametrize(("key", "value", "message"), WORDS)
def test_words_that_are_none(key, value, message, unpacked, path):
    arrays, words = unpacked
    rewrite(path, arrays, words | {key: value})
    refuse(path, message)


@pytest.mark.parametrize(("key", "value", "message"), ROWS)
def test_rows_that_are_none(key, value, message, unpacked, path):
    arrays, words = unpacked
    rewrite(path, arrays, words | {"rows": [words["rows"][0] | {key: value}]})
    refuse(path, message)


def test_a_row_that_comes_twice(unpacked, path):
    arrays, words = unpacked
    rewrite(path, arrays, words | {"rows": words["rows"] * 2})
    refuse(path, "rows has numpy:scratch twice")


@pytest.mark.parametrize(("key", "value", "message"), RESULTS)
def test_results_that_are_none(key, value, message, unpacked, path):
    arrays, words = unpacked
    [backend] = words["rows"]
    results = [backend["results"][0] | {key: value}, *backend["results"][1:]]
    rewrite(path, arrays, words | {"rows": [backend | {"results": results}]})
    refuse(path, message)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (X, np.zeros((1, 1, 2), "f4"), "x has shape (1, 1, 2)"),
        (X, np.zeros((1, 1, 1), "f8"), "x is float64, expected float32"),
        ("inputs.unit.float32.batch.z", np.zeros(3, "f4"), "z"),
        ("arrays.numpy:scratch.forward.unit.float32.y", np.zeros(3, "i4"), "expected floats"),
        ("arrays.other", np.zeros(3, "f4"), "'arrays.other' belongs to no input and no result"),
    ],
)
def test_arrays_that_do_not_fit(name, array, message, unpacked, path):
    arrays, words = unpacked
    rewrite(path, arrays | {name: array}, words)
    refuse(path, message)


def test_a_case_of_another_scale(unpacked, path):
    arrays, words = unpacked
    case = words["cases"][0]
    config = case["config"] | {"layers": 10**9}
    rewrite(path, arrays, words | {"cases": [case | {"config": config}]})
    refuse(path, "layers is 1000000000, expected at most 1000")


@pytest.mark.parametrize("label", ["os:system", "torch:other"])
def test_only_gateparitys_own_rows_are_shipped(label, unpacked, path):
    arrays, words = unpacked
    backend, variant = label.split(":")
    arrays = {n.replace("numpy:scratch", label): a for n, a in arrays.items()}
    words = json.loads(json.dumps(words).replace("numpy:scratch", label))
    backend = words["rows"][0] | {"backend": backend, "variant": variant, "shipped": True}
    rewrite(path, arrays, words | {"rows": [backend]})
    assert [backend.shipped for backend in load_recording(path).run.backends] == [False]


def test_what_could_not_be_read_again_is_not_written(small, path):
    check, case = small.plan[0]
    long = dataclasses.replace(case.batch, x=np.zeros((10_001, 1, 1), "f4"))
    plan = [(check, dataclasses.replace(case, batch=long))]
    with pytest.raises(InputError, match="steps is 10001"):
        path.write_bytes(pack_recording(dataclasses.replace(small, plan=plan)))
    assert not path.exists()


@FAST
@given(st.data())
def test_a_garbled_file_is_refused(tmp_path_factory, sample, data):
    """Never another exception, and no module that wasn't there before."""
    path = tmp_path_factory.getbasetemp() / "garbled"
    whole = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path.write_bytes(bytes(whole[: data.draw(st.sampled_from([None, 5, 100, 2000, -1]))]) or b"x")
    modules = set(sys.modules)
    if path.read_bytes() == sample:
        return
    with contextlib.suppress(InputError):
        # Only what stands between the arrays, and the form of the header, can change unnoticed.
        assert load_recording(path).run.seed == 0
    assert set(sys.modules) == modules


@FAST
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(0, 9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=5,
    ),
    st.data(),
)
def test_any_json_in_the_place_of_words(tmp_path_factory, sample, value, data):
    """Sealed anew, as by somebody who means it."""
    path = tmp_path_factory.getbasetemp() / "any"
    arrays, words = unpack_tensors(sample, LIMITS)
    changed = _put(words, value, data)
    with contextlib.suppress(UnicodeEncodeError):  # nothing that a file could hold
        rewrite(path, arrays, changed)
        with contextlib.suppress(InputError):
            load_recording(path)


def _put(found, value, data):
    """The value somewhere among the words."""
    keys = (
        [key for key in found if key != "sha256"] if isinstance(found, dict) else range(len(found))
    )
    key = data.draw(st.sampled_from(list(keys)))
    inner = found[key]
    deeper = isinstance(inner, (dict, list)) and inner and data.draw(st.booleans())
    copy = dict(found) if isinstance(found, dict) else list(found)
    copy[key] = _put(inner, value, data) if deeper else value
    return copy
