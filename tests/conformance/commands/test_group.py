"""Every verb: what its help promises, and what a command line that can't be read is told."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from gateparity.conformance.commands.cli import VERBS, app
from gateparity.errors import InputError

PYPROJECT = Path(__file__).parents[3] / "pyproject.toml"


def every_command():
    """Each by the words that run it; verbs within a verb too."""
    for verb in VERBS:
        loaded = verb.load()
        if isinstance(loaded, TyperGroup):
            yield from ((f"{verb.name} {name}", c) for name, c in loaded.commands.items())
        else:
            yield verb.name, loaded


COMMANDS = dict(every_command())


@pytest.mark.parametrize("words", COMMANDS)
def test_the_help_has_examples_that_parse(words):
    command = COMMANDS[words]
    examples = re.findall(
        rf"^ *(?:[A-Z_]+=\S+ +)?gateparity {words}\b(.*?)(?:  .*)?$",
        command.epilog or "",
        re.MULTILINE,
    )
    assert examples, f"gateparity {words} --help has no example"
    for example in examples:
        command.make_context(words, shlex.split(example))


@pytest.mark.parametrize("words", ["", *COMMANDS])
def test_at_80_columns_every_example_is_a_line_of_its_own(words):
    command = COMMANDS.get(words) or typer.main.get_command(app)
    examples = re.findall(r"^ +(\S.*)$", command.epilog or "", re.MULTILINE)
    shown = CliRunner(env={"COLUMNS": "80"}).invoke(app, [*words.split(), "--help"]).stdout
    lines = [line.strip() for line in shown.splitlines()]
    assert [example for example in examples if example not in lines] == []


@pytest.mark.parametrize("words", COMMANDS)
def test_every_option_and_argument_is_explained(words):
    for param in COMMANDS[words].params:
        assert param.help, f"gateparity {words}: {param.opts}"


@pytest.mark.parametrize("verb", VERBS, ids=[verb.name for verb in VERBS])
def test_the_line_in_the_list_is_the_first_of_its_help(verb):
    assert verb.help == " ".join(verb.load().help.split("\n\n")[0].split())


def test_to_list_the_verbs_imports_none_of_them():
    code = (
        "import sys; sys.argv[1:] = ['--help']; from gateparity.conformance.commands import cli\n"
    )
    code += "try: cli.main()\nfinally: print('numpy' in sys.modules, sorted(sys.modules))"
    done = python("-c", code)
    last = done.stdout.splitlines()[-1]
    assert last.startswith("False")
    assert "gateparity.conformance.commands.check'" not in last


def test_a_verb_within_a_verb_is_suggested_too():
    command = typer.main.get_command(app)
    with pytest.raises(InputError, match=r"unknown command 'crate' \(did you mean create\?\)"):
        command(["env", "crate"], prog_name="gateparity", standalone_mode=False)


UNREADABLE = [
    ("chekc", "unknown command 'chekc' (did you mean check?): expected one of check, ", ""),
    ("zzz", "unknown command 'zzz': expected one of check, ", ""),
    (
        "env zzz",
        "unknown command 'zzz': expected one of create, repair, remove, clean-cache, list",
        "env",
    ),
    ("--vresion", "no such option --vresion (did you mean --version?)", ""),
    ("check --nonsense", "no such option --nonsense", "check"),
    ("check --jsn x", "no such option --jsn (did you mean --json?)", "check"),
    ("check --seed", "option '--seed' requires an argument", "check"),
    ("check --seed -1", "invalid value for '--seed': Input should be greater than or", "check"),
    ("check --seed one", "invalid value for '--seed': ", "check"),
    ("check --time-limit 0", "invalid value for '--time-limit': ", "check"),
    ("check --time-limit inf", "invalid value for '--time-limit': ", "check"),
    ("check numpy", "got unexpected extra argument(s) (numpy)", "check"),
    ("replay", "missing argument 'FILE'", "replay"),
    ("env create --nope", "no such option --nope", "env create"),
]


@pytest.mark.parametrize(("line", "words", "verb"), UNREADABLE, ids=[u[0] for u in UNREADABLE])
def test_a_command_line_that_cant_be_read_is_one_line_with_the_help_to_read(line, words, verb):
    done = gateparity(*line.split())
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"gateparity: {words}")
    assert done.stderr.endswith(f"see `{' '.join(['gateparity', *verb.split(), '--help'])}`\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("recipes", "`gateparity recipes` is gone: docs/defaults.md has "),
        ("recipes -b torch --json x.json", "`gateparity recipes` is gone: docs/defaults.md has "),
        ("record", "`gateparity record` is gone: type `gateparity check --record FILE`, which "),
        ("record -b torch -o x.st", "`gateparity record` is gone: type `gateparity check --record"),
    ],
)
def test_a_verb_that_is_gone_says_in_one_line_what_stands_in_its_place(line, words):
    done = gateparity(*line.split())
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"gateparity: {words}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("line", ["", "env"])
def test_without_a_verb_it_shows_its_help(line):
    done = gateparity(*line.split())
    assert done.returncode == 2
    assert done.stderr.strip() == ""
    assert "Usage: gateparity" in done.stdout


def test_the_version_is_the_packages():
    version = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]["version"]
    assert gateparity("--version").stdout == f"gateparity {version}\n"


def gateparity(*arguments: str) -> subprocess.CompletedProcess[str]:
    return python("-m", "gateparity.conformance.commands.cli", *arguments)


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
