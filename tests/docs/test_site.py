"""The build fails for what is wrong on a page, and for nothing that isn't there."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
CONF = f"""
import sys

sys.path.insert(0, {str(DOCS)!r})
extensions = ["myst_parser", "sphinx_design", "_extensions.examples", "_extensions.links",
              "_extensions.notebooks"]
myst_enable_extensions = ["colon_fence"]
html_theme = "furo"
html_static_path = [{str(DOCS / "_static")!r}]
"""
TABS = """# Title

::::{{tab-set}}
:sync-group: framework

:::{{tab-item}} NumPy
:sync: numpy
```pycon
>>> k = 2
```
```{{measured}} cost
print("a <b>", 1.5)
```
:::
:::{{tab-item}} MXNet
:sync: mxnet
```pycon
>>> k = 2
```
```{{measured}} cost
print("a <b>", 2.5)
```
:::
::::

```{{{drawn}}} cost
What is <drawn>.
```
"""


@pytest.fixture
def build(tmp_path):
    def build(text, name="index", more="", **environment):
        source = tmp_path / "docs"
        source.mkdir()
        (source / "conf.py").write_text(CONF + (f"extensions += [{more!r}]\n" if more else ""))
        (source / "index.md").write_text("# Index\n" if name != "index" else text, "utf-8")
        (source / f"{name}.md").write_text(text, "utf-8")
        out = tmp_path / "site"
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-b", "html"]
        done = subprocess.run(
            [*command, str(source), str(out)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        page = out / f"{name}.html"
        return done, page.read_text("utf-8") if page.is_file() else ""

    return build


def test_an_example_that_prints_something_else_fails_the_build_with_its_line(build):
    done, _ = build("# Title\n\n```pycon\n>>> 1 + 1\n3\n```\n")
    assert done.returncode == 1
    assert "index.md:4: WARNING: in NumPy: Failed example:" in done.stderr


def test_a_drawing_has_its_caption_and_what_is_for_the_page(build):
    text = "# T\n\n```{drawing} cell\nCaption: *Notice*.\n```\n\n:::{only-page}\nHere.\n:::\n"
    done, page = build(text, more="_extensions.drawing")
    assert done.returncode == 0, done.stderr
    assert '<svg role="img" aria-label="The four gates of an LSTM cell' in page
    assert "<figcaption><p><em>Notice</em>.</p>" in re.sub(r"\s*\n\s*", "", page)
    assert "<p>Here.</p>" in page


def test_a_drawing_that_cannot_be_made_fails_the_build_with_its_page(build):
    done, _ = build("# T\n\n```{drawing} cel\nIt.\n```\n", more="_extensions.drawing")
    assert done.returncode != 0
    assert "index: the drawing 'cel' can't be made: ValueError: unknown drawing" in done.stderr


def test_a_page_shows_code_without_prompts_and_output_apart(build):
    done, page = build("# T\n\n```pycon\n>>> 1 + 1\n2\n```\n", more="_extensions.pycon")
    assert done.returncode == 0, done.stderr
    assert "&gt;&gt;&gt;" not in page
    code, output = re.findall(r'<div class="(example-\w+) highlight-\w+', page)
    assert (code, output) == ("example-code", "example-output")


def test_what_is_measured_is_drawn_and_told(build, tmp_path):
    none = str(tmp_path / "none")
    done, page = build(TABS.format(drawn="bars"), GATEPARITY_TOX=none, GATEPARITY_ENVS=none)
    assert done.returncode == 0, done.stderr
    assert "a &lt;b&gt; 1.5" in page
    assert '<svg role="img" aria-label="What is &lt;drawn&gt;."' in page
    assert "<td><p>1.50</p></td>" in page


def test_a_build_without_a_framework_says_which_pages_lack_it_and_does_not_fail(build, tmp_path):
    none = str(tmp_path / "none")
    done, page = build(TABS.format(drawn="bars"), GATEPARITY_TOX=none, GATEPARITY_ENVS=none)
    assert done.returncode == 0, done.stderr
    assert "index was not run in MXNet" in done.stdout
    assert "Built without MXNet: its lines on this page were not run." in page
    assert "not run in this build" in page


def test_the_same_code_in_two_tabs_shows_what_each_printed(build, tmp_path):
    none = str(tmp_path / "none")
    text = TABS.format(drawn="bars").replace('"a <b>", 2.5', '"a <b>", 1.5')
    done, page = build(text, GATEPARITY_TOX=none, GATEPARITY_ENVS=none)
    assert done.returncode == 0, done.stderr
    assert page.count("a &lt;b&gt; 1.5") == page.count("not run in this build") == 1


def test_code_that_another_tab_has_a_part_of_shows_what_it_printed(build, tmp_path):
    none = str(tmp_path / "none")
    text = TABS.format(drawn="bars").replace(
        'print("a <b>", 1.5)', 'print("a <b>", 2.5)\nprint("c", 3)'
    )
    done, page = build(text, GATEPARITY_TOX=none, GATEPARITY_ENVS=none)
    assert done.returncode == 0, done.stderr
    assert page.count("not run in this build") == 1


def test_curves_have_an_axis_of_numbers(build):
    measured = "```{measured} loss\nprint(0, 2.5)\nprint(5, 1.5)\n```"
    done, page = build(f"# T\n\n{measured}\n\n```{{curves}} loss\nIt.\n```\n")
    assert done.returncode == 0, done.stderr
    assert '<svg role="img" aria-label="It."' in page


def test_what_all_frameworks_measure_alike_is_one_curve(build):
    tabs = "".join(
        f":::{{tab-item}} {name}\n:sync: {name}\n```pycon\n>>> 1\n1\n```\n:::\n"
        for name in ("numpy", "torch")
    )
    measured = "```{measured} loss\nprint(0, 2.5)\nprint(5, 1.5)\n```"
    text = f"# T\n\n::::{{tab-set}}\n{tabs}::::\n\n{measured}\n\n```{{bars}} loss\nIt.\n```\n"
    done, page = build(text)
    assert done.returncode == 0, done.stderr
    assert "5 1.5" in re.sub(r"<[^>]+>", "", page)
    assert re.findall(r'<th class="head"><p>(\w+)</p></th>', page) == ["NumPy"]


def test_words_are_put_beside_each_other_with_a_star_where_they_differ(build):
    tabs = "".join(
        f":::{{tab-item}} {name}\n:sync: {name}\n```{{measured}} words\n"
        f"print('same: one: 1')\nprint('other:', {number})\n```\n:::\n"
        for number, name in enumerate(("numpy", "torch"))
    )
    tabs = f"# T\n\n::::{{tab-set}}\n{tabs}::::\n\n```{{beside}} words\nAll of them.\n```\n"
    done, page = build(tabs)
    assert done.returncode == 0, done.stderr
    for cell in ("same", "one: 1", "other *", "0"):
        assert f"<td><p>{cell}</p></td>" in page
    assert '<th class="head"><p>PyTorch</p></th>' in page


def test_a_picture_without_numbers_says_so(build):
    done, page = build("# T\n\n```{bars} nothing\nIt.\n```\n")
    assert done.returncode == 0, done.stderr
    assert "No framework was there to measure this" in page


def test_a_link_that_leads_nowhere_fails_the_build(build):
    done, _ = build(
        '# Title\n\n<a href="none.html">x</a> <a href="#none">y</a> <a href="#title">z</a>\n'
    )
    assert done.returncode == 1
    assert "a link leads nowhere: none.html" in done.stderr
    assert "a link leads nowhere: #none" in done.stderr
    assert "leads nowhere: #title" not in done.stderr


def test_a_lesson_has_a_notebook_for_each_of_its_frameworks(build, tmp_path):
    done, page = build(TABS.format(drawn="bars"), name="lesson-one")
    assert 'href="lesson-one-numpy.ipynb" download>NumPy</a>' in page
    assert (tmp_path / "site" / "lesson-one-mxnet.ipynb").is_file()
    assert "leads nowhere" not in done.stderr


def test_a_report_that_ends_otherwise_than_it_should_fails_the_build(build, tmp_path, monkeypatch):
    monkeypatch.setenv("GATEPARITY_ENVS", str(tmp_path / "none"))
    monkeypatch.setenv("GATEPARITY_TOX", str(tmp_path / "none"))
    done, _ = build("# Title\n", more="_extensions.reports")  # there is no broken.py beside it
    assert done.returncode == 1
    assert "exit code 2, expected 1" in done.stderr
    assert "expected 0" not in done.stderr
    assert (tmp_path / "site" / "report-agrees.html").is_file()


def test_a_command_on_a_page_is_run_and_shows_what_it_printed(build):
    text = "# Title\n\n```{printed}\ngateparity --version\n```\n"
    done, page = build(text, more="_extensions.printed")
    assert done.returncode == 0, done.stderr
    shown = re.sub(r"<[^>]+>", "", page)
    assert "$ gateparity --version" in shown
    assert f"gateparity {importlib.metadata.version('gateparity')}" in shown


def test_a_command_that_fails_fails_the_build_with_its_line(build):
    text = "# Title\n\n```{printed}\ngateparity bench --size larg\n```\n"
    done, _ = build(text, more="_extensions.printed")
    assert done.returncode != 0
    assert "index.md:3: WARNING: gateparity bench --size larg: exit code 2" in done.stderr
    assert "unknown size 'larg'" in done.stderr


def test_a_command_whose_framework_is_not_there_is_not_run(build, tmp_path):
    text = "# Title\n\n```{printed}\ngateparity check -b numpy -b mxnet:layer\n```\n"
    nowhere = {"GATEPARITY_TOX": str(tmp_path), "GATEPARITY_ENVS": str(tmp_path)}
    done, page = build(text, more="_extensions.printed", **nowhere)
    assert done.returncode == 0, done.stderr
    assert "This build did not run it: it has no MXNet." in page
