"""The page on speed has every size and every target of the data."""

from __future__ import annotations

from pathlib import Path

from _extensions.targets import _insert
from gateparity.conformance.bench.sizes import SIZES

PAGE = Path(__file__).parents[2] / "docs" / "bench.md"


def test_every_size_and_target_is_on_the_page():
    source = [PAGE.read_text("utf-8")]
    _insert(None, "bench", source)
    assert "<!--" not in source[0]
    for size in SIZES.values():
        numbers = f"{size.steps} | {size.batch} | {size.inputs} | {size.hidden}"
        assert f"\n| {size.name} | {numbers} |\n" in source[0]
    assert "\n| PyTorch | 1.5 | 2.0 | 2.0 | 1.05 |\n" in source[0]
    assert "\n| NumPy |" not in source[0]
