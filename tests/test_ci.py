"""The matrix, its labels, its pins: tox.ini, pre-commit, the workflow and the docs say the same."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

from gateparity.backends.catalogue import FRAMEWORKS

ROOT = Path(__file__).parents[1]
TOX = configparser.ConfigParser(interpolation=None)
TOX.read(ROOT / "tox.ini", encoding="utf-8")
LABELS = dict(
    re.findall(r"^(\w+) = (.*)$", TOX["tox"]["labels"].replace("{12,13}", "12"), re.MULTILINE)
)


def test_a_plain_run_needs_no_other_python_and_no_older_version():
    names = re.split(r",\s*", TOX["tox"]["env_list"])
    assert set(FRAMEWORKS) < set(names)
    assert not [name for name in names if re.search(r"\d", name)]


def test_every_label_is_told_and_has_a_job():
    page = (ROOT / "docs/ci.md").read_text("utf-8")
    assert re.findall(r"^\| `tox run -m (\w+)` \|", page, re.MULTILINE) == list(LABELS)
    workflow = (ROOT / ".github/workflows/parity.yml").read_text("utf-8")
    assert f"tox list --no-desc -m {' '.join(LABELS)} >" in workflow


def test_pre_commit_runs_what_tox_pins():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    pins = re.findall(r"[\w-]+==[\d.]+", TOX["testenv:lint"]["deps"])
    pins = [pin for pin in pins if not pin.startswith("import-linter")]  # it reads the wheel
    assert pins
    assert all(pin in hooks for pin in pins)
    held = {pin.partition("==")[0] for pin in pins}
    used = re.findall(r"([\w-]+)==([\d.]+)", hooks)
    assert all(f"{name}=={version}" in pins for name, version in used if name in held)


def test_the_workflow_may_read_and_no_more():
    workflow = (ROOT / ".github/workflows/parity.yml").read_text("utf-8")
    assert re.search(r"^permissions:\n  contents: read\n\n", workflow, re.MULTILINE)
    assert "permissions:" not in workflow.replace("permissions:\n  contents: read\n\n", "")
    jobs = re.findall(r"^  \w+:\n    name:", workflow, re.MULTILINE)
    assert len(re.findall(r"^    timeout-minutes: \d+$", workflow, re.MULTILINE)) == len(jobs) == 4
