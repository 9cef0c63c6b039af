"""A failure in a file: what goes in comes out to the last bit, and nothing else gets in."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import struct
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from safetensors.numpy import save

from gateparity.conformance.failures.failure import Failure, load_failure, save_failure
from gateparity.conformance.judgement.truth import Truth
from gateparity.conformance.problems.arrays import join_arrays, name_arrays
from gateparity.conformance.problems.case import Case, build_case, draw_for
from gateparity.conformance.problems.cases import RECIPES
from gateparity.conformance.requirements.checks import CHECKS
from gateparity.conformance.storage.tensors import SMALL, pack_tensors, seal, unpack_tensors
from gateparity.errors import InputError
from gateparity.network.config import Config

MANIFEST = {"python": "CPython 3.11.7", "processor": "some", "OMP_NUM_THREADS": "1"}
FAST = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


def make(case: Case, check: str = "forward", **changes) -> Failure:
    truth = CHECKS[check].run(Truth(), case)
    found = {name: array.astype(case.config.dtype) for name, array in truth.items()}
    sigmas = {name: np.full(array.shape, 1e-8) for name, array in truth.items()}
    plain = {name: array.astype("float64") for name, array in truth.items()}
    made = Failure(check, case, "torch:layer", found, plain, sigmas, "y differs", MANIFEST, 3)
    return dataclasses.replace(made, **changes)


@pytest.fixture
def failure():
    return make(dataclasses.replace(RECIPES["ragged"], layers=1).build("float32", 0))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "failure.safetensors"


def bits(failure):
    """Everything that is in it, comparable."""
    groups = {name: getattr(failure, name) for name in ("found", "truth", "sigmas")}
    groups["case"] = name_arrays(failure.case)
    arrays = {
        group: [(n, a.dtype.str, a.shape, a.tobytes()) for n, a in held.items()]
        for group, held in groups.items()
    }
    words = [failure.check, failure.backend, failure.message, dict(failure.manifest)]
    return arrays, words, failure.seed, failure.case.name, failure.case.config


def unpacked(failure, path):
    save_failure(failure, path)
    return unpack_tensors(path.read_bytes())


def rewrite(path, arrays, words):
    """Write a file that somebody else has sealed."""
    held = {name: value for name, value in words.items() if name != "sha256"}
    path.write_bytes(pack_tensors(arrays, seal(arrays, held)))


@st.composite
def failures(draw):
    sizes = st.integers(1, 3)
    config = Config(
        *(draw(sizes), draw(sizes), draw(sizes), draw(st.integers(1, 2)), draw(st.booleans())),
        dtype=draw(st.sampled_from(["float16", "float32", "float64"])),
    )
    steps, size = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    x = np.zeros((steps, size, config.input_size), config.dtype)
    lengths = draw(
        st.none() | stn.arrays(st.sampled_from(["i4", "i8"]), size, elements=st.integers(0, steps))
    )
    case = build_case("c", config, x, draw_for("c", 0, config.dtype), lengths)
    floats = {
        name: draw(stn.arrays(array.dtype, array.shape))
        for name, array in name_arrays(case).items()
        if name != "batch.lengths"
    }
    case = join_arrays(draw(words(8)), config, name_arrays(case) | floats)
    held = {name: draw(results(array)) for name, array in floats.items()}
    truth = {name: array.astype("float64") for name, array in held.items()}
    sigmas = {name: np.abs(np.nan_to_num(array)) for name, array in truth.items()}
    check = draw(st.sampled_from(list(CHECKS)))
    manifest = draw(st.dictionaries(words(8), words(8), max_size=3))
    label = draw(words(8))
    return Failure(
        check, case, label, held, truth, sigmas, draw(words(8)), manifest, draw(st.integers(0))
    )


def words(size):
    return st.text(max_size=size).filter(str.isprintable)


def results(array):
    return st.sampled_from([array, array[..., :0], array[..., None]])


@FAST
@given(failures())
def test_what_goes_in_comes_out(tmp_path, failure):
    with np.errstate(all="ignore"):
        save_failure(failure, tmp_path / "x")
        assert bits(load_failure(tmp_path / "x")) == bits(failure)


@pytest.mark.parametrize("check", CHECKS)
def test_what_any_check_finds_can_be_saved(check, path):
    found = make(RECIPES["sequence"].build("float32", 0), check)
    save_failure(found, path)
    assert bits(load_failure(path)) == bits(found)


def test_the_same_failure_makes_the_same_file(failure, path):
    save_failure(failure, path)
    before = path.read_bytes()
    save_failure(load_failure(path), path)
    assert path.read_bytes() == before


def test_arrays_in_no_memory_order_are_saved_as_they_are(path):
    case = RECIPES["sequence"].build("float32", 0)
    x = np.asfortranarray(case.batch.x)
    odd = dataclasses.replace(case, batch=dataclasses.replace(case.batch, x=x))
    save_failure(make(odd), path)
    np.testing.assert_array_equal(load_failure(path).case.batch.x, case.batch.x)


def test_longdouble_is_rounded_to_float64(path):
    case = RECIPES["sequence"].build("float64", 0)
    truth = CHECKS["forward"].run(Truth(), case)
    save_failure(make(case, truth=truth), path)
    np.testing.assert_array_equal(load_failure(path).truth["y"], truth["y"].astype("float64"))


def test_what_a_backend_says_is_made_printable(failure, path):
    odd = "\x1b[31mred\nline \ud800"
    save_failure(dataclasses.replace(failure, message=odd, manifest={odd: odd}), path)
    found = load_failure(path)
    assert found.message == r"\x1b[31mred\nline \ud800"
    assert found.manifest == {found.message: found.message}


# What a stranger may have sent.


def refuse(path, words):
    with pytest.raises(InputError) as refused:
        load_failure(path)
    message = str(refused.value)
    assert words in message
    assert message.startswith(str(path))
    assert message.isprintable()
    assert len(message) < 700


def test_files_that_are_none(tmp_path):
    refuse(tmp_path / "gone", "can't be read, expected a saved failure: No such file")
    refuse(tmp_path, "it is a directory")
    for name, data, words in (
        ("empty", b"", "is empty"),
        ("short", b"abc", "no safetensors, or damaged"),
        ("words", b"no such thing" * 9, "no safetensors, or damaged"),
        ("pickle", b"\x80\x04\x95" + b"x" * 90, "no safetensors, or damaged"),
        ("others", save({"weight": np.zeros(3, "f4")}), "gateparity didn't write it"),
        ("no json", struct.pack("<Q", 8) + b"{" * 8, "its header is no JSON"),
        ("deep", struct.pack("<Q", 99999) + b"[" * 99999, "its header is nested too deeply"),
        ("bytes", struct.pack("<Q", 8) + b"\xff" * 8, "its header is no JSON"),
        ("null", save({}, {"gateparity": "null"}), "didn't write it"),
        ("nothing", save({}, {"gateparity": "{}"}), "kind is None, expected 'saved failure'"),
        ("numbers", save({}, {"gateparity": "1" * 5000}), "its header is no JSON"),
    ):
        (tmp_path / name).write_bytes(data)
        refuse(tmp_path / name, words)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(SMALL.file + 1)
    refuse(path, f"it has {SMALL.file + 1} bytes, {SMALL.file} allowed")


@pytest.mark.parametrize("declared", [0, 1, 2**20 + 1, 2**63, 2**64 - 1])
def test_a_header_of_another_size_than_the_file_has(declared, failure, path):
    save_failure(failure, path)
    path.write_bytes(struct.pack("<Q", declared) + path.read_bytes()[8:])
    refuse(path, "no safetensors, or damaged")


@pytest.mark.parametrize(
    ("shape", "end", "words"),
    [
        ([2**40], 4, "damaged or truncated safetensors"),
        ([2**62, 4], 4, "damaged or truncated safetensors"),
        ([0, 2**63], 0, "has shape [0, 9223372036854775808]"),
        ([0, 2**40], 0, "has shape [0, 1099511627776]"),
        ([0] * 99, 0, "has shape [0, 0"),
        ([1], 2**40, "damaged or truncated safetensors"),
    ],
)
def test_sizes_that_no_file_has(shape, end, words, path):
    tensor = {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}
    header = json.dumps({"__metadata__": {"gateparity": "{}"}, "x": tensor}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * min(end, 4))
    refuse(path, words)


WORDS = [
    (
        "kind",
        "saved failures",
        "kind is 'saved failures', expected 'saved failure'",
    ),
    ("schema", 1, "schema is 1, expected 2"),
    ("schema", True, "schema is True"),
    ("check", "forwards", "unknown check 'forwards' (did you mean forward?)"),
    ("check", ["forward"], "check is ['forward'], expected 4096 printable"),
    ("check", "os:system", "unknown check 'os:system'"),
    ("case", None, "case is None"),
    ("case", "a\nb", "case is 'a\\nb'"),
    ("backend", "\x1b[2J", "backend is '\\x1b[2J'"),
    ("message", "x" * 5000, "message is 'xxx"),
    ("seed", -1, "seed is -1, expected an integer of at least 0"),
    ("seed", 1.5, "seed is 1.5"),
    ("manifest", [], "manifest is []"),
    ("manifest", {"python": 3}, "python is 3"),
    (
        "manifest",
        {str(k): "" for k in range(200)},
        "128 printable names at most",
    ),
    ("found", "y", "found is 'y'"),
    ("found", ["y", "y", "h_n", "c_n"], "expected a list of printable names, each once"),
    ("found", ["y", "h_n"], "'found.c_n' belongs to none of"),
    ("found", ["y", "h_n", "c_n", "z"], "there is no array found.z"),
    ("truth", ["y", "h_n"], "c_n"),
    ("config", None, "config is None, expected an object of biases, directions"),
    ("config", {"input_size": 4}, "config is {'input_size': 4}"),
]
CONFIGS = [
    ("dtype", "longdouble", "dtype is 'longdouble', expected one of float16, float32, float64"),
    ("dtype", "float64", "expected float64"),
    ("dtype", [], "dtype is []"),
    ("layers", 10**9, "layers is 1000000000, expected at most 1000"),
    ("layers", 2, "array 'params.2"),
    ("layers", "1", "layers is '1'"),
    ("hidden_size", 2**70, "hidden_size is"),
    ("hidden_size", 5, "w_ih has shape (4, 6, 4), expected (4, 5, 4)"),
    ("hidden_size", True, "hidden_size is True"),
    ("directions", 3, "directions is 3, expected 1 or 2"),
    ("biases", 0, "biases is 0, expected True or False"),
    ("biases", False, "b_hh"),
]


@pytest.mark.parametrize(("key", "value", "message"), WORDS)
def test_words_that_are_none(key, value, message, failure, path):
    arrays, found = unpacked(failure, path)
    rewrite(path, arrays, found | {key: value})
    refuse(path, message)


@pytest.mark.parametrize(("key", "value", "message"), CONFIGS)
def test_configs_that_are_none(key, value, message, failure, path):
    arrays, found = unpacked(failure, path)
    config = found["config"] | {key: value}
    rewrite(path, arrays, found | {"config": config})
    if (key, value) == ("layers", 2):  # the arrays of the second are missing
        message = "w_ih"
    refuse(path, message)


ARRAYS = [
    ("batch.x", np.zeros((5, 3, 4), "f8"), "x is float64, expected float32"),
    ("batch.x", np.zeros((5, 3), "f4"), "expected an array (T, B, input)"),
    ("batch.x", None, "x"),
    ("batch.h_0", np.zeros((1, 3, 6), "f4"), "h_0 has shape (1, 3, 6), expected (2, 3, 6)"),
    ("batch.lengths", np.array([9, 1, 1], "i4"), "lengths run from 1 to 9, expected 0 to 5"),
    ("batch.lengths", np.array([-1, 1, 1], "i8"), "lengths run from -1"),
    ("batch.lengths", np.zeros(3, "f4"), "expected an array of integers"),
    ("batch.y", np.zeros(3, "f4"), "y"),
    ("cotangent.y", np.zeros((5, 3, 6), "f4"), "y has shape (5, 3, 6), expected (5, 3, 12)"),
    ("params.0.w_ih", np.zeros((4, 6, 4), "f2"), "w_ih is float16, expected float32"),
    ("params.9.w_ih", np.zeros(3, "f4"), "'params.9.w_ih' belongs to none of"),
    ("__class__.x", np.zeros(3, "f4"), "'__class__.x' belongs to none of"),
    ("found.y", np.zeros(3, "i4"), "found.y is int32, expected floats"),
    ("truth.y", np.zeros((5, 3, 12), "f4"), "expected float64"),
    ("sigmas.y", np.zeros((5, 3, 1), "f8"), "sigmas.y has shape (5, 3, 1), expected (5, 3, 12)"),
    ("sigmas.y", np.full((5, 3, 12), -1.0), "none below 0"),
    ("sigmas.y", np.full((5, 3, 12), np.nan), "none below 0"),
]


@pytest.mark.parametrize(("name", "array", "message"), ARRAYS)
def test_arrays_that_do_not_fit(name, array, message, failure, path):
    arrays, words = unpacked(failure, path)
    arrays = {n: a for n, a in (arrays | {name: array}).items() if a is not None}
    rewrite(path, arrays, words)
    refuse(path, message)


@pytest.mark.parametrize("steps", [10_001, 2**26])
def test_empty_arrays_hide_no_endless_loop(steps, path):
    """A batch of no sequences may have any number of steps in no bytes at all."""
    arrays, words = unpacked(make(RECIPES["no_sequences"].build("float32", 0)), path)
    for name in ("batch.x", "cotangent.y"):
        arrays[name] = np.zeros((steps, 0, arrays[name].shape[-1]), "f4")
    rewrite(path, arrays, words)
    refuse(path, f"steps is {steps}, expected at most 10000")


@pytest.mark.parametrize("dtype", ["b1", "u1", "u8", "c8"])
def test_dtypes_that_no_case_has(dtype, path):
    path.write_bytes(save({"x": np.zeros(3, dtype)}, {"gateparity": "{}"}))
    refuse(path, "array 'x' is ")


def test_what_could_not_be_read_again_is_not_written(failure, path):
    long = dataclasses.replace(failure.case.batch, x=np.zeros((10_001, 3, 4), "f4"))
    case = dataclasses.replace(failure.case, batch=long)
    with pytest.raises(InputError, match="steps is 10001"):
        save_failure(dataclasses.replace(failure, case=case), path)
    large = {"y": np.zeros(SMALL.file // 8 + 1)}
    with pytest.raises(InputError, match="expected at most"):
        save_failure(dataclasses.replace(failure, truth=large, sigmas=large), path)
    assert not path.exists()


def test_a_folder_that_is_not_there(failure, tmp_path):
    with pytest.raises(InputError, match="can't be written"):
        save_failure(failure, tmp_path / "gone" / "x")


SAMPLE = RECIPES["plain"].build("float32", 0)


@settings(FAST, max_examples=600)
@given(st.data())
def test_a_garbled_file_is_refused_or_another_failure(tmp_path, data):
    """Never another exception, and no module that wasn't there before."""
    path = tmp_path / "x"
    save_failure(make(SAMPLE), path)
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, min(len(whole) - 1, 3000)))
        whole[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path.write_bytes(bytes(whole[: data.draw(st.sampled_from([None, 5, 100, 2000, -1]))]) or b"x")
    modules = set(sys.modules)
    with contextlib.suppress(InputError):
        assert load_failure(path).check in CHECKS
    assert set(sys.modules) == modules


@FAST
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
    st.data(),
)
@example({"schema": 1}, None)
def test_any_json_in_the_place_of_words(tmp_path, value, data):
    path = tmp_path / "x"
    arrays, words = unpacked(make(SAMPLE), path)
    if data is None:
        words = value
    else:
        held = words if data.draw(st.booleans()) else words["config"]
        held[data.draw(st.sampled_from(list(held)))] = value
        words = seal(arrays, {name: said for name, said in words.items() if name != "sha256"})
    path.write_bytes(save(arrays, {"gateparity": json.dumps(words)}))
    with contextlib.suppress(InputError):
        load_failure(path)
