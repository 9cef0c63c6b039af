"""The example that opens README: it fails with the sentence that it shows, and then agrees."""

import re
from pathlib import Path

import pytest

pytest.importorskip("keras")
README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_the_first_example_ends_as_its_remarks_say():
    code = re.search(r"## I ported a layer.*?```python\n(.*?)```", README, re.DOTALL)[1]
    sentence = re.search(r"# AssertionError: (.*)", code)[1]
    wrong, _, right = code.partition("gateparity.load(")
    names: dict[str, object] = {}
    with pytest.raises(AssertionError, match=f"^{re.escape(sentence)}"):
        exec(wrong, names)
    exec(f"gateparity.load({right}", names)
