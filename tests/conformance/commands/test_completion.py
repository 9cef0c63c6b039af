"""Completion as bash asks for it: through typer's own script, in a bash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateparity.backends.catalogue import FRAMEWORKS
from gateparity.conformance.commands.completion import complete_backend, joined_words
from gateparity.conformance.requirements.checks import CHECKS

COMMAND = Path(sys.executable).with_name("gateparity")
SCRIPT = """
eval "$(_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION=1 _GATEPARITY_COMPLETE=source_bash gateparity)"
COMP_WORDS=(gateparity "$@")
COMP_CWORD=$#
_gateparity_completion gateparity
printf '%s\\n' "${COMPREPLY[@]}"
"""

pytestmark = pytest.mark.skipif(
    not shutil.which("bash") or not COMMAND.exists(), reason="no bash, or no gateparity on its path"
)


def complete(*words: str) -> list[str]:
    """What bash offers for the last of the words; bash has cut them at colons."""
    environ = os.environ | {"PATH": f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", SCRIPT, "bash", *words],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["ch"], ["check"]),
        (["env", ""], ["create", "repair", "remove", "clean-cache", "list"]),
        (["env", "create", "t"], ["torch", "tensorflow"]),
        (["check", "-b", "torch"], ["torch", "torch:scratch", "torch:layer"]),
        (["check", "-b", "torch", ":"], ["scratch", "layer"]),
        (["check", "-b", "torch", ":", "la"], ["layer"]),
        (["check", "-b", "torch", ":", "layer", "--case", "rag"], ["ragged"]),
        (["check", "--check", ""], list(CHECKS)),
        (["diagnose", "--backend", "jax", ":", "n"], ["nnx"]),
        (["layout", "torch", "ker"], ["keras", "keras_cudnn"]),
        (["check", "--backend", "zzz"], []),
    ],
    ids=" ".join,
)
def test_bash_offers(words, offered):
    assert complete(*words) == offered


@pytest.mark.parametrize("words", [["env", "remove", "jax"], ["check", "-b", "jax@"]], ids=" ".join)
def test_bash_offers_environments_that_were_made(words, tmp_path, monkeypatch):
    (tmp_path / "jax@0.9.2").mkdir()
    monkeypatch.setenv("GATEPARITY_ENVS", str(tmp_path))
    assert complete(*words) == ["jax@0.9.2"]


def test_a_name_is_completed_without_importing_a_framework():
    code = (
        "import sys; from gateparity.conformance.commands import completion as c; "
        "c.complete_backend(''); c.complete_case(''); c.complete_check(''); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = {module for name in FRAMEWORKS for module in FRAMEWORKS[name].modules} - {"numpy"}
    assert not modules & set(done.stdout.split())


def test_every_row_is_offered():
    backends = [f"{f.name}:{variant}" for f in FRAMEWORKS.values() for variant, _ in f.variants]
    assert set(backends) <= set(complete_backend(""))


def test_a_shell_that_cuts_nothing_is_left_alone(capsys):
    environ = {
        "_GATEPARITY_COMPLETE": "complete_bash",
        "COMP_WORDS": "g\n-b\na:b",
        "COMP_CWORD": "2",
    }
    with joined_words(environ):
        print("a:bc")  # noqa: T201
    assert environ["COMP_WORDS"].split("\n")[2] == "a:b"
    assert capsys.readouterr().out == "a:bc\n"
