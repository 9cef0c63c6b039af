"""The wheel as pip builds it, from a copy of the sources."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
DATA = ("backends/torch/requirements.txt", "conformance/reports/html/templates/report.html")


def test_the_build_warns_of_nothing_and_holds_the_data(tmp_path):
    for name in ("core", "backends", "conformance"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    command = ["-m", "pip", "wheel", "-v", "--no-deps", "--wheel-dir", tmp_path, tmp_path]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout + done.stderr
    assert [line for line in told.splitlines() if "_Warning:" in line or "Deprecat" in line] == []
    (wheel,) = tmp_path.glob("*.whl")
    held = zipfile.ZipFile(wheel).namelist()
    assert [name for name in DATA if f"gateparity/{name}" not in held] == []
