"""A page is read as what it says and what it runs, and its tabs show the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from _extensions.lesson import framework_names, measurements, program, read_parts, unlike_tabs
from gateparity.backends.catalogue import FRAMEWORKS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(page for page in DOCS.glob("*.md") if "```pycon" in page.read_text("utf-8"))
LESSONS = [page for page in PAGES if page.stem.startswith("lesson-")]
PAGE = """# Title

```pycon
>>> a = 1
```

::::{tab-set}
:sync-group: framework

:::{tab-item} NumPy
:sync: numpy
In NumPy.
```pycon
>>> a + 1
2
```
:::
:::{tab-item} PyTorch
:sync: torch
```pycon
>>> 1 + a
2
```
```{measured} cost
print("b", 3)
```
:::
::::

After.

```pycon
>>> a
1
```
"""


def test_a_page_is_read_in_its_order():
    found = [(part.kind, part.framework, part.line) for part in read_parts(PAGE)]
    assert [(kind, name) for kind, name, _ in found if kind != "text"] == [
        ("pycon", ""),
        ("pycon", "numpy"),
        ("pycon", "torch"),
        ("measured", "torch"),
        ("pycon", ""),
    ]
    lines = PAGE.splitlines()
    for part in read_parts(PAGE):
        assert part.text.splitlines()[0] == lines[part.line - 1]


def test_nothing_of_a_page_is_lost_but_its_fences():
    text = "".join(part.text for part in read_parts(PAGE))
    for line in PAGE.splitlines():
        assert line in text or line.startswith("```")


def test_a_framework_runs_what_is_for_all_and_its_own():
    parts = read_parts(PAGE)
    assert framework_names(parts) == ["numpy", "torch"]
    texts = [part.text for part in program(parts, "torch")]
    assert texts == [">>> a = 1\n", ">>> 1 + a\n2\n", 'print("b", 3)\n', ">>> a\n1\n"]


def test_tabs_that_show_other_results_are_found():
    assert unlike_tabs(PAGE) == []
    [line] = unlike_tabs(PAGE.replace(">>> 1 + a\n2", ">>> 1 + a\n3"))
    assert line == "line 7: torch shows other results than numpy"


def test_what_was_measured_is_a_number_for_each_label():
    assert measurements(["RNN, inference 1.00", "", "LSTM 3e-1"]) == {
        "RNN, inference": 1.0,
        "LSTM": 0.3,
    }
    with pytest.raises(ValueError, match="could not convert"):
        measurements(["no number"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_tabs_of_a_set_show_the_same(page):
    assert unlike_tabs(page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_a_lesson_runs_in_every_framework(page):
    """In NumPy too: what stands in no tab is NumPy's alone, should it have no tab."""
    names = framework_names(read_parts(page.read_text("utf-8")))
    assert names in (list(FRAMEWORKS), [name for name in FRAMEWORKS if name != "numpy"])
