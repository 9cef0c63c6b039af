"""What the docs say is what runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateparity.conformance.checks import CHECKS

DOCS = Path(__file__).parents[1] / "docs"


def example() -> str:
    return re.search(r"```python\n(.*?)```", (DOCS / "adapters.md").read_text(), re.DOTALL)[1]


def check(folder: Path, code: str) -> tuple[int, dict[tuple[str, str], set[str]]]:
    (folder / "my_lstm.py").write_text(code)
    command = [sys.executable, "-m", "gateparity.conformance.cli", "check", "--json", "run.json"]
    done = subprocess.run(
        [*command, "--backend", "numpy", "--backend", "my_lstm:MyLSTM"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    found: dict[tuple[str, str], set[str]] = {}
    for result in json.loads((folder / "run.json").read_text())["results"]:
        if result["variant"] == "MyLSTM":
            found.setdefault((result["check"], result["case"]), set()).add(result["status"])
    return done.returncode, found


def test_the_example_adapter_is_short_and_agrees(tmp_path):
    assert len(example().splitlines()) <= 40
    code, found = check(tmp_path, example())
    assert code == 0
    passed = {key for key, statuses in found.items() if statuses == {"pass"}}
    assert passed == {("forward", "sequence"), ("forward", "unit")}
    assert all(statuses == {"skip"} for key, statuses in found.items() if key not in passed)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('order="igfo"', 'order="ifgo"'),
        ("sigmoid(f + 1)", "sigmoid(f)"),
        ("forget_offset=1.0", "forget_offset=0.5"),
        ("batch.h_0[0]", "zeros"),
        ("np.concatenate([x, h], -1)", "np.concatenate([x, 0 * h], -1)"),
    ],
)
def test_the_example_adapter_with_a_mistake_differs(right, wrong, tmp_path):
    assert example().count(right) == 1
    code, found = check(tmp_path, example().replace(right, wrong))
    assert code == 1
    assert "fail" in found["forward", "sequence"]


def test_every_requirement_is_a_check_of_that_number_and_name():
    text = (DOCS / "conformance.md").read_text()
    headings = re.findall(r"^## (\d+)\. (\w+)$", text, re.MULTILINE)
    assert [name for _, name in headings] == list(CHECKS)
    for number, name in headings:
        assert CHECKS[name].run.__doc__.startswith(f"{number}. ")
        assert CHECKS[name].run.__name__ == name
