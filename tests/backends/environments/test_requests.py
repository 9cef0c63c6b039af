"""What a line of `gateparity env create` asks for: names, requirements, and words that are none."""

from __future__ import annotations

import pytest

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.backends.environments.requests import named_request, parse_requests
from gateparity.errors import InputError


def parsed(line, **options):
    return [(r.name, r.requirements) for r in parse_requests(line.split(), **options)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("jax", [("jax", ())]),
        ("torch jax", [("torch", ()), ("jax", ())]),
        ("jax==0.9.2", [("jax@0.9.2", ("jax==0.9.2",))]),
        ("JAX==0.9.2", [("jax@0.9.2", ("JAX==0.9.2",))]),
        ("jax@0.9.2", [("jax@0.9.2", ("jax==0.9.2",))]),
        ("jax==0.9.2 flax==0.12.0", [("jax@0.9.2", ("jax==0.9.2", "flax==0.12.0"))]),
        ("jax==0.9.2 jax", [("jax@0.9.2", ("jax==0.9.2",)), ("jax", ())]),
        (
            "jax==0.9.2 torch flax==0.12.0",
            [("jax@0.9.2", ("jax==0.9.2", "flax==0.12.0")), ("torch", ())],
        ),
        ("numpy==2.1.0", [("numpy@2.1.0", ("numpy==2.1.0",))]),
        ("jax==0.9.2 numpy==2.1.0", [("jax@0.9.2", ("jax==0.9.2", "numpy==2.1.0"))]),
        ("jax numpy", [("jax", ()), ("numpy", ())]),
        ("tensorflow-cpu==2.15.1", [("tensorflow@2.15.1", ("tensorflow-cpu==2.15.1",))]),
        ("torch==2.0.0+cpu", [("torch@2.0.0-cpu", ("torch==2.0.0+cpu",))]),
    ],
)
def test_a_line_names_environments(line, expected):
    assert parsed(line) == expected


def test_a_python_is_in_the_name():
    assert parsed("mxnet", python="3.13") == [("mxnet@py3.13", ())]
    assert parsed("jax==0.9.2", python="3.12") == [("jax@0.9.2-py3.12", ("jax==0.9.2",))]
    with pytest.raises(InputError, match=r"--name$"):
        parsed("mxnet", python="/usr/bin/python3")


def test_a_name_may_be_given():
    assert parsed("jax<0.10", name="old") == [("jax@old", ("jax<0.10",))]
    assert parsed("jax", name="old") == [("jax@old", ())]


@pytest.mark.parametrize("name", ["Old", "a b", "../x", "a/b", "ä", "a@b", "a\n"])
def test_a_name_that_is_no_name_is_refused(name):
    with pytest.raises(InputError, match=r"expected a-z, 0-9, '.', '_' and '-'$") as caught:
        parsed("jax", name=name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("jaxx", r"^unknown framework 'jaxx' \(did you mean jax\?\)"),
        ("torch jaxx", r"^unknown framework 'jaxx'"),
        ("flax==0.12.0", r"^unknown framework 'flax'"),
        ("jax<0.10", r"^jax<0.10 makes no name for an environment: give it one with --name$"),
        ("jax==0.9.*", r"makes no name"),
        ("torch iniconfig==2", r"^iniconfig==2 makes no name"),
        ("jax==", r"^'jax==' is no requirement: expected a framework, or a version as in jax=="),
        ("-r", r"^'-r' is no requirement"),
        ("--index-url=http://x", r"is no requirement"),
        ("jax@nightly@", r"is no requirement|makes no name"),
    ],
)
def test_a_word_that_makes_no_sense_is_one_line(line, words):
    with pytest.raises(InputError, match=words) as caught:
        parsed(line)
    assert "\n" not in str(caught.value)


def test_one_name_is_for_one_environment():
    with pytest.raises(InputError, match="--name names one environment"):
        parsed("jax torch", name="x")


def test_pins_stay_where_nothing_is_asked():
    (request,) = parse_requests(["jax"])
    assert request.lines("3.11") == (
        FRAMEWORKS["jax"].requirements.read_text("utf-8").split(),
        False,
    )


@pytest.mark.parametrize(
    ("line", "python", "lines", "alone"),
    [
        ("jax==0.9.2", "3.11", ["jax==0.9.2", "flax", "optax", "numpy"], False),
        (
            "jax==0.9.2 flax==0.12.0",
            "3.11",
            ["jax==0.9.2", "flax==0.12.0", "optax", "numpy"],
            False,
        ),
        (
            "jax[cuda12]==0.9.2 x==1",
            "3.11",
            ["jax[cuda12]==0.9.2", "flax", "optax", "numpy", "x==1"],
            False,
        ),
        ("mxnet==2.0.0b1", "3.11", ["mxnet==2.0.0b1", "numpy"], False),
    ],
)
def test_what_is_asked_takes_the_place_of_its_pin(line, python, lines, alone):
    (request,) = parse_requests(line.split())
    assert request.lines(python) == (lines, alone)


def test_tensorflows_version_is_that_of_its_cpu_build():
    (request,) = parse_requests(["tensorflow==2.20.0"])
    assert request.lines("3.11")[0] == [
        'tensorflow-cpu==2.20.0; sys_platform != "darwin"',
        'tensorflow==2.20.0; sys_platform == "darwin"',
        "keras",
        "numpy",
    ]


@pytest.mark.parametrize("python", ["3.12", "3.13"])
def test_mxnet_has_whole_lists_where_its_own_dependencies_cannot_be_had(python):
    for line, mxnet in (("mxnet", "mxnet==1.9.1"), ("mxnet==2.0.0b1", "mxnet==2.0.0b1")):
        (request,) = parse_requests([line])
        lines, alone = request.lines(python)
        assert alone
        assert lines[0] == mxnet
        assert any(each.startswith("setuptools==") for each in lines)
        assert all("==" in each for each in lines)


@pytest.mark.parametrize(
    ("line", "options", "command"),
    [
        ("jax", {}, "gateparity env create jax"),
        ("jax==0.9.2", {}, "gateparity env create jax==0.9.2"),
        ("mxnet", {"python": "3.13"}, "gateparity env create mxnet --python 3.13"),
        ("jax<0.10", {"name": "old"}, "gateparity env create 'jax<0.10' --name old"),
    ],
)
def test_a_request_tells_how_it_is_made(line, options, command):
    (request,) = parse_requests([line], **options)
    assert request.command == command


def test_a_name_alone_tells_a_version_or_a_python():
    assert named_request("jax@0.9.2").requirements == ("jax==0.9.2",)
    assert named_request("mxnet@py3.13").python == "3.13"
    with pytest.raises(InputError, match=r"^the name jax@old doesn't tell what it is to hold"):
        named_request("jax@old")


def test_onnx_runtime_has_an_environment_and_no_adapter():
    (request,) = parse_requests(["onnx"])
    assert (request.name, request.framework.title) == ("onnx", "ONNX Runtime")
    assert request.lines("3.11")[0][0].startswith("onnxruntime==")
    assert parse_requests(["onnx==1.31.1"])[0].lines("3.11")[0][0] == "onnxruntime==1.31.1"
    assert "onnx" not in FRAMEWORKS
