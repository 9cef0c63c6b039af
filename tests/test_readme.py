"""The front page: the smallest example of each verb, run as it stands, cut to a case or two."""

from __future__ import annotations

import configparser
import re
import shlex
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from gateparity.conformance.commands.cli import VERBS
from tests.command import run_command

WEIGHTS = np.zeros((8, 2), np.float32)
ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCK = re.search(r"^## Each verb\n\n```console\n(.*?)```", README, re.DOTALL | re.MULTILINE)[1]
LINES = re.findall(r"^\$ gateparity (.*?)(?: +#.*)?$", BLOCK, re.MULTILINE)
SAID = re.search(r"```text\n(.*?)\n```", README)[1]  # of an LSTM with a mistake
ONE_CASE = ("--check", "forward", "--case", "sequence")
CUT = {
    "check": ONE_CASE,
    "diagnose": ("--case", "sequence"),
    "bench": ("--quick",),
    "train": ("--epochs", "1", "--windows", "64", "--batch", "64"),
}
RUN = {"check", "train", "horizon", "bench"}  # in two frameworks here
DIFFERS = ("mylib:MyLSTM", "replay")  # an LSTM with a mistake, and what was saved of it
MYLIB = (ROOT / "docs/broken.py").read_text("utf-8").replace("class Swapped", "class MyLSTM")


def test_each_verb_has_an_example():
    assert {line.split()[0] for line in LINES} == {verb.name for verb in VERBS}


def test_an_example_ends_as_its_remark_says(all_frameworks, tmp_path):
    (tmp_path / "mylib.py").write_text(MYLIB)
    weights = {"cell.weight_ih": WEIGHTS, "cell.weight_hh": WEIGHTS}
    for name in ("model", "b"):
        save_file(weights, tmp_path / f"{name}.safetensors")
    for line in LINES:
        verb, *words = shlex.split(line)
        if verb == "selftest":  # four minutes: an environment of tox's runs it
            continue
        if verb in RUN and "-b" not in words:
            words += [word for spec in all_frameworks[:2] for word in ("-b", spec)]
        whole = verb == "check" and "mylib:MyLSTM" in words  # its output is on the page
        done = run_command(verb, *words, *(() if whole else CUT.get(verb, ())), cwd=tmp_path)
        expected = 1 if any(word in line for word in DIFFERS) else 0
        assert done.returncode == expected, f"{line}\n{done.stdout}\n{done.stderr}"
        assert done.stdout
        assert not whole or done.stdout.count(SAID) == 2


def test_an_environment_of_toxs_runs_the_selftest():
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    assert "selftest" in LINES
    assert tox["testenv:selftest"]["commands"].startswith("gateparity selftest ")
    assert "selftest" in tox["tox"]["env_list"]


def test_its_pictures_are_drawn_by_a_command_of_the_repository():
    pictures = re.findall(r"!\[[^\]]+\]\(docs/([^)]+)\)", README)
    assert pictures == ["table.svg", "report.png"]
    drawn = (ROOT / "docs/pictures.py").read_text("utf-8")
    assert all(name in drawn for name in pictures)
    make = (ROOT / "Makefile").read_text("utf-8")
    assert re.search(r"^pictures: .*\n(?:.+\n)*.*docs/pictures\.py", make, re.MULTILINE)


def test_the_picture_of_the_table_fetches_nothing():
    svg = (ROOT / "docs/table.svg").read_text("utf-8")
    assert "url(http" not in svg
    assert "<script" not in svg
    assert "agrees" in svg
